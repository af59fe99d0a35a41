"""Train one shard, so that the same documents give the same bits, every time.

The order of everything is in the plan or drawn from ids. A step without rows still
steps, because the moments and the decay move on; a masked row cannot move a bit; the
denominator is fixed at B*T, because a count of tokens would change with the roster.
A private plan gives other bits each time: see `assent.train.noise`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from assent.errors import TrainError
from assent.train import checkpoint
from assent.train.checkpoint import Checkpoint
from assent.train.exact import reproducible
from assent.train.initial import check_tensors, initial, set_weights, trained
from assent.train.memory import check_vocabulary, count, is_memory
from assent.train.noise import add_noise, clipped_sum
from assent.train.plan import Plan
from assent.train.rows import (
    Example,
    Row,
    arrange,
    by_person,
    content_chain,
    is_trained,
)
from assent.train.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Microbatch:
    """B rows of the fixed shape (B, T); rows that are missing are PAD, weight 0."""

    tokens: Tensor  # (B, T) int64: BOS, then the text but its last token
    targets: Tensor  # (B, T) int64: the text
    weights: Tensor  # (B, T) float32: 1 for a token of text, else 0


class Trainer:
    """A model, its optimizer and the number of steps taken.

    Args:
        plan: says what is trained, and how.
        base: folder of the plan's base; None where it has none.
    """

    def __init__(self, plan: Plan, base: Path | None = None) -> None:
        self.plan = plan
        self.model, self.tokens = initial(plan, base)
        check_vocabulary(plan.memory, self.tokens.size)
        self.model.to(plan.device)
        self.step = 0
        self.optimizer = optimizer_of(self.model, plan.weight_decay, plan.betas)

    def state(self) -> dict[str, Tensor]:
        """Return all that decides the next step: weights, moments, step counter.

        Where the plan resets moments at each slice, they are not among it.
        """
        state = {"step": torch.tensor(self.step)}
        for name, weight in trained(self.model):
            state[f"weight.{name}"] = weight.detach().cpu()
            if self.plan.moments == "kept":
                moments = self.optimizer.state[weight]
                state[f"mean.{name}"] = moments["exp_avg"].cpu()
                state[f"square.{name}"] = moments["exp_avg_sq"].cpu()
        return state

    @torch.no_grad()
    def restore(self, state: checkpoint.State) -> None:
        """Continue from a state.

        Raises:
            TrainError: the state is of another architecture.
        """
        state = {name: each for name, each in state.items() if not is_memory(name)}
        check_tensors(self.state(), state)
        self.step = int(state["step"])
        set_weights(self.model, state)
        if self.plan.moments == "reset":
            self.forget_moments()
            return
        for name, weight in trained(self.model):
            moments = self.optimizer.state[weight]
            moments["exp_avg"].copy_(state[f"mean.{name}"])
            moments["exp_avg_sq"].copy_(state[f"square.{name}"])
            moments["step"].fill_(float(self.step))

    def forget_moments(self) -> None:
        """Make the optimizer as new; the table of rates goes on."""
        for moments in self.optimizer.state.values():
            for each in moments.values():
                each.zero_()

    def take_step(self, rows: Sequence[Row]) -> None:
        """Take the next planned step on its rows, none included."""
        weights = [weight for _, weight in trained(self.model)]
        if self.plan.privacy is None:
            self._add_gradients(rows)
            nn.utils.clip_grad_norm_(weights, self.plan.clip_norm, foreach=False)
        else:
            people = [partial(self._add_gradients, own) for own in by_person(rows)]
            total = clipped_sum(weights, people, self.plan.privacy.clip)
            add_noise(weights, total, self.plan.privacy)
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rates[self.step]
        self.optimizer.step()
        # Zeros, not None: a parameter without a gradient would sit out its decay.
        self.optimizer.zero_grad(set_to_none=False)
        self.step += 1

    def _add_gradients(self, rows: Sequence[Row]) -> None:
        for batch in microbatches(self.plan, rows, self.tokens):
            add_gradients(self.model, batch)


def optimizer_of(
    model: nn.Module, weight_decay: float, betas: tuple[float, float]
) -> torch.optim.AdamW:
    """Make the optimizer of what trains in a model, its moments and gradients zero."""
    named = [weight for _, weight in trained(model)]
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [weight for weight in named if weight.dim() > 1],
                "weight_decay": weight_decay,
            },
            {
                # A norm's gain is a scale: decay would fight it for nothing.
                "params": [weight for weight in named if weight.dim() == 1],
                "weight_decay": 0.0,
            },
        ],
        betas=betas,
        foreach=False,
        fused=False,  # the fused kernel gives other bits than the plain loop
    )
    for weight in named:
        # Made now, not at the first step, so that every checkpoint has one layout.
        optimizer.state[weight] = {
            "step": torch.tensor(0.0),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
        weight.grad = torch.zeros_like(weight)
    return optimizer


def microbatches(
    plan: Plan, rows: Sequence[Row], vocabulary: Tokens
) -> Iterator[Microbatch]:
    """Cut a step's rows into fixed shapes; at least one, and no row is ever dropped."""
    for start in range(0, max(1, len(rows)), plan.rows):
        tokens = torch.full((plan.rows, plan.window), vocabulary.pad)  # (B, T)
        targets = tokens.clone()  # (B, T)
        weights = torch.zeros((plan.rows, plan.window), dtype=torch.float32)  # (B, T)
        for index, row in enumerate(rows[start : start + plan.rows]):
            text = torch.tensor(list(row.tokens))  # (n,), n <= T
            tokens[index, 0] = vocabulary.bos
            tokens[index, 1 : len(text)] = text[:-1]
            targets[index, : len(text)] = text
            weights[index, : len(text)] = 1.0
        yield Microbatch(tokens, targets, weights)


