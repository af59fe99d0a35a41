"""Respelt: what else a listed name is spelt like, in letters that others have keys for.

`Käthe Schlüter` is folded to `kathe schluter`, and written `Kaethe Schlueter` as often.
Each other spelling is an entry of its own, so it is found, hidden and kept as any other
one; few names have one.
"""

import re
import unicodedata
from collections.abc import Iterator

from assent.redact.fold import SEPARATOR, fold
from assent.redact.transliterated import is_foreign, latin

_WIDE = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "đ": "d"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe", "Đ": "D"}
)
_SOUTH_SLAVIC = str.maketrans({"đ": "dj", "Đ": "Dj"})
_LATIN_WAYS = 3
# Of a hundred names with signs beyond ASCII most have none of these: `José`, `李娜`.
_TOLD = re.compile("[äöüåøđÄÖÜÅØĐ\u0308\u030a\u0370-\u052f]")


def respelt(name: str) -> Iterator[str]:
    """List other spellings of a name, as it was typed; each once."""
    if not _TOLD.search(name):
        return
    whole = unicodedata.normalize("NFC", name)
    seen = {whole}
    for table in (_WIDE, _SOUTH_SLAVIC):
        written = whole.translate(table)
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
