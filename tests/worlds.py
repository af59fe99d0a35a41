"""Many small made-up platforms under one question: one query answers them all.

Every case is a platform of three people, a few documents and events, full of what goes
wrong: missing values, ties, labels that nobody declared, late records, moves, mentions
of strangers. The people of one platform have nothing to do with those of another.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

import oracle
from assent.decide import ask
from assent.engine.question import Question
from assent.ledger.book import EVENTS
from assent.policy.load import Declared
from assent.policy.model import Policy, Rule, Suspension
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY, Basis, Mentioned, Reason, Residence

DAY_0 = 1_760_000_000_000_000  # 2025-10-09
NOTICES = ["a" * 64, "b" * 64, "c" * 64]
PURPOSE = "train.generative"
DECLARED = Declared(
    purposes=frozenset({"train.generative", "train.ranking"}),
    recipients=frozenset({"alpha", "beta", "gamma"}),
    categories=frozenset({"post", "profile", "mail"}),
    tiers=frozenset({"basic", "premium"}),
)
KINDS = [
    *("notice_served", "notice_served", "notice_served", "given", "given", "given"),
    *("notice_served", "notice_served", "given", "refused", "withdrawn", "expired"),
    *("objected", "objected", "objection_lifted", "objection_lifted"),
    *("restricted", "restriction_lifted", "residence_changed", "enrolled"),
]
RARE = ["erased", "mystery", None]
EARLY = {"happened_at": DAY_0 - 7 * DAY, "recorded_at": DAY_0 - 7 * DAY} | {
    "notice": NOTICES[0],
    "valid_until": None,
}
DAYS = [None, *[*range(-6, 1)] * 4, 1, 2]
SCOPES = {
    "purpose": ["*", "*", "*", "train", "train.generative", "train.generative.x"]
    + ["train.ranking", "typo", None],
    "recipient": ["*", "*", "*", "*", "alpha", "beta", "gamma", "typo", None],
    "category": ["*", "*", "*", "*", "post", "profile", "typo", None],
}
COUNTRIES = [*("US", "FR", "CH") * 5, "BR", "XX", None]


@dataclass
class World:
    """One small platform: rows of the three tables."""

    documents: list[dict] = field(default_factory=list)
    subjects: list[dict] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)


@dataclass
class Batch:
    """One question, asked of many small platforms."""

    policies: list[Policy]
    suspensions: list[Suspension]
    recipients: tuple[str, ...]
    size: int
    worlds: list[World]
    at: int = DAY_0

    @property
    def question(self) -> Question:
        return ask(
            *(self.policies, self.suspensions, DECLARED, PURPOSE, self.recipients),
            *(self.at, self.size),
        )

    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Documents, subjects and events of all platforms."""
        rows = [
            [row for world in self.worlds for row in getattr(world, name)]
            for name in ("documents", "subjects", "events")
        ]
        schemas = (DOCUMENTS, SUBJECTS, EVENTS)
        return tuple(map(pa.Table.from_pylist, rows, schemas))

    def expected(self) -> dict[str, Reason]:
        """What the oracle says of each document."""
        return {
            row["document_id"]: oracle.decide(
                row,
                {person["subject_id"]: person for person in world.subjects},
                world.events,
                *(self.policies, self.suspensions, DECLARED, PURPOSE),
                *(list(self.recipients), self.at, self.size),
            )
            for world in self.worlds
            for row in world.documents
        }

    def differences(self, found: dict[str, str]) -> list[tuple]:
        """Where an engine and the oracle disagree: document, engine, oracle, rows."""
        expected = self.expected()
        assert found.keys() == expected.keys()
        return [
            (key, found[key], str(reason), *self._rows(key))
            for key, reason in expected.items()
            if found[key] != reason
        ]

    def _rows(self, document_id: str) -> tuple:
        for world in self.worlds:
            for row in world.documents:
                if row["document_id"] == document_id:
                    return row, world.subjects, world.events
        raise AssertionError(document_id)


def batches(seed: int, number: int, each: int) -> Iterator[Batch]:
    """Make `number` questions with `each` platforms; the same for the same seed."""
    for n in range(number):
        rng = random.Random(f"{seed}-{n}")
        yield Batch(
            policies=_policies(rng),
            suspensions=_suspensions(rng),
            recipients=rng.choice([("alpha",), ("alpha", "beta"), ("alpha", "beta")]),
            size=rng.choice([10**6, 10**6, 14]),
            worlds=[_world(rng, f"{n}-{m}-") for m in range(each)],
        )


def _world(rng: random.Random, prefix: str) -> World:
    people = [prefix + name for name in ("ana", "bo", "cy")]
    sound = rng.random() < 0.75  # else hardly anybody would ever be permitted
    world = World(subjects=[_subject(rng, who) for who in people[:2]])
    world.events = [
        _event(rng, "enrolled", who, n, wide=True)
        for n, who in enumerate(people)
        if sound or rng.random() < 0.9
    ]
    if sound:
        for n, person in enumerate(world.subjects):
            person |= _known(rng)
            told = _event(rng, "notice_served", people[n], 4 + n, wide=True)
            said = _event(rng, "given", people[n], 6 + n, wide=True)
            world.events += [each | EARLY for each in (told, said)]
    for n in range(rng.randint(0, 3 if sound else 10)):
        kind = rng.choice(KINDS if rng.random() < 0.97 else RARE)
        who = rng.choice([*people[:2] * 3, people[2]])
        world.events.append(_event(rng, kind, who, 10 + n, rng.random() < 0.6))
    world.documents = [
        _document(rng, f"{prefix}d{n}", people) for n in range(rng.randint(1, 5))
    ]
    return world


