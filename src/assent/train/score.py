"""Score: how well each shard alone foresees a text, cut as it would be trained on.

What an audit compares. Dimensions: X texts, M components, B rows, T positions, V
tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assent.train.ensemble import Served
from assent.train.exact import reproducible
from assent.train.loop import microbatches
from assent.train.rows import Row

LOWEST = 0.2
"""Share of a text's tokens that Min-K%++ looks at. Source: arXiv 2404.02936, 4."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What components make of texts.

    Args:
        bits: (X, M) bits a token, lower is better foreseen; NaN for a text without any.
        lowest: (X, M) Min-K%++ of the networks alone: higher is better foreseen.
        tokens: (X,) how many each text has.
    """

    bits: NDArray[np.float64]
    lowest: NDArray[np.float64]
    tokens: NDArray[np.int64]


def score(served: Served, texts: Sequence[bytes]) -> Scores:
    """Score texts by each component of a mixture, in the order of `components`.

    Args:
        served: the components.
        texts: each is cut into rows of the plan's window, as in training.
    """
    rows, owners = [], []
    for number, text in enumerate(texts):
        written = served.tokens.encode(text)
        for start in range(0, len(written), served.plan.window):
            part = written[start : start + served.plan.window]
            rows.append(Row(b"", str(number), start, part, ""))
            owners += [number] * len(part)
    owner = np.array(owners, np.int64)  # of each token
    counts = np.bincount(owner, minlength=len(texts))
    shape = (len(texts), len(served.components))
    bits, lowest = np.full(shape, np.nan), np.full(shape, np.nan)
    for component in range(len(served.components)):
        nats, standing = _tokens(served, component, rows)
        nats = _remembered(served, component, rows, nats)
        sums = np.bincount(owner, -nats, minlength=len(texts))
        some = counts > 0
        bits[some, component] = sums[some] / counts[some] / np.log(2)
        lowest[:, component] = _lowest(owner, standing, counts)
    return Scores(bits, lowest, counts)


@torch.no_grad()
def _tokens(
    served: Served, component: int, rows: Sequence[Row]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score each token of all rows: its nats, and where it stands among all tokens.

    Standing: how many standard deviations of the log-probabilities it lies above their
    mean, both as the component expects them.
    """
    model = served.models[component]
    nats, standings = [], []
    with reproducible(served.plan.device):
        for batch in microbatches(served.plan, rows, served.tokens) if rows else ():
            logits, _ = model(batch.tokens.to(served.plan.device))  # (B, T, V)
            every = served.log_softmax(logits)  # (B, T, V)
            read = batch.weights > 0  # (B, T)
            said = every.gather(2, batch.targets[:, :, None])[:, :, 0]  # (B, T)
            mean, deviation = _expected(every)
            nats.append(said[read])
            standings.append(((said - mean) / deviation)[read])
    none = torch.zeros(0, dtype=torch.float64)
    return torch.cat([none, *nats]).numpy(), torch.cat([none, *standings]).numpy()


def _remembered(
    served: Served, component: int, rows: Sequence[Row], nats: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Let the shard's own counts speak too, also of what one person alone wrote.

    More than is served, so that an audit finds what is kept and not only what is said.
    """
    own = served.counts_of(component)
    if own is None or not rows:
        return nats
    ends = np.cumsum([len(row.tokens) for row in rows])
    parts = np.split(nats, ends[:-1])
    pairs = zip(rows, parts, strict=True)
    return np.concatenate(
        [own.score(row.tokens, torch.from_numpy(each)).numpy() for row, each in pairs]
    )


def _expected(every: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of log-probabilities under themselves: (B, T) each."""
    odds = every.exp()
    known = every.masked_fill(odds == 0, 0.0)  # what cannot be said weighs nothing
    mean = (odds * known).sum(dim=2)
    variance = (odds * known**2).sum(dim=2) - mean**2
    return mean, variance.clamp_min(1e-12).sqrt()


def _lowest(
    owner: NDArray[np.int64], standing: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Average the lowest fifth of each text's tokens, one at least."""
    order = np.lexsort((standing, owner))
    firsts = np.cumsum(counts) - counts
    found = np.full(len(counts), np.nan)
    for text in np.flatnonzero(counts):
        kept = max(1, int(LOWEST * counts[text]))
        first = firsts[text]
        found[text] = standing[order[first : first + kept]].mean()
    return found
