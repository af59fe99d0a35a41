"""The story told whole, on a small platform and with a plan that trains in seconds."""

import io
import json
import re
import stat
from pathlib import Path

import pytest
from rich.console import Console

from assent import Project
from assent.demo.story import tell
from assent.errors import CorpusError, UsageError
from assent.project.config import TEMPLATE
from assent.report.case import load_case
from assent.verify import verify_bundle
from small_project import digests, leftovers

CASE = Path(__file__).resolve().parents[2] / "examples/linkedin/case.toml"
MEMBERS = 60
SMALL = {
    "slices": 3,
    "steps": 2,
    "epochs": 1,
    "rows": 4,
    "window": 32,
    "width": 16,
    "layers": 1,
    "heads": 2,
    "tokens_per_subject": 512,
}
BUNDLES = {
    "used.bundle.json": "used",
    "never-used.bundle.json": "absent",
    "withdrawn.bundle.json": "absent",
}
# What depends on the host's speed, and nothing else does.
SECONDS = re.compile(r"(<dt>seconds</dt><dd>)[0-9.,]+")


def config(seed=1):
    """The demo's own declarations with a plan of toy size: one shard a group."""
    declared = load_case(CASE).declared
    text = TEMPLATE.format(
        name="story",
        origin="demo.example/assent",
        recipients=", ".join(f'"{name}"' for name in sorted(declared.recipients)),
        categories=", ".join(f'"{name}"' for name in sorted(declared.categories)),
        capacity=1,
        choices="simulated",
    )
    for key, value in {**SMALL, "seed": seed}.items():
        text = re.sub(rf"(?m)^{key} = \S+", f"{key} = {value}", text)
    return text


def told(folder, seed=5, data=None):
    """Tell a small story; returns what it printed."""
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=False)
    tell(folder, CASE, seed, data, console, MEMBERS, config())
    return out.getvalue()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    folder = tmp_path_factory.mktemp("story") / "demo"
    return folder, told(folder)


def report(folder):
    return SECONDS.sub(r"\1", (folder / "report.html").read_text())


def test_the_story_is_told_to_its_end(story):
    folder, said = story

    for chapter in ("1. Platform", "3. Replay", "5. Train", "8. Report"):
        assert chapter in said
    assert "bit-identical: yes" in said
    assert "keys, secrets and clock come from it, here and only here" in said
    assert "simulated choices" in said
    for name in ("report.html", "replay.json", "replay.svg"):
        assert (folder / name).stat().st_size > 1000
    assert leftovers(folder / "project") == []


def test_the_three_bundles_verify_and_the_changed_one_does_not(story):
    folder, said = story
    key = (folder / "proofs/ledger.vkey").read_text().strip()

    for name, verdict in BUNDLES.items():
        path = folder / "proofs" / name
        assert str(verify_bundle(path.read_bytes(), key).verdict) == verdict
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "one-byte-changed.bundle.json: refused" in said


def test_the_page_says_what_is_simulated_and_holds_no_secret(story):
    folder, said = story
    page = report(folder)

    assert "simulated" in page
    for path in (folder / "project/secrets").glob("*.key"):
        for text in (page, said):
            assert path.read_bytes().hex() not in text
    for name in BUNDLES:
        secret = json.loads((folder / "proofs" / name).read_bytes())["secret"]
        assert secret not in page + said


def test_the_project_of_a_story_goes_on(story):
    with Project.open(story[0] / "project") as project:
        status = project.status()

    assert status["unfinished"] == "nothing"
    assert status["model"].startswith("model-")


def test_the_same_seed_tells_the_same_story_byte_for_byte(story, tmp_path):
    folder, _ = story
    told(tmp_path / "demo")
    ours, theirs = digests(folder), digests(tmp_path / "demo")
    # SQLite's files hold the same rows; their pages may be laid out otherwise.
    for name in ("report.html", "project/ledger.db", "project/secrets/vault.db"):
        del ours[name], theirs[name]

    assert theirs == ours
    assert report(tmp_path / "demo") == report(folder)
    heads = []
    for each in (folder, tmp_path / "demo"):
        with Project.open(each / "project") as project:
            heads.append(project.place.book.head_note())
    assert heads[0] == heads[1]


def test_an_earlier_story_is_replaced_and_nothing_else_is(story, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no demo"):
        told(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]

    before = digests(story[0])
    with pytest.raises(CorpusError, match="`Users.xml` is missing"):
        told(story[0], data=tmp_path)
    assert digests(story[0]) == before


@pytest.mark.shared
def test_the_story_is_told_on_a_real_dump(shared, tmp_path):
    data = shared / "data/stackexchange/conlang.meta.stackexchange.com"
    if not data.is_dir():
        pytest.skip("needs the dump of conlang.meta.stackexchange.com")
    said = told(tmp_path / "demo", data=data)

    assert "real people and words" in said
    assert "bit-identical: yes" in said
    page = report(tmp_path / "demo")
    assert "Stack Exchange dump" in page
    assert "simulated ages" in page
    for name, verdict in BUNDLES.items():
        bundle = (tmp_path / "demo/proofs" / name).read_bytes()
        assert str(verify_bundle(bundle).verdict) == verdict
