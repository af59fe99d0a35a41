"""Masked: `C*ssian Mer*wether`, `D@niel Kirschner`: a sign stands for a letter.

The sign cuts the word in two, so such words are looked for by their signs; what both
words of a pair can be is looked up, and only a whole name counts.
"""

import re
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from assent.redact.guesses import guesses
from assent.redact.spans import Codes

_LEFT = re.compile(r"[\w*@$]{0,24}$")
_TOKEN = re.compile(r"[\w*@$]{1,24}")
_BEFORE = re.compile(r"[\w*@$]{3,24} $")
_DOLLAR_FIRST = re.compile(r"(?<=[ \n])\$[a-z0-9]{3,24} [A-Z]")
"""Most are variables of a program."""
_FEWEST = 4
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_STAR, _AT, _DOLLAR = 0x2A, 0x40, 0x24
_SIGNS = str.maketrans("@$", "as")
_ADDRESS = 26
"""Characters before a word that is looked at."""


def masked(text: str, codes: Codes) -> Iterator[tuple[int, int, list[str]]]:
    """List pairs of words in a folded text of which one at least is masked.

    Args:
        text: folded.
        codes: of the same.

    Returns:
        (start, end, letters of what both together can be); some pairs twice.
    """
    signs = (codes == _STAR) | (codes == _AT) | (codes == _DOLLAR)
    at = np.flatnonzero(signs)
    at = at[_letters(codes[at + 1])]
    inside = _letters(codes[at - 1])
    for each in at[inside].tolist():
        yield from _pairs(text, each)
    for each in at[~inside & (codes[at] == _DOLLAR)].tolist():
        if _DOLLAR_FIRST.match(text, each):
            yield from _pairs(text, each)


def _letters(codes: Codes) -> NDArray[np.bool_]:
    """Say which are letters of ASCII, or beyond it."""
    small = codes | 0x20
    return (small >= 0x61) & (small <= 0x7A) | (codes > 0x7F)


def _pairs(text: str, at: int) -> Iterator[tuple[int, int, list[str]]]:
    left, word = _LEFT.search(text, max(0, at - _ADDRESS), at), None
    start = at if left is None else left.start()
    while text[start] == "*":  # in bold type
        start += 1
    word = _TOKEN.match(text, start)
    if word is None or not (ways := _ways(word.group())):
        return
    end = word.end()
    if text[end] == " " and (other := _TOKEN.match(text, end + 1)):
        some = _ways(other.group())
        yield start, other.end(), [*map("".join, product(ways, some))]
    if other := _BEFORE.search(text, max(0, start - _ADDRESS), start):
        some = _ways(other.group()[:-1])
        yield other.start(), end, [*map("".join, product(some, ways))]


def _ways(word: str) -> list[str]:
    """List what a word that is written like a name can be, in lower case."""
    if not (word[0].isupper() or word[0] == "$") or len(word) < _FEWEST:
        return []
    plain = word.rstrip("*").lower().translate(_SIGNS)
    if not plain.isalnum() and plain.count("*") != 1:
        return []
    if "*" in plain:
        return [plain.replace("*", letter) for letter in _ALPHABET]
    return [plain, *guesses(plain)] if not plain.isalpha() else [plain]
