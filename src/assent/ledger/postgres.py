"""A ledger on a PostgreSQL server: schema `ledger`, and `vault` for the secrets.

One append is one transaction that holds the ledger's advisory lock from its first
statement to its end. So writers stand in a row, each sees all that was committed before
it, and the default isolation (READ COMMITTED) is enough: SERIALIZABLE would only turn
waiting into failing. Readers take no lock; entries below a signed size never change.

A commit returns when its record is on the server's disk (`synchronous_commit`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from assent.errors import LedgerError, UsageError
from assent.ledger.store import Layout, Row, Value

PATIENCE_S = 30
"""Seconds that a writer waits for another one."""
CONNECT_S = 10
LOCK_KEY = 0x617373656E74
"""The advisory lock of the one ledger in a database: `assent` as a number. Its vault
has the next number."""

DAMAGE = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.DataCorrupted,
    errors.IndexCorrupted,
    errors.WrongObjectType,
)


class PostgresStore:
    """One layout of tables as a schema of a PostgreSQL database. See `store.Store`.

    Args:
        address: `postgresql://user@host/database`; the password is better kept in
            `~/.pgpass`.
        layout: its tables.
        patience: seconds to wait for another writer.
    """

    def __init__(
        self, address: str, layout: Layout, patience: float = PATIENCE_S
    ) -> None:
        self._layout = layout
        self._lock = LOCK_KEY + (layout.name == "vault")
        try:
            parts = conninfo_to_dict(address)
        except psycopg.ProgrammingError:
            # What the driver says may quote the address, so the password.
            raise _unreadable() from None
        if any(
            "@" in str(parts.get(part) or "") for part in ("host", "port", "dbname")
        ):
            # The end of a password with `@` or `/` was taken for one of these.
            raise _unreadable()
        self._password = str(parts.get("password") or "")
        host, database = parts.get("host") or "local", parts.get("dbname") or ""
        self._name = f"{database or 'the default database'} at {host}"
        with self._named():
            self._connection = psycopg.connect(
                address,
                autocommit=True,
                connect_timeout=CONNECT_S,
                application_name="assent",
                options=f"-c search_path={layout.name} "
                f"-c lock_timeout={int(patience * 1000)} "
                "-c synchronous_commit=on -c client_min_messages=warning",
            )

    @property
    def name(self) -> str:
        """Name the database and its host."""
        return self._name

    def blank(self) -> bool:
        """Say whether the tables were never made."""
        query = "SELECT 1 FROM pg_tables WHERE schemaname = ? LIMIT 1"
        return not self.rows(query, self._layout.name)

    def prepare(self) -> None:
        """Make the tables, inside the transaction that is open."""
        name = self._layout.name
        self.change(f"CREATE SCHEMA IF NOT EXISTS {name}", [()])
        # For its owner alone, whatever the database allows by default.
        self.change(f"REVOKE ALL ON SCHEMA {name} FROM PUBLIC", [()])
        for statement in self._layout.statements:
            self.change(statement.format(int="BIGINT", blob="BYTEA"), [()])

    def begin(self) -> None:
        """Begin to write, when no other writer does."""
        with self._named():
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", [self._lock])

    def commit(self) -> None:
        """Make what was written true and durable."""
        try:
            with self._named():
                self._connection.execute("COMMIT")
        except LedgerError as error:
            if not self._connection.broken:
                raise  # the server said no: nothing was changed
            raise LedgerError(
                f"the server was lost while it committed: the "
                f"{self._layout.name} holds all of the last change, or none of it",
                hint="look what the last entries are before you record them again",
            ) from error

    def rollback(self) -> None:
        """Take back what was written since `begin`; a lost server does it itself."""
        if not self._connection.closed and not self._connection.broken:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.OperationalError:
                # It was lost before and is only found now; why is said already.
                self._connection.close()

    def rows(self, query: str, *values: Value) -> list[Row]:
        """Read all rows that a query gives."""
        with self._named(), self._connection.cursor(binary=True) as cursor:
            cursor.execute(_text(query), values)
            return cursor.fetchall()

    def rows_of(self, query: str, names: Sequence[str]) -> list[Row]:
        """Read all rows of a query that ends with `IN (?)`."""
        listed = _text(query.replace("IN (?)", "= ANY(?)"))
        with self._named(), self._connection.cursor(binary=True) as cursor:
            cursor.execute(listed, [list(names)])
            return cursor.fetchall()

    def change(self, statement: str, rows: Iterable[Sequence[Value]]) -> None:
        """Carry a statement out for each row of values."""
        with self._named(), self._connection.cursor() as cursor:
            for row in rows:
                cursor.execute(_text(statement), row)

    def fill(self, table: str, rows: Iterable[Sequence[Value]]) -> None:
        """Insert many rows by COPY."""
        columns = self._layout.columns[table]
        into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with (
            self._named(),
            self._connection.cursor() as cursor,
            cursor.copy(into) as copy,
        ):
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row(row)

    def scrub(self) -> None:
        """Free the rows that were deleted; the vault's are written anew."""
        for table in self._layout.columns:
            how = sql.SQL("VACUUM (FULL)" if self._layout.forgets else "VACUUM")
            with self._named():
                self._connection.execute(
                    sql.SQL(" ").join([how, sql.Identifier(table)])
                )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _said(self, error: psycopg.Error) -> str:
        """Repeat what the server said in one line, without the password."""
        said = str(error)
        if self._password:  # first: what is cut off could begin with half of it
            said = said.replace(self._password, "***")
        return " ".join(said.split())[:200]

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn what the server says into one clear error.

        Raises:
            LedgerError: the server cannot be reached, another writer holds the ledger,
                or the tables are not what was made.
        """
        what = self._layout.name
        try:
            yield
        except (psycopg.IntegrityError, UnicodeEncodeError):
            raise  # a mistake of ours, not of the server
        except errors.LockNotAvailable as error:
            raise LedgerError(
                f"the {what} is busy: another program writes it; nothing was changed",
                hint="close the other program and try again",
            ) from error
        except DAMAGE as error:
            raise LedgerError(
                f"`{self._name}` cannot be read as a {what} ({self._said(error)})",
                hint=f"see that this user may use the schema `{what}`; else restore "
                f"the {what} from a backup",
            ) from error
        except psycopg.Error as error:
            raise LedgerError(
                f"the {what} could not be read or written ({self._said(error)}); "
                "nothing was changed",
                hint="see that the server runs, that it has space, and that you may "
                "use it; then try again",
            ) from error


def _unreadable() -> UsageError:
    return UsageError(
        "the address of the ledger's server cannot be read",
        hint="write it as postgresql://USER@HOST/DATABASE, with the password in "
        "~/.pgpass; a `@` within a part is %40, a `/` is %2F",
    )


def _text(query: str) -> bytes:
    """Write the places of values as psycopg does."""
    return query.replace("?", "%s").encode()
