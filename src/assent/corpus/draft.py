"""A corpus in the making: a folder that can be left at any instant and gone on with.

Every file is whole before a line of `finished.jsonl` says so. The next run keeps the
files whose bytes still match their line and makes the others again, so it ends with the
bytes of a run that was never interrupted.
"""

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.canon import canonical, sha256
from assent.corpus.manifest import (
    FILES,
    MANIFEST,
    BuildRequest,
    Counts,
    FileEntry,
    Manifest,
    check_file,
    check_parts,
    files_bytes,
)
from assent.files import (
    file_sha256,
    full_disk_named,
    link_or_copy,
    publish_folder,
    sync_folder,
    write_whole,
)

FINISHED = "finished.jsonl"
SPILL = "spill"
WRITER = f"parquet-cpp-arrow {pa.__version__}"
ROW_GROUP = 65_536
REPEATING = ("subject_id", "category", "reason", "rule", "group")


def parquet(table: pa.Table) -> bytes:
    """Write a table as Parquet: the same rows in the same order give the same bytes.

    Holds for one version of the writer, which names itself inside the file.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.combine_chunks(),  # the chunks of the input must not show in the pages
        sink,
        row_group_size=ROW_GROUP,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in REPEATING if name in table.column_names],
        write_statistics=False,
        store_schema=False,  # how Arrow held the strings in memory is not content
    )
    return bytes(sink.getvalue())


def write_apart(table: pa.Table, path: str, spill: Path) -> tuple[str, FileEntry]:
    """Write a table whole, under a name in the spill that no other process takes.

    Two attempts at one bucket may run at once, and one that was given up may go on
    after the corpus is named. So neither makes a folder, or a name that counts.

    Returns:
        The name, and what to note of the file when it stands at `path`.
    """
    data = parquet(table)
    handle, made = tempfile.mkstemp(dir=spill, suffix=".parquet")
    with full_disk_named(Path(made)), os.fdopen(handle, "wb") as out:
        os.fchmod(handle, 0o644)  # as every other file of a corpus
        out.write(data)
        out.flush()
        os.fsync(handle)
    # Crash here: a file that nothing names, which the next run throws away.
    return Path(made).name, FileEntry(path, sha256(data), table.num_rows, len(data))


class Draft:
    """The folder `.building-<corpus id>` beside the place where the corpus will stand.

    Args:
        out_root: the folder of all corpora; created when absent.
        corpus_id: what is being built.

    After opening, `files` holds what an earlier run finished and what still matches.
    """

    def __init__(self, out_root: Path, corpus_id: str) -> None:
        self.folder = out_root / f".building-{corpus_id}"
        self.final = out_root / corpus_id
        self.spill = self.folder / SPILL
        self.files: dict[str, FileEntry] = {}
        if self.final.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.spill, ignore_errors=True)
        self.spill.mkdir()
        # Crash here: finished files stay, the spill is read again from the documents.
        self._reopen()

    def published(self) -> Manifest | None:
        """Read the corpus when it stands already, or is whole but for its name.

        Raises:
            CorpusError: it stands, and a file of it is not as it was written.
        """
        if not self.final.exists():
            if not (self.folder / MANIFEST).exists():
                return None
            # The last run stopped between the last byte and the name.
            self._clear()
            check_parts(self.folder)
            publish_folder(self.folder, self.final)
            # Crash here: the corpus stands.
        return check_parts(self.final)

    def write(self, path: str, table: pa.Table) -> None:
        """Write a table whole, then note it as finished."""
        data = parquet(table)
        write_whole(self.folder / path, data)
        # Crash here: the file is whole, but not noted; it is made again, the same.
        self._note(FileEntry(path, sha256(data), table.num_rows, len(data)))

    def adopt(self, name: str, entry: FileEntry) -> None:
        """Give a file that a worker left in the spill its name, then note it."""
        target = self.folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.spill / name, target)
        sync_folder(target.parent)
        # Crash here: the file is whole, but not noted; it is made again, the same.
        self._note(entry)

    def link(self, source: Path, entry: FileEntry) -> None:
        """Give a file of another corpus a second name here, then note it."""
        target = self.folder / entry.path
        link_or_copy(source / entry.path, target)
        sync_folder(target.parent)
        # Crash here: not noted; linked again.
        check_file(self.folder, entry)
        self._note(entry)

    def seal(self, request: BuildRequest, counts: Counts, version: str) -> Manifest:
        """Write the file list and the manifest, then give the folder its name."""
        files = sorted(self.files.values())
        listed = files_bytes(files)
        manifest = Manifest(
            request=request,
            counts=counts,
            parts=tuple(entry for entry in files if entry.path.startswith("parts/")),
            files_sha256=sha256(listed),
            version=version,
            writer=WRITER,
        )
        write_whole(self.folder / FILES, listed)
        # Crash here: no manifest, so the next run goes on; it writes this list again.
        write_whole(self.folder / MANIFEST, manifest.to_bytes())
        # Crash here: whole but for its name; `published` gives the name.
        self._clear()
        publish_folder(self.folder, self.final)
        # Crash here: the corpus stands.
        return manifest

    def _clear(self) -> None:
        """Remove what only an unfinished build needs."""
        shutil.rmtree(self.spill, ignore_errors=True)
        (self.folder / FINISHED).unlink(missing_ok=True)
        # Crash here: the manifest stands, so the next run comes here again.

    def _reopen(self) -> None:
        log = self.folder / FINISHED
        lines = log.read_bytes().split(b"\n") if log.exists() else []
        for line in lines[:-1]:  # the last piece is empty, or a line cut by a crash
            entry = _entry(line)
            if entry is None:
                continue
            path = self.folder / entry.path
            if path.is_file() and file_sha256(path) == entry.sha256:
                self.files[entry.path] = entry
        if (self.folder / MANIFEST).exists():
            return
        known = b"".join(map(_line, self.files.values()))
        write_whole(log, known)
        # Crash here: the log says no more than is true.
        self._sweep()

    def _sweep(self) -> None:
        """Remove files that no line vouches for: half-made, or of another build."""
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name not in self.files and name != FINISHED:
                path.unlink()

    def _note(self, entry: FileEntry) -> None:
        log = self.folder / FINISHED
        with full_disk_named(log), log.open("ab") as out:
            out.write(_line(entry))
            out.flush()
            os.fsync(out.fileno())
        # Crash here: the file is whole and noted.
        self.files[entry.path] = entry


def _line(entry: FileEntry) -> bytes:
    return canonical(asdict(entry) | {"writer": WRITER}) + b"\n"


def _entry(line: bytes) -> FileEntry | None:
    """Read a line of the log; None when it is damaged or of another writer."""
    try:
        row = json.loads(line)
        # Another writer would give other bytes: one corpus has one writer.
        return FileEntry(**row) if row.pop("writer") == WRITER else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # what no line vouches for is made again
