"""A PostgreSQL cluster for the tests: made in a folder, thrown away at the end.

It listens on a socket in a short path and on no port. The programs refuse to run as
root, so root hands the folder to the user `postgres`, or `nobody`.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
UNPRIVILEGED = ("postgres", "nobody")


def programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are; None when they are not installed."""
    for folder in FOLDERS:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def missing() -> str:
    """Say why there is no server for the tests; empty when there can be one."""
    if programs() is None:
        return "needs PostgreSQL's programs in /usr/lib/postgresql/*/bin"
    if os.geteuid() == 0 and shutil.which("runuser", path="/usr/sbin:/sbin") is None:
        return "needs `runuser`: PostgreSQL does not run as root"
    return ""


@contextmanager
def cluster(fsync: bool = True) -> Iterator[str]:
    """Start a cluster; gives the address of its database `postgres`.

    Without `fsync` what is committed outlives its processes, but no power cut.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    data, user = folder / "data", owner(folder)
    try:
        initdb = ["-D", data, "-A", "trust", "-U", "tester", "--encoding=UTF8"]
        run(user, "initdb", *initdb, "--locale=C", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync={fsync}"
        control = ["-D", data, "-w", "-t", "60"]
        run(user, "pg_ctl", *control, "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run(user, "pg_ctl", *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def restart(address: str) -> None:
    """Stop a cluster as a power cut of its processes would, and start it again."""
    folder = Path(address.split("?host=")[1])
    user = pwd.getpwuid(folder.stat().st_uid).pw_name if os.geteuid() == 0 else None
    control = ["-D", folder / "data", "-l", folder / "log", "-w", "-t", "60"]
    run(user, "pg_ctl", *control, "-m", "immediate", "restart")


def owner(folder: Path) -> str | None:
    """Give the folder to a user that is not root; None where we are none."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return name
    raise RuntimeError("no user to run PostgreSQL as")


def run(user: str | None, program: str, *arguments: object) -> None:
    """Run one of PostgreSQL's programs."""
    folder = programs()
    assert folder is not None
    command = [str(folder / program), *map(str, arguments)]
    if user is not None:
        command = ["/usr/sbin/runuser", "-u", user, "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/tmp")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a running server, one for all tests of a worker."""
    if missing():
        pytest.skip(missing())
    with cluster() as address:
        yield address


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """The address of an empty database, dropped after the test."""
    import psycopg

    name = f"t{os.urandom(6).hex()}"

    def carry_out(statement: str) -> None:
        # A connection each time: the server may have been restarted in between.
        with closing(psycopg.connect(server, autocommit=True)) as admin:
            admin.execute(statement.encode())

    carry_out(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    carry_out(f"DROP DATABASE {name} WITH (FORCE)")
