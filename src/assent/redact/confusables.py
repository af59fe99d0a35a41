"""Letters that only look like Latin ones, read as the Latin ones they stand for.

Only where a disguise is likely: in a word that mixes alphabets, or inside an address.
A Russian sentence stays Russian. Source of the table: Unicode, UTS 39.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assent.redact.confusables_table import BORROWED, DRESSED
from assent.redact.spans import Codes, Stretch

_DRESSED = {ord(alike): plain for plain, row in DRESSED.items() for alike in row}
_BORROWED = {ord(alike): plain for plain, row in BORROWED.items() for alike in row}
_TABLE = _DRESSED | _BORROWED

_LATIN = 0x180  # below are the letters of languages that are written in Latin ones
_DRESSES = np.array(sorted(_DRESSED), np.uint32)
_ASCII, _SLASH = 0x7F, 0x2F


def skeleton(text: str, codes: Codes | None = None) -> str:
    """Read look-alike letters of disguised words as Latin; the length stays the same.

    Args:
        text: plain text of one or many documents; `BARRIER` ends an address.
        codes: (len(text),) its code points, where they are known already.

    Returns:
        The text itself if it is ASCII; nothing moves, so offsets hold in both.
    """
    if text.isascii():
        return text
    if codes is None:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    foreign = np.flatnonzero(codes >= _LATIN)
    if not len(foreign):
        return text
    pieces: list[str] = []
    done = 0
    for start, end in sorted([*_words(text, codes, foreign), *_addresses(codes)]):
        start = max(start, done)
        if start < end:
            pieces += text[done:start], text[start:end].translate(_TABLE)
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _words(text: str, codes: Codes, foreign: NDArray[np.intp]) -> Iterator[Stretch]:
    """Find words in which a foreign letter stands beside an ASCII one, and dresses."""
    here = codes[foreign]
    before = codes[np.maximum(foreign - 1, 0)]
    after = codes[np.minimum(foreign + 1, len(codes) - 1)]
    dressed = np.isin(here, _DRESSES)
    mixed = (_ascii_letter(before) | _ascii_letter(after)) & ~dressed
    for at in foreign[dressed].tolist():
        yield at, at + 1
    end = 0
    for at in foreign[mixed].tolist():
        if at < end:
            continue  # the same word mixes twice
        start, end = at, at + 1
        while start and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum():
            end += 1
        yield start, end


def _ascii_letter(codes: Codes) -> NDArray[np.bool_]:
    lower = codes | 0x20
    return (lower >= ord("a")) & (lower <= ord("z"))


def _addresses(codes: Codes) -> Iterator[Stretch]:
    """Find what stands without a blank around `@` and `://`, if it is not all ASCII."""
    colons = np.flatnonzero(codes[:-2] == ord(":"))
    colons = colons[(codes[colons + 1] == _SLASH) & (codes[colons + 2] == _SLASH)]
    signs = np.concatenate((np.flatnonzero(codes == ord("@")), colons))
    breaks = np.flatnonzero((codes == 0x20) | (codes == 0x0A) | (codes == 0))
    edges = np.concatenate(([-1], breaks, [len(codes)]))
    after = np.unique(np.searchsorted(edges, signs))
    starts, ends = edges[after - 1] + 1, edges[after]
    beyond = np.flatnonzero(codes > _ASCII)
    odd = np.searchsorted(beyond, starts) < np.searchsorted(beyond, ends)
    yield from zip(starts[odd].tolist(), ends[odd].tolist(), strict=True)
