"""The commands of docs/backups.md are run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from small_project import opened, write_policy

pytest_plugins = ("toy_projects",)

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/backups.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

if not all(map(shutil.which, ("gpg", "shred", "tar"))):
    pytest.skip("needs gpg, shred and tar", allow_module_level=True)


@pytest.fixture
def shell(fresh, tmp_path):
    """Run blocks of the page, on a toy project of this test alone."""
    (tmp_path / "bin").mkdir()
    assent = tmp_path / "bin/assent"
    assent.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assent "$@"\n')
    assent.chmod(0o755)
    for name in ("keys", "backups", "gnupg"):
        (tmp_path / name).mkdir(mode=0o700)
    known = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "GNUPGHOME": str(tmp_path / "gnupg"),
        "PROJECT": str(fresh),
        "KEYS": str(tmp_path / "keys"),
        "BACKUPS": str(tmp_path / "backups"),
        "RESTORED": str(tmp_path / "restored"),
    }

    def run(*blocks, **more):
        script = "set -e\nset -o pipefail\n" + "\n".join(blocks)
        return subprocess.run(
            ["bash", "-c", script],
            env=known | more,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    subprocess.run(["gpgconf", "--kill", "all"], env=known, check=False)


def test_the_page_has_the_three_steps():
    assert len(BLOCKS) == 3
    assert PAGE.count("\n") <= 120


def test_a_backup_is_restored_whole_and_read_by_its_key_alone(shell, tmp_path, fresh):
    daily, monthly, restore = BLOCKS

    made = shell(daily, restore)

    assert made.returncode == 0, made.stderr
    assert "whole" in made.stdout
    [backup] = (tmp_path / "backups").iterdir()
    assert b"ledger.db" not in backup.read_bytes()
    assert backup.stat().st_mode & 0o077 == 0
    with opened(tmp_path / "restored", 1) as project:
        assert project.place.book.size > 0

    [key] = (tmp_path / "keys").iterdir()
    kept = shutil.copy(backup, tmp_path / "on-a-tape.gpg")
    gone = shell(monthly, OLD_MONTH=key.stem)

    assert gone.returncode == 0, gone.stderr
    assert list((tmp_path / "keys").iterdir()) == []
    assert list((tmp_path / "backups").iterdir()) == []
    # The next day has a new key, and what is left of the old month stays closed.
    shell(daily)
    [key] = (tmp_path / "keys").iterdir()
    opening = "gpg --batch --decrypt --pinentry-mode loopback --passphrase-file"
    closed = shell(f'{opening} "{key}" "{kept}" | wc -c')
    assert closed.returncode != 0
    assert closed.stdout.strip() in ("", "0")


def test_an_old_ledger_beside_later_secrets_is_refused(shell, tmp_path, fresh):
    daily, _, restore = BLOCKS
    assert shell(daily).returncode == 0
    with opened(fresh, 1) as project:
        project.publish(write_policy(fresh))
        project.record("withdrawn", ["u01"])

    assert (
        shell("MONTH=$(date -u +%Y-%m) DAY=$(date -u +%Y-%m-%d)", restore).returncode
        == 0
    )
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (fresh / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "restored/ledger.db", fresh / "ledger.db")

    refused = shell('assent --project "$PROJECT" ledger check')
    assert refused.returncode == 2
    assert "older" in refused.stderr or "signed" in refused.stderr
