"""Read a log whose files nobody vouches for: each is verified before it is believed.

The signed head vouches for the tiles at the right edge, whose hashes make its root. A
complete tile hashes to one entry of the tile above it, an entry of the log to one of a
tile of level 0. So every byte that comes out of here is one that the log's key signed.

Source: C2SP tlog-tiles, v0.1.0; RFC 6962, section 2.1.
"""

from collections import OrderedDict
from collections.abc import Iterator

from assent.errors import ProofError
from assent.merkle import log
from assent.merkle.log import HASH_BYTES
from assent.merkle.note import TreeHead, open_head
from assent.merkle.tiles import (
    LENGTH_BYTES,
    MAX_ENTRY_BYTES,
    WIDTH,
    entries_path,
    node,
    split_entries,
    subtree,
    tile_path,
    widths,
)
from assent.monitor.source import Source, UnreachableError

CHECKPOINT = "checkpoint"
MOST_OF_A_CHECKPOINT = 100_000
MOST_OF_A_BUNDLE = WIDTH * (LENGTH_BYTES + MAX_ENTRY_BYTES)
KEPT_TILES = 64
"""Verified tiles in memory: half a megabyte."""


class TileError(ProofError):
    """A file is not what the signed head vouches for.

    Args:
        message: what is wrong.
        files: what was served, by name: with the head they show the fault again.
        tile: level and index of the hash tile that failed; none for those at the edge.
        bundle: index of the entry bundle that failed, if one did.
    """

    def __init__(
        self,
        message: str,
        files: dict[str, bytes],
        tile: tuple[int, int] | None = None,
        bundle: int | None = None,
    ) -> None:
        super().__init__(message, hint="keep the evidence and ask who runs the log")
        self.files = files
        self.tile = tile
        self.bundle = bundle


class CheckpointError(ProofError):
    """What is served as the signed head is none."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message, hint="check the address")
        self.data = data


class WithheldError(ProofError):
    """A file that the signed head needs is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"`{name}` is not served, and the signed head needs it",
            hint="look again later; a log must serve every tile that it signs for",
        )
        self.name = name


def read_checkpoint(source: Source) -> str:
    """Read the text of the latest signed head. It is not verified yet.

    Raises:
        UnreachableError: there is none: then this is no log's address.
        CheckpointError: it is too long or not UTF-8.
    """
    data = source.fetch(CHECKPOINT, MOST_OF_A_CHECKPOINT)
    if data is None:
        raise UnreachableError(
            f"there is no `{CHECKPOINT}` in {source.where}",
            hint="give the address that ends before `/checkpoint`",
        )
    if len(data) > MOST_OF_A_CHECKPOINT:
        raise CheckpointError(
            f"the checkpoint is longer than {MOST_OF_A_CHECKPOINT} bytes", data
        )
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CheckpointError("the checkpoint is not UTF-8", data) from None


