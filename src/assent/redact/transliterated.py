"""Transliterated: names in Cyrillic or Greek letters, as people write them in Latin.

Nobody agrees on one way, so a word has a few: `Дмитрий` is `dmitrij`, `dmitriy` and
`dmitri`. Which letters are written is a matter of taste, the rest of the tables is what
ISO 9, BGN/PCGN and passports have in common.
"""

import re
from collections.abc import Mapping
from itertools import product


def _table(written: str, single: str = "", latin: str = "") -> dict[str, str]:
    found = dict(zip(single, latin, strict=True))
    for each in written.split():
        letters, _, way = each.partition("=")
        found[letters] = way
    return found


# As a plain text has them: `й` and `ё` have lost their signs.
_CYRILLIC = _table(
    """
    є=ie ґ=g ђ=dj ј=j љ=lj њ=nj ћ=c џ=dz ж=zh ч=ch ш=sh щ=shch ъ= ь= х=kh ц=ts ю=yu
    я=ya аи=ay еи=ey ои=oy уи=uy
    """,
    "абвгдезиклмнопрстуфыэі",
    "abvgdeziklmnoprstufyei",
)
_GREEK = _table(
    "θ=th χ=ch ψ=ps ου=ou αυ=av ευ=ev μπ=b ντ=d γγ=ng γκ=gk τζ=tz ιω=io",
    "αβγδεζηικλμνξοπρσςτυφω",
    "avgdeziiklmnxoprsstyfo",
)
_ENDS = {"ии": "y", "ыи": "y"}
# Other ways, each all at once.
_OTHERWISE: tuple[Mapping[str, str], ...] = (
    {},
    _table(
        "х=h ц=c ю=iu я=ia аи=ai еи=ei ои=oi ии=i ыи=i ντ=nt μπ=mp υ=u χ=h η=e γι=y"
    ),
    _table("ж=z ч=c ш=s х=ch ю=ju я=ja аи=aj еи=ej ои=oj ии=iy ыи=yj υ=i χ=x γκ=g"),
)
_TABLES = [{**_CYRILLIC, **_GREEK, **more} for more in _OTHERWISE]
_FOREIGN = re.compile("[\u0370-\u052f]")


def is_foreign(text: str) -> bool:
    """Say whether a text has a Greek or Cyrillic letter."""
    return _FOREIGN.search(text) is not None


def latin(word: str) -> list[str]:
    """List how a folded word in lower case is written in Latin letters, each once."""
    ways = {_written(word, *each): None for each in product(_TABLES, (True, False))}
    return list(ways)


def _written(word: str, table: Mapping[str, str], ends: bool) -> str:
    stem, end = word, ""
    if ends and word[-2:] in _ENDS and len(word) > 3:
        stem, end = word[:-2], table.get(word[-2:], _ENDS[word[-2:]])
    found, at = [], 0
    while at < len(stem):
        pair = stem[at : at + 2]
        width = 2 if len(pair) == 2 and pair in table else 1
        found.append(table.get(stem[at : at + width], stem[at]))
        at += width
    return "".join(found) + end
