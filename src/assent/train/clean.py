"""A clean base, trained from text that nobody can withdraw: manuals, public domain.

What comes out is a folder as `transformers` writes it, and `clean.json` beside its
weights: what was read, by name and hash, and by what recipe. The same files and recipe
give the same weights on one host. Dimensions as in `assent.train.model`.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from assent.canon import canonical
from assent.errors import TrainError
from assent.files import write_whole
from assent.train.base import transformers
from assent.train.component import Shape, is_count
from assent.train.exact import reproducible
from assent.train.export import as_llama, tokenizer_of
from assent.train.initial import trained
from assent.train.loop import Microbatch, add_gradients, optimizer_of
from assent.train.model import VOCABULARY, Transformer, initial_model
from assent.train.plan import SEED_LIMIT, learning_rate_table

PIECE = 4_096  # characters that are read together, and held out together
HELD = 50  # one piece of so many is held out, to measure with
SPECIAL = 2  # BOS and PAD, the last two of a vocabulary
MOST_TOKENS = 65_536


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a base is trained. Units: `window` in tokens; `rows` of them a step.

    Args:
        shape: of the transformer.
        vocabulary: tokens in all; 258 are the bytes, more are learned from the text.

    Raises:
        TrainError: a value is outside its range.
    """

    shape: Shape
    window: int = 256
    vocabulary: int = 2_048
    rows: int = 16
    epochs: int = 1
    learning_rate: float = 0.004
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("window", "rows", "epochs"):
            self._want(is_count(getattr(self, name)), name, "a whole number from 1")
        fits = VOCABULARY <= self.vocabulary <= MOST_TOKENS
        self._want(fits, "vocabulary", f"{VOCABULARY:,} to {MOST_TOKENS:,} tokens")
        rate = self.learning_rate
        positive = math.isfinite(rate) and rate > 0
        self._want(positive, "learning_rate", "a number above 0")
        self._want(0 <= self.seed < SEED_LIMIT, "seed", "a number from 0 below 2**53")

    def _want(self, condition: bool, name: str, wanted: str) -> None:
        if not condition:
            found = getattr(self, name)
            what = name.replace("_", " ")
            raise TrainError(f"the {what} of a base is {found}, wanted {wanted}")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made. `bits_per_byte` is of pieces that were held out."""

    parameters: int
    tokens: int
    bits_per_byte: float


def make_base(
    files: Sequence[Path],
    recipe: Recipe,
    provenance: str,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Made:
    """Train a base on files of text into a folder that is not there yet.

    Time grows with bytes times parameters; memory with the bytes, all read at once.

    Args:
        files: UTF-8 text, read in this order.
        recipe: how.
        provenance: where the text comes from and why nobody can withdraw it.
        folder: a draft; the caller gives it its name when this returns, and removes
            what an earlier run left of it before.
        progress: called with steps done and steps in all.

    Raises:
        TrainError: a file is no text, there is too little of it, or `transformers` is
            not installed.
    """
    transformers()  # before an hour of training, not after
    read, pieces = [], []
    for path in files:
        text, about = read_text(path)
        read.append(about)
        pieces += [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    held = pieces[HELD - 1 :: HELD]
    kept = [each for n, each in enumerate(pieces, 1) if n % HELD]
    if not held:
        raise TrainError(
            f"the clean text has {len(pieces)} pieces of {PIECE:,} characters, wanted "
            f"{HELD} at least",
            hint="give more clean text",
        )
    tokenizer = tokenizer_of(recipe.window, kept, recipe.vocabulary - SPECIAL)
    size = len(tokenizer)
    with reproducible():
        model = initial_model(recipe.shape, recipe.window, recipe.seed, size)
        stream = _cut(tokenizer, kept, recipe.window)  # (rows, T)
        _train(model, stream, recipe, progress)
        bits = _bits_per_byte(model, tokenizer, held)
    weights = {name: each.double() for name, each in model.named_parameters()}
    with torch.no_grad():
        as_llama(recipe.shape, recipe.window, weights).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    about_all = {
        "v": 1,
        "provenance": provenance,
        "files": read,
        "recipe": asdict(recipe),
        "held_out_bits_per_byte": round(bits, 4),
    }
    write_whole(folder / "clean.json", canonical(about_all))
    parameters = sum(each.numel() for each in model.parameters())
    return Made(parameters, stream.numel() * recipe.epochs, bits)


def read_text(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a clean text: (it, its name, hash and size in bytes).

    Raises:
        TrainError: it cannot be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
        text = data.decode()
    except OSError as error:
        raise TrainError(f"the file `{path.name}` cannot be read") from error
    except UnicodeDecodeError as error:
        raise TrainError(
            f"`{path.name}` is not UTF-8 from byte {error.start:,} on",
            hint="give plain text",
        ) from error
    sha256 = hashlib.sha256(data).hexdigest()
    return text, {"name": path.name, "sha256": sha256, "bytes": len(data)}


def _cut(tokenizer: Any, pieces: Sequence[str], window: int) -> Tensor:
    """Cut all pieces, one behind the other, into full windows: (rows, T) int64."""
    found = tokenizer.backend_tokenizer.encode_batch(list(pieces))
    ids = [n for each in found for n in each.ids]
    rows = len(ids) // window
    if rows == 0:
        raise TrainError(f"the clean text does not fill one window of {window} tokens")
    return torch.tensor(ids[: rows * window]).view(rows, window)


def _train(
    model: Transformer,
    stream: Tensor,
    recipe: Recipe,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Read every window once an epoch, in an order drawn from the seed."""
    draws = torch.Generator().manual_seed(recipe.seed)
    order = torch.cat(
        [torch.randperm(len(stream), generator=draws) for _ in range(recipe.epochs)]
    )
    steps = torch.split(order, recipe.rows)
    rates = learning_rate_table(len(steps), recipe.learning_rate)
    optimizer = optimizer_of(model, 0.01, (0.9, 0.95))
    for step, rows in enumerate(steps):
        add_gradients(model, _batch(stream[rows], len(model.table) - 2))
        weights = [weight for _, weight in trained(model)]
        nn.utils.clip_grad_norm_(weights, 1.0, foreach=False)
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        if progress is not None:
            progress(step + 1, len(steps))


def _batch(rows: Tensor, bos: int) -> Microbatch:
    """Make a batch of full windows: (B, T) each."""
    inputs = torch.cat((torch.full((len(rows), 1), bos), rows[:, :-1]), dim=1)
    return Microbatch(inputs, rows, torch.ones(rows.shape))


@torch.no_grad()
def _bits_per_byte(model: Transformer, tokenizer: Any, held: Sequence[str]) -> float:
    """Measure on whole windows of held-out text; each begins without a context."""
    nats = read = 0.0
    bos = len(model.table) - 2
    for piece in held:
        ids = tokenizer.backend_tokenizer.encode(piece).ids
        for at in range(0, len(ids), model.window):
            row = torch.tensor([ids[at : at + model.window]])  # (1, t)
            logits, _ = model(_batch(row, bos).tokens)
            nats += float(F.cross_entropy(logits[0], row[0], reduction="sum"))
        read += len(piece.encode())
    return nats / read / math.log(2)
