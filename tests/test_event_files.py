"""Files of events are read the same from Parquet and CSV, and one bad row is named."""

import random

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from assent.errors import LedgerError, UsageError
from assent.ledger.records import check_event
from assent.sources.event_rules import Labels, Rules
from assent.sources.events import (
    BATCH,
    ROWS,
    Part,
    batches,
    fingerprint,
    in_our_form,
    parts,
    to_events,
)
from assent.terms import DAY, SUBJECT_EVENTS, Event, EventKind, parse_time

NOW = parse_time("2026-01-01T00:00:00Z")
AT = parse_time("2025-11-03T00:00:00Z")
NOTICE = "ab" * 32
LABELS = Labels(
    {"*", "train", "train.content"}, {"*", "ourselves"}, {"*", "post", "comment"}
)


def row(**said):
    return {"subject_id": "ana", "kind": "refused", "happened_at": AT, **said}


def write(path, rows, **types):
    """Write rows as the suffix of the path says."""
    names = dict.fromkeys(name for each in rows for name in each)
    columns = {name: [each.get(name) for each in rows] for name in names}
    table = pa.table(
        {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    )
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return Part(path, path.name)


def read(part, skip=0):
    rules, found = Rules(part, LABELS, NOW), []
    for first, batch in batches(part, skip):
        rules.check(first, batch)
        found += to_events(batch)
    return found


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_row_becomes_the_event_that_it_says(tmp_path, suffix):
    rows = [
        row(kind="given", notice=NOTICE, valid_until=AT + DAY, category="post"),
        row(kind="withdrawn", purpose="train", recipient="ourselves", event_id="e-1"),
        row(kind="residence_changed", country="FR", actor="operator", channel="web"),
        row(kind="residence_changed", country="unknown", language="fr"),
    ]

    found = read(write(tmp_path / f"events{suffix}", rows))

    assert found == [
        Event(
            EventKind.GIVEN, AT, "ana", notice=NOTICE, valid_until=AT + DAY,
            category="post", detail={"channel": "import"},
        ),
        Event(
            EventKind.WITHDRAWN, AT, "ana", "train", "ourselves",
            detail={"channel": "import", "event_id": "e-1"},
        ),
        Event(
            EventKind.RESIDENCE_CHANGED, AT, "ana", actor="operator",
            detail={"channel": "web", "country": "FR"},
        ),
        Event(
            EventKind.RESIDENCE_CHANGED, AT, "ana",
            detail={"channel": "import", "language": "fr", "country": None},
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (AT, pa.int64()),
        (AT, pa.timestamp("us", tz="Europe/Berlin")),
        (AT * 1000 + 999, pa.timestamp("ns", tz="UTC")),
    ],
)
def test_parquet_times_are_microseconds_or_zoned_timestamps(tmp_path, value, kind):
    part = write(tmp_path / "e.parquet", [row(happened_at=value)], happened_at=kind)

    assert read(part)[0].happened_at == AT


@pytest.mark.parametrize(
    "text",
    [
        str(AT),
        "2025-11-03T00:00:00Z",
        "2025-11-03 01:00:00+01:00",
        "2025-11-02T19:00:00.000000-0500",
    ],
)
def test_csv_times_are_microseconds_or_iso_with_a_zone(tmp_path, text):
    assert read(write(tmp_path / "e.csv", [row(happened_at=text)]))[0].happened_at == AT


@pytest.mark.parametrize(
    "text",
    [
        *("2025-11-03T00:00:00", "2025-11-03", "2025-02-30T00:00:00Z"),
        *("yesterday", "1.7e15"),
    ],
)
def test_a_csv_time_without_a_zone_is_refused_by_row(tmp_path, text):
    rows = [row(happened_at=str(AT)), row(happened_at=text)]

    with pytest.raises(LedgerError, match=r"`e\.csv`, row 2: happened_at is no time"):
        read(write(tmp_path / "e.csv", rows))


def test_a_naive_parquet_timestamp_is_refused(tmp_path):
    naive = pa.timestamp("us")

    with pytest.raises(LedgerError, match="happened_at of .* is timestamp"):
        read(write(tmp_path / "e.parquet", [row()], happened_at=naive))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"kind": "gave"}, "kind `gave`, wanted one of enrolled"),
        ({"kind": "corpus_built"}, "kind `corpus_built`, wanted"),
        ({"kind": None}, "kind is missing"),
        ({"subject_id": None}, "subject_id is missing"),
        ({"happened_at": None}, "happened_at is missing"),
        ({"happened_at": AT // 1000}, "happened_at is not as wanted, wanted micro"),
        ({"happened_at": AT - 1}, "no earlier than that of the row before"),
        ({"happened_at": NOW + 2 * DAY}, "no later than a day after now"),
        ({"purpose": "sell"}, "purpose `sell`, wanted one of"),
        ({"recipient": "partner"}, "recipient `partner`, wanted one of"),
        ({"category": "post office"}, "category is not as wanted"),
        ({"kind": "given"}, "notice is missing, wanted the sha256"),
        ({"notice": "AB" * 32}, "64 hexadecimal digits"),
        ({"kind": "objected", "valid_until": AT + DAY}, "only a choice can"),
        ({"valid_until": AT}, "a time after happened_at"),
        ({"valid_until": AT * 1000}, "valid_until is not as wanted"),
        ({"country": "FR"}, "only `residence_changed` names"),
        ({"kind": "residence_changed"}, "country is missing, wanted an ISO"),
        ({"kind": "residence_changed", "country": "fr"}, "country `fr`, wanted an ISO"),
        (
            {"kind": "residence_changed", "country": "FR", "category": "post"},
            "where somebody lives holds",
        ),
        ({"actor": "the person herself"}, "actor is not as wanted, wanted one word"),
        ({"event_id": "e" * 201}, "event_id is not as wanted"),
    ],
)
def test_the_first_bad_row_is_named_with_what_was_wanted(tmp_path, bad, said):
    part = write(tmp_path / "e.parquet", [row(), row(), row(**bad), row(kind="no")])

    with pytest.raises(LedgerError) as caught:
        read(part)

    assert caught.value.message.startswith("`e.parquet`, row 3: ")
    assert said in caught.value.message