class LogReader:
    """A log as of one signed head, every tile and entry verified.

    Args:
        source: where its files are.
        note: the signed head.
        verifier_key: who must have signed it.

    Raises:
        ProofError: the head is not signed by this key.
    """

    def __init__(self, source: Source, note: str, verifier_key: str) -> None:
        self.verifier_key = verifier_key
        self.head: TreeHead = open_head(note, verifier_key)
        self.source = source
        self._note = note
        self._edge: dict[int, bytes] | None = None
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def cosigned_note(self, size: int | None = None) -> str:
        """Give the signed head that everything here is verified against.

        Raises:
            ValueError: another size is asked for.
        """
        if size not in (None, self.head.size):
            raise ValueError(f"this reader has the head of {self.head.size} only")
        return self._note

    def check(self) -> None:
        """Check that the tiles at the edge hash to the signed root.

        Raises:
            TileError, WithheldError, UnreachableError: as `tile`.
        """
        self._at_the_edge()

    def tile(self, level: int, index: int) -> bytes:
        """Read the hashes of a tile: verified, 32 bytes each, as of this head.

        Raises:
            TileError: what is served is not what the head vouches for.
            WithheldError: nothing is served.
            UnreachableError: it could not be asked for.
            ValueError: the log has no such tile.
        """
        width = self._width(level, index)
        if width < WIDTH:
            return self._at_the_edge()[level]
        if (level, index) in self._kept:
            self._kept.move_to_end((level, index))
            return self._kept[level, index]
        # The tile above is verified first, up to the edge, which the root vouches for.
        above = self.tile(level + 1, index // WIDTH)
        name = tile_path(level, index)
        tile = self._fetch(name, name, WIDTH * HASH_BYTES)
        at = index % WIDTH * HASH_BYTES
        whole = len(tile) == WIDTH * HASH_BYTES
        if not whole or subtree(tile) != above[at : at + HASH_BYTES]:
            files = {name: tile, **self._above(level, index)}
            raise TileError(
                f"`{name}` does not hash to the tile above it", files, (level, index)
            )
        self._kept[level, index] = tile
        if len(self._kept) > KEPT_TILES:
            self._kept.popitem(last=False)
        return tile

    def node(self, level: int, position: int) -> bytes:
        """Read a complete subtree of the log: a `Get` of `merkle.log`."""
        return node(level, position, self.tile)

    def root_at(self, size: int) -> bytes:
        """Compute the root of the first `size` entries: 32 bytes.

        Raises:
            ValueError: the log is shorter.
        """
        if size > self.head.size:
            raise ValueError(f"the log has {self.head.size} entries, not {size}")
        return log.root(size, self.node)

    def path(self, index: int) -> list[bytes]:
        """Prove that an entry stands under this head (RFC 9162, 2.1.3)."""
        return log.inclusion_path(index, self.head.size, self.node)

    def consistency(self, old: int) -> list[bytes]:
        """Prove that this head begins with its own first `old` entries."""
        return log.consistency_path(old, self.head.size, self.node)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Read the entries [start, stop), each verified, one bundle at a time.

        Raises:
            TileError, WithheldError, UnreachableError: as `tile`.
            ValueError: the log is shorter.
        """
        if not 0 <= start <= stop <= self.head.size:
            raise ValueError(f"the log has {self.head.size} entries, not {stop}")
        while start < stop:
            index, first = divmod(start, WIDTH)
            bundle = self._bundle(index)[first : stop - index * WIDTH]
            yield from bundle
            start += len(bundle)

    def _bundle(self, index: int) -> list[bytes]:
        width = self._width(0, index)
        name = entries_path(index, width)
        leaves = self.tile(0, index)
        data = self._fetch(name, entries_path(index), MOST_OF_A_BUNDLE)
        try:
            entries = split_entries(data)
            # As with tiles, a complete bundle may stand in for a partial one.
            if len(entries) not in (width, WIDTH):
                raise ProofError(f"has {len(entries)} entries, wanted {width}")
            for at, entry in enumerate(entries[:width]):
                if log.leaf_hash(entry) != leaves[at * HASH_BYTES :][:HASH_BYTES]:
                    number = index * WIDTH + at
                    raise ProofError(f"entry {number} is not the one that was signed")
        except ProofError as error:
            files = {name: data, **self._above(-1, index)}
            raise TileError(f"`{name}`: {error.message}", files, bundle=index) from None
        return entries[:width]

    def _width(self, level: int, index: int) -> int:
        """Count the hashes that a tile has as of this head."""
        counts = widths(self.head.size)
        count = counts[level] if 0 <= level < len(counts) else 0
        if not 0 <= index * WIDTH < count:
            raise ValueError(f"the log has no tile {index} of level {level}")
        return min(WIDTH, count - index * WIDTH)

    def _at_the_edge(self) -> dict[int, bytes]:
        """Read the partial tiles, one a level at most, whose hashes make the root."""
        if self._edge is None:
            files, edge = {}, {}
            for level, count in enumerate(widths(self.head.size)):
                index, width = divmod(count, WIDTH)
                if width:
                    name = tile_path(level, index, width)
                    complete = tile_path(level, index)
                    files[name] = self._fetch(name, complete, WIDTH * HASH_BYTES)
                    edge[level] = _first_hashes(files[name], width)

            def get(level: int, position: int) -> bytes:
                return node(level, position, lambda tile_level, _: edge[tile_level])

            whole = all(edge.values())
            if not whole or log.root(self.head.size, get) != self.head.root:
                named = " and ".join(f"`{name}`" for name in files) or "no entries"
                raise TileError(f"{named} do not hash to the signed root", files)
            self._edge = edge
        return self._edge

    def _above(self, level: int, index: int) -> dict[str, bytes]:
        """Collect all verified tiles above one, up to the edge: who vouches for it."""
        files = {
            tile_path(
                each, self.head.size // WIDTH ** (each + 1), len(tile) // 32
            ): tile
            for each, tile in self._at_the_edge().items()
        }
        level, index = level + 1, index if level < 0 else index // WIDTH
        while self._width(level, index) == WIDTH:
            files[tile_path(level, index)] = self.tile(level, index)
            level, index = level + 1, index // WIDTH
        return files

    def _fetch(self, name: str, complete: str, limit: int) -> bytes:
        """Fetch a file; where a partial one is gone, the complete one in its place."""
        data = self.source.fetch(name, limit)
        if data is None and complete != name:
            data = self.source.fetch(complete, limit)
        if data is None:
            raise WithheldError(name)
        return data


def _first_hashes(data: bytes, width: int) -> bytes:
    """Take a partial tile, or the beginning of the complete one; else nothing."""
    if len(data) not in (width * HASH_BYTES, WIDTH * HASH_BYTES):
        return b""
    return data[: width * HASH_BYTES]
