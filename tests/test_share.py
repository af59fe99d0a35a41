"""What is handed over is permitted now, logged, whole, and followed by its changes."""

import json
import shutil
import stat

import pyarrow.parquet as pq
import pytest

from assent.canon import sha256
from assent.errors import (
    CorpusError,
    DeniedError,
    LedgerError,
    UsageError,
)
from assent.files import file_sha256
from assent.ledger.book import Book
from assent.project import sharing
from assent.share.folder import receive
from assent.share.papers import read_change, read_handover
from assent.terms import DAY, EventKind
from small_project import (
    BUILT_AT,
    POLICY,
    SECRET_WORDS,
    StoppedError,
    corpus_of,
    digests,
    leftovers,
    model_of,
    opened,
    refused,
    stop_once,
    write_policy,
)

pytest_plugins = ("toy_projects",)


def rows_of(folder):
    return [
        row
        for path in sorted(folder.rglob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def kinds(project):
    return [event.kind for event in project.place.book.public_events()]


# --- what is handed over -------------------------------------------------------------


def test_only_what_is_permitted_now_for_the_recipient_is_handed_over(
    shareable, tmp_path
):
    with opened(shareable, 1) as project:
        project.record("withdrawn", ["u01"])
        project.record("refused", ["u07"], recipient="partner")
        project.record("objected", ["u08"], category="comment")
        done = project.share(corpus_of(project), "partner", tmp_path / "out")

    held = {row["document_id"] for row in rows_of(tmp_path / "out")}
    everybody = {f"u{n:02}-{d}" for n in range(1, 11) for d in (0, 1, 2)}
    gone = {f"{who}-{d}" for who in ("u01", "u07") for d in (0, 1, 2)} | {"u08-1"}
    assert held == everybody - gone
    assert done.withheld == {"objected": 1, "refused": 3, "withdrawn": 3}
    assert done.handover.documents == 23


def test_only_redacted_text_leaves_and_nothing_but_it(shareable, tmp_path):
    with opened(shareable, 1) as project:
        project.share(corpus_of(project), "partner", tmp_path / "out")
    everything = b"".join(
        path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )

    texts = [row["text"] for row in rows_of(tmp_path / "out")]
    assert all(SECRET_WORDS in text for text in texts)
    assert all("[email]" in text and "Person Number" not in text for text in texts)
    assert b"@people.example" not in everything
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"handover.json", "parts"}


def test_a_handover_says_what_it_is_and_checks_by_the_key_alone(shareable, tmp_path):
    out = tmp_path / "out"
    with opened(shareable, 1) as project:
        done = project.share(corpus_of(project), "partner", out)
        key, corpus = project.place.book.verifier_key, corpus_of(project)
        (event,) = project.place.events_of(EventKind.SHARED)

    found = receive(out, key)
    assert found.handover == done.handover
    assert (found.handover.what, found.handover.recipient) == (corpus, "partner")
    assert found.handover.controllers == ("Toy",)
    assert found.number == 0
    assert event.body["handover"] == file_sha256(out / "handover.json")
    assert event.body["documents"] == 30
    # Not the folder's business whom it is about: no person is in the paper or the log.
    for said in ((out / "handover.json").read_text(), json.dumps(event.body)):
        assert "u01" not in said


def test_what_was_handed_over_is_for_its_owner_alone(shareable, tmp_path):
    with opened(shareable, 1) as project:
        project.share(corpus_of(project), "partner", tmp_path / "out")

    for folder in (tmp_path / "out", shareable / "shares"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_corpus_of_which_nothing_is_permitted_is_denied(toy):
    # This project's policy names `ourselves` only.
    def action(project):
        project.share(corpus_of(project), "partner", toy.parent / "out")

    error = refused(toy, DeniedError, "30 of 30 documents .* 30 no_rule", action)
    assert error.exit_code == 1
    assert not (toy.parent / "out").exists()


def test_a_model_is_handed_over_whole_or_not_at_all(shareable, tmp_path):
    out = tmp_path / "out"
    with opened(shareable, 1) as project:
        done = project.share(model_of(project), "partner", out)
        key = project.place.book.verifier_key

    assert receive(out, key).handover.kind == "model"
    assert {path.name for path in out.iterdir()} == {
        *("handover.json", "model.json", "plan.json", "de-fr.000", "us.000")
    }
    assert sha256((out / "plan.json").read_bytes()) in {
        path.name for path in (shareable / "objects").iterdir()
    }
    assert done.handover.documents == 30

    def again(project):
        project.record("refused", ["u01"], recipient="partner")
        before = digests(shareable)
        with pytest.raises(DeniedError, match="3 of 30 .* 3 refused"):
            project.share(model_of(project), "partner", tmp_path / "more")
        assert digests(shareable) == before

    with opened(shareable, 2) as project:
        again(project)
    assert not (tmp_path / "more").exists()


def test_what_the_recipient_does_to_a_model_is_not_done_to_ours(shareable, tmp_path):
    with opened(shareable, 1) as project:
        project.share(model_of(project), "partner", tmp_path / "out")

    for path in (tmp_path / "out").rglob("*.safetensors"):
        assert path.stat().st_nlink == 1


@pytest.mark.parametrize("recipient", ["ourselves", "*"])
def test_an_order_stops_a_model_and_part_of_a_corpus(shareable, tmp_path, recipient):
    with opened(shareable, 1) as project:
        project.suspend("stop", ["US"], recipient=recipient)
        with pytest.raises(DeniedError, match="12 suspended"):
            project.share(model_of(project), "partner", tmp_path / "model")
        done = project.share(corpus_of(project), "partner", tmp_path / "corpus")

    assert done.withheld == {"suspended": 12}


def test_what_is_due_to_be_forgotten_here_is_not_handed_on(shareable, tmp_path):
    with opened(shareable, 1) as project:
        project.record("withdrawn", ["u01"], recipient="ourselves")
        done = project.share(corpus_of(project), "partner", tmp_path / "out")

    assert done.withheld == {"withdrawn": 3}


def test_what_was_superseded_or_erased_is_not_handed_over(shareable, tmp_path):
    with opened(shareable, 1) as project:
        old_corpus, old_model = corpus_of(project), model_of(project)
        project.record("withdrawn", ["u07"])
        project.forget()
        new = model_of(project)

    out = tmp_path / "out"

    def action(what):
        return lambda project: project.share(what, "partner", out)

    refused(shareable, UsageError, f"superseded by `{new}`", action(old_model), 2)
    refused(shareable, CorpusError, "was erased", action(old_corpus), 2)
    with opened(shareable, 2) as project:
        project.share(new, "partner", out)


@pytest.mark.parametrize(
    ("what", "recipient", "error", "match"),
    [
        ("corpus-0000000000000000", "partner", UsageError, "no corpus or model"),
        (None, "eve", LedgerError, "recipient `eve` is not declared"),
        (None, "*", LedgerError, "is not declared"),
    ],
)
def test_what_cannot_be_handed_over_is_named(shareable, what, recipient, error, match):
    def action(project):
        project.share(what or corpus_of(project), recipient, shareable.parent / "out")

    refused(shareable, error, match, action)


def test_a_folder_that_is_there_is_not_written_over(shareable, tmp_path):
    (tmp_path / "out").mkdir()

    refused(
        shareable,
        UsageError,
        "exists already",
        lambda p: p.share(corpus_of(p), "partner", tmp_path / "out"),
    )


def test_a_part_that_was_changed_is_not_handed_over(shareable, tmp_path):
    part = next(shareable.glob("corpora/*/parts/us/0.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"x")

    refused(
        shareable,
        CorpusError,
        "us/0.parquet",
        lambda p: p.share(corpus_of(p), "partner", tmp_path / "out"),
    )
    assert list(tmp_path.glob("*out*")) == []


# --- crashes -------------------------------------------------------------------------


def test_a_share_that_fails_while_it_is_written_leaves_no_texts(
    shareable, tmp_path, monkeypatch
):
    stop_once(monkeypatch, sharing, "_record")
    with opened(shareable, 1) as project:
        corpus = corpus_of(project)
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "a/out")
        assert list((tmp_path / "a").iterdir()) == []
        assert EventKind.SHARED not in kinds(project)
        assert project.status()["unfinished"] == "nothing"
        project.share(corpus, "partner", tmp_path / "a/out")
        assert kinds(project).count(EventKind.SHARED) == 1


def test_a_share_that_was_not_logged_is_made_again_as_of_then(
    shareable, tmp_path, monkeypatch
):
    stop_once(monkeypatch, Book, "publish")
    with opened(shareable, 1) as project:
        corpus = corpus_of(project)
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "out")
        assert project.status()["unfinished"] == "share"
        assert not (tmp_path / "out").exists()
    with opened(shareable, 2) as project:
        project.record("withdrawn", ["u01"])
        done = project.share(corpus, "partner", tmp_path / "out")

    assert done.handover.as_of == BUILT_AT + 2 * DAY
    assert done.withheld == {"withdrawn": 3}
    assert len(list((shareable / "shares").iterdir())) == 1
    assert leftovers(shareable) == []
    assert list(tmp_path.glob(".sharing-*")) == []


def test_a_share_that_was_logged_and_not_named_gets_its_name(
    shareable, tmp_path, monkeypatch
):
    stop_once(monkeypatch, sharing, "publish_folder")
    with opened(shareable, 1) as project:
        corpus = corpus_of(project)
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert EventKind.SHARED in kinds(project)
    with opened(shareable, 2) as project:
        done = project.share(corpus, "partner", tmp_path / "out")
        assert kinds(project).count(EventKind.SHARED) == 1
        receive(tmp_path / "out", project.place.book.verifier_key)

    assert done.handover.as_of == BUILT_AT + DAY
    assert leftovers(shareable) == []


def test_who_withdraws_between_the_entry_and_the_name_is_not_handed_over(
    shareable, tmp_path, monkeypatch
):
    stop_once(monkeypatch, sharing, "publish_folder")
    with opened(shareable, 1) as project:
        corpus = corpus_of(project)
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "out")
        project.record("withdrawn", ["u01"])
    with opened(shareable, 2) as project:
        project.share(corpus, "partner", tmp_path / "out")
        found = kinds(project)
        # What never left needs no change file.
        assert project.pass_on(tmp_path / "box").changes == ()

    assert found[-3:] == ["shared", "share_dropped", "shared"]
    assert {row["subject_id"] for row in rows_of(tmp_path / "out")}.isdisjoint({"u01"})


def test_what_was_erased_before_it_got_its_name_is_dropped(
    shareable, tmp_path, monkeypatch
):
    stop_once(monkeypatch, sharing, "publish_folder")
    with opened(shareable, 1) as project:
        corpus = corpus_of(project)
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "out")
        project.record("withdrawn", ["u07"])
        project.forget()
        with pytest.raises(CorpusError, match="was erased"):
            project.share(corpus, "partner", tmp_path / "out")
        assert kinds(project)[-1] == "share_dropped"
        project.share(corpus_of(project), "partner", tmp_path / "out")

    assert "u07" not in {row["subject_id"] for row in rows_of(tmp_path / "out")}


