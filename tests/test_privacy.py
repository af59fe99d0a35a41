"""Differential privacy for a person: clipped whole, hidden by noise, counted right."""

import json
import math
import statistics
from dataclasses import replace
from functools import cache

import pytest
import torch
from scipy import stats

from assent.canon import canonical
from assent.errors import ForgetError, TrainError, UsageError
from assent.forget.certificate import Certificate
from assent.forget.reach import Reach
from assent.forget.repair import replay
from assent.project.auditing_models import Options
from assent.train import checkpoint
from assent.train.exact import reproducible
from assent.train.loop import Trainer, train_shard
from assent.train.noise import clipped_sum, gaussian
from assent.train.plan import Assignment, Plan, shard_folder
from assent.train.privacy import Guarantee, Privacy, guarantee
from assent.train.rows import Row, arrange
from assent.train.tokens import BYTES
from small_names import KEEP
from small_plan import (
    KEY,
    PLAN,
    WORDS,
    people,
    sealed,
    shard_documents,
    without,
    write_part,
)
from small_project import CONFIG, POLICY, model_of, opened, recorded, somebody, trained

PRIVACY = Privacy(noise=1.0, clip=0.5, delta=1e-6)
PRIVATE = replace(PLAN, privacy=PRIVACY)
SECTION = "\n[privacy]\nnoise = 1.0\nclip = 0.5\ndelta = 0.000001\n"


# --- what a person is promised --------------------------------------------------------


def exact_delta(epsilon, noise):
    """Say what delta one Gaussian mechanism has: arXiv 1805.06530, theorem 8."""
    below = statistics.NormalDist().cdf
    shift, half = epsilon * noise, 1 / (2 * noise)
    return below(half - shift) - math.exp(epsilon) * below(-half - shift)


@pytest.mark.parametrize(
    ("noise", "epochs", "releases"),
    [(0.7, 1, 1), (1.0, 2, 1), (2.0, 4, 3), (5.0, 1, 10)],
)
def test_epsilon_is_that_of_the_closed_form(noise, epochs, releases):
    found = guarantee(Privacy(noise, 0.1, 1e-5), epochs, releases)

    one = noise / math.sqrt(epochs * releases)
    assert exact_delta(found.epsilon, one) <= 1e-5
    assert exact_delta(found.epsilon - 2e-4, one) > 1e-5


def test_epsilon_agrees_with_accountants_that_compose_step_by_step():
    import dp_accounting

    found = guarantee(PRIVACY, epochs=2, releases=3).epsilon
    event = dp_accounting.SelfComposedDpEvent(dp_accounting.GaussianDpEvent(1.0), 6)
    numeric = dp_accounting.pld.PLDAccountant().compose(event).get_epsilon(1e-6)
    moments = dp_accounting.rdp.RdpAccountant().compose(event).get_epsilon(1e-6)

    assert found == pytest.approx(numeric, rel=1e-3)
    assert found <= moments


def test_clip_alone_promises_nothing_and_each_model_takes_from_it():
    other = replace(PRIVACY, clip=7.0)
    each = [guarantee(PRIVACY, 2, n).epsilon for n in (1, 2, 3)]

    assert guarantee(other, 2, 1).epsilon == each[0]
    assert each == sorted(set(each))
    assert "for a person: epsilon" in str(guarantee(PRIVACY, 2, 1))


# --- the plan -------------------------------------------------------------------------


def test_a_private_plan_reads_back_and_others_are_named_as_before():
    plan = replace(PRIVATE, privacy=Privacy(1.0, 2.0, 1e-6))

    assert Plan.from_json(json.loads(canonical(plan.to_json()))) == plan
    assert "privacy" not in PLAN.to_json()
    assert PRIVATE.digest not in (PLAN.digest, plan.digest)


@pytest.mark.parametrize(
    "part",
    [
        None,
        {},
        {"noise": 1.0, "clip": 0.5},
        {"noise": 1.0, "clip": 0.5, "delta": 1e-6, "seed": 1},
        *(
            {"noise": 1.0, "clip": 0.5, "delta": 1e-6} | change
            for change in (
                {"noise": 0.0},
                {"noise": -1.0},
                {"noise": float("inf")},
                {"noise": float("nan")},
                {"noise": True},
                {"clip": 0.0},
                {"clip": "1"},
                {"delta": 0.0},
                {"delta": 1.0},
            )
        ),
    ],
)
def test_a_privacy_that_is_not_as_wanted_is_refused(part):
    with pytest.raises(TrainError, match="privacy"):
        Plan.from_json({**PLAN.to_json(), "privacy": part})


