"""The ledger's process is killed at each write step, and at random instants.

After each kill the next start must find every event that was acknowledged, under a
signed head of its own size; a batch that was not is there whole, or not at all; and it
says what it found.
"""

import base64
import os
import random
import shutil
import signal
import tempfile
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

import small_project
from assent.errors import UsageError
from assent.ledger.heads import MADE
from assent.project.place import Place
from assent.terms import EventKind
from killed_ledger import (
    NOW,
    ORIGIN,
    Case,
    Killer,
    Known,
    appending,
    batch,
    cosigning,
    creating,
    looping,
    refused,
    shredding,
)

pytest_plugins = ("servers",)

# --- the steps, in order: what is asked of the disk or the server -------------------

FOLDERS = """
mkdir project; mkdir policies; mkdir notices; mkdir objects; mkdir data
mkdir corpora; mkdir models; mkdir exports; mkdir shares; mkdir .spill
mkdir secrets; mkdir secrets
"""
KEY = """
mkdir secrets; unlink .{0}.key.draft; open .{0}.key.draft; fsync .{0}.key.draft
replace .{0}.key.draft; fsync secrets
"""
TABLES = """
ledger: CREATE TABLE entries; ledger: CREATE INDEX public_entries
ledger: CREATE TABLE tiles; ledger: CREATE TABLE bodies
ledger: CREATE INDEX bodies_of_subject; ledger: CREATE UNIQUE INDEX enrolments
ledger: CREATE TABLE heads; ledger: CREATE INDEX heads_by_root
ledger: CREATE TABLE cosignatures; ledger: CREATE TABLE marks
ledger: CREATE TABLE shreddings; ledger: CREATE TABLE ids; ledger: INSERT INTO heads
ledger: COMMIT
"""
FIRST_SEEN = "open seen; pwrite seen; fsync seen; fsync secrets"
DECLARED = """
mkdir project; unlink .assent.toml.draft; open .assent.toml.draft
fsync .assent.toml.draft; replace .assent.toml.draft; fsync project; tell
"""
NEW_SECRET = "vault: BEGIN; vault: INSERT INTO secrets; vault: COMMIT"
SEEN = "open seen; pwrite seen; tell"
ERASED = """
ledger: BEGIN; ledger: UPDATE bodies; ledger: UPDATE bodies
ledger: DELETE FROM ids; ledger: DELETE FROM ids; ledger: INSERT INTO shreddings
ledger: INSERT INTO marks; ledger: COMMIT; ledger: BEGIN
vault: BEGIN; vault: DELETE FROM secrets; vault: COMMIT
"""
COSIGN = """
ledger: BEGIN; ledger: DELETE FROM cosignatures; ledger: INSERT INTO cosignatures
ledger: COMMIT; tell
"""

SQLITE = {
    "create": f"""{FOLDERS}
        open vault.db; chmod vault.db; vault: PRAGMA journal_mode
        vault: PRAGMA synchronous; vault: PRAGMA secure_delete; vault: BEGIN
        vault: CREATE TABLE secrets; vault: COMMIT
        mkdir project; open ledger.db; ledger: PRAGMA journal_mode
        ledger: PRAGMA wal_autocheckpoint; ledger: PRAGMA cache_size
        ledger: PRAGMA synchronous; ledger: PRAGMA secure_delete
        {KEY.format("signing")}; ledger: BEGIN; {TABLES}; {FIRST_SEEN}; {DECLARED}""",
    "append": f"""
        ledger: BEGIN; {NEW_SECRET}; ledger: INSERT INTO marks; ledger: INSERT INTO ids
        ledger: INSERT INTO entries; ledger: INSERT INTO entries
        ledger: INSERT INTO bodies; ledger: INSERT INTO bodies
        ledger: INSERT INTO tiles; ledger: INSERT INTO heads; ledger: COMMIT; {SEEN}""",
    "shred": f"""{ERASED}; ledger: DELETE FROM shreddings; ledger: COMMIT
        ledger: PRAGMA wal_checkpoint; tell""",
    "cosign": COSIGN,
}
POSTGRES = {
    "create": f"""{FOLDERS}
        vault: BEGIN; vault: CREATE SCHEMA IF NOT EXISTS vault; vault: REVOKE
        vault: CREATE TABLE secrets; vault: COMMIT; {KEY.format("signing")}
        ledger: BEGIN; ledger: CREATE SCHEMA IF NOT EXISTS ledger; ledger: REVOKE
        {TABLES}; {FIRST_SEEN}; {DECLARED}""",
    "append": f"""
        ledger: BEGIN; {NEW_SECRET}; ledger: INSERT INTO marks
        ledger: COPY ids; ledger: COPY entries; ledger: COPY bodies
        ledger: INSERT INTO tiles; ledger: INSERT INTO heads; ledger: COMMIT; {SEEN}""",
    "shred": f"""{ERASED}
        vault: VACUUM (FULL) secrets; ledger: DELETE FROM shreddings; ledger: COMMIT
        ledger: VACUUM entries; ledger: VACUUM bodies; ledger: VACUUM ids; tell""",
    "cosign": COSIGN,
}


