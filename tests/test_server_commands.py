"""A project whose ledger is on a PostgreSQL server, from the command line."""

import pytest

from small_project import write_export

pytest_plugins = ("command_line", "servers")


@pytest.mark.postgres
def test_a_project_is_begun_with_its_ledger_on_a_server(assent, database, tmp_path):
    folder = tmp_path / "mine"
    exports = write_export(tmp_path / "export")

    made = assent("init", folder, "--ledger", database, "--from", "parquet", *exports)

    assert made.code == 0, made.err
    assert not (folder / "ledger.db").exists()
    assert (folder / "assent.toml").stat().st_mode & 0o077 == 0  # may hold a password
    assert assent("--project", folder, "record", "enrolled", "--all-subjects").code == 0
    checked = assent("--project", folder, "ledger", "check")
    assert (checked.code, checked.errors) == (0, [])
    # Its tables hold one ledger: another project is not mixed into it.
    other = assent("init", tmp_path / "other", "--ledger", database)
    assert (other.code, len(other.errors)) == (2, 1)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("mysql://tester:hunter2@db.example/x", "no address of a PostgreSQL server"),
        ("postgresql://tester:hunter2@127.0.0.1:1/x", "could not be read or written"),
    ],
)
def test_a_server_that_cannot_be_used_leaves_no_project_behind(
    assent, tmp_path, address, found
):
    said = assent("init", tmp_path / "mine", "--ledger", address)

    assert said.code == 2
    assert found in said.err
    assert "hunter2" not in said.out + said.err
    assert not (tmp_path / "mine").exists()
