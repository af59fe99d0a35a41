"""The glossary in code cannot contradict itself, and a time names one instant."""

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import Error, UsageError
from assent.terms import (
    CHOICES,
    DAY,
    GAPS,
    PROVED,
    SUBJECT_EVENTS,
    Basis,
    Decision,
    Event,
    EventKind,
    Reason,
    instant,
    iso,
    micros,
    parse_time,
)

TIMES = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)


@pytest.mark.parametrize("reason", Reason)
def test_only_consent_and_legitimate_interests_allow(reason):
    decision = Decision("d1", "ana", reason)

    assert decision.allowed == (reason in ("consented", "legitimate_interests"))


def test_what_an_operator_did_by_default_is_no_proof():
    assert Reason.UNSAFE_DEFAULT_ON not in PROVED
    assert {str(Basis.CONSENT), str(Basis.LEGITIMATE_INTERESTS)} == set(Basis) - {
        Basis.UNSAFE_DEFAULT_ON
    }


def test_the_permitting_reasons_stand_before_every_denial():
    assert set(list(Reason)[:3]) == PROVED | {Reason.UNSAFE_DEFAULT_ON}


def test_a_gap_is_a_denial():
    assert GAPS.isdisjoint(PROVED)
    assert {Reason.NO_RECORD, Reason.NO_POLICY, Reason.SUBJECT_UNKNOWN} <= GAPS
    refusals = {Reason.WITHDRAWN, Reason.OBJECTED, Reason.REFUSED, Reason.RESTRICTED}
    assert refusals & GAPS == set()


def test_choices_are_events_of_one_subject_and_orders_are_not():
    assert CHOICES < SUBJECT_EVENTS
    assert EventKind.SUSPENSION_ORDERED not in SUBJECT_EVENTS
    assert len(SUBJECT_EVENTS) == 12
    assert len(EventKind) - len(SUBJECT_EVENTS) == 14
    assert EventKind.OBJECTOR_REGISTERED not in SUBJECT_EVENTS


def test_no_two_kinds_or_reasons_are_spelled_alike():
    for words in (list(EventKind), list(Reason), list(Basis)):
        assert len(set(words)) == len(words)
        assert all(word == word.lower() and " " not in word for word in words)


@pytest.mark.parametrize(
    "value",
    [Decision("d", "ana", Reason.NEVER), Event(EventKind.GIVEN, 0, "ana")],
)
def test_what_was_said_and_decided_is_frozen(value):
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)
    assert not hasattr(value, "__dict__")


def test_two_events_do_not_share_their_evidence():
    first, second = (Event(EventKind.GIVEN, 0, "ana") for _ in range(2))
    first.detail["channel"] = "web"

    assert second.detail == {}


def test_an_event_that_names_no_scope_covers_everything():
    event = Event(EventKind.WITHDRAWN, 5, "ana")

    assert (event.purpose, event.recipient, event.category) == ("*", "*", "*")
    assert (event.notice, event.valid_until, event.actor) == (None, None, "subject")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.000001+00:00", 1),
        ("2025-11-03T00:00:00Z", 1_762_128_000_000_000),
    ],
)
def test_a_time_is_read_as_microseconds_utc(text, time):
    assert parse_time(text) == time


@pytest.mark.parametrize(
    "text",
    ["", "now", "2025-11-03", "2025-11-03T00:00:00", "2025-13-03T00:00:00Z", "0"],
)
def test_what_names_no_instant_is_refused(text):
    with pytest.raises(UsageError, match="is no instant, wanted ISO 8601") as caught:
        parse_time(text)

    assert caught.value.hint


def test_an_instant_without_a_zone_names_none():
    with pytest.raises(ValueError, match="time zone"):
        micros(datetime(2025, 11, 3))


@given(TIMES)
def test_a_time_is_written_and_read_back(time):
    assert micros(instant(time)) == time
    assert parse_time(iso(time)) == time
    assert iso(time).endswith("Z")


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_the_zone_in_which_it_was_said_does_not_matter(local, minutes):
    zone = timezone(timedelta(minutes=minutes))
    said = local.replace(tzinfo=zone)
    offset = minutes * 60 * 1_000_000

    assert micros(said) == micros(local.replace(tzinfo=UTC)) - offset


def subclasses(kind):
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def test_the_error_tree_is_small_and_says_how_a_command_ends():
    ours = [each for each in subclasses(Error) if each.__module__ == "assent.errors"]
    codes = {each.__name__: each.exit_code for each in ours}

    assert len(codes) == 8
    assert {name for name, code in codes.items() if code == 1} == {
        "DeniedError",
        "ProofError",
    }
    assert set(codes.values()) == {1, 2}


def test_an_error_keeps_its_sentence_and_its_hint():
    error = UsageError("no such thing", hint="name another")

    assert (str(error), error.message, error.hint) == (
        "no such thing", "no such thing", "name another",
    )  # fmt: skip
    assert UsageError("alone").hint == ""
