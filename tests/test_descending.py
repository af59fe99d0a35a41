"""A model that starts from an export of ours: it speaks only while that may be used."""

import json
import shutil
from pathlib import Path

import pytest

from assent.errors import DeniedError
from assent.project.speaking import Speaker
from assent.terms import EventKind
from small_project import (
    CONFIG,
    POLICY_OF_BOTH,
    corpus_of,
    digests,
    model_of,
    opened,
    recorded,
    somebody,
)

pytest_plugins = ("toy_projects", "command_line")

SIZES = "width = 16\nlayers = 1\nheads = 2\n"
BASE = """
[base]
folder = "bases/ours"
provenance = "our own export"
rank = 2
alpha = 4.0
"""


def start_from(folder, export):
    """Copy an export to where `assent.toml` says that the base is."""
    shutil.rmtree(folder / "bases", ignore_errors=True)
    shutil.copytree(export, folder / "bases/ours")
    (folder / "assent.toml").write_text(CONFIG.replace(SIZES, "") + BASE)


@pytest.fixture(scope="module")
def descended_once(trained_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("descended") / "toy"
    shutil.copytree(trained_once, folder)
    with opened(folder, 1) as project:
        exported = project.export("us")
    start_from(folder, exported.folder)
    with opened(folder, 2) as project:
        project.build()
        project.train()
    return folder


@pytest.fixture
def toy(descended_once, tmp_path):
    """A project whose served model starts from the export of its first model."""
    return Path(shutil.copytree(descended_once, tmp_path / "toy"))


def first_model(project):
    [event] = list(project.place.events_of(EventKind.MODEL_TRAINED))[:1]
    return event.body["model_id"]


def certificates(folder):
    return {
        path.parent.name: json.loads(path.read_bytes())
        for path in (folder / "models").glob("model-*/certificate.json")
    }


def test_an_export_is_logged_once_with_its_digest(toy):
    with opened(toy, 3) as project:
        [event] = project.place.events_of(EventKind.MODEL_EXPORTED)
        first, second = project.place.events_of(EventKind.MODEL_TRAINED)

        assert event.body["model_id"] == first.body["model_id"]
        assert event.body["group"] == "us"
        assert second.body["parents"] == [{"external": event.body["digest"]}]
        assert project.ask("u07 wrote", size=5).text
        assert project.gate().open


def test_a_descendant_is_silent_from_the_withdrawal_on(toy, assent):
    with opened(toy, 3) as project:
        speaker = Speaker(project.place)
        assert speaker.serving()
        project.record("withdrawn", [somebody(project, "us", 1)])
        found = project.gate()

        assert not found.open
        assert any("blocked: its base is the export" in each for each in found.lines())
        for refused in (
            lambda: project.ask("u07 wrote"),
            lambda: project.export("de-fr"),
            lambda: Speaker(project.place).serving(),
            lambda: project.build(),
            lambda: project.share(model_of(project), "partner", toy / "out"),
        ):
            with pytest.raises(DeniedError, match="with 3 documents that are no"):
                refused()
    before = digests(toy)
    said = assent("--project", toy, "ask", "hello")

    assert (said.code, len(said.errors)) == (1, 1)
    assert "is blocked: its base is the export of group `us`" in said.errors[0]
    assert "assent forget" in said.hints[0]
    assert assent("--project", toy, "gate", "--deadline-days", "99999").code == 1
    assert digests(toy) == before


def test_a_repair_reaches_the_model_behind_and_blocks_until_trained_anew(toy, assent):
    with opened(toy, 3) as project:
        first, second = first_model(project), model_of(project)
        project.record("withdrawn", [somebody(project, "us", 1)])
        done = project.forget(oracle=True)
        [behind] = done.also

        assert done.bit_identical
        assert behind.bit_identical
        assert model_of(project) == done.model_id != second
        assert not (toy / "models" / first).exists()
        assert not (toy / "exports" / first).exists()
        rebuilt = toy / "exports" / behind.model_id / "us"
        assert rebuilt.exists()
        old, _ = list(project.place.events_of(EventKind.MODEL_EXPORTED))
        assert certificates(toy)[behind.model_id]["blocked"] == [
            {"model": done.model_id, "base": old.body["digest"]}
        ]
        assert "blocked" not in certificates(toy)[done.model_id]
        text = "\n".join(done.lines())
        assert f"model {done.model_id} is blocked: its base is the export" in text
        assert "delete the folder `ours` of `[base]`: it is that export" in text
        with pytest.raises(DeniedError, match=f"`{behind.model_id}` supersedes"):
            project.ask("u07 wrote")
        assert not project.gate().open
    assert assent("--project", toy, "ask", "hello").code == 1
    start_from(toy, rebuilt)
    with opened(toy, 4) as project:
        project.build()
        project.train()

        assert project.ask("u07 wrote", size=5).text
        assert project.gate().open
        assert project.forget().notes == ()


def test_what_can_never_speak_again_stops_no_later_repair(toy):
    with opened(toy, 3) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])
        blocked = project.forget()
        dead = model_of(project)
        project.record("withdrawn", [somebody(project, "us", 2)])
        shutil.rmtree(toy / "bases")  # as the repair said
        again = project.forget()

        assert again.documents == 3
        assert again.model_id != blocked.also[0].model_id
        assert model_of(project) == dead
        assert any(f"model {dead} is blocked" in line for line in again.lines())
        assert project.forget().certificate is None


