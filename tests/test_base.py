"""Clean bases from a folder: read, adapted, trained, repaired and served."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from assent.errors import TrainError
from assent.forget.reach import Reach
from assent.forget.repair import replay, train_as_if_never
from assent.train import checkpoint
from assent.train.base import load
from assent.train.component import TARGETS, digest_of
from assent.train.ensemble import Served
from assent.train.exact import reproducible
from assent.train.host import check_host
from assent.train.initial import initial, size_of, trained
from assent.train.loop import Trainer, train_shard
from assent.train.plan import shard_folder
from assent.train.rows import Row
from small_base import END, FAMILIES, based, write_base
from small_plan import KEY, WORDS, people, shard_documents, without, write_part


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory):
    return write_base(tmp_path_factory.mktemp(family), family)


@pytest.fixture(scope="module")
def plan(family, folder):
    return based(folder, family)


# --- reading a base ------------------------------------------------------------------


def test_a_base_is_read_with_its_tokenizer(folder):
    model, tokens = load(folder, digest_of(folder))

    read = tokens.encode(WORDS)
    logits, _ = model(torch.tensor([read]))

    assert logits.shape == (1, len(read), 304)
    assert len(read) < len(WORDS)
    assert tokens.decode(read) == WORDS
    assert not any(weight.requires_grad for weight in model.parameters())


def test_what_somebody_writes_is_never_a_special_token(folder):
    _, tokens = load(folder, digest_of(folder))

    read = tokens.encode(f"the end {END} of it".encode())

    assert tokens.bos not in read
    assert tokens.decode(read) == f"the end {END} of it".encode()
    assert tokens.bos in tokens.unsaid
    assert 303 in tokens.unsaid  # a row of the table that no token has


def test_bytes_that_are_no_text_are_read_as_a_sign_for_it(folder):
    _, tokens = load(folder, digest_of(folder))

    assert tokens.decode(tokens.encode(b"a\xff")).decode() == "a\ufffd"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_base_that_was_changed_or_broken_is_refused(folder, plan, tmp_path, name):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[:-2] + b" }" if name[0] != "m" else data[:-1])

    with pytest.raises(TrainError, match="has the digest"):
        check_host(plan, copy)
    (copy / name).unlink()
    with pytest.raises(TrainError, match="cannot be read"):
        load(copy, digest_of(copy))


def test_a_base_of_another_family_or_none_is_refused(folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))

    with pytest.raises(TrainError, match="family `bert`, wanted one of"):
        load(copy, digest_of(copy))
    with pytest.raises(TrainError, match="cannot be opened"):
        digest_of(tmp_path / "missing")


def test_a_base_without_a_beginning_is_refused(folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"bos_token": None, "eos_token": None}))

    with pytest.raises(TrainError, match="no token for a beginning"):
        load(copy, digest_of(copy))


def test_a_window_that_the_base_cannot_read_is_refused(folder, family):
    with pytest.raises(TrainError, match="64 positions, the plan's window has 65"):
        based(folder, family, window=65)


def test_a_plan_with_a_base_asks_for_it(plan):
    with pytest.raises(TrainError, match="none is given"):
        check_host(plan)


def test_reading_a_base_never_asks_a_network(tmp_path):
    folder = write_base(tmp_path, "llama")
    program = (
        "import socket\n"
        "def refuse(*_, **__): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path\n"
        "from assent.train.base import load\n"
        "from assent.train.component import digest_of\n"
        f"folder = Path({str(folder)!r})\n"
        "load(folder, digest_of(folder))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- adapters ------------------------------------------------------------------------


def test_an_adapter_begins_as_the_base_and_trains_little(folder, family, plan):
    base, tokens = load(folder, digest_of(folder))
    model, _ = initial(plan, folder)
    read = torch.tensor([tokens.encode(WORDS)])

    with torch.no_grad():
        assert torch.equal(model(read)[0], base(read)[0])
    names = [name for name, _ in trained(model)]
    matrices = 2 * {"llama": 7, "gpt2": 4}[family]  # in two layers
    assert len(names) == 2 * matrices
    assert all(name.endswith((".up", ".down")) for name in names)
    assert size_of(plan, folder) < sum(each.numel() for each in base.parameters()) / 2
    shared = {id(each) for each in base.parameters()}
    frozen = [each for each in model.parameters() if not each.requires_grad]
    assert all(id(each) in shared for each in frozen)


def test_training_moves_the_adapter_and_not_the_base(folder, plan):
    base, tokens = load(folder, digest_of(folder))
    before = {name: each.clone() for name, each in base.named_parameters()}

    with reproducible():
        trainer = Trainer(plan, folder)
        start = checkpoint.state_digest(trainer.state())
        trainer.take_step([Row(b"", "d", 0, tokens.encode(WORDS)[:32], "ana")])

    assert checkpoint.state_digest(trainer.state()) != start
    assert all(torch.equal(each, before[n]) for n, each in base.named_parameters())


def test_an_addition_is_what_the_forward_pass_adds(folder, plan):
    model, _ = initial(plan, folder)
    some = next(each for each in model.modules() if hasattr(each, "addition"))
    with torch.no_grad():
        some.up.normal_(generator=torch.Generator().manual_seed(1))
        x = torch.randn(3, some.down.shape[1], generator=torch.Generator())
        added = some(x) - some.inner(x)
        matrix = some.addition().float()
        wanted = x @ (matrix if some.turned else matrix.T)

    assert torch.allclose(added, wanted, atol=1e-5)


def test_a_target_that_the_base_lacks_is_refused(folder, family):
    other = {"llama": "gpt2", "gpt2": "llama"}[family]
    with pytest.raises(TrainError, match="no matrix named"):
        based(folder, other)
    assert set(TARGETS) == set(FAMILIES)


# --- from training to repair ---------------------------------------------------------


@pytest.mark.parametrize(("lora", "moments"), [(True, "kept"), (False, "reset")])
def test_a_repaired_shard_is_the_one_that_never_saw_her(
    folder, family, tmp_path, lora, moments
):
    plan = based(folder, family, lora, moments=moments)
    examples = shard_documents(plan)
    leaver = people(plan, "eu", 0, 1)[0]
    rest = write_part(tmp_path / "rest.parquet", without(examples, leaver))
    old, new, never = (tmp_path / name for name in ("old", "new", "never"))
    own = shard_folder(old, "eu", 0)
    before = train_shard(plan, KEY, "eu", 0, examples, own, base=folder)

    repaired = replay(plan, KEY, Reach("eu", 0, 1), rest, old, new, folder)

    oracle = train_as_if_never(plan, KEY, "eu", 0, rest, never, folder)
    assert repaired == oracle
    assert repaired != before
    tensors = checkpoint.load(own, 1)[1]
    kinds = {name.split(".")[0] for name in tensors}
    kept = {"weight", "mean", "square", "step"}
    assert kinds == (kept if moments == "kept" else {"weight", "step"})


def test_adapters_are_served_as_a_mixture(folder, plan, tmp_path):
    for shard in (0, 1):
        examples = shard_documents(plan, "eu", shard)
        own = shard_folder(tmp_path, "eu", shard)
        train_shard(plan, KEY, "eu", shard, examples, own, base=folder)

    served = Served(plan, tmp_path, {"eu": [0, 1]}, folder)
    base = Served(plan, tmp_path, {}, folder)

    odds = served.next_probabilities(WORDS)
    assert float(odds.sum()) == pytest.approx(1)
    assert float(odds[list(served.tokens.unsaid)].sum()) == 0
    said = served.generate(b"the ", 40, seed=3)
    assert said == served.generate(b"the ", 40, seed=3)
    assert served.bits_per_byte([WORDS]) < base.bits_per_byte([WORDS])
    assert base.clean_base
    read = served.tokens.encode(WORDS)
    bits = sum(
        -float(
            served.next_probabilities(served.tokens.decode(read[:n]))[read[n]].log2()
        )
        for n in range(len(read))
    )
    assert served.bits_per_byte([WORDS]) == pytest.approx(bits / len(WORDS), abs=1e-3)
