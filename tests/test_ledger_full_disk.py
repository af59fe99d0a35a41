"""A full disk: one clear error, nothing that was acknowledged lost, then it goes on.

Real are the small disks in memory, which only root can mount: the file system itself
says that no space is left, to SQLite and to a server. Simulated, for everybody: a
database that may have no more pages (SQLite's own "full", which a full disk gives too),
and a limit on the size of files, where writing ends in the middle of a file.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import small_project
from assent.errors import LedgerError
from assent.ledger.seen import Seen
from killed_ledger import ORIGIN, Case, Killer, enrolled, filling

pytest_plugins = ("servers", "command_line", "toy_projects")

DECLARATIONS = small_project.CONFIG.replace("toy.example/ledger", ORIGIN)
MIB = 1 << 20


@contextmanager
def disk(folder, size):
    """Mount a small disk in memory; gives what sets its size again, in bytes."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o"]
    done = subprocess.run([*mount, f"size={size}", "tmpfs", folder], check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount a disk")

    def resize(size):
        subprocess.run([*mount, f"remount,size={size}", "tmpfs", folder], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@pytest.fixture
def case(tmp_path):
    case = Case(tmp_path / "project", DECLARATIONS)
    case.create()
    return case


def fill(book, people=40):
    """Append until it is refused; returns who was acknowledged, and the error."""
    told = {}
    for number in range(1000):
        names = [f"f-{number}-{each}" for each in range(people)]
        try:
            numbers = book.append([enrolled(name) for name in names])
        except LedgerError as error:
            return told, error
        told.update(zip(names, numbers, strict=True))
    raise AssertionError("it was never full")


def everything_is_there(book, told):
    """Check that exactly what was acknowledged is there, and that it goes on."""
    rows = book.events(book.size).to_pylist()
    assert {row["subject_id"]: row["entry"] for row in rows} == told
    assert book.check() in ([], SPARE)
    assert list(book.append([enrolled("afterwards")])) == [len(told)]
    assert book.check() in ([], SPARE)


def spare(count):
    return [
        f"secrets in the vault of nobody who is enrolled: {count}; an enrolment was "
        "cut off, or is at work, and the next one of theirs takes them"
    ]


SPARE = spare(40)
"""The secrets of the batch that was refused: it may have come as far as that."""


def is_clear(error):
    assert "could not be read or written" in error.message
    assert "nothing was changed" in error.message
    assert "space" in error.hint
    assert error.exit_code == 2


def test_a_database_that_may_not_grow_is_one_error_and_goes_on_with_room(case):
    with case.opened() as (book, _):
        [(pages,)] = book._store.rows("PRAGMA page_count")
        book._store.rows(f"PRAGMA max_page_count = {pages + 30}")
        told, error = fill(book)
        is_clear(error)
        assert "full" in error.message
        assert told
        assert book.size == len(told)
        book._store.rows("PRAGMA max_page_count = 1000000")
        everything_is_there(book, told)


def test_files_that_may_not_grow_are_one_error_and_go_on_with_room(case):
    with closing(Killer()) as killer:
        killer.start(filling, case, 300_000)
        ended = killer.end()
    *told, (last, _) = ended.told
    [(message, hint)] = ended.refused

    assert (ended.code, last) == (0, "afterwards")
    assert len(told) > 5
    assert "could not be read or written" in message
    assert "free some space" in hint
    with case.opened() as (book, _):
        assert book.findings == []
        rows = book.events(book.size).to_pylist()
        numbers = [number for _, numbers in ended.told for number in numbers]
        assert [row["entry"] for row in rows] == numbers
        assert book.check() == spare(1)


def test_a_head_that_cannot_be_kept_leaves_the_one_before(tmp_path):
    notes = [f"l\n{size}\nroot\n\n\u2014 l {'x' * size}\n" for size in (9, 100)]
    Seen(tmp_path / "seen").keep(notes[0])
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (len(notes[0].encode()), len(notes[0].encode()) + 20):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, whole[1]))
        try:
            with pytest.raises(LedgerError, match="what was appended is in the ledger"):
                Seen(tmp_path / "seen").keep(notes[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, whole)
        assert Seen(tmp_path / "seen").note() == notes[0]
    Seen(tmp_path / "seen").keep(notes[1])
    assert Seen(tmp_path / "seen").note() == notes[1]


def test_a_disk_that_is_full_loses_nothing_and_goes_on_with_room(tmp_path):
    with disk(tmp_path / "disk", MIB) as resize:
        case = Case(tmp_path / "disk/project", DECLARATIONS)
        case.create()
        with case.opened() as (book, _):
            told, error = fill(book)
            is_clear(error)
            assert told
            assert book.size == len(told)  # it is still read
        resize(8 * MIB)
        with case.opened() as (book, _):
            everything_is_there(book, told)


def test_a_command_on_a_full_disk_is_one_error_and_done_with_room(
    tmp_path, recorded_once, assent
):
    with disk(tmp_path / "disk", 8 * MIB) as resize:
        folder = tmp_path / "disk/toy"
        shutil.copytree(recorded_once, folder)
        used = shutil.disk_usage(folder).used
        resize(used)
        said = assent("--project", folder, "record", "withdrawn", "u01")
        assert (said.code, len(said.errors), len(said.hints)) == (2, 1, 1), said.err
        assert "space" in said.hints[0]
        assert said.out == ""

        resize(8 * MIB)
        assert assent("--project", folder, "ledger", "check").out.startswith("25 ")
        said = assent("--project", folder, "record", "withdrawn", "u01")
        assert (said.code, said.err) == (0, "")
        assert assent("--project", folder, "ledger", "check").out.startswith("26 ")


@pytest.fixture
def small_server(server):
    """A database on a small disk of its own, and what sets the size of that."""
    import psycopg

    owner = os.stat(server.split("?host=")[1])
    name = f"small{os.urandom(4).hex()}"
    # Not in pytest's folders: they are closed to the server.
    folder = Path(tempfile.gettempdir()) / name
    with contextlib.ExitStack() as after:
        resize = after.enter_context(disk(folder, 10 * MIB))
        os.chown(folder, owner.st_uid, owner.st_gid)
        admin = psycopg.connect(server, autocommit=True)
        after.callback(admin.close)
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'".encode())
        after.callback(admin.execute, f"DROP TABLESPACE {name}".encode())
        admin.execute(f"CREATE DATABASE {name} TABLESPACE {name}".encode())
        after.callback(admin.execute, f"DROP DATABASE {name}".encode())
        yield server.replace("/postgres?", f"/{name}?"), resize


@pytest.mark.postgres
def test_a_server_whose_disk_is_full_loses_nothing_and_goes_on_with_room(
    small_server, tmp_path
):
    address, resize = small_server
    line = f'[project]\nledger = "{address}"\n'
    text = DECLARATIONS.replace("[project]\n", line, 1)
    case = Case(tmp_path / "project", text, address)
    case.create()
    with case.opened() as (book, _):
        told, error = fill(book, 500)
        is_clear(error)
        assert "No space left on device" in error.message
        assert told
        assert book.size == len(told)
        resize(40 * MIB)
    with case.opened() as (book, _):
        rows = book.events(book.size).to_pylist()
        assert {row["subject_id"]: row["entry"] for row in rows} == told
        assert book.check() in ([], spare(500))
        assert list(book.append([enrolled("afterwards")])) == [len(told)]
        assert book.check() in ([], spare(500))
