"""A log as static files that any web server can hand out, and any program can check.

    checkpoint              the signed head, with its cosignatures
    tile/<L>/<N>[.p/<W>]    256 hashes, or the W there are so far
    tile/entries/<N>[.p/W]  the entries below a tile of level 0

The checkpoint is written last: whoever reads it finds every tile that it signs for. A
complete tile is never written twice, so a run that was cut off is simply run again.
What is there already must be the beginning of this log: two logs never mix.

Source: C2SP tlog-tiles, v0.1.0.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assent.errors import LedgerError, ProofError
from assent.files import sync_folder, write_all_whole, write_whole
from assent.merkle import log
from assent.merkle.note import (
    MAX_NOTE_CHARACTERS,
    TreeHead,
    open_head,
    signature_count,
)
from assent.merkle.tiles import (
    WIDTH,
    bundle_entries,
    entries_path,
    node,
    subtree,
    tile_path,
    widths,
)

CHECKPOINT = "checkpoint"
Progress = Callable[[str, int, int], None]


class Log(Protocol):
    """What can be published: a ledger, or somebody else's log that was verified."""

    @property
    def verifier_key(self) -> str:
        """The key that signs its heads."""

    def cosigned_note(self, size: int | None = None) -> str:
        """Give the signed head of a size, with its witnesses' lines."""

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Read the entries [start, stop)."""

    def tile(self, level: int, index: int) -> bytes:
        """Read the hashes of a tile; there may be more of them by now."""


@dataclass(frozen=True, slots=True)
class Published:
    """What lies in the folder now, and how much of it is new.

    Args:
        head: what the checkpoint says.
        before: entries that were published before.
        written: files that were written, the checkpoint among them.
        removed: partial tiles that a complete one replaces.
        cosignatures: lines of the checkpoint beside the log's own.
    """

    head: TreeHead
    before: int
    written: int
    removed: int
    cosignatures: int


def publish_log(
    source: Log, folder: Path, progress: Progress = lambda *_: None
) -> Published:
    """Bring a folder up to the latest head of a log.

    Memory holds one bundle of 256 entries at a time. Only new files are written.

    Raises:
        LedgerError: the log contradicts its own head; or what lies in the folder is of
            another log, is ahead of this one, differs from it, or lacks a tile.
        ProofError: the log's signed head or one of its tiles cannot be read.
        UsageError: the disk is full; the checkpoint is still the old one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        # (1) What is to be published: the log may grow meanwhile, this head may not.
        note = source.cosigned_note()
        head = open_head(note, source.verifier_key)
        _check_root(source, head, "the ledger's own signed head")

        # (2) What is published already is the beginning of it.
        old = _published(folder, source.verifier_key)
        size = old.size if old else 0
        if old:
            _check_beginning(source, folder, old, head)

        # (3) New tiles and bundles. Crash here: files that no checkpoint signs for yet;
        # the next run compares them with the log's and goes on.
        written = 0

        def missing() -> Iterator[tuple[Path, bytes]]:
            nonlocal written
            for name, data in _new_files(source, size, head.size, progress):
                if not _is_there(folder / name, name, data):
                    written += 1
                    yield folder / name, data

        write_all_whole(missing())

        # (4) The checkpoint. Crash before: readers have the old one, and its tiles.
        if _text(folder) != note:
            write_whole(folder / CHECKPOINT, note.encode())
            written += 1

        # (5) Partial tiles that are complete now. Crash here: the next run does it.
        removed = _sweep(folder)
    return Published(head, size, written, removed, signature_count(note) - 1)


