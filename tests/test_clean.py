"""Clean bases made here: the same bits twice, trained on, and what is refused."""

import hashlib
import json
from dataclasses import replace
from pydoc_data import topics

import pytest
import torch

from assent.errors import TrainError
from assent.forget.reach import Reach
from assent.forget.repair import replay, train_as_if_never
from assent.train.base import load
from assent.train.clean import HELD, PIECE, Recipe, make_base
from assent.train.component import Base, Shape, digest_of
from assent.train.ensemble import Served
from assent.train.host import seal
from assent.train.loop import train_shard
from assent.train.plan import shard_folder
from small_plan import KEY, PLAN, WORDS, people, shard_documents, without, write_part

pytest_plugins = ("command_line",)

SHAPE = Shape(16, 1, 2)
RECIPE = Recipe(SHAPE, window=32, vocabulary=320, rows=64, learning_rate=0.01)
SIZES = ["--width", 16, "--layers", 1, "--heads", 2, "--window", 32, "--rows", 64]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Fifty pieces of Python's own help: just enough to hold one out."""
    path = tmp_path_factory.mktemp("clean") / "help.txt"
    path.write_text("\n".join(topics.topics.values())[: HELD * PIECE], "utf-8")
    return path


@pytest.fixture(scope="module")
def made(text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "clean"
    return folder, make_base([text], RECIPE, "Python's help, PSF", folder)


def test_the_same_text_and_recipe_give_the_same_files(text, made, tmp_path):
    folder, _ = made
    make_base([text], RECIPE, "Python's help, PSF", tmp_path / "again")
    other = replace(RECIPE, seed=2)
    make_base([text], other, "Python's help, PSF", tmp_path / "other")

    assert digest_of(tmp_path / "again") == digest_of(folder)
    weights = [
        (each / "model.safetensors").read_bytes()
        for each in (folder, tmp_path / "other")
    ]
    assert weights[0] != weights[1]


def test_a_base_has_learned_something_of_its_text(made):
    _, about = made

    assert 0 < about.bits_per_byte < 5  # of 8 that a byte has
    assert about.tokens % RECIPE.window == 0


def test_a_base_says_what_it_has_read(text, made):
    folder, about = made
    said = json.loads((folder / "clean.json").read_text())

    data = text.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    assert said["files"] == [{"name": "help.txt", "sha256": sha256, "bytes": len(data)}]
    assert said["provenance"] == "Python's help, PSF"
    assert said["recipe"]["vocabulary"] == 320
    assert said["recipe"]["shape"] == {"width": 16, "layers": 1, "heads": 2}
    assert said["held_out_bits_per_byte"] == pytest.approx(
        about.bits_per_byte, abs=1e-4
    )


def test_the_held_out_piece_is_read_neither_by_model_nor_tokenizer(
    text, made, tmp_path
):
    folder, about = made
    kept = text.read_text("utf-8")[: (HELD - 1) * PIECE]
    other = tmp_path / "other.txt"
    other.write_text(kept + "q" * PIECE, "utf-8")

    found = make_base([other], RECIPE, "Python's help, PSF", tmp_path / "base")

    assert found.bits_per_byte != about.bits_per_byte
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "base" / name).read_bytes() == (folder / name).read_bytes()


def test_a_base_is_loaded_with_a_tokenizer_that_loses_nothing(made):
    folder, _ = made
    model, tokens = load(folder, digest_of(folder))
    written = "The <bos> object's `__init__`, naïve \u20ac".encode()

    read = tokens.encode(written)

    assert tokens.size == 320
    assert tokens.decode(read) == written
    assert len(read) < len(written)
    assert (tokens.bos, tokens.unsaid) == (318, (318, 319))
    assert model(torch.tensor([read[:32]]))[0].shape == (1, len(read[:32]), 320)


def test_a_vocabulary_of_258_is_the_bytes(text, tmp_path):
    recipe = replace(RECIPE, vocabulary=258)
    about = make_base([text], recipe, "Python's help, PSF", tmp_path / "bytes")

    _, tokens = load(tmp_path / "bytes", digest_of(tmp_path / "bytes"))

    assert tokens.encode("né".encode()) == tuple("né".encode())
    assert (tokens.bos, tokens.size) == (256, 258)
    read = len(text.read_text("utf-8")[: (HELD - 1) * PIECE].encode())
    assert about.tokens == read // 32 * 32


