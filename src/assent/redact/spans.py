"""Spans: where personal data lies in a text, and of which kind it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was found; its value is the word inside the placeholder."""

    EMAIL = "email"
    URL = "url"
    IP = "ip"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    ID = "id"
    HANDLE = "handle"
    NAME = "name"
    EMPLOYER = "employer"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where personal data lies: `[start, end)` in characters."""

    start: int
    end: int
    kind: Kind


BARRIER = "\0"
"""Stands in a plain text where no span may pass: no real character is folded to it."""

PLACEHOLDER = re.compile(r"\[(?:" + "|".join(Kind) + r")(?:-[0-9a-f]{8})?\]")
"""What stands in the place of a span; with eight digits, it is a pseudonym."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap; the longest says what kind the whole is.

    All of what any of them covers goes: to keep the loser's rest would leave half an
    address in the text.
    """
    joined: list[Span] = []
    longest = 0
    for span in sorted(spans):
        length = span.end - span.start
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            kind = span.kind if length > longest else last.kind
            longest = max(longest, length)
            joined[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            longest = length
            joined.append(span)
    return joined
