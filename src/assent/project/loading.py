"""Load a platform's tables into a project: each load into a folder of its own."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from assent.canon import canonical
from assent.errors import UsageError
from assent.files import write_whole
from assent.project.place import LOADED, Place
from assent.sources.export import from_parquet
from assent.sources.parquet import Counts, write_tables


def load(
    place: Place, source: str, exports: Sequence[Path], seed: int, members: int
) -> Counts:
    """Load one export; the load before stays whole beside it.

    Raises:
        CorpusError: the export is not as wanted; nothing was changed.
    """
    return _finished(
        place, lambda target: _load(place, source, exports, target, seed, members)
    )


def load_batches(
    place: Place,
    documents: Iterable[pa.RecordBatch],
    subjects: Iterable[pa.RecordBatch],
    source: str,
) -> Counts:
    """Load batches as they come; the load before stays whole beside it.

    Raises:
        CorpusError: an id is missing or stands twice; nothing was changed.
    """
    return _finished(
        place, lambda target: write_tables(documents, subjects, target, source)
    )


def _finished(place: Place, write: Callable[[Path], Counts]) -> Counts:
    target = place.next_data_folder()
    try:
        counts = write(target)
        write_whole(target / LOADED, canonical({"ledger_size": place.book.size}))
        # Crash before: without `loaded.json` the folder is no load, and is used again.
        # Here: it is the latest load.
        return counts
    finally:
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()


def _load(
    place: Place,
    source: str,
    exports: Sequence[Path],
    target: Path,
    seed: int,
    members: int,
) -> Counts:
    if source == "stackexchange":
        from assent.sources.stackexchange import read

        return write_tables(*read(exports[0]), target, source)
    if source == "parquet":
        documents, subjects = exports
        categories = place.config.declared.categories
        return from_parquet(documents, subjects, target, categories)
    if source == "simulated":
        from assent.sources.simulated import simulated

        return write_tables(*simulated(seed, members), target, source)
    raise UsageError(f"source `{source}` is unknown")
