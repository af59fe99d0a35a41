"""The noisy gradient of one step: each person clipped, all of them summed, then noise.

The noise is drawn from the system's source of randomness, anew in each run, and kept
nowhere: two models with one noise would differ by exactly what somebody wrote. Sums
are in float64 and are rounded once, after the noise, so that which numbers can come out
hardly tells what went in (Mironov, 2012); that is care, not a proof for floats.
"""

import math
import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from assent.train.privacy import Privacy


@torch.no_grad()
def add_noise(
    weights: Sequence[nn.Parameter], total: Sequence[Tensor], privacy: Privacy
) -> None:
    """Leave a sum of clipped gradients and its noise as the weights' gradients."""
    deviation = privacy.noise * privacy.clip
    for weight, each in zip(weights, total, strict=True):
        drawn = gaussian(each.numel()).view(each.shape).to(each.device)
        weight.grad = (each + deviation * drawn).to(weight.dtype)


def clipped_sum(
    weights: Sequence[nn.Parameter],
    people: Iterable[Callable[[], None]],
    clip: float,
) -> list[Tensor]:
    """Sum people's gradients, each clipped to a length of its own person's alone.

    A gradient that is not finite counts as none: else one text could drown the noise.

    Args:
        weights: those that train; their gradients are written over.
        people: each adds one person's gradients to those of the weights.
        clip: the longest that one person's may be, over all weights.

    Returns:
        float64, one a weight. Without a person it differs by `clip` at most.
    """
    total = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights]
    for add_person in people:
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        add_person()
        own = [weight.grad.double() for weight in weights if weight.grad is not None]
        length = math.sqrt(sum(float(each.square().sum()) for each in own))
        if math.isfinite(length):
            for sum_of_all, each in zip(total, own, strict=True):
                sum_of_all += each * (clip / max(clip, length))
    return total


def gaussian(count: int) -> Tensor:
    """Draw (count,) standard normal numbers, float64. Source: Box and Muller, 1958."""
    half = -(-count // 2)
    # A generator with a seed would do for neither: torch's keeps 32 bits of it.
    drawn = np.frombuffer(os.urandom(16 * half), np.uint64).astype(np.float64)
    even = (drawn + 0.5) * 2.0**-64  # above 0, to 1
    radius, angle = np.sqrt(-2 * np.log(even[:half])), 2 * np.pi * even[half:]
    both = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))
    return torch.from_numpy(both[:count])
