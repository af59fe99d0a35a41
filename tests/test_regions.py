"""Every country is in exactly one jurisdiction, and no rule cuts through one."""

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import PolicyError
from assent.policy.regions import COUNTRIES, EU, NAMED, countries_of, jurisdictions

PLACES = sorted([*NAMED, "AT", "CH", "DE", "FR", "GB", "HK", "IS", "JP", "NO", "US"])


def groups(blocks):
    """Give jurisdiction -> its countries."""
    found = {}
    for country, name in jurisdictions(blocks).items():
        found.setdefault(name, set()).add(country)
    return found


def test_the_named_regions_hold_what_the_treaties_say():
    assert len(EU) == 27
    assert EU < COUNTRIES
    assert NAMED["EEA"] - EU == {"IS", "LI", "NO"}
    assert NAMED["UK"] == {"GB"}
    assert not {"CH", "GB"} & NAMED["EEA"]
    assert NAMED["*"] == {each.alpha_2 for each in pycountry.countries}


@pytest.mark.parametrize(
    ("regions", "excepted", "wanted"),
    [
        ([], [], set()),
        (["CH"], [], {"CH"}),
        (["UK"], [], {"GB"}),
        (["EEA"], ["EU"], {"IS", "LI", "NO"}),
        (["EU"], ["EEA"], set()),
        (["EU", "CH"], ["FR", "DE"], (EU | {"CH"}) - {"FR", "DE"}),
        (["CH"], ["US"], {"CH"}),  # to except what is not there changes nothing
        (["*"], [], COUNTRIES),
        (["*"], ["*"], set()),
        (["*"], ["EU", "UK"], COUNTRIES - EU - {"GB"}),
    ],
)
def test_regions_resolve_to_countries(regions, excepted, wanted):
    assert countries_of(regions, excepted) == wanted


@pytest.mark.parametrize("name", ["", "eu", "EUR", "Europe", "XX", "ch", "unknown"])
def test_a_name_that_is_no_region_is_refused(name):
    with pytest.raises(PolicyError, match=r"is unknown, wanted \*, EEA, EU, UK or"):
        countries_of([name])
    with pytest.raises(PolicyError, match="is unknown"):
        countries_of(["*"], [name])


def test_without_rules_the_whole_world_is_outside():
    assert groups([]) == {"outside": COUNTRIES}


def test_a_jurisdiction_is_named_by_the_block_that_holds_it():
    europe = ("CH", "EEA", "EU")
    found = groups([(europe, ()), (("UK",), ()), (("*",), (*europe, "UK"))])

    assert found == {
        "eu-eea-ch": NAMED["EEA"] | {"CH"},
        "uk": {"GB"},
        "elsewhere": COUNTRIES - NAMED["EEA"] - {"CH", "GB"},
    }


def test_the_same_block_twice_divides_nothing_more():
    once = groups([(("EU",), ())])

    assert groups([(("EU",), ()), (("EU",), ())]) == once
    assert once == {"eu": EU, "outside": COUNTRIES - EU}


def test_countries_that_two_blocks_hold_are_named_by_both():
    found = groups([(("EU",), ()), (("EEA",), ())])

    assert found == {
        "eea_eu": EU,
        "eea": {"IS", "LI", "NO"},
        "outside": COUNTRIES - NAMED["EEA"],
    }


def test_two_wild_rules_with_different_exceptions_are_told_apart():
    found = groups([(("*",), ("EU",)), (("*",), ("EU", "US"))])

    # The part that most blocks hold keeps the plain name.
    assert found == {
        "elsewhere": COUNTRIES - EU - {"US"},
        "elsewhere-2": {"US"},
        "outside": EU,
    }


def test_a_wild_exception_inside_a_named_block_divides_it():
    found = groups([(("EU",), ()), (("*",), ("FR",))])

    assert found["eu"] == EU - {"FR"}
    assert found["eu-2"] == {"FR"}


def test_blocks_with_the_same_countries_under_two_names_keep_both_names():
    assert groups([(("UK",), ()), (("GB",), ())])["gb_uk"] == {"GB"}


BLOCKS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True),
        st.lists(st.sampled_from(PLACES), max_size=3, unique=True),
    ).map(lambda block: (tuple(block[0]), tuple(block[1]))),
    max_size=6,
)


@given(BLOCKS)
def test_no_block_cuts_through_a_jurisdiction_and_none_is_cut_in_vain(blocks):
    found = groups(blocks)
    blocks_of = [countries_of(*block) for block in blocks]

    # Every country exactly once.
    assert sorted(country for each in found.values() for country in each) == sorted(
        COUNTRIES
    )
    # What stands together is together in or out of every block.
    assert all(
        members <= block or not members & block
        for members in found.values()
        for block in blocks_of
    )
    # What stands apart is told apart by some block.
    marks = {
        tuple(min(members) in block for block in blocks_of)
        for members in found.values()
    }
    assert len(marks) == len(found)


@given(BLOCKS, st.randoms())
def test_the_order_of_the_blocks_does_not_matter(blocks, random):
    shuffled = random.sample(blocks, len(blocks))

    assert jurisdictions(shuffled) == jurisdictions(blocks)
