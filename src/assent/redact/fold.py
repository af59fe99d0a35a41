"""The normaliser: many texts become one plain text, with the way back to each.

In the plain text there are no accents, invisible characters, doubled blanks or digits
of other scripts, full-width forms are ordinary ones, and in a word that mixes scripts
letters are the Latin ones that they look like, so that a pattern reads one way of
writing instead of hundreds. Texts are folded many at a time: what costs a call
is paid once a batch, not once a text.

Each text is wrapped by `SEPARATOR`, whose middle no real character is folded to: what
does not pass `BARRIER` cannot see another text.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assent.redact.compiled import CHARACTERS, DROP, SEVERAL, is_known, plain
from assent.redact.confusables import skeleton
from assent.redact.spans import BARRIER, PLACEHOLDER, Codes, Found, Span

SEPARATOR = f"\n{BARRIER}\n"

_LINE_BREAKS = frozenset("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_ALIKE: dict[int, int | str] = {
    **str.maketrans("\u2010\u2011\u2212\u2018\u2019\u02bc\u2032", "---''''"),
    # Unicode does not take these apart; who has no keys for them writes them so.
    **str.maketrans("łŁøØıħĦðÐ", "lLoOihHdD"),
    ord("ß"): "ss",
    ord("ẞ"): "SS",
    ord("þ"): "th",
    ord("Þ"): "Th",
    ord("æ"): "ae",
    ord("Æ"): "Ae",
    ord("œ"): "oe",
    ord("Œ"): "Oe",
}
# Vowel signs too: to a pattern they are no letters, and would cut a word in two.
_UNSEEN = frozenset({"Mn", "Me", "Mc", "Cf", "Cc"})
_STRETCH = "\u0640"
"""The tatweel makes an Arabic word longer on the page, and is no letter of it."""
_JAMO, _JAMOS = np.uint32(0x1100), 0x13
_BLANK, _NEWLINE, _INVISIBLE = 0x20, 0x0A, 0x200B
_ENTITY = re.compile(
    r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)
_SYLLABLE = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")


class Places(Protocol):
    """Where in the original each plain character stood."""

    def starts(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the originals of plain characters start."""

    def ends(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the next originals start after those of plain characters, if any."""

    def plain(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first plain characters whose originals start there or later."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A place for each character.

    Args:
        places: (size of the plain text,) in order; several may be the same.
        size: of the original.
    """

    places: NDArray[np.int32]
    size: int

    def starts(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.places[at].astype(np.int64)

    def ends(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        after = np.searchsorted(self.places, self.places[at], "right")
        ends = np.full(len(at), self.size)
        some = after < len(self.places)
        ends[some] = self.places[after[some]]
        return ends

    def plain(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.places, starts)


class _Gaps:
    """Every character stands for itself, and a few were left out.

    Args:
        gone: their places in the original, in order.
        size: of the original.
    """

    __slots__ = ("_before", "_gone", "_size")

    def __init__(self, gone: NDArray[np.int64], size: int) -> None:
        self._gone = gone
        # How many characters are kept before each of them.
        self._before = gone - np.arange(len(gone))
        self._size = size

    def starts(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        return at + np.searchsorted(self._before, at, "right")

    def ends(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(self.starts(at + 1), self._size)

    def plain(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        return starts - np.searchsorted(self._gone, starts)


@dataclass(frozen=True, slots=True)
class Plain:
    """Texts as patterns read them, and the way back.

    Args:
        text: the plain characters of all texts, case kept, each text wrapped.
        codes: (len(text),) the same as code points.
        places: of the originals in `joined`.
        joined: the original texts, wrapped and joined.
        bounds: for each text, where it starts in `joined`; one more for the end.
    """

    text: str
    codes: Codes
    places: Places
    joined: str
    bounds: Sequence[int]

    @property
    def edges(self) -> NDArray[np.int64]:
        """Where each text starts in `text`; one more for the end."""
        return self.places.plain(np.array(self.bounds))

    def originals(self, spans: Sequence[Found]) -> Iterator[tuple[int, Span]]:
        """Move spans of the plain text back: the number of the text, and where in it.

        What was left out belongs to the character before it: an accent goes with its
        letter, so no half of a name stays behind. One character that was folded to
        several goes whole.

        Args:
            spans: that hold no barrier.
        """
        if not spans:
            return iter(())
        starts, ends, kinds = zip(*spans, strict=True)
        bounds = np.array(self.bounds)
        begins = self.places.starts(np.array(starts))
        numbers = np.searchsorted(bounds, begins, "right") - 1
        stops = np.minimum(
            self.places.ends(np.array(ends) - 1), bounds[numbers + 1] - len(SEPARATOR)
        )
        base = bounds[numbers]
        columns = (begins - base).tolist(), (stops - base).tolist(), kinds
        return zip(numbers.tolist(), map(Span, *columns), strict=True)


class Lookup:
    """A value for each code point, found out when it is first met: most never are.

    Args:
        value: of one character; never the largest number of the type.
        kind: type of the values.
    """

    def __init__(self, value: Callable[[str], int], kind: type[np.unsignedinteger]):
        self._value = value
        self._unknown = np.iinfo(kind).max
        self._values = np.full(CHARACTERS, self._unknown, kind)

    def __call__(self, codes: Codes) -> NDArray[Any]:
        """Look up code points. Returns: (len(codes),) their values."""
        found: NDArray[Any] = self.knowing(codes)[codes]
        return found

    def knowing(self, codes: Codes) -> NDArray[Any]:
        """Give the values of all characters, of which those of some are known."""
        if not is_known(codes, self._values, self._unknown):
            for code in np.unique(codes[self._values[codes] == self._unknown]).tolist():
                self._values[code] = self._value(chr(code))
        return self._values


class _Several:
    """What characters are folded to that are folded to several."""

    def __init__(self) -> None:
        self.listed = np.zeros((1, 1), np.uint32)

    def add(self, parts: Sequence[int]) -> int:
        """Add some. Returns: their number."""
        rows, columns = len(self.listed), max(self.listed.shape[1], len(parts) + 1)
        listed = np.zeros((rows + 1, columns), np.uint32)
        listed[:rows, : self.listed.shape[1]] = self.listed
        listed[rows, : len(parts) + 1] = [len(parts), *parts]
        self.listed = listed
        return rows


_SEVERAL = _Several()


def _folded(character: str) -> int:
    parts = [ord(part) for part in _fold(character)]
    if len(parts) > 1:
        return SEVERAL + _SEVERAL.add(parts)
    return parts[0] if parts else DROP


def _fold(character: str) -> str:
    if character == "\n" or character in _LINE_BREAKS:
        return "\n"
    if character.isspace():
        return " "
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "\uac00" <= character <= "\ud7a3":  # taken apart, a Hangul syllable is letters
        return character
    parts = unicodedata.normalize("NFKD", character).translate(_ALIKE)
    return "".join(
        " " if part.isspace() else part
        for part in parts
        if part != _STRETCH and unicodedata.category(part) not in _UNSEEN
    )


_FOLDED = Lookup(_folded, np.uint32)
_GONE = 0xFF
_ASCII = bytes(
    _GONE if (code := _folded(chr(each))) == DROP else code for each in range(128)
) + bytes(128)


def fold(texts: Sequence[str]) -> Plain:
    """Read texts plainly, each wrapped. Linear in their characters.

    Memory: about 40 bytes a character, a quarter of it where all are ASCII; so hand
    over at most a million characters at a time.

    Args:
        texts: placeholders already in them become barriers.
    """
    joined = SEPARATOR + SEPARATOR.join(texts) + SEPARATOR if texts else SEPARATOR
    bounds = np.cumsum([len(SEPARATOR), *map(len, texts)], dtype=np.int64)
    bounds += np.arange(0, len(SEPARATOR) * len(bounds), len(SEPARATOR))
    codes, places = _ascii(joined, bounds) or _any(joined, bounds)
    if codes.dtype == np.uint8:
        text = codes.tobytes().decode("ascii")
    else:
        wide = codes.astype("<u4", copy=False)
        text = wide.tobytes().decode("utf-32-le", "surrogatepass")
        latin = skeleton(text, codes)
        if latin is not text:
            text = latin
            codes = wide_codes(text)
    return Plain(text, codes, places, joined, bounds.tolist())


def wide_codes(text: str) -> Codes:
    """Give the code points of a text, to be written to."""
    return np.frombuffer(
        bytearray(text.encode("utf-32-le", "surrogatepass")), np.uint32
    )


def is_simple(text: str) -> bool:
    """Say whether a text is ASCII alone, without codes for other characters."""
    return text.isascii() and not ("&" in text and _ENTITY.search(text))


def _entities(joined: str) -> Iterator[tuple[int, int, str]]:
    """Read the codes of HTML, which exports leave behind: (start, end, character)."""
    for found in _ENTITY.finditer(joined) if "&" in joined else ():
        if (written := html.unescape(found.group())) != found.group():
            yield found.start(), found.end(), written


def _syllables(joined: str, original: Codes) -> Iterator[tuple[int, int, str]]:
    """Put Hangul together that was taken apart: (start, end, syllable)."""
    if not (original - _JAMO < _JAMOS).any():
        return
    for found in _SYLLABLE.finditer(joined):
        yield found.start(), found.end(), unicodedata.normalize("NFC", found.group())


def _ascii(joined: str, bounds: NDArray[np.int64]) -> tuple[Codes, Places] | None:
    """Fold text of ASCII alone, in bytes; None where it is not, or signs go."""
    if not is_simple(joined):
        return None
    folded = bytearray(joined, "ascii").translate(_ASCII)
    codes = np.frombuffer(folded, np.uint8)
    _bar(codes, joined, bounds)
    if _GONE in folded:
        return None
    gone = np.flatnonzero(_surplus(codes))
    if len(gone):
        codes[gone] = _GONE
        folded = folded.translate(None, bytes([_GONE]))
    return np.frombuffer(folded, np.uint8), _Gaps(gone, len(joined))


def _any(joined: str, bounds: NDArray[np.int64]) -> tuple[Codes, _Listed]:
    """Fold any text: leave out what is not seen, write several characters for one."""
    original = wide_codes(joined)
    for start, end, written in chain(_entities(joined), _syllables(joined, original)):
        # What is written shorter leaves invisible characters behind.
        original[start:end] = _INVISIBLE
        original[start : start + len(written)] = list(map(ord, written))
    codes = _FOLDED(original)
    _bar(codes, joined, bounds)
    codes, places = plain(codes, _SEVERAL.listed)
    kept = np.flatnonzero(~_surplus(codes))
    return codes[kept], _Listed(places[kept], len(joined))


def _bar(codes: Codes, joined: str, bounds: NDArray[np.int64]) -> None:
    """Put barriers between texts, and in the place of placeholders."""
    codes[bounds - 2] = 0
    if "[" in joined:
        for found in PLACEHOLDER.finditer(joined):
            codes[found.start() : found.end()] = 0


def _surplus(codes: Codes) -> NDArray[np.bool_]:
    """Make one blank of many, and a line break of a line break among blanks.

    Args:
        codes: in them, a line break moves to the first of the blanks before it.

    Returns:
        Which characters are to be left out.
    """
    blank = codes == _BLANK
    newline = codes == _NEWLINE
    surplus = np.zeros(len(codes), np.bool_)
    np.logical_and(blank[1:], (blank | newline)[:-1], out=surplus[1:])
    breaks = np.flatnonzero(newline[1:] & blank[:-1]) + 1
    if len(breaks):
        # The break takes the place of the first blank before it, if one is left.
        first = breaks - 1
        while (later := surplus[first]).any():
            first = first - later
        left = blank[first]
        codes[first[left]] = _NEWLINE
        surplus[breaks[left]] = True
    return surplus
