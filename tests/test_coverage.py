"""How two rules lie to each other: one stands for the other, both speak of a use."""

from dataclasses import fields, replace

import pytest

from assent.policy.coverage import Never, both_speak_of, stands_for
from assent.policy.model import Rule
from assent.policy.regions import COUNTRIES, NAMED
from assent.terms import Basis, Mentioned, Residence

RULES = {
    "name": "x", "regions": ("EU",), "categories": ("comment", "post"),
    "purpose": "train", "recipients": ("alpha", "beta"),
    "basis": Basis.LEGITIMATE_INTERESTS, "except_regions": ("FR",), "notice_days": 30,
    "accepts": ("a" * 64,), "created_from": 3, "created_until": 9,
    "residence": Residence.AT_USE, "mentioned": Mentioned.REDACT,
    "tiers": ("basic", "premium"),
}  # fmt: skip
# What makes the other rule narrower or harder to prove, so that it cannot stand for x.
NARROWER = {
    "regions": ("DE",), "categories": ("post",), "purpose": "train.content",
    "recipients": ("alpha",), "basis": Basis.CONSENT, "except_regions": ("FR", "DE"),
    "notice_days": 31, "accepts": (), "created_from": 4, "created_until": 8,
    "residence": Residence.BOTH, "mentioned": Mentioned.REQUIRE, "tiers": ("basic",),
}  # fmt: skip
WIDER = {
    "regions": ("EEA",), "categories": ("comment", "post", "private_message"),
    "purpose": "train", "recipients": ("alpha", "beta", "gamma"),
    "except_regions": (), "notice_days": 29, "accepts": ("a" * 64, "b" * 64),
    "created_from": None, "created_until": None, "tiers": (),
}  # fmt: skip


def test_every_field_of_a_rule_is_compared():
    assert {each.name for each in fields(Rule)} == RULES.keys()
    assert NARROWER.keys() == RULES.keys() - {"name"}


@pytest.mark.parametrize("key", NARROWER)
def test_a_rule_that_is_narrower_in_anything_stands_for_no_other(key):
    rule = Rule(**RULES)

    assert stands_for(rule, rule, Never())
    assert not stands_for(replace(rule, **{key: NARROWER[key]}), rule, Never())


@pytest.mark.parametrize("key", WIDER)
def test_a_rule_that_is_wider_stands_for_the_other(key):
    rule = Rule(**RULES)
    wider = replace(rule, **{key: WIDER[key]})

    assert stands_for(wider, rule, Never())
    assert wider == rule or not stands_for(rule, wider, Never())


def test_days_do_not_matter_for_consent():
    rule = Rule(**{**RULES, "basis": Basis.CONSENT})

    assert stands_for(replace(rule, notice_days=99), rule, Never())


def test_a_list_of_every_country_does_not_stand_for_anywhere():
    everywhere = Rule(**{**RULES, "regions": ("*",), "except_regions": ()})
    listed = replace(everywhere, regions=tuple(sorted(COUNTRIES)))

    # Nobody's country need be known for `*`.
    assert stands_for(everywhere, listed, Never())
    assert not stands_for(listed, everywhere, Never())


def test_where_she_lives_now_and_then_is_more_than_either():
    both = Rule(**{**RULES, "residence": Residence.BOTH})
    now, then = (
        replace(both, residence=each)
        for each in (Residence.AT_USE, Residence.AT_CREATION)
    )

    assert stands_for(now, both, Never())
    assert stands_for(then, both, Never())
    assert not stands_for(now, then, Never())
    assert not stands_for(then, now, Never())
    # Everywhere, no country need be known, now or then.
    everywhere = replace(now, regions=("*",), except_regions=())
    assert stands_for(everywhere, then, Never())


def test_a_rule_is_dead_where_it_speaks_only_of_tiers_that_are_never_used():
    rule = Rule(**{**RULES, "tiers": ("premium",)})
    tiers = frozenset({"basic", "premium"})
    never = Never(of_tier=frozenset({("post", "premium")}), declared=tiers)
    whole = replace(never, of_tier=never.of_tier | {("post", "basic")})

    assert never.held(rule) == {"post"}
    assert never.held(replace(rule, tiers=())) == frozenset()  # others remain
    assert never.held(replace(rule, tiers=("basic", "premium"))) == frozenset()
    assert whole.held(replace(rule, tiers=())) == {"post"}
    assert Never().held(rule) == frozenset()


def test_rules_meet_where_everything_of_them_meets():
    rule = Rule(**RULES)
    no_comment = Never(frozenset({"comment"}))
    shared = both_speak_of(rule, replace(rule, categories=("post",)), no_comment)

    assert shared.categories == ("post",)
    assert shared.countries == NAMED["EU"] - {"FR"}
    for changed in (
        {"recipients": ("gamma",)},
        {"created_from": 9, "created_until": None},  # the end is exclusive
        {"purpose": "trains"},  # only whole steps of a path
    ):
        assert both_speak_of(rule, replace(rule, **changed), Never()) is None, changed
    below = replace(rule, purpose="train.content")
    assert both_speak_of(rule, below, Never()) == both_speak_of(below, rule, Never())


def test_rules_meet_in_the_tiers_of_both_and_not_where_these_are_never_used():
    rule = Rule(**{**RULES, "tiers": ("basic",)})
    premium = replace(rule, tiers=("premium",))
    of_basic = Never(of_tier=frozenset({("post", "basic")}))

    assert both_speak_of(rule, premium, Never()) is None
    assert both_speak_of(rule, replace(rule, tiers=()), Never()) is not None
    shared = both_speak_of(rule, replace(rule, tiers=("basic", "premium")), of_basic)
    assert shared.categories == ("comment",)


def test_who_moved_is_spoken_of_by_a_rule_for_now_and_one_for_then():
    now = Rule(**{**RULES, "regions": ("CH",), "except_regions": ()})
    then = replace(now, regions=("FR",), residence=Residence.AT_CREATION)

    assert both_speak_of(now, then, Never()).countries == {"CH"}
    assert both_speak_of(then, now, Never()).countries == {"CH"}
    both = replace(then, residence=Residence.BOTH)
    assert both_speak_of(now, both, Never()) is None
