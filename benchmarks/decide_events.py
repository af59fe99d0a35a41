"""What the people of the made-up platform said and were shown: about 3 events each."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from decide_labels import (
    BEFORE,
    CASE,
    CATEGORIES,
    NOW,
    OTHER_PURPOSE,
    PURPOSE,
    country_names,
)

from assent.canon import sha256
from assent.ledger.book import EVENTS
from assent.terms import DAY, parse_time

NEW = 1_000
"""One event in so many is new: recorded between BEFORE and NOW."""
LATE = 0.03
"""Share that is recorded 5 to 60 days after it happened."""
START = parse_time("2024-08-01T00:00:00Z")
FIRST_NOTICE = parse_time("2024-09-18T00:00:00Z")
SECOND_NOTICE = parse_time("2025-09-18T00:00:00Z")
SHOWN = 14 * DAY
"""How long it takes to show a notice to almost everybody."""

# Kind -> how many a person, on average.
WORDS = {
    "given": 0.09,
    "refused": 0.04,
    "withdrawn": 0.04,
    "expired": 0.005,
    "objected": 0.09,
    "objection_lifted": 0.02,
    "restricted": 0.01,
    "restriction_lifted": 0.004,
    "residence_changed": 0.02,
    "erased": 0.002,
}
KINDS = ["enrolled", "notice_served", *WORDS]
SCOPES = {
    "purpose": ["*", PURPOSE, "train", OTHER_PURPOSE],
    "recipient": ["*", "linkedin-corporation", "linkedin-ireland", "microsoft"],
    "category": ["*", *CATEGORIES],
}
NARROW = {"purpose": 0.3, "recipient": 0.1, "category": 0.15}
NOTICES = [
    sha256((CASE.parent / "notices" / name).read_bytes())
    for name in ("2024-09-18.en.md", "2025-09-18.en.md")
]
Rows = dict[str, np.ndarray]


def event_table(
    rng: np.random.Generator, subjects: int, name: Callable[[np.ndarray], pa.Array]
) -> tuple[pa.Table, int]:
    """Make the events of a platform, in the order in which they were recorded.

    Args:
        rng: decides everything.
        subjects: how many people.
        name: gives people their ids by number.

    Returns:
        A table with the columns of EVENTS, and how many were known at BEFORE.
    """
    rows = _join(
        [_enrolled(rng, subjects), *_shown(rng, subjects), _said(rng, subjects)]
    )
    fresh = _said(rng, max(len(rows["who"]) // NEW // 3 * 10, 10))
    fresh = {
        key: values[: max(len(rows["who"]) // NEW, 1)] for key, values in fresh.items()
    }
    fresh["who"] = rng.integers(subjects, size=len(fresh["who"]))
    fresh["recorded"] = rng.integers(BEFORE + 1, NOW, len(fresh["who"]))
    fresh["happened"] = fresh["recorded"] - rng.integers(0, DAY, len(fresh["who"]))
    rows["recorded"] = np.minimum(rows["recorded"], BEFORE)
    order = np.argsort(rows["recorded"], kind="stable")
    ordered = {key: values[order] for key, values in rows.items()}
    return _table(rng, _join([ordered, fresh]), name), len(order)


def _enrolled(rng: np.random.Generator, subjects: int) -> Rows:
    who = np.flatnonzero(rng.random(subjects) < 0.985)
    return _rows(rng, who, "enrolled", START + rng.integers(0, 30 * DAY, len(who)))


def _shown(rng: np.random.Generator, subjects: int) -> list[Rows]:
    """Two campaigns; a few people see a notice only long after its beginning."""
    found = []
    for n, (start, share) in enumerate(((FIRST_NOTICE, 0.78), (SECOND_NOTICE, 0.82))):
        who = np.flatnonzero(rng.random(subjects) < share)
        at = start + (SHOWN * rng.random(len(who)) ** 2).astype(np.int64)
        later = rng.random(len(who)) < 0.08
        at[later] = rng.integers(start, BEFORE, int(later.sum()))
        found.append(
            _rows(rng, who, "notice_served", at) | {"notice": np.full(len(who), n)}
        )
    return found


def _said(rng: np.random.Generator, subjects: int) -> Rows:
    count = int(subjects * sum(WORDS.values()))
    shares = np.array(list(WORDS.values()))
    kinds = rng.choice(len(WORDS), size=count, p=shares / shares.sum())
    who = rng.integers(subjects, size=count)
    at = rng.integers(FIRST_NOTICE + SHOWN, BEFORE, count)
    rows = _rows(rng, who, "given", at) | {"kind": kinds + KINDS.index("given")}
    for scope, share in NARROW.items():
        narrow = (rng.random(count) < share) & (
            rows["kind"] != KINDS.index("residence_changed")
        )
        drawn = rng.integers(1, len(SCOPES[scope]), count)
        rows[scope] = np.where(narrow, drawn, 0)
    given = rows["kind"] == KINDS.index("given")
    rows["notice"] = np.where(given, rng.integers(0, 2, count), -1)
    ends = given & (rng.random(count) < 0.2)
    rows["until"] = np.where(ends, at + rng.integers(30, 400, count) * DAY, -1)
    return rows


def _rows(rng: np.random.Generator, who: np.ndarray, kind: str, at: np.ndarray) -> Rows:
    """Events of one kind about everything, recorded within minutes, or late."""
    count = len(who)
    delay = rng.integers(0, 600_000_000, count)
    late = rng.random(count) < LATE
    delay[late] = rng.integers(5, 60, int(late.sum())) * DAY
    nothing = np.zeros(count, np.int64)
    return {
        "who": who,
        "kind": np.full(count, KINDS.index(kind)),
        "happened": at,
        "recorded": at + delay,
        "notice": nothing - 1,
        "until": nothing - 1,
        **dict.fromkeys(SCOPES, nothing),
    }


def _join(parts: list[Rows]) -> Rows:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _table(
    rng: np.random.Generator, rows: Rows, name: Callable[[np.ndarray], pa.Array]
) -> pa.Table:
    count = len(rows["who"])
    moved = pa.array(rows["kind"] == KINDS.index("residence_changed"))
    columns = {
        "entry": pa.array(np.arange(count)),
        "kind": _labels(KINDS, rows["kind"]),
        "subject_id": name(rows["who"]),
        **{scope: _labels(SCOPES[scope], rows[scope]) for scope in SCOPES},
        "notice": _labels(NOTICES, rows["notice"]),
        "valid_until": pa.array(rows["until"], mask=rows["until"] < 0),
        "happened_at": pa.array(rows["happened"]),
        "recorded_at": pa.array(rows["recorded"]),
        "country": pc.if_else(moved, country_names(rng, count), None),
    }
    return pa.table(columns, schema=EVENTS)


def _labels(names: list[str], numbers: np.ndarray) -> pa.Array:
    """Write numbers as names; a negative one is none."""
    return pa.array(names).take(pa.array(numbers, mask=numbers < 0))
