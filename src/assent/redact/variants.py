"""Variants: other words that a name is written with, beside its own.

`Jan van den Berg` is also `Jan Berg`, `Jan v. d. Berg` and `Jan Vandenberg`; `Olga
Petrovna Ivanova` is also `Olga Ivanova`, and `Robert Berg` is also `Bob Berg`. Most
names have no such words: these cost nothing.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from assent.redact.compiled import stand_in
from assent.redact.grams import Table, Words, distinct, hashed, powers
from assent.redact.spans import Indexes

_SHORT = {
    **dict.fromkeys(("van", "von", "vom", "ver"), "v"),
    **dict.fromkeys(("de", "den", "der", "des", "del", "della", "dem"), "d"),
    **dict.fromkeys(("ter", "ten", "te"), "t"),
    **dict.fromkeys(("zu", "zum", "zur"), "z"),
}
_PARTICLES = frozenset(
    {*_SHORT, "da", "di", "do", "dos", "das", "du", "la", "le", "las", "los", "y", "e"}
    | {"el", "al", "bin", "ibn", "ben", "bint", "abu"}
)
"""Words before a family name that are left out, and written in one with it."""
_BEGINNINGS = _PARTICLES | {"mac", "mc", "o", "d", "l", "t", "st", "san", "santa"}
"""Words that are written in one with the name behind them."""
_GLUED = {
    "vanden": ("van", "den"),
    "vander": ("van", "der"),
    "van": ("van",),
    "mac": ("mac",),
    "mc": ("mc",),
}
_SAME = {"al": "el", "el": "al", "bin": "ibn", "ibn": "bin", "ben": "bin"}
_SAME |= {"mac": "mc", "mc": "mac", "st": "saint", "saint": "st"}
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "phd", "dds", "esq"])
"""Words behind a name that are left out as often as not."""
_FEWEST = 3
"""Letters of a name behind such a beginning."""
_CALLED = {
    name: calls.split()
    for names, _, calls in (
        line.partition(":")
        for line in """
alexander alexandra:alex sandy|andrew:andy drew|anthony:tony|benjamin:ben benny
catherine katherine kathryn:kate cathy kathy katie|charles:charlie chuck|daniel:dan
christopher:chris|christina christine:chris tina|deborah:debbie deb|donald:don
douglas:doug|edward:ed eddie ted|elizabeth:liz beth betty lizzie eliza|frederick:fred
gerald:gerry jerry|gregory:greg|jacob:jake|james:jim jimmy jamie|jennifer:jen jenny
jeffrey:jeff|jonathan:jon|joseph:joe joey|joshua:josh|kenneth:ken kenny|lawrence:larry
leonard:len lenny|margaret:maggie meg peggy|matthew:matt|michael:mike mick mikey
nathaniel:nate|nicholas:nick|pamela:pam|patricia:pat patty trish|patrick:pat paddy
peter:pete|philip phillip:phil|rebecca:becky|richard:rick dick rich|ronald:ron ronnie
robert:bob bobby rob robbie|samuel samantha:sam|stephen steven:steve|susan:sue susie
theodore:ted theo|thomas:tom tommy|timothy:tim|victoria:vicky|walter:walt
william:bill billy will wm|zachary:zach
""".replace("\n", "|").split("|")
    )
    for name in names.split()
}
"""What English names are cut short to: the common ones, of which nobody is in doubt."""
_GLUES = ("van", "mac", "mc")
_CALLED_TABLE = Table(distinct(hashed([*_CALLED])))
_GLUE_TABLES = {
    letters: Table(distinct(hashed([each for each in _GLUES if len(each) == letters])))
    for letters in (2, 3)
}


def may_vary(words: Words, firsts: Indexes, counts: Indexes) -> NDArray[np.bool_]:
    """Say which names may have a variant: those of many words, and some of two.

    Args:
        words: in which the names lie.
        firsts: number of the first word of each name.
        counts: how many words each has.
    """
    found: NDArray[np.bool_] = counts > 2
    two = np.flatnonzero(counts == 2)
    given, family = firsts[two], firsts[two] + 1
    some = _stand_in(words, given, len(words.sums), _CALLED_TABLE)
    for letters, glues in _GLUE_TABLES.items():
        some |= _stand_in(words, family, letters, glues)
    found[two] = some
    return found


def _stand_in(
    words: Words, chosen: Indexes, letters: int, table: Table
) -> NDArray[np.bool_]:
    starts, ends = words.starts[chosen], words.ends[chosen]
    return stand_in(starts, ends, words.sums, powers(words), letters, *table.parts)


def variants(words: Sequence[str]) -> list[tuple[str, ...]]:
    """List the words of each variant of a name in lower case, each once."""
    name = tuple(words)
    found: list[tuple[str, ...]] = []
    if len(name) > 2 and name[-1] in _SUFFIXES:
        return [name[:-1], *variants(name[:-1])]
    if not _BEGINNINGS.isdisjoint(name[1:-1]):
        found += _particles(name)
    if any(word.startswith(_GLUES) for word in name[1:]):
        found += _apart(name)
    if len(name) > 2:
        found += _shorter(name)
    if name[0] in _CALLED:
        found += _called(name)
    return [each for each in dict.fromkeys(found) if each != name and len(each) > 1]


def _particles(name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Leave out what stands before the family name, join it, or cut it short."""
    last = len(name) - 1
    begin = next((at for at in range(last) if at and name[at] in _BEGINNINGS), last)
    end = begin
    while end < last and name[end] in _BEGINNINGS:
        end += 1
    if begin == end:
        return
    before, inside, behind = name[:begin], name[begin:end], name[end:]
    if all(each in _PARTICLES for each in inside):
        yield *before, *behind
    yield *before, "".join(inside), *behind
    yield *before, "".join([*inside, behind[0]]), *behind[1:]
    if all(each in _SHORT for each in inside):
        short = [_SHORT[each] for each in inside]
        yield *before, *short, *behind
        yield *before, "".join(short), *behind
    same = [_SAME.get(each, each) for each in inside]
    if inside[0] in ("mac", "mc"):
        yield *before, "".join([*same, behind[0]]), *behind[1:]
    elif same != list(inside):
        yield *before, *same, *behind


def _apart(name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Write a family name in several words: `Vandenberg`, `McDonald`."""
    for at, word in enumerate(name[1:], 1):
        for glue, parts in _GLUED.items():
            rest = word.removeprefix(glue)
            if rest == word or len(rest) < _FEWEST:
                continue
            yield *name[:at], *parts, rest, *name[at + 1 :]
            if len(parts) > 1:
                yield *name[:at], glue, rest, *name[at + 1 :]
            if glue in ("mac", "mc"):
                yield *name[:at], _SAME[glue] + rest, *name[at + 1 :]
            break


def _shorter(name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Leave out names in the middle; of two family names, the last."""
    core = [name[0], *(each for each in name[1:] if each not in _PARTICLES)]
    if len(core) > 2:
        yield core[0], core[-1]
    if len(core) > 3:
        yield core[0], core[-2]


def _called(name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for each in _CALLED.get(name[0], ()):
        yield each, *name[1:]
        if len(name) > 2:
            yield each, name[-1]
