"""Plausible: whether letters that are somebody's stand there as a name.

The directory's names have words in them (`Will Power`), so what stands between the
words, their capitals, and the lists of common words decide: another order or another
sign between them counts where they are written as names, or where one of them is no
common word of English. So `power will` stays, and `Power, Will` goes.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from assent.redact.common import is_common, listed
from assent.redact.forms import Form
from assent.redact.spans import BARRIER, of_word

JOINED = 8
"""Letters of a name in one word. Shorter ones are words too often."""
UNMARKED = 9
"""The same where no capital, sign or digit says that the word is a name."""


class Reading(Enum):
    """How a run was read."""

    WORDS = "words"
    MORE = "a word, an initial, a nickname or a tag more in the middle"
    BROKEN = "a hyphen in a word"
    APART = "each letter for itself"
    JOINED = "one word"
    INITIALS = "initials and a family name"
    GUESSED = "two words of which one may stand for another"
    LOGIN = "the same in small letters, with a sign between"


class Piece(NamedTuple):
    """A word, or a part of it: `[start, end)` in the text."""

    start: int
    end: int


class _Run(NamedTuple):
    """A run as the rules see it.

    Args:
        words: of the name.
        gaps: between all pieces.
        middle: from the first word of the name to its second.
        behind: gaps after that.
        text: in which it stands.
        start: of the run.
        stop: after it, and after the digits behind it.
        digits: there are some.
        forms: that its letters have.
        turned: the words of the name stand in another order than its own.
    """

    words: Sequence[str]
    gaps: Sequence[str]
    middle: str
    behind: Sequence[str]
    text: str
    start: int
    stop: int
    digits: bool
    forms: Form
    turned: bool


# Between the words of a name in its own order: up to five signs, but no end of a part
# of a sentence, no list, no address; a break only as text is wrapped.
_FORWARD = re.compile(r"(?![^\n]*[.!?:][ \n])(?:_|[^\w\0\n,;@#=<>]){1,5}|-?\n(?:> ?)?")
_TURNED = re.compile(r"[ _.]|, ?")
_INITIALS = re.compile(r"\.? ?-?")
_CUT_SHORT = frozenset(["v", "d", "vd", "z", "t", "st", "ste", "wm"])
_WHOLE = Form.FORWARD | Form.TURNED
_BORN = frozenset(["nee", "geb", "geborene", "born", "nato", "nata"])
"""Stands before the name that somebody was born with."""
INITIALS = 2
"""Initials that are written in one: `CP Scottman`."""
_RARE = 5
"""Letters of a family name that may stand beside initials."""
_FEW = 4
"""Family names of the classes 4 and up of 7 are rare."""
_UNUSUAL = 6
"""English words of the classes 6 and 7 of 7 are hardly met, and names more often."""
_FEWER = 3
"""The same where there are two initials."""
_BROKEN = re.compile(r"[ \n]|-[ \n]")
_APART = re.compile(r"(?:[ .\-*~/|] ?){1,2}")
_INITIAL = re.compile(r" (?:[^\W\d_](?:\. ?|[ -]))+")
_NICKNAME = re.compile(
    r" [\"'(«“„‘]{1,2}[^\W\d_]+(?:[ '-][^\W\d_]+){0,3}[\"')»”“’]{1,2} "
)
_TAGS = re.compile(r" ?(?:[<\[]/?[A-Za-z]{1,6}[>\]] ?)+")
_BEFORE = re.compile(r"(\0|[^\W\d_]+) $")
_AFTER = re.compile(r" (\0|[^\W\d_]+)")
_BESIDE = 32
_WORD = re.compile(r" ([^\W\d_]{2,})(?: [^\W\d_]{2,})? ")


def is_plausible(
    text: str,
    run: Sequence[Piece],
    offsets: Sequence[int],
    reading: Reading,
    forms: Form,
) -> int | None:
    """Say whether a run is written as a name.

    Args:
        text: folded.
        run: all pieces from the first to the last.
        offsets: which of them are the name's.
        reading: how the run was read.
        forms: that its letters have.

    Returns:
        Where the name ends; None if it is none.
    """
    start, end = run[0].start, run[-1].end
    if not forms or (of_word(text[start - 1]) and text[start - 1] != "_"):
        return None
    # Digits behind a name belong to it: the year of birth in a login.
    stop = end
    while text[stop].isdecimal():
        stop += 1
    if of_word(text[stop]) and text[stop] != "_":
        return None
    second = offsets[1] if len(offsets) > 1 else 0
    gaps = [text[a.end : b.start] for a, b in pairwise(run)]
    found = _Run(
        words=[text[run[each].start : run[each].end] for each in offsets],
        gaps=gaps,
        middle=text[run[0].end : run[second].start],
        behind=gaps[second:],
        text=text,
        start=start,
        stop=stop,
        digits=stop > end,
        forms=forms,
        turned=offsets[0] > 0,
    )
    return stop if _RULES[reading](found) else None


def _named(words: Sequence[str]) -> bool:
    """Say whether words are written as names, or hold one that is no common word.

    What is all in capitals says as little as what has none.
    """
    capitals = sum(not word[0].islower() for word in words)
    if capitals >= 2 and not all(map(str.isupper, words)):
        return True
    return not all(is_common(word.lower()) for word in words)


def _words(run: _Run) -> bool:
    if not _named(run.words):
        return False
    gaps = _without_dots(run)
    if Form.FORWARD in run.forms and all(map(_FORWARD.fullmatch, gaps)):
        return True
    return (
        Form.TURNED in run.forms
        and all(map(_TURNED.fullmatch, gaps))
        and sum("," in gap for gap in run.gaps) <= 1
        and not (" " in run.gaps and _goes_on(run))
    )


def _without_dots(run: _Run) -> list[str]:
    """List the gaps without the dots that cut a word short: `v. d. Berg`."""
    return [
        gap[1:] or " " if gap.startswith(".") and word.lower() in _CUT_SHORT else gap
        for word, gap in zip(run.words, run.gaps, strict=False)
    ]


def _goes_on(run: _Run) -> bool:
    """Say whether a name stands beside: in `Ben Berg Anna` nobody is turned round."""
    before = _BEFORE.search(run.text, max(0, run.start - _BESIDE), run.start)
    after = _AFTER.match(run.text, run.stop)
    # It may have been replaced already: what was left then has to be left again.
    return any(
        beside is not None
        and (beside[1] == BARRIER or beside[1][0].isupper() and _name_like(beside[1]))
        for beside in (before, after)
    )


def _more(run: _Run) -> bool:
    first, last = run.words[0], run.words[-1]
    if Form.FORWARD not in run.forms or first[0].islower() or last[0].islower():
        return False
    if any(gap != " " for gap in run.behind):
        return False
    if _INITIAL.fullmatch(run.middle):
        return run.middle.isupper()
    if _NICKNAME.fullmatch(run.middle) or _TAGS.fullmatch(run.middle):
        return True
    between = run.middle.split()
    return (
        _WORD.fullmatch(run.middle) is not None
        and all(each in _BORN or _name_like(each) for each in between)
        and not all(is_common(word.lower()) for word in run.words)
    )


def _name_like(word: str) -> bool:
    if word[0].islower():
        return False
    found = listed(word.lower())
    return bool(found.first_name or found.last_name) or not found.word


def _broken(run: _Run) -> bool:
    return (
        Form.FORWARD in run.forms
        and all(map(_BROKEN.fullmatch, run.gaps))
        and _named(run.words)
    )


def _apart(run: _Run) -> bool:
    whole = bool(run.forms & _WHOLE)
    return whole and all(map(_APART.fullmatch, run.gaps))


def _initials(run: _Run) -> bool:
    """Say whether initials stand beside a family name that few people have."""
    family = [word for word in run.words if len(word) > 1 and not _is_initials(word)]
    count = len(run.words) - len(family)
    gaps = [*reversed(run.gaps)] if run.turned else [*run.gaps]
    between, rest = gaps[:count], gaps[count:]
    several = count > 1 or max(map(len, run.words[:count])) > 1
    if run.turned:
        gap = between.pop()
        marked = several or "," in gap or run.text[run.stop] == "."
        if not marked or not _TURNED.fullmatch(gap):
            return False
    rare = _seldom if several else _rare
    return (
        Form.INITIALS in run.forms
        and all(map(_INITIALS.fullmatch, between))
        and all(gap in (" ", "-", "'") for gap in rest)
        and any(map(rare, family))
    )


def _login(run: _Run) -> bool:
    """Say whether what stands behind a few letters and a sign is a rare name."""
    return Form.INITIALS in run.forms and _rare(run.words[1])


def _is_initials(word: str) -> bool:
    return len(word) <= INITIALS and word.isupper()


def _rare(word: str) -> bool:
    """Say whether a word is a family name that hardly anybody has, and nothing else."""
    found = listed(word.lower())
    return (
        len(word) >= _RARE
        and not (found.first_name or found.place or 0 < found.word < _UNUSUAL)
        and (not found.last_name or found.last_name >= _FEW)
    )


def _seldom(word: str) -> bool:
    """The same beside two initials: few enough of them have the same two."""
    found = listed(word.lower())
    return (
        len(word) >= _RARE
        and not (found.first_name or found.place or is_common(word.lower()))
        and (not found.last_name or found.last_name >= _FEWER)
    )


def _guessed(run: _Run) -> bool:
    (gap,) = run.gaps
    if Form.FORWARD in run.forms and gap in (" ", "\n", "-"):
        return True
    return Form.TURNED in run.forms and gap in (" ", ", ")


def _joined(run: _Run) -> bool:
    (word,) = run.words
    if not run.forms & _WHOLE:
        return False
    before, after = run.text[run.start - 1], run.text[run.stop]
    if before == "_" or after == "_" or not word.isalpha():
        return False
    if any(a.islower() and b.isupper() for a, b in pairwise(word)):
        return True
    marked = before in "#@" or run.digits
    return (marked or len(word) >= UNMARKED) and not any(listed(word.lower()))


_RULES: dict[Reading, Callable[[_Run], bool]] = {
    Reading.WORDS: _words,
    Reading.MORE: _more,
    Reading.BROKEN: _broken,
    Reading.APART: _apart,
    Reading.JOINED: _joined,
    Reading.INITIALS: _initials,
    Reading.LOGIN: _login,
    Reading.GUESSED: _guessed,
}
