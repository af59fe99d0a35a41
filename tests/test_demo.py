"""Seeded secrets, the story's clock, simulated ages and progress bars."""

import io

import pyarrow as pa
import pytest
from rich.console import Console

from assent.demo.ages import ADULT, MINOR, with_simulated_ages
from assent.demo.bars import bars
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.sources.schema import SUBJECTS

# --- keys and clock ------------------------------------------------------------------


def test_one_seed_gives_the_same_secrets_and_another_seed_others():
    one, two, other = (UnsafeSeededRandomness(seed) for seed in (1, 1, 2))
    first = [one(32), one(32), one(7)]

    assert [two(32), two(32), two(7)] == first
    assert len(set(first)) == 3
    assert other(32) != first[0]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 100])
def test_as_many_bytes_come_as_were_asked_for(size):
    assert len(UnsafeSeededRandomness(1)(size)) == size


def test_long_draws_repeat_nothing():
    drawn = UnsafeSeededRandomness(5)(32 * 50)

    assert len({drawn[n : n + 32] for n in range(0, len(drawn), 32)}) == 50


def test_seeds_below_zero_are_seeds_too():
    assert UnsafeSeededRandomness(-1)(32) != UnsafeSeededRandomness(1)(32)


def test_the_clock_of_a_story_never_goes_back():
    clock = StoryClock(100)
    clock.at(300)
    clock.at(200)

    assert clock() == clock() == 300


# --- ages ----------------------------------------------------------------------------


def aged(seed, rows):
    batch = pa.RecordBatch.from_pylist(rows, schema=SUBJECTS)
    (found,) = with_simulated_ages([batch], seed)
    return found


def test_what_the_dump_says_of_an_age_is_kept():
    rows = [
        {"subject_id": f"u{n}", "age_band": band}
        for n, band in enumerate(["minor", "adult"] * 50)
    ]

    assert aged(1, rows).column("age_band").to_pylist() == ["minor", "adult"] * 50


def test_nothing_but_the_ages_is_changed():
    rows = [{"subject_id": f"u{n}", "country": "DE", "names": ["x"]} for n in range(9)]
    found = aged(1, rows)

    assert found.schema == SUBJECTS
    before = pa.RecordBatch.from_pylist(rows, schema=SUBJECTS)
    assert found.drop_columns(["age_band"]) == before.drop_columns(["age_band"])


def test_an_age_depends_on_the_seed_and_the_id_alone():
    rows = [{"subject_id": f"u{n}"} for n in range(300)]
    alone = [aged(1, [row]).column("age_band")[0].as_py() for row in rows]

    assert aged(1, rows).column("age_band").to_pylist() == alone
    assert aged(1, rows[::-1]).column("age_band").to_pylist() == alone[::-1]
    assert aged(2, rows).column("age_band").to_pylist() != alone


def test_the_shares_are_those_that_are_stated():
    rows = [{"subject_id": f"u{n}"} for n in range(20_000)]
    bands = aged(3, rows).column("age_band").to_pylist()

    for band, share in (
        ("adult", ADULT),
        ("minor", MINOR),
        (None, 1000 - ADULT - MINOR),
    ):
        assert bands.count(band) / 20 == pytest.approx(share, abs=8), band


def test_no_subjects_have_no_ages():
    assert list(with_simulated_ages([], 1)) == []


# --- bars ----------------------------------------------------------------------------


def shown(*calls):
    out = io.StringIO()
    with bars(Console(file=out, width=100, force_terminal=False)) as progress:
        for call in calls:
            progress(*call)
    return out.getvalue()


def test_each_thing_has_one_bar_that_ends_where_it_is():
    text = shown(("parts", 1, 4), ("slices", 2, 2), ("parts", 4, 4))

    lines = [line for line in text.splitlines() if line.strip()]
    assert [line.split()[0] for line in lines] == ["parts", "slices"]
    assert "4/4" in lines[0]
    assert "2/2" in lines[1]


def test_a_total_that_nobody_knows_yet_is_not_invented():
    assert "7/?" in shown(("batches", 7, 0))
    assert "8/8" in shown(("batches", 7, 0), ("batches", 8, 8))


def test_nothing_to_show_shows_nothing():
    assert shown().strip() == ""
