"""Numbers whose digits stand apart by anything: `04;91.570.156`, `2😀0😀2`, `06x39x98`.

A chain is some groups of digits with signs or words between. Which of them are one
number is told by their lengths, by how odd the signs are, and by a word before.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from assent.redact import context, shapes
from assent.redact import disguise_words as words
from assent.redact.rewriting import Replacement
from assent.redact.spans import Kind
from assent.redact.vocabulary import Weight

BETWEEN = (
    "(?:and )?then|(?:and )?after that|(?:and )?finally|followed by"
    "|(?:and )?(?:finish|end)(?:ing|s)? (?:with|in)"
    f"|space|blank|leerzeichen|espace|espacio|{words.DASH}"
    f"|{words.SURE_DOT}|{words.SLASH}"
)
"""Words between groups of digits."""

_SIGNS = rf"(?:,? (?:{BETWEEN}),? |(?:[^\w\s\0]|[_ ー]){{1,5}})"
_CHAIN = re.compile(
    rf"[0-9](?<!\w[0-9])[0-9]{{0,7}}(?:{_SIGNS}[0-9]{{1,8}}){{2,18}}(?!\w)",
    re.IGNORECASE,
)
_STEP = re.compile(r"[0-9]+")
_GLUED = re.compile(
    r"[0-9](?<!\w[0-9])[0-9]{1,4}(?:[a-z]{1,6}[0-9]{2,4}){2,4}(?!\w)", re.IGNORECASE
)
_MOST_GROUPS = 20

_USUAL = frozenset((" ", "-", ".", "/", ")", ") ", " (", "(", ")-", "-("))
"""Signs inside a number that nobody disguised."""
_WEAK = frozenset(",;:|'-/.")
"""Signs between numbers of a list or a sum: more must show that they are one."""
_LISTED = frozenset(",;:|+'")
_AMERICAN = ((3, 3, 4), (1, 3, 3, 4))
_TRUNK_DIGITS = range(9, 12)
_ABROAD_DIGITS = range(10, 15)
_ANNOUNCED_DIGITS = range(7, 14)
_CARD_DIGITS = range(13, 20)
_CARD_GROUP = 4
_DIGITS = range(_ANNOUNCED_DIGITS.start, _CARD_DIGITS.stop)
_MOST_SIGNS = 2  # between single digits, and between groups of them
_BYTE = 255
_YEAR = re.compile(r"(?:19|20)[0-9]{2}$")


class _Group(NamedTuple):
    start: int
    end: int
    digits: str


def joints(text: str) -> Iterator[Replacement]:
    """List what stands between the digits of one number, and what to put there."""
    for chain in _CHAIN.finditer(text):
        groups = _groups(chain)
        at = 0
        while at < len(groups) - 2:
            size = _longest(text, groups[at:])
            if size:
                yield from _joined(groups[at : at + size])
            at += max(size, 1)
    for chain in _GLUED.finditer(text):
        groups = _groups(chain)
        if _glued(text, groups):
            yield from _joined(groups)


def _groups(chain: re.Match[str]) -> list[_Group]:
    steps = _STEP.finditer(chain.string, *chain.span())
    return [_Group(*step.span(), step.group()) for step in steps]


def _joined(groups: Sequence[_Group]) -> Iterator[Replacement]:
    single = all(len(group.digits) == 1 for group in groups)
    for before, after in zip(groups, groups[1:], strict=False):
        yield before.end, after.start, "" if single else "-"


def _longest(text: str, groups: Sequence[_Group]) -> int:
    """How many groups, from the first on, are one disguised number."""
    digits = [0, *accumulate(len(group.digits) for group in groups[:_MOST_GROUPS])]
    sizes = [
        size
        for size in range(len(digits) - 1, 2, -1)
        if digits[size] in (_TRUNK_DIGITS if digits[size] == size else _DIGITS)
    ]
    if not sizes:
        return 0
    signs = [
        text[before.end : after.start]
        for before, after in zip(groups, groups[1:], strict=False)
    ]
    if _USUAL.issuperset(signs) and digits[3] > 3:
        return 0
    start = groups[0].start
    cue = partial(_cue, text, start)  # the words before are seldom asked for
    abroad = "+" in text[max(0, start - 2) : start]
    for size in sizes:
        written = [group.digits for group in groups[:size]]
        if _fits(written, signs[: size - 1], cue, abroad):
            return size
    return 0


def _cue(text: str, start: int) -> Weight:
    hint = context.before(text, start)
    return hint.weight if hint.kind is Kind.PHONE else Weight.NOTHING


def _fits(
    written: list[str], signs: list[str], cue: Callable[[], Weight], abroad: bool
) -> bool:
    sizes = tuple(map(len, written))
    digits = "".join(written)
    single = set(sizes) == {1}
    if single and not set(signs) <= {" "}:
        return _single(digits, signs, cue, abroad)
    odd = [sign.strip() for sign in signs if sign not in _USUAL]
    extension = signs[-1].strip() == "#" and len(set(signs)) > 1
    if not odd or extension or _is_address(written):
        return False
    strong = not _WEAK.issuperset(odd)
    uniform = len(set(signs)) == 1
    if sizes in _AMERICAN:
        alike = uniform or all(any(map(str.isalpha, sign)) for sign in signs)
        tight = strong and all(len(sign) == 1 for sign in signs)  # `202-555_0147`
        sure = shapes.valid(digits, "US")
        listed = _LISTED.issuperset(odd) or not (alike or tight)
        return sure and (not listed or cue() > Weight.NOTHING)
    if set(sizes[:-1]) == {_CARD_GROUP} and len(digits) in _CARD_DIGITS:
        return uniform  # its check digit decides
    if abroad:
        known = len(digits) in _ABROAD_DIGITS
        return known and shapes.parsed("+" + digits, None) is not None
    if digits[0] == "0" and len(digits) in _TRUNK_DIGITS:
        spaced = {"-", "/"}.issuperset(odd) and len(sizes) > 2
        mixed = len(set(signs)) > 1 and not any(" " in sign for sign in signs)
        odd_enough = strong or spaced or mixed
        return 1 not in sizes and (odd_enough or cue() > Weight.NOTHING)
    if not strong or _YEAR.match(written[0]):
        return False
    return len(digits) in _ANNOUNCED_DIGITS and cue() >= Weight.STRONG


def _single(
    digits: str, signs: list[str], cue: Callable[[], Weight], abroad: bool
) -> bool:
    """Whether single digits with signs between are a number."""
    if len(set(signs)) > _MOST_SIGNS or len(set(digits)) <= 2:
        return False
    if len(set(signs)) > 1 and cue() <= Weight.NOTHING:
        return False
    if _LISTED.issuperset(map(str.strip, signs)) and cue() <= Weight.NOTHING:
        return False
    if digits[0] == "0":
        return len(digits) in _TRUNK_DIGITS
    if abroad:
        return shapes.valid(f"+{digits}", None)
    return len(digits) == 10 and shapes.valid(digits, "US")


def _is_address(written: list[str]) -> bool:
    """`192 dot 0 dot 2 dot 17` is a machine."""
    return len(written) == 4 and all(
        int(each) <= _BYTE and str(int(each)) == each for each in written
    )


def _glued(text: str, groups: Sequence[_Group]) -> bool:
    """Whether letters are put between the groups: `06x39x98`, `0639num98tel12`."""
    digits = "".join(group.digits for group in groups)
    between = {
        text[before.end : after.start].lower()
        for before, after in zip(groups, groups[1:], strict=False)
    }
    hint = context.before(text, groups[0].start)
    cue = hint.kind is Kind.PHONE and hint.weight is Weight.STRONG
    if digits[0] != "0":
        sizes = tuple(len(group.digits) for group in groups)
        return cue and sizes in _AMERICAN
    if len(digits) not in _TRUNK_DIGITS:
        return False
    said = any(
        context.meaning(word).kind is Kind.PHONE for word in between if len(word) > 2
    )
    return cue or said or between == {"x"}
