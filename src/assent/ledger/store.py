"""What a ledger needs of a database, and the tables that it keeps there.

Two databases do: a SQLite file (`sqlite.py`) and a PostgreSQL server (`postgres.py`).
The queries are the same for both and stand with what they are for, in `rows.py` and
`vault.py`; a value's place in a query is written `?`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from assent.errors import LedgerError, UsageError
from assent.files import SECRET_MODE

Value = str | bytes | int | None
Row = tuple[Any, ...]

SERVERS = ("postgresql://", "postgres://")
"""How the address of a server begins; anything else names a file."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables that one database keeps.

    Args:
        name: schema on a server, and the word for messages: `ledger` or `vault`.
        columns: of each table that is written in bulk, with SQL types.
        statements: that make the tables; `{int}`, `{blob}` stand for column types.
        forgets: whether deleted bytes are overwritten, and the journal kept short.
    """

    name: str
    columns: dict[str, dict[str, str]]
    statements: tuple[str, ...]
    forgets: bool = False


LEDGER = Layout(
    name="ledger",
    columns={
        "entries": {"number": "int8", "kind": "text", "entry": "bytea"},
        "bodies": {
            "number": "int8",
            "subject_id": "text",
            "body": "bytea",
            "opening": "bytea",
            "erasure": "bytea",
        },
        "ids": {"number": "int8", "event": "text", "said": "bytea"},
    },
    statements=(
        "CREATE TABLE entries (number {int} PRIMARY KEY, kind TEXT, "
        "entry {blob} NOT NULL)",
        "CREATE INDEX public_entries ON entries (number) WHERE kind IS NOT NULL",
        "CREATE TABLE tiles (level {int}, number {int}, hashes {blob} NOT NULL, "
        "PRIMARY KEY (level, number))",
        "CREATE TABLE bodies (number {int} PRIMARY KEY, subject_id TEXT, "
        "body {blob}, opening {blob}, erasure {blob})",
        # By blocks of 16,384 numbers: an append then writes pages of one block, where
        # an index by subject alone would write one page an event, all over the disk.
        "CREATE INDEX bodies_of_subject ON bodies ((number >> 14), subject_id)",
        "CREATE UNIQUE INDEX enrolments ON bodies (subject_id) "
        "WHERE opening IS NULL AND erasure IS NULL",
        "CREATE TABLE heads (size {int} PRIMARY KEY, root TEXT NOT NULL, "
        "note TEXT NOT NULL)",
        "CREATE INDEX heads_by_root ON heads (root)",
        "CREATE TABLE cosignatures (size {int}, line TEXT, PRIMARY KEY (size, line))",
        "CREATE TABLE marks (name TEXT PRIMARY KEY, position {int} NOT NULL)",
        "CREATE TABLE shreddings (subject_id TEXT PRIMARY KEY)",
        "CREATE TABLE ids (number {int} PRIMARY KEY, event TEXT NOT NULL UNIQUE, "
        "said {blob} NOT NULL)",
    ),
)

VAULT = Layout(
    name="vault",
    columns={"secrets": {"subject_id": "text", "secret": "bytea"}},
    statements=(
        "CREATE TABLE secrets (subject_id TEXT PRIMARY KEY, "
        "secret {blob} NOT NULL CHECK (length(secret) = 32))",
    ),
    forgets=True,
)


class Store(Protocol):
    """One layout of tables in a database. One writer at a time; readers never wait.

    Every method turns what the database says into one clear `LedgerError`.
    """

    @property
    def name(self) -> str:
        """Name the database for messages: never a password."""

    def blank(self) -> bool:
        """Say whether the tables were never made."""

    def prepare(self) -> None:
        """Make the tables, inside the transaction that is open."""

    def begin(self) -> None:
        """Begin to write: waits a while for another writer to end.

        Raises:
            LedgerError: another writer holds the tables still.
        """

    def commit(self) -> None:
        """Make all that was written since `begin` true at once, and durable."""

    def rollback(self) -> None:
        """Take back all that was written since `begin`; nothing where none is open."""

    def rows(self, query: str, *values: Value) -> list[Row]:
        """Read all rows that a query gives."""

    def rows_of(self, query: str, names: Sequence[str]) -> list[Row]:
        """Read all rows of a query that ends with `IN (?)`, for any of the names."""

    def change(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """Carry a statement out for each row of values."""

    def fill(self, table: str, rows: Iterable[Sequence[Value]]) -> None:
        """Insert many rows into a table whose columns the layout lists."""

    def scrub(self) -> None:
        """Overwrite what was deleted, as far as the database can. No transaction."""

    def close(self) -> None:
        """Close the connection."""


@contextmanager
def writing(store: Store) -> Iterator[None]:
    """Write in one transaction: all of it is true and durable at the end, or none."""
    try:
        store.begin()
        yield
        store.commit()
    except BaseException:
        store.rollback()
        raise


def is_server(where: object) -> bool:
    """Say whether an address names a server."""
    return isinstance(where, str) and where.startswith(SERVERS)


def connect(where: Path | str, layout: Layout) -> Store:
    """Connect to a file or a server. A file is made, empty, when there is none.

    Raises:
        LedgerError: the file or the server cannot be used now.
        UsageError: a server is named, and the driver is not installed.
    """
    if isinstance(where, str) and is_server(where):
        try:
            from assent.ledger.postgres import PostgresStore
        except ImportError as error:
            raise UsageError(
                "a ledger on a server needs the driver psycopg, which is not installed",
                hint="run `pip install 'assent[server]'`",
            ) from error
        return PostgresStore(where, layout)
    from assent.ledger.sqlite import SqliteStore

    return SqliteStore(Path(where), layout)


def new_store(where: Path | str) -> Store:
    """Connect to where a new ledger shall be.

    Raises:
        UsageError: there is a ledger already.
    """
    if is_server(where):
        store = connect(where, LEDGER)
        if not store.blank():
            store.close()
            raise UsageError(f"there is a ledger at `{store.name}` already")
        return store
    path = Path(where)
    if path.exists():
        raise UsageError(f"there is a ledger at `{path.name}` already")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(SECRET_MODE)
    return connect(path, LEDGER)


def old_store(where: Path | str) -> Store:
    """Connect to a ledger that is there.

    Raises:
        LedgerError: there is no file, or it cannot be read as a ledger.
    """
    if not is_server(where) and not Path(where).exists():
        raise LedgerError(
            f"there is no ledger at `{Path(where).name}`",
            hint="run `assent init`, or restore the file from a backup",
        )
    return connect(where, LEDGER)


def there(where: Path | str) -> bool:
    """Say whether there is a ledger, whole or not."""
    if not is_server(where):
        return Path(where).exists()
    store = connect(where, LEDGER)
    try:
        return not store.blank()
    finally:
        store.close()


def drop(address: str) -> None:
    """Remove ledger and vault from a server, with all that they hold."""
    for layout in (LEDGER, VAULT):
        store = connect(address, layout)
        try:
            with writing(store):
                store.change(f"DROP SCHEMA IF EXISTS {layout.name} CASCADE", [()])
        finally:
            store.close()
