"""Ledgers to measure: an empty one in a file, and one on a server of its own."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from assent.ledger.book import Book
from assent.ledger.vault import Vault

# The throw-away cluster is that of the tests: one way to start PostgreSQL here.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

ORIGIN = "bench.example/ledger"
Reopen = Callable[[], Book]


@contextmanager
def on_sqlite() -> Iterator[tuple[Book, Reopen]]:
    """Make an empty ledger in a file; gives it, and how to open it once more."""
    with (
        tempfile.TemporaryDirectory(prefix="assent-bench-") as folder,
        _made(Path(folder), Path(folder) / "ledger.db") as made,
    ):
        yield made


@contextmanager
def on_postgres() -> Iterator[tuple[Book, Reopen]]:
    """Make the same on a PostgreSQL server, which ends with it; fsync is on."""
    from servers import cluster

    with (
        cluster() as address,
        tempfile.TemporaryDirectory() as folder,
        _made(Path(folder), address) as made,
    ):
        yield made


@contextmanager
def _made(folder: Path, where: Path | str) -> Iterator[tuple[Book, Reopen]]:
    with (
        closing(Vault(folder / "secrets", os.urandom, where)) as vault,
        closing(Book.create(where, ORIGIN, vault, _now)) as book,
    ):
        yield book, lambda: Book.open(where, ORIGIN, vault, _now)


def _now() -> int:
    return time.time_ns() // 1000
