"""Checking a policy finds what is wrong, useless or missing, on the right line."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assent.errors import PolicyError
from assent.policy.findings import Kind, Severity
from assent.policy.lines import scan
from assent.policy.lint import Around, lint
from assent.policy.load import Declared, load_policy
from assent.policy.regions import COUNTRIES, NAMED, in_short
from assent.report.case import load_case
from assent.terms import DAY, parse_time
from test_policy import DECLARED, FAULTS, GOOD

CASE = Path(__file__).resolve().parents[1] / "examples/linkedin/case.toml"
ERROR, WARNING, NOTE = Severity
HEAD = """\
policy = "2025"
controller = "Alpha"
effective_from = 2025-11-03T00:00:00Z
notice = "notices/2025.md"
minimum_age = 18
"""
NEVER = '[[never]]\ncategories = ["private_message"]\n'
RULE = """\
[[allow]]
name = "eu"
regions = ["EU"]
categories = ["comment", "post"]
purpose = "train.content"
recipients = ["alpha", "beta"]
basis = "legitimate_interests"
notice_days = 45
"""
ELSE = RULE.replace('"eu"', '"else"').replace(
    'regions = ["EU"]', 'regions = ["*"]\nexcept_regions = ["EU"]'
)
WHOLE = HEAD + NEVER + RULE + ELSE


@pytest.fixture
def file(tmp_path):
    """Write a policy file beside its notices."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices/2025.md").write_text("What we do.\n")
    (tmp_path / "notices/2024.md").write_text("An older text.\n")

    def write(text, name="policy.toml"):
        path = tmp_path / "policies" / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def found(path, around=None, declared=DECLARED, kind=None):
    """List the findings: (line, severity, kind), or the messages of one kind."""
    findings = lint(path, declared, around)
    assert {each.file for each in findings} <= {path.name}
    if kind is None:
        return [(each.line, each.severity, each.kind) for each in findings]
    return [each for each in findings if each.kind is kind]


def line_of(text, words):
    """Count to the first line of a text that holds the words."""
    [line] = [n for n, each in enumerate(text.splitlines(), start=1) if words in each][
        :1
    ]
    return line


# --- what the reader refuses ---------------------------------------------------------


def test_a_policy_without_a_fault_has_only_what_it_is_silent_about(file):
    assert [(each.severity, each.message) for each in lint(file(WHOLE), DECLARED)] == [
        (NOTE, "no rule speaks of people whose country is not known"),
    ]


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "no TOML"])
def test_whatever_the_reader_refuses_is_an_error(file, fault):
    old, new, _ = FAULTS[fault]
    path = file(GOOD.replace(old, new, 1))

    with pytest.raises(PolicyError):
        load_policy(path, DECLARED)
    findings = lint(path, DECLARED)
    assert {each.severity for each in findings} == {ERROR}
    assert {each.line for each in findings} <= set(range(1, GOOD.count("\n") + 2))


