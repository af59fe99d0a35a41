"""Files of events, Parquet or CSV: streamed as batches of one form, row by row named.

A file is read in batches of `BATCH` rows whatever its row groups or blocks are, so that
a row has the same number on each reading. Memory is one batch.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from assent.errors import LedgerError, UsageError
from assent.terms import Event, EventKind

BATCH = 10_000  # rows; one append each
BLOCK = 1 << 20  # bytes that are hashed, or parsed as CSV, at a time
TEXTS = (
    *("subject_id", "kind", "purpose", "recipient", "category", "notice"),
    *("actor", "channel", "language", "country", "event_id"),
)
TIMES = ("happened_at", "valid_until")
NEEDED = ("subject_id", "kind", "happened_at")
ROWS = pa.schema(
    [pa.field(name, pa.string()) for name in TEXTS]
    + [pa.field(name, pa.int64()) for name in TIMES]
)
"""A batch as it is checked: times in microseconds UTC, what was left out filled in."""

DEFAULTS = {
    **dict.fromkeys(("purpose", "recipient", "category"), "*"),
    "actor": "subject",
    "channel": "import",
}
UNKNOWN = "unknown"
"""Written as `country` of a move to a place that is not known."""
WANTED_TIME = (
    "microseconds since 1970 in UTC as int64, or a time with a zone such as "
    "2025-11-03T00:00:00Z"
)

KINDS = {str(kind): kind for kind in EventKind}

_TIME = pa.timestamp("us", tz="UTC")
_WHOLE = r"^-?[0-9]{1,18}$"
_ZONED = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
)
_TEXT_CHECKS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_null,
)


class Part(NamedTuple):
    """One file, and what messages call it."""

    path: Path
    name: str

    @property
    def is_csv(self) -> bool:
        """Whether it is CSV; else it is Parquet."""
        return self.path.suffix == ".csv"


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it was found: what is read later must still be this one.

    Args:
        sha256: of its bytes.
        rows: how many; of CSV counted by line ends, so a little more at most.
        state: size, time of change and number of the file.
    """

    part: Part
    sha256: str
    rows: int
    state: tuple[int, int, int]

    def check(self) -> None:
        """Look whether the file is still the one that was hashed.

        Raises:
            LedgerError: it was changed since.
        """
        if _state(self.part.path) != self.state:
            raise LedgerError(
                f"`{self.part.name}` was changed while it was read",
                hint="import it again when nobody writes to it",
            )


def bad_row(part: Part, row: int, what: str, hint: str = "") -> LedgerError:
    """Say which row is not as wanted; rows count from 1, a CSV's head is none."""
    return LedgerError(f"`{part.name}`, row {row:,}: {what}", hint=hint)


def parts(paths: Iterable[Path]) -> list[Part]:
    """List the files: each one named, and a folder's in the order of their names.

    Raises:
        UsageError: there is no such file, or it is neither Parquet nor CSV.
    """
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.name[0] not in "._")
            if not inside:
                raise UsageError(f"`{path.name}` holds no file, wanted events")
            found += [Part(each, f"{path.name}/{each.name}") for each in inside]
        else:
            found.append(Part(path, path.name))
    for part in found:
        if part.path.suffix not in (".parquet", ".csv") or part.path.is_dir():
            raise UsageError(
                f"`{part.name}` is neither `.parquet` nor `.csv`",
                hint="name files of events, or a folder that holds nothing else",
            )
        if not part.path.is_file():
            raise UsageError(f"there is no file `{part.name}`", hint="check the path")
    return found


def fingerprint(part: Part) -> Read:
    """Hash a file by streaming, and count its rows.

    Raises:
        LedgerError: it cannot be read as Parquet.
    """
    state = _state(part.path)
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with part.path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            if part.is_csv:
                lines += block.count(b"\n")
                last = block[-1:]
    rows = max(lines - 1 + (last != b"\n"), 0)
    if not part.is_csv:
        with _readable(part):
            rows = pq.read_metadata(part.path).num_rows
    return Read(part, digest.hexdigest(), rows, state)


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