def listed(text):
    lines = text.replace("\n", ";").split(";")
    return [line.strip() for line in lines if line.strip()]


@pytest.fixture(scope="module")
def killer():
    with closing(Killer()) as killer:
        yield killer


@pytest.fixture(scope="module")
def server():
    """The address of a server for this module alone: it is killed too."""
    import servers  # not above: it is a plugin

    if servers.missing():
        pytest.skip(servers.missing())
    with servers.cluster(fsync=False) as address:  # no power cut here
        yield address


DECLARATIONS = small_project.CONFIG.replace("toy.example/ledger", ORIGIN)
STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture
def folder(tmp_path):
    """A folder in memory where there is one: a kill, unlike a power cut, spares it."""
    memory = Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)


@pytest.fixture
def file_case(folder):
    return Case(folder / "project", DECLARATIONS)


@pytest.fixture
def server_case(folder, database):
    line = f'[project]\nledger = "{database}"\n'
    text = DECLARATIONS.replace("[project]\n", line, 1)
    return Case(folder / "project", text, database)


@pytest.fixture(params=STORES)
def case(request):
    """Where a ledger shall be."""
    name = "server_case" if request.param == "postgres" else "file_case"
    return request.getfixturevalue(name)


def steps_of(case, action):
    return listed((POSTGRES if case.server else SQLITE)[action])


def each_kill(killer, steps, action, case, given, first=1):
    """Kill before each step, until it ends; gives what was done before each kill."""
    for at in count(first):
        ended = killer.break_off(at, action, case, *given(at))
        assert ended.steps == steps[:at]
        yield ended.steps[:-1] if ended.killed else steps
        if not ended.killed:
            assert ended.code == 0
            assert at == len(steps) + 1
            return


def kinds(book, name):
    return [body["kind"] for _, _, body, _ in book.events_of(name)]


# --- a kill at each step ------------------------------------------------------------


def test_a_ledger_whose_making_is_killed_at_any_step_is_made_by_the_next_try(
    killer, case
):
    def fresh(at):
        shutil.rmtree(case.folder, ignore_errors=True)
        drop(case)
        return ()

    steps = steps_of(case, "create")
    # Before it asks a server, there is no difference from a file.
    first = steps.index("vault: BEGIN") if case.server else 1
    for done in each_kill(killer, steps, creating, case, fresh, first):
        begun = {"open ledger.db", "replace .signing.key.draft"} & set(done)
        if "replace .assent.toml.draft" in done:
            with pytest.raises(UsageError, match="there is a project"):
                case.create()
            place = Place.open(case.folder, lambda: NOW)
        else:
            with pytest.raises(UsageError):
                Place.open(case.folder, lambda: NOW)
            place = Place.create(case.folder, case.config, lambda: NOW)
        with closing(place):
            cut_off = begun and "pwrite seen" not in done
            assert place.book.findings == ([MADE] if cut_off else [])
            assert place.book.head().size == 0
            assert place.book.check() == []
            assert list(place.book.append(batch("ana"))) == [0, 1]
            assert place.book.check() == []


def drop(case):
    if case.server:
        import psycopg

        with closing(psycopg.connect(case.server, autocommit=True)) as admin:
            admin.execute("SET client_min_messages = warning")
            admin.execute("DROP SCHEMA IF EXISTS ledger, vault CASCADE")


