"""Initials: `T. Wraxhall`, `E. R. Thistlewood`, `Wraxhall, T.` and `t.wraxhall`.

Only the family name and a letter are known, so the family name must be rare, see
`assent.redact.plausible`: in a directory of a million, each `A. Smith` is somebody's.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assent.redact.compiled_runs import Short
from assent.redact.grams import INSIDE
from assent.redact.plausible import Reading
from assent.redact.runs import Pieces, Runs, capital, near
from assent.redact.spans import Codes, Indexes

_MOST = 3
"""Initials before a family name, and words of one."""


def runs(codes: Codes, pieces: Pieces, short: Short) -> Iterator[Runs]:
    """List the runs of initials and a family name.

    Args:
        codes: of the text.
        pieces: its words.
        short: the short ones of them.
    """
    # In one word: `CP Scottman`, `Scottman, CP`; and before a sign: `jc.rochebrune`.
    yield from _forward(codes, pieces, short.pairs, 1, 1)
    yield from _turned(codes, pieces, _behind(pieces, short.pairs), 1)
    yield Runs(short.logins, (0, 1), Reading.LOGIN)
    one = short.initials
    if not len(one):
        return
    alone = np.zeros(len(pieces.starts) + _MOST, np.bool_)
    alone[one] = True
    before, behind = one[~alone[one - 1]], one
    for count in range(1, _MOST + 1):
        # (1) Before the name: as many as there are.
        yield from _forward(codes, pieces, before, count)
        # (2) Behind it, counted from the last word of the name.
        yield from _turned(codes, pieces, _behind(pieces, behind), count)
        before = near(pieces, before[alone[before + count]], count)
        behind = behind[alone[behind + count]]


def _behind(pieces: Pieces, at: Indexes) -> Indexes:
    """List the words of names behind which some words stand."""
    before = near(pieces, at[at > 0] - 1, 1)
    return before[_opened(pieces, before)]


def _opened(pieces: Pieces, at: Indexes) -> NDArray[np.bool_]:
    opened: NDArray[np.bool_] = pieces.gates[at] & INSIDE > 0
    return opened


def _forward(
    codes: Codes,
    pieces: Pieces,
    begin: Indexes,
    count: int,
    most: int = _MOST,
) -> Iterator[Runs]:
    initials = tuple(range(count))
    for last in range(count, count + most):
        begin = near(pieces, begin, last)
        begin = begin[_opened(pieces, begin + last)]
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
    last: Indexes,
    count: int,
) -> Iterator[Runs]:
    last = last[capital(codes[pieces.starts[last]])]
    for words in range(1, _MOST + 1):
        begin = last - (words - 1)
        begin = begin[begin >= 0]
        begin = begin[_opened(pieces, begin)]
        if not len(begin):
            return
        name, initials = range(words), range(words, words + count)
        yield Runs(begin, (*initials, *name), Reading.INITIALS)
        last = begin + (words - 1)
