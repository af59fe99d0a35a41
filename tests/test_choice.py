"""An engine that is not there, or not named as it should be: one clear error."""

import socket
import sys

import pytest

from assent.engine.choice import EMBEDDED, Choice
from assent.errors import UsageError

pytest_plugins = ("toy_projects", "command_line")

SPARK = ("--engine", "spark", "--master")


@pytest.mark.parametrize("command", ["decide", "build", "replay"])
@pytest.mark.parametrize(
    ("options", "found", "hint"),
    [
        (("--engine", "flink"), "`flink` is unknown", ""),
        (("--engine", "spark"), "`` is no master", "--master spark://HOST:PORT"),
        ((*SPARK, "10.0.0.1"), "`10.0.0.1` is no master", "--master"),
        ((*SPARK, "spark://10.0.0.1/x"), "is no master", "--master"),
        (("--master", "local[2]"), "the engine is duckdb", "--engine spark"),
    ],
)
def test_an_engine_that_is_named_wrongly_is_refused(
    fresh, refuses, command, options, found, hint
):
    refuses(fresh, command, *options, found=found, hint=hint)


@pytest.mark.parametrize(
    "master",
    [
        "spark://a:7077",
        "spark://a:1,b:2",
        "local",
        "local[*]",
        "yarn",
        "k8s://https://a",
    ],
)
def test_masters_as_spark_writes_them_are_taken(master):
    assert Choice("spark", master).master == master


def test_the_engine_is_duckdb_where_none_is_named():
    assert Choice() == EMBEDDED
    with pytest.raises(UsageError):
        Choice("DuckDB")


def test_a_master_that_does_not_answer_is_named_at_once(fresh, refuses):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{nobody.getsockname()[1]}"
        refuses(fresh, "decide", *SPARK, master, found=master, hint="start it")


def test_a_master_without_a_port_is_named_at_once(fresh, refuses):
    refuses(fresh, "decide", *SPARK, "spark://localhost", found="no Spark master")


def test_missing_java_is_named(fresh, refuses, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    refuses(fresh, "decide", *SPARK, "local[1]", found="Java 17", hint="install")


def test_a_missing_library_is_named(fresh, refuses, monkeypatch):
    for name in [*sys.modules]:
        if name.startswith(("pyspark", "assent.engine.spark", "assent.engine.session")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    refuses(
        fresh, "decide", *SPARK, "local[1]", found="not installed", hint="[run,spark]"
    )