# -- batches ---------------------------------------------------------------------------


def batches(part: Part, skip: int = 0) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Stream a file as batches of `ROWS`, from a row on.

    Args:
        part: the file.
        skip: rows that are passed over.

    Yields:
        The number of rows before the batch, and the batch: `BATCH` rows, and at the
        end of the file the rest.

    Raises:
        LedgerError: no such columns or types, or a row that cannot be read; it is
            named.
    """
    at = 0
    for batch in _whole(_csv(part) if part.is_csv else _parquet(part)):
        start, at = at, at + batch.num_rows
        if at <= skip:
            continue
        cut = max(skip - start, 0)
        yield start + cut, in_our_form(part, start + cut, batch.slice(cut))


def _whole(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Gather and cut batches to `BATCH` rows each; the last may have fewer."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in found:
        pending.append(batch)
        rows += batch.num_rows
        if rows < BATCH:
            continue
        table = pa.Table.from_batches(pending)
        whole = rows - rows % BATCH
        for start in range(0, whole, BATCH):
            yield _one(table.slice(start, BATCH))
        pending, rows = table.slice(whole).to_batches(), rows - whole
    if rows:
        yield _one(pa.Table.from_batches(pending))


def _one(table: pa.Table) -> pa.RecordBatch:
    columns = [pa.concat_arrays(column.chunks) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, names=table.column_names)


def _parquet(part: Part) -> Iterator[pa.RecordBatch]:
    with _readable(part), pq.ParquetFile(part.path) as file:
        schema = file.schema_arrow
        _check_names(part, schema.names)
        for field in schema:
            _check_type(part, field)
        for batch in file.iter_batches(BATCH):
            batch.validate(full=True)  # a reader does not look whether text is UTF-8
            columns = [_decoded(column) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(columns, names=schema.names)


def _decoded(column: pa.Array) -> pa.Array:
    """Give texts one type, and times one unit; what is finer than that is cut off."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(_TIME, safe=False).cast(pa.int64())
    if pa.types.is_int64(kind):
        return column
    return column.cast(pa.string())


