"""Append to the ledger: in batches, one at a time, and beside pymerkle.

An append is all of it: the events' rules, one opening and commitment each, entries,
tree, private bodies, signed head, and the wait for the disk. pymerkle gets the very
entries that came out, in the same batches, and is asked for its root after each, since
a head is what others can hold us to; it keeps no bodies, signs nothing, checks nothing.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from ledger_place import on_postgres, on_sqlite
from pymerkle import SqliteTree

from assent.ledger.book import Book
from assent.terms import Event, EventKind

BATCH = 1_000
SUBJECTS = 10_000
EVENTS = 200_000
SINGLE = 2_000
NOTICE = "ab" * 32
START = 1_760_000_000_000_000  # microseconds UTC; any day


def events(count: int) -> Iterator[list[Event]]:
    """Make up what people say, in batches: every fifth word takes another one back."""
    for first in range(0, count, BATCH):
        yield [
            Event(
                EventKind.WITHDRAWN if number % 5 == 4 else EventKind.GIVEN,
                START + number,
                f"subject-{number * 7919 % SUBJECTS}",
                purpose="train.generative.content",
                recipient="operator",
                category="post",
                notice=None if number % 5 == 4 else NOTICE,
                detail={"channel": "web", "language": "en"},
            )
            for number in range(first, min(first + BATCH, count))
        ]


def enrolments() -> list[Event]:
    """Enrol everybody who will say something."""
    return [
        Event(EventKind.ENROLLED, START, f"subject-{number}")
        for number in range(SUBJECTS)
    ]


def append_sqlite(scale: float = 1.0) -> dict[str, float]:
    """Append in batches of 1,000 to a SQLite file: events a second."""
    with on_sqlite() as (book, _):
        return _named("append_sqlite", _in_batches(book, int(EVENTS * scale)))


def append_postgres(scale: float = 1.0) -> dict[str, float]:
    """Append in batches of 1,000 to a PostgreSQL server: events a second."""
    with on_postgres() as (book, _):
        return _named("append_postgres", _in_batches(book, int(EVENTS * scale)))


def append_single(scale: float = 1.0) -> dict[str, float]:
    """Append events one by one: milliseconds at the median and the 99th of 100."""
    count = int(SINGLE * scale)
    with on_sqlite() as (book, _):
        book.append(enrolments())
        every = [one for batch in events(count) for one in batch]
        taken = sorted(_timed(lambda one=one: book.append([one])) for one in every)
    return {
        "append_single_p50_ms": 1_000 * statistics.median(taken),
        "append_single_p99_ms": 1_000 * taken[len(taken) * 99 // 100],
    }


def check(scale: float = 1.0) -> dict[str, float]:
    """Read a ledger before something is decided: microseconds an entry, all checked."""
    count = int(EVENTS * scale)
    with on_sqlite() as (book, reopen):
        book.append(enrolments())
        for each in events(count):
            book.append(each)
        with closing(reopen()) as opened:  # nothing of it is checked yet
            seconds = _timed(lambda: opened.events(opened.size))
            return {"check_us_an_entry": 1e6 * seconds / opened.size}


def with_pymerkle(scale: float = 1.0) -> dict[str, float]:
    """Append the entries of a ledger to pymerkle's tree, with a root after each."""
    count = int(EVENTS * scale)
    with on_sqlite() as (book, _):
        book.append(enrolments())
        for each in events(count):
            book.append(each)
        entries = list(book.entries(SUBJECTS, SUBJECTS + count))
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        tree = SqliteTree(str(Path(folder) / "pymerkle.db"))
        for first in range(0, count, BATCH):
            batch = entries[first : first + BATCH]
            seconds.append(_timed(lambda b=batch: _into(tree, b)))
        tree.close()
    return _named("pymerkle", _rates(seconds))


def _into(tree: SqliteTree, batch: list[bytes]) -> None:
    tree.append_entries(batch)
    tree.get_state()


def _in_batches(book: Book, count: int) -> dict[str, float]:
    book.append(enrolments())
    return _rates([_timed(lambda e=each: book.append(e)) for each in events(count)])


def _rates(seconds: list[float]) -> dict[str, float]:
    """Say entries a second at the median batch, and of the first and last tenth."""
    tenth = max(1, len(seconds) // 10)
    return {
        "per_s": BATCH / statistics.median(seconds),
        "per_s_first_tenth": BATCH / statistics.median(seconds[:tenth]),
        "per_s_last_tenth": BATCH / statistics.median(seconds[-tenth:]),
    }


def _named(name: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{name}_{key}": value for key, value in figures.items()}


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
