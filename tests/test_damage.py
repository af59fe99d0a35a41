"""Damaged files, full disks and interrupts: one clear error, and nothing changed."""

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from assent.project.erasing import open_points
from small_project import (
    CONFIG,
    NOTICE,
    POLICY,
    StopAt,
    StoppedError,
    digests,
    leftovers,
    opened,
    recorded,
    write_export,
    write_policy,
)

pytest_plugins = ("toy_projects", "command_line")


# --- tampering and damage ------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE heads SET note = replace(note, '25', '24')",
        "DELETE FROM entries WHERE number = 24",
        "UPDATE tiles SET hashes = zeroblob(800)",
        "DELETE FROM heads",
        "DROP TABLE entries",
    ],
)
def test_a_ledger_whose_head_does_not_match_is_refused(fresh, refuses, statement):
    change(fresh, statement)

    for arguments in (["status"], ["decide"], ["record", "withdrawn", "u01"]):
        said = refuses(fresh, *arguments)
        assert "backup" in said.hints[0]


@pytest.mark.parametrize("text", ["", "\xff", "[" * 9999, "[]", "null", "{}"])
def test_pins_that_cannot_be_read_are_not_taken_for_no_work(
    fresh, tmp_path, assent, text
):
    (fresh / "jobs").mkdir(exist_ok=True)
    (fresh / "jobs" / "erase.json").write_text(text, "latin-1")
    before = digests(fresh)
    said = assent("--project", fresh, "erase", "u01", "--out", tmp_path / "for-her")

    assert said.code == 2
    assert "is not what unfinished work wrote there" in said.errors[0]
    assert digests(fresh) == before


def test_a_corpus_that_cannot_say_who_is_in_it_stops_an_erasure(
    fresh_corpus, tmp_path, refuses
):
    (corpus,) = (fresh_corpus / "corpora").iterdir()
    (corpus / "manifest.json").unlink()
    erase = ("erase", "u01", "--out", tmp_path / "for-her")
    refuses(fresh_corpus, *erase, found="so nobody can say who is in it")
    # Deleted whole it holds nobody.
    shutil.rmtree(corpus)
    with opened(fresh_corpus) as project:
        assert all("corpus" not in each for each in open_points(project.place, "u01"))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM bodies WHERE number = 24",
        "UPDATE bodies SET body = CAST('not json' AS BLOB) WHERE number = 24",
        "UPDATE bodies SET opening = zeroblob(32) WHERE number = 24",
        "DROP TABLE bodies",
    ],
)
def test_nothing_is_decided_on_a_private_body_that_was_changed(
    fresh, refuses, statement
):
    change(fresh, statement)

    for arguments in (["decide"], ["ledger", "check"]):
        said = refuses(fresh, *arguments)
        assert "backup" in said.hints[0]


def change(folder, statement):
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger, ledger:
        ledger.execute(statement)


@pytest.mark.parametrize("name", ["ledger.db", "secrets/vault.db"])
@pytest.mark.parametrize("data", [b"", b"no database" * 500])
def test_a_database_that_is_damaged_is_one_error(fresh, assent, name, data):
    (fresh / name).write_bytes(data)
    said = assent("--project", fresh, "status")

    assert (said.code, len(said.errors)) == (2, 1)


def test_a_ledger_under_another_name_is_not_this_projects(fresh, refuses):
    path = fresh / "assent.toml"
    path.write_text(CONFIG.replace("toy.example", "theirs.example"))

    refuses(
        fresh,
        "status",
        found="head of `toy.example/ledger` does not open as one of `theirs.example",
    )


def test_a_missing_ledger_or_key_is_named_and_not_made_anew(fresh, refuses):
    key = fresh / "secrets/signing.key"
    kept = key.read_bytes()
    key.unlink()
    refuses(fresh, "status", found="`signing` is missing", hint="backup")
    key.write_bytes(kept[:10])
    refuses(fresh, "status", found="holds 10 bytes, wanted 32", hint="backup")
    key.write_bytes(kept)
    (fresh / "ledger.db").unlink()
    refuses(fresh, "status", found="no ledger at `ledger.db`", hint="backup")


def test_a_model_of_another_plan_is_refused(toy, refuses, tmp_path):
    other = tmp_path / "other"
    recorded(other)
    text = (other / "assent.toml").read_text()
    (other / "assent.toml").write_text(text.replace("seed = 1", "seed = 2"))
    with opened(other) as project:
        project.build()
        project.train()
    (mine,), (theirs,) = (toy / "models").iterdir(), (other / "models").iterdir()
    shutil.rmtree(mine / "us.000")
    shutil.copytree(theirs / "us.000", mine / "us.000")
    refuses(toy, "ask", "hello", found="was logged with", hint="restore the model")
    shutil.copyfile(theirs / "model.json", mine / "model.json")
    refuses(toy, "ask", "hello", found="the ledger says", hint="restore the model")
    (mine / "model.json").write_text("{}")
    refuses(toy, "ask", "hello", found="no readable `model.json`")


