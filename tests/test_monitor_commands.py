"""`assent monitor` and `assent evidence`, as somebody at a terminal sees them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assent.ledger.publish import publish_log
from command_line import assent
from small_log import KEY, STRANGER, SmallLog, published, site

__all__ = ["assent", "site"]


@pytest.fixture
def follow(assent, site, tmp_path, monkeypatch):
    """Look at the served log, as a person would."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: assent(
        "monitor", site.url, "--key", KEY, "--state", "club.json", *words
    )


def test_a_look_is_one_line(site, follow):
    made = published(site.folder, 1204)

    first = follow()
    publish_log(made.grow(10), site.folder)
    second, third = follow(), follow()

    head = made.root().hex()[:16]
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("club.example/ledger: 1,204 entries (1,204 new), head ")
    assert second.out == (
        f"club.example/ledger: 1,214 entries (10 new), head {head}: all well\n"
    )
    assert third.out == f"club.example/ledger: 1,214 entries, head {head}: all well\n"


def test_misbehaviour_is_one_line_with_its_evidence_and_exit_1(site, follow, assent):
    made = published(site.folder, 300)
    follow()
    (site.folder / "checkpoint").write_text(made.rewritten(7).note())

    said = follow()

    assert said.code == 1
    assert said.out.count("\n") == 1
    assert ": SPLIT VIEW: the log shows two histories of its first 300" in said.out
    name = said.out.partition("[")[2].partition("]")[0]
    shown = assent("evidence", name, "--key", KEY)
    assert shown.code == 0
    assert shown.out.splitlines() == [
        "club.example/ledger: split view",
        "  in the finder's words: the log shows two histories of its first 300 entries",
        "  proved: the ledger's own signatures show it",
    ]
    assert "the key is the file's own" in assent("evidence", name).out
    stranger = SmallLog(private=STRANGER).verifier_key
    refused = assent("evidence", name, "--key", stranger)
    assert (refused.code, refused.out) == (1, "")
    assert "a log of another key" in refused.err


def test_what_was_only_served_is_not_called_proved(site, follow, assent):
    published(site.folder, 300)
    follow()
    (site.folder / "checkpoint").write_text(SmallLog(5).note())

    name = follow().out.partition("[")[2].partition("]")[0]
    shown = assent("evidence", name, "--key", KEY)

    assert shown.code == 0
    assert "not shown: that http://127.0.0.1" in shown.out
    assert "proved" not in shown.out


def test_the_answer_as_json(site, follow):
    made = published(site.folder, 300)
    well = json.loads(follow("--json").out)
    assert (well["result"], well["size"], well["before"]) == ("well", 300, 0)
    assert (well["origin"], well["root"]) == ("club.example/ledger", made.root().hex())
    (site.folder / "checkpoint").write_text("nothing")

    said = follow("--json")

    bad = json.loads(said.out)
    assert (said.code, bad["result"], bad["root"]) == (1, "misbehaviour", None)
    assert [each["kind"] for each in bad["findings"]] == ["checkpoint"]
    assert (Path("club.json.evidence") / bad["findings"][0]["evidence"]).exists()


def test_a_log_that_is_not_there_is_exit_2(site, follow):
    said = follow()
    assert (said.code, said.out) == (2, "")
    assert said.errors == [f"error: there is no `checkpoint` in {site.url}"]
    assert said.hints == ["hint: give the address that ends before `/checkpoint`"]

    said = follow("--json")
    assert (said.code, json.loads(said.out)["result"]) == (2, "not_read")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--key", "nonsense"], "error: the verifier key is malformed"),
        (["--fresh", "60"], "error: `--fresh` was given without `--policy`"),
        (
            ["--once", "--every", "5"],
            "error: `--once` and `--every` exclude each other",
        ),
        (["--policy", "nothing"], "error: `nothing` cannot be read"),
        (["--compare", "ftp://x"], "error: the log's address is neither"),
    ],
)
def test_what_cannot_be_asked_is_exit_2(site, follow, words, error):
    said = follow(*words)

    assert (said.code, said.out) == (2, "")
    assert said.errors[0].startswith(error)


def test_evidence_that_is_none_is_refused(assent, tmp_path):
    (tmp_path / "x.json").write_text("{}")

    said = assent("evidence", tmp_path / "x.json")

    assert (said.code, said.out) == (1, "")
    assert said.errors == ["error: the evidence lacks the field `format`"]


def test_it_looks_again_and_again_until_it_is_stopped(site, tmp_path):
    """It outlives a server that fails, and says at the end whether all was well."""
    made = published(site.folder, 300)
    site.broken = {"checkpoint": [404]}
    source = Path(__file__).resolve().parents[1] / "src"
    command = [sys.executable, "-m", "assent", "monitor", site.url, "--key", KEY]
    with subprocess.Popen(
        [*command, "--state", str(tmp_path / "s.json"), "--every", "1"],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout.readline().endswith("all well\n")
            publish_log(made.grow(5), site.folder)
            while "(5 new)" not in running.stdout.readline():
                continue
            (site.folder / "checkpoint").write_text("nothing")
            while "CHECKPOINT" not in running.stdout.readline():
                continue
            time.sleep(0.1)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=120)
        finally:
            running.kill()
    assert running.returncode == 1
    assert err.startswith("could not look: there is no `checkpoint`")
