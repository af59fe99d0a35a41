"""The memory: whole numbers that add up over shards, and forget exactly."""

import copy
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from assent.errors import TrainError
from assent.train import checkpoint
from assent.train.component import Memory, memory_of
from assent.train.ensemble import Served
from assent.train.loop import train_shard
from assent.train.memory import Remembered, count
from assent.train.plan import Plan, shard_folder
from assent.train.rows import Row
from assent.train.score import score
from small_plan import KEY, PLAN, people, sealed, shard_documents

TWO = Memory(2, 1, 0.5, (2.0, 1.0))


def counted(memory, *texts):
    """Count rows of (subject, tokens)."""
    rows = [
        Row(b"", f"{who}/{n}", 0, tokens, who) for n, (who, tokens) in enumerate(texts)
    ]
    return count(memory, [[rows]])


def entries(state, order):
    columns = (
        state[f"memory.{order}.{name}"] for name in ("context", "next", "people")
    )
    return list(zip(*(each.tolist() for each in columns), strict=True))


def test_a_person_counts_once_however_often_she_wrote_it():
    state = counted(TWO, ("ann", [1, 2, 1, 2]), ("ann", [1, 2]), ("bob", [1, 2, 3]))

    assert entries(state, 1) == [(1, 2, 2), (2, 1, 1), (2, 3, 1)]
    assert entries(state, 2) == [
        ((1 << 16) | 2, 1, 1),
        ((1 << 16) | 2, 3, 1),
        ((2 << 16) | 1, 2, 1),
    ]


def test_four_tokens_of_context_stay_apart_and_none_reaches_over_a_row():
    high = 65_535
    memory = Memory(4, 1, 0.5, (1.0,) * 4)
    state = counted(memory, ("ann", [high, 0, 0, 0, 7]), ("ann", [0, 0, 0, high, 7]))

    assert len(entries(state, 4)) == 2
    assert len({context for context, _, _ in entries(state, 4)}) == 2
    assert entries(counted(memory, ("ann", [1, 2]), ("ann", [3])), 2) == []


def test_shards_add_up_to_what_they_would_have_counted_together():
    one, other = ("ann", [1, 2, 3, 2]), ("bob", [1, 2, 4])
    apart = Remembered(TWO, [counted(TWO, one), counted(TWO, other)])
    together = Remembered(TWO, [counted(TWO, one, other)])
    odds = torch.full((6,), 1 / 6, dtype=torch.float64)

    for context in ([], [1], [1, 2], [5, 2], [2, 3]):
        assert torch.equal(apart.spread(context, odds), together.spread(context, odds))


def test_the_odds_sum_to_one_and_are_those_of_the_formula():
    memory = Remembered(TWO, [counted(TWO, ("ann", [1, 2, 3]), ("bob", [1, 2, 4]))])
    odds = torch.full((6,), 1 / 6, dtype=torch.float64)

    found = memory.spread([1, 2], odds)

    first = (0.5 + (2 + 0.5 * 2) / 6) / (2 + 2)  # after 2: 3 once, 4 once
    assert found[3].item() == pytest.approx((0.5 + (1 + 0.5 * 2) * first) / (2 + 1))
    assert found.sum().item() == pytest.approx(1.0)
    assert torch.equal(memory.spread([5], odds), odds)  # nobody has written that


def test_a_text_scores_what_its_tokens_are_foreseen_with():
    memory = Remembered(TWO, [counted(TWO, ("ann", [1, 2, 3]), ("bob", [1, 2, 4, 1]))])
    odds = torch.linspace(0.1, 0.3, 5, dtype=torch.float64)
    odds /= odds.sum()
    text = [1, 2, 4, 1, 2, 0]

    found = memory.score(text, odds[text].log())

    for at, token in enumerate(text):
        spread = memory.spread(text[:at], odds)
        assert found[at].item() == pytest.approx(math.log(spread[token]))


def test_what_one_person_alone_wrote_is_not_said():
    memory = replace(TWO, least=2)
    state = counted(memory, ("ann", [1, 2, 3]), ("bob", [1, 2, 4]))
    odds = torch.full((6,), 1 / 6, dtype=torch.float64)
    found = Remembered(memory, [state])

    assert found.spread([1], odds)[2] > 1 / 6  # both wrote it
    # What followed that, one wrote each: it says no more than one token less does.
    assert torch.equal(found.spread([1, 2], odds), found.spread([2], odds))
    assert torch.equal(found.spread([2], odds), odds)


