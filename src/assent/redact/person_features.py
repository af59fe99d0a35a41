"""What the name recogniser sees of a text: tokens, and numbers that describe them.

A text is cut into pieces of a few dozen tokens; each token gets one number a column
from its spelling alone, and templates join the columns of neighbours. All of it is
integers made with CRC-32, so every machine sees the same.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Bins = NDArray[np.uint32]

BITS = 18
"""A template's value is one of 2**18 bins; two values may share one."""
GRAM_BITS = 15
LONGEST_WORD = 40  # characters: what lies beyond does not count, so no token is slow
PAD = 3  # rows between two pieces: as far as a template looks

TOKEN = re.compile(
    r"https?://\S+|www\.\S+"  # a link
    r"|[@#]\w+|&\w{2,6};"  # a handle, a hashtag, an HTML entity
    r"|['’](?:s|S|re|ve|ll|d|m|t)\b"  # what follows a name and is no part of it
    r"|\w+(?:['’](?![sS]\b)\w+|-\w+)*"  # O'Hara, Anne-Marie
    r"|[^\w\s]"
)
"""Each branch is flat: a text of n characters costs n steps, whatever stands in it."""

LOWER, TITLE, LETTER, UPPER, MIXED, NUMBER, SIGN, HANDLE, TAG, LINK, OTHER = range(11)
"""How a token is written: its case, or what else it is."""

# What a token's own spelling gives; `*_case` is the same together with the case.
COLUMNS = (
    *("word", "shape", "case", "length", "p2", "p3", "p4", "s1", "s2", "s3", "s4"),
    *("lists", "flags", "soft", "odds"),
    *("lists_case", "flags_case", "soft_case", "odds_case"),
)
# `piece`: how the whole piece is written. `first`: whether the token begins a phrase.
TEMPLATES = tuple(
    tuple((part.split(":")[0], int(part.split(":")[1])) for part in line.split())
    for line in """
word:-2|word:-1|word:0|word:1|word:2|word:-1 word:0|word:0 word:1|word:-1 word:1
word:-1 flags_case:0|word:1 flags_case:0|word:-1 case:0|word:1 case:0|word:-2 case:0
word:2 case:0|word:-2 word:-1 case:0|word:1 word:2 case:0|word:-1 word:1 case:0
shape:0|shape:-1 shape:0|shape:0 shape:1|case:-1|case:1|case:-1 case:0 case:1
case:0 first:0|case:0 piece:0|length:0 case:0|p2:0|p3:0|p4:0|s1:0|s2:0|s3:0|s4:0
p3:1|s3:-1|s3:1|s2:0 case:0|s3:0 case:0|s2:0 flags_case:0
lists:0|lists_case:0|lists_case:0 piece:0|flags:-1 flags:0|first:0 flags_case:0
flags_case:-1|flags_case:0|flags_case:1|flags_case:0 piece:0
flags_case:-1 flags_case:0|flags_case:0 flags_case:1
flags_case:-1 flags_case:0 flags_case:1|flags_case:-2 flags_case:-1 flags_case:0
soft:0|soft_case:0|soft_case:0 piece:0|soft_case:-1 soft_case:0|soft_case:0 soft_case:1
soft_case:-1 soft_case:0 soft_case:1|word:-1 soft_case:0|word:1 soft_case:0
odds:0|odds_case:0|odds_case:0 piece:0|odds_case:-1 odds_case:0|odds_case:0 odds_case:1
word:-1 odds_case:0|word:1 odds_case:0
""".strip()
    .replace("\n", "|")
    .split("|")
)


class Listed(NamedTuple):
    """In which lists a word stands: 1 the most frequent to 7, 0 in none."""

    first_name: int
    last_name: int
    word: int
    place: int

    @classmethod
    def of(cls, packed: int) -> "Listed":
        """Read the classes as the model keeps them: three bits each."""
        return cls(packed & 7, packed >> 3 & 7, packed >> 6 & 7, packed >> 9)


