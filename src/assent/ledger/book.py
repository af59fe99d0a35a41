"""The ledger: append events, read them as of a size, prove where they stand.

One append is one transaction: entries, tiles, private bodies and the signed head become
true together or not at all. Opening compares the right edge of the tree with the signed
head, in O(log n). Before anything is read to be decided on, every entry is hashed again
and every private body opened (`checking.py`): a decision never rests on a row that the
head does not sign.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assent.errors import LedgerError
from assent.ledger.checking import (
    ERASURE_KEY,
    EVENTS,
    BodyCheck,
    LogCheck,
    erasure_mac,
)
from assent.ledger.heads import MADE, Heads
from assent.ledger.records import (
    BodyRows,
    EntryRows,
    admitted,
    committed,
    parse,
    public_entry,
)
from assent.ledger.rows import Id, Rows
from assent.ledger.store import Store, new_store, old_store, writing
from assent.ledger.vault import Vault
from assent.merkle import log, tiles
from assent.merkle.note import TreeHead
from assent.terms import Event, EventKind

SIGNATURE = "\u2014 "
"""How a signature line of a note begins."""
ERASED = "shredded entries"
"""The mark that counts them."""


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
        store: where the tables are.
        origin: the log's name, as signed.
        vault: where the signing key and the subjects' secrets are.
        clock: gives microseconds UTC.

    Attributes:
        findings: what opening found and mended, in words; empty for nothing.
    """

    def __init__(
        self, store: Store, origin: str, vault: Vault, clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._rows = Rows(store)
        self._heads = Heads(self._rows, origin, vault)
        self._vault = vault
        self._clock = clock
        self._log_check = LogCheck(self._rows)
        self._body_check = BodyCheck(self._rows, vault)
        self._marks: dict[str, int] = {}
        self.findings: list[str] = []

    @classmethod
    def create(
        cls,
        where: Path | str | Store,
        origin: str,
        vault: Vault,
        clock: Callable[[], int],
    ) -> "Book":
        """Make an empty ledger with a signed head of size 0.

        Args:
            where: a file that is not there yet, the address of a server
                (`postgresql://...`), or an open store.
            origin: the log's name, as signed.
            vault: of the same project.
            clock: gives microseconds UTC.

        Raises:
            UsageError: there is a ledger already.
        """
        store = new_store(where) if isinstance(where, Path | str) else where
        return cls(store, origin, vault, clock)._or_close(lambda book: book._begin())

    @classmethod
    def open(
        cls,
        where: Path | str | Store,
        origin: str,
        vault: Vault,
        clock: Callable[[], int],
    ) -> "Book":
        """Open a ledger and compare the right edge of its tree with the signed head.

        Raises:
            LedgerError: there is none, it is no ledger, another program holds it, the
                head does not match, or it is older than one that this folder signed.
        """
        store = old_store(where) if isinstance(where, Path | str) else where
        return cls(store, origin, vault, clock)._or_close(lambda book: book._look())

    def _or_close(self, first: Callable[["Book"], None]) -> "Book":
        try:
            first(self)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _begin(self) -> None:
        """Make the tables and sign the head of size 0."""
        # Crash before: no key. Here: a key, and a ledger that `open` begins.
        self._vault.key("signing")
        with writing(self._store):
            if self._store.blank():  # still, now that nobody else writes
                self._store.prepare()
                self._heads.sign(0, log.EMPTY_ROOT)
        # Crash here: an empty ledger, whose first opening writes the file `seen`.
        self._heads.remember(self.head_note())

    def _look(self) -> None:
        """Compare the ledger with what was signed, and end what was cut off."""
        seen = self._heads.seen()
        unfinished = seen is None and self._vault.is_empty()
        if unfinished and self._store.blank():
            # Cut off in `create`; a ledger that was emptied later has been seen.
            self.findings.append(MADE)
            return self._begin()
        if not self._vault.has_key("signing"):
            raise LedgerError(
                "the signed head cannot be checked: the key `signing` is missing",
                hint="restore ledger and key from the same backup",
            )
        head = self._heads.whole_edge()
        if self._vault.is_empty() and self._rows.anybody():
            raise LedgerError(
                "the vault holds no secret of anybody, but subjects are enrolled",
                hint="restore ledger and vault from the same backup",
            )
        found = self._heads.compare_with_seen(head, seen)
        if found:
            self.findings.append(found)
        found = ", ".join(f"`{each}`" for each in self._rows.shreddings())
        if found:
            self._end_shreddings()
            self.findings.append(f"the shredding of {found} was cut off, and is done")
        return None

    # -- writing ---------------------------------------------------------------------

    def append(
        self,
        events: Sequence[Event],
        mark: tuple[str, int] | None = None,
        ids: Sequence[Id | None] = (),
    ) -> range:
        """Append personal events: all of them, or none.

        Args:
            events: about one subject each.
            mark: a reader's name and how far it has come with these events; kept in
                the same transaction.
            ids: nothing, or what is kept of each event's own id, None for none.

        Returns:
            Their entry numbers.

        Raises:
            LedgerError: an event breaks a rule, concerns a subject who was never
                enrolled, or enrols one twice; the mark was moved by somebody else
                since it was read; an id is kept already; or the ledger could not be
                written. Nothing is appended.
        """
        with writing(self._store):
            head = self._heads.whole_edge()
            recorded_at = self._time(head.size)
            newcomers = admitted(self._rows, events, recorded_at)
            self._vault.ensure_secrets(newcomers)
            # Crash here: secrets that nothing refers to; the next enrolment takes them.
            if mark is not None:
                self._move(*mark)
            self._rows.put_ids(head.size, ids)
            secrets = self._vault.secrets(newcomers) if newcomers else {}
            openings = self._vault.draws(len(events) - len(newcomers))
            entries, bodies = committed(
                events, recorded_at, head.size, secrets, openings
            )
            note = self._add(head.size, entries, bodies)
        self._appended(note)
        if mark is not None:
            self._marks[mark[0]] = mark[1]
        return range(head.size, head.size + len(entries))

    def check_events(self, events: Sequence[Event]) -> int:
        """Refuse what `append` would refuse now, and append nothing.

        Returns:
            When they would be recorded: microseconds UTC.
        """
        recorded_at = self._time(self.size)
        admitted(self._rows, events, recorded_at)
        return recorded_at

    def publish(
        self, kind: EventKind, happened_at: int, body: dict[str, Any]
    ) -> PublicEvent:
        """Append one public event."""
        with writing(self._store):
            number = self._heads.whole_edge().size
            recorded_at = self._time(number)
            entry = public_entry(kind, happened_at, recorded_at, body)
            note = self._add(number, [(number, str(kind), entry)], [])
        self._appended(note)
        return PublicEvent(number, str(kind), happened_at, recorded_at, body, entry)

    def shred(self, subject_id: str) -> int:
        """Destroy a subject's secret, and the openings and bodies of all her entries.

        Entries and tree stay as they are. Each of her entries keeps a MAC by a key of
        the vault, so that a body that is merely missing is still refused.

        Returns:
            How many entries lost their body; 0 where nothing is held of her.

        Raises:
            LedgerError: the key of earlier shreddings is gone, or a body is not hers.
        """
        with writing(self._store):
            before = self._rows.mark(ERASED)
            # A key drawn anew would make every earlier shredding look like a loss.
            drawn = self._vault.drawn_key if before else self._vault.key
            key = drawn(ERASURE_KEY)
            held = self.events_of(subject_id)  # each opened: later nobody sees whose
            macs = [(n, erasure_mac(key, n, entry)) for n, entry, *_ in held]
            self._rows.erase(subject_id, macs)
            self._rows.put_mark(ERASED, before + len(macs))
        # Crash here: bodies and openings are gone, her secret is not: `open` goes on.
        self._end_shreddings()
        return len(held)

    def keep_cosignatures(
        self, size: int, lines: Sequence[str], marks: Iterable[tuple[str, int]] = ()
    ) -> None:
        """Keep witnesses' lines under a head, the latest of each key, and marks beside.

        Raises:
            LedgerError: no head was signed at this size, or a line is no signature.
        """
        self.head_note(size)
        for line in lines:
            if not line.startswith(SIGNATURE) or not line.isprintable():
                raise LedgerError("a line of a witness is no signature line of a note")
        with writing(self._store):
            self._rows.put_cosignatures(size, lines)
            for name, position in marks:
                self._rows.put_mark(name, position)

    def _add(self, size: int, entries: EntryRows, bodies: BodyRows) -> str:
        """Add entries, tiles, bodies and a signed head to `size` entries."""
        if not entries:
            return self.head_note(size)
        self._rows.add(entries, bodies)
        leaves = [log.leaf_hash(entry) for _, _, entry in entries]
        changed = tiles.extend(size, leaves, self._rows.tile)
        self._rows.put_tiles(changed)
        size += len(entries)

        def read(level: int, index: int) -> bytes:
            return changed.get((level, index)) or self._rows.tile(level, index)

        def node(level: int, position: int) -> bytes:
            return tiles.node(level, position, read)

        return self._heads.sign(size, log.root(size, node))

    def _appended(self, note: str) -> None:
        # Committed: entries, tiles, bodies and head are true together. Crash before:
        # the database takes the whole append back and the old head still holds.
        self._heads.remember(note)
        # Crash here: appended, and nobody was told; `open` says so.

    def _move(self, name: str, position: int) -> None:
        """Move a mark on from where this process has read it."""
        stored = self._rows.mark(name)
        if stored != self._marks.get(name, 0):
            raise LedgerError(
                f"`{name}` is at {stored} now: somebody else goes on with it",
                hint="let the other one end, or start again from where it is",
            )
        self._rows.put_mark(name, position)

    def _end_shreddings(self) -> None:
        """Delete the secrets of those whose bodies are shredded already."""
        if not self._rows.shreddings():
            return
        with writing(self._store):  # nobody can enrol her anew meanwhile
            for subject_id in self._rows.shreddings():
                self._vault.shred(subject_id)
                # Crash here: done, but not said so; the next opening does it again.
                self._rows.end_shredding(subject_id)
        self._store.scrub()

    # -- reading ---------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.head().size

    @property
    def verifier_key(self) -> str:
        """The public key that signs heads, as C2SP writes it."""
        return self._heads.verifier_key

    def head_note(self, size: int | None = None) -> str:
        """Read the signed head, the latest or that of a size.

        Raises:
            LedgerError: no head was signed at this size.
        """
        return self._heads.note(size)

    def cosigned_note(self, size: int | None = None) -> str:
        """Read the signed head with the lines of witnesses that were kept for it.

        Args:
            size: of the head; by default the latest, which may have no witness yet.

        Raises:
            LedgerError: no head was signed at this size.
        """
        note = self.head_note(size)
        lines = self._rows.cosignatures(self._heads.opened(note).size)
        return note + "".join(f"{line}\n" for line in lines)

    def head(self) -> TreeHead:
        """Read the latest head and check its signature.

        Raises:
            LedgerError: the signature is not by this ledger's key.
        """
        return self._heads.latest()

    def check(self) -> list[str]:
        """Hash every entry again, open every commitment, compare with the head.

        Returns:
            What is left of a writer that was cut off, in words; empty for nothing.

        Raises:
            LedgerError: an entry, a tile or a private body is not what was signed.
        """
        head, personal = self._checked_log()
        for _ in self._body_check.events(head.size):
            pass  # each chunk is checked as it is read
        bodies = self._rows.bodies(head.size)
        if bodies != personal:
            raise LedgerError(
                f"the ledger holds {bodies} private bodies, but {personal} entries "
                "commit to one",
                hint="restore the ledger from a backup; a body was added or removed",
            )
        # Every enrolment was opened by its secret: what is over belongs to nobody.
        return self._vault.spare(self._rows.subjects())

    def entry(self, number: int) -> bytes:
        """Read one entry.

        Raises:
            LedgerError: there is no entry of this number.
        """
        return self._rows.entry(number)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Read the entries of a range, in order; memory does not grow with it."""
        for chunk in self._rows.entries(start, stop):
            for row in chunk:
                yield row.entry

    def tile(self, level: int, index: int) -> bytes:
        """Read a hash tile (`merkle.tiles`), complete or as far as it goes.

        Raises:
            LedgerError: there is none.
        """
        return self._rows.tile(level, index)

    def recorded_at(self, number: int) -> int:
        """Say when an entry was recorded: microseconds UTC."""
        return int(parse(self.entry(number))["recorded_at"])

    def sizes_of(self, root: str) -> list[int]:
        """Find the sizes of the signed heads whose root begins with some digits."""
        heads = [self._heads.opened(note) for note in self._rows.heads_of(root)]
        return [head.size for head in heads if head.root.hex().startswith(root)]

    def path(self, number: int, size: int) -> list[bytes]:
        """Prove that an entry stands under the head of a size (RFC 9162, 2.1.3)."""
        return log.inclusion_path(number, size, self._heads.node)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Prove that the first `old` entries begin the first `new` (2.1.4)."""
        return log.consistency_path(old, new, self._heads.node)

    def public_events(self, size: int | None = None) -> Iterator[PublicEvent]:
        """Read the events that concern nobody alone, as known at a ledger size."""
        head, _ = self._checked_log()
        known = head.size if size is None else min(size, head.size)
        for number, entry in self._rows.public(known):
            value = parse(entry)
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

        Those of a subject who was shredded are left out.

        Returns:
            The columns of `EVENTS`, in the order of the ledger.
        """
        head, _ = self._checked_log()
        chunks = self._body_check.events(min(size, head.size))
        return pa.concat_tables([EVENTS.empty_table(), *chunks])

    def events_of(
        self, subject_id: str
    ) -> list[tuple[int, bytes, dict[str, Any], bytes | None]]:
        """Read all that is held of one subject, each checked against its commitment.

        Returns:
            Entry number, entry, private body, opening; None opens an enrolment.
        """
        return [self._body_check.one(row) for row in self._rows.of_subject(subject_id)]

    def enrolment(self, subject_id: str) -> tuple[int, bytes, dict[str, Any]] | None:
        """Find a subject's enrolment: entry number, entry, private body."""
        row = self._rows.enrolment(subject_id)
        return None if row is None else self._body_check.one(row)[:3]

    def enrolled_among(self, subject_ids: Iterable[str]) -> set[str]:
        """Say which of some subjects are enrolled."""
        return self._rows.enrolled(subject_ids)

    def imported(self, events: Sequence[str]) -> dict[str, bytes]:
        """Read what `append` kept of events' own ids: what each said, by its id."""
        return self._rows.ids(events)

    def anything_imported(self) -> bool:
        """Say whether an id of any event is kept."""
        return self._rows.any_ids()

    def marked(self, name: str) -> int:
        """Say how far a named reader has come, as `append` kept it; 0: not begun."""
        self._marks[name] = self._rows.mark(name)
        return self._marks[name]

    # -- inside ----------------------------------------------------------------------

    def _checked_log(self) -> tuple[TreeHead, int]:
        head = self._heads.whole_edge()
        return head, self._log_check.run(head)

    def _time(self, size: int) -> int:
        """Read the clock, never earlier than the last entry: the log has one order."""
        last = self.recorded_at(size - 1) if size else 0
        return max(self._clock(), last)
