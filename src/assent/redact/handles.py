r"""Handles that are not written in one: `quill\_harrow`, `quill underscore harrow`.

A handle is found where it stands as it is. Here stretches are listed that read as one
once a sign is written as itself; whether it is somebody's, the directory tells.
"""

import re
from collections.abc import Iterator

import numpy as np

from assent.redact.grams import hashed
from assent.redact.runs import Pieces

_ESCAPED = re.compile(r"(?:\w|[.-](?=[\w\\])|\\_){1,64}")
_PART = re.compile(r"[\w.\\-]{0,64}$")
_UNDERSCORE = hashed(["underscore", "unterstrich"])
_MOST = 5
"""Words with such a sign between them."""


def written(text: str, pieces: Pieces) -> Iterator[tuple[int, int, str]]:
    """List stretches of a folded text, and the handle that each may be.

    Args:
        text: folded.
        pieces: its words.

    Returns:
        (start, end, handle); they do not overlap if they are of one kind.
    """
    yield from _escaped(text)
    yield from _said(text, pieces)


def _escaped(text: str) -> Iterator[tuple[int, int, str]]:
    """As Markdown wants an underscore that is none of its own."""
    at = text.find("\\_")
    while at >= 0:
        before = _PART.search(text, max(0, at - 64), at)
        begin = at if before is None else before.start()
        found = _ESCAPED.match(text, begin)
        end = at + 2 if found is None else max(found.end(), at + 2)
        yield begin, end, text[begin:end].replace("\\", "")
        at = text.find("\\_", end)


def _said(text: str, pieces: Pieces) -> Iterator[tuple[int, int, str]]:
    said = np.isin(pieces.singles, _UNDERSCORE)
    for at in np.flatnonzero(said[1:-1]).tolist():
        if at and said[at - 1]:
            continue  # not the first one
        parts = [at]
        while len(parts) < _MOST and parts[-1] + 2 < len(said) and said[parts[-1] + 1]:
            parts.append(parts[-1] + 2)
        spans = [(pieces.starts[each], pieces.ends[each]) for each in parts]
        start, end = int(spans[0][0]), int(spans[-1][1])
        yield start, end, "_".join(text[a:b] for a, b in spans)
