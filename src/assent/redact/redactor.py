"""The redactor: texts with every found trace of a person replaced by its kind.

Pure: the same text, directory and settings give the same result, whatever stands beside
it in a batch and whatever came before. By default every name of the directory is
replaced, agreed or not, the author's own included.
"""

import hashlib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from assent.errors import CorpusError
from assent.redact import disguised, links, numbers
from assent.redact.confusables import skeleton
from assent.redact.directory import Directory, Near
from assent.redact.entries import lowered
from assent.redact.fold import fold, is_simple
from assent.redact.grams import Words
from assent.redact.spans import PLACEHOLDER, Found, Kind, Span, merged
from assent.terms import Style

PASSES = 8
KEY_BYTES = 16
BATCH_CHARACTERS = 500_000
"""Texts are folded together up to this size, about 20 MB of memory; one alone may be
longer."""

Detect = Callable[[str], Iterator[Found]]
"""Finds spans in a plain text of many texts; none passes `BARRIER`."""

DETECTORS: tuple[Detect, ...] = (links.find, numbers.find, disguised.find)


NONE: Mapping[Kind, int] = MappingProxyType({})
"""Counts of a text in which nothing was found."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How spans are replaced.

    Args:
        style: what is put in the place of a span.
        key: of the pseudonyms, at least 16 bytes; not needed for placeholders.
        scope: names the corpus, so that two corpora cannot be joined by pseudonyms.

    Raises:
        CorpusError: pseudonyms without a key: whoever guesses a name could check it.
    """

    style: Style = Style.PLACEHOLDER
    key: bytes = b""
    scope: str = ""

    def __post_init__(self) -> None:
        if self.style is not Style.PLACEHOLDER and len(self.key) < KEY_BYTES:
            raise CorpusError(
                f"the key of the pseudonyms has {len(self.key)} bytes, wanted at least "
                f"{KEY_BYTES}"
            )


class Redacted(NamedTuple):
    """What is left of a text, and how many spans of each kind were replaced."""

    text: str
    counts: Mapping[Kind, int]

    @property
    def empty(self) -> bool:
        """No letter is left beside the placeholders: nothing to learn from."""
        return not any(map(str.isalpha, PLACEHOLDER.sub("", self.text)))


