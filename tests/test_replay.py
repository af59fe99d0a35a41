"""The replay counts what was in use, on hand-made decisions and on a toy platform."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.ledger.book import EVENTS
from assent.report.case import load_case
from assent.report.replay import Heard, Objection, Person, heard, snapshot
from assent.report.tables import by_date, reason_rows, region_rows, replay_rows
from assent.terms import DAY, Reason, parse_time
from small_case import write_case
from small_project import (
    BUILT_AT,
    SECRET_WORDS,
    START,
    documents,
    opened,
    write_export,
)

pytest_plugins = ("toy_projects",)

AT = parse_time("2025-06-01T00:00:00Z")
USED = "unsafe_default_on"
PERSONS = {
    "ana": Person("eu", 1990, None),
    "bob": Person("us", None, "adult"),
    "cem": Person("us", 2010, None),
    "dia": Person("us", None, None),
    "eva": Person("eu", 2006, "minor"),
    "flo": Person("unknown", 2006, None),
}


def decisions(*rows):
    """Rows of (subject, category, reason)."""
    names = ("subject_id", "category", "reason")
    return pa.table(
        {name: [row[n] for row in rows] for n, name in enumerate(names)},
        schema=pa.schema([(name, pa.string()) for name in names]),
    )


def counted(*rows, known=None, recipients=("acme",), at=AT):
    found = decisions(*rows)
    return snapshot(at, "a day", "operator", found, PERSONS, known or {}, recipients)


def said(*rows):
    """Ledger events of (kind, subject, happened_at, recipient, category)."""
    names = ("kind", "subject_id", "happened_at", "recipient", "category")
    values = [dict(zip(names, row, strict=False)) for row in rows]
    full = [{"recipient": "*", "category": "*", **value} for value in values]
    return heard(pa.Table.from_pylist(full, schema=EVENTS))


# --- counts --------------------------------------------------------------------------


def test_people_and_documents_are_counted_by_region_and_by_reason():
    found = counted(
        ("ana", "post", USED),
        ("ana", "post", USED),
        ("ana", "message", "never"),
        ("bob", "post", "consented"),
        ("cem", "post", "under_age"),
        ("cem", "post", "under_age"),
        ("cem", "post", "no_rule"),
        (None, "post", "subject_unknown"),
        ("gil", "post", "subject_unknown"),
    )

    assert (found.people, found.documents) == (6, 9)
    assert (found.people_in_use, found.documents_in_use) == (2, 3)
    assert found.people_by_region == {"eu": 1, "us": 1}
    assert found.documents_by_region == {"eu": 2, "us": 1}
    assert found.documents_by_reason == {
        "never": 1,
        "no_rule": 1,
        "subject_unknown": 2,
        "under_age": 2,
    }
    # Ana is in use, so no reason is counted for her; Cem by his most frequent one.
    assert found.people_by_reason == {"under_age": 1}


def test_of_equal_reasons_the_most_telling_one_counts():
    found = counted(("ana", "post", "no_record"), ("ana", "post", "under_age"))

    assert found.people_by_reason == {"under_age": 1}


def test_a_platform_without_documents_has_nobody_in_use():
    found = counted()

    assert (found.people_in_use, found.documents_in_use, found.documents) == (0, 0, 0)
    assert found.people_by_region == found.people_by_reason == {}


def test_an_unknown_reason_is_not_counted_as_anything():
    with pytest.raises(ValueError, match="whim"):
        counted(("ana", "post", "whim"))


@pytest.mark.parametrize("reason", list(Reason))
def test_only_reasons_that_use_are_in_use(reason):
    found = counted(("ana", "post", str(reason)))
    uses = {"consented", "legitimate_interests", "unsafe_default_on"}

    assert found.documents_in_use == (str(reason) in uses)


def test_ages_are_as_sure_as_the_data():
    found = counted(*((who, "post", USED) for who in PERSONS))

    # Cem by his year, Eva by her band although her year would do, Flo was 18 at the
    # earliest in 2025, and perhaps later.
    assert found.used_under_age == 2
    assert found.used_age_unknown == 1
    later = parse_time("2024-12-31T00:00:00Z")
    assert counted(("flo", "post", USED), at=later).used_under_age == 1


# --- told and objected ---------------------------------------------------------------


def test_used_before_told_ends_with_the_first_notice():
    known = said(("notice_served", "ana", AT), ("notice_served", "ana", AT - DAY))
    row = ("ana", "post", USED)

    assert counted(row, known=known, at=AT - DAY - 1).used_before_told == 1
    assert counted(row, known=known, at=AT - DAY).used_before_told == 0
    assert counted(row).used_before_told == 1  # the ledger says nothing of her


def test_an_objection_counts_only_where_its_scope_touches_a_used_document():
    known = said(("objected", "ana", AT - DAY, "acme", "comment"))
    post, comment = ("ana", "post", USED), ("ana", "comment", USED)

    assert counted(post, known=known).used_after_objecting == 0
    assert counted(post, comment, known=known).used_after_objecting == 1
    assert counted(comment, known=known, recipients=["b"]).used_after_objecting == 0
    assert counted(comment, known=known, recipients=["b", "acme"]) == counted(
        comment, known=known
    )
    assert (
        counted(("ana", "comment", "objected"), known=known).used_after_objecting == 0
    )


def test_one_person_who_objected_is_counted_once():
    known = said(("objected", "ana", AT - DAY))

    found = counted(("ana", "post", USED), ("ana", "comment", USED), known=known)
    assert found.used_after_objecting == 1


def test_a_lifted_objection_counts_no_more_and_a_new_one_does():
    known = said(
        ("objected", "ana", AT - 3 * DAY),
        ("objection_lifted", "ana", AT - 2 * DAY),
        ("objected", "ana", AT),
    )
    row = ("ana", "post", USED)

    for day, wanted in ((4, 0), (3, 1), (2, 0), (1, 0), (0, 1)):
        found = counted(row, known=known, at=AT - day * DAY)
        assert found.used_after_objecting == wanted, day


def test_a_lifting_of_another_scope_lifts_nothing():
    known = said(
        ("objected", "ana", AT - 3 * DAY),
        ("objection_lifted", "ana", AT - 2 * DAY, "*", "comment"),
    )

    assert counted(("ana", "post", USED), known=known).used_after_objecting == 1
    assert counted(("ana", "comment", USED), known=known).used_after_objecting == 0


def test_at_one_instant_the_objection_wins():
    known = said(("objected", "ana", AT), ("objection_lifted", "ana", AT))

    assert counted(("ana", "post", USED), known=known).used_after_objecting == 1


def test_who_was_never_heard_of_objects_to_nothing():
    assert heard(EVENTS.empty_table()) == {}
    assert not Heard().objects(AT, "post", ["acme"])
    assert not Heard().told(AT)
    assert Objection(AT, True, "*", "post").touches("post", "acme")


def test_choices_are_neither_notices_nor_objections():
    assert said(("withdrawn", "ana", AT), ("refused", "ana", AT)) == {}


# --- tables --------------------------------------------------------------------------


def test_the_tables_hold_the_counts_and_no_empty_column():
    known = said(("objected", "bob", AT - DAY))
    one = counted(("ana", "post", USED), ("bob", "post", USED), known=known)
    two = counted(("ana", "post", "under_age"))
    columns, rows = replay_rows([one, two])

    assert columns[:6] == [
        *("date", "way", "people", "documents", "before told", "after objecting"),
    ]
    assert rows[0][:6] == ["2025-06-01", "operator", 2, 2, 2, 1]
    assert rows[1] == ["2025-06-01", "operator", *[0] * 6]
    assert len(columns) == len(rows[0])
    assert region_rows([one, two], "people") == (
        ["date", "way", "eu", "us"],
        [["2025-06-01", "operator", 1, 1], ["2025-06-01", "operator", 0, 0]],
    )
    assert reason_rows([one, two]) == (
        ["date", "way", "under age"],
        [["2025-06-01", "operator", 0], ["2025-06-01", "operator", 1]],
    )
    assert region_rows([], "documents") == (["date", "way"], [])


def test_a_table_is_turned_around_for_one_way():
    table = (
        ["date", "way", "eu", "us", "uk"],
        [
            ["2025-06-01", "operator", 1, 0, 0],
            ["2025-06-01", "assent", 7, 7, 7],
            ["2025-07-02", "operator", 3, 4, 0],
        ],
    )

    assert by_date(table, "operator") == (
        ["", "25\n06\n01", "25\n07\n02"],
        [["eu", 1, 3], ["us", 0, 4]],
    )
    assert by_date(table, "nobody") == ([""], [])


# --- on a toy platform ---------------------------------------------------------------


@pytest.fixture
def case(tmp_path):
    return write_case(tmp_path / "case")


def test_a_case_is_replayed_both_ways(fresh, case):
    with opened(fresh) as project:
        found = project.replay(case)

    in_use = {(each.at[:10], each.way): each.people_in_use for each in found}
    assert in_use == {
        ("2025-02-01", "operator"): 12,
        ("2025-02-01", "assent"): 0,
        ("2025-03-10", "operator"): 12,
        ("2025-03-10", "assent"): 10,
        ("2025-03-21", "operator"): 8,
        ("2025-03-21", "assent"): 6,
    }
    before = [each.used_before_told for each in found if each.way == "operator"]
    assert before == [12, 0, 0]
    assert {each.used_before_told for each in found if each.way == "assent"} == {0}


def test_documents_of_nobody_known_are_in_use_neither_way(fresh, case, tmp_path):
    paths = write_export(tmp_path / "later")
    rows = documents().to_pylist()
    rows[0]["subject_id"], rows[4]["subject_id"] = None, "stranger"
    pq.write_table(pa.Table.from_pylist(rows, documents().schema), paths[0])
    with opened(fresh) as project:
        project.load("parquet", *paths)
        found = project.replay(case)

    for each in found[2:4]:
        assert each.documents_by_reason["subject_unknown"] == 2, each.way


def test_a_replay_is_written_as_json_and_as_a_plot(fresh, case, tmp_path):
    with opened(fresh) as project:
        snapshots = project.replay(case)
        project.write_replay(snapshots, tmp_path / "out")

    text = (tmp_path / "out/replay.json").read_text()
    assert json.loads(text)["snapshots"] == [each.to_json() for each in snapshots]
    assert (tmp_path / "out/replay.svg").read_text().lstrip().startswith("<")
    assert SECRET_WORDS not in text


def test_a_case_counts_nothing_for_a_recipient_that_it_does_not_know(fresh, case):
    path = fresh / "assent.toml"
    path.write_text(
        path.read_text().replace(
            'recipients = ["ourselves"]', 'recipients = ["partner"]'
        )
    )
    with opened(fresh) as project:
        assert {each.people_in_use for each in project.replay(case)} == {0}


def test_the_case_of_the_toy_loads_as_it_is_meant(case):
    loaded = load_case(case)

    assert [len(loaded.assent), len(loaded.operator), len(loaded.orders)] == [1, 1, 1]
    assert loaded.dates[1][0] < BUILT_AT < loaded.dates[2][0]
    assert loaded.start < START
