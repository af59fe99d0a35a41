"""What is asked to save a search holds wherever the search finds something."""

from pathlib import Path

import pytest
from disguise_scoring import read

from assent.redact import disguise_words, rewriting, spelled
from assent.redact.fold import fold
from assent.redact.rewriting import AT, AnyCase

LISTS = Path(__file__).parent / "disguised"
LISTED = [fold([row["text"]]).text for row in read(LISTS / "development.jsonl")]
WORDS = ["@", ".", "dot", "at", "AT", "point", "full stop", "chez", "klammeraffe", "점"]
SIGNS = [
    *(f"anna {opening}{word}{closing} example" for word in WORDS
      for opening, closing in zip(
          disguise_words.OPENING, disguise_words.CLOSING, strict=True)),
    *(f"anna {opening} {word} {closing}example" for word in WORDS
      for opening, closing in [("((", "))"), ("-->", "<--"), ("'+", "+'"), ("(", ")")]),
    *("anna (followed by @", "anna(dot com)", "example.dot.com", "a...at...example"),
    *("x[/]y", "x[:]y", "anna\\@example", "anna@@example", "x[.y", "x.]y", "x\\.y"),
]  # fmt: skip
FILLED = [
    *(f"{AT}{filler}example" for filler in ("nospam-", "(no spam) ", "[remove this]")),
    *(f"[{filler}]@" for filler in ("NOSPAM", "without-spam", "quita esto")),
]
NUMBERS = [
    *("tel0639981234", "mail+3363998123", "x202-555-0188", "*31 202-555-0188"),
    *("202-555-0188x", "555-0188, area code 202", "DE89-3704-0044-0532-0130-00"),
    *("de89 dash 3704 dash 0044 dash 0532", "a b c", "a-b-c", "1.2.3.4.5.6.7"),
    *("06_39 98", "06 – 39", "06](39", "202) (555", "+1 202 555 0188 # 12"),
]
ASKED = [
    (rewriting._MAY_BE_SIGN, rewriting._SIGNS),
    (rewriting._MAY_BE_FILLER, rewriting._FILLERS),
    (rewriting._TWO, rewriting._APART),
    (rewriting._BETWEEN, rewriting._HYPHENED),
    (spelled._MAY_BE_GLUED, spelled._GLUED),
    (spelled._COUNTRY, spelled._ACCOUNT),
    (spelled._WORD_BETWEEN, spelled._ACCOUNT_IN_WORDS),
    (spelled._IS_ODD, spelled._ODD),
]


@pytest.mark.parametrize(("asked", "pattern"), ASKED)
def test_what_a_search_finds_is_never_denied_before(asked, pattern):
    found = [
        text for text in [*LISTED, *SIGNS, *FILLED, *NUMBERS] if pattern.search(text)
    ]

    assert found
    assert [text for text in found if next(asked.finditer(text), None) is None] == []


@pytest.mark.parametrize(
    "text", ["Anna AT example", "anna at example", "Анна AT пример"]
)
def test_any_case_is_found_in_any_text(text):
    [found] = AnyCase(" at ").finditer(text)

    assert text[slice(*found.span())].lower() == " at "
