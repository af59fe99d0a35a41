"""Dialled: telephone numbers of a directory, in whatever groups they are written."""

from collections.abc import Iterator, Sequence

import numpy as np

from assent.redact.chains import numbers, opened
from assent.redact.entries import SURE_DIGITS
from assent.redact.spans import Found, Kind

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
        stretches = [(start, end, int(digits)) for start, end, digits in numbers(text)]
        ends = np.array([number for _, _, number in stretches], np.int64) % _SUFFIX
        first = np.searchsorted(self._suffixes, ends, "left").tolist()
        last = np.searchsorted(self._suffixes, ends, "right").tolist()
        for (start, end, number), low, high in zip(stretches, first, last, strict=True):
            known = self._numbers[low:high].tolist()
            if suffix(number) in self._hidden or any(
                _same_number(number, each) for each in known
            ):
                yield opened(text, start), end, Kind.PHONE


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
