"""Scores of texts by single shards, and canaries that a plan plants."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from assent.train.ensemble import Served
from assent.train.loop import train_shard
from assent.train.plan import Assignment, shard_folder
from assent.train.rows import arrange, content_chain
from assent.train.score import LOWEST, score
from assent.train.tokens import BYTES
from small_plan import KEY, PLAN, WORDS, people, sealed, shard_documents, without


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    plan, folder = sealed(), tmp_path_factory.mktemp("model")
    for shard in (0, 1):
        own = shard_folder(folder, "eu", shard)
        train_shard(plan, KEY, "eu", shard, shard_documents(plan, "eu", shard), own)
    return Served(plan, folder, {"eu": [0, 1]})


def test_a_text_is_scored_as_it_would_be_trained_on(served):
    text = (WORDS * 2)[:77]  # rows of 32, 32 and 13 bytes
    found = score(served, [text, b"", b"x"])

    rows = [text[:32], text[32:64], text[64:]]
    nats = [served.log_probabilities(row).sum(dim=1) for row in rows]
    wanted = -torch.stack(nats).sum(dim=0) / 77 / math.log(2)
    assert found.bits[0] == pytest.approx(wanted.numpy(), abs=1e-5)
    assert found.tokens.tolist() == [77, 0, 1]
    assert np.isnan(found.bits[1]).all()
    assert np.isnan(found.lowest[1]).all()


def test_the_lowest_fifth_is_what_its_definition_says(served):
    text = WORDS[:30]
    every = [
        served.only([served.components[1]]).next_probabilities(text[:n])
        for n in range(30)
    ]
    standing = []
    for n, odds in enumerate(every):
        sayable = odds[odds > 0]
        mean = (sayable * sayable.log()).sum()
        variance = (sayable * sayable.log() ** 2).sum() - mean**2
        standing.append(float((odds[text[n]].log() - mean) / variance.sqrt()))
    wanted = np.mean(sorted(standing)[: int(LOWEST * 30)])

    assert score(served, [text]).lowest[0, 1] == pytest.approx(wanted, abs=1e-3)


def test_a_shard_foresees_its_own_people_better(served):
    own = [one.text for one in shard_documents(PLAN, "eu", 0)]
    other = [one.text for one in shard_documents(PLAN, "eu", 1)]

    gap = score(served, own).bits @ [-1, 1]
    assert gap.mean() > (score(served, other).bits @ [-1, 1]).mean()


# --- canaries ------------------------------------------------------------------------


def chain(plan, examples):
    schedule = arrange(plan, KEY, "eu", 0, examples, BYTES)
    return schedule, content_chain(plan, KEY, "eu", 0, schedule)


def planted(schedule):
    return {
        (number, step, row.document_id)
        for number, steps in enumerate(schedule)
        for step, rows in enumerate(steps)
        for row in rows
        if row.document_id.startswith("canary:")
    }


def test_a_coin_of_the_key_says_which_canaries_are_trained_on():
    plan = replace(PLAN, canaries=200)
    every = [Assignment(plan, KEY).canary("eu", n) for n in range(200)]

    found = planted(chain(plan, shard_documents(plan))[0])

    wanted = {one.document_id for one in every if one.planted and one.shard == 0}
    assert {name for _, _, name in found} == wanted
    assert 70 <= sum(one.planted for one in every) <= 130
    assert len({one.text for one in every}) == 200
    assert all(one.text.isalpha() and len(one.text) == 64 for one in every)


def test_canaries_do_not_move_when_somebody_leaves():
    plan = replace(PLAN, canaries=50)
    examples = shard_documents(plan)

    before, links = chain(plan, examples)
    after, others = chain(plan, without(examples, people(plan, "eu", 0, 1)[0]))

    assert planted(before) == planted(after)
    assert links[:2] == others[:2]
    assert links[2] != others[2]


def test_a_shard_without_people_is_not_trained_on_canaries():
    schedule, _ = chain(replace(PLAN, canaries=50), [])
    assert planted(schedule) == set()
