"""What was changed behind the project's back is refused, and nothing is written."""

import shutil

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assent.errors import (
    CorpusError,
    LedgerError,
    TrainError,
)
from assent.terms import EventKind
from small_project import (
    digests,
    opened,
    recorded,
    refused,
)

pytest_plugins = ("toy_projects",)


def test_a_person_who_is_left_out_of_the_commitment_is_missed(toy):
    (path,) = toy.glob("corpora/*/commitment.parquet")
    rows = pq.read_table(path)
    pq.write_table(rows.filter(pc.field("subject_id") != "u01"), path)

    for action in (lambda p: p.ask("x"), lambda p: p.forget()):
        refused(toy, CorpusError, "commitment.parquet", action)


def test_a_manifest_that_the_ledger_does_not_name_is_refused(toy, fresh):
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"])
        project.build()
    (other,) = (fresh / "corpora").iterdir()
    (mine,) = (toy / "corpora").iterdir()
    shutil.rmtree(mine)
    shutil.copytree(other, mine)

    refused(toy, CorpusError, "not the one that the ledger names", lambda p: p.ask("x"))


def test_the_checkpoints_of_another_model_are_not_served(toy, tmp_path):
    old = shutil.copytree(toy / "models", tmp_path / "models")
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        project.forget()
    (before,), (after,) = old.iterdir(), (toy / "models").iterdir()
    shard = after / "us.000"
    shutil.rmtree(shard)
    shutil.copytree(before / "us.000", shard)

    refused(toy, TrainError, "was logged with", lambda project: project.ask("x"), 2)
    shutil.copyfile(before / "model.json", after / "model.json")
    refused(toy, TrainError, "the ledger says", lambda project: project.ask("x"), 2)
    refused(toy, TrainError, "the ledger says", lambda project: project.forget(), 2)


def test_a_model_of_another_plan_is_not_served(toy, tmp_path):
    other = tmp_path / "other" / "toy"
    recorded(other)
    text = (other / "assent.toml").read_text()
    (other / "assent.toml").write_text(text.replace("seed = 1", "seed = 2"))
    with opened(other) as project:
        project.build()
        project.train()
    (mine,), (theirs,) = (toy / "models").iterdir(), (other / "models").iterdir()
    shutil.rmtree(mine / "us.000")
    shutil.copytree(theirs / "us.000", mine / "us.000")

    refused(toy, TrainError, "was logged with", lambda project: project.ask("x"))


def test_a_plan_that_was_changed_is_refused(toy):
    with opened(toy) as project:
        event = next(project.place.events_of(EventKind.PLAN_SEALED))
    path = toy / "objects" / event.body["sha256"]
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":2'))

    refused(toy, LedgerError, "missing or changed", lambda project: project.ask("x"))


def test_a_lost_key_is_named_and_not_drawn_again(toy):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u01"])
    (toy / "secrets/plan-1.key").unlink()
    refused(toy, LedgerError, "key `plan-1` is missing", lambda p: p.forget(), 2)

    (toy / "secrets/signing.key").unlink()
    before = digests(toy)
    with pytest.raises(LedgerError, match="`signing` is missing"), opened(toy):
        pass
    assert digests(toy) == before


def test_a_host_of_another_class_is_refused_before_anything_is_written(
    toy, monkeypatch
):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u01"])
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")

    refused(toy, TrainError, "cannot reproduce", lambda project: project.forget(), 2)
