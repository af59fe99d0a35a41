"""Take one person out of what a corpus keeps beside its texts, and out of texts.

A corpus whose texts are erased, or that she is no longer in, still names her: in its
commitments, among its dropped documents, as somebody who was mentioned. Those rows go.
`files.jsonl` and the manifest stay as they were logged; a note signed by the ledger's
key says which files are others now, and who reads the corpus checks it.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assent.canon import sha256
from assent.corpus.draft import parquet
from assent.corpus.manifest import (
    ERASED,
    SHREDDED,
    FileEntry,
    read_files,
    read_manifest,
    read_shredded,
    shredded_text,
)
from assent.corpus.tables import read_table
from assent.errors import CorpusError
from assent.files import file_sha256, write_whole

WHO = ("subject_id", "mentioned")
"""Columns that name a person."""


def shred_tables(
    folder: Path, subject_id: str, sign: Callable[[str], str]
) -> tuple[str, ...]:
    """Take a person's rows out of the tables of a corpus.

    Args:
        folder: the corpus; doing it again changes nothing.
        subject_id: whose rows go; her texts are gone already.
        sign: makes a statement of a text (`merkle.note.sign_statement`).

    Returns:
        The tables that held her.

    Raises:
        CorpusError: a table is not as it was written, or a part still holds her.
    """
    listed = {entry.path: entry for entry in read_files(folder)}
    found: dict[str, tuple[FileEntry, bytes]] = {}
    for path, entry in listed.items():
        # A tree of hers holds strings that only her secret explains: it stays.
        if not _is_table(path) or not _stands(folder, path):
            continue
        kept = _without(read_table(folder / path), subject_id)
        known = {file_sha256(folder / path)}
        if kept is not None:
            data = parquet(kept)
            new = FileEntry(path, sha256(data), len(kept), len(data))
            found[path] = new, data
            # An earlier run may have signed the new file, and not written it any more.
            known.add(new.sha256)
        if entry.sha256 not in known:
            raise CorpusError(
                f"the part `{path}` of `{folder.name}` is not as it was written",
                hint="restore it from a backup, then run the same command again",
            )
    if not found:
        return ()
    others = read_shredded(folder)
    others |= {path: new for path, (new, _) in found.items()}
    corpus_id = read_manifest(folder).corpus_id
    note = sign(shredded_text(corpus_id, others.values()))
    write_whole(folder / SHREDDED, note.encode())
    # Crash here: a table is not yet the one that was signed, so the corpus is refused
    # until this has run again: the new table is made of the old one, and compared.
    for path, (_, data) in found.items():
        write_whole(folder / path, data)
    # Crash here: her rows are gone.
    return tuple(found)


def _is_table(path: str) -> bool:
    return path.endswith(".parquet") and not path.startswith("parts/")


def _stands(folder: Path, path: str) -> bool:
    """Say whether a table is there; of an erased corpus only some are."""
    if (folder / path).exists():
        return True
    if (folder / ERASED).exists():
        return False
    raise CorpusError(
        f"the part `{path}` of `{folder.name}` is missing",
        hint="restore it from a backup, then run the same command again",
    )


def _without(table: pa.Table, subject_id: str) -> pa.Table | None:
    """Take a person's rows out; None where she is in none."""
    masks = [
        pc.fill_null(pc.equal(table[name], subject_id), False)
        for name in WHO
        if name in table.column_names
    ]
    hers = masks[0]
    for mask in masks[1:]:
        hers = pc.or_(hers, mask)
    return table.filter(pc.invert(hers)) if pc.any(hers).as_py() else None
