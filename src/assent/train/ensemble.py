"""Serve the shards together: a posterior across groups, an average inside each.

Groups speak differently, so each byte of context moves weight to the groups that
foresaw it; shards inside a group are exchangeable, so they are averaged. Nothing here
was fitted to anyone's text: the mixture has no learned parameter. Leaving a group or a
shard out is a change of configuration, in force at the next byte, without training.

Weights are certified, outputs are not: their last bits may differ between hosts.
Dimensions: M components, G groups, n tokens of text, V tokens in all. A token is a
byte, but where a plan's base has another tokenizer.
"""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from assent.errors import TrainError
from assent.train import checkpoint
from assent.train.exact import check_device, reproducible
from assent.train.initial import initial, set_weights
from assent.train.memory import Remembered, is_memory
from assent.train.plan import Plan, shard_folder

CLEAN_BASE = "clean base"


class Served:
    """The components of one model that answer now.

    Args:
        plan: the one that the components were trained on.
        folder: of the model.
        components: for each group the shards that may answer: not suspended, not in
            quarantine, and not without documents. None at all: the clean base
            answers, and `clean_base` is true.
        base: folder of the plan's base; None where it has none.

    Raises:
        TrainError: a component does not exist, is damaged, or is of another plan.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        components: Mapping[str, Iterable[int]],
        base: Path | None = None,
    ) -> None:
        self.plan = plan
        check_device(plan.device)
        self._base, self.tokens = initial(plan, base)
        self._base.to(plan.device)
        self._unsaid = torch.zeros(self.tokens.size, dtype=torch.bool)  # (V,)
        self._unsaid[list(self.tokens.unsaid)] = True
        wanted = [(g, s) for g in sorted(components) for s in sorted(components[g])]
        self._counts: dict[tuple[str, int], checkpoint.State] = {}
        models = {}
        for part in wanted:
            models[part], self._counts[part] = _load(plan, folder, *part, base)
        self._serve(models)

    def _serve(self, models: dict[tuple[str, int], nn.Module]) -> None:
        self.clean_base = not models
        self._models = models or {(CLEAN_BASE, 0): self._base}
        names = [group for group, _ in self._models]
        self.groups = tuple(sorted(set(names)))
        # (G, M): minus the logarithm of the group's shard count, or nothing.
        self._shares = torch.full(
            (len(self.groups), len(names)), float("-inf"), dtype=torch.float64
        )
        for index, name in enumerate(names):
            self._shares[self.groups.index(name), index] = -math.log(names.count(name))
        self._memories = self._remember()

    def _remember(self) -> tuple[Remembered, ...]:
        """Add up the counts of each group's shards; none where there is no memory."""
        if self.plan.memory is None or self.clean_base:
            return ()
        return tuple(
            Remembered(
                self.plan.memory,
                [self._counts[each] for each in self._models if each[0] == group],
            )
            for group in self.groups
        )

    @property
    def components(self) -> tuple[tuple[str, int], ...]:
        """Group and shard of each component, in the order of every result."""
        return tuple(self._models)

    @property
    def models(self) -> tuple[nn.Module, ...]:
        """The model of each component, in the order of `components`."""
        return tuple(self._models.values())

    def counts_of(self, component: int) -> Remembered | None:
        """Give what one shard alone has counted, of anybody; None where none counts."""
        if self.plan.memory is None or self.clean_base:
            return None
        state = self._counts[self.components[component]]
        return Remembered(self.plan.memory, [state], least=1)

    def without_memory(self) -> "Served":
        """Leave the counts out: what a merge of the components would know."""
        bare = copy.copy(self)
        bare._memories = ()
        return bare

    def without(self, group: str, shard: int | None = None) -> "Served":
        """Leave a suspended group out, or one shard in quarantine; nothing is loaded.

        Raises:
            TrainError: it is not among the components, so leaving it out does nothing.
        """
        kept = {
            (g, s): model
            for (g, s), model in self._models.items()
            if g != group or (shard is not None and s != shard)
        }
        if len(kept) == len(self._models):
            raise TrainError(f"no component of group `{group}` is served, as asked")
        return self._fewer(kept)

    def only(self, components: Iterable[tuple[str, int]]) -> "Served | None":
        """Keep some components, of groups and shards; nothing is loaded.

        Returns:
            These very components where they are the same; None where one of them is
            not among these.
        """
        wanted = sorted(components)
        if wanted == [each for each in self._models if not self.clean_base]:
            return self
        if not set(wanted) <= self._models.keys():
            return None
        return self._fewer({each: self._models[each] for each in wanted})

    def _fewer(self, kept: dict[tuple[str, int], nn.Module]) -> "Served":
        fewer = copy.copy(self)
        fewer._serve(kept)
        return fewer

    def log_probabilities(self, text: bytes) -> Tensor:
        """Score a text by each component, each token given those before it.

        Returns:
            (M, n) float64, nats, in the order of `components`.
        """
        return self._scored(self.tokens.encode(text))

    @torch.no_grad()
    def _scored(self, read: Sequence[int]) -> Tensor:
        half = self.plan.window // 2
        starts = range(0, max(1, len(read) - half), half)
        inputs = torch.full((len(starts), 2 * half), self.tokens.pad)  # (windows, 2h)
        said = torch.zeros((len(starts), 2 * half), dtype=torch.int64)  # (windows, 2h)
        for index, start in enumerate(starts):
            piece = torch.tensor(list(read[start : start + 2 * half]))  # (p,)
            inputs[index, 0] = self.tokens.bos
            inputs[index, 1 : len(piece)] = piece[:-1]
            said[index, : len(piece)] = piece
        scores = torch.empty((len(self._models), len(read)), dtype=torch.float64)
        inputs = inputs.to(self.plan.device)
        with reproducible(self.plan.device):
            for index, model in enumerate(self._models.values()):
                logits, _ = model(inputs)
                nats = self.log_softmax(logits)  # (windows, 2h, V)
                nats = nats.gather(2, said[:, :, None])[:, :, 0]  # (windows, 2h)
                # The first window counts whole, each later one from its middle on.
                parts = torch.cat((nats[0, :half], nats[:, half:].reshape(-1)))
                scores[index] = parts[: len(read)]
        return scores

    def posterior(self, context: bytes) -> dict[str, float]:
        """Weigh the groups by how well they foresaw a context; the weights sum to 1."""
        foreseen = self._foreseen(self.tokens.encode(context))  # (G, n)
        weights = torch.softmax(foreseen.sum(dim=1), dim=0)  # (G,)
        return dict(zip(self.groups, weights.tolist(), strict=True))

    def next_probabilities(self, context: bytes) -> Tensor:
        """Predict the token after a context.

        Returns:
            (V,) float64, sums to 1.
        """
        with reproducible(self.plan.device):
            return Reading(self, self.tokens.encode(context)).probabilities()

    def generate(
        self, prompt: bytes, count: int, seed: int, temperature: float = 1.0
    ) -> bytes:
        """Continue a prompt by `count` tokens; the same seed says the same.

        Args:
            prompt: bytes to go on from; may be empty.
            count: tokens to add.
            seed: of the draws.
            temperature: 0 takes the likeliest token each time.

        Raises:
            TrainError: the count or the temperature is below 0.
        """
        if count < 0 or temperature < 0:
            raise TrainError("a count of tokens or a temperature cannot be below 0")
        generator = seeded(seed)
        said = []
        with reproducible(self.plan.device):
            reading = Reading(self, self.tokens.encode(prompt))
            for _ in range(count):
                token = draw(reading.probabilities(), temperature, generator)
                said.append(token)
                reading.read(token)
        return self.tokens.decode(said)

    def generate_text(
        self, prompt: str, count: int, seed: int, temperature: float = 1.0
    ) -> str:
        """Continue a text; what is not UTF-8 shows as U+FFFD, as a reader would see."""
        said = self.generate(prompt.encode(), count, seed, temperature)
        return said.decode(errors="replace")

    def bits_per_byte(self, texts: Iterable[bytes]) -> float:
        """Measure how well texts are foreseen, each read on its own; lower is better.

        Raises:
            TrainError: the texts hold no byte.
        """
        nats, count = 0.0, 0
        for text in texts:
            if text:
                totals = self._foreseen(self.tokens.encode(text)).sum(dim=1)  # (G,)
                # A mixture of G equally likely authors, one of whom wrote it all.
                nats -= float(totals.logsumexp(dim=0)) - math.log(len(self.groups))
                count += len(text)
        if count == 0:
            raise TrainError("texts without a byte have no bits per byte")
        return nats / count / math.log(2)

    def log_softmax(self, logits: Tensor) -> Tensor:
        """(..., V) float32 to float64: what is only read can never be said."""
        sayable = logits.double().cpu().masked_fill(self._unsaid, float("-inf"))
        return sayable.log_softmax(dim=-1)

    def _foreseen(self, read: Sequence[int]) -> Tensor:
        """Score a text by each group, its memory included: (G, n) float64, nats."""
        scores = self._group_scores(self._scored(read))
        if not self._memories:
            return scores
        pairs = zip(self._memories, scores, strict=True)
        return torch.stack([memory.score(read, nats) for memory, nats in pairs])

    def _odds(self, context: Sequence[int], scores: Tensor) -> Tensor:
        """Predict the token after a context by each group: (M, V) nats to (G, V)."""
        odds = self._group_scores(scores).exp()
        if not self._memories:
            return odds
        pairs = zip(self._memories, odds, strict=True)
        return torch.stack([memory.spread(context, each) for memory, each in pairs])

    def _group_scores(self, scores: Tensor) -> Tensor:
        """Average probabilities inside each group: (M, ...) to (G, ...), in nats."""
        shares = self._shares.view(*self._shares.shape, *[1] * (scores.dim() - 1))
        return (shares + scores).logsumexp(dim=1)


