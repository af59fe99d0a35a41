"""Shards on the nodes of a Ray cluster: each one task, in a process of its own.

Nothing that a person wrote goes through Ray, whose object store spills to local disks
that `forget` does not reach. A task is told names; it reads and writes the project's
folder, on a file system that all nodes share. A ticket in that folder, which lives as
long as the command, shows a node that it is the same folder. It opens the plan's key,
which Ray never holds in the clear, and a task whose ticket is gone stops: what outlives
its command writes one checkpoint more at most.
"""

import hashlib
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import ray
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from ray.exceptions import RayError

from assent.errors import Error, TrainError, UsageError
from assent.files import SECRET_MODE, write_whole
from assent.train.host import check_host
from assent.train.parallel import Shard, Trained, train_part
from assent.train.plan import CUDA, Plan

ADDRESS = re.compile(r"ray://([^\s/]+):(\d{1,5})")
TICKET = ".cluster-"
NONCE_BYTES = 12
SECONDS = 5.0
"""How long an address may take to answer."""
PATIENCE = 30.0
"""Seconds that tasks which were cancelled are waited for."""

Answer = tuple[str, Trained | Error]  # which node says it, and what


@dataclass(frozen=True, slots=True)
class Errand:
    """What a node is told: names, and no content.

    Args:
        code: of the process that asks.
        ticket: its path.
        sealed_key: of the plan, to be opened with the ticket.
        plan: sealed on a host of the nodes' class.
        base: folder of the plan's base; None where it has none.
        shard: to train; None to see whether the node could.
        part: the shard's Parquet part.
        folder: of the model.
    """

    code: str
    ticket: Path
    sealed_key: bytes
    plan: Plan
    base: Path | None
    shard: Shard | None = None
    part: Path = Path()
    folder: Path = Path()


@contextmanager
def connected(address: str, shared: Path) -> Iterator["Cluster"]:
    """Connect this process to a cluster, for as long as a command takes.

    Args:
        address: `ray://HOST:PORT`, where Ray's client server listens.
        shared: the project's folder, under one path on this host and on every node.

    Raises:
        UsageError: it is no such address, no cluster of this release answers there, or
            this process is connected to one already.
    """
    _check_answers(address)
    if ray.is_initialized():
        raise UsageError(
            "this process is connected to a Ray cluster already",
            hint="call `ray.shutdown()` first, or use another process",
        )
    try:
        ray.init(address, configure_logging=False, log_to_driver=False)
    except (OSError, RuntimeError, ValueError, ImportError, RayError) as error:
        raise UsageError(
            f"no connection to Ray can be made at `{address}`: {type(error).__name__}",
            hint="it needs a client server there, of the Python and Ray of this host, "
            "and `RAY_AUTH_TOKEN` where the cluster asks for it",
        ) from error
    try:
        with _ticket(shared) as ticket:
            yield Cluster(ticket)
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise UsageError(
            f"`{address}` is no address of a Ray cluster",
            hint="name its client server: `--on ray://HOST:10001`",
        )
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"nothing answers at `{address}`",
            hint="start the head node with `ray start --head`, which listens on 10001",
        ) from error


@contextmanager
def _ticket(shared: Path) -> Iterator[Path]:
    for left in shared.glob(f"{TICKET}*"):
        left.unlink(missing_ok=True)  # of a command that was killed
    # A new name each time: a node may remember that an old one was not there.
    path = shared.absolute() / f"{TICKET}{os.urandom(8).hex()}"
    write_whole(path, ChaCha20Poly1305.generate_key(), SECRET_MODE)
    # Crash here: random bytes that open nothing more, and that the next command drops.
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


