"""Draw documents of a corpus by seed: evenly, and by strata for a reviewer.

A document's place in the draw is the hash of its id with the seed, so the same are
drawn in whatever order they are read, and a larger sample holds the smaller one.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.corpus.manifest import Manifest
from assent.corpus.reading import taking_part
from assent.corpus.tables import bucket_of
from assent.redact.spans import PLACEHOLDER

MOST_CHARACTERS = 8_000_000
"""Of all texts that are drawn evenly: bounds the memory."""
_BATCH = 4_096  # rows


class Stratum(NamedTuple):
    """Documents that a sample holds as a share of its own."""

    group: str
    category: str
    found: bool  # something was replaced in them


@dataclass(frozen=True, slots=True)
class Document:
    """A drawn document.

    Args:
        document_id: of it.
        stratum: that it is of.
        redacted: its text in the corpus.
        original: its text as loaded; None where it is no longer there.
        near: who takes part in it.
    """

    document_id: str
    stratum: Stratum
    redacted: str
    original: str | None
    near: Collection[str]


@dataclass(slots=True)
class Draw:
    """What was drawn: ids in the order of the draw.

    Args:
        evenly: of all documents.
        strata: of each stratum.
        sizes: documents of each stratum in the corpus.
    """

    evenly: list[str] = field(default_factory=list)
    strata: dict[Stratum, list[str]] = field(default_factory=dict)
    sizes: Counter[Stratum] = field(default_factory=Counter)


def draw(
    folder: Path, manifest: Manifest, seed: int, evenly: int, reviewed: int
) -> Draw:
    """Read a corpus once and draw from it. Memory grows with what is drawn.

    Args:
        folder: of the corpus.
        manifest: of it.
        seed: of the draw.
        evenly: how many of all documents.
        reviewed: how many in equal parts of the strata; small strata are drawn whole.
    """
    found = Draw()
    all_of_it = _Lowest(evenly)
    each: dict[Stratum, _Lowest] = {}
    for document_id, stratum, size in _documents(folder, manifest):
        found.sizes[stratum] += 1
        place = _place(seed, document_id)
        all_of_it.offer(place, document_id, size)
        if reviewed:
            each.setdefault(stratum, _Lowest(reviewed)).offer(place, document_id, size)
    characters = 0
    for _, document_id, size in all_of_it.sorted():
        characters += size
        if characters > MOST_CHARACTERS and found.evenly:
            break
        found.evenly.append(document_id)
    for stratum, quota in quotas(found.sizes, reviewed).items():
        lowest = each[stratum].sorted()[:quota]
        found.strata[stratum] = [document_id for _, document_id, _ in lowest]
    return found


def quotas(sizes: Mapping[Stratum, int], wanted: int) -> dict[Stratum, int]:
    """Divide a sample evenly over strata; what a small one lacks the others get.

    Args:
        sizes: of the strata.
        wanted: documents in all.
    """
    left = dict(sorted(sizes.items()))
    given = dict.fromkeys(left, 0)
    wanted = min(wanted, sum(left.values()))
    while wanted:
        open_ones = [stratum for stratum in left if given[stratum] < left[stratum]]
        least = min(left[stratum] - given[stratum] for stratum in open_ones)
        part = max(1, min(wanted // len(open_ones), least))
        for stratum in open_ones[:wanted]:
            given[stratum] += part
            wanted -= part
    return {stratum: quota for stratum, quota in given.items() if quota}


class _Lowest:
    """Keeps the first so many of a draw."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[int, str, int]] = []

    def offer(self, place: int, document_id: str, size: int) -> None:
        # The place is turned around, so that the last one is the first to go.
        item = (-place, document_id, size)
        if len(self._kept) < self._most:
            heapq.heappush(self._kept, item)
        elif self._kept and item > self._kept[0]:
            heapq.heapreplace(self._kept, item)

    def sorted(self) -> list[tuple[int, str, int]]:
        return sorted(self._kept, reverse=True)


def _place(seed: int, document_id: str) -> int:
    message = f"{seed}\0{document_id}".encode()
    return int.from_bytes(hashlib.blake2b(message, digest_size=8).digest())


def _documents(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Stratum, int]]:
    columns = ["document_id", "category", "text"]
    for part in manifest.parts:
        group, _ = bucket_of(part.path)
        with pq.ParquetFile(folder / part.path) as file:
            for batch in file.iter_batches(_BATCH, columns=columns):
                for document_id, category, text in zip(
                    *(column.to_pylist() for column in batch.columns), strict=True
                ):
                    found = PLACEHOLDER.search(text) is not None
                    yield document_id, Stratum(group, category, found), len(text)


def drawn(
    folder: Path, manifest: Manifest, documents: Path, ids: Sequence[str]
) -> list[Document]:
    """Read drawn documents, redacted and as loaded, in the order of their ids.

    Args:
        folder: of the corpus.
        manifest: of it.
        documents: the table that it was built of.
        ids: of the documents; one that comes again is given once.
    """
    wanted = pa.array(list(dict.fromkeys(ids)), pa.string())
    if not len(wanted):
        return []
    chosen = pc.is_in(pc.field("document_id"), wanted)
    names = pq.read_schema(documents).names
    columns = ["document_id", "subject_id", "text", "mentions", "near"]
    rows = pq.read_table(
        documents, columns=[each for each in columns if each in names], filters=chosen
    )
    originals = {
        document_id: (text or "", near)
        for document_id, text, near in zip(
            rows["document_id"].to_pylist(),
            rows["text"].to_pylist(),
            taking_part(rows),
            strict=True,
        )
    }
    found = {}
    for part in manifest.parts:
        group, _ = bucket_of(part.path)
        table = pq.read_table(
            folder / part.path,
            columns=["document_id", "category", "text"],
            filters=chosen,
            partitioning=None,
        )
        for document_id, category, text in zip(
            *(column.to_pylist() for column in table.columns), strict=True
        ):
            stratum = Stratum(group, category, PLACEHOLDER.search(text) is not None)
            original, near = originals.get(document_id, (None, ()))
            found[document_id] = Document(document_id, stratum, text, original, near)
    return [found[each] for each in wanted.to_pylist()]