# One change -> the line on which it is found, by the words on it.
PLACES = {
    "unknown key": ("minimum_age = 18", "min_age = 18", "min_age"),
    "unknown key of a rule": ("notice_days = 45", "days = 45", "days = 45"),
    "type": ("notice_days = 45", 'notice_days = "45"', "notice_days"),
    "category": ('["comment", "post"]', '["comment", "poem"]', "poem"),
    "category of never": ('["private_message"]', '["inbox"]', "inbox"),
    "recipient": ('["alpha", "beta"]', '["alpha", "eve"]', '"eve"'),
    "purpose": ('"train.content"', '"train.other"', "train.other"),
    "purpose above a declared one": ('"train.content"', '"train"', '"train"'),
    "region": ('["EU"]', '["EU", "Mars"]', "Mars"),
    "residence": (
        "notice_days = 45\n", 'notice_days = 45\nresidence = "birth"\n', "birth"
    ),
    "tier": (
        "notice_days = 45\n", 'notice_days = 45\ntiers = ["basic", "gold"]\n', "gold"
    ),
    "no tier": ("notice_days = 45\n", "notice_days = 45\ntiers = []\n", "tiers = []"),
    "tier of never": (
        '["private_message"]\n', '["private_message"]\ntiers = ["gold"]\n', "gold"
    ),
    "no tier of never": (
        '["private_message"]\n', '["private_message"]\ntiers = []\n', "tiers = []"
    ),
    "no region": ('regions = ["EU"]', "regions = []", "regions = []"),
    "missing basis": ('basis = "legitimate_interests"\n', "", "[[allow]]"),
    "missing regions": ('regions = ["EU"]\n', "", "[[allow]]"),
    "unknown basis": ('"legitimate_interests"', '"habit"', "habit"),
    "start without zone": ("03T00:00:00Z", "03T00:00:00", "effective_from"),
    "no such notice": ("notices/2025.md", "notices/2023.md", "2023"),
    "age": ("minimum_age = 18", "minimum_age = 0", "minimum_age"),
    "days": ("notice_days = 45", "notice_days = -1", "notice_days"),
    "empty period": (
        "notice_days = 45\n",
        "notice_days = 45\ncreated_from = 2020-01-02\ncreated_until = 2020-01-01\n",
        "[[allow]]",
    ),
    "no country left": (
        'regions = ["EU"]\n', 'regions = ["FR"]\nexcept_regions = ["EU"]\n', "[[allow]]"
    ),
    "setting": ("[[never]]", '[redact]\nnames = "drop"\n[[never]]', '"drop"'),
    "share": ("[[never]]", "[redact]\ndrop_above = 2.0\n[[never]]", "drop_above"),
    "no table": ("[[never]]", "redact = 1\n[[never]]", "redact = 1"),
    "two of one name": ('name = "else"', 'name = "eu"', None),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_an_error_names_the_line_that_is_wrong(file, place):
    old, new, words = PLACES[place]
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    last_name = len(text.splitlines()) - ELSE.count("\n") + 2

    [(line, severity, _)] = found(file(text))
    assert severity is ERROR
    assert line == (line_of(text, words) if words else last_name)


def test_every_fault_of_a_file_is_named_at_once(file):
    text = WHOLE.replace("notice_days", "days").replace('"post"', '"poem"')
    text = text.replace("notices/2025.md", "notices/2023.md")

    # The notice, and in each of two rules a key and a label.
    assert [kind for _, _, kind in found(file(text))] == [
        *(Kind.FORM, Kind.LABEL, Kind.FORM, Kind.LABEL, Kind.FORM)
    ]


def test_a_list_over_several_lines_names_the_line_of_the_item(file):
    text = WHOLE.replace(
        '["comment", "post"]', '[\n  "comment", # "poem"\n  "poem",\n]'
    )

    [(line, *_), *_] = found(file(text))
    assert line == line_of(text, '  "poem",')


def test_a_rule_that_would_allow_everything_by_mistake_is_an_error(file):
    for old, new in (
        ('regions = ["EU"]', "regions = []"),
        ('regions = ["EU"]\n', ""),
        ('basis = "legitimate_interests"\n', ""),
        ('categories = ["comment", "post"]', "categories = []"),
        ('recipients = ["alpha", "beta"]', "recipients = []"),
    ):
        [(_, severity, _)] = found(file(WHOLE.replace(old, new, 1)))
        assert severity is ERROR, old


def test_a_message_says_what_was_wanted(file):
    [finding] = lint(file(WHOLE.replace('"beta"]', '"eve"]', 1)), DECLARED)

    assert str(finding) == (
        "policy.toml:13: error: allow 1: recipient `eve` is not declared, wanted one "
        "of alpha, beta (correct the name, or declare it in `assent.toml`)"
    )


def test_a_file_that_cannot_be_read_at_all_is_no_finding(file):
    broken = file("policy = [")
    for path in (broken, broken.with_name("none.toml")):
        with pytest.raises(PolicyError) as caught:
            lint(path, DECLARED)
        assert caught.value.exit_code == 2


def test_an_empty_file_lacks_every_key(file):
    assert [each.message for each in lint(file(""), DECLARED)] == [
        "`policy` is missing",
        "`controller` is missing",
        "`effective_from` is missing",
        "`notice` is missing",
    ]


def test_with_nothing_declared_every_rule_is_an_error(file):
    nothing = Declared(frozenset(), frozenset(), frozenset())

    assert {severity for _, severity, _ in found(file(WHOLE), declared=nothing)} == {
        ERROR
    }


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_no_error_means_that_the_file_can_be_read_and_an_error_that_not(file, data):
    lines = (GOOD if data.draw(st.booleans()) else WHOLE).splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        n = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.sampled_from([*lines, "", "regions = []", "x = 1"]))
        lines[n] = other
    path = file("\n".join(lines))
    try:
        load_policy(path, DECLARED)
        is_readable = True
    except PolicyError as error:
        is_readable = False
        if "is not TOML" in error.message:
            return

    errors = [each for each in lint(path, DECLARED) if each.severity is ERROR]
    assert (errors == []) == is_readable


