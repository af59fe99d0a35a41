"""Training, checkpoints, hosts and the served mixture, on a toy plan."""

import math
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from assent.errors import TrainError
from assent.train import checkpoint
from assent.train.component import Shape
from assent.train.ensemble import CLEAN_BASE, Served
from assent.train.exact import reproducible
from assent.train.host import check_host, golden_hash, host_class
from assent.train.loop import (
    Microbatch,
    Trainer,
    add_gradients,
    microbatches,
    train_shard,
)
from assent.train.model import VOCABULARY, initial_model
from assent.train.parallel import train_part, train_shards
from assent.train.plan import shard_folder
from assent.train.rows import Row, read_part
from assent.train.tokens import BYTES
from small_plan import (
    KEY,
    PLAN,
    WORDS,
    documents,
    people,
    sealed,
    shard_documents,
    without,
    write_part,
)


@pytest.fixture(scope="module")
def plan():
    return sealed()


@pytest.fixture(scope="module")
def trained(plan, tmp_path_factory):
    """A model of three shards, trained one after the other in this process."""
    folder = tmp_path_factory.mktemp("model")
    digests = {
        (group, shard): train_shard(
            plan,
            KEY,
            group,
            shard,
            shard_documents(plan, group, shard),
            shard_folder(folder, group, shard),
        )
        for group, shard in (("eu", 0), ("eu", 1), ("us", 0))
    }
    return folder, digests


def train(plan, folder: Path, examples, **options) -> str:
    return train_shard(plan, KEY, "eu", 0, examples, folder, **options)


# --- the model -----------------------------------------------------------------------


def test_the_clean_base_is_drawn_from_the_seed_alone(plan):
    torch.manual_seed(1)
    one = Trainer(plan).state()
    torch.manual_seed(2)
    two = Trainer(plan).state()
    other = Trainer(replace(plan, seed=8)).state()

    assert checkpoint.state_digest(one) == checkpoint.state_digest(two)
    assert checkpoint.state_digest(one) != checkpoint.state_digest(other)


def test_reading_byte_by_byte_gives_what_reading_at_once_gives(plan):
    model = initial_model(plan.shape, plan.window, plan.seed)
    tokens = torch.randint(0, VOCABULARY, (2, 20), generator=torch.Generator())

    whole, _ = model(tokens)
    parts, past = [], None
    for position in range(20):
        logits, past = model(tokens[:, position : position + 1], past)
        parts.append(logits)

    assert torch.allclose(whole, torch.cat(parts, dim=1), atol=1e-5)


def test_a_position_never_sees_what_comes_after_it(plan):
    model = initial_model(plan.shape, plan.window, plan.seed)
    tokens = torch.zeros((1, 12), dtype=torch.int64)
    changed = tokens.clone()
    changed[0, 7:] = 99

    assert torch.equal(model(tokens)[0][0, :7], model(changed)[0][0, :7])


# --- the step ------------------------------------------------------------------------


def test_a_masked_row_cannot_move_a_bit(plan):
    rows = [Row(bytes([n]), f"d{n}", 0, WORDS[n : n + 20], "ana") for n in range(3)]
    [batch] = microbatches(plan, rows, BYTES)  # the fourth row is PAD, weight 0
    noise = torch.randint(0, 256, (plan.window,), generator=torch.Generator())
    tokens, targets = batch.tokens.clone(), batch.targets.clone()
    tokens[3], targets[3] = noise, noise.flip(0)

    gradients = []
    for one in (batch, Microbatch(tokens, targets, batch.weights)):
        with reproducible():
            trainer = Trainer(plan)
            add_gradients(trainer.model, one)
        gradients.append([weight.grad for weight in trainer.model.parameters()])

    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_more_rows_than_fit_become_more_microbatches(plan):
    rows = [Row(bytes([n]), f"d{n}", 0, bytes([n]), "ana") for n in range(9)]

    batches = list(microbatches(plan, rows, BYTES))

    assert [b.tokens.shape for b in batches] == [(4, 32)] * 3
    firsts = torch.cat([b.targets[:, 0] for b in batches])
    assert firsts[:9].tolist() == list(range(9))
    assert sum(float(b.weights.sum()) for b in batches) == 9


def test_an_empty_step_still_steps(plan):
    with reproducible():
        trainer = Trainer(plan)
        trainer.take_step([Row(b"", "d", 0, WORDS[:32], "ana")])
        before = checkpoint.state_digest(trainer.state())
        trainer.take_step([])

    assert trainer.step == 2
    assert checkpoint.state_digest(trainer.state()) != before


# --- the shard -----------------------------------------------------------------------


