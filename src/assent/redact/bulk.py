"""Many documents at once: batches of a bounded size, on one core or on several.

What comes back is in the order of what went in, and the same on any number of cores.
"""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait
from typing import Any, Protocol, TypeVar

from assent.errors import CorpusError
from assent.redact.directory import Directory, Near
from assent.redact.redactor import Redacted, Redactor, Settings
from assent.redact.spans import Kind
from assent.terms import Style

AHEAD = 2
"""Batches under way for each core: one is worked on, one waits."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents to redact together.

    Args:
        documents: how many.
        texts: of all documents; one may have several texts, or none.
        owners: (len(texts),) the number of each text's document, ascending.
        near: for each document, the subjects that take part; None: nobody knows.
    """

    documents: int
    texts: Sequence[str]
    owners: Sequence[int]
    near: Near | None

    def answered(self, work: "Work") -> "tuple[Outcome, Tally]":
        """Redact it. Returns: what became of it."""
        outcome = work.on(self)
        return outcome, outcome.tally


@dataclass(frozen=True, slots=True)
class Tally:
    """What was done to some documents.

    Args:
        documents: how many were read.
        dropped: how many of them were left out, too much of them being removed.
        characters: of all texts.
        removed: of these, what the result does not hold; of a dropped document, all.
        size: of all texts in UTF-8, in bytes.
        found: how many spans of each kind were replaced.
    """

    documents: int = 0
    dropped: int = 0
    characters: int = 0
    removed: int = 0
    size: int = 0
    found: Mapping[Kind, int] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.documents + other.documents,
            self.dropped + other.dropped,
            self.characters + other.characters,
            self.removed + other.removed,
            self.size + other.size,
            Counter(self.found) + Counter(other.found),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch.

    Args:
        changed: the new text of each text that is not what it was, by its number.
        dropped: numbers of the documents to be left out.
        tally: of the batch.
    """

    changed: Mapping[int, str]
    dropped: Collection[int]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Work:
    """What is done to each batch; it travels to other processes.

    Args:
        directory: whose traces to look for.
        settings: how spans are replaced.
        drop_above: a document is left out if a larger share of its characters than
            this is removed, between 0 and 1; None: never.
    """

    directory: Directory
    settings: Settings
    drop_above: float | None = None

    def on(self, batch: Batch) -> Outcome:
        """Redact a batch. Pure: a document's result depends on no other."""
        near = None
        if batch.near is not None:
            near = [batch.near[owner] for owner in batch.owners]
        scopes = None
        if self.settings.style is Style.DOCUMENT:
            scopes = _scopes(batch)
        done = Redactor(self.directory, self.settings).redact(batch.texts, near, scopes)
        changed = {number: each for number, each in enumerate(done) if each.counts}
        found: Counter[Kind] = Counter()
        gone: Counter[int] = Counter()
        for number, each in changed.items():
            found.update(each.counts)
            left = _left(each, self.settings.style)
            gone[batch.owners[number]] += len(batch.texts[number]) - left
        whole = self._dropped(batch, gone)
        removed = sum((gone | whole).values())
        everything = "".join(batch.texts)
        size = len(everything)
        if not everything.isascii():
            size = len(everything.encode())
        return Outcome(
            {number: each.text for number, each in changed.items()},
            frozenset(whole),
            Tally(batch.documents, len(whole), len(everything), removed, size, found),
        )

    def _dropped(self, batch: Batch, gone: Mapping[int, int]) -> Counter[int]:
        """Give the documents to be left out, and how long each is."""
        lengths: Counter[int] = Counter()
        if self.drop_above is None or not gone:
            return lengths
        for text, owner in zip(batch.texts, batch.owners, strict=True):
            if owner in gone:
                lengths[owner] += len(text)
        most = self.drop_above
        return Counter(
            {n: all_ for n, all_ in lengths.items() if gone[n] > most * all_}
        )


def _left(done: Redacted, style: Style) -> int:
    """How many characters of the original a text still has.

    None passes into a placeholder, or out of one: no span holds one.
    """
    if not done.text:
        return 0  # it kept giving something away
    marks = 0 if style is Style.PLACEHOLDER else 1 + 8
    inserted = sum((len(k) + 2 + marks) * count for k, count in done.counts.items())
    return len(done.text) - inserted


def _scopes(batch: Batch) -> list[str]:
    """Name each text's document by what it says, so that its place does not matter."""
    names = [hashlib.sha256() for _ in range(batch.documents)]
    for text, owner in zip(batch.texts, batch.owners, strict=True):
        data = text.encode()
        names[owner].update(len(data).to_bytes(8, "big") + data)
    return [names[owner].hexdigest() for owner in batch.owners]


class Question(Protocol):
    """What is sent to where the work is done."""

    def answered(self, work: Work) -> tuple[Any, Tally]:
        """Do the work. Returns: what was made, and what was done."""
        ...


Kept = TypeVar("Kept")


class Doing(Protocol):
    """Does the work of many questions, and answers in their order."""

    def __call__(
        self, asked: Iterable[tuple[Question, Kept]]
    ) -> Iterator[tuple[Kept, Any, Tally]]:
        """Answer each; beside a question stands what is kept here until then."""
        ...


@contextmanager
def workers(work: Work, jobs: int = 1) -> Iterator[Doing]:
    """Give what does the work: in this process, or in several others.

    Memory: one batch a core, and as many that wait. New processes import the caller's
    main module, so a script must guard its entry with `if __name__ == "__main__"`.

    Raises:
        CorpusError: a process was ended from outside.
    """
    if jobs == 1:
        yield partial(_here, work)
        return
    # A fork would inherit the threads of Arrow; a server that only imports has none.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(jobs, context, initializer=_ready, initargs=(work,))
    try:
        yield partial(_spread, pool, jobs * AHEAD)
    except BrokenProcessPool as error:
        raise CorpusError(
            "a process that redacts was ended, perhaps for want of memory",
            hint="run it again with fewer `--jobs`",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _here(
    work: Work, asked: Iterable[tuple[Question, Kept]]
) -> Iterator[tuple[Kept, Any, Tally]]:
    for question, kept in asked:
        yield kept, *question.answered(work)


def _spread(
    pool: ProcessPoolExecutor, most: int, asked: Iterable[tuple[Question, Kept]]
) -> Iterator[tuple[Kept, Any, Tally]]:
    waiting: deque[tuple[Kept, Future[tuple[Any, Tally]]]] = deque()
    for question, kept in asked:
        waiting.append((kept, pool.submit(_answer, question)))
        if len(waiting) == most:
            first, future = waiting.popleft()
            yield first, *future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, *future.result()


_work: Work | None = None


def _ready(work: Work) -> None:
    """Prepare a worker: it leaves interrupts to its parent, and ends with it."""
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker waits for its next batch for ever, also when nobody will send one.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _answer(question: Question) -> tuple[Any, Tally]:
    if _work is None:
        raise AssertionError("a worker was not prepared")
    return question.answered(_work)