@dataclass(frozen=True, slots=True)
class Words:
    """Lists of first names, last names, English words and places, by CRC-32."""

    packed: dict[int, int]
    grams: NDArray[np.int8]
    """(2**15 + 1, 3): letter groups' weights for first name, last name, word; last, a
    constant."""
    grams_unit: float

    def classes(self, word: str) -> Listed:
        """Look a lower-case word up."""
        return Listed.of(self.packed.get(crc(word), 0))

    def likeness(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Say how much words look like first names, last names, words: (n, 3)."""
        owners, bins = grams_of(words)
        size = np.sqrt(np.maximum(1, np.bincount(owners, minlength=len(words))))
        scores = np.empty((len(words), 3))
        for column, weights in enumerate(self.grams.T):
            total = np.bincount(owners, weights[bins], minlength=len(words))
            scores[:, column] = (total / size + weights[-1]) * self.grams_unit
        return scores


def crc(text: str) -> int:
    """Hash a text; lone surrogates, which JSON can carry, are no error."""
    return crc32(text.encode("utf-8", "surrogatepass"))


def grams_of(words: Sequence[str]) -> tuple[NDArray[np.int64], Bins]:
    """Find the groups of 2 to 5 bytes in words, their ends marked.

    Returns:
        the number of the word that each group is in, and each group's bin.
    """
    marked = [f"^{word[:24]}$".encode("utf-8", "surrogatepass") for word in words]
    letters = np.frombuffer(b"".join(marked), np.uint8).astype(np.uint32)
    owner = np.repeat(np.arange(len(marked)), [len(each) for each in marked])
    owners, bins = [], []
    group = letters
    for size in (2, 3, 4, 5):
        group = group[:-1] * np.uint32(0x01000193) + letters[size - 1 :]
        inside = owner[: len(group)] == owner[size - 1 :]
        owners.append(owner[: len(group)][inside])
        bins.append(mixed(group[inside] + np.uint32(size)))
    mask = np.uint32((1 << GRAM_BITS) - 1)
    return np.concatenate(owners), np.concatenate(bins) & mask


def case_of(token: str) -> int:
    """How a token is written."""
    first = token[0]
    if first in "@#" and len(token) > 1:
        return HANDLE if first == "@" else TAG
    if token.startswith(("http://", "https://", "www.")):
        return LINK
    if token.islower():
        return LOWER
    if token.isupper():
        return LETTER if len(token) == 1 else UPPER
    if first.isupper():
        return TITLE if token[1:].islower() else MIXED
    if token[0].isdigit():
        return NUMBER
    return OTHER if first.isalpha() else SIGN


def shape_of(token: str) -> str:
    """Letters as X, x and o, digits as d, runs as two of a kind: `Xxx-Xxx`."""
    kinds = [
        "X"
        if char.isupper()
        else "x"
        if char.islower()
        else "d"
        if char.isdigit()
        else "o"
        if char.isalpha()
        else char
        for char in token[:24]
    ]
    return "".join(
        kind
        for at, kind in enumerate(kinds)
        if at < 2 or kinds[at - 2 : at] != [kind] * 2
    )


HUMP = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])|[a-z]+")


def tag_classes(words: Words, tag: str) -> tuple[int, ...]:
    """How a hashtag reads as words run together: #JohnSmith, #johnsmith."""
    parts = [part.lower() for part in HUMP.findall(tag[1 : LONGEST_WORD + 1])]
    if len(parts) == 1:
        [whole] = parts
        for at in range(3, len(whole) - 2):
            head, tail = whole[:at], whole[at:]
            if 0 < words.classes(head)[0] < 4 and 0 < words.classes(tail)[1] < 4:
                parts = [head, tail]
                break
    found = [words.classes(part) for part in parts[:2]]
    return min(len(parts), 3), *(
        (0 < first < 4) + 2 * (0 < last < 4) + 4 * (0 < common < 4)
        for first, last, common, _ in found
    )


def describe(tokens: Sequence[str], words: Words) -> list[tuple[int, ...]]:
    """Describe each token by one number a column, from its spelling; then its case."""
    spelled = [spelled_as(token) for token in tokens]
    scores = words.likeness([word.lstrip("#") for word, _ in spelled])
    likes = np.digitize(scores, (-2, -1, 0, 1.5))  # (n, 3)
    odds = scores[:, :2].max(axis=1) - scores[:, 2]
    levels = np.digitize(odds, (-4, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4))
    return [
        _row(token, *parts, words, like, level)
        for token, parts, like, level in zip(
            tokens, spelled, likes.tolist(), levels.tolist(), strict=True
        )
    ]


def spelled_as(token: str) -> tuple[str, int]:
    """A token as the lists have it: written small, not too long; and its case."""
    case = case_of(token)
    if case == LINK:
        return "http", case
    if case == HANDLE:
        return "@user", case
    word = token.lower()[:LONGEST_WORD]
    return "0" * len(word) if word.isdigit() else word, case


def _row(
    token: str, word: str, case: int, words: Words, like: Sequence[int], level: int
) -> tuple[int, ...]:
    first, last, common, place = words.classes(word)
    if not (first or last or common) and ("-" in word or "'" in word):
        parts = [words.classes(each) for each in re.split("[-'’]", word) if each]
        if parts:
            first = max(each[0] for each in parts)
            last = max(each[1] for each in parts)
            common = parts[0][2]
    flags: tuple[object, ...] = (
        (first > 0) + (0 < first < 4),
        (last > 0) + (0 < last < 4),
        (common > 0) + (0 < common < 5) + (0 < common < 3),
    )
    lists: tuple[object, ...] = ("lists", first, last, common, place)
    soft: tuple[object, ...] = ("none", case)
    odds: tuple[object, ...] = ("none", case)
    if case not in (HANDLE, LINK) and any(map(str.isalpha, word)):
        known = any(flags)
        soft = ("listed", *flags) if known else ("like", *like)
        odds = ("odds", level, known)
    if case == TAG:
        soft = odds = lists = ("tag", *tag_classes(words, token))
        flags = lists
    values = (lists, ("flags", *flags, place > 0), soft, odds)
    hashed = [crc("\x1f".join(map(str, value))) for value in values]
    cased = [crc(f"{value}/{case}") for value in hashed]
    return (
        *(crc(word), crc(shape_of(token)), case, min(len(word), 8)),
        *(crc(word[:2]), crc(word[:3]), crc(word[:4])),
        *(crc(word[-1:]), crc(word[-2:]), crc(word[-3:]), crc(word[-4:])),
        *(*hashed, *cased, case),
    )


AT_LEAST, AT_MOST = 24, 96  # tokens
STOPS = frozenset(".!?")


def pieces(text: str) -> Iterator[list[tuple[int, int]]]:
    """Cut a text into lines, long lines into sentences, and those into tokens.

    A line without an end is cut all the same, so that the cost stays linear.
    Yields each piece's tokens as `[start, end)` in characters.
    """
    begin = 0
    for line in text.split("\n"):
        tokens = [
            found.span() for found in TOKEN.finditer(text, begin, begin + len(line))
        ]
        begin += len(line) + 1
        if len(tokens) > AT_LEAST:
            yield from _sentences(text, tokens)
        elif tokens:
            yield tokens


def _sentences(
    text: str, tokens: Sequence[tuple[int, int]]
) -> Iterator[list[tuple[int, int]]]:
    piece: list[tuple[int, int]] = []
    for token in tokens:
        if len(piece) >= AT_MOST or _ends_sentence(text, piece):
            yield piece
            piece = []
        piece.append(token)
    yield piece


def _ends_sentence(text: str, piece: Sequence[tuple[int, int]]) -> bool:
    """Whether enough stands before a stop, and no initial or `Dr` right before it."""
    if len(piece) <= AT_LEAST or text[piece[-1][0] : piece[-1][1]] not in STOPS:
        return False
    start, end = piece[-2]
    return end - start > 3 or not text[start].isupper()


NOTHING = (77,) * len(COLUMNS) + (SIGN,)
"""The row of no token, before and after a piece."""


class Encoder:
    """Turns pieces into bins. What it keeps between calls only saves time.

    Args:
        words: the lists that describe a token.
    """

    MOST_KEPT = 100_000  # different tokens, about 60 MB

    def __init__(self, words: Words) -> None:
        self.words = words
        self._kept: dict[str, tuple[int, ...]] = {}

    def describe(self, tokens: Sequence[Sequence[str]]) -> "Described":
        """Describe the tokens of some pieces; an empty piece is not allowed."""
        places: dict[str, int] = {}
        starts, at = [], [0] * PAD
        for piece in tokens:
            starts.append(len(at))
            at += [places.setdefault(token, len(places) + 1) for token in piece]
            at += [0] * PAD
        if len(self._kept) + len(places) > self.MOST_KEPT:
            self._kept.clear()
        new = [token for token in places if token not in self._kept]
        if new:
            self._kept.update(zip(new, describe(new, self.words), strict=True))
        table = [NOTHING, *(self._kept[token] for token in places)]
        rows = np.array(table, dtype=np.uint32)[np.array(at)]
        return Described(rows, np.array(starts), np.array([len(p) for p in tokens]))


class Described:
    """The tokens of some pieces: one row each, three empty rows between pieces.

    Args:
        rows: (N, columns + 1) uint32; the last is the case.
        starts: (P,) the row of each piece's first token.
        lengths: (P,) tokens of each piece, > 0.
    """

    def __init__(
        self, rows: Bins, starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> None:
        self.starts, self.lengths = starts, lengths
        self.case = rows[:, -1]
        spread = rows.T * np.uint32(0x9E3779B1)
        self._columns = dict(zip(COLUMNS, spread, strict=False))
        self._columns["piece"] = mixed(self._piece_case())
        begins = (self.case >= SIGN) & (self.case <= LINK)
        first = np.zeros(len(rows), np.uint32)
        first[1:] = begins[:-1]
        first[starts] = 2
        self._columns["first"] = mixed(first)

    def _piece_case(self) -> Bins:
        """How each token's piece is written: shouted, all small, a headline, mixed."""
        kinds = np.zeros(len(self.case), np.uint32)
        counts = [
            np.concatenate([[0], np.cumsum(np.isin(self.case, kind))])
            for kind in ((LOWER,), (TITLE, MIXED, LETTER), (UPPER,))
        ]
        ends = self.starts + self.lengths
        low, title, upper = (count[ends] - count[self.starts] for count in counts)
        total = np.maximum(1, low + title + upper)
        kind = np.select(
            [10 * upper > 6 * total, title + upper == 0, 10 * title > 6 * total],
            [1, 2, 3],
            np.where(2 * low < total, 4, 5),
        )
        edges = np.zeros(len(kinds) + 1, np.int64)
        edges[self.starts] += kind
        edges[ends] -= kind
        kinds[:] = np.cumsum(edges[:-1])
        return kinds

    def bins(self) -> Iterator[Bins]:
        """Yield one (N - 6,) array a template, in the order of `TEMPLATES`.

        The first and last `PAD` rows, which are empty, are left out: so a neighbour's
        column is the same column, seen a few rows further on.
        """
        mask = np.uint32((1 << BITS) - 1)
        seeds = np.arange(1, len(TEMPLATES) + 1, dtype=np.uint32)
        end = len(self.case) - PAD
        for seed, template in zip(seeds, TEMPLATES, strict=True):
            bins = np.full(end - PAD, seed)
            for name, offset in template:
                bins = mixed(bins + self._columns[name][PAD + offset : end + offset])
            yield bins & mask


def mixed(bins: Bins) -> Bins:
    """Spread 32 bits evenly. Source: Hash Prospector, `lowbias32` (public domain)."""
    bins = bins ^ (bins >> np.uint32(16))
    bins = bins * np.uint32(0x7FEB352D)
    bins = bins ^ (bins >> np.uint32(15))
    bins = bins * np.uint32(0x846CA68B)
    return bins ^ (bins >> np.uint32(16))


def spans_of(
    labels: Sequence[int], tokens: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Read labels (0 outside, 1 begins, 2 goes on) as spans in characters."""
    spans: list[tuple[int, int]] = []
    for at, (label, (start, end)) in enumerate(zip(labels, tokens, strict=True)):
        if label == 1:
            spans.append((start, end))
        elif label == 2 and at and labels[at - 1] and spans:
            spans[-1] = (spans[-1][0], end)
    return spans
