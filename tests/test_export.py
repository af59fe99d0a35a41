"""A platform's own Parquet files, or folders of parts, are checked before a load."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.errors import CorpusError
from assent.sources.export import EARLIEST, LATEST, check_tables, from_parquet
from assent.sources.parquet import Counts, open_tables
from assent.sources.schema import DOCUMENTS
from assent.terms import micros

POSTS = {"post"}
T = 1_700_000_000_000_000


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
    assert micros(datetime(1980, 1, 1, tzinfo=UTC)) == EARLIEST
    assert micros(datetime(2100, 1, 1, tzinfo=UTC)) == LATEST


# --- residences ----------------------------------------------------------------------

RESIDENCES = pa.list_(pa.struct([("country", pa.string()), ("valid_from", pa.int64())]))


def residing(*history, kind=RESIDENCES):
    """One subject with a history, one of whom none is known."""
    names = ("country", "valid_from")
    rows = [dict(zip(names, each, strict=True)) for each in history]
    return pa.array([rows, None], kind)


def timed(unit, zone="UTC"):
    time = pa.timestamp(unit, tz=zone)
    return pa.list_(pa.struct([("country", pa.string()), ("valid_from", time)]))


def read_residences(folder, column):
    documents_path, _ = own(folder)
    subjects_path = own_subjects(folder, residences=column)
    from_parquet(documents_path, subjects_path, folder / "load", POSTS)
    return pq.read_table(folder / "load" / "subjects.parquet")["residences"].to_pylist()


def test_a_history_of_residence_is_read_back(tmp_path):
    column = residing(("DE", T), (None, T + 1))  # null: moved to an unknown place

    assert read_residences(tmp_path, column) == [
        [
            {"country": "DE", "valid_from": T},
            {"country": None, "valid_from": T + 1},
        ],
        None,
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_residence_with_a_zone_are_converted(tmp_path, unit):
    moment = datetime(2024, 9, 18, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    column = residing(("DE", moment), kind=timed(unit, "Europe/Berlin"))
    [[row], none] = read_residences(tmp_path, column)

    assert (row["valid_from"], none) == (micros(moment), None)


def test_a_large_list_of_a_slice_keeps_each_history_with_its_person(tmp_path):
    large = pa.large_list(RESIDENCES.value_type)
    rows = [[{"country": "FR", "valid_from": T}], [{"country": "DE", "valid_from": T}]]
    column = pa.array([None, *rows], large).slice(1)

    found = read_residences(tmp_path, column)
    assert [each[0]["country"] for each in found] == ["FR", "DE"]


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (residing(("DE", None)), "1 residences have no valid_from"),
        (pa.array([[None], []], RESIDENCES), "1 residences have no valid_from"),
        (residing(("UK", T)), "1 values of residences.country are unknown.*ISO 3166"),
        (residing(("de", T), ("Germany", T)), "2 values of residences.country"),
        (residing(("DE", T // 1_000_000)), "1 residences have a valid_from outside"),
        (residing(("DE", T * 1000)), "1 residences have a valid_from outside"),
        (residing(("DE", EARLIEST - 1)), "outside 1980-01-01T00:00:00Z"),
        (residing(("DE", LATEST)), "to 2100-01-01T00:00:00Z"),
        (["DE", "FR"], "column residences of `s.parquet` is string"),
        ([["DE"], []], "column residences of `s.parquet` is list"),
        (pa.array([[{"country": "DE"}], []]), "wanted list<.*valid_from: int64"),
        (pa.array([[{"country": "DE", "since": T}], []]), "wanted list"),
        (pa.array([[{"country": "DE", "valid_from": 1.5}], []]), "wanted list"),
        (pa.array([[{"country": 49, "valid_from": T}], []]), "wanted list"),
    ],
)  # fmt: skip
def test_a_residence_that_cannot_be_decided_on_is_refused(tmp_path, column, match):
    documents_path, _ = own(tmp_path)
    subjects_path = own_subjects(tmp_path, residences=column)

    with pytest.raises(CorpusError, match=match) as caught:
        from_parquet(documents_path, subjects_path, tmp_path / "load", POSTS)

    assert "Germany" not in caught.value.message
    assert not (tmp_path / "load").exists()


def test_a_residence_since_a_time_without_a_zone_is_refused_with_a_hint(tmp_path):
    documents_path, _ = own(tmp_path)
    column = residing(("DE", datetime(2024, 9, 18)), kind=timed("us", None))
    subjects_path = own_subjects(tmp_path, residences=column)

    with pytest.raises(CorpusError, match="column residences of `s") as caught:
        check_tables(documents_path, subjects_path, POSTS)

    assert "time zone" in caught.value.hint


# --- folders of parts ----------------------------------------------------------------


def parts(folder: Path, **changes: object) -> tuple[Path, Path]:
    """Two parts of documents, the second with columns changed or left out, and one."""
    for each in ("docs", "people", "first", "second"):
        (folder / each).mkdir(exist_ok=True)
    first = own(folder / "first", mentions=[["s2"], None])
    changes = {"document_id": ["d3", "d4"], "mentions": [None, ["s1"]]} | changes
    second = own(folder / "second", **changes)
    first[0].rename(folder / "docs" / "part-1.parquet")
    second[0].rename(folder / "docs" / "part-2.parquet")
    first[1].rename(folder / "people" / "part-1.parquet")
    return folder / "docs", folder / "people"


def test_a_folder_of_parts_is_one_table_in_the_order_of_their_names(tmp_path):
    documents_path, subjects_path = parts(tmp_path)
    (documents_path / "part-1.parquet").rename(documents_path / "part-3.parquet")

    assert from_parquet(documents_path, subjects_path, tmp_path / "load", POSTS) == (
        Counts(documents=4, subjects=2)
    )
    read = pq.read_table(tmp_path / "load" / "documents.parquet")
    assert read["document_id"].to_pylist() == ["d3", "d4", "d1", "d2"]
    assert read["mentions"].to_pylist() == [None, ["s1"], ["s2"], None]


def test_what_lies_beside_the_parts_is_passed_over(tmp_path):
    documents_path, subjects_path = parts(tmp_path)
    (documents_path / "_SUCCESS").touch()
    (documents_path / ".part-1.parquet.crc").write_bytes(b"crc")
    (documents_path / "_delta_log").mkdir()

    assert check_tables(documents_path, subjects_path, POSTS).documents == 4


def test_what_is_no_part_is_refused_by_name(tmp_path):
    documents_path, subjects_path = parts(tmp_path)
    (documents_path / "readme.txt").write_text("about this export")

    with pytest.raises(CorpusError, match="`docs/readme.txt` cannot be read as Parqu"):
        check_tables(documents_path, subjects_path, POSTS)


# One change of the second part -> what is said of it.
CHANGED = {
    "a missing column": ({"mentions": None}, "mentions of `docs/part-2.parquet` is mi"),
    "a missing needed column": ({"text": None}, "text of `docs/part-2.parquet` is mis"),
    "another type": (
        {"created_at": pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 2)},
        r"created_at of `docs/part-2.parquet` is timestamp\[us, tz=UTC\], but int64 in",
    ),
    "a further column": (
        {"in_reply_to": ["d1", "d2"]},
        "in_reply_to of `docs/part-2.parquet` is string, but missing in `docs/part-1",
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_schema_between_parts_names_the_part(tmp_path, change):
    columns, match = CHANGED[change]

    with pytest.raises(CorpusError, match=f"changes between parts: {match}"):
        from_parquet(*parts(tmp_path, **columns), tmp_path / "load", POSTS)

    assert not (tmp_path / "load").exists()


def test_a_column_of_another_name_may_differ_between_parts(tmp_path):
    paths = parts(tmp_path, debug=["x", "y"])

    assert check_tables(*paths, POSTS).documents == 4


def test_every_part_is_checked_and_a_broken_one_is_named(tmp_path):
    documents_path, subjects_path = parts(tmp_path, category=["post", "salary"])
    with pytest.raises(CorpusError, match="`salary` is not declared"):
        check_tables(documents_path, subjects_path, POSTS)

    (documents_path / "part-2.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match="`docs/part-2.parquet` cannot be read"):
        check_tables(documents_path, subjects_path, POSTS)


def test_an_id_that_stands_in_two_parts_is_refused(tmp_path):
    paths = parts(tmp_path, document_id=["d3", "d1"])

    with pytest.raises(CorpusError, match="repeat a document_id, such as `d1`"):
        check_tables(*paths, POSTS)


def test_an_empty_folder_is_refused(tmp_path):
    documents_path, subjects_path = parts(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").touch()

    for paths in (
        (tmp_path / "empty", subjects_path),
        (documents_path, tmp_path / "empty"),
    ):
        with pytest.raises(CorpusError, match="`empty` holds no part"):
            check_tables(*paths, POSTS)


def test_parts_in_folders_of_their_own_are_refused(tmp_path):
    documents_path, subjects_path = parts(tmp_path)
    (documents_path / "category=post").mkdir()

    with pytest.raises(CorpusError, match="folder `category=post`") as caught:
        check_tables(documents_path, subjects_path, POSTS)

    assert "column" in caught.value.hint


def test_a_folder_may_stand_beside_a_file(tmp_path):
    documents_path, _ = parts(tmp_path)

    assert check_tables(documents_path, own_subjects(tmp_path), POSTS) == Counts(4, 2)