def _known(rng: random.Random) -> dict:
    country = rng.choice(["US", "FR", "CH"])
    lived = [{"country": country, "valid_from": DAY_0 - 3000 * DAY}]
    return {
        "country": country,
        "birth_year": rng.choice([1980, 1980, 1980, 1980, 2006]),
        "age_band": None,
        "residences": rng.choice([None, lived, lived]),
    }


def _event(
    rng: random.Random, kind: str | None, who: str, entry: int, wide: bool
) -> dict:
    happened = rng.choice(DAYS)
    recorded = happened if rng.random() < 0.6 else rng.choice(DAYS)
    moved = kind == "residence_changed"
    row = {
        "entry": entry,
        "kind": kind,
        "subject_id": who,
        "notice": rng.choice([*NOTICES[:2] * 4, NOTICES[2], None]),
        "valid_until": _time(rng.choice([*[None] * 20, *DAYS, 3, 3])),
        "happened_at": _time(happened),
        "recorded_at": _time(recorded),
        "country": rng.choice(COUNTRIES) if moved else None,
    }
    for scope, labels in SCOPES.items():
        row[scope] = "*" if wide else rng.choice(labels)
    return row


def _time(day: int | None) -> int | None:
    return None if day is None else DAY_0 + day * DAY


def _subject(rng: random.Random, who: str) -> dict:
    days = [None, *[-3000] * 6, -2000, -2000, -10, -1, 0, 1]
    lived = [
        {"country": rng.choice(COUNTRIES), "valid_from": _time(rng.choice(days))}
        for _ in range(rng.choice([0, 1, 1, 2, 3]))
    ]
    return dict.fromkeys(SUBJECTS.names) | {
        "subject_id": who,
        "country": rng.choice(COUNTRIES),
        "birth_year": rng.choice([*[1980] * 15, 2004, 2005, 2006, 2007, 1700, None]),
        "age_band": rng.choice([*[None] * 14, "adult", "adult", "minor", "other"]),
        "tier": rng.choice([*("basic", "premium") * 4, "gold", None]),
        "residences": rng.choice([None, lived, lived]),
    }


def _document(rng: random.Random, name: str, people: list[str]) -> dict:
    created = [None, 0, DAY_0 - 900 * DAY, DAY_0 - 10 * DAY, DAY_0 - 5 * DAY]
    who = [*people[:2] * 8, people[2], None]
    mentions = [
        rng.choice([*people[:2] * 3, *people, None])
        for _ in range(rng.choice([0, 1, 1, 2]))
    ]
    return dict.fromkeys(DOCUMENTS.names) | {
        "document_id": name,
        "subject_id": rng.choice(who),
        "category": rng.choice(
            ["post", "post", "post", "profile", "mail", "typo", None]
        ),
        "created_at": rng.choice([*created * 2, DAY_0 - 1, DAY_0, DAY_0 + 1]),
        "text": "words",
        "mentions": rng.choice([None, mentions, mentions]),
    }


def _policies(rng: random.Random) -> list[Policy]:
    return [
        Policy(
            version="v",
            controller=name,
            effective_from=0,
            notice=rng.choice([NOTICES[0], NOTICES[0], NOTICES[1]]),
            never=rng.choice([(), *[("mail",)] * 6, ("post",)]),
            rules=tuple(
                _rule(rng, f"{name}{n}")
                for n in range(rng.choice([0, 1, 2, 2, 3, 3, 4]))
            ),
            minimum_age=rng.choice([None, 18, 18, 21]),
            never_of_tier=rng.choice([(), (), (("profile", "premium"),)]),
        )
        for name in ["c", "d"][: rng.choice([0, *[1] * 10, *[2] * 9])]
    ]


def _rule(rng: random.Random, name: str) -> Rule:
    regions, excepted = rng.choice(
        [
            *[(("US",), ()), (("EU", "CH"), ()), (("US", "EU"), ("DE",))],
            *[(("*",), ()), (("*",), ()), (("*",), ("EU", "US")), (("*",), ("BR",))],
        ]
    )
    return Rule(
        name=name,
        regions=regions,
        except_regions=excepted,
        categories=rng.choice([("post",), *[("post", "profile")] * 3]),
        recipients=rng.choice([("alpha",), *[("alpha", "beta")] * 4]),
        purpose=rng.choice(
            ["train", "train", *["train.generative"] * 4, "train.ranking"]
        ),
        basis=rng.choice([Basis.CONSENT, Basis.LEGITIMATE_INTERESTS]),
        notice_days=rng.randint(0, 3),
        accepts=rng.choice([(), (NOTICES[0],), (NOTICES[1],)]),
        created_from=rng.choice([None, None, DAY_0 - 10 * DAY]),
        created_until=rng.choice([None, None, DAY_0]),
        residence=rng.choice([Residence.AT_USE, *Residence]),
        mentioned=rng.choice([Mentioned.REDACT, *Mentioned]),
        tiers=rng.choice([(), (), ("premium",), ("basic", "premium")]),
    )


def _suspensions(rng: random.Random) -> list[Suspension]:
    return [
        Suspension(
            order=order,
            regions=rng.choice([("US",), ("EU",), ("FR", "CH")]),
            recipient=rng.choice(["*", "alpha", "beta"]),
            category=rng.choice(["*", "profile"]),
            purpose=rng.choice(["*", "train.ranking", "train.generative"]),
        )
        for order in rng.choice([[], [], [], ["o1"], ["o1", "o2"]])
    ]
