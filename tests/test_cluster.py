"""Shards on a real Ray cluster of two nodes: the bits of this host, or a refusal."""

import os
import pickle
import socket
import sys
import time
from dataclasses import replace

import pytest

from assent.corpus.tables import part_path
from assent.errors import TrainError
from assent.project.building import buckets_of, plan_key, sealed_plans
from assent.project.training import read_summary
from assent.train import checkpoint
from assent.train.cluster import TICKET, Cluster, carried_out, code, connected
from assent.train.loop import train_shard
from assent.train.parallel import train_part, train_shards
from assent.train.plan import learning_rate_table, shard_folder
from small_plan import KEY, PLAN, sealed, shard_documents, write_part
from small_project import (
    StoppedError,
    digests,
    leftovers,
    opened,
    somebody,
)

pytest_plugins = ("toy_projects", "command_line", "ray_cluster")

STEPS = 200  # enough time to break something while it trains


@pytest.fixture(scope="module")
def plan():
    return sealed()


@pytest.fixture(scope="module")
def long_plan():
    table = learning_rate_table(PLAN.slices * STEPS * PLAN.epochs, 3e-3)
    return sealed(steps=STEPS, learning_rates=table)


@pytest.fixture(scope="module")
def never_stopped(long_plan, tmp_path_factory):
    return here(long_plan, tmp_path_factory.mktemp("never_stopped"))


def parts_of(plan, folder, *shards):
    return {
        (group, shard): write_part(
            folder / f"{group}{shard}.parquet", shard_documents(plan, group, shard)
        )
        for group, shard in shards
    }


def here(plan, folder):
    """Train one shard in this process, or go on with it: its last digest."""
    own = shard_folder(folder, "eu", 0)
    return train_shard(plan, KEY, "eu", 0, shard_documents(plan), own)


# --- the same bits -------------------------------------------------------------------


def test_a_project_trained_and_repaired_on_a_cluster_has_the_bits_of_this_host(
    fresh_corpus, nodes, tmp_path
):
    with opened(fresh_corpus) as project:
        first = trained_here(project.train(on=nodes.address), project, tmp_path / "1")
        left = somebody(project, "us", 1)
    with opened(fresh_corpus, 1) as project:
        project.record("withdrawn", [left])
        repaired = project.forget(oracle=True, on=nodes.address)
        second = trained_here(repaired, project, tmp_path / "2")

    assert first["us", 0] != second["us", 0]
    assert first["de-fr", 0] == second["de-fr", 0]
    assert repaired.bit_identical
    assert leftovers(fresh_corpus) == []
    assert not list(fresh_corpus.glob(f"{TICKET}*"))


def trained_here(model, project, folder):
    """Train the latest corpus in this process, and compare: what each shard became."""
    place = project.place
    [(plan, number)] = sealed_plans(place).values()
    corpus = place.corpus_folder(place.latest_corpus()["corpus_id"])
    shards = {
        bucket: train_part(
            plan, plan_key(place, number), *bucket, corpus / part_path(bucket), folder
        )
        for bucket in buckets_of(plan)
    }
    assert read_summary(place.model_folder(model.model_id)) == shards
    return shards


# --- what ends in the middle ---------------------------------------------------------


def test_an_interrupted_command_ends_its_tasks_and_another_goes_on(
    nodes, long_plan, never_stopped, tmp_path
):
    parts, folder = parts_of(long_plan, tmp_path, ("eu", 0)), tmp_path / "model"

    def stop(done, total):
        if done:
            raise StoppedError

    with connected(nodes.address, tmp_path) as cluster:
        with pytest.raises(StoppedError):
            train_shards(long_plan, KEY, parts, folder, cluster, stop)
        left = digests(folder)
        time.sleep(1)
        assert digests(folder) == left  # nobody writes any more

    assert not list(tmp_path.glob(f"{TICKET}*"))
    assert max(checkpoint.kept(shard_folder(folder, "eu", 0))) < long_plan.slices
    assert here(long_plan, folder) == never_stopped


def test_a_node_that_dies_is_an_error_and_another_run_goes_on(
    nodes, long_plan, never_stopped, tmp_path
):
    parts = parts_of(long_plan, tmp_path, ("eu", 0), ("eu", 1))
    folder, killed = tmp_path / "model", []

    def kill(done, total):
        if done and not killed:
            nodes.kill(nodes.second)
            killed.append(nodes.second)

    with (
        connected(nodes.address, tmp_path) as cluster,
        pytest.raises(TrainError, match="ended by the cluster") as caught,
    ):
        train_shards(long_plan, KEY, parts, folder, cluster, kill)
    nodes.second = nodes.add()

    assert "goes on where it stopped" in caught.value.hint
    assert here(long_plan, folder) == never_stopped


