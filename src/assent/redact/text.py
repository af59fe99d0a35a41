"""Plain text: read in batches of documents, and written back with them replaced.

Line ends and blank lines stay as they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

from assent.redact.bulk import Batch, Outcome
from assent.redact.reading import Piece, pieces, too_long
from assent.redact.redactor import BATCH_CHARACTERS


class Unit(StrEnum):
    """What one document is in a file of plain text."""

    LINE = "line"
    PARAGRAPH = "paragraph"  # up to a blank line: a name may go on in the next line
    FILE = "file"


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

    def batches(self) -> Iterator[Batch]:
        """Read it. Raises: CorpusError: not UTF-8, or a document is too long."""
        divide = {
            Unit.LINE: self._lines,
            Unit.PARAGRAPH: self._paragraphs,
            Unit.FILE: self._whole,
        }[self.unit]
        texts: list[str] = []
        gaps, size = [""], 0
        for text, gap in divide(pieces(self.stream, self.name, self.longest)):
            size += len(text) + len(gap)
            if not text or text.isspace():
                gaps[-1] += text + gap
            else:
                texts.append(text)
                gaps.append(gap)
            if size >= BATCH_CHARACTERS:
                yield _batch(texts, gaps)
                texts, gaps, size = [], [""], 0
        if size:
            yield _batch(texts, gaps)

    def written(self, batch: Batch, outcome: Outcome) -> bytes:
        """Put a batch's texts back, without the documents that are dropped."""
        gaps: Any = batch.rest
        out = [gaps[0]]
        for number, (text, gap) in enumerate(zip(batch.texts, gaps[1:], strict=True)):
            if number not in outcome.dropped:
                out += [outcome.changed.get(number, text), gap]
        return "".join(out).encode()

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


def _batch(texts: Sequence[str], gaps: Sequence[str]) -> Batch:
    """Make a batch; of the gaps, one stands before the texts and one after each."""
    return Batch(len(texts), texts, range(len(texts)), None, gaps)