# --- dead rules ----------------------------------------------------------------------


def test_a_rule_of_which_everything_is_never_used_is_dead(file):
    text = WHOLE.replace('["comment", "post"]', '["private_message"]', 1)
    [dead] = found(file(text), kind=Kind.DEAD)

    assert (dead.severity, dead.line) == (WARNING, line_of(text, "categories = ") + 4)
    assert "`eu` can never match" in dead.message


def test_a_category_that_is_never_used_is_dead_in_its_rule(file):
    text = WHOLE.replace('["comment", "post"]', '["post", "private_message"]', 1)
    [dead] = found(file(text), kind=Kind.DEAD)

    assert "`eu` can never allow `private_message`" in dead.message


def test_a_rule_that_another_one_stands_for_is_dead_wherever_it_stands(file):
    wide = RULE.replace('"eu"', '"wide"').replace('["EU"]', '["EEA"]')
    for text in (HEAD + NEVER + wide + RULE, HEAD + NEVER + RULE + wide):
        [dead] = found(file(text), kind=Kind.DEAD)
        assert dead.severity is WARNING
        assert dead.line == line_of(text, 'name = "eu"') - 1
        header = line_of(text, 'name = "wide"') - 1
        assert f"`wide` (line {header}) allows on the same proof" in dead.message


def test_of_two_rules_that_say_the_same_the_later_one_is_dead(file):
    twin = RULE.replace('"eu"', '"twin"')
    [dead] = found(file(HEAD + RULE + twin), kind=Kind.DEAD)

    assert dead.message.startswith("`twin` adds nothing")


def test_a_tier_that_is_never_used_is_dead_in_its_rule(file):
    of_tier = '[[never]]\ncategories = ["comment", "post"]\ntiers = ["premium"]\n'
    premium = RULE + 'tiers = ["premium"]\n'
    [dead] = found(file(HEAD + of_tier + premium), kind=Kind.DEAD)
    assert "`eu` can never match: its categories are all in `never`" in dead.message

    some = of_tier.replace('"comment", ', "")
    [dead] = found(file(HEAD + some + premium), kind=Kind.DEAD)
    assert "`eu` can never allow `post`: in `never`" in dead.message
    assert found(file(HEAD + of_tier + RULE), kind=Kind.DEAD) == []


def test_a_rule_for_some_tiers_is_dead_beside_one_for_all(file):
    premium = RULE.replace('"eu"', '"premium"') + 'tiers = ["premium"]\n'
    [dead] = found(file(HEAD + premium + RULE), kind=Kind.DEAD)

    assert dead.message.startswith("`premium` adds nothing: all that it allows, `eu`")


# --- overlaps ------------------------------------------------------------------------

ASKED = RULE.replace('"eu"', '"asked"').replace("legitimate_interests", "consent")


