"""What another policy would change: who and what becomes used, or unused.

Two decisions on the same documents, at the same instant, are laid beside each other.
Everything is counted by column, so that it takes seconds for millions of documents.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assent.decide import covers
from assent.engine.question import Question
from assent.policy.regions import UNKNOWN
from assent.terms import PROVED, Reason, Residence, iso

USED = tuple(str(each) for each in (*sorted(PROVED), Reason.UNSAFE_DEFAULT_ON))
ADULT = 18  # years
DIMENSIONS = ("region", "category", "reason")
ARROW = " -> "


@dataclass(frozen=True, slots=True)
class Count:
    """Documents, and the people who wrote them."""

    documents: int
    people: int


@dataclass(frozen=True, slots=True)
class Turn:
    """The documents that turn from unused to used, or the other way.

    Args:
        count: of all of them; a person counts once for one document or many.
        people_entirely: of whom nothing was in use before (or is after).
        never_notified: people who were never served any notice.
        minors: people not surely of age by what is known of their birth.
        age_unknown: people of whose age nothing is known.
        by_region: where they live; the parts of the count.
        by_category: of the documents.
        by_reason: the reason before and the reason after.
    """

    count: Count
    people_entirely: int
    never_notified: int
    minors: int
    age_unknown: int
    by_region: dict[str, Count]
    by_category: dict[str, Count]
    by_reason: dict[str, Count]


@dataclass(frozen=True, slots=True)
class Impact:
    """What it means to put one policy in force in place of another.

    Args:
        as_of: microseconds UTC of both decisions.
        before: versions in force before, one a controller.
        after: versions in force after.
        loaded: the whole platform.
        used_before: in use before.
        used_after: in use after.
        becomes_used: what was not in use and would be.
        becomes_unused: what was in use and would not be.
        without_notice: people who would be in use under the new policy and were not
            served a notice that it accepts.
        minors: people in use after who are not surely of age.
        age_unknown: people in use after of whose age nothing is known.
    """

    as_of: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    loaded: Count
    used_before: Count
    used_after: Count
    becomes_used: Turn
    becomes_unused: Turn
    without_notice: int
    minors: int
    age_unknown: int

    def to_json(self) -> dict[str, Any]:
        """Write the impact as JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it in sentences."""
        return [
            f"as of {iso(self.as_of)}: {_named(self.after)} in place of "
            f"{_named(self.before)}",
            f"in use before: {_said(self.used_before)}; after: "
            f"{_said(self.used_after)}; loaded: {_said(self.loaded)}",
            _turned("becomes used", self.becomes_used),
            _turned("becomes unused", self.becomes_unused),
            f"in use after: {self.minors:,} people not surely of age, "
            f"{self.age_unknown:,} of unknown age",
            f"in use without a notice that the new policy accepts: "
            f"{self.without_notice:,} people",
        ]

    def rows(self) -> list[list[str | int]]:
        """List what becomes used or unused: which, by what, part, documents, people."""
        return [
            [turn, dimension, part, count.documents, count.people]
            for turn, found in (
                ("used", self.becomes_used),
                ("unused", self.becomes_unused),
            )
            for dimension in DIMENSIONS
            for part, count in getattr(found, f"by_{dimension}").items()
        ]


def census(
    subjects: pa.Table,
    living: Sequence[str | None],
    region_of: Mapping[str, str],
    year: int,
) -> pa.Table:
    """Describe the people as the counts need them.

    Args:
        subjects: subject_id, birth_year, age_band.
        living: the country of each at the instant of the decisions.
        region_of: country code -> the region to count under.
        year: of the decisions; an age is at least `year - birth_year - 1`.

    Returns:
        subject_id, country, region (`unknown` where none is), age (`adult`, `minor`,
        `unknown`); one row a subject, in the same order.
    """
    rows = subjects.select(["birth_year", "age_band"]).to_pylist()
    regions = [region_of.get(each or "", UNKNOWN) for each in living]
    ages = [_age(row["birth_year"], row["age_band"], year) for row in rows]
    return pa.table(
        {
            "subject_id": subjects["subject_id"],
            "country": pa.array(living, pa.string()),
            "region": pa.array(regions, pa.string()),
            "age": pa.array(ages, pa.string()),
        }
    )


def served(events: pa.Table, question: Question) -> pa.Table:
    """Select the notices that had been served, as the question knows and counts them.

    Returns:
        subject_id, recipient, category, notice of every `notice_served` that covers
        the purpose.
    """
    counts_from = pc.max_element_wise(
        events["happened_at"],
        events["recorded_at"],
        skip_nulls=False,  # without a time it never counts, as in the decision
    )
    scopes = pc.unique(events["purpose"]).to_pylist()
    purposes = [each for each in scopes if each and covers(each, question.purpose)]
    kept = pc.and_(
        pc.and_(
            pc.equal(events["kind"], "notice_served"),
            pc.is_in(events["purpose"], value_set=pa.array(purposes, pa.string())),
        ),
        pc.and_(
            pc.less(events["entry"], question.ledger_size),
            pc.less_equal(counts_from, question.as_of),
        ),
    )
    columns = ["subject_id", "recipient", "category", "notice"]
    return events.filter(kept).select(columns)


def without_notice(
    decisions: pa.Table, people: pa.Table, notices: pa.Table, question: Question
) -> frozenset[str]:
    """Find who would be in use under a policy without a notice that it accepts.

    Somebody is, when a document of hers is in use for a recipient, category and place
    that the policy's rules speak of, and no notice that one of these rules accepts was
    served to her for this use. An answer that she gave is no notice: what she was shown
    must have been served, and recorded.

    Args:
        decisions: under all policies that would be in force.
        people: as `census` describes them.
        notices: as `served` selects them.
        question: asks the new policy alone, at the same instant.
    """
    used = decisions.filter(_in_use(decisions))
    pairs = used.group_by(["subject_id", "category"]).aggregate([])
    place = pc.index_in(pairs["subject_id"], value_set=people["subject_id"])
    country = people["country"].take(place).to_pylist()
    where = dict(question.jurisdictions)
    living = pa.array([where.get(each, UNKNOWN) for each in country], pa.string())
    missing: set[str] = set()
    for (category, recipient, jurisdiction), accepted in _accepted(question).items():
        here = pc.and_(
            pc.equal(pairs["category"], category), pc.equal(living, jurisdiction)
        )
        users = pairs["subject_id"].filter(here)
        told = notices["subject_id"].filter(
            pc.and_(
                pc.is_in(notices["notice"], value_set=pa.array(sorted(accepted))),
                pc.and_(
                    _holds(notices["category"], category),
                    _holds(notices["recipient"], recipient),
                ),
            )
        )
        untold = users.filter(pc.invert(pc.is_in(users, value_set=told)))
        missing.update(untold.to_pylist())
    return frozenset(missing)


def compare(
    as_of: int,
    versions: tuple[Sequence[str], Sequence[str]],
    decisions: tuple[pa.Table, pa.Table],
    people: pa.Table,
    told: pa.Table,
    untold_in_use: int,
) -> Impact:
    """Count what turns between two decisions of the same documents.

    Args:
        as_of: microseconds UTC of both.
        versions: names of the policies in force, before and after.
        decisions: before and after, as the engine answers: by document_id.
        people: as `census` describes them.
        told: as `served` selects the notices.
        untold_in_use: how many `without_notice` found.
    """
    before, after = decisions
    assert before["document_id"].equals(after["document_id"]), "other documents"
    rows = _beside(before, after, people)
    was, now = rows.filter(rows["was"]), rows.filter(rows["now"])
    notified = told["subject_id"]
    found = _ages(people, now)
    return Impact(
        as_of=as_of,
        before=tuple(versions[0]),
        after=tuple(versions[1]),
        loaded=Count(after.num_rows, people.num_rows),
        used_before=_count(was),
        used_after=_count(now),
        becomes_used=_turn(now.filter(pc.invert(now["was"])), was, people, notified),
        becomes_unused=_turn(was.filter(pc.invert(was["now"])), now, people, notified),
        without_notice=untold_in_use,
        minors=found.get("minor", 0),
        age_unknown=found.get("unknown", 0),
    )


# -- columns ---------------------------------------------------------------------------


def _beside(before: pa.Table, after: pa.Table, people: pa.Table) -> pa.Table:
    """Lay two decisions beside each other: one row a document."""
    place = pc.index_in(after["subject_id"], value_set=people["subject_id"])
    return pa.table(
        {
            "subject_id": after["subject_id"],
            "region": pc.fill_null(people["region"].take(place), UNKNOWN),
            "category": after["category"],
            "reason": pc.binary_join_element_wise(
                before["reason"], after["reason"], ARROW
            ),
            "was": _in_use(before),
            "now": _in_use(after),
        }
    )


def _in_use(decisions: pa.Table) -> pa.ChunkedArray:
    return pc.is_in(decisions["reason"], value_set=pa.array(USED))


def _count(rows: pa.Table) -> Count:
    return Count(rows.num_rows, len(pc.drop_null(pc.unique(rows["subject_id"]))))


def _turn(
    turned: pa.Table, other: pa.Table, people: pa.Table, notified: pa.ChunkedArray
) -> Turn:
    """Count what turned; `other` is what is in use on the side that it left."""
    who = pc.drop_null(pc.unique(turned["subject_id"]))
    ages = _ages(people, turned)
    parts = {each: _parts(turned, each) for each in DIMENSIONS}
    return Turn(
        count=_count(turned),
        people_entirely=_outside(who, other["subject_id"]),
        never_notified=_outside(who, notified),
        minors=ages.get("minor", 0),
        age_unknown=ages.get("unknown", 0),
        by_region=parts["region"],
        by_category=parts["category"],
        by_reason=parts["reason"],
    )


def _outside(who: pa.Array, others: pa.ChunkedArray) -> int:
    """Count those who are not among the others."""
    return len(who) - (pc.sum(pc.is_in(who, value_set=others)).as_py() or 0)


def _parts(rows: pa.Table, key: str) -> dict[str, Count]:
    """Count by one column, the largest part first."""
    found = rows.group_by(key).aggregate(
        [
            ("subject_id", "count", pc.CountOptions(mode="all")),
            ("subject_id", "count_distinct"),
        ]
    )
    counts = {
        row[key]: Count(row["subject_id_count"], row["subject_id_count_distinct"])
        for row in found.to_pylist()
    }
    ordered = sorted(counts, key=lambda part: (-counts[part].documents, part))
    return {part: counts[part] for part in ordered}


def _ages(people: pa.Table, rows: pa.Table) -> dict[str, int]:
    """Count the people of some rows by age; who is not loaded is of unknown age."""
    who = pc.drop_null(pc.unique(rows["subject_id"]))
    place = pc.index_in(who, value_set=people["subject_id"])
    ages = pc.fill_null(people["age"].take(place), "unknown")
    return {row["values"]: row["counts"] for row in pc.value_counts(ages).to_pylist()}


def _age(birth_year: int | None, band: str | None, year: int) -> str:
    """Say how old somebody surely is, by the rules of the decision."""
    if band == "minor":
        return "minor"
    if band not in (None, "adult") or (birth_year or year) < year - 120:
        return "unknown"
    if birth_year is None:
        return "adult" if band == "adult" else "unknown"
    return "adult" if year - birth_year - 1 >= ADULT else "minor"


def _accepted(question: Question) -> Mapping[tuple[str, str, str], set[str]]:
    """List the notices that count for each category, recipient and place."""
    found: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    everywhere = {*dict(question.jurisdictions).values(), UNKNOWN}
    for rule in question.rules:
        for category, recipient in rule.uses:
            # Where somebody lived when she wrote says nothing of where she lives.
            then = rule.residence is Residence.AT_CREATION
            for place in everywhere if then else rule.jurisdictions:
                found[category, recipient, place].update(rule.notices)
    return found


def _holds(scopes: pa.ChunkedArray, label: str) -> pa.ChunkedArray:
    return pc.is_in(scopes, value_set=pa.array(["*", label]))


# -- sentences -------------------------------------------------------------------------


def _named(versions: Sequence[str]) -> str:
    return " and ".join(f"`{each}`" for each in versions) or "no policy"


def _said(count: Count) -> str:
    return f"{count.documents:,} documents of {count.people:,} people"


def _turned(what: str, turn: Turn) -> str:
    return (
        f"{what}: {_said(turn.count)} ({turn.people_entirely:,} entirely); "
        f"never notified {turn.never_notified:,}, not surely of age {turn.minors:,}, "
        f"of unknown age {turn.age_unknown:,}"
    )
