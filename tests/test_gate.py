"""The gate of a deployment: open, shut, and since when."""

import pytest

from assent.errors import UsageError
from assent.terms import DAY
from small_project import BUILT_AT, POLICY, opened, somebody, write_policy

pytest_plugins = ("toy_projects", "command_line")


def test_a_gate_is_open_while_everything_is_permitted(toy):
    with opened(toy, 1) as project:
        found = project.gate()

        assert found.open
        assert found.wrong == {}
        assert found.documents == 30
        assert found.next_deadline is None
        assert len(found.lines()) == 2


def test_a_gate_shuts_when_the_deadline_is_past(toy):
    with opened(toy, 1) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])
        said = project.place.clock()
        early = project.gate(as_of=BUILT_AT + 30 * DAY)
        late = project.gate(as_of=BUILT_AT + 32 * DAY)

        assert early.open
        assert early.wrong == {"withdrawn": 3}
        assert BUILT_AT + 30 * DAY < early.next_deadline <= said + 30 * DAY
        assert not late.open
        assert late.due == {"withdrawn": 3}
        assert late.next_deadline is None
        assert not project.gate(days=0).open


def test_the_repaired_model_passes_and_the_old_one_does_not(toy):
    with opened(toy, 1) as project:
        old = project.gate().model_id
        project.record("objected", [somebody(project, "us", 1)])
        project.forget()
        new = project.gate(days=0)

        assert new.open
        assert new.model_id != old
        assert not project.gate(old, days=0).open


def test_a_deadline_counts_from_the_first_word_and_from_no_earlier_model(toy):
    with opened(toy, 1) as project:
        who = somebody(project, "us", 1)
        project.record("withdrawn", [who])
        first = project.gate(days=0).due
    with opened(toy, 9) as project:
        project.record("objected", [who])  # later: her deadline does not move
        found = project.gate(days=5)

        assert first == {"withdrawn": 3}
        assert sum(found.due.values()) == 3


def test_a_new_policy_gives_everybody_one_deadline(toy):
    with opened(toy, 1) as project:
        text = POLICY.replace("2025-03", "2025-04").replace(
            '["post", "comment"]', '["post"]'
        )
        path = write_policy(toy, text, "2025-04.toml")
        project.publish(path, accept_unnotified="a test")
        found = project.gate(as_of=BUILT_AT + 10 * DAY)

        assert found.open
        assert sum(found.wrong.values()) > 3
        assert found.next_deadline < BUILT_AT + 32 * DAY


def test_what_is_asked_wrongly_is_refused(toy):
    with opened(toy, 1) as project:
        with pytest.raises(UsageError, match="no model `model-x` is logged"):
            project.gate("model-x")
        with pytest.raises(UsageError, match="after -1 days"):
            project.gate(days=-1)


def test_the_command_says_it_and_exits_1_when_it_is_shut(toy, assent):
    with opened(toy, 1) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])

    said = assent("--project", toy, "gate", "--deadline-days", "0")

    assert said.code == 1
    assert "gate shut: model" in said.out
    assert "past their deadline: 3 (3 withdrawn)" in said.out


def test_a_repair_waits_until_a_deadline_is_near(toy, assent):
    with opened(toy, 1) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])
        assert not project.is_due(within=3)[0]
        assert project.is_due(within=30)[0]
        assert project.is_due(within=0, days=0)[0]

    waiting = assent("--project", toy, "forget", "--due", "--deadline-days", "99999")
    assert waiting.code == 0
    assert waiting.out.startswith("nothing is due\n")
    assert "next deadline: " in waiting.out
    done = assent("--project", toy, "forget", "--due")  # by the true clock, long past
    assert "forget set: 3 documents of 1 people" in done.out


@pytest.mark.parametrize(("audit", "identical"), [(0.0, None), (1.0, True)])
def test_an_oracle_is_drawn_with_the_probability_asked_for(toy, audit, identical):
    with opened(toy, 1) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])
        with pytest.raises(UsageError, match="wanted 0 to 1"):
            project.forget(audit=2.0)
        assert project.forget(audit=audit).bit_identical is identical