class Redactor:
    """Finds and replaces what a directory and the patterns find.

    Args:
        directory: whose traces to look for.
        settings: how spans are replaced.
    """

    def __init__(self, directory: Directory, settings: Settings | None = None) -> None:
        self.directory = directory
        self.settings = settings or Settings()

    def find(self, texts: Sequence[str], near: Near | None = None) -> list[list[Span]]:
        """Find what is to be replaced in each text: sorted, and no two spans overlap.

        Args:
            texts: without lone surrogates, as every string of an Arrow table.
            near: who takes part in each text, one item a text.
        """
        found = self._found(texts, near)
        return [found.get(each, []) for each in range(len(texts))]

    def redact(
        self,
        texts: Sequence[str],
        near: Near | None = None,
        documents: Sequence[str] | None = None,
        passes: int = PASSES,
    ) -> list[Redacted]:
        """Replace every trace by its kind, such as `[email]`, `[name]` or `[quote]`.

        Repeated until nothing more is found, so that redacting twice changes nothing:
        what stands beside a new placeholder may show only then. A text that still gives
        something away after so many passes was written to do so, and comes back empty.

        Args:
            texts: as for `find`.
            near: as for `find`.
            documents: the id of each text; wanted for pseudonyms inside one document.
            passes: at most so many readings of a text.
        """
        now = list(texts)
        counts: dict[int, Counter[Kind]] = {}
        found = self._found(texts, near)
        for _ in range(passes - 1):
            if not found:
                break
            changed = []
            for each, spans in found.items():
                scope = documents[each] if documents else ""
                text = now[each]
                now[each] = self._replaced(text, spans, scope)
                counts.setdefault(each, Counter()).update(s.kind for s in spans)
                if not _settled(text, spans, now[each]):
                    changed.append(each)
            around = None if near is None else [near[each] for each in changed]
            again = self._found([now[each] for each in changed], around)
            found = {changed[each]: spans for each, spans in again.items()}
        for each in found:
            now[each] = ""
        return [
            Redacted(
                text, dict(sorted(counts[each].items())) if each in counts else NONE
            )
            for each, text in enumerate(now)
        ]

    def without(self, texts: Sequence[str], near: Near | None = None) -> list[str]:
        """Replace what is found of the directory as `redact` would; the rest stays.

        A pattern that overlaps a find goes with it: half an address would be left else.
        """
        now = list(texts)
        left = list(range(len(now)))
        for _ in range(PASSES):
            around = None if near is None else [near[each] for each in left]
            found = self._found([now[each] for each in left], around, only=True)
            for each, spans in found.items():
                now[left[each]] = self._replaced(now[left[each]], spans, "")
            left = [left[each] for each in found]
            if not left:
                break
        return now

    def _found(
        self, texts: Sequence[str], near: Near | None, only: bool = False
    ) -> dict[int, list[Span]]:
        """Find the spans of the texts that have any, by the number of the text.

        Args:
            texts: to be read.
            near: who takes part in each.
            only: keep but the spans in which something of the directory lies.
        """
        spans: dict[int, list[Span]] = {}
        for part in _parts(texts):
            plain = fold([texts[each] for each in part])
            words = Words.of(plain.codes)
            around = None if near is None else [near[each] for each in part]
            known = sorted(self.directory.find(plain, words, around))
            if only and not known:
                continue
            text = skeleton(plain.text, plain.codes)
            found = known + [each for detect in DETECTORS for each in detect(text)]
            found.sort()
            for start, end, kind in merged(found):
                if only and not _any_in(known, start, end):
                    continue
                number, begin, stop = plain.original(start, end)
                spans.setdefault(part[number], []).append(Span(begin, stop, kind))
        return spans

    def _replaced(self, text: str, spans: Sequence[Span], document: str) -> str:
        """Put something in the place of each span; spans are sorted and disjoint."""
        pieces: list[str] = []
        done = 0
        for span in spans:
            pieces += [text[done : span.start], self._stand_in(text, span, document)]
            done = span.end
        pieces.append(text[done:])
        return "".join(pieces)

    def _stand_in(self, text: str, span: Span, document: str) -> str:
        settings = self.settings
        if settings.style is Style.PLACEHOLDER:
            return f"[{span.kind}]"
        inside = document if settings.style is Style.DOCUMENT else ""
        what = lowered(fold([text[span.start : span.end]]).text).strip(" \0")
        message = "\0".join((settings.scope, inside, span.kind, what)).encode()
        mark = hashlib.blake2b(message, key=settings.key, digest_size=4).hexdigest()
        return f"[{span.kind}-{mark}]"


def _parts(texts: Sequence[str]) -> Iterator[list[int]]:
    """Divide texts into batches of a bounded size; simple ones are quicker."""
    parts: dict[bool, list[int]] = {True: [], False: []}
    sizes = {True: 0, False: 0}
    for number, text in enumerate(texts):
        simple = is_simple(text)
        parts[simple].append(number)
        sizes[simple] += len(text)
        if sizes[simple] >= BATCH_CHARACTERS:
            yield parts[simple]
            parts[simple], sizes[simple] = [], 0
    yield from filter(None, parts.values())


# What may stand beside a span: a blank or an edge, signs of a sentence between them.
_BEFORE = re.compile(r"(?:^|[ \n])[(\"']?$")
_AFTER = re.compile(r"[)\"']?[.,;:!?]?(?:[ \n]|$)")
_NUMBERS = re.compile(r"[0-9](?:[^0-9A-Za-z\n\]]{0,3}[0-9]){4,}")


def _settled(text: str, spans: Sequence[Span], left: str) -> bool:
    """Say whether nothing more can show once spans are replaced.

    A find is cut off from what stands beside it by blanks, and what is left holds no
    number: its words of context may be nearer now. Then no pattern reads anything else
    than it has read before. Half of all texts with a find are not read again for this.

    Args:
        text: before.
        spans: what was replaced.
        left: after.
    """
    return not _NUMBERS.search(left) and all(
        _BEFORE.search(text, max(0, span.start - 2), span.start)
        and _AFTER.match(text, span.end)
        for span in spans
    )


def _any_in(known: Sequence[Found], start: int, end: int) -> bool:
    """Say whether a span begins inside a stretch; spans are sorted."""
    at = bisect_left(known, (start,))
    return at < len(known) and known[at][0] < end
