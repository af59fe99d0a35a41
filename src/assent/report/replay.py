"""Replay a case: who and what was in use on each date, one way and the other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from assent.terms import PROVED, Reason, instant, iso

IN_USE = PROVED | {Reason.UNSAFE_DEFAULT_ON}
ORDER = {reason: n for n, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class Person:
    """What the replay needs of a subject: where she lives, what is known of her age."""

    region: str
    birth_year: int | None
    age_band: str | None


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection, or its lifting, with its scope."""

    time: int
    objects: bool
    recipient: str
    category: str

    def touches(self, category: str, recipient: str) -> bool:
        """Whether the scope holds a use."""
        return self.category in ("*", category) and self.recipient in ("*", recipient)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a subject had been told and had objected to."""

    told_at: int | None = None
    objections: tuple[Objection, ...] = ()

    def objects(self, as_of: int, category: str, recipients: Sequence[str]) -> bool:
        """Whether her latest word about a use by any recipient is an objection."""
        for recipient in recipients:
            said = [
                (each.time, each.objects)
                for each in self.objections
                if each.time <= as_of and each.touches(category, recipient)
            ]
            if said and max(said)[1]:
                return True
        return False

    def told(self, as_of: int) -> bool:
        """Whether any notice had been served to her."""
        return self.told_at is not None and self.told_at <= as_of


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One date, one way: people and documents, in use by region, else by reason.

    A person is in use when a document of hers is. One who is not is counted under the
    reason that denies most of her documents.
    """

    at: str
    what: str
    way: str
    people: int
    documents: int
    people_in_use: int
    documents_in_use: int
    people_by_region: dict[str, int] = field(default_factory=dict)
    documents_by_region: dict[str, int] = field(default_factory=dict)
    people_by_reason: dict[str, int] = field(default_factory=dict)
    documents_by_reason: dict[str, int] = field(default_factory=dict)
    used_before_told: int = 0
    used_after_objecting: int = 0
    used_under_age: int = 0
    used_age_unknown: int = 0

    def to_json(self) -> dict[str, Any]:
        """Write the snapshot as JSON."""
        return asdict(self)


def heard(events: pa.Table) -> dict[str, Heard]:
    """Gather what each subject was told and objected to, from her ledger events."""
    told: dict[str, int] = {}
    said: dict[str, list[Objection]] = defaultdict(list)
    for row in events.to_pylist():
        who, kind, when = row["subject_id"], row["kind"], row["happened_at"]
        if kind == "notice_served":
            told[who] = min(when, told.get(who, when))
        elif kind in ("objected", "objection_lifted"):
            scope = row["recipient"], row["category"]
            said[who].append(Objection(when, kind == "objected", *scope))
    return {
        who: Heard(told.get(who), tuple(said.get(who, ())))
        for who in told.keys() | said.keys()
    }


def snapshot(
    at: int,
    what: str,
    way: str,
    decisions: pa.Table,
    persons: Mapping[str, Person],
    known: Mapping[str, Heard],
    recipients: Sequence[str],
    minimum_age: int = 18,
) -> Snapshot:
    """Count one date of one way.

    Args:
        at: microseconds UTC of the decisions.
        what: what happened on this date.
        way: `operator` or `assent`.
        decisions: as the engine answers, one row a document.
        persons: every subject of the platform.
        known: what each was told and said.
        recipients: of the use.
        minimum_age: years.
    """
    used: dict[str, int] = Counter()
    objecting: set[str] = set()
    denied: dict[str, Counter[Reason]] = defaultdict(Counter)
    by_reason: Counter[Reason] = Counter()
    by_region: Counter[str] = Counter()
    for who, category, reason in _rows(decisions):
        if reason in IN_USE:
            used[who] += 1
            by_region[persons[who].region] += 1
            if known.get(who, Heard()).objects(at, category, recipients):
                objecting.add(who)
        else:
            by_reason[reason] += 1
            if who in persons:
                denied[who][reason] += 1
    ages = [_age(persons[who], instant(at).year, minimum_age) for who in used]
    silent = [who for who in used if not known.get(who, Heard()).told(at)]
    return Snapshot(
        at=iso(at),
        what=what,
        way=way,
        people=len(persons),
        documents=sum(used.values()) + by_reason.total(),
        people_in_use=len(used),
        documents_in_use=sum(used.values()),
        people_by_region=_sorted(Counter(persons[who].region for who in used)),
        documents_by_region=_sorted(by_region),
        people_by_reason=_sorted(
            Counter(_main(found) for who, found in denied.items() if who not in used)
        ),
        documents_by_reason=_sorted(by_reason),
        used_before_told=len(silent),
        used_after_objecting=len(objecting),
        used_under_age=ages.count("under_age"),
        used_age_unknown=ages.count("age_unknown"),
    )


def _rows(decisions: pa.Table) -> Iterator[tuple[str, str, Reason]]:
    """Read subject, category, reason; not of what nobody had written on the date."""
    names = ["subject_id", "category", "reason"]
    for row in zip(*(decisions[name].to_pylist() for name in names), strict=True):
        if row[2] != Reason.CREATED_LATER:
            yield row[0], row[1], Reason(row[2])


def _age(person: Person, year: int, minimum: int) -> str:
    if person.age_band == "minor":
        return "under_age"
    if person.birth_year is None:
        return "adult" if person.age_band == "adult" else "age_unknown"
    return "adult" if year - person.birth_year - 1 >= minimum else "under_age"


def _main(found: Counter[Reason]) -> Reason:
    return max(found, key=lambda reason: (found[reason], -ORDER[reason]))


def _sorted(counts: Mapping[Any, int] | Iterable[Any]) -> dict[str, int]:
    found = Counter(counts)
    return {str(key): found[key] for key in sorted(found, key=str)}
