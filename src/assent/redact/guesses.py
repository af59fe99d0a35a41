"""Guesses: words that a word in a text may stand for, which is in nobody's name.

`Bergowi` is `Berg` that a grammar has bent, `Plumbrigde` was typed in haste, `4nn4` and
`Annaaa` on purpose, and `Tolmachyova` is another's way to write what `Tolmacheva` is.
Only a word beside another is guessed at, and only where both together are a name.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, product

import numpy as np
from numpy.typing import NDArray

from assent.redact.common import listed
from assent.redact.compiled_guesses import SLIPPED, Bends
from assent.redact.fold import wide_codes
from assent.redact.grams import stretches
from assent.redact.transliterated import is_foreign, latin

_FEWEST = 4
"""Letters of a word before it was bent."""
_LONGEST = 24
_ENDINGS = """
=a,u,e,i,y,m,em,om,ie,iem,owi,ovi,evi,ego,emu,ova,ove,ovou,ovu,ovy
a=e,y,i,u,o,ie,ou,iej,ej,oi y=eho,emu,ym ek=ka,ku,kiem,kem,kovi,kowi o=a,y,u,em
=n,in,en,lle,lla,lta,ssa,sta,ksi,ille,illa,ilta,ia nen=sen,selle,sella,sta,seen
=nak,nek,rol,tol,hoz,hez,nal,nel,ot,et,ert =nin,nun,in,un,nu,ndan,dan,den,ya,ye
=ar,ur,ens,sche,schen,sches dottir=dottur son=syni,sonar as=o,ui is=io,iui
=а,у,е,ом,ем,ым,ої,ові,еві,ою а=ы,и,е,у,ои,ою,о ии=его,ого,ому,ему,им,ом
ая=ои,ую я=и,ю,еи,е ь=я,ю,ем,е и=я,ю,ем,е ος=ου,ο ης=η ας=α
"""
"""How a word of a name ends, and how it does when it is bent: in Slavic languages,
Finnish, Hungarian, Turkish, German, Icelandic, Lithuanian and Greek, as a plain text
has them."""
_PAIRS = [
    (bent, whole)
    for entry in _ENDINGS.split()
    for whole, _, every in [entry.partition("=")]
    for bent in every.split(",")
]
_SAME = re.compile(
    "tch|shch|iya|iy|ij|ii|y[oeua]|(?<=[bdfgklmnprstvz])y|kh|zh|dj|^e|^ye|j|ks|ou"
)
_INSTEAD = {
    "tch": ["ch"],
    "shch": ["sch"],
    "iya": ["ia", "ija"],
    "iy": ["y", "i", "ij"],
    "ij": ["iy", "y", "i"],
    "ii": ["iy", "y", "i"],
    "yo": ["e", "io"],
    "ye": ["e", "ie"],
    "yu": ["iu", "ju", "u"],
    "ya": ["ia", "ja", "a"],
    "kh": ["h", "ch"],
    "zh": ["z", "j"],
    "dj": ["dz", "j"],
    "e": ["ye"],
    "j": ["y"],
    "ks": ["x"],
    "ou": ["u"],
    "y": ["i", "iy"],
}
"""What one transliteration writes, and what others do."""
_MOST = 3
"""Such places in a word; more are no name."""
_MARKS = ("tc", "hc", "iy", "ij", "ii", "yo", "ye", "yu", "ya", "kh", "zh", "dj")
"""Two letters that a word has which somebody else may write otherwise."""
_DIGITS = [str.maketrans("01345789", f"o{one}eastbg") for one in "il"]
_ROW = re.compile(r"([^\W\d_])\1{2,}")


def bends() -> Bends:
    """Give the endings as the compiled loop takes them: the shortest first."""
    pairs = sorted(_PAIRS, key=lambda pair: len(pair[0]))
    hashed = [
        stretches(wide_codes("".join(column))).raws(edges[:-1], edges[1:])
        for column in zip(*pairs, strict=True)
        for edges in [np.cumsum([0, *map(len, column)])]
    ]
    lengths = [np.array([*map(len, column)]) for column in zip(*pairs, strict=True)]
    return Bends(hashed[0], lengths[0], hashed[1], lengths[1])


def marks() -> NDArray[np.bool_]:
    """Give the pairs of letters as the compiled loop takes them."""
    found = np.zeros((128, 128), np.bool_)
    for pair in _MARKS:
        found[ord(pair[0]), ord(pair[1])] = True
    return found


@lru_cache(maxsize=1 << 12)
def guesses(word: str) -> tuple[str, ...]:
    """List the words that a folded word in lower case may stand for; not itself.

    Nothing is guessed of a Latin word that the lists of the name recogniser hold.
    """
    foreign = is_foreign(word)
    if len(word) > _LONGEST or (not foreign and any(listed(word))):
        return ()
    if foreign:
        found = dict.fromkeys(_unbent(word))
        found |= dict.fromkeys(way for each in (word, *found) for way in latin(each))
    elif not word.isalpha():
        found = dict.fromkeys(word.translate(table) for table in _DIGITS)
    elif _ROW.search(word):
        found = dict.fromkeys(_ROW.sub(instead, word) for instead in (r"\1", r"\1\1"))
    else:
        found = dict.fromkeys([*_unbent(word), *_slips(word), *_respelt(word)])
    return tuple(each for each in found if each != word)


def _unbent(word: str) -> Iterator[str]:
    for bent, whole in _PAIRS:
        stem = word.removesuffix(bent)
        if stem != word and len(stem) + len(whole) >= _FEWEST:
            yield stem + whole


def _slips(word: str) -> Iterator[str]:
    """List what somebody wrote who doubled a letter, left one out or turned two."""
    if len(word) < SLIPPED:
        return
    for at in range(1, len(word)):
        one, other = word[at - 1], word[at]
        if one == other:
            yield word[:at] + word[at + 1 :]
        else:
            yield word[: at - 1] + other + one + word[at + 1 :]
        yield word[:at] + word[at - 1 :]


def _respelt(word: str) -> Iterator[str]:
    places = [*_SAME.finditer(word)]
    if not 0 < len(places) <= _MOST:
        return
    edges = [0, *(edge for each in places for edge in each.span()), len(word)]
    stays = [word[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    ways = [(each.group(), *_INSTEAD[each.group()]) for each in places]
    for way in product(*ways):
        yield "".join(chain.from_iterable(zip(stays, (*way, ""), strict=True)))