class Reading:
    """A context being read by all components, one token at a time.

    Args:
        served: the components.
        context: tokens read so far; may be empty.
    """

    def __init__(self, served: Served, context: Sequence[int]) -> None:
        self._served = served
        self._context = list(context)
        # (G,) nats: how well each group foresaw all tokens so far.
        self._foreseen = served._foreseen(context).sum(1)
        self._start = -1
        self._pasts: list[Any] = []
        self._advance()

    def probabilities(self) -> Tensor:
        """Predict the next token: (V,) float64, sums to 1."""
        weights = torch.softmax(self._foreseen, dim=0)  # (G,)
        return (weights[:, None] * self._odds).sum(dim=0)  # (V,)

    def read(self, token: int) -> None:
        """Read one token more."""
        self._foreseen = self._foreseen + self._odds[:, token].log()
        self._context.append(token)
        self._advance()

    @torch.no_grad()
    def _advance(self) -> None:
        """Compute each group's odds of the next token, (G, V)."""
        models = self._served._models.values()
        start = _window_start(len(self._context), self._served.plan.window)
        fresh = start != self._start
        recent = list(self._context[start:]) if fresh else [self._context[-1]]
        bos = self._served.tokens.bos
        tokens = torch.tensor(
            [[bos, *recent] if fresh else recent], device=self._served.plan.device
        )  # (1, t)
        pasts: Sequence[Any] = [None] * len(models) if fresh else self._pasts
        self._start, self._pasts = start, []
        scores = []
        for model, past in zip(models, pasts, strict=True):
            logits, present = model(tokens, past)  # (1, t, V)
            self._pasts.append(present)
            scores.append(self._served.log_softmax(logits[0, -1]))  # (V,)
        self._odds = self._served._odds(self._context, torch.stack(scores))  # (G, V)


