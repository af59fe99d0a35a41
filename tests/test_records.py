"""Private bodies are written fast, and exactly as RFC 8785 wants."""

import random

import pytest

from assent.canon import canonical
from assent.ledger.records import JSON_LIMIT, body_bytes, event_body
from assent.terms import Event, EventKind

TEXTS = ["", "web", 'a"b\\c', "\x00\x1f\x7f\n\t", "ä\u2028\ud7ff", "\U0001f600", "</s>"]
KEYS = ["channel", "a b", 'k"', "\n", "\x7f", "é", "\ue000", "\U0001f600", ""]
VALUES = [*TEXTS, None, True, 7, -1.5, 1e21, [1, "x", None], {"b": 1, "a": "é"}]


def test_a_body_is_the_canonical_json_of_what_the_event_says():
    rng = random.Random(5)
    for _ in range(3_000):
        keys = rng.sample(KEYS, rng.randrange(5))
        event = Event(
            rng.choice([EventKind.GIVEN, EventKind.WITHDRAWN]),
            rng.choice([0, -5, JSON_LIMIT - 1]),
            rng.choice(TEXTS),
            notice=rng.choice([None, "ab"]),
            valid_until=rng.choice([None, 3]),
            actor=rng.choice(TEXTS),
            detail={key: rng.choice(VALUES) for key in keys},
        )
        assert body_bytes(event) == canonical(event_body(event))


@pytest.mark.parametrize(
    "event",
    [
        Event(EventKind.GIVEN, JSON_LIMIT, "u"),
        Event(EventKind.GIVEN, 1, "u", detail={"n": JSON_LIMIT}),
        Event(EventKind.GIVEN, 1, "u", detail={"t": "\ud800"}),
        Event(EventKind.GIVEN, 1, "\ud800"),
    ],
)
def test_what_is_no_canonical_json_has_no_body(event):
    with pytest.raises(ValueError, match="safe integer|surrogates|codepoints"):
        body_bytes(event)
