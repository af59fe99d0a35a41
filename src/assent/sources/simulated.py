"""A simulated platform: members, what they wrote, and what was planted in it.

Everything follows from one seed, in the same bytes on every machine. No person stands
behind a member: the words come from the small grammars of `grammar.py`. Each member
has a place, a language, favourite topics, tools and phrases and a project of an own
made-up name, so that a small language model can learn a person as well as a language.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import pyarrow as pa

from assent.errors import UsageError
from assent.sources.grammar import (
    DOMAINS,
    FIRMS,
    GRAMMARS,
    PLACES,
    SYLLABLES,
    TOOLS,
    Grammar,
)
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import micros

BATCH = 1_024  # rows
FIRST = micros(datetime(2003, 5, 5, tzinfo=UTC))
LAST = micros(datetime(2025, 10, 31, tzinfo=UTC))
LIMIT = 400  # bytes of UTF-8 a document
PER_MEMBER = 9.9  # documents of the other categories, on average
FEWEST = 10  # members
MEMBERS = 600
PLANTED_SHARE = 0.08
SETTLED = micros(datetime(2024, 1, 1, tzinfo=UTC))  # after it nobody moves
RECENT = 150  # documents of a language that are still answered and quoted

# Category -> (share of what is not a profile, fewest bytes, most bytes aimed at).
CATEGORIES = {
    "post": (38, 120, 230),
    "comment": (30, 80, 120),
    "article": (7, 270, 330),
    "group_message": (13, 90, 160),
    "private_message": (12, 80, 140),
}
ANSWERS = frozenset({"comment", "group_message"})


class Planted(NamedTuple):
    """Personal data that a document holds: its kind and the very characters."""

    document_id: str
    kind: str  # email, phone, url, handle, name
    text: str


@dataclass(frozen=True, slots=True)
class _Member:
    subject_id: str
    country: str
    known: bool  # is the country in the subjects table?
    language: str
    birth_year: int | None
    age_band: str | None
    tier: str
    name: str
    handle: str
    email: str
    phone: str
    url: str
    firm: str
    city: str
    role: str
    topics: tuple[str, ...]
    tools: tuple[str, ...]
    opener: str
    closer: str
    project: str
    joined: int
    weight: float  # how much of all that is written


@dataclass(slots=True)
class _Draft:
    """A document while it is being written."""

    document_id: str
    member: _Member
    category: str
    created_at: int
    plain: list[str] = field(default_factory=list)  # names nobody; may be quoted
    sentences: list[str] = field(default_factory=list)  # names or mentions somebody
    quote: str = ""
    in_reply_to: str | None = None
    mentions: list[str] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    text: str = ""
    orphan: bool = False

    def plant(self, kind: str, text: str) -> str:
        self.planted.append(Planted(self.document_id, kind, text))
        return text

    def size(self) -> int:
        """Count the bytes of the finished text."""
        size = len(" ".join([*self.plain, *self.sentences]).encode())
        return size + (len(self.quote.encode()) + 4 if self.quote else 0)

    def has_room(self, sentence: str) -> bool:
        return self.size() + 1 + len(sentence.encode()) <= LIMIT


def simulated(
    seed: int, members: int = MEMBERS
) -> tuple[Iterator[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """Make the platform of a seed: batches of documents and batches of subjects.

    About 11 documents a member, each of 80 to 400 bytes, from 2003-05 to 2025-10.

    Args:
        seed: another seed, another platform.
        members: how many subjects; at least 10, for they talk to each other.

    Raises:
        UsageError: too few members.
    """
    people, drafts = _platform(seed, members)
    return (
        _batches(map(_document, drafts), DOCUMENTS),
        _batches((_subject(seed, each) for each in people), SUBJECTS),
    )


def planted(seed: int, members: int = 600) -> list[Planted]:
    """List the personal data in the documents of `simulated(seed, members)`.

    Addresses, numbers, links and handles that were planted, and every full name and
    handle by which a document mentions somebody: what redaction must find.
    """
    return [each for draft in _platform(seed, members)[1] for each in draft.planted]


def _batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[Any]:
    batch = list(rows)
    for start in range(0, len(batch), BATCH):
        yield pa.RecordBatch.from_pylist(batch[start : start + BATCH], schema=schema)


def _document(draft: _Draft) -> dict[str, Any]:
    return {
        "document_id": draft.document_id,
        "subject_id": None if draft.orphan else draft.member.subject_id,
        "category": draft.category,
        "created_at": draft.created_at,
        "text": draft.text,
        "in_reply_to": draft.in_reply_to,
        "mentions": draft.mentions,
        "near": draft.near,
    }


def _subject(seed: int, member: _Member) -> dict[str, Any]:
    return {
        "subject_id": member.subject_id,
        "country": member.country if member.known else None,
        "birth_year": member.birth_year,
        "age_band": member.age_band,
        "tier": member.tier,
        "residences": _residences(seed, member),
        "names": [member.name],
        "handles": [member.handle],
        "emails": [member.email],
        "phones": [member.phone.replace(" ", "")],
        "urls": [member.url],
        "employer": member.firm,
    }


def _residences(seed: int, member: _Member) -> list[dict[str, Any]] | None:
    """Tell where a member has lived, of half of those whose country is known.

    With chance of its own, so that nothing else of the platform depends on it.
    """
    rng = Random(f"assent/residences/{seed}/{member.subject_id}")
    if not member.known or rng.random() < 0.5:
        return None
    stays = [{"country": member.country, "valid_from": FIRST}]
    if rng.random() < 0.12:
        moved = rng.randrange(FIRST + 1, SETTLED)
        before = rng.choice([each for each in PLACES if each != member.country])
        stays[0]["valid_from"] = moved
        stays.insert(0, {"country": before, "valid_from": FIRST})
    return stays


def _platform(seed: int, members: int) -> tuple[list[_Member], list[_Draft]]:
    if members < FEWEST:
        raise UsageError(f"a platform of {members} members, wanted {FEWEST} or more")
    rng = Random(seed)
    people = _members(rng, members)
    recent: dict[str, list[_Draft]] = {language: [] for language in GRAMMARS}
    drafts = []
    for number, (time, member, category) in enumerate(_schedule(rng, people)):
        draft = _Draft(f"d{number:06d}", member, category, time)
        _write(rng, draft, people, recent[member.language])
        drafts.append(draft)
        if category in ("post", "article"):
            recent[member.language].append(draft)
            del recent[member.language][:-RECENT]
    return people, drafts


# --- members


def _members(rng: Random, count: int) -> list[_Member]:
    handles: set[str] = set()
    shares = [place.share for place in PLACES.values()]
    countries = rng.choices(list(PLACES), weights=shares, k=count)
    return [
        _member(rng, number, country, handles)
        for number, country in enumerate(countries)
    ]


def _member(rng: Random, number: int, country: str, taken: set[str]) -> _Member:
    place = PLACES[country]
    language = place.language if rng.random() < place.own else "en"
    grammar = GRAMMARS[language]
    first, last = (
        rng.choice(names.split()).replace("_", " ")
        for names in (place.first, place.last)
    )
    handle = _handle(rng, first, last, taken)
    birth_year, age_band, joined = _age(rng)
    return _Member(
        subject_id=f"m{number:05d}",
        country=country,
        known=rng.random() >= 0.03,
        language=language,
        birth_year=birth_year,
        age_band=age_band,
        tier="premium" if rng.random() < 0.18 else "basic",
        name=f"{first} {last}",
        handle=handle,
        email=f"{handle.replace('_', '.')}@{rng.choice(DOMAINS)}",
        phone=_digits(rng, rng.choice(place.phones)),
        url=f"https://www.example.com/in/{handle}",
        firm=rng.choice(FIRMS),
        city=rng.choice(place.cities),
        role=rng.choice(grammar.roles),
        topics=tuple(rng.sample(grammar.topics, 3)),
        tools=tuple(rng.sample(TOOLS, 2)),
        opener=rng.choice(grammar.openers),
        closer=rng.choice(grammar.closers),
        project="".join(rng.sample(SYLLABLES, 3)).capitalize(),
        joined=joined,
        # A heavy tail (Pareto) with an end: one member must not be the whole corpus.
        weight=0.0 if rng.random() < 0.04 else min(rng.paretovariate(1.25), 40.0),
    )


def _age(rng: Random) -> tuple[int | None, str | None, int]:
    """Draw a year of birth, a band and the time of joining; 5 in 100 are young."""
    if rng.random() < 0.05:
        joined = rng.randrange(micros(datetime(2023, 1, 1, tzinfo=UTC)), LAST)
        return rng.randrange(2006, 2012), None, joined
    joined = FIRST + int((LAST - FIRST) * 0.97 * rng.random() ** 0.6)
    draw, year = rng.random(), rng.randrange(1955, 1985)
    if draw < 0.04:
        return None, None, joined
    return (None, "adult", joined) if draw < 0.06 else (year, None, joined)


def _handle(rng: Random, first: str, last: str, taken: set[str]) -> str:
    shapes = (f"{first}_{last}", f"{first}{last}", f"{first[0]}{last}")
    stem = handle = _ascii(rng.choice(shapes))
    while handle in taken:
        handle = f"{stem}{rng.randrange(10, 1000)}"
    taken.add(handle)
    return handle


def _ascii(text: str) -> str:
    plain = text.lower().replace("ß", "ss").replace("ø", "o")
    return re.sub(r"[^a-z_]", "", unicodedata.normalize("NFKD", plain))


def _digits(rng: Random, pattern: str) -> str:
    return re.sub("#", lambda _: str(rng.randrange(10)), pattern)


# --- when they write, and what


def _schedule(rng: Random, people: Sequence[_Member]) -> list[tuple[int, _Member, str]]:
    """Draw who writes what and when, in the order of time."""
    writers = [member for member in people if member.weight]
    entries = [
        (member.joined, member, "profile") for member in writers if rng.random() < 0.9
    ]
    chosen = rng.choices(
        writers,
        weights=[member.weight for member in writers],
        k=int(len(people) * PER_MEMBER),
    )
    shares = [share for share, *_ in CATEGORIES.values()]
    for member in chosen:
        time = member.joined + int((LAST - member.joined) * rng.random() ** 0.8)
        category = rng.choices(list(CATEGORIES), weights=shares)[0]
        entries.append((time, member, category))
    return sorted(entries, key=lambda entry: (entry[0], entry[1].subject_id, entry[2]))


def _write(
    rng: Random, draft: _Draft, people: Sequence[_Member], recent: list[_Draft]
) -> None:
    """Write one document: what it answers and names first, then its own words."""
    member, grammar = draft.member, GRAMMARS[draft.member.language]
    draft.orphan = rng.random() < 0.015
    if rng.random() < PLANTED_SHARE:
        draft.sentences.append(_personal(rng, draft, grammar, people))
    if draft.category == "profile":
        if rng.random() < 0.5:
            draft.sentences.append(f"{draft.plant('name', member.name)}.")
        _fill(rng, draft, grammar.profile, 190)
    else:
        if draft.category in ANSWERS and recent and rng.random() < 0.8:
            _answer(rng, draft, rng.choice(recent))
        _mention(rng, draft, grammar, people)
        _, least, most = CATEGORIES[draft.category]
        if rng.random() < 0.4:
            draft.plain.append(member.opener)
        _fill(rng, draft, grammar.sentences, rng.randrange(least, most))
    if rng.random() < 0.3 and draft.has_room(member.closer):
        draft.plain.append(member.closer)
    body = draft.plain[:]
    for sentence in draft.sentences:
        body.insert(rng.randrange(len(body) + 1), sentence)
    draft.text = (f"> {draft.quote}\n\n" if draft.quote else "") + " ".join(body)


def _answer(rng: Random, draft: _Draft, earlier: _Draft) -> None:
    draft.in_reply_to = earlier.document_id
    draft.near = [earlier.member.subject_id]
    if earlier.plain and rng.random() < 0.25:
        draft.quote = rng.choice(earlier.plain)


def _mention(
    rng: Random, draft: _Draft, grammar: Grammar, people: Sequence[_Member]
) -> None:
    """Name others: by handle, by full name, or several at once."""
    draw = rng.random()
    others = [each for each in rng.sample(people, 4) if each is not draft.member][:3]
    if draw < 0.10:
        names = [f"@{draft.plant('handle', others[0].handle)}"]
        template, others = rng.choice(grammar.handles), others[:1]
    elif draw < 0.17:
        names = [draft.plant("name", others[0].name)]
        template, others = rng.choice(grammar.names), others[:1]
    elif draw < 0.20:
        names = [draft.plant("name", each.name) for each in others[:-1]]
        names.append(f"@{draft.plant('handle', others[-1].handle)}")
        template = rng.choice(grammar.lists)
    else:
        return
    draft.sentences.append(template.format(name=", ".join(names)))
    draft.mentions = [each.subject_id for each in others]


def _fill(rng: Random, draft: _Draft, templates: Sequence[str], wanted: int) -> None:
    """Add sentences in the member's words until the text is as long as wanted."""
    member = draft.member
    some = rng.sample(templates, len(templates))
    while draft.size() < wanted and some:
        sentence = some.pop().format(
            topic=rng.choice(member.topics),
            tool=rng.choice(member.tools),
            city=member.city,
            role=member.role,
            firm=member.firm,
            project=member.project,
            count=rng.randrange(2, 60),
        )
        if draft.has_room(sentence):
            draft.plain.append(sentence[0].upper() + sentence[1:])


