"""Loads: whole or absent, read back, and a platform's own files checked first."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.errors import CorpusError
from assent.files import file_sha256
from assent.sources.parquet import (
    Counts,
    check_tables,
    from_parquet,
    open_tables,
    write_tables,
)
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import micros

POSTS = {"post"}
T = 1_700_000_000_000_000


def documents(*ids: str) -> list[pa.RecordBatch]:
    return [
        pa.RecordBatch.from_pylist(
            [
                {
                    "document_id": each,
                    "subject_id": "s1",
                    "category": "post",
                    "created_at": T,
                    "text": f"text of {each}",
                    "mentions": ["s2"],
                }
            ],
            schema=DOCUMENTS,
        )
        for each in ids
    ]


def subjects(*ids: str) -> list[pa.RecordBatch]:
    rows = [{"subject_id": each, "country": "DE", "names": [each]} for each in ids]
    return [pa.RecordBatch.from_pylist(rows, schema=SUBJECTS)]


def own(folder: Path, **changes: object) -> tuple[Path, Path]:
    """A platform's own minimal files, with columns changed or (None) left out."""
    columns: dict[str, object] = {
        "document_id": ["d1", "d2"],
        "subject_id": ["s1", None],
        "category": ["post", "post"],
        "created_at": [T, T + 1],
        "text": ["one", "two"],
    } | changes
    kept = {name: column for name, column in columns.items() if column is not None}
    pq.write_table(pa.table(kept), folder / "d.parquet")
    return folder / "d.parquet", own_subjects(folder)


def own_subjects(folder: Path, **changes: object) -> Path:
    columns: dict[str, object] = {"subject_id": ["s1", "s2"], "country": ["DE", None]}
    pq.write_table(pa.table(columns | changes), folder / "s.parquet")
    return folder / "s.parquet"


def loaded(folder: Path) -> Path:
    write_tables(documents("d1", "d2"), subjects("s1", "s2"), folder, "parquet")
    return folder


# --- write and read back


def test_what_is_written_is_read_back(tmp_path):
    counts = write_tables(documents("d1", "d2"), subjects("s1"), tmp_path, "simulated")
    tables = open_tables(tmp_path)

    assert counts == tables.counts == Counts(documents=2, subjects=1)
    assert tables.source == "simulated"
    assert tables.documents_sha256 == file_sha256(tables.documents)
    assert pq.read_table(tables.documents).to_batches()[0].schema == DOCUMENTS
    assert pq.read_table(tables.documents)["document_id"].to_pylist() == ["d1", "d2"]
    assert pq.read_table(tables.subjects)["names"].to_pylist() == [["s1"]]
    tables.check_digests()


def test_an_empty_export_is_a_load_of_nothing(tmp_path):
    assert write_tables([], [], tmp_path, "parquet") == Counts(0, 0)

    tables = open_tables(tmp_path)
    tables.check_digests()
    assert check_tables(tables.documents, tables.subjects, POSTS) == Counts(0, 0)


def test_the_same_rows_make_the_same_bytes(tmp_path):
    first, second = loaded(tmp_path / "a"), loaded(tmp_path / "b")

    assert (first / "tables.json").read_bytes() == (second / "tables.json").read_bytes()


def test_a_finished_load_leaves_three_files(tmp_path):
    names = sorted(path.name for path in loaded(tmp_path).iterdir())

    assert names == ["documents.parquet", "subjects.parquet", "tables.json"]


def test_a_second_load_replaces_the_first(tmp_path):
    loaded(tmp_path)
    write_tables(documents("d9"), subjects("s9"), tmp_path, "simulated")

    assert open_tables(tmp_path).counts == Counts(1, 1)
    assert open_tables(tmp_path).source == "simulated"


