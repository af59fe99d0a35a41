"""A plan of toy size, and documents for it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.train.component import Shape
from assent.train.host import seal
from assent.train.plan import (
    Assignment,
    Group,
    Plan,
    commitment,
    learning_rate_table,
)
from assent.train.rows import Example

KEY = b"k" * 32
WORDS = b"the quick fox and the lazy dog went to sea in a beautiful green boat "
PLAN = Plan(
    model="toy",
    purpose="train.generative.content",
    recipients=("club",),
    groups=(Group("eu", ("EU",), 2), Group("us", ("US",), 1)),
    slices=3,
    steps=2,
    epochs=2,
    rows=4,
    window=32,
    learning_rates=learning_rate_table(12, 3e-3),
    weight_decay=0.1,
    betas=(0.9, 0.99),
    clip_norm=1.0,
    seed=7,
    tokens_per_subject=256,
    key_commitment=commitment(KEY),
    shape=Shape(width=32, layers=1, heads=2),
)


def sealed(**changes: object) -> Plan:
    return seal(replace(PLAN, **changes))


def people(
    plan: Plan, group: str, shard: int, slice_index: int, count: int = 2
) -> list[str]:
    """Find ids that the key puts into one slice of one shard."""
    assignment = Assignment(plan, KEY)
    found = []
    for number in range(10_000):
        subject = f"{group}-subject-{number}"
        place = assignment.shard(group, subject), assignment.slice_index(subject)
        if place == (shard, slice_index):
            found.append(subject)
        if len(found) == count:
            return found
    raise AssertionError("no ids for this place")


def documents(plan: Plan, subjects: Iterable[str], each: int = 2) -> list[Example]:
    """Write some documents for each subject, longer than a window and shorter."""
    assignment = Assignment(plan, KEY)
    return [
        Example(
            f"{subject}/{number}",
            subject,
            assignment.slice_index(subject),
            (subject.encode() + b" says: " + WORDS)[: 20 + 30 * number],
        )
        for subject in subjects
        for number in range(each)
    ]


def shard_documents(plan: Plan, group: str = "eu", shard: int = 0) -> list[Example]:
    """Fill every slice of a shard with two people."""
    subjects = [s for k in range(plan.slices) for s in people(plan, group, shard, k)]
    return documents(plan, subjects)


def without(examples: Iterable[Example], *subjects: str) -> list[Example]:
    return [one for one in examples if one.subject_id not in subjects]


def write_part(path: Path, examples: Iterable[Example]) -> Path:
    rows = [
        {
            "document_id": one.document_id,
            "subject_id": one.subject_id,
            "slice": one.slice_index,
            "text": one.text.decode(),
        }
        for one in examples
    ]
    columns = [("document_id", pa.string()), ("subject_id", pa.string())]
    schema = pa.schema([*columns, ("slice", pa.int32()), ("text", pa.string())])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path
