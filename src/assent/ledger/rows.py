"""The rows of a ledger: every query, the same for a file and for a server."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from assent.errors import LedgerError
from assent.ledger.store import Store

CHUNK = 8_192
"""Rows that are read at a time, a multiple of a tile's width."""
KEY_BYTES, TIME_BYTES = 4, 8
"""How a cosignature begins: the hash of its key, and seconds since 1970."""


Id = tuple[str, bytes]
"""What is kept of an event's own id: keyed hashes of the id and of what it says."""


class EntryRow(NamedTuple):
    """An entry; `kind` is that of a public entry, None for a personal one."""

    number: int
    kind: str | None
    entry: bytes


class Held(NamedTuple):
    """A personal entry beside its private part; all None where there is none.

    Without `opening` an enrolment, which the subject's secret opens. Once it was
    shredded there is only `erasure`, a MAC.
    """

    number: int
    entry: bytes
    subject_id: str | None
    body: bytes | None
    opening: bytes | None
    erasure: bytes | None


COLUMNS = "SELECT e.number, e.entry, b.subject_id, b.body, b.opening, b.erasure "
HELD = COLUMNS + "FROM entries AS e {} JOIN bodies AS b ON b.number = e.number WHERE "
OF_SUBJECT = (
    "WITH RECURSIVE blocks (block) AS (SELECT 0 UNION ALL SELECT block + 1 "
    "FROM blocks WHERE block < (SELECT max(number) >> 14 FROM entries)) "
    + COLUMNS
    + "FROM blocks CROSS JOIN bodies AS b CROSS JOIN entries AS e "
    "WHERE (b.number >> 14) = blocks.block AND b.subject_id = ? "
    "AND e.number = b.number ORDER BY e.number"
)
"""Looks once into each block of the index `bodies_of_subject`."""


