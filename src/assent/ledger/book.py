"""The ledger: append events, read them as of a size, prove where they stand.

One SQLite file (WAL, synchronous FULL), created with mode 0600 because it holds the
private bodies of personal events. One append is one transaction: entries, tree nodes,
private bodies and the signed head become true together or not at all.

Reading checks every entry against the signed head, every private body against its
commitment: a decision never rests on a row that the head does not sign. It costs about
10 microseconds an entry, linear in the ledger.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical, keyed
from assent.errors import LedgerError, ProofError, UsageError
from assent.files import SECRET_MODE
from assent.ledger.database import SCHEMA, blob, connect, usable
from assent.ledger.records import (
    check_event,
    event_body,
    parse,
    personal_entry,
    public_entry,
)
from assent.ledger.vault import Vault
from assent.merkle import log
from assent.merkle.note import TreeHead, open_head, sign_head, verifier_key
from assent.terms import Event, EventKind

EVENTS = pa.schema(
    [
        ("entry", pa.int64()),
        ("kind", pa.string()),
        ("subject_id", pa.string()),
        ("purpose", pa.string()),
        ("recipient", pa.string()),
        ("category", pa.string()),
        ("notice", pa.string()),
        ("valid_until", pa.int64()),
        ("happened_at", pa.int64()),
        ("recorded_at", pa.int64()),
        ("country", pa.string()),  # of `residence_changed`; null for all others
    ]
)


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """An event that concerns nobody alone, as anyone may read it in the log."""

    number: int
    kind: str
    happened_at: int
    recorded_at: int
    body: dict[str, Any]
    entry: bytes


class Book:
    """An open ledger. Use `Book.create` or `Book.open`.

    Args:
        connection: to the SQLite file.
        origin: the log's name, as signed.
        vault: where the signing key and the subjects' secrets are.
        clock: gives microseconds UTC.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        origin: str,
        vault: Vault,
        clock: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._vault = vault
        self._clock = clock
        self._checked: tuple[int, str] | None = None

    @classmethod
    def create(
        cls, path: Path, origin: str, vault: Vault, clock: Callable[[], int]
    ) -> "Book":
        """Make an empty ledger with a signed head of size 0.

        Raises:
            UsageError: there is a file already.
        """
        if path.exists():
            raise UsageError(f"there is a ledger at `{path.name}` already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(SECRET_MODE)
        return cls(connect(path), origin, vault, clock)._begin()

    def _begin(self) -> "Book":
        """Make the tables and sign the head of size 0."""
        self._vault.key("signing")
        with self._transaction():
            for statement in SCHEMA.split(";"):
                self._connection.execute(statement)
            self._sign(0)
        # Crash before the commit: a file without a table, which `open` completes.
        return self

    @classmethod
    def open(
        cls, path: Path, origin: str, vault: Vault, clock: Callable[[], int]
    ) -> "Book":
        """Open a ledger and check it whole against its signed head.

        Raises:
            LedgerError: there is none, it is no ledger, another program holds it, or
                the head does not match.
        """
        if not path.exists():
            raise LedgerError(
                f"there is no ledger at `{path.name}`",
                hint="run `assent init`, or restore the file from a backup",
            )
        with usable(path):
            book = cls(connect(path), origin, vault, clock)
            if book._unfinished():
                return book._begin()
            if not vault.has_key("signing"):
                raise LedgerError(
                    "the signed head cannot be checked: the key `signing` is missing",
                    hint="restore ledger and key from the same backup",
                )
            book.check()
        return book

    def close(self) -> None:
        """Close the database file."""
        self._connection.close()

    def _unfinished(self) -> bool:
        """Whether `create` was cut off before its first commit.

        A file that was emptied later looks the same, but then the vault has secrets.
        """
        tables = "SELECT 1 FROM sqlite_master LIMIT 1"
        blank = self._connection.execute(tables).fetchone() is None
        return blank and self._vault.is_empty()

    # -- writing ---------------------------------------------------------------------

    def append(self, events: Sequence[Event]) -> range:
        """Append personal events: all of them, or none.

        Returns:
            Their entry numbers.

        Raises:
            LedgerError: an event breaks a rule, concerns a subject who was never
                enrolled, or enrols one twice; nothing is appended.
        """
        recorded_at = self.check_events(events)
        newcomers = [
            event.subject_id
            for event in events
            if event.kind is EventKind.ENROLLED and event.subject_id
        ]
        self._vault.ensure_secrets(newcomers)
        # Crash here: secrets that nothing refers to; the next enrolment takes them.
        secrets = self._vault.secrets(newcomers)
        rows: list[tuple[bytes, bytes | None, bytes | None]] = []
        for event in events:
            body = canonical(event_body(event))
            if event.kind is EventKind.ENROLLED:
                opening: bytes | None = None
                commit = keyed(secrets[str(event.subject_id)], "enrolled", body)
            else:
                opening = drawn = self._vault.draw()
                commit = keyed(drawn, "subject_event", body)
            rows.append(
                (personal_entry(event.kind, recorded_at, commit), body, opening)
            )
        return self._append(rows)

    def check_events(self, events: Sequence[Event]) -> int:
        """Refuse what `append` would refuse, and append nothing.

        Returns:
            When they would be recorded: microseconds UTC.
        """
        recorded_at = self._now()
        newly: set[str] = set()
        for event in events:
            check_event(event, recorded_at)
            self._check_enrolment(event, newly)
        return recorded_at

    def publish(
        self, kind: EventKind, happened_at: int, body: dict[str, Any]
    ) -> PublicEvent:
        """Append one public event."""
        recorded_at = self._now()
        entry = public_entry(kind, happened_at, recorded_at, body)
        number = self._append([(entry, None, None)])[0]
        return PublicEvent(number, str(kind), happened_at, recorded_at, body, entry)

    def _append(self, rows: list[tuple[bytes, bytes | None, bytes | None]]) -> range:
        with self._transaction():
            size = first = self.head().size
            fresh: dict[tuple[int, int], bytes] = {}

            def get(level: int, position: int) -> bytes:
                return fresh.get((level, position)) or self._node(level, position)

            entries, bodies = [], []
            for entry, body, opening in rows:
                for level, position, value in log.appended(
                    size, log.leaf_hash(entry), get
                ):
                    fresh[level, position] = value
                entries.append((size, entry))
                if body is not None:
                    bodies.append((size, body, opening))
                size += 1
            execute = self._connection.executemany
            execute("INSERT INTO entries VALUES (?, ?)", entries)
            execute("INSERT INTO bodies VALUES (?, ?, ?)", bodies)
            execute(
                "INSERT INTO nodes VALUES (?, ?, ?)",
                [(level, place, value) for (level, place), value in fresh.items()],
            )
            self._sign(size)
        # Committed: entries, nodes, bodies and head are true together. Crash before:
        # SQLite rolls the whole append back and the old head still holds.
        return range(first, size)

    def _sign(self, size: int) -> None:
        root = log.root(size, self._node)
        note = sign_head(TreeHead(self._origin, size, root), self._key())
        self._connection.execute("INSERT INTO heads VALUES (?, ?)", (size, note))

    # -- reading ---------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.head().size

    @property
    def verifier_key(self) -> str:
        """The public key that signs heads, as C2SP writes it."""
        return verifier_key(self._origin, self._key().public_key())

    def head_note(self, size: int | None = None) -> str:
        """Read the signed head, the latest or that of a size.

        Raises:
            LedgerError: no head was signed at this size.
        """
        query = "SELECT note FROM heads ORDER BY size DESC LIMIT 1"
        values: tuple[int, ...] = ()
        if size is not None:
            query, values = "SELECT note FROM heads WHERE size = ?", (size,)
        row = self._connection.execute(query, values).fetchone()
        if row is None:
            raise LedgerError(
                "the ledger has no signed head of the size asked for",
                hint="restore the file from a backup, or ask for another size",
            )
        return str(row[0])

    def head(self) -> TreeHead:
        """Read the latest head and check its signature.

        Raises:
            LedgerError: the signature is not by this ledger's key.
        """
        note = self.head_note()
        try:
            return open_head(note, self.verifier_key)
        except ProofError as error:
            raise LedgerError(
                f"the signed head of `{note.splitlines()[0][:80]}` does not open as "
                f"one of `{self._origin}`: {error.message}",
                hint="restore ledger, key and the ledger's name from the same backup",
            ) from error

    def check(self) -> None:
        """Hash every entry again and compare all with the signed head.

        Raises:
            LedgerError: an entry, a node or a private body is not what was signed.
        """
        head = self.head()
        if self._checked == (head.size, head.root.hex()):
            return  # this process has checked this very head already
        nodes: dict[tuple[int, int], bytes] = {}
        count = personal = 0
        for count, entry in enumerate(self._entries(), start=1):  # noqa: B007
            personal += b'"commit":' in entry
            for level, position, value in log.appended(
                count - 1, log.leaf_hash(entry), lambda *place: nodes[place]
            ):
                nodes[level, position] = value
        if count != head.size:
            raise LedgerError(
                f"the ledger holds {count} entries, but its head signs {head.size}",
                hint="restore the file from a backup; a new head would hide the loss",
            )
        root = log.root(count, lambda *place: nodes[place])
        if root != head.root:
            raise LedgerError(
                f"the entries hash to {root.hex()}, but the head signs "
                f"{head.root.hex()}",
                hint="restore the file from a backup; an entry was changed",
            )
        # Reading a body checks it against its commitment; one that is gone could be a
        # withdrawal.
        bodies = sum(1 for _ in self._bodies(head.size))
        if bodies != personal:
            raise LedgerError(
                f"the ledger holds {bodies} private bodies, but {personal} entries "
                "commit to one",
                hint="restore the file from a backup; a body was removed",
            )
        self._checked = (head.size, head.root.hex())

    def entry(self, number: int) -> bytes:
        """Read one public entry.

        Raises:
            LedgerError: there is no entry of this number.
        """
        row = self._connection.execute(
            "SELECT entry FROM entries WHERE number = ?", (number,)
        ).fetchone()
        if row is None:
            raise LedgerError(f"the ledger has no entry {number}")
        return bytes(row[0])

    def recorded_at(self, number: int) -> int:
        """Say when an entry was recorded: microseconds UTC."""
        return int(parse(self.entry(number))["recorded_at"])

    def sizes_of(self, root: str) -> list[int]:
        """Find the sizes of the signed heads whose root begins with some digits."""
        heads = self._connection.execute("SELECT note FROM heads ORDER BY size")
        found = (open_head(note, self.verifier_key) for (note,) in heads)
        return [head.size for head in found if head.root.hex().startswith(root)]

    def path(self, number: int, size: int) -> list[bytes]:
        """Prove that an entry stands under the head of a size (RFC 9162, 2.1.3)."""
        return log.inclusion_path(number, size, self._node)

    def public_events(self, size: int | None = None) -> Iterator[PublicEvent]:
        """Read the events that concern nobody alone, as known at a ledger size."""
        for number, entry in enumerate(self._entries(size)):
            value = parse(entry)
            if "body" in value:
                yield PublicEvent(
                    number,
                    value["type"],
                    value["happened_at"],
                    value["recorded_at"],
                    value["body"],
                    entry,
                )

    def events(self, size: int) -> pa.Table:
        """Read the personal events as known at a ledger size, each one checked.

        Returns:
            The columns of `EVENTS`, in the order of the ledger.
        """
        self.check()
        rows: dict[str, list[Any]] = {name: [] for name in EVENTS.names}
        for number, recorded_at, body in self._bodies(size):
            rows["entry"].append(number)
            rows["recorded_at"].append(recorded_at)
            rows["country"].append(body["detail"].get("country"))
            for name in EVENTS.names:
                if name not in ("entry", "recorded_at", "country"):
                    rows[name].append(body[name])
        return pa.table(rows, schema=EVENTS)

    def enrolment(self, subject_id: str) -> tuple[int, bytes, dict[str, Any]] | None:
        """Find a subject's enrolment: entry number, entry, private body."""
        row = self._enrolled(subject_id)
        if row is None:
            return None
        return row[0], self.entry(row[0]), json.loads(row[1])

    # -- inside ----------------------------------------------------------------------

    def _entries(self, size: int | None = None) -> Iterator[bytes]:
        limit = -1 if size is None else size
        query = "SELECT entry FROM entries ORDER BY number LIMIT ?"
        for (entry,) in self._connection.execute(query, (limit,)):
            yield blob(entry)

    def _bodies(self, size: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Read private bodies: entry number, recorded_at, body; each one checked."""
        query = (
            "SELECT b.number, b.body, b.opening, e.entry "
            "FROM bodies AS b JOIN entries AS e USING (number) "
            "WHERE b.number < ? ORDER BY b.number"
        )
        for number, body, opening, entry in self._connection.execute(query, (size,)):
            public = parse(blob(entry))
            try:
                value = json.loads(blob(body))
                commit = self._commit(value, body, opening).hex()
            except (ValueError, KeyError, TypeError):
                commit = "of nothing that can be read"
            if commit != public.get("commit"):
                raise LedgerError(
                    f"the private body of entry {number} is not the one that was "
                    "committed to",
                    hint="restore the file from a backup; the body was changed",
                )
            yield number, public["recorded_at"], value

    def _commit(
        self, value: dict[str, Any], body: bytes, opening: bytes | None
    ) -> bytes:
        if opening is None:
            return keyed(self._vault.secret(value["subject_id"]), "enrolled", body)
        return keyed(opening, "subject_event", body)

    def _check_enrolment(self, event: Event, newly: set[str]) -> None:
        """Refuse what concerns a stranger, or enrols somebody twice."""
        subject_id = str(event.subject_id)
        enrolled = subject_id in newly or self._enrolled(subject_id) is not None
        if event.kind is EventKind.ENROLLED:
            if enrolled:
                raise LedgerError(f"subject `{subject_id}` is enrolled already")
            newly.add(subject_id)
        elif not enrolled:
            raise LedgerError(
                f"`{event.kind}` concerns subject `{subject_id}`, who was never "
                "enrolled",
                hint=f"run `assent record enrolled {subject_id}` first",
            )

    def _enrolled(self, subject_id: str) -> tuple[int, bytes] | None:
        row: tuple[int, bytes] | None = self._connection.execute(
            "SELECT number, body FROM bodies WHERE opening IS NULL "
            "AND json_extract(CAST(body AS TEXT), '$.subject_id') = ?",
            (subject_id,),
        ).fetchone()
        return row

    def _node(self, level: int, position: int) -> bytes:
        row = self._connection.execute(
            "SELECT hash FROM nodes WHERE level = ? AND position = ?",
            (level, position),
        ).fetchone()
        if row is None:
            raise LedgerError(
                f"the tree lacks node {position} of level {level}",
                hint="restore the file from a backup",
            )
        return bytes(row[0])

    def _now(self) -> int:
        """Read the clock, never earlier than the last entry: the log has one order."""
        size = self.head().size
        last = self.recorded_at(size - 1) if size else 0
        return max(self._clock(), last)

    def _key(self) -> Ed25519PrivateKey:
        # Never drawn here: a new key beside an old ledger would hide that one is lost.
        return Ed25519PrivateKey.from_private_bytes(self._vault.drawn_key("signing"))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._rollback()
            raise LedgerError(
                f"the ledger could not be written ({error}); nothing was appended",
                hint="free some space or close the other writer, then try again",
            ) from error
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
