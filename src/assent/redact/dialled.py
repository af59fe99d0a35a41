"""Dialled: telephone numbers of a directory, in whatever groups they are written."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from assent.redact.entries import PHONE_DIGITS, SURE_DIGITS
from assent.redact.spans import Found, Kind

_RUN = re.compile(r"[0-9](?:[ ().\-/]{0,3}[0-9]){6,}")
_GROUP = re.compile(r"[0-9]+")
_COUNTRY_DIGITS = 3
_SUFFIX: int = 10**SURE_DIGITS


class Dialled:
    """Numbers by their last digits. Memory: 16 bytes each.

    Args:
        numbers: their digits, with country code where it is known.
        hidden: what `suffix` gave of numbers that nobody may read.
    """

    def __init__(self, numbers: Sequence[str], hidden: frozenset[int]) -> None:
        values = np.sort(np.array(numbers, np.int64))
        order = np.argsort(values % _SUFFIX, kind="stable")
        self._numbers = values[order]
        self._suffixes = self._numbers % _SUFFIX
        self._hidden = hidden

    def find(self, text: str) -> Iterator[Found]:
        """Find the numbers in a plain text of many; spans may overlap."""
        if not len(self._numbers) and not self._hidden:
            return
        stretches = [each for run in _RUN.finditer(text) for each in _stretches(run)]
        ends = np.array([number for _, _, number in stretches], np.int64) % _SUFFIX
        first = np.searchsorted(self._suffixes, ends, "left").tolist()
        last = np.searchsorted(self._suffixes, ends, "right").tolist()
        for (start, end, number), low, high in zip(stretches, first, last, strict=True):
            known = self._numbers[low:high].tolist()
            if suffix(number) in self._hidden or any(
                _same_number(number, each) for each in known
            ):
                yield opened(text, start), end, Kind.PHONE


def _stretches(run: re.Match[str]) -> Iterator[tuple[int, int, int]]:
    """List every stretch that could be a number: start, end, the number itself.

    Neighbouring groups are tried together (`030`, `030 1234`, `030 1234 567`), since
    nobody knows where a number begins in `flat 12 030 1234567`.
    """
    base, text = run.start(), run.group()
    groups = [found.span() for found in _GROUP.finditer(text)]
    for first, (start, _) in enumerate(groups):
        digits = ""
        # Fifteen groups at most: each holds a digit, so the work stays linear.
        for group_start, end in groups[first : first + PHONE_DIGITS.stop]:
            digits += text[group_start:end]
            if len(digits) >= PHONE_DIGITS.stop:
                break
            if len(digits) >= PHONE_DIGITS.start:
                yield base + start, base + end, int(digits)


def opened(text: str, start: int) -> int:
    """Take the `+` or the parenthesis before the first digit along."""
    while text[start - 1] in "+(":
        start -= 1
    return start


def suffix(number: int) -> int:
    """What a hidden number is found by: its last digits, or all of a short one."""
    short = number < 10 ** (SURE_DIGITS - 1)
    return number + _SUFFIX if short else number % _SUFFIX


def _same_number(written: int, known: int) -> bool:
    """With or without country code and leading zero, it is the same line."""
    if written == known:
        return True
    shorter, longer = sorted((str(written), str(known)), key=len)
    if len(shorter) < SURE_DIGITS or not longer.endswith(shorter):
        return False
    return len(str(written)) - len(str(known)) <= _COUNTRY_DIGITS
