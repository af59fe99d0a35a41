"""An auditor, and whoever asks for help, load no database and no torch."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "duckdb", "pyspark", "pyarrow", "matplotlib", "sqlglot", "numpy"}
# The last two are cryptography's own bridges to C.
AUDITOR = {"assent", "cryptography", "rfc8785", "_cffi_backend", "_openssl"}
FACE = {"click", "colorama"}  # colorama: click wants it on Windows


def loaded_by(statement):
    """Run a statement in a fresh Python; the top-level modules that it brought."""
    program = f"""
import json, sys
before = set(sys.modules)
try:
    {statement}
except SystemExit as leaving:
    assert not leaving.code, leaving.code
print(json.dumps(sorted({{m.partition(".")[0] for m in set(sys.modules) - before}})))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1])) - sys.stdlib_module_names


def test_what_is_loaded_is_really_seen():
    assert "numpy" in loaded_by("import numpy")


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import assent", {"assent"}),
        ("import assent.verify", AUDITOR),
        ("import assent.cli", {"assent"} | FACE),
        ("sys.argv = ['assent', '--help']; from assent.cli import main; main()", None),
        ("sys.argv = ['assent', 'train', '--help']; import assent.__main__ as m; "
         "m.main()", None),
    ],
)  # fmt: skip
def test_importing_or_asking_for_help_loads_nothing_heavy(statement, allowed):
    found = loaded_by(statement)

    assert found & HEAVY == set()
    assert found <= (allowed or {"assent"} | FACE)


def test_no_spark_is_loaded_where_it_is_not_asked_for():
    statement = """
    import assent.project.building, assent.project.deciding, assent.project.replaying"""

    assert loaded_by(statement.strip()) & {"pyspark", "py4j", "pandas"} == set()


def test_no_ray_is_loaded_where_no_cluster_is_asked_for():
    statement = """
    import assent.project.workers, assent.project.forgetting"""

    assert loaded_by(statement.strip()) & {"ray", "grpc"} == set()


def test_verifying_loads_what_an_auditor_installs_and_no_more():
    statement = """
    from assent.errors import ProofError
    from assent.verify import verify_bundle
    try:
        verify_bundle(b"{}")
    except ProofError:
        pass"""

    assert loaded_by(statement.strip()) <= AUDITOR


def test_a_recipient_of_a_model_needs_what_an_auditor_installs():
    assert loaded_by("import assent.share.folder") <= AUDITOR


def test_the_command_that_verifies_adds_only_the_command_line(tmp_path):
    bundle = tmp_path / "no.bundle.json"
    bundle.write_text("{}")
    statement = f"""
    from assent.cli import main
    sys.argv = ["assent", "verify", {str(bundle)!r}]
    try:
        main()
    except SystemExit as leaving:
        assert leaving.code == 1, leaving.code"""

    assert loaded_by(statement.strip()) <= AUDITOR | FACE