def publish_ledger(
    book: Log, folder: Path, progress: Progress = lambda *_: None
) -> Published:
    """Publish one's own ledger: what cannot be read of it is its own fault.

    Raises:
        LedgerError, UsageError: as `publish_log`.
    """
    try:
        return publish_log(book, folder, progress)
    except ProofError as error:
        raise LedgerError(
            f"the log cannot be published: {error.message}",
            hint="run `assent ledger check`",
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process publish into a folder: a slow one would bring an old head back.

    Raises:
        LedgerError: another process is at it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise LedgerError(
            f"another process is publishing into `{folder.name}`",
            hint="wait until it is done, then run this again",
        ) from None
    finally:
        os.close(handle)  # gives the lock back


def _published(folder: Path, verifier_key: str) -> TreeHead | None:
    """Read what the folder's checkpoint says, if there is one and it is this log's."""
    text = _text(folder)
    if text is None:
        return None
    try:
        return open_head(text, verifier_key)
    except ProofError as error:
        raise LedgerError(
            f"the log that lies in `{folder.name}` is not this ledger's: "
            f"{error.message}",
            hint="publish into a folder of its own",
        ) from error


def _text(folder: Path) -> str | None:
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    with path.open("rb") as stream:
        return stream.read(4 * MAX_NOTE_CHARACTERS).decode(errors="replace")


def _check_beginning(source: Log, folder: Path, old: TreeHead, new: TreeHead) -> None:
    """Refuse to go on from a checkpoint that this log does not go on from."""
    if old.size > new.size:
        raise LedgerError(
            f"`{folder.name}` holds {old.size} entries, and this ledger only "
            f"{new.size}: it is older than what it published",
            hint="restore the latest backup of the ledger; never sign a second history",
        )
    _check_root(source, old, f"what lies in `{folder.name}`")
    wanted = [
        (tile_path(level, count // WIDTH, count % WIDTH), level, count)
        for level, count in enumerate(widths(old.size))
        if count % WIDTH
    ]
    for name, level, count in wanted:
        hashes = source.tile(level, count // WIDTH)[: count % WIDTH * log.HASH_BYTES]
        _check_there(folder, name, hashes)
    if old.size % WIDTH:
        start = old.size // WIDTH * WIDTH
        bundle = bundle_entries(list(source.entries(start, old.size)))
        _check_there(folder, entries_path(start // WIDTH, old.size - start), bundle)


def _check_there(folder: Path, partial: str, data: bytes) -> None:
    """Check a partial file, or the complete one that has replaced it."""
    complete = folder / partial.rpartition(".p/")[0]
    for path in (folder / partial, complete):
        if path.is_file():
            if not path.read_bytes().startswith(data):
                raise _differs(partial)
            return
    raise LedgerError(
        f"the published log lacks `{partial}`, which its checkpoint signs for",
        hint="restore the published folder, or publish into an empty one",
    )


def _check_root(source: Log, head: TreeHead, what: str) -> None:
    def get(level: int, position: int) -> bytes:
        return node(level, position, source.tile)

    if log.root(head.size, get) != head.root:
        raise LedgerError(
            f"{what}, of {head.size} entries, is no beginning of this ledger: their "
            "roots differ",
            hint="run `assent ledger check`; find out which of the two is the true one",
        )


def _new_files(
    source: Log, old: int, new: int, progress: Progress
) -> Iterator[tuple[str, bytes]]:
    """Give name and content of each file that growing from `old` to `new` makes."""
    for level, count in enumerate(widths(new)):
        first = old // WIDTH ** (level + 1)
        for index in range(first, -(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            tile = source.tile(level, index)[: width * log.HASH_BYTES]
            if width == WIDTH:
                _check_above(source, level, index, tile)
            if level == 0:
                start = index * WIDTH
                yield entries_path(index, width), _bundle(source, start, width, tile)
                progress("publish", start + width - old, new - old)
            yield tile_path(level, index, width), tile


def _bundle(source: Log, start: int, width: int, tile: bytes) -> bytes:
    entries = list(source.entries(start, start + width))
    if b"".join(map(log.leaf_hash, entries)) != tile:
        raise LedgerError(
            f"the entries {start} to {start + width - 1} do not hash to their tile",
            hint="run `assent ledger check`, and restore the ledger from a backup",
        )
    return bundle_entries(entries)


def _check_above(source: Log, level: int, index: int, tile: bytes) -> None:
    """Check a complete tile against the one hash above it."""
    parent = source.tile(level + 1, index // WIDTH)
    at = index % WIDTH * log.HASH_BYTES
    if subtree(tile) != parent[at : at + log.HASH_BYTES]:
        raise LedgerError(
            f"tile {index} of level {level} does not hash to the tile above it",
            hint="run `assent ledger check`, and restore the ledger from a backup",
        )


def _is_there(path: Path, name: str, data: bytes) -> bool:
    """Say whether a file is there; one that is must have these bytes."""
    if not path.exists():
        return False
    if path.read_bytes() != data:
        raise _differs(name)
    return True


def _differs(name: str) -> LedgerError:
    return LedgerError(
        f"the published file `{name}` is not this ledger's: its bytes differ",
        hint="publish into an empty folder, and find out who wrote the other one",
    )


def _sweep(folder: Path) -> int:
    """Remove partial tiles whose complete one is there, and what a crash left."""
    removed = 0
    for where, folders, files in os.walk(folder / "tile"):
        for name in [each for each in folders if each.endswith(".p")]:
            if (Path(where) / name.removesuffix(".p")).is_file():
                removed += sum(1 for _ in (Path(where) / name).iterdir())
                shutil.rmtree(Path(where) / name)
                folders.remove(name)
        for name in files:
            if name.startswith(".") and name.endswith(".draft"):
                (Path(where) / name).unlink()
    if removed:
        sync_folder(folder)
    return removed
