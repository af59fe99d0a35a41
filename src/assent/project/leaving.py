"""Take one person out of the loaded tables and the pinned directories.

Her documents and her row go. Where others mention her, somebody unknown is mentioned
instead, which denies at least as much; and what only her directory entries would have
found in their texts is replaced now, as a build would: after her row has gone nothing
would find it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.corpus.reading import taking_part
from assent.files import SECRET_MODE, write_whole
from assent.project.place import LOADED, Place
from assent.project.writing import directory_key, keep_tags, kept_tags
from assent.redact.directory import COLUMNS, Directory, rows_of_subjects
from assent.redact.hidden import Tags, union
from assent.redact.redactor import Redactor
from assent.sources.parquet import NAMES, SEAL, open_tables, stream, write_tables
from assent.sources.schema import DOCUMENTS, SUBJECTS

LEFT = "secrets/left"
"""A directory of keyed tags alone: of all who were erased."""

Found = list[list[Any]]
"""Directory entries as JSON: [mark, text] each."""


def loads(place: Place) -> list[Path]:
    """List the folders of finished loads, also of one that is being rewritten."""
    folders = sorted((place.folder / "data").glob("[0-9]*"))
    return [folder for folder in folders if (folder / LOADED).exists()]


def sources(place: Place) -> dict[str, str]:
    """Read where each load came from, by the name of its folder.

    Raises:
        CorpusError: a load is not as it was loaded.
    """
    found = {}
    for folder in loads(place):
        tables = open_tables(folder)
        tables.check_digests()
        found[folder.name] = tables.source
    return found


def entries_of(place: Place, subject_id: str) -> Found:
    """List a person's directory entries, of all loads."""
    found: set[tuple[int, str]] = set()
    for folder in loads(place):
        table = _directory_columns(folder)
        found |= _listed(table.filter(pc.equal(table["subject_id"], subject_id)))
    return [list(each) for each in sorted(found)]


def leave_loads(
    place: Place, subject_id: str, entries: Found, source_of: dict[str, str]
) -> list[str]:
    """Rewrite each load that holds a person without her; whole, or to be done again.

    Args:
        place: the project.
        subject_id: who leaves.
        entries: of hers, in all loads.
        source_of: of each load, from before the first one was rewritten.

    Returns:
        The loads that were rewritten.
    """
    done = []
    for folder in loads(place):
        hers = _alone(place, entries, folder, subject_id)
        sealed = (folder / SEAL).exists()
        if sealed and not _held(folder, subject_id, hers):
            continue
        write_tables(
            _documents(folder, subject_id, hers),
            _subjects(folder, subject_id),
            folder,
            source_of[folder.name],
        )
        # Crash within: without `tables.json` the load is refused, by every command but
        # this one, which rewrites it from the files that are there. Here: without her.
        done.append(folder.name)
    _sweep(place)
    return done


def leave_directories(place: Place, subject_id: str, entries: Found) -> int:
    """Turn a person's entries in the pinned directories into keyed tags.

    What was hers goes on being removed from other people's texts, in these and in later
    directories, and nobody can read it any more. The digests stay the same.

    Args:
        place: the project.
        subject_id: who leaves.
        entries: of hers, in all loads.

    Returns:
        How many directories held her.
    """
    key = directory_key(place)
    folder = place.folder / "secrets" / "directories"
    gone = 0
    for path in sorted(folder.glob("*")) if folder.exists() else []:
        directory = Directory.read(path, key)
        if directory.holds(subject_id):
            hidden = directory.hide(subject_id)
            write_whole(path, hidden.to_bytes(), SECRET_MODE)
            # Crash here: this one is done, under its own name; the next run goes on.
            gone += 1
    hers = Tags(key).hide(_rows(entries, subject_id))
    left = union([hers, kept_tags(place, LEFT)])
    if len(left):
        keep_tags(place, LEFT, left)
    # Crash here: she is among those who left, and her row is still loaded; a directory
    # made now would know her in the clear.
    return gone


def _rows(entries: Found, subject_id: str | None) -> pa.Table:
    return pa.table(
        {
            "subject_id": pa.array([subject_id] * len(entries), pa.string()),
            "mark": pa.array([int(mark) for mark, _ in entries], pa.uint16()),
            "text": pa.array([text for _, text in entries], pa.string()),
        }
    )


def _listed(subjects: pa.Table) -> set[tuple[int, str]]:
    rows = rows_of_subjects(subjects)
    columns = (rows[name].to_pylist() for name in ("mark", "text"))
    return set(zip(*columns, strict=True))


