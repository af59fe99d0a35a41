"""Export: the shards of one group merged into one model that others can load.

A merge is the mean of the shards' weights, summed in double precision in the order of
the shards and rounded once: always computed anew, never by taking a shard's share away
again, which gives other bits. Dimensions as in `assent.train.model`.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from assent.errors import TrainError
from assent.train import checkpoint
from assent.train.adapter import LowRank
from assent.train.base import load, transformers
from assent.train.component import Shape
from assent.train.initial import initial, set_weights
from assent.train.model import NORM_EPSILON, ROTARY_BASE, hidden_of
from assent.train.plan import Plan, shard_folder

BOS_NAME, PAD_NAME = "<bos>", "<pad>"


def merged(
    plan: Plan, folder: Path, group: str, shards: Iterable[int], base: Path | None
) -> dict[str, Tensor]:
    """Average what the shards of a group have trained: name -> float64.

    Args:
        plan: of the model.
        folder: of the model.
        group: whose shards they are.
        shards: numbers of those that may be served; each is hashed first.
        base: folder of the plan's base; None where it has none.

    Raises:
        TrainError: there is no shard, or a checkpoint is missing or damaged.
    """
    total: dict[str, Tensor] = {}
    count = 0
    for shard in sorted(set(shards)):
        own = shard_folder(folder, group, shard)
        _, state = checkpoint.load(own, plan.slices)
        model, _ = initial(plan, base)
        set_weights(model, state)
        for name, weight in _whole(model).items():
            total[name] = total[name] + weight if name in total else weight
        count += 1
    if not count:
        raise TrainError(f"group `{group}` has no shard to merge")
    return {name: weight / count for name, weight in total.items()}


@torch.no_grad()
def _whole(model: nn.Module) -> dict[str, Tensor]:
    """Give what a model has trained, in double precision; of an adapter, its sums."""
    additions = {
        f"{name}.addition": module.addition()
        for name, module in model.named_modules()
        if isinstance(module, LowRank)
    }
    return additions or {
        name: weight.double() for name, weight in model.named_parameters()
    }


def write(
    plan: Plan, weights: Mapping[str, Tensor], base: Path | None, folder: Path
) -> None:
    """Write a merge as a folder that `transformers` loads, its tokenizer included.

    Args:
        plan: of the model.
        weights: by `merged`; each is rounded to float32 here, once.
        base: folder of the plan's base; None where it has none.
        folder: where nothing lies.

    Raises:
        TrainError: `transformers` is not installed, or the base is another one.
    """
    with torch.no_grad():
        if plan.shape is not None:
            as_llama(plan.shape, plan.window, weights).save_pretrained(folder)
            tokenizer_of(plan.window).save_pretrained(folder)
            return
        if plan.base is None or base is None:
            raise TrainError(f"the plan of `{plan.model}` starts from a base")
        model = _on_base(plan, base, weights)
        model.save_pretrained(folder)
    auto = transformers().AutoTokenizer
    auto.from_pretrained(base, local_files_only=True).save_pretrained(folder)


def as_llama(shape: Shape, window: int, weights: Mapping[str, Tensor]) -> Any:
    """Say the weights of our transformer in Llama's names and layout.

    The last two tokens of its table are BOS and PAD.
    """
    library = transformers()
    size = len(weights["table"])
    config = library.LlamaConfig(
        vocab_size=size,
        hidden_size=shape.width,
        intermediate_size=hidden_of(shape.width),
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=window,
        rms_norm_eps=NORM_EPSILON,
        rope_parameters={"rope_type": "default", "rope_theta": ROTARY_BASE},
        tie_word_embeddings=True,
        bos_token_id=size - 2,
        eos_token_id=size - 2,
        pad_token_id=size - 1,
        dtype="float32",
    )
    model = library.LlamaForCausalLM(config)
    table = {
        "model.embed_tokens.weight": weights["table"],
        "model.norm.weight": weights["last_norm"],
    }
    for layer in range(shape.layers):
        mine, theirs = f"blocks.{layer}.", f"model.layers.{layer}."
        query, key, value = weights[mine + "query_key_value"].chunk(3)
        gate, up = weights[mine + "network_in"].chunk(2)
        parts = {
            "input_layernorm": weights[mine + "attention_norm"],
            "self_attn.q_proj": query,
            "self_attn.k_proj": key,
            "self_attn.v_proj": value,
            "self_attn.o_proj": weights[mine + "attention_out"],
            "post_attention_layernorm": weights[mine + "network_norm"],
            "mlp.gate_proj": gate,
            "mlp.up_proj": up,
            "mlp.down_proj": weights[mine + "network_out"],
        }
        table |= {f"{theirs}{name}.weight": each for name, each in parts.items()}
    own = dict(model.named_parameters())
    if own.keys() != table.keys():
        raise AssertionError("Llama has other weights than these")
    for name, weight in table.items():
        own[name].copy_(weight)
    return model


def tokenizer_of(window: int, texts: Sequence[str] = (), size: int = 256) -> Any:
    """Make a tokenizer: bytes, each its own number, or more, learned from clean texts.

    Args:
        window: tokens that its model reads.
        texts: what parts of words are learned from. Source: arXiv 1508.07909.
        size: of the vocabulary before BOS and PAD; 256 are the bytes alone.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    names = {name: byte for byte, name in bytes_to_unicode().items()}
    tokenizer = Tokenizer(models.BPE(vocab=names, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=size > len(names)
    )
    tokenizer.decoder = decoders.ByteLevel()
    if size > len(names):
        trainer = trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=list(names), show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([BOS_NAME, PAD_NAME])
    return transformers().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS_NAME,
        eos_token=BOS_NAME,
        pad_token=PAD_NAME,
        model_max_length=window,
    )


def _on_base(plan: Plan, base: Path, weights: Mapping[str, Tensor]) -> Any:
    """Put a merge in the place of a base's weights, or add it to them."""
    if plan.base is None:
        raise AssertionError("the plan has no base")
    model = copy.deepcopy(load(base, plan.base.digest)[0])
    own = dict(model.named_parameters())
    for name, weight in weights.items():
        if name.endswith(".addition"):
            matrix = own[name.removesuffix("addition") + "weight"]
            matrix.copy_(matrix.double() + weight)
        else:
            own[name].copy_(weight)
    return model.model
