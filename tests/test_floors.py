"""Imports point back up the flow, each library has one home, nothing grows too long."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"

FLOORS = [
    *("errors", "terms", "canon", "files", "merkle", "receipt", "verify", "engine"),
    *("sources", "ledger", "policy", "decide", "redact"),
    *("corpus", "train", "forget", "prove"),
    *("witness", "monitor", "share", "notify", "report", "project"),
    *("web", "demo", "cli"),
]
SIDE_BY_SIDE = frozenset({"ledger", "policy"})
# `assent` itself is a door, not a floor: it names the version and leads to `Project`.
DOOR = "assent"
ABOVE_ALL = frozenset({"assent", "assent.__main__"})

HOMES = {
    "duckdb": {"engine"},
    "sqlglot": {"engine"},
    "pyspark": {"engine"},
    "py4j": {"engine"},
    "torch": {"train"},
    "safetensors": {"train"},
    "ray": {"train"},
    "dp_accounting": {"train"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "click": {"cli"},
    "phonenumbers": {"redact"},
    "stdnum": {"redact"},
    "re2": {"redact"},
    "numba": {"redact"},
    "presidio_analyzer": {"redact"},
    "spacy": {"redact"},
    "transformers": {"redact", "train"},
    "tokenizers": {"train"},
    "rich": {"cli", "demo"},
    "fastapi": {"web"},
    "pydantic": {"web"},
    "uvicorn": {"web"},
    "sqlite3": {"ledger", "witness"},
    "psycopg": {"ledger"},
    "cbor2": {"prove"},
    "model_signing": {"prove"},
    "in_toto_attestation": {"prove"},
    "rfc3161_client": {"witness"},
    "smtplib": {"notify"},
    "http": {"notify", "witness", "monitor"},
}
# What an auditor installs: nothing else may stand below or in `verify`.
AUDITOR = frozenset({"cryptography", "rfc8785"})
BY_NAME = frozenset({"import_module", "__import__"})
AUDITED = frozenset(FLOORS[: FLOORS.index("verify") + 1])

MOST_LINES = 500
MOST_LINES_OF_A_FUNCTION = 59
# Functions that may be longer, each with the reason why it would read worse in pieces.
LONG: dict[str, str] = {
    "assent.train.loop.train_shard": "the training loop is one story, told in order",
}


class Import(NamedTuple):
    """One imported module, and the line that names it."""

    name: str
    line: int


def imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[Import]:
    """Find every import: at the top, inside functions, and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + is_package]
                source = ".".join([*kept, source]).rstrip(".")
            for alias in node.names:
                # `from assent import terms` names a floor, not the door.
                yield Import(
                    f"assent.{alias.name}" if source == DOOR else source, node.lineno
                )
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else ""
            name = called.id if isinstance(called, ast.Name) else name
            if name in BY_NAME:
                yield Import(name, node.lineno)


def faults_of_import(module: str, found: str) -> Iterator[str]:
    """Say why one module may not import another, if it may not."""
    floor = module.removeprefix("assent.").split(".")[0]
    top, _, rest = found.partition(".")
    if found in BY_NAME:
        yield "imports by a name that no test can read"
    elif top != DOOR:
        if top in HOMES and floor not in HOMES[top]:
            yield f"imports `{top}`, whose home is {' and '.join(sorted(HOMES[top]))}"
        if floor in AUDITED and top not in AUDITOR | sys.stdlib_module_names:
            yield f"imports `{top}`, which an auditor does not install"
    elif module not in ABOVE_ALL:
        yield from faults_of_floor(floor, rest.split(".")[0])


def faults_of_floor(floor: str, wanted: str) -> Iterator[str]:
    if wanted == "Project":  # the one thing that the door leads to
        wanted = "project"
    if wanted in (floor, "__version__"):
        return
    if floor not in FLOORS:
        yield f"`{floor}` is no floor of the design"
    elif wanted not in FLOORS:
        yield f"imports `{wanted or DOOR}`, which is no floor of the design"
    elif {wanted, floor} == SIDE_BY_SIDE:
        yield f"imports `{wanted}`, which stands beside it"
    elif FLOORS.index(wanted) > FLOORS.index(floor):
        yield f"imports `{wanted}`, which stands to its right"


def faults_of_size(
    module: str, tree: ast.Module, lines: int, long: Iterable[str]
) -> Iterator[str]:
    """Say which file or function has grown too long."""
    if lines > MOST_LINES:
        yield f"{module} has {lines} lines, wanted {MOST_LINES} at most"
    for name, node in functions(tree, module):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MOST_LINES_OF_A_FUNCTION and name not in long:
            yield f"{name} has {length} lines, wanted fewer than 60"


