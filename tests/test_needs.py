"""Who must be told: of whom a rule speaks, and whom no accepted notice reached."""

from dataclasses import replace

import pytest

from assent.notify.needs import Person, accepts, untold
from assent.policy.model import Policy, Rule
from assent.terms import Basis

NOTICE, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64
RULE = Rule(
    name="eu",
    regions=("EU",),
    categories=("post", "comment"),
    purpose="train.generative",
    recipients=("ourselves", "partner"),
    basis=Basis.CONSENT,
)
POLICY = Policy("2025", "Toy", 0, NOTICE, (), (RULE,))


def person(*told, country="DE", lived=()):
    known = frozenset({country, *lived} - {None})
    return Person("ana", country, known, None, frozenset(told))


def needs(who, policy=POLICY, shown=NOTICE):
    return untold(policy, [who], shown) == [who]


def test_who_was_never_told_anything_needs_a_notice():
    assert needs(person())


def test_who_was_told_for_everything_needs_none():
    assert not needs(person((NOTICE, "*", "*", "*")))


@pytest.mark.parametrize("country", ["US", "BR", None])
def test_of_whom_no_rule_speaks_needs_none(country):
    assert not needs(person(country=country))


def test_who_once_lived_where_a_rule_speaks_is_told_too():
    assert needs(person(country="US", lived=("FR",)))


def test_a_rule_for_everywhere_speaks_of_people_without_a_country():
    anywhere = replace(POLICY, rules=(replace(RULE, regions=("*",)),))
    outside = replace(RULE, regions=("*",), except_regions=("EU",))

    assert needs(person(country=None), anywhere)
    assert not needs(person(country=None), replace(POLICY, rules=(outside,)))
    assert not needs(person(), replace(POLICY, rules=(outside,)))


@pytest.mark.parametrize(
    "told",
    [
        (NOTICE, "*", "ourselves", "*"),
        (NOTICE, "*", "*", "post"),
        (NOTICE, "train.generative.content", "*", "*"),  # narrower than the rule
        (NOTICE, "ads", "*", "*"),
        (OTHER, "*", "*", "*"),
    ],
)
def test_a_notice_for_less_than_the_rule_or_another_notice_does_not_do(told):
    assert needs(person(told))


@pytest.mark.parametrize("purpose", ["*", "train", "train.generative"])
def test_a_notice_for_as_much_or_more_does(purpose):
    parts = [
        (NOTICE, purpose, whom, what)
        for whom in ("ourselves", "partner")
        for what in ("post", "comment")
    ]
    assert not needs(person(*parts))
    assert needs(person(*parts[:3]))


def test_every_notice_that_the_policy_or_the_rule_accepts_will_do():
    told = (OTHER, "*", "*", "*")

    assert not needs(person(told), replace(POLICY, accepts=(OTHER,)))
    rule = replace(RULE, accepts=(OTHER,))
    assert not needs(person(told), replace(POLICY, rules=(rule,)))
    other_rule = replace(RULE, name="other", regions=("FR",))
    both = replace(POLICY, rules=(rule, other_rule))
    assert not needs(person(told), both)
    assert needs(person(told, country="FR"), both)  # the second rule wants another


def test_the_same_text_is_not_served_twice_though_it_does_not_count():
    told = (THIRD, "*", "*", "*")

    assert not accepts(POLICY, THIRD)
    assert needs(person(told))
    assert not needs(person(told), shown=THIRD)
    assert needs(person((THIRD, "*", "partner", "*")), shown=THIRD)


def test_nobody_and_no_rule_need_nothing():
    assert untold(POLICY, [], NOTICE) == []
    assert not needs(person(), replace(POLICY, rules=()))
