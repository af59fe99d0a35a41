"""Where each person lives at an instant, as the decision query sees it.

For counting by region, beside a decision; a decision itself asks nobody but the query.
"""

from collections import defaultdict
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc


class Statement(NamedTuple):
    """That somebody lives somewhere, from when on, and from when that is known."""

    start: int | None
    country: str | None
    known_from: int | None


def living(
    subjects: pa.Table, events: pa.Table, as_of: int, ledger_size: int
) -> list[str | None]:
    """Give each subject's country at an instant; None where it is not known.

    The dated statements about a person are her residences and her moves. With none,
    her undated country counts. Else the latest that has begun says where she lives,
    unless it was recorded later, or says two places at once.

    Args:
        subjects: subject_id, country, residences.
        events: as the ledger reads them.
        as_of: microseconds UTC.
        ledger_size: entries from this number on are not known.
    """
    said = _statements(subjects, events, ledger_size)
    ids, undated = subjects["subject_id"].to_pylist(), subjects["country"].to_pylist()
    return [
        _latest(said[who], as_of) if who in said else country
        for who, country in zip(ids, undated, strict=True)
    ]


def _statements(
    subjects: pa.Table, events: pa.Table, ledger_size: int
) -> dict[str, list[Statement]]:
    """Gather what is said of each person of whom anything is dated."""
    said: dict[str, list[Statement]] = defaultdict(list)
    dated = pc.greater(pc.list_value_length(subjects["residences"]), 0)
    rows = subjects.filter(dated).select(["subject_id", "residences"]).to_pylist()
    for row in rows:
        for stay in row["residences"]:
            start = stay["valid_from"]
            said[row["subject_id"]].append(Statement(start, stay["country"], start))
    moved = pc.and_(
        pc.equal(events["kind"], "residence_changed"),
        pc.less(events["entry"], ledger_size),
    )
    for row in events.filter(moved).to_pylist():
        times = row["happened_at"], row["recorded_at"]
        known = None if None in times else max(times)
        said[row["subject_id"]].append(Statement(times[0], row["country"], known))
    return said


def _latest(said: list[Statement], as_of: int) -> str | None:
    times = [e.start for e in said if e.start is not None and e.start <= as_of]
    if not times:
        return None
    latest = [each for each in said if each.start == max(times)]
    countries = {each.country for each in latest}
    known = all(
        each.known_from is not None and each.known_from <= as_of for each in latest
    )
    return countries.pop() if known and len(countries) == 1 else None
