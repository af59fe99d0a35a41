"""One connection of this process to a Spark cluster, and what goes wrong with it."""

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from assent import errors
from assent.errors import CorpusError, UsageError

STATED = {
    # What a cluster's own defaults may change, and the answer with it.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # what overflows or is no number stops the work
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.caseSensitive": "false",
    # A file that is passed over would take withdrawals with it.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "8192",
}
CONNECTING = {
    "spark.app.name": "assent",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # the log of a task may quote what it worked on
    "spark.driver.maxResultSize": "0",  # the memory of this process is the limit
    # What Spark keeps on local disks while it works: ids, and redacted texts.
    "spark.io.encryption.enabled": "true",
}
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
SECONDS = 5.0
"""How long a master may take to answer."""
PATIENCE = 120.0
"""Seconds that a standalone cluster may take to give us a worker."""

_UNREAD = re.compile(r"FAILED_READ_FILE|PATH_NOT_FOUND|FileNotFound|not a Parquet file")
_OURS = re.compile(r"^assent\.errors\.(\w+Error): (.+)$", re.MULTILINE)


def connected(master: str) -> SparkSession:
    """Open a session of our own; this process connects to a cluster once.

    Where the process is connected already, as in a notebook, that connection is used,
    and nothing of it is changed.

    Raises:
        UsageError: there is no Java, no such cluster, or this process is connected to
            another one.
    """
    context = SparkContext._active_spark_context
    if context is not None and context._jsc.sc().isStopped():
        context.stop()  # the cluster went away
        context = None
    if context is None:
        context = _connect(master)
    elif context.master != master:
        raise UsageError(
            f"this process is connected to `{context.master}`, not to `{master}`",
            hint="use another process for another cluster",
        )
    session = SparkSession(context).newSession()
    for name, value in STATED.items():
        session.conf.set(name, value)
    return session


@contextmanager
def spark_errors(tables: Iterable[Path]) -> Iterator[None]:
    """Name what the cluster could not do; mistakes of ours rise.

    Args:
        tables: the files that the engine reads.

    Raises:
        Error: one of ours that was raised on a worker.
        CorpusError: a file is missing or damaged.
        UsageError: the cluster gave up.
    """
    try:
        yield
    except (PySparkException, Py4JError) as error:
        text = str(error)
        if ours := _OURS.search(text):
            raise getattr(errors, ours[1])(ours[2]) from error
        if _UNREAD.search(text):
            raise unread(text, tables) from error
        if isinstance(error, AnalysisException | ParseException):
            raise
        raise UsageError(
            "the Spark cluster gave the work up",
            hint="the logs of its workers say why; then run the same command again",
        ) from error


def unread(text: str, tables: Iterable[Path]) -> CorpusError:
    """Name the file that a text of an error names, and nothing else of it."""
    named = (
        f"`{path.name}` of the load `{path.parent.name}` cannot be read"
        for path in tables
        if str(path) in text
    )
    return CorpusError(
        next(named, "a loaded table is damaged and cannot be read"),
        hint="load the export again: `assent load`; a cluster's workers must see the "
        "project's folder under the same path",
    )


def _connect(master: str) -> SparkContext:
    _check_java()
    is_here = _check_answers(master)
    # The workers run the same Python: one image, or one path on all of them.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf().setMaster(master).setAll(list(CONNECTING.items()))
    if is_here:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        conf.setAll(list(LOOPBACK.items()))
    try:
        # Java's own words would stand between ours.
        gateway = SparkContext._gateway or launch_gateway(conf, {"stderr": DEVNULL})
        context = SparkContext(conf=conf, gateway=gateway)
        _await_worker(context, master)
        return context
    except (PySparkException, Py4JError) as error:
        raise UsageError(
            f"no connection to Spark can be made with the master `{master}`",
            hint="it needs Java 17 or later, and a cluster of its own release of Spark",
        ) from error


def _await_worker(context: SparkContext, master: str) -> None:
    """Wait for a first worker: Spark would wait without end, and say so to nobody.

    Raises:
        UsageError: there is none with room for us.
    """
    until = time.monotonic() + PATIENCE
    # The driver is in the list too.
    while (
        master.startswith("spark://")
        and context._jsc.sc().getExecutorMemoryStatus().size() < 2
    ):
        if time.monotonic() > until:
            context.stop()
            raise UsageError(
                f"no worker of `{master}` has room for this work",
                hint="wait for one, or ask for less: `spark.executor.memory` in "
                "`spark-defaults.conf`",
            )
        time.sleep(0.1)


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not shutil.which("java", path=f"{home}/bin" if home else None):
        raise UsageError(
            "there is no Java, and Spark needs Java 17 or later",
            hint="install it, such as Debian's `default-jre-headless`",
        )


def _check_answers(master: str) -> bool:
    """Knock at a standalone master: Spark itself would wait for a minute.

    Returns:
        Whether it is on this machine's loopback.
    """
    scheme, _, hosts = master.partition("://")
    if scheme != "spark":
        return scheme.startswith("local")
    for each in hosts.split(","):
        host, _, port = each.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=SECONDS) as link:
                return link.getpeername()[0] in ("127.0.0.1", "::1")
        except (OSError, ValueError):
            continue
    raise UsageError(
        f"no Spark master answers at `{master}`",
        hint="start it, or check host and port",
    )
