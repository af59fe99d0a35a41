"""A linear-chain conditional random field, trained by L-BFGS on weighted texts.

Source: Lafferty, McCallum and Pereira, "Conditional random fields", ICML 2001.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS = 3  # outside, begins, goes on
LEFT_OUT = np.uint32(0xFFFFFFFF)
"""A bin that does not count: a feature that is hidden from one copy of a text."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Tokens of many texts, one row each, as the recogniser describes them.

    Args:
        bins: (N, templates) uint32.
        labels: (N,) int8, 0 on rows between texts.
        starts: (P,) each text's first row.
        lengths: (P,) each text's rows, > 0.
        weights: (P,) how much each text counts, > 0.
    """

    bins: NDArray[np.uint32]
    labels: NDArray[np.int8]
    starts: Ints
    lengths: Ints
    weights: Floats


@dataclass(frozen=True, slots=True)
class Field:
    """What was learned, in nats: (bins, 2), (3, 3), (3,)."""

    weights: Floats
    transitions: Floats
    start: Floats


class Lattice:
    """The rows of all texts, step by step, the longest text first."""

    def __init__(self, examples: Examples) -> None:
        order = np.argsort(-examples.lengths, kind="stable")
        self.starts = examples.starts[order]
        self.lengths = examples.lengths[order]
        self.weights = examples.weights[order]
        longest = int(self.lengths[0])
        self.running = [int((self.lengths > step).sum()) for step in range(longest)]

    def rows(self, step: int) -> Ints:
        """Rows of the texts that are longer than `step`, at that step."""
        return self.starts[: self.running[step]] + step

    def marginals(
        self, scores: Floats, transitions: Floats, start: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Sum over all labellings, forward and backward.

        Args:
            scores: (N, 3), of each token's labels.
            transitions: (3, 3).
            start: (3,).

        Returns:
            (P,) log of each text's sum; (N, 3) probability of each label; (3, 3)
            expected transitions, weighted.
        """
        steps = len(self.running)
        alpha, beta = np.zeros_like(scores), np.zeros_like(scores)
        alpha[self.starts] = scores[self.starts] + start
        for step in range(1, steps):
            rows = self.rows(step)
            ways = alpha[rows - 1][:, :, None] + transitions
            alpha[rows] = _log_sum(ways, 1) + scores[rows]
        total = _log_sum(alpha[self.starts + self.lengths - 1], 1)  # (P,)
        pairs = np.zeros((LABELS, LABELS))
        of_row = np.zeros(len(scores))
        of_row[self.starts] = total
        for step in range(steps - 1, 0, -1):
            rows = self.rows(step)
            count = len(rows)
            of_row[rows] = total[:count]
            after = (scores[rows] + beta[rows])[:, None, :]  # (count, 1, 3)
            ways = transitions + after
            beta[rows - 1] = _log_sum(ways, 2)
            expected = alpha[rows - 1][:, :, None] + ways - total[:count, None, None]
            pairs += np.einsum("pij,p->ij", np.exp(expected), self.weights[:count])
        return total, np.exp(alpha + beta - of_row[:, None]), pairs


def _log_sum(values: Floats, axis: int) -> Floats:
    most = values.max(axis=axis, keepdims=True)
    summed = np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis)
    return np.asarray(summed, np.float64)


class Objective:
    """Minus the weighted log-likelihood of the labels, with its gradient.

    Args:
        examples: what to learn from.
        penalty: half of it, times the sum of squares of all weights, is added.
    """

    def __init__(self, examples: Examples, penalty: float) -> None:
        self.penalty = penalty
        self.lattice = Lattice(examples)
        count = len(examples.labels)
        weight = np.zeros(count)
        inner = np.zeros(count, bool)
        for start, length, of_text in zip(
            examples.starts, examples.lengths, examples.weights, strict=True
        ):
            weight[start : start + length] = of_text
            inner[start + 1 : start + length] = True
        self.weight = weight[:, None]
        kept = (weight > 0)[:, None] & (examples.bins != LEFT_OUT)
        # Only bins that occur have a weight to learn.
        self.used, columns = np.unique(examples.bins[kept], return_inverse=True)
        edges = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        ones = np.ones(len(columns), np.float32)
        self.features = csr_matrix(
            (ones, columns.astype(np.int32), edges), shape=(count, len(self.used))
        )
        self.transposed = self.features.T.tocsr()
        self.wanted = np.eye(LABELS)[examples.labels] * self.weight  # (N, 3)
        at = np.flatnonzero(inner)
        self.wanted_pairs = np.zeros((LABELS, LABELS))
        pair = (examples.labels[at - 1], examples.labels[at])
        np.add.at(self.wanted_pairs, pair, weight[at])

    @property
    def size(self) -> int:
        """How many numbers are learned."""
        return 2 * len(self.used) + LABELS * LABELS + LABELS

    def parts(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Cut the numbers that are learned into weights, transitions and start."""
        weights, rest = np.split(values, [2 * len(self.used)])
        pairs, start = np.split(rest, [LABELS * LABELS])
        return weights.reshape(-1, 2), pairs.reshape(LABELS, LABELS), start

    def __call__(self, values: Floats) -> tuple[float, Floats]:
        """Give the loss and its gradient at `values`."""
        weights, pairs, start = self.parts(values)
        scores = np.zeros((len(self.weight), LABELS))
        scores[:, 1:] = self.features @ weights.astype(np.float32)
        total, share, expected = self.lattice.marginals(scores, pairs, start)
        firsts = self.lattice.starts
        wanted_start = self.wanted[firsts].sum(axis=0)
        likelihood = (
            (scores * self.wanted).sum()
            + (pairs * self.wanted_pairs).sum()
            + (start * wanted_start).sum()
            - (total * self.lattice.weights).sum()
        )
        miss = share * self.weight - self.wanted  # (N, 3)
        gradient = np.concatenate(
            [
                (self.transposed @ miss[:, 1:].astype(np.float32)).ravel(),
                (expected - self.wanted_pairs).ravel(),
                (share[firsts] * self.weight[firsts]).sum(axis=0) - wanted_start,
            ]
        )
        loss = 0.5 * self.penalty * float(values @ values) - float(likelihood)
        return loss, gradient + self.penalty * values


def train(examples: Examples, bins: int, penalty: float, iterations: int) -> Field:
    """Learn a field.

    Args:
        examples: what to learn from.
        bins: how many bins a template's value can fall into.
        penalty: see `Objective`.
        iterations: of L-BFGS, at most.
    """
    objective = Objective(examples, penalty)
    found = minimize(
        objective,
        np.zeros(objective.size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxcor": 6},
    )
    weights, transitions, start = objective.parts(found.x)
    whole = np.zeros((bins, 2))
    whole[objective.used] = weights
    return Field(whole, transitions, start)
