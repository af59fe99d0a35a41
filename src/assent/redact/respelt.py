"""Respelt: what else a listed name is spelt like, in letters that others have keys for.

`Käthe Schlüter` is folded to `kathe schluter`, and written `Kaethe Schlueter` as often.
Each other spelling is an entry of its own, so it is found, hidden and kept as any other
one; few names have one.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from assent.redact.fold import SEPARATOR, Lookup, fold, wide_codes
from assent.redact.grams import firsts_of
from assent.redact.transliterated import is_foreign, latin

_WIDE = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "đ": "d"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe", "Đ": "D"}
)
_LATIN_WAYS = 3
# Of a hundred names with signs beyond ASCII most have none of these: `José`, `李娜`.
_TOLD = re.compile("[äöüåøđÄÖÜÅØĐ\u0308\u030a\u0370-\u052f]")
_IS_TOLD = Lookup(lambda character: int(bool(_TOLD.match(character))), np.uint8)


def told(names: Sequence[str]) -> list[int]:
    """Say which names may have other spellings, by their number."""
    whole = "".join(names)
    if whole.isascii():
        return []
    ends = np.cumsum([*map(len, names)])
    at = np.flatnonzero(_IS_TOLD(wide_codes(whole)))
    numbers = np.searchsorted(ends, at, "right")
    return numbers[firsts_of(numbers)].tolist() if len(numbers) else []


def respelt(name: str) -> Iterator[str]:
    """List other spellings of a name, as it was typed; each once."""
    whole = unicodedata.normalize("NFC", name)
    south_slavic = whole.replace("đ", "dj").replace("Đ", "Dj")
    seen = {whole}
    for written in (whole.translate(_WIDE), south_slavic):
        if written not in seen:
            seen.add(written)
            yield written
    if is_foreign(whole):
        words = [
            latin(each) for each in fold([whole]).text.strip(SEPARATOR).lower().split()
        ]
        for way in range(_LATIN_WAYS * 2):
            written = " ".join(each[min(way, len(each) - 1)] for each in words)
            if written not in seen:
                seen.add(written)
                yield written.title()
