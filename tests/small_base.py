"""Base models of toy size, as `transformers` writes them, and plans from there."""

from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from assent.train.component import TARGETS, Adapter, Base, digest_of
from assent.train.host import seal
from assent.train.plan import Plan
from small_plan import PLAN, WORDS

END = "<|endoftext|>"
FAMILIES = ("llama", "gpt2")


def write_base(folder: Path, family: str) -> Path:
    """Write a model and a tokenizer that was trained on words of nobody."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=[END],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator([WORDS.decode()] * 3, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END, eos_token=END
    ).save_pretrained(folder)
    torch.manual_seed(3)
    if family == "llama":
        config = LlamaConfig(
            vocab_size=304,  # more than the tokenizer has, as many real ones
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
    else:
        config = GPT2Config(
            vocab_size=304, n_embd=32, n_layer=2, n_head=4, n_positions=64
        )
        GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def based(folder: Path, family: str, lora: bool = True, **changes: object) -> Plan:
    """Seal a plan that starts from a base."""
    found = Base(digest_of(folder), "random weights, a tokenizer of twelve words")
    adapter = Adapter(2, 4.0, TARGETS[family]) if lora else None
    draft = replace(PLAN, shape=None, base=found, adapter=adapter, **changes)
    return seal(draft, folder)