def test_all_that_a_person_wrote_is_in_one_step_of_each_pass():
    plan = replace(PRIVATE, steps=16, learning_rates=(1e-3,) * 96)
    plain = replace(plan, privacy=None)

    def steps_of(plan):
        rows = arrange(plan, KEY, "eu", 0, shard_documents(plan), BYTES)
        found = {}
        for steps in rows:
            for step, each in enumerate(steps):
                for row in each:
                    found.setdefault(row.subject_id, set()).add(step)
        return found

    assert all(len(steps) == 1 for steps in steps_of(plan).values())
    assert any(len(steps) > 1 for steps in steps_of(plain).values())
    drawn = {Assignment(plan, KEY).step(f"u{n}", "d") for n in range(200)}
    assert drawn == set(range(16))


# --- the step -------------------------------------------------------------------------


def row(who, text, number=0):
    return Row(bytes([number]), f"{who}/{number}", number, text, who)


def gradient(rows, privacy):
    """Give the gradient of a plan's first step, from the moments it leaves: (N,)."""
    with reproducible():
        trainer = Trainer(replace(PRIVATE, privacy=privacy))
        trainer.take_step(rows)
    means = [each["exp_avg"].flatten() for each in trainer.optimizer.state.values()]
    return torch.cat(means).double() / (1 - PLAN.betas[0])


@pytest.mark.parametrize("clip", [1e-3, 0.05, 10.0])
def test_a_person_moves_the_sum_by_her_clip_at_most(clip):
    quiet = Privacy(1e-9, clip, 1e-6)
    others = [row(who, WORDS[n : n + 32]) for n, who in enumerate(("bea", "cem"))]
    hers = [row("ana", bytes([n, 255 - n] * 16), n) for n in range(40)]

    moved = gradient([*hers, *others], quiet) - gradient(others, quiet)
    alone = gradient(hers, quiet)

    assert moved.norm() <= clip * (1 + 1e-4)
    assert torch.allclose(moved, alone, atol=clip * 1e-4)


def test_it_is_people_who_are_clipped_and_not_documents():
    quiet = Privacy(1e-9, 1e-3, 1e-6)
    text = WORDS[:32]

    one = gradient([row("ana", text, n) for n in range(3)], quiet).norm()
    three = gradient([row(f"u{n}", text, n) for n in range(3)], quiet).norm()

    assert one == pytest.approx(1e-3, rel=1e-3)
    assert three == pytest.approx(3e-3, rel=1e-3)


@pytest.mark.parametrize("value", [math.inf, math.nan, 3e38])
def test_a_gradient_beyond_all_bounds_counts_as_none_or_is_clipped(value):
    weight = torch.nn.Parameter(torch.zeros(4))

    def add(what):
        weight.grad += what

    [total] = clipped_sum([weight], [lambda: add(value), lambda: add(1.0)], clip=0.5)
    [alone] = clipped_sum([weight], [lambda: add(1.0)], clip=0.5)

    assert torch.isfinite(total).all()
    assert (total - alone).norm() <= 0.5 * (1 + 1e-12)


def test_noise_is_normal_of_the_declared_size_in_a_step_without_anybody():
    drawn = gradient([], Privacy(3.0, 0.5, 1e-6)) / 1.5

    assert len(drawn) > 10_000
    assert stats.kstest(drawn.numpy(), "norm").pvalue > 1e-6


def test_single_draws_are_normal_far_out_and_never_the_same():
    drawn = gaussian(400_001)

    assert drawn.shape == (400_001,)
    assert stats.kstest(drawn.numpy(), "norm").pvalue > 1e-6
    assert abs(float((drawn.abs() > 3).double().mean()) - 0.0026998) < 5e-4
    assert not torch.equal(gaussian(64), gaussian(64))


# --- shards ---------------------------------------------------------------------------


@cache
def private_plan():
    return sealed(privacy=PRIVACY)


def test_a_shard_without_anybody_is_trained_on_noise_like_any_other(tmp_path):
    plan = private_plan()
    found = [train_shard(plan, KEY, "us", 0, [], tmp_path / name) for name in "ab"]

    assert len(set(found)) == 2
    assert checkpoint.kept(tmp_path / "a") == [0, 1, 2, 3]
    first = [checkpoint.load(tmp_path / name, 0)[0].digest for name in "ab"]
    assert first[0] == first[1]  # they start alike


def test_a_repair_keeps_what_never_saw_her_and_draws_the_rest_anew(tmp_path):
    plan, examples = private_plan(), shard_documents(private_plan())
    train_shard(plan, KEY, "eu", 0, examples, shard_folder(tmp_path / "old", "eu", 0))
    [leaver] = people(plan, "eu", 0, 1, count=1)
    part = write_part(tmp_path / "part.parquet", without(examples, leaver))

    reach = Reach("eu", 0, 1)
    for name in ("new", "newer"):
        replay(plan, KEY, reach, part, tmp_path / "old", tmp_path / name)

    def states(name):
        folder = shard_folder(tmp_path / name, "eu", 0)
        return [checkpoint.load(folder, k)[0].digest for k in range(4)]

    old, new, newer = map(states, ("old", "new", "newer"))
    assert old[:2] == new[:2] == newer[:2]
    assert not {*old[2:]} & {*new[2:]}
    assert not {*new[2:]} & {*newer[2:]}