def test_the_same_documents_in_another_order_give_the_same_bits(
    plan, trained, tmp_path
):
    examples = shard_documents(plan)
    random.Random(5).shuffle(examples)

    assert train(plan, tmp_path / "again", examples) == trained[1]["eu", 0]


def test_other_documents_give_other_bits(plan, trained, tmp_path):
    fewer = shard_documents(plan)[:-1]

    assert train(plan, tmp_path / "fewer", fewer) != trained[1]["eu", 0]


def test_training_learns(plan, trained):
    texts = [WORDS]
    base = Served(plan, trained[0], {}).bits_per_byte(texts)

    assert base == pytest.approx(8, abs=0.1)
    assert Served(plan, trained[0], {"eu": [0]}).bits_per_byte(texts) < base - 0.5


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_run_cut_off_between_slices_ends_with_the_same_bits(
    plan, trained, tmp_path, left
):
    own = tmp_path / "cut"
    for index in range(left + 1):
        checkpoint.copy(shard_folder(trained[0], "eu", 0), own, index)
    # Cut off inside the next write: tensors, even a draft, but no JSON.
    (own / f"slice-{left + 1}.safetensors").write_bytes(b"half")
    (own / f".slice-{left + 2}.safetensors.draft").write_bytes(b"ha")
    done: list[int] = []

    digest = train(plan, own, shard_documents(plan), on_slice=done.append)

    assert digest == trained[1]["eu", 0]
    assert done == list(range(left + 1, plan.slices + 1))
    assert sorted(path.name for path in own.iterdir()) == sorted(
        f"slice-{k}.{kind}" for k in range(4) for kind in ("json", "safetensors")
    )


def test_a_run_goes_on_from_before_a_damaged_checkpoint(plan, trained, tmp_path):
    own = tmp_path / "damaged"
    for index in (0, 1):
        checkpoint.copy(shard_folder(trained[0], "eu", 0), own, index)
    cut(own / "slice-1.safetensors")

    assert train(plan, own, shard_documents(plan)) == trained[1]["eu", 0]


def test_a_run_cut_off_before_a_withdrawal_is_not_continued_after_it(
    plan, trained, tmp_path
):
    own = tmp_path / "withdrawn"
    for index in range(4):
        checkpoint.copy(shard_folder(trained[0], "eu", 0), own, index)
    rest = without(shard_documents(plan), people(plan, "eu", 0, 1)[0])
    done: list[int] = []

    digest = train(plan, own, rest, on_slice=done.append)

    assert digest == train(plan, tmp_path / "never", rest)
    assert done == [2, 3]  # the checkpoint before slice 1 is the last without her


def test_another_plan_does_not_go_on_in_this_folder(plan, trained, tmp_path):
    own = tmp_path / "shard"
    checkpoint.copy(shard_folder(trained[0], "eu", 0), own, 0)
    with pytest.raises(TrainError, match="another plan"):
        train(replace(plan, seed=8), own, shard_documents(plan))


def test_a_start_that_does_not_exist_is_refused(plan, tmp_path):
    for start in (1, 9):
        with pytest.raises(TrainError, match="no checkpoint"):
            train(plan, tmp_path, shard_documents(plan), start_slice=start)


def test_a_shard_without_documents_keeps_the_clean_base(plan, trained, tmp_path):
    digest = train(plan, tmp_path / "empty", [])

    base, _ = checkpoint.load(tmp_path / "empty", 0)
    assert digest == base.digest == checkpoint.state_digest(Trainer(plan).state())
    assert checkpoint.kept(tmp_path / "empty") == [0]


