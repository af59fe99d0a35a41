"""An erasure where corpora were deleted: what can no longer be shown is named."""

import shutil

import pytest

from assent.errors import CorpusError, ProofError
from assent.project import erasing
from assent.project.place import MODELS
from assent.terms import EventKind
from small_anna import ANNA
from small_project import StoppedError, corpus_of, model_of, opened, stop_once

pytest_plugins = ("command_line", "leaving_projects")


def built(project):
    """Name the first model, its corpus, and the repaired model."""
    first, repaired = project.place.events_of(*MODELS)
    [corpus_id] = first.body["corpora"]
    assert corpus_id not in repaired.body["corpora"]
    return first.body["model_id"], corpus_id, repaired.body["model_id"]


def test_a_deleted_corpus_costs_its_bundle_and_blocks_no_erasure(
    anna_gone, tmp_path, assent
):
    with opened(anna_gone, 2) as project:
        first, corpus_id, repaired = built(project)
    shutil.rmtree(anna_gone / "corpora" / corpus_id)

    said = assent("--project", anna_gone, "erase", ANNA, "--out", tmp_path / "out")

    assert said.code == 0, said.err
    assert (
        f"{first}: no bundle, for {corpus_id} is gone: whether documents of hers were "
        "in it nobody can show any more"
    ) in said.out
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert names == [f"{repaired}.bundle.json"]
    assert f"`{ANNA}` is erased" in said.out


def test_what_is_not_shown_is_kept_while_the_erasure_is_unfinished(
    anna_gone, tmp_path, monkeypatch
):
    with opened(anna_gone, 2) as project:
        first, corpus_id, _ = built(project)
        shutil.rmtree(anna_gone / "corpora" / corpus_id)
        stop_once(monkeypatch, erasing, "_take_out")
        with pytest.raises(StoppedError):
            project.erase(ANNA, tmp_path / "out")
        assert project.place.job("erase")["unshown"] == [[first, [corpus_id]]]

        done = project.erase(ANNA, tmp_path / "out")

    assert done.unshown == ((first, (corpus_id,)),)


@pytest.mark.parametrize(
    ("name", "error"),
    [("manifest.json", CorpusError), ("commitment.parquet", ProofError)],
)
def test_a_damaged_corpus_is_not_taken_for_a_deleted_one(
    anna_gone, tmp_path, name, error
):
    with opened(anna_gone, 2) as project:
        _, corpus_id, _ = built(project)
        (anna_gone / "corpora" / corpus_id / name).unlink()
        with pytest.raises(error, match=corpus_id):
            project.erase(ANNA, tmp_path / "out")
        assert project.place.enrolled(ANNA)


def test_weights_whose_corpus_is_gone_may_hold_her_and_come_first(anna_gone, tmp_path):
    with opened(anna_gone, 2) as project:
        served, corpus_id = model_of(project), corpus_of(project)
        first, old, _ = built(project)
        shutil.rmtree(anna_gone / "corpora" / corpus_id)
        shutil.rmtree(anna_gone / "corpora" / old)
        (anna_gone / "models" / first).mkdir(exist_ok=True)

        todo = project.erase(ANNA, tmp_path / "out").todo

        assert todo == (
            f"nobody can say if model {first} holds her, {old} is gone: it is not "
            f"served; delete the folder `models/{first}`",
            f"nobody can say if model {served} holds her, {corpus_id} is gone: restore "
            "it from a backup, or train another model",
        )
        assert project.place.enrolled(ANNA)


def test_what_a_parent_was_trained_on_counts_for_its_child(anna_gone, tmp_path):
    with opened(anna_gone, 2) as project:
        first, _, _ = built(project)
        model, _ = project.place.events_of(*MODELS)
        body = {**model.body, "model_id": "child", "corpora": [], "parents": [first]}
        project.place.book.publish(EventKind.MODEL_TRAINED, model.happened_at, body)
        (anna_gone / "models" / "child").mkdir()

        todo = project.erase(ANNA, tmp_path / "out").todo

        assert todo == (
            "model child was trained on 3 documents of hers: `assent forget`",
        )
