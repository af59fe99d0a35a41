"""Text to measure redaction on: what people wrote, with made-up identifiers planted.

Half of the characters are posts and comments of two Stack Exchange sites as plain text,
half are lines of Ubuntu IRC channels, joined to documents as long as those posts are.
Both lie beside the project in `shared/data`; past their 16 MB they are drawn again, in
another order and with other identifiers. Into one document of sixteen goes an
identifier, into one of twenty-four a name of the synthetic directory, half of them
after words that announce them ("call me on") and half bare. All is drawn from a seed.
"""

import json
import random
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyarrow.parquet as pq
from redact_names import NAMES, names
from redact_planted import IDENTIFIERS, LEADS

from assent.sources.stackexchange import read

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MEGABYTE = 1_000_000
SIZE = 5 * MEGABYTE
GROWING = (0.5, 5, 50)
"""Megabytes of the texts that show how time and memory grow."""
IDENTIFIER_EVERY, NAME_EVERY = 16, 24
"""One document of so many has one planted."""


T = TypeVar("T")


class Planted(NamedTuple):
    """Where something was planted in a document: `[start, end)` in characters."""

    kind: str
    start: int
    end: int


class Document(NamedTuple):
    """A text and what was planted in it."""

    text: str
    planted: list[Planted]


def write(path: Path, size: float, scale: float = 1, seed: str = "text") -> None:
    """Write documents of `size` bytes in all (UTF-8), one JSON list a line.

    Args:
        path: where to.
        size: bytes, at least.
        scale: of the directory whose names are planted, not of `size`.
        seed: of all that is drawn.
    """
    draw = random.Random(seed)
    directory = names(NAMES, scale)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for text in _drawn(draw):
            document = _with_planted(text, directory, draw)
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
            written += len(document.text.encode())
            if written >= size:
                break


def growing(folder: Path, size: float) -> Path:
    """Where the text of so many megabytes lies."""
    return folder / f"growing-{size:g}.jsonl"


def load(path: Path) -> list[Document]:
    """Read what `write` wrote."""
    with path.open(encoding="utf-8") as file:
        rows = map(json.loads, file)
        return [Document(text, [Planted(*each) for each in at]) for text, at in rows]


def _drawn(draw: random.Random) -> Iterator[str]:
    """Draw texts without end: as many characters of either source at any time."""
    if not DATA.is_dir():
        sys.exit(
            f"error: there is no {DATA}\nhint: this benchmark reads its text there"
        )
    posts, logs = _posts(), _logs()
    lengths = [len(text) for text in posts]
    sources = [_rounds(posts, draw), _joined(logs, lengths, draw)]
    so_far = [0, 0]
    while True:
        which = so_far.index(min(so_far))
        text = next(sources[which])
        so_far[which] += len(text)
        yield text


@cache
def _posts() -> list[str]:
    found = []
    for folder in sorted((DATA / "stackexchange").iterdir()):
        documents, _ = read(folder)
        for batch in documents:
            columns = (batch["category"].to_pylist(), batch["text"].to_pylist())
            found += [
                text
                for kind, text in zip(*columns, strict=True)
                if text.strip() and kind in ("post", "comment")
            ]
    return found


@cache
def _logs() -> list[list[str]]:
    """Read the lines of each log, in their order."""
    columns = ["log", "line", "text"]
    table = pq.read_table(DATA / "ubuntu-irc" / "ubuntu-irc.parquet", columns=columns)
    logs: dict[str, list[str]] = {}
    for row in table.sort_by([("log", "ascending"), ("line", "ascending")]).to_pylist():
        logs.setdefault(row["log"], []).append(row["text"])
    return list(logs.values())


def _rounds(texts: list[T], draw: random.Random) -> Iterator[T]:
    while True:
        yield from draw.sample(texts, len(texts))


def _joined(
    logs: list[list[str]], lengths: list[int], draw: random.Random
) -> Iterator[str]:
    """Join lines that follow one another to documents of lengths drawn from `lengths`.

    A document ends with its log, so that it is one conversation.
    """
    for lines in _rounds(logs, draw):
        held: list[str] = []
        wanted = draw.choice(lengths)
        for line in lines:
            held.append(line)
            wanted -= len(line) + 1
            if wanted <= 0:
                yield "\n".join(held)
                held, wanted = [], draw.choice(lengths)
        if held:
            yield "\n".join(held)


def _with_planted(text: str, directory: list[str], draw: random.Random) -> Document:
    planted: list[Planted] = []
    if draw.randrange(IDENTIFIER_EVERY) == 0:
        kind = draw.choice(list(IDENTIFIERS))
        text = _planted(text, kind, IDENTIFIERS[kind](draw), planted, draw)
    if draw.randrange(NAME_EVERY) == 0:
        text = _planted(text, "name", draw.choice(directory), planted, draw)
    return Document(text, planted)


def _planted(
    text: str, kind: str, value: str, planted: list[Planted], draw: random.Random
) -> str:
    """Put a value after a random word, never inside of what was planted before."""
    ends = [at for at, character in enumerate(text) if character == " "]
    ends = [at for at in ends if not any(p.start <= at < p.end for p in planted)]
    at = draw.choice(ends) if ends else len(text)
    lead = draw.choice(LEADS[kind]) if draw.randrange(2) else ""
    start = at + 1 + len(lead)
    put = f" {lead}{value}"
    planted[:] = [
        p if p.end <= at else Planted(p.kind, p.start + len(put), p.end + len(put))
        for p in planted
    ]
    planted.append(Planted(kind, start, start + len(value)))
    return text[:at] + put + text[at:]
