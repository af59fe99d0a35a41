"""Loops over characters and words that NumPy would do in many passes; compiled.

Numba compiles each when it is first called, in a second or two, and keeps the result in
a cache beside the package, or in the user's where that cannot be written. Arrays are
contiguous and writable, so that each is compiled once for each width of character.

Constants are 64 bits without a sign: with a signed one Numba would go on in floats.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from assent.redact.spans import Codes, Gates, Hashes, Indexes

_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)
_THREE, _SEVEN, _ONE = np.uint64(3), np.uint64(7), np.uint8(1)
_BLANK, _NEWLINE, _COLON, _COMMA = 0x20, 0x0A, 0x3A, 0x2C
LONG = 15
"""Runs of so many words and more share one bit of the gate."""
CHARACTERS = 0x110000
DROP, SEVERAL = CHARACTERS, CHARACTERS + 1
UNKNOWN = 0xFFFFFFFF
_Loop = TypeVar("_Loop", bound=Callable[..., Any])


def compiled(loop: _Loop) -> _Loop:
    """Compile a loop when it is first called, and keep the result where that can be."""
    try:
        made: Any = njit(cache=True, nogil=True)(loop)
    except RuntimeError:  # no folder to write to: compiled again in each process
        made = njit(nogil=True)(loop)
    return cast(_Loop, made)


@compiled
def mixed(raw: Any) -> Any:
    """Take the last step of a hash, as `assent.redact.grams.mixed`."""
    found = (raw ^ (raw >> _HALF)) * _MIX
    return found ^ (found >> _HALF)


@compiled
def raw(sums: Any, up: Any, start: Any, end: Any) -> Any:
    """Hash a stretch before the last step, as `Words.raws`."""
    return sums[start] - up[end - start] * sums[end]


@compiled
def holds(field: Any, shift: Any, wanted: Any) -> Any:
    """Say whether a bit field may hold a hash."""
    at = wanted >> shift
    return field[at >> _THREE] >> np.uint8(at & _SEVEN) & _ONE


@compiled
def place_of(table: Any, wanted: Any) -> Any:
    """Where a hash would stand in a sorted table."""
    low, high = 0, len(table)
    while low < high:
        middle = (low + high) >> 1
        if table[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def added_up(codes: Codes, terms: NDArray[np.uint32], base: np.uint64) -> Hashes:
    """Add the hash up from the end: each and all behind it, a power more.

    Args:
        codes: of the text.
        terms: what each code point adds.
        base: of the powers.

    Returns:
        (len(codes) + 1,), the last of them 0.
    """
    sums = np.empty(len(codes) + 1, np.uint64)
    sums[len(codes)] = 0
    for at in range(len(codes) - 1, -1, -1):
        sums[at] = terms[codes[at]] + base * sums[at + 1]
    return sums


@compiled
def cut(codes: Codes, kinds: NDArray[np.uint8]) -> tuple[Indexes, Indexes]:
    """Cut a text into words: (starts, ends).

    Args:
        codes: of the text, which begins and ends with no word.
        kinds: of each code point: 0 of no word, 1 of a word, 2 a word of its own.
    """
    starts = np.empty(len(codes) + 1, np.int64)
    ends = np.empty(len(codes) + 1, np.int64)
    begun = done = before = 0
    for at in range(len(codes)):  # without branches: where a word ends is no pattern
        kind = kinds[codes[at]]
        starts[begun] = at
        begun += (kind == 2) | ((kind == 1) & (before != 1))
        ends[done] = at
        done += (before == 2) | ((before == 1) & (kind != 1))
        before = kind
    return starts[:begun], ends[:done]


@compiled
def stand_in(
    starts: Indexes,
    ends: Indexes,
    sums: Hashes,
    up: Hashes,
    letters: int,
    field: NDArray[np.uint8],
    shift: np.uint64,
    table: Hashes,
) -> NDArray[np.bool_]:
    """Say which words stand in a table, or begin with so many letters that do.

    Args:
        starts: of words in a text.
        ends: of the same.
        sums: of the text, by `added_up`.
        up: powers of the base.
        letters: how many of a word are looked up, at most.
        field: a `Field` of the table's hashes.
        shift: of the field.
        table: hashes, sorted.
    """
    found = np.zeros(len(starts), np.bool_)
    for word in range(len(starts)):
        start = starts[word]
        wanted = mixed(raw(sums, up, start, min(ends[word], start + letters)))
        if holds(field, shift, wanted):
            place = place_of(table, wanted)
            found[word] = place < len(table) and table[place] == wanted
    return found


@compiled
def singles(
    starts: Indexes,
    ends: Indexes,
    sums: Hashes,
    up: Hashes,
    first: Gates,
    shift: np.uint64,
) -> tuple[Hashes, Gates]:
    """Hash each word, and look up what it may begin.

    Args:
        starts: of words in a text.
        ends: of the same.
        sums: of the text, by `added_up`.
        up: powers of the base.
        first: the gates of all words, by the upper bits of their hash.
        shift: that leaves these bits.
    """
    hashes = np.empty(len(starts), np.uint64)
    gates = np.empty(len(starts), np.uint16)
    for word in range(len(starts)):
        found = mixed(raw(sums, up, starts[word], ends[word]))
        hashes[word] = found
        gates[word] = first[found >> shift]
    return hashes, gates


@compiled
def runs(
    starts: Indexes,
    ends: Indexes,
    sums: Hashes,
    up: Hashes,
    gates: Gates,
    counts: Indexes,
    field: NDArray[np.uint8],
    shift: np.uint64,
    table: Hashes,
) -> tuple[Indexes, Indexes, Indexes]:
    """Find the runs of words that stand in a table: (first words, lengths, places).

    Args:
        starts: of words in a text.
        ends: of the same.
        sums: of the text, by `added_up`.
        up: powers of the base.
        gates: of the words.
        counts: how many words an entry of the table may have.
        field: a `Field` of the table's hashes.
        shift: of the field.
        table: hashes, sorted.
    """
    begins, lengths, places = [0][:0], [0][:0], [0][:0]
    for word in range(len(starts)):
        if gates[word] < 2:  # only inside of names, or in none
            continue
        for count in counts:
            last = word + count - 1
            if last >= len(starts) or not gates[word] >> min(count, LONG) & 1:
                continue
            wanted = mixed(raw(sums, up, starts[word], ends[last]))
            if not holds(field, shift, wanted):
                continue
            place = place_of(table, wanted)
            if place < len(table) and table[place] == wanted:
                begins.append(word)
                lengths.append(count)
                places.append(place)
    return np.array(begins), np.array(lengths), np.array(places)


@compiled
def looked_up(
    hashes: Hashes,
    field: NDArray[np.uint8],
    shift: np.uint64,
    table: Hashes,
    low: np.uint64,
) -> tuple[Indexes, Indexes]:
    """Find which hashes stand in a table: (their numbers, their places).

    Args:
        hashes: in any order.
        field: a `Field` of the table's hashes.
        shift: of the field.
        table: hashes, sorted.
        low: so many of the lowest bits say something else.
    """
    found, places = [0][:0], [0][:0]
    for each in range(len(hashes)):
        if not holds(field, shift, hashes[each]):
            continue
        wanted = hashes[each] >> low
        place = place_of(table, wanted << low)
        if place < len(table) and table[place] >> low == wanted:
            found.append(each)
            places.append(place)
    return np.array(found), np.array(places)


@compiled
def forms(
    starts: Indexes,
    ends: Indexes,
    sums: Hashes,
    up: Hashes,
    firsts: Indexes,
    counts: Indexes,
    bounds: tuple[int, int],
    kinds: Hashes,
) -> tuple[Hashes, Hashes, Hashes, Indexes]:
    """Hash the letters of names written otherwise, each name's behind each other.

    Args:
        starts: of words in a text.
        ends: of the same.
        sums: of the text, by `added_up`.
        up: powers of the base.
        firsts: the first word of each name.
        counts: how many words each has.
        bounds: the fewest letters of a form, and the most words of a name.
        kinds: what a form forward, one turned and one with initials are marked with.

    Returns:
        (hashes, kinds, hashes of the first words, numbers of the names)
    """
    fewest, most = bounds
    size = counts.sum() + 2 * len(counts)
    hashes, kind = np.empty(size, np.uint64), np.empty(size, np.uint64)
    begins, owners = np.empty(size, np.uint64), np.empty(size, np.int64)
    done = 0
    for name in range(len(firsts)):
        first, count = firsts[name], counts[name]
        last = first + count - 1
        if count < 2 or count > most:
            continue
        if (ends[first : last + 1] - starts[first : last + 1]).sum() < fewest:
            continue
        for turn in range(count + min(2, count - 1)):
            # All turns, then the first word cut short, then all but the last.
            turned, short = (turn, 0) if turn < count else (0, 1)
            if turn > count:
                short = count - 1
            whole, behind = np.uint64(0), 0
            for step in range(count):
                word = first + (turned + step) % count
                end = starts[word] + 1 if step < short else ends[word]
                whole += raw(sums, up, starts[word], end) * up[behind]
                behind += end - starts[word]
            if behind < fewest:
                continue
            word = last if short else first + turned
            hashes[done] = mixed(whole)
            kind[done] = kinds[2 if short else min(turned, 1)]
            begins[done] = mixed(raw(sums, up, starts[word], ends[word]))
            owners[done] = name
            done += 1
    return hashes[:done], kind[:done], begins[:done], owners[:done]


@compiled
def openings(codes: Codes, longest: int) -> tuple[Indexes, Indexes]:
    """Find what opens a line as one word and a colon or comma: (starts, ends).

    Args:
        codes: of a text that ends with a line break.
        longest: of these words, in characters.
    """
    starts, ends = [0][:0], [0][:0]
    for at in range(len(codes)):
        if codes[at] != _NEWLINE:
            continue
        last = min(at + longest + 2, len(codes) - 1)
        end = at + 1
        while end < last and codes[end] != _BLANK and codes[end] != _NEWLINE:
            end += 1
        white = codes[end] == _BLANK or codes[end] == _NEWLINE
        sign = codes[end - 1]
        if white and end > at + 2 and sign in (_COLON, _COMMA):
            starts.append(at + 1)
            ends.append(end - 1)
    return np.array(starts), np.array(ends)


@compiled
def is_known(codes: Codes, values: NDArray[Any], unknown: int) -> bool:
    """Say whether a table knows the values of all code points."""
    known = True
    for code in codes:
        known &= values[code] != unknown
    return known


@compiled
def plain(codes: Codes, several: NDArray[np.uint32]) -> tuple[Codes, NDArray[np.int32]]:
    """Write out what characters are folded to: (code points, places of the originals).

    Args:
        codes: what each is folded to: a code point; `DROP` if it is left out;
            `SEVERAL` and a number, if to several.
        several: (numbers, most) for each number how many they are, and which.
    """
    size = 0
    for code in codes:
        if code > DROP:
            size += several[code - SEVERAL, 0]
        elif code < DROP:
            size += 1
    found = np.empty(size, np.uint32)
    places = np.empty(size, np.int32)
    done = 0
    for at in range(len(codes)):
        code = codes[at]
        if code < DROP:
            found[done] = code
            places[done] = at
            done += 1
        elif code > DROP:
            for part in range(several[code - SEVERAL, 0]):
                found[done] = several[code - SEVERAL, part + 1]
                places[done] = at
                done += 1
    return found, places
