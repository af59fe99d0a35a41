"""Otherwise: names of several words that are not written as the directory has them.

Found are another order (`Berg, Anna`), other signs between the words (`anna_berg`), a
word or an initial more (`Anna M. Berg`), an `s` at the end, letters in one (`AnnaBerg`)
or each for itself, and words broken by a hyphen. All are runs of a few words, whose
letters are looked up; what is found then has to be written like a name, see
`assent.redact.plausible`. Never is a part of a word a name.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.redact.entries import lowered
from assent.redact.fold import Plain
from assent.redact.forms import WORDS, FormTable, in_the_clear, letters, of_hidden
from assent.redact.grams import (
    INSIDE,
    Gates,
    Grams,
    Hashes,
    Indexes,
    Words,
    places_in,
    stretches,
)
from assent.redact.hidden import Tags
from assent.redact.plausible import JOINED, Piece, Reading, is_plausible
from assent.redact.spans import Codes, Found, Kind

GAP = 5
"""Characters between two words of a name."""
APART = range(6, 27)
"""Letters of a name, each for itself."""
_PLAIN = tuple(tuple(range(count)) for count in range(2, WORDS + 1))
_MORE = ((0, 2), (0, 3), (0, 2, 3))
"""Which words of a run are the name's; one or two in its middle are not."""
_UNDERSCORE, _HYPHEN, _BLANK, _NEWLINE = 0x5F, 0x2D, 0x20, 0x0A
_S = (0x53, 0x73)
_LETTERS = 0x41
_LONGEST_TAIL = 8
_AT_ONCE = 1 << 19
"""Runs that are looked up together: 40 MB."""
_ROWS = 1 << 14
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Words, and what underscores and digits behind divide them into.

    Args:
        starts: (P,) of each in the text.
        ends: (P,) after its last character.
        singles: (P,) hash of each.
        gates: (P,) of each.
    """

    starts: Indexes
    ends: Indexes
    singles: Hashes
    gates: Gates


NONE: Indexes = np.zeros(0, np.int64)


class _Runs(NamedTuple):
    """Runs of pieces whose letters are looked up.

    Args:
        begin: number of the first piece of each.
        offsets: which pieces, counted from the first, are of the name.
        reading: what kind of run it is.
        trimmed: an `s` at the end is not of the name.
        whole: so many of the first pieces have to be words of names.
        hashes: of the letters, where they are known already.
        counts: how many pieces each has, all of the name, where `offsets` is empty.
    """

    begin: Indexes
    offsets: tuple[int, ...]
    reading: Reading
    trimmed: bool = False
    whole: int = 0
    hashes: Hashes | None = None
    counts: Indexes = NONE


class _Hit(NamedTuple):
    """A run whose letters stand in the table: see `_Runs`; `flags` as looked up."""

    begin: int
    offsets: tuple[int, ...]
    reading: Reading
    trimmed: bool
    flags: int


class Otherwise:
    """Finds names of several words in their other forms.

    Args:
        table: of the forms.
        firsts: their first words' hashes, sorted, none twice.
        tags: of the project.
        hidden: `of_letters` of each form of a hidden entry.
    """

    def __init__(
        self, table: FormTable, firsts: Hashes, tags: Tags, hidden: frozenset[bytes]
    ) -> None:
        self._table = table
        self._firsts = firsts
        self._tags = tags
        self._hidden = hidden

    def hides(self, written: str) -> bool:
        """Say whether lower-case letters are a form of a hidden name."""
        return bool(self._hidden) and self._tags.of_letters(written) in self._hidden

    def find(
        self,
        plain: Plain,
        words: Words,
        whole: Pieces,
        grams: Grams,
        known: Collection[tuple[int, int]],
    ) -> Iterator[Found]:
        """Find names; spans may overlap.

        Args:
            plain: the texts.
            words: of `plain.codes`.
            whole: the same words, with their hashes and gates.
            grams: what gave the gates.
            known: where names stand as they are: these are not given again.
        """
        if not len(self._table):
            return
        for pieces in (whole, _parts(plain.codes, words, grams)):
            if len(pieces.starts):
                yield from self._found(plain, words, pieces, known)

    def _found(
        self,
        plain: Plain,
        words: Words,
        pieces: Pieces,
        known: Collection[tuple[int, int]],
    ) -> Iterator[Found]:
        every: list[_Runs] = []
        size = 0
        for runs in _runs(plain, pieces):
            every.append(runs)
            size += len(runs.begin)
            if size >= _AT_ONCE:
                yield from self._looked_up(plain, words, pieces, every, known)
                every, size = [], 0
        yield from self._looked_up(plain, words, pieces, every, known)

    def _looked_up(
        self,
        plain: Plain,
        words: Words,
        pieces: Pieces,
        every: Sequence[_Runs],
        known: Collection[tuple[int, int]],
    ) -> Iterator[Found]:
        """Look up runs at once: a call costs more than what most of them look up."""
        every = [runs for runs in every if len(runs.begin)]
        if not every:
            return
        found, flags = self._table.look_up(
            np.concatenate([_hashes(words, pieces, runs) for runs in every])
        )
        bounds = np.cumsum([0, *(len(runs.begin) for runs in every)])
        which = np.searchsorted(bounds, found, "right") - 1
        at = found - bounds[which]
        hits = zip(which.tolist(), at.tolist(), flags.tolist(), strict=True)
        for number, place, flag in hits:
            runs = every[number]
            begin = int(runs.begin[place])
            offsets = runs.offsets or tuple(range(int(runs.counts[place])))
            span = int(pieces.starts[begin]), int(pieces.ends[begin + offsets[-1]])
            # The gates let some others pass: which ones is the table's business.
            if span not in known and self._known(
                pieces.singles[begin : begin + runs.whole]
            ):
                hit = _Hit(begin, offsets, runs.reading, runs.trimmed, flag)
                if (name := self._span(plain.text, pieces, hit)) is not None:
                    yield name

    def _known(self, singles: Hashes) -> bool:
        """Say whether all of some words are of names."""
        at = places_in(self._firsts, singles)
        return bool((self._firsts[at] == singles).all())

    def _span(self, text: str, pieces: Pieces, hit: _Hit) -> Found | None:
        """Give the span of a run if it can be a name."""
        last = hit.begin + hit.offsets[-1] + 1
        bounds = zip(
            pieces.starts[hit.begin : last].tolist(),
            pieces.ends[hit.begin : last].tolist(),
            strict=True,
        )
        run = [Piece(start, end) for start, end in bounds]
        forms = in_the_clear(hit.flags)
        if hidden := of_hidden(hit.flags):
            words = (text[run[each].start : run[each].end] for each in hit.offsets)
            whole = lowered("".join(words))
            if self.hides(whole[:-1] if hit.trimmed else whole):
                forms |= hidden
        end = is_plausible(text, run, hit.offsets, hit.reading, forms)
        return None if end is None else (run[0].start, end, Kind.NAME)


def readings(name: str) -> Iterator[str]:
    """List the letters that a name in lower case, between blanks, is read as.

    Whoever has one of these forms may be meant by it, beside whose name it is.
    """
    words = [each.group() for each in _WORD.finditer(name)]
    whole = "".join(words)
    yield whole
    if whole.endswith("s"):
        yield whole[:-1]
    for offsets in _MORE:
        if offsets[-1] == len(words) - 1:
            yield "".join(words[offset] for offset in offsets)


def _runs(plain: Plain, pieces: Pieces) -> Iterator[_Runs]:
    codes, ends = plain.codes, pieces.ends
    opened = pieces.gates & INSIDE > 0
    opens = np.flatnonzero(opened)
    capital = opens[_capital(codes[pieces.starts[opens]])]
    begin = opens
    for offsets in _PLAIN:
        behind = offsets[-1]
        begin = _near(pieces, begin, behind)
        if not len(begin):
            break
        last = codes[ends[begin + behind] - 1]
        tail = (last == _S[0]) | (last == _S[1])
        tail &= ends[begin + behind] - pieces.starts[begin + behind] > 2  # no `'s`
        yield _Runs(begin[tail], offsets, Reading.WORDS, True, behind)
        begin = begin[opened[begin + behind]]
        yield _Runs(begin, offsets, Reading.WORDS, False, behind + 1)
    for offsets in _MORE:
        some = _reaching(pieces, capital, offsets[-1])
        some = some[_capital(codes[pieces.starts[some + 1]])]
        for offset in offsets:
            some = some[opened[some + offset]]
        yield _Runs(some, offsets, Reading.MORE, False, 1)
    # A name that lost its apostrophe: `Sean OSullivan`.
    some = _near(pieces, capital, 1)
    some = some[_upper(codes[pieces.starts[some + 1] + 1])]
    yield _Runs(some, (0, 1), Reading.WORDS, False, 1)
    yield from _broken(codes, pieces)
    lengths = ends - pieces.starts
    yield from _apart(plain, pieces, np.flatnonzero(lengths == 1))
    long = np.flatnonzero(lengths >= JOINED)
    yield _Runs(long, (0,), Reading.JOINED, hashes=pieces.singles[long])


def _near(pieces: Pieces, begin: Indexes, behind: int) -> Indexes:
    """Keep runs whose piece so far behind follows closely on the one before it."""
    begin = begin[begin < len(pieces.starts) - behind]
    at = begin + behind
    return begin[pieces.starts[at] - pieces.ends[at - 1] <= GAP]


def _reaching(pieces: Pieces, begin: Indexes, behind: int) -> Indexes:
    """Keep runs that go on so far without a long gap."""
    for each in range(1, behind + 1):
        begin = _near(pieces, begin, each)
    return begin


def _broken(codes: Codes, pieces: Pieces) -> Iterator[_Runs]:
    """Words that a hyphen and a blank divide: `Bartholo- mew Finchley`."""
    hyphens = np.flatnonzero(codes == _HYPHEN)
    behind = codes[hyphens + 1]
    hyphens = hyphens[(behind == _BLANK) | (behind == _NEWLINE)]
    at = np.searchsorted(pieces.ends, hyphens)
    at = at[at < len(pieces.ends) - 1]
    at = at[codes[pieces.ends[at]] == _HYPHEN]
    at = at[pieces.starts[at + 1] - pieces.ends[at] == 2]
    if len(at):
        for first, offsets in ((0, (0, 1)), (0, (0, 1, 2)), (1, (0, 1, 2))):
            begin = _reaching(pieces, at[at >= first] - first, offsets[-1])
            yield _Runs(begin, offsets, Reading.BROKEN)


def _apart(plain: Plain, pieces: Pieces, one: Indexes) -> Iterator[_Runs]:
    """Letters each for itself: `A n n a  B e r g`.

    Every part of a row of them is a run: that it is a name must not depend on a letter
    beside it, which may belong to an address that is replaced.
    """
    if len(one) < APART.start:
        return
    ends = pieces.ends[one[:-1]]
    follows = one[1:] - one[:-1] == 1
    gaps = pieces.starts[one[1:]] - ends
    # In a script without blanks each character is a word, and none is apart.
    follows &= (gaps > 0) & (gaps <= GAP)
    breaks = np.concatenate((np.flatnonzero(~follows) + 1, [len(one)]))
    numbers = np.arange(len(one))
    left = breaks[np.searchsorted(breaks, numbers, "right")] - numbers
    begin = np.flatnonzero(left >= APART.start)
    letters = stretches(plain.codes[pieces.starts[one]])
    for first in range(0, len(begin), _ROWS):
        some = begin[first : first + _ROWS]
        ways = np.minimum(left[some], APART.stop - 1) - (APART.start - 1)
        of = np.repeat(some, ways)
        done = np.repeat(np.cumsum(ways) - ways, ways)
        counts = np.arange(len(of)) - done + APART.start
        hashes = letters.hashes(of, of + counts)
        yield _Runs(one[of], (), Reading.APART, hashes=hashes, counts=counts)


def _hashes(words: Words, pieces: Pieces, runs: _Runs) -> Hashes:
    if runs.hashes is not None:
        return runs.hashes
    raws, lengths = [], []
    for offset in runs.offsets:
        starts, ends = (
            pieces.starts[runs.begin + offset],
            pieces.ends[runs.begin + offset],
        )
        if runs.trimmed and offset == runs.offsets[-1]:
            ends = ends - 1
        raws.append(words.raws(starts, ends))
        lengths.append(ends - starts)
    return letters(raws, lengths)


def _parts(codes: Codes, words: Words, grams: Grams) -> Pieces:
    """Divide words at underscores, and before the digits at the end of a long one.

    Returns:
        Parts of the words that are divided, and the words beside them.
    """
    starts, ends = words.starts, words.ends
    bars = np.flatnonzero(codes == _UNDERSCORE)
    tails = np.flatnonzero(ends - starts > JOINED)
    tails = tails[_digit(codes[ends[tails] - 1])]
    tails = tails[codes[starts[tails]] >= _LETTERS]
    cuts = ends[tails]
    for _ in range(_LONGEST_TAIL):
        cuts = cuts - _digit(codes[cuts - 1])
    divided = np.unique(
        np.concatenate([np.searchsorted(starts, bars, "right") - 1, tails])
    )
    beside = np.unique(np.concatenate([divided - 1, divided + 1]))
    beside = beside[(beside >= 0) & (beside < len(starts))]
    beside = np.setdiff1d(beside, divided, assume_unique=True)
    new_starts = np.concatenate([starts[divided], bars + 1, cuts, starts[beside]])
    new_ends = np.concatenate([ends[divided], bars, cuts, ends[beside]])
    new_starts.sort()
    new_ends.sort()
    some = new_starts < new_ends
    new_starts, new_ends = new_starts[some], new_ends[some]
    singles = words.hashes(new_starts, new_ends)
    return Pieces(new_starts, new_ends, singles, grams.gates(singles))


def _digit(codes: Codes) -> NDArray[np.bool_]:
    return (codes >= 0x30) & (codes <= 0x39)


def _upper(codes: Codes) -> NDArray[np.bool_]:
    return (codes >= 0x41) & (codes <= 0x5A)


def _capital(codes: Codes) -> NDArray[np.bool_]:
    """Keep what may be a capital: those of ASCII, and all that is beyond it."""
    return _upper(codes) | (codes > 0x7F)
