"""Chains: where enough digits stand close enough together to be a number.

The one pass over all characters. A chain is seldom a number; most text has none.
"""

import re
from collections.abc import Iterator

import numpy as np

from assent.redact.shapes import FEWEST_DIGITS, PHONE_DIGITS, SEPARATORS
from assent.redact.spans import BARRIER, signs_of

_APART = 4  # characters from one digit of a chain to the next, at most
_BLOCK = 1 << 22  # characters looked at in one go: bounds the memory
_DIGIT = re.compile(r"[0-9]")


def chains(text: str) -> Iterator[tuple[int, int]]:
    """List where enough digits stand close enough together."""
    first = last = -_BLOCK  # of the chain that may go on in the next block
    digits = 0
    for at in range(0, len(text), _BLOCK):
        codes = signs_of(text[at : at + _BLOCK])
        places = np.flatnonzero(codes - 48 < 10) + at
        if not len(places):
            continue
        if places[0] - last > _APART:
            yield from _enough(text, first, last, digits)
            first, digits = int(places[0]), 0
        cuts = np.flatnonzero(np.diff(places) > _APART)
        if len(cuts):
            yield from _enough(
                text, first, int(places[cuts[0]]), digits + int(cuts[0]) + 1
            )
            counts = np.diff(cuts)
            for each in np.flatnonzero(counts >= FEWEST_DIGITS):
                chain = places[cuts[each] + 1], places[cuts[each + 1]]
                yield from _enough(text, int(chain[0]), int(chain[1]), FEWEST_DIGITS)
            first, digits = int(places[cuts[-1] + 1]), -int(cuts[-1]) - 1
        last, digits = int(places[-1]), digits + len(places)
    yield from _enough(text, first, last, digits)


def _enough(text: str, first: int, last: int, digits: int) -> Iterator[tuple[int, int]]:
    """Part a chain at barriers, since it would reach from one text into the next."""
    if digits < FEWEST_DIGITS:
        return
    if text.find(BARRIER, first, last) < 0:
        yield first, last + 1
        return
    while first <= last:
        barrier = text.find(BARRIER, first, last + 1)
        end = last + 1 if barrier < 0 else barrier
        part = text[first:end]
        if sum(map(part.count, "0123456789")) >= FEWEST_DIGITS:
            # From digit to digit, as if the other texts were not there.
            inside = [found.start() for found in _DIGIT.finditer(part)]
            yield first + inside[0], first + inside[-1] + 1
        first = end + 1


# Digits in groups, as `numbers` takes them: parted by three separators at most.
_GROUP = re.compile(r"\d+")
_BETWEEN = frozenset(SEPARATORS)


def numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """List every stretch that could be a telephone number: start, end, its digits.

    Neighbouring groups are tried together (`030`, `030 1234`, `030 1234 567`), since
    nobody knows where a number begins in `flat 12 030 1234567`.
    """
    for start, end in chains(text):
        groups: list[tuple[int, int, str]] = []
        for found in _GROUP.finditer(text, start, end):
            a, b = found.span()
            if groups and not _BETWEEN.issuperset(text[groups[-1][1] : a]):
                groups.clear()
            # Fifteen groups at most: each holds a digit, so the work stays linear.
            del groups[: -PHONE_DIGITS.stop + 2]
            digits = found.group() if b - a < PHONE_DIGITS.stop else ""
            if not digits:
                groups.clear()
                continue
            groups.append((a, b, digits))
            joined = ""
            for first, _, before in reversed(groups):
                joined = before + joined
                if len(joined) >= PHONE_DIGITS.stop:
                    break
                if len(joined) >= PHONE_DIGITS.start:
                    yield first, b, joined


_OPENING = 4  # characters


def opened(text: str, start: int) -> int:
    """Take the `+` or the parenthesis before the first digit along."""
    floor = max(0, start - _OPENING)
    while start > floor and text[start - 1] in "+(":
        start -= 1
    return start
