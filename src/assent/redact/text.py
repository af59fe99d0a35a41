"""Plain text: read in batches of documents, and written back with them replaced.

Line ends and blank lines stay as they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from assent.redact.bulk import Batch, Tally, Work
from assent.redact.reading import Piece, pieces, too_long
from assent.redact.redactor import BATCH_CHARACTERS


class Unit(StrEnum):
    """What one document is in a file of plain text."""

    LINE = "line"
    PARAGRAPH = "paragraph"  # up to a blank line: a name may go on in the next line
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents of a text to redact together.

    Args:
        texts: of the documents.
        gaps: what stands before the first one, and after each.
    """

    texts: Sequence[str]
    gaps: Sequence[str]

    def answered(self, work: Work) -> tuple[bytes, Tally]:
        """Redact them. Returns: them in UTF-8, without those that are dropped."""
        outcome = work.on(
            Batch(len(self.texts), self.texts, range(len(self.texts)), None)
        )
        out = [self.gaps[0]]
        for number, text in enumerate(self.texts):
            if number not in outcome.dropped:
                out += [outcome.changed.get(number, text), self.gaps[number + 1]]
        return "".join(out).encode(), outcome.tally


@dataclass(frozen=True, slots=True)
class PlainText:
    """A file of plain text in UTF-8.

    Args:
        stream: its bytes.
        name: what messages call it.
        unit: what one document is.
        longest: bytes of the longest document.
    """

    stream: BinaryIO
    name: str
    unit: Unit
    longest: int

    def questions(self) -> Iterator[tuple[Documents, None]]:
        """Read it. Raises: CorpusError: not UTF-8, or a document is too long."""
        divide = {
            Unit.LINE: self._lines,
            Unit.PARAGRAPH: self._paragraphs,
            Unit.FILE: self._whole,
        }[self.unit]
        texts: list[str] = []
        gaps: list[str] = []
        gap, size = [""], 0  # what stands since the last text
        for text, end in divide(pieces(self.stream, self.name, self.longest)):
            if not text or text.isspace():
                gap += text, end
            else:
                texts.append(text)
                gaps.append("".join(gap))
                gap = [end]
            size += len(text) + len(end)
            if size >= BATCH_CHARACTERS:
                yield Documents(texts, [*gaps, "".join(gap)]), None
                texts, gaps, gap, size = [], [], [""], 0
        if size:
            yield Documents(texts, [*gaps, "".join(gap)]), None

    def _lines(self, found: Iterable[Piece]) -> Iterator[tuple[str, str]]:
        for piece in found:
            *lines, last = piece.text.split("\n")
            for number, line in enumerate(lines, piece.line):
                if len(line) > self.longest:
                    raise too_long(self.name, number, self.longest)
                yield line, "\n"
            if last:
                yield last, ""

    def _paragraphs(self, found: Iterable[Piece]) -> Iterator[tuple[str, str]]:
        lines: list[str] = []
        size, begin = 0, 1
        for number, (line, end) in enumerate(self._lines(found), start=1):
            if not line or line.isspace():
                yield from _joined(lines)
                yield "", line + end
                lines, size, begin = [], 0, number + 1
                continue
            lines.append(line + end)
            size += len(lines[-1])
            if size > self.longest:
                raise too_long(self.name, begin, self.longest)
        yield from _joined(lines)

    def _whole(self, found: Iterable[Piece]) -> Iterator[tuple[str, str]]:
        parts, size = [], 0
        for piece in found:
            parts.append(piece.text)
            size += len(piece.text)
            if size > self.longest:
                raise too_long(self.name, 1, self.longest)
        yield "".join(parts), ""


def _joined(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    if lines:
        text = "".join(lines)
        yield text.removesuffix("\n"), "\n" if text.endswith("\n") else ""
