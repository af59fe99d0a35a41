import random

import pytest

from assent.redact.interval import Cluster, share, unseen, weighted


@pytest.mark.parametrize(
    ("found", "total", "low", "high"),
    [
        # From SciPy 1.17.1: `binomtest(found, total).proportion_ci(0.95, "exact")`.
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (7, 10, 0.3475471, 0.9332605),
        (95, 100, 0.8871651, 0.9835681),
        (399, 400, 0.9861502, 0.9999367),
        (1988, 2000, 0.9895427, 0.9968960),
    ],
)
def test_an_interval_is_the_one_that_scipy_gives(found, total, low, high):
    given = share(found, total)

    assert given.low == pytest.approx(low, abs=2e-6)
    assert given.high == pytest.approx(high, abs=2e-6)
    assert given.value == pytest.approx(found / total)


def test_where_nothing_was_missed_the_bound_is_the_closed_one():
    for total in (1, 5, 72, 10_000):
        assert share(total, total).low == pytest.approx(0.025 ** (1 / total), abs=2e-6)


def test_no_tries_say_nothing():
    nothing = share(0, 0)

    assert (nothing.value, nothing.low, nothing.high) == (None, 0.0, 1.0)


def test_more_found_than_tried_is_no_share():
    with pytest.raises(ValueError, match="5 of 4"):
        share(5, 4)


def test_an_interval_holds_the_true_share_as_often_as_it_says():
    rng = random.Random(1)
    held = 0
    for _ in range(400):
        true = rng.uniform(0.5, 1)
        given = share(sum(rng.random() < true for _ in range(60)), 60)
        held += given.low <= true <= given.high

    assert held >= 0.95 * 400


def test_a_sample_of_single_mentions_that_weigh_the_same_is_nearly_a_plain_share():
    clusters = [Cluster(0, 3.0, int(n < 90), 1) for n in range(100)]
    given, plain = weighted(clusters), share(90, 100)

    assert given.value == plain.value
    assert given.low == pytest.approx(plain.low, abs=0.01)
    assert given.high == pytest.approx(plain.high, abs=0.01)


def test_a_stratum_counts_by_its_documents_not_by_how_many_were_drawn():
    large = [Cluster(0, 99.0, 1, 1) for _ in range(50)]
    small = [Cluster(1, 1.0, 0, 1) for _ in range(50)]
    given = weighted(large + small)

    assert given.value == 0.99
    assert given.low < 0.99 < given.high


def test_mentions_of_one_document_are_not_tries_of_their_own():
    apart = weighted([Cluster(0, 1.0, int(n % 10 > 0), 1) for n in range(200)])
    together = weighted([Cluster(0, 1.0, 20 * (n > 0), 20) for n in range(10)])

    assert apart.value == together.value == 0.9
    assert together.low < apart.low
    assert weighted([Cluster(0, 1.0, 20, 20)] * 3).low == share(3, 3).low


def test_how_many_more_there_may_be_holds_as_often_as_it_says():
    rng = random.Random(2)
    held = 0
    for _ in range(300):
        true, recall = rng.randrange(60), rng.uniform(0.6, 0.99)
        found = sum(rng.random() < recall for _ in range(true))
        low, high = unseen(found, recall, recall)
        held += low <= true - found <= (high or 0)

    assert held >= 0.95 * 300


@pytest.mark.parametrize(
    ("found", "recall", "fewest", "most"),
    [
        (0, 1.0, 0, 0),
        (0, 0.99, 0, 0),  # of one that is there, one in a hundred is missed
        (0, 0.8, 0, 2),  # 0.2 ** 2 is above 0.025, 0.2 ** 3 below
        (0, 0.0, 0, None),
        (50, 1.0, 0, 0),
    ],
)
def test_of_what_is_found_well_little_can_be_missed(found, recall, fewest, most):
    assert unseen(found, recall, recall) == (fewest, most)


def test_large_counts_go_on_where_small_ones_end():
    near = unseen(15_900, 0.8, 0.8)
    far = unseen(16_100, 0.8, 0.8)

    for one, other in zip(near, far, strict=True):
        assert other - one == pytest.approx(50, abs=8)
    assert unseen(10**9, 0.99, 0.999)[1] == pytest.approx(10**9 / 99, rel=1e-2)
