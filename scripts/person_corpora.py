"""The two corpora of names as texts with spans, split, changed, and scored.

A corpus is words, one a line, with labels. Here it becomes what the recogniser gets in
life: plain text and character spans.
"""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Span = tuple[int, int]

TRAINING = {"wnut17": "wnut17/wnut17train.conll", "btc": "btc/btc.train"}
DEVELOPMENT = {"wnut17": "wnut17/emerging.dev.conll", "btc": "btc/btc.dev"}
HELD_BACK = 0.15
SEED = 5


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, and where people's names stand in it, in characters."""

    text: str
    spans: tuple[Span, ...]


def read(path: Path) -> list[Labelled]:
    """Read a corpus: a word, a tab and its label a line; empty lines part the texts."""
    documents: list[Labelled] = []
    words: list[tuple[str, str]] = []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if line.strip():
            word, label = line.rstrip("\r").split("\t")[:2]
            words.append((word, label))
        elif words:
            documents.append(_labelled(_joined(words)))
            words = []
    return documents


def _joined(words: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Undo how one corpus parts `@name` and `#name`; a handle is nobody's name here.

    The Broad Twitter Corpus labels handles as people, whole or one of the two parts.
    They are left to a rule, and so is what the corpus takes them to go on with.
    """
    at = 0
    while at < len(words):
        word, label = words[at]
        at += 1
        if word in "@#" and at < len(words) and re.fullmatch(r"\w+", words[at][0]):
            word += words[at][0]
            label = words[at][1] if label == "O" else label
            at += 1
        handle = word.startswith("@")
        yield word, "O" if handle else label
        while handle and at < len(words) and words[at][1] in ("I-PER", "I-person"):
            yield words[at][0], "O"
            at += 1


def _labelled(words: Iterable[tuple[str, str]]) -> Labelled:
    text = ""
    spans: list[Span] = []
    for word, label in words:
        text += " " if text else ""
        start = len(text)
        text += word
        if label.endswith(("-PER", "-person")):
            if label.startswith("I") and spans and spans[-1][1] == start - 1:
                spans[-1] = (spans[-1][0], len(text))
            elif label.startswith("B"):
                spans.append((start, len(text)))
    return Labelled(text, tuple(spans))


def halves(documents: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """Split by document, 85 to 15; a text that occurs twice is on one side only."""
    texts = sorted({document.text for document in documents})
    random.Random(SEED).shuffle(texts)
    back = set(texts[: int(len(texts) * HELD_BACK)])
    return (
        [each for each in documents if each.text not in back],
        [each for each in documents if each.text in back],
    )


@dataclass(frozen=True, slots=True)
class Score:
    """Exact spans: how many were found, how many were said, how many there are."""

    right: int
    said: int
    gold: int

    @property
    def precision(self) -> float:
        """Share of what was said that is right; 0 of nothing."""
        return self.right / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 0 of nothing."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return (
            2 * self.right / (self.said + self.gold) if self.said + self.gold else 0.0
        )


def in_words(text: str, spans: Iterable[Span]) -> list[Span]:
    """Widen spans to whole words of the corpus, which is what its labels count in.

    `Walsh.` is one word there; the recogniser leaves the full stop alone.
    """
    widened: list[Span] = []
    for start, end in spans:
        start = text.rfind(" ", 0, start) + 1
        stop = text.find(" ", end)
        span = (start, len(text) if stop < 0 else stop)
        if widened and span[0] < widened[-1][1]:
            span = (widened.pop()[0], span[1])
        widened.append(span)
    return widened


def score(
    documents: Sequence[Labelled],
    found: Sequence[Sequence[Span]],
    *,
    words: bool = True,
) -> Score:
    """Count exact spans, in words of the corpus or (`words=False`) in characters."""
    right = said = 0
    for document, spans in zip(documents, found, strict=True):
        spans = in_words(document.text, spans) if words else spans
        right += len(set(spans) & set(document.spans))
        said += len(spans)
    return Score(right, said, sum(len(each.spans) for each in documents))


def interval(
    documents: Sequence[Labelled], found: Sequence[Sequence[Span]], times: int = 1000
) -> dict[str, tuple[float, float]]:
    """95 % intervals of precision, recall and F1, by drawing documents again (seeded).

    Names in one document are not independent, so whole documents are drawn.
    """
    counts = [
        score([document], [spans])
        for document, spans in zip(documents, found, strict=True)
    ]
    counts = [each for each in counts if each.said or each.gold]
    draw = random.Random(SEED)
    drawn = []
    for _ in range(times):
        some = draw.choices(counts, k=len(counts)) if counts else []
        total = Score(
            sum(each.right for each in some),
            sum(each.said for each in some),
            sum(each.gold for each in some),
        )
        drawn.append((total.precision, total.recall, total.f1))
    ends = round(0.025 * times), round(0.975 * times) - 1
    columns = [sorted(column) for column in zip(*drawn, strict=True)]
    return {
        name: (column[ends[0]], column[ends[1]])
        for name, column in zip(("precision", "recall", "f1"), columns, strict=True)
    }