def _alone(
    place: Place, entries: Found, folder: Path, subject_id: str
) -> Redactor | None:
    """Make what finds the entries that nobody else in a load has; None: there is none.

    Of the others' entries only those are kept that are hers too.
    """
    hers = {(int(mark), str(text)) for mark, text in entries}
    for batch in _directory_columns(folder).to_batches(max_chunksize=100_000):
        table = pa.Table.from_batches([batch])
        hers -= _listed(table.filter(pc.not_equal(table["subject_id"], subject_id)))
    rows = _rows([list(each) for each in sorted(hers)], subject_id)
    return Redactor(Directory(rows, directory_key(place))) if hers else None


def _directory_columns(folder: Path) -> pa.Table:
    columns = ["subject_id", *COLUMNS]
    return pq.read_table(folder / NAMES["subjects"], columns=columns)


def _held(folder: Path, subject_id: str, hers: Redactor | None) -> bool:
    """Say whether a load holds a person, or a trace that only she would leave."""
    ids = (batch.column(0) for batch in _stream(folder, "subjects", ["subject_id"]))
    if any(pc.any(pc.equal(each, subject_id)).as_py() for each in ids):
        return True
    columns = ["subject_id", "mentions", "near", "text"]
    for batch in _stream(folder, "documents", columns):
        author, mentions, near, texts = batch.columns
        for column in (author, mentions.flatten(), near.flatten()):
            if pc.any(pc.equal(column, subject_id)).as_py():
                return True
        if hers and not _cleaned(batch, hers).equals(texts):
            return True
    return False


def _documents(
    folder: Path, subject_id: str, hers: Redactor | None
) -> Iterator[pa.RecordBatch]:
    """Stream the documents without a person's own, and without her in the others'."""
    gone = set()
    for batch in _stream(folder, "documents", ["document_id", "subject_id"]):
        ids = batch.column(0).filter(pc.equal(batch.column(1), subject_id))
        gone.update(ids.to_pylist())
    answered = pa.array(sorted(gone), pa.string())
    for batch in _stream(folder, "documents", DOCUMENTS.names):
        own = pc.fill_null(pc.equal(batch["subject_id"], subject_id), False)
        batch = batch.filter(pc.invert(own))
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        reply = columns["in_reply_to"]
        to_her = pc.is_in(reply, answered)
        columns["in_reply_to"] = pc.if_else(to_her, pa.scalar(None, pa.string()), reply)
        if hers:
            columns["text"] = _cleaned(batch, hers)
        for name in ("mentions", "near"):
            columns[name] = _unnamed(columns[name], subject_id)
        yield pa.RecordBatch.from_arrays(list(columns.values()), schema=DOCUMENTS)


def _subjects(folder: Path, subject_id: str) -> Iterator[pa.RecordBatch]:
    for batch in _stream(folder, "subjects", SUBJECTS.names):
        yield batch.filter(pc.not_equal(batch["subject_id"], subject_id))


def _stream(folder: Path, table: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    return stream(table, folder / NAMES[table], columns)


def _unnamed(mentions: pa.Array, subject_id: str) -> pa.Array:
    """Put nobody known in the place of a person."""
    lists = mentions.to_pylist()
    return pa.array(
        [
            each
            if each is None
            else [None if who == subject_id else who for who in each]
            for each in lists
        ],
        mentions.type,
    )


def _cleaned(batch: pa.RecordBatch, hers: Redactor) -> pa.Array:
    """Replace her traces in the texts of a batch of documents."""
    texts = batch["text"].to_pylist()
    near = taking_part(pa.Table.from_batches([batch]))
    cleaned = hers.without([text or "" for text in texts], near)
    pairs = zip(texts, cleaned, strict=True)
    return pa.array([text and new for text, new in pairs], pa.string())


def _sweep(place: Place) -> None:
    """Remove what lies about: broken-off loads, and what an engine spilled."""
    for folder in (place.folder / "data").glob("[0-9]*"):
        if not (folder / LOADED).exists():
            shutil.rmtree(folder)
    spill = place.folder / ".spill"
    for path in spill.iterdir() if spill.exists() else ():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def holds(folder: Path, subject_id: str) -> bool:
    """Say whether a load has a person's row, or a document of hers."""
    tables = ("subjects", "documents")
    return any(
        pc.any(pc.equal(batch.column(0), subject_id)).as_py()
        for table in tables
        for batch in _stream(folder, table, ["subject_id"])
    )


def documents_of(place: Place, subject_id: str) -> set[str]:
    """List the documents of hers in all loads."""
    found: set[str] = set()
    for folder in loads(place):
        for batch in _stream(folder, "documents", ["document_id", "subject_id"]):
            own = pc.equal(batch.column(1), subject_id)
            found.update(batch.column(0).filter(own).to_pylist())
    return found
