"""Grams: which runs of words of a text stand in a table of a million or a thousand.

A run of words is looked up by its hash. The hash of any stretch is the difference of
two prefix sums, so all runs of a batch cost a few vector operations, whatever the size
of the table, and an entry costs 10 bytes. A name that ends inside a word is never
looked up: `Anna Berg` is not found in `Susanna Bergson`.

The hash is a polynomial over 2**64: fast, and not secret. Whoever may not see the
entries gets their keyed tags instead, see `assent.redact.directory`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.redact.fold import Lookup
from assent.redact.spans import Codes, of_word

Hashes = NDArray[np.uint64]
Indexes = NDArray[np.int64]
Gates = NDArray[np.uint16]
"""What a word may begin: a bit for each length of run."""

# Scripts written without blanks: there each character may begin or end a name.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
_LONG = 15
"""Runs of so many words and more share one bit of the gate."""
INSIDE = np.uint16(1)
"""Bit of the gate: the word is one of a name of several words."""
_AT_ONCE = 1 << 22


def _class(character: str) -> int:
    if not of_word(character):
        return 0
    return 2 if UNSPACED.match(character) else 1


def _term(character: str) -> int:
    """What a character adds to a hash: never 0, and the same in either case."""
    if character == "\n":  # a name goes on in the next line
        return 0x21
    lower = character.lower().replace("ς", "σ")
    return 1 + ord(lower if len(lower) == 1 else character)


CLASS = Lookup(_class, np.uint8)
"""0: of no word; 1: of a word; 2: a word of its own."""

_TERM = Lookup(_term, np.uint64)

# Of ASCII the same, a byte for a byte.
_ASCII_CLASS = bytes(_class(chr(each)) for each in range(128)) + bytes(128)
_ASCII_TERM = bytes(_term(chr(each)) for each in range(128)) + bytes(128)


def _translated(codes: Codes, table: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(codes.tobytes().translate(table), np.uint8)


class _Powers:
    """Powers of the base and of its inverse, as many as the longest batch needs."""

    def __init__(self) -> None:
        self.up: Hashes = np.ones(1, np.uint64)
        self.down: Hashes = np.ones(1, np.uint64)

    def reach(self, length: int) -> None:
        if length <= len(self.up):
            return
        length = 1 << (length - 1).bit_length()
        self.up = _powers(_BASE, length)
        self.down = _powers(pow(_BASE, -1, 1 << 64), length)


def _powers(base: int, length: int) -> Hashes:
    factors = np.full(length, base, np.uint64)
    factors[0] = 1
    powers: Hashes = np.multiply.accumulate(factors)
    return powers


_POWERS = _Powers()


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a plain text, ready to be looked up.

    Args:
        starts: (W,) where each word starts in the text.
        ends: (W,) after its last character.
        sums: (len(text) + 1,) prefix sums of the hash.
    """

    starts: Indexes
    ends: Indexes
    sums: Hashes

    @classmethod
    def of(cls, codes: Codes) -> "Words":
        """Cut a plain text into words. Memory: 40 bytes a character."""
        sums = _sums(codes)
        ascii_only = codes.dtype == np.uint8
        kinds = _translated(codes, _ASCII_CLASS) if ascii_only else CLASS(codes)
        # A plain text begins and ends with no word, so its edges come in pairs.
        word = kinds.astype(np.bool_)
        edge = word[1:] != word[:-1]
        alone = kinds == 2
        if ascii_only or not alone.any():
            edges = np.flatnonzero(edge) + 1
            return cls(edges[::2], edges[1::2], sums)
        edge |= alone[1:] | alone[:-1]
        starts, ends = edge & word[1:], edge & word[:-1]
        return cls(np.flatnonzero(starts) + 1, np.flatnonzero(ends) + 1, sums)

    def hashes(self, starts: Indexes, ends: Indexes) -> Hashes:
        """Hash stretches of the text, in lower case. Returns: (len(starts),)."""
        return mixed(self.raws(starts, ends))

    def raws(self, starts: Indexes, ends: Indexes) -> Hashes:
        """Hash stretches before the last step, so that `moved` can join them."""
        found: Hashes = (self.sums[ends] - self.sums[starts]) * _POWERS.down[starts]
        return found