# --- refusals ------------------------------------------------------------------------


def test_a_node_that_would_give_other_bits_refuses_and_is_named(nodes, plan, tmp_path):
    parts = parts_of(plan, tmp_path, ("eu", 0), ("eu", 1), ("us", 0))
    odd = nodes.add(MKL_CBWR="COMPATIBLE")
    try:
        with (
            connected(nodes.address, tmp_path) as cluster,
            pytest.raises(TrainError, match="'MKL_CBWR'") as caught,
        ):
            train_shards(plan, KEY, parts, tmp_path / "model", cluster)
    finally:
        nodes.kill(odd)

    assert f"node `{socket.gethostname()}, {odd.node_id[:8]}`" in caught.value.message


@pytest.fixture
def errand(plan, tmp_path):
    """What a node is told, as it travels."""
    ticket = tmp_path / f"{TICKET}1"
    ticket.write_bytes(b"t" * 32)
    [(shard, part)] = parts_of(plan, tmp_path, ("eu", 0)).items()
    (tmp_path / "model").mkdir()
    cluster = Cluster(ticket)
    return cluster._errand(plan, KEY, None, shard, part, tmp_path / "model")


def test_a_node_with_the_folder_trains_and_no_key_and_no_text_travels(
    errand, plan, tmp_path
):
    assert carried_out(errand).digest == here(plan, tmp_path / "here")

    travels = pickle.dumps(errand)
    assert KEY not in travels
    assert shard_documents(plan)[0].text not in travels


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda one: one.ticket.unlink(), "does not share the project's folder"),
        (lambda one: one.ticket.write_bytes(b"u" * 32), "does not share"),
        (lambda one: one.ticket.write_bytes(b""), "does not share"),
        (lambda one: one.part.unlink(), "does not share"),
        (lambda one: one.folder.rmdir(), "does not share"),
    ],
)
def test_a_node_with_another_folder_reads_no_part_and_writes_nothing(
    errand, tmp_path, spoil, why
):
    spoil(errand)
    before = digests(tmp_path)

    with pytest.raises(TrainError, match=why):
        carried_out(errand)
    assert digests(tmp_path) == before


def test_a_model_on_a_disk_of_the_node_is_refused(errand, tmp_path):
    other = os.stat("/dev/shm"), os.stat(tmp_path)
    assert other[0].st_dev != other[1].st_dev

    with pytest.raises(TrainError, match="does not share"):
        carried_out(replace(errand, folder=type(tmp_path)("/dev/shm")))


def test_a_node_with_other_code_is_refused(errand):
    assert errand.code == code()
    with pytest.raises(TrainError, match="other code") as caught:
        carried_out(replace(errand, code="0" * 64))
    assert "same release" in caught.value.hint


def test_a_task_that_outlives_its_command_stops_at_its_next_checkpoint(
    errand, plan, monkeypatch
):
    whole = checkpoint.save

    def save(folder, one, state):
        whole(folder, one, state)
        if one.slice_index == 1:
            errand.ticket.unlink()

    monkeypatch.setattr(checkpoint, "save", save)
    with pytest.raises(TrainError, match="has ended"):
        carried_out(errand)

    assert max(checkpoint.kept(shard_folder(errand.folder, "eu", 0))) == 1


@pytest.mark.parametrize("command", ["train", "forget"])
@pytest.mark.parametrize(
    ("address", "why", "hint"),
    [
        ("here", "`here` is no address of a Ray cluster", "ray://HOST:10001"),
        ("ray://127.0.0.1", "is no address", "ray://HOST:10001"),
        ("ray://127.0.0.1:1", "nothing answers at", "ray start --head"),
        ("ray://127.0.0.1:99999", "nothing answers at", "ray start --head"),
    ],
)
def test_an_address_without_a_cluster_is_one_error_and_changes_nothing(
    fresh_corpus, refuses, command, address, why, hint
):
    refuses(fresh_corpus, command, "--on", address, found=why, hint=hint)


def test_without_ray_the_extra_to_install_is_named(fresh_corpus, refuses, monkeypatch):
    monkeypatch.delitem(sys.modules, "assent.train.cluster")
    monkeypatch.setitem(sys.modules, "ray", None)

    refuses(
        fresh_corpus,
        *("train", "--on", "ray://127.0.0.1:10001"),
        found="no module `ray`",
        hint="assent[run,train,ray]",
    )
