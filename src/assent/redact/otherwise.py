"""Otherwise: names of several words that are not written as the directory has them.

Found are another order (`Berg, Anna`), other signs between the words (`anna_berg`), a
word or an initial more (`Anna M. Berg`), an `s` at the end, letters in one (`AnnaBerg`)
or each for itself, and words broken by a hyphen. All are runs of a few words, whose
letters are looked up; what is found then has to be written like a name, see
`assent.redact.plausible`. Beside a word of a name, or such another, a word that is in
none may stand for one, see `assent.redact.guesses`. Never is a part of a word a name.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.redact import hashtags, initials
from assent.redact.compiled_guesses import FIRST, SECOND, doubtful
from assent.redact.compiled_runs import (
    APOSTROPHE,
    MORE,
    ONE,
    TRIMMED,
    Sought,
    Text,
    capital_runs,
    letters_apart,
    parts,
    rows_of_words,
    single_words,
)
from assent.redact.entries import lowered
from assent.redact.fold import Plain
from assent.redact.forms import WORDS, Form, FormTable, in_the_clear, letters, of_hidden
from assent.redact.grams import (
    Grams,
    Table,
    Words,
    hashed,
    places_in,
    powers,
    stretches,
)
from assent.redact.guesses import bends, guesses, marks
from assent.redact.hidden import Tags
from assent.redact.masked import masked
from assent.redact.plausible import Piece, Reading, is_plausible
from assent.redact.runs import Pieces, Runs, reaching
from assent.redact.spans import Codes, Found, Hashes, Indexes, Kind

APART = range(6, 27)
"""Letters of a name, each for itself."""
_MORE = ((0, 2), (0, 3), (0, 2, 3), (0, 4), (0, 5))
"""Which words of a run are the name's; one to four in its middle are not: three and
more are a nickname."""
_BROKEN = ((0, (0, 1)), (0, (0, 1, 2)), (1, (0, 1, 2)), (0, (0, 1, 2, 3)))
"""Words before the hyphen, and those of the run."""
_UNDERSCORE, _HYPHEN, _BLANK, _NEWLINE = 0x5F, 0x2D, 0x20, 0x0A
_BENDS, _MARKS = bends(), marks()
_ROWS = 1 << 14
_WORD = re.compile(r"[^\W_]+")


class _Rule(NamedTuple):
    """What kind of run it is.

    Args:
        offsets: which pieces, counted from the first, are of the name.
        reading: how it has to be written.
        trimmed: so many letters at the end are not of the name.
        whole: so many of the first pieces have to be words of names.
    """

    offsets: tuple[int, ...]
    reading: Reading
    trimmed: int = 0
    whole: int = 0


def _rules() -> Iterator[tuple[int, _Rule]]:
    for count in range(2, WORDS + 1):
        offsets = tuple(range(count))
        yield count, _Rule(offsets, Reading.WORDS, whole=count)
        yield TRIMMED + count, _Rule(offsets, Reading.WORDS, 1, count - 1)
    for number, offsets in enumerate(_MORE):
        yield MORE + number, _Rule(offsets, Reading.MORE, whole=1)
    # `Sean OSullivan`.
    yield APOSTROPHE, _Rule((0, 1), Reading.WORDS, whole=1)
    yield ONE, _Rule((0,), Reading.JOINED)
    for number, offsets in initials.offsets():
        yield number, _Rule(offsets, Reading.INITIALS)
    yield initials.LOGIN, _Rule((0, 1), Reading.LOGIN)
    for count in range(initials.PARTS + 1):
        yield initials.CUT + count, _Rule(tuple(range(count)), Reading.BROKEN)


_RULES = dict(_rules())
_ROWS_OF_MORE = np.array([each + (0,) * (3 - len(each)) for each in _MORE])


class _Hit(NamedTuple):
    """A run whose letters stand in the table: its first piece; `flags` as looked up."""

    begin: int
    rule: _Rule
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
        self._words = Table(firsts)
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
            for hit in self._hits(plain, words, pieces):
                begin, rule = hit.begin, hit.rule
                span = pieces.starts[begin], pieces.ends[begin + max(rule.offsets)]
                # The gates let some others pass: which ones is the table's business.
                if (int(span[0]), int(span[1])) in known or not self._known(
                    pieces.singles[begin : begin + rule.whole]
                ):
                    continue
                if (name := self._span(plain.text, pieces, hit)) is not None:
                    yield name
        yield from self._guessed(plain, words, whole)
        yield from self._hardly(plain)

    def _guessed(self, plain: Plain, words: Words, pieces: Pieces) -> Iterator[Found]:
        """Find names of which a word is bent, misspelt, masked or in another script."""
        doubts = doubtful(
            _text_of(plain, words, pieces),
            pieces.singles,
            Sought(*self._words.parts),
            Sought(*self._table.table.parts),
            _BENDS,
            _MARKS,
        )
        written, owners = [], []
        for begin, known in _listed(*doubts):
            ways = [
                (word,) if known & bit else guesses(word)
                for at, bit in ((begin, FIRST), (begin + 1, SECOND))
                for word in [lowered(plain.text[pieces.starts[at] : pieces.ends[at]])]
            ]
            some = [*map("".join, product(*ways))]
            written += some
            owners += [begin] * len(some)
        for at, forms in self._forms_of(written):
            run = [
                Piece(int(pieces.starts[each]), int(pieces.ends[each]))
                for each in (owners[at], owners[at] + 1)
            ]
            end = is_plausible(plain.text, run, (0, 1), Reading.GUESSED, forms)
            if end is not None:
                yield run[0].start, end, Kind.NAME

    def _hardly(self, plain: Plain) -> Iterator[Found]:
        """Find names in which a sign stands for a letter, and those in hashtags."""
        pairs = [*masked(plain.text, plain.codes), *hashtags.inside(plain.text)]
        written = [each for *_, some in pairs for each in some]
        owners = [pair for pair in pairs for _ in pair[2]]
        for at, forms in self._forms_of(written):
            start, end, _ = owners[at]
            if Form.FORWARD in forms:
                yield start, end, Kind.NAME

    def _forms_of(self, written: Sequence[str]) -> Iterator[tuple[int, Form]]:
        """Look up letters: the numbers of those that are a form, and which."""
        if not written:
            return
        found, flags = self._table.look_up(hashed(written))
        for at, flag in _listed(found, flags):
            forms = in_the_clear(flag)
            if of_hidden(flag) and self.hides(written[at]):
                forms |= of_hidden(flag)
            yield at, forms

    def _hits(self, plain: Plain, words: Words, pieces: Pieces) -> Iterator[_Hit]:
        text = _text_of(plain, words, pieces)
        sought = Sought(*self._table.table.parts)
        for begins, rules, places in (
            single_words(text, sought),
            rows_of_words(text, sought),
            capital_runs(text, sought, _ROWS_OF_MORE),
            initials.short_runs(text, sought),
        ):
            flags = self._table.flags(places)
            for begin, rule, flag in _listed(begins, rules, flags):
                yield _Hit(begin, _RULES[rule], flag)
        others = chain(
            _broken(plain.codes, pieces),
            _apart(plain, pieces),
        )
        for runs in others:
            if not len(runs.begin):
                continue
            found, flags = self._table.look_up(_hashes(words, pieces, runs))
            counts = runs.counts if len(runs.counts) else np.zeros_like(runs.begin)
            for begin, count, flag in _listed(runs.begin[found], counts[found], flags):
                offsets = runs.offsets or tuple(range(count))
                yield _Hit(begin, _Rule(offsets, runs.reading), flag)

    def _known(self, singles: Hashes) -> bool:
        """Say whether all of some words are of names."""
        known = self._words.hashes
        return bool((known[places_in(known, singles)] == singles).all())

    def _span(self, text: str, pieces: Pieces, hit: _Hit) -> Found | None:
        """Give the span of a run if it can be a name."""
        offsets, reading, trimmed, _ = hit.rule
        last = hit.begin + max(offsets) + 1
        bounds = zip(
            pieces.starts[hit.begin : last].tolist(),
            pieces.ends[hit.begin : last].tolist(),
            strict=True,
        )
        run = [Piece(start, end) for start, end in bounds]
        forms = in_the_clear(hit.flags)
        if hidden := of_hidden(hit.flags):
            words = (text[run[each].start : run[each].end] for each in offsets)
            whole = lowered("".join(words))
            if self.hides(whole[: len(whole) - trimmed]):
                forms |= hidden
        end = is_plausible(text, run, offsets, reading, forms)
        return None if end is None else (run[0].start, end, Kind.NAME)


def _text_of(plain: Plain, words: Words, pieces: Pieces) -> Text:
    return Text(
        plain.codes,
        pieces.starts,
        pieces.ends,
        pieces.gates,
        words.sums,
        powers(words),
    )


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


def _listed(*columns: NDArray[Any]) -> Iterator[tuple[int, ...]]:
    return zip(*(each.tolist() for each in columns), strict=True)


def _broken(codes: Codes, pieces: Pieces) -> Iterator[Runs]:
    """Words that a hyphen and a blank divide: `Bartholo- mew Finchley`."""
    at = np.flatnonzero(codes == _HYPHEN)
    behind = codes[at + 1]
    at = at[(behind == _BLANK) | (behind == _NEWLINE)]
    at, hyphens = np.searchsorted(pieces.ends, at), at
    inside = at < len(pieces.ends) - 1
    at, hyphens = at[inside], hyphens[inside]
    at = at[(pieces.ends[at] == hyphens) & (pieces.starts[at + 1] - hyphens == 2)]
    if not len(at):
        return
    for first, offsets in _BROKEN:
        begin = reaching(pieces, at[at >= first] - first, offsets[-1])
        yield Runs(begin, offsets, Reading.BROKEN)


def _apart(plain: Plain, pieces: Pieces) -> Iterator[Runs]:
    """Letters each for itself: `A n n a  B e r g`.

    Every part of a row of them is a run: that it is a name must not depend on a letter
    beside it, which may belong to an address that is replaced.
    """
    rows = letters_apart(pieces.starts, pieces.ends, APART.start)
    every = _ranges(rows[:, 0], rows[:, 1] - rows[:, 0])
    letters = stretches(plain.codes[pieces.starts[every]])
    left = np.repeat(rows[:, 1], rows[:, 1] - rows[:, 0]) - every
    begin = np.flatnonzero(left >= APART.start)
    for first in range(0, len(begin), _ROWS):
        some = begin[first : first + _ROWS]
        ways = np.minimum(left[some], APART.stop - 1) - (APART.start - 1)
        of = np.repeat(some, ways)
        counts = _ranges(np.full(len(ways), APART.start), ways)
        hashes = letters.hashes(of, of + counts)
        yield Runs(every[of], (), Reading.APART, hashes=hashes, counts=counts)


def _ranges(starts: Indexes, counts: Indexes) -> Indexes:
    """Count on from each start, so many times, one range behind the other."""
    done = np.cumsum(counts) - counts
    found: Indexes = np.arange(counts.sum()) + np.repeat(starts - done, counts)
    return found


def _hashes(words: Words, pieces: Pieces, runs: Runs) -> Hashes:
    if runs.hashes is not None:
        return runs.hashes
    raws, lengths = [], []
    for offset in runs.offsets:
        starts, ends = (
            pieces.starts[runs.begin + offset],
            pieces.ends[runs.begin + offset],
        )
        raws.append(words.raws(starts, ends))
        lengths.append(ends - starts)
    return letters(raws, lengths)


def _parts(codes: Codes, words: Words, grams: Grams) -> Pieces:
    """Divide words at underscores, and before the digits at the end of a long one.

    Returns:
        Parts of the words that are divided, and the words beside them.
    """
    bars = np.flatnonzero(codes == _UNDERSCORE)
    starts, ends = parts(codes, words.starts, words.ends, bars)
    singles, gates = grams.singles(starts, ends, words.sums)
    return Pieces(starts, ends, singles, gates)
