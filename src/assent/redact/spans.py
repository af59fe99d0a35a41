"""Spans: where personal data lies in a text, and of which kind it is."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[Any]
"""Code points of a text; bytes where all are ASCII."""
Hashes = NDArray[np.uint64]
Indexes = NDArray[np.int64]
Gates = NDArray[np.uint16]
"""What a word may begin: a bit for each length of run."""


Signs = NDArray[np.uint8]


def signs_of(text: str) -> Signs:
    """Write a text as a byte a character, so that places stay: ASCII as it is."""
    return np.frombuffer(text.encode("latin-1", "replace"), np.uint8)


class Kind(StrEnum):
    """What was found; its value is the word inside the placeholder."""

    EMAIL = "email"
    URL = "url"
    IP = "ip"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    ID = "id"
    HANDLE = "handle"
    NAME = "name"
    EMPLOYER = "employer"
    QUOTE = "quote"


class Span(NamedTuple):
    """Where personal data lies: `[start, end)` in characters."""

    start: int
    end: int
    kind: Kind


BARRIER = "\0"
"""Stands in a plain text where no span may pass: no real character is folded to it."""

PLACEHOLDER = re.compile(r"\[(?:" + "|".join(Kind) + r")(?:-[0-9a-f]{8})?\]")
"""What stands in the place of a span; with eight digits, it is a pseudonym."""


def of_word(character: str) -> bool:
    """Say whether a character is inside of words, so that no word ends beside it."""
    return character.isalnum() or character == "_"


Stretch = tuple[int, int]
"""A part of a text: (start, end)."""

_NOWHERE: Stretch = (-1, -1)

Found = tuple[int, int, Kind]
"""A span of a plain text of many: (start, end, kind)."""


def outside(stretches: Iterable[Stretch], over: Iterable[Stretch]) -> Iterator[Stretch]:
    """Leave out the stretches that lie in one of others; both are sorted and apart."""
    each = iter(over)
    begin, stop = next(each, _NOWHERE)
    for start, end in stretches:
        while stop < end and stop >= 0:
            begin, stop = next(each, _NOWHERE)
        if not begin <= start < end <= stop:
            yield start, end


def merged(found: Sequence[Found]) -> Iterator[Found]:
    """Join overlapping spans, sorted; the longest says what kind the whole is.

    All of what any of them covers goes: to keep the loser's rest would leave half an
    address in the text.
    """
    if not found:
        return
    begin, stop, what = found[0]
    longest = stop - begin
    for start, end, kind in found:
        if start < stop:
            if end - start > longest:
                longest, what = end - start, kind
            stop = max(stop, end)
        else:
            yield begin, stop, what
            begin, stop, what = start, end, kind
            longest = end - start
    yield begin, stop, what