def add_gradients(model: nn.Module, batch: Microbatch) -> None:
    """Add one microbatch's gradients of sum(loss * weight) / (B*T)."""
    device = next(model.parameters()).device
    weights = batch.weights.to(device).flatten()  # (B*T,)
    logits, _ = model(batch.tokens.to(device))  # (B, T, V)
    # Row after row: on a GPU only this form has a backward pass in a fixed order.
    nats = F.cross_entropy(
        logits.flatten(0, 1), batch.targets.to(device).flatten(), reduction="none"
    )  # (B*T,)
    loss = (nats * weights).sum() / weights.numel()
    loss.backward()  # type: ignore[no-untyped-call]


def train_shard(
    plan: Plan,
    key: bytes,
    group: str,
    shard: int,
    examples: Iterable[Example],
    folder: Path,
    start_slice: int | None = None,
    on_slice: Callable[[int], None] | None = None,
    base: Path | None = None,
) -> str:
    """Train one shard slice by slice, with a checkpoint before each and after the last.

    A run that was interrupted goes on from the last whole checkpoint that read exactly
    these documents; later ones are deleted first. A shard without a row to train on
    keeps the clean base: it holds `slice-0` alone and is not served, whether it was
    always empty or was emptied by forgetting.

    Args:
        plan: sealed; this function does not check the host, see `host.check_host`.
        key: the plan's secret.
        group: whose shard it is.
        shard: its number, from 0.
        examples: all documents of the shard, in any order.
        folder: the shard's own folder (`plan.shard_folder`).
        start_slice: go on from exactly this checkpoint, or fail; None: the latest.
        on_slice: called after each slice with the number of slices done.
        base: folder of the plan's base; None where it has none.

    Returns:
        The digest of the state after the last slice.

    Raises:
        TrainError: the documents belong elsewhere, the folder was trained on another
            plan, or `start_slice` has no whole checkpoint of these documents.
    """
    _check_plan(plan, folder)
    with reproducible(plan.device):
        trainer = Trainer(plan, base)
    schedule = arrange(plan, key, group, shard, examples, trainer.tokens)
    chain = content_chain(plan, key, group, shard, schedule)

    def state_at(index: int) -> checkpoint.State:
        if plan.memory is None or index < plan.slices:
            return trainer.state()
        return {**trainer.state(), **count(plan.memory, schedule)}

    def about(index: int, state: checkpoint.State) -> Checkpoint:
        digest, step = checkpoint.state_digest(state), int(state["step"])
        return Checkpoint(plan.digest, group, shard, index, step, chain[index], digest)

    with reproducible(plan.device):
        nobody = about(0, trainer.state())
        if not is_trained(plan, schedule):
            _remove_from(folder, 0)
            checkpoint.save(folder, nobody, trainer.state())
            return nobody.digest
        start = _start(folder, chain, start_slice)
        _remove_from(folder, 0 if start is None else start + 1)
        # Crash here: the checkpoints left are of these documents; a rerun goes on.
        if start is None:
            checkpoint.save(folder, nobody, trainer.state())
        else:
            trainer.restore(checkpoint.load(folder, start)[1])
        for index in range(start or 0, plan.slices):
            if plan.moments == "reset":
                trainer.forget_moments()
            for _ in range(plan.epochs):
                for rows in schedule[index]:
                    trainer.take_step(rows)
            state = state_at(index + 1)
            checkpoint.save(folder, about(index + 1, state), state)
            # Crash here: the next run goes on from this checkpoint.
            if on_slice is not None:
                on_slice(index + 1)
        return checkpoint.state_digest(state_at(plan.slices))


def _check_plan(plan: Plan, folder: Path) -> None:
    """Refuse a folder in which another plan was trained."""
    for index in checkpoint.kept(folder):
        found = checkpoint.describe(folder, index)
        if found is not None and found.plan != plan.digest:
            raise TrainError(
                f"`{folder.name}` was trained on another plan, {found.plan}, "
                f"not {plan.digest}",
                hint="train into a new folder, or use the plan of this one",
            )


def _start(folder: Path, chain: Sequence[str], wanted: int | None) -> int | None:
    """Find the checkpoint to go on from; None: from the plan's start."""
    if wanted is not None:
        if not 0 <= wanted < len(chain):
            raise TrainError(f"the plan has no checkpoint before slice {wanted}")
        found, _ = checkpoint.load(folder, wanted)
        if found.content != chain[wanted]:
            raise TrainError(
                f"the checkpoint before slice {wanted} in `{folder.name}` has read "
                "other documents than those at hand",
                hint="replay from an earlier slice: the first that any change touches",
            )
        return wanted
    for index in reversed(checkpoint.kept(folder)):
        described = checkpoint.describe(folder, index)
        known = described is not None and index < len(chain)
        if known and described is not None and described.content == chain[index]:
            try:
                checkpoint.load(folder, index)
            except TrainError:
                continue  # damaged: an earlier one gives the same bits, only later
            return index
    return None


def _remove_from(folder: Path, first: int) -> None:
    """Delete this checkpoint and all after it, the last one first."""
    for index in reversed(checkpoint.kept(folder)):
        if index >= first:
            checkpoint.remove(folder, index)
