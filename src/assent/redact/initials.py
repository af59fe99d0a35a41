"""Initials: `T. Wraxhall`, `E. R. Thistlewood` and `Wraxhall, T.`.

Only the family name and a letter are known, so the family name must be rare, see
`assent.redact.plausible`: in a directory of a million, each `A. Smith` is somebody's.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assent.redact.plausible import INITIALS, Reading
from assent.redact.runs import Pieces, Runs, capital, near, upper
from assent.redact.spans import Codes

_DOT = 0x2E
_MOST = 3
"""Initials before a family name, and words of one."""


def runs(codes: Codes, pieces: Pieces, opened: NDArray[np.bool_]) -> Iterator[Runs]:
    """List the runs of initials and a family name.

    Args:
        codes: of the text.
        pieces: its words.
        opened: which of them may be words of names.
    """
    yield from _in_one(codes, pieces, opened)
    one = np.flatnonzero(pieces.ends - pieces.starts == 1)
    one = one[upper(codes[pieces.starts[one]]) & (codes[pieces.ends[one]] == _DOT)]
    if not len(one):
        return
    dotted = np.zeros(len(pieces.starts) + _MOST, np.bool_)
    dotted[one] = True
    before, behind = one[~dotted[one - 1]], one[one > 0]
    for count in range(1, _MOST + 1):
        # (1) Before the name: as many as there are.
        yield from _forward(codes, pieces, opened, before, count)
        # (2) Behind it, counted from the last word of the name.
        last = near(pieces, behind - 1, 1)
        yield from _turned(codes, pieces, opened, last, count)
        before = near(pieces, before[dotted[before + count]], count)
        behind = behind[dotted[behind + count]]


def _in_one(codes: Codes, pieces: Pieces, opened: NDArray[np.bool_]) -> Iterator[Runs]:
    """Initials in one word: `CP Scottman`."""
    pairs = np.flatnonzero(pieces.ends[:-1] - pieces.starts[:-1] == INITIALS)
    pairs = pairs[opened[pairs + 1]]
    starts = pieces.starts[pairs]
    pairs = pairs[upper(codes[starts]) & upper(codes[starts + 1])]
    pairs = near(pieces, pairs, 1)
    pairs = pairs[capital(codes[pieces.starts[pairs + 1]])]
    yield Runs(pairs, (0, 1), Reading.INITIALS)


def _forward(
    codes: Codes,
    pieces: Pieces,
    opened: NDArray[np.bool_],
    begin: NDArray[np.int64],
    count: int,
) -> Iterator[Runs]:
    initials = tuple(range(count))
    for last in range(count, count + _MOST):
        begin = near(pieces, begin, last)
        begin = begin[opened[begin + last]]
        if not len(begin):
            return
        some = begin[capital(codes[pieces.starts[begin + last]])]
        name = tuple(range(count, last + 1))
        yield Runs(some, (*initials, *name), Reading.INITIALS)
        if count > 1:
            yield Runs(some, (0, *name), Reading.INITIALS)


def _turned(
    codes: Codes,
    pieces: Pieces,
    opened: NDArray[np.bool_],
    last: NDArray[np.int64],
    count: int,
) -> Iterator[Runs]:
    last = last[opened[last]]
    last = last[capital(codes[pieces.starts[last]])]
    for words in range(1, _MOST + 1):
        begin = last - (words - 1)
        begin = begin[begin >= 0]
        begin = begin[opened[begin]]
        if not len(begin):
            return
        name, initials = range(words), range(words, words + count)
        yield Runs(begin, (*initials, *name), Reading.INITIALS)
        last = begin + (words - 1)
