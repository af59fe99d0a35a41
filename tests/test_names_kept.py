"""Anna's post keeps Ben's name because he agreed, and loses it when he does not."""

import shutil

import pyarrow.parquet as pq
import pytest

from assent.corpus.manifest import ERASED
from assent.errors import DeniedError
from small_names import KEEP, project, table_of, texts_of
from small_project import (
    StopAt,
    StoppedError,
    corpus_of,
    leftovers,
    opened,
    trained,
)

TEXTS = {
    "u01-0": "I walked with Ben Berg along the river, and with Cleo Marsh.",
    "u01-1": "Nobody was there on that day, only the river and some ducks.",
    "u02-0": "The river was high in spring, and I like to swim in it anyway.",
    "u03-0": "We met at the river, all of us; Anna Lee had brought some cake.",
    "u04-0": "There are many rivers in this country, and this one is not long.",
    "u07-0": "Far away from there I read what Ben Berg wrote about the river.",
    "u08-0": "Rivers are long, and there are few of them where I am at home.",
}
BENS = ("u02", "u04")


def agree(there, *people):
    for who in people:
        notice = there.place.folder / "notices/2025.en.md"
        there.record("given", subjects=[who], category="name", notice=notice)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("named") / "toy"
    project(folder, TEXTS, KEEP)
    return folder


