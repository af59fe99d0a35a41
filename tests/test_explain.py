"""An explanation names what decided, because without it the answer is another."""

import re

import pyarrow as pa
import pytest

import worlds
from assent.decide.explain import AS_IT_IS, MEANS, Case, explain, variants
from assent.engine.duckdb import DuckEngine
from assent.errors import UsageError
from assent.ledger.book import EVENTS
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY, Reason
from small_project import BUILT_AT, opened

pytest_plugins = ("toy_projects", "command_line")


def test_every_reason_has_a_meaning():
    assert MEANS.keys() == set(Reason)


def asked(batch, world, document, spill):
    """Explain one document of a made-up platform."""
    people = {row["subject_id"]: row for row in world.subjects}
    who = document["subject_id"]
    events = [e for e in world.events if e["entry"] < batch.size]
    case = Case(
        document=document,
        author=people.get(who),
        events=[row for row in events if row["subject_id"] == who],
        others=(
            [row for name, row in people.items() if name != who],
            [row for row in events if row["subject_id"] not in (who, None)],
        ),
    )
    tables = [
        pa.Table.from_pylist(rows, schema=schema)
        for rows, schema in zip(
            case.copies(), (DOCUMENTS, SUBJECTS, EVENTS), strict=True
        )
    ]
    engine, answers = DuckEngine(*tables, spill), {}
    for name, question in variants(batch.question, document["category"]):
        rows = engine.decide(question).to_pylist()
        answers[name] = {r["document_id"]: (r["reason"], r["rule"]) for r in rows}
    engine.close()
    return explain(batch.question, case, answers, {}), answers["all"]


def test_the_copies_give_the_decision_and_what_would_be_without_each_event(tmp_path):
    """Compared with the oracle: the whole, and the world without each event."""
    for batch in worlds.batches(seed=42, number=3, each=3):
        reasons = batch.expected()
        for world in batch.worlds:
            document = world.documents[0]
            found, answers = asked(batch, world, document, tmp_path)

            assert found.reason == reasons[document["document_id"]]
            assert answers[AS_IT_IS][0] == found.reason
            for event in world.events:
                name = f"without {event['entry']}"
                if name not in answers:
                    continue
                others = [row for row in world.events if row is not event]
                alone = worlds.World([document], world.subjects, others)
                fewer = worlds.Batch(
                    batch.policies,
                    batch.suspensions,
                    batch.recipients,
                    batch.size,
                    [alone],
                )
                assert [answers[name][0]] == list(fewer.expected().values())


def said(project, document, **asked):
    found, in_force = project.explain(document, **asked)
    return found, "\n".join([*in_force, *found.sentences])


def test_a_withdrawal_is_what_decides(fresh):
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"])
        found, text = said(project, "u01-0")

    assert (found.reason, found.allowed) == (Reason.WITHDRAWN, False)
    assert "policy `2025-03` of Toy, effective from 2025-01-01T00:00:00Z" in text
    assert "author `u01`: lives in DE (undated); born 1980 (18 years are asked)" in text
    assert "rule `eu-interests`: withdrawn; it wants notice `2025.en.md` served" in text
    assert "rules that do not speak of this document: `us-interests`" in text
    enrolled, line = [line for line in text.splitlines() if "decides:" in line]
    assert enrolled.endswith(
        "`enrolled` at 2025-03-01T00:00:00Z: decides: without it, subject_unknown"
    )
    assert re.match(
        r"entry \d+: `withdrawn` at 2025-03-\d\dT.*: decides: without it, "
        r"legitimate_interests \(`eu-interests`\)\Z",
        line,
    )


def test_a_notice_is_what_permits_and_when_its_days_are_over_is_told(fresh):
    with opened(fresh) as project:
        permitted, text = said(project, "u01-0")
        early, _ = said(project, "u01-0", as_of=0)

    assert permitted.allowed
    assert re.search(
        r"`notice_served` at .* under notice `2025.en.md`: decides: without it, "
        r"not_notified \(`eu-interests`\)",
        text,
    )
    assert early.reason == Reason.NO_POLICY


def test_an_order_and_each_recipient_are_told_apart(fresh):
    with opened(fresh, 1) as project:
        project.suspend("order-7", ["DE"])
        found, text = said(project, "u01-0")
        _, both = said(project, "u01-0", recipients=["ourselves", "partner"])

    assert (found.reason, found.rule) == (Reason.SUSPENDED, "order-7")
    assert "order `order-7` decides: without it, legitimate_interests" in text
    assert "for recipient `partner` alone: suspended (`order-7`)" in both


def test_a_later_instant_shows_what_was_not_known_before(fresh):
    with opened(fresh, 1) as project:
        size = project.place.book.size
        project.record("objected", ["u01"])
        _, known = said(project, "u01-0", as_of=BUILT_AT + 2 * DAY)
        before, text = said(project, "u01-0", ledger_size=size)

    assert "`objected`" in known
    assert before.allowed
    assert "`objected`" not in text


def test_an_unknown_document_is_an_error(fresh):
    with opened(fresh) as project, pytest.raises(UsageError, match="not among"):
        project.explain("nothing")


def test_the_command_says_the_reason_first_and_a_denial_exits_with_1(fresh, assent):
    denied = assent("--project", fresh, "explain", "u12-0")
    permitted = assent("--project", fresh, "explain", "u01-0")

    assert denied.code == 1
    assert denied.out.startswith(
        "may not be used: region_unknown: it is not known where she lives"
    )
    assert permitted.code == 0
    assert permitted.out.startswith(
        "may be used: legitimate_interests (`eu-interests`)"
    )
