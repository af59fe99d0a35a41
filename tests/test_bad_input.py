"""Plans, checkpoints, bases and corpora that are not the ones that were logged."""

import shutil
from contextlib import contextmanager

import pytest

from assent.train.base import load
from assent.train.host import _golden
from small_base import write_base
from small_project import (
    CONFIG,
    corpus_of,
    digests,
    model_of,
    opened,
    recorded,
    somebody,
    trained,
)
from test_base_project import BASE, SIZES

pytest_plugins = ("toy_projects", "command_line")


@contextmanager
def flipped(path):
    """Flip one bit in the middle of a file, and put it right again."""
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :])
    yield
    path.write_bytes(data)


def withdrawn(folder, group="us", slice_index=1):
    with opened(folder, 1) as project:
        who = somebody(project, group, slice_index)
        project.record("withdrawn", [who])
        return who


COMMANDS = (["ask", "hello"], ["forget"], ["train"], ["export", "us"], ["gate"])


def test_a_plan_that_was_edited_after_it_was_sealed_is_refused(toy, refuses):
    withdrawn(toy)
    with opened(toy) as project:
        plan = project.place.served_model()["plan"]
    path = toy / "objects" / plan
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":2'))

    for arguments in (*COMMANDS, ["audit", "corpus"], ["status"]):
        refuses(toy, *arguments, found="which the ledger names, is", hint="backup")


@pytest.mark.parametrize(("shard", "index"), [("us.000", 1), ("de-fr.000", 3)])
def test_a_checkpoint_with_a_flipped_bit_is_refused(toy, refuses, shard, index):
    withdrawn(toy)
    (model,) = (toy / "models").iterdir()
    # The state that is replayed from, and one that is carried over.
    with flipped(model / shard / f"slice-{index}.safetensors"):
        refuses(toy, "forget", found="is damaged", hint="train this shard again")
    with opened(toy, 2) as project:
        assert project.forget().documents == 3


def test_a_base_that_was_changed_is_refused_by_every_command(tmp_path, refuses):
    folder = tmp_path / "toy"
    recorded(folder, config=CONFIG.replace(SIZES, "") + BASE)
    base = write_base(folder / "bases/clean", "gpt2")
    with opened(folder) as project:
        project.build()
        project.train()
    withdrawn(folder, "de-fr")
    with (base / "config.json").open("a") as config:
        config.write(" ")

    for arguments in (["ask", "hello"], ["forget"], ["export", "us"]):
        in_a_new_process()
        refuses(folder, *arguments, found="has the digest")
    shutil.rmtree(base)
    for arguments in (["ask", "hello"], ["forget"], ["export", "us"]):
        in_a_new_process()
        refuses(folder, *arguments, found="cannot be read", hint="give a folder")


def in_a_new_process():
    """Forget what a process reads once and keeps."""
    load.cache_clear()
    _golden.cache_clear()


def test_a_corpus_of_another_plan_is_refused(fresh_corpus, tmp_path, refuses):
    other = tmp_path / "other"
    recorded(other)
    text = (other / "assent.toml").read_text()
    (other / "assent.toml").write_text(text.replace("seed = 1", "seed = 2"))
    with opened(other) as project:
        project.build()
    (mine,), (theirs,) = (
        list((f / "corpora").iterdir()) for f in (fresh_corpus, other)
    )
    shutil.rmtree(mine)
    shutil.copytree(theirs, mine)

    for arguments in (
        ["train"],
        ["audit", "corpus"],
    ):
        refuses(fresh_corpus, *arguments, found="is not the one that the ledger names")
    shutil.copytree(theirs, mine.with_name(theirs.name))
    refuses(fresh_corpus, "audit", "corpus", theirs.name, found="is logged")


def test_a_part_of_another_plan_is_not_trained_on(fresh_corpus, tmp_path, refuses):
    (mine,) = (fresh_corpus / "corpora").iterdir()
    shutil.copyfile(mine / "parts/de-fr/0.parquet", mine / "parts/us/0.parquet")

    refuses(fresh_corpus, "train", found="has the sha256", hint="must never train")


def test_who_withdraws_twice_is_forgotten_once(toy, assent):
    who = withdrawn(toy)
    said = assent("--project", toy, "record", "withdrawn", who)
    assert said.code == 0
    done = assent("--project", toy, "forget")
    assert "forget set: 3 documents of 1 people" in done.out
    with opened(toy, 2) as project:
        model, corpus = model_of(project), corpus_of(project)
        assert who not in trained(project)
    assert assent("--project", toy, "record", "withdrawn", who).code == 0
    before = digests(toy)
    again = assent("--project", toy, "forget")

    assert again.code == 0
    assert again.out == f"model {model}: everything in it is permitted; nothing to do\n"
    assert digests(toy) == before
    with opened(toy, 3) as project:
        assert corpus_of(project) == corpus
        assert len(project.place.book.events_of(who)) == 5
