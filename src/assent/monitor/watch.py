"""Look at a log once: is what it serves now what it served before, and what others see?

The order of a look: (1) the head is signed; (2) it goes on from the last one that was
accepted; (3) enough witnesses signed it, lately enough; (4) another place serves the
same log; (5) a copy is kept, where one is wanted; (6) each new entry is what it should
be. The head is accepted, and remembered, only when (1) to (4) hold.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assent.errors import ProofError, UsageError
from assent.ledger.publish import publish_log
from assent.merkle.note import TreeHead, open_head
from assent.merkle.quorum import LogPolicy, check_quorum
from assent.merkle.strict import base64_text
from assent.merkle.tiles import WIDTH
from assent.monitor import evidence
from assent.monitor.client import (
    CheckpointError,
    LogReader,
    TileError,
    WithheldError,
    read_checkpoint,
)
from assent.monitor.entries import Entries, Fault
from assent.monitor.evidence import Finding
from assent.monitor.fresh import is_fresh, witness_time
from assent.monitor.source import Folder, Source, UnreachableError
from assent.monitor.state import Known, State

SAVED_EVERY = 64 * WIDTH
"""Entries after which a long look is remembered: a lost network costs no more."""
MOST_FAULTS = 100
"""Faults of entries that are written down; a log that has more is past counting."""

Save = Callable[[State], None]
Note = Callable[[Finding], str]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """What to follow, and how strictly.

    Args:
        source: the log.
        key: its verifier key.
        policy: which witnesses must have signed; None for none.
        policy_text: the file that says so, for evidence.
        fresh: seconds since a quorum of witnesses saw the head, at most; None for any.
        compare: another place that should serve the same log.
        mirror: a folder for a verified copy of the log.
        whole: whether to read entries again that were checked before.
    """

    source: Source
    key: str
    policy: LogPolicy | None = None
    policy_text: str = ""
    fresh: int | None = None
    compare: Source | None = None
    mirror: Path | None = None
    whole: bool = False


@dataclass(slots=True)
class Seen:
    """What one look found.

    Args:
        size: entries of the head that is served.
        before: entries of the head that was accepted before.
        root: of the head that is served, 32 bytes; None when it is no head.
        witnessed_at: when a quorum saw it: seconds UTC; None for never.
        findings: what is wrong now, and where the evidence is.
        known: faults of entries that were found in earlier looks.
        cut_off: why the look could not be finished, where something was found before.
    """

    size: int = 0
    before: int = 0
    root: bytes | None = None
    witnessed_at: int | None = None
    findings: list[tuple[Finding, str]] = field(default_factory=list)
    known: tuple[Known, ...] = ()
    cut_off: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong, now or with any entry that was read before."""
        return not self.findings and not self.known


def look(
    watch: Watch,
    state: State | None,
    now: int,
    save: Save,
    note: Note,
    progress: Progress = lambda *_: None,
) -> Seen:
    """Look at a log once.

    Args:
        watch: what to follow.
        state: what was remembered; None at the first look.
        now: microseconds UTC.
        save: keeps a new state; what is false if it crashes is only looked at again.
        note: keeps the evidence of a finding, and says where. Called before `save`.
        progress: is told how many entries were read.

    Raises:
        UnreachableError: the log, or the place to compare with, could not be read.
        LedgerError, UsageError: the mirror cannot be written, or is another log's.
    """
    return _Look(watch, state, now, save, note, progress).run()


