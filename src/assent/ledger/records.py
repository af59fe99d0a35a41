"""Events: their rules, and the private body that a public entry commits to."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from assent.canon import canonical
from assent.errors import LedgerError
from assent.ledger.rows import Rows
from assent.merkle.commitment import enrolment_commit, event_commit
from assent.sources.countries import CODES
from assent.terms import CHOICES, DAY, SUBJECT_EVENTS, Event, EventKind, iso

NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]*\Z")
SHA256 = re.compile(r"[0-9a-f]{64}\Z")
ENTRY_LIMIT = 65_535
"""Bytes of an entry: a bundle of entries gives each a uint16 length (C2SP tiles)."""

JSON_LIMIT = 2**53
"""Integers from here on are no canonical JSON (RFC 8785)."""
SCALARS = (str, bool, int, type(None))
CACHED = 4_096
"""Scopes and pieces of evidence that are remembered: few differ, and none is a name."""

EntryRows = list[tuple[int, str | None, bytes]]
"""Number, kind of a public entry, the entry."""
BodyRows = list[tuple[int, str, bytes, bytes | None, None]]
"""Number, subject, private body, opening; nothing is shredded yet."""

WITH_NOTICE = frozenset({EventKind.NOTICE_SERVED, EventKind.GIVEN})


def check_event(event: Event, recorded_at: int) -> None:
    """Refuse an event that could not be decided on later.

    Args:
        event: about one subject.
        recorded_at: microseconds UTC, when the ledger takes it.

    Raises:
        LedgerError: the kind, a scope, a notice or a time is not as wanted.
    """
    kind = event.kind
    _check_scope(kind, event.purpose, event.recipient, event.category, event.notice)
    if not event.subject_id:
        raise LedgerError(f"`{kind}` needs a subject_id, found none")
    if "\0" in event.subject_id:
        raise LedgerError(f"a subject_id of `{kind}` has a zero byte, which no id has")
    if kind is EventKind.ENROLLED and not event.subject_id.isprintable():
        # No verifier prints her name: nothing could be proved to her, and she could
        # not be erased. Who is enrolled already must still be able to say no.
        raise LedgerError(
            f"the subject_id {event.subject_id!a} has a character that is not printed, "
            "so nothing could be proved to this person",
            hint="give this person another id, and load the export again",
        )
    _check_move(event)
    _check_times(event, recorded_at)


@lru_cache(CACHED)
def _check_scope(
    kind: EventKind, purpose: str, recipient: str, category: str, notice: str | None
) -> None:
    """Refuse what cannot be said of anybody."""
    if kind not in SUBJECT_EVENTS:
        raise LedgerError(f"`{kind}` is not an event about one subject")
    scope = {"purpose": purpose, "recipient": recipient, "category": category}
    for field, value in scope.items():
        if value != "*" and not NAME.match(value):
            raise LedgerError(
                f"{field} of `{kind}` is {value!r}, wanted a lower-case name or `*`"
            )
    if kind in WITH_NOTICE and notice is None:
        raise LedgerError(
            f"`{kind}` says no notice, wanted the sha256 of the text that was shown",
            hint="name the notice that this person saw with `--notice FILE`",
        )
    if notice is not None and not SHA256.match(notice):
        raise LedgerError("a notice is named by 64 hexadecimal digits of sha256")


def _check_move(event: Event) -> None:
    """Refuse a move that says not where to, and a place that no move says."""
    if event.kind is not EventKind.RESIDENCE_CHANGED:
        if "country" in event.detail:
            raise LedgerError(
                f"`{event.kind}` names a country, which only `residence_changed` may",
                hint="record a move as an event of its own",
            )
        return
    country = event.detail.get("country", "")
    if country is not None and not (isinstance(country, str) and country in CODES):
        raise LedgerError(
            "`residence_changed` names no country, wanted where she lives now: an ISO "
            "3166-1 alpha-2 code in capitals such as `CH`, or that it is unknown",
            hint="say it with `--country FR`, or `--country unknown`",
        )
    if {event.purpose, event.recipient, event.category} != {"*"}:
        raise LedgerError(
            "`residence_changed` has a scope, but where somebody lives holds for every "
            "purpose, recipient and category",
            hint="leave the scope out",
        )


def _check_times(event: Event, recorded_at: int) -> None:
    if event.happened_at > recorded_at + DAY:
        raise LedgerError(
            f"`{event.kind}` happened at {iso(event.happened_at)}, more than a day "
            f"after it is recorded at {iso(recorded_at)}",
            hint="record an event when it has happened, with its time in UTC",
        )
    if event.valid_until is not None:
        if event.kind not in CHOICES:
            raise LedgerError(f"`{event.kind}` cannot have an end, only a choice can")
        if event.valid_until <= event.happened_at:
            raise LedgerError(
                f"`{event.kind}` ends at {iso(event.valid_until)}, not after it "
                f"happened at {iso(event.happened_at)}"
            )


def admitted(rows: Rows, events: Sequence[Event], recorded_at: int) -> list[str]:
    """Refuse what breaks a rule, concerns a stranger, or enrols somebody twice.

    Args:
        rows: the ledger's tables.
        events: to append.
        recorded_at: microseconds UTC, when the ledger takes them.

    Returns:
        Whom the events enrol.

    Raises:
        LedgerError: an event is not as wanted; names what and whom.
    """
    for event in events:
        check_event(event, recorded_at)
    enrolled = rows.enrolled({str(event.subject_id) for event in events})
    newcomers = []
    for event in events:
        subject_id = str(event.subject_id)
        if event.kind is EventKind.ENROLLED:
            if subject_id in enrolled:
                raise LedgerError(f"subject `{subject_id}` is enrolled already")
            enrolled.add(subject_id)
            newcomers.append(subject_id)
        elif subject_id not in enrolled:
            raise LedgerError(
                f"`{event.kind}` concerns subject `{subject_id}`, who was never "
                "enrolled",
                hint=f"run `assent record enrolled {subject_id}` first",
            )
    if newcomers and (unfinished := set(rows.shreddings())):
        for subject_id in unfinished.intersection(newcomers):
            raise LedgerError(
                f"the shredding of subject `{subject_id}` is not ended",
                hint="run `assent status`, which ends it, then enrol her again",
            )
    return newcomers


def event_body(event: Event) -> dict[str, Any]:
    """List what a personal event says: the private JSON that is committed to."""
    return {
        "kind": str(event.kind),
        "subject_id": event.subject_id,
        "happened_at": event.happened_at,
        "purpose": event.purpose,
        "recipient": event.recipient,
        "category": event.category,
        "notice": event.notice,
        "valid_until": event.valid_until,
        "actor": event.actor,
        "detail": event.detail,
    }


def body_bytes(event: Event) -> bytes:
    """Write what a personal event says: `canonical(event_body(event))`, but faster.

    The keys stand in canonical order; the encoder of the standard library escapes a
    string exactly as RFC 8785 wants, section 3.2.2.2.

    Raises:
        ValueError: a time is beyond 2**53, or a text is no Unicode.
    """
    end, happened_at = event.valid_until, event.happened_at
    if abs(happened_at) >= JSON_LIMIT or abs(end or 0) >= JSON_LIMIT:
        return canonical(event_body(event))
    return (
        f"{_evidence(event.actor, event.category, _parts_of(event.detail))}"
        f"{happened_at}"
        f"{_scope(event.kind, event.notice, event.purpose, event.recipient)}"
        f'{quoted(str(event.subject_id))},"valid_until":{end or _number(end)}}}'
    ).encode()


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _parts_of(detail: Mapping[str, Any]) -> tuple[Any, ...] | str:
    """Take evidence apart into what can be remembered by; else write it."""
    parts = []
    for name, value in detail.items():
        kind = type(value)
        if kind not in SCALARS:
            return canonical(dict(detail)).decode()
        parts.append((name, value, kind))  # true is not 1, though they are equal
    return tuple(parts)


@lru_cache(CACHED)
def _evidence(actor: str, category: str, parts: tuple[Any, ...] | str) -> str:
    """Write a body from its begin to the time."""
    if not isinstance(parts, str):
        parts = canonical({name: value for name, value, _ in parts}).decode()
    return (
        f'{{"actor":{quoted(actor)},"category":{quoted(category)},'
        f'"detail":{parts},"happened_at":'
    )


@lru_cache(CACHED)
def _scope(kind: EventKind, notice: str | None, purpose: str, recipient: str) -> str:
    """Write a body from behind the time to the subject."""
    return (
        f',"kind":"{kind}","notice":{"null" if notice is None else quoted(notice)},'
        f'"purpose":{quoted(purpose)},"recipient":{quoted(recipient)},"subject_id":'
    )


def personal_entry(kind: EventKind, recorded_at: int, commit: bytes) -> bytes:
    """Write the public entry of a personal event: a commitment, and nothing else.

    Enrolments are told apart so that a verifier finds the commitment to the subject's
    secret; no other kind is. The template is canonical JSON.
    """
    shown = "enrolled" if kind is EventKind.ENROLLED else "subject_event"
    return (
        f'{{"commit":"{commit.hex()}","recorded_at":{recorded_at},'
        f'"type":"{shown}","v":1}}'
    ).encode()


def committed(
    events: Sequence[Event],
    recorded_at: int,
    first: int,
    secrets: Mapping[str, bytes],
    openings: Iterable[bytes],
) -> tuple[EntryRows, BodyRows]:
    """Write the entries and private bodies of events that were checked.

    Args:
        events: about one subject each.
        recorded_at: microseconds UTC.
        first: number of the first entry.
        secrets: of the subjects whom an event enrols, 32 bytes each.
        openings: 32 random bytes for each other event.
    """
    drawn = iter(openings)
    entries: EntryRows = []
    bodies: BodyRows = []
    for number, event in enumerate(events, first):
        subject_id, body = str(event.subject_id), body_bytes(event)
        if event.kind is EventKind.ENROLLED:
            opening = None
            commit = enrolment_commit(secrets[subject_id], body)
        else:
            opening = next(drawn)
            commit = event_commit(opening, body)
        entries.append((number, None, personal_entry(event.kind, recorded_at, commit)))
        bodies.append((number, subject_id, body, opening, None))
    return entries, bodies


def public_entry(
    kind: EventKind, happened_at: int, recorded_at: int, body: dict[str, Any]
) -> bytes:
    """Write the entry of an event that concerns nobody alone.

    Raises:
        LedgerError: the entry is too long for a tile, or the kind concerns a subject.
    """
    if kind in SUBJECT_EVENTS:
        raise LedgerError(f"`{kind}` concerns one subject and may not be public")
    entry = canonical(
        {
            "v": 1,
            "type": str(kind),
            "recorded_at": recorded_at,
            "happened_at": happened_at,
            "body": body,
        }
    )
    if len(entry) > ENTRY_LIMIT:
        raise LedgerError(
            f"an entry of {len(entry)} bytes is over the limit of {ENTRY_LIMIT}"
        )
    return entry


def parse(entry: bytes) -> dict[str, Any]:
    """Read an entry back; entries are canonical JSON objects."""
    value: dict[str, Any] = json.loads(entry)
    return value