class Rows:
    """The ledger's tables, read and written row by row.

    Args:
        store: where they are; who writes opens the transaction.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- reading ---------------------------------------------------------------------

    def top(self) -> tuple[str | None, int]:
        """Read the latest signed note and how far the entries go, at one instant."""
        [(note, last)] = self._store.rows(
            "SELECT (SELECT note FROM heads ORDER BY size DESC LIMIT 1), "
            "(SELECT max(number) FROM entries)"
        )
        return note, 0 if last is None else last + 1

    def head(self, size: int | None = None) -> str | None:
        """Read the signed note of a size, by default the latest."""
        if size is None:
            found = self._store.rows(
                "SELECT note FROM heads ORDER BY size DESC LIMIT 1"
            )
        else:
            found = self._store.rows("SELECT note FROM heads WHERE size = ?", size)
        return str(found[0][0]) if found else None

    def heads_of(self, root: str) -> list[str]:
        """Find the signed notes whose root begins with some hexadecimal digits."""
        query = "SELECT note FROM heads WHERE root >= ? AND root < ? ORDER BY size"
        return [str(note) for (note,) in self._store.rows(query, root, root + "g")]

    def tile(self, level: int, index: int) -> bytes:
        """Read a tile: its hashes, complete or partial.

        Raises:
            LedgerError: there is none.
        """
        query = "SELECT hashes FROM tiles WHERE level = ? AND number = ?"
        for (hashes,) in self._store.rows(query, level, index):
            return blob(hashes)
        raise LedgerError(
            f"the tree lacks tile {index} of level {level}",
            hint="restore the ledger from a backup",
        )

    def entry(self, number: int) -> bytes:
        """Read one entry.

        Raises:
            LedgerError: there is no entry of this number.
        """
        query = "SELECT entry FROM entries WHERE number = ?"
        for (entry,) in self._store.rows(query, number):
            return blob(entry)
        raise LedgerError(f"the ledger has no entry {number}")

    def entries(self, start: int, stop: int) -> Iterator[list[EntryRow]]:
        """Read the entries of a range, `CHUNK` numbers at a time."""
        query = (
            "SELECT number, kind, entry FROM entries "
            "WHERE number >= ? AND number < ? ORDER BY number"
        )
        for low, high in _chunks(start, stop):
            yield [EntryRow(*row) for row in self._store.rows(query, low, high)]

    def public(self, stop: int) -> Iterator[tuple[int, bytes]]:
        """Read the public entries below a size: number, entry."""
        query = (
            "SELECT number, entry FROM entries WHERE kind IS NOT NULL "
            "AND number >= ? AND number < ? ORDER BY number LIMIT ?"
        )
        low = 0
        while found := self._store.rows(query, low, stop, CHUNK):
            for number, entry in found:
                yield number, blob(entry)
            low = found[-1][0] + 1

    def personal(self, start: int, stop: int) -> Iterator[list[Held]]:
        """Read the personal entries of a range with their bodies, in chunks."""
        query = HELD.format("LEFT") + (
            "e.kind IS NULL AND e.number >= ? AND e.number < ? ORDER BY e.number"
        )
        for low, high in _chunks(start, stop):
            yield [Held._make(row) for row in self._store.rows(query, low, high)]

    def of_subject(self, subject_id: str) -> list[Held]:
        """Read the personal entries of one subject, in order."""
        return [Held(*row) for row in self._store.rows(OF_SUBJECT, subject_id)]

    def enrolment(self, subject_id: str) -> Held | None:
        """Read a subject's enrolment."""
        query = HELD.format("") + (
            "b.subject_id = ? AND b.opening IS NULL AND b.erasure IS NULL"
        )
        found = self._store.rows(query, subject_id)
        return Held(*found[0]) if found else None

    def enrolled(self, subject_ids: Iterable[str]) -> set[str]:
        """Say which of some subjects are enrolled."""
        query = (
            "SELECT subject_id FROM bodies WHERE opening IS NULL AND erasure IS NULL "
            "AND subject_id IN (?)"
        )
        return {row[0] for row in self._store.rows_of(query, list(subject_ids))}

    def anybody(self) -> bool:
        """Say whether anybody is enrolled."""
        query = "SELECT 1 FROM bodies WHERE opening IS NULL AND erasure IS NULL LIMIT 1"
        return bool(self._store.rows(query))

    def subjects(self) -> int:
        """Count who is enrolled."""
        query = "SELECT count(*) FROM bodies WHERE opening IS NULL AND erasure IS NULL"
        [(count,)] = self._store.rows(query)
        return int(count)

    def bodies(self, stop: int) -> int:
        """Count the private parts below a size, shredded ones included."""
        query = "SELECT count(*) FROM bodies WHERE number < ?"
        [(count,)] = self._store.rows(query, stop)
        return int(count)

    def mark(self, name: str) -> int:
        """Read how far a named reader came: 0 when it never began."""
        found = self._store.rows("SELECT position FROM marks WHERE name = ?", name)
        return int(found[0][0]) if found else 0

    def cosignatures(self, size: int) -> list[str]:
        """Read the witnesses' lines under the head of a size."""
        query = "SELECT line FROM cosignatures WHERE size = ? ORDER BY line"
        return [str(line) for (line,) in self._store.rows(query, size)]

    def ids(self, events: Sequence[str]) -> dict[str, bytes]:
        """Read what is kept of some events' own ids: what each said, by its id."""
        query = "SELECT event, said FROM ids WHERE event IN (?)"
        rows = self._store.rows_of(query, events)
        return {event: blob(said) for event, said in rows}

    def any_ids(self) -> bool:
        """Say whether an id of any event is kept."""
        return bool(self._store.rows("SELECT 1 FROM ids LIMIT 1"))

    def shreddings(self) -> list[str]:
        """List the subjects whose shredding was begun and not ended."""
        query = "SELECT subject_id FROM shreddings ORDER BY subject_id"
        return [str(subject_id) for (subject_id,) in self._store.rows(query)]

    # -- writing ---------------------------------------------------------------------

    def add(
        self,
        entries: Sequence[tuple[int, str | None, bytes]],
        bodies: Sequence[tuple[int, str, bytes, bytes | None, None]],
    ) -> None:
        """Add entries and the private parts of the personal ones."""
        self._store.fill("entries", entries)
        if bodies:
            self._store.fill("bodies", bodies)

    def put_tiles(self, changed: Mapping[tuple[int, int], bytes]) -> None:
        """Add tiles, or the longer content of partial ones."""
        self._store.change(
            "INSERT INTO tiles VALUES (?, ?, ?) "
            "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes",
            [(level, index, hashes) for (level, index), hashes in changed.items()],
        )

    def add_head(self, size: int, root: bytes, note: str) -> None:
        """Add the signed head of a new size."""
        self._store.change(
            "INSERT INTO heads VALUES (?, ?, ?)", [(size, root.hex(), note)]
        )

    def put_mark(self, name: str, position: int) -> None:
        """Keep how far a named reader came."""
        self._store.change(
            "INSERT INTO marks VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
            [(name, position)],
        )

    def put_ids(self, first: int, ids: Sequence[Id | None]) -> None:
        """Keep events' own ids, those of the entries from `first` on.

        Raises:
            LedgerError: one is kept already: another program appends the same events.
        """
        kept = [(n, *each) for n, each in enumerate(ids, first) if each is not None]
        if self.ids([event for _, event, _ in kept]):
            raise LedgerError(
                "an event of this batch was imported meanwhile by another program",
                hint="run the same command again: what is imported is passed over",
            )
        if kept:
            self._store.fill("ids", kept)

    def put_cosignatures(self, size: int, lines: Sequence[str]) -> None:
        """Keep witnesses' lines under the head of a size, of each key the newest.

        Raises:
            LedgerError: a line has no key's hash and time where they belong.
        """
        # What a key said before would only grow the note. Which is newer the lines
        # say: two commands may ask at once, and the slower one may hold the older.
        newest: dict[bytes, tuple[bytes, str]] = {}
        before = self.cosignatures(size)
        for line in (*before, *lines):
            key, time = _key_and_time(line)
            if key not in newest or newest[key][0] <= time:
                newest[key] = time, line
        kept = {line for _, line in newest.values()}
        self._store.change(
            "DELETE FROM cosignatures WHERE size = ? AND line = ?",
            [(size, line) for line in before if line not in kept],
        )
        self._store.change(
            "INSERT INTO cosignatures VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(size, line) for line in sorted(kept)],
        )

    def erase(self, subject_id: str, erasures: Sequence[tuple[int, bytes]]) -> None:
        """Replace private parts by their MAC, and say whose secret is to go next."""
        self._store.change(
            "UPDATE bodies SET subject_id = NULL, body = NULL, opening = NULL, "
            "erasure = ? WHERE number = ?",
            [(mac, number) for number, mac in erasures],
        )
        self._store.change(
            "DELETE FROM ids WHERE number = ?", [(number,) for number, _ in erasures]
        )
        self._store.change(
            "INSERT INTO shreddings VALUES (?) ON CONFLICT DO NOTHING", [(subject_id,)]
        )

    def end_shredding(self, subject_id: str) -> None:
        """Say that the secret of a shredded subject is gone."""
        self._store.change(
            "DELETE FROM shreddings WHERE subject_id = ?", [(subject_id,)]
        )


def blob(value: object) -> bytes:
    """Read a value as the bytes that were written.

    Raises:
        LedgerError: it is of another type: somebody else wrote it.
    """
    if not isinstance(value, bytes):
        raise LedgerError(
            "the ledger holds a value that is not the bytes it wrote",
            hint="restore the ledger from a backup; an entry was changed",
        )
    return value


def _key_and_time(line: str) -> tuple[bytes, bytes]:
    """Read whose line it is, and of when: 8 big-endian bytes (C2SP tlog-cosignature).

    Raises:
        LedgerError: it is no line of a cosignature.
    """
    name, _, signature = line.rpartition(" ")
    try:
        data = b64decode(signature, validate=True)
    except ValueError:
        data = b""
    if len(data) < KEY_BYTES + TIME_BYTES:
        raise LedgerError("a line of a witness is no signature line of a cosignature")
    return (
        name.encode() + b" " + data[:KEY_BYTES],
        data[KEY_BYTES : KEY_BYTES + TIME_BYTES],
    )


def _chunks(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Divide a range at multiples of `CHUNK`."""
    while start < stop:
        high = min(stop, (start // CHUNK + 1) * CHUNK)
        yield start, high
        start = high
