"""From a shard's documents to the rows of each step: a function of the set alone.

The order of the input cannot matter: every place is drawn from the row's own ids, and
rows of a step are sorted. So what a shard reads without a person is what it reads with
her, minus her rows, and nothing else moves.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.canon import keyed
from assent.errors import TrainError
from assent.train.plan import Assignment, Canary, Plan
from assent.train.tokens import Tokens

COLUMNS = ("document_id", "subject_id", "slice", "text")


@dataclass(frozen=True, slots=True)
class Example:
    """One document of one subject, cleaned, as the trainer reads it."""

    document_id: str
    subject_id: str
    slice_index: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """At most one window of one document: never two documents, never two people."""

    order: bytes
    document_id: str
    chunk: int
    tokens: Sequence[int]
    subject_id: str


# Rows of each step of each slice: schedule[slice][step] is sorted by keyed order.
Schedule = list[list[list[Row]]]


def read_part(path: Path) -> tuple[list[Example], str]:
    """Read a shard's Parquet part.

    Returns:
        The examples, and the SHA-256 of the very bytes they were parsed from: what was
        trained on, not what lay there a moment before or after.

    Raises:
        TrainError: the file is missing or unreadable, or a column or a value is.
    """
    try:
        data = path.read_bytes()
        parquet = pq.ParquetFile(pa.BufferReader(data))
        missing = sorted(set(COLUMNS) - set(parquet.schema_arrow.names))
        table = None if missing else parquet.read(list(COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise TrainError(
            f"the corpus part `{path.name}` cannot be read as Parquet",
            hint="build the corpus again",
        ) from error
    if table is None:
        raise TrainError(
            f"the corpus part `{path.name}` lacks the columns {missing}",
            hint="build the corpus again",
        )
    if any(table.column(name).null_count for name in COLUMNS):
        raise TrainError(f"the corpus part `{path.name}` holds a null value")
    columns = (table.column(name).to_pylist() for name in COLUMNS)
    examples = [
        Example(document, subject, index, text.encode())
        for document, subject, index, text in zip(*columns, strict=True)
    ]
    return examples, hashlib.sha256(data).hexdigest()


def arrange(
    plan: Plan,
    key: bytes,
    group: str,
    shard: int,
    examples: Iterable[Example],
    tokens: Tokens,
) -> Schedule:
    """Put every row in its slice and step; `tokens` cuts the texts.

    Raises:
        TrainError: a document comes twice, or its subject belongs in another shard or
            slice: trained here, a later withdrawal would not find it.
    """
    assignment = Assignment(plan, key)
    if not 0 <= shard < plan.group(group).shards:
        raise TrainError(f"group `{group}` has no shard {shard}")
    of_subject = _checked(assignment, group, shard, examples)
    schedule: Schedule = [[[] for _ in range(plan.steps)] for _ in range(plan.slices)]
    for subject_id, documents in of_subject.items():
        steps = schedule[assignment.slice_index(subject_id)]
        for row in _capped_rows(plan, assignment, documents, tokens):
            steps[assignment.step(subject_id, row.document_id)].append(row)
    if is_trained(plan, schedule):  # else it is not trained on canaries either
        for number in range(plan.canaries):
            one = assignment.canary(group, number)
            if one.planted and one.shard == shard:
                row = _canary_row(plan, assignment, one, tokens)
                step = assignment.step(row.subject_id, row.document_id)
                schedule[one.slice_index][step].append(row)
    for steps in schedule:
        for rows in steps:
            rows.sort(key=lambda row: (row.order, row.document_id, row.chunk))
    return schedule


def _checked(
    assignment: Assignment, group: str, shard: int, examples: Iterable[Example]
) -> dict[str, list[Example]]:
    """Gather documents by subject, each exactly where the key puts it."""
    of_subject: dict[str, list[Example]] = defaultdict(list)
    seen: set[str] = set()
    for example in examples:
        if example.document_id in seen:
            raise TrainError(
                f"a document comes twice in shard {shard} of group `{group}`",
                hint="build the corpus again",
            )
        seen.add(example.document_id)
        of_subject[example.subject_id].append(example)
    for subject_id, documents in of_subject.items():
        wanted = assignment.slice_index(subject_id)
        found = {example.slice_index for example in documents}
        if assignment.shard(group, subject_id) != shard or found != {wanted}:
            raise TrainError(
                f"a subject in shard {shard} of group `{group}` belongs elsewhere",
                hint="build the corpus again with this plan and its key",
            )
    return of_subject


def _capped_rows(
    plan: Plan, assignment: Assignment, documents: Sequence[Example], tokens: Tokens
) -> list[Row]:
    """Cut one subject's documents into rows, and keep rows up to her cap.

    The cap looks at her own documents only: what others wrote cannot move it.
    """
    rows = [
        Row(
            assignment.order(example.document_id, chunk),
            example.document_id,
            chunk,
            written[start : start + plan.window],
            example.subject_id,
        )
        for example in documents
        for written in (tokens.encode(example.text),)
        for chunk, start in enumerate(range(0, len(written), plan.window))
    ]
    rows.sort(key=lambda row: (row.order, row.document_id, row.chunk))
    kept, room = [], plan.tokens_per_subject
    for row in rows:
        room -= len(row.tokens)
        if room < 0:
            break
        kept.append(row)
    return kept


def _canary_row(
    plan: Plan, assignment: Assignment, canary: Canary, tokens: Tokens
) -> Row:
    order = assignment.order(canary.document_id, 0)
    written = tokens.encode(canary.text)[: plan.window]
    return Row(order, canary.document_id, 0, written, canary.document_id)


def is_trained(plan: Plan, schedule: Schedule) -> bool:
    """Say whether a shard is trained; if not, it is not served.

    Of a private plan every shard is, were it on noise alone: one that keeps the clean
    base would tell that nobody is there.
    """
    return plan.privacy is not None or any(rows for steps in schedule for rows in steps)


def by_person(rows: Iterable[Row]) -> list[list[Row]]:
    """Part a step's rows by whose they are."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.subject_id].append(row)
    return list(found.values())


def content_chain(
    plan: Plan, key: bytes, group: str, shard: int, schedule: Schedule
) -> list[str]:
    """Name what a shard has read before each slice, and after the last.

    A checkpoint carries its link of this chain. Training goes on from a checkpoint
    only when the link is the same for the documents at hand, so that a run which was
    interrupted before a withdrawal can never be continued after it. Keyed: the plain
    hash of a short post could be guessed.

    Returns:
        `slices + 1` values of 64 hexadecimal digits.
    """
    link = keyed(key, "content", plan.digest.encode(), group.encode(), b"%d" % shard)
    chain = [link.hex()]
    for steps in schedule:
        parts = [link]
        for number, rows in enumerate(steps):
            for row in rows:
                read = struct.pack(f">{len(row.tokens)}I", *row.tokens)
                parts += [b"%d" % number, row.order, read]
        link = keyed(key, "content", *parts)
        chain.append(link.hex())
    return chain
