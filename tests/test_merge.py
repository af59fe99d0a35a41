"""Merged models: the mean of a group's shards, as other programs load it."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from assent.errors import TrainError
from assent.train.component import digest_of
from assent.train.ensemble import Served
from assent.train.export import merged, write
from assent.train.initial import initial
from assent.train.loop import train_shard
from assent.train.plan import shard_folder
from small_base import based, write_base
from small_plan import KEY, WORDS, sealed, shard_documents

SHAPES = ("bytes", "llama", "gpt2", "whole")


@pytest.fixture(scope="module", params=SHAPES)
def model(request, tmp_path_factory):
    """Two trained shards of a group: (plan, folder of the model, of the base)."""
    folder, base = tmp_path_factory.mktemp("model"), None
    if request.param == "bytes":
        plan = sealed()
    else:
        family = "llama" if request.param == "whole" else request.param
        base = write_base(tmp_path_factory.mktemp("base"), family)
        plan = based(base, family, lora=request.param != "whole")
    for shard in (0, 1):
        own = shard_folder(folder, "eu", shard)
        examples = shard_documents(plan, "eu", shard)
        train_shard(plan, KEY, "eu", shard, examples, own, base=base)
    return plan, folder, base


def logits_of(folder):
    loaded = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    read = [tokenizer.bos_token_id, *tokenizer(WORDS.decode()[:20]).input_ids]
    with torch.no_grad():
        return loaded.eval()(torch.tensor([read])).logits, torch.tensor([read])


def test_a_merge_of_one_shard_says_what_the_shard_says(model, tmp_path):
    plan, folder, base = model
    write(plan, merged(plan, folder, "eu", [1], base), base, tmp_path / "out")

    found, read = logits_of(tmp_path / "out")

    [shard] = Served(plan, folder, {"eu": [1]}, base)._models.values()
    with torch.no_grad():
        assert torch.allclose(found, shard(read)[0], atol=1e-4)


def test_a_merge_is_the_mean_rounded_once_in_any_order(model, tmp_path):
    plan, folder, base = model
    both = merged(plan, folder, "eu", [0, 1], base)

    other = merged(plan, folder, "eu", [1, 0, 1], base)
    parts = [merged(plan, folder, "eu", [shard], base) for shard in (0, 1)]

    assert all(torch.equal(both[name], other[name]) for name in both)
    assert all(
        torch.equal(both[name], (parts[0][name] + parts[1][name]) / 2) for name in both
    )
    assert {each.dtype for each in both.values()} == {torch.float64}
    for name in ("one", "two"):
        write(plan, both, base, tmp_path / name)
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "two")


def test_a_group_without_a_shard_or_its_checkpoint_is_refused(model, tmp_path):
    plan, folder, base = model
    with pytest.raises(TrainError, match="no shard to merge"):
        merged(plan, folder, "eu", [], base)
    with pytest.raises(TrainError, match="no checkpoint"):
        merged(plan, tmp_path, "eu", [0], base)


def test_a_merge_of_bytes_is_a_base_for_the_next_plan(tmp_path):
    plan = sealed()
    own = shard_folder(tmp_path / "model", "eu", 0)
    train_shard(plan, KEY, "eu", 0, shard_documents(plan), own)
    weights = merged(plan, tmp_path / "model", "eu", [0], None)
    base = tmp_path / "base"
    write(plan, weights, None, base)

    next_plan = based(base, "llama")

    model, tokens = initial(next_plan, base)
    text = "é <bos> \U0001f600\n\0".encode() + bytes([255])
    assert tuple(tokens.encode("é <bos>\n\0".encode())) == tuple("é <bos>\n\0".encode())
    assert tokens.decode(range(32, 127)) == bytes(range(32, 127))
    assert tokens.bos == 256
    assert set(tokens.unsaid) == {256, 257}
    assert tokens.decode(tokens.encode(text)).startswith("é <bos> \U0001f600".encode())
    first, _ = initial(plan, None)
    with torch.no_grad():
        for name, weight in first.named_parameters():
            weight.copy_(weights[name])
        read = torch.tensor([[256, *WORDS[:20]]])
        assert torch.allclose(model(read)[0], first(read)[0], atol=1e-4)