def test_a_message_repeats_no_words_of_a_person(tmp_path):
    for column in ("kind", "purpose", "category", "actor", "notice", "country"):
        with pytest.raises(LedgerError) as caught:
            read(write(tmp_path / "e.csv", [row(**{column: "Dear Ana, I moved"})]))
        assert "Dear" not in caught.value.message + caught.value.hint


def test_rows_are_numbered_over_batches(tmp_path):
    rows = [row()] * (2 * BATCH + 5) + [row(kind="gave")]
    for suffix in (".parquet", ".csv"):
        with pytest.raises(LedgerError, match="row 20,006: kind"):
            read(write(tmp_path / f"e{suffix}", rows))


def test_a_time_that_goes_back_at_a_batch_s_edge_is_seen(tmp_path):
    rows = [row()] * BATCH + [row(happened_at=AT - 1)]

    with pytest.raises(LedgerError, match="row 10,001: happened_at"):
        read(write(tmp_path / "e.parquet", rows))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("skip", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 7])
def test_what_is_skipped_and_what_is_read_are_the_whole_file(tmp_path, suffix, skip):
    rows = [row(subject_id=f"p{n}") for n in range(2 * BATCH + 7)]
    part = write(tmp_path / f"e{suffix}", rows)

    found = list(batches(part, skip))

    assert [len(batch) for _, batch in found] == [
        min(BATCH, len(rows) - start) - max(skip - start, 0)
        for start in range(0, len(rows), BATCH)
        if min(start + BATCH, len(rows)) > skip
    ]
    ids = [each for _, batch in found for each in batch["subject_id"].to_pylist()]
    assert ids == [each["subject_id"] for each in rows[skip:]]
    assert [first for first, _ in found][:1] == [skip][: len(found)]


