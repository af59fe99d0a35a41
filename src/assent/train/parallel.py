"""Train many shards at once, one process a shard: parallel across, never inside."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import torch

from assent.errors import TrainError
from assent.train.host import check_host
from assent.train.initial import modules_of
from assent.train.loop import train_shard
from assent.train.plan import Plan, shard_folder
from assent.train.rows import read_part

LOOK_EVERY = 0.2  # seconds between two looks at the checkpoints

Shard = tuple[str, int]  # group, shard number
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What one worker did.

    `content_read` is the SHA-256 of the Parquet bytes that it parsed. A shard is
    `served` only if it has documents to train on; else it stays at the clean base.
    """

    digest: str
    content_read: str
    served: bool


class Workers(Protocol):
    """Where shards are trained: in processes of this host, or on a cluster."""

    def check(self, plan: Plan, base: Path | None) -> None:
        """Make sure that they give the plan's bits. Raises: TrainError: they do not."""

    def start(
        self,
        plan: Plan,
        key: bytes,
        tasks: Mapping[Shard, Path],
        folder: Path,
        base: Path | None,
    ) -> AbstractContextManager[Mapping[Shard, "Future[Trained]"]]:
        """Train every task's shard in a new process; at the end no one is at work."""


def train_part(
    plan: Plan,
    key: bytes,
    group: str,
    shard: int,
    part: Path,
    folder: Path,
    base: Path | None = None,
    on_slice: Callable[[int], None] | None = None,
) -> Trained:
    """Train one shard from its Parquet part into the model's folder.

    Raises:
        TrainError: the part cannot be read, or see `loop.train_shard`.
    """
    examples, content_read = read_part(part)
    own = shard_folder(folder, group, shard)
    digest = train_shard(
        plan, key, group, shard, examples, own, on_slice=on_slice, base=base
    )
    return Trained(digest, content_read, _slices_done(own) == plan.slices)


@dataclass(frozen=True, slots=True)
class Here:
    """Processes of this host.

    New processes import the caller's main module, so a script must guard its entry
    with `if __name__ == "__main__"`.

    Args:
        processes: at once, one core each.
    """

    processes: int = 2

    def check(self, plan: Plan, base: Path | None) -> None:
        """Make sure that this host gives the plan's bits; see `host.check_host`."""
        check_host(plan, base)

    @contextmanager
    def start(
        self,
        plan: Plan,
        key: bytes,
        tasks: Mapping[Shard, Path],
        folder: Path,
        base: Path | None,
    ) -> Iterator[Mapping[Shard, "Future[Trained]"]]:
        """Train; the key travels to the processes by pipe, never by file.

        Raises:
            TrainError: this host cannot reproduce the plan, or a process was killed.
        """
        check_host(plan, base)
        # A fork would inherit this process's threads; a server that only imports has
        # none.
        context = get_context("forkserver")
        # What takes seconds to import is imported once, and not in each worker.
        context.set_forkserver_preload([__name__, *modules_of(plan, base)])
        with ProcessPoolExecutor(
            self.processes, context, initializer=_ready_worker
        ) as pool:
            with _interrupts_held():
                futures = {
                    task: pool.submit(
                        train_part, plan, key, *task, tasks[task], folder, base
                    )
                    for task in sorted(tasks)
                }
            try:
                yield futures
            except BrokenProcessPool as error:
                raise TrainError(
                    "a training process was killed before it finished",
                    hint="check free memory, then run again: it goes on where it "
                    "stopped",
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


HERE = Here()


def train_shards(
    plan: Plan,
    key: bytes,
    tasks: Mapping[Shard, Path],
    folder: Path,
    workers: Workers = HERE,
    progress: Progress | None = None,
    base: Path | None = None,
) -> dict[Shard, Trained]:
    """Train every task's shard, each in a process of its own.

    What was trained before an interruption is kept: a shard goes on from its last
    whole checkpoint of the same documents.

    Args:
        plan: sealed on a host of the workers' class.
        key: the plan's secret.
        tasks: each shard's Parquet part; a part without rows is allowed.
        folder: of the model; each shard has its own folder inside.
        workers: where they are trained.
        progress: called in this process with slices done and slices in all.
        base: folder of the plan's base; None where it has none.

    Raises:
        TrainError: a host cannot reproduce the plan, or a shard cannot be trained.
    """
    with workers.start(plan, key, tasks, folder, base) as futures:
        if futures:
            _follow(plan, futures, folder, progress)
        return {task: future.result() for task, future in futures.items()}


def _follow(
    plan: Plan,
    futures: Mapping[Shard, "Future[Trained]"],
    folder: Path,
    progress: Progress | None,
) -> None:
    """Report slices as their checkpoints appear, until all is done or one fails."""
    total, shown = len(futures) * plan.slices, -1
    pending: set[Future[Trained]] = set(futures.values())
    while pending:
        finished, pending = wait(pending, LOOK_EVERY, FIRST_EXCEPTION)
        for future in finished:
            future.result()  # raises what the worker raised
        if progress is not None:
            done = sum(
                plan.slices
                if future.done()
                else _slices_done(shard_folder(folder, group, shard))
                for (group, shard), future in futures.items()
            )
            if done > shown:  # stale checkpoints vanish first: never count down
                progress(done, total)
                shown = done


def _slices_done(folder: Path) -> int:
    """Count finished slices by the JSON files that make checkpoints exist."""
    return sum(path.name != "slice-0.json" for path in folder.glob("slice-*.json"))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while workers start: they inherit the mask, and take it off."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ready_worker() -> None:
    # Ctrl-C reaches every process of the terminal: a worker leaves at once, in silence,
    # and what it was writing is a draft; the parent tells the user.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)


def train_alone(
    plan: Plan,
    key: bytes,
    group: str,
    shard: int,
    part: Path,
    folder: Path,
    base: Path | None = None,
    workers: Workers = HERE,
) -> Trained:
    """Train one shard in a process of its own that has never seen another run.

    Raises:
        TrainError: a host cannot reproduce the plan, or see `train_shards`.
    """
    task = (group, shard)
    return train_shards(plan, key, {task: part}, folder, workers, base=base)[task]
