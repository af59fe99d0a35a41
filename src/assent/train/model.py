"""A byte transformer, small enough to read in one sitting and to train on one core.

Bytes need no tokenizer, and so none that was trained on somebody's words. The blocks
are those of Llama: decoder only, RMSNorm before each part, rotary positions, SwiGLU;
and one table reads and writes bytes. So `assent.train.export` can hand the weights to
any program that knows Llama. With width 128, 4 layers, 4 heads: 258*128 +
4*(4*128*128 + 3*128*344 + 2*128) + 128 = 824,704 parameters.

Dimensions: B rows, T positions, W width, H heads, D = W/H, F = `hidden_of(W)`,
V = 258 tokens.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from assent.train.component import Shape

BOS = 256
PAD = 257
VOCABULARY = 258  # 256 bytes, BOS, PAD
INITIAL_DEVIATION = 0.02
ROTARY_BASE = 10_000.0
NORM_EPSILON = 1e-6

# Keys and values of the positions already read, one pair a layer: (B, H, P, D) each.
Past = list[tuple[Tensor, Tensor]]


def hidden_of(width: int) -> int:
    """Size the network of a block: two thirds of 4 W, on from there to eights.

    SwiGLU has three matrices where others have two: so many make up for it.
    Source: arXiv 2002.05202, section 3.
    """
    return -(-8 * width // 3 // 8) * 8


class Block(nn.Module):
    """Attention, then a gated network, each added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = _matrix(width)
        self.query_key_value = _matrix(3 * width, width)
        self.attention_out = _matrix(width, width)
        self.network_norm = _matrix(width)
        self.network_in = _matrix(2 * hidden_of(width), width)  # the gate, then values
        self.network_out = _matrix(width, hidden_of(width))

    def forward(
        self, x: Tensor, turn: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Map (B, T, W) to (B, T, W); also return all keys and values so far."""
        rows, length, width = x.shape
        normed = F.rms_norm(x, (width,), self.attention_norm, NORM_EPSILON)
        split = F.linear(normed, self.query_key_value)  # (B, T, 3W)
        split = split.view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        query, key = _rotate(query, turn), _rotate(key, turn)
        wall = None
        if past is not None:
            key = torch.cat((past[0], key), dim=2)  # (B, H, P+T, D)
            value = torch.cat((past[1], value), dim=2)  # (B, H, P+T, D)
            wall = _future(length, key.shape[2])
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=wall, is_causal=past is None
        )  # (B, H, T, D)
        mixed = mixed.transpose(1, 2).reshape(rows, length, width)  # (B, T, W)
        x = x + F.linear(mixed, self.attention_out)
        normed = F.rms_norm(x, (width,), self.network_norm, NORM_EPSILON)
        gate, hidden = F.linear(normed, self.network_in).chunk(2, dim=-1)  # (B, T, F)
        return x + F.linear(F.silu(gate) * hidden, self.network_out), (key, value)


class Transformer(nn.Module):
    """Map tokens to the logits of the next token."""

    def __init__(self, shape: Shape, window: int, vocabulary: int) -> None:
        super().__init__()
        self.window = window
        self.table = _matrix(vocabulary, shape.width)
        self.blocks = nn.ModuleList(
            Block(shape.width, shape.heads) for _ in range(shape.layers)
        )
        self.last_norm = _matrix(shape.width)
        half = shape.width // shape.heads // 2
        rates = ROTARY_BASE ** (-torch.arange(half, dtype=torch.float32) / half)
        angles = torch.arange(window, dtype=torch.float32)[:, None] * rates
        turn = torch.stack((angles.cos(), angles.sin()))  # (2, T, D/2)
        # Not a weight: derived from the plan, so it stays out of checkpoints.
        self.register_buffer("turn", turn, persistent=False)
        self.turn: Tensor

    def forward(self, tokens: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Read tokens after those already read.

        Args:
            tokens: (B, T) int64; `past` and T together at most `window` positions.
            past: what an earlier call returned, for the same rows.

        Returns:
            (B, T, V) float32 logits, and the past for the next call.
        """
        before = 0 if past is None else past[0][0].shape[2]
        turn = self.turn[:, before : before + tokens.shape[1]]  # (2, T, D/2)
        x = F.embedding(tokens, self.table)  # (B, T, W)
        present: Past = []
        for index, block in enumerate(self.blocks):
            x, seen = block(x, turn, None if past is None else past[index])
            present.append(seen)
        x = F.rms_norm(x, (x.shape[-1],), self.last_norm, NORM_EPSILON)
        return F.linear(x, self.table), present  # (B, T, V)


def _matrix(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape, dtype=torch.float32))


def _rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn each pair of (B, H, T, D) by its position. Source: arXiv 2104.09864, 3.4."""
    cos, sin = turn  # (T, D/2) each
    first, second = x.chunk(2, dim=-1)  # (B, H, T, D/2) each
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def _future(length: int, seen: int) -> Tensor:
    """(T, P+T) float32: 0 where a position may look, minus infinity ahead of it."""
    wall = torch.full((length, seen), float("-inf"), dtype=torch.float32)
    return wall.triu(diagonal=seen - length + 1)


def initial_model(
    shape: Shape, window: int, seed: int, vocabulary: int = VOCABULARY
) -> Transformer:
    """Draw the weights that every shard starts from, out of the plan's seed.

    The draw uses its own generator, name by name in sorted order, so neither the
    process nor the order of construction can change it.
    """
    model = Transformer(shape, window, vocabulary)
    generator = torch.Generator().manual_seed(seed)
    # 2 additions a layer: their sum keeps the deviation of one. Source: GPT-2, 2.3.
    into_stream = INITIAL_DEVIATION / (2 * shape.layers) ** 0.5
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if weight.dim() == 1:
                weight.fill_(1.0)
            else:
                deviation = into_stream if name.endswith("_out") else INITIAL_DEVIATION
                weight.normal_(0.0, deviation, generator=generator)
    return model
