"""Files that are whole or absent, and secrets that only their owner reads."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from assent.errors import UsageError

SECRET_MODE = 0o600
TOGETHER = 128
"""Files that are open at once at most, while many are written."""


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that a crash leaves the old content, or the new, never a part.

    Raises:
        UsageError: the disk is full; the old content is still there.
    """
    write_all_whole([(path, data)], mode)


def write_all_whole(files: Iterable[tuple[Path, bytes]], mode: int = 0o644) -> None:
    """Write many files, each whole or absent, and wait less often for the disk.

    Memory holds one file at a time. They become visible in groups, in order; all are
    on the disk when this returns.

    Raises:
        UsageError: the disk is full; the files of the last group are as they were.
    """
    drafts: list[_Draft] = []
    try:
        for path, data in files:
            with full_disk_named(path):
                drafts.append(_Draft(path, mode))
                drafts[-1].write(data)
            if len(drafts) == TOGETHER:
                _keep(drafts)
                drafts = []
        _keep(drafts)
        drafts = []
    finally:
        for draft in drafts:
            draft.discard()  # a full disk needs its space back


class Unbuffered(FileIO):
    """Takes all that is written; what a full disk did not take is not tried again."""

    def write(self, data: Any) -> int:
        """Write all bytes of a buffer; returns how many they are."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left:
            left = left[super().write(left) :]
        return size


class _Draft:
    """A file that is being written beside the one that it will replace."""

    def __init__(self, path: Path, mode: int) -> None:
        # Folders that get a new name inside; a missing parent is one of its parent's.
        self.folders = [path.parent]
        while not self.folders[-1].exists():
            self.folders.append(self.folders[-1].parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.draft = path.with_name(f".{path.name}.draft")
        # Created with its mode: a secret is never readable, not even for an instant.
        self.draft.unlink(missing_ok=True)
        handle = os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        self.stream = Unbuffered(handle, "wb")

    def write(self, data: bytes) -> None:
        self.stream.write(data)

    def sync(self) -> None:
        os.fsync(self.stream.fileno())
        self.stream.close()

    def keep(self) -> None:
        os.replace(self.draft, self.path)

    def discard(self) -> None:
        self.stream.close()
        self.draft.unlink(missing_ok=True)


def _keep(drafts: Sequence[_Draft]) -> None:
    """Give drafts their names, once all of them are on the disk."""
    for draft in drafts:
        with full_disk_named(draft.path):
            draft.sync()
    # Crash here: only drafts are left, which the next write replaces.
    for draft in drafts:
        draft.keep()
    # Crash here: each name leads to the old content or the new.
    for folder in dict.fromkeys(one for draft in drafts for one in draft.folders):
        sync_folder(folder)


@contextmanager
def whole_stream(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Give a stream whose content becomes `path` when the block ends without an error.

    For what does not fit into memory. A crash leaves the old file, and a draft that the
    next write replaces.

    Raises:
        UsageError: the disk is full; the old content is still there.
    """
    with full_disk_named(path):
        draft = _Draft(path, mode)
    kept = False
    try:
        with full_disk_named(path):
            yield draft.stream
        _keep([draft])
        kept = True
    finally:
        if not kept:
            draft.discard()
            for folder in draft.folders[:-1]:  # made for it
                if not any(folder.iterdir()):
                    folder.rmdir()


@contextmanager
def private_draft(path: Path) -> Iterator[Path]:
    """Give a file to write that becomes `path` when it is whole: mode 0600.

    What is written lies in a folder for its owner alone until then. A crash leaves the
    old file, and a draft that the next write replaces.

    Raises:
        UsageError: the disk is full; the old content is still there.
    """
    folder = path.with_name(f".{path.name}.draft")
    shutil.rmtree(folder, ignore_errors=True)
    with full_disk_named(path):
        folder.mkdir(mode=0o700, parents=True)
        draft = folder / path.name
        try:
            yield draft
            draft.chmod(SECRET_MODE)
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            # Crash here: a draft is left; the old file still counts.
            os.replace(draft, path)
            sync_folder(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_folders(folder: Path, modes: Mapping[str, int]) -> Iterator[None]:
    """Make a folder with others in it; what the block leaves empty goes if it fails.

    Args:
        folder: is made where it is missing, with its parents.
        modes: permissions of those in it, by name; what is there already is kept.
    """
    wanted = {folder: 0o777} | {folder / name: mode for name, mode in modes.items()}
    made = [path for path in wanted if not path.exists()]
    for path in made:
        path.mkdir(wanted[path], parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in reversed(made):
            if not any(path.iterdir()):
                path.rmdir()
        raise


def publish_folder(draft: Path, final: Path) -> None:
    """Rename a finished draft folder to its final name: the instant it exists.

    Every file in `draft` must have been written whole. Crash before: the draft is
    found and finished by the next run. Crash after: the folder is complete.
    """
    sync_folder(draft)
    os.rename(draft, final)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """Hash a file by streaming: 64 hexadecimal digits, constant memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; copy it where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turn "no space left" into one clear error that says what is still true.

    Raises:
        UsageError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UsageError(
            f"the disk is full: `{path.name}` was not written, nothing was changed",
            hint="free some space, then run the same command again",
        ) from error
