"""Entries: a directory value in the form that is looked for.

Members' values come as they were typed. Each is folded like a text, so that it is found
in whatever way somebody writes it, and cut to what begins and ends with a word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.redact.fold import SEPARATOR, Lookup, fold, wide_codes
from assent.redact.forms import Forms, made, spellings
from assent.redact.grams import CLASS, Keys, Stretches, Words, distinct, keys
from assent.redact.respelt import respelt, told
from assent.redact.shapes import PHONE_DIGITS
from assent.redact.spans import Hashes, Indexes, Kind
from assent.redact.variants import may_vary, variants

LETTERS = 3  # a shorter name is found in half of all sentences
UNSPACED_LETTERS = 2  # a whole Chinese name may be two characters
SURE_DIGITS = 8  # fewer digits than this must be the whole number of somebody
BATCH = 20_000
"""Values folded at a time."""


class Mark(IntFlag):
    """How an entry is found; the bits of one entry in a table of grams."""

    NAME = 1
    HANDLE = 2  # standing alone: nobody takes it for a word
    ADDRESSED = 4  # a handle that opens a line, as the person spoken to: `anna: thanks`
    EMAIL = 8
    URL = 16
    EMPLOYER = 32
    NEAR = 64  # one word, looked for only where its bearer takes part
    PHONE = 128


MARK_OF = {
    Kind.NAME: Mark.NAME,
    Kind.HANDLE: Mark.HANDLE,
    Kind.EMAIL: Mark.EMAIL,
    Kind.URL: Mark.URL,
    Kind.EMPLOYER: Mark.EMPLOYER,
    Kind.PHONE: Mark.PHONE,
}

_NAMES = frozenset({Kind.NAME, Kind.EMPLOYER})
LETTER = Lookup(lambda character: int(character.isalpha()), np.uint8)
_DISTINCT = re.compile(r"[\d_.]")
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]{0,20}://)?(?:www\.)?")
_ADDRESS = re.compile(r"\w@\w")
_TRUNK = re.compile(r"\(0\)")
_NO_DIGIT = re.compile(r"[^0-9]+")


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries made of a batch of values.

    Args:
        texts: of each entry, folded; in lower case unless it is marked `NEAR`.
        marks: of each entry.
        owners: which value each entry was made of; a handle may give two, and so may a
            name with letters that not everybody has keys for.
        keys: how each is found.
        forms: how those that are written otherwise are found.
    """

    texts: list[str]
    marks: NDArray[np.uint16]
    owners: Indexes
    keys: Keys
    forms: Forms


def batches(kind: Kind, values: Sequence[str]) -> Iterator[Batch]:
    """Make entries of values; those that would be found everywhere are left out.

    Args:
        kind: of all the values.
        values: as people wrote them.
    """
    for at in range(0, len(values), BATCH):
        part = values[at : at + BATCH]
        if kind not in _NAMES:
            batch = _others(kind, part)
            yield replace(batch, owners=batch.owners + at)
            continue
        more = [(of, each) for of in told(part) for each in respelt(part[of])]
        batch = _names(kind, [*part, *(each for _, each in more)])
        owners = np.append(np.arange(len(part)), np.array([of for of, _ in more], int))
        yield replace(batch, owners=owners[batch.owners] + at)


def keys_of(texts: Sequence[str]) -> Keys:
    """Make the keys of entries, from their first character to their last."""
    folded = _Folded.of(texts)
    return Keys(folded.whole, folded.keys.firsts, folded.keys.words)


def forms_of(texts: Sequence[str]) -> tuple[Forms, Indexes]:
    """Make the forms of entries that are names of several words.

    Returns:
        (forms, owners): each, and the number of its text.
    """
    return _Folded.of(texts).forms(np.arange(len(texts)))


def letters_of(text: str) -> list[str]:
    """List the letters of each form of an entry: those of `forms_of`, in any order."""
    folded = _Folded.of([text])
    if folded.unspaced.any():
        return []
    (words,) = folded.names(folded.lie.firsts, folded.lie.counts)
    names = [words, *variants(words)] if len(words) > 1 else []
    return [letters for name in names for letters in spellings(name)]


@dataclass(frozen=True, slots=True)
class _Folded:
    """Values folded together.

    Args:
        written: all of them, case kept; `lower` the same in lower case.
        edges: where each value starts, and one more for the end.
        words: of all of them; `lie` says which are whose.
        keys: of each, from its first word to its last.
        whole: hash of each from edge to edge.
        letters: how many letters each has; `unspaced` of scripts without blanks.
        barred: it holds what no entry may.
    """

    written: str
    lower: str
    edges: Indexes
    words: Words
    lie: Stretches
    keys: Keys
    whole: Hashes
    letters: Indexes
    unspaced: Indexes
    barred: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Sequence[str]) -> "_Folded":
        plain = fold(values)
        edges = plain.edges
        words = Words.of(plain.codes)
        found, lie = keys(words, edges)
        stops = edges[1:] - len(SEPARATOR)
        classes = CLASS(plain.codes)
        barred = plain.codes == 0
        barred[edges - 2] = False
        return cls(
            plain.text,
            lowered(plain.text),
            edges,
            words,
            lie,
            found,
            words.hashes(edges[:-1], stops),
            _inside(LETTER(plain.codes), edges[:-1], stops),
            _inside(classes == 2, edges[:-1], stops),
            _inside(barred, edges[:-1], stops) > 0,
        )

    def forms(self, chosen: Indexes) -> tuple[Forms, Indexes]:
        """Make the forms of some of the values, and say whose each is.

        In a script without blanks each character is a word: turned round, a name of
        three would be found in every other sentence.
        """
        chosen = chosen[self.unspaced[chosen] == 0]
        firsts, counts = self.lie.firsts[chosen], self.lie.counts[chosen]
        forms, owners = made(self.words, firsts, counts)
        some = np.flatnonzero(may_vary(self.words, firsts, counts))
        several = self.names(firsts[some], counts[some])
        more = [
            (of, each)
            for of, name in zip(some.tolist(), several, strict=True)
            for each in variants(name)
        ]
        if not more:
            return forms, chosen[owners]
        text = " ".join(chain.from_iterable(each for _, each in more))
        lengths = np.array([len(each) for _, each in more])
        others, of_more = made(
            Words.of(wide_codes(f" {text} ")), np.cumsum(lengths) - lengths, lengths
        )
        whose = np.array([of for of, _ in more])[of_more]
        return Forms.joined([forms, others]), chosen[np.concatenate([owners, whose])]

    def names(self, firsts: Indexes, counts: Indexes) -> Iterator[list[str]]:
        """List the words of each of some runs of them, in lower case."""
        done = np.cumsum(counts)
        of = np.repeat(firsts - done + counts, counts) + np.arange(counts.sum())
        starts, ends = self.words.starts[of].tolist(), self.words.ends[of].tolist()
        words = [*map(self.lower.__getitem__, map(slice, starts, ends))]
        return map(words.__getitem__, map(slice, [0, *done.tolist()], done.tolist()))


