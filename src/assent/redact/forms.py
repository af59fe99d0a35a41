"""Forms: the ways in which a name of several words is written otherwise.

`Anna Berg` is also `Berg, Anna`, `anna_berg`, `#AnnaBerg` and `A n n a  B e r g`: the
same letters, whatever stands between them, in the same order or turned round at a word.
So a form is the letters alone, and one table of their hashes finds them all. The hash
of letters follows from those of the words, so nothing is joined to make it, neither
here nor in a text.

Memory: a key of 8 bytes for each word of a name, and 2 bytes of its bit field; one more
for its initials, which many names share.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from assent.redact.compiled import forms
from assent.redact.grams import (
    Table,
    Words,
    firsts_of,
    mixed,
    moved,
    places_in,
    powers,
)
from assent.redact.spans import Hashes, Indexes

FEWEST = 5
"""Letters of a form. Fewer are a word of some language, whatever their order."""
WORDS = 6
"""A name of more words is found as it is written, and no otherwise."""


class Form(IntFlag):
    """How the letters of a form follow from the name; the low bits of its key."""

    FORWARD = 1
    TURNED = 2  # one or more words went from the front to the end
    INITIALS = 4  # of one or more names in front there is only the first letter


_KINDS = np.array([Form.FORWARD, Form.TURNED, Form.INITIALS], np.uint64)
_HIDDEN_BITS = 3
LOW = 2 * _HIDDEN_BITS
"""Bits of a key that say how its letters follow from the name."""
_FLAGS = np.uint64((1 << LOW) - 1)


@dataclass(frozen=True, slots=True)
class Forms:
    """Forms of names, in any order.

    Args:
        keys: hashes of their letters; the lowest bits are a `Form`, once for those of
            somebody in the clear and once for somebody hidden.
        firsts: hashes of their first words, in any order, repeated or not.
    """

    keys: Hashes
    firsts: Hashes

    @classmethod
    def joined(cls, parts: Sequence["Forms"]) -> "Forms":
        """Put forms together."""
        none = np.zeros(0, np.uint64)
        return cls(
            np.concatenate([none, *(each.keys for each in parts)]),
            np.concatenate([none, *(each.firsts for each in parts)]),
        )

    @property
    def hidden(self) -> "Forms":
        """The same, of somebody who is hidden."""
        flags = self.keys & _FLAGS
        return Forms(self.keys ^ flags | flags << np.uint64(_HIDDEN_BITS), self.firsts)


class FormTable:
    """A table of forms: which letters are a name's.

    Args:
        keys: of `Forms`, in any order, repeated or not. They are sorted in place.
    """

    __slots__ = ("table",)

    def __init__(self, keys: Hashes) -> None:
        keys.sort()
        letters = keys >> np.uint64(LOW)
        new = firsts_of(letters)
        if not new.all():
            keys = np.bitwise_or.reduceat(keys, np.flatnonzero(new))
        self.table = Table(keys)

    def __len__(self) -> int:
        return len(self.table.hashes)

    def look_up(self, hashes: Hashes) -> tuple[Indexes, NDArray[np.uint8]]:
        """Look up hashes of letters.

        Returns:
            (which of them stand in the table, their flags: those of names in the clear,
            and above them those of hidden ones).
        """
        found, places = self.table.looked_up(hashes, LOW)
        return found, self.flags(places)

    def flags(self, places: Indexes) -> NDArray[np.uint8]:
        """Give the flags of what stands in some places of the table."""
        return (self.table.hashes[places] & _FLAGS).astype(np.uint8)


def plain_keys(keys: Hashes) -> Hashes:
    """Take from keys, or from hashes of letters, all but what tells their letters."""
    return keys & ~_FLAGS


def same_letters(keys: Hashes, hashes: Hashes) -> NDArray[np.bool_]:
    """Say which keys are of letters that have one of these hashes, sorted."""
    if not len(hashes):
        return np.zeros(len(keys), np.bool_)
    places = places_in(hashes, keys & ~_FLAGS)
    same: NDArray[np.bool_] = hashes[places] >> np.uint64(LOW) == keys >> np.uint64(LOW)
    return same


def in_the_clear(flags: int) -> Form:
    """Of flags that were looked up: the forms of names in the clear."""
    return Form(flags & (1 << _HIDDEN_BITS) - 1)


def of_hidden(flags: int) -> Form:
    """Of flags that were looked up: the forms of names of hidden people."""
    return Form(flags >> _HIDDEN_BITS)


def made(words: Words, firsts: Indexes, counts: Indexes) -> tuple[Forms, Indexes]:
    """Make all forms of names.

    Args:
        words: in which the names lie.
        firsts: number of the first word of each name.
        counts: how many words each has; with less than two it has no other form.

    Returns:
        (forms, owners): each with its first word, and the number of its name.
    """
    hashes, kinds, begins, owners = forms(
        words.starts,
        words.ends,
        words.sums,
        powers(words),
        firsts,
        counts,
        (FEWEST, WORDS),
        _KINDS,
    )
    return Forms(hashes & ~_FLAGS | kinds, begins), owners


def _initials(count: int) -> tuple[int, ...]:
    """Of how many words of a name, from the front, only the first letter is written."""
    return (1,) if count == 2 else (1, count - 1)


def letters(raws: Sequence[Hashes], lengths: Sequence[Indexes]) -> Hashes:
    """Hash words put behind each other, of which only the hashes are known.

    Args:
        raws: of the first words, of the second ones, and so on, before they are mixed.
        lengths: in characters.
    """
    whole, behind = raws[0], lengths[0]
    for raw, length in zip(raws[1:], lengths[1:], strict=True):
        whole = whole + moved(raw, behind)
        behind = behind + length
    return mixed(whole)


def spellings(words: Sequence[str]) -> Iterator[str]:
    """List the letters of all forms of one name, in the order of `made`."""
    if 2 <= len(words) <= WORDS and sum(map(len, words)) >= FEWEST:
        for turn in range(len(words)):
            yield "".join([*words[turn:], *words[:turn]])
        for initials in _initials(len(words)):
            found = "".join(
                [*(each[0] for each in words[:initials]), *words[initials:]]
            )
            if len(found) >= FEWEST:
                yield found