def functions(
    tree: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Find every function, also inside classes and functions, by its full name."""
    for node in ast.iter_child_nodes(tree):
        name = prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}.{node.name}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, node
        yield from functions(node, name)


def check(path: str, text: str, long: Iterable[str] = LONG) -> list[str]:
    """Check one file, named relative to `src`; every fault in one line."""
    is_package = path.endswith("__init__.py")
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    tree = ast.parse(text)
    faults = [
        f"{path}:{each.line}: {fault}"
        for each in imports(tree, module, is_package)
        for fault in faults_of_import(module, each.name)
    ]
    return faults + list(faults_of_size(module, tree, len(text.splitlines()), long))


FILES = sorted(SOURCE.glob("assent/**/*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_file_keeps_floors_homes_and_sizes(path):
    name = path.relative_to(SOURCE).as_posix()

    assert check(name, path.read_text(encoding="utf-8")) == []


def test_the_files_are_found():
    names = {path.relative_to(SOURCE).as_posix() for path in FILES}

    assert {"assent/verify.py", "assent/cli/root.py", "assent/engine/sql.py"} <= names


def test_every_long_function_of_the_list_is_still_there_and_still_long():
    lengths = {
        name: (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for name, node in functions(ast.parse(path.read_text()), module_of(path))
    }

    assert [name for name in LONG if lengths.get(name, 0) < 60] == []


def module_of(path):
    name = path.relative_to(SOURCE).as_posix().removesuffix(".py")
    return name.removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize(
    ("path", "line", "fault"),
    [
        ("errors.py", "from assent.terms import DAY", "to its right"),
        ("terms.py", "from assent import canon", "to its right"),
        ("merkle/log.py", "import assent.verify", "to its right"),
        ("verify.py", "from assent.engine.sql import Question", "to its right"),
        ("verify.py", "import duckdb", "home is engine"),
        ("verify.py", "import pyarrow", "auditor does not install"),
        ("ledger/book.py", "from assent.policy.model import Policy", "beside it"),
        ("policy/load.py", "from assent.ledger import book", "beside it"),
        ("decide/ask.py", "from assent.corpus.build import build", "to its right"),
        ("prove/bundle.py", "from assent.report import tables", "to its right"),
        ("project/place.py", "from ..cli import main", "to its right"),
        ("project/__init__.py", "from ..demo import story", "to its right"),
        ("corpus/build.py", "from .. import train", "to its right"),
        ("engine/sql.py", "from assent import Project", "to its right"),
        ("engine/sql.py", "import assent", "no floor"),
        ("engine/sql.py", "from assent.helpers import x", "no floor"),
        ("helpers.py", "from assent.terms import DAY", "no floor"),
        ("forget/repair.py", "import torch.nn as nn", "home is train"),
        ("prove/audit.py", "from safetensors.torch import load", "home is train"),
        ("decide/__init__.py", "import sqlglot", "home is engine"),
        ("sources/parquet.py", "import sqlite3", "home is ledger"),
        ("report/tables.py", "from rich.table import Table", "home is cli and demo"),
        ("project/place.py", "import click", "home is cli"),
        ("engine/spark.py", "import_module('torch')", "no test can read"),
        ("engine/spark.py", "importlib.import_module('torch')", "no test can read"),
    ],
)
def test_a_planted_import_is_caught_wherever_it_hides(path, line, fault):
    inside = f"def late():\n    {line}\n"
    for_types = f"if TYPE_CHECKING:\n    {line}\n"

    for text in (line, inside, for_types):
        [found] = check(f"assent/{path}", text)[:1] or ["nothing found"]
        assert fault in found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("terms.py", "from assent.errors import UsageError"),
        ("merkle/log.py", "from assent.merkle.strict import Fields"),
        ("verify.py", "from cryptography.exceptions import InvalidSignature"),
        ("engine/duckdb.py", "import duckdb"),
        ("engine/duckdb.py", "from .sql import Question"),
        ("decide/ask.py", "from assent.ledger.book import Book"),
        ("decide/ask.py", "from assent.policy import model"),
        ("train/loop.py", "import torch"),
        ("cli.py", "from assent import __version__"),
        ("demo/story.py", "from assent import Project"),
        ("demo/bars.py", "from rich.progress import Progress"),
        ("__init__.py", "from assent.project import Project"),
        ("__main__.py", "from assent.cli import main"),
    ],
)
def test_an_import_from_the_left_or_from_home_is_no_fault(path, line):
    assert check(f"assent/{path}", line) == []


def test_a_file_past_500_lines_is_caught():
    assert check("assent/terms.py", "x = 1\n" * 500) == []
    assert check("assent/terms.py", "x = 1\n" * 501) == [
        "assent.terms has 501 lines, wanted 500 at most"
    ]


def test_a_function_of_60_lines_is_caught_in_a_class_and_in_a_function_too():
    def text(lines, indent):
        return f"{indent}def long():\n" + f"{indent}    x = 1\n" * (lines - 1)

    assert check("assent/terms.py", text(59, "")) == []
    assert "assent.terms.long has 60" in check("assent/terms.py", text(60, ""))[0]
    [in_class] = check("assent/terms.py", "class A:\n" + text(60, "    "))
    assert "assent.terms.A.long has 60" in in_class
    found = check("assent/terms.py", "async def outer():\n" + text(60, "    "))
    assert len(found) == 2


def test_only_the_named_function_may_be_long():
    long = "def train():\n" + "    x = 1\n" * 100

    assert check("assent/train/loop.py", long, {"assent.train.loop.train"}) == []
    assert check("assent/train/loop.py", long, {"assent.train.loop"}) != []
    assert check("assent/train/score.py", long, {"assent.train.loop.train"}) != []
