"""The loops of `assent.redact.otherwise`, compiled; see `assent.redact.compiled`.

They read all words of a text, and what they return is little.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.redact.compiled import compiled, holds, mixed, place_of, raw
from assent.redact.forms import LOW, WORDS
from assent.redact.grams import INSIDE
from assent.redact.plausible import JOINED
from assent.redact.runs import GAP
from assent.redact.spans import Codes, Gates, Hashes, Indexes

TRIMMED, MORE, APOSTROPHE, ONE = 10, 20, 30, 31
"""Rules: words of a name, so many of them; the same without an `s` at the end, so many
and this; words of which some are not of the name, the number of which and this; a name
that lost its apostrophe; a single word."""

NICKNAME = 4
"""Words from a name to the next from which on those between are a nickname."""
_UPPER_A, _UPPER_Z, _BEYOND = 0x41, 0x5A, 0x7F
_SLASH = 0x2F
_UPPER_S, _LOWER_S = 0x53, 0x73
_LOW = np.uint64(LOW)
_ZERO, _NINE = 0x30, 0x39
_LONGEST_TAIL = 8


@compiled
def upper(code: Any) -> Any:
    """Say whether a code is a capital of ASCII."""
    return _UPPER_A <= code <= _UPPER_Z


@compiled
def capital(code: Any) -> Any:
    """Say whether a code may be a capital: those of ASCII, and all beyond it."""
    return upper(code) or code > _BEYOND


@compiled
def _digit(code: Any) -> Any:
    return _ZERO <= code <= _NINE


class Text(NamedTuple):
    """A text and words in it.

    Args:
        codes: of the text.
        starts: of the words.
        ends: of the same.
        gates: of the same.
        sums: of the text, by `added_up`.
        up: powers of the base.
    """

    codes: Codes
    starts: Indexes
    ends: Indexes
    gates: Gates
    sums: Hashes
    up: Hashes


class Sought(NamedTuple):
    """A table of forms: its bit field, the shift of it, and the keys, sorted."""

    field: NDArray[np.uint8]
    shift: np.uint64
    keys: Hashes


@compiled
def _raw(text: Any, word: Any, trimmed: Any) -> Any:
    return raw(text.sums, text.up, text.starts[word], text.ends[word] - trimmed)


@compiled
def form_at(sought: Any, letters: Any) -> Any:
    """Where the letters with a hash stand in a table; -1 if they do not."""
    hashed = mixed(letters)
    if not holds(sought.field, sought.shift, hashed):
        return -1
    wanted = hashed >> _LOW
    at = place_of(sought.keys, wanted << _LOW)
    if at < len(sought.keys) and sought.keys[at] >> _LOW == wanted:
        return at
    return -1


@compiled
def near(text: Any, begin: Any, behind: Any) -> Any:
    """Say whether a run goes on so far without a long gap."""
    if begin + behind >= len(text.starts):
        return False
    for each in range(begin, begin + behind):
        if text.starts[each + 1] - text.ends[each] > GAP:
            return False
    return True


Runs = tuple[Indexes, Indexes, Indexes]
"""Runs of words whose letters are a form: (first words, rules, places)."""


@compiled
def single_words(text: Text, sought: Sought) -> Runs:
    """Find long words that are whole names: `AnnaBerg`."""
    begins, rules, places = [0][:0], [0][:0], [0][:0]
    for begin in range(len(text.starts)):
        if text.ends[begin] - text.starts[begin] >= JOINED:
            at = form_at(sought, _raw(text, begin, 0))
            if at >= 0:
                begins.append(begin)
                rules.append(ONE)
                places.append(at)
    return np.array(begins), np.array(rules), np.array(places)


@compiled
def rows_of_words(text: Text, sought: Sought) -> Runs:
    """Find words of names one behind the other, with an `s` at the end or without."""
    begins, rules, places = [0][:0], [0][:0], [0][:0]
    for begin in range(len(text.starts)):
        if not text.gates[begin] & INSIDE:
            continue
        letters, behind = _raw(text, begin, 0), text.ends[begin] - text.starts[begin]
        for count in range(2, WORDS + 1):
            last = begin + count - 1
            if not near(text, last - 1, 1):
                break
            size = text.ends[last] - text.starts[last]
            sign = text.codes[text.ends[last] - 1]
            if sign in (_LOWER_S, _UPPER_S) and size > 2:  # no `'s`
                trimmed = letters + text.up[behind] * _raw(text, last, 1)
                at = form_at(sought, trimmed)
                if at >= 0:
                    begins.append(begin)
                    rules.append(TRIMMED + count)
                    places.append(at)
            if not text.gates[last] & INSIDE:
                break
            letters += text.up[behind] * _raw(text, last, 0)
            behind += size
            at = form_at(sought, letters)
            if at >= 0:
                begins.append(begin)
                rules.append(count)
                places.append(at)
    return np.array(begins), np.array(rules), np.array(places)


@compiled
def _letters_of(text: Any, begin: Any, offsets: Any) -> Any:
    """Hash the letters of some words of a run; 0 if one of them is in no name."""
    letters, behind = _raw(text, begin, 0), text.ends[begin] - text.starts[begin]
    for offset in offsets:
        if offset:
            word = begin + offset
            if not text.gates[word] & INSIDE:
                return np.uint64(0)
            letters += text.up[behind] * _raw(text, word, 0)
            behind += text.ends[word] - text.starts[word]
    return letters


@compiled
def capital_runs(text: Text, sought: Sought, more: Indexes) -> Runs:
    """Find names with a capital and a word more, or that lost their apostrophe.

    Args:
        text: that is read.
        sought: what is looked for.
        more: (rules, words) which words of a run are the name's, as offsets from the
            first; a row is filled up with 0.
    """
    longest = np.array([each.max() for each in more])
    begins, rules, places = [0][:0], [0][:0], [0][:0]
    for begin in range(len(text.starts)):
        if not text.gates[begin] & INSIDE or not near(text, begin, 1):
            continue
        second = text.starts[begin + 1]
        if not capital(text.codes[text.starts[begin]]):
            continue
        if upper(text.codes[second + 1]):  # `Sean OSullivan`
            behind = text.up[text.ends[begin] - text.starts[begin]]
            letters = _raw(text, begin, 0) + behind * _raw(text, begin + 1, 0)
            at = form_at(sought, letters)
            if at >= 0:
                begins.append(begin)
                rules.append(APOSTROPHE)
                places.append(at)
        # Behind a slash stands the name of a tag: `<b>Anna</b> Berg`.
        if not capital(text.codes[second]) and text.codes[second - 1] != _SLASH:
            continue
        for rule in range(len(more)):
            # A blank and a quote, or another sign, stand before a nickname.
            if longest[rule] >= NICKNAME and second - text.ends[begin] < 2:
                continue
            if not near(text, begin, longest[rule]):
                continue
            letters = _letters_of(text, begin, more[rule])
            at = form_at(sought, letters) if letters else -1
            if at >= 0:
                begins.append(begin)
                rules.append(MORE + rule)
                places.append(at)
    return np.array(begins), np.array(rules), np.array(places)


@compiled
def parts(
    codes: Codes, starts: Indexes, ends: Indexes, bars: Indexes
) -> tuple[Indexes, Indexes]:
    """Divide words at underscores, and before the digits at the end of a long one.

    Args:
        codes: of a text.
        starts: of words in it.
        ends: of the same.
        bars: where underscores stand.

    Returns:
        (starts, ends) of the parts of words that are divided, and of words beside them.
    """
    kinds = _divided(codes, starts, ends, bars)
    begun, done = [0][:0], [0][:0]
    bar = 0
    for word in np.flatnonzero(kinds):
        start, end = starts[word], ends[word]
        while bar < len(bars) and bars[bar] < start:
            bar += 1
        while kinds[word] > 1 and bar < len(bars) and bars[bar] < end:
            if start < bars[bar]:
                begun.append(start)
                done.append(bars[bar])
            start = bars[bar] + 1
            bar += 1
        cut = end
        while kinds[word] == 3 and end - cut < _LONGEST_TAIL and _digit(codes[cut - 1]):
            cut -= 1
        if start < cut:
            begun.append(start)
            done.append(cut)
        if cut < end and start < end:
            begun.append(max(start, cut))
            done.append(end)
    return np.array(begun), np.array(done)


@compiled
def _divided(codes: Any, starts: Any, ends: Any, bars: Any) -> Any:
    """Say of each word: 2 if it is divided, 3 before digits, 1 if the next one is."""
    kinds = np.zeros(len(starts), np.uint8)
    bar = 0
    for word in range(len(starts)):
        end = ends[word]
        tail = end - starts[word] > JOINED and _digit(codes[end - 1])
        tail = tail and codes[starts[word]] >= _UPPER_A
        barred = bar < len(bars) and bars[bar] < end
        while bar < len(bars) and bars[bar] < end:
            bar += 1
        if tail or barred:
            kinds[word] = 2 | tail
            if word:
                kinds[word - 1] = max(kinds[word - 1], 1)
        elif word and kinds[word - 1] > 1:
            kinds[word] = 1
    return kinds


@compiled
def letters_apart(starts: Indexes, ends: Indexes, fewest: int) -> Indexes:
    """Find rows of words of one letter, each near the next: (rows, 2).

    Args:
        starts: of words in a text.
        ends: of the same.
        fewest: words of a row.

    Returns:
        The first word of each row, and the one after its last.
    """
    found = [0][:0]
    word = 0
    while word < len(starts):
        first = word
        word += 1
        if ends[first] - starts[first] != 1:
            continue
        while word < len(starts) and ends[word] - starts[word] == 1:
            # In a script without blanks each character is a word, and none is apart.
            if not 0 < starts[word] - ends[word - 1] <= GAP:
                break
            word += 1
        if word - first >= fewest:
            found.append(first)
            found.append(word)
    return np.array(found).reshape(-1, 2)
