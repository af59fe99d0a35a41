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


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger's file: an append is on the disk when it has returned."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


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
