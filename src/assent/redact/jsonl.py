"""JSON lines: read in batches of lines, and written back with the texts replaced.

All else stays as it is, byte for byte: the other fields, their order, and how numbers
are written.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from assent.errors import CorpusError
from assent.redact.bulk import Batch, Tally, Work
from assent.redact.reading import Piece, pieces, too_long

HINT = "every line is one JSON object; null says that there is no text"


class Literal(NamedTuple):
    """A string in a line: where it stands, with its quotes, and what it says."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file of JSON lines in UTF-8.

    Args:
        stream: its bytes.
        wanted: what is looked for in each line.
    """

    stream: BinaryIO
    wanted: "Fields"

    def questions(self) -> Iterator[tuple["Lines", None]]:
        """Read it. Raises: CorpusError: a line is not UTF-8, or too long."""
        for piece in pieces(self.stream, self.wanted.name, self.wanted.longest):
            yield Lines(piece, self.wanted), None


class Fields(NamedTuple):
    """What is looked for in each line.

    Args:
        name: what messages call the file.
        columns: the fields that hold texts, such as `text` or `messages.content`; a
            list on the way means each of its items. Every line has all of them; null
            is no text.
        near: fields with ids of the subjects that take part, or lists of them.
        longest: bytes of the longest line.
    """

    name: str
    columns: Sequence[str]
    near: Sequence[str]
    longest: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to redact together.

    Args:
        piece: the lines.
        wanted: what is looked for in each.
    """

    piece: Piece
    wanted: Fields

    def answered(self, work: Work) -> tuple[bytes, Tally]:
        """Redact them. Returns: them in UTF-8, without those that are dropped.

        Raises:
            CorpusError: a line is no JSON object, without a field, or too long; or a
                text has lone surrogates.
        """
        lines = [f"{line}\n" for line in self.piece.text.split("\n")]
        lines[-1] = lines[-1].removesuffix("\n")
        found = [
            self._literals(line, number)
            for number, line in enumerate(lines, self.piece.line)
        ]
        full = [number for number, line in enumerate(lines) if not _is_blank(line)]
        near = [self._near(lines[number], self.piece.line + number) for number in full]
        batch = Batch(
            len(full),
            [literal.text for number in full for literal in found[number]],
            [owner for owner, number in enumerate(full) for _ in found[number]],
            near if self.wanted.near else None,
        )
        outcome = work.on(batch)
        for number in outcome.dropped:
            lines[full[number]] = ""
        text = 0
        for number in full:
            if lines[number]:
                new = [outcome.changed.get(text + n) for n in range(len(found[number]))]
                lines[number] = _with_texts(lines[number], found[number], new)
            text += len(found[number])
        return "".join(lines).encode(), outcome.tally

    def _literals(self, line: str, number: int) -> list[Literal]:
        if len(line) > self.wanted.longest:
            raise too_long(self.wanted.name, number, self.wanted.longest)
        if _is_blank(line):
            return []
        try:
            return sorted(strings(line, self.wanted.columns))
        except _LineError as error:
            fault = str(error)
        except (ValueError, RecursionError):
            fault = "no JSON object"
        # Outside of what is handled: the reader's own words may quote the line.
        raise self._refused(number, fault)

    def _near(self, line: str, number: int) -> frozenset[str]:
        try:
            return _near(line, self.wanted.near)
        except RecursionError:
            pass  # told below, without the line
        raise self._refused(number, "ids lie in too many lists")

    def _refused(self, number: int, fault: str) -> CorpusError:
        return CorpusError(f"`{self.wanted.name}`, line {number}: {fault}", hint=HINT)


def _is_blank(line: str) -> bool:
    return not line or line.isspace()


def _with_texts(
    line: str, literals: Sequence[Literal], texts: Sequence[str | None]
) -> str:
    """Put new texts into a line, spelled as the old ones; None: it stays."""
    out = []
    done = 0
    for literal, text in zip(literals, texts, strict=True):
        if text is not None:
            # In ASCII with escapes, or in plain UTF-8.
            plain = line[literal.start : literal.end].isascii()
            out += [line[done : literal.start], json.dumps(text, ensure_ascii=plain)]
            done = literal.end
    return "".join([*out, line[done:]])


class _LineError(Exception):
    """A line is JSON, but not as wanted; says how, without a word of it."""


# Numbers are passed over, and some are too long to be read.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_WHITE = re.compile(r"[ \t\r\n]*")


