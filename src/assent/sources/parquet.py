"""Documents and subjects as two Parquet files: written whole, read back, checked.

A load is a folder with `documents.parquet`, `subjects.parquet` and, written last,
`tables.json` with the counts, the digests and where the rows came from. Without
`tables.json` there is no load, whatever else lies in the folder.
"""

import hashlib
import json
import os
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.canon import canonical
from assent.errors import CorpusError
from assent.files import file_sha256, full_disk_named, sync_folder, write_whole
from assent.sources.countries import CODES
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import iso

BATCH = 8_192  # rows
SEAL = "tables.json"
LABEL = re.compile("[a-z0-9_.-]{1,40}")
NAMES = {"documents": "documents.parquet", "subjects": "subjects.parquet"}
SCHEMAS = {"documents": DOCUMENTS, "subjects": SUBJECTS}
KEYS = {"documents": "document_id", "subjects": "subject_id"}
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


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows were written."""

    documents: int
    subjects: int


@dataclass(frozen=True, slots=True)
class Tables:
    """A finished load: where its files are, what they hold, where it came from.

    Args:
        source: `stackexchange`, `simulated` or `parquet`.
        documents_sha256: digest of `documents.parquet`, 64 hexadecimal digits.
        subjects_sha256: the same of `subjects.parquet`.
    """

    folder: Path
    source: str
    counts: Counts
    documents_sha256: str
    subjects_sha256: str

    @property
    def documents(self) -> Path:
        """The Parquet file of documents."""
        return self.folder / NAMES["documents"]

    @property
    def subjects(self) -> Path:
        """The Parquet file of subjects."""
        return self.folder / NAMES["subjects"]

    def check_digests(self) -> None:
        """Hash both files by streaming and compare.

        Raises:
            CorpusError: a file is not the one that was loaded.
        """
        for path, wanted in (
            (self.documents, self.documents_sha256),
            (self.subjects, self.subjects_sha256),
        ):
            found = file_sha256(path)
            if found != wanted:
                raise CorpusError(
                    f"`{path.name}` has sha256 {found}, but {wanted} was loaded",
                    hint="restore the file from a backup, or load the export again",
                )


def write_tables(
    documents: Iterable[pa.RecordBatch],
    subjects: Iterable[pa.RecordBatch],
    folder: Path,
    source: str,
) -> Counts:
    """Write a load so that after a crash it is whole, or not there.

    An earlier load in the folder stays untouched until both files are drafted. Memory
    is one batch, and 8 bytes for each row to find duplicate ids (three times that for
    an instant at the end of each table).

    Args:
        documents: batches with the columns of `schema.DOCUMENTS`.
        subjects: batches with the columns of `schema.SUBJECTS`.
        folder: is made where it is missing.
        source: where the rows came from; kept in `tables.json`.

    Raises:
        CorpusError: an id is missing or stands twice; nothing was changed.
        UsageError: the disk is full; nothing was changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drafts = {table: folder / f".{name}.draft" for table, name in NAMES.items()}
    batches = {"subjects": subjects, "documents": documents}
    try:
        rows = {
            table: _write_draft(table, each, drafts[table])
            for table, each in batches.items()
        }
        digests = {table: file_sha256(draft) for table, draft in drafts.items()}
        # Crash here: drafts are left, which the next load replaces; the old one counts.
        (folder / SEAL).unlink(missing_ok=True)
        sync_folder(folder)
        # Crash from here to the end: no `tables.json`, so there is no load.
        for table in batches:
            os.replace(drafts[table], folder / NAMES[table])
        sync_folder(folder)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    seal = {
        "v": 1,
        "source": source,
        **{table: {"rows": rows[table], "sha256": digests[table]} for table in rows},
    }
    write_whole(folder / SEAL, canonical(seal) + b"\n")
    # Crash here: the load is complete.
    return Counts(documents=rows["documents"], subjects=rows["subjects"])


