from collections.abc import Iterator

import pytest
from scoring import Labelled, Score, found_in, part_of, score

from assent.redact.interval import share
from assent.redact.spans import Kind, Span

TEXT = Labelled("call 12-34, 99 or 56", 0, ((5, 10, "PHONE_NUMBER"), (18, 20, "AGE")))


def test_a_label_counts_as_found_when_each_letter_and_digit_is_covered() -> None:
    def recall(*spans: Span) -> float | None:
        return score([TEXT], [spans], Kind.PHONE).recall.value

    assert recall(Span(5, 10, Kind.PHONE)) == 1
    assert recall(Span(5, 7, Kind.PHONE), Span(8, 10, Kind.CARD)) == 1
    assert recall(Span(5, 9, Kind.PHONE)) == 0
    assert recall() == 0


def test_a_span_is_right_when_half_of_it_is_labelled() -> None:
    spans = [
        Span(5, 10, Kind.PHONE),
        Span(12, 14, Kind.PHONE),
        Span(18, 20, Kind.PHONE),
    ]
    measured = score([TEXT], [spans], Kind.PHONE)

    assert measured == Score(share(1, 1), share(2, 3), share(1, 3))


def test_spans_of_many_texts_go_back_to_their_own() -> None:
    def ones(text: str) -> Iterator[tuple[int, int, Kind]]:
        return ((at, at + 1, Kind.ID) for at, c in enumerate(text) if c == "1")

    assert found_in(ones, ["", "1", "010"]) == [
        [],
        [Span(0, 1, Kind.ID)],
        [Span(1, 2, Kind.ID)],
    ]
    with pytest.raises(AssertionError, match="leaves its text"):
        found_in(lambda text: [(0, len(text), Kind.ID)], ["a", "b"])


def test_the_split_is_fixed_and_about_even() -> None:
    sides = [part_of(template) for template in range(1000)]

    assert 450 < sides.count("development") < 550
    assert [part_of(template) for template in range(4)] == [
        *("development", "development", "held-out", "held-out")
    ]
