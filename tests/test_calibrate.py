"""How much text a shard needs: measured on clean text, declared, and planned with."""

from pydoc_data import topics

import pytest

from assent.errors import TrainError
from assent.project.building import sealed_plans
from assent.project.config import parse_config
from assent.train.calibrate import Arm, Calibrated, calibrate
from assent.train.ensemble import Served
from assent.train.loop import train_shard
from assent.train.plan import (
    BYTES_PER_SHARD,
    Assignment,
    Group,
    commitment,
    shards_for,
)
from assent.train.rows import Example
from small_plan import PLAN, sealed
from small_project import CONFIG, digests, opened, recorded

pytest_plugins = ("command_line",)

PIECE = 256  # tokens that the toy plan takes of a person


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Forty pieces: 36 are trained on, enough for four shards of eight."""
    path = tmp_path_factory.mktemp("clean") / "help.txt"
    written = "\n".join(topics.topics.values()).encode()[: 40 * PIECE]
    path.write_bytes(written)
    return path


@pytest.fixture(scope="module")
def found(text):
    return calibrate(PLAN, [text], 10.0)


def test_each_arm_has_twice_the_shards_and_half_the_text(found):
    assert [arm.shards for arm in found.arms] == [1, 2, 4]
    assert [arm.bytes_per_shard for arm in found.arms] == [9_216, 4_608, 2_304]
    assert found.arms[0].worse == 0
    for arm in found.arms:
        assert 0 < arm.bits_per_byte < 8
        assert arm.worse == arm.bits_per_byte / found.arms[0].bits_per_byte - 1


def test_the_same_text_gives_the_same_figures(found, text):
    assert calibrate(PLAN, [text], 10.0) == found


def test_one_shard_is_measured_as_the_plans_own_trainer_serves_it(
    found, text, tmp_path
):
    data = text.read_bytes()
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    key = bytes(32)
    plan = sealed(groups=(Group("clean", (), 1),), key_commitment=commitment(key))
    kept = [each for n, each in enumerate(pieces, 1) if n % 10]
    index = Assignment(plan, key).slice_index
    examples = [
        Example(f"piece-{n}/0", f"piece-{n}", index(f"piece-{n}"), each)
        for n, each in enumerate(kept)
    ]
    train_shard(plan, key, "clean", 0, examples, tmp_path / "clean.000")

    served = Served(plan, tmp_path, {"clean": [0]})
    bits = served.bits_per_byte(pieces[9::10])

    assert found.arms[0].bits_per_byte == pytest.approx(bits, abs=1e-12)


def test_it_stops_at_the_first_loss_that_is_too_large(text, found):
    stopped = calibrate(PLAN, [text], 1e-9)

    assert found.arms[1].worse > 1e-9  # else the toy says nothing here
    assert stopped.arms == found.arms[:2]
    assert stopped.bytes_per_shard == found.arms[0].bytes_per_shard
    assert not stopped.open_below


def test_the_answer_is_the_least_text_with_a_loss_that_is_allowed():
    arms = (Arm(1, 400, 2.0, 0.0), Arm(2, 200, 2.04, 0.02), Arm(4, 100, 2.2, 0.1))

    assert Calibrated(arms, 0.03).bytes_per_shard == 200
    assert not Calibrated(arms, 0.03).open_below
    assert Calibrated(arms, 0.1).bytes_per_shard == 100
    assert Calibrated(arms, 0.1).open_below


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"word " * 1_000, "has 19 pieces of 256 bytes, wanted 20 at least"),
        (b"", "has 0 pieces"),
        (b"\xff" * 10_000, "is not UTF-8 from byte 0 on"),
    ],
)
def test_a_text_that_cannot_answer_is_refused(tmp_path, data, said):
    (tmp_path / "in.txt").write_bytes(data)

    with pytest.raises(TrainError, match=said):
        calibrate(PLAN, [tmp_path / "in.txt"], 0.03)


def test_a_piece_never_ends_inside_a_character(tmp_path):
    (tmp_path / "in.txt").write_text("a" + "\u20ac" * 3_000, "utf-8")

    found = calibrate(PLAN, [tmp_path / "in.txt"], 1e-9)

    # 35 pieces of 256 bytes, 32 trained on; each loses a byte or two at its edges.
    assert 32 * 252 <= found.arms[0].bytes_per_shard < 32 * 256


# --- declared ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "each", "shards"),
    [(1_000, 1_001, 1), (1_000, 500, 2), (1_000, 126, 4), (1_000, 125, 8)],
)
def test_shards_follow_from_what_a_shard_needs(declared, each, shards):
    assert shards_for(declared, each) == shards


def test_a_declared_need_is_planned_with_and_names_no_group(tmp_path):
    plain = CONFIG.replace("default = 1\n", "default = 1000\nus = 400\n")
    config = parse_config(plain + "bytes_per_shard = 100\n", tmp_path)

    assert (config.shards("eu"), config.shards("us")) == (8, 4)
    assert config.capacity == {"default": 1_000, "us": 400}
    assert config.bytes_per_shard == 100
    before = parse_config(plain, tmp_path)
    assert before.bytes_per_shard == BYTES_PER_SHARD
    assert before.shards("eu") == 1


def test_a_build_seals_as_many_shards_as_follow(tmp_path):
    wanted = CONFIG.replace("default = 1\n", "default = 400\nbytes_per_shard = 100\n")
    recorded(tmp_path / "toy", config=wanted)
    with opened(tmp_path / "toy") as project:
        project.build()
        [(plan, _)] = sealed_plans(project.place).values()

    assert {group.shards for group in plan.groups} == {4}


@pytest.mark.parametrize("value", ["0", "-5", "1.5", '"many"', "true"])
def test_a_need_that_is_no_whole_number_above_0_is_refused(assent, tmp_path, value):
    assent("init", tmp_path / "toy")
    path = tmp_path / "toy" / "assent.toml"
    path.write_text(
        path.read_text().replace(
            "# bytes_per_shard = 65536", f"bytes_per_shard = {value}"
        )
    )

    said = assent("--project", tmp_path / "toy", "status")

    assert said.code == 2
    assert "`bytes_per_shard` in `[capacity]`" in said.err


def test_the_command_prints_a_table_and_what_to_declare_and_writes_nothing(
    assent, text, tmp_path
):
    assent("init", tmp_path / "toy")
    (tmp_path / "toy" / "assent.toml").write_text(CONFIG)
    before = digests(tmp_path / "toy")

    said = assent("--project", tmp_path / "toy", "calibrate", text, "--worse", 1)

    assert (said.code, said.errors) == (0, [])
    assert "worse than one" in said.out
    # Twenty pieces of 512 bytes, 18 trained on: two shards, and no text for four.
    assert "[capacity]\nbytes_per_shard = 4608\n" in said.out
    assert "less may do" in said.out
    assert digests(tmp_path / "toy") == before


def test_the_command_says_that_a_text_is_too_small(assent, refuses, tmp_path):
    assent("init", tmp_path / "toy")
    (tmp_path / "in.txt").write_text("too little")

    refuses(tmp_path / "toy", "calibrate", tmp_path / "in.txt", found="has 0 pieces")