def test_a_shard_that_starts_from_it_is_repaired_to_the_one_that_never_saw_her(
    made, tmp_path
):
    folder, _ = made
    found = Base(digest_of(folder), "Python's help, PSF")
    plan = seal(replace(PLAN, shape=None, base=found), folder)
    examples = shard_documents(plan)
    leaver = people(plan, "eu", 0, 1)[0]
    rest = write_part(tmp_path / "rest.parquet", without(examples, leaver))
    old, new, never = (tmp_path / name for name in ("old", "new", "never"))
    own = shard_folder(old, "eu", 0)
    before = train_shard(plan, KEY, "eu", 0, examples, own, base=folder)

    repaired = replay(plan, KEY, Reach("eu", 0, 1), rest, old, new, folder)

    assert repaired != before
    assert repaired == train_as_if_never(plan, KEY, "eu", 0, rest, never, folder)
    alone = Served(plan, old, {}, folder).bits_per_byte([WORDS])
    assert Served(plan, old, {"eu": [0]}, folder).bits_per_byte([WORDS]) < alone


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"window": 0}, "window of a base is 0, wanted a whole number from 1"),
        ({"rows": 0}, "rows of a base is 0"),
        ({"epochs": 1.5}, "epochs of a base is 1.5"),
        ({"vocabulary": 257}, "vocabulary of a base is 257, wanted 258 to 65,536"),
        ({"vocabulary": 65_537}, "vocabulary of a base is 65537"),
        ({"learning_rate": 0.0}, "learning rate of a base is 0.0, wanted a number"),
        ({"learning_rate": float("nan")}, "learning rate of a base is nan"),
        ({"seed": -1}, "seed of a base is -1"),
    ],
)
def test_a_recipe_outside_of_its_ranges_is_refused(changed, said):
    with pytest.raises(TrainError, match=said):
        replace(RECIPE, **changed)


def test_the_command_makes_a_base_that_can_be_named(assent, text, tmp_path):
    draft = tmp_path / ".making-clean"
    draft.mkdir()
    (draft / "foreign.txt").write_text("left by a run that was cut off")

    said = assent(
        *("base", text, "--out", tmp_path / "clean"),
        *("--provenance", "Python's help, PSF", "--vocabulary", 300, *SIZES),
    )

    assert (said.code, said.errors) == (0, [])
    assert "base `clean`: " in said.out
    assert f"digest {digest_of(tmp_path / 'clean')}" in said.out
    assert not (tmp_path / "clean" / "foreign.txt").exists()
    assert not draft.exists()


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        (b"caf\xe9 " * 40_000, (), "`in.txt` is not UTF-8 from byte 3 on"),
        (b"too little", (), "has 1 pieces of 4,096 characters, wanted 50 at least"),
        (b"", (), "has 0 pieces"),
        (None, (), "the file `in.txt` cannot be read"),
        (b"word " * 50_000, ("--window", 10**6), "does not fill one window"),
        (b"word ", ("--width", 15), "width is not an even number a head"),
        (b"word ", ("--layers", 0), "layers is not a whole number from 1"),
        (b"word ", ("--vocabulary", 100), "vocabulary of a base is 100"),
        (b"word ", ("--provenance", " "), "the provenance is empty"),
    ],
)
def test_what_makes_no_base_is_said_and_nothing_is_left(
    assent, tmp_path, data, options, said
):
    if data is not None:
        (tmp_path / "in.txt").write_bytes(data)
    before = sorted(tmp_path.iterdir())

    found = assent(
        *("base", tmp_path / "in.txt", "--out", tmp_path / "clean"),
        *("--provenance", "nobody's words", *SIZES, *options),
    )

    assert found.code == 2
    assert said in found.err
    assert len(found.errors) == 1
    assert str(tmp_path) not in found.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_is_there_is_not_written_to(assent, text, tmp_path):
    (tmp_path / "clean").mkdir()

    found = assent("base", text, "--out", tmp_path / "clean", "--provenance", "ours")

    assert (found.code, found.errors) == (2, ["error: `clean` is there already"])
    assert list((tmp_path / "clean").iterdir()) == []
