"""Simulated choices: what members might have said, on the dates of a real case.

No real export brings consent records. These are drawn, and every event says so in its
detail: `{"simulated": true}`. The shares are assumptions, not measurements of people.
A subject's events follow from the seed and the subject's id alone, so that one more
subject changes nobody else's.
"""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

from assent.errors import UsageError
from assent.terms import DAY, Event, EventKind, micros


def _day(year: int, month: int, day: int) -> int:
    return micros(datetime(year, month, day, tzinfo=UTC))


ENROLLED_AT = _day(2024, 8, 1)
FIRST_NOTICE, SECOND_NOTICE = "2024-09-18", "2025-09-18"
FIRST_SERVED = (_day(2024, 9, 18), _day(2024, 9, 30))
# Most are served on the first day. Whoever is served later than 2025-09-19T00:00Z has
# had less than 45 days on 2025-11-03.
SECOND_SERVED = (_day(2025, 9, 18), _day(2025, 9, 19))
SECOND_LATE = (_day(2025, 9, 19), _day(2025, 10, 20))
END = _day(2025, 11, 1)

WHOLE = ("*", "train.generative")
CATEGORIES = ("post", "comment", "profile", "group_message")
RECIPIENTS = ("linkedin-corporation", "linkedin-ireland", "microsoft")
CHANNELS = ("settings", "app", "support")


class Scope(NamedTuple):
    """Which uses a choice speaks of."""

    purpose: str = "*"
    recipient: str = "*"
    category: str = "*"


EVERYTHING = Scope()


def simulate_choices(
    subject_ids: Sequence[str], seed: int, notices: Mapping[str, str]
) -> list[Event]:
    """Draw what each subject was shown and chose, from 2024-08-01 to 2025-11-01.

    Everybody is enrolled; 4 in 100 find the setting before any notice and say no; 93
    and 95 in 100 are served the two notices. Of those, 12 in 100 refuse and 3 consent
    after the first; 10 refuse and 1 consents after the second, when some consents are
    taken back. 2 in 100 object by form, 1 in 100 restricts.

    Args:
        subject_ids: distinct; the order does not matter.
        seed: another seed, other choices.
        notices: `2024-09-18` and `2025-09-18` -> sha256 of the text, hexadecimal.

    Returns:
        The events by happened_at, then subject_id; each could be recorded on its day.

    Raises:
        UsageError: a notice is missing, or a subject stands twice.
    """
    missing = {FIRST_NOTICE, SECOND_NOTICE} - notices.keys()
    if missing:
        raise UsageError(
            f"no notice is named for {', '.join(sorted(missing))}, wanted its sha256"
        )
    if len(set(subject_ids)) != len(subject_ids):
        raise UsageError("a subject stands twice, wanted each id once")
    events = [
        event
        for subject_id in subject_ids
        for event in _story(_Voice(subject_id, seed), notices)
    ]
    # Sorting is stable: one subject's events of one instant keep their order.
    return sorted(events, key=lambda event: (event.happened_at, event.subject_id or ""))


class _Voice:
    """One subject's own source of chance, and events in the subject's name."""

    def __init__(self, subject_id: str, seed: int) -> None:
        label = f"assent/simulated-choices/{seed}/{subject_id}"
        key = hashlib.sha256(label.encode("utf-8", "surrogatepass")).digest()
        self.rng = Random(int.from_bytes(key, "big"))
        self.subject_id = subject_id

    def happens(self, share: float) -> bool:
        return self.rng.random() < share

    def time(self, start: int, end: int) -> int:
        """Draw microseconds UTC from start (inclusive) to end (exclusive)."""
        return self.rng.randrange(start, max(end, start + 1))

    def scope(self) -> Scope:
        """Draw a scope: mostly every use, sometimes one category or one recipient."""
        draw = self.rng.random()
        purpose = self.rng.choice(WHOLE)
        if draw < 0.08:
            return Scope(purpose, category=self.rng.choice(CATEGORIES))
        if draw < 0.15:
            return Scope(purpose, recipient=self.rng.choice(RECIPIENTS))
        return Scope(purpose)

    def event(
        self,
        kind: EventKind,
        happened_at: int,
        scope: Scope = EVERYTHING,
        notice: str | None = None,
        valid_until: int | None = None,
        channel: str = "",
    ) -> Event:
        by_operator = kind in (EventKind.ENROLLED, EventKind.NOTICE_SERVED)
        return Event(
            kind=kind,
            happened_at=happened_at,
            subject_id=self.subject_id,
            purpose=scope.purpose,
            recipient=scope.recipient,
            category=scope.category,
            notice=notice,
            valid_until=valid_until,
            actor="operator" if by_operator else "subject",
            detail={
                "simulated": True,
                "channel": channel or self.rng.choice(CHANNELS),
                "language": "en",
            },
        )


