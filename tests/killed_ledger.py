"""A ledger in a process that is killed: at a named step, or at any instant.

A step is a write that the process asks for: a statement that is no SELECT, or a call
that changes a file. They are found, not listed: every connection and every such call of
the process is watched. What lies below, SQLite's own writes and the server's, only a
random instant hits.

`Killer` talks to a process that has loaded everything and forks one for each kill.
"""

import os
import pickle
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from assent.errors import Error
from assent.ledger.book import Book
from assent.ledger.vault import Vault
from assent.project.place import Place
from assent.terms import Event, EventKind

NOW = 1_700_000_000_000_000
ORIGIN = "log.example"
SAID = re.compile(
    r"(CREATE (UNIQUE )?(TABLE|INDEX|SCHEMA)( IF NOT EXISTS)? |REVOKE|INSERT INTO |"
    r"UPDATE |DELETE FROM |COPY |VACUUM \(FULL\) |VACUUM |PRAGMA |BEGIN|COMMIT|"
    r"ROLLBACK)(\w*)"
)
READS = re.compile(r"\s*(SELECT|WITH)")
CALLS = ("mkdir", "open", "chmod", "pwrite", "ftruncate", "fsync", "replace", "unlink")
CHANGES = os.O_CREAT | os.O_WRONLY | os.O_RDWR


@dataclass
class Case:
    """Where a ledger is: a project's folder, its declarations, a server or None."""

    folder: Path
    config: str
    server: str | None = None

    @property
    def where(self):
        return self.server or self.folder / "ledger.db"

    @contextmanager
    def opened(self):
        """Open the vault and the ledger as a new process would."""
        with closing(Vault(self.folder / "secrets", os.urandom, self.where)) as vault:
            book = Book.open(self.where, ORIGIN, vault, lambda: NOW)
            with closing(book):
                yield book, vault

    def create(self):
        Place.create(self.folder, self.config, lambda: NOW).close()


class Steps:
    """Tells each write before it is made, and breaks off before the `at`-th, from 1 on.

    How: the process is killed, or the server gives up its connections (`cut`), or the
    process is killed when it has sent the COMMIT and before it has an answer (`sent`).
    """

    def __init__(self, at, how="kill", server=None):
        self.at, self.how, self.server = at, how, server
        self.seen = 0
        self.counting = False
        self.paths = {}

    def __call__(self, name, connection=None):
        if self.counting:
            self.seen += 1
            say(("step", name))
            if self.seen == self.at:
                self.break_off(connection)

    def break_off(self, connection):
        if self.how == "cut":
            self.counting = False
            cut(self.server)
            return
        if self.how == "sent":
            connection.pgconn.send_query(b"COMMIT")
            while connection.pgconn.flush():
                pass
        os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, where, text, connection=None):
        if not READS.match(text):
            said = SAID.match(" ".join(text.replace('"', "").split()))
            self(f"{where}: {said[0] if said else text}", connection)

    def watch(self):
        """Watch every connection, and every call that changes a file."""
        for name in CALLS:
            setattr(os, name, self.watched(name, getattr(os, name)))
        connect = sqlite3.connect

        def traced(path, *given, **named):
            found = connect(path, *given, **named)
            found.set_trace_callback(lambda text: self.statement(path.stem, text))
            return found

        sqlite3.connect = traced
        self.watch_server()

    def watched(self, name, whole):
        def call(first, *given, **named):
            path = self.paths.get(first, first)
            if name != "open" or given[0] & CHANGES:
                self(f"{name} {Path(str(path)).name}")
            result = whole(first, *given, **named)
            if name == "open":
                self.paths[result] = first
            return result

        return call

    def watch_server(self):
        import psycopg

        for name in ("execute", "copy"):
            whole = getattr(psycopg.Cursor, name)
            setattr(psycopg.Cursor, name, self.asked(whole))

    def asked(self, whole):
        def call(cursor, query, *given, **named):
            text = query if isinstance(query, str | bytes) else query.as_string(cursor)
            text = text.decode() if isinstance(text, bytes) else text
            layout = "vault" if "=vault" in cursor.connection.info.options else "ledger"
            self.statement(layout, text, cursor.connection)
            return whole(cursor, query, *given, **named)

        return call


def cut(server):
    """Let the server end all connections of Assent to a database, and wait for it."""
    import psycopg

    with closing(psycopg.connect(server)) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'assent' AND datname = current_database()"
        )


def enrolled(subject_id):
    return Event(EventKind.ENROLLED, NOW, subject_id)


def refused(subject_id):
    return Event(EventKind.REFUSED, NOW, subject_id)


def batch(name, more=1):
    """Somebody is enrolled and refuses, some times."""
    return [enrolled(name), *[refused(name)] * more]


# --- what the process does: each takes a case, the steps, and what it can tell --------


def creating(case, steps):
    steps.counting = True
    case.create()
    steps("tell")


def appending(case, steps, name):
    with case.opened() as (book, _):
        ids = [None, (f"event of {name}", bytes(32))]
        mark = ("import", book.marked("import") + 2)
        steps.counting = True
        book.append(batch(name), mark=mark, ids=ids)
        steps("tell")
        steps.counting = False


def shredding(case, steps, name):
    with case.opened() as (book, _):
        steps.counting = True
        book.shred(name)
        steps("tell")
        steps.counting = False


def cosigning(case, steps, size, line):
    with case.opened() as (book, _):
        steps.counting = True
        book.keep_cosignatures(size, [line])
        steps("tell")
        steps.counting = False


