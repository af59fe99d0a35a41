"""Erase in a process that is killed: forked from one that has loaded all already."""

import multiprocessing
import os
import signal
from pathlib import Path

from assent.project import erasing
from small_project import opened

LOADED = (__name__, erasing.__name__)


def run(folder, subject_id, out, at):
    """Erase somebody, and be killed before the `at`-th file gets or loses its name."""
    calls = 0

    def counted(whole):
        def call(*args, **named):
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return whole(*args, **named)

        return call

    os.replace, os.unlink = counted(os.replace), counted(os.unlink)
    with opened(folder, 2) as project:
        project.erase(subject_id, out)


def run_and_kill(folder: Path, subject_id: str, out: Path, at: int) -> int:
    """Erase and kill it; returns 0 when it has ended before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    process = context.Process(target=run, args=(folder, subject_id, out, at))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode
