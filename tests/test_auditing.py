"""The audit of redaction, on a toy project's own corpus."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from assent.canon import canonical, sha256
from assent.errors import CorpusError, UsageError
from assent.project.auditing import FIGURES, PAGE, SHEET, Options
from assent.project.drawing import Stratum, draw, drawn, quotas
from assent.redact.planted import GROUPS
from assent.redact.spans import Kind
from small_names import project
from small_project import SECRET_WORDS, corpus_of, digests, opened, refused

pytest_plugins = ("toy_projects", "command_line")

FEW = Options(each=12, sample=8)


@pytest.fixture(scope="module")
def built(recorded_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited") / "toy"
    shutil.copytree(recorded_once, folder)
    with opened(folder) as project:
        project.build()
    return folder


@pytest.fixture(scope="module")
def audited(built, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with opened(built, 1) as project:
        return project.audit_redaction(corpus_of(project), out, FEW), out


def again(built, out, **options):
    with opened(built, 1) as project:
        asked = Options(**({"each": 2} | options))
        return project.audit_redaction(corpus_of(project), out, asked)


def filled(sheet, judge):
    """Fill a sheet in: `judge` gives the verdict of each row."""
    lines = list(csv.reader(io.StringIO(sheet.decode("utf-8-sig"), newline="")))
    out = io.StringIO()
    writer = csv.writer(out)
    for line in lines:
        if line[0].isdigit():
            line[4] = judge(line)
        writer.writerow(line)
    return out.getvalue().encode()


def all_right(line):
    return "right" if line[2] != "0" else "none"


def reviewed(tmp_path, built, audited, judge):
    path = tmp_path / "filled.csv"
    path.write_bytes(filled((audited[1] / SHEET).read_bytes(), judge))
    return again(built, tmp_path / "out", review=path)


# -- planted ---------------------------------------------------------------------------


def test_every_kind_has_recall_with_an_interval_and_listed_names_are_found(audited):
    figures = audited[0].figures
    rows = {row["name"]: row for row in figures["recall"]["by_kind"]}

    assert tuple(rows) == GROUPS
    for row in rows.values():
        for column in ("as_written", "disguised"):
            found = row[column]
            assert found["total"] == 12
            assert 0 <= found["low"] <= found["share"] <= found["high"] <= 1
    assert rows["name"]["as_written"]["share"] == 1
    assert rows["name of one who left"]["as_written"]["share"] == 1
    assert rows["name"]["as_written"]["low"] == pytest.approx(0.025 ** (1 / 12), 1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    built, audited, tmp_path
):
    first = {name: (audited[1] / name).read_bytes() for name in (PAGE, FIGURES, SHEET)}
    again(built, tmp_path / "a", each=12, sample=8)
    again(built, tmp_path / "b", each=12, sample=8, seed=2)

    for name, data in first.items():
        assert (tmp_path / "a" / name).read_bytes() == data
        assert (tmp_path / "b" / name).read_bytes() != data


def test_the_file_holds_the_figures_and_the_digest_is_of_its_bytes(audited):
    done, out = audited
    data = (out / FIGURES).read_bytes()

    assert json.loads(data) == done.figures
    assert (canonical(done.figures), sha256(data)) == (data, done.digest)
    assert done.digest in "\n".join(done.lines())


def test_the_project_is_left_as_it_was(built, tmp_path):
    before = digests(built)
    again(built, tmp_path)

    assert digests(built) == before


def test_in_a_corpus_of_this_release_nothing_is_found_again(audited):
    again = audited[0].figures["again"]

    assert again == {"documents": 30, "found": {}, "kept_by_policy": []}


def test_a_corpus_with_pseudonyms_is_read_with_its_own_settings(tmp_path):
    text = "Anna Lee asked Ben Berg, and anna@mail.example, and Anna Lee said no"
    project(tmp_path / "toy", {"u01-1": text}, '[redact]\nstyle = "corpus"\n')
    with opened(tmp_path / "toy") as open_one:
        open_one.build()
    figures = again(tmp_path / "toy", tmp_path / "out").figures
    rows = {row["name"]: row for row in figures["removed"]["sample"]["by_kind"]}

    assert figures["again"]["found"] == {}
    assert figures["removed"]["sample"]["documents"] == 1
    assert rows["name"]["replaced"] == 3
    assert rows["name"]["share"] == pytest.approx(24 / len(text), abs=1e-6)
    recall = {row["name"]: row["as_written"] for row in figures["recall"]["by_kind"]}
    assert recall["name"]["share"] == 1


def test_the_share_removed_is_that_of_the_manifest_and_adds_up(built, audited):
    removed = audited[0].figures["removed"]
    with opened(built, 1) as project:
        manifest = project.place.corpus_folder(corpus_of(project)) / "manifest.json"
    section = json.loads(manifest.read_bytes())["assent:build"]

    assert removed["share"] == section["share_removed"] > 0
    rows = {row["name"]: row for row in removed["sample"]["by_kind"]}
    assert removed["sample"]["documents"] == 30
    assert rows["name"]["replaced"] == rows["email"]["replaced"] == 30
    # Every document is in the sample, so its kinds make up what is gone.
    kinds = sum(row["share"] for row in rows.values())
    assert kinds == pytest.approx(removed["share"], abs=1e-5)  # rounded one by one
    assert {row["name"] for row in removed["by_category"]} == {"post", "comment"}


def test_what_remains_follows_from_what_was_replaced_and_missed(audited):
    rows = {row["name"]: row for row in audited[0].figures["residual"]}
    found = audited[0].figures["recall"]["by_kind"]
    name = next(row["as_written"] for row in found if row["name"] == "name")
    remain = rows["name"]["as_written"]

    assert (remain["remain"], remain["remain_low"]) == (0, 0)
    # Of thirty that were found, more may remain than the worst recall alone says.
    assert remain["remain_high"] > 30 * (1 - name["low"]) / name["low"]
    assert remain["missed_at_most"] == round(1 - name["low"], 6)
    # Cards were not found at all: so many could have been missed by this recall.
    card = rows["card"]["as_written"]
    assert rows["card"]["replaced"] == card["remain"] == 0
    missed, most = card["missed_at_most"], card["remain_high"]
    assert missed**most >= 0.025 > missed ** (most + 1)


# -- nobody's words --------------------------------------------------------------------


def test_neither_page_nor_figures_hold_a_word_that_anybody_wrote(audited):
    for name in (PAGE, FIGURES):
        text = (audited[1] / name).read_text("utf-8")
        assert "Person Number" not in text
        assert "people.example" not in text
        assert not any(word in text for word in SECRET_WORDS.split())
        assert re.search(r"\bu0\d\b", text) is None


def test_shapes_of_what_people_wrote_are_shown_where_several_look_alike(audited):
    shapes = {x["name"]: x["shapes"] for x in audited[0].figures["removed"]["shapes"]}

    assert shapes == {"email": ["a99@aaaaaa.aaaaaaa"], "name": ["Aaaaaa Aaaaaaa99"]}


def test_the_sheet_is_for_its_owner_alone_and_says_that_it_is_personal(audited):
    path = audited[1] / SHEET

    assert path.stat().st_mode & 0o777 == 0o600
    assert "PERSONAL DATA" in path.read_text("utf-8-sig").splitlines()[1]
    assert SECRET_WORDS in path.read_text("utf-8-sig")


# -- the page --------------------------------------------------------------------------


def test_the_page_loads_nothing_and_shows_the_figures(audited):
    page = (audited[1] / PAGE).read_text("utf-8")

    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    found = audited[0].figures["recall"]["by_kind"][3]["as_written"]
    ends = f"{100 * found['low']:.1f} to {100 * found['high']:.1f}"
    assert ends in page
    assert "not the forms that people invent" in page
    assert page.count("<svg") == 6


# -- floors ----------------------------------------------------------------------------


def test_a_floor_is_missed_by_the_lower_end_of_an_interval(built, tmp_path):
    done = again(built, tmp_path, each=12, floor=0.7, floor_disguised=0.7)

    [plain, disguised] = done.figures["floors"]
    assert "name" not in plain["below"]
    assert "card" in disguised["below"]
    assert done.below["0.7 (disguised)"] == disguised["below"]


def test_a_floor_that_cannot_be_shown_is_refused_with_what_it_takes(built):
    error = refused(
        built, UsageError, "cannot show", lambda p: audit_of(p, each=12, floor=0.95)
    )

    assert error.hint == "plant more: `--each 72`"


def audit_of(project, **options):
    out = project.place.folder.parent / "refused"
    assert not out.exists()
    try:
        return project.audit_redaction(corpus_of(project), out, Options(**options))
    finally:
        assert not out.exists()  # nothing half-written


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"floor": 1.0}, "between 0 and 1"),
        ({"floor": float("nan")}, "between 0 and 1"),
        ({"each": 0}, "wanted 1 to 100,000"),
        ({"sample": -1}, "sample of -1"),
        ({"seed": -1}, "seed is -1"),
        ({"sample": 5, "review": Path("x.csv")}, "not both"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(built, options, match):
    refused(built, UsageError, match, lambda project: audit_of(project, **options))


@pytest.mark.parametrize(
    "name", ["corpus-0123456789abcdef", "../secrets", "", "x" * 99]
)
def test_a_corpus_that_is_not_there_is_refused(built, tmp_path, name):
    def audit(project):
        project.audit_redaction(name, tmp_path / "out", Options(each=2))

    refused(built, UsageError, "no such corpus", audit)


def test_a_changed_part_and_a_lost_directory_are_refused(fresh_corpus, tmp_path):
    [directory] = (fresh_corpus / "secrets/directories").iterdir()
    directory.rename(tmp_path / "directory")
    refused(fresh_corpus, CorpusError, "is gone", lambda p: audit_of(p, each=2))
    (tmp_path / "directory").rename(directory)
    part = next(fresh_corpus.glob("corpora/*/parts/*/*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    refused(fresh_corpus, CorpusError, "sha256", lambda p: audit_of(p, each=2))


# -- the review ------------------------------------------------------------------------


def test_a_sheet_where_all_is_right_gives_full_recall_and_precision(
    tmp_path, built, audited
):
    review = reviewed(tmp_path, built, audited, all_right).figures["review"]
    rows = {row["name"]: row for row in review["by_kind"]}

    assert review["documents"] == 8
    assert rows["name"]["recall"]["share"] == rows["name"]["precision"]["share"] == 1
    assert rows["name"]["recall"]["total"] == 8
    assert rows["name"]["remain"] == 0
    assert rows["phone"]["recall"]["share"] is None
    assert sum(each["drawn"] for each in review["strata"]) == 8


def test_what_a_reviewer_misses_and_rejects_is_counted(tmp_path, built, audited):
    def judge(line):
        if line[2] == "0":
            return "Phone, phone" if line[0] == "1" else " none "
        return "wrong" if line[3] == "email" else "right"

    review = reviewed(tmp_path, built, audited, judge).figures["review"]
    rows = {row["name"]: row for row in review["by_kind"]}

    assert (rows["email"]["precision"]["found"], rows["email"]["recall"]["total"]) == (
        0,
        0,
    )
    assert rows["phone"]["recall"]["share"] == 0
    assert rows["phone"]["recall"]["total"] == 2
    assert rows["phone"]["remain"] is None
    page = (tmp_path / "out" / PAGE).read_text("utf-8")
    assert "A reviewer read 8 documents" in page


def test_semicolons_of_another_countrys_spreadsheet_are_read(tmp_path, built, audited):
    data = filled((audited[1] / SHEET).read_bytes(), all_right).decode()
    path = tmp_path / "filled.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out, delimiter=";")
        writer.writerows(csv.reader(io.StringIO(data, newline="")))

    assert (
        again(built, tmp_path / "out", review=path).figures["review"]["documents"] == 8
    )


@pytest.mark.parametrize(
    ("judge", "match"),
    [
        (lambda line: "", "24 of 24 rows have no verdict"),
        (lambda line: "" if line[0] == "7" else all_right(line), "first is row 7"),
        (lambda line: "maybe", "verdict of row 1 is not one of these"),
        (lambda line: "none", "verdict of row 2 is not one of these"),
        (lambda line: "name none" if line[2] == "0" else "right", "verdict of row 1"),
    ],
)
def test_a_sheet_that_is_not_filled_in_well_is_refused(
    tmp_path, built, audited, judge, match
):
    path = tmp_path / "filled.csv"
    path.write_bytes(filled((audited[1] / SHEET).read_bytes(), judge))

    refused(built, UsageError, match, lambda p: audit_of(p, each=2, review=path))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("seed 1,", "seed 2,", "with seed 2"),
        ("documents 8", "documents 7", "has 24 rows, wanted 21"),
        ("corpus-", "corpus-0", "no review sheet"),
        (",1,name,", ",1,phone,", "row 2 of"),
        ("assent redaction", "another redaction", "no review sheet"),
        ("row,document", "line,document", "no review sheet"),
    ],
)
def test_a_sheet_that_was_changed_or_is_foreign_is_refused(
    tmp_path, built, audited, old, new, match
):
    data = filled((audited[1] / SHEET).read_bytes(), all_right).decode()
    assert old in data
    path = tmp_path / "filled.csv"
    path.write_text(data.replace(old, new, 1))

    refused(built, UsageError, match, lambda p: audit_of(p, each=2, review=path))


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"row,document\n", b'"\n', b"\0" * 50]
)
def test_a_file_that_is_no_sheet_is_refused(tmp_path, built, data):
    path = tmp_path / "other.csv"
    path.write_bytes(data)

    refused(built, UsageError, "no review", lambda p: audit_of(p, each=2, review=path))


def test_a_sheet_is_never_written_over_another(built, audited):
    before = (audited[1] / SHEET).read_bytes()
    with pytest.raises(UsageError, match="already"):
        again(built, audited[1], sample=3)

    assert (audited[1] / SHEET).read_bytes() == before


def test_no_sheet_is_left_in_a_project_where_an_erasure_would_not_find_it(built):
    def audit(project):
        out = project.place.folder / "audit"
        project.audit_redaction(corpus_of(project), out, Options(each=2, sample=3))

    refused(built, UsageError, "inside the project", audit)


# -- the draw --------------------------------------------------------------------------


def test_strata_get_equal_parts_and_what_a_small_one_lacks_the_others_get():
    sizes = {Stratum("a", "post", True): 2, Stratum("a", "post", False): 90}
    sizes[Stratum("b", "post", True)] = 50

    assert list(quotas(sizes, 20).values()) == [9, 2, 9]
    assert sum(quotas(sizes, 1000).values()) == 142
    assert quotas(sizes, 0) == quotas({}, 5) == {}


def test_a_larger_sample_holds_the_smaller_one(built):
    with opened(built, 1) as project:
        folder = project.place.corpus_folder(corpus_of(project))
        from assent.corpus.manifest import read_manifest

        manifest = read_manifest(folder)
        small, large = (draw(folder, manifest, 1, n, n) for n in (5, 20))
        table = project.place.tables().documents
        documents = drawn(folder, manifest, table, small.evenly)

    assert large.evenly[:5] == small.evenly
    assert [each.document_id for each in documents] == small.evenly
    assert all(SECRET_WORDS in (each.original or "") for each in documents)
    assert sum(large.sizes.values()) == 30
    assert sum(map(len, small.strata.values())) == 5


# -- the command -----------------------------------------------------------------------


def test_the_command_says_recall_and_digest_and_exits_1_below_a_floor(
    assent, built, tmp_path
):
    with opened(built, 1) as project:
        corpus = corpus_of(project)
    ask = ("--project", built, "audit", "redaction", corpus, "--out", tmp_path / "out")
    said = assent(*ask, "--each", 12, "--floor-disguised", 0.7)

    assert said.code == 1
    assert "below the floor of 0.7 (disguised)" in said.out
    assert sha256((tmp_path / "out" / FIGURES).read_bytes()) in said.out
    assert said.errors == []
    assert assent(*ask, "--each", 2).code == 0


def test_the_command_refuses_what_it_cannot_do(refuses, fresh_corpus, tmp_path):
    ask = ("audit", "redaction", "corpus-0123456789abcdef", "--out", tmp_path / "out")
    refuses(fresh_corpus, *ask, found="no such corpus", hint="assent status")

    assert not (tmp_path / "out").exists()


def test_every_kind_has_a_word_in_a_verdict():
    from assent.project.reviewing import RIGHT, WRONG

    assert not {RIGHT, WRONG, "none"} & set(Kind)