def test_two_bases_for_one_use_are_an_overlap_on_the_line_of_the_second(file):
    text = HEAD + NEVER + RULE + ASKED.replace('["EU"]', '["DE", "CH"]')
    [overlap] = found(file(text), kind=Kind.OVERLAP)

    assert overlap.severity is WARNING
    assert overlap.line == line_of(text, '"asked"') - 1
    assert (
        "`asked` (consent) and `eu` (line 8, legitimate_interests) both speak of "
        "`comment`, `post` in DE for `alpha`, `beta`"
    ) in overlap.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["EU"]', '["CH"]'),
        ('["comment", "post"]', '["private_message"]'),  # in `never`
        ("legitimate_interests", "consent"),
    ],
)
def test_rules_that_never_meet_or_have_one_basis_do_not_overlap(file, old, new):
    text = HEAD + NEVER + RULE.replace(old, new) + ASKED

    assert found(file(text), kind=Kind.OVERLAP) == []


# --- gaps ----------------------------------------------------------------------------


def test_what_no_rule_speaks_of_is_said_as_information(file):
    rule = RULE.replace('["comment", "post"]', '["post"]')
    gaps = found(file(HEAD + rule.replace('["alpha", "beta"]', '["beta"]')))
    text = [each.message for each in lint(file(HEAD + rule), DECLARED)]

    assert {severity for _, severity, kind in gaps if kind is Kind.GAP} == {NOTE}
    assert "no rule and no `never` speaks of category `comment`, `private_message`" in (
        text
    )
    assert "no rule speaks of people whose country is not known" in text
    assert [each for each in text if each.startswith("no rule speaks of people in AD")]


def test_a_recipient_that_no_rule_speaks_of_is_a_gap(file):
    text = HEAD + NEVER + RULE.replace('["alpha", "beta"]', '["beta"]')

    messages = [each.message for each in found(file(text), kind=Kind.GAP)]
    assert "no rule speaks of recipient `alpha`" in messages


def test_a_tier_that_no_rule_speaks_of_is_a_gap(file):
    text = HEAD + NEVER + RULE + 'tiers = ["premium"]\n'

    messages = [each.message for each in found(file(text), kind=Kind.GAP)]
    assert "no rule speaks of people of tier `basic`" in messages
    assert "no rule speaks of people whose tier is not known" in messages
    assert not [
        each.message
        for each in found(file(text + ELSE), kind=Kind.GAP)
        if "tier" in each.message
    ]


@pytest.mark.parametrize("residence", ["at_creation", "both"])
def test_where_people_lived_is_a_warning_while_it_is_known_of_nobody(file, residence):
    text = HEAD + NEVER + RULE + f'residence = "{residence}"\n' + ELSE
    path = file(text)

    def said(around):
        gaps = found(path, around, kind=Kind.GAP)
        return [(e.line, e.severity) for e in gaps if "where people lived" in e.message]

    assert said(Around(histories=0)) == [(line_of(text, "residence"), WARNING)]
    assert said(Around(histories=1)) == []
    assert said(Around()) == []  # nothing is loaded: not asked


def test_a_residence_in_a_rule_for_everywhere_changes_nothing(file):
    everywhere = RULE.replace('["EU"]', '["*"]') + 'residence = "both"\n'
    [dead] = found(file(HEAD + NEVER + everywhere), kind=Kind.DEAD)

    assert dead.message == "`eu` is for everywhere: `residence` changes nothing"


def test_asking_for_the_mentioned_is_fine_whatever_the_category_holds(file):
    path = file(WHOLE.replace(ELSE, ELSE + 'mentioned = "require"\n'))

    assert found(path, Around(histories=0)) == found(file(WHOLE))


def test_a_version_without_a_rule_is_one_note(file):
    assert [each.message for each in lint(file(HEAD), DECLARED)] == [
        "no rule: this version allows nothing"
    ]


def test_without_a_minimum_age_there_is_a_warning(file):
    findings = found(file(WHOLE.replace("minimum_age = 18\n", "")))

    assert (1, WARNING, Kind.GAP) in findings


def test_countries_are_named_in_short():
    assert in_short(COUNTRIES) == "every country"
    assert in_short(NAMED["EEA"] | {"CH", "GB"}) == "EEA, CH, UK"
    assert in_short(NAMED["EU"]) == "EU"
    assert in_short({"HK"}) == "HK"
    assert in_short(COUNTRIES - NAMED["EEA"]).endswith(f" and {249 - 30 - 8} more")