def hashed(texts: Sequence[str]) -> Hashes:
    """Hash folded texts whole, as `Words.hashes` does."""
    whole = "".join(texts).encode("utf-32-le", "surrogatepass")
    edges = np.cumsum([0, *map(len, texts)])
    return stretches(np.frombuffer(whole, "<u4")).hashes(edges[:-1], edges[1:])


def stretches(codes: Codes) -> Words:
    """Read a plain text to hash any stretches of it; it is not cut into words."""
    none = np.zeros(0, np.int64)
    return Words(none, none, _sums(codes))


def _sums(codes: Codes) -> Hashes:
    """Add the hash up from the beginning: (len(codes) + 1,)."""
    _POWERS.reach(len(codes) + 1)
    ascii_only = codes.dtype == np.uint8
    terms = _translated(codes, _ASCII_TERM) if ascii_only else _TERM(codes)
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(terms * _POWERS.up[: len(codes)], out=sums[1:])
    return sums


def distinct(hashes: Hashes) -> Hashes:
    """Sort hashes, each once; ten times as fast as NumPy's `unique`."""
    found = np.sort(hashes)
    return found[firsts_of(found)]


def firsts_of(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which of sorted values are not the same as the one before."""
    new = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def places_in(table: Hashes, wanted: Hashes) -> Indexes:
    """Where hashes stand in a sorted table, if they do: whoever asks compares."""
    places = np.searchsorted(table, wanted)
    places[places == len(table)] = 0
    return places


def mixed(raws: Hashes) -> Hashes:
    """Take the last step from `raws` to `hashes`."""
    found = raws ^ raws >> _HALF
    found *= _MIX
    found ^= found >> _HALF
    return found


def moved(raws: Hashes, behind: Indexes) -> Hashes:
    """Hash stretches as if so many characters stood before each."""
    found: Hashes = raws * _POWERS.up[behind]
    return found


@dataclass(frozen=True, slots=True)
class Keys:
    """What a table keeps of its entries: three arrays of one length.

    Args:
        hashes: of the whole entry.
        firsts: of its first word.
        words: how many words it has; 0 for an entry that no run of words finds.
    """

    hashes: Hashes
    firsts: Hashes
    words: NDArray[np.uint8]

    def __getitem__(self, chosen: NDArray[np.bool_] | Indexes) -> "Keys":
        return Keys(self.hashes[chosen], self.firsts[chosen], self.words[chosen])


def joined(parts: Sequence[Keys]) -> Keys:
    """Put keys behind each other."""
    none = np.zeros(0, np.uint64)
    return Keys(
        np.concatenate([none, *(each.hashes for each in parts)]),
        np.concatenate([none, *(each.firsts for each in parts)]),
        np.concatenate([none.astype(np.uint8), *(each.words for each in parts)]),
    )


class Field:
    """A bit field that says of most hashes that they stand in no table.

    Args:
        hashes: that stand there, sorted. It takes 16 to 32 bits for each.
    """

    __slots__ = ("_bytes", "_shift")

    def __init__(self, hashes: Hashes) -> None:
        bits = max(10, (16 * max(1, len(hashes)) - 1).bit_length())
        self._shift = np.uint64(64 - bits)
        self._bytes = np.zeros(1 << (bits - 3), np.uint8)
        for first in range(0, len(hashes), _AT_ONCE):
            at = hashes[first : first + _AT_ONCE] >> self._shift
            of = at >> np.uint64(3)
            # Sorted hashes share their byte with those beside them: one write each.
            starts = np.flatnonzero(firsts_of(of))
            self._bytes[of[starts]] |= np.bitwise_or.reduceat(_bit(at), starts)

    def may_hold(self, hashes: Hashes) -> NDArray[np.uint8]:
        """Look hashes up: 0 where one stands in no table."""
        at = hashes >> self._shift
        found: NDArray[np.uint8] = self._bytes[at >> np.uint64(3)] & _bit(at)
        return found


class Grams:
    """A table of entries, and how to find them.

    Args:
        keys: of the entries, in any order, repeated or not.
        marks: a bit field an entry; those of equal entries are joined.
        inside: hashes of words for which `gates` says so: those of names of several.
    """

    __slots__ = ("_counts", "_first", "_first_shift", "_hashes", "_marks", "_maybe")

    def __init__(self, keys: Keys, marks: NDArray[np.uint16], inside: Hashes) -> None:
        self._hashes, self._marks = _sorted(keys.hashes, marks)
        self._maybe = Field(self._hashes)
        counts = np.flatnonzero(np.bincount(keys.words, minlength=1))
        self._counts = tuple(counts[counts > 0].tolist())
        firsts = len(distinct(keys.firsts)) + len(inside)
        bits = min(22, max(10, (4 * max(1, firsts) - 1).bit_length()))
        self._first_shift = np.uint64(64 - bits)
        self._first = np.zeros(1 << bits, np.uint16)
        self._first[inside >> self._first_shift] |= INSIDE
        for count in self._counts:
            of = keys.firsts[keys.words == count] >> self._first_shift
            self._first[of] |= np.uint16(1 << min(count, _LONG))

    def __len__(self) -> int:
        return len(self._hashes)

    def look_up(self, hashes: Hashes) -> tuple[Indexes, NDArray[np.uint16]]:
        """Look up hashes. Returns: (which of them stand in the table, their marks)."""
        maybe = np.flatnonzero(self._maybe.may_hold(hashes) > 0)
        wanted = hashes[maybe]
        places = places_in(self._hashes, wanted)
        found = self._hashes[places] == wanted if len(self._hashes) else places > 0
        return maybe[found], self._marks[places[found]]

    def gates(self, singles: Hashes) -> Gates:
        """Say of hashes of words what they may begin: a bit for each length of run.

        The lowest bit: the word may be one of a name of several words.
        """
        found: Gates = self._first[singles >> self._first_shift]
        return found

    def find(
        self, words: Words, singles: Hashes, gates: Gates
    ) -> Iterator[tuple[Indexes, Indexes, NDArray[np.uint16]]]:
        """Find every run of words that stands in the table; runs may overlap.

        Args:
            words: of a text.
            singles: hashes of each of them.
            gates: of the same.

        Returns:
            For each length of run: (starts, ends, marks).
        """
        for count in self._counts:
            bit = np.uint16(1 << min(count, _LONG))
            last = len(words.starts) - count + 1
            if last <= 0:
                continue
            begin = np.flatnonzero(gates[:last] & bit > 0)  # of booleans it is quick
            starts, ends = words.starts[begin], words.ends[begin + (count - 1)]
            hashes = singles[begin] if count == 1 else words.hashes(starts, ends)
            found, marks = self.look_up(hashes)
            if len(found):
                yield starts[found], ends[found], marks


def _sorted(
    hashes: Hashes, marks: NDArray[np.uint16]
) -> tuple[Hashes, NDArray[np.uint16]]:
    """Sort entries, and join the marks of equal ones.

    Hashes alone are sorted ten times as fast as an order for them is found, and nearly
    all entries have one of a few marks.
    """
    whole = distinct(hashes)
    found = np.zeros(len(whole), np.uint16)
    for mark in np.unique(marks):
        of = hashes[marks == mark]
        if len(of) == len(hashes):
            found[:] = mark
        else:
            found[np.searchsorted(whole, np.sort(of))] |= mark
    return whole, found


@dataclass(frozen=True, slots=True)
class Stretches:
    """Where entries lie in the words of a text.

    Args:
        firsts: number of the first word of each; `counts` how many it has.
        starts: of each from its first word; `ends` of its last one. An entry without a
            word has an empty stretch.
    """

    firsts: Indexes
    counts: Indexes
    starts: Indexes
    ends: Indexes


def keys(words: Words, edges: Indexes) -> tuple[Keys, Stretches]:
    """Make the keys of entries that were folded together.

    Args:
        words: of the plain text that the entries were folded to.
        edges: where each entry starts in it, and one more for the end.

    Returns:
        The keys of each entry, from its first word to its last, and where it lies. One
        without a word has 0 words.
    """
    firsts = np.searchsorted(words.starts, edges[:-1])
    lasts = np.searchsorted(words.starts, edges[1:])
    counts = lasts - firsts
    some = counts > 0
    starts, ends = edges[:-1].copy(), edges[:-1].copy()
    starts[some] = words.starts[firsts[some]]
    ends[some] = words.ends[lasts[some] - 1]
    first_ends = starts.copy()
    first_ends[some] = words.ends[firsts[some]]
    found = Keys(
        words.hashes(starts, ends),
        words.hashes(starts, first_ends),
        np.minimum(counts, 255).astype(np.uint8),
    )
    return found, Stretches(firsts, counts, starts, ends)


def _bit(at: Hashes) -> NDArray[np.uint8]:
    return np.uint8(1) << (at & np.uint64(7)).astype(np.uint8)
