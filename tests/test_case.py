"""The LinkedIn case of the examples says what the facts say, and nothing else."""

import re
from pathlib import Path

import pytest

from assent.errors import PolicyError
from assent.policy.model import in_force
from assent.policy.regions import COUNTRIES, NAMED, countries_of
from assent.report.case import load_case
from assent.terms import DAY, Basis, iso, parse_time

CASE = Path(__file__).resolve().parents[1] / "examples/linkedin/case.toml"
NEVER = {"private_message", "credential", "payment", "salary", "job_application"}
USED = {
    *("profile", "post", "article", "comment", "poll_response", "contribution"),
    *("group_activity", "group_message", "prompt", "screening_answer", "resume"),
    "feedback",
}
EUROPE = NAMED["EEA"] | {"CH"}


@pytest.fixture(scope="module")
def case():
    return load_case(CASE)


def noon(day):
    return parse_time(f"{day}T12:00:00Z")


def orders(case, time):
    return {each.order for each in case.suspensions(time)}


def test_the_case_loads_with_everything_that_it_names(case):
    assert case.title == "LinkedIn, generative training, 2024-2025"
    assert [path.name for _, path in case.publications] == [
        "corporation-2024-09-18.toml",
        "ireland-2024-09-18.toml",
        "corporation-2025-11-03.toml",
        "ireland-2025-11-03.toml",
        "ireland-2025-11-07.toml",
    ]
    assert len(case.operator) == 2
    assert len(case.policies()) == 7


def test_every_policy_file_of_the_folder_is_part_of_the_case(case):
    named = {path for _, path in case.publications}

    assert named == set((CASE.parent / "policies").glob("*.toml"))


def test_the_dates_are_in_order_and_not_before_the_start(case):
    times = [time for time, _ in case.dates]

    assert times == sorted(times)
    assert case.start <= times[0]
    assert all(case.start <= each.start for each in (*case.assent, *case.operator))


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        ("2024-09-19T23:59:59.999999Z", set()),
        ("2024-09-20T00:00:00Z", {"uk-2024-09-20"}),
        ("2024-10-10T12:00:00Z", {"uk-2024-09-20"}),
        ("2024-10-11T00:00:00Z", {"uk-2024-09-20", "hong-kong-2024-10-11"}),
        (
            "2024-12-10T12:00:00Z",
            {"uk-2024-09-20", "hong-kong-2024-10-11", "canada-2024-12-10"},
        ),
        (
            "2025-11-02T23:59:59.999999Z",
            {"uk-2024-09-20", "hong-kong-2024-10-11", "canada-2024-12-10"},
        ),
        ("2025-11-03T00:00:00Z", set()),  # the end is exclusive
    ],
)
def test_the_orders_in_force_at_an_instant(case, time, wanted):
    assert orders(case, parse_time(time)) == wanted


def test_the_orders_stop_the_places_that_they_name(case):
    stopped = {
        each.order: countries_of(each.regions)
        for each in case.suspensions(noon("2025-01-01"))
    }

    assert stopped == {
        "uk-2024-09-20": {"GB"},
        "hong-kong-2024-10-11": {"HK"},
        "canada-2024-12-10": {"CA"},
    }


def test_nothing_was_in_force_before_the_policies_were_published(case):
    assert in_force(case.assent, noon("2024-09-17")) == ()
    assert len(in_force(case.assent, noon("2024-09-18"))) == 2
    # The operator's setting was on without either.
    [operator] = in_force(case.operator, noon("2024-08-15"))
    assert operator.version == "operator-2024-08-01"


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2024-09-18", ["corporation-2024-09-18", "ireland-2024-09-18"]),
        ("2025-11-02", ["corporation-2024-09-18", "ireland-2024-09-18"]),
        ("2025-11-03", ["corporation-2025-11-03", "ireland-2025-11-03"]),
        ("2025-11-07", ["corporation-2025-11-03", "ireland-2025-11-07"]),
    ],
)
def test_each_controller_has_the_version_of_the_day(case, day, wanted):
    assert [each.version for each in in_force(case.assent, noon(day))] == wanted


def allowed_in(policies):
    """Give the countries where some rule may allow."""
    return {
        country
        for policy in policies
        for rule in policy.rules
        for country in countries_of(rule.regions, rule.except_regions)
    }


def test_europe_is_out_until_november_2025_and_then_in(case):
    for versions in (case.assent, case.operator):
        before = allowed_in(in_force(versions, noon("2025-11-02")))
        after = allowed_in(in_force(versions, noon("2025-11-03")))

        assert before == COUNTRIES - EUROPE
        assert after == COUNTRIES


def test_no_version_allows_what_was_said_to_be_never_used_nor_the_young(case):
    for policy in case.policies():
        assert set(policy.never) == NEVER
        assert policy.minimum_age == 18
        assert not [r for r in policy.rules if NEVER & set(r.categories)]


def test_every_kind_that_was_said_to_be_used_or_never_used_is_a_category(case):
    assert case.declared.categories == USED | NEVER
    for policy in case.policies():
        for rule in policy.rules:
            narrowed = rule.name == "eu-legitimate-interests" and (
                policy.version == "ireland-2025-11-07"
            )
            assert narrowed or set(rule.categories) == USED


def test_every_rule_names_every_recipient(case):
    named = {rule.recipients for each in case.policies() for rule in each.rules}

    assert named == {("linkedin-corporation", "linkedin-ireland", "microsoft")}


