"""Intervals of a share: what a count out of so many tries says, and does not say.

Exact ones, by Clopper and Pearson: over all true shares they hold at least as often as
they claim, also where nothing was missed, which is where shorter ones promise too much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_EXACT = 20_000
_HALVINGS = 40  # to 1e-12; six decimals are kept
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval, 0 to 1, rounded outwards to six decimals.

    Args:
        found: how many of `total`; for a weighted share, as many as weigh the same.
        total: how many tries; 0 says nothing, and the interval is all of [0, 1].
        value: the share itself; None of no tries.
        low: lower end of the interval.
        high: upper end.
    """

    found: int
    total: int
    value: float | None
    low: float
    high: float

    def to_json(self) -> dict[str, int | float | None]:
        """Give the share as a JSON value."""
        return {
            "found": self.found,
            "total": self.total,
            "share": self.value,
            "low": self.low,
            "high": self.high,
        }


def share(found: int, total: int) -> Share:
    """Estimate a share from independent tries that all weigh the same.

    Args:
        found: of `total`.
        total: how many were tried.
    """
    if not 0 <= found <= total:
        raise ValueError(f"{found} of {total} is no share")
    value = round(found / total, _DECIMALS) if total else None
    return Share(found, total, value, _low(found, total), _high(found, total))


@dataclass(frozen=True, slots=True)
class Cluster:
    """One sampled document: `found` of its `total` mentions.

    Args:
        stratum: number of the stratum that it was drawn from.
        weight: how many documents it stands for.
    """

    stratum: int
    weight: float
    found: int
    total: int


def weighted(clusters: Sequence[Cluster]) -> Share:
    """Estimate a share from a stratified sample of documents with several tries each.

    The exact interval of as many independent tries as the sample is worth: those that
    would leave the same variance, found by linearising the ratio of the weighted sums.
    Where all or nothing was found there is no variance to compare with, and each
    document counts as one try. Source: Korn and Graubard, Survey Methodology 24 (1998).
    """
    tried = [each for each in clusters if each.total]
    total = sum(each.total for each in tried)
    found = sum(each.found for each in tried)
    if not tried:
        return share(0, 0)
    weight = sum(each.weight * each.total for each in tried)
    value = sum(each.weight * each.found for each in tried) / weight
    if 0 < found < total:
        variance = _variance(clusters, value, weight)
        worth = value * (1 - value) / variance if variance > 0 else float(total)
    else:
        worth = weight**2 / sum((each.weight * each.total) ** 2 for each in tried)
    effective = max(1, min(total, int(worth + 1e-9)))
    exact = value * effective
    low = _low(int(exact + 1e-9), effective)
    high = _high(int(np.ceil(exact - 1e-9)), effective)
    return Share(found, total, round(value, _DECIMALS), low, high)


def unseen(found: int, low: float, high: float) -> tuple[int, int | None]:
    """Say how many more there may be, where some were found and others were missed.

    Both ends are exact for the recall at that end of its interval: the fewest, and the
    most, of which so few are found as rarely as the tail allows. Beyond some thousands
    the negative binomial distribution is taken as a normal one.

    Args:
        found: how many were found.
        low: lower end of the recall; 0 leaves the number without a bound.
        high: upper end of it.

    Returns:
        (fewest, most) that were missed; None: no bound.
    """
    most = None if low <= 0 else _most(found, low)
    return _fewest(found, high), most


def _most(found: int, recall: float) -> int:
    if recall >= 1:
        return 0
    if found / recall > _EXACT:
        return int(np.ceil(_normal(found, recall, 1)))

    def likely(missed: int) -> bool:
        chance = _tail(found + missed, range(found + 1))
        return chance(recall) >= _TAIL

    beyond = 1
    while likely(beyond):
        beyond *= 2
    return _last(likely, beyond)


def _fewest(found: int, recall: float) -> int:
    if recall >= 1 or not found:
        return 0
    if found / recall > _EXACT:
        return max(0, int(_normal(found, recall, -1)))

    def rare(missed: int) -> bool:
        chance = _tail(found + missed, range(found, found + missed + 1))
        return chance(recall) < _TAIL

    beyond = 1
    while rare(beyond):
        beyond *= 2
    return _last(rare, beyond) + 1 if rare(0) else 0


def _last(holds: Callable[[int], bool], beyond: int) -> int:
    """Find the last number for which something holds; at `beyond` it does not."""
    first = 0
    while beyond - first > 1:
        middle = (first + beyond) // 2
        first, beyond = (middle, beyond) if holds(middle) else (first, middle)
    return first


def _normal(found: int, recall: float, side: int) -> float:
    spread = (found * (1 - recall)) ** 0.5 / recall
    z = NormalDist().inv_cdf(1 - _TAIL)
    return float(found * (1 - recall) / recall + side * z * spread)


def _variance(clusters: Sequence[Cluster], value: float, weight: float) -> float:
    """Of the ratio, with replacement; a stratum of one document adds its square."""
    strata: dict[int, list[float]] = {}
    for each in clusters:
        score = each.weight * (each.found - value * each.total) / weight
        strata.setdefault(each.stratum, []).append(score)
    variance = 0.0
    for scores in strata.values():
        n = len(scores)
        mean = sum(scores) / n if n > 1 else 0.0
        variance += n / max(n - 1, 1) * sum((each - mean) ** 2 for each in scores)
    return variance


@lru_cache(maxsize=4096)
def _low(found: int, total: int) -> float:
    """Find the share of which so many, or more, come as rarely as the tail allows."""
    if not found:
        return 0.0
    tail = _tail(total, range(found, total + 1))
    low = _halved(lambda p: tail(p) < _TAIL)
    return float(np.floor(low * 10**_DECIMALS) / 10**_DECIMALS)


def _high(found: int, total: int) -> float:
    """By symmetry: what is not found has the interval turned around."""
    return round(1 - _low(total - found, total), _DECIMALS) if total else 1.0


def _tail(total: int, counts: range) -> Callable[[float], float]:
    """Give the chance that a count lies in a range, as a function of the share."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, total + 1)))])
    of: NDArray[np.int64] = np.arange(counts.start, counts.stop)
    ways = logs[total] - logs[of] - logs[total - of]

    def chance(p: float) -> float:
        return float(np.exp(ways + of * np.log(p) + (total - of) * np.log1p(-p)).sum())

    return chance


def _halved(below: Callable[[float], bool]) -> float:
    """Find the last share, 0 to 1, for which something holds."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low
