"""The redactor: texts with every found trace of a person replaced by its kind.

Pure: the same text, directory and settings give the same result, whatever stands beside
it in a batch and whatever came before. By default every name of the directory is
replaced, agreed or not, the author's own included; `keeping` says what may stay.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from assent.redact import disguised, links, numbers
from assent.redact.directory import Directory, Near
from assent.redact.fold import fold, is_simple
from assent.redact.grams import Words
from assent.redact.keeping import Bearers, Kept, Stood, moved, put_back, taken_back
from assent.redact.recogniser import Recogniser, opened
from assent.redact.settings import Settings as Settings
from assent.redact.settling import unsettled
from assent.redact.spans import PLACEHOLDER, Found, Kind, Span, Stretch, merged
from assent.terms import Style

PASSES = 8
BATCH_CHARACTERS = 500_000
"""Texts are folded together up to this size, about 20 MB of memory; one alone may be
longer."""

Finds = tuple[list[Span], dict[int, tuple[str, ...]]]
"""The spans of a text, and the bearers of those that may be kept, by their start."""

_STAND_INS = {kind: f"[{kind}]" for kind in Kind}

NOTHING: Finds = ([], {})
NONE: Mapping[Kind, int] = MappingProxyType({})
"""Counts of a text in which nothing was found."""


class Redacted(NamedTuple):
    """What is left of a text, the spans replaced of each kind, and the names kept."""

    text: str
    counts: Mapping[Kind, int]
    kept: tuple[Kept, ...] = ()

    @property
    def empty(self) -> bool:
        """No letter is left beside the placeholders: nothing to learn from."""
        return not any(map(str.isalpha, self.rest))

    @property
    def rest(self) -> str:
        """What stands beside the placeholders."""
        return PLACEHOLDER.sub("", self.text)

    def without(
        self, gone: Collection[str] | None, settings: Settings, document: str
    ) -> "Redacted":
        """Take kept names back: see `taken_back`."""
        text, kept = taken_back(self.text, self.kept, gone, settings, document)
        names = self.counts.get(Kind.NAME, 0) + len(self.kept) - len(kept)
        counts = {**self.counts, Kind.NAME: names} if names else self.counts
        return Redacted(text, dict(sorted(counts.items())), kept)


class Redactor:
    """Finds and replaces what a directory and the patterns find.

    Args:
        directory: whose traces to look for.
        settings: how spans are replaced.
        agreed: subjects whose names may stand in others' texts; None: of nobody.
        recogniser: one that is open already, where the settings name none.
    """

    def __init__(
        self,
        directory: Directory,
        settings: Settings | None = None,
        agreed: Collection[str] | None = None,
        recogniser: Recogniser | None = None,
    ) -> None:
        self.directory = directory
        self.settings = settings or Settings()
        self.agreed = None if agreed is None else frozenset(agreed)
        self._bearers = Bearers(directory, agreed) if agreed else None
        choice = self.settings.recogniser
        self._recogniser = opened(choice) if choice else recogniser

    def find(self, texts: Sequence[str], near: Near | None = None) -> list[list[Span]]:
        """Find what is to be replaced in each text: sorted, and no two spans overlap.

        Args:
            texts: without lone surrogates, as every string of an Arrow table.
            near: who takes part in each text, one item a text.
        """
        found = self._recognised(texts, self._found(texts, near))
        return [found.get(each, NOTHING)[0] for each in range(len(texts))]

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
        A recogniser reads each text once, as it was written: it could go on for ever.

        Args:
            texts: as for `find`.
            near: as for `find`.
            documents: the id of each text; wanted for pseudonyms inside one document.
            passes: at most so many readings of a text.
        """
        now = list(texts)
        counts: dict[int, dict[Kind, int]] = {}
        stood: dict[int, list[Stood]] = {}
        found = self._recognised(texts, self._found(texts, near))
        for _ in range(passes - 1):
            if not found:
                break
            again: dict[int, Stretch] = {}
            for each, (spans, bearers) in found.items():
                scope = documents[each] if documents else ""
                text = now[each]
                instead = self._stand_ins(text, spans, scope)
                now[each] = _replaced(text, spans, instead)
                if bearers or each in stood:
                    before = stood.get(each, [])
                    stood[each] = moved(before, spans, instead, text, bearers)
                kinds = counts.setdefault(each, {})
                for span in spans:
                    kinds[span.kind] = kinds.get(span.kind, 0) + 1
                if stretch := unsettled(text, spans, now[each], instead):
                    again[each] = stretch
            found = self._found_in(now, again, near)
        for each in found:
            now[each] = ""
            stood.pop(each, None)
        return [
            _redacted(text, counts.get(each), stood.get(each, ()))
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
            for each, (spans, _) in found.items():
                text = now[left[each]]
                instead = self._stand_ins(text, spans, "")
                now[left[each]] = _replaced(text, spans, instead)
            left = [left[each] for each in found]
            if not left:
                break
        return now

    def _found(
        self, texts: Sequence[str], near: Near | None, only: bool = False
    ) -> dict[int, Finds]:
        """Find the spans of the texts that have any, by the number of the text.

        Args:
            texts: to be read.
            near: who takes part in each.
            only: keep but the spans in which something of the directory lies.
        """
        spans: dict[int, Finds] = {}
        for part in _parts(texts):
            plain = fold([texts[each] for each in part])
            words = Words.of(plain.codes)
            around = None if near is None else [near[each] for each in part]
            known = sorted(self.directory.find(plain, words, around))
            if only and not known:
                continue
            found = sorted([*known, *_patterns(plain.text)])
            wide = list(merged(found))
            if only:
                wide = [each for each in wide if _any_in(known, each[0], each[1])]
            for folded, (number, span) in zip(wide, plain.originals(wide), strict=True):
                each = part[number]
                if (finds := spans.get(each)) is None:
                    finds = spans[each] = [], {}
                finds[0].append(span)
                if self._bearers and span.kind is Kind.NAME:
                    start, end, _ = folded
                    inside = found[
                        bisect_left(found, (start,)) : bisect_left(found, (end,))
                    ]
                    who = self._bearers.of_span(plain.text, folded, inside)
                    if who is not None:
                        finds[1][span.start] = who
        return spans

    def _found_in(
        self, texts: Sequence[str], again: Mapping[int, Stretch], near: Near | None
    ) -> dict[int, Finds]:
        """Find the spans of some texts, each in a stretch of it."""
        around = None if near is None else [near[each] for each in again]
        parts = [texts[each][start:end] for each, (start, end) in again.items()]
        numbers = list(again)
        found: dict[int, Finds] = {}
        for number, (spans, bearers) in self._found(parts, around).items():
            each = numbers[number]
            base = again[each][0]
            found[each] = (
                [Span(base + start, base + end, kind) for start, end, kind in spans],
                {base + at: who for at, who in bearers.items()},
            )
        return found

    def _recognised(
        self, texts: Sequence[str], found: dict[int, Finds]
    ) -> dict[int, Finds]:
        """Add the names that a recogniser finds in the texts that could hold one."""
        if self._recogniser is None:
            return found
        from assent.redact.person import gate  # its lists are read only when needed

        # What is found already calls nobody; the rest of the text may.
        rest = [
            _replaced(text, found[each][0], [""] * len(found[each][0]))
            if each in found
            else text
            for each, text in enumerate(texts)
        ]
        gated = [each for each, text in enumerate(rest) if gate(text)]
        named = self._recogniser.find([texts[each] for each in gated])
        for each, names in zip(gated, named, strict=True):
            barred = [place.span() for place in PLACEHOLDER.finditer(texts[each])]
            new = [
                (start, end, Kind.NAME)
                for start, end in names
                if not any(start < stop and begin < end for begin, stop in barred)
            ]
            if not new:
                continue
            spans, bearers = found.get(each, NOTHING)
            known = [(span.start, span.end, span.kind) for span in spans]
            both = [Span(*span) for span in merged(sorted([*known, *new]))]
            # A name that may be kept is kept only where nothing was joined to it.
            alone = {span.start: span for span in both if span in set(spans)}
            kept = {at: who for at, who in bearers.items() if at in alone}
            found[each] = both, kept
        return found

    def _stand_ins(self, text: str, spans: Sequence[Span], document: str) -> list[str]:
        """Say what is put in the place of each span."""
        if self.settings.style is Style.PLACEHOLDER:
            return [_STAND_INS[span.kind] for span in spans]
        return [
            self.settings.stand_in(span.kind, text[span.start : span.end], document)
            for span in spans
        ]


def _patterns(text: str) -> list[Found]:
    """Find in a plain text of many what is known by its form, the links first."""
    found = sorted(links.find(text))
    # What lies in a link goes with it; its scheme may be disguised still, `h**ps://`.
    over: list[Stretch] = []
    done = 0
    for start, end, kind in found:
        if kind is Kind.URL and start >= done:  # they may overlap: `x://www.y.example`
            over.append((text.find("://", start, end) + 1 or start, end))
            done = end
    taken = [(start, end) for start, end, _ in merged(found)]
    return [*found, *numbers.find(text, taken), *disguised.find(text, over)]


def _replaced(text: str, spans: Sequence[Span], instead: Sequence[str]) -> str:
    """Put something in the place of each span; spans are sorted and disjoint."""
    pieces: list[str] = []
    done = 0
    for span, stand_in in zip(spans, instead, strict=True):
        pieces += [text[done : span.start], stand_in]
        done = span.end
    pieces.append(text[done:])
    return "".join(pieces)


def _redacted(
    text: str, counts: dict[Kind, int] | None, stood: Sequence[Stood]
) -> Redacted:
    """Put back what may be kept; the rest is counted as replaced."""
    if counts is None:
        return Redacted(text, NONE)
    if not stood:
        return Redacted(text, dict(sorted(counts.items())))
    text, kept = put_back(text, stood)
    counts = Counter(counts) - Counter({Kind.NAME: len(kept)})
    return Redacted(text, dict(sorted(counts.items())), kept)


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


def _any_in(known: Sequence[Found], start: int, end: int) -> bool:
    """Say whether a span begins inside a stretch; spans are sorted."""
    at = bisect_left(known, (start,))
    return at < len(known) and known[at][0] < end
