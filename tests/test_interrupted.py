"""Killed at any step: the next run says what it found and ends with the same bytes."""

import shutil

import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.demo.seeded import UnsafeSeededRandomness
from assent.errors import (
    DeniedError,
    LedgerError,
    UsageError,
)
from assent.ledger.book import Book
from assent.terms import DAY, EventKind
from small_project import (
    BUILT_AT,
    CONFIG,
    Stop,
    StopAt,
    StoppedError,
    documents,
    leftovers,
    made_of,
    opened,
    trained,
    write_export,
)

pytest_plugins = ("toy_projects",)


def kinds(project):
    return [event.kind for event in project.place.book.public_events()]


# --- killed at any step --------------------------------------------------------------


def number_of_calls(folder, action, days, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "counted")
    stop = Stop()
    with opened(copy, days) as project:
        action(project, stop)
    return len(stop.calls), made_of(copy)


def killed_at_every_call(folder, action, days, tmp_path, unfinished):
    """Stop at each call of the progress in turn, reopen, and finish."""
    count, wanted = number_of_calls(folder, action, days, tmp_path)
    for at in range(1, count + 1):
        copy = shutil.copytree(folder, tmp_path / f"stopped-{at}")
        with opened(copy, days) as project, pytest.raises(StoppedError):
            action(project, Stop(at))
        with opened(copy, days) as project:
            assert project.status()["unfinished"] == unfinished, at
            assert project.status()["next"].startswith(f"assent {unfinished}")
            action(project, Stop())
            project.place.book.check()
            assert project.status()["unfinished"] == "nothing"
        assert leftovers(copy) == [], at
        assert made_of(copy) == wanted, at
        shutil.rmtree(copy)


def test_a_build_that_is_killed_at_any_call_ends_with_the_same_bytes(fresh, tmp_path):
    killed_at_every_call(
        fresh, lambda project, stop: project.build(stop), 0, tmp_path, "build"
    )


def test_training_that_is_killed_ends_with_the_same_bits(fresh_corpus, tmp_path):
    _, wanted = number_of_calls(
        fresh_corpus, lambda project, stop: project.train(stop), 1, tmp_path
    )
    # How often training reports depends on the clock: it is killed again and again,
    # each time one call later, until it ends.
    for at in range(1, 20):
        with opened(fresh_corpus, 1) as project:
            stop = Stop(at)
            try:
                project.train(stop)
            except StoppedError:
                assert project.status()["unfinished"] == "train"
            else:
                break

    assert at > 1
    assert leftovers(fresh_corpus) == []
    assert made_of(fresh_corpus) == wanted


def test_a_repair_that_is_killed_at_every_call_ends_the_same(toy, tmp_path):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
    _, wanted = number_of_calls(
        toy, lambda project, stop: project.forget(True, stop), 2, tmp_path
    )
    # The corpus first: each run goes on from the one before, and stops a call later.
    # What is done is skipped, so the later stops are told by what they are about.
    stops = [*map(Stop, range(1, 8)), *map(StopAt, ("slices", "oracle"))]
    for stop in (*stops, StopAt("oracle", done=True)):
        with opened(toy, 2) as project, pytest.raises(StoppedError):
            project.forget(True, stop)
        with opened(toy, 2) as project:
            assert project.status()["unfinished"] == "forget"
            # Still in quarantine, whatever was done.
            assert ("us", 0) in project.ask("x", 1).quarantined
    with opened(toy, 2) as project:
        assert project.forget(oracle=True).bit_identical is True
        assert project.status()["unfinished"] == "nothing"

    assert leftovers(toy) == []
    assert made_of(toy) == wanted


def fail_once(monkeypatch, kind):
    """Let the ledger fail once, when this kind of event is to be appended."""
    whole, failed = Book.publish, []

    def publish(self, found, happened_at, body):
        if found is kind and not failed:
            failed.append(kind)
            raise StoppedError(f"before {kind} is logged")
        return whole(self, found, happened_at, body)

    monkeypatch.setattr(Book, "publish", publish)


@pytest.mark.parametrize("kind", [EventKind.PLAN_SEALED, EventKind.CORPUS_BUILT])
def test_a_build_that_is_killed_before_its_entry_is_logged(
    fresh, tmp_path, kind, monkeypatch
):
    _, wanted = number_of_calls(fresh, lambda p, stop: p.build(stop), 0, tmp_path)
    fail_once(monkeypatch, kind)
    with opened(fresh) as project:
        with pytest.raises(StoppedError):
            project.build()
        assert project.status()["unfinished"] == "build"
    with opened(fresh) as project:
        project.build()
        assert kinds(project).count(kind) == 1

    assert made_of(fresh) == wanted
    assert leftovers(fresh) == []


