"""Grams: which runs of words of a text stand in a table of a million or a thousand.

A run of words is looked up by its hash. The hash of any stretch is the difference of
two sums from the end of the text, so a run costs the same however long it is, whatever
the size of the table, and an entry costs 10 bytes. A name that ends inside a word is
never looked up: `Anna Berg` is not found in `Susanna Bergson`.

The hash is a polynomial over 2**64: fast, and not secret. Whoever may not see the
entries gets their keyed tags instead, see `assent.redact.directory`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.redact.compiled import LONG, added_up, cut, looked_up, runs, singles
from assent.redact.fold import Lookup, wide_codes
from assent.redact.spans import Codes, Gates, Hashes, Indexes, of_word

# Scripts written without blanks: there each character may begin or end a name.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
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

_TERM = Lookup(_term, np.uint32)

# Of ASCII the same, in tables that stay in the nearest cache.
_ASCII_CLASS = np.array([*map(_class, map(chr, range(128)))], np.uint8)
_ASCII_TERM = np.array([*map(_term, map(chr, range(128)))], np.uint32)


class _Powers:
    """Powers of the base, as many as the longest stretch needs."""

    def __init__(self) -> None:
        self.up: Hashes = np.ones(1, np.uint64)

    def reach(self, length: int) -> Hashes:
        """Give the powers from 0 to a length at least."""
        if length >= len(self.up):
            factors = np.full(1 << length.bit_length(), _BASE, np.uint64)
            factors[0] = 1
            self.up = np.multiply.accumulate(factors)
        return self.up


_POWERS = _Powers()


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a plain text, ready to be looked up.

    Args:
        starts: (W,) where each word starts in the text.
        ends: (W,) after its last character.
        sums: (len(text) + 1,) of the hash, each of all that follows.
    """

    starts: Indexes
    ends: Indexes
    sums: Hashes

    @classmethod
    def of(cls, codes: Codes) -> "Words":
        """Cut a plain text into words. Memory: 24 bytes a character."""
        narrow = codes.dtype == np.uint8
        return cls(
            *cut(codes, _ASCII_CLASS if narrow else CLASS.knowing(codes)), _sums(codes)
        )

    def hashes(self, starts: Indexes, ends: Indexes) -> Hashes:
        """Hash stretches of the text, in lower case. Returns: (len(starts),)."""
        return mixed(self.raws(starts, ends))

    def raws(self, starts: Indexes, ends: Indexes) -> Hashes:
        """Hash stretches before the last step, so that `moved` can join them."""
        lengths = ends - starts
        up = _POWERS.reach(int(lengths.max(initial=0)))
        found: Hashes = self.sums[starts] - up[lengths] * self.sums[ends]
        return found


def hashed(texts: Sequence[str]) -> Hashes:
    """Hash folded texts whole, as `Words.hashes` does."""
    whole = wide_codes("".join(texts))
    edges = np.cumsum([0, *map(len, texts)])
    return stretches(whole).hashes(edges[:-1], edges[1:])


def stretches(codes: Codes) -> Words:
    """Read a plain text to hash any stretches of it; it is not cut into words."""
    none = np.zeros(0, np.int64)
    return Words(none, none, _sums(codes))


def _sums(codes: Codes) -> Hashes:
    """Add the hash up from the end: (len(codes) + 1,)."""
    terms = _ASCII_TERM if codes.dtype == np.uint8 else _TERM.knowing(codes)
    return added_up(codes, terms, np.uint64(_BASE))


def powers(words: Words) -> Hashes:
    """Give the powers of the base: enough for any run of the words."""
    return _POWERS.reach(len(words.sums))


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
    found: Hashes = raws * _POWERS.reach(int(behind.max(initial=0)))[behind]
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


class Table:
    """A sorted table, and a bit field that says of most hashes that it lacks them.

    Args:
        hashes: sorted, none twice. The field takes 16 to 32 bits for each.
    """

    __slots__ = ("bits", "hashes", "shift")

    def __init__(self, hashes: Hashes) -> None:
        bits = max(10, (16 * max(1, len(hashes)) - 1).bit_length())
        self.hashes = hashes
        self.shift = np.uint64(64 - bits)
        self.bits = np.zeros(1 << (bits - 3), np.uint8)
        for first in range(0, len(hashes), _AT_ONCE):
            at = hashes[first : first + _AT_ONCE] >> self.shift
            of = at >> np.uint64(3)
            # Sorted hashes share their byte with those beside them: one write each.
            starts = np.flatnonzero(firsts_of(of))
            self.bits[of[starts]] |= np.bitwise_or.reduceat(_bit(at), starts)

    def looked_up(self, hashes: Hashes, low: int = 0) -> tuple[Indexes, Indexes]:
        """Find which hashes stand in the table: (their numbers, their places).

        Args:
            hashes: in any order.
            low: so many of the lowest bits say something else.
        """
        return looked_up(hashes, *self.parts, np.uint64(low))

    @property
    def parts(self) -> tuple[NDArray[np.uint8], np.uint64, Hashes]:
        """The field, its shift and the hashes, as compiled loops take them."""
        return self.bits, self.shift, self.hashes


class Grams:
    """A table of entries, and how to find them.

    Args:
        keys: of the entries, in any order, repeated or not.
        marks: a bit field an entry; those of equal entries are joined.
        inside: hashes of words for which `gates` says so: those of names of several.
    """

    __slots__ = ("_counts", "_first", "_first_shift", "_marks", "_table")

    def __init__(self, keys: Keys, marks: NDArray[np.uint16], inside: Hashes) -> None:
        hashes, self._marks = _sorted(keys.hashes, marks)
        self._table = Table(hashes)
        counts = np.flatnonzero(np.bincount(keys.words, minlength=1))
        self._counts = counts[counts > 0]
        firsts = len(distinct(keys.firsts)) + len(inside)
        bits = min(22, max(10, (4 * max(1, firsts) - 1).bit_length()))
        self._first_shift = np.uint64(64 - bits)
        self._first = np.zeros(1 << bits, np.uint16)
        self._first[inside >> self._first_shift] |= INSIDE
        for count in self._counts.tolist():
            of = keys.firsts[keys.words == count] >> self._first_shift
            self._first[of] |= np.uint16(1 << min(count, LONG))

    def __len__(self) -> int:
        return len(self._table.hashes)

    def look_up(self, hashes: Hashes) -> tuple[Indexes, NDArray[np.uint16]]:
        """Look up hashes. Returns: (which of them stand in the table, their marks)."""
        found, places = self._table.looked_up(hashes)
        return found, self._marks[places]

    def singles(
        self, starts: Indexes, ends: Indexes, sums: Hashes
    ) -> tuple[Hashes, Gates]:
        """Hash words of a text, and say what each may begin: (hashes, gates).

        A gate is a bit for each length of run. The lowest bit: the word may be one of a
        name of several words.
        """
        up = _POWERS.reach(len(sums))
        return singles(starts, ends, sums, up, self._first, self._first_shift)

    def find(
        self, words: Words, gates: Gates
    ) -> tuple[Indexes, Indexes, NDArray[np.uint16]]:
        """Find every run of words that stands in the table; runs may overlap.

        Args:
            words: of a text.
            gates: of the same.

        Returns:
            (starts, ends, marks)
        """
        first, counts, places = runs(
            words.starts,
            words.ends,
            words.sums,
            powers(words),
            gates,
            self._counts,
            *self._table.parts,
        )
        last = first + counts - 1
        return words.starts[first], words.ends[last], self._marks[places]


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
