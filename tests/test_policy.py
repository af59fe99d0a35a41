"""A policy file is read strictly, kept word for word, and counts from its start."""

import json
from dataclasses import fields, replace

import pytest

from assent.canon import canonical, sha256
from assent.errors import PolicyError
from assent.policy.load import Declared, load_policy
from assent.policy.model import Policy, Published, Rule, in_force
from assent.policy.redaction import Redaction, strictest
from assent.terms import (
    DAY,
    Basis,
    Inside,
    Mentioned,
    Recogniser,
    Residence,
    Style,
)

DECLARED = Declared(
    frozenset({"train.content"}),
    frozenset({"alpha", "beta"}),
    frozenset({"post", "comment", "private_message"}),
    frozenset({"basic", "premium"}),
)
NOTICE = "What we do with your posts.\n"
GOOD = """\
policy = "2025"
controller = "Alpha"
effective_from = 2025-11-03T00:00:00Z
notice = "notices/2025.md"
accepts = ["notices/2024.md"]
minimum_age = 18

[[never]]
categories = ["private_message"]

[[never]]
categories = ["comment"]
tiers = ["basic"]

[[allow]]
name = "eu"
regions = ["EU", "CH"]
except_regions = ["FR"]
categories = ["post", "comment"]
purpose = "train.content"
recipients = ["beta", "alpha"]
basis = "legitimate_interests"
notice_days = 45
created_from = 2003-05-05
created_until = 2025-01-01T01:00:00+01:00
residence = "both"
mentioned = "require"
tiers = ["premium", "basic"]

[[allow]]
name = "asked"
regions = ["*"]
categories = ["post"]
purpose = "train.content"
recipients = ["alpha"]
basis = "consent"
accepts = ["notices/2024.md"]

[redact]
names = "keep"
quotes = "replace"
style = "document"
drop_above = 0.25
recogniser = "own"
"""
TWO_NEVER = '[[never]]\ncategories = ["private_message"]\n\n[[never]]'
START = 1_762_128_000_000_000  # 2025-11-03T00:00:00Z


@pytest.fixture
def load(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "2025.md").write_text(NOTICE)
    (tmp_path / "notices" / "2024.md").write_text("An older text.\n")
    path = tmp_path / "policies" / "policy.toml"

    def load_text(text, declared=DECLARED):
        path.write_text(text, encoding="utf-8")
        return load_policy(path, declared)

    return load_text


def test_a_good_file_is_read_whole(load):
    policy = load(GOOD)
    eu, asked = policy.rules
    older = sha256(b"An older text.\n")

    assert (policy.version, policy.controller, policy.minimum_age) == (
        "2025", "Alpha", 18,
    )  # fmt: skip
    assert policy.effective_from == START
    assert policy.notice == sha256(NOTICE.encode())
    assert policy.accepts == asked.accepts == (older,)
    assert policy.never == ("private_message",)
    assert policy.never_of_tier == (("comment", "basic"),)
    assert (eu.regions, eu.except_regions) == (("EU", "CH"), ("FR",))
    assert eu.categories == ("comment", "post")  # sorted: order means nothing
    assert eu.recipients == ("alpha", "beta")
    assert (eu.basis, eu.notice_days) == (Basis.LEGITIMATE_INTERESTS, 45)
    assert eu.created_from == 1_052_092_800_000_000  # a date: its first instant, UTC
    assert eu.created_until == 1_735_689_600_000_000  # 2025-01-01T00:00:00Z
    assert (eu.residence, eu.mentioned) == (Residence.BOTH, Mentioned.REQUIRE)
    assert eu.tiers == ("basic", "premium")
    assert (asked.residence, asked.mentioned, asked.tiers) == (
        Residence.AT_USE, Mentioned.REDACT, (),
    )  # fmt: skip
    assert (asked.notice_days, asked.created_from, asked.except_regions) == (
        0, None, (),
    )  # fmt: skip


def test_what_need_not_be_said_is_the_strictest(load):
    lines = GOOD.split("[[never]]")[0].replace("minimum_age = 18\n", "")
    policy = load(lines.replace('accepts = ["notices/2024.md"]\n', ""))

    # No rule allows nothing; no further notice counts.
    assert (policy.rules, policy.never, policy.accepts) == ((), (), ())
    assert policy.minimum_age is None