def test_a_model_that_was_not_logged_is_logged_by_the_next_run(
    fresh_corpus, monkeypatch
):
    fail_once(monkeypatch, EventKind.MODEL_TRAINED)
    with opened(fresh_corpus, 1) as project:
        with pytest.raises(StoppedError):
            project.train()
        assert project.status()["unfinished"] == "train"
        with pytest.raises(UsageError, match="no model"):
            project.ask("x")
        entry = project.train().entry
        assert project.train().entry == entry

    assert leftovers(fresh_corpus) == []


@pytest.mark.parametrize("kind", [EventKind.CORPUS_BUILT, EventKind.MODEL_REPAIRED])
def test_a_repair_that_is_killed_before_its_entry_is_logged(toy, kind, monkeypatch):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        fail_once(monkeypatch, kind)
        with pytest.raises(StoppedError):
            project.forget()
        assert project.status()["unfinished"] == "forget"
        if kind is EventKind.MODEL_REPAIRED:
            # The latest corpus is the repair's: to train it would be half a repair.
            with pytest.raises(UsageError, match="repair is unfinished"):
                project.train()
        project.forget()
        assert kinds(project).count(kind) == 1 + (kind is EventKind.CORPUS_BUILT)
        assert "u07" not in trained(project)

    assert leftovers(toy) == []


def test_who_withdraws_while_training_stands_still_leaves_no_weights(fresh_corpus):
    with opened(fresh_corpus, 1) as project, pytest.raises(StoppedError):
        project.train(Stop(2))
    with opened(fresh_corpus, 2) as project:
        project.record("withdrawn", ["u01"])
        with pytest.raises(DeniedError):
            project.train()
        project.build()
        project.train()
        model = project.place.served_model()["model_id"]

    assert [path.name for path in (fresh_corpus / "models").iterdir()] == [model]
    assert leftovers(fresh_corpus) == []


def test_an_interrupted_build_of_other_tables_begins_anew(fresh, tmp_path):
    with opened(fresh) as project, pytest.raises(StoppedError):
        project.build(Stop(6))
    with opened(fresh, 1) as project:
        project.load("parquet", *write_export(tmp_path / "later"))
        built = project.build()
        assert built.manifest.request.as_of == BUILT_AT  # the same tables: continued

    copy = shutil.copytree(fresh, tmp_path / "copy")
    with opened(copy, 2) as project, pytest.raises(StoppedError):
        project.build(Stop(6))
    text = (copy / "assent.toml").read_text()
    (copy / "assent.toml").write_text(text.replace("steps = 2", "steps = 1"))
    with opened(copy, 3) as project:
        built = project.build()
        project.train()
        assert built.manifest.request.as_of == BUILT_AT + 3 * DAY
    assert leftovers(copy) == []


def test_a_load_during_a_repair_does_not_change_what_is_certified(toy, tmp_path):
    with opened(toy, 1) as project:
        project.record("withdrawn", ["u07"])
        with pytest.raises(StoppedError):
            project.forget(progress=Stop(8))
    paths = write_export(tmp_path / "later")
    rows = [row for row in documents().to_pylist() if row["subject_id"] != "u01"]
    pq.write_table(documents().from_pylist(rows, schema=documents().schema), paths[0])
    with opened(toy, 2) as project:
        project.load("parquet", *paths)
        first = project.forget()
        second = project.forget()

    assert (first.subjects, second.subjects) == (1, 1)
    assert {each.group for each in first.certificate.shards} == {"us"}
    assert {each.group for each in second.certificate.shards} == {"de-fr"}


def test_a_project_whose_making_was_killed_can_be_made_again(tmp_path):
    def randomness(size):
        raise StoppedError(f"the power fails while {size} bytes are drawn")

    folder = tmp_path / "toy"
    with pytest.raises(StoppedError):
        Project.init(folder, config=CONFIG, randomness=randomness)
    assert not (folder / "assent.toml").exists()
    assert (folder / "ledger.db").exists()

    Project.init(folder, config=CONFIG, randomness=UnsafeSeededRandomness(1)).close()
    with Project.open(folder) as project:
        assert project.place.book.size == 0


def test_an_emptied_ledger_is_not_begun_anew_under_people(fresh):
    (fresh / "ledger.db").write_bytes(b"")
    with pytest.raises(LedgerError), opened(fresh):
        pass


def test_a_private_body_that_was_removed_is_missed(fresh):
    with opened(fresh, 1) as project:
        project.record("withdrawn", ["u01"])
        last = project.place.book.size - 1
        project.place.book._store.change(
            "DELETE FROM bodies WHERE number = ?", [(last,)]
        )
    with opened(fresh, 1) as project, pytest.raises(LedgerError, match="was removed"):
        project.decide()