@pytest.fixture(scope="module")
def served(made, tmp_path_factory):
    """Both Bens agreed; a model is trained and served."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("served") / "toy")
    with opened(folder) as there:
        agree(there, *BENS)
        there.build()
        there.train()
    return folder


@pytest.fixture
def toy(served, tmp_path):
    return shutil.copytree(served, tmp_path / "toy")


def rows(there, name):
    return [tuple(row.values()) for row in table_of(there, name)]


def built(made, folder, *agreed):
    """Build a corpus in a copy where just these agreed: its texts and mentions."""
    shutil.copytree(made, folder)
    with opened(folder) as there:
        agree(there, *agreed)
        there.build()
        return texts_of(there), rows(there, "mentions.parquet")


def test_a_name_is_kept_once_both_who_bear_it_agreed(made, tmp_path):
    without, none = built(made, tmp_path / "none")
    half, still = built(made, tmp_path / "half", "u02")
    both, edges = built(made, tmp_path / "both", *BENS)

    assert "with [name] along the river, and with [name]." in without["u01-0"]
    assert half == without
    assert none == still == []
    assert "with Ben Berg along the river, and with [name]." in both["u01-0"]
    assert "what Ben Berg wrote" in both["u07-0"]
    assert {key for key in both if both[key] != without[key]} == {"u01-0", "u07-0"}
    assert edges == [
        (document, who, "named") for document in ("u01-0", "u07-0") for who in BENS
    ]


def test_a_yes_to_everything_that_is_no_consent_keeps_no_name(made, tmp_path):
    # Legitimate interests allow the posts of both; only consent keeps a name.
    texts, _ = built(made, tmp_path / "none")

    assert "Ben Berg" not in "".join(texts.values())


def test_when_ben_withdraws_his_name_the_repair_is_as_if_he_had_not_agreed(
    toy, made, tmp_path
):
    with opened(toy, 1) as there:
        before = trained(there)
        there.record("withdrawn", subjects=["u04"], category="name")
        standing = there.status()["quarantined"]
        repaired = there.forget(oracle=True)
        texts, edges = texts_of(there), rows(there, "mentions.parquet")
        kept = trained(there)

    places = {(before[who].group, before[who].shard) for who in ("u01", "u07")}
    assert standing == ", ".join(f"{group}/{n}" for group, n in sorted(places))
    assert repaired.bit_identical is True
    assert (repaired.documents, repaired.renamed, repaired.unnamed) == (0, 2, 1)
    assert kept == before  # no document went, only a name
    without, none = built(made, tmp_path / "none")
    assert texts == without
    assert edges == none == []
    assert leftovers(toy) == []


def tables_of(there):
    """Read all tables of a corpus; only slices depend on the key of its plan."""
    folder = there.place.corpus_folder(corpus_of(there))
    found = {}
    for path in sorted(folder.rglob("*.parquet")):
        table = pq.ParquetFile(path).read()
        kept = [name for name in table.column_names if name != "slice"]
        if path.name != "consent.parquet":  # what was known of people differs
            found[path.relative_to(folder).as_posix()] = table.select(kept)
    return found


def test_the_repaired_corpus_says_what_a_build_without_his_agreement_says(
    toy, made, tmp_path
):
    with opened(toy, 1) as there:
        there.record("withdrawn", subjects=["u02"], category="name")
        there.forget()
        repaired = tables_of(there)
    built(made, tmp_path / "none")
    with opened(tmp_path / "none") as there:
        never = tables_of(there)

    assert len(never) > 5
    assert repaired == never


def test_a_corpus_that_still_names_him_is_not_trained_on(made, tmp_path):
    built(made, tmp_path / "toy", *BENS)
    with opened(tmp_path / "toy", 1) as there:
        there.record("withdrawn", subjects=["u02"], category="name")

        with pytest.raises(DeniedError) as caught:
            there.train()
    assert "2 documents" in caught.value.message
    assert "name_not_agreed" in caught.value.message


def test_what_still_names_him_is_not_handed_over(toy):
    with opened(toy, 1) as there:
        corpus = corpus_of(there)
        there.record("withdrawn", subjects=["u02"], category="name")
        there.share(corpus, "ourselves", toy.parent / "shared")
        parts = sorted((toy.parent / "shared").glob("parts/*/*.parquet"))
        texts = [t for p in parts for t in pq.read_table(p)["text"].to_pylist()]
    assert texts
    assert "Ben Berg" not in "".join(texts)


def test_who_has_the_texts_already_is_told_which_must_go_also_after_the_repair(toy):
    with opened(toy, 1) as there:
        old = corpus_of(there)
        there.share(old, "ourselves", toy.parent / "shared")
        there.record("withdrawn", subjects=["u02"], category="name")
        there.forget()
        assert (there.place.corpus_folder(old) / ERASED).exists()
        passed = there.pass_on(toy.parent / "changes")

    [change] = passed.changes
    assert change["documents"] == 2


def test_ben_cannot_be_erased_while_a_text_of_others_names_him(toy, tmp_path):
    with opened(toy, 1) as there:
        there.record("erased", subjects=["u02"])
        todo = there.erase("u02", tmp_path / "out").todo
        assert [each for each in todo if "name" in each]
        there.forget()
        assert "Ben Berg" not in "".join(texts_of(there).values())
        assert there.erase("u02", tmp_path / "out").todo == ()
    held = [path for path in toy.rglob("*.parquet") if "corpora" in path.parts]
    tables = [str(pq.ParquetFile(path).read().to_pylist()) for path in held]
    assert tables
    assert [text for text in tables if "'u02'" in text] == []


def test_a_repair_that_is_cut_off_goes_on_with_the_same_names(toy, made, tmp_path):
    with opened(toy, 1) as there:
        there.record("withdrawn", subjects=["u02"], category="name")
        with pytest.raises(StoppedError):
            there.forget(progress=StopAt("parts written"))
    with opened(toy, 2) as there:
        there.forget()
        texts = texts_of(there)

    assert texts == built(made, tmp_path / "none")[0]
    assert leftovers(toy) == []


def test_a_build_that_was_cut_off_keeps_no_name_that_was_withdrawn_meanwhile(
    made, tmp_path
):
    folder = shutil.copytree(made, tmp_path / "toy")
    with opened(folder) as there:
        agree(there, *BENS)
        with pytest.raises(StoppedError):
            there.build(StopAt("parts written"))
    with opened(folder, 1) as there:
        there.record("withdrawn", subjects=["u02"], category="name")
        there.build()

        assert "Ben Berg" not in "".join(texts_of(there).values())
    assert leftovers(folder) == []