# --- checkpoints ---------------------------------------------------------------------


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()  # it may share its bytes with another folder
    path.write_bytes(data[: len(data) // 2])


def test_a_checkpoint_reads_back_as_it_was_written(trained):
    own = shard_folder(trained[0], "us", 0)

    described, state = checkpoint.load(own, 3)

    assert described.step == int(state["step"]) == 12
    assert described.digest == trained[1]["us", 0]


@pytest.mark.parametrize("name", ["plan", "group", "shard", "slice_index", "digest"])
def test_a_checkpoint_whose_description_was_changed_is_not_served(
    plan, trained, tmp_path, name
):
    own = shard_folder(tmp_path, "eu", 0)
    described = checkpoint.copy(shard_folder(trained[0], "eu", 0), own, 3)
    value = {"shard": 1, "slice_index": 2}.get(name, "0" * 64)
    _, state = checkpoint.load(own, 3)
    for index in range(4):
        checkpoint.remove(own, index)
    checkpoint.save(own, replace(described, **{name: value}), state)

    with pytest.raises(TrainError):
        Served(plan, tmp_path, {"eu": [0]})


def test_a_checkpoint_that_is_cut_or_changed_is_refused(trained, tmp_path):
    for index in range(3):
        checkpoint.copy(shard_folder(trained[0], "eu", 0), tmp_path, index)
    cut(tmp_path / "slice-0.safetensors")
    data = bytearray((tmp_path / "slice-1.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "slice-1.safetensors").unlink()
    (tmp_path / "slice-1.safetensors").write_bytes(bytes(data))
    cut(tmp_path / "slice-2.json")

    for index in range(3):
        with pytest.raises(TrainError, match="damaged") as caught:
            checkpoint.load(tmp_path, index)
        assert caught.value.hint
    with pytest.raises(TrainError, match="no checkpoint"):
        checkpoint.load(tmp_path, 3)


def test_the_digest_covers_every_tensor_its_name_and_its_shape(plan):
    state = Trainer(plan).state()
    whole = checkpoint.state_digest(state)

    for name, tensor in state.items():
        changed = tensor.clone()
        changed.view(-1)[-1] += 1
        assert checkpoint.state_digest({**state, name: changed}) != whole
    named = {f"x{name}": tensor for name, tensor in state.items()}
    shaped = {name: tensor.reshape(1, -1) for name, tensor in state.items()}
    assert len({whole, *map(checkpoint.state_digest, (named, shaped, {}))}) == 4
    with pytest.raises(TrainError, match="cannot hold"):
        checkpoint.state_digest({"x": torch.zeros(1, dtype=torch.float16)})


def test_a_state_of_another_architecture_is_refused(plan):
    wider = Trainer(replace(plan, shape=Shape(64, 1, 2))).state()
    with pytest.raises(TrainError, match="architecture"):
        Trainer(plan).restore(wider)


# --- the host ------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="this host has a CUDA device")
def test_a_plan_for_a_device_that_is_not_here_is_refused(plan, trained, tmp_path):
    on_gpu = replace(plan, device="cuda")
    for work in (
        lambda: sealed(device="cuda"),
        lambda: check_host(on_gpu),
        lambda: Served(on_gpu, trained[0], {}),
        lambda: train(on_gpu, tmp_path, []),
    ):
        with pytest.raises(TrainError, match="this host has none"):
            work()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this host has no GPU")
def test_on_a_gpu_a_repaired_shard_is_the_one_that_never_saw_her(tmp_path):
    plan = sealed(device="cuda")
    examples = shard_documents(plan)
    rest = without(examples, people(plan, "eu", 0, 1)[0])

    train(plan, tmp_path / "one", examples)
    assert train(plan, tmp_path / "one", rest) == train(plan, tmp_path / "two", rest)


def test_the_host_that_sealed_a_plan_reproduces_it(plan):
    check_host(plan)

    assert plan.host == host_class()
    assert golden_hash(plan) == golden_hash(PLAN) == plan.golden


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"golden": ""}, "not sealed"),
        ({"golden": "0" * 64}, "golden hash"),
        ({"seed": 8}, "golden hash"),
        ({"betas": (0.8, 0.99)}, "golden hash"),
        ({"host": {}}, "differs in"),
        ({"host": {**host_class(), "torch": "1.0"}}, "differs in \\['torch'\\]"),
    ],
)
def test_a_host_that_cannot_reproduce_the_plan_trains_nothing(
    plan, tmp_path, changes, why
):
    with pytest.raises(TrainError, match=why):
        train_shards(replace(plan, **changes), KEY, {}, tmp_path)


# --- parts and processes -------------------------------------------------------------


def test_processes_in_parallel_give_the_bits_of_one(plan, trained, tmp_path):
    tasks = {
        (group, shard): write_part(
            tmp_path / f"{group}{shard}.parquet", shard_documents(plan, group, shard)
        )
        for group, shard in trained[1]
        if (group, shard) != ("eu", 1)
    }
    tasks["eu", 1] = write_part(tmp_path / "none.parquet", [])
    seen: list[tuple[int, int]] = []

    results = train_shards(
        plan, KEY, tasks, tmp_path / "model", progress=lambda *at: seen.append(at)
    )

    assert results["eu", 0].digest == trained[1]["eu", 0]
    assert results["us", 0].digest == trained[1]["us", 0]
    assert {place: one.served for place, one in results.items()} == {
        ("eu", 0): True,
        ("eu", 1): False,
        ("us", 0): True,
    }
    assert results["eu", 0].content_read == read_part(tasks["eu", 0])[1]
    assert seen == sorted(set(seen))
    assert seen[-1] == (9, 9)


def test_an_error_in_a_process_reaches_the_caller_with_its_hint(plan, tmp_path):
    part = write_part(tmp_path / "wrong.parquet", shard_documents(plan, "eu", 1))
    with pytest.raises(TrainError, match="belongs elsewhere") as caught:
        train_shards(plan, KEY, {("eu", 0): part}, tmp_path / "model")
    assert "corpus again" in caught.value.hint