def test_the_share_of_what_is_not_said_goes_to_the_prediction_below():
    memory = replace(TWO, order=1, weights=(2.0,), least=2)
    rows = [("ann", [1, 2]), ("bob", [1, 2]), ("cleo", [1, 3]), ("dan", [1, 4])]
    odds = torch.full((6,), 1 / 6, dtype=torch.float64)

    found = Remembered(memory, [counted(memory, *rows)]).spread([1], odds)

    assert found[2].item() == pytest.approx((1.5 + (2 + 0.5 + 2) / 6) / (4 + 2))
    assert found[3] == found[5]
    assert found.sum().item() == pytest.approx(1.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two shards of a plan with a memory, and their documents."""
    plan = sealed(memory=memory_of(3, 2))
    folder = tmp_path_factory.mktemp("model")
    texts = {shard: shard_documents(plan, "eu", shard) for shard in (0, 1)}
    for shard, each in texts.items():
        own = shard_folder(folder, "eu", shard)
        train_shard(plan, KEY, "eu", shard, each, own)
    return plan, folder, texts


def test_only_the_last_checkpoint_remembers_and_its_digest_covers_that(trained):
    plan, folder, _ = trained
    own = shard_folder(folder, "eu", 0)

    kept = [checkpoint.load(own, n)[1] for n in range(plan.slices + 1)]

    names = [sum(name.startswith("memory.") for name in state) for state in kept]
    assert names == [0, 0, 0, 9]


def test_a_run_that_ended_goes_on_to_the_same_digest(trained, tmp_path):
    plan, folder, texts = trained
    own = tmp_path / "shard"
    shutil.copytree(shard_folder(folder, "eu", 0), own)
    before = checkpoint.describe(own, plan.slices).digest

    assert train_shard(plan, KEY, "eu", 0, texts[0], own) == before


def test_repaired_is_never_saw_her_counts_included(trained, tmp_path):
    plan, folder, texts = trained
    gone = people(plan, "eu", 0, 1, 1)[0]
    rest = [each for each in texts[0] if each.subject_id != gone]
    assert len(rest) < len(texts[0])
    own = tmp_path / "repaired"
    shutil.copytree(shard_folder(folder, "eu", 0), own)

    repaired = train_shard(plan, KEY, "eu", 0, rest, own, start_slice=1)

    never = train_shard(plan, KEY, "eu", 0, rest, tmp_path / "never")
    assert repaired == never
    assert repaired != checkpoint.describe(shard_folder(folder, "eu", 0), 3).digest


def test_a_mixture_says_as_it_scores(trained):
    plan, folder, texts = trained
    served = Served(plan, folder, {"eu": [0, 1]})
    text = texts[0][0].text[:20]

    nats = sum(
        math.log(served.next_probabilities(text[:at])[token])
        for at, token in enumerate(text)
    )

    found = served.bits_per_byte([text])
    assert found == pytest.approx(-nats / len(text) / math.log(2), rel=1e-6)


def test_a_group_without_a_shard_counts_without_it(trained):
    plan, folder, texts = trained
    served = Served(plan, folder, {"eu": [0, 1]})
    text = texts[1][0].text

    fewer = served.without("eu", 1)

    alone = Served(plan, folder, {"eu": [0]})
    assert fewer.bits_per_byte([text]) == alone.bits_per_byte([text])
    assert fewer.bits_per_byte([text]) != served.bits_per_byte([text])
    bare = served.without_memory()
    assert bare.bits_per_byte([text]) != served.bits_per_byte([text])


def test_an_audit_hears_what_a_shard_keeps_of_one_person(trained):
    plan, folder, texts = trained
    served = Served(plan, folder, {"eu": [0, 1]})
    hers = [each.text for each in texts[0][:1]]
    network = counting_nothing(served)

    with_counts, without = score(served, hers), score(network, hers)

    assert with_counts.bits[0, 0] < without.bits[0, 0]
    assert not np.isnan(with_counts.bits).any()


def counting_nothing(served):
    """The same components, counts left out."""
    bare = copy.copy(served)
    bare.plan = replace(served.plan, memory=None)
    return bare


def test_plans_with_and_without_a_memory_are_read_back():
    with_memory = replace(PLAN, memory=memory_of(4, 2))

    assert Plan.from_json(with_memory.to_json()) == with_memory
    assert "memory" not in PLAN.to_json()
    assert Plan.from_json(PLAN.to_json()) == PLAN


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": 0},
        {"order": 5},
        {"least": 0},
        {"discount": 1.0},
        {"weights": (1.0,)},
        {"weights": (1.0, -1.0)},
    ],
)
def test_a_memory_out_of_range_is_refused(wrong):
    with pytest.raises(TrainError, match="memory"):
        replace(TWO, **wrong)