# --- dates ---------------------------------------------------------------------------

START = parse_time("2025-11-03T00:00:00Z")


def dates(path, **around):
    return found(path, Around(**around), kind=Kind.DATE)


def test_a_notice_that_cannot_have_run_its_days_is_a_warning(file):
    path = file(HEAD + RULE)
    notice = load_policy(path, DECLARED).notice

    assert dates(path, now=START - 45 * DAY) == []
    [late] = dates(path, now=START - 45 * DAY + 1)
    assert (late.severity, late.line) == (WARNING, line_of(HEAD + RULE, "notice_days"))
    assert "served to nobody yet" in late.message
    # Served in time it may be published later; served late it counts later.
    assert dates(path, now=START, first_told={notice: START - 45 * DAY}) == []
    [late] = dates(path, now=START, first_told={notice: START - 44 * DAY})
    assert "nobody is used before 2025-11-04T00:00:00Z" in late.message
    assert dates(path) == []  # without a clock nothing is said


def test_a_further_notice_that_counts_may_have_been_served_before(file):
    path = file(HEAD + RULE + 'accepts = ["notices/2024.md"]\n')
    [older] = load_policy(path, DECLARED).rules[0].accepts

    assert dates(path, now=START, first_told={older: START - 45 * DAY}) == []


def test_a_published_version_started_when_it_was_effective(file):
    path = file(HEAD + RULE)
    policy = load_policy(path, DECLARED)
    told = {policy.notice: START - 45 * DAY}
    later = START + 100 * DAY

    assert dates(path, now=later, published=(policy,), first_told=told) == []


def test_no_time_to_object_is_a_warning_for_legitimate_interests_only(file):
    text = HEAD + RULE.replace("notice_days = 45\n", "")
    [none] = dates(file(text), now=START)

    assert "`eu` gives no time to object" in none.message
    asked = text.replace("legitimate_interests", "consent")
    assert dates(file(asked), now=START) == []


def test_a_date_before_a_published_version_is_an_error(file):
    published = load_policy(file(HEAD), DECLARED)
    path = file(HEAD.replace("11-03", "11-02"))

    [error] = dates(path, published=(published,))
    assert (error.severity, error.line) == (ERROR, 3)
    assert "publishing will be refused" in error.message
    assert dates(path, published=(replace(published, controller="Beta"),)) == []
    # The very version that was published may stand before a later one.
    mine = load_policy(path, DECLARED)
    assert dates(path, published=(mine, published)) == []


def test_the_order_of_names_and_dates_is_compared_with_the_folder(file):
    other = load_policy(file(HEAD), DECLARED)
    cases = {
        '"2026"': ("2025-11-02", "have dates in the other order than their names"),
        '"2024"': ("2025-11-04", "have dates in the other order than their names"),
        '"2025"': ("2025-11-04", "a version of the same name `2025`"),
        '"2027"': ("2025-11-03", "the same date: the one published later counts"),
    }
    for name, (date, wanted) in cases.items():
        text = HEAD.replace('"2025"', name).replace("2025-11-03", date)
        [warning] = dates(file(text), others=(("other.toml", other),))
        assert warning.severity is WARNING
        assert "`other.toml`" in warning.message
        assert wanted in warning.message


def test_versions_in_order_and_other_controllers_are_no_findings(file):
    other = load_policy(file(HEAD), DECLARED)
    later = HEAD.replace('"2025"', '"2026"').replace("11-03", "11-04")
    foreign = replace(other, controller="Beta")

    assert dates(file(later), others=(("other.toml", other),)) == []
    assert dates(file(HEAD), others=(("other.toml", foreign),)) == []
    assert dates(file(HEAD), others=(("copy.toml", other),)) == []


def test_a_period_after_the_start_is_a_warning(file):
    text = HEAD + RULE + "created_from = 2026-01-01\n"
    [warning] = dates(file(text))

    assert warning.line == line_of(text, "created_from")


def test_what_could_not_be_compared_is_said(file):
    findings = lint(file(HEAD), DECLARED, Around(unreadable=("draft.toml",)))

    assert [each.message for each in findings if each.kind is Kind.FORM] == [
        "`draft.toml` beside it cannot be read and was not compared"
    ]


