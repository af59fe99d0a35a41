"""The rules of rows of events, checked a column at a time: the first bad row is named.

They refuse what `ledger.records.check_event` refuses, and more: labels that nobody
declared, and times in another unit or out of order. The ledger checks each event again.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from assent.errors import LedgerError
from assent.sources.countries import CODES
from assent.sources.events import UNKNOWN, WANTED_TIME, Part, bad_row
from assent.sources.export import EARLIEST, LATEST
from assent.terms import CHOICES, DAY, SUBJECT_EVENTS, EventKind, iso

SCOPE = ("purpose", "recipient", "category")
WORDS = ("actor", "channel", "language")
WORD = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$"
SHA256 = r"^[0-9a-f]{64}$"
LONGEST_ID = 200  # characters
WITH_NOTICE = (EventKind.NOTICE_SERVED, EventKind.GIVEN)
_SHOWN = re.compile(r"[a-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True)
class Labels:
    """What the project declares, each with `*`; purposes with their parents."""

    purpose: Collection[str]
    recipient: Collection[str]
    category: Collection[str]


class Fault(NamedTuple):
    """Which rows of a batch break one rule.

    Args:
        column: that is at fault.
        rows: true where the rule is broken; null is false.
        wanted: said after "wanted".
        hint: one thing to do.
    """

    column: str
    rows: pa.Array
    wanted: str
    hint: str = ""


class Rules:
    """The rules of one file, batch after batch.

    Args:
        part: the file.
        labels: that the project declares.
        now: microseconds UTC.
    """

    def __init__(self, part: Part, labels: Labels, now: int) -> None:
        self._part, self._labels, self._now = part, labels, now
        self._last: int | None = None

    def check(self, first: int, batch: pa.RecordBatch) -> None:
        """Refuse the first row that breaks a rule.

        Args:
            first: rows of the file before the batch.
            batch: with the columns of `events.ROWS`.

        Raises:
            LedgerError: names the file, the row and what was wanted.
        """
        found: tuple[int, Fault] | None = None
        for fault in self._faults(batch):
            at = pc.index(pc.fill_null(fault.rows, False), True).as_py()
            if at >= 0 and (found is None or at < found[0]):
                found = at, fault
        if found is not None:
            raise self._error(first, batch, *found)
        self._last = batch.column("happened_at")[-1].as_py()

    def _error(
        self, first: int, batch: pa.RecordBatch, at: int, fault: Fault
    ) -> LedgerError:
        value = batch.column(fault.column)[at].as_py()
        # With columns swapped a value may be a person's words, which nothing repeats.
        shown = isinstance(value, str) and _SHOWN.fullmatch(value)
        said = f"{fault.column} is missing" if value is None else f"{fault.column} "
        if value is not None:
            said += f"`{value}`" if shown else "is not as wanted"
        wanted = f"{said}, wanted {fault.wanted}"
        return bad_row(self._part, first + at + 1, wanted, fault.hint)

    def _faults(self, batch: pa.RecordBatch) -> Iterator[Fault]:
        column = batch.column
        subject, kind = column("subject_id"), column("kind")
        yield Fault("subject_id", _blank_or_long(subject), "the id of one person")
        wanted = f"one of {', '.join(sorted(SUBJECT_EVENTS))}"
        yield Fault("kind", _not_in(kind, SUBJECT_EVENTS), wanted)
        yield from self._faults_of_times(batch)
        for name in SCOPE:
            declared: Collection[str] = getattr(self._labels, name)
            yield Fault(
                name,
                _not_in(column(name), declared),
                f"one of {', '.join(sorted(declared))}",
                "correct it, or declare it in `assent.toml`",
            )
        notice = column("notice")
        yield Fault(
            "notice",
            _and(pc.is_null(notice), _is_in(kind, WITH_NOTICE)),
            "the sha256 of the text that was shown to her",
        )
        digits = "64 hexadecimal digits of sha256, in lower case"
        yield Fault("notice", _unlike(notice, SHA256), digits)
        for name in WORDS:
            wanted = "one word of letters, digits, `.`, `_` and `-`, 40 at most"
            yield Fault(name, _unlike(column(name), WORD), wanted)
        named = _and(
            pc.is_valid(column("event_id")), _blank_or_long(column("event_id"))
        )
        yield Fault("event_id", named, f"1 to {LONGEST_ID} characters, or none")
        yield from _faults_of_moves(batch)

    def _faults_of_times(self, batch: pa.RecordBatch) -> Iterator[Fault]:
        happened, until = batch.column("happened_at"), batch.column("valid_until")
        span = f"{WANTED_TIME}, from {iso(EARLIEST)} to {iso(LATEST)}"
        yield Fault("happened_at", pc.is_null(happened), span)
        yield Fault("happened_at", _outside(happened), span)
        yield Fault(
            "happened_at",
            pc.greater(happened, self._now + DAY),
            f"no later than a day after now, {iso(self._now)}",
            "import an event when it has happened, with its time in UTC",
        )
        before = happened[:1] if self._last is None else pa.array([self._last])
        earlier = pa.concat_arrays([before, happened[:-1]])
        yield Fault(
            "happened_at",
            pc.less(happened, earlier),
            "no earlier than that of the row before",
            "sort the file by happened_at: the ledger keeps its order",
        )
        choice = _is_in(batch.column("kind"), CHOICES)
        ends = pc.is_valid(until)
        wanted = "none: only a choice can have an end"
        yield Fault("valid_until", _and(ends, pc.invert(choice)), wanted)
        yield Fault("valid_until", _outside(until), span)
        wanted = "a time after happened_at"
        yield Fault("valid_until", pc.less_equal(until, happened), wanted)


def _faults_of_moves(batch: pa.RecordBatch) -> Iterator[Fault]:
    """Refuse a move that says not where to, or has a scope; and a place of no move."""
    country = batch.column("country")
    moved = pc.equal(batch.column("kind"), str(EventKind.RESIDENCE_CHANGED))
    yield Fault(
        "country",
        _and(moved, _not_in(country, {*CODES, UNKNOWN})),
        "an ISO 3166-1 alpha-2 code in capitals such as `CH`, or `unknown`",
    )
    yield Fault(
        "country",
        _and(pc.invert(moved), pc.is_valid(country)),
        "none: only `residence_changed` names a country",
        "give a move a row of its own",
    )
    for name in SCOPE:
        scoped = pc.not_equal(batch.column(name), "*")
        wanted = "`*`: where somebody lives holds for every use"
        yield Fault(name, _and(moved, scoped), wanted)


_and: Callable[[pa.Array, pa.Array], pa.Array] = pc.and_kleene


def _is_in(column: pa.Array, wanted: Collection[str]) -> pa.Array:
    return pc.is_in(column, pa.array([str(each) for each in wanted], pa.string()))


def _not_in(column: pa.Array, wanted: Collection[str]) -> pa.Array:
    """Where a value is another, or missing."""
    return pc.invert(_is_in(column, wanted))


def _unlike(column: pa.Array, pattern: str) -> pa.Array:
    return pc.invert(pc.match_substring_regex(column, pattern))


def _outside(times: pa.Array) -> pa.Array:
    return pc.or_(pc.less(times, EARLIEST), pc.greater_equal(times, LATEST))


def _blank_or_long(column: pa.Array) -> pa.Array:
    length = pc.fill_null(pc.utf8_length(column), 0)
    return pc.or_(pc.equal(length, 0), pc.greater(length, LONGEST_ID))