def test_a_part_that_is_missing_or_torn_is_refused(plan, tmp_path):
    with pytest.raises(TrainError, match="cannot be read"):
        train_part(plan, KEY, "eu", 0, tmp_path / "none.parquet", tmp_path / "model")
    part = write_part(tmp_path / "part.parquet", shard_documents(plan))
    cut(part)
    with pytest.raises(TrainError, match="cannot be read"):
        read_part(part)
    pq.write_table(pa.table({"document_id": ["d"], "text": [None]}), part)
    with pytest.raises(
        TrainError, match="lacks the columns \\['slice', 'subject_id'\\]"
    ):
        read_part(part)
    row = {"document_id": ["d"], "subject_id": [None], "slice": [0], "text": ["x"]}
    pq.write_table(pa.table(row), part)
    with pytest.raises(TrainError, match="null value"):
        read_part(part)


# --- serving -------------------------------------------------------------------------

ALL = {"eu": [0, 1], "us": [0]}


def test_probabilities_and_posterior_sum_to_one(plan, trained):
    served = Served(plan, trained[0], ALL)

    for context in (b"", b"the", WORDS * 2):
        assert float(served.next_probabilities(context).sum()) == pytest.approx(1)
        posterior = served.posterior(context)
        assert posterior.keys() == {"eu", "us"}
        assert sum(posterior.values()) == pytest.approx(1)
    assert served.posterior(b"") == {"eu": 0.5, "us": 0.5}


def test_the_posterior_turns_to_the_group_that_foresees_the_text(plan, trained):
    served = Served(plan, trained[0], ALL)
    own = documents(plan, people(plan, "us", 0, 2), each=3)[-1].text

    assert served.posterior(own)["us"] > 0.5


def test_bits_per_byte_is_the_sum_of_single_predictions(plan, trained):
    served = Served(plan, trained[0], ALL)
    text = (WORDS * 2)[: 2 * plan.window + 5]

    bits = sum(
        -math.log2(float(served.next_probabilities(text[:n])[text[n]]))
        for n in range(len(text))
    )

    assert served.bits_per_byte([text]) == pytest.approx(bits / len(text), abs=1e-4)


def test_generation_is_a_function_of_the_prompt_and_the_seed(plan, trained):
    served = Served(plan, trained[0], ALL)

    said = served.generate(b"the ", 80, seed=3)

    assert len(said) == 80
    assert said == served.generate(b"the ", 80, seed=3)
    assert said != served.generate(b"the ", 80, seed=4)
    first = served.generate(b"the ", 40, seed=3, temperature=0)
    assert first == served.generate(b"the ", 40, seed=9, temperature=0)
    assert isinstance(served.generate_text("", 30, seed=1), str)
    assert served.generate(b"", 0, seed=1) == b""
    with pytest.raises(TrainError):
        served.generate(b"", -1, seed=1)


def test_reading_on_gives_what_reading_anew_gives(plan, trained):
    served = Served(plan, trained[0], ALL)

    said = served.generate(b"a", 70, seed=1, temperature=0)

    for n in (0, 14, 15, 31, 63, 69):
        odds = served.next_probabilities(b"a" + said[:n])
        assert float(odds[said[n]]) == pytest.approx(float(odds.max()), rel=1e-4)


def test_a_suspended_group_changes_the_distribution_at_once(plan, trained):
    served = Served(plan, trained[0], ALL)

    suspended = served.without("us")

    assert suspended.groups == ("eu",)
    fresh = Served(plan, trained[0], {"eu": [0, 1]}).next_probabilities(b"the")
    assert torch.equal(suspended.next_probabilities(b"the"), fresh)
    assert not torch.equal(served.next_probabilities(b"the"), fresh)
    assert suspended.without("eu", 1).components == (("eu", 0),)
    with pytest.raises(TrainError, match="no component"):
        suspended.without("us")


def test_with_everything_suspended_the_clean_base_answers_and_says_so(plan, trained):
    none = Served(plan, trained[0], {})
    last = Served(plan, trained[0], {"us": [0]}).without("us")

    assert none.clean_base
    assert last.clean_base
    assert last.components == ((CLEAN_BASE, 0),)
    assert not Served(plan, trained[0], ALL).clean_base
    assert torch.equal(none.next_probabilities(b"x"), last.next_probabilities(b"x"))


def test_an_empty_shard_and_empty_texts_are_refused(plan, trained, tmp_path):
    train(plan, shard_folder(tmp_path, "eu", 0), [])
    with pytest.raises(TrainError, match="no checkpoint"):
        Served(plan, tmp_path, {"eu": [0]})
    with pytest.raises(TrainError, match="without a byte"):
        Served(plan, trained[0], {}).bits_per_byte([b""])