# --- a project ------------------------------------------------------------------------


@pytest.fixture
def private(tmp_path):
    """A private project with a trained model: four shards, some with nobody."""
    folder = tmp_path / "toy"
    config = CONFIG.replace("default = 1\n", "default = 262144\n") + SECTION
    recorded(folder, config=config)
    with opened(folder) as project:
        assert "for a person: epsilon" in "\n".join(project.build().lines())
        assert "over the weights of 1 model" in "\n".join(project.train().lines())
    return folder


def test_a_private_model_is_repaired_with_fresh_noise_and_says_so(private):
    with opened(private, 1) as project:
        first = project.gate().guarantee
        old = model_of(project)
        project.record("withdrawn", [somebody(project, "us", 1)])
        for asked in ({"oracle": True}, {"audit": 0.1}):
            with pytest.raises(UsageError, match="differentially private"):
                project.forget(**asked)
        assert project.place.job("forget") is None
        repaired = project.forget()
        gate = project.gate()

    said = "\n".join(repaired.lines())
    assert "replayed with fresh noise; no hash proof" in said
    assert "over the weights of 2 models" in said
    assert repaired.bit_identical is None
    certificate = repaired.certificate
    assert certificate.privacy == gate.guarantee
    assert certificate.privacy.epsilon > first.epsilon
    assert certificate.privacy.releases == 2
    assert "no hash can show it" in certificate.to_json()["scope"]
    assert (certificate.old_model, gate.open) == (old, True)


def test_every_shard_speaks_with_and_without_people(private, tmp_path):
    with opened(private, 1) as project:
        held = {(each.group, each.shard) for each in trained(project).values()}
        serving = project.ask("a", 1).serving
        everybody = sorted({each.subject_id for each in trained(project).values()})
        audited = project.audit_model(None, tmp_path / "audit", Options())
        project.record("withdrawn", everybody)
        assert project.ask("a", 1).clean_base is (len(held) == 8)
        project.forget()
        left = project.ask("a", 1)

    assert len(held) < 8
    assert serving == left.serving == {"de-fr": [0, 1, 2, 3], "us": [0, 1, 2, 3]}
    assert not left.clean_base
    assert len(audited.rows()) == 2


def test_a_lost_private_model_is_not_made_again(private):
    with opened(private, 1) as project:
        folder = project.place.model_folder(model_of(project))
        folder.rename(folder.with_name("elsewhere"))

        with pytest.raises(TrainError, match="other noise would make another"):
            project.train()


@pytest.mark.parametrize(
    ("policy", "match"),
    [
        (
            POLICY.replace("basis =", 'mentioned = "require"\nbasis ='),
            "whom a text mentions",
        ),
        (POLICY + KEEP, "keeps names"),
    ],
)
def test_a_policy_that_lets_one_person_change_others_texts_is_refused(
    tmp_path, policy, match
):
    recorded(tmp_path / "toy", policy, config=CONFIG + SECTION)

    with opened(tmp_path / "toy") as project, pytest.raises(UsageError, match=match):
        project.build()


@pytest.mark.parametrize(
    ("old", "new", "error", "match"),
    [
        ("noise = 1.0", "noise = 0.0", UsageError, "wanted more than 0"),
        ("noise = 1.0", "noise = nan", TrainError, "finite number above 0"),
        ("clip = 0.5", "clip = -1.0", UsageError, "wanted more than 0"),
        ("delta = 0.000001", "delta = 1.0", TrainError, "not below 1"),
        ("delta = 0.000001", "", UsageError, "`delta` in `\\[privacy\\]` is missing"),
        ("clip = 0.5", "clip = 0.5\nseed = 1", UsageError, "unknown key `seed`"),
    ],
)
def test_a_privacy_section_that_is_none_builds_nothing(
    tmp_path, old, new, error, match
):
    recorded(tmp_path / "toy", config=CONFIG + SECTION)
    path = tmp_path / "toy/assent.toml"
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(error, match=match), opened(tmp_path / "toy") as project:
        project.build()


# --- the certificate ------------------------------------------------------------------


def test_a_private_certificate_reads_back_and_has_no_oracle():
    from test_forget import CERTIFICATE, SHARD

    promise = Guarantee(5.25, 1e-6, 2)
    shard = replace(SHARD, oracle=None)
    one = replace(CERTIFICATE, shards=(shard,), privacy=promise)

    assert Certificate.from_json(json.loads(canonical(one.to_json()))) == one
    assert "privacy" not in CERTIFICATE.to_json()
    with pytest.raises(ForgetError, match="has no oracle"):
        replace(one, shards=(SHARD,))
    for change in ({"epsilon": "none"}, {"epsilon": -1}, {"models": 1}):
        value = one.to_json()
        with pytest.raises(ForgetError):
            Certificate.from_json(value | {"privacy": value["privacy"] | change})
    with pytest.raises(ForgetError):
        Certificate.from_json({**CERTIFICATE.to_json(), "privacy": None})
