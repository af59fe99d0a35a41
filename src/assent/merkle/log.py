"""The append-only log: one root for all entries, short proofs for any of them.

Only complete subtrees are stored, each once and for ever: the node at position p of
level L covers the leaves [p << L, (p + 1) << L). `get(level, position)` reads one.
An append adds one leaf and the subtrees that it completes, so nothing stored is
ever rewritten, and every proof costs O(log n) reads.

Source: RFC 6962, section 2.1; RFC 9162, section 2.1.
"""

import hashlib
from collections.abc import Callable, Sequence

from assent.errors import ProofError

Get = Callable[[int, int], bytes]
Node = tuple[int, int, bytes]
"""Level, position and the 32 bytes of one complete subtree."""

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf: 32 bytes. Its prefix keeps leaves and nodes apart."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children into their parent: 32 bytes."""
    return hashlib.sha256(b"\1" + left + right).digest()


def appended(size: int, leaf: bytes, get: Get) -> list[Node]:
    """List what to store when a leaf joins a log of `size` entries.

    Args:
        size: entries before this one, so also the new leaf's position.
        leaf: `leaf_hash(entry)`, 32 bytes; not the entry itself.
        get: reads complete subtrees already stored.

    Returns:
        The leaf at level 0, then each subtree that it completes, lowest first.

    Raises:
        ValueError: the leaf is not 32 bytes, or the size is negative.
    """
    if len(leaf) != HASH_BYTES or size < 0:
        raise ValueError(f"a leaf hash has 32 bytes, not {len(leaf)}; size {size} >= 0")
    level, position, digest = 0, size, leaf
    nodes = [(level, position, digest)]
    while position % 2 == 1:  # a right child: its left sibling is complete and stored
        digest = node_hash(get(level, position - 1), digest)
        level, position = level + 1, position >> 1
        nodes.append((level, position, digest))
    return nodes


def root(size: int, get: Get) -> bytes:
    """Compute the root of the first `size` entries: 32 bytes."""
    return _range_root(0, size, get) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, get: Get) -> list[bytes]:
    """Collect the siblings from leaf `index` up to the root, lowest first.

    Raises:
        ValueError: there is no such leaf in a log of this size.

    Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is outside a log of {size} entries")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            path.append(_range_root(middle, high, get))
            high = middle
        else:
            path.append(_range_root(low, middle, get))
            low = middle
    return path[::-1]


def consistency_path(old: int, new: int, get: Get) -> list[bytes]:
    """Collect the hashes that show the first `old` entries begin the first `new`.

    Raises:
        ValueError: not 1 <= old <= new; the empty log begins every log.

    Source: RFC 9162, section 2.1.4.1.
    """
    if not 1 <= old <= new:
        raise ValueError(f"wanted 1 <= old <= new, found {old} and {new}")
    low, high, path = 0, new, []
    while old < high:
        middle = low + split(high - low)
        if old <= middle:
            path.append(_range_root(middle, high, get))
            high = middle
        else:
            path.append(_range_root(low, middle, get))
            low = middle
    if low > 0:  # at 0 the last part is the old root, which the verifier holds
        path.append(_range_root(low, high, get))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that `leaf` is number `index` under the tree head (`size`, `root`).

    Args:
        leaf: `leaf_hash(entry)`, 32 bytes.
        index: position of the entry, from 0.
        size: entries under the root.
        path: siblings of 32 bytes, lowest first.
        root: 32 bytes.

    Raises:
        ProofError: the proof is malformed, or leads to another root.

    Source: RFC 9162, section 2.1.3.2.
    """
    _check_hashes([leaf, *path, root])
    # (1) The position exists in a tree of this size.
    if not 0 <= index < size:
        raise ProofError(f"entry {index} is outside a ledger of {size} entries")

    # (2) Climb from the leaf; `last` tracks the right edge at the same height.
    node, last, digest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError(f"proof is longer than a ledger of {size} entries allows")
        if node % 2 == 1 or node == last:
            digest = node_hash(sibling, digest)
            while node % 2 == 0 and node > 0:  # on the edge: levels without a sibling
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1

    # (3) We stand at the top, and it is the signed root.
    if last != 0:
        raise ProofError(f"proof is too short for a ledger of {size} entries")
    _check_root(digest, root)


def verify_consistency(
    old_size: int,
    new_size: int,
    path: Sequence[bytes],
    old_root: bytes,
    new_root: bytes,
) -> None:
    """Check that a log only grew: the old entries are the first of the new ones.

    Raises:
        ProofError: the proof is malformed or leads to another root, or the old log is
            empty: then there is nothing to show.

    Source: RFC 9162, section 2.1.4.2.
    """
    _check_hashes(path)
    # (1) The sizes allow a proof at all.
    if not 1 <= old_size <= new_size:
        raise ProofError(
            f"a ledger cannot be shown to grow from {old_size} to {new_size} entries"
        )
    if old_size == new_size:
        if path:
            raise ProofError("two heads of one size need no proof, and this has one")
        return _check_root(old_root, new_root)

    # (2) A complete old tree is its own first hash; else the path brings it.
    complete = old_size & (old_size - 1) == 0
    hashes = [old_root, *path] if complete else list(path)
    if not path:
        raise ProofError(f"proof is empty between {old_size} and {new_size} entries")
    node, last = old_size - 1, new_size - 1
    while node % 2 == 1:
        node, last = node >> 1, last >> 1

    # (3) Climb both trees at once: left siblings are in both, right ones in the new.
    old_digest = new_digest = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError(f"proof is longer than {new_size} entries allow")
        if node % 2 == 1 or node == last:
            old_digest = node_hash(sibling, old_digest)
            new_digest = node_hash(sibling, new_digest)
            while node % 2 == 0 and node > 0:
                node, last = node >> 1, last >> 1
        else:
            new_digest = node_hash(new_digest, sibling)
        node, last = node >> 1, last >> 1

    # (4) Both climbs end at the roots that we hold.
    if last != 0:
        raise ProofError(f"proof is too short for {new_size} entries")
    _check_root(old_digest, old_root)
    _check_root(new_digest, new_root)
    return None


def split(count: int) -> int:
    """Give the largest power of two below `count`, for count > 1."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(low: int, high: int, get: Get) -> bytes:
    """Hash leaves [low, high), where the tree has a node over exactly these."""
    parts = []
    while low < high:  # complete subtrees from the left, each the largest that fits
        level = (high - low).bit_length() - 1
        parts.append(get(level, low >> level))
        low += 1 << level
    digest = parts.pop()
    while parts:
        digest = node_hash(parts.pop(), digest)
    return digest


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for digest in hashes:
        if len(digest) != HASH_BYTES:
            raise ProofError(f"a hash in the proof has {len(digest)} bytes, wanted 32")


def _check_root(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise ProofError(f"proof leads to root {found.hex()}, not {wanted.hex()}")
