"""Clean base models: a folder as `transformers` writes it, pinned by its digest.

Nothing is fetched: a base is read from its folder or not at all, only from
safetensors, and no code that lies in the folder is run. Two families are known, those
of Llama and of GPT-2; both have matrices that an adapter can add to.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from assent.errors import TrainError
from assent.train.component import digest_of, family, unreadable


class Based(nn.Module):
    """A base model, called as our own: tokens and past to logits and past."""

    def __init__(self, model: nn.Module, positions: int) -> None:
        super().__init__()
        self.model = model
        self.positions = positions

    def forward(self, tokens: Tensor, past: Any = None) -> tuple[Tensor, Any]:
        """Read tokens after those already read: (B, T) to (B, T, V) float32 logits."""
        # Without a gradient it is being served: then it goes on from what it has read.
        keeps = not torch.is_grad_enabled()
        found = self.model(input_ids=tokens, cache=past, use_cache=keeps)
        return found.logits, found.cache


class BaseTokens:
    """The tokenizer in a base's folder; see `assent.train.tokens.Tokens`."""

    exact = False

    def __init__(self, tokenizer: Any, size: int) -> None:
        self._tokenizer = tokenizer.backend_tokenizer
        # Whoever writes `<|endoftext|>` has written that, and ended nothing.
        self._tokenizer.encode_special_tokens = True
        bos = tokenizer.bos_token_id
        self.bos: int = tokenizer.eos_token_id if bos is None else bos
        if self.bos is None:
            raise TrainError(
                "the base's tokenizer has no token for a beginning or an end",
                hint="use a base whose tokenizer names its `bos_token`",
            )
        self.pad = self.bos
        self.size = size
        special = {*tokenizer.all_special_ids, *range(len(tokenizer), size)}
        self.unsaid = tuple(sorted(special))

    def encode(self, text: bytes) -> Sequence[int]:
        """Cut a text; bytes that are not UTF-8 are read as U+FFFD."""
        written = text.decode(errors="replace")
        return tuple(self._tokenizer.encode(written, add_special_tokens=False).ids)

    def decode(self, tokens: Sequence[int]) -> bytes:
        """Put a text together again; a broken character becomes U+FFFD."""
        written: str = self._tokenizer.decode(list(tokens), skip_special_tokens=False)
        return written.encode()


def transformers() -> Any:
    """Give the library, told to be quiet. Raises: TrainError: it is not installed."""
    try:
        import transformers as library
    except ImportError as error:
        raise TrainError(
            "a base model, and a merged one, need the package `transformers`",
            hint="pip install 'assent[base]'",
        ) from error
    library.utils.logging.disable_progress_bar()
    return library


@cache  # a base may be large, and whoever serves reads it for many shards
def load(folder: Path, wanted: str) -> tuple[Based, BaseTokens]:
    """Read a base that has this digest: (model, tokens). It must not be written to.

    Raises:
        TrainError: the folder has another digest, or no model and tokenizer that can
            be read without a network and without code of its own.
    """
    found = digest_of(folder)
    if found != wanted:
        raise TrainError(
            f"the base in `{folder.name}` has the digest {found}, the plan wants "
            f"{wanted}",
            hint="restore the base that the plan was sealed with",
        )
    family(folder)
    library = transformers()
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        model = library.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, **options
        )
        tokenizer = library.AutoTokenizer.from_pretrained(
            folder, use_fast=True, **options
        )
        tokens = BaseTokens(tokenizer, model.config.vocab_size)
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise unreadable(folder, "`transformers` cannot load it") from error
    model.eval()  # no dropout, here and when it trains
    model.requires_grad_(False)
    return Based(model, model.config.max_position_embeddings), tokens
