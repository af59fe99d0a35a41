"""A prefix tree in a file: any key is proved present or absent from a few reads of it.

The leaves stand sorted and are divided by their first bits into partitions of some 250;
the values of all nodes down to the partitions are kept. So a proof reads one path of
nodes and hashes one partition, whatever the size of the tree: at most two milliseconds.

Storage: 64 bytes a leaf, and between 40 and 80 bytes a partition and node.
Layout: `docs/formats.md`, section 10.
"""

import os
import struct
from pathlib import Path
from types import TracebackType

from assent.errors import CorpusError, ProofError
from assent.merkle.prefix import (
    KEY_BYTES,
    Leaf,
    PrefixProof,
    PrefixTree,
    ProofKind,
    absent_root,
    present_root,
)

MAGIC = b"assent/prefix-tree/v1\n"
HEADER = struct.Struct(">22sHQ")
"""Magic, bits that name a partition, number of leaves."""
START = struct.Struct(">Q")
LEAF_BYTES = 2 * KEY_BYTES
PARTITION_LEAVES = 256
MOST_BITS = 32


def partition_bits(leaves: int) -> int:
    """Choose how many first bits of a key name its partition: 0 to 32.

    Keys look random, so a partition has between 128 and 256 leaves on average.
    """
    return min((leaves // PARTITION_LEAVES).bit_length(), MOST_BITS)


def file_size(leaves: int, bits: int) -> int:
    """Count the bytes of a tree's file."""
    starts, nodes = (1 << bits) + 1, (2 << bits) - 1
    index = starts * START.size + nodes * KEY_BYTES
    return HEADER.size + leaves * LEAF_BYTES + index


class StoredTree:
    """An open tree. Use it in a `with` block.

    Args:
        path: the file.

    `leaves` counts the keys, `root` is the root that the file claims.

    Raises:
        CorpusError: the file is missing, or is no whole tree.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"{path.parent.name}/{path.name}"
        try:
            self._file = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise self._damaged("is missing") from error
        try:
            self._read_header()
        except BaseException:
            os.close(self._file)
            raise

    def _read_header(self) -> None:
        head = os.pread(self._file, HEADER.size, 0)
        whole = len(head) == HEADER.size
        magic, self._bits, self.leaves = HEADER.unpack(head) if whole else (b"", 0, 0)
        wanted = file_size(self.leaves, self._bits) if magic == MAGIC else -1
        if (
            self._bits != partition_bits(self.leaves)
            or os.fstat(self._file).st_size != wanted
        ):
            raise self._damaged("is no whole prefix tree")
        self._starts = HEADER.size + self.leaves * LEAF_BYTES
        self._nodes = self._starts + ((1 << self._bits) + 1) * START.size
        self.root = self._node(0, 0)

    def __enter__(self) -> "StoredTree":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def prove(self, key: bytes) -> PrefixProof:
        """Walk to where `key` is, or would be; the proof leads to `root`.

        Raises:
            ValueError: the key is not 32 bytes.
            CorpusError: what was read does not lead there: the file was changed.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has 32 bytes, not {len(key)}")
        proof, found = self._walk(key)
        try:
            root = (
                absent_root(proof, key)
                if found is None
                else present_root(proof, *found)
            )
        except ProofError as error:
            raise self._damaged(f"gives no proof: {error.message}") from error
        if root != self.root:
            raise self._damaged("does not lead to its own root")
        return proof

    def _walk(self, key: bytes) -> tuple[PrefixProof, Leaf | None]:
        """Walk down the nodes, then through a partition: the proof, and her leaf."""
        bits, place = self._bits, int.from_bytes(key[:8]) >> (64 - self._bits)
        copath: list[bytes] = []
        # (1) Down to the partition, as long as two leaves or more are below.
        low, high = self._below(0, 0)
        while high - low > 1 and len(copath) < bits:
            depth = len(copath) + 1
            step = place >> (bits - depth)
            copath.append(self._node(depth, step ^ 1))
            low, high = self._below(depth, step)
        # (2) What is there: a partition, one leaf, or nothing.
        try:
            proof = PrefixTree(self._leaves(low, high)).prove(key, len(copath))
        except ValueError as error:
            raise self._damaged(str(error)) from error
        whole = PrefixProof(proof.kind, (*copath, *proof.copath), proof.leaf)
        if proof.kind is not ProofKind.INCLUSION:
            return whole, None
        return whole, next(leaf for leaf in self._leaves(low, high) if leaf[0] == key)

    def _node(self, depth: int, place: int) -> bytes:
        """Read the value of a node: levels stand root first, one after another."""
        at = self._nodes + ((1 << depth) - 1 + place) * KEY_BYTES
        return os.pread(self._file, KEY_BYTES, at)

    def _below(self, depth: int, place: int) -> tuple[int, int]:
        """Say which leaves are below a node: [low, high)."""
        width = self._bits - depth
        ends = (place << width, place + 1 << width)
        low, high = (
            START.unpack(os.pread(self._file, START.size, self._starts + 8 * end))[0]
            for end in ends
        )
        if not low <= high <= self.leaves:
            raise self._damaged("has leaves out of order")
        return low, high

    def _leaves(self, low: int, high: int) -> list[Leaf]:
        data = os.pread(
            self._file, (high - low) * LEAF_BYTES, HEADER.size + low * LEAF_BYTES
        )
        return [
            (data[at : at + KEY_BYTES], data[at + KEY_BYTES : at + LEAF_BYTES])
            for at in range(0, len(data), LEAF_BYTES)
        ]

    def _damaged(self, fault: str) -> CorpusError:
        return CorpusError(
            f"`{self._name}` {fault}",
            hint="restore it from a backup, or build the corpus again",
        )
