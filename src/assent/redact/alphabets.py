"""Letters said as words: `mike alfa romeo`, `Theodor Ida Ludwig`, `m as in mother`."""

import re
from collections.abc import Iterator

from assent.redact import number_words
from assent.redact.rewriting import Replacement, View


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ALPHABETS = (
    _set(  # NATO
        "alfa alpha bravo charlie delta echo foxtrot golf hotel india juliet juliett"
        " kilo lima mike november oscar papa quebec romeo sierra tango uniform victor"
        " whiskey whisky xray yankee zulu"
    ),
    _set(  # German
        "anton berta casar dora emil friedrich gustav heinrich ida julius kaufmann"
        " konrad ludwig martha nordpol otto paula quelle richard samuel siegfried"
        " theodor ulrich viktor wilhelm xanthippe ypsilon zacharias zeppelin"
    ),
    _set(  # French
        "anatole berthe celestin desire eugene francois gaston henri irma joseph kleber"
        " louis marcel nicolas oscar pierre quintal raoul suzanne therese ursule victor"
        " william xavier yvonne zoe"
    ),
    _set(  # Italian
        "ancona bologna como domodossola empoli firenze genova hotel imola jolly"
        " kursaal livorno milano napoli otranto palermo quarto roma savona torino udine"
        " venezia washington york zara"
    ),
)
_KNOWN = frozenset().union(*_ALPHABETS)
FIRST = "|".join(sorted(_ALPHABETS[0]))
"""For a pattern: words of the alphabet in which accounts are said."""

_RUN = re.compile(r"(?<![\w-])[a-z]{3,10}(?:(?:[ -]|, )[a-z]{3,10}(?![\w]))+", re.I)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_AS_IN = re.compile(
    r"(?<![\w.-])(?:[a-z],? (?:as in|for|like|wie|comme|come|come in) [a-z]{2,14}"
    r"(?:, (?:and )?| |(?=$))){2,}",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"\b([a-z]),? (?:as|for|like|wie|comme|come)(?: in)? ([a-z])", re.I
)
_FEWEST = 3
_ACCOUNT = re.compile(
    rf"(?<![\w-])({FIRST})[ ,-]{{1,2}}({FIRST})[ ,-]{{1,2}}"
    rf"({number_words.UNITS}|[0-9])[ ,-]{{0,2}}({number_words.UNITS}|[0-9])"
    r",?(?= [0-9a-z])",
    re.IGNORECASE,
)


def letters(view: View) -> View:
    """Put letters for the words that stand for them, three or more in a row."""
    words = {word.lower() for word in _WORD.findall(view.text)}
    if len(words & _KNOWN) > 1:
        view = view.rewritten(_ACCOUNT, _as_account)
        view = view.replaced(
            each for run in _RUN.finditer(view.text) for each in _spelled(run)
        )
    if " as in " in view.text or " wie " in view.text or " for " in view.text:
        view = view.rewritten(_AS_IN, _as_in)
    return view


def _as_account(found: re.Match[str]) -> str:
    """Write the country and the check digits of an account."""
    digits = (
        each
        if each.isdecimal()
        else str(min(number_words.NUMBERS[each.lower()].values()))
        for each in found.group(3, 4)
    )
    return (found[1][0] + found[2][0]).upper() + "".join(digits)


def _spelled(run: re.Match[str]) -> Iterator[Replacement]:
    """List stretches of a run of words that are all of one alphabet."""
    stretch: list[re.Match[str]] = []
    among: tuple[frozenset[str], ...] = _ALPHABETS
    for word in _WORD.finditer(run.string, *run.span()):
        name = word.group().lower()
        kept = tuple(each for each in among if name in each)
        if not kept:
            yield from _as_letters(stretch)
            stretch = []
            kept = tuple(each for each in _ALPHABETS if name in each)
        if kept:
            stretch.append(word)
        among = kept or _ALPHABETS
    yield from _as_letters(stretch)


def _as_letters(stretch: list[re.Match[str]]) -> Iterator[Replacement]:
    if len(stretch) >= _FEWEST:
        letters = "".join(word.group()[0].lower() for word in stretch)
        yield stretch[0].start(), stretch[-1].end(), letters


def _as_in(found: re.Match[str]) -> str | None:
    pairs = _LETTER.findall(found.group())
    if any(letter.lower() != first.lower() for letter, first in pairs):
        return None
    end = " " if found.group().endswith(" ") else ""
    return "".join(letter for letter, _ in pairs) + end