def open_tables(folder: Path) -> Tables:
    """Open a finished load; cheap: the files' presence, columns and counts are checked.

    Raises:
        CorpusError: there is no finished load here, or a file is not as it was loaded.
    """
    path = folder / SEAL
    if not path.is_file():
        raise CorpusError(
            f"`{folder.name}` holds no finished load: `{SEAL}` is missing",
            hint="load the export again; what a broken load left is replaced",
        )
    try:
        seal = json.loads(path.read_bytes())
        tables = Tables(
            folder=folder,
            source=str(seal["source"]),
            counts=Counts(
                documents=int(seal["documents"]["rows"]),
                subjects=int(seal["subjects"]["rows"]),
            ),
            documents_sha256=str(seal["documents"]["sha256"]),
            subjects_sha256=str(seal["subjects"]["sha256"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"`{SEAL}` cannot be read as a load's counts and digests",
            hint="restore it from a backup, or load the export again",
        ) from error
    for table, rows in (
        ("documents", tables.counts.documents),
        ("subjects", tables.counts.subjects),
    ):
        _check_shape(table, folder / NAMES[table], rows)
    return tables


def check_tables(
    documents: Path, subjects: Path, categories: Collection[str]
) -> Counts:
    """Check a platform's own Parquet files before anything is made of them.

    Streams; memory is one batch and 8 bytes a row for ids.

    Args:
        documents: Parquet with at least `document_id, subject_id, category,
            created_at, text`; the other columns of the schema may be missing.
        subjects: Parquet with at least `subject_id, country`.
        categories: those that the project declares.

    Raises:
        CorpusError: not Parquet, a column is missing or of another type, an id is
            missing or stands twice, a category is not declared, or a value is none
            that the column may hold.
    """
    rows = {}
    for table, path in (("documents", documents), ("subjects", subjects)):
        ids = _Ids(table)
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


class _Ids:
    """The ids of one table, 8 bytes each: finds nulls at once, duplicates at the end.

    Equal digests are looked at again by their ids, so a collision of two different ids
    is no false alarm, and a duplicate cannot be missed.
    """

    def __init__(self, table: str) -> None:
        self.table, self.key = table, KEYS[table]
        self.digests = array("Q")

    @property
    def rows(self) -> int:
        return len(self.digests)

    def add(self, batch: pa.RecordBatch) -> None:
        column = batch.column(self.key)
        if column.null_count:
            raise CorpusError(
                f"{column.null_count} rows of {self.table} have no {self.key}, near "
                f"row {self.rows + 1}",
                hint=f"give every row its own {self.key}",
            )
        self.digests.extend(map(_short, column.to_pylist()))

    def check(self, again: Iterable[pa.RecordBatch]) -> None:
        """Raise when an id stands twice; `again` would read the same rows once more."""
        buffer = pa.py_buffer(self.digests)
        column = pa.Array.from_buffers(pa.uint64(), self.rows, [None, buffer])
        column = column.take(pc.sort_indices(column))
        same = pc.equal(column.slice(1), column.slice(0, max(self.rows - 1, 0)))
        suspects = set(column.slice(1).filter(same).to_pylist())
        if not suspects:
            return
        ids = (each for batch in again for each in batch.column(self.key).to_pylist())
        counted = Counter(each for each in ids if _short(each) in suspects)
        twice = {each: count - 1 for each, count in counted.items() if count > 1}
        if twice:
            raise CorpusError(
                f"{sum(twice.values())} rows of {self.table} repeat a {self.key}, such "
                f"as `{next(iter(twice))}`; wanted each once",
                hint=f"remove the repeated rows, or give each its own {self.key}",
            )


def _short(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def _write_draft(table: str, batches: Iterable[pa.RecordBatch], draft: Path) -> int:
    """Stream one table into a draft file; returns its number of rows."""
    ids = _Ids(table)
    with full_disk_named(draft), draft.open("wb") as out:
        with pq.ParquetWriter(out, SCHEMAS[table], compression="zstd") as writer:
            for batch in batches:
                ids.add(batch)
                writer.write_batch(batch)
        out.flush()
        os.fsync(out.fileno())
    # Crash here: a draft is left, which no reader looks at.
    ids.check(_read(table, draft, (KEYS[table],)))
    return ids.rows


def _read(table: str, path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Stream columns of a Parquet file, every value checked to be what it says."""
    with _readable(table, path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=list(columns)):
            batch.validate(full=True)  # a reader does not look whether text is UTF-8
            yield batch


def _converted(table: str, path: Path) -> Iterator[pa.RecordBatch]:
    """Stream a platform's own file as batches of our schema."""
    schema = SCHEMAS[table]
    with _readable(table, path):
        found = pq.read_schema(path)
    _check_columns(table, path, found)
    present = [name for name in schema.names if name in found.names]
    for batch in _read(table, path, present):
        columns = []
        for field in schema:
            if field.name not in present:
                columns.append(pa.nulls(batch.num_rows, field.type))
            else:
                columns.append(_cast(batch.column(field.name), field))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        # Finer than a microsecond is cut off: `safe` would refuse it.
        column = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise CorpusError(
            f"a value of column {field.name} does not fit {field.type}",
            hint="correct it, or write null where it is not known",
        ) from error


def _check_columns(table: str, path: Path, found: pa.Schema) -> None:
    """Refuse a file whose columns are missing, doubled or of another type."""
    missing = [name for name in NEEDED[table] if name not in found.names]
    if missing:
        raise CorpusError(
            f"`{path.name}` has no column {', '.join(missing)}; it has "
            f"{', '.join(found.names) or 'none'}",
            hint=f"rename or add it: {table} need {', '.join(NEEDED[table])}",
        )
    for field in SCHEMAS[table]:
        places = found.get_all_field_indices(field.name)
        if len(places) > 1:
            raise CorpusError(
                f"`{path.name}` has {len(places)} columns `{field.name}`, wanted one"
            )
        kind = found.field(places[0]).type if places else field.type
        if not _accepts(field.type, kind):
            naive = pa.types.is_timestamp(kind) and field.name == "created_at"
            raise CorpusError(
                f"column {field.name} of `{path.name}` is {kind}, wanted {field.type}"
                + (" in microseconds UTC, or a timestamp with a time zone" * naive),
                hint="say which time zone these times are in: store them as UTC"
                if naive
                else f"cast the column to {field.type}",
            )


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
    if types.is_int32(wanted):
        return bool(types.is_integer(found))
    # The one int64 is a time: a narrower integer cannot be microseconds.
    aware = types.is_timestamp(found) and found.tz is not None
    return bool(types.is_int64(found) or aware)


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
    times = batch.column("created_at")
    far = pc.or_(pc.less(times, EARLIEST), pc.greater_equal(times, LATEST))
    wrong = pc.sum(far).as_py()
    if wrong:
        raise CorpusError(
            f"{wrong} documents have a created_at outside {iso(EARLIEST)} to "
            f"{iso(LATEST)}, wanted microseconds since 1970 in UTC",
            hint="seconds, milliseconds and nanoseconds must be converted first",
        )


def _check_subjects(batch: pa.RecordBatch) -> None:
    """Refuse codes that would silently deny everybody."""
    for name, allowed, wanted in (
        ("country", CODES, "an ISO 3166-1 alpha-2 code in capitals such as `CH`"),
        ("age_band", {"adult", "minor"}, "`adult` or `minor`"),
    ):
        wrong = set(batch.column(name).unique().to_pylist()) - allowed - {None}
        if wrong:
            raise CorpusError(
                f"{len(wrong)} values of {name} are unknown, wanted {wanted}, or null",
                hint="convert them, and write null where it is not known",
            )


def _example(batch: pa.RecordBatch, name: str) -> str:
    ids = batch.column("document_id").filter(batch.column(name).is_null())
    return str(ids[0].as_py())


def _check_shape(table: str, path: Path, rows: int) -> None:
    """Compare a loaded file's columns and count, read from its footer."""
    with _readable(table, path), pq.ParquetFile(path) as file:
        found, schema = file.metadata.num_rows, file.schema_arrow
    if found != rows:
        raise CorpusError(
            f"`{path.name}` holds {found} rows, but {rows} were loaded",
            hint="restore the file from a backup, or load the export again",
        )
    if not schema.equals(SCHEMAS[table]):
        raise CorpusError(
            f"`{path.name}` has other columns than were loaded",
            hint="restore the file from a backup, or load the export again",
        )


@contextmanager
def _readable(table: str, path: Path) -> Iterator[None]:
    """Turn what a Parquet reader says about a broken file into one clear error."""
    if not path.is_file():
        raise CorpusError(
            f"`{path.name}` is missing, wanted a Parquet file of {table}",
            hint="check the path",
        )
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(
            f"`{path.name}` cannot be read as Parquet: it is cut off, damaged or of "
            "another format",
            hint="export it again, or convert it to Parquet",
        ) from error
