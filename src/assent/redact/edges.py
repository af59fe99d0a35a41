"""Edges: what touches a run of digits, and how much of the run is its own number."""

import re
from typing import NamedTuple

from assent.redact import context
from assent.redact.chains import opened


class Run(NamedTuple):
    """A run cut to what can be its own number."""

    start: int
    end: int
    joined: bool  # to letters or signs: a part of a name, of a path, of an amount


def glued(text: str, start: int, end: int) -> bool:
    """A part of a longer token: letters touch it, or it is digits of a fraction."""
    left, right = text[start - 1 : start], text[end : end + 1]
    if left == "." and text[start - 2 : start - 1].isdigit():
        return True
    if left == "(" and _CALCULATED.search(text, max(0, start - 3), start):
        return True
    if left in _MARKUP and letter(text[start - 2 : start - 1]):
        return True
    if right in _MARKUP and letter(text[end + 1 : end + 2]):
        return True
    return letter(left) or letter(right)


_SIGNS = frozenset("$€£¥%^~\\=&@#/")
_MARKUP = frozenset("*_<{|")  # between a name and a number, or around a number


def trimmed(text: str, start: int, body: str) -> Run:
    """Cut off groups that belong to a word, a time or an amount beside the run."""
    first, last, joined = 0, len(body), False
    outer = opened(text, start)
    left = text[max(0, outer - 2) : outer]
    if left[-1:] == "/" and outer == start and " " not in body:
        return Run(start, start, True)  # a path: a link goes as a whole
    if body.strip("()").isdigit() and _CALCULATED.search(
        text, max(0, start - 3), start
    ):
        joined = True
    if _joins_left(left, body):
        # `mobile=0171 1234567`: the word may say what it is.
        blank = -1 if left[-1:] == "=" else body.find(" ")
        joined = joined or blank < 0 or not body[:blank].isdigit()
        first = 0 if joined else blank + 1
    right = text[start + last : start + last + 4]
    if _joins_right(right, body) and context.extension(text, start + last) == (
        start + last
    ):
        blank = body.rfind(" ")
        joined = joined or blank < first
        last = last if blank < first else blank
    while first < last and not body[first].isdigit() and body[first] != "(":
        first += 1
    while first < last and not body[last - 1].isdigit():
        last -= 1
    return Run(start + first, start + last, joined)


# Before a number in one piece: a term (`x * 6502530000`), an argument (`f(6502530000`).
_CALCULATED = re.compile(r"(?:[*+^=&%/] |[A-Za-z0-9_\])]\()$")


def letter(character: str) -> bool:
    """A letter that cannot stand beside a number of its own; Japanese ones can."""
    return character < "\u0250" and character.isalnum()


def _joins_left(left: str, body: str) -> bool:
    """The first group belongs to what stands before it, of which these are the last."""
    sign, before = left[-1:], left[:-1]
    if letter(sign) or sign in _SIGNS:
        return True
    if sign in _MARKUP:
        return letter(before) or before == ")"
    if sign in (":", "–", "—"):
        return before.isdigit()
    if sign == ",":  # 1,234 5678
        return before.isdigit() and body[:3].isdigit() and not body[3:4].isdigit()
    return sign in ("-", ".", "'") and letter(before)


def _joins_right(right: str, body: str) -> bool:
    """The last group belongs to what stands after it."""
    sign, after = right[:1], right[1:]
    if not sign:
        return False
    if sign in "%°$€£@=^" or letter(sign):
        return True
    if sign in _MARKUP:
        return letter(after[:1])
    if sign in ":–—":
        return after[:1].isdigit()
    if sign == ",":  # 650 1,234
        return len(after) == 3 and after.isdigit() and body[-4:-3] in (" ", "")
    return sign == "." and letter(after[:1]) and not after[0].isupper()
