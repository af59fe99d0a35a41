"""Differential privacy for a person: what a plan declares, and what follows from it.

Two corpora are neighbours where one holds all of a person's documents and the other
none of them, and else they are the same. Source: arXiv 1710.06963.
"""

import math
from dataclasses import dataclass, fields

from assent.errors import TrainError
from assent.train.component import want


@dataclass(frozen=True, slots=True)
class Privacy:
    """How much noise hides one person.

    Args:
        noise: standard deviation of what is added to each weight's gradient, over
            `clip`.
        clip: longest gradient of one person in one step: L2 over all weights that
            train, of the sum of her losses in nats over rows times window.
        delta: the probability that `Guarantee` is stated at.

    Raises:
        TrainError: a value is outside its range.
    """

    noise: float
    clip: float
    delta: float

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            positive = isinstance(value, float) and 0 < value < math.inf
            want(positive, f"`{name}` of its privacy", "a finite number above 0")
        want(self.delta < 1, "`delta` of its privacy", "below 1")


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What one person is promised: (epsilon, delta)-differential privacy.

    Args:
        epsilon: rounded up at the fourth decimal.
        delta: as the plan declares it.
        releases: models by the plan that this covers, repaired ones too.
    """

    epsilon: float
    delta: float
    releases: int

    def __str__(self) -> str:
        models = "1 model" if self.releases == 1 else f"{self.releases} models"
        return (
            f"for a person: epsilon {self.epsilon:g} at delta {self.delta:g}, over the "
            f"weights of {models} by this plan; other plans add to it"
        )


def guarantee(privacy: Privacy, epochs: int, releases: int) -> Guarantee:
    """Work out what a person is promised over all models by a plan.

    In each model she is in one step a pass of one shard. Chosen one after the other,
    as here, k Gaussian mechanisms are one with the square root of k less noise.
    Source: arXiv 1905.02383, section 3.2; arXiv 1805.06530, theorem 8.

    Raises:
        TrainError: `dp-accounting` is not installed.
    """
    try:
        from dp_accounting import get_epsilon_gaussian  # seconds: it imports SciPy
    except ImportError as error:
        raise TrainError(
            "a private plan needs the package `dp-accounting`",
            hint="pip install 'assent[privacy]'",
        ) from error
    noise = privacy.noise / math.sqrt(epochs * releases)
    epsilon = get_epsilon_gaussian(noise, privacy.delta)
    return Guarantee(math.ceil(epsilon * 1e4) / 1e4, privacy.delta, releases)
