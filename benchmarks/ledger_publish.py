"""Publish a ledger as static files, and again after it has grown a little.

A publication is all of it: the signed head checked against the tree, each entry hashed
again and compared with its tile, each tile with the one above it, every file on the
disk before the checkpoint that signs for it.
"""

import statistics
import tempfile
import time
from pathlib import Path

from ledger_append import BATCH, enrolments, events
from ledger_place import on_sqlite

from assent.ledger.book import Book
from assent.ledger.publish import publish_ledger

ENTRIES = 1_000_000
AGAIN = 5


def publish(scale: float = 1.0) -> dict[str, float]:
    """Publish for the first time: entries a second; then 1,000 more: milliseconds."""
    with on_sqlite() as (book, _), tempfile.TemporaryDirectory() as folder:
        book.append(enrolments())
        batches = events(max(0, int(ENTRIES * scale) - book.size) + AGAIN * BATCH)
        while book.size < ENTRIES * scale:
            book.append(next(batches))
        size, first = book.size, _published(book, Path(folder))
        again = []
        for batch in batches:
            book.append(batch)
            again.append(_published(book, Path(folder)))
    return {
        "publish_per_s": size / first,
        "publish_again_ms": 1_000 * statistics.median(again),
    }


def _published(book: Book, folder: Path) -> float:
    begun = time.perf_counter()
    publish_ledger(book, folder)
    return time.perf_counter() - begun