def _csv(part: Part) -> Iterator[pa.RecordBatch]:
    """Read every value as a text, which `in_our_form` reads as a time where it is one.

    A reader that guesses types, or converts them itself, cannot say which row is wrong.
    """
    wrong: list[tuple[int, int, int]] = []

    def refuse(row: csv.InvalidRow) -> str:
        wrong.append((row.number, row.expected_columns, row.actual_columns))
        return "error"

    with part.path.open("rb") as stream:
        head = stream.readline().decode("utf-8", "replace")
    try:
        with csv.open_csv(
            part.path,
            # One thread: only then the reader knows the number of a row.
            read_options=csv.ReadOptions(block_size=BLOCK, use_threads=False),
            parse_options=csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=refuse
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(ROWS.names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        ) as reader:
            _check_names(part, reader.schema.names)
            yield from reader
    except pa.ArrowInvalid as error:
        if wrong:
            number, expected, found = wrong[0]
            raise bad_row(
                part, number - 1, f"it has {found} columns, wanted {expected}"
            ) from error
        raise LedgerError(
            f"`{part.name}` cannot be read as CSV"
            + ("" if head.strip() else ": it has no head line"),
            hint="wanted UTF-8, commas, and a first line that names the columns",
        ) from error


@contextmanager
def _readable(part: Part) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise LedgerError(
            f"`{part.name}` cannot be read as Parquet: it is cut off, damaged or of "
            "another format",
            hint="export it again, or convert it to Parquet or CSV",
        ) from error


# -- columns ---------------------------------------------------------------------------


def _check_names(part: Part, names: Sequence[str]) -> None:
    unknown = sorted(set(names) - set(ROWS.names))
    missing = [name for name in NEEDED if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing:
        raise LedgerError(
            f"`{part.name}` has no column {', '.join(missing)}",
            hint=f"wanted {', '.join(NEEDED)}; the other columns may be left out",
        )
    if unknown or twice:
        # An unknown name may be a person's words, where the head line is missing.
        raise LedgerError(
            f"`{part.name}` has {len(unknown)} unknown columns and {len(twice)} that "
            "stand twice",
            hint=f"wanted each once, of {', '.join(ROWS.names)}",
        )


def _check_type(part: Part, field: pa.Field) -> None:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if field.name in TIMES:
        zoned = pa.types.is_timestamp(kind) and kind.tz is not None
        if zoned or pa.types.is_int64(kind) or pa.types.is_null(kind):
            return
        wanted = "int64 in microseconds UTC, or a timestamp with a time zone"
    else:
        if any(check(kind) for check in _TEXT_CHECKS):
            return
        wanted = "text"
    raise LedgerError(
        f"column {field.name} of `{part.name}` is {field.type}, wanted {wanted}",
        hint="cast the column, and say which time zone its times are in"
        if field.name in TIMES
        else f"cast the column {field.name} to text",
    )


def in_our_form(part: Part, first: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Bring a batch to the columns of `ROWS`: times read, what is left out filled in.

    Args:
        part: names the file in messages.
        first: rows of the file before the batch.
        batch: texts as strings, times as int64 or strings; columns may be missing.

    Raises:
        LedgerError: a text is no time; its row is named.
    """
    columns = []
    for field in ROWS:
        place = batch.schema.get_field_index(field.name)
        column = batch.column(place) if place >= 0 else pa.nulls(len(batch), field.type)
        if field.name in TIMES and not pa.types.is_int64(column.type):
            column = _times(part, first, field.name, column)
        elif field.name in DEFAULTS:
            column = pc.fill_null(column, DEFAULTS[field.name])
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=ROWS)


def _times(part: Part, first: int, name: str, texts: pa.Array) -> pa.Array:
    """Read texts as times: whole microseconds, or ISO 8601 with a zone."""
    whole = pc.match_substring_regex(texts, _WHOLE)
    zoned = pc.match_substring_regex(texts, _ZONED)
    wrong = pc.index(pc.fill_null(pc.or_(whole, zoned), True), False).as_py()
    if wrong >= 0:
        raise bad_row(part, first + wrong + 1, f"{name} is no time", _hint_of_time())
    counted = pc.if_else(whole, texts, None).cast(pa.int64())
    written = pc.if_else(zoned, texts, None)
    try:
        moments = written.cast(_TIME)
    except pa.ArrowInvalid as error:  # such as the 30th of February: look which
        wrong = next(n for n, each in enumerate(written) if not _is_time(each))
        raise bad_row(
            part, first + wrong + 1, f"{name} is no time", _hint_of_time()
        ) from error
    return pc.coalesce(counted, moments.cast(pa.int64()))


def _is_time(text: pa.Scalar) -> bool:
    try:
        text.cast(_TIME)
    except pa.ArrowInvalid:
        return False
    return True


def _hint_of_time() -> str:
    return f"wanted {WANTED_TIME}"


# -- events ----------------------------------------------------------------------------


def to_events(batch: pa.RecordBatch) -> list[Event]:
    """Turn checked rows into events; what has no field of its own is its detail."""
    rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
    return [
        Event(
            KINDS[kind],
            happened_at,
            subject_id,
            purpose,
            recipient,
            category,
            notice,
            valid_until,
            actor,
            _detail(kind, channel, language, country, event_id),
        )
        # In the order of `ROWS`.
        for subject_id, kind, purpose, recipient, category, notice, actor, channel, (
            language
        ), country, event_id, happened_at, valid_until in rows
    ]


def _detail(
    kind: str,
    channel: str,
    language: str | None,
    country: str | None,
    event_id: str | None,
) -> dict[str, object]:
    detail: dict[str, object] = {"channel": channel}
    if language is not None:
        detail["language"] = language
    if event_id is not None:
        detail["event_id"] = event_id
    if kind == EventKind.RESIDENCE_CHANGED:
        detail["country"] = None if country == UNKNOWN else country
    return detail
