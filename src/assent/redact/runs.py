"""Runs: a few words of a text each, whose letters may be those of a name."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assent.redact.plausible import Reading
from assent.redact.spans import Gates, Hashes, Indexes

GAP = 5
"""Characters between two words of a name."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Words, and what underscores and digits behind divide them into.

    Args:
        starts: (P,) of each in the text.
        ends: (P,) after its last character.
        singles: (P,) hash of each.
        gates: (P,) of each.
    """

    starts: Indexes
    ends: Indexes
    singles: Hashes
    gates: Gates


NONE: Indexes = np.zeros(0, np.int64)


class Runs(NamedTuple):
    """Runs of pieces whose letters are looked up.

    Args:
        begin: number of the first piece of each.
        offsets: which pieces, counted from the first, are of the name, in its order.
        reading: what kind of run it is.
        hashes: of the letters, where they are known already.
        counts: how many pieces each has, all of the name, where `offsets` is empty.
    """

    begin: Indexes
    offsets: tuple[int, ...]
    reading: Reading
    hashes: Hashes | None = None
    counts: Indexes = NONE


def near(pieces: Pieces, begin: Indexes, behind: int) -> Indexes:
    """Keep runs whose piece so far behind follows closely on the one before it."""
    begin = begin[begin < len(pieces.starts) - behind]
    at = begin + behind
    return begin[pieces.starts[at] - pieces.ends[at - 1] <= GAP]


def reaching(pieces: Pieces, begin: Indexes, behind: int) -> Indexes:
    """Keep runs that go on so far without a long gap."""
    for each in range(1, behind + 1):
        begin = near(pieces, begin, each)
    return begin
