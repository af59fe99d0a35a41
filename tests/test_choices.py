"""Simulated choices: seeded, labelled, and such that the ledger takes them."""

from collections import Counter, defaultdict

import pytest

from assent.demo.choices import (
    END,
    ENROLLED_AT,
    FIRST_SERVED,
    RECIPIENTS,
    SECOND_SERVED,
    simulate_choices,
)
from assent.errors import UsageError
from assent.ledger.records import check_event
from assent.terms import DAY, SUBJECT_EVENTS, Event, EventKind

NOTICES = {"2024-09-18": "a" * 64, "2025-09-18": "b" * 64}
MANY = [f"m{number:05d}" for number in range(20_000)]
TRAINING = 1_762_128_000_000_000  # 2025-11-03, microseconds UTC


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return simulate_choices(MANY, 7, NOTICES)


def share(events: list[Event], kind: EventKind, low: int = 0, high: int = END) -> float:
    """Subjects with such an event, of all."""
    found = {
        e.subject_id for e in events if e.kind is kind and low <= e.happened_at < high
    }
    return len(found) / len(MANY)


def test_the_same_seed_makes_the_same_choices_and_another_seed_makes_others():
    first = simulate_choices(MANY[:500], 7, NOTICES)

    assert first == simulate_choices(MANY[:500], 7, NOTICES)
    assert first != simulate_choices(MANY[:500], 8, NOTICES)


def test_one_more_subject_changes_nobody_elses_choices():
    few = simulate_choices(MANY[:300], 7, NOTICES)
    more = simulate_choices([*reversed(MANY[:300]), "new"], 7, NOTICES)

    assert [event for event in more if event.subject_id != "new"] == few


def test_the_ledger_takes_every_event_on_its_own_day(events):
    for event in events:
        check_event(event, recorded_at=event.happened_at)

    assert {event.kind for event in events} <= SUBJECT_EVENTS


def test_every_event_says_that_it_is_simulated(events):
    assert all(event.detail["simulated"] is True for event in events)
    assert all(event.detail["channel"] for event in events)
    assert all(event.detail["language"] == "en" for event in events)
    assert {event.actor for event in events} == {"subject", "operator"}


def test_events_come_in_the_order_of_time_and_end_before_training_starts(events):
    times = [event.happened_at for event in events]

    assert times == sorted(times)
    assert times[0] == ENROLLED_AT
    assert times[-1] < END < TRAINING


def test_everybody_is_enrolled_once_and_first(events):
    first = {}
    for event in events:
        first.setdefault(event.subject_id, event.kind)

    assert set(first) == set(MANY)
    assert set(first.values()) == {EventKind.ENROLLED}
    assert Counter(e.kind for e in events)[EventKind.ENROLLED] == len(MANY)


def test_the_shares_are_those_that_the_docstring_says(events):
    served = EventKind.NOTICE_SERVED
    toggled = {
        e.subject_id for e in events if ENROLLED_AT < e.happened_at < FIRST_SERVED[0]
        and e.kind in (EventKind.REFUSED, EventKind.WITHDRAWN)
    }  # fmt: skip
    after = (FIRST_SERVED[0], SECOND_SERVED[0])

    assert len(toggled) / len(MANY) == pytest.approx(0.04, abs=0.006)
    assert share(events, served, *FIRST_SERVED) == pytest.approx(0.93, abs=0.01)
    assert share(events, served, SECOND_SERVED[0]) == pytest.approx(0.95, abs=0.01)
    assert share(events, EventKind.REFUSED, *after) == pytest.approx(0.11, abs=0.01)
    assert share(events, EventKind.GIVEN, *after) == pytest.approx(0.028, abs=0.005)
    assert share(events, EventKind.OBJECTED) == pytest.approx(0.02, abs=0.005)
    assert share(events, EventKind.RESTRICTED) == pytest.approx(0.01, abs=0.004)


def test_some_are_served_the_second_notice_too_late_for_the_training(events):
    times = [
        e.happened_at
        for e in events
        if e.kind is EventKind.NOTICE_SERVED and e.notice == NOTICES["2025-09-18"]
    ]
    late = sum(time > TRAINING - 45 * DAY for time in times)

    assert 0.2 < late / len(times) < 0.3


def test_a_choice_under_a_notice_follows_the_serving_of_that_notice(events):
    seen = defaultdict(set)
    for event in events:
        if event.kind is EventKind.NOTICE_SERVED:
            seen[event.subject_id].add(event.notice)
        elif event.notice is not None:
            assert event.notice in seen[event.subject_id]


def test_nothing_is_lifted_before_it_was_said(events):
    said = set()
    for event in events:
        said.add((event.subject_id, event.kind))
        if event.kind is EventKind.OBJECTION_LIFTED:
            assert (event.subject_id, EventKind.OBJECTED) in said
        if event.kind is EventKind.RESTRICTION_LIFTED:
            assert (event.subject_id, EventKind.RESTRICTED) in said


def test_a_lifting_covers_what_it_lifts(events):
    objected = {}
    for event in events:
        scope = (event.purpose, event.recipient, event.category)
        if event.kind is EventKind.OBJECTED:
            objected[event.subject_id] = scope
        if event.kind is EventKind.OBJECTION_LIFTED:
            assert scope == objected[event.subject_id]


def test_some_consents_have_ended_and_some_are_taken_back(events):
    given = [event for event in events if event.kind is EventKind.GIVEN]
    ended = [e for e in given if e.valid_until is not None and e.valid_until < TRAINING]
    back = {e.subject_id for e in events if e.kind is EventKind.WITHDRAWN}

    assert 0 < len(ended) < len(given) / 3
    assert back & {event.subject_id for event in given}


def test_scopes_are_mostly_every_use_and_sometimes_one_category_or_recipient(events):
    kinds = (EventKind.REFUSED, EventKind.OBJECTED)
    said = [event for event in events if event.kind in kinds]
    narrow = [e for e in said if e.category != "*" or e.recipient != "*"]

    assert {event.purpose for event in said} == {"*", "train.generative"}
    assert {event.recipient for event in narrow} == {"*", *RECIPIENTS}
    assert 0.1 < len(narrow) / len(said) < 0.2


def test_nobody_makes_no_events():
    assert simulate_choices([], 7, NOTICES) == []


def test_a_missing_notice_or_a_subject_named_twice_is_refused():
    with pytest.raises(UsageError, match="2025-09-18"):
        simulate_choices(["a"], 7, {"2024-09-18": "a" * 64})
    with pytest.raises(UsageError, match="twice"):
        simulate_choices(["a", "a"], 7, NOTICES)
