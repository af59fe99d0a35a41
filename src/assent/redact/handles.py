r"""Handles that are not written in one: `quill\_harrow`, `quill underscore harrow`.

A handle is found where it stands as it is. Here stretches are listed that read as one
once a sign is written as itself; whether it is somebody's, the directory tells.
"""

import re
from collections.abc import Iterator

import numpy as np

from assent.redact.grams import hashed
from assent.redact.runs import Pieces
from assent.redact.spans import Codes

_ESCAPED = re.compile(r"(?:\w|[.-](?=[\w\\])|\\_){1,64}")
_PART = re.compile(r"[\w.\\-]{0,64}$")
_SAID = hashed(["underscore", "unterstrich"])
_BACKSLASH, _BAR = 0x5C, 0x5F
_MOST = 5
"""Words with such a sign between them."""


def written(text: str, codes: Codes, pieces: Pieces) -> Iterator[tuple[int, int, str]]:
    """List stretches of a folded text, and the handle that each may be.

    Args:
        text: folded.
        codes: of the same.
        pieces: its words.

    Returns:
        (start, end, handle); they do not overlap if they are of one kind.
    """
    yield from _escaped(text, codes)
    yield from _said(text, pieces)


def _escaped(text: str, codes: Codes) -> Iterator[tuple[int, int, str]]:
    """As Markdown wants an underscore that is none of its own."""
    done = 0
    slashes = np.flatnonzero(codes == _BACKSLASH)
    for at in slashes[codes[slashes + 1] == _BAR].tolist():
        if at < done:
            continue
        before = _PART.search(text, max(0, at - 64), at)
        begin = at if before is None else before.start()
        found = _ESCAPED.match(text, begin)
        done = at + 2 if found is None else max(found.end(), at + 2)
        yield begin, done, text[begin:done].replace("\\", "")


def _said(text: str, pieces: Pieces) -> Iterator[tuple[int, int, str]]:
    said = (pieces.singles == _SAID[0]) | (pieces.singles == _SAID[1])
    for at in np.flatnonzero(said[1:-1]).tolist():
        if at and said[at - 1]:
            continue  # not the first one
        parts = [at]
        while len(parts) < _MOST and parts[-1] + 2 < len(said) and said[parts[-1] + 1]:
            parts.append(parts[-1] + 2)
        spans = [(pieces.starts[each], pieces.ends[each]) for each in parts]
        start, end = int(spans[0][0]), int(spans[-1][1])
        yield start, end, "_".join(text[a:b] for a, b in spans)
