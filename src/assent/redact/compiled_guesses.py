"""The loop of `assent.redact.guesses`, compiled; see `assent.redact.compiled`.

It hashes what a word may stand for without writing it: an ending, or two letters, are
changed in the hash.
"""

from typing import Any, NamedTuple

import numpy as np

from assent.redact.compiled import compiled, holds, mixed, place_of, raw
from assent.redact.compiled_runs import Sought, Text, form_at
from assent.redact.grams import INSIDE
from assent.redact.runs import GAP
from assent.redact.spans import Hashes, Indexes

FIRST, SECOND = 1, 2
SLIPPED = 7
"""Letters of a word in which two may be turned, or one doubled."""
_BENT = 5
_BESIDE = 4
"""Letters of the word beside it."""
_SHORTEST = 3
_WAYS = 32
_STRANGE = 4
"""Letters of a word, with digits in it."""
_FOREIGN = 0x370
_CASES = 0x20


class Bends(NamedTuple):
    """Endings of words, the shortest first.

    Args:
        endings: hash of each, before the last step; `lengths` its letters.
        instead: hash of what the word ended with before; `more` its letters.
    """

    endings: Hashes
    lengths: Indexes
    instead: Hashes
    more: Indexes


@compiled
def _large(code: Any) -> Any:
    """Say whether a code is a capital: Latin, Greek or Cyrillic."""
    return 0x41 <= code <= 0x5A or 0x391 <= code <= 0x3AB or 0x400 <= code <= 0x42F


@compiled
def _stands_in(names: Any, word: Any) -> Any:
    """Say whether the hash of a word stands in a table."""
    if not holds(names.field, names.shift, word):
        return False
    at = place_of(names.keys, word)
    return at < len(names.keys) and names.keys[at] == word


@compiled
def _bent(text: Any, word: Any, bends: Any, names: Any, raws: Any, sizes: Any) -> Any:
    """Write down the hashes of names that a word may be bent from, behind its own."""
    start, end = text.starts[word], text.ends[word]
    raws[0], sizes[0] = raw(text.sums, text.up, start, end), end - start
    done, length, tail = 1, 0, np.uint64(0)
    for each in range(len(bends.endings)):
        if bends.lengths[each] != length:
            length = bends.lengths[each]
            if end - start - length < 2:
                break
            tail = raw(text.sums, text.up, end - length, end)
        if tail == bends.endings[each] and done < len(raws):
            stem = end - length - start
            before = raw(text.sums, text.up, start, end - length)
            raws[done] = before + text.up[stem] * bends.instead[each]
            sizes[done] = stem + bends.more[each]
            done += holds(names.field, names.shift, mixed(raws[done]))
    return done


@compiled
def _slipped(text: Any, word: Any, at: Any, way: Any) -> Any:
    """Hash a word without a slip at a letter: (hash, letters).

    Two letters are turned, or one of two that are alike is left out; or, the other way,
    a letter is doubled.
    """
    start, end = text.starts[word], text.ends[word]
    one = raw(text.sums, text.up, start + at - 1, start + at)
    other = raw(text.sums, text.up, start + at, start + at + 1)
    size = end - start
    if way:
        before = raw(text.sums, text.up, start, start + at)
        behind = raw(text.sums, text.up, start + at - 1, end)
        return before + text.up[at] * behind, size + 1
    if one == other:
        before = raw(text.sums, text.up, start, start + at)
        return before + text.up[at] * raw(text.sums, text.up, start + at + 1, end), (
            size - 1
        )
    whole = raw(text.sums, text.up, start, end)
    return whole + (other - one) * (text.up[at - 1] - text.up[at]), size


@compiled
def _has_slipped(text: Any, sought: Any, names: Any, begin: Any, first: Any) -> Any:
    """Say whether a pair is a name but for a slip in its first or its second word."""
    word = begin if first else begin + 1
    size = text.ends[word] - text.starts[word]
    one, other = text.starts[begin], text.starts[begin + 1]
    for at in range(1, size):
        for way in range(2):
            slipped, letters = _slipped(text, word, at, way)
            if not holds(names.field, names.shift, mixed(slipped)):
                continue
            if first:
                behind = raw(text.sums, text.up, other, text.ends[begin + 1])
                whole = slipped + text.up[letters] * behind
            else:
                before = raw(text.sums, text.up, one, text.ends[begin])
                whole = before + text.up[text.ends[begin] - one] * slipped
            if form_at(sought, whole) >= 0:
                return True
    return False


