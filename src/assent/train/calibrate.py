"""How much text a shard needs: measured on clean text, before any plan is sealed.

One group of made-up people, who are pieces of the text, is trained with 1, 2, 4, 8...
shards, each by the same plan. What is served is the average of their probabilities. By
people's own words the number of shards would depend on who takes part.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assent.errors import TrainError
from assent.train.clean import read_text
from assent.train.ensemble import Served
from assent.train.loop import train_shard
from assent.train.plan import (
    MOST_SHARDS,
    Assignment,
    Group,
    Plan,
    commitment,
    shard_folder,
)
from assent.train.rows import Example

GROUP = "clean"
KEY = bytes(32)  # places of nobody: the same each time
PIECE = 4_096  # bytes of one made-up person, if a plan takes so much of one
HELD = 10  # one piece of so many is held out, to measure with
LEAST_PIECES = 8  # a shard; with fewer, one piece more or less decides
LEAST_TEXT = 20  # pieces: two shards, and two held out


@dataclass(frozen=True, slots=True)
class Arm:
    """What was measured with so many shards: bytes are of text, `worse` a fraction."""

    shards: int
    bytes_per_shard: int
    bits_per_byte: float
    worse: float


@dataclass(frozen=True, slots=True)
class Calibrated:
    """All that was measured, from one shard on; the last may be worse than allowed."""

    arms: tuple[Arm, ...]
    allowed: float

    @property
    def bytes_per_shard(self) -> int:
        """The least that was measured with a loss that is allowed."""
        return min(a.bytes_per_shard for a in self.arms if a.worse <= self.allowed)

    @property
    def open_below(self) -> bool:
        """Whether the text ended before the loss was too large."""
        return self.arms[-1].worse <= self.allowed


def calibrate(
    plan: Plan,
    files: Sequence[Path],
    allowed: float,
    base: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Calibrated:
    """Train one group with ever more shards until the loss is larger than allowed.

    Each reads the same text as often, so all cost about the same. One seed, one text:
    a difference of a percent may be chance.

    Args:
        plan: as a project draws it up; its groups, key and canaries are not used.
        files: UTF-8 text that nobody can withdraw, about as much as a group holds.
        allowed: loss, as a fraction of the bits a byte of one shard, > 0.
        base: folder of the plan's base; None where it has none.
        progress: called with a name, shards done and shards in all.

    Raises:
        TrainError: a file is no text, or there is too little of it.
    """
    size = min(PIECE, plan.tokens_per_subject)  # a token is a byte or more
    pieces = [each for path in files for each in _pieces(path, size)]
    if len(pieces) < LEAST_TEXT:
        raise TrainError(
            f"the clean text has {len(pieces)} pieces of {size:,} bytes, wanted "
            f"{LEAST_TEXT} at least",
            hint="give about as much clean text as a group is declared to hold",
        )
    held = pieces[HELD - 1 :: HELD]
    kept = [each for n, each in enumerate(pieces, 1) if n % HELD]
    total = sum(map(len, kept))
    arms: list[Arm] = []
    shards = 1
    while shards <= min(MOST_SHARDS, len(kept) // LEAST_PIECES):
        bits = _measured(_of(plan, shards), kept, held, base, progress)
        worse = bits / arms[0].bits_per_byte - 1 if arms else 0.0
        arms.append(Arm(shards, total // shards, bits, worse))
        if worse > allowed:
            break
        shards *= 2
    return Calibrated(tuple(arms), allowed)


def _pieces(path: Path, size: int) -> list[bytes]:
    """Cut a text into full pieces of so many bytes, but for a character on an edge."""
    data = read_text(path)[0].encode()
    starts = range(0, len(data) - size + 1, size)
    cut = (data[at : at + size].decode(errors="ignore") for at in starts)
    return [each.encode() for each in cut]


def _of(plan: Plan, shards: int) -> Plan:
    groups = (Group(GROUP, (), shards),)
    return replace(plan, groups=groups, key_commitment=commitment(KEY), canaries=0)


def _measured(
    plan: Plan,
    kept: Sequence[bytes],
    held: Sequence[bytes],
    base: Path | None,
    progress: Callable[[str, int, int], None] | None,
) -> float:
    """Train by a plan and measure bits a byte on what is held out."""
    assignment = Assignment(plan, KEY)
    parts: dict[int, list[Example]] = defaultdict(list)
    for number, text in enumerate(kept):
        who = f"piece-{number}"
        shard, index = assignment.place(GROUP, who)
        parts[shard].append(Example(f"{who}/0", who, index, text))
    count = plan.groups[0].shards
    with tempfile.TemporaryDirectory(prefix="assent-calibrate-") as name:
        folder = Path(name)
        for done, (shard, examples) in enumerate(sorted(parts.items()), 1):
            own = shard_folder(folder, GROUP, shard)
            train_shard(plan, KEY, GROUP, shard, examples, own, base=base)
            if progress is not None:
                progress(f"of {count} shards", done, len(parts))
        return Served(plan, folder, {GROUP: parts}, base).bits_per_byte(held)