def test_batches_do_not_depend_on_row_groups(tmp_path):
    table = pa.table({name: [value] * 25_000 for name, value in row().items()})
    pq.write_table(table, tmp_path / "e.parquet", row_group_size=777)

    found = list(batches(Part(tmp_path / "e.parquet", "e")))

    assert [len(batch) for _, batch in found] == [BATCH, BATCH, 5_000]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read as CSV: it has no head line"),
        ("a,b\n1,2\n", "has no column subject_id, kind, happened_at"),
        ("subject_id,kind,happened_at,mood\n", "1 unknown columns"),
        ("subject_id,kind,happened_at,kind\n", "1 that stand twice"),
        (f"subject_id,kind,happened_at\na,refused,{AT}\na,refused\n", "row 2: it has"),
    ],
)
def test_a_csv_of_another_shape_is_refused(tmp_path, text, said):
    (tmp_path / "e.csv").write_text(text)

    with pytest.raises(LedgerError) as caught:
        read(Part(tmp_path / "e.csv", "e.csv"))

    assert said in caught.value.message


def test_a_csv_with_line_ends_inside_quotes_keeps_its_rows(tmp_path):
    text = f'subject_id,kind,happened_at\n"a\nb",refused,{AT}\nc,gave,{AT}\n'
    (tmp_path / "e.csv").write_text(text)

    with pytest.raises(LedgerError, match="row 2: kind"):
        read(Part(tmp_path / "e.csv", "e.csv"))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    head = b"subject_id,kind,happened_at\n"
    (tmp_path / "e.csv").write_bytes(head + b"\xff\xfe,refused,1\n")
    (tmp_path / "e.parquet").write_bytes(b"PAR1 and no more")

    for name in ("e.csv", "e.parquet"):
        with pytest.raises(LedgerError, match="cannot be read as"):
            read(Part(tmp_path / name, name))


def test_a_folder_gives_its_files_in_order_and_nothing_else(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    for name in ("b.csv", "a.parquet", "_SUCCESS", ".a.crc"):
        (folder / name).write_bytes(b"")

    assert [part.name for part in parts([folder])] == [
        "export/a.parquet",
        "export/b.csv",
    ]
    (folder / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match=r"`export/notes\.txt` is neither"):
        parts([folder])
    with pytest.raises(UsageError, match=r"no file `gone\.csv`"):
        parts([tmp_path / "gone.csv"])


def test_a_file_that_changes_after_it_was_hashed_is_refused(tmp_path):
    found = fingerprint(write(tmp_path / "e.csv", [row()] * 3))
    assert found.rows == 3
    found.check()

    write(tmp_path / "e.csv", [row()] * 4)

    with pytest.raises(LedgerError, match="was changed while it was read"):
        found.check()


def random_row(rng):
    """A row that is mostly right, with one or two values drawn from anywhere."""
    kind = rng.choice(sorted(SUBJECT_EVENTS))
    said = row(kind=kind, happened_at=NOW)
    if kind in ("given", "notice_served"):
        said["notice"] = NOTICE
    if kind == "residence_changed":
        said["country"] = "FR"
    for _ in range(rng.choice([0, 1, 1, 2])):
        name, values = rng.choice(
            [
                ("notice", [None, NOTICE, "x"]),
                ("valid_until", [None, NOW, NOW + 1, NOW - 1]),
                ("country", [None, "FR", "XX", "unknown"]),
                ("category", ["*", "post", "Post"]),
                ("happened_at", [NOW + DAY, NOW + DAY + 1]),
                ("kind", ["given", "gave"]),
            ]
        )
        said[name] = rng.choice(values)
    return said


def test_the_rules_of_columns_are_those_of_the_ledger(tmp_path):
    rng, counts = random.Random(5), {True: 0, False: 0}
    for _ in range(1_500):
        said = random_row(rng)
        batch = in_our_form(
            Part(tmp_path, "e"), 0, pa.RecordBatch.from_pylist([said], ROWS)
        )
        accepted = refused = True
        try:
            Rules(Part(tmp_path, "e"), LABELS, NOW).check(0, batch)
        except LedgerError:
            accepted = False
        try:
            check_event(to_events(batch)[0], NOW)
            refused = False
        except (LedgerError, ValueError, KeyError):
            pass  # counted below: `refused` is still true (KeyError: no such kind)
        # What only a file can say: a place of no move, and a move without a place.
        moved = said["kind"] == "residence_changed"
        refused = refused or moved is (said.get("country") is None)
        assert accepted is not refused, said
        counts[accepted] += 1
    assert min(counts.values()) > 300