def seeded(seed: int) -> torch.Generator:
    """Make what draws tokens: the same for the same seed."""
    return torch.Generator().manual_seed(seed)


def draw(odds: Tensor, temperature: float, generator: torch.Generator) -> int:
    """Choose a token by its (V,) odds; at temperature 0, the likeliest."""
    if temperature == 0:
        return int(odds.argmax())
    sharpened = torch.softmax(odds.log() / temperature, dim=0)  # (256,)
    return int(torch.multinomial(sharpened, 1, generator=generator))


def _window_start(read: int, window: int) -> int:
    """Say where the model's view begins after `read` tokens.

    It moves by half a window at a time, so that most tokens cost one position, and a
    view always begins with BOS, as every row in training did.
    """
    half = window // 2
    return max(0, read // half - 1) * half


def _load(
    plan: Plan, folder: Path, group: str, shard: int, base: Path | None
) -> tuple[nn.Module, checkpoint.State]:
    """Load a component's weights after its last slice, and its counts."""
    found, state = checkpoint.load(shard_folder(folder, group, shard), plan.slices)
    if (found.plan, found.group, found.shard) != (plan.digest, group, shard):
        raise TrainError(
            f"shard {shard} of group `{group}` was trained on another plan or place",
            hint="serve a model with the plan that trained it",
        )
    model, _ = initial(plan, base)
    set_weights(model, state)
    counts = {name: each for name, each in state.items() if is_memory(name)}
    return model.to(plan.device), counts