def test_another_share_settles_the_one_that_was_left(shareable, tmp_path, monkeypatch):
    stop_once(monkeypatch, sharing, "publish_folder")
    with opened(shareable, 1) as project:
        corpus, model = corpus_of(project), model_of(project)
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "one")
        project.share(model, "partner", tmp_path / "two")
        assert kinds(project)[-3:] == ["shared", "share_dropped", "shared"]
        assert project.status()["unfinished"] == "nothing"

    assert {path.name for path in tmp_path.iterdir()} == {"shareable", "two"}


def test_a_share_that_was_named_and_not_finished_is_not_made_twice(
    shareable, tmp_path, monkeypatch
):
    with opened(shareable, 1) as project:
        corpus = corpus_of(project)
        stop_once(monkeypatch, type(project.place), "finish")
        with pytest.raises(StoppedError):
            project.share(corpus, "partner", tmp_path / "out")
    with opened(shareable, 2) as project:
        done = project.share(corpus, "partner", tmp_path / "out")
        assert kinds(project).count(EventKind.SHARED) == 1
        assert project.status()["unfinished"] == "nothing"

    assert done.handover.documents == 30


# --- passing on ----------------------------------------------------------------------


def test_nothing_is_passed_on_while_all_is_permitted(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        before = project.place.book.size
        passed = project.pass_on(tmp_path / "box")

        assert (passed.changes, passed.waiting) == ((), ())
        assert project.place.book.size == before
    assert passed.lines() == ["all that was handed over is still permitted"]


def test_a_withdrawal_becomes_one_signed_change_a_handover(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"])
        passed = project.pass_on(tmp_path / "box", days=3)
        key = project.place.book.verifier_key
        events = list(project.place.events_of(EventKind.SHARE_CHANGED))

    corpus, model = (read_change(path.read_bytes(), key) for path in passed.waiting)
    assert corpus.documents == ("u01-0", "u01-1", "u01-2")
    assert (corpus.whole, model.whole, model.documents) == (False, True, ())
    assert corpus.number == model.number == 1
    assert corpus.deadline == BUILT_AT + 5 * DAY
    assert corpus.previous == file_sha256(tmp_path / "corpus/handover.json")
    assert [e.body["change"] for e in events] == [
        sha256(path.read_bytes()) for path in passed.waiting
    ]
    assert "u01" not in json.dumps([event.body for event in events])
    for path in passed.waiting:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_passed_on_is_not_passed_on_again_but_sent_again(
    handed_over, tmp_path
):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"])
        first = project.pass_on(tmp_path / "box")
    shutil.rmtree(tmp_path / "box")
    with opened(handed_over, 3) as project:
        project.record("withdrawn", ["u02"])
        second = project.pass_on(tmp_path / "box")
        key = project.place.book.verifier_key

    assert set(first.waiting) < set(second.waiting)
    assert all(path.exists() for path in second.waiting)
    # The model is gone as a whole; of the corpus only what is new is told.
    (new,) = second.changes
    assert (new["number"], new["documents"]) == (2, 3)
    changes = [read_change(path.read_bytes(), key) for path in second.waiting]
    corpus = sorted((c for c in changes if not c.whole), key=lambda c: c.number)
    assert corpus[1].documents == ("u02-0", "u02-1", "u02-2")
    assert corpus[1].previous == sha256(first.waiting[0].read_bytes())


def test_what_is_permitted_again_needs_a_new_handover(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        project.suspend("stop", ["US"])
        project.pass_on(tmp_path / "box")
        project.lift("stop")
    with opened(handed_over, 3) as project:
        assert project.pass_on(tmp_path / "box").changes == ()
        again = project.share(corpus_of(project), "partner", tmp_path / "again")

    assert again.handover.documents == 30


def test_only_the_named_recipient_is_looked_at(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"])
        assert project.pass_on(tmp_path / "box", "ourselves").changes == ()
        assert len(project.pass_on(tmp_path / "box", "partner").changes) == 2
        with pytest.raises(LedgerError, match="not declared"):
            project.pass_on(tmp_path / "box", "eve")
        with pytest.raises(UsageError, match="0 days"):
            project.pass_on(tmp_path / "box", days=0)


def test_a_withdrawal_for_us_alone_leaves_the_recipient_in_peace(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"], recipient="ourselves")

        assert project.pass_on(tmp_path / "box").changes == ()


def test_documents_that_the_platform_lost_are_passed_on(handed_over, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with opened(handed_over, 2) as project:
        from small_project import documents, write_export

        paths = write_export(other)
        rows = [r for r in documents().to_pylist() if r["subject_id"] != "u03"]
        pq.write_table(documents().from_pylist(rows, documents().schema), paths[0])
        project.load("parquet", *paths)
        corpus, model = project.pass_on(tmp_path / "box").changes

    assert (corpus["documents"], model["whole"]) == (3, True)


def test_a_change_that_was_written_and_not_logged_is_written_again(
    handed_over, tmp_path, monkeypatch
):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"])
        stop_once(monkeypatch, Book, "publish")
        with pytest.raises(StoppedError):
            project.pass_on(tmp_path / "box")
    assert not (tmp_path / "box").exists()
    with opened(handed_over, 3) as project:
        project.record("withdrawn", ["u02"])
        corpus, _ = project.pass_on(tmp_path / "box").changes

    assert (corpus["number"], corpus["documents"]) == (1, 6)


@pytest.mark.parametrize(
    "name", ["handover.json", "documents.parquet", "change-001.json"]
)
@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_record_that_is_gone_or_changed_is_missed(handed_over, tmp_path, name, how):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"])
        project.pass_on(tmp_path / "box")
        share_id = next(project.place.events_of(EventKind.SHARED)).body["share_id"]
    path = handed_over / "shares" / share_id / name
    if how == "gone":
        path.unlink()
    elif name.endswith(".parquet"):
        rows = pq.read_table(path)
        pq.write_table(rows.slice(1), path)
    else:
        path.write_bytes(path.read_bytes()[:-2] + b"x}")

    refused(
        handed_over,
        LedgerError,
        "missing or changed",
        lambda p: p.pass_on(tmp_path),
        days=3,
    )


def test_a_policy_of_another_purpose_does_not_change_what_was_asked(
    handed_over, tmp_path
):
    # The project goes on to another purpose; what was handed over is still decided
    # for its own.
    path = handed_over / "assent.toml"
    text = path.read_text().replace(
        'purposes = ["train.generative.content"]',
        'purposes = ["train.generative.content", "train.ads"]',
    )
    path.write_text(
        text.replace('purpose = "train.generative.content"', 'purpose = "train.ads"', 1)
    )
    with opened(handed_over, 2) as project:
        assert project.pass_on(tmp_path / "box").changes == ()


def test_a_rule_that_ends_is_passed_on_too(handed_over, tmp_path):
    text = POLICY.replace("2025-03", "2025-04").replace(
        "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"
    )
    with opened(handed_over, 2) as project:
        project.publish(write_policy(handed_over, text, "2025-04.toml"))
        corpus, model = project.pass_on(tmp_path / "box").changes

    assert (corpus["documents"], model["whole"]) == (30, True)


def test_the_status_says_what_is_out_and_what_is_not_answered(handed_over, tmp_path):
    with opened(handed_over, 1) as project:
        found = project.status()
        assert found["shared"].count(" to partner (share-") == 2
        assert (found["to pass on"], found["unanswered"]) == ("nothing", "nothing")
        project.record("withdrawn", ["u01"])
        assert "3 documents of share-" in project.status()["to pass on"]
        project.pass_on(tmp_path / "box", days=2)
        assert project.status()["to pass on"] == "nothing"
        assert "until 2025-03-14" in project.status()["unanswered"]
    with opened(handed_over, 4) as project:
        assert "past its deadline of 2025-03-14" in project.status()["unanswered"]


def test_a_project_that_never_shared_says_so_in_one_line(toy):
    with opened(toy) as project:
        found = project.status()

    assert found["shared"] == "nothing"
    assert "unanswered" not in found


# --- the ledger ----------------------------------------------------------------------


def test_proofs_and_the_ledger_take_the_new_entries_as_they_are(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        project.record("withdrawn", ["u01"])
        project.pass_on(tmp_path / "box")
        project.forget()
        verdict = project.prove("u01", tmp_path / "u01.json")
        project.place.book.check()

    assert verdict == "absent"


def test_a_handover_is_not_read_as_another_ledgers(handed_over, tmp_path):
    with opened(handed_over, 2) as project:
        key = project.place.book.verifier_key
    data = (tmp_path / "corpus/handover.json").read_bytes()

    assert read_handover(data, key).recipient == "partner"
