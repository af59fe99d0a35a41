"""Build a prefix tree of any size: leaves in, in any order, and one file out.

Leaves are divided by the first byte of their key, spilled when there are many, and each
of the 256 buckets is sorted and hashed apart from the others, by two processes when it
is worth their start. The bytes are those of `merkle.prefix`, which verifies.

Growth, for n leaves: time n log n, of which the hashing counts, 3 microseconds a leaf
and process; memory the largest of a million leaves (0.2 GB) and two buckets (64 bytes
times n / 256 each, a few times); disk 64 bytes a leaf for the spill, and the file.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assent.corpus.stored import (
    HEADER,
    LEAF_BYTES,
    MAGIC,
    partition_bits,
)
from assent.errors import UsageError
from assent.files import full_disk_named
from assent.merkle.prefix import EMPTY, KEY_BITS, KEY_BYTES

Array = npt.NDArray[np.uint8]
"""(n, 64): a key and its commitment a row."""

BUCKETS = 256
PENDING_LEAVES = 1 << 20
WORKERS = 2
WORTH_PROCESSES = 300_000
"""Leaves below which starting a process takes longer than it saves."""


class Hashed(NamedTuple):
    """What became of a bucket: leaves of each of its partitions, and their values."""

    counts: list[int]
    values: list[bytes]


class TreeBuilder:
    """A prefix tree in the making.

    Args:
        spill: an empty folder of its own, for what does not fit into memory.
        workers: processes at once; 1 for none but this one.
    """

    def __init__(self, spill: Path, workers: int = WORKERS) -> None:
        self._spill = spill
        self._workers = workers
        self._pending: list[Array] = []
        self._waiting = 0
        self._spilled = False
        self.leaves = 0

    def add(self, leaves: bytes) -> None:
        """Take leaves, each a key and its commitment: 64 bytes.

        Raises:
            ValueError: the length is not that of whole leaves.
            UsageError: the disk is full.
        """
        if len(leaves) % LEAF_BYTES:
            raise ValueError("a key and its commitment have 32 bytes each")
        rows = np.frombuffer(leaves, np.uint8).reshape(-1, LEAF_BYTES)
        self._pending.append(rows)
        self._waiting += len(rows)
        self.leaves += len(rows)
        if self._waiting >= PENDING_LEAVES:
            self._flush()

    def write(self, out: Path) -> bytes:
        """Sort, hash and write all of it, and give the root: 32 bytes.

        The same leaves give the same bytes, in whatever order they came. A crash leaves
        a part of a file that has no name yet: the caller gives it one when it is whole.

        Raises:
            ValueError: a key appears twice.
            UsageError: the disk is full, or a process was killed.
        """
        bits = partition_bits(self.leaves)
        counts: list[int] = []
        values: list[bytes] = []
        with full_disk_named(out), out.open("wb") as file:
            file.write(HEADER.pack(MAGIC, bits, self.leaves))
            for sorted_leaves, hashed in self._hashed(bits):
                file.write(sorted_leaves)
                counts += hashed.counts
                values += hashed.values
            starts = np.concatenate([[0], np.cumsum(counts)]).astype(">u8")
            file.write(starts.tobytes())
            nodes = _joined(values, counts)
            file.write(b"".join(nodes))
            file.flush()
            os.fsync(file.fileno())  # whole on the disk before it gets a name
        return nodes[0]

    def _hashed(self, bits: int) -> Iterator[tuple[bytes, Hashed]]:
        """Hash one bucket after another: its sorted leaves, and what they hash to."""
        if not self._spilled and self.leaves < WORTH_PROCESSES:
            yield hash_leaves(self._taken(), bits, 0, 1 << bits)
            return
        self._flush()
        # As many partitions lie in each bucket: this many leaves need 8 bits or more.
        spans = [(n << bits - 8, n + 1 << bits - 8) for n in range(BUCKETS)]
        paths = [self._bucket(number) for number in range(BUCKETS)]
        task = partial(hash_bucket, bits)
        if self._workers == 1:
            yield from self._read_back(paths, map(task, paths, spans))
            return
        # Not a copy of this process: it may have threads, and much memory.
        with ProcessPoolExecutor(self._workers, get_context("spawn")) as pool:
            try:
                yield from self._read_back(paths, pool.map(task, paths, spans))
            except BrokenProcessPool as error:
                raise UsageError(
                    "a process that hashed the tree was killed, perhaps for its memory",
                    hint="free some memory, then run the same command again",
                ) from error

    def _read_back(
        self, paths: list[Path], hashed: Iterator[Hashed]
    ) -> Iterator[tuple[bytes, Hashed]]:
        for path, each in zip(paths, hashed, strict=True):
            yield path.read_bytes() if path.exists() else b"", each
            path.unlink(missing_ok=True)

    def _taken(self) -> Array:
        """Take all that is pending."""
        rows = [np.empty((0, LEAF_BYTES), np.uint8), *self._pending]
        self._pending.clear()
        self._waiting = 0
        return np.concatenate(rows)

    def _flush(self) -> None:
        """Sort what is pending into the files of the buckets."""
        rows = self._taken()
        first = rows[:, 0]
        rows = rows[np.argsort(first, kind="stable")]
        ends = np.cumsum(np.bincount(first, minlength=BUCKETS)).tolist()
        low = 0
        for number, high in enumerate(ends):
            if high > low:
                path = self._bucket(number)
                with full_disk_named(path), path.open("ab") as file:
                    file.write(rows[low:high].data)
            low = high
        # Crash here: the spill is thrown away, and the leaves are derived again.
        self._spilled = True

    def _bucket(self, number: int) -> Path:
        return self._spill / f"{number:02x}.leaves"


def hash_bucket(bits: int, path: Path, span: tuple[int, int]) -> Hashed:
    """Sort the leaves of a bucket in its file, and hash its partitions.

    Args:
        bits: that name a partition.
        path: of the bucket; absent when nothing is in it.
        span: its partitions, [first, last).

    Raises:
        ValueError: a key appears twice.
        UsageError: the disk is full.
    """
    data = path.read_bytes() if path.exists() else b""
    rows = np.frombuffer(data, np.uint8).reshape(-1, LEAF_BYTES)
    leaves, hashed = hash_leaves(rows, bits, *span)
    if leaves:
        with full_disk_named(path):
            path.write_bytes(leaves)
    return hashed


def hash_leaves(rows: Array, bits: int, first: int, last: int) -> tuple[bytes, Hashed]:
    """Sort leaves, and hash the partitions [first, last) that they make up.

    Args:
        rows: (n, 64) uint8, in any order.
        bits: that name a partition.
        first: of the partitions.
        last: one past the last of them.

    Raises:
        ValueError: a key appears twice.
    """
    rows, prefixes = _sorted(rows)
    data = rows.tobytes()
    shared = _shared_bits(data, prefixes)
    # Partition numbers are below 2^32, so a shift in two steps allows for 0 bits.
    places = prefixes >> np.uint64(1) >> np.uint64(63 - bits)
    ends = np.searchsorted(places, np.arange(first, last + 1, dtype=np.uint64)).tolist()
    hashes = [
        sha256(b"\2" + data[at : at + LEAF_BYTES]).digest()
        for at in range(0, len(data), LEAF_BYTES)
    ]
    values = [
        _value(data, hashes, shared, low, high, bits) if high > low else EMPTY
        for low, high in zip(ends, ends[1:], strict=False)
    ]
    counts = [high - low for low, high in zip(ends, ends[1:], strict=False)]
    return data, Hashed(counts, values)


def _sorted(rows: Array) -> tuple[Array, npt.NDArray[np.uint64]]:
    """Sort leaves by key: the leaves, and the first 64 bits of each key."""
    prefixes = rows[:, :8].copy().view(">u8").ravel().astype(np.uint64)
    order = np.argsort(prefixes, kind="stable")
    rows, prefixes = rows[order], prefixes[order]
    if np.any(prefixes[1:] == prefixes[:-1]):  # keys of HMAC never come here
        keys = [row.tobytes() for row in rows[:, :KEY_BYTES]]
        exact = sorted(range(len(keys)), key=keys.__getitem__)
        rows, prefixes = rows[exact], prefixes[exact]
    return rows, prefixes


def _shared_bits(data: bytes, prefixes: npt.NDArray[np.uint64]) -> list[int]:
    """Count the first bits that each key shares with the next one.

    Raises:
        ValueError: all of them: a key appears twice.
    """
    differ = prefixes[1:] ^ prefixes[:-1]
    for step in (1, 2, 4, 8, 16, 32):  # set every bit below the first that differs
        differ |= differ >> np.uint64(step)
    shared: list[int] = (64 - np.bitwise_count(differ).astype(int)).tolist()
    for at in np.flatnonzero(differ == 0).tolist():
        one, other = (
            int.from_bytes(data[n * LEAF_BYTES : n * LEAF_BYTES + KEY_BYTES])
            for n in (at, at + 1)
        )
        shared[at] = KEY_BITS - (one ^ other).bit_length()
        if one == other:
            raise ValueError("a key appears twice; a set holds each key once")
    return shared


def _value(
    data: bytes, hashes: list[bytes], shared: list[int], low: int, high: int, bits: int
) -> bytes:
    """Hash the sorted leaves [low, high), which share their first `bits` bits.

    Neighbours join where their keys part, the deepest first. What waits for its right
    side lies on a stack, with the depth that its value is of and the last leaf in it.
    """
    values: list[bytes] = []
    depths: list[int] = []
    lasts: list[int] = []
    joins: list[int] = []
    for at in range(low, high):
        value, depth = hashes[at], 0  # a lone leaf has one value at every depth
        join = shared[at] if at + 1 < high else bits - 1
        while joins and joins[-1] > join:
            parted = joins.pop()
            left, left_depth, last = values.pop(), depths.pop(), lasts.pop()
            if left_depth > parted + 1:
                left = _lifted(left, data, last, left_depth, parted + 1)
            if depth > parted + 1:
                value = _lifted(value, data, at, depth, parted + 1)
            value, depth = sha256(b"\3" + left + value).digest(), parted
        values.append(value)
        depths.append(depth)
        lasts.append(at)
        joins.append(join)
    return _lifted(values[0], data, low, depths[0], bits)


def _lifted(value: bytes, data: bytes, leaf: int, depth: int, wanted: int) -> bytes:
    """Lift the value of several leaves to a higher node under which nothing else is."""
    start = leaf * LEAF_BYTES
    for above in range(depth - 1, wanted - 1, -1):
        if data[start + (above >> 3)] >> (7 - (above & 7)) & 1:
            value = sha256(b"\3" + EMPTY + value).digest()
        else:
            value = sha256(b"\3" + value + EMPTY).digest()
    return value


def _joined(values: list[bytes], counts: list[int]) -> list[bytes]:
    """Join the partitions up to the root: the values of all nodes, root first."""
    levels = [values]
    while len(values) > 1:
        above, sums = [], []
        for at in range(0, len(values), 2):
            left, right = counts[at], counts[at + 1]
            sums.append(left + right)
            if left + right > 1:
                above.append(sha256(b"\3" + values[at] + values[at + 1]).digest())
            else:  # a lone key sits as high as possible
                above.append(values[at] if left else values[at + 1])
        values, counts = above, sums
        levels.append(values)
    return [value for level in reversed(levels) for value in level]
