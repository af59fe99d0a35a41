"""Take one person out of the loaded tables and the pinned directories.

Her documents and her row go. Where others mention her, somebody unknown is mentioned
instead, which denies at least as much; and what only her directory entries would have
found in their texts is replaced now, as a build would: after her row has gone nothing
would find it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.canon import canonical
from assent.corpus.detect import Kind
from assent.corpus.directory import COLUMNS, Directory, Entry
from assent.corpus.shred import traces, without_traces
from assent.files import sync_folder
from assent.project.place import LOADED, Place
from assent.sources.parquet import NAMES, SEAL, open_tables, stream, write_tables
from assent.sources.schema import DOCUMENTS, SUBJECTS

Found = list[list[str]]
"""Directory entries as JSON: [kind, text] each."""


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
    found: set[Entry] = set()
    for folder in loads(place):
        found |= traces(_directory_columns(folder), subject_id)[0]
    return [[entry.kind.value, entry.text] for entry in sorted(found)]


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
        hers = _alone(entries, traces(_directory_columns(folder), subject_id)[1])
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
    """Remove the pinned directories that hold what is one person's alone.

    Only a build that is under way reads one, and none is while somebody is erased; the
    next build pins its own.

    Returns:
        How many were removed.
    """
    others: set[Entry] = set()
    for folder in loads(place)[-1:]:
        others = traces(_directory_columns(folder), subject_id)[1]
    lines = {
        canonical([entry.kind.value, entry.text])
        for entry in _alone(entries, others).entries
    }
    folder = place.folder / "secrets" / "directories"
    gone = 0
    for path in sorted(folder.glob("*")) if folder.exists() else []:
        if not lines.isdisjoint(path.read_bytes().split(b"\n")):
            path.unlink()
            gone += 1
    if gone:
        sync_folder(folder)
    return gone


def _alone(entries: Found, others: set[Entry]) -> Directory:
    """Make a directory of the entries that nobody else has."""
    hers = {Entry(Kind(kind), text) for kind, text in entries}
    return Directory(hers - others)


def _directory_columns(folder: Path) -> pa.Table:
    columns = ["subject_id", *COLUMNS]
    return pq.read_table(folder / NAMES["subjects"], columns=columns)


def _held(folder: Path, subject_id: str, hers: Directory) -> bool:
    """Say whether a load holds a person, or a trace that only she would leave."""
    ids = (batch.column(0) for batch in _stream(folder, "subjects", ["subject_id"]))
    if any(pc.any(pc.equal(each, subject_id)).as_py() for each in ids):
        return True
    columns = ["subject_id", "mentions", "text"]
    for batch in _stream(folder, "documents", columns):
        author, mentions, texts = batch.columns
        for column in (author, mentions.flatten()):
            if pc.any(pc.equal(column, subject_id)).as_py():
                return True
        if hers.entries and not _cleaned(texts, hers).equals(texts):
            return True
    return False


def _documents(
    folder: Path, subject_id: str, hers: Directory
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
        columns["mentions"] = _unnamed(columns["mentions"], subject_id)
        columns["text"] = _cleaned(columns["text"], hers)
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


def _cleaned(texts: pa.Array, hers: Directory) -> pa.Array:
    if not hers.entries:
        return texts
    return pa.array(
        [
            None if text is None else without_traces(text, hers)
            for text in texts.to_pylist()
        ],
        pa.string(),
    )


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
