"""Documents and subjects as two Parquet files: written whole, and read back.

A load is a folder with `documents.parquet`, `subjects.parquet` and, written last,
`tables.json` with the counts, the digests and where the rows came from. Without
`tables.json` there is no load, whatever else lies in the folder.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.canon import canonical
from assent.errors import CorpusError
from assent.files import file_sha256, full_disk_named, sync_folder, write_whole
from assent.sources.ids import KEYS, Ids
from assent.sources.schema import DOCUMENTS, SUBJECTS

BATCH = 8_192  # rows
ROW_GROUP = 65_536  # rows: in smaller groups a scan of all spends its time on headers
SEAL = "tables.json"
NAMES = {"documents": "documents.parquet", "subjects": "subjects.parquet"}
SCHEMAS = {"documents": DOCUMENTS, "subjects": SUBJECTS}


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
    is one row group, and 8 bytes for each row to find duplicate ids (three times that
    for an instant at the end of each table).

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
            hint="load the export again, or finish the `assent erase` that was cut off",
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


def _write_draft(table: str, batches: Iterable[pa.RecordBatch], draft: Path) -> int:
    """Stream one table into a draft file; returns its number of rows."""
    ids = Ids(table)
    with full_disk_named(draft), draft.open("wb") as out:
        with pq.ParquetWriter(out, SCHEMAS[table], compression="zstd") as writer:
            for group in _row_groups(ids, batches):
                writer.write_table(group, row_group_size=ROW_GROUP)
        out.flush()
        os.fsync(out.fileno())
    # Crash here: a draft is left, which no reader looks at.
    ids.check(stream(table, draft, (KEYS[table],)))
    return ids.rows


def _row_groups(ids: Ids, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Gather batches to whole row groups; the last one may be smaller."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        ids.add(batch)
        pending.append(batch)
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            yield pa.Table.from_batches(pending)
            pending, rows = [], 0
    if pending:
        yield pa.Table.from_batches(pending)


def stream(
    table: str, path: Path, columns: Sequence[str], name: str = ""
) -> Iterator[pa.RecordBatch]:
    """Stream columns of a Parquet file, every value checked to be what it says.

    Args:
        table: `documents` or `subjects`.
        path: the file.
        columns: their names.
        name: what messages call the file; by default its name.

    Raises:
        CorpusError: the file is missing or broken.
    """
    with readable(table, path, name), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=list(columns)):
            batch.validate(full=True)  # a reader does not look whether text is UTF-8
            yield batch


def _check_shape(table: str, path: Path, rows: int) -> None:
    """Compare a loaded file's columns and count, read from its footer."""
    with readable(table, path), pq.ParquetFile(path) as file:
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
def readable(table: str, path: Path, name: str = "") -> Iterator[None]:
    """Turn what a Parquet reader says about a broken file into one clear error.

    Raises:
        CorpusError: the file is missing or broken.
    """
    name = name or path.name
    if not path.is_file():
        raise CorpusError(
            f"`{name}` is missing, wanted a Parquet file of {table}",
            hint="check the path",
        )
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise unreadable(name) from error


def unreadable(name: str) -> CorpusError:
    """Say that a file is no Parquet that can be read."""
    return CorpusError(
        f"`{name}` cannot be read as Parquet: it is cut off, damaged or of another "
        "format",
        hint="export it again, or convert it to Parquet",
    )
