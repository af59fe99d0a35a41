"""The audit of a model: its figures, its page, and what it refuses."""

import json
import re
import shutil

import pytest

from assent.errors import TrainError, UsageError
from assent.project.auditing_models import FIGURES, PAGE, PEOPLE, Options, read_people
from small_project import CONFIG, PERMITTED, SECRET_WORDS, opened, recorded, somebody

pytest_plugins = ("command_line",)

SHARDS = CONFIG.replace("default = 1", "default = 131072").replace(
    "workers = 1\n", "workers = 1\ncanaries = 60\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("audit") / "toy"
    recorded(made, config=SHARDS)
    with opened(made) as project:
        project.build()
        project.train()
    return made


@pytest.fixture(scope="module")
def never(folder):
    path = folder.parent / "never.jsonl"
    lines = [
        {"subject_id": f"outsider-{n}", "text": f"outsider {n} wrote about boats {n}"}
        for n in range(60)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture(scope="module")
def audited(folder, never):
    out = folder.parent / "audit"
    people = folder.parent / "people.jsonl"
    people.write_text(json.dumps({"subject_id": "u07", "text": "u07 wrote number 1"}))
    with opened(folder, 1) as project:
        done = project.audit_model(None, out, Options(never=never, people=people))
    return out, done


def test_each_group_is_tested_against_its_own_shards(audited):
    figures = audited[1].figures

    assert [each["name"] for each in figures["groups"]] == ["de-fr", "us"]
    tested = [each for each in figures["groups"] if each["shards"] > 1]
    assert tested
    for each in tested:
        assert 0 < each["randomisation"]["p_value"] <= 1
        assert each["randomisation"]["people"] == each["people"]
        assert each["told"]["others"] == 60
        assert each["told"]["low"] <= each["told"]["auc"] <= each["told"]["high"]
        assert each["rate"]["checked"] == 30
        assert each["curve"][0] == [0, 0]
        assert each["curve"][-1] == [1, 1]
        assert each["canaries"]["canaries"] <= 60
        assert 0 <= each["ranking"]["loss"] <= 1
    assert sum(each["people"] for each in figures["groups"]) == len(PERMITTED)


def test_a_page_shows_every_figure_and_names_nobody(audited):
    out, done = audited
    page = (out / PAGE).read_text()

    assert json.loads((out / FIGURES).read_bytes()) == done.figures
    for each in done.figures["groups"]:
        if each["randomisation"]:
            assert f"{each['randomisation']['p_value']:.4f}" in page
            assert f"{each['told']['auc']:.3f}" in page
    assert page.count("<svg") == 4
    assert not re.search(r"u\d\d|outsider|zanzibar", page + str(done.figures))
    assert SECRET_WORDS not in page


def test_people_are_tested_one_by_one_in_a_private_file(audited):
    out, _ = audited
    found = json.loads((out / PEOPLE).read_bytes())["people"]

    assert {each["subject_id"] for each in found} == {"u07"}
    assert all(0 < each["p_value"] <= 1 for each in found)
    assert (out / PEOPLE).stat().st_mode & 0o777 == 0o600


def test_the_same_model_and_seed_give_the_same_bytes(folder, never, audited):
    with opened(folder, 2) as project:
        again = project.audit_model(None, folder.parent / "again", Options(never=never))

    assert again.digest == audited[1].digest


def test_an_audit_after_a_repair_is_shown_beside_the_one_before(
    folder, never, audited, tmp_path, assent
):
    copy = tmp_path / "toy"
    shutil.copytree(folder, copy)
    with opened(copy, 1) as project:
        old = project.place.served_model()["model_id"]
        project.record("withdrawn", [somebody(project, "us", 1)])
        project.forget()
        with pytest.raises(TrainError, match="no readable `model.json`"):
            project.audit_model(old, tmp_path / "old", Options())

    said = assent(
        *("--project", copy, "audit", "model", "--never", never),
        *("--before", audited[0] / FIGURES, "--out", tmp_path / "after"),
    )

    assert said.code == 0, said.err
    assert "false alarms" in said.out
    figures = json.loads((tmp_path / "after" / FIGURES).read_bytes())
    assert figures["before"] == audited[1].figures["groups"]
    assert "stroke-dasharray" in (tmp_path / "after" / PAGE).read_text()


def test_without_people_in_no_shard_only_the_draw_speaks(folder, tmp_path):
    with opened(folder, 1) as project:
        done = project.audit_model(None, tmp_path, Options(most=3))

    for each in done.figures["groups"]:
        assert each["told"] is None
        assert each["rate"] is None
        assert each["people"] <= 3
    assert PEOPLE not in done.files


@pytest.mark.parametrize(
    "text",
    ["{", '{"subject_id": 3, "text": "x"}', '{"text": "x"}', "[]"],
)
def test_a_file_that_is_no_list_of_people_is_refused_by_its_line(tmp_path, text):
    path = tmp_path / "people.jsonl"
    path.write_text('{"subject_id": "a", "text": "b"}\n' + text)

    with pytest.raises(UsageError, match="line 2 of `people.jsonl`"):
        read_people(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        read_people(path)


def test_what_is_asked_wrongly_is_refused(folder, tmp_path, refuses):
    audit = ("audit", "model", "--out", tmp_path / "out")
    refuses(folder, *audit[:2], "model-x", *audit[2:], found="no model `model-x`")
    refuses(folder, *audit, "--people", "x", found="`--people` needs `--never`")
    refuses(folder, *audit, "--never", tmp_path / "none", found="cannot be read")
    (tmp_path / "old.json").write_text("{}")
    before = ("--before", tmp_path / "old.json")
    refuses(folder, *audit, *before, found="is no `model.json`")
    (tmp_path / "few.jsonl").write_text('{"subject_id": "a", "text": "b"}')
    refuses(folder, *audit, "--never", tmp_path / "few.jsonl", code=1, found="1 people")
    assert not (tmp_path / "out").exists()
