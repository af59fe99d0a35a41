"""Replay against the oracle, bit by bit, and what a certificate may say."""

import json
import random
from dataclasses import replace

import pytest

from assent.canon import canonical
from assent.errors import ForgetError, TrainError
from assent.forget.certificate import Certificate, RepairedShard
from assent.forget.reach import Reach, expected_cost, reach, replayed_share
from assent.forget.repair import (
    carry_over,
    destroy,
    keep_until,
    replay,
    replay_shards,
    superseded,
    train_as_if_never,
)
from assent.train import checkpoint
from assent.train.ensemble import Served
from assent.train.loop import Trainer, train_shard
from assent.train.parallel import HERE
from assent.train.plan import shard_folder
from small_plan import (
    KEY,
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
def old(plan, tmp_path_factory):
    """A model with one trained shard; no test writes to it."""
    folder = tmp_path_factory.mktemp("old")
    train_shard(
        plan, KEY, "eu", 0, shard_documents(plan), shard_folder(folder, "eu", 0)
    )
    return folder


def never(plan, examples, folder) -> str:
    """The oracle, in this process: cheap enough to run for each case."""
    return train_shard(plan, KEY, "eu", 0, examples, folder)


# --- repair --------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_repaired_shard_is_the_one_that_never_saw_her(plan, old, tmp_path, index):
    leaver = people(plan, "eu", 0, index)[0]
    rest = without(shard_documents(plan), leaver)
    part = write_part(tmp_path / "part.parquet", rest)
    before = checkpoint.load(shard_folder(old, "eu", 0), plan.slices)[0].digest

    repaired = replay(
        plan, KEY, Reach("eu", 0, index), part, old, tmp_path / "repaired"
    )

    assert repaired == never(plan, rest, tmp_path / "never")
    assert repaired != before
    assert checkpoint.load(shard_folder(old, "eu", 0), plan.slices)[0].digest == before


def test_the_oracle_in_a_fresh_process_agrees(plan, old, tmp_path):
    leaver = people(plan, "eu", 0, 1)[1]
    part = write_part(tmp_path / "part.parquet", without(shard_documents(plan), leaver))
    repaired = replay(plan, KEY, Reach("eu", 0, 1), part, old, tmp_path / "repaired")

    oracle = train_as_if_never(plan, KEY, "eu", 0, part, tmp_path / "oracle")

    assert oracle == repaired
    with pytest.raises(ForgetError, match="earlier run"):
        train_as_if_never(plan, KEY, "eu", 0, part, tmp_path / "oracle")


def test_two_people_leave_one_after_the_other(plan, old, tmp_path):
    first, second = people(plan, "eu", 0, 2)[0], people(plan, "eu", 0, 1)[0]
    some = without(shard_documents(plan), first)
    fewer = without(some, second)
    parts = [
        write_part(tmp_path / f"{n}.parquet", examples)
        for n, examples in enumerate((some, fewer))
    ]

    one = replay(plan, KEY, Reach("eu", 0, 2), parts[0], old, tmp_path / "one")
    two = replay(
        plan, KEY, Reach("eu", 0, 1), parts[1], tmp_path / "one", tmp_path / "two"
    )

    assert one == never(plan, some, tmp_path / "never one")
    assert two == never(plan, fewer, tmp_path / "never two")


def test_the_order_of_what_remains_does_not_matter(plan, old, tmp_path):
    rest = without(shard_documents(plan), people(plan, "eu", 0, 2)[0])
    digests = set()
    for seed in (1, 2):
        random.Random(seed).shuffle(rest)
        part = write_part(tmp_path / f"{seed}.parquet", rest)
        digests.add(
            replay(plan, KEY, Reach("eu", 0, 2), part, old, tmp_path / str(seed))
        )

    assert len(digests) == 1


def test_an_emptied_shard_goes_back_to_the_clean_base(plan, old, tmp_path):
    part = write_part(tmp_path / "part.parquet", [])

    repaired = replay(plan, KEY, Reach("eu", 0, 0), part, old, tmp_path / "repaired")

    assert repaired == checkpoint.state_digest(Trainer(plan).state())
    assert repaired == train_as_if_never(plan, KEY, "eu", 0, part, tmp_path / "oracle")
    with pytest.raises(TrainError, match="no checkpoint"):
        Served(plan, tmp_path / "repaired", {"eu": [0]})


def test_a_reach_that_is_too_late_carries_nobody_over(plan, old, tmp_path):
    leaver = people(plan, "eu", 0, 0)[0]
    part = write_part(tmp_path / "part.parquet", without(shard_documents(plan), leaver))
    with pytest.raises(TrainError, match="other documents"):
        replay(plan, KEY, Reach("eu", 0, 2), part, old, tmp_path / "repaired")
    assert not (tmp_path / "repaired").exists()


def test_a_reach_that_is_early_costs_more_and_ends_the_same(plan, old, tmp_path):
    leaver = people(plan, "eu", 0, 2)[0]
    part = write_part(tmp_path / "part.parquet", without(shard_documents(plan), leaver))
    digests = {
        replay(plan, KEY, Reach("eu", 0, k), part, old, tmp_path / str(k))
        for k in (0, 2)
    }

    assert len(digests) == 1


def test_a_repair_that_is_cut_off_and_run_again_ends_the_same(plan, old, tmp_path):
    leaver = people(plan, "eu", 0, 1)[0]
    rest = without(shard_documents(plan), leaver)
    part, reached = write_part(tmp_path / "part.parquet", rest), Reach("eu", 0, 1)
    new = tmp_path / "repaired"
    whole = replay(plan, KEY, reached, part, old, new)
    checkpoint.remove(shard_folder(new, "eu", 0), 3)

    assert replay(plan, KEY, reached, part, old, new) == whole


def test_damaged_checkpoints_other_plans_and_hosts_are_refused(plan, old, tmp_path):
    part = write_part(tmp_path / "part.parquet", shard_documents(plan))
    damaged = tmp_path / "damaged"
    own = shard_folder(damaged, "eu", 0)
    for index in range(4):
        checkpoint.copy(shard_folder(old, "eu", 0), own, index)
    (own / "slice-1.safetensors").unlink()
    (own / "slice-1.safetensors").write_bytes(b"half")

    with pytest.raises(TrainError, match="damaged"):
        replay(plan, KEY, Reach("eu", 0, 2), part, damaged, tmp_path / "new")
    other, unlike = sealed(weight_decay=0.2), replace(plan, golden="0" * 64)
    with pytest.raises(TrainError, match="another"):
        replay(other, KEY, Reach("eu", 0, 2), part, old, tmp_path / "new")
    with pytest.raises(TrainError, match="cannot reproduce"):
        replay(unlike, KEY, Reach("eu", 0, 2), part, old, tmp_path / "new")
    with pytest.raises(ForgetError, match="folder"):
        replay(plan, KEY, Reach("eu", 0, 2), part, old, old)


def test_several_shards_are_repaired_at_once_and_the_rest_is_carried_over(
    plan, tmp_path
):
    old, new = tmp_path / "old", tmp_path / "new"
    leaver = people(plan, "eu", 1, 2)[0]
    for group, shard in (("eu", 1), ("us", 0)):
        own = shard_folder(old, group, shard)
        examples = shard_documents(plan, group, shard)
        before = train_shard(plan, KEY, group, shard, examples, own)
    rest = without(shard_documents(plan, "eu", 1), leaver)
    parts = {("eu", 1): write_part(tmp_path / "part.parquet", rest)}

    kept = carry_over("us", 0, old, new)
    results = replay_shards(plan, KEY, [Reach("eu", 1, 2)], parts, old, new)

    assert kept == before
    oracle = train_shard(plan, KEY, "eu", 1, rest, tmp_path / "never")
    assert results["eu", 1].digest == oracle
    assert Served(plan, new, {"eu": [1], "us": [0]}).groups == ("eu", "us")
    with pytest.raises(ForgetError, match="no corpus part"):
        replay_shards(plan, KEY, [Reach("us", 0, 2)], parts, old, new)


class Swapping:
    """Workers whose file system shows them another part under the same name."""

    def __init__(self, part, examples):
        self.part, self.examples = part, examples

    def start(self, *work):
        write_part(self.part, self.examples)
        return HERE.start(*work)


def test_a_worker_that_reads_another_part_repairs_nothing(plan, old, tmp_path):
    left, also = (people(plan, "eu", 0, 1)[n] for n in (0, 1))
    rest = without(shard_documents(plan), left)
    part = write_part(tmp_path / "part.parquet", rest)
    workers = Swapping(part, without(rest, also))

    with pytest.raises(TrainError, match="was changed while it was replayed"):
        replay_shards(
            *(plan, KEY, [Reach("eu", 0, 1)], {("eu", 0): part}),
            *(old, tmp_path / "new", workers),
        )


# --- destruction ---------------------------------------------------------------------


def test_superseded_checkpoints_are_destroyed_and_clean_ones_kept(plan, old, tmp_path):
    model, own = tmp_path / "model", shard_folder(tmp_path / "model", "eu", 0)
    carried = tmp_path / "carried"
    train_shard(plan, KEY, "eu", 0, shard_documents(plan), own)
    (own / ".slice-3.safetensors.draft").write_bytes(b"half a state")
    keep_until(plan, KEY, Reach("eu", 0, 1), shard_documents(plan), model, carried)
    doomed = superseded([own], from_slice=2)

    destroyed = destroy([own], from_slice=2)

    assert destroyed == doomed
    assert len(destroyed) == 2
    assert checkpoint.kept(own) == [0, 1]
    checkpoint.load(shard_folder(carried, "eu", 0), 1)
    assert destroy([own], from_slice=2) == ()  # run again after a crash
    assert destroy([tmp_path / "none"], from_slice=0) == ()


def test_nothing_is_destroyed_while_a_copy_would_live_on(plan, tmp_path):
    first, second = (tmp_path / name for name in ("first", "second"))
    own, copied = shard_folder(first, "eu", 0), shard_folder(second, "eu", 0)
    train_shard(plan, KEY, "eu", 0, shard_documents(plan), own)
    carry_over("eu", 0, first, second)

    with pytest.raises(ForgetError, match="another name"):
        destroy([own], from_slice=2)
    assert checkpoint.kept(own) == [0, 1, 2, 3]
    assert len(destroy([own, copied], from_slice=2)) == 2
    assert checkpoint.kept(copied) == [0, 1]


# --- reach and cost ------------------------------------------------------------------


def test_the_reach_is_the_first_touched_slice_of_each_shard():
    rows = [
        ("ana", "eu", 1, 2),
        ("bob", "eu", 1, 1),  # an edge: bob's post names ana
        ("ana", "eu", 1, 2),
        ("ana", "us", 0, 0),
    ]

    assert reach(rows) == (Reach("eu", 1, 1), Reach("us", 0, 0))


def test_someone_in_no_slice_needs_no_repair(plan):
    assert reach([]) == ()
    assert replayed_share(plan, ()) == 0


def test_the_replayed_share_counts_slices_of_the_plan(plan):
    reaches = (Reach("eu", 0, 0), Reach("us", 0, 2))

    assert replayed_share(plan, reaches) == pytest.approx((3 + 1) / 9)


@pytest.mark.parametrize(
    "reaches",
    [
        [Reach("mars", 0, 0)],
        [Reach("eu", 2, 0)],
        [Reach("eu", 0, 3)],
        [Reach("eu", 0, 0), Reach("eu", 0, 1)],
    ],
)
def test_a_reach_outside_the_plan_has_no_share(plan, reaches):
    with pytest.raises(ForgetError):
        replayed_share(plan, reaches)


@pytest.mark.parametrize(
    ("shards", "slices", "leavers", "share"),
    [(16, 8, 1, 0.035), (8, 8, 10, 0.485), (64, 16, 100, 0.52), (256, 16, 1, 0.0021)],
)
def test_the_expected_cost_is_the_published_table(shards, slices, leavers, share):
    assert expected_cost(shards, slices, leavers) == pytest.approx(share, rel=0.02)


def test_the_expected_cost_agrees_with_many_random_batches(plan):
    draw, total, runs = random.Random(1), 0.0, 4_000
    for _ in range(runs):
        rows = [
            ("s", group.name, shard, draw.randrange(3))
            for group, shard in draw.choices(
                [(g, s) for g in plan.groups for s in range(g.shards)], k=2
            )
        ]
        total += replayed_share(plan, reach(rows))

    assert total / runs == pytest.approx(expected_cost(3, 3, 2), rel=0.02)


def test_nobody_leaving_costs_nothing_and_no_shards_are_refused():
    assert expected_cost(4, 4, 0) == 0
    with pytest.raises(ForgetError):
        expected_cost(0, 4, 1)


# --- the certificate -----------------------------------------------------------------

SHARD = RepairedShard("eu", 0, 1, "1" * 64, "2" * 64, served=True, oracle="2" * 64)
CERTIFICATE = Certificate(
    plan="a" * 64,
    old_model="model-1",
    new_model="model-2",
    slices=3,
    shards=(SHARD,),
    subjects=("b" * 64,),
    replayed_share=2 / 9,
    golden_ok=True,
    destroyed=("1" * 64,),
)


def test_a_certificate_reads_back_as_it_was_written():
    read = Certificate.from_json(json.loads(canonical(CERTIFICATE.to_json())))

    assert read == CERTIFICATE
    assert read.digest == CERTIFICATE.digest
    assert read.slices_replayed == 2
    assert "says nothing about copies released earlier" in read.to_json()["scope"]


@pytest.mark.parametrize(
    ("oracles", "verdict"),
    [
        (("2" * 64,), True),
        (("3" * 64,), False),
        ((None,), None),
        ((), None),
        (("2" * 64, None), None),
        (("3" * 64, None), False),
    ],
)
def test_bit_identity_is_concluded_from_digests_and_never_assumed(oracles, verdict):
    shards = tuple(replace(SHARD, shard=n, oracle=o) for n, o in enumerate(oracles))

    changed = replace(CERTIFICATE, shards=shards, replayed_share=len(shards) / 9)
    assert changed.bit_identical is verdict


@pytest.mark.parametrize("name", sorted(CERTIFICATE.to_json()))
def test_a_certificate_that_was_changed_is_refused(name):
    value = CERTIFICATE.to_json()
    for forged in (False, [None], "forged"):
        if name in ("old_model", "new_model") and forged == "forged":
            continue  # a free name: only the ledger, which holds the digest, can tell
        with pytest.raises(ForgetError):
            Certificate.from_json({**value, name: forged})
    del value[name]
    with pytest.raises(ForgetError):
        Certificate.from_json(value)


@pytest.mark.parametrize("name", ["before", "after", "oracle", "slice_index"])
def test_a_shard_that_was_changed_is_refused_or_changes_the_verdict(name):
    value = CERTIFICATE.to_json()
    value["shards"][0][name] = 0 if name == "slice_index" else "x"
    with pytest.raises(ForgetError):
        Certificate.from_json(value)


@pytest.mark.parametrize(
    "changes",
    [
        {"golden_ok": False},
        {"subjects": ("ana",)},
        {"subjects": ()},
        {"new_model": "model-1"},
        {"shards": (SHARD, SHARD)},
        {"shards": (replace(SHARD, slice_index=3),)},
        {"destroyed": ("2" * 64, "1" * 64)},
        {"replayed_share": 1.5},
        {"replayed_share": 0.0},
        {"v": 2},
    ],
)
def test_what_cannot_be_certified_is_not(changes):
    with pytest.raises(ForgetError, match="no certificate"):
        replace(CERTIFICATE, **changes)
