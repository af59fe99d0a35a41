"""The prefix tree: proves that a key is in a set, or that it is NOT.

A key's bits, first bit first, fix the one place where it can be. So an absence proof
needs no trust that anything was sorted: in a sorted log, one leaf out of order lets
its author prove presence and absence of the same key.

- value of no leaf: 32 zero bytes
- value of one leaf, however high: SHA-256(0x02 || key || commitment)
- value of more: SHA-256(0x03 || value(next bit 0) || value(next bit 1))

Source: draft-ietf-keytrans-protocol, "Prefix Tree"; these rules are frozen here.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from assent.errors import ProofError

Leaf = tuple[bytes, bytes]
"""A key and what it is committed to, 32 bytes each."""

KEY_BYTES = 32
KEY_BITS = 256
EMPTY = bytes(32)


class ProofKind(StrEnum):
    """What the walk along the key's bits ends at."""

    INCLUSION = "inclusion"
    NON_INCLUSION_LEAF = "non_inclusion_leaf"  # the only leaf down here is another's
    NON_INCLUSION_PARENT = "non_inclusion_parent"  # nothing is down here


@dataclass(frozen=True, slots=True)
class PrefixProof:
    """The walk from the root to where a key is, or would be.

    Args:
        kind: what the walk ends at.
        copath: the child not taken at each step, root first; 32 bytes each.
        leaf: the other leaf that is shown, for NON_INCLUSION_LEAF only.
    """

    kind: ProofKind
    copath: tuple[bytes, ...]
    leaf: Leaf | None = None

    @property
    def depth(self) -> int:
        """How many bits of the key were walked."""
        return len(self.copath)


