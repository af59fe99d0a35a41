"""The start of every shard of a plan: a model, its weights that train, its tokens."""

import copy
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from assent.errors import TrainError
from assent.train.adapter import adapted
from assent.train.base import Based, BaseTokens, load
from assent.train.checkpoint import State
from assent.train.component import family
from assent.train.model import initial_model
from assent.train.plan import Plan
from assent.train.tokens import BYTES, Tokens


def initial(plan: Plan, base: Path | None) -> tuple[nn.Module, Tokens]:
    """Build the start of every shard: the same bits each time.

    Args:
        plan: says what is trained.
        base: folder of its base; None where it has none.

    Returns:
        (model, tokens): the model maps (B, T) tokens and a past to (B, T, V) logits
        and the past for the next call; what requires a gradient is what trains.

    Raises:
        TrainError: the base is missing, is another one, or has too few positions.
    """
    if plan.shape is not None:
        return initial_model(plan.shape, plan.window, plan.seed), BYTES
    found, tokens = _base_of(plan, base)
    if plan.window > found.positions:
        raise TrainError(
            f"the base reads {found.positions} positions, the plan's window has "
            f"{plan.window}",
            hint="make the window smaller",
        )
    if plan.adapter is not None:
        return adapted(found, plan.adapter, plan.seed), tokens
    model = copy.deepcopy(found)
    model.requires_grad_(True)
    return model, tokens


def tokens_of(plan: Plan, base: Path | None) -> Tokens:
    """Give what cuts the texts of a plan. Raises: TrainError: as `initial`."""
    return BYTES if plan.base is None else _base_of(plan, base)[1]


def modules_of(plan: Plan, base: Path | None) -> tuple[str, ...]:
    """Name the modules that a process needs to read a plan's base."""
    if plan.base is None or base is None:
        return ()
    kind = family(base)
    return (f"transformers.models.{kind}.modeling_{kind}",)


def _base_of(plan: Plan, folder: Path | None) -> tuple[Based, BaseTokens]:
    if plan.base is None:
        raise AssertionError("a plan has a shape or a base")
    if folder is None:
        raise TrainError(
            f"the plan of `{plan.model}` starts from a base, and none is given",
            hint="name its folder as `base` in `[train]`",
        )
    return load(folder, plan.base.digest)


def trained(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Go through the weights that train, by name; what is tied comes once."""
    return (
        (name, each) for name, each in model.named_parameters() if each.requires_grad
    )


@torch.no_grad()
def set_weights(model: nn.Module, state: State) -> None:
    """Give a model the weights of a state.

    Raises:
        TrainError: the state is of another architecture.
    """
    own = {f"weight.{name}": weight for name, weight in trained(model)}
    given = {name: each for name, each in state.items() if name.startswith("weight.")}
    check_tensors(own, given)
    for name, weight in own.items():
        weight.copy_(given[name])


def check_tensors(own: State, given: State) -> None:
    """Make sure that a state has the tensors of another. Raises: TrainError."""
    if _shapes(own) != _shapes(given):
        raise TrainError(
            "the checkpoint's tensors are not those of the plan's architecture",
            hint="use the plan that this checkpoint was trained with",
        )


def _shapes(state: State) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    return {name: (tuple(each.shape), each.dtype) for name, each in state.items()}


def size_of(plan: Plan, base: Path | None) -> int:
    """Count the numbers that train in one shard."""
    return sum(each.numel() for _, each in trained(initial(plan, base)[0]))