def test_a_base_of_another_group_goes_on_being_used(toy):
    with opened(toy, 3) as project:
        project.record("withdrawn", [somebody(project, "de-fr", 1)])
        assert project.ask("u07 wrote", size=5).quarantined == (("de-fr", 0),)
        done = project.forget()

        assert done.also[0].documents == 3
        assert done.notes == ()
        assert project.ask("u07 wrote", size=5).text
        assert project.gate().open
        assert all("blocked" not in each for each in certificates(toy).values())


def test_a_suspended_base_comes_back_when_the_order_is_lifted(toy):
    with opened(toy, 3) as project:
        project.suspend("order-1", ["US"])
        with pytest.raises(DeniedError, match="which order `order-1` suspends") as said:
            project.ask("u07 wrote")
        assert "lifted" in said.value.hint
        project.lift("order-1")

        assert project.ask("u07 wrote", size=5).text


def test_a_repair_that_was_cut_off_between_the_two_models_goes_on(toy, monkeypatch):
    from assent.project import forgetting

    with opened(toy, 3) as project:
        first = first_model(project)
        project.record("withdrawn", [somebody(project, "us", 1)])
        whole = forgetting.rebuild
        monkeypatch.setattr(forgetting, "rebuild", stopping(whole, first))
        with pytest.raises(KeyboardInterrupt):
            project.forget()
        monkeypatch.undo()
        assert (toy / "jobs/forget.json").exists()
        done = project.forget()

        assert not (toy / "jobs/forget.json").exists()
        assert any("made anew" in line for line in done.lines())
        assert not (toy / "exports" / first).exists()
        assert any("is blocked" in line for line in done.notes)


def stopping(whole, model_id):
    def rebuild(place, old, repaired):
        if old == model_id:
            raise KeyboardInterrupt
        return whole(place, old, repaired)

    return rebuild


def test_a_plan_that_was_sealed_on_such_an_export_is_not_trained(toy, refuses):
    with opened(toy, 3) as project:
        project.build()
        project.record("withdrawn", [somebody(project, "us", 1)])

    refuses(toy, "train", code=1, found="is blocked: its base", hint="assent forget")


def test_a_model_that_is_not_served_is_named_and_its_exports_go(trained_once, tmp_path):
    folder = Path(shutil.copytree(trained_once, tmp_path / "toy"))
    with opened(folder, 1) as project:
        exported = project.export("us")
        old = model_of(project)
    with opened(folder, 2) as project:
        project.build()
        project.train()
        assert project.forget().notes == ()
        assert exported.folder.exists()
        project.record("withdrawn", [somebody(project, "us", 1)])
        notes = project.forget().notes

        assert notes[0] == f"exports of {old}, which is not served, are taken away"
        assert f"delete the folder `models/{old}`" in notes[1]
        assert not exported.folder.exists()
        shutil.rmtree(folder / "models" / old)
        assert project.forget().notes == ()


def test_what_was_handed_over_is_named_until_it_is_passed_on(tmp_path):
    folder = tmp_path / "toy"
    recorded(folder, POLICY_OF_BOTH)
    with opened(folder) as project:
        project.build()
        project.train()
        project.share(corpus_of(project), "partner", tmp_path / "corpus")
    with opened(folder, 1) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])
        [note] = project.forget().notes

        assert "gave 3 such documents to `partner`: run `assent pass-on`" in note
        project.pass_on(tmp_path / "changes")
        assert project.forget().notes == ()
