"""Import in a process that is killed: forked from one that has loaded all already."""

import multiprocessing
import signal
from pathlib import Path

from assent import Project
from assent.project import importing
from assent.sources import events

BATCH = 40  # rows: many commits, so many instants to be killed at
LOADED = (__name__, importing.__name__)


def run(folder, path, told):
    """Import a file and tell of each step."""
    events.BATCH = BATCH

    def progress(what, done, total):
        told.send((what, done))

    with Project.open(folder) as project:
        project.import_events([path], enrol=True, progress=progress)


def run_and_kill(folder: Path, path: Path, after: int) -> int:
    """Import and kill it after so many steps; returns 0 when it has ended before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(folder, path, tells))
    process.start()
    tells.close()
    try:
        for _ in range(after):
            hears.recv()
        process.kill()
    except EOFError:
        pass  # it has ended: its exit code says how
    process.join()
    code = process.exitcode
    assert code in (0, -signal.SIGKILL)
    return code
