"""Exports of a project: merged, refused while somebody's words are in, made anew."""

import pytest
from transformers import AutoModelForCausalLM

from assent.errors import DeniedError, UsageError
from assent.train.component import digest_of
from small_project import opened, somebody

pytest_plugins = ("toy_projects",)


@pytest.fixture
def project(toy):
    with opened(toy, 1) as made:
        yield made


def test_a_group_is_exported_once_and_anew_when_it_was_changed(project):
    first = project.export("us")

    assert digest_of(first.folder) == first.digest
    loaded = AutoModelForCausalLM.from_pretrained(first.folder, local_files_only=True)
    assert loaded.config.model_type == "llama"
    stamp = (first.folder / "model.safetensors").stat().st_mtime_ns
    assert project.export("us") == first
    assert (first.folder / "model.safetensors").stat().st_mtime_ns == stamp
    (first.folder / "model.safetensors").write_bytes(b"cut")
    assert project.export("us") == first
    assert digest_of(first.folder) == first.digest
    assert first.lines()[0].startswith(f"group `us` of {first.model_id}, 1 shard")


def test_a_group_in_quarantine_is_refused_until_it_is_repaired(project):
    old, other = project.export("us"), project.export("de-fr")
    project.record("withdrawn", [somebody(project, "us", 1)])

    with pytest.raises(DeniedError, match="1 shards of group `us`"):
        project.export("us")
    assert project.export("de-fr") == other
    repaired = project.forget()

    assert not old.folder.parent.exists()
    anew = project.export("us")
    assert anew.digest != old.digest
    assert anew.model_id == repaired.model_id
    assert any(anew.digest in line for line in repaired.lines())
    assert project.export("de-fr").digest == other.digest


def test_a_suspended_group_or_none_is_refused(project):
    project.export("us")
    project.suspend("order-1", ["US"])

    with pytest.raises(DeniedError, match="suspended by order `order-1`"):
        project.export("us")
    with pytest.raises(UsageError, match="no group `mars`"):
        project.export("mars")
    project.record("withdrawn", [somebody(project, "us", 1)])
    lines = project.forget().exports
    assert len(lines) == 1
    assert "taken away" in lines[0]
