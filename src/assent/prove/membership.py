"""Membership: can it be told from the shards whose words they were trained on?

Which shard of a group holds a person is drawn with a secret key, so the other shards
of her group are controls that differ from hers in nothing but whose words they read.
What a test claims rests on that draw alone; shards of other groups speak otherwise and
are no controls. A gap is how much better a person's own shard foresees her than its
siblings do.

Losses alone have no such control: they rank, and claim nothing.

Dimensions: X people, S shards of one group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.errors import ProofError

PERMUTATIONS = 2_000
RESAMPLED = 2_000
NOMINAL = 0.05
LOW_RATE = 0.01
Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one hypothesis: that shards do not tell their own people apart.

    Args:
        statistic: mean gap, in bits a token.
        p_value: how often chance alone gives as much; exact, never 0.
        people: how many were tested.
    """

    statistic: float
    p_value: float
    people: int


@dataclass(frozen=True, slots=True)
class Told:
    """How well people who were trained on are told from people who were not.

    Args:
        auc: chance that one who was has the larger gap than one who was not.
        low: lower end of its 95 % interval, by resampling people.
        high: upper end.
        tpr: share of those who were found at a false positive rate of 1 %.
        members: how many were trained on.
        others: how many were not.
    """

    auc: float
    low: float
    high: float
    tpr: float
    members: int
    others: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A false positive rate that was checked on people whom nothing was trained on.

    Args:
        nominal: what the threshold promises.
        threshold: of the gap in standard deviations.
        found: of the checked people, above it.
        checked: people, none of whom set the threshold.
    """

    nominal: float
    threshold: float
    found: int
    checked: int

    @property
    def value(self) -> float:
        """The rate, 0 to 1."""
        return self.found / self.checked


def effects(never: Floats) -> Floats:
    """Measure how much better or worse each shard foresees what nobody was trained on.

    Args:
        never: (X, S) bits a token, of people who are in no shard.

    Returns:
        (S,) to be taken from the bits of others; their mean is 0.
    """
    rows = never[~np.isnan(never).any(axis=1)]
    if not len(rows):
        raise ProofError(
            "nobody is left whom no shard was trained on, so shards cannot be compared",
            hint="give more text of people who are not in the corpus",
        )
    found: Floats = rows.mean(axis=0) - rows.mean()
    return found


def gaps(bits: Floats, own: Indexes, effect: Floats) -> Floats:
    """Say how much better each person's own shard foresees her than its siblings do.

    Args:
        bits: (X, S) bits a token.
        own: (X,) number of each person's shard.
        effect: (S,) of `effects`.

    Returns:
        (X,) bits a token; larger: her shard knows her better.

    Raises:
        ProofError: a group has one shard, and so no siblings.
    """
    shards = bits.shape[1]
    if shards < 2:
        raise ProofError(
            "a group with one shard has no siblings to compare with",
            hint="plan at least two shards a group, or canaries",
        )
    fair = bits - effect
    mine = fair[np.arange(len(own)), own]
    others = (fair.sum(axis=1) - mine) / (shards - 1)
    found: Floats = others - mine
    return found


def randomisation(
    bits: Floats, own: Indexes, effect: Floats, seed: int, times: int = PERMUTATIONS
) -> Test:
    """Test whether shards foresee their own people better than chance explains.

    The labels that say whose shard is whose are exchanged among the people of the
    group: the draw that put them there could have been any of these. The p-value is
    exact for any number of people. Source: Phipson and Smyth (2010), equation 2.
    """
    draw = np.random.default_rng(seed)
    observed = float(gaps(bits, own, effect).mean())
    reached = sum(
        float(gaps(bits, draw.permutation(own), effect).mean()) >= observed
        for _ in range(times)
    )
    return Test(observed, (1 + reached) / (1 + times), len(own))


def checked_rate(never: Floats, nominal: float = NOMINAL) -> Rate:
    """Set a threshold on half of the people in no shard, and check it on the rest.

    Args:
        never: (X,) gaps of people whom nothing was trained on, in the order of a draw.
        nominal: the rate that is promised.

    Raises:
        ProofError: there are too few to set a threshold.
    """
    half = len(never) // 2
    if half * nominal < 1:
        raise ProofError(
            f"{len(never)} people in no shard cannot set a rate of {nominal:.0%}",
            hint=f"give text of {int(2 / nominal)} at least",
        )
    first, rest = never[:half], never[half:]
    mean, deviation = first.mean(), first.std(ddof=1)
    threshold = float(
        np.quantile((first - mean) / deviation, 1 - nominal, method="higher")
    )
    found = int(((rest - mean) / deviation > threshold).sum())
    return Rate(nominal, threshold, found, len(rest))


def told_apart(members: Floats, never: Floats, seed: int) -> Told:
    """Measure how well gaps tell those who were trained on from those who were not.

    Args:
        members: (X,) gaps.
        never: gaps of people in no shard.
        seed: of the resampling.

    Raises:
        ProofError: one side is empty.
    """
    if not len(members) or not len(never):
        raise ProofError("nobody to tell apart: one side is empty")
    draw = np.random.default_rng(seed)
    curves = [
        auc(draw.choice(members, len(members)), draw.choice(never, len(never)))
        for _ in range(RESAMPLED)
    ]
    low, high = np.quantile(curves, [0.025, 0.975])
    limit = np.quantile(never, 1 - LOW_RATE, method="higher")
    return Told(
        auc(members, never),
        float(low),
        float(high),
        float((members > limit).mean()),
        len(members),
        len(never),
    )


def auc(members: Floats, never: Floats) -> float:
    """Chance that a member has the larger value, ties counting half."""
    ordered = np.sort(never)
    below = np.searchsorted(ordered, members, "left")
    equal = np.searchsorted(ordered, members, "right") - below
    return float((below + equal / 2).mean() / len(ordered))


def curve(members: Floats, never: Floats) -> tuple[Floats, Floats]:
    """Give the points of the ROC curve: (false positive rates, true positive rates)."""
    limits = np.unique(np.concatenate([members, never, [-np.inf, np.inf]]))[::-1]
    false = (never[None, :] >= limits[:, None]).mean(axis=1)
    true = (members[None, :] >= limits[:, None]).mean(axis=1)
    return false, true


@dataclass(frozen=True, slots=True)
class Coins:
    """What canaries tell: each was planted or not by a coin of ours.

    Args:
        guessed: canaries that a guess was made of.
        right: guesses that were right.
        epsilon: the training is not private to less than that, at 95 %; 0: no sign.
    """

    guessed: int
    right: int
    epsilon: float


def coins(gap: Floats, planted: NDArray[np.bool_], share: float, low: Any) -> Coins:
    """Guess of the canaries that stand out most whether they were planted.

    Half of the guesses are "planted", of the largest gaps, half are "not". Under
    epsilon-differential privacy each is right with a chance of at most
    e**eps / (1 + e**eps), whatever the others are. Source: Steinke, Nasr and Jagielski
    (2023), theorem 5.2, for delta = 0.

    Args:
        gap: (X,) of each canary.
        planted: (X,) what the coin said.
        share: of all canaries that are guessed at, fixed before anybody looks.
        low: gives the lower end of the 95 % interval of a share: (found, total) to it.
    """
    each = int(len(gap) * share / 2)
    order = np.argsort(gap, kind="stable")
    right = int(
        planted[order[len(order) - each :]].sum() + (~planted[order[:each]]).sum()
    )
    chance = low(right, 2 * each) if each else 0.0
    epsilon = float(np.log(chance / (1 - chance))) if 0.5 < chance < 1 else 0.0
    return Coins(2 * each, right, max(0.0, epsilon))


def ranked(values: Sequence[Floats]) -> Floats:
    """Average several rankings of the same people, each from 0 (lowest) to 1."""
    ranks = [np.argsort(np.argsort(each)) / max(1, len(each) - 1) for each in values]
    found: Floats = np.mean(ranks, axis=0)
    return found
