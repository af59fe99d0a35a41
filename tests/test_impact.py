"""What another policy would change, before it is published; and when it may not be."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.decide.impact import Count, census, compare, served, without_notice
from assent.engine.question import Question, QuestionRule
from assent.errors import DeniedError, LedgerError, PolicyError, UsageError
from assent.ledger.book import EVENTS
from assent.terms import DAY, Basis, Reason, Residence, iso, parse_time
from small_project import (
    BUILT_AT,
    CONFIG,
    NOTICE,
    POLICY,
    START,
    digests,
    opened,
    write_policy,
)

pytest_plugins = ("toy_projects",)

AT = parse_time("2025-06-01T00:00:00Z")
PEOPLE = {
    "ana": ("DE", 1990, None),
    "bob": ("US", None, "adult"),
    "cem": ("US", 2010, None),
    "dia": (None, None, None),
    "eva": ("DE", 1980, "minor"),
    "flo": ("BR", 2007, None),  # 18 at the latest by the end of the year
}
REGIONS = {"DE": "eu", "US": "us"}
USED, NOT = "legitimate_interests", "no_rule"


def people(rows=PEOPLE):
    table = [
        {"subject_id": who, "country": country, "birth_year": year, "age_band": band}
        for who, (country, year, band) in rows.items()
    ]
    schema = pa.schema(
        [
            ("subject_id", pa.string()),
            ("country", pa.string()),
            ("birth_year", pa.int32()),
            ("age_band", pa.string()),
        ]
    )
    homes = [row["country"] for row in table]
    return census(pa.Table.from_pylist(table, schema), homes, REGIONS, 2025)


def decisions(*rows):
    """Rows of (subject, category, reason), one document each."""
    found = [
        {"document_id": f"d{n:03}", "subject_id": who, "category": what, "reason": why}
        for n, (who, what, why) in enumerate(rows)
    ]
    names = ("document_id", "subject_id", "category", "reason")
    return pa.Table.from_pylist(found, pa.schema([(n, pa.string()) for n in names]))


def events(*rows):
    """Events of (kind, subject, changes)."""
    plain = {"purpose": "*", "recipient": "*", "category": "*", "notice": "n1"}
    plain |= {"happened_at": AT, "recorded_at": AT}
    found = [
        {"entry": n, "kind": kind, "subject_id": who, **plain, **changed}
        for n, (kind, who, changed) in enumerate(rows)
    ]
    return pa.Table.from_pylist(found, EVENTS)


def told(*who):
    return events(*(("notice_served", each, {}) for each in who))


def compared(*rows, heard=None, untold=0):
    """Compare rows of (subject, category, reason before, reason after)."""
    before = decisions(*((who, what, then) for who, what, then, _ in rows))
    after = decisions(*((who, what, now) for who, what, _, now in rows))
    notices = served(events() if heard is None else heard, question())
    both = (before, after)
    return compare(AT, (["a"], ["b"]), both, people(), notices, untold)


def rule(**changed):
    plain = {"name": "r", "basis": Basis.CONSENT, "jurisdictions": ("eu", "us")}
    plain |= {"uses": (("post", "acme"),), "notices": ("n1",)}
    return QuestionRule(**{**plain, **changed})


def question(*rules, **changed):
    plain = {
        "purpose": "train.content", "recipients": ("acme",),
        "purposes": ("train.content",), "categories": ("comment", "post"),
        "declared_recipients": ("acme", "beta"), "as_of": AT, "ledger_size": 99,
        "jurisdictions": tuple(REGIONS.items()), "rules": rules or (rule(),),
        "has_policy": True, "minimum_age": 18, "depends_on_region": True,
        "never": (), "suspended": (),
    }  # fmt: skip
    return Question(**{**plain, **changed})


# --- counts --------------------------------------------------------------------------


def test_what_becomes_used_and_unused_is_counted_by_region_category_and_reason():
    found = compared(
        ("ana", "post", NOT, USED),
        ("ana", "comment", NOT, USED),
        ("bob", "post", "suspended", USED),
        ("bob", "comment", USED, USED),
        ("bob", "comment", USED, "withdrawn"),
        ("cem", "post", NOT, NOT),
        ("flo", "post", NOT, "consented"),
    )
    used, unused = found.becomes_used, found.becomes_unused

    assert (found.loaded, found.used_before, found.used_after) == (
        Count(7, 6), Count(2, 1), Count(5, 3),
    )  # fmt: skip
    assert (used.count, used.people_entirely) == (Count(4, 3), 2)  # Bob had another
    assert used.by_region == {"eu": Count(2, 1), "unknown": Count(1, 1),
                              "us": Count(1, 1)}  # fmt: skip
    assert used.by_category == {"post": Count(3, 3), "comment": Count(1, 1)}
    assert used.by_reason == {
        "no_rule -> legitimate_interests": Count(2, 1),
        "no_rule -> consented": Count(1, 1),
        "suspended -> legitimate_interests": Count(1, 1),
    }
    assert (unused.count, unused.people_entirely) == (Count(1, 1), 0)
    assert unused.by_reason == {"legitimate_interests -> withdrawn": Count(1, 1)}


def test_a_change_of_the_reason_alone_turns_nothing():
    found = compared(
        ("ana", "post", USED, "consented"), ("bob", "post", NOT, "not_notified")
    )

    assert found.becomes_used.count == found.becomes_unused.count == Count(0, 0)
    assert found.rows() == []


def test_a_platform_without_documents_has_no_impact():
    found = compared()

    assert found.loaded == Count(0, 6)
    assert found.used_before == found.used_after == Count(0, 0)
    assert json.loads(json.dumps(found.to_json()))["becomes_used"]["by_region"] == {}


@pytest.mark.parametrize("reason", list(Reason))
def test_only_reasons_that_use_are_in_use(reason):
    found = compared(("ana", "post", NOT, str(reason)))
    uses = {"consented", "legitimate_interests", "unsafe_default_on"}

    assert found.used_after.documents == (str(reason) in uses)


def test_the_never_notified_and_the_young_are_counted_among_those_who_turn():
    rows = [(who, "post", NOT, USED) for who in PEOPLE]
    found = compared(*rows, heard=told("ana", "bob"), untold=4)

    assert found.becomes_used.never_notified == 4
    # Cem by his year, Eva by her band, Flo perhaps; of Dia nothing is known.
    assert (found.becomes_used.minors, found.becomes_used.age_unknown) == (3, 1)
    assert (found.minors, found.age_unknown) == (3, 1)
    assert found.without_notice == 4
    still = compared(*((who, "post", USED, USED) for who in PEOPLE))
    assert (still.becomes_used.minors, still.minors) == (0, 3)


def test_a_person_who_is_not_loaded_is_of_unknown_region_and_age():
    found = compared(("gil", "post", NOT, USED), (None, "post", NOT, USED))

    assert found.becomes_used.count == Count(2, 1)
    assert found.becomes_used.by_region == {"unknown": Count(2, 1)}
    assert (found.minors, found.age_unknown) == (0, 1)


def test_ages_that_the_decision_would_not_take_are_unknown():
    rows = {"old": ("DE", 1800, None), "odd": ("DE", 1980, "ageless")}

    assert people(rows)["age"].to_pylist() == ["unknown", "unknown"]


def test_decisions_of_other_documents_are_not_compared():
    one, two = decisions(("ana", "post", USED)), decisions()
    with pytest.raises(AssertionError, match="other documents"):
        compare(AT, ([], []), (one, two), people(), events(), 0)


reasons = st.sampled_from([USED, "consented", NOT, "suspended"])
rows_of_both = st.lists(
    st.tuples(
        st.sampled_from([*PEOPLE, "gil", None]),
        st.sampled_from(["post", "comment"]),
        reasons,
        reasons,
    ),
    max_size=25,
)


@settings(max_examples=80)
@given(rows_of_both)
def test_the_counts_are_those_of_a_slow_count(rows):
    found = compared(*rows)
    used = {USED, "consented"}
    for turn, here, there in (
        (found.becomes_used, 3, 2),
        (found.becomes_unused, 2, 3),
    ):
        turned = [r for r in rows if r[here] in used and r[there] not in used]
        who = {r[0] for r in turned} - {None}
        others = {r[0] for r in rows if r[there] in used}
        assert turn.count == Count(len(turned), len(who))
        assert turn.people_entirely == len(who - others)
        for category, count in turn.by_category.items():
            mine = [r for r in turned if r[1] == category]
            assert count == Count(len(mine), len({r[0] for r in mine} - {None}))
        parts = (turn.by_region, turn.by_category, turn.by_reason)
        for part in parts:
            assert sum(count.documents for count in part.values()) == len(turned)


# --- without a notice ----------------------------------------------------------------


def untold(heard, *rows, asked=None):
    asked = asked or question()
    return without_notice(decisions(*rows), people(), served(heard, asked), asked)


ANA = ("ana", "post", "consented")


def test_somebody_in_use_without_a_notice_is_found():
    assert untold(events(), ANA) == {"ana"}
    assert untold(told("ana"), ANA) == frozenset()
    assert untold(told("bob"), ANA) == {"ana"}
    assert untold(events(), ("ana", "post", NOT)) == frozenset()


@pytest.mark.parametrize(
    "changed",
    [
        {"notice": "n2"},  # another one
        {"notice": None},
        {"happened_at": AT + 1},  # after the instant
        {"recorded_at": AT + 1},
        {"recorded_at": None},
        {"entry": 99},  # not known yet
        {"purpose": "train.content.more"},  # does not cover the use
        {"purpose": "train.cont"},
        {"purpose": None},
        {"recipient": "beta"},
        {"recipient": None},
        {"category": "comment"},
        {"category": None},
    ],
)
def test_a_notice_that_does_not_cover_the_use_is_none(changed):
    assert untold(events(("notice_served", "ana", changed)), ANA) == {"ana"}


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "train"},
        {"recipient": "acme", "category": "post"},
        {"happened_at": AT - DAY},
    ],
)
def test_a_notice_that_covers_the_use_is_one(changed):
    assert untold(events(("notice_served", "ana", changed)), ANA) == frozenset()


def test_an_answer_is_no_notice():
    heard = events(("given", "ana", {}), ("enrolled", "ana", {}))

    assert untold(heard, ANA) == {"ana"}


def test_every_recipient_and_category_must_have_been_told_of():
    asked = question(
        rule(uses=(("post", "acme"), ("post", "beta"), ("comment", "acme")))
    )
    acme = events(("notice_served", "ana", {"recipient": "acme"}))
    post = events(("notice_served", "ana", {"category": "post"}))

    assert untold(acme, ANA, asked=asked) == {"ana"}
    assert untold(post, ANA, asked=asked) == frozenset()
    assert untold(post, ("ana", "comment", USED), asked=asked) == {"ana"}


def test_a_notice_counts_where_a_rule_accepts_it():
    asked = question(
        rule(jurisdictions=("eu",), notices=("n1", "n2")),
        rule(jurisdictions=("us",), notices=("n2",)),
    )
    heard = told("ana", "bob")

    assert untold(heard, ANA, ("bob", "post", USED), asked=asked) == {"bob"}


def test_uses_that_the_new_policy_does_not_speak_of_are_not_its_own():
    asked = question(rule(jurisdictions=("us",)))

    assert untold(events(), ANA, ("bob", "post", USED), asked=asked) == {"bob"}


def test_who_lives_nowhere_known_is_found_too():
    asked = question(rule(jurisdictions=("eu", "us", "unknown")))
    rows = [(who, "post", USED) for who in ("dia", "flo", "gil")]

    assert untold(events(), *rows, asked=asked) == {"dia", "flo", "gil"}


def test_a_rule_about_where_people_lived_speaks_of_them_wherever_they_live():
    then = rule(jurisdictions=("us",), residence=Residence.AT_CREATION)

    assert untold(events(), ANA, asked=question(then)) == {"ana"}  # she is in the EU


# --- on a toy platform ---------------------------------------------------------------

LATER = POLICY.replace('"2025-03"', '"2025-04"')
CONSENT = LATER.replace("legitimate_interests", "consent")
OTHER_NOTICE = "notices/other.en.md"


def other_notice(folder):
    (folder / OTHER_NOTICE).write_bytes(NOTICE + b"Another text.\n")
    return folder / OTHER_NOTICE


def consented_unserved(folder):
    """A policy under a new notice, to which three people said yes unserved."""
    notice = other_notice(folder)
    with opened(folder) as project:
        project.record("given", ["u01", "u02", "u07"], notice=notice)
    text = CONSENT.replace("notices/2025.en.md", OTHER_NOTICE)
    return write_policy(folder, text, "later.toml"), notice


def test_a_policy_is_previewed_against_what_is_in_force(fresh):
    text = LATER.replace('["DE", "FR"]', '["DE", "BR"]')
    path = write_policy(fresh, text, "later.toml")
    before = digests(fresh)
    with opened(fresh) as project:
        found = project.impact(path)

    assert (found.before, found.after) == (("2025-03",), ("2025-04",))
    assert found.as_of == BUILT_AT  # its own date has passed
    # Each of the twelve wrote three documents that a rule may allow.
    assert found.used_before == Count(30, 10)
    assert found.becomes_used.count == Count(3, 1)
    assert found.becomes_unused.count == Count(6, 2)
    assert found.becomes_unused.by_reason == {
        "legitimate_interests -> no_rule": Count(6, 2)
    }
    assert found.without_notice == 0
    assert digests(fresh) == before


def test_two_files_are_compared_and_the_published_one_is_not_asked(fresh):
    old = write_policy(fresh, LATER.replace('["US"]', '["BR"]'), "old.toml")
    new = write_policy(fresh, LATER, "new.toml")
    with opened(fresh) as project:
        found = project.impact(new, old)
        nothing = project.impact(new)

    assert found.becomes_used.count == Count(12, 4)
    assert found.becomes_unused.count == Count(3, 1)
    assert nothing.becomes_used.count == nothing.becomes_unused.count == Count(0, 0)


def test_another_controllers_policy_stays_in_force(fresh):
    text = LATER.replace('"Toy"', '"Other"').replace('["US"]', '["BR"]')
    path = write_policy(fresh, text.replace('["DE", "FR"]', '["CH"]'), "other.toml")
    with opened(fresh) as project:
        found = project.impact(path)

    assert found.after == ("2025-03", "2025-04")
    assert found.becomes_used.count == Count(3, 1)
    assert found.becomes_unused.count == Count(0, 0)


def test_the_instant_is_when_the_policy_would_start_unless_said(fresh):
    start = iso(BUILT_AT + 30 * DAY)
    text = LATER.replace("2025-01-01T00:00:00Z", start)
    path = write_policy(fresh, text, "later.toml")
    with opened(fresh) as project:
        assert project.impact(path).as_of == BUILT_AT + 30 * DAY
        early = project.impact(path, as_of=START - DAY)

    assert early.as_of == START - DAY
    assert early.used_after == Count(0, 0)  # nobody had been told


def test_an_order_in_force_stops_both_ways(fresh):
    path = write_policy(fresh, LATER, "later.toml")
    with opened(fresh) as project:
        project.suspend("stop", ["US"])
        found = project.impact(path)

    assert found.used_before == found.used_after == Count(18, 6)


def test_a_policy_with_another_notice_would_stop_those_who_were_not_served_it(fresh):
    other_notice(fresh)
    text = LATER.replace("notices/2025.en.md", OTHER_NOTICE)
    path = write_policy(fresh, text, "later.toml")
    with opened(fresh) as project:
        found = project.impact(path)

    assert found.used_after == Count(0, 0)
    assert found.becomes_unused.by_reason == {
        "legitimate_interests -> stale_notice": Count(30, 10)
    }
    assert found.becomes_unused.never_notified == 0  # of the older one they were told


def test_a_recipient_that_nobody_declared_is_refused(fresh):
    path = write_policy(fresh, LATER, "later.toml")
    with opened(fresh) as project:
        with pytest.raises(LedgerError, match="recipient `eve` is not declared"):
            project.impact(path, recipients=["eve"])
        assert project.impact(path, recipients=["partner"]).used_after == Count(0, 0)


def test_who_has_moved_is_counted_where_she_lives_at_the_instant(fresh):
    path = write_policy(fresh, LATER.replace('["US"]', '["BR"]'), "later.toml")
    with opened(fresh) as project:
        before = project.impact(path).becomes_unused.by_region
        project.record("residence_changed", ["u01"], country="US")
        after = project.impact(path).becomes_unused.by_region

    assert [each.people for each in before.values()] == [4]
    assert [each.people for each in after.values()] == [5]


def test_who_moved_to_where_a_rule_speaks_of_her_must_have_been_told(fresh):
    path, notice = consented_unserved(fresh)
    with opened(fresh) as project:
        untold = project.impact(path).without_notice
        project.record("given", ["u11"], notice=notice)  # no rule speaks of Brazil
        assert project.impact(path).without_notice == untold
        project.record("residence_changed", ["u11"], country="US")
        assert project.impact(path).without_notice == untold + 1


# --- publishing ----------------------------------------------------------------------


def test_publishing_is_refused_where_people_would_be_used_without_a_notice(fresh):
    path, notice = consented_unserved(fresh)
    with opened(fresh) as project:
        size = project.place.book.size
        before = digests(fresh)
        assert project.impact(path).without_notice == 3
        with pytest.raises(
            DeniedError, match="3 people would be in use under `2025-04"
        ):
            project.publish(path)
        assert project.place.book.size == size
        assert digests(fresh) == before
        project.record("notice_served", ["u01", "u02"], notice=notice)
        with pytest.raises(DeniedError, match="1 people"):
            project.publish(path)
        project.record("notice_served", ["u07"], notice=notice)
        assert "accepted_unnotified" not in project.publish(path).body


def test_an_officers_reason_goes_into_the_ledger(fresh):
    path, _ = consented_unserved(fresh)
    with opened(fresh) as project:
        event = project.publish(path, "they signed on paper")
        assert project.publish(path) is None  # published already
    with opened(fresh) as project:
        *_, kept = project.place.events_of("policy_published")

    assert event.body["accepted_unnotified"] == "they signed on paper"
    assert kept.body == event.body
    assert b"they signed on paper" in kept.entry


def test_a_reason_that_is_not_needed_is_not_recorded(fresh):
    path = write_policy(fresh, LATER, "later.toml")
    with opened(fresh) as project:
        assert "accepted_unnotified" not in project.publish(path, "to be sure").body


@pytest.mark.parametrize("reason", [" ", "two\nlines", "caf\udce9"])
def test_a_reason_that_says_nothing_readable_is_refused(fresh, reason):
    path, _ = consented_unserved(fresh)
    with opened(fresh) as project, pytest.raises(UsageError, match="blank or holds"):
        project.publish(path, reason)


def test_a_reason_mends_no_other_fault(fresh):
    earlier = CONSENT.replace("2025-01-01", "2024-12-31")
    path = write_policy(fresh, earlier, "earlier.toml")
    with opened(fresh) as project, pytest.raises(PolicyError, match="out of order"):
        project.publish(path, "because")


def test_without_documents_nobody_is_used_and_publishing_goes_on(tmp_path):
    from assent import Project

    with Project.init(tmp_path / "bare", config=CONFIG) as project:
        assert project.publish(write_policy(tmp_path / "bare")) is not None
        with pytest.raises(UsageError, match="no documents are loaded"):
            project.impact(tmp_path / "bare/policies/2025.toml")


# --- the folder and the ledger around a file -----------------------------------------


def test_a_check_knows_the_folder_and_the_ledger(fresh):
    text = LATER.replace("2025-01-01", "2024-12-31").replace("18", "18 #")
    path = write_policy(fresh, text, "later.toml")
    write_policy(fresh, "policy = ", "broken.toml")
    with opened(fresh) as project:
        said = [str(each) for each in project.check_policy(path)]

    assert any(
        each.startswith("later.toml:3: error: effective from 2024-12-31T00:00:00Z, but")
        for each in said
    )
    assert any("`2025.toml` have dates in the other order" in each for each in said)
    assert any("`broken.toml` beside it cannot be read" in each for each in said)


def test_a_check_knows_since_when_a_notice_was_served(fresh):
    days = LATER.replace('"US"]', '"US", "CA"]').replace(
        'basis = "legitimate_interests"',
        'basis = "legitimate_interests"\nnotice_days = 11',
    )
    path = write_policy(fresh, days, "later.toml")
    with opened(fresh) as project:
        said = [each.message for each in project.check_policy(path)]
    with opened(fresh, 1) as project:
        later = [each.message for each in project.check_policy(path)]

    wanted = "its notice, first served at 2025-03-01T00:00:00Z, must be 11 days old"
    assert len([each for each in said if wanted in each]) == 2
    assert not [each for each in later if wanted in each]