# --- lines ---------------------------------------------------------------------------

HARD = '''\
# a comment with [[allow]] and key = 1
"policy" = "a # b [[never]]"
notice = """
[[allow]]
name = "no"
"""
accepts = [ # one
  "x", # two
  'y', ]
[[ allow ]]   # here
name = 'lit "x" ['
regions = ["EU"]
[ other . sub ]
k = {a = [1, 2]}
[["allow"]]
name = "a\\"b"
'''


def test_the_scanner_knows_strings_comments_and_brackets():
    lines = scan(HARD)

    assert lines.of("", 0, "policy") == 2
    assert lines.of("", 0, "notice") == 3
    assert lines.of("", 0, "accepts", "y") == 9
    assert lines.of("allow", 1) == 10
    assert lines.of("allow", 1, "regions") == 12
    assert lines.of("allow", 2) == 15
    assert lines.of("allow", 2, "name") == 16
    # What is not there has the line of what it would stand in, or the first.
    assert lines.of("allow", 2, "basis") == 15
    assert lines.of("never", 1) == 1
    assert lines.of("allow", 1, "regions", "CH") == 12


def test_tables_in_a_list_have_the_line_of_the_list(file):
    text = HEAD + 'never = [\n  {categories = ["inbox"]},\n]\n'

    assert scan("").of("allow", 1) == 1
    [(line, severity, _)] = found(file(text))
    assert (line, severity) == (line_of(text, "inbox"), ERROR)


# --- the case ------------------------------------------------------------------------


def test_the_policies_of_the_case_have_no_error():
    declared = load_case(CASE).declared
    paths = sorted(CASE.parent.glob("*/*.toml"))

    assert len(paths) == 7
    for path in paths:
        findings = lint(path, declared)
        assert ERROR not in {each.severity for each in findings}, path.name
        assert not [each for each in findings if each.kind is Kind.DEAD], path.name


def test_what_operators_did_is_marked_as_never_published(tmp_path):
    shutil.copytree(CASE.parent, tmp_path / "case")
    path = tmp_path / "case/operator/2024-08-01.toml"
    findings = lint(path, load_case(CASE).declared)

    [marked] = [each for each in findings if each.severity is WARNING]
    assert marked.line == line_of(path.read_text(), 'basis = "unsafe_default_on"')


AGREE = """[[allow]]
name = "names"
regions = ["*"]
categories = ["name"]
purpose = "train.content"
recipients = ["alpha", "beta"]
basis = "consent"
"""
KEPT = {
    "agreed by consent": (AGREE, NEVER, False),
    "nobody is asked": ("", NEVER, True),
    "interests are no agreement": (
        AGREE.replace('"consent"', '"legitimate_interests"\nnotice_days = 9'),
        NEVER,
        True,
    ),
    "never": (AGREE, NEVER.replace("private_message", "name"), True),
}


@pytest.mark.parametrize("case", KEPT)
def test_names_that_nobody_can_agree_to_keep_are_a_warning(file, case):
    rule, never, warned = KEPT[case]
    declared = replace(DECLARED, categories=DECLARED.categories | {"name"})
    text = HEAD + never + RULE + ELSE + rule + '[redact]\nnames = "keep"\n'
    dead = found(file(text), None, declared, Kind.DEAD)

    lines = [each.line for each in dead if "nobody can agree" in each.message]
    assert lines == ([line_of(text, 'names = "keep"')] if warned else [])


def test_a_threshold_of_nothing_is_a_warning(file):
    text = WHOLE + "[redact]\ndrop_above = 0.0\n"

    gaps = found(file(text), kind=Kind.GAP)
    assert [each.line for each in gaps if each.severity is WARNING] == [
        line_of(text, "drop_above")
    ]


def test_quotes_that_no_build_keeps_are_a_warning(file):
    text = WHOLE + '[redact]\nquotes = "keep"\n'

    [finding] = found(file(text), kind=Kind.DEAD)
    assert finding.line == line_of(text, "quotes")
