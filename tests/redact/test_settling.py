"""What is read again after a replacement, and that it is enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.redact import redactor
from assent.redact.directory import Directory
from assent.redact.redactor import Redactor
from assent.redact.settling import unsettled
from assent.redact.spans import Kind, Span

FAR = "some words that say nothing at all of anybody, and a few more of them. " * 6


def stretch(before: str, after: str) -> str | None:
    """What is read again once a link between them is replaced."""
    link = "https://example.org/anna"
    text = f"{before}{link}{after}"
    span = Span(len(before), len(before) + len(link), Kind.URL)
    left = f"{before}[url]{after}"
    found = unsettled(text, [span], left, ["[url]"])
    return None if found is None else left[found[0] : found[1]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see ", " there"),
        ("", ""),
        ("see (", "), there"),
        ("[this](", ") is"),
        ("see ", ".\n"),
        ("at ", ":~$ ls"),
        (f"6502530000 {FAR}", f" {FAR} 6502530000"),
        ("in 2024 ", " by 14:30"),
    ],
)
def test_nothing_is_read_again_where_nothing_can_show(before, after):
    assert stretch(before, after) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x", " y"),
        ("x ", ":8080 y"),
        ("call 650 253 0000 ", " now"),
        ("call ", " now: 6502530000"),
    ],
)
def test_a_short_text_is_read_again_whole(before, after):
    assert stretch(before, after) == f"{before}[url]{after}"


def test_of_a_long_text_only_the_lines_around_are_read_again():
    line = "a line of words without a number or a link in it, as most lines are\n"
    many = line * 50
    again = stretch(f"{many}mail", f"me\n{many}")
    assert again is not None
    assert "mail[url]me" in again
    assert len(again) < 20 * len(line)
    assert f"\n{again}\n" in f"{many}mail[url]me\n{many}"


def test_a_table_of_numbers_is_not_cut():
    table = "650 253 0000\n" * 50
    again = stretch(f"{FAR}\n{table}", f"x\n{table}{FAR}")
    assert again is not None
    assert again.count("650 253 0000") == 100


PIECES = st.sampled_from(
    [
        "tel ",
        "passport no ",
        "650 253 0000",
        "2530000",
        " 4111 1111 1111 1111",
        "12",
        "-",
    ]
    + ["https://a.example/b", "anna@example.org", "@anna_b", "192.0.2.7", "\n> no\n"]
    + [
        "Anna Lee",
        " ",
        "\n",
        "\n\n",
        ":",
        ")",
        "](",
        "IBAN ",
        "8 am",
        FAR[:80],
        "word ",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_it_is_as_good_as_to_read_the_whole_text_again(text):
    names = Redactor(Directory.of({Kind.NAME: ["Anna Lee"]}, bytes(32)))
    [quick] = names.redact([text])
    assert names.find([quick.text]) == [[]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            redactor, "unsettled", lambda text, spans, left, _: (0, len(left))
        )
        [whole] = names.redact([text])
    assert quick == whole
