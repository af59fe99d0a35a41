"""A platform's own Parquet files: checked before anything is made of them, then loaded.

Documents and subjects are a file each, or a folder of parts as large exports are. What
could only be decided on by guessing is refused, once and with what was wanted.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.errors import CorpusError
from assent.sources.countries import CODES
from assent.sources.ids import Ids
from assent.sources.parquet import SCHEMAS, Counts, readable, stream, write_tables
from assent.terms import iso

LABEL = re.compile("[a-z0-9_.-]{1,40}")
NEEDED = {
    "documents": ("document_id", "subject_id", "category", "created_at", "text"),
    "subjects": ("subject_id", "country"),
}
# A document without these could be decided on only by guessing.
FILLED = ("category", "created_at", "text")
# A time outside these years is in another unit: seconds and milliseconds of our days
# fall before 1980 when they are read as microseconds, nanoseconds far after 2100.
EARLIEST = 315_532_800_000_000  # 1980-01-01, microseconds UTC
LATEST = 4_102_444_800_000_000  # 2100-01-01
BESIDE = ("_", ".")
"""How names begin of what lies beside the parts: `_SUCCESS`, `.part-0.crc`."""
TIME = pa.timestamp("us", tz="UTC")
TIMED = pa.struct([("country", pa.string()), ("valid_from", TIME)])


COUNTRY = "an ISO 3166-1 alpha-2 code in capitals such as `CH`"


class Part(NamedTuple):
    """One file of a table, and what messages call it."""

    path: Path
    name: str


def check_tables(
    documents: Path, subjects: Path, categories: Collection[str]
) -> Counts:
    """Check a platform's own Parquet files before anything is made of them.

    Streams; memory is one batch and 8 bytes a row for ids.

    Args:
        documents: a Parquet file, or a folder of parts, with at least `document_id,
            subject_id, category, created_at, text`; the other columns of the schema
            may be missing.
        subjects: the same with at least `subject_id, country`.
        categories: those that the project declares.

    Raises:
        CorpusError: not Parquet, a folder without a part, a column is missing or of
            another type or changes between parts, an id is missing or stands twice, a
            category is not declared, or a value is none that the column may hold.
    """
    rows = {}
    for table, path in (("documents", documents), ("subjects", subjects)):
        ids = Ids(table)
        for batch in _converted(table, path):
            ids.add(batch)
            if table == "documents":
                _check_documents(batch, categories)
            else:
                _check_subjects(batch)
        ids.check(_converted(table, path))
        rows[table] = ids.rows
    return Counts(documents=rows["documents"], subjects=rows["subjects"])


def from_parquet(
    documents: Path, subjects: Path, folder: Path, categories: Collection[str]
) -> Counts:
    """Check a platform's own Parquet files and load them.

    Raises:
        CorpusError: as `check_tables` says; nothing was changed.
    """
    check_tables(documents, subjects, categories)
    return write_tables(
        _converted("documents", documents),
        _converted("subjects", subjects),
        folder,
        source="parquet",
    )


def _converted(table: str, path: Path) -> Iterator[pa.RecordBatch]:
    """Stream a platform's own file, or folder of parts, as batches of our schema."""
    schema = SCHEMAS[table]
    parts = _parts(table, path)
    found = _checked_schema(table, parts)
    present = [name for name in schema.names if name in found.names]
    for part in parts:
        for batch in stream(table, part.path, present, part.name):
            columns = [
                _cast(batch.column(field.name), field)
                if field.name in present
                else pa.nulls(batch.num_rows, field.type)
                for field in schema
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    timed = TIME if pa.types.is_timestamp(column.type) else None
    if field.name == "residences":
        timed = pa.list_(TIMED)
    if timed is not None:
        # Finer than a microsecond is cut off: `safe` would refuse it.
        column = column.cast(timed, safe=False)
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise CorpusError(
            f"a value of column {field.name} does not fit {field.type}",
            hint="correct it, or write null where it is not known",
        ) from error


# -- parts and columns -----------------------------------------------------------------


def _parts(table: str, path: Path) -> list[Part]:
    """List the files of a table: itself, or a folder's parts in the order of names."""
    if not path.is_dir():
        return [Part(path, path.name)]
    inside = sorted(each for each in path.iterdir() if each.name[0] not in BESIDE)
    for each in inside:
        if each.is_dir():
            raise CorpusError(
                f"`{path.name}` holds the folder `{each.name}`, wanted the parts of "
                f"{table} side by side",
                hint="what names of folders say, such as `country=DE`, would be lost: "
                "export it as a column",
            )
    if not inside:
        raise CorpusError(
            f"`{path.name}` holds no part, wanted Parquet files of {table}",
            hint="check the path, and whether the export has ended",
        )
    return [Part(each, f"{path.name}/{each.name}") for each in inside]


def _checked_schema(table: str, parts: list[Part]) -> pa.Schema:
    """Read the columns of the first part; refuse another part that has others.

    A column that is missing in one part would be null there, and a null mention or
    residence is not what the export says.
    """
    first: pa.Schema | None = None
    for part in parts:
        with readable(table, part.path, part.name):
            found = pq.read_schema(part.path)
        if first is None:
            _check_columns(table, part.name, found)
            first = found
        for field in SCHEMAS[table]:
            here, there = _kind(found, field.name), _kind(first, field.name)
            if here != there:
                raise CorpusError(
                    f"the schema changes between parts: {field.name} of `{part.name}` "
                    f"is {here}, but {there} in `{parts[0].name}`",
                    hint="export all parts with the same columns",
                )
    assert first is not None  # `_parts` gives at least one
    return first


def _kind(schema: pa.Schema, name: str) -> str:
    """Write the types of all columns of a name."""
    kinds = [schema.field(n).type for n in schema.get_all_field_indices(name)]
    return " and ".join(map(str, kinds)) or "missing"


def _check_columns(table: str, name: str, found: pa.Schema) -> None:
    """Refuse a file whose columns are missing, doubled or of another type."""
    missing = [each for each in NEEDED[table] if each not in found.names]
    if missing:
        raise CorpusError(
            f"`{name}` has no column {', '.join(missing)}; it has "
            f"{', '.join(found.names) or 'none'}",
            hint=f"rename or add it: {table} need {', '.join(NEEDED[table])}",
        )
    for field in SCHEMAS[table]:
        places = found.get_all_field_indices(field.name)
        if len(places) > 1:
            raise CorpusError(
                f"`{name}` has {len(places)} columns `{field.name}`, wanted one"
            )
        kind = found.field(places[0]).type if places else field.type
        if not _accepts(field.type, kind):
            timed = field.name in ("created_at", "residences")
            naive = timed and _has_naive(kind)
            raise CorpusError(
                f"column {field.name} of `{name}` is {kind}, wanted {field.type}"
                + (" in microseconds UTC, or a timestamp with a time zone" * naive),
                hint="say which time zone these times are in: store them as UTC"
                if naive
                else f"cast the column to {field.type}",
            )


def _has_naive(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _has_naive(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_has_naive(field.type) for field in kind)
    return bool(pa.types.is_timestamp(kind) and kind.tz is None)


def _accepts(wanted: pa.DataType, found: pa.DataType) -> bool:
    """Say whether every value of a type can be read as the wanted type."""
    types = pa.types
    if types.is_dictionary(found):
        found = found.value_type
    if types.is_null(found):
        return True
    if types.is_string(wanted):
        return any(
            check(found)
            for check in (types.is_string, types.is_large_string, types.is_string_view)
        )
    if types.is_list(wanted):
        listed = types.is_list(found) or types.is_large_list(found)
        return listed and _accepts(wanted.value_type, found.value_type)
    if types.is_struct(wanted):
        names = [field.name for field in found] if types.is_struct(found) else []
        return names == [field.name for field in wanted] and all(
            _accepts(field.type, found.field(field.name).type) for field in wanted
        )
    if types.is_int32(wanted):
        return bool(types.is_integer(found))
    # The one int64 is a time: a narrower integer cannot be microseconds.
    aware = types.is_timestamp(found) and found.tz is not None
    return bool(types.is_int64(found) or aware)


# -- values ----------------------------------------------------------------------------


def _check_documents(batch: pa.RecordBatch, categories: Collection[str]) -> None:
    for name in FILLED:
        empty = batch.column(name).null_count
        if empty:
            raise CorpusError(
                f"{empty} documents have no {name}, such as `{_example(batch, name)}`",
                hint="give them one, or leave these documents out",
            )
    unknown = set(batch.column("category").unique().to_pylist()) - set(categories)
    if unknown:
        # With columns swapped these are people's words, which no message repeats.
        labels = sorted(each for each in unknown if LABEL.fullmatch(each))
        found = (
            f"category `{labels[0]}` is"
            if labels
            else f"{len(unknown)} values of category are"
        )
        raise CorpusError(
            f"{found} not declared, wanted one of "
            f"{', '.join(sorted(categories)) or 'none'}",
            hint="declare it in `assent.toml`, or correct the documents",
        )
    _check_times(batch.column("created_at"), "documents have a created_at")


def _check_times(times: pa.Array, what: str) -> None:
    far = pc.or_(pc.less(times, EARLIEST), pc.greater_equal(times, LATEST))
    wrong = pc.sum(far).as_py()
    if wrong:
        raise CorpusError(
            f"{wrong} {what} outside {iso(EARLIEST)} to {iso(LATEST)}, wanted "
            "microseconds since 1970 in UTC",
            hint="seconds, milliseconds and nanoseconds must be converted first; what "
            "began before 1980 may be written as 1980-01-01",
        )


def _check_subjects(batch: pa.RecordBatch) -> None:
    """Refuse codes and times that would silently deny people, or allow them."""
    _check_codes(batch.column("country"), "country", CODES, COUNTRY)
    _check_codes(
        batch.column("age_band"), "age_band", {"adult", "minor"}, "`adult` or `minor`"
    )
    residences = batch.column("residences").flatten()
    _check_codes(
        pc.struct_field(residences, "country"), "residences.country", CODES, COUNTRY
    )
    times = pc.struct_field(residences, "valid_from")
    if times.null_count:
        raise CorpusError(
            f"{times.null_count} residences have no valid_from, wanted since when",
            hint="leave out what has no date; where somebody lives now is `country`",
        )
    _check_times(times, "residences have a valid_from")


def _check_codes(
    column: pa.Array, name: str, allowed: Collection[str], wanted: str
) -> None:
    wrong = set(column.unique().to_pylist()) - set(allowed) - {None}
    if wrong:
        raise CorpusError(
            f"{len(wrong)} values of {name} are unknown, wanted {wanted}, or null",
            hint="convert them, and write null where it is not known",
        )


def _example(batch: pa.RecordBatch, name: str) -> str:
    ids = batch.column("document_id").filter(batch.column(name).is_null())
    return str(ids[0].as_py())