class _Look:
    def __init__(
        self,
        watch: Watch,
        state: State | None,
        now: int,
        save: Save,
        note: Note,
        progress: Progress,
    ) -> None:
        self._watch, self._state, self._now = watch, state, now
        self._save, self._note, self._progress = save, note, progress
        self._seen = Seen(known=state.faults if state and not watch.whole else ())
        self._copy = self._open_mirror()

    def run(self) -> Seen:
        try:
            self._look()
        except UnreachableError as error:
            if not self._seen.findings:
                raise
            # What was found is found: a network that fails next does not excuse it.
            self._seen.cut_off = error.message
        return self._seen

    def _look(self) -> None:
        served = self._read_head(self._watch.source)
        if served is None:
            return
        self._seen.size, self._seen.root = served.head.size, served.head.root
        with self._reporting(served):
            accepted = self._goes_on(served) and self._is_witnessed(served)
            if accepted and self._is_seen_elsewhere(served):
                self._keep(served)

    @contextmanager
    def _reporting(self, reader: LogReader) -> Iterator[None]:
        """Report a file that a reader finds to be wrong, or does not find."""
        note = reader.cosigned_note()
        try:
            yield
        except TileError as error:
            proof = evidence.tile_proof(note, error)
            self._found(evidence.TILE, error.message, proof, reader.source)
        except WithheldError as error:
            proof = {"head": note, "name": error.name}
            self._found(evidence.WITHHELD, error.message, proof, reader.source)

    # -- (1) signed ------------------------------------------------------------------

    def _read_head(self, source: Source) -> LogReader | None:
        data = b""
        try:
            text = read_checkpoint(source)
            data = text.encode()
            return LogReader(source, text, self._watch.key)
        except CheckpointError as error:
            message, data = error.message, error.data
        except ProofError as error:
            message = error.message
        self._found(
            evidence.CHECKPOINT,
            f"the checkpoint is not one that the log's key signed: {message}",
            {"checkpoint": base64_text(data[: evidence.MOST_BYTES_OF_A_FILE])},
            source,
        )
        return None

    # -- (2) goes on -----------------------------------------------------------------

    def _goes_on(self, served: LogReader) -> bool:
        """Check a head against the last one that was accepted."""
        last = self._last_note()
        if last is None:
            served.check()
            return True
        before = open_head(last, self._watch.key)
        self._seen.before = before.size
        if served.head.size < before.size:
            self._rolled_back(served, last)
            return False
        if self._begins_with(served, before):
            served.check()
            return True
        same_size = served.head.size == before.size
        self._contradicts(
            evidence.SPLIT_VIEW if same_size else evidence.REWRITTEN, last, served
        )
        return False

    @staticmethod
    def _begins_with(large: LogReader, small: TreeHead) -> bool:
        """Say whether a log goes on from a head of at most its size."""
        if small.size == large.head.size:
            # Two signed heads say it: a liar need not serve tiles for the other one.
            return large.head.root == small.root
        return large.root_at(small.size) == small.root

    def _last_note(self) -> str | None:
        """Give the largest head that was accepted: of the state, or of the mirror.

        The mirror is written first; a crash in between leaves it ahead.
        """
        notes = [self._state.note] if self._state else []
        notes += [self._copy.cosigned_note()] if self._copy else []
        return max(
            notes, key=lambda note: open_head(note, self._watch.key).size, default=None
        )

    def _rolled_back(self, served: LogReader, last: str) -> None:
        small, large = served.head, open_head(last, self._watch.key)
        self._found(
            evidence.ROLLBACK,
            f"the log has {small.size} entries now; it had {large.size} before",
            {
                "seen": last,
                "seen_at": self._state.seen_at if self._state else self._now,
                "served": served.cosigned_note(),
            },
        )
        # It may be a stale copy, or another history: the larger head's tiles tell.
        whole = self._copy or LogReader(self._watch.source, last, self._watch.key)
        try:
            other = whole.root_at(small.size) != small.root
        except ProofError:
            return  # its tiles are gone; the rollback is reported either way
        if other:
            # What it reads of `whole` was read for that root, verified and kept: so no
            # fault there is reported as one of the head that is served.
            self._contradicts(evidence.SPLIT_VIEW, served.cosigned_note(), whole)

    def _contradicts(
        self, kind: str, older: str, newer: LogReader, source: Source | None = None
    ) -> None:
        """Report that a head has another beginning than a smaller or equal one."""
        size = open_head(older, self._watch.key).size
        try:
            first = self._first_difference(size, newer)
        except ProofError:
            first = None  # its tiles are not there; the heads alone say enough
        where = (
            ""
            if first is None
            else f"; the first that differs is entry {first['index']}"
        )
        if kind == evidence.REWRITTEN:
            message = (
                f"entries were rewritten: the first {size} are not those of before"
            )
        else:
            message = f"the log shows two histories of its first {size} entries"
        path, prefix_root = [], newer.head.root
        if size < newer.head.size:
            path = newer.consistency(size) if size else []
            prefix_root = newer.root_at(size)
        proof = evidence.two_heads(
            older, newer.cosigned_note(), prefix_root, path, first
        )
        self._found(kind, message + where, proof, source)

    def _first_difference(self, size: int, newer: LogReader) -> dict[str, Any] | None:
        """Name the first entry that differs from the mirror's, where there is one."""
        kept = self._copy
        if kept is None or kept is newer or kept.head.size != size or not size:
            return None
        index = bisect_left(
            range(1, size + 1), True, key=lambda n: kept.root_at(n) != newer.root_at(n)
        )
        return {
            "index": index,
            "older_leaf": kept.node(0, index).hex(),
            "older_path": [base64_text(each) for each in kept.path(index)],
            "newer_leaf": newer.node(0, index).hex(),
            "newer_path": [base64_text(each) for each in newer.path(index)],
        }

    # -- (3) witnessed ---------------------------------------------------------------

    def _is_witnessed(self, served: LogReader) -> bool:
        watch, text = self._watch, served.cosigned_note()
        if watch.policy is None:
            return True
        try:
            check_quorum(text, watch.policy, watch.key)
        except ProofError as error:
            proof = {"head": text, "policy": watch.policy_text}
            self._found(evidence.UNWITNESSED, error.message, proof)
            return False
        seen = self._seen.witnessed_at = witness_time(text, watch.policy)
        now = self._now // 1_000_000
        if watch.fresh is not None and not is_fresh(seen, now, watch.fresh):
            ago = "never" if seen is None else f"{now - seen} seconds ago"
            self._found(
                evidence.STALE,
                f"witnesses last saw the log {ago}, wanted {watch.fresh} at most",
                {"head": text, "policy": watch.policy_text, "fresh": watch.fresh},
            )
        return True  # an old head is still a head

    # -- (4) the same elsewhere ------------------------------------------------------

    def _is_seen_elsewhere(self, served: LogReader) -> bool:
        source = self._watch.compare
        if source is None:
            return True
        other = self._read_head(source)
        if other is None:
            return False
        small, large = sorted((served, other), key=lambda each: each.head.size)
        with self._reporting(large):
            if self._begins_with(large, small.head):
                return True
            self._contradicts(evidence.SPLIT_VIEW, small.cosigned_note(), large, source)
        return False

    # -- (5) and (6) copied, and read ------------------------------------------------

    def _keep(self, served: LogReader) -> None:
        watch, before = self._watch, self._state
        text, seen_at = served.cosigned_note(), self._now
        if before and open_head(before.note, watch.key) == served.head:
            seen_at = before.seen_at
        if before is None or watch.whole:
            before = State(watch.key, text, seen_at, 0, Entries())
        state = replace(before, note=text, seen_at=seen_at)
        if watch.mirror is None:
            self._read_entries(served, state)
            return
        publish_log(served, watch.mirror, self._progress)
        # Crash here: the mirror is ahead of the state, and counts as seen.
        with _blaming_the_mirror():
            copy = LogReader(Folder(watch.mirror), text, watch.key)
            self._read_entries(copy, state)

    def _read_entries(self, reader: LogReader, state: State) -> None:
        start, stop = state.checked, reader.head.size
        seen, faults = state.entries, list(state.faults)
        for index, entry in enumerate(reader.entries(start, stop), start):
            fault = seen.check(index, entry)
            if fault is not None and len(faults) < MOST_FAULTS:
                faults.append(self._fault(fault, reader, entry))
            done = index + 1
            if done % SAVED_EVERY == 0:
                self._save(replace(state, checked=done, faults=tuple(faults)))
                # Crash here: the next look goes on from this entry.
            if done % WIDTH == 0 or done == stop:
                self._progress("read", done - start, stop - start)
        self._save(replace(state, checked=stop, faults=tuple(faults)))

    def _fault(self, fault: Fault, reader: LogReader, entry: bytes) -> Known:
        shown = [(fault.index, entry, reader.path(fault.index))]
        if fault.other is not None:
            (other,) = reader.entries(fault.other, fault.other + 1)
            shown.insert(0, (fault.other, other, reader.path(fault.other)))
        proof = evidence.entries_proof(reader.cosigned_note(), shown)
        where = self._found(fault.kind, fault.message, proof)
        return Known(fault.kind, fault.message, where)

    # -- together --------------------------------------------------------------------

    def _open_mirror(self) -> LogReader | None:
        """Open the copy that was kept, if there is one and it holds a log already."""
        folder = self._watch.mirror
        if folder is None or not (folder / "checkpoint").exists():
            return None
        source = Folder(folder)
        with _blaming_the_mirror():
            return LogReader(source, read_checkpoint(source), self._watch.key)

    def _found(
        self,
        kind: str,
        message: str,
        proof: dict[str, Any],
        source: Source | None = None,
    ) -> str:
        where = (source or self._watch.source).where
        finding = Finding(kind, message, proof, where)
        kept = self._note(finding)
        self._seen.findings.append((finding, kept))
        return kept


@contextmanager
def _blaming_the_mirror() -> Iterator[None]:
    """Tell a damaged copy of one's own from a log that misbehaves."""
    try:
        yield
    except ProofError as error:
        raise UsageError(
            f"the mirror is no whole copy of the log: {error.message}",
            hint="name another folder: then the log is copied again",
        ) from error
