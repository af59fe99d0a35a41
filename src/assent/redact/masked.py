"""Masked: `C*ssian Mer*wether`, `D@niel Kirschner`: a sign stands for a letter.

The sign cuts the word in two, so such words are looked for by their signs; what both
words of a pair can be is looked up, and only a whole name counts.
"""

import re
from collections.abc import Iterator
from itertools import product

from assent.redact.guesses import guesses

_LEFT = re.compile(r"[\w*@$]{0,24}$")
_TOKEN = re.compile(r"[\w*@$]{1,24}")
_BEFORE = re.compile(r"[\w*@$]{3,24} $")
_FEWEST = 4
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SIGNS = str.maketrans("@$", "as")
_ADDRESS = 26
"""Characters before a word that is looked at."""


def masked(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """List pairs of words in a folded text of which one at least is masked.

    Returns:
        (start, end, letters of what both together can be); some pairs twice.
    """
    for sign in "*@$":
        at = text.find(sign)
        while at >= 0:
            before, behind = text[at - 1], text[at + 1]
            first = sign == "$" and before in " \n"
            if behind.isalpha() and (before.isalpha() or first):
                yield from _pairs(text, at)
            at = text.find(sign, at + 1)


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
        return [plain.replace("*", letter) for letter in _LETTERS]
    return [plain, *guesses(plain)] if not plain.isalpha() else [plain]