def test_a_damaged_checkpoint_is_refused(toy, refuses):
    (model,) = (toy / "models").iterdir()
    path = model / "us.000/slice-3.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")

    refuses(toy, "ask", "hello", found="is damaged", hint="train this shard again")


# --- a writer that was cut off -------------------------------------------------------


def test_what_a_writer_that_was_cut_off_left_is_said_by_the_next_command(fresh, assent):
    seen = fresh / "secrets/seen"
    before = seen.read_bytes()
    assert assent("--project", fresh, "record", "withdrawn", "u01").err == ""
    seen.write_bytes(before)
    with closing(sqlite3.connect(fresh / "secrets/vault.db")) as vault, vault:
        vault.execute("INSERT INTO secrets VALUES ('somebody', zeroblob(32))")

    said = assent("--project", fresh, "status")
    assert said.code == 0
    assert said.err.startswith("note: entries 25 to 25 were appended by a writer that")
    said = assent("--project", fresh, "ledger", "check")
    assert (said.code, said.err) == (0, "")
    assert "note: secrets in the vault of nobody who is enrolled: 1; an" in said.out


# --- the system says no --------------------------------------------------------------


def full_disk(monkeypatch):
    """Let every file that is made safe find the disk full."""

    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)


def without_drafts(folder):
    return {
        name: value
        for name, value in digests(folder).items()
        if not name.endswith(".draft")
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["build"],
        ["policy", "publish", "policies/later.toml"],
        ["record", "given", "u01", "--notice", "notices/later.md"],
        ["decide", "--out", "rows.parquet"],
    ],
)
def test_a_full_disk_is_one_error_and_changes_nothing(
    fresh, assent, monkeypatch, arguments
):
    monkeypatch.chdir(fresh)
    write_policy(fresh, POLICY.replace("2025-03", "2025-04"), "later.toml")
    (fresh / "notices/later.md").write_bytes(NOTICE + b"more")
    before = without_drafts(fresh)
    with monkeypatch.context() as patched:
        full_disk(patched)
        said = assent(*arguments)

    assert (said.code, len(said.errors)) == (2, 1), said.err
    assert {n: v for n, v in without_drafts(fresh).items() if n != "jobs"} == before
    assert "free some space" in said.hints[0]
    assert assent(*arguments).code == 0


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["assent", *sys.argv[2:]]
runpy.run_module("assent", run_name="__main__")
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize(
    ("limit", "arguments"),
    [
        (8_192, ["record", "withdrawn", "u01"]),
        (100, ["build"]),
        (100, ["load", "--from", "parquet", "documents.parquet", "subjects.parquet"]),
    ],
)
def test_a_file_that_cannot_grow_is_one_error_and_changes_nothing(
    fresh, tmp_path, limit, arguments
):
    write_export(tmp_path)
    paths = [str(tmp_path / a) if a.endswith(".parquet") else a for a in arguments]
    before = without_drafts(fresh)
    command = [sys.executable, "-c", LIMITED, str(limit), "--project", str(fresh)]
    done = subprocess.run([*command, *paths], capture_output=True, text=True)

    assert done.returncode == 2, done.stderr
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    after = {n: v for n, v in without_drafts(fresh).items() if n != "jobs"}
    assert after == before


def test_a_path_that_cannot_be_written_is_one_error(toy, refuses, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "below.json"):
        refuses(toy, "prove", "u01", "--out", out, found="cannot be")
        refuses(toy, "decide", "--out", out, found="cannot be")


def test_control_c_says_what_is_still_true(fresh, assent, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("assent.project.building.commit", interrupt)
    said = assent("--project", fresh, "build")
    monkeypatch.undo()

    assert said.code == 2
    assert said.errors == ["error: stopped; what was written is whole"]
    assert said.hints == ["hint: run the same command again"]


def test_status_says_what_is_unfinished_and_the_next_run_ends_it(fresh, assent):
    with opened(fresh) as project, pytest.raises(StoppedError):
        project.build(StopAt("parts written"))
    said = assent("--project", fresh, "status")
    assert "unfinished   build" in said.out
    assert "assent build   (continues what was interrupted)" in said.out
    assert assent("--project", fresh, "build").code == 0
    assert leftovers(fresh) == []


def test_a_name_in_square_brackets_is_a_name(fresh, assent):
    marked = POLICY.replace("us-interests", "[/bold]us").replace("2025-03", "2025-04")
    path = write_policy(fresh, marked, "marked.toml")
    assert assent("--project", fresh, "policy", "publish", path).code == 0

    assert "[/bold]us" in assent("--project", fresh, "decide").out