def test_an_append_that_is_killed_at_any_step_is_whole_or_absent(killer, case):
    case.create()
    steps, wholes = steps_of(case, "append"), 0
    known = []

    for done in each_kill(killer, steps, appending, case, lambda at: [f"s{at}"]):
        name = f"s{len(done) + 1}"
        whole = "ledger: COMMIT" in done
        spare = "vault: COMMIT" in done and not whole
        size = len(known) + 2 * whole
        wholes += whole
        with case.opened() as (book, vault):
            said = [f"entries {len(known)} to {size - 1} were appended by a writer"]
            if not whole or "pwrite seen" in done:
                said = []
            assert [text[: len(said[0])] for text in book.findings] == said
            assert book.head().size == size
            assert list(book.entries(0, size))[: len(known)] == known
            assert kinds(book, name) == (["enrolled", "refused"] if whole else [])
            assert book.marked("import") == 2 * wholes
            left = book.check()
            assert len(left) == spare
            assert not spare or "of nobody who is enrolled: 1;" in left[0]
            # The next append goes on, and takes the secret that is there.
            drawn = vault.secrets([name])
            assert bool(drawn) == (whole or spare)
            book.append([refused(name)] if whole else batch(name))
            assert vault.secrets([name]).items() >= drawn.items()
            assert book.check() == []
            known = list(book.entries(0, book.size))
        with case.opened() as (book, _):
            assert book.findings == []


def test_a_shredding_that_is_killed_at_any_step_is_ended_by_the_next_start(
    killer, case
):
    case.create()
    # Equally long: `1` and the first byte of a secret could read as `12`.
    names = (f"person-number-{number:03}" for number in count())

    def person(at):
        nonlocal name, before, needles
        name = next(names)
        with case.opened() as (book, vault):
            ids = [None, (f"event of {name}", bytes(32))]
            book.append(batch(name), ids=ids)
            [_, (_, _, _, opening)] = book.events_of(name)
            needles = [name.encode(), vault.secret(name), opening]
            before = list(book.entries(0, book.size))
        return [name]

    name, before, needles = "", [], []
    # The first shredding draws a key: a kill there has touched nobody.
    key = listed("ledger: BEGIN;" + KEY.format("erasure"))
    for at in range(1, len(key) + 1):
        ended = killer.break_off(at, shredding, case, *person(at))
        assert (ended.steps, ended.killed) == (key[:at], True)
        with case.opened() as (book, _):
            assert (book.findings, book.check()) == ([], [])
            assert kinds(book, name) == ["enrolled", "refused"]

    for done in each_kill(killer, steps_of(case, "shred"), shredding, case, person):
        commits = done.count("ledger: COMMIT")
        with case.opened() as (book, vault):
            said = [f"the shredding of `{name}` was cut off, and is done"]
            assert book.findings == (said if commits == 1 else [])
            assert list(book.entries(0, book.size)) == before
            assert book.check() == []
            assert kinds(book, name) == ([] if commits else ["enrolled", "refused"])
            assert bool(vault.secrets([name])) == (not commits)
            assert book.shred(name) == (0 if commits else 2)
            assert book.check() == []
        assert held(case, needles) == []


def held(case, needles):
    """Say what is still in a file of the project, or in a table, and where."""
    files = [path for path in case.folder.rglob("*") if path.is_file()]
    found = {path.name: path.read_bytes() for path in files}
    if case.server:
        import psycopg

        with closing(psycopg.connect(case.server)) as reader:
            for table in ("ledger.bodies", "ledger.ids", "ledger.shreddings"):
                found[table] = table_bytes(reader, table)
            found["vault.secrets"] = table_bytes(reader, "vault.secrets")
    return [
        (each, where) for where in found for each in needles if each in found[where]
    ]


def table_bytes(reader, table):
    rows = reader.cursor(binary=True).execute(f"SELECT * FROM {table}".encode())
    values = [value for row in rows for value in row]
    return b"".join(each if isinstance(each, bytes) else str(each).encode()
                    for each in values)  # fmt: skip


def test_witnesses_lines_whose_keeping_is_killed_are_the_old_or_the_new(killer, case):
    case.create()
    steps, kept = steps_of(case, "cosign"), ""

    def line(at):  # one key, each time a later line
        data = bytes(4) + at.to_bytes(8, "big")
        return f"\u2014 witness.example/w1 {base64.b64encode(data).decode()}"

    def given(at):
        return 0, line(at)

    for done in each_kill(killer, steps, cosigning, case, given):
        if "ledger: COMMIT" in done:
            kept = f"{line(len(done) + 1)}\n"
        with case.opened() as (book, _):
            assert (book.findings, book.check()) == ([], [])
            assert book.cosigned_note(0) == book.head_note(0) + kept
            if not kept:  # else it would never be seen that an old one stays
                book.keep_cosignatures(0, [line(0)])
                kept = f"{line(0)}\n"


