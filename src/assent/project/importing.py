"""Import files of events: checked whole first, then appended batch by batch, once.

Each batch is one append, and how far its file has come is stored in the same
transaction. So a run that was cut off is finished by the next one, with each event
once, and a file that is finished appends nothing. Where rows have an `event_id`, what
each one says is kept under a keyed hash: in another file it is passed over.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from assent.canon import keyed
from assent.errors import Error
from assent.ledger.rows import Id
from assent.project.place import Place, Progress
from assent.project.standing import DENIALS
from assent.sources.event_rules import Labels, Rules
from assent.sources.events import (
    Part,
    Read,
    bad_row,
    batches,
    fingerprint,
    parts,
    to_events,
)
from assent.terms import Event, EventKind

KEY = "import"
"""The vault's key under which event ids are kept: an id alone could be guessed."""
SHORT = 16  # bytes of a keyed hash: two of 2**64 ids would share one
MOST_KNOWN = 1_000_000  # people who are remembered as enrolled; then asked again


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file.

    Args:
        name: of the file.
        before: rows that an earlier run has appended.
        rows: rows of this run; appended unless it only checked.
        known: of these, passed over because their `event_id` is in the ledger.
        newcomers: people enrolled because they were seen first (`enrol`).
    """

    name: str
    before: int
    rows: int = 0
    known: int = 0
    newcomers: int = 0

    @property
    def appended(self) -> int:
        """How many entries the ledger has more."""
        return self.rows - self.known + self.newcomers

    def line(self, only_checked: bool) -> str:
        """Say it in a line for a terminal."""
        if not self.rows:
            return f"{self.name}: imported before, nothing to do"
        verb = "as wanted" if only_checked else "appended"
        said = [f"{self.rows - self.known:,} events {verb}"]
        if self.newcomers:
            verb = "to enrol" if only_checked else "enrolled"
            said.append(f"{self.newcomers:,} people {verb} first")
        if self.known:
            said.append(f"{self.known:,} known by their event_id")
        if self.before:
            said.append(f"{self.before:,} rows imported before")
        return f"{self.name}: {', '.join(said)}"


class Rows(NamedTuple):
    """The rows of a batch that are new.

    Args:
        batch: with the columns of `events.ROWS`.
        numbers: of each row in its file, from 1 on.
        ids: keyed hashes of each row's `event_id` and of what the row says, None for
            a row without one; empty where no row has an `event_id`.
        known: rows of the batch that are in the ledger already.
    """

    batch: pa.RecordBatch
    numbers: Sequence[int]
    ids: Sequence[Id | None]
    known: int


def import_events(
    place: Place,
    paths: Sequence[Path],
    enrol: bool,
    only_check: bool,
    progress: Progress,
) -> list[Imported]:
    """Import files of events, or only check them.

    Args:
        place: the project.
        paths: Parquet or CSV files, or folders of them.
        enrol: enrol people whom no row enrols, at the time of their first event.
        only_check: append nothing.
        progress: told how many rows are done.

    Returns:
        What became of each file, in order; the same file named twice comes once.

    Raises:
        LedgerError: a row is not as wanted; the message says what was appended.
        UsageError: there is no such file, or nothing is loaded.
    """
    found: dict[str, Read] = {}
    for number, part in enumerate(each := parts(paths), start=1):
        read = fingerprint(part)
        found.setdefault(read.sha256, read)
        progress("files found", number, len(each))
    work = _Import(place, enrol, progress, sum(read.rows for read in found.values()))
    try:
        checked = [work.check(read) for read in found.values()]
    except Error as error:
        raise _saying(error, "nothing was appended") from error
    if only_check:
        return checked
    done: list[Imported] = []
    for read in found.values():
        done.append(work.append(read, sum(each.appended for each in done)))
    return done


class _Import:
    """One run over some files: all are checked first, then each is appended."""

    def __init__(
        self, place: Place, enrol: bool, progress: Progress, total: int
    ) -> None:
        self._place, self._enrol = place, enrol
        self._progress, self._total = progress, total
        self._now = place.clock()
        self._labels = _labels(place)
        self._loaded = frozenset(place.countries())
        # In the first pass nothing is appended yet, so one memory serves all files.
        self._seen = _People(place, enrol, self._loaded)
        self._done = {"events checked": 0, "events imported": 0}

    def check(self, read: Read) -> Imported:
        """Check a file to its end, and append nothing."""
        done = self._begin(read)
        for first, batch in self._batches(read, done.before, "events checked"):
            rows = self._new(read.part, first, batch)
            admitted = self._seen.admit(read.part, rows)
            done = _added(done, len(batch), rows, admitted)
        return done

    def append(self, read: Read, others: int) -> Imported:
        """Append a file batch by batch.

        Args:
            read: the file.
            others: events that this run has appended of other files.
        """
        done = self._begin(read)
        people = _People(self._place, self._enrol, self._loaded)
        try:
            for first, batch in self._batches(read, done.before, "events imported"):
                rows = self._new(read.part, first, batch)
                admitted = people.admit(read.part, rows)
                read.check()
                events, ids = _appendable(rows, admitted)
                mark = _mark(read), first + len(batch)
                self._place.book.append(events, mark, ids)
                # Crash before: nothing of the batch. Here: all of it, and its mark.
                people.appended()
                done = _added(done, len(batch), rows, admitted)
        except Error as error:
            said = (
                f"nothing of its batch was appended; {others + done.appended:,} events "
                "before it were"
            )
            raise _saying(error, said) from error
        return done

    def _begin(self, read: Read) -> Imported:
        return Imported(read.part.name, self._place.book.marked(_mark(read)))

    def _batches(
        self, read: Read, skip: int, what: str
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        rules = Rules(read.part, self._labels, self._now)
        start, end = self._done[what], skip
        for first, batch in batches(read.part, skip):
            rules.check(first, batch)
            yield first, batch
            end = first + len(batch)
            self._progress(what, start + end, self._total)
        self._done[what] = start + end

    def _new(self, part: Part, first: int, batch: pa.RecordBatch) -> Rows:
        """Leave out the rows whose `event_id` is in the ledger.

        Raises:
            LedgerError: an `event_id` is there with another event.
        """
        numbers = range(first + 1, first + len(batch) + 1)
        names = batch.column("event_id")
        if names.null_count == len(batch):
            return Rows(batch, numbers, (), 0)
        # A key drawn anew would know no event again, and all would count twice.
        vault, book = self._place.vault, self._place.book
        key = (vault.drawn_key if book.anything_imported() else vault.key)(KEY)
        ids = [
            None if name is None else _hashes(key, name, row)
            for name, row in zip(names.to_pylist(), _said(batch), strict=True)
        ]
        known = self._place.book.imported([each[0] for each in ids if each])
        new: list[int] = []
        for at, each in enumerate(ids):
            if each is None or each[0] not in known:
                new.append(at)
                if each is not None:
                    known[each[0]] = each[1]  # the same id further down in this batch
            elif known[each[0]] != each[1]:
                raise bad_row(
                    part,
                    numbers[at],
                    "its event_id was imported before with another event",
                    hint="give each event an id of its own",
                )
        return Rows(
            batch.take(pa.array(new, pa.int64())),
            [numbers[at] for at in new],
            [ids[at] for at in new],
            len(batch) - len(new),
        )


class _People:
    """Who is enrolled, as one reads down the files.

    Memory is the ids of the loaded people, and of those who were not enrolled before.
    """

    def __init__(self, place: Place, enrol: bool, loaded: frozenset[str]) -> None:
        self._place, self._enrol, self._loaded = place, enrol, loaded
        self._enrolled: set[str] = set()
        self._newcomers: dict[str, str | None] = {}

    def appended(self) -> None:
        """Forget who came new: the ledger knows them now."""
        self._newcomers = {}

    def admit(self, part: Part, rows: Rows) -> list[int]:
        """Check that each row concerns somebody who is loaded, and enrolled by then.

        Returns:
            Where to enrol somebody first: places in the batch.

        Raises:
            LedgerError: names the first row that concerns a stranger, or enrols
                somebody twice.
        """
        column = rows.batch.column
        subjects = column("subject_id")
        self._ask(pc.unique(subjects).to_pylist())
        admitted = []
        for at, (subject, kind, event_id) in enumerate(
            zip(
                subjects.to_pylist(),
                column("kind").to_pylist(),
                column("event_id").to_pylist(),
                strict=True,
            )
        ):
            new = subject not in self._enrolled and subject not in self._newcomers
            wrong = self._fault(subject, kind, event_id, new)
            if wrong:
                raise bad_row(part, rows.numbers[at], *wrong)
            if new:
                self._newcomers[subject] = event_id if kind == "enrolled" else None
                if kind != EventKind.ENROLLED:
                    admitted.append(at)
        return admitted

    def _fault(
        self, subject: str, kind: str, event_id: str | None, new: bool
    ) -> tuple[str, str] | None:
        """Say what is wrong with a row, and what to do about it."""
        if subject not in self._loaded and (new or kind not in DENIALS):
            # Not the value: with two columns swapped it is what somebody wrote.
            return (
                "its subject_id is not among the loaded subjects",
                "correct the id, or load an export that holds it",
            )
        if new and not subject.isprintable():
            return (
                f"the subject_id {subject!a} has a character that is not printed",
                "give this person another id, and load the export again",
            )
        if kind == EventKind.ENROLLED and not new:
            # The same row of a file that is imported together with this one.
            if event_id is not None and self._newcomers.get(subject) == event_id:
                return None
            return f"subject `{subject}` is enrolled already", "leave this row out"
        if new and kind != EventKind.ENROLLED and not self._enrol:
            return (
                f"subject `{subject}` was never enrolled",
                "put an `enrolled` row before it, or enrol whoever is new: `--enrol`",
            )
        return None

    def _ask(self, subjects: Sequence[str]) -> None:
        if len(self._enrolled) > MOST_KNOWN:
            self._enrolled = set()
        asked = [each for each in subjects if each not in self._enrolled]
        self._enrolled |= self._place.book.enrolled_among(asked)


def _appendable(
    rows: Rows, admitted: Sequence[int]
) -> tuple[list[Event], list[Id | None]]:
    """Build the events of new rows, with the enrolments that come before some."""
    events, ids = to_events(rows.batch), list(rows.ids)
    if not admitted:
        return events, ids
    first = {at: _enrolment(events[at]) for at in admitted}
    found: list[Event] = []
    kept: list[Id | None] = []
    for at, event in enumerate(events):
        if at in first:
            found.append(first[at])
            kept += [None] * bool(ids)
        found.append(event)
        kept += ids[at : at + 1]
    return found, kept


def _enrolment(event: Event) -> Event:
    return Event(
        EventKind.ENROLLED,
        event.happened_at,
        event.subject_id,
        actor="operator",
        detail={"channel": "import"},
    )


def _added(done: Imported, size: int, rows: Rows, admitted: Sequence[int]) -> Imported:
    return replace(
        done,
        rows=done.rows + size,
        known=done.known + rows.known,
        newcomers=done.newcomers + len(admitted),
    )


def _said(batch: pa.RecordBatch) -> Iterable[bytes]:
    """Write each row as a JSON list, in the order of `events.ROWS`."""
    rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
    return (json.dumps(row).encode() for row in rows)


def _hashes(key: bytes, event_id: str, row: bytes) -> Id:
    name = keyed(key, "event_id", event_id.encode())
    return name[:SHORT].hex(), keyed(key, "event_row", row)[:SHORT]


def _mark(read: Read) -> str:
    return f"import:{read.sha256}"


def _labels(place: Place) -> Labels:
    declared = place.config.declared
    parents = {
        ".".join(words[:count])
        for words in (purpose.split(".") for purpose in declared.purposes)
        for count in range(1, len(words) + 1)
    }
    return Labels(
        {"*", *parents}, {"*", *declared.recipients}, {"*", *declared.categories}
    )


def _saying(error: Error, said: str) -> Error:
    """Add to an error what is in the ledger now."""
    return type(error)(f"{error.message}; {said}", error.hint)
