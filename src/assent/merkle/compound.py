"""Many entries under one tree head, with one proof that sends no hash twice.

The tree is walked from its root, left to right, into every part that holds a proved
leaf. A part that holds none costs one hash; all others follow from the leaves. So the
size and the positions fix how many hashes there are and where each of them belongs:
a proof has one form, and nothing in it can be moved, added or left out.

For one leaf it has the hashes of RFC 9162, section 2.1.3, in the order of the tree
instead of from the leaf up.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from assent.errors import ProofError
from assent.merkle.log import HASH_BYTES, node_hash, split


def compound_path(paths: Mapping[int, Sequence[bytes]], size: int) -> list[bytes]:
    """Merge the inclusion paths of several leaves into one proof.

    Args:
        paths: by position of the leaf, as `log.inclusion_path` gives them.
        size: entries under the root; the same for all paths.

    Returns:
        Hashes of 32 bytes, in the order of the tree from left to right.

    Raises:
        ValueError: no path, a position outside the tree, or a path of another length.
    """
    indices = sorted(paths)
    wrong = _wrong(indices, size)
    if wrong:
        raise ValueError(wrong)
    known: dict[tuple[int, int], bytes] = {}
    for index, path in paths.items():
        beside = _siblings(index, size)
        known.update(zip(beside, reversed(path), strict=True))
    return [known[part] for part in _parts_between(indices, 0, size)]


def compound_root(
    leaves: Mapping[int, bytes], size: int, path: Sequence[bytes]
) -> bytes:
    """Compute the root that several leaves and a proof lead to.

    The caller compares it with the signed root: only then is anything proved.

    Args:
        leaves: `leaf_hash(entry)`, 32 bytes, by position; at least one.
        size: entries under the root.
        path: as `compound_path` gives it.

    Raises:
        ProofError: no leaf, a position outside the tree, a hash of another length, or
            another number of hashes than the positions need.
    """
    indices = sorted(leaves)
    wrong = _wrong(indices, size)
    if wrong:
        raise ProofError(wrong)
    if any(len(one) != HASH_BYTES for one in (*leaves.values(), *path)):
        raise ProofError("a hash in the proof has not the 32 bytes of a hash")
    sent = iter(path)
    root = _fold(leaves, indices, sent, 0, size)
    if next(sent, None) is not None:
        raise ProofError("the proof has more hashes than its entries need")
    return root


def verify_compound(
    leaves: Mapping[int, bytes], size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that all these leaves stand under the tree head (`size`, `root`).

    Raises:
        ProofError: the proof is malformed, or leads to another root.
    """
    found = compound_root(leaves, size, path)
    if found != root:
        raise ProofError(f"proof leads to root {found.hex()}, not {root.hex()}")


def _fold(
    leaves: Mapping[int, bytes],
    indices: Sequence[int],
    sent: Iterator[bytes],
    low: int,
    high: int,
) -> bytes:
    """Hash the leaves [low, high), of which `indices` are known."""
    if not indices:
        digest = next(sent, None)
        if digest is None:
            raise ProofError("the proof has fewer hashes than its entries need")
        return digest
    if high - low == 1:
        return leaves[low]
    middle = low + split(high - low)
    between = bisect_left(indices, middle)
    left = _fold(leaves, indices[:between], sent, low, middle)
    right = _fold(leaves, indices[between:], sent, middle, high)
    return node_hash(left, right)


def _siblings(index: int, size: int) -> list[tuple[int, int]]:
    """List the parts not entered on the way from the root to a leaf, root first."""
    low, high, found = 0, size, []
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low = middle
    return found


def _parts_between(
    indices: Sequence[int], low: int, high: int
) -> Iterator[tuple[int, int]]:
    """List the largest parts of [low, high) that hold no wanted leaf, left first."""
    if not indices:
        yield low, high
    elif high - low > 1:
        middle = low + split(high - low)
        between = bisect_left(indices, middle)
        yield from _parts_between(indices[:between], low, middle)
        yield from _parts_between(indices[between:], middle, high)


def _wrong(indices: Sequence[int], size: int) -> str:
    """Say what is wrong with the positions; empty when nothing is."""
    if not indices:
        return "a proof of no entry proves nothing"
    for index in (indices[0], indices[-1]):
        if not 0 <= index < size:
            return f"entry {index} is outside a ledger of {size} entries"
    return ""