class Cluster:
    """The nodes of a Ray cluster, as `parallel.Workers`.

    Args:
        ticket: its path, in the folder that all nodes share.
    """

    def __init__(self, ticket: Path) -> None:
        self._ticket = ticket

    def check(self, plan: Plan, base: Path | None) -> None:
        """Let the first node that is free show that it can train.

        It is one of many: each is asked again, in each task, before it reads a part.

        Raises:
            UsageError: no node has what a task needs.
            TrainError: the node cannot reproduce the plan, or shares no folder with us.
        """
        with self._sent(plan, [self._errand(plan, b"", base)]) as [future]:
            future.result()

    @contextmanager
    def start(
        self,
        plan: Plan,
        key: bytes,
        tasks: Mapping[Shard, Path],
        folder: Path,
        base: Path | None,
    ) -> Iterator[Mapping[Shard, "Future[Trained]"]]:
        """Train each shard where a core is free, and a GPU where the plan wants one.

        Raises:
            UsageError: no node has what a task needs.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        shards = sorted(tasks)
        errands = [
            self._errand(plan, key, base, shard, tasks[shard].absolute(), folder)
            for shard in shards
        ]
        with self._sent(plan, errands) as futures:
            yield dict(zip(shards, futures, strict=True))

    def _errand(self, plan: Plan, key: bytes, base: Path | None, *what: Any) -> Errand:
        nonce = os.urandom(NONCE_BYTES)
        cipher = ChaCha20Poly1305(self._ticket.read_bytes())
        sealed = nonce + cipher.encrypt(nonce, key, None)
        return Errand(
            code(), self._ticket, sealed, plan, base and base.absolute(), *what
        )

    @contextmanager
    def _sent(
        self, plan: Plan, errands: Sequence[Errand]
    ) -> Iterator[list["Future[Trained]"]]:
        # Where nobody is connected, Ray would start a cluster of its own on this host.
        if not ray.is_initialized():
            raise TrainError(
                "the connection to the cluster is lost",
                hint="run again: it goes on where it stopped",
            )
        task = _task(plan)
        sent: list[tuple[Any, Future[Trained]]] = []
        try:
            for errand in errands:
                reference = task.remote(errand)
                sent.append((reference, _promise(errand.shard, reference)))
            yield [future for _, future in sent]
        finally:
            left = [reference for reference, future in sent if not future.done()]
            with suppress(ConnectionError):  # then the missing ticket ends what is left
                for reference in left:
                    if ray.is_initialized():
                        ray.cancel(reference, force=True)
                if left and ray.is_initialized():
                    ray.wait(left, num_returns=len(left), timeout=PATIENCE)


def _task(plan: Plan) -> Any:
    """Make `carry_out` a task that runs once, in a process that ran nothing before.

    Ray's own retries are off, though one would give the same bits: a node that is only
    cut off could still be writing. Whoever runs the command again decides that.
    """
    needs = {"CPU": 1, "GPU": int(plan.device == CUDA)}
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, wanted in needs.items():
        if there.get(name, 0) < wanted:
            raise UsageError(
                f"no node of the cluster has a {name}, and each shard needs one",
                hint="start a node that has one, then run again",
            )
    return ray.remote(
        num_cpus=needs["CPU"],
        num_gpus=needs["GPU"],
        max_calls=1,
        max_retries=0,
        scheduling_strategy="SPREAD",
    )(carry_out)


def _promise(shard: Shard | None, reference: Any) -> "Future[Trained]":
    promised: Future[Trained] = Future()
    reference.future().add_done_callback(partial(_deliver, shard, promised))
    return promised


def _deliver(
    shard: Shard | None, promised: "Future[Trained]", came: "Future[Answer]"
) -> None:
    """Hand over what a task answered, or say whose task gave none."""
    named = f"shard {shard[1]} of group `{shard[0]}`" if shard else "a first task"
    error = came.exception()
    if error is not None:
        lost = TrainError(
            f"{named} was ended by the cluster before it finished: "
            f"{type(error).__name__}",
            hint="see that its nodes are up and have Assent, then run again: it goes "
            "on where it stopped",
        )
        lost.__cause__ = error
        promised.set_exception(lost)
        return
    node, found = came.result()
    if isinstance(found, Error):
        promised.set_exception(type(found)(f"node `{node}`: {found}", found.hint))
    else:
        promised.set_result(found)


# -- on a node -------------------------------------------------------------------------


def carry_out(errand: Errand) -> Answer:
    """Do an errand on a node; what is refused is an answer, and in no log of Ray's."""
    node = f"{socket.gethostname()}, {ray.get_runtime_context().get_node_id()[:8]}"
    try:
        return node, carried_out(errand)
    except Error as error:
        return node, error


def carried_out(errand: Errand) -> Trained:
    """Train a shard, unless this node would give other bits or has another folder.

    Returns:
        What became of the shard; empty digests where none was named.

    Raises:
        TrainError: its code, host or folder is another one; or see `loop.train_shard`.
    """
    if errand.code != code():
        raise TrainError(
            "it has other code of Assent than the command",
            hint="install the same release of Assent on every node",
        )
    key = _key(errand)
    check_host(errand.plan, errand.base)
    if errand.shard is None:
        return Trained("", "", served=False)
    return train_part(
        errand.plan,
        key,
        *errand.shard,
        errand.part,
        errand.folder,
        errand.base,
        on_slice=lambda _: _check_wanted(errand),
    )


def _key(errand: Errand) -> bytes:
    """Open the key with the ticket; only the folder of the command holds it."""
    nonce, sealed = errand.sealed_key[:NONCE_BYTES], errand.sealed_key[NONCE_BYTES:]
    places = [errand.ticket, *([errand.part, errand.folder] if errand.shard else [])]
    try:
        key = ChaCha20Poly1305(errand.ticket.read_bytes()).decrypt(nonce, sealed, None)
        shared = len({path.stat().st_dev for path in places}) == 1
    except (OSError, ValueError, InvalidTag):
        shared = False
    if not shared:
        raise TrainError(
            "it does not share the project's folder with the command",
            hint="keep the project on one file system that every node has under the "
            "same path, and run Ray as its owner",
        )
    return key


def _check_wanted(errand: Errand) -> None:
    if not errand.ticket.exists():
        raise TrainError("the command that asked for this shard has ended")


@cache
def code() -> str:
    """Name the code that decides what is trained on which rows."""
    here = Path(__file__).parent
    named = hashlib.sha256()
    for file in (here.parent / "canon.py", *sorted(here.glob("*.py"))):
        named.update(file.name.encode() + b"\0" + file.read_bytes())
    return named.hexdigest()
