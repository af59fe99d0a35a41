"""The two SQLite files of a ledger: how they are laid out, opened and complained of."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assent.errors import LedgerError

SCHEMA = """
CREATE TABLE entries (number INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE nodes (
  level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY (level, position)
) WITHOUT ROWID;
CREATE TABLE bodies (
  number INTEGER PRIMARY KEY REFERENCES entries, body BLOB NOT NULL, opening BLOB
);
CREATE UNIQUE INDEX enrolments
  ON bodies (json_extract(CAST(body AS TEXT), '$.subject_id')) WHERE opening IS NULL;
CREATE TABLE heads (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
"""

BUSY = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_FULL,
)
"""SQLite's primary error codes for a file that is whole but cannot be used now."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger's file: an append is on the disk when it has returned."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Turn what SQLite says when a ledger is opened into one clear error.

    Raises:
        LedgerError: another program holds the file, it cannot be written, or it is no
            ledger.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        # Restoring a whole ledger over one that is only busy would lose entries.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY:
            raise LedgerError(
                f"the ledger is busy or cannot be written ({error})",
                hint="close the other program and try again",
            ) from error
        raise LedgerError(
            f"`{path.name}` cannot be read as a ledger",
            hint="restore the file from a backup",
        ) from error


@contextmanager
def readable() -> Iterator[None]:
    """Turn what SQLite says about a damaged vault or a full disk into one clear error.

    Raises:
        LedgerError: the vault could not be read or written.
    """
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a mistake of ours, not of the file
    except sqlite3.Error as error:
        raise LedgerError(
            f"the vault could not be read or written ({error}); nothing was changed",
            hint="free some space or restore the folder `secrets`, then try again",
        ) from error


def blob(value: object) -> bytes:
    """Read a value as the bytes that were written.

    Raises:
        LedgerError: it is of another type: somebody else wrote it.
    """
    if not isinstance(value, bytes):
        raise LedgerError(
            "the ledger holds a value that is not the bytes it wrote",
            hint="restore the file from a backup; an entry was changed",
        )
    return value
