"""The whole flow by the command line, with the ledger on a PostgreSQL server."""

import shutil
import stat
from contextlib import closing

import pytest

from assent.ledger.store import LEDGER, VAULT, connect
from small_project import CONFIG, write_export, write_policy

pytest_plugins = ("servers", "command_line")
pytestmark = pytest.mark.postgres


def blank(address):
    """Say of ledger and vault whether their tables are not there."""
    found = []
    for layout in (LEDGER, VAULT):
        with closing(connect(address, layout)) as store:
            found.append(store.blank())
    return found


@pytest.fixture
def declared(database):
    """The toy project's declarations, with the ledger on a server."""
    return CONFIG.replace("[project]\n", f'[project]\nledger = "{database}"\n', 1)


def test_a_project_whose_ledger_is_on_a_server_goes_from_record_to_proof(
    assent, tmp_path, database, declared
):
    folder = tmp_path / "mine"

    def run(*arguments):
        done = assent("--project", folder, *arguments)
        assert (done.code, done.errors) == (0, []), done.err
        return done.out

    origin = ("--origin", "toy.example/ledger")
    assert assent("init", folder, *origin, "--ledger", database).code == 0
    config = folder / "assent.toml"
    assert f'ledger = "{database}"' in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600  # it may hold a password
    config.write_text(declared)
    policy, notice = write_policy(folder), folder / "notices/2025.en.md"
    run("load", "--from", "parquet", *write_export(tmp_path / "export"))
    run("policy", "publish", policy)
    run("record", "enrolled", "--all-subjects")
    run("record", "notice_served", "--all-subjects", "--notice", notice)
    run("build")
    run("train")
    run("prove", "u01", "--out", tmp_path / "u01.json")
    run("record", "withdrawn", "u07")
    run("forget")
    run("prove", "u07", "--out", tmp_path / "u07.json")
    key = run("ledger", "key").strip()
    assert "whole" in run("ledger", "check")
    assert '"unfinished": "nothing"' in run("status", "--json")

    # Whoever checks has neither the server nor the folder.
    shutil.rmtree(folder)
    for who, verdict in (("u01", "used"), ("u07", "absent")):
        said = assent("verify", tmp_path / f"{who}.json", "--key", key)
        assert f"verdict: {verdict}" in said.out


def test_a_project_that_could_not_load_leaves_nothing_on_the_server(
    assent, tmp_path, database
):
    documents, subjects = write_export(tmp_path / "export")
    subjects.write_bytes(b"no Parquet")
    start = ("init", tmp_path / "mine", "--ledger", database, "--from", "parquet")

    assert assent(*start, documents, subjects).code == 2
    assert not (tmp_path / "mine").exists()
    assert blank(database) == [True, True]
    said = assent(*start, *write_export(tmp_path / "export"))
    assert (said.code, said.err) == (0, "")
    assert blank(database) == [False, False]
    assert assent("--project", tmp_path / "mine", "ledger", "check").code == 0
