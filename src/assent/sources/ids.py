"""The ids of one table: none is missing, and each stands once."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from assent.errors import CorpusError

KEYS = {"documents": "document_id", "subjects": "subject_id"}


class Ids:
    """The ids of one table, 8 bytes each: finds nulls at once, duplicates at the end.

    Equal digests are looked at again by their ids, so a collision of two different ids
    is no false alarm, and a duplicate cannot be missed.
    """

    def __init__(self, table: str) -> None:
        self.table, self.key = table, KEYS[table]
        self.digests = array("Q")

    @property
    def rows(self) -> int:
        """How many were added."""
        return len(self.digests)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the ids of a batch.

        Raises:
            CorpusError: one is missing.
        """
        column = batch.column(self.key)
        if column.null_count:
            raise CorpusError(
                f"{column.null_count} rows of {self.table} have no {self.key}, near "
                f"row {self.rows + 1}",
                hint=f"give every row its own {self.key}",
            )
        self.digests.extend(map(_short, column.to_pylist()))

    def check(self, again: Iterable[pa.RecordBatch]) -> None:
        """Compare all ids; `again` would read the same rows once more.

        Raises:
            CorpusError: an id stands twice.
        """
        buffer = pa.py_buffer(self.digests)
        column = pa.Array.from_buffers(pa.uint64(), self.rows, [None, buffer])
        column = column.take(pc.sort_indices(column))
        same = pc.equal(column.slice(1), column.slice(0, max(self.rows - 1, 0)))
        suspects = set(column.slice(1).filter(same).to_pylist())
        if not suspects:
            return
        ids = (each for batch in again for each in batch.column(self.key).to_pylist())
        counted = Counter(each for each in ids if _short(each) in suspects)
        twice = {each: count - 1 for each, count in counted.items() if count > 1}
        if twice:
            raise CorpusError(
                f"{sum(twice.values())} rows of {self.table} repeat a {self.key}, such "
                f"as `{next(iter(twice))}`; wanted each once",
                hint=f"remove the repeated rows, or give each its own {self.key}",
            )


def _short(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
