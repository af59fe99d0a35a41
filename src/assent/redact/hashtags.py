"""Hashtags with a name inside: `#FreeZbigniewWrzosowski`."""

import re
from collections.abc import Iterator

from assent.redact.common import is_common
from assent.redact.plausible import JOINED

_TAG = re.compile(r"#(?=(?:[^\W\d_a-z][^\W\d_A-Z]+){3,8}(?!\w))")
_PART = re.compile(r"[^\W\d_a-z][^\W\d_A-Z]+")


def inside(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """List what lies inside of hashtags, from one capital to another.

    Returns:
        (start, end, [its letters in lower case]): two words and more, but not all.
    """
    at = text.find("#")
    while at >= 0:
        if _TAG.match(text, at):
            edges = [at + 1]
            while part := _PART.match(text, edges[-1]):
                edges.append(part.end())
            yield from _between(text, edges)
        at = text.find("#", at + 1)


def _between(text: str, edges: list[int]) -> Iterator[tuple[int, int, list[str]]]:
    for first, start in enumerate(edges):
        for last in range(first + 2, len(edges)):
            end = edges[last]
            parts = zip(edges[first:last], edges[first + 1 : last + 1], strict=True)
            words = [text[a:b].lower() for a, b in parts]
            if end - start >= JOINED and not all(map(is_common, words)):
                yield start, end, ["".join(words)]
