"""Short words: `T. Wraxhall`, `E. R. Thistlewood`, `Wraxhall, T.` and `t.wraxhall`.

Only the family name and a letter are known, so the family name must be rare, see
`assent.redact.plausible`: in a directory of a million, each `A. Smith` is somebody's.
A program that reads print cuts words around ligatures, short words too: `Gri ffi n`.
The loops are compiled, as those of `assent.redact.compiled_runs`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from assent.redact.compiled import compiled, raw
from assent.redact.compiled_runs import (
    Runs,
    Sought,
    Text,
    capital,
    form_at,
    near,
    upper,
)
from assent.redact.grams import INSIDE

_DOT, _HYPHEN, _UNDERSCORE = 0x2E, 0x2D, 0x5F
_A, _I = 0x41, 0x49
_LIGATURE = (0x66, 0x69, 0x6C)
_MOST = 3
"""Initials before a family name, words of one, and letters of initials in one word."""
PARTS = 7
"""Of a name that is cut around ligatures."""
LOGIN, CUT, _FORWARD, _SKIPPED, _TURNED = 100, 110, 200, 300, 400
"""Rules: initials in small letters; parts of a name, so many of them and this; initials
before the family name, 10 for each, and words of it; the same, of which only the first
one counts; behind it."""


def offsets() -> Iterator[tuple[int, tuple[int, ...]]]:
    """List the rules, and which words of a run they read: initials, then the name."""
    for count in range(1, _MOST + 1):
        for words in range(1, _MOST + 1):
            rule, name = count * 10 + words, range(count, count + words)
            yield _FORWARD + rule, (*range(count), *name)
            yield _SKIPPED + rule, (0, *name)
            yield _TURNED + rule, (*range(words, words + count), *range(words))


@compiled
def _letters(text: Any, begin: Any, count: Any) -> Any:
    """Hash some words in one: (hash, letters)."""
    whole, behind = np.uint64(0), 0
    for word in range(begin, begin + count):
        start, end = text.starts[word], text.ends[word]
        whole += text.up[behind] * raw(text.sums, text.up, start, end)
        behind += end - start
    return whole, behind


@compiled
def _is_initial(text: Any, word: Any) -> Any:
    """Say whether a word is a capital, with a dot if it may be a word of English."""
    if word < 0 or word >= len(text.starts):
        return False
    start, end = text.starts[word], text.ends[word]
    first = text.codes[start]
    if end - start > 1 or not upper(first):
        return False
    return text.codes[end] == _DOT or (first != _A and first != _I)


@compiled
def _forward(
    text: Any, sought: Any, begin: Any, count: Any, words: Any, found: Any
) -> None:
    """Look up initials and up to so many words behind them."""
    begins, rules, places = found
    first = begin + count
    for last in range(first, first + words):
        if not near(text, last - 1, 1) or not text.gates[last] & INSIDE:
            return
        if not capital(text.codes[text.starts[last]]):
            continue
        name, _ = _letters(text, first, last + 1 - first)
        for used in (count, 1):
            initials, size = _letters(text, begin, used)
            at = form_at(sought, initials + text.up[size] * name)
            if at >= 0:
                kind = _FORWARD if used == count else _SKIPPED
                begins.append(begin)
                rules.append(kind + count * 10 + last + 1 - first)
                places.append(at)
            if count == 1:
                break


@compiled
def _turned(text: Any, sought: Any, first: Any, count: Any, found: Any) -> None:
    """Look up initials and the words before them."""
    begins, rules, places = found
    if not first or not near(text, first - 1, count):
        return
    initials, size = _letters(text, first, count)
    if not capital(text.codes[text.starts[first - 1]]):
        return
    for words in range(1, _MOST + 1):
        begin = first - words
        if begin < 0 or not text.gates[begin] & INSIDE:
            return
        name, _ = _letters(text, begin, words)
        at = form_at(sought, initials + text.up[size] * name)
        if at >= 0:
            begins.append(begin)
            rules.append(_TURNED + count * 10 + words)
            places.append(at)


@compiled
def _beside(text: Any, sought: Any, word: Any, found: Any) -> None:
    """Look up initials from a word on, and the words on either side."""
    alone = not _is_initial(text, word - 1)
    for count in range(1, _MOST + 1):
        if count > 1 and not near(text, word, count - 1):
            break
        if not _is_initial(text, word + count - 1):
            break
        if alone:
            _forward(text, sought, word, count, _MOST, found)
        _turned(text, sought, word, count, found)


@compiled
def _cut(text: Any, sought: Any, word: Any, found: Any) -> None:
    """Look up the words around one that may be a ligature."""
    begins, rules, places = found
    for at in range(text.starts[word] + 1, text.ends[word]):
        if text.codes[at] not in _LIGATURE:
            return
    for begin in range(max(0, word - PARTS + 2), word):
        for count in range(word - begin + 2, PARTS + 1):
            if not near(text, begin, count - 1):
                break
            letters, _ = _letters(text, begin, count)
            at = form_at(sought, letters)
            if at >= 0:
                begins.append(begin)
                rules.append(CUT + count)
                places.append(at)


@compiled
def short_runs(text: Text, sought: Sought) -> Runs:
    """Find runs of initials and a family name, and of words cut around `ffi`."""
    begins, rules, places = [0][:0], [0][:0], [0][:0]
    found = begins, rules, places
    codes, starts, ends, gates = text.codes, text.starts, text.ends, text.gates
    for word in range(len(starts)):
        start, end = starts[word], ends[word]
        if end - start > _MOST:
            continue
        # What follows is called for few words: a call costs as much as ten of them.
        if upper(codes[start]):
            if end - start == 1:
                _beside(text, sought, word, found)
            elif end - start == 2 and upper(codes[start + 1]):
                _forward(text, sought, word, 1, 1, found)
                _turned(text, sought, word, 1, found)
        elif codes[start] == _LIGATURE[0] and end - start > 1:
            _cut(text, sought, word, found)
        sign = codes[end]
        if sign != _DOT and sign != _HYPHEN and sign != _UNDERSCORE:
            continue
        if word + 1 == len(starts) or starts[word + 1] != end + 1:
            continue
        letters, _ = _letters(text, word, 2)
        at = form_at(sought, letters) if gates[word + 1] & INSIDE else -1
        if at >= 0:
            begins.append(word)
            rules.append(LOGIN)
            places.append(at)
    return np.array(begins), np.array(rules), np.array(places)
