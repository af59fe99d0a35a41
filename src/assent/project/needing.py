"""Who must be told something that a policy wants, and in which words."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.canon import sha256
from assent.errors import UsageError
from assent.notify.letters import ADDRESS, Notice
from assent.notify.needs import Person, accepts, untold
from assent.policy.load import load_policy, notice_names, notice_texts
from assent.policy.model import Policy, in_force
from assent.policy.regions import countries_of
from assent.project.place import Place
from assent.terms import EventKind

LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
LANGUAGE_OF = re.compile(rf"(.+?)(?:\.({LANGUAGE.pattern})(?=\.))?(\.[^.]+)?")
OF_NEEDS = (
    *(EventKind.ENROLLED, EventKind.ERASED),
    *(EventKind.RESIDENCE_CHANGED, EventKind.NOTICE_SERVED),
)
"""The events that say who must be told."""


@dataclass(frozen=True, slots=True)
class Need:
    """A notice, and who needs it."""

    notice: Notice
    people: tuple[Person, ...]

    def lines(self) -> list[str]:
        """Say in lines what is about to be told, and whether it will count."""
        notice, policy = self.notice, self.notice.policy
        lines = [
            f"`{policy.version}` of {policy.controller}: {len(self.people):,} people "
            f"need a notice; `{notice.name}` ({notice.language}), "
            f"sha256 {notice.sha256[:16]}..."
        ]
        if not accepts(policy, notice.sha256):
            lines.append(
                f"`{notice.name}` is not a notice that every rule of "
                f"`{policy.version}` accepts: it is recorded as what was shown, and "
                "permits nothing until a policy names it under `accepts`"
            )
        return lines


# -- who needs what --------------------------------------------------------------------


def needs(
    place: Place,
    policy: Path | None = None,
    language: str | None = None,
    regions: Sequence[str] = (),
) -> list[Need]:
    """Find who needs a notice, and in which words she is told.

    Args:
        place: the project.
        policy: a policy file; what is in force by default.
        language: of the notice, such as `de`: then `NAME.de.md` is shown in place of
            the policy's own `NAME.en.md`.
        regions: only who lives there; everywhere by default.

    Raises:
        UsageError: nothing is loaded, no policy is in force, or there is no notice in
            this language.
        PolicyError: the file is no policy, or a region is unknown.
    """
    found = _notices(place, policy, language)
    inside = countries_of(regions)
    people = [
        person for person in _people(place) if not regions or person.country in inside
    ]
    return [
        Need(notice, tuple(untold(notice.policy, people, notice.sha256)))
        for notice in found
    ]


def by_place(found: Iterable[Need]) -> list[list[str | int]]:
    """Count who needs a notice by place: policy, country, people, with an address."""
    people: Counter[tuple[str, str]] = Counter()
    mailed: Counter[tuple[str, str]] = Counter()
    for need in found:
        for person in need.people:
            key = (need.notice.policy.version, person.country or "unknown")
            people[key] += 1
            mailed[key] += person.address is not None
    return [[*key, people[key], mailed[key]] for key in sorted(people)]


def _people(place: Place) -> Iterator[Person]:
    """Read everybody who is loaded, enrolled and not erased."""
    enrolled, erased = set(), set()
    told: dict[str, set[tuple[str, str, str, str]]] = {}
    moved: dict[str, set[str]] = {}
    for event in events_of(place, *OF_NEEDS):
        who = event["subject_id"]
        if event["kind"] == EventKind.ENROLLED:
            enrolled.add(who)
        elif event["kind"] == EventKind.ERASED:
            erased.add(who)
        elif event["kind"] == EventKind.RESIDENCE_CHANGED and event["country"]:
            moved.setdefault(who, set()).add(event["country"])
        elif event["kind"] == EventKind.NOTICE_SERVED:
            names = ("notice", "purpose", "recipient", "category")
            told.setdefault(who, set()).add(tuple(event[name] for name in names))
    for row in _subjects(place):
        who = row["subject_id"]
        if who not in enrolled - erased:
            continue
        lived = {each["country"] for each in row.get("residences") or ()}
        countries = {row["country"], *lived, *moved.get(who, ())} - {None}
        addresses = [one for one in row["emails"] or () if ADDRESS.fullmatch(one or "")]
        yield Person(
            who,
            row["country"],
            frozenset(countries),
            addresses[0] if addresses else None,
            frozenset(told.get(who, ())),
        )


def events_of(place: Place, *kinds: EventKind) -> list[dict[str, Any]]:
    """Read the personal events of some kinds, in order."""
    events = place.book.events(place.book.size)
    wanted = pa.array([str(kind) for kind in kinds], pa.string())
    found: list[dict[str, Any]] = events.filter(
        pc.is_in(events["kind"], value_set=wanted)
    ).to_pylist()
    return found


def _subjects(place: Place) -> list[dict[str, Any]]:
    path = place.tables().subjects
    there = pq.read_schema(path).names
    wanted = ("subject_id", "country", "emails", "residences")
    columns = [name for name in wanted if name in there]
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    return rows


# -- in which words --------------------------------------------------------------------


def _notices(place: Place, path: Path | None, language: str | None) -> list[Notice]:
    if language is not None and not LANGUAGE.fullmatch(language):
        raise UsageError(
            f"language `{language}` is none", hint="write it like `de` or `pt-BR`"
        )
    if path is not None:
        policy = load_policy(path, place.config.declared)
        name = notice_names(path)[policy.notice]
        text = notice_texts(path)[policy.notice]
        folders = [path.parent, path.parent.parent]
        return [_in_language(policy, text, name, folders, language)]
    policies = in_force(place.versions(), place.clock())
    if not policies:
        raise UsageError(
            "no policy is in force, so nobody must be told anything yet",
            hint="name a policy file: people are told before it starts",
        )
    return [
        _in_language(
            policy,
            place.kept(policy.notice),
            _name_of(place, policy.notice),
            [place.folder],
            language,
        )
        for policy in policies
    ]


def _name_of(place: Place, wanted: str) -> str:
    """Find the file of a published notice; its digest where it is not there."""
    name = texts_by_digest(place).get(wanted)
    return wanted[:16] if name is None else f"notices/{name}"


def texts_by_digest(place: Place) -> dict[str, str]:
    """Name the texts that lie in the project's folder of notices, by sha256."""
    found: dict[str, str] = {}
    for path in sorted((place.folder / "notices").glob("*")):
        if path.is_file():
            found.setdefault(sha256(path.read_bytes()), path.name)
    return found


def _in_language(
    policy: Policy, text: bytes, name: str, folders: list[Path], language: str | None
) -> Notice:
    """Take the policy's own notice, or its file in another language."""
    folder, _, last = name.rpartition("/")
    match = LANGUAGE_OF.fullmatch(last)
    stem, own, ending = match.groups() if match else (last, None, None)
    if language in (None, own):
        return Notice(policy, text, own or "en", last)
    other = f"{stem}.{language}{ending or ''}"
    for base in folders:
        path = base / folder / other
        if path.is_file():
            return Notice(policy, path.read_bytes(), language or "en", other)
    raise UsageError(
        f"there is no notice `{other}`",
        hint=f"write it beside `{last}`, and name it in the policy under `accepts`",
    )
