"""A real Spark cluster on loopback: one master, two workers, all ended at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS = 120
# Small heaps, and a compiler that is at work at once: nothing here runs for long.
JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
DEFAULTS = f"""\
spark.driver.memory 512m
spark.driver.extraJavaOptions {JAVA}
spark.executor.memory 512m
spark.executor.extraJavaOptions {JAVA}
spark.sql.shuffle.partitions 2
spark.task.maxFailures 2
"""


class Cluster:
    """Processes of a standalone cluster.

    Args:
        folder: for the logs and working folders of the processes.
    """

    def __init__(self, folder: Path) -> None:
        import pyspark

        self._folder = folder
        self._home = Path(pyspark.__file__).parent
        self._processes: list[subprocess.Popen[bytes]] = []
        port = _free_port()
        self.master = f"spark://127.0.0.1:{port}"
        self._start("master.Master", "--port", str(port))

    def add_worker(self) -> None:
        """Start a worker and wait until the master knows it."""
        name = f"worker-{len(self._processes)}"
        options = ("--cores", "1", "--memory", "1g", "--work-dir", name, self.master)
        log = self._start("worker.Worker", *options)
        _wait(lambda: b"Successfully registered with master" in log.read_bytes())

    def kill_worker(self) -> int:
        """Kill a worker with its executor, as a power cut would: how many processes."""
        for process in self._processes[1:]:
            children = _children(process.pid)
            if process.poll() is None and children:
                for pid in (process.pid, *children):
                    os.kill(pid, signal.SIGKILL)
                process.wait()
                return 1 + len(children)
        return 0

    def end(self) -> None:
        """End every process that was started here."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, role: str, *options: str) -> Path:
        log = self._folder / f"{len(self._processes)}.log"
        command = [self._home / "bin/spark-class", f"org.apache.spark.deploy.{role}"]
        with log.open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    [*command, "--host", "127.0.0.1", "--webui-port", "0", *options],
                    env=os.environ
                    | {
                        "SPARK_HOME": str(self._home),
                        "SPARK_LOCAL_IP": "127.0.0.1",
                        "SPARK_DAEMON_MEMORY": "256m",
                        "SPARK_DAEMON_JAVA_OPTS": f"{JAVA} "
                        "-Dspark.master.rest.enabled=false",
                        "PYSPARK_PYTHON": sys.executable,
                    },
                    cwd=self._folder,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            )
        return log


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for all tests of this run."""
    if shutil.which("java") is None:
        pytest.skip("needs Java: on Debian `apt-get install default-jre-headless`")
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "spark-defaults.conf").write_text(DEFAULTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        found = Cluster(folder)
        try:
            found.add_worker()
            found.add_worker()
            yield found
        finally:
            _disconnect()
            found.end()


def _disconnect() -> None:
    from pyspark import SparkContext

    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    every = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(each) for path in {listed, *every} for each in path.read_text().split()]


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"waited for {SECONDS} seconds")
        time.sleep(0.1)