class PrefixTree:
    """A set of leaves, sorted once, that can be proved about.

    Nothing but the leaves is kept: a root or a proof hashes all of them, about 2
    microseconds each.

    Raises:
        ValueError: a key appears twice, or a key or commitment is not 32 bytes.
    """

    def __init__(self, leaves: Iterable[Leaf]) -> None:
        self._leaves = sorted(leaves)
        self._keys = [key for key, _ in self._leaves]
        for key, commitment in self._leaves:
            if len(key) != KEY_BYTES or len(commitment) != KEY_BYTES:
                raise ValueError("a key and its commitment have 32 bytes each")
        if any(one == next_one for one, next_one in pairwise(self._keys)):
            raise ValueError("a key appears twice; a set holds each key once")

    def root(self) -> bytes:
        """Compute the root: 32 bytes."""
        return self._value(0, len(self._keys), 0)

    def prove(self, key: bytes, depth: int = 0) -> PrefixProof:
        """Walk to where `key` is, or would be.

        Args:
            key: in question.
            depth: where the walk starts, if the leaves are those below one node of a
                larger tree: they and the key share their first `depth` bits, and the
                copath is the rest of the whole one.

        Raises:
            ValueError: the key is not 32 bytes.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has 32 bytes, not {len(key)}")
        low, high = 0, len(self._keys)
        copath: list[bytes] = []
        while high - low > 1:
            middle = self._split(low, high, depth)
            if _bit(key, depth):
                copath.append(self._value(low, middle, depth + 1))
                low = middle
            else:
                copath.append(self._value(middle, high, depth + 1))
                high = middle
            depth += 1
        if low == high:
            return PrefixProof(ProofKind.NON_INCLUSION_PARENT, tuple(copath))
        if self._keys[low] == key:
            return PrefixProof(ProofKind.INCLUSION, tuple(copath))
        shown = self._leaves[low]
        return PrefixProof(ProofKind.NON_INCLUSION_LEAF, tuple(copath), shown)

    def _value(self, low: int, high: int, depth: int) -> bytes:
        """Hash the leaves [low, high), which share their first `depth` bits."""
        if low == high:
            return EMPTY
        if high - low == 1:
            return _leaf_value(*self._leaves[low])
        middle = self._split(low, high, depth)
        return _parent_value(
            self._value(low, middle, depth + 1), self._value(middle, high, depth + 1)
        )

    def _split(self, low: int, high: int, depth: int) -> int:
        """Find the first of the leaves [low, high) whose bit `depth` is 1."""
        rest = KEY_BITS - 1 - depth
        shared = int.from_bytes(self._keys[low]) >> rest | 1
        return bisect_left(self._keys, (shared << rest).to_bytes(32), low, high)


def prefix_root(leaves: Iterable[Leaf]) -> bytes:
    """Compute the root of a set of leaves: 32 bytes; zeros for the empty set.

    Raises:
        ValueError: a key appears twice, or a key or commitment is not 32 bytes.
    """
    return PrefixTree(leaves).root()


def prove(leaves: Iterable[Leaf], key: bytes) -> PrefixProof:
    """Prove that `key` is among the leaves, or that it is not, whichever is true.

    Raises:
        ValueError: a key appears twice, or a key or commitment is not 32 bytes.
    """
    return PrefixTree(leaves).prove(key)


def verify_present(
    proof: PrefixProof, key: bytes, commitment: bytes, root: bytes
) -> None:
    """Check that the set under `root` holds `key` with this commitment.

    Raises:
        ProofError: the proof is malformed, shows something else or another root.
    """
    _check_root(present_root(proof, key, commitment), root)


def verify_absent(proof: PrefixProof, key: bytes, root: bytes) -> None:
    """Check that the set under `root` holds nothing at `key`.

    Raises:
        ProofError: the proof is malformed, shows something else or another root.
    """
    _check_root(absent_root(proof, key), root)


def present_root(proof: PrefixProof, key: bytes, commitment: bytes) -> bytes:
    """Compute the root of the only sets that this proof shows `key` in: 32 bytes.

    Nothing is proved before the root is seen to be the committed one.

    Raises:
        ProofError: the proof is malformed, or shows something else.
    """
    _check_shape(proof, key)
    if proof.kind is not ProofKind.INCLUSION:
        raise ProofError(f"proof is of kind `{proof.kind}`, wanted `inclusion`")
    if len(commitment) != KEY_BYTES:
        raise ProofError(f"the commitment has {len(commitment)} bytes, wanted 32")
    return _fold(_leaf_value(key, commitment), proof, key)


def absent_root(proof: PrefixProof, key: bytes) -> bytes:
    """Compute the root of the only sets that this proof shows without `key`: 32 bytes.

    Nothing is proved before the root is seen to be the committed one.

    Raises:
        ProofError: the proof is malformed, or shows something else.
    """
    _check_shape(proof, key)
    if proof.kind is ProofKind.INCLUSION:
        raise ProofError("proof is of kind `inclusion`, wanted one of absence")
    if proof.leaf is None:
        return _fold(EMPTY, proof, key)
    # The other leaf must stand where ours would: same first bits, another key.
    other, commitment = proof.leaf
    if other == key:
        raise ProofError("the leaf shown as another's has the very key in question")
    if any(_bit(other, depth) != _bit(key, depth) for depth in range(proof.depth)):
        raise ProofError("the leaf shown stands elsewhere than the key in question")
    return _fold(_leaf_value(other, commitment), proof, key)


def _leaf_value(key: bytes, commitment: bytes) -> bytes:
    return hashlib.sha256(b"\2" + key + commitment).digest()


def _parent_value(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\3" + left + right).digest()


def _bit(key: bytes, depth: int) -> int:
    """Read bit `depth` of a key; bit 0 is the most significant of the first byte."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _check_shape(proof: PrefixProof, key: bytes) -> None:
    hashes: Sequence[bytes] = [key, *proof.copath, *(proof.leaf or ())]
    if any(len(part) != KEY_BYTES for part in hashes):
        raise ProofError("a part of the proof has not the 32 bytes of a hash")
    if proof.depth > KEY_BITS:
        raise ProofError(f"proof has {proof.depth} steps, and a key has 256 bits")
    if (proof.leaf is not None) != (proof.kind is ProofKind.NON_INCLUSION_LEAF):
        raise ProofError(f"proof of kind `{proof.kind}` shows a leaf, or lacks one")


def _fold(value: bytes, proof: PrefixProof, key: bytes) -> bytes:
    """Climb from the end of the walk to the root along the key's bits."""
    for depth in range(proof.depth - 1, -1, -1):
        sibling = proof.copath[depth]
        if _bit(key, depth):
            value = _parent_value(sibling, value)
        else:
            value = _parent_value(value, sibling)
    return value


def _check_root(found: bytes, wanted: bytes) -> None:
    if len(wanted) != KEY_BYTES:
        raise ProofError(f"the root has {len(wanted)} bytes, wanted 32")
    if found != wanted:
        raise ProofError(f"proof leads to root {found.hex()}, not {wanted.hex()}")