def test_a_journal_that_ends_anywhere_gives_the_old_ledger_or_the_new(file_case):
    """What a power cut leaves of a commit: SQLite writes its journal from the front."""
    case, frame, sizes = file_case, 24 + 4096, []
    seen, journal = case.folder / "secrets/seen", case.folder / "ledger.db-wal"
    case.create()
    with case.opened() as (book, _):
        book.append(batch("ana"))
    before, database = seen.read_bytes(), case.where.read_bytes()
    with case.opened() as (book, _):
        book.append(batch("bo"))
        written = journal.read_bytes()
    assert (len(written) - 32) % frame == 0

    for start in range(32, len(written) + 1, frame):
        for end in (start - 32, start - 1, start, start + 24, start + 2000):
            case.where.write_bytes(database)
            journal.write_bytes(written[:end])
            seen.write_bytes(before)
            with case.opened() as (book, _):
                sizes.append((end, book.size))
                assert len(book.findings) == (book.size == 4)
                book.check()
    assert {size for _, size in sizes} == {2, 4}
    assert all(size == 2 for end, size in sizes if end < len(written))


# --- a server that goes away ----------------------------------------------------------


@pytest.mark.postgres
def test_a_commit_that_was_sent_and_never_answered_is_whole(killer, server_case):
    case = server_case
    case.create()
    at = steps_of(case, "append").index("ledger: COMMIT") + 1
    assert killer.break_off(at, appending, case, "ana", how="sent").killed

    with case.opened() as (book, _):
        book.publish(EventKind.SUSPENSION_ORDERED, NOW, {})  # waits for the commit
        assert book.size == 3
        assert kinds(book, "ana") == ["enrolled", "refused"]
        assert book.check() == []


@pytest.mark.postgres
def test_an_append_whose_server_cuts_it_off_at_any_step_is_one_error(
    killer, server_case
):
    case = server_case
    case.create()
    steps = steps_of(case, "append")
    for at, step in enumerate(steps, 1):
        ended = killer.break_off(at, appending, case, f"s{at}", how="cut")
        whole = at > steps.index("ledger: COMMIT") + 1
        with case.opened() as (book, _):
            held = kinds(book, f"s{at}")
            assert held == (["enrolled", "refused"] if whole else [])
            book.check()
        if whole:
            assert (ended.code, ended.refused) == (0, [])
            continue
        [(message, hint)] = ended.refused
        assert ended.code == 2
        if step.endswith("COMMIT"):  # nobody can know; it says so
            assert "all of the last change, or none" in message
            assert "before you record them again" in hint
        else:
            assert "nothing was changed" in message


@pytest.mark.postgres
def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(
    killer, server, server_case
):
    import servers

    case, known = server_case, Known()
    case.create()
    for number in range(2):
        killer.start(looping, case, f"r{number}", 0)
        assert killer.next() == "opened"
        time.sleep(0.1)
        servers.restart(server)
        ended = killer.end()
        assert ended.code == 2
        assert len(ended.refused) == 1
        known.told(ended.told)
        known.compare(case)
    assert known.appended


# --- a kill at any instant ------------------------------------------------------------


@pytest.mark.parametrize(
    ("store", "kills"),
    [("sqlite", 200), pytest.param("postgres", 40, marks=pytest.mark.postgres)],
)
def test_what_was_acknowledged_survives_a_kill_at_any_instant(
    killer, request, store, kills
):
    case = request.getfixturevalue("file_case" if store == "sqlite" else "server_case")
    case.create()
    draw, known, lasts = random.Random(20251126), Known(), 0.01
    for number in range(kills):
        if number % 50 == 0 and store == "sqlite":  # the whole check stays short
            shutil.rmtree(case.folder)
            case.create()
            known = Known()
        pid = killer.start(looping, case, f"r{number}", 0)
        # Somewhere in the opening or in one of the first appends, however slow we are.
        heard = [killer.next() for _ in range(draw.choice((0, 1, 2, 3, 4, 5, 6, 7)))]
        begun = time.monotonic()
        time.sleep(draw.uniform(0, lasts))
        os.kill(pid, signal.SIGKILL)
        ended = killer.end()
        assert ended.killed
        if ended.told:
            lasts = (time.monotonic() - begun) / len(ended.told)
        known.told(each for each in heard + ended.told if each != "opened")
        known.compare(case)
