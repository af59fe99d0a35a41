"""A recogniser finds names that are in no directory, on few rows."""

from collections.abc import Sequence

import pytest
from small_files import KEY, NAMES

from assent.errors import UsageError
from assent.redact.bulk import Batch, Work
from assent.redact.recogniser import open_recogniser
from assent.redact.redactor import Redactor, Settings
from assent.redact.spans import Kind
from assent.terms import Style

PEOPLE = "I met Michael Johnson in Berlin, and wrote to a@b.example."


class Everything:
    """Takes each word for a name, and keeps what it was asked about."""

    identity = "everything"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Find each word."""
        self.asked += texts
        found = []
        for text in texts:
            at, spans = 0, []
            for word in text.split(" "):
                spans.append((at, at + len(word)))
                at += len(word) + 1
            found.append(spans)
        return found


def named(texts: list[str], style: Style = Style.PLACEHOLDER) -> list[tuple[str, dict]]:
    settings = Settings(style, KEY)
    redactor = Redactor(NAMES, settings, recogniser=Everything())
    found = redactor.redact(texts, documents=["document"] * len(texts))
    return [(each.text, dict(each.counts)) for each in found]


def test_what_is_replaced_already_is_left_alone():
    [(text, counts)] = named(["Anna Lee met Michael"])

    assert text == "[name] [name] [name]"
    assert counts == {Kind.NAME: 3}


def test_names_that_are_found_twice_are_one_pseudonym():
    [(text, _)] = named(["Michael Michael"], Style.CORPUS)

    first, second = text.split()
    assert first == second
    assert first.startswith("[name-")


def test_rows_that_can_hold_no_name_are_not_asked_about():
    recogniser = Everything()
    texts = ["so it goes on", "Michael Johnson", "", "Anna Lee"]

    Redactor(NAMES, recogniser=recogniser).redact(texts)

    assert recogniser.asked == ["Michael Johnson"]


def test_the_recogniser_that_is_shipped_finds_names_in_a_batch():
    batch = Batch(2, [PEOPLE, "nobody is here"], [0, 1], None)

    outcome = Work(NAMES, Settings(recogniser="person")).on(batch)

    assert outcome.changed == {0: "I met [name] in Berlin, and wrote to [email]."}
    assert outcome.tally.found == {Kind.NAME: 1, Kind.EMAIL: 1}
    assert outcome.tally.removed == len("Michael Johnson") + len("a@b.example")


def test_a_recogniser_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="no recogniser `nobody`"):
        open_recogniser("nobody")
