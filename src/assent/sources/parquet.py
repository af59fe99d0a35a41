"""Documents and subjects as two Parquet files: written whole, read back, checked.

A load is a folder with `documents.parquet`, `subjects.parquet` and, written last,
`tables.json` with the counts, the digests and where the rows came from. Without
`tables.json` there is no load, whatever else lies in the folder.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
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

BATCH = 8_192  # rows
SEAL = "tables.json"
NAMES = {"documents": "documents.parquet", "subjects": "subjects.parquet"}
SCHEMAS = {"documents": DOCUMENTS, "subjects": SUBJECTS}
KEYS = {"documents": "document_id", "subjects": "subject_id"}
NEEDED = {
    "documents": ("document_id", "subject_id", "category", "created_at", "text"),
    "subjects": ("subject_id", "country"),
}
# A document without these could be decided on only by guessing.
FILLED = ("category", "created_at", "text")


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
        # Crash here: drafts are left, which the next load replaces; the old load counts.
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
        ids.check(lambda table=table, path=path: _converted(table, path))  # type: ignore[misc]
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
    """The ids of one table, as 8 bytes each: finds nulls at once, duplicates at the end.

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

    def check(self, again: Callable[[], Iterable[pa.RecordBatch]]) -> None:
        """Raise when an id stands twice; `again` reads the same rows once more."""
        buffer = pa.py_buffer(self.digests)
        column = pa.Array.from_buffers(pa.uint64(), self.rows, [None, buffer])
        column = column.take(pc.sort_indices(column))
        same = pc.equal(column.slice(1), column.slice(0, max(self.rows - 1, 0)))
        suspects = set(column.slice(1).filter(same).to_pylist())
        if not suspects:
            return
        seen: set[str] = set()
        twice = 0
        for batch in again():
            for each in batch.column(self.key).to_pylist():
                if _short(each) in suspects:
                    twice, first = twice + (each in seen), each
                    if each in seen:
                        example = first
                    seen.add(each)
        if twice:
            raise CorpusError(
                f"{twice} rows of {self.table} repeat a {self.key}, such as "
                f"`{example}`; wanted each once",
                hint=f"remove the repeated rows, or give each its own {self.key}",
            )


def _short(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
