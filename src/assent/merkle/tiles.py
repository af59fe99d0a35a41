"""The log as C2SP tiles: files of up to 256 hashes, and bundles of up to 256 entries.

The tile (level, index) holds the nodes of height 8 x level under which its place in the
log lies: hash number i is the complete subtree (8 x level, 256 x index + i) of
`merkle.log`. Heights between are recomputed from the tile, so a tile replaces 511 nodes
of a table. A complete tile never changes; a partial one only grows.

Source: C2SP tlog-tiles, v0.1.0.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from assent.errors import ProofError
from assent.merkle.log import HASH_BYTES

WIDTH = 256
"""Hashes of a complete tile, entries of a complete bundle."""
HEIGHT = 8
"""Tree levels that one tile spans: 2**8 = WIDTH."""
LENGTH_BYTES = 2
MAX_ENTRY_BYTES = 65_535

ReadTile = Callable[[int, int], bytes]
"""Reads the tile (tile level, index): hashes of 32 bytes, complete or partial."""


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Name the file of a hash tile: `tile/0/x001/067`, or `tile/0/x001/067.p/3`.

    Args:
        level: tile level, from 0.
        index: place of the tile in its level, from 0.
        width: hashes in it, 1 to 256; fewer than 256 make a partial tile.

    Raises:
        ValueError: no tile has this level, index or width.
    """
    if level < 0:
        raise ValueError(f"a tile has a level from 0 on, not {level}")
    return f"tile/{level}/{_number(index, width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """Name the file of an entry bundle: `tile/entries/x001/067`, or with `.p/W`.

    Raises:
        ValueError: no bundle has this index or width.
    """
    return f"tile/entries/{_number(index, width)}"


def widths(size: int) -> list[int]:
    """Count the hashes of each tile level of a log: level 0 first, none is empty."""
    counts = []
    while size:
        counts.append(size)
        size //= WIDTH
    return counts


def node(level: int, position: int, read_tile: ReadTile) -> bytes:
    """Read a complete subtree of `merkle.log` from the tile that it lies in: 32 bytes.

    Raises:
        ProofError: the tile is too short to hold it, or not a whole number of hashes.
    """
    tile_level, height = divmod(level, HEIGHT)
    index, first = divmod(position << height, WIDTH)
    count = 1 << height
    tile = read_tile(tile_level, index)
    if len(tile) % HASH_BYTES or len(tile) < (first + count) * HASH_BYTES:
        raise ProofError(
            f"tile {index} of level {tile_level} has {len(tile)} bytes, wanted at "
            f"least {first + count} hashes of {HASH_BYTES}"
        )
    start = first * HASH_BYTES
    return subtree(tile[start : start + count * HASH_BYTES])


def subtree(hashes: bytes) -> bytes:
    """Hash a row of 2**n hashes up to the one node above them all."""
    pair = 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        pairs = range(0, len(hashes), pair)
        # `log.node_hash` of each pair, written out: the loop of every append and check.
        hashes = b"".join(
            [sha256(b"\1" + hashes[at : at + pair]).digest() for at in pairs]
        )
    return hashes


def extend(
    size: int, leaves: Sequence[bytes], read_tile: ReadTile
) -> dict[tuple[int, int], bytes]:
    """Append leaf hashes to a log of `size` entries.

    Args:
        size: entries before them.
        leaves: `log.leaf_hash(entry)` of each, 32 bytes.
        read_tile: reads the partial tiles of the log of `size` entries; if a tile has
            grown since, only its first hashes count.

    Returns:
        The new content of every tile that changed, by (tile level, index).

    Raises:
        ProofError: a tile that was read is shorter than the size says.
        ValueError: a leaf is not 32 bytes, or the size is negative.
    """
    if size < 0 or any(len(leaf) != HASH_BYTES for leaf in leaves):
        raise ValueError(f"a leaf hash has {HASH_BYTES} bytes, a size is from 0 on")
    changed: dict[tuple[int, int], bytes] = {}
    level, position, hashes = 0, size, b"".join(leaves)
    while hashes:
        index, kept = divmod(position, WIDTH)
        if kept:
            hashes = _start_of(level, index, kept, read_tile) + hashes
        complete = []
        for start in range(0, len(hashes), WIDTH * HASH_BYTES):
            tile = hashes[start : start + WIDTH * HASH_BYTES]
            changed[level, index] = tile
            if len(tile) == WIDTH * HASH_BYTES:
                complete.append(subtree(tile))
            index += 1
        # Each tile that is now complete is one hash of the level above.
        level, position, hashes = level + 1, position // WIDTH, b"".join(complete)
    return changed


def bundle_entries(entries: Sequence[bytes]) -> bytes:
    """Write entries one after another, each after its length as a big-endian uint16.

    Raises:
        ValueError: an entry is over 65,535 bytes, or there are more than 256.
    """
    if len(entries) > WIDTH:
        raise ValueError(f"a bundle holds {WIDTH} entries at most, not {len(entries)}")
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry has {MAX_ENTRY_BYTES} bytes at most")
        parts += [len(entry).to_bytes(LENGTH_BYTES, "big"), entry]
    return b"".join(parts)


def split_entries(bundle: bytes) -> list[bytes]:
    """Read the entries of a bundle back.

    Raises:
        ProofError: it ends inside an entry, or holds more than 256.
    """
    entries, at = [], 0
    while at < len(bundle):
        start = at + LENGTH_BYTES
        end = start + int.from_bytes(bundle[at:start], "big")
        if end > len(bundle) or start > len(bundle):
            raise ProofError(f"an entry bundle of {len(bundle)} bytes is cut off")
        entries.append(bundle[start:end])
        at = end
    if len(entries) > WIDTH:
        raise ProofError(f"an entry bundle has {len(entries)} entries, wanted <= 256")
    return entries


def _start_of(level: int, index: int, count: int, read_tile: ReadTile) -> bytes:
    """Read the first hashes of a tile that will grow."""
    tile = read_tile(level, index)
    if len(tile) % HASH_BYTES or len(tile) < count * HASH_BYTES:
        raise ProofError(
            f"tile {index} of level {level} has {len(tile)} bytes, wanted at least "
            f"{count} hashes of {HASH_BYTES}"
        )
    return tile[: count * HASH_BYTES]


def _number(index: int, width: int) -> str:
    """Write a number in groups of three digits: 1067 is `x001/067`."""
    if index < 0 or not 1 <= width <= WIDTH:
        raise ValueError(f"no tile has index {index} and width {width}")
    path = f"{index % 1000:03d}"
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return path if width == WIDTH else f"{path}.p/{width}"
