"""Repairs that are run again: after a kill, a refusal, or an oracle that disagrees."""

import shutil

import pytest

from assent.errors import ForgetError
from assent.ledger.book import Book
from assent.project import forgetting, refuted
from assent.terms import EventKind
from small_project import StopAt, StoppedError, leftovers, opened, trained

pytest_plugins = ("toy_projects",)


def withdrawn(project, *people):
    project.record("withdrawn", list(people))


def fail_at(monkeypatch, kind):
    """Let the ledger fail when this kind of event is to be appended."""
    whole = Book.publish

    def publish(self, found, happened_at, body):
        if found is kind:
            raise StoppedError(f"before {kind} is logged")
        return whole(self, found, happened_at, body)

    monkeypatch.setattr(Book, "publish", publish)


def stopped_before_its_entry(toy, oracle=False):
    """Repair, and be killed when the model is published and not logged."""
    with opened(toy, 1) as project, pytest.MonkeyPatch.context() as patch:
        withdrawn(project, "u07")
        fail_at(patch, EventKind.MODEL_REPAIRED)
        with pytest.raises(StoppedError):
            project.forget(oracle)


def other_oracle(patch):
    """Let the oracle end with other bits, as on a host that computes wrongly."""
    patch.setattr(forgetting, "train_as_if_never", lambda *_: "0" * 64)


def test_an_oracle_that_is_asked_for_late_is_run_before_the_entry(toy):
    stopped_before_its_entry(toy)
    with opened(toy, 2) as project:
        repaired = project.forget(oracle=True)
        logged = project.place.served_model()

    assert repaired.bit_identical is True
    assert logged["certificate"] == repaired.certificate.digest
    kept = refuted.read_certificate(
        toy / "models" / repaired.model_id / "certificate.json"
    )
    assert kept == repaired.certificate
    assert kept.destroyed
    assert leftovers(toy) == []


def test_a_withdrawal_during_a_repair_is_not_passed_over_in_silence(toy):
    with opened(toy, 1) as project:
        withdrawn(project, "u07")
        with pytest.raises(StoppedError):
            project.forget(progress=StopAt("slices"))
    with opened(toy, 2) as project:
        withdrawn(project, "u01")
        first = project.forget()
        second = project.forget()

    assert first.denied_since > 0
    assert first.lines()[-1] == (
        f"{first.denied_since} documents were withdrawn since: "
        "run `assent forget` again"
    )
    assert (second.documents, second.denied_since) == (first.denied_since, 0)
    assert "since" not in second.lines()[-1]


@pytest.mark.parametrize("published", [False, True])
def test_a_refuted_repair_is_kept_as_evidence_and_computed_again(toy, published):
    if published:
        stopped_before_its_entry(toy)
    with opened(toy, 2) as project, pytest.MonkeyPatch.context() as patch:
        other_oracle(patch)
        old = project.place.served_model()["model_id"]
        if not published:
            withdrawn(project, "u07")
        wrong = project.forget(oracle=True)
        assert project.place.served_model()["model_id"] == old
        assert ("us", 0) in project.ask("x", 1).quarantined
    evidence = f"refuted-{wrong.model_id}-certificate.json"
    assert wrong.bit_identical is False
    assert wrong.entry is None
    assert any(evidence in line for line in wrong.lines())
    assert sorted(path.name for path in (toy / "models").iterdir()) == [old, evidence]

    with opened(toy, 3) as project:
        again = project.forget()  # not asked for, and run all the same
        assert "u07" not in trained(project)
    assert again.bit_identical is True
    assert again.certificate.destroyed == wrong.certificate.destroyed
    assert leftovers(toy) == []
    assert refuted.read_certificate(toy / "models" / evidence) == wrong.certificate


def test_a_refuted_draft_whose_run_was_killed_is_not_gone_on_with(toy):
    with opened(toy, 1) as project, pytest.MonkeyPatch.context() as patch:
        withdrawn(project, "u07")
        other_oracle(patch)
        whole = forgetting.remove

        def killed(folder):
            if folder.name.endswith(".oracle") and any(
                (toy / "models").glob(".repairing-*/certificate.json")
            ):
                raise StoppedError("after the draft's certificate")
            whole(folder)

        patch.setattr(forgetting, "remove", killed)
        with pytest.raises(StoppedError):
            project.forget(oracle=True)
    with opened(toy, 2) as project:
        repaired = project.forget()

    assert repaired.bit_identical is True
    assert (toy / "models" / f"refuted-{repaired.model_id}-certificate.json").exists()
    assert leftovers(toy) == []


def half_removed(patch, model_id):
    """Let the old model's folder lose one file and then refuse."""
    whole = shutil.rmtree

    def rmtree(path, *args, **kwargs):
        if path.name == model_id:
            next(path.rglob("slice-*.json")).unlink()
            raise PermissionError(13, "Permission denied")
        whole(path, *args, **kwargs)

    patch.setattr(refuted.shutil, "rmtree", rmtree)


@pytest.mark.parametrize("late", [False, True])
def test_an_old_model_that_cannot_be_removed_is_removed_by_the_next_run(toy, late):
    with opened(toy, 1) as project, pytest.MonkeyPatch.context() as patch:
        withdrawn(project, "u07")
        old = project.place.served_model()["model_id"]
        half_removed(patch, old)
        with pytest.raises(ForgetError, match="cannot be removed: permission denied"):
            project.forget()
        assert project.status()["unfinished"] == "forget"
    assert (toy / "models" / old).exists()
    with opened(toy, 2) as project:
        if late:
            with pytest.raises(ForgetError, match="before an oracle was asked for"):
                project.forget(oracle=True)
        else:
            assert project.forget().entry is not None
        assert project.status()["unfinished"] == "nothing"
        assert project.forget(oracle=True).certificate is None

    assert not (toy / "models" / old).exists()
    assert leftovers(toy) == []


def test_the_measured_share_is_printed_beside_the_expected_one(toy):
    with opened(toy, 1) as project:
        withdrawn(project, "u07")
        repaired = project.forget()

    share = repaired.certificate.replayed_share
    assert (
        f"replayed: {share:.1%} of training (expected {repaired.expected:.1%} "
        "for 1 person)"
    ) in repaired.lines()
    assert 0 < repaired.expected < 1