def _story(voice: _Voice, notices: Mapping[str, str]) -> Iterator[Event]:
    """Tell one subject's two years: the setting, two notices, forms."""
    yield voice.event(EventKind.ENROLLED, ENROLLED_AT, channel="import")
    yield from _before_any_notice(voice)
    consent = yield from _after_first(voice, notices[FIRST_NOTICE])
    yield from _after_second(voice, notices[SECOND_NOTICE], consent)
    yield from _forms(voice)


def _before_any_notice(voice: _Voice) -> Iterator[Event]:
    if voice.happens(0.04):
        kind = voice.rng.choice((EventKind.REFUSED, EventKind.WITHDRAWN))
        time = voice.time(ENROLLED_AT + DAY, FIRST_SERVED[0])
        yield voice.event(kind, time, voice.scope(), channel="settings")


def _after_first(voice: _Voice, notice: str) -> Generator[Event, None, Scope | None]:
    """Serve the first notice; returns the scope of a consent, if one was given."""
    if not voice.happens(0.93):
        return None
    served = voice.time(*FIRST_SERVED)
    yield voice.event(EventKind.NOTICE_SERVED, served, notice=notice, channel="email")
    draw = voice.rng.random()
    if draw < 0.12:
        time = voice.time(served, served + 180 * DAY)
        yield voice.event(EventKind.REFUSED, time, voice.scope(), notice=notice)
    elif draw < 0.15:
        time, scope = voice.time(served, served + 40 * DAY), voice.scope()
        # Some consents end in the summer of 2025 and are not renewed.
        until = time + 300 * DAY if voice.happens(0.2) else None
        yield voice.event(EventKind.GIVEN, time, scope, notice, until)
        return scope
    return None


def _after_second(voice: _Voice, notice: str, consent: Scope | None) -> Iterator[Event]:
    served = SECOND_SERVED[0]
    if voice.happens(0.95):
        served = voice.time(*(SECOND_LATE if voice.happens(0.25) else SECOND_SERVED))
        yield voice.event(
            EventKind.NOTICE_SERVED, served, notice=notice, channel="email"
        )
        if voice.happens(0.10):
            time = voice.time(served, END)
            yield voice.event(EventKind.REFUSED, time, voice.scope(), notice=notice)
        elif voice.happens(0.01):
            time = voice.time(served, END)
            yield voice.event(EventKind.GIVEN, time, voice.scope(), notice)
    if consent is not None and voice.happens(0.25):
        yield voice.event(EventKind.WITHDRAWN, voice.time(served, END), consent)


def _forms(voice: _Voice) -> Iterator[Event]:
    """Object or restrict by form at any time; some take it back later."""
    if voice.happens(0.02):
        time, scope = voice.time(ENROLLED_AT + DAY, END), voice.scope()
        yield voice.event(EventKind.OBJECTED, time, scope, channel="form")
        if voice.happens(0.2):
            lifted = voice.time(time + 1, END)
            yield voice.event(EventKind.OBJECTION_LIFTED, lifted, scope, channel="form")
    if voice.happens(0.01):
        time = voice.time(ENROLLED_AT + DAY, END)
        yield voice.event(EventKind.RESTRICTED, time, channel="form")
        if voice.happens(0.5):
            lifted = voice.time(time + 1, END)
            yield voice.event(EventKind.RESTRICTION_LIFTED, lifted, channel="form")
