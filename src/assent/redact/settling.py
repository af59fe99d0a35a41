"""Settling: which part of a text is read again once spans in it are replaced.

What stands beside a new placeholder may show only then: a number whose words of context
are nearer now, a sign that belonged to a link. Most texts need no second reading, and
of most others a few lines.
"""

import re
from collections.abc import Sequence

from assent.redact import context, shapes
from assent.redact.spans import Span, Stretch

# What may stand beside a span: a blank or an edge, signs of a sentence between them, or
# what parts a link from its words in Markdown.
_BEFORE = re.compile(r"(?:^|[ \n])[(\[<\"']?$|\]\($")
_AFTER = re.compile(
    r"(?:'s)?[)\]}>\"']{0,3}[.,;:!?]{0,2}[)\"']?(?:[ \n]|$)"
    r"|:[~/]"  # where a shell is: `anna@example.com:~$`
)
_BLANKS = frozenset((" ", "\n", ""))
_NUMBERS = re.compile(
    rf"[0-9](?:[^0-9A-Za-z\n\]]{{0,3}}[0-9]){{{shapes.FEWEST_DIGITS - 1},}}"
)
_NUMBER = 24  # characters that tell that something is a number
_REACH = context.REACH + _NUMBER
"""Characters beside a span in which a number may be read otherwise without it."""

_AROUND = 4 * context.REACH
"""Characters beside a span that are read again with it, and on to the end of a line."""

_DIGIT = re.compile(r"[0-9]")
_APART = 3  # characters: between digits that are so near, a table of numbers is not cut


def unsettled(
    text: str, spans: Sequence[Span], left: str, instead: Sequence[str]
) -> Stretch | None:
    """Say where more may show once spans are replaced: `[start, end)` of what is left.

    Nowhere, if each find is cut off by blanks from what stands beside it, and no number
    is left near it: then no pattern reads anything else than it has read before.

    Args:
        text: before.
        spans: what was replaced.
        left: after.
        instead: what stands in the place of each span.
    """
    first = last = -1
    moved = seen = 0  # what was seen is not searched again: linear in all
    for (start, end, _), stand_in in zip(spans, instead, strict=True):
        at = start + moved
        moved += len(stand_in) - (end - start)
        near, seen = max(seen - _NUMBER, at - _REACH), end + moved + _REACH
        if not _apart(text, start, end) or _NUMBERS.search(left, near, seen):
            first = at if first < 0 else first
            last = end + moved
    return None if first < 0 else _lines(left, first, last)


def _apart(text: str, start: int, end: int) -> bool:
    """Say whether a span is cut off from what stands beside it."""
    return (
        text[start - 1 : start] in _BLANKS
        or _BEFORE.search(text, max(0, start - 2), start) is not None
    ) and (text[end : end + 1] in _BLANKS or _AFTER.match(text, end) is not None)


def _lines(text: str, first: int, last: int) -> Stretch:
    """Widen a stretch to whole lines, which no number goes on from or into."""
    start = text.rfind("\n", 0, max(0, first - _AROUND))
    while start >= 0 and _DIGIT.search(
        text, max(0, start - _APART), start + _APART + 1
    ):
        start = text.rfind("\n", 0, start)
    end = text.find("\n", last + _AROUND)
    while end >= 0 and _DIGIT.search(text, end - _APART, end + _APART + 1):
        end = text.find("\n", end + 1)
    return start + 1, end if end >= 0 else len(text)
