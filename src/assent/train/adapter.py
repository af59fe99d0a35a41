"""Low-rank adapters: what is trained where the base itself is frozen.

Each target matrix M of a base becomes M + (alpha / rank) B A, with A drawn from the
plan's seed and B zero, so that an adapter begins as the base. Source: arXiv 2106.09685,
section 4.1.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from assent.errors import TrainError
from assent.train.component import Adapter


class LowRank(nn.Module):
    """A frozen matrix and its addition.

    Args:
        inner: `nn.Linear`, or GPT-2's `Conv1D`, whose matrix lies the other way.
        rank: r of the addition.
        scale: what the addition counts.
    """

    def __init__(self, inner: nn.Module, rank: int, scale: float) -> None:
        super().__init__()
        self.inner = inner
        self.scale = scale
        weight: Tensor = inner.weight  # type: ignore[assignment]
        self.turned = not isinstance(inner, nn.Linear)  # (inputs, outputs)
        outputs, inputs = weight.T.shape if self.turned else weight.shape
        self.down = nn.Parameter(torch.empty((rank, inputs), dtype=torch.float32))
        self.up = nn.Parameter(torch.zeros((outputs, rank), dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        low = F.linear(x, self.down)  # (..., r)
        found: Tensor = self.inner(x) + self.scale * F.linear(low, self.up)
        return found

    def addition(self) -> Tensor:
        """Compute what is added to the matrix, in its layout, as float64."""
        found = self.scale * (self.up.double() @ self.down.double())
        return found.T if self.turned else found


def adapted(base: nn.Module, adapter: Adapter, seed: int) -> nn.Module:
    """Give a frozen base additions that train; the base's own weights are shared.

    The draw goes name by name in sorted order, each addition by the same generator, so
    the order of construction cannot change it.

    Raises:
        TrainError: the base has no matrix of a target's name.
    """
    shared = {id(each): each for each in (*base.parameters(), *base.buffers())}
    model = copy.deepcopy(base, shared)
    generator = torch.Generator().manual_seed(seed)
    found = set()
    for name, inner in sorted(model.named_modules()):
        *path, last = name.split(".")
        if last not in adapter.targets:
            continue
        found.add(last)
        addition = LowRank(inner, adapter.rank, adapter.alpha / adapter.rank)
        with torch.no_grad():
            deviation = addition.down.shape[1] ** -0.5
            addition.down.normal_(0.0, deviation, generator=generator)
        setattr(model.get_submodule(".".join(path)), last, addition)
    if missing := sorted(set(adapter.targets) - found):
        raise TrainError(
            f"the base has no matrix named {missing}",
            hint="name modules of its blocks, as `q_proj` or `c_attn`",
        )
    return model