def _inside(flags: NDArray[Any], starts: Indexes, ends: Indexes) -> Indexes:
    if not flags.any():
        return np.zeros(len(starts), np.int64)
    sums = np.zeros(len(flags) + 1, np.int64)
    np.cumsum(flags, out=sums[1:])
    inside: Indexes = sums[ends] - sums[starts]
    return inside


def lowered(text: str) -> str:
    """Folded text in lower case, as entries are kept; a line break is a blank."""
    return text.replace("\n", " ").lower().replace("ς", "σ")


def _names(kind: Kind, values: Sequence[str]) -> Batch:
    """Make entries of names or employers, at a million a second or so.

    Several words are sure enough for any case and everywhere. One word may be a word of
    the language (Will, Grace): only its capital, and who takes part, tell.
    """
    folded = _Folded.of(values)
    least = np.where(folded.unspaced > 0, UNSPACED_LETTERS, LETTERS)
    kept = (folded.letters >= least) & ~folded.barred
    several = folded.keys.words > 1
    starts, ends = folded.lie.starts, folded.lie.ends
    for owner in np.flatnonzero(kept & ~several).tolist():
        several[owner] = stands_alone(folded.lower[starts[owner] : ends[owner]])
    owners = np.flatnonzero(kept)
    near = ~several[owners]
    # Most values are entries from end to end: cut all at once, then those that are not.
    every = folded.lower.split(lowered(SEPARATOR))[1:-1]
    cut = (starts != folded.edges[:-1]) | (ends != folded.edges[1:] - len(SEPARATOR))
    for owner in np.flatnonzero(kept & (cut | ~several)).tolist():
        of = folded.lower if several[owner] else folded.written
        every[owner] = of[starts[owner] : ends[owner]]
    texts = every if len(owners) == len(values) else [every[each] for each in owners]
    marks = np.where(near, MARK_OF[kind] | Mark.NEAR, MARK_OF[kind]).astype(np.uint16)
    forms = Forms.joined([])
    if kind is Kind.NAME:
        forms, _ = folded.forms(owners[~near])
        forms = Forms(forms.keys, distinct(forms.firsts))
    return Batch(texts, marks, owners, folded.keys[owners], forms)


def _others(kind: Kind, values: Sequence[str]) -> Batch:
    folded = _Folded.of(values)
    found = []
    columns = (folded.edges[:-1], folded.lie.starts, folded.lie.ends, folded.edges[1:])
    bounds = zip(*(each.tolist() for each in columns), strict=True)
    for owner, (edge, start, end, stop) in enumerate(bounds):
        if start == end or folded.barred[owner]:
            continue
        cut = folded.lower[start:end]
        whole = folded.lower[edge : stop - len(SEPARATOR)]
        found += [(owner, text, mark) for text, mark in _written(kind, cut, whole)]
    texts = [text for _, text, _ in found]
    return Batch(
        texts,
        np.array([mark for _, _, mark in found], np.uint16),
        np.array([owner for owner, _, _ in found], np.int64),
        keys_of(texts),
        Forms.joined([]),
    )


def _written(kind: Kind, cut: str, whole: str) -> Iterator[tuple[str, Mark]]:
    """Write a value as it is looked for.

    Args:
        kind: of the value.
        cut: from its first word to its last.
        whole: the same with what stands around them.
    """
    match kind:
        case Kind.HANDLE:
            if handle := whole.strip().removeprefix("@"):
                yield handle, Mark.ADDRESSED
            if stands_alone(cut):
                yield cut, Mark.HANDLE
        case Kind.EMAIL:
            address = cut.removeprefix("mailto:")
            if _ADDRESS.search(address):
                yield address, Mark.EMAIL
        case Kind.URL:
            link = _SCHEME.sub("", cut, count=1)
            if "." in link:
                yield link, Mark.URL
        case Kind.PHONE:
            digits = phone(whole)
            if len(digits) in PHONE_DIGITS:
                yield digits, Mark.PHONE
        case _:
            raise AssertionError(f"{kind} is in no directory")


def stands_alone(word: str) -> bool:
    """Nobody takes it for a word of the language: it holds a digit, `_` or `.`."""
    return len(word) >= 4 and _DISTINCT.search(word) is not None


def phone(written: str) -> str:
    """Keep the digits of a number, without the trunk zero or the international 00."""
    written = written.strip()
    if written.startswith("+"):
        written = _TRUNK.sub("", written)
    return _NO_DIGIT.sub("", written).removeprefix("00")
