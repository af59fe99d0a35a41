"""A real Ray cluster on loopback, whose nodes have one core each; all of it ends."""

import gc
import os
import shutil
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 20
MEMORY = 80 << 20  # bytes of object store a node, which nothing here needs
# A dead node is noticed in a second, not in twenty.
QUICK = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 300}
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # On a busy machine a connection may take longer than Ray's 30 seconds, and workers
    # that step back behind everybody else never start.
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "300",
    "RAY_worker_niceness": "0",
}


class Nodes:
    """The processes of a cluster: a head with a client server, and other nodes.

    Args:
        folder: for what Ray keeps; its path, in their environment, also finds them.
    """

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"ray://127.0.0.1:{port}"
        head = {"ray_client_server_port": port, "_system_config": QUICK}
        with self._environment():
            self._cluster = Cluster(
                initialize_head=True,
                head_node_args=head | self._one_core(),
            )
        self.second = self.add()

    def add(self, **environment: str) -> Any:
        """Start a node."""
        with self._environment(**environment):
            return self._cluster.add_node(**self._one_core())

    def kill(self, node: Any) -> None:
        """End a node as a power cut would."""
        self._cluster.remove_node(node, allow_graceful=False)

    def end(self) -> None:
        """End all, and see that nothing is left."""
        self._cluster.shutdown()
        until = time.monotonic() + SECONDS
        while (left := self._left()) and time.monotonic() < until:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert left == []

    def _left(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = path.read_bytes()
            except OSError:
                continue  # it ended, or is not ours
            if f"RAY_TMPDIR={self._folder}".encode() in environment:
                found.append(int(path.parent.name))
        return found

    @contextmanager
    def _environment(self, **more: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setenv("RAY_TMPDIR", str(self._folder))
            for name, value in (ENVIRONMENT | more).items():
                patch.setenv(name, value)
            warnings.simplefilter("ignore", ResourceWarning)
            yield
            gc.collect()  # Ray leaves its log files open: they are closed here

    @staticmethod
    def _one_core() -> dict[str, object]:
        return {
            "num_cpus": 1,
            "num_gpus": 0,
            "object_store_memory": MEMORY,
            "include_dashboard": False,
        }


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """A cluster of two nodes, for all tests of a module."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # a socket's path must be short
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # no token in anybody's home
        try:
            found = Nodes(folder)
            try:
                yield found
            finally:
                found.end()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
