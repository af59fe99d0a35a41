"""Files of text as streams: opened whatever packs them, cut into lines and checked.

Nothing of what stands in a file is ever in a message: only its name and a place in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from assent.errors import CorpusError, UsageError

PACKED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
READ = 1 << 19
"""Bytes read at a time."""

MEGABYTE = 1_000_000
LONGEST = 16 * MEGABYTE
"""Bytes of the longest document; one takes about 70 times as much memory, at worst."""


class Piece(NamedTuple):
    """Whole lines of a file.

    Args:
        text: all of them, with their ends.
        line: number of the first one, from 1.
    """

    text: str
    line: int


def called(path: Path) -> str:
    """Name a file in a message: without its folders, which are this machine's."""
    return path.name or str(path)


def unpacked(path: Path, name: str) -> str:
    """Take away what says that a file is packed: `a.txt.gz` is `a.txt`."""
    return name.removesuffix(path.suffix) if path.suffix in PACKED else name


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read, unpacked where its name ends in .gz, .zst or .bz2.

    Raises:
        UsageError: there is no such file.
        CorpusError: it is packed, and damaged.
    """
    if path.is_dir():
        raise UsageError(f"`{called(path)}` is a folder", hint="name the files in it")
    if not path.exists():
        raise UsageError(f"there is no file `{called(path)}`", hint="check the path")
    packing = PACKED.get(path.suffix)
    with path.open("rb") as stream:
        if packing is None:
            yield stream
            return
        try:
            with pa.CompressedInputStream(stream, packing) as inside:
                yield inside
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise CorpusError(
                f"`{called(path)}` is cut off or damaged, or no {packing} file at all",
                hint="make or fetch it again",
            ) from error


@contextmanager
def packed(stream: BinaryIO, path: Path) -> Iterator[Any]:
    """Give a stream to write, packed if the file's name says so."""
    packing = PACKED.get(path.suffix)
    if packing is None:
        yield stream
        return
    with pa.CompressedOutputStream(_LeftOpen(stream), packing) as inside:
        yield inside


class _LeftOpen(RawIOBase):
    """Passes on what is written; Arrow would close the stream behind it too."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._stream.write(data)


def pieces(stream: BinaryIO, name: str, longest: int = LONGEST) -> Iterator[Piece]:
    """Read a stream of text piece by piece, each of whole lines.

    Memory: half a megabyte, or the longest line.

    Args:
        stream: of UTF-8.
        name: what messages call it.
        longest: bytes of the longest line.

    Raises:
        CorpusError: it is not UTF-8, or a line is longer.
    """
    parts: list[bytes] = []
    size, line = 0, 1
    while block := stream.read(READ):
        end = block.find(b"\n")
        if size + (end if end >= 0 else len(block)) > longest:
            raise too_long(name, line, longest)
        cut = block.rfind(b"\n") + 1
        if cut:
            whole = b"".join([*parts, block[:cut]])
            yield Piece(_decoded(whole, name, line), line)
            line += whole.count(b"\n")
            parts, size = [], 0
        parts.append(block[cut:])
        size += len(block) - cut
    if size > longest:
        raise too_long(name, line, longest)
    if size:
        yield Piece(_decoded(b"".join(parts), name, line), line)


def _decoded(data: bytes, name: str, line: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        line += data.count(b"\n", 0, error.start)
        raise CorpusError(
            f"`{name}` is not UTF-8: line {line}, byte {error.start - start + 1}",
            hint="convert it first, as with `iconv -t utf-8`",
        ) from None


def too_long(name: str, line: int, longest: int) -> CorpusError:
    """Say where a document is too long."""
    return CorpusError(
        f"`{name}`, line {line}: a document is longer than {megabytes(longest)}",
        hint="if it is text, choose a smaller `--document`; or raise `--longest`, at "
        "70 bytes of memory a byte",
    )


def megabytes(size: int) -> str:
    """Write a size for people."""
    return f"{size / MEGABYTE:,g} MB"
