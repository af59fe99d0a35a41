"""A ledger in a SQLite file: WAL, synchronous FULL, mode 0600.

One program may write while others read; a second writer waits up to `PATIENCE` seconds
for the first. What has been committed is on the disk.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from assent.errors import LedgerError
from assent.files import SECRET_MODE
from assent.ledger.store import Layout, Row, Value

PATIENCE = 30.0
"""Seconds that a writer waits for another one."""
CACHE_KIB = 65_536
CHECKPOINT_PAGES = 10_000
"""Pages of the WAL, of 4 KiB, before they are written back: fewer would write the same
index pages again and again during an import."""

WAITED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
UNUSABLE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)
"""SQLite's primary error codes for a file that is whole but cannot be used now."""


class SqliteStore:
    """One layout of tables in a SQLite file. See `store.Store`.

    Args:
        path: the file; made when absent, with mode 0600.
        layout: its tables.
        patience: seconds to wait for another writer.
    """

    def __init__(self, path: Path, layout: Layout, patience: float = PATIENCE) -> None:
        self._path = path
        self._layout = layout
        with self._named():
            if not path.exists():
                path.touch(SECRET_MODE)
            # SQLite gives its journal files the mode of the database.
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=patience
            )
            try:
                self._settle()
            except BaseException:
                self._connection.close()
                raise

    def _settle(self) -> None:
        execute = self._connection.execute
        if self._layout.forgets:
            # No WAL: what is deleted would stay in it until the next checkpoint.
            execute("PRAGMA journal_mode = DELETE")
        else:
            execute("PRAGMA journal_mode = WAL")
            execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA secure_delete = ON")

    @property
    def name(self) -> str:
        """Name the file."""
        return self._path.name

    def blank(self) -> bool:
        """Say whether the tables were never made."""
        return not self.rows("SELECT 1 FROM sqlite_master LIMIT 1")

    def prepare(self) -> None:
        """Make the tables, inside the transaction that is open."""
        for statement in self._layout.statements:
            text = statement.format(int="INTEGER", blob="BLOB")
            self.change(text, [()])

    def begin(self) -> None:
        """Begin to write."""
        with self._named():
            self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make what was written true and durable."""
        with self._named():
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Take back what was written since `begin`."""
        if self._connection.in_transaction:
            with self._named():
                self._connection.execute("ROLLBACK")

    def rows(self, query: str, *values: Value) -> list[Row]:
        """Read all rows that a query gives."""
        with self._named(), closing(self._connection.execute(query, values)) as found:
            return found.fetchall()

    def rows_of(self, query: str, names: Sequence[str]) -> list[Row]:
        """Read all rows of a query that ends with `IN (?)`."""
        listed = query.replace("IN (?)", "IN (SELECT value FROM json_each(?))")
        return self.rows(listed, json.dumps(list(names)))

    def change(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """Carry a statement out for each row of values."""
        with self._named():
            self._connection.executemany(statement, rows)

    def fill(self, table: str, rows: Iterable[Sequence[Value]]) -> None:
        """Insert many rows into a table."""
        marks = ", ".join("?" * len(self._layout.columns[table]))
        self.change(f"INSERT INTO {table} VALUES ({marks})", rows)

    def scrub(self) -> None:
        """Write the journal back, so that no deleted page is left in it."""
        if not self._layout.forgets:
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn what SQLite says into one clear error.

        Raises:
            LedgerError: another program holds the file, it cannot be written, or it is
                not what was written.
        """
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # a mistake of ours, not of the file
        except sqlite3.DatabaseError as error:
            what = self._layout.name
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            # Restoring a whole ledger over one that is only busy would lose entries.
            if code in WAITED:
                raise LedgerError(
                    f"the {what} is busy: another program writes it ({error}); nothing "
                    "was changed",
                    hint="close the other program and try again",
                ) from error
            if code in UNUSABLE:
                raise LedgerError(
                    f"the {what} could not be read or written ({error}); nothing was "
                    "changed",
                    hint="free some space or close the other program, then try again",
                ) from error
            raise LedgerError(
                f"`{self.name}` cannot be read as a {what} ({error})",
                hint=f"restore the {what} from a backup",
            ) from error