# One change to the good file -> what the message must hold: the value found, and what
# was wanted where that is not plain from the words.
FAULTS = {
    "no TOML": ('policy = "2025"', "policy = 2025-", ["not TOML", "policy.toml"]),
    "unknown key": ("minimum_age = 18", "min_age = 18", ["unknown key", "`min_age`"]),
    "unknown key of a rule": ("notice_days = 45", "days = 45", ["`days`", "allow 1"]),
    "unknown key of never": (
        'categories = ["private_message"]',
        'category = ["private_message"]',
        ["`category`", "never 1"],
    ),
    "rules of another name": ("[[allow]]", "[[permit]]", ["unknown key", "`permit`"]),
    "one table, not a list": (TWO_NEVER, "[never]", ["`never`", "wrong type"]),
    "missing version": ('policy = "2025"\n', "", ["`policy` is missing"]),
    "missing controller": ('controller = "Alpha"\n', "", ["`controller` is missing"]),
    "missing start": (
        "effective_from = 2025-11-03T00:00:00Z\n", "", ["`effective_from` is missing"],
    ),
    "missing notice": ('notice = "notices/2025.md"\n', "", ["`notice` is missing"]),
    "missing name": ('name = "eu"\n', "", ["allow 1", "`name` is missing"]),
    "missing regions": ('regions = ["*"]\n', "", ["allow 2", "`regions` is missing"]),
    "missing purpose": (
        'purpose = "train.content"\n', "", ["allow 1", "`purpose` is missing"],
    ),
    "missing recipients": (
        'recipients = ["alpha"]\n', "", ["allow 2", "`recipients` is missing"],
    ),
    "missing basis": ('basis = "consent"\n', "", ["allow 2", "`basis` is missing"]),
    "missing categories": (
        'categories = ["post"]\n', "", ["allow 2", "`categories` is missing"],
    ),
    "missing categories of never": (
        'categories = ["private_message"]\n', "", ["never 1", "`categories`"],
    ),
    "text for a number": ("= 45", '= "45"', ["`notice_days`", "wrong type"]),
    "truth for a number": ("= 18", "= true", ["`minimum_age`", "wrong type"]),
    "fraction for a number": ("= 45", "= 45.5", ["`notice_days`", "wrong type"]),
    "text for a list": ('["EU", "CH"]', '"EU"', ["`regions`", "wrong type"]),
    "number in a list": ('["EU", "CH"]', '["EU", 7]', ["`regions`", "list of names"]),
    "text for a time": (
        "= 2025-11-03T00:00:00Z", '= "2025-11-03"', ["`effective_from`", "wrong type"],
    ),
    "undeclared category": (
        '["post", "comment"]', '["post", "poem"]', ["`poem`", "comment, post, private"],
    ),
    "undeclared category of never": (
        '["private_message"]', '["inbox"]', ["category `inbox`", "private_message"],
    ),
    "undeclared recipient": (
        '["beta", "alpha"]', '["gamma"]', ["recipient `gamma`", "alpha, beta"],
    ),
    "undeclared purpose": (
        '"train.content"', '"train"', ["purpose `train`", "train.content"],
    ),
    "no category": ('["post", "comment"]', "[]", ["no category"]),
    "no recipient": ('["beta", "alpha"]', "[]", ["no recipient"]),
    "times out of order": (
        "2003-05-05", "2025-01-01", ["2025-01-01T00:00:00Z is not before"],
    ),
    "naive start": ("03T00:00:00Z", "03T00:00:00", ["effective_from", "time zone"]),
    "naive end": ("01:00:00+01:00", "01:00:00", ["created_until", "time zone"]),
    "no such notice": ("notices/2025.md", "notices/x.md", ["`notices/x.md`"]),
    "no such further notice": ("notices/2024.md", "old.md", ["`old.md`"]),
    "unknown basis": (
        '"consent"', '"contract"', ["`contract`", "consent, legitimate_interests"],
    ),
    "two rules of one name": ('name = "asked"', 'name = "eu"', ["two rules", "`eu`"]),
    "unsafe beside lawful": (
        '"consent"', '"unsafe_default_on"', ["`unsafe_default_on`", "lawful"],
    ),
    "unknown residence": (
        '"both"', '"birth"', ["residence is `birth`", "at_use, at_creation, both"],
    ),
    "unknown way with the mentioned": (
        '"require"', '"ask"', ["mentioned is `ask`", "redact, require, ignore"],
    ),
    "truth for a residence": ('"both"', "true", ["`residence`", "wrong type"]),
    "undeclared tier": (
        '["premium", "basic"]', '["gold"]', ["tier `gold`", "basic, premium", "allow"],
    ),
    "undeclared tier of never": (
        'tiers = ["basic"]', 'tiers = ["gold"]', ["tier `gold`", "never 2"],
    ),
    "no tier": ('["premium", "basic"]', "[]", ["allow 1", "no tier"]),
    "no tier of never": ('tiers = ["basic"]', "tiers = []", ["never 2", "no tier"]),
    "no category of never": ('["private_message"]', "[]", ["never 1", "no category"]),
    "text for tiers": ('["premium", "basic"]', '"basic"', ["`tiers`", "wrong type"]),
    "unknown region": ('["EU", "CH"]', '["Europe"]', ["`Europe`", "EEA, EU, UK"]),
    "unknown exception": ('["FR"]', '["France"]', ["`France`", "EEA, EU, UK"]),
    "lower-case region": ('["EU", "CH"]', '["eu"]', ["`eu`", "EEA, EU, UK"]),
    "no region": ('["EU", "CH"]', "[]", ["allow 1", "no region is named"]),
    "everything excepted": ('["FR"]', '["EU", "CH"]', ["no country is left"]),
    "negative days": ("= 45", "= -1", ["notice_days is -1", "0 to 36500"]),
    "days beyond a century": ("= 45", "= 36501", ["notice_days is 36501", "0 to"]),
    "age 0": ("minimum_age = 18", "minimum_age = 0", ["minimum_age is 0", "1 to 119"]),
    "age 120": ("= 18", "= 120", ["minimum_age is 120", "1 to 119"]),
    "unknown setting": ('quotes = "replace"', "faces = 1", ["`faces`", "unknown key"]),
    "unknown way with names": (
        'names = "keep"', 'names = "drop"', ["names is `drop`", "replace, keep"],
    ),
    "unknown way with quotes": (
        'quotes = "replace"', 'quotes = "no"', ["quotes is `no`", "replace, keep"],
    ),
    "unknown style": (
        '"document"', '"stars"', ["style is `stars`", "placeholder, document, corpus"],
    ),
    "unknown recogniser": ('"own"', '"spacy"', ["recogniser is `spacy`", "none, own"]),
    "share above 1": ("0.25", "1.5", ["drop_above is 1.5", "from 0.0 to 1.0"]),
    "share below 0": ("0.25", "-0.1", ["drop_above is -0.1"]),
    "share that is no number": ("0.25", "nan", ["drop_above is nan"]),
    "text for a share": ("0.25", '"a half"', ["`drop_above`", "wrong type"]),
    "truth for a share": ("0.25", "true", ["`drop_above`", "wrong type"]),
    "truth for names": ('names = "keep"', "names = true", ["`names`", "wrong type"]),
    "empty version": ('policy = "2025"', 'policy = ""', ["`policy`", "empty"]),
    "empty controller": ('"Alpha"', '""', ["`controller`", "empty"]),
    "empty name": ('name = "eu"', 'name = ""', ["`name`", "empty"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_understood_is_refused_with_what_was_found(load, fault):
    old, new, wanted = FAULTS[fault]
    assert old in GOOD

    with pytest.raises(PolicyError) as caught:
        load(GOOD.replace(old, new, 1))

    assert [words for words in wanted if words not in caught.value.message] == []
    assert caught.value.exit_code == 2


# What would let in everything if it were read as "all".
TOO_WIDE = {
    "no regions": ('regions = ["*"]', "regions = []"),
    "no regions named": ('regions = ["*"]\n', ""),
    "no basis": ('basis = "consent"\n', ""),
    "an empty basis": ('basis = "consent"', 'basis = ""'),
    "no categories": ('categories = ["post"]', "categories = []"),
    "no recipients": ('recipients = ["alpha"]', "recipients = []"),
    "no purpose": ('purpose = "train.content"', 'purpose = ""'),
    "no tiers": ('["premium", "basic"]', "[]"),
    "nothing never used": ('["private_message"]', "[]"),
    "nobody's tier never used": ('tiers = ["basic"]', "tiers = []"),
}


@pytest.mark.parametrize("mistake", TOO_WIDE)
def test_a_policy_that_would_allow_everything_by_mistake_is_refused(load, mistake):
    old, new = TOO_WIDE[mistake]
    assert old in GOOD

    with pytest.raises(PolicyError, match=r"is named|is missing|is empty"):
        load(GOOD.replace(old, new))


def test_an_empty_list_of_regions_says_how_everywhere_is_written(load):
    with pytest.raises(PolicyError, match="no region is named") as caught:
        load(GOOD.replace('["EU", "CH"]', "[]"))

    assert 'regions = ["*"]' in caught.value.hint


def test_what_is_never_used_of_a_tier_is_not_never_used_of_all(load):
    whole = GOOD.replace('["comment"]\ntiers = ["basic"]', '["comment"]')

    assert load(GOOD).never == ("private_message",)
    assert load(whole).never == ("comment", "private_message")
    assert load(whole).never_of_tier == ()


def test_with_no_tier_declared_no_rule_may_name_one(load):
    none = replace(DECLARED, tiers=frozenset())

    with pytest.raises(PolicyError, match="`basic` is not declared, wanted one of no"):
        load(GOOD, none)


@pytest.mark.parametrize(
    ("old", "new", "found", "wanted"),
    [
        ("= 45", '= "45"', "text in quotes", "a whole number"),
        ("= 18", "= true", "true or false", "a whole number"),
        ('"2025"', "2025", "a whole number", "text in quotes"),
        ('"2025"', "2025-01-01", "a date", "text in quotes"),
        ("= 2003-05-05", "= 2003", "a whole number", "a date"),
        (TWO_NEVER, "[never]", "one table", "a list"),
    ],
)
def test_a_wrong_type_says_what_was_found_and_wanted(load, old, new, found, wanted):
    with pytest.raises(PolicyError, match=f"found {found}, wanted {wanted}"):
        load(GOOD.replace(old, new, 1))


def test_a_rule_that_is_no_table_is_refused(load):
    head = GOOD.split("[[never]]")[0]

    for line in ('never = ["post"]', "allow = [7]"):
        with pytest.raises(PolicyError, match="wanted a table of keys"):
            load(head + line)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"no policy file `none\.toml`"):
        load_policy(tmp_path / "none.toml", DECLARED)
    with pytest.raises(PolicyError, match="no policy file"):
        load_policy(tmp_path, DECLARED)  # a folder is no file


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(b'policy = "\xff"')

    with pytest.raises(PolicyError, match="not TOML"):
        load_policy(path, DECLARED)


def test_with_nothing_declared_no_rule_can_be_written(load):
    nothing = Declared(frozenset(), frozenset(), frozenset())

    with pytest.raises(PolicyError, match="is not declared"):
        load(GOOD, nothing)


def test_a_notice_beside_the_file_counts_too(tmp_path):
    (tmp_path / "notice.md").write_text("Beside it.\n")
    path = tmp_path / "policy.toml"
    path.write_text(GOOD.split("accepts")[0].replace("notices/2025.md", "notice.md"))

    assert load_policy(path, DECLARED).notice == sha256(b"Beside it.\n")


def test_another_text_of_the_notice_is_another_policy(load, tmp_path):
    before = load(GOOD)
    (tmp_path / "notices" / "2025.md").write_text(NOTICE + " ")

    assert load(GOOD).digest != before.digest


def test_a_policy_is_read_back_from_its_json(load):
    policy = load(GOOD)
    through_text = json.loads(canonical(policy.to_json()))

    assert Policy.from_json(through_text) == policy
    assert Policy.from_json(through_text).digest == policy.digest


OTHER = {
    "version": "x", "controller": "x", "effective_from": 7, "notice": "x",
    "never": ("post",), "rules": (), "minimum_age": None, "accepts": (),
    "never_of_tier": (("comment", "premium"),), "redact": Redaction(drop_above=0.5),
}  # fmt: skip
OTHER_RULE = {
    "name": "x", "regions": ("EU",), "categories": ("post",), "purpose": "x",
    "recipients": ("beta",), "basis": Basis.CONSENT, "except_regions": (),
    "notice_days": 44, "accepts": ("x",), "created_from": None, "created_until": None,
    "residence": Residence.AT_CREATION, "mentioned": Mentioned.IGNORE, "tiers": (),
}  # fmt: skip


def test_a_change_of_any_field_changes_the_digest(load):
    policy = load(GOOD)
    assert OTHER.keys() == {field.name for field in fields(Policy)}
    changed = [replace(policy, **{name: value}) for name, value in OTHER.items()]

    assert len({policy.digest, *(each.digest for each in changed)}) == len(OTHER) + 1


def test_a_change_of_any_field_of_a_rule_changes_the_digest(load):
    policy = load(GOOD)
    first, second = policy.rules
    assert OTHER_RULE.keys() == {field.name for field in fields(Rule)}
    changed = [
        replace(policy, rules=(replace(first, **{name: value}), second))
        for name, value in OTHER_RULE.items()
    ]
    digests = {policy.digest, *(each.digest for each in changed)}

    assert len(digests) == len(OTHER_RULE) + 1
    assert replace(policy, rules=(second, first)).digest not in digests


def test_writing_the_same_rule_in_another_order_is_the_same_policy(load):
    shuffled = GOOD.replace('["beta", "alpha"]', '["alpha", "beta", "alpha"]')
    shuffled = shuffled.replace('["post", "comment"]', '["comment", "post"]')

    assert load(shuffled).digest == load(GOOD).digest


REDACTION = Redaction(Inside.KEEP, Inside.REPLACE, Style.DOCUMENT, 0.25, Recogniser.OWN)


def test_what_is_removed_is_read_and_is_the_strictest_where_nothing_is_said(load):
    silent = load(GOOD.split("[redact]")[0])

    assert load(GOOD).redact == REDACTION
    assert silent.redact == Redaction(
        Inside.REPLACE, Inside.REPLACE, Style.PLACEHOLDER, 1.0, Recogniser.NONE
    )
    assert load(GOOD.split("names =")[0]).digest == silent.digest
    assert "redact" not in silent.to_json()  # as before there was such a table


LOOSE = Redaction(Inside.KEEP, Inside.KEEP, Style.CORPUS, 0.75, Recogniser.NONE)
STRICTEST = [
    ([], Redaction()),
    ([LOOSE], LOOSE),
    ([LOOSE, LOOSE], LOOSE),
    ([LOOSE, Redaction()], Redaction(drop_above=0.75)),
    ([LOOSE, REDACTION], replace(REDACTION, quotes=Inside.REPLACE)),
    ([LOOSE, Redaction(Inside.KEEP)], Redaction(Inside.KEEP, drop_above=0.75)),
    ([replace(LOOSE, drop_above=0.0), LOOSE], replace(LOOSE, drop_above=0.0)),
]


@pytest.mark.parametrize(("settings", "wanted"), STRICTEST)
def test_of_several_settings_the_strictest_counts_in_any_order(settings, wanted):
    assert strictest(settings) == strictest(reversed(settings)) == wanted


def version(name, effective, published, controller="Alpha"):
    return Published(Policy(name, controller, effective, "n", (), ()), published)


def names(versions, as_of):
    return [policy.version for policy in in_force(versions, as_of)]


def test_a_version_starts_when_it_is_effective_and_published():
    announced, late = version("a", 10 * DAY, DAY), version("b", DAY, 10 * DAY)

    for each in (announced, late):
        assert each.start == 10 * DAY
        assert in_force([each], 10 * DAY - 1) == ()
        assert in_force([each], 10 * DAY) == (each.policy,)


@pytest.mark.parametrize(
    ("versions", "as_of", "wanted"),
    [
        ([], DAY, []),
        ([version("a", 1, 1), version("b", 5, 1)], 4, ["a"]),
        ([version("a", 1, 1), version("b", 5, 1)], 5, ["b"]),
        ([version("b", 5, 1), version("a", 1, 1)], 5, ["b"]),  # in any order
        # Published late: it does not count from its date, and then it is the latest.
        ([version("a", 3, 1), version("b", 2, 9)], 8, ["a"]),
        ([version("a", 3, 1), version("b", 2, 9)], 9, ["b"]),
        # One start: the one published later counts, whichever is listed first.
        ([version("a", 5, 1), version("b", 5, 2)], 5, ["b"]),
        ([version("b", 5, 2), version("a", 5, 1)], 5, ["b"]),
        # The same instant in every way: the one appended later counts.
        ([version("a", 5, 1), version("b", 5, 1)], 5, ["b"]),
        # Controllers stand beside each other, in the order of their names.
        ([version("a", 1, 1, "Beta"), version("b", 1, 1)], 1, ["b", "a"]),
        ([version("a", 1, 1, "Beta"), version("b", 9, 1)], 1, ["a"]),
        ([version("a", 1, 1, "Beta"), version("b", 9, 1)], 9, ["b", "a"]),
    ],
)
def test_the_version_with_the_latest_start_is_in_force(versions, as_of, wanted):
    assert names(versions, as_of) == wanted


def test_published_again_an_older_version_is_in_force_again():
    first, second = version("a", 1, 1), version("b", 2, 2)
    again = Published(first.policy, 9)

    assert names([first, second, again], 8) == ["b"]
    assert names([first, second, again], 9) == ["a"]