def looping(case, steps, name, rounds):
    """Append and shred, and tell of each as soon as it is done."""
    with case.opened() as (book, _):
        say(("told", "opened"))
        for number in range(rounds) if rounds else count():
            who = f"{name}-{number}"
            numbers = book.append(batch(who, number % 3))
            say(("told", ("appended", who, numbers)))
            if number % 4 == 3:
                gone = f"{name}-{number - 2}"
                say(("told", ("shredding", gone)))
                book.shred(gone)
                say(("told", ("shredded", gone)))


def working(case, steps, name, rounds, size):
    """Wait for the file `go`, append round after round, and tell of each."""
    with case.opened() as (book, _):
        say(("told", "opened"))
        while not (case.folder / "go").exists():
            time.sleep(0.001)
        for number in range(rounds):
            who = f"{name}-{number}"
            say(("told", (who, book.append(batch(who, size - 1)))))


def filling(case, steps, limit):
    """Append until no file may grow beyond a limit, then without one."""
    with case.opened() as (book, _):
        whole = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, whole[1]))
        try:
            for number in range(1000):
                who = f"f-{number}"
                say(("told", (who, book.append(batch(who)))))
        except Error as error:
            say(("refused", (error.message, error.hint)))
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
        say(("told", ("afterwards", book.append(batch("afterwards")))))


DONE = (creating, appending, shredding, cosigning, looping, working, filling)
ACTIONS = {each.__name__: each for each in DONE}


# --- the process that forks -----------------------------------------------------------


def serve():
    """Fork a process for each request, which says who it is, and say how it ended."""
    import assent.ledger.postgres  # noqa: F401  (loaded once, before all forks)

    while True:
        try:
            action, place, at, how, given = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pid = os.fork()
        if pid == 0:
            do(ACTIONS[action], Case(*place), at, how, given)
        _, status = os.waitpid(pid, 0)
        say(("ended", os.waitstatus_to_exitcode(status)))


def do(action, case, at, how, given):
    """Do something in a forked process; it does not come back."""
    code = 1
    say(("forked", os.getpid()))
    try:
        steps = Steps(at, how, case.server)
        if at:
            steps.watch()
        action(case, steps, *given)
        code = 0
    except Error as error:
        say(("refused", (error.message, error.hint)))
        code = 2
    except BaseException:  # noqa: BLE001  (the outer edge: it never comes back)
        traceback.print_exc()
    finally:
        os._exit(code)


def say(what):
    """Tell in one write, which is whole or absent: it is short."""
    os.write(sys.stdout.fileno(), pickle.dumps(what))


@dataclass
class Ended:
    """How a process ended: its steps, what it told, its error, its exit code."""

    steps: list
    told: list
    refused: list
    code: int

    @property
    def killed(self):
        return self.code == -signal.SIGKILL


class Killer:
    """Does things to a ledger in processes, and kills them."""

    def __init__(self):
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def close(self):
        self._server.stdin.close()
        assert self._server.wait(20) == 0
        self._server.stdout.close()

    def start(self, action, case, *given, at=0, how="kill"):
        """Start a process; returns its id."""
        place = case.folder, case.config, case.server
        request = (action.__name__, place, at, how, given)
        self._server.stdin.write(pickle.dumps(request))
        self._server.stdin.flush()
        return self.next("forked")

    def next(self, wanted="told"):
        what, said = pickle.load(self._server.stdout)
        assert what == wanted, (what, said)
        return said

    def end(self):
        """Wait for the process; returns everything that it told."""
        found = Ended([], [], [], 0)
        kinds = {"step": found.steps, "told": found.told, "refused": found.refused}
        while True:
            what, said = pickle.load(self._server.stdout)
            if what == "ended":
                found.code = said
                assert said != 1, "it made a mistake: see what it printed"
                return found
            kinds[what].append(said)

    def break_off(self, at, action, case, *given, how="kill"):
        """Do something, and break it off before its `at`-th step, from 1 on."""
        self.start(action, case, *given, at=at, how=how)
        return self.end()


class Known:
    """What processes told before they were killed."""

    def __init__(self):
        self.appended = {}
        self.shredding = set()
        self.shredded = set()
        self.entries = []

    def told(self, told):
        for what, who, *numbers in told:
            if what == "appended":
                [self.appended[who]] = numbers
            else:
                getattr(self, what).add(who)

    def compare(self, case):
        """Open the ledger as the next process would, append, and look at everything."""
        with case.opened() as (book, vault):
            for finding in book.findings:
                assert "appended by a writer" in finding or "shredding" in finding
            who = f"after {len(self.entries)}"
            numbers = book.append(batch(who))  # waits for a server that still works
            self.appended[who] = numbers
            assert book.head().size == numbers.stop
            book.check()
            entries = list(book.entries(0, book.size))
            assert entries[: len(self.entries)] == self.entries
            self.entries = entries
            rows = defaultdict(list)
            for row in book.events(book.size).to_pylist():
                rows[row["subject_id"]].append(row)
            assert not self.shredded & rows.keys()
            assert vault.secrets(self.shredded) == {}
        for who, numbers in self.appended.items():
            if who not in self.shredding:
                assert [row["entry"] for row in rows[who]] == list(numbers)
        for who, found in rows.items():  # whole, also where nobody was told of it
            wanted = int(who.split("-")[1]) % 3 if "-" in who else 1
            assert [row["kind"] for row in found] == ["enrolled"] + ["refused"] * wanted


if __name__ == "__main__":
    serve()
