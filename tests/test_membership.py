"""Tests of membership on numbers with a known truth, against scipy where it has one."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from assent.errors import ProofError
from assent.prove.membership import (
    auc,
    checked_rate,
    coins,
    curve,
    effects,
    gaps,
    randomisation,
    ranked,
    told_apart,
)
from assent.redact.interval import share

SHARDS = 4


def drawn(people, leak, seed, skew=(0.0, 0.1, -0.1, 0.3)):
    """Bits of people under four shards that differ, and each one's own shard."""
    draw = np.random.default_rng(seed)
    own = draw.integers(SHARDS, size=people)
    bits = 3 + draw.normal(size=(people, 1)) + 0.2 * draw.normal(size=(people, SHARDS))
    bits += np.array(skew)
    bits[np.arange(people), own] -= leak
    return bits, own


def test_what_a_shard_is_better_at_for_everybody_is_no_gap():
    never, pseudo = drawn(4_000, 0.0, 1)
    bits, own = drawn(2_000, 0.3, 2)

    effect = effects(never)

    assert effect == pytest.approx([-0.075, 0.025, -0.175, 0.225], abs=0.03)
    assert gaps(never, pseudo, effect).mean() == pytest.approx(0, abs=0.02)
    assert gaps(bits, own, effect).mean() == pytest.approx(0.3, abs=0.02)


def test_the_randomisation_test_is_exact_where_nothing_leaks():
    """200 worlds without a leak: a p-value is as often below a half as above it."""
    values = []
    for seed in range(200):
        bits, own = drawn(30, 0.0, seed)
        effect = effects(drawn(200, 0.0, 1_000 + seed)[0])
        values.append(randomisation(bits, own, effect, seed, times=99).p_value)

    rate = np.mean(np.array(values) <= 0.05)
    assert 0.01 <= rate <= 0.10
    assert 0.4 <= np.mean(values) <= 0.6
    assert min(values) >= 0.01


def test_the_randomisation_test_finds_a_leak():
    bits, own = drawn(200, 0.1, 5)
    found = randomisation(bits, own, effects(drawn(200, 0.0, 6)[0]), seed=1)

    assert found.p_value == pytest.approx(1 / 2001)
    assert found.statistic == pytest.approx(0.1, abs=0.05)
    assert found.people == 200


def test_a_rate_that_was_promised_holds_for_people_who_did_not_set_it():
    rates = [
        checked_rate(np.random.default_rng(seed).normal(size=600)).value
        for seed in range(50)
    ]

    assert np.mean(rates) == pytest.approx(0.05, abs=0.01)
    with pytest.raises(ProofError, match="30 people in no shard"):
        checked_rate(np.zeros(30))


def test_members_are_told_apart_only_where_they_were_trained_on():
    draw = np.random.default_rng(1)
    never, members = draw.normal(size=800), draw.normal(loc=1.0, size=300)

    found = told_apart(members, never, seed=1)
    nothing = told_apart(draw.normal(size=300), never, seed=1)

    assert found.auc == pytest.approx(0.76, abs=0.03)  # the normal curve at 1/sqrt(2)
    assert found.low < found.auc < found.high
    assert found.tpr == pytest.approx(0.09, abs=0.05)
    assert nothing.low < 0.5 < nothing.high
    with pytest.raises(ProofError, match="one side is empty"):
        told_apart(members, never[:0], seed=1)


def test_the_auc_is_that_of_mann_and_whitney_with_ties():
    draw = np.random.default_rng(3)
    one, two = draw.integers(9, size=70) / 3, draw.integers(9, size=50) / 3

    assert auc(one, two) == pytest.approx(mannwhitneyu(one, two).statistic / 3500)
    false, true = curve(one, two)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(auc(one, two))


def low(found, total):
    return share(found, total).low


def test_canaries_bound_what_is_not_private():
    draw = np.random.default_rng(4)
    planted = draw.integers(2, size=400).astype(bool)
    clear = coins(np.where(planted, 5.0, 0.0), planted, 0.2, low)
    nothing = coins(draw.normal(size=400), planted, 0.2, low)

    assert (clear.guessed, clear.right) == (80, 80)
    assert clear.epsilon == pytest.approx(np.log(low(80, 80) / (1 - low(80, 80))))
    assert nothing.epsilon == 0
    assert coins(np.zeros(2), planted[:2], 0.1, low).guessed == 0


def test_canaries_of_a_private_training_seldom_claim_more():
    """Randomised response with epsilon 1: the bound is above it in few worlds."""
    above = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        planted = draw.integers(2, size=300).astype(bool)
        honest = draw.random(300) < np.e / (1 + np.e)
        seen = np.where(honest, planted, ~planted) + 0.1 * draw.random(300)
        above += coins(seen, planted, 0.5, low).epsilon > 1

    assert above <= 12  # 2.5 % of 200, and what chance adds


def test_a_group_of_one_shard_or_nobody_outside_is_refused():
    with pytest.raises(ProofError, match="no siblings"):
        gaps(np.zeros((3, 1)), np.zeros(3, int), np.zeros(1))
    with pytest.raises(ProofError, match="nobody is left"):
        effects(np.full((3, 2), np.nan))


def test_a_ranking_averages_others():
    assert ranked([np.array([1.0, 3, 2]), np.array([5.0, 4, 6])]).tolist() == [
        0.25,
        0.5,
        0.75,
    ]
