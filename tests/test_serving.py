"""What may speak at an instant: quarantine, orders for a group, and narrower ones."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assent.errors import LedgerError
from assent.ledger.book import Book
from assent.project.serving import trained_documents
from assent.terms import DAY, PROVED, Event, EventKind, iso
from small_project import (
    BUILT_AT,
    POLICY,
    Stop,
    StoppedError,
    digests,
    leftovers,
    opened,
    subjects,
    trained,
    write_export,
    write_policy,
)

pytest_plugins = ("toy_projects",)

BOTH = {"de-fr": [0], "us": [0]}


def models(folder):
    return {
        name: value
        for name, value in digests(folder).items()
        if name.startswith(("models/", "corpora/"))
    }


def answer(project):
    return project.ask("hello", 2)


@pytest.mark.parametrize("kind", ["withdrawn", "refused", "objected", "restricted"])
def test_a_denial_quarantines_her_shard_from_its_own_instant_on(toy, kind):
    with opened(toy) as project:
        assert answer(project).serving == BOTH
    with opened(toy, 1) as project:
        project.record(kind, ["u07"])
        found = answer(project)

    assert found.serving == {"de-fr": [0]}
    assert found.quarantined == (("us", 0),)
    assert "quarantined: us/0 (run `assent forget`)" in found.lines()


def test_a_denial_of_another_use_quarantines_nothing(toy):
    with opened(toy, 1) as project:
        project.record("refused", ["u07"], recipient="partner")
        project.record("refused", ["u08"], category="private_message")
        assert answer(project).serving == BOTH
        assert project.forget().certificate is None


def test_a_restriction_that_is_lifted_before_the_repair_needs_none(toy):
    with opened(toy, 1) as project:
        project.record("restricted", ["u07"])
        assert answer(project).serving == {"de-fr": [0]}
    with opened(toy, 2) as project:
        project.record("restriction_lifted", ["u07"])
        assert answer(project).serving == BOTH
        assert project.forget().certificate is None


def test_a_suspended_group_is_out_at_once_and_back_without_training(toy):
    before = models(toy)
    with opened(toy, 1) as project:
        project.suspend("us-order", ["US"])
        during = answer(project)
        repaired = project.forget(oracle=True)
        assert project.status()["suspensions"] == "us-order"
    with opened(toy, 2) as project:
        project.lift("us-order")
        after = answer(project)
        assert project.status()["suspensions"] == "none in force"

    assert during.serving == {"de-fr": [0]}
    assert during.suspended == {"us": "us-order"}
    assert during.quarantined == ()
    assert "suspended: us, by order `us-order`" in during.lines()
    assert repaired.certificate is None
    assert after.serving == BOTH
    assert models(toy) == before
    assert leftovers(toy) == []


def test_several_groups_under_one_order_leave_the_clean_base(toy):
    with opened(toy, 1) as project:
        project.suspend("everywhere", ["*"])
        found = answer(project)
        assert project.forget().certificate is None

    assert found.clean_base
    assert found.suspended == {"de-fr": "everywhere", "us": "everywhere"}
    assert found.lines()[0] == "serving: the clean base, trained on nobody"


def test_a_withdrawal_during_a_suspension_is_found(toy):
    with opened(toy, 1) as project:
        project.suspend("us-order", ["US"])
        project.record("withdrawn", ["u07"])
        found = answer(project)
        assert found.quarantined == (("us", 0),)
        assert found.serving == {"de-fr": [0]}
        repaired = project.forget(oracle=True)
        assert repaired.bit_identical is True
        assert repaired.subjects == 1
    with opened(toy, 2) as project:
        project.lift("us-order")
        assert answer(project).serving == BOTH
        assert "u07" not in trained(project)


def test_an_order_about_a_category_is_a_forget_set(toy):
    with opened(toy, 1) as project:
        project.suspend("no-comments", ["US"], category="comment")
        found = answer(project)
        repaired = project.forget()
        assert answer(project).serving == BOTH

    assert found.quarantined == (("us", 0),)
    assert found.suspended == {}
    assert (repaired.documents, repaired.subjects) == (4, 4)


def test_an_order_about_some_of_a_groups_countries_is_a_forget_set(toy):
    with opened(toy, 1) as project:
        project.suspend("de-order", ["DE"])
        assert answer(project).serving == {"us": [0]}
        repaired = project.forget()
        left = {who for who, each in trained(project).items() if each.group == "de-fr"}

    assert repaired.subjects == 4
    assert left == {"u05", "u06"}


def test_an_order_that_divides_one_group_is_held_against_all_it_touches(toy):
    with opened(toy, 1) as project:
        project.suspend("de-and-us", ["DE", "US"])
        found = answer(project)

    assert found.suspended == {}
    assert found.clean_base
    assert found.quarantined == (("de-fr", 0), ("us", 0))


def test_a_narrow_order_that_is_lifted_before_the_repair_needs_none(toy):
    with opened(toy, 1) as project:
        project.suspend("de-order", ["DE"])
        assert answer(project).serving == {"us": [0]}
    with opened(toy, 2) as project:
        project.lift("de-order")
        assert answer(project).serving == BOTH
        assert project.forget().certificate is None


@pytest.mark.parametrize(
    ("regions", "recipient"), [(["US"], "partner"), (["BR"], "*"), (["JP"], "*")]
)
def test_an_order_that_touches_no_use_changes_nothing(toy, regions, recipient):
    with opened(toy, 1) as project:
        project.suspend("elsewhere", regions, recipient=recipient)
        found = answer(project)

    assert (found.serving, found.suspended) == (BOTH, {})


def test_who_has_moved_into_a_suspended_region_is_denied_where_she_was_trained(
    toy, tmp_path
):
    paths = write_export(tmp_path / "later")
    rows = subjects().to_pylist()
    rows[0]["country"] = "US"  # u01, trained in de-fr
    pq.write_table(subjects().from_pylist(rows, schema=subjects().schema), paths[1])
    with opened(toy, 1) as project:
        project.load("parquet", *paths)
        assert answer(project).serving == BOTH
    with opened(toy, 2) as project:
        project.suspend("us-order", ["US"])
        found = answer(project)

    assert found.suspended == {"us": "us-order"}
    assert found.quarantined == (("de-fr", 0),)


def test_a_policy_that_drops_a_country_is_a_forget_set(toy):
    narrower = POLICY.replace('"DE", "FR"', '"DE"').replace("2025-03", "2025-04")
    with opened(toy, 1) as project:
        project.publish(write_policy(toy, narrower, "2025-04.toml"))
        assert answer(project).quarantined == (("de-fr", 0),)
        repaired = project.forget()

    assert repaired.subjects == 2


def test_an_order_is_named_once_while_it_is_in_force(toy):
    with opened(toy, 1) as project:
        project.suspend("us-order", ["US"])
        size = project.place.book.size
        with pytest.raises(LedgerError, match="in force already"):
            project.suspend("us-order", ["DE"])
        assert project.place.book.size == size
        project.lift("us-order")
        # At one instant the later entry holds.
        assert answer(project).suspended == {}
    with opened(toy, 2) as project:
        assert answer(project).serving == BOTH
        project.suspend("us-order", ["DE", "FR"])
        assert answer(project).suspended == {"de-fr": "us-order"}


def test_an_order_counts_from_when_it_was_given_and_a_lifting_from_when_recorded(toy):
    with opened(toy, 3) as project:
        project.suspend("us-order", ["US"], happened_at=BUILT_AT + DAY)
        size = project.place.book.size
        orders = project.place.suspensions
        assert orders(BUILT_AT + DAY - 1, size) == []
        assert [each.order for each in orders(BUILT_AT + DAY, size)] == ["us-order"]


def test_what_was_suspended_when_it_was_built_waits_for_the_next_build(fresh):
    with opened(fresh) as project:
        project.suspend("us-order", ["US"])
        built = project.build()
        project.train()
        assert built.manifest.counts.dropped_by_reason["suspended"] == 12
    with opened(fresh, 1) as project:
        project.lift("us-order")
        found = answer(project)
        assert (found.serving, found.suspended) == ({"de-fr": [0]}, {})


def test_a_ledger_that_knows_of_no_withdrawal_yet_denies_nothing(toy):
    with opened(toy, 1) as project:
        event = Event(EventKind.WITHDRAWN, BUILT_AT + DAY // 2, "u07")
        size = project.place.book.size
        project.record_events([event])
        late = project.decide(as_of=BUILT_AT + DAY // 2).filter(
            pc.field("subject_id") == "u07"
        )
        before = project.decide(as_of=BUILT_AT + DAY // 2, ledger_size=size).filter(
            pc.field("subject_id") == "u07"
        )

    # A denial counts from when it was said, once the ledger knows of it.
    assert "withdrawn" in late["reason"].to_pylist()
    assert "withdrawn" not in before["reason"].to_pylist()


def test_people_without_a_country_are_built_where_no_rule_asks_for_one(fresh):
    rule = POLICY.index("[[allow]]")
    one = POLICY[rule : POLICY.index("[[allow]]", rule + 1)]
    anywhere = one.replace('["DE", "FR"]', '["*"]')
    text = POLICY[:rule].replace('"2025-03"', '"2025-04"') + anywhere
    with opened(fresh) as project:
        project.publish(write_policy(fresh, text, "anywhere.toml"))
        decided = project.decide()
        permitted = pc.sum(pc.is_in(decided["reason"], pa.array(PROVED))).as_py()
        built = project.build()
        project.train()
        assert trained(project)["u12"].group == "unknown"
        assert built.manifest.counts.documents_used == permitted == 36
    with opened(fresh, 1) as project:
        project.suspend("all", ["*"])
        assert answer(project).serving == {}
        assert answer(project).quarantined == ()
    with opened(fresh, 2) as project:
        project.lift("all")
        assert answer(project).serving == {"elsewhere": [0], "unknown": [0]}
    with opened(fresh, 3) as project:
        project.suspend("us", ["US"])
        assert ("unknown", 0) in answer(project).quarantined


# --- a build that is continued -------------------------------------------------------


def test_a_build_that_is_continued_says_of_which_instant_it_is(fresh):
    with opened(fresh) as project, pytest.raises(StoppedError):
        project.build(Stop(6))
    with opened(fresh, 1) as project:
        built = project.build()
        again = project.build()

    assert built.manifest.request.as_of == BUILT_AT
    assert built.lines()[0] == f"continued the build of {iso(BUILT_AT)}"
    assert "continued" not in " ".join(again.lines())


def test_a_build_is_not_continued_over_a_withdrawal(fresh):
    with opened(fresh) as project, pytest.raises(StoppedError):
        project.build(Stop(6))
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u07"])
        built = project.build()
        held = trained_documents(project.place, built.manifest.corpus_id)

    assert built.continued is None
    assert built.manifest.request.as_of > BUILT_AT
    assert "u07" not in {each.subject_id for each in held}
    assert leftovers(fresh) == []


def test_a_whole_corpus_that_was_not_logged_goes_after_a_withdrawal(fresh, monkeypatch):
    publish = Book.publish

    def stop(self, kind, happened_at, body):
        if kind is EventKind.CORPUS_BUILT:
            raise StoppedError("before the corpus is logged")
        return publish(self, kind, happened_at, body)

    with monkeypatch.context() as patched, opened(fresh) as project:
        patched.setattr(Book, "publish", stop)
        with pytest.raises(StoppedError):
            project.build()
    (first,) = (fresh / "corpora").iterdir()
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u07"])
        built = project.build()

    assert not first.exists()
    assert list((fresh / "corpora").iterdir()) == [built.folder]
