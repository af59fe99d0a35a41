"""A made-up platform of any size, from one seed: documents, people, what they said.

10 documents : 1 person : 3 events. Documents stream in order of time, with authors
scattered over all of them, as they lie in a real table; a few people write much and
many write little. The memory this takes grows with people, about 100 bytes each.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from decide_events import event_table
from decide_labels import BEFORE, CATEGORIES, FIRST, NOW, country_names
from decide_text import SENTENCES, TextPool

from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY

SEED = 20251212
ROW_GROUP = 122_880
"""Rows of a row group, as DuckDB writes them."""
PER_PERSON = 10
UNKNOWN_AUTHOR = 0.015
STRANGER = 0.003
"""Authors whom the table of subjects does not know."""
SPREAD = 1.5
"""Sigma of how much people write (lognormal): the busiest 1 % write about a fifth."""
LENGTH_SPREAD = 0.8
"""Sigma of the lengths of one category (lognormal)."""
PRIME = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a platform lies, and how much of everything it has."""

    folder: Path
    documents: int
    subjects: int
    events: int
    known_before: int  # events known at BEFORE; the others are new

    def path(self, name: str) -> Path:
        """Give the file of a table, or of what is made of it."""
        return self.folder / f"{name}.parquet"


def generate(folder: Path, documents: int) -> Platform:
    """Write the three tables of a platform, and `platform.json` last."""
    subjects = max(documents // PER_PERSON, 10)
    folder.mkdir(parents=True, exist_ok=True)
    events, known_before = event_table(np.random.default_rng([SEED, 1]), subjects, ids)
    platform = Platform(folder, documents, subjects, len(events), known_before)
    options = {"compression": "zstd", "row_group_size": ROW_GROUP}
    pq.write_table(events, platform.path("events"), **options)
    pq.write_table(_subjects(subjects), platform.path("subjects"), **options)
    with pq.ParquetWriter(
        platform.path("documents"), DOCUMENTS, compression="zstd"
    ) as writer:
        for batch in _documents(documents, subjects):
            writer.write_batch(batch)
    facts = asdict(platform) | {"folder": None}
    (folder / "platform.json").write_text(json.dumps(facts))
    # Crash before this line: no `platform.json`, and the next run makes it all again.
    return platform


def load(folder: Path) -> Platform:
    """Find a platform that was generated earlier."""
    facts = json.loads((folder / "platform.json").read_text())
    return Platform(**facts | {"folder": folder})


def ids(numbers: np.ndarray) -> pa.Array:
    """Name people: `m` and ten digits, in no order; other numbers, other names."""
    digits = (numbers.astype(np.int64) + 1) * 1_103_515_245 % PRIME + 1_000_000_000
    return pc.binary_join_element_wise("m", pc.cast(pa.array(digits), pa.string()), "")


# -- documents -------------------------------------------------------------------------


def _documents(count: int, subjects: int) -> Iterator[pa.RecordBatch]:
    rng = np.random.default_rng([SEED, 2])
    pool = TextPool(rng, min(SENTENCES, count))
    authors = _slots(rng, subjects)
    for start in range(0, count, ROW_GROUP):
        numbers = np.arange(start, min(start + ROW_GROUP, count))
        rng = np.random.default_rng([SEED, 3, start])
        yield _batch(rng, numbers, count, pool, authors)


def _batch(
    rng: np.random.Generator,
    numbers: np.ndarray,
    count: int,
    pool: TextPool,
    authors: np.ndarray,
) -> pa.RecordBatch:
    size = len(numbers)
    shares = np.array([share for share, _ in CATEGORIES.values()])
    kinds = rng.choice(len(CATEGORIES), size=size, p=shares / shares.sum())
    means = np.array([mean for _, mean in CATEGORIES.values()])[kinds]
    drift = rng.normal(-(LENGTH_SPREAD**2) / 2, LENGTH_SPREAD, size)
    who = authors[rng.integers(len(authors), size=size)]
    stranger = rng.random(size) < STRANGER
    who[stranger] += PRIME // 2
    times = _milliseconds(numbers, count)
    return pa.RecordBatch.from_arrays(
        [
            _names(numbers, times),
            _without(ids(who), rng.random(size) < UNKNOWN_AUTHOR),
            pa.array(list(CATEGORIES)).take(pa.array(kinds)),
            pa.array(times * 1000),
            pool.texts(rng, means * np.exp(drift)),
            _answered(rng, numbers, count),
            _mentioned(rng, size, authors),
            pa.nulls(size, DOCUMENTS.field("near").type),  # no decision reads it
        ],
        schema=DOCUMENTS,
    )


def _milliseconds(numbers: np.ndarray, count: int) -> np.ndarray:
    """When a document was written: later ones lie closer together."""
    # Within its own step the golden ratio moves each, so that no two steps are alike.
    jitter = (numbers * 0.6180339887498949) % 1.0
    elapsed = np.sqrt((numbers + jitter) / count) * (NOW - FIRST)
    return ((FIRST + elapsed) // 1000).astype(np.int64)


def _names(numbers: np.ndarray, times: np.ndarray) -> pa.Array:
    """Name documents as platforms do: time, then bits that scatter; unique."""
    low = (numbers.astype(np.int64) * 2_654_435_761) & 0x3FFFFF
    return pc.cast(pa.array((times << 22) | low), pa.string())


def _slots(rng: np.random.Generator, subjects: int) -> np.ndarray:
    """List people as often as they write; a place in it is drawn for each document."""
    weights = rng.lognormal(-(SPREAD**2) / 2, SPREAD, subjects)
    times = rng.poisson(np.minimum(weights, 200) * 4)
    return np.repeat(np.arange(subjects), times)


def _answered(rng: np.random.Generator, numbers: np.ndarray, count: int) -> pa.Array:
    """A quarter answers a document that was written not long before."""
    earlier = numbers - rng.geometric(1 / 5000, len(numbers))
    none = (rng.random(len(numbers)) > 0.25) | (earlier < 0)
    known = np.maximum(earlier, 0)
    return _without(_names(known, _milliseconds(known, count)), none)


def _mentioned(rng: np.random.Generator, size: int, authors: np.ndarray) -> pa.Array:
    """One in ten mentions somebody, or two."""
    counts = rng.choice(3, size=size, p=[0.9, 0.07, 0.03])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    people = ids(authors[rng.integers(len(authors), size=offsets[-1])])
    return pa.ListArray.from_arrays(pa.array(offsets), people)


def _without(values: pa.Array, none: np.ndarray) -> pa.Array:
    return pc.if_else(pa.array(none), pa.scalar(None, pa.string()), values)


# -- people ----------------------------------------------------------------------------


def _subjects(count: int) -> pa.Table:
    rng = np.random.default_rng([SEED, 4])
    numbers = np.arange(count)
    years = pc.cast(pa.array(rng.integers(1950, 2006, count)), pa.int32())
    young = rng.random(count) < 0.04
    years = pc.if_else(pa.array(young), pa.scalar(2010, pa.int32()), years)
    unsaid = rng.random(count) < 0.06
    bands = pa.array(["adult", "minor", None]).take(
        pa.array(np.where(unsaid, rng.choice(3, count, p=[0.5, 0.05, 0.45]), 2))
    )
    tiers = pa.array(["basic", "premium", None])
    columns = {
        "subject_id": ids(numbers),
        "country": country_names(rng, count),
        "birth_year": pc.if_else(pa.array(unsaid), None, years),
        "age_band": bands,
        "tier": tiers.take(pa.array(rng.choice(3, count, p=[0.8, 0.17, 0.03]))),
        "residences": _residences(rng, count),
    }
    # The directory stays empty: no decision reads it.
    empty = [
        pa.nulls(count, field.type) for field in SUBJECTS if field.name not in columns
    ]
    return pa.Table.from_arrays([*columns.values(), *empty], schema=SUBJECTS)


def _residences(rng: np.random.Generator, count: int) -> pa.Array:
    """One in ten has a history: one or two stays with their beginning."""
    stays = rng.choice(3, size=count, p=[0.9, 0.06, 0.04])
    offsets = np.concatenate([[0], np.cumsum(stays)]).astype(np.int32)
    total = int(offsets[-1])
    since = rng.integers(FIRST, BEFORE - 30 * DAY, total)
    return pa.ListArray.from_arrays(
        pa.array(offsets),
        pa.StructArray.from_arrays(
            [country_names(rng, total), pa.array(since)], ["country", "valid_from"]
        ),
    )