@compiled
def _is_strange(text: Any, word: Any, marks: Any) -> Any:
    """Say whether a word is of another script, or is written in a strange way."""
    letters = digits = 0
    before, row = np.int64(0), 1
    for at in range(text.starts[word], text.ends[word]):
        code = np.int64(text.codes[at])
        if code >= _FOREIGN:
            return True
        code |= _CASES
        if 0x30 <= code <= 0x39:
            digits += 1
        else:
            letters += 1
            row = row + 1 if code == before else 1
            if row > 2:
                return True
            if code < 128 and before < 128 and marks[before, code]:
                return True
        before = code
    return digits > 0 and letters > 1 and letters + digits >= _STRANGE


@compiled
def _is_bent(
    text: Any, sought: Any, names: Any, begin: Any, bends: Any, known: Any, room: Any
) -> Any:
    """Say whether a pair is a name, one of whose words, or both, are bent."""
    ones, sizes, others, lengths = room
    ways = _bent(text, begin + 1, bends, names, others, lengths)
    if known[1]:
        ways = 1
    elif ways == 1:
        return False
    most = _bent(text, begin, bends, names, ones, sizes)
    if known[0]:
        most = 1
    for at in range(most):
        for way in range(ways):
            whole = ones[at] + text.up[sizes[at]] * others[way]
            if at + way and form_at(sought, whole) >= 0:
                return True
    return False


@compiled
def _begins(code: Any) -> Any:
    return _large(code) or 0x30 <= code <= 0x39


@compiled
def _is_doubtful(
    text: Any,
    sought: Any,
    names: Any,
    begin: Any,
    bends: Any,
    marks: Any,
    known: Any,
    room: Any,
) -> Any:
    one, other = known
    second = begin + 1
    size = text.ends[begin] - text.starts[begin]
    length = text.ends[second] - text.starts[second]
    if (one or _is_strange(text, begin, marks)) and (
        other or _is_strange(text, second, marks)
    ):
        return True
    if (
        (one or size >= _BENT)
        and (other or length >= _BENT)
        and _is_bent(text, sought, names, begin, bends, known, room)
    ):
        return True
    if one and size >= _BESIDE and length >= SLIPPED:
        return _has_slipped(text, sought, names, begin, False)
    if other and length >= _BESIDE and size >= SLIPPED:
        return _has_slipped(text, sought, names, begin, True)
    return False


@compiled
def doubtful(
    text: Text,
    singles: Hashes,
    names: Sought,
    sought: Sought,
    bends: Bends,
    marks: Any,
) -> tuple[Indexes, Indexes]:
    """Find pairs of words, not both of names, that may stand for a name.

    Args:
        text: that is read.
        singles: hashes of its words.
        names: the words of names.
        sought: what is looked for.
        bends: endings.
        marks: (128, 128) two letters that other people write otherwise.

    Returns:
        (first words, which of the two is a word of names: `FIRST`, `SECOND`, or none)
    """
    begins, states = [0][:0], [0][:0]
    ones, others = np.empty(_WAYS, np.uint64), np.empty(_WAYS, np.uint64)
    room = ones, np.empty(_WAYS, np.int64), others, np.empty(_WAYS, np.int64)
    codes, starts, ends, gates = text.codes, text.starts, text.ends, text.gates
    for begin in range(len(starts) - 1):
        second = begin + 1
        if not _begins(codes[starts[begin]]) or not _begins(codes[starts[second]]):
            continue
        if starts[second] - ends[begin] > GAP:
            continue
        if ends[begin] - starts[begin] < _SHORTEST:
            continue
        if ends[second] - starts[second] < _SHORTEST:
            continue
        one = gates[begin] & INSIDE and _stands_in(names, singles[begin])
        other = gates[second] & INSIDE and _stands_in(names, singles[second])
        if one and other:
            continue
        known = one, other
        if _is_doubtful(text, sought, names, begin, bends, marks, known, room):
            begins.append(begin)
            states.append(FIRST * one + SECOND * other)
    return np.array(begins), np.array(states)
