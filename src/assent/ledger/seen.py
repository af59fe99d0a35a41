"""The largest head that this folder ever signed: a ledger older than it was restored.

`secrets/seen` holds the signed note itself, so nobody without the key can write another
one. It is written after the append is committed and never goes back: it may lag behind
the ledger by what was appended in the instant of a crash, and is never ahead of it.
"""

import errno
import fcntl
import os
from pathlib import Path

from assent.errors import LedgerError
from assent.files import SECRET_MODE, sync_folder

LINE_OF_SIZE = 1
LIMIT = 100_000


class Seen:
    """The file with the largest signed head. It exists once a ledger was begun.

    Args:
        path: the file, beside the key that signs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self) -> str | None:
        """Read the note; None when the file was never written.

        Raises:
            LedgerError: it is no text.
        """
        try:
            return self._path.read_bytes()[:LIMIT].decode() or None
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise LedgerError(
                f"`{self._path.name}` holds no signed head",
                hint="restore the folder `secrets` from a backup",
            ) from error

    def keep(self, note: str) -> None:
        """Keep a signed head, unless a larger one is kept.

        A later note is never shorter, so it is written over the old one in place: a
        sector is written whole, and no other writer finds the file empty. It is not
        forced to the disk: after a power cut an older note says less, nothing false.

        Raises:
            LedgerError: the disk is full; the append before is in the ledger.
        """
        try:
            self._write(note.encode())
        except OSError as error:
            raise LedgerError(
                f"`{self._path.name}` could not be written ({error.strerror}); what "
                "was appended is in the ledger",
                hint="free some space, and open the ledger again before you append",
            ) from error

    def _write(self, note: bytes) -> None:
        first = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, SECRET_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            old = os.pread(handle, LIMIT, 0)
            if _size(old) < _size(note) and os.pwrite(handle, note, 0) != len(note):
                # Not even these few bytes: what was there says less, nothing false.
                os.pwrite(handle, old, 0)
                os.ftruncate(handle, len(old))
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if first:
                os.fsync(handle)
        finally:
            os.close(handle)
        if first:
            sync_folder(self._path.parent)


def _size(note: bytes) -> int:
    lines = note.split(b"\n", LINE_OF_SIZE + 1)
    is_head = len(lines) > LINE_OF_SIZE and lines[LINE_OF_SIZE].isdigit()
    return int(lines[LINE_OF_SIZE]) if is_head else -1