def test_an_id_that_stands_twice_is_refused_and_nothing_is_changed(tmp_path):
    loaded(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(CorpusError, match="2 rows of documents repeat a document_id"):
        write_tables(documents("d1", "d2", "d1", "d1"), [], tmp_path, "parquet")
    with pytest.raises(CorpusError, match="such as `s1`"):
        write_tables([], subjects("s1", "s1"), tmp_path, "parquet")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_export_that_breaks_half_way_leaves_no_load(tmp_path):
    def broken():
        yield from documents("d1")
        raise CorpusError("the export broke")

    with pytest.raises(CorpusError, match="broke"):
        write_tables(broken(), subjects("s1"), tmp_path, "parquet")

    assert list(tmp_path.iterdir()) == []


# --- crash at each step


@pytest.mark.parametrize("left", [(), ("subjects",), ("subjects", "documents")])
def test_a_folder_without_the_seal_holds_no_load_whatever_else_it_holds(tmp_path, left):
    loaded(tmp_path)
    (tmp_path / "tables.json").unlink()
    for table in {"subjects", "documents"} - set(left):
        (tmp_path / f"{table}.parquet").rename(tmp_path / f".{table}.parquet.draft")

    with pytest.raises(CorpusError, match="no finished load") as caught:
        open_tables(tmp_path)

    assert "again" in caught.value.hint
    assert open_tables(loaded(tmp_path)).counts == Counts(2, 2)  # loading again heals


def test_drafts_beside_a_finished_load_do_not_disturb_it(tmp_path):
    loaded(tmp_path)
    (tmp_path / ".documents.parquet.draft").write_bytes(b"half")

    open_tables(tmp_path).check_digests()


# --- tampering


@pytest.mark.parametrize("name", ["documents.parquet", "subjects.parquet"])
def test_a_file_that_is_missing_cut_off_or_changed_is_named(tmp_path, name):
    path = loaded(tmp_path) / name
    whole = path.read_bytes()

    path.write_bytes(whole[:-5])
    with pytest.raises(CorpusError, match=name):
        open_tables(tmp_path)
    path.unlink()
    with pytest.raises(CorpusError, match=name):
        open_tables(tmp_path)
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    with pytest.raises(CorpusError, match=f"`{name}` has sha256"):
        open_tables(tmp_path).check_digests()


def test_another_file_with_another_count_is_found_without_hashing(tmp_path):
    loaded(tmp_path / "a")
    write_tables(documents("d1"), subjects("s1"), tmp_path / "b", "parquet")
    (tmp_path / "a" / "documents.parquet").write_bytes(
        (tmp_path / "b" / "documents.parquet").read_bytes()
    )

    with pytest.raises(CorpusError, match="holds 1 rows, but 2 were loaded"):
        open_tables(tmp_path / "a")


@pytest.mark.parametrize(
    "seal", [b"", b"{", b"[]", b"{}", b'{"source":"x","documents":3,"subjects":{}}']
)
def test_a_seal_that_is_no_seal_is_refused(tmp_path, seal):
    (loaded(tmp_path) / "tables.json").write_bytes(seal)

    with pytest.raises(CorpusError, match="cannot be read"):
        open_tables(tmp_path)


def test_the_seal_is_canonical_json_with_the_source(tmp_path):
    seal = json.loads((loaded(tmp_path) / "tables.json").read_text())

    assert seal.keys() == {"v", "source", "documents", "subjects"}
    assert seal["documents"].keys() == {"rows", "sha256"}


# --- a platform's own files


def test_missing_optional_columns_are_filled_with_null(tmp_path):
    counts = from_parquet(*own(tmp_path), tmp_path / "load", POSTS)
    tables = open_tables(tmp_path / "load")

    assert counts == Counts(2, 2)
    assert tables.source == "parquet"
    read = pq.read_table(tables.documents)
    assert read.schema == DOCUMENTS
    assert read["in_reply_to"].to_pylist() == [None, None]
    assert read["subject_id"].to_pylist() == ["s1", None]
    assert pq.read_table(tables.subjects)["birth_year"].to_pylist() == [None, None]


def test_columns_of_other_names_are_left_behind(tmp_path):
    from_parquet(*own(tmp_path, secret=["x", "y"]), tmp_path / "load", POSTS)

    assert pq.read_schema(tmp_path / "load" / "documents.parquet") == DOCUMENTS


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string()]
)
def test_every_way_to_store_strings_is_accepted(tmp_path, kind):
    texts = pa.array(["one", "two"], pa.string()).cast(kind)
    category = pa.array(["post", "post"]).cast(kind)
    mentions = pa.array([["s1"], None], pa.large_list(pa.large_string()))
    paths = own(tmp_path, text=texts, category=category, mentions=mentions)
    from_parquet(*paths, tmp_path / "load", POSTS)

    read = pq.read_table(tmp_path / "load" / "documents.parquet")
    assert read["text"].to_pylist() == ["one", "two"]
    assert read["mentions"].to_pylist() == [["s1"], None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_with_a_time_zone_are_converted(tmp_path, unit):
    moment = datetime(2024, 9, 18, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    times = pa.array([moment, moment], pa.timestamp(unit, tz="Europe/Berlin"))
    from_parquet(*own(tmp_path, created_at=times), tmp_path / "load", POSTS)

    read = pq.read_table(tmp_path / "load" / "documents.parquet")
    assert read["created_at"].to_pylist()[0] == micros(moment)


def test_nanoseconds_are_cut_off_not_refused(tmp_path):
    times = pa.array([T * 1000 + 1, T * 1000 + 999], pa.timestamp("ns", tz="UTC"))
    from_parquet(*own(tmp_path, created_at=times), tmp_path / "load", POSTS)

    read = pq.read_table(tmp_path / "load" / "documents.parquet")
    assert read["created_at"].to_pylist() == [T, T]


def test_a_timestamp_without_a_time_zone_is_refused_with_a_hint(tmp_path):
    times = pa.array([datetime(2024, 9, 18)] * 2, pa.timestamp("us"))

    with pytest.raises(CorpusError, match="created_at") as caught:
        check_tables(*own(tmp_path, created_at=times), POSTS)

    assert "time zone" in caught.value.hint


@pytest.mark.parametrize("factor", [1_000_000, 1_000])
def test_seconds_and_milliseconds_are_not_taken_for_microseconds(tmp_path, factor):
    times = [T // factor, T // factor]

    with pytest.raises(CorpusError, match="wanted microseconds"):
        check_tables(*own(tmp_path, created_at=times), POSTS)


def test_nanoseconds_as_integers_are_not_taken_for_microseconds(tmp_path):
    with pytest.raises(CorpusError, match="2 documents have a created_at outside"):
        check_tables(*own(tmp_path, created_at=[T * 1000, T * 1000]), POSTS)


@pytest.mark.parametrize(
    "name", ["document_id", "subject_id", "category", "created_at", "text"]
)
def test_a_missing_needed_column_is_named(tmp_path, name):
    with pytest.raises(CorpusError, match=f"no column {name}; it has"):
        check_tables(*own(tmp_path, **{name: None}), POSTS)


@pytest.mark.parametrize("name", ["subject_id", "country"])
def test_a_missing_needed_column_of_subjects_is_named(tmp_path, name):
    documents_path, subjects_path = own(tmp_path)
    pq.write_table(pq.read_table(subjects_path).drop([name]), subjects_path)

    with pytest.raises(CorpusError, match=f"no column {name}"):
        check_tables(documents_path, subjects_path, POSTS)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("document_id", [1, 2]),
        ("text", [b"a", b"b"]),
        ("created_at", [1.0, 2.0]),
        ("created_at", pa.array([1, 2], pa.int32())),
        ("created_at", ["2024-09-18", "2024-09-18"]),
        ("mentions", ["s1", "s2"]),
        ("mentions", [[1], [2]]),
    ],
)
def test_a_column_of_another_type_is_refused(tmp_path, name, column):
    with pytest.raises(CorpusError, match=f"column {name} of `d.parquet` is"):
        check_tables(*own(tmp_path, **{name: column}), POSTS)


@pytest.mark.parametrize("name", ["document_id", "category", "created_at", "text"])
def test_a_null_where_a_value_is_needed_is_refused(tmp_path, name):
    column = pq.read_table(own(tmp_path)[0])[name].to_pylist()

    with pytest.raises(CorpusError, match=f"have no {name}"):
        check_tables(*own(tmp_path, **{name: [column[0], None]}), POSTS)


def test_a_null_subject_id_is_refused_among_subjects_only(tmp_path):
    documents_path, _ = own(tmp_path, subject_id=pa.array([None, None], pa.string()))
    assert check_tables(documents_path, own_subjects(tmp_path), POSTS).documents == 2

    subjects_path = own_subjects(tmp_path, subject_id=["s1", None])
    with pytest.raises(CorpusError, match="1 rows of subjects have no subject_id"):
        check_tables(documents_path, subjects_path, POSTS)


def test_duplicates_are_counted_across_batches_and_one_is_named(tmp_path):
    count = 20_000
    ids = [f"d{number}" for number in range(count - 2)] + ["d0", "d1"]
    paths = own(
        tmp_path,
        document_id=ids,
        subject_id=["s1"] * count,
        category=["post"] * count,
        created_at=[T] * count,
        text=["x"] * count,
    )

    with pytest.raises(CorpusError, match=r"2 rows of documents repeat .* `d[01]`"):
        check_tables(*paths, POSTS)


def test_an_undeclared_category_is_named_with_the_declared_ones(tmp_path):
    paths = own(tmp_path, category=["post", "salary"])

    with pytest.raises(CorpusError, match="`salary` is not declared") as caught:
        check_tables(*paths, {"post", "comment"})

    assert "comment, post" in caught.value.message


def test_a_category_that_may_be_somebodys_words_is_only_counted(tmp_path):
    paths = own(tmp_path, category=["My salary is low", "and so is hers"])

    with pytest.raises(CorpusError, match="2 values of category are not") as caught:
        check_tables(*paths, POSTS)

    assert "salary" not in caught.value.message


def test_when_no_category_is_declared_no_document_passes(tmp_path):
    with pytest.raises(CorpusError, match="wanted one of none"):
        check_tables(*own(tmp_path), set())


@pytest.mark.parametrize("country", ["Germany", "de", "UK", "DEU", ""])
def test_a_country_that_no_region_holds_is_refused(tmp_path, country):
    documents_path, _ = own(tmp_path)
    subjects_path = own_subjects(tmp_path, country=["DE", country])

    with pytest.raises(CorpusError, match="ISO 3166-1 alpha-2") as caught:
        check_tables(documents_path, subjects_path, POSTS)

    assert "Germany" not in caught.value.message  # a person's own words may stand there


def test_an_unknown_age_band_or_a_year_that_is_none_is_refused(tmp_path):
    documents_path, _ = own(tmp_path)
    for changes in ({"age_band": ["adult", "old"]}, {"birth_year": [1980, 2**40]}):
        with pytest.raises(CorpusError):
            check_tables(documents_path, own_subjects(tmp_path, **changes), POSTS)


def test_what_is_not_parquet_is_refused_by_name(tmp_path):
    documents_path, subjects_path = own(tmp_path)
    whole = documents_path.read_bytes()
    for content in (
        b"",
        b"PAR1",
        b"document_id,text\n",
        whole[:-9],
        whole[: len(whole) // 2],
    ):
        documents_path.write_bytes(content)
        with pytest.raises(CorpusError, match="`d.parquet` cannot be read as Parquet"):
            check_tables(documents_path, subjects_path, POSTS)
    with pytest.raises(CorpusError, match="`none.parquet` is missing"):
        check_tables(tmp_path / "none.parquet", subjects_path, POSTS)
    with pytest.raises(CorpusError, match="is missing"):
        check_tables(tmp_path, subjects_path, POSTS)


def test_text_that_is_not_utf8_is_refused(tmp_path):
    texts = pa.Array.from_buffers(
        pa.string(), 2, pa.array([b"one", b"\xff\xfe"], pa.binary()).buffers()
    )

    with pytest.raises(CorpusError, match="damaged"):
        check_tables(*own(tmp_path, text=texts), POSTS)


def test_two_columns_of_one_name_are_refused(tmp_path):
    documents_path, subjects_path = own(tmp_path)
    table = pq.read_table(documents_path)
    pq.write_table(table.append_column("text", table["text"]), documents_path)

    with pytest.raises(CorpusError, match="2 columns `text`, wanted one"):
        check_tables(documents_path, subjects_path, POSTS)


def test_a_refused_export_changes_nothing(tmp_path):
    paths = own(tmp_path, category=["post", "salary"])

    with pytest.raises(CorpusError):
        from_parquet(*paths, tmp_path / "load", POSTS)

    assert not (tmp_path / "load").exists()


def test_the_years_that_are_accepted_hold_the_dumps_and_the_case():
    from assent.sources.parquet import EARLIEST, LATEST

    assert micros(datetime(1980, 1, 1, tzinfo=UTC)) == EARLIEST
    assert micros(datetime(2100, 1, 1, tzinfo=UTC)) == LATEST
