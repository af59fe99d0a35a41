"""Handing over, passing on, applying and acknowledging from the command line."""

import json
import shutil
import stat

import pytest

from small_project import corpus_of, digests, model_of, opened

pytest_plugins = ("toy_projects", "command_line")


@pytest.fixture
def today(shareable_once, tmp_path):
    """A project with a model, and the ids of both."""
    folder = shutil.copytree(shareable_once, tmp_path / "mine")
    with opened(folder, 1) as project:
        return folder, corpus_of(project), model_of(project)


def test_the_whole_way_of_a_withdrawal_to_a_recipient_and_back(today, assent, tmp_path):
    folder, corpus, model = today

    def run(*arguments, code=0):
        said = assent("--project", folder, *arguments)
        assert (said.code, said.errors) == (code, []), said.err
        return said.out

    shared = run("share", corpus, "--to", "partner", "--out", tmp_path / "corpus")
    assert "30 documents of 10 people" in shared
    key = shared.split()[-1]
    run("share", model, "--to", "partner", "--out", tmp_path / "model")
    assert "still permitted" in run("pass-on", "--out", tmp_path / "box")
    run("record", "withdrawn", "u01")
    assert "run `assent pass-on`" in run("status")
    passed = run("pass-on", "--out", tmp_path / "box", "--deadline-days", "3")
    assert "3 documents must go, until " in passed
    assert "the whole model must go, until " in passed
    assert run("status").count(" by partner, until ") == 2

    key_file = tmp_path / "partner.key"
    for change in sorted((tmp_path / "box").iterdir()):
        share_id = json.loads(change.read_bytes())["share_id"]
        (given,) = (
            each
            for each in (tmp_path / "corpus", tmp_path / "model")
            if json.loads((each / "handover.json").read_bytes())["share_id"] == share_id
        )
        signed = ("--key", key, "--sign-with", key_file)
        applied = assent("apply", change, given, *signed)
        assert applied.code == 0, applied.err
        assert "(signed by partner+" in applied.out
        again = assent("apply", change, given, *signed)
        assert "was applied before; nothing was changed" in again.out
        sent = given / "acknowledgement-001.json"
        said = run("acknowledge", sent)
        assert "is acknowledged by `partner` (signed): entry " in said
        assert run("acknowledge", sent) == said
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert "unanswered   nothing" in run("status")
    assert key_file.read_bytes().hex() not in shared + passed


def test_what_is_refused_exits_1_and_changes_nothing(today, assent, tmp_path):
    folder, corpus, _ = today
    out = tmp_path / "out"
    shared = assent(
        "--project", folder, "share", corpus, "--to", "partner", "--out", out
    )
    key = shared.out.split()[-1]
    assent("--project", folder, "record", "withdrawn", "u01")
    assent("--project", folder, "pass-on", "--out", tmp_path / "box")
    (change,) = (tmp_path / "box").iterdir()
    good = change.read_bytes()
    change.write_bytes(good.replace(b'"u01-2"', b'"u02-2"'))
    before = digests(tmp_path)
    said = assent("apply", change, out, "--key", key, "--sign-with", tmp_path / "k")

    assert (said.code, len(said.errors), len(said.hints)) == (1, 1, 1)
    assert said.errors[0].startswith("error: refused, ")
    assert digests(tmp_path) == before
    change.write_bytes(good)
    assert assent("apply", change, out, "--key", "no key").code == 1
    assert assent("apply", change, out).code == 2
    assert assent("apply", change, out, "--key", key).code == 0


def test_what_cannot_be_shared_is_one_error(today, refuses, tmp_path):
    folder, corpus, model = today

    def share(*arguments, code=2, found, hint=""):
        refuses(folder, "share", *arguments, code=code, found=found, hint=hint)

    out = ("--out", tmp_path / "out")
    share("corpus-0", "--to", "partner", *out, found="no corpus or model `corpus-0`")
    share(corpus, "--to", "eve", *out, found="recipient `eve` is not declared")
    share(corpus, "--to", "partner", found="missing option `--out`")
    share(corpus, *out, found="missing option `--to`")
    share(corpus, "--to", "partner", "--out", folder, found="exists already")
    refuses(folder, "pass-on", found="missing option `--out`")
    refuses(folder, "pass-on", *out, "--to", "eve", found="not declared")
    refuses(folder, "pass-on", *out, "--deadline-days", "0", found="0 days")
    refuses(folder, "acknowledge", "absent.json", found="`absent.json` cannot be read")
    with opened(folder, 1) as project:
        project.record("refused", ["u05"], recipient="partner")
    share(model, "--to", "partner", *out, code=1, found="3 of 30", hint="assent forget")
