"""Audit a corpus: derive again, from ledger and policy, that each row was permitted.

Twice: as of the corpus's own instant and ledger size, on the load that it was built of,
and as of now. Nothing that the build noted of its decisions is believed. Nothing is
appended to the ledger, and no text is redacted again: what is compared of a text is its
digest.

Time: four readings of the documents' ids at most, two of the parts, one sort of the
rows; it grows with rows and documents. Memory: what the engine takes before it spills
(3 GB), and 0.4 kB a row of the largest part; it does not grow with the corpus, but for
kept names, where a policy lets them stand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assent.canon import sha256
from assent.corpus.manifest import (
    ERASED,
    SHREDDED,
    FileEntry,
    Manifest,
    check_file,
    read_files,
    read_manifest,
)
from assent.corpus.tables import Bucket, bucket_of, part_path
from assent.engine.beside import Written
from assent.errors import CorpusError, UsageError
from assent.ledger.checking import ERASURE_KEY
from assent.project.building import coarse, plan_key, policies_in_force, sealed_plans
from assent.project.commitments import check_logged, checked_commitment, is_logged
from assent.project.deciding import find_load
from assent.project.naming import Named, no_longer
from assent.project.place import Place, Progress
from assent.project.serving import GONE, UNNAMED, Asked, asked
from assent.sources.parquet import Tables
from assent.terms import PROVED, iso
from assent.train.plan import Assignment, Plan

UNLISTED = "unlisted"
"""It stands in a part, and not among the rows that the corpus commits to."""
MISSING = "missing"
"""The corpus commits to it, and it is not in its part."""
ANOTHER_SUBJECT = "another_subject"
"""The part, the commitment and the load do not name one author."""
ANOTHER_TEXT = "another_text"
"""The digest of its text is not the one that the corpus commits to."""
ANOTHER_PLACE = "another_place"
"""The plan draws another group, shard or slice for its author."""
SHOWN = 20
"""Document ids a reason, at most, on a terminal."""
_ROWS = 1_024

Row = dict[str, Any]
Held = dict[str, tuple[str, int, str]]
"""What stands in a part: document id -> (subject, slice, sha256 of the text)."""


@dataclass(frozen=True, slots=True)
class CorpusAudit:
    """What an audit of a corpus found.

    Args:
        corpus_id: of the corpus.
        as_of: its own instant, in microseconds UTC.
        ledger_size: entries known to it.
        rows: that it commits to.
        wrong: rows that cannot be derived: reason -> document ids. The reason is that
            of the decision of then, or one of this module's.
        faults: what else is not as its manifest says.
        notes: what the reader must know of how it was done.
        now: the instant of the second decision.
        not_permitted: rows that are no longer permitted then: reason -> how many.
    """

    corpus_id: str
    as_of: int
    ledger_size: int
    rows: int
    wrong: Mapping[str, list[str]]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    now: int
    not_permitted: Mapping[str, int]

    @property
    def derivable(self) -> bool:
        """Every row was permitted when it was built, and is what the manifest says."""
        return not (self.wrong or self.faults)

    def to_json(self) -> dict[str, Any]:
        """Give it as one JSON value."""
        return {
            "corpus_id": self.corpus_id,
            "as_of": self.as_of,
            "ledger_size": self.ledger_size,
            "rows": self.rows,
            "derivable": self.derivable,
            "wrong": dict(self.wrong),
            "faults": list(self.faults),
            "notes": list(self.notes),
            "now": self.now,
            "not_permitted": dict(self.not_permitted),
        }

    def lines(self) -> list[str]:
        """Say it in lines for a terminal."""
        lines = [
            f"{self.corpus_id}: {self.rows:,} rows, decided again as of "
            f"{iso(self.as_of)}, as known at ledger size {self.ledger_size}",
            *self.notes,
            *(f"fault: {each}" for each in self.faults),
        ]
        for reason, documents in self.wrong.items():
            more = ", ..." if len(documents) > SHOWN else ""
            ids = ", ".join(f"`{each}`" for each in documents[:SHOWN])
            lines.append(f"not derivable, {reason}: {len(documents):,} ({ids}{more})")
        if self.derivable:
            lines.append("every row was permitted then, and is what the manifest says")
        count = sum(self.not_permitted.values())
        reasons = ", ".join(f"{n:,} {why}" for why, n in self.not_permitted.items())
        lines.append(
            f"no longer permitted at {iso(self.now)}: {count:,}"
            + (f" ({reasons}); run `assent forget`, or build anew" if count else "")
        )
        return lines


def audit_corpus(
    place: Place, corpus_id: str | None, progress: Progress
) -> CorpusAudit:
    """Derive every row of a corpus again; the latest one for None.

    A corpus whose texts were erased is audited by what it commits to.

    Raises:
        UsageError: no such corpus is logged, or it is of another purpose than the
            project's.
        CorpusError: the manifest or the commitment is not what was logged, or the load
            that it was built of is gone.
        LedgerError: a policy of then is not what was published.
    """
    corpus_id = corpus_id or str(place.latest_corpus()["corpus_id"])
    if not is_logged(place, corpus_id):
        raise UsageError(
            f"no corpus `{corpus_id}` is logged",
            hint="`assent status` names the latest one",
        )
    check_logged(place, corpus_id)
    work = _work(place, corpus_id)
    with work.decided(place) as rows:
        for number, (bucket, each) in enumerate(groupby(rows, _bucket), start=1):
            work.take(bucket, each)
            progress("parts audited", number, len(work.manifest.parts))
    work.finish()
    request = work.manifest.request
    return CorpusAudit(
        corpus_id,
        request.as_of,
        request.ledger_size,
        work.rows,
        {reason: work.wrong[reason] for reason in sorted(work.wrong)},
        tuple(work.faults),
        tuple(work.notes),
        work.now.every.as_of,
        dict(sorted(work.not_permitted.items())),
    )


@dataclass(slots=True)
class _Work:
    """One audit under way: what is asked, and what was found so far."""

    folder: Path
    manifest: Manifest
    commitment: Path
    listed: dict[str, FileEntry]
    assignment: Assignment
    group_of: Mapping[str | None, str] | None
    built_on: Place
    then: Asked
    now: Asked
    unnamed: tuple[Named, Named]
    notes: list[str]
    faults: list[str]
    rows: int = 0
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    not_permitted: Counter[str] = field(default_factory=Counter)

    @property
    def erased(self) -> bool:
        return (self.folder / ERASED).exists()

    @contextmanager
    def decided(self, place: Place) -> Iterator[Iterator[Row]]:
        """Stream what the corpus commits to with the decisions of then and now."""
        size = self.now.every.ledger_size
        *_, spill = place.inputs(size)
        with (
            TemporaryDirectory(dir=spill) as folder,
            closing(place.embedded(size)) as engine,
        ):
            then = _written(self.built_on, self.then, Path(folder) / "then")
            now = _written(place, self.now, Path(folder) / "now")
            batches = engine.beside(self.commitment, then, now)
            yield (row for batch in batches for row in batch.to_pylist())

    def take(self, bucket: Bucket, rows: Iterable[Row]) -> None:
        """Compare what is committed to in a bucket with its part, and judge it."""
        held = {} if self.erased else self._part(bucket)
        for row in rows:
            self.rows += 1
            found = held.pop(row["document_id"], None)
            if reason := self._wrong(bucket, row, found):
                self.wrong[reason].append(row["document_id"])
            if reason := self._denied(row, "now", self.unnamed[1]):
                self.not_permitted[reason] += 1
        self._unlisted(held)

    def finish(self) -> None:
        """Look at parts in which nothing is committed to, and at what is counted."""
        for path in sorted(self.listed):
            self._unlisted(self._part(bucket_of(path)))
        names = {entry.path for entry in self.manifest.parts}
        for file in sorted((self.folder / "parts").rglob("*.parquet")):
            name = file.relative_to(self.folder).as_posix()
            if name not in names:
                self.faults.append(f"the file `{name}` is not listed")
        # Whom an erasure took out of the tables is still counted in the manifest.
        wanted = self.manifest.counts.documents_used
        if self.rows != wanted and not (self.folder / SHREDDED).exists():
            self.faults.append(
                f"the manifest counts {wanted:,} rows, and the corpus commits to "
                f"{self.rows:,}"
            )

    def _part(self, bucket: Bucket) -> Held:
        """Read a part, one batch after another; each part is read once."""
        entry = self.listed.pop(part_path(bucket), None)
        if entry is None:
            self.faults.append(f"the part `{part_path(bucket)}` is not listed")
            return {}
        held: Held = {}
        try:
            check_file(self.folder, entry)
        except CorpusError as error:
            self.faults.append(error.message)
        try:
            for row in _read(self.folder / entry.path):
                document = row["document_id"]
                if document in held:
                    self._unlisted([document])
                digest = sha256((row["text"] or "").encode())
                held[document] = row["subject_id"], row["slice"], digest
        except (OSError, pa.ArrowException, KeyError):
            self.faults.append(f"the part `{entry.path}` cannot be read to its end")
        return held

    def _unlisted(self, documents: Iterable[str]) -> None:
        for each in documents:
            self.wrong[UNLISTED].append(each)

    def _wrong(
        self, bucket: Bucket, row: Row, found: tuple[str, int, str] | None
    ) -> str:
        """Say why a row cannot be derived; empty: it can."""
        subject, slice_index = row["subject_id"], row["slice"]
        part = found or (subject, slice_index, row["text_sha256"])
        if found is None and not self.erased:
            return MISSING
        if part[0] != subject or (row["then"] and row["author"] != subject):
            return ANOTHER_SUBJECT
        if part[2] != row["text_sha256"]:
            return ANOTHER_TEXT
        if reason := self._denied(row, "then", self.unnamed[0]):
            return reason
        group = bucket[0]
        if self.group_of is not None:
            group = self.group_of.get(row["jurisdiction"], "")
        drawn = (*self.assignment.place(bucket[0], subject), group)
        if {(bucket[1], each, bucket[0]) for each in (part[1], slice_index)} != {drawn}:
            return ANOTHER_PLACE
        return ""

    def _denied(self, row: Row, when: str, unnamed: Named) -> str:
        reason: str = row[when] or GONE[0]
        if reason not in PROVED:
            return reason
        return UNNAMED if row["document_id"] in unnamed else ""


def _work(place: Place, corpus_id: str) -> _Work:
    folder = place.corpus_folder(corpus_id)
    manifest = read_manifest(folder)
    commitment = checked_commitment(folder)
    request = manifest.request
    if request.purpose != place.config.purpose:
        raise UsageError(
            f"`{corpus_id}` is for `{request.purpose}`, and the project decides for "
            f"`{place.config.purpose}`",
            hint="restore the `assent.toml` that it was built with",
        )
    plan, number = _plan_of(place, request.plan)
    load, notes = _load_behind(place, manifest)
    built_on = replace(place, load=load)
    size, now = place.book.size, place.clock()
    then = Asked(place.question(request.as_of, request.ledger_size, request.recipients))
    if request.derived_from:
        # A repair keeps who is only out with her group.
        then = asked(place, plan, request.as_of, request.ledger_size)
    today = asked(place, plan, now, size)
    named = (
        no_longer(built_on, corpus_id, then.every),
        no_longer(place, corpus_id, today.every),
    )
    faults = []
    policies = policies_in_force(place, request.as_of, request.ledger_size)
    if set(policies) != set(request.policies):
        faults.append("the policies that it names are not those that were in force")
    erased = (folder / ERASED).exists()
    if erased:
        notes.append("its texts were erased: no text was compared")
    listed = {each.path: each for each in read_files(folder)}
    return _Work(
        folder,
        manifest,
        commitment,
        {} if erased else {p: e for p, e in listed.items() if p.startswith("parts/")},
        Assignment(plan, plan_key(place, number)),
        # Who moved since the plan was sealed stays where she is.
        None if request.derived_from else coarse(place, then.every),
        built_on,
        then,
        today,
        named,
        notes,
        faults,
    )


def _plan_of(place: Place, digest: str) -> tuple[Plan, int]:
    plans = sealed_plans(place)
    if digest not in plans:
        raise CorpusError(
            f"the plan {digest[:16]} of the corpus was never sealed in this ledger",
            hint="what no sealed plan divides must not be trained on; build it again",
        )
    return plans[digest]


def _load_behind(place: Place, manifest: Manifest) -> tuple[Tables, list[str]]:
    """Find the load that was decided on, and what must be said of it.

    Raises:
        CorpusError: it is gone.
    """
    request = manifest.request
    found = find_load(place, request.documents, request.subjects)
    notes: list[str] = []
    if place.vault.has_key(ERASURE_KEY) and (request.derived_from or found is None):
        notes.append("decided on what an erasure has left of the loads")
    elif found is None:
        raise CorpusError(
            f"the load with documents {request.documents[:16]}, which "
            f"`{manifest.corpus_id}` was built of, is not here any more",
            hint="restore the folder `data` from a backup",
        )
    if found is None or request.derived_from:
        # A repair decides on the latest load of its time, not on that of the texts.
        found = place.tables_at(request.ledger_size)
        found.check_digests()
    return found, notes


def _written(place: Place, what: Asked, stem: Path) -> Written:
    """Decide every document of a place's load into files."""
    paths = [stem.with_name(f"{stem.name}-{name}") for name in ("every", "inside")]
    questions = [what.every, *([what.inside] if what.inside else [])]
    with closing(place.engine(what.every.ledger_size)) as engine:
        for path, question in zip(paths, questions, strict=False):
            engine.write_decisions(question, path)
    inside = paths[1] if what.inside else None
    return Written(paths[0], inside, tuple(sorted(what.suspended)))


def _bucket(row: Row) -> Bucket:
    return row["group"], row["shard"]


def _read(path: Path) -> Iterator[Row]:
    columns = ["document_id", "subject_id", "slice", "text"]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS, columns=columns):
            yield from batch.to_pylist()
