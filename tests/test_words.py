"""A policy is told in plain sentences, and no change of it goes unsaid."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from assent.policy.lint import lint
from assent.policy.load import (
    POLICY_KEYS,
    REDACT_KEYS,
    RULE_KEYS,
    Declared,
    load_policy,
    notice_names,
)
from assent.policy.model import Policy, Rule
from assent.policy.redaction import Redaction
from assent.policy.words import diff, show
from assent.report.case import load_case
from assent.terms import (
    DAY,
    Basis,
    Inside,
    Mentioned,
    Recogniser,
    Residence,
    Style,
    parse_time,
)

CASE = Path(__file__).resolve().parents[1] / "examples/linkedin/case.toml"
START = parse_time("2025-11-03T00:00:00Z")
OLD_NOTICE, NEW_NOTICE = "a" * 64, "b" * 64
NAMES = {OLD_NOTICE: "notices/2024.md", NEW_NOTICE: "notices/2025.md"}
ASKED = Rule(
    name="asked",
    regions=("*",),
    except_regions=("EU",),
    categories=("post", "private_message"),
    purpose="train.generative",
    recipients=("acme",),
    basis=Basis.CONSENT,
)
TOLD = Rule(
    name="told",
    regions=("EU", "EEA", "CH"),
    categories=("comment", "post"),
    purpose="train.generative",
    recipients=("acme", "beta"),
    basis=Basis.LEGITIMATE_INTERESTS,
    notice_days=45,
    created_from=parse_time("2003-05-05T00:00:00Z"),
)
POLICY = Policy(
    version="2025",
    controller="Acme Ltd",
    effective_from=START,
    notice=NEW_NOTICE,
    never=("private_message", "salary"),
    rules=(ASKED, TOLD),
    minimum_age=18,
)


def paragraph(policy, start):
    """Give the one paragraph that begins with some words."""
    [found] = [each for each in show(policy, NAMES) if each.startswith(start)]
    return found


def test_a_policy_is_told_in_paragraphs_from_its_name_to_how_to_say_no():
    beginnings = [each.split(":")[0] for each in show(POLICY, NAMES)]

    assert beginnings == [
        "Policy 2025 of Acme Ltd",
        "From when",
        "Who is left out",
        "Never used",
        'Rule "asked"',
        'Rule "told"',
        "Everything that no rule above speaks of is not used.",
        "What is removed from texts",
        "How to say no",
    ]


def test_it_says_from_when_and_who_is_left_out():
    assert "from 3 November 2025, 00:00 UTC, or from its publication" in paragraph(
        POLICY, "From when"
    )
    assert paragraph(POLICY, "Who is left out") == (
        "Who is left out: anyone who is or may be under 18, anyone whose age is not "
        "known or anyone whose country is not known."
    )
    anywhere = replace(POLICY, rules=(replace(ASKED, except_regions=()),))
    assert "country" not in paragraph(anywhere, "Who is left out")
    then = replace(POLICY, rules=(replace(ASKED, residence=Residence.AT_CREATION),))
    assert "country" not in paragraph(then, "Who is left out")
    ageless = replace(anywhere, minimum_age=None)
    assert not [e for e in show(ageless, NAMES) if e.startswith("Who is left out")]


def test_it_says_what_is_never_used():
    assert paragraph(POLICY, "Never used").startswith(
        "Never used: private messages and salaries. No rule"
    )
    assert "names nothing" in paragraph(replace(POLICY, never=()), "Never used")


def test_a_rule_on_legitimate_interests_says_that_nobody_is_asked_and_how_to_object():
    told = paragraph(POLICY, 'Rule "told"')

    assert "the European Economic Area (" in told
    assert "the European Union" not in told  # the EEA holds it
    assert "or Switzerland, your comments and posts may be used" in told
    assert "for acme and beta. Only what you wrote from 5 May 2003" in told
    assert "You are not asked first" in told
    assert "shown the notice `notices/2025.md` at least 45 days before" in told
    assert "You can object at any time" in told
    one = replace(POLICY, rules=(replace(TOLD, notice_days=1),))
    assert "at least 1 day before" in paragraph(one, 'Rule "told"')
    none = replace(POLICY, rules=(replace(TOLD, notice_days=0),))
    assert "shown the notice `notices/2025.md` before; until then" in paragraph(
        none, 'Rule "told"'
    )


def test_a_rule_on_consent_says_that_silence_is_a_no():
    asked = paragraph(POLICY, 'Rule "asked"')

    assert "in any country, but not in the European Union, your posts may" in asked
    assert "private messages" not in asked  # in `never`, whatever the rule says
    assert "silence is a no" in asked
    assert "take your yes back at any time" in asked


def told_with(**changed):
    rules = (replace(TOLD, regions=("EU", "CH"), **changed),)
    return paragraph(replace(POLICY, rules=rules), 'Rule "told"')


def test_a_rule_says_whether_it_asks_where_you_live_or_where_you_lived():
    eu = "the European Union or Switzerland"

    assert f"if you live in {eu}, your comments" in told_with()
    then = told_with(residence=Residence.AT_CREATION)
    assert f"if you lived in {eu}, when you wrote it, your comments" in then
    both = told_with(residence=Residence.BOTH)
    assert f"if you live in {eu}, and also did when you wrote it, your" in both
    for each in (then, both):
        assert "If it is not known where you lived when you wrote it, it is not" in each
    assert "not known where you lived" not in told_with()


def test_a_rule_for_everywhere_asks_nobody_where_she_lives():
    rule = replace(ASKED, except_regions=(), residence=Residence.BOTH)
    told = paragraph(replace(POLICY, rules=(rule,)), 'Rule "asked"')

    assert "wherever you live, your posts may be used" in told
    assert "lived" not in told


def test_a_rule_says_what_becomes_of_a_text_that_mentions_others():
    assert "mentions" not in told_with()
    assert "only if what each of them writes may be used in the same way" in told_with(
        mentioned=Mentioned.REQUIRE
    )
    assert "it is not used once one of them has objected" in told_with(
        mentioned=Mentioned.IGNORE
    )


def test_a_rule_for_some_tiers_names_them_and_leaves_out_the_unknown():
    told = told_with(tiers=("basic", "premium"))
    policy = replace(POLICY, rules=(replace(TOLD, tiers=("basic",)),))

    assert "This is for members of the tier basic or premium only" in told
    assert "not for members whose tier is not known" in told
    assert "or anyone whose tier is not known." in paragraph(policy, "Who is left out")
    assert "tier" not in paragraph(POLICY, "Who is left out")


def test_what_is_never_used_of_a_tier_is_told_apart():
    of_tier = (("comment", "basic"), ("comment", "premium"), ("post", "premium"))
    policy = replace(POLICY, never_of_tier=of_tier)
    alone = replace(policy, never=())
    said = (
        "comments of members of the tier basic or premium, or whose tier is not known; "
        "posts of members of the tier premium, or whose tier is not known."
    )

    assert paragraph(policy, "Never used").endswith(f"The same holds for {said}")
    assert paragraph(alone, "Never used").startswith(f"Never used: {said} No rule")


def test_a_rule_for_a_tier_does_not_offer_what_is_never_used_of_it():
    rule = replace(TOLD, tiers=("premium",))
    policy = replace(POLICY, rules=(rule,), never_of_tier=(("comment", "premium"),))

    assert "your posts may be used" in paragraph(policy, 'Rule "told"')


def test_every_notice_that_counts_is_named_and_an_unknown_one_by_its_fingerprint():
    rule = replace(ASKED, accepts=("c" * 64,))
    policy = replace(POLICY, rules=(rule,), accepts=(OLD_NOTICE, NEW_NOTICE))

    assert (
        "`notices/2025.md`, `notices/2024.md` or with the fingerprint cccccccccccccccc;"
        in paragraph(policy, 'Rule "asked"')
    )


def test_a_rule_of_which_everything_is_never_used_says_that_it_allows_nothing():
    dead = replace(POLICY, never=("post", "private_message"), rules=(ASKED,))

    assert "this rule allows nothing" in paragraph(dead, 'Rule "asked"')


def test_a_policy_without_a_rule_allows_nothing_and_needs_no_no():
    told = show(replace(POLICY, rules=()), NAMES)

    assert told[-1] == "What is allowed: nothing. This version has no rule."
    assert not [each for each in told if each.startswith("How to say no")]


def test_what_an_operator_did_is_not_told_as_if_it_were_lawful():
    rule = replace(TOLD, basis=Basis.UNSAFE_DEFAULT_ON, notice_days=0)
    told = show(replace(POLICY, rules=(rule,)), NAMES)

    assert "on by default" in " ".join(told)
    assert "publication" not in told[1]
    assert told[-1].endswith("An objection changed nothing.")
    assert "Who is left out: anyone known to be under 18." in told


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("post", "posts"),
        ("salary", "salaries"),
        ("essay", "essays"),
        ("private_message", "private messages"),
        ("match", "matches"),
        ("settings", "settings"),
        ("user_feedback", "user feedback"),
    ],
)
def test_labels_become_words(label, words):
    policy = replace(POLICY, never=(label,))

    assert paragraph(policy, "Never used").startswith(f"Never used: {words}.")


def test_times_that_are_no_whole_minutes_are_written_out():
    policy = replace(POLICY, effective_from=START + 1)

    assert "3 November 2025, 00:00:00.000001 UTC" in paragraph(policy, "From when")


# --- changes -------------------------------------------------------------------------


def changes(**changed):
    return diff(POLICY, replace(POLICY, **changed), NAMES)


def rule_changes(rule, **changed):
    rules = tuple(
        replace(each, **changed) if each is rule else each for each in POLICY.rules
    )
    return changes(rules=rules)


OTHER = {
    "version": "2026", "controller": "Beta", "effective_from": START + DAY,
    "notice": OLD_NOTICE, "never": ("salary",), "rules": (), "minimum_age": None,
    "accepts": (OLD_NOTICE,), "never_of_tier": (("post", "basic"),),
    "redact": Redaction(names=Inside.KEEP),
}  # fmt: skip
OTHER_RULE = {
    "name": "x", "regions": ("EU",), "categories": ("post",), "purpose": "other",
    "recipients": ("beta",), "basis": Basis.CONSENT, "except_regions": ("FR",),
    "notice_days": 44, "accepts": (OLD_NOTICE,), "created_from": None,
    "created_until": START, "residence": Residence.BOTH,
    "mentioned": Mentioned.REQUIRE, "tiers": ("premium",),
}  # fmt: skip


def test_two_policies_that_say_the_same_have_no_change():
    assert diff(POLICY, POLICY, NAMES) == []


@pytest.mark.parametrize("name", [each.name for each in fields(Policy)])
def test_no_field_of_a_policy_changes_unsaid(name):
    assert changes(**{name: OTHER[name]}) != []


OTHER_REDACTION = {
    "names": Inside.KEEP, "quotes": Inside.KEEP, "style": Style.CORPUS,
    "drop_above": 0.25, "recogniser": Recogniser.OWN,
}  # fmt: skip


@pytest.mark.parametrize("name", [each.name for each in fields(Redaction)])
def test_no_setting_of_what_is_removed_changes_unsaid_or_untold(name):
    other = Redaction(**{name: OTHER_REDACTION[name]})
    told = [
        paragraph(replace(POLICY, redact=each), "What is removed")
        for each in (POLICY.redact, other)
    ]

    assert len(changes(redact=other)) == 1
    assert told[0] != told[1]


@pytest.mark.parametrize("name", [each.name for each in fields(Rule)])
def test_no_field_of_a_rule_changes_unsaid(name):
    [line] = rule_changes(TOLD, **{name: OTHER_RULE[name]})

    assert "`told`" in line


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        (
            {"effective_from": START + 4 * DAY},
            "it counts from: 7 November 2025, 00:00 UTC now, before 3 November 2025, "
            "00:00 UTC",
        ),
        ({"minimum_age": None}, "the youngest age: not stated now, before 18"),
        (
            {"never": ("payment", "salary")},
            "never used: now also payments; no longer private messages",
        ),
        (
            {"never": ("salary", "private_message")},
            "never used: the same, written in another order",
        ),
        (
            {"never_of_tier": (("post", "basic"),)},
            "never used of some: now also posts of members of the tier basic, or whose "
            "tier is not known",
        ),
        (
            {"notice": OLD_NOTICE},
            "the notice: `notices/2024.md` now, before `notices/2025.md`",
        ),
    ],
)
def test_a_change_is_said_in_words(changed, wanted):
    assert changes(**changed) == [wanted]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"notice_days": 30}, "days between being told and being used: 30 now, "),
        ({"categories": ("post",)}, "kinds of content: no longer comments"),
        ({"regions": ("EEA",)}, "places: no longer the European Union and Switzerland"),
        ({"basis": Basis.CONSENT}, "the legal basis: consent now, before legitimate"),
        ({"created_until": START}, "content counts until: 3 November 2025, 00:00 UTC"),
        (
            {"residence": Residence.BOTH},
            "when you must have lived there: both on the day of the use and when you "
            "wrote it now, before on the day of the use",
        ),
        (
            {"mentioned": Mentioned.REQUIRE},
            "people who are mentioned: each must be usable too now, before not asked",
        ),
        ({"tiers": ("basic", "gold")}, "tiers of members: basic or gold now, before "),
        ({"accepts": (OLD_NOTICE,)}, "notices that count: now also `notices/2024.md`"),
    ],
)
def test_a_change_of_a_rule_names_the_rule(changed, wanted):
    [line] = rule_changes(TOLD, **changed)

    assert line.startswith("rule `told`: ")
    assert wanted in line


def test_another_text_under_one_name_is_another_notice():
    names = {OLD_NOTICE: "notice.md", NEW_NOTICE: "notice.md"}
    new = replace(POLICY, notice=OLD_NOTICE)

    assert diff(POLICY, new, names) == [
        "the notice: the text of `notice.md` is another one now"
    ]


def test_a_rule_that_is_new_or_gone_is_told_whole():
    [gone] = changes(rules=(ASKED,))
    [come] = diff(replace(POLICY, rules=(ASKED,)), POLICY, NAMES)

    assert gone.startswith('a rule is gone: Rule "told": if you live in')
    assert come.startswith('a new rule: Rule "told": if you live in')
    assert "45 days" in gone
    assert "45 days" in come


def test_a_new_name_alone_is_a_new_name():
    assert rule_changes(ASKED, name="consented") == [
        "rule `asked` is called `consented` now, and says the same"
    ]


def test_another_order_of_the_rules_is_said():
    [line] = changes(rules=(TOLD, ASKED))

    assert line.startswith("the rules stand in another order")


def test_another_controller_replaces_nothing():
    assert changes(controller="Beta")[0] == (
        "the controller is Beta, before Acme Ltd: the one does not replace the other"
    )


# --- the case ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def case():
    declared = load_case(CASE).declared

    def read(name):
        path = CASE.parent / "policies" / name
        return load_policy(path, declared), notice_names(path)

    return read


def test_after_the_regulator_less_is_used_in_the_words_of_the_case(case):
    old, names = case("ireland-2025-11-03.toml")
    new, _ = case("ireland-2025-11-07.toml")

    assert diff(old, new, names) == [
        "the version is `ireland-2025-11-07`, before `ireland-2025-11-03`",
        "it counts from: 7 November 2025, 00:00 UTC now, before 3 November 2025, "
        "00:00 UTC",
        "rule `eu-legitimate-interests`: kinds of content: no longer group activities "
        "and group messages",
        "rule `eu-legitimate-interests`: content counts from: 1 January 2016, 00:00 "
        "UTC now, before 5 May 2003, 00:00 UTC",
    ]


def test_a_person_in_the_uk_can_read_what_the_case_means_for_her(case):
    told = show(*case("corporation-2025-11-03.toml"))
    [mine] = [each for each in told if each.startswith('Rule "uk-')]

    assert "if you live in the United Kingdom, your articles, comments" in mine
    assert "notice `notices/2025-09-18.en.md` at least 45 days before" in mine


# --- the example of every key --------------------------------------------------------

EVERY = CASE.parents[1] / "every-key/policies/2026-03.toml"
CLUB = Declared(
    frozenset({"train.generative.content"}),
    frozenset({"example-club"}),
    frozenset({"post", "comment", "group_message", "private_message"}),
    frozenset({"basic", "premium", "business"}),
)


def test_the_example_of_every_key_has_every_key_and_no_finding_but_what_it_lacks():
    text = EVERY.read_text(encoding="utf-8")
    written = set(re.findall(r"^(\w+) = ", text, re.MULTILINE))

    keys = POLICY_KEYS.keys() | RULE_KEYS.keys() | REDACT_KEYS.keys()
    assert written == keys - {"never", "allow", "redact"}
    values = (*Residence, *Mentioned, *Inside, *Style, *Recogniser)
    assert {value for value in values if value not in text} == set()
    assert lint(EVERY, CLUB) == ()


def test_the_example_of_every_key_can_be_read_by_a_member():
    told = show(load_policy(EVERY, CLUB), notice_names(EVERY))
    europe, elsewhere, groups = (each for each in told if each.startswith("Rule"))

    assert "Switzerland, and also did when you wrote it, your comments" in europe
    assert "not used once one of them has objected" in elsewhere
    assert "wherever you live, your group messages" in groups
    assert "for members of the tier basic or premium only" in groups
    assert "group messages of members of the tier business, or whose tier" in told[3]