def test_from_the_announcement_to_the_start_there_are_45_days(case):
    [announced] = {
        published.published_at
        for published, path in case.publications
        if path.name == "ireland-2025-11-03.toml"
    }
    policies = {each.policy.version: each.policy for each in case.assent}
    started = policies["ireland-2025-11-03"].effective_from
    days = {
        rule.name: rule.notice_days
        for version in ("ireland-2025-11-03", "corporation-2025-11-03")
        for rule in policies[version].rules
        if rule.basis is Basis.LEGITIMATE_INTERESTS
    }

    assert announced == parse_time("2025-09-18T00:00:00Z")
    # 46 days later: who was served on the day of the announcement has had 45.
    assert started - announced == 46 * DAY
    new = {"eu-", "uk-", "canada-", "hong-kong-"}
    assert {days[f"{place}legitimate-interests"] for place in new} == {45}


def test_the_end_of_the_suit_changes_nothing(case):
    filed, dropped = noon("2025-01-21"), noon("2025-01-30")

    for versions in (case.assent, case.operator):
        assert in_force(versions, filed) == in_force(versions, dropped)
    assert orders(case, filed) == orders(case, dropped)


def test_only_the_operators_way_goes_without_a_lawful_basis(case):
    ours = {rule.basis for each in case.assent for rule in each.policy.rules}
    theirs = {rule.basis for each in case.operator for rule in each.policy.rules}

    assert ours == {Basis.CONSENT, Basis.LEGITIMATE_INTERESTS}
    assert theirs == {Basis.UNSAFE_DEFAULT_ON}


def test_who_was_never_told_is_given_days_by_every_rule_on_legitimate_interests(case):
    for each in case.assent:
        for rule in each.policy.rules:
            if rule.basis is Basis.LEGITIMATE_INTERESTS:
                assert rule.notice_days >= 30


def test_after_the_regulator_less_is_allowed_in_europe_and_nothing_more(case):
    first, second = (
        next(e.policy for e in case.assent if e.policy.version == version).rules[0]
        for version in ("ireland-2025-11-03", "ireland-2025-11-07")
    )

    assert set(second.categories) < set(first.categories)
    assert second.created_from > first.created_from


@pytest.mark.shared
def test_every_dated_row_of_the_facts_has_a_date_in_the_case(case, shared):
    rows = re.findall(
        r"^\| (?!date|---)([^|]+) \|([^|]+)\|",
        (shared / "linkedin.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    days = {iso(time)[:10] for time, _ in case.dates}
    months = {day[:7] for day in days}

    assert len(rows) == 10
    for written, _ in rows:
        [day] = re.findall(r"\d{4}-\d{2}-\d{2}", written)[:1] or [None]
        if day is None:
            assert written.startswith("Aug 2024")
            assert "2024-08" in months
        else:
            assert day in days


@pytest.mark.shared
def test_what_the_facts_do_not_verify_the_case_does_not_either(case, shared):
    text = (shared / "linkedin.md").read_text(encoding="utf-8")
    unverified = re.findall(r"^\| ([^|]*\(NV\)[^|]*)\|", text, re.MULTILINE)

    assert len([what for _, what in case.dates if "NV" in what]) == len(unverified)


GOOD = CASE.read_text(encoding="utf-8")


def broken(tmp_path, old, new):
    for name in ("policies", "operator", "notices"):
        (tmp_path / name).symlink_to(CASE.parent / name)
    path = tmp_path / "case.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_case_without_suspensions_has_none(tmp_path):
    suspensions = GOOD[GOOD.index("[[suspend]]") : GOOD.index("[[date]]")]

    assert load_case(broken(tmp_path, suspensions, "")).orders == ()


def test_a_case_may_declare_tiers_and_need_not(case, tmp_path):
    with_tiers = broken(tmp_path, "[labels]", '[labels]\ntiers = ["premium"]')

    assert case.declared.tiers == frozenset()
    assert load_case(with_tiers).declared.tiers == {"premium"}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("[labels]", '[labels]\ntiers = "premium"', "`tiers` has the wrong type"),
        ("[labels]", "[labels", "is not TOML"),
        ('title = "LinkedIn, generative training, 2024-2025"\n', "", ".title. is miss"),
        ('order = "uk-2024-09-20"\n', "", ".order. is missing"),
        ('what = "start announced for 3 November"\n', "", ".what. is missing"),
        ("ireland-2024-09-18.toml", "ireland-2023.toml", "there is no policy file"),
        ('"microsoft"]', '"openai"]', "recipient `microsoft` is not declared"),
        # What is not understood is refused: a slip of the pen could drop an order.
        ("[[suspend]]", "[[suspended]]", "unknown key `suspended`"),
        ("until = 2025", "till = 2025", "unknown key `till`"),
        ("2024-08-01T00:00:00Z", "2024-08-01T00:00:00", "time zone"),
        ("from = 2024-09-20T00:00:00Z", "from = 2024-09-20T00:00:00", "time zone"),
        ("from = 2024-09-20T00:00:00Z", 'from = "2024-09-20"', "wrong type"),
        ('regions = ["UK"]', 'regions = ["Britain"]', "region `Britain` is unknown"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused(tmp_path, old, new, wanted):
    with pytest.raises(PolicyError, match=wanted):
        load_case(broken(tmp_path, old, new))


def test_a_case_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"there is no case file `case\.toml`"):
        load_case(tmp_path / "case.toml")
