"""Redaction: a text with every found trace of a person replaced by its kind.

Pure: the same text and directory give the same result, whatever came before. By default
every name of the directory is replaced, agreed or not, the author's own included.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assent.corpus.detect import PLACEHOLDER, Kind, Span, patterns, plain
from assent.corpus.directory import Directory

PASSES = 8


@dataclass(frozen=True, slots=True)
class Redacted:
    """What is left of a text, and how many spans of each kind were replaced."""

    text: str
    counts: Mapping[Kind, int]

    @property
    def empty(self) -> bool:
        """No letter is left beside the placeholders: nothing to learn from."""
        return not any(map(str.isalpha, PLACEHOLDER.sub("", self.text)))


def find(text: str, directory: Directory) -> list[Span]:
    """Find everything to be replaced, merged: sorted, and no two spans overlap.

    Args:
        text: without lone surrogates, as every string of an Arrow table.
        directory: whose traces to look for.
    """
    view = plain(text)
    found = [*patterns(view), *directory.find(view)]
    return merged(view.original(span) for span in found)


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


def redact(text: str, directory: Directory, passes: int = PASSES) -> Redacted:
    """Replace every trace by its kind, such as `[email]`, `[name]` or `[quote]`.

    Repeated until nothing more is found, so that redacting twice changes nothing: what
    stands beside a new placeholder may show only then. A text that still gives
    something away after so many passes was written to do so, and comes back empty.
    """
    counts: Counter[Kind] = Counter()
    for _ in range(passes):
        spans = find(text, directory)
        if not spans:
            return Redacted(text, dict(sorted(counts.items())))
        counts.update(span.kind for span in spans)
        text = replaced(text, spans)
    return Redacted("", dict(sorted(counts.items())))


def replaced(text: str, spans: Iterable[Span]) -> str:
    """Put a placeholder in the place of each span; spans are sorted and disjoint."""
    pieces: list[str] = []
    done = 0
    for span in spans:
        pieces += [text[done : span.start], f"[{span.kind}]"]
        done = span.end
    return "".join(pieces) + text[done:]