def _personal(
    rng: Random, draft: _Draft, grammar: Grammar, people: Sequence[_Member]
) -> str:
    """Plant one address, number, link or handle, of the member or of somebody else."""
    kind = rng.choices(("email", "phone", "url", "handle"), weights=(35, 30, 20, 15))[0]
    owner = draft.member if rng.random() < 0.7 else rng.choice(people)
    if kind == "email":
        local, _, domain = owner.email.partition("@")
        shapes = (owner.email, f"{local}+jobs@{domain}", f"office@{local}.{domain}")
        templates, text = grammar.email, rng.choice(shapes)
    elif kind == "phone":
        number = owner.phone
        if rng.random() < 0.2:  # a number that stands in no directory
            number = _digits(rng, rng.choice(PLACES[owner.country].phones))
        shapes = (number, number.replace(" ", ""), number.replace(" ", "-"))
        templates, text = grammar.phone, rng.choice(shapes)
    elif kind == "url":
        handle = owner.handle
        shapes = (
            owner.url,
            f"www.example.org/{handle}/notes",
            f"http://{handle.replace('_', '-')}.example.net/cv?id=12",
        )
        templates, text = grammar.url, rng.choice(shapes)
    else:
        templates, text = grammar.handle, f"@{owner.handle}"
    return rng.choice(templates).format(x=draft.plant(kind, text))