def strings(line: str, columns: Iterable[str]) -> list[Literal]:
    """Find the strings of some fields in a line.

    Args:
        line: a JSON object; blanks and a byte order mark may stand around it.
        columns: fields, as paths with dots; one whose name has dots is found too.

    Raises:
        ValueError: not JSON, or a field is not there or holds no text.
        RecursionError: nested too deeply.
    """
    begin = _skip(line, 1 if line.startswith("\ufeff") else 0)
    if line[begin : begin + 1] != "{":
        raise _LineError("no JSON object")
    value, end = _DECODER.raw_decode(line, begin)
    if _skip(line, end) != len(line):
        raise _LineError("more than one JSON object")
    found: list[Literal] = []
    for column in columns:
        if not _at_once(line, value, column, found):
            _descend(line, begin, column.split("."), column, found)
    for literal in found:
        if not literal.text.isascii() and _LONE.search(literal.text):
            raise _LineError("a text has half a character, a lone surrogate")
    return found


def _at_once(
    line: str, value: dict[str, Any], column: str, found: list[Literal]
) -> bool:
    """Find the text of a field at the top without reading the line field by field.

    It is ten times as fast, and sure if the key stands once in the whole line and no
    key can be spelled with escapes.
    """
    text = value.get(column)
    plain = column.isascii() and column.isidentifier()
    if not isinstance(text, str) or not plain or "\\u00" in line:
        return False
    key = f'"{column}"'
    at = line.find(key)
    colon = _skip(line, at + len(key))
    # Inside a string, a quote has a backslash before it.
    alone = at > 0 and line[at - 1] != "\\" and line.find(key, at + 1) < 0
    if not alone or line[colon] != ":":
        return False
    start = _skip(line, colon + 1)
    if line[start] != '"':  # a number, see `_DECODER`
        return False
    text, end = _DECODER.raw_decode(line, start)
    found.append(Literal(start, end, text))
    return True


_LONE = re.compile("[\ud800-\udfff]")


def _skip(line: str, at: int) -> int:
    white = _WHITE.match(line, at)
    return white.end() if white else at


def _descend(
    line: str, at: int, path: Sequence[str], column: str, found: list[Literal]
) -> int:
    """Find the strings at a path from a value on. Returns: where the value ends."""
    first = line[at : at + 1]
    if first == "[":
        return _items(line, at, path, column, found)
    if path and first == "{":
        return _fields(line, at, path, column, found)
    if not path and first == '"':
        text, end = _DECODER.raw_decode(line, at)
        found.append(Literal(at, end, text))
        return end
    value, end = _DECODER.raw_decode(line, at)
    if value is not None:
        raise _LineError(f"`{column}` is no text")
    return end


def _items(
    line: str, at: int, path: Sequence[str], column: str, found: list[Literal]
) -> int:
    at = _skip(line, at + 1)
    if line[at : at + 1] == "]":
        return at + 1
    while True:
        at = _skip(line, _descend(line, at, path, column, found))
        mark = line[at : at + 1]
        if mark == "]":
            return at + 1
        if mark != ",":
            raise _LineError("no JSON object")
        at = _skip(line, at + 1)


def _fields(
    line: str, at: int, path: Sequence[str], column: str, found: list[Literal]
) -> int:
    name, rest = path[0], ".".join(path)
    seen = False
    at = _skip(line, at + 1)
    while line[at : at + 1] != "}":
        if line[at : at + 1] != '"':
            raise _LineError("no JSON object")
        key, at = _DECODER.raw_decode(line, at)
        at = _skip(line, at)
        if line[at : at + 1] != ":":
            raise _LineError("no JSON object")
        at = _skip(line, at + 1)
        if key in (name, rest):
            if seen:
                raise _LineError(f"`{column}` stands twice")
            seen = True
            at = _descend(line, at, path[1:] if key == name else (), column, found)
        else:
            _, at = _DECODER.raw_decode(line, at)
        at = _skip(line, at)
        if line[at : at + 1] == ",":
            at = _skip(line, at + 1)
            if line[at : at + 1] != '"':
                raise _LineError("no JSON object")
        elif line[at : at + 1] != "}":
            raise _LineError("no JSON object")
    if not seen:
        raise _LineError(f"there is no `{column}`")
    return at + 1


def _near(line: str, columns: Sequence[str]) -> frozenset[str]:
    """Gather ids from some fields of a line that was read already; none is no fault."""
    if not columns:
        return frozenset()
    value = _DECODER.decode(line.removeprefix("\ufeff"))
    found: set[str] = set()
    for column in columns:
        _gather(value, column.split("."), found)
    return frozenset(found)


def _gather(value: Any, path: Sequence[str], found: set[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _gather(each, path, found)
    elif isinstance(value, dict):
        if path and path[0] in value:
            _gather(value[path[0]], path[1:], found)
    elif isinstance(value, str) and not path:  # a number too: see `_DECODER`
        found.add(value)
