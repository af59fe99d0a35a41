r"""Write the table of look-alike letters from Unicode's list.

    pip install confusable-homoglyphs==3.3.1
    python scripts/make_confusables.py .../confusable_homoglyphs/confusables.json \
        > src/assent/redact/confusables_table.py

That file is Unicode's `confusables.txt` (UTS 39) as JSON. Kept are single letters that
stay themselves when accents and compatibility forms are folded away, of the alphabets
that disguises borrow from, and whose look-alike is one ASCII letter; besides, letters
and digits whose name says that they are ASCII ones in another dress.
"""

import json
import string
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

BORROWED = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "LATIN")
# Unicode's list joins these to letters that are not ASCII; a reader still reads ASCII.
READ_AS = {
    "ς": "c",
    "ӏ": "l",
    "є": "e",
    "п": "n",
    "и": "u",
    "м": "m",
    "η": "n",
    "ω": "w",
    "ĸ": "k",
}
TURKISH = "ı"  # a letter of its own in a language that is written in Latin letters
SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "
ENCLOSED = (
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER ",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER ",
)
WIDTH = 72


def dressed(character: str) -> str:
    """Say which ASCII letter or digit stands in another dress; empty when none."""
    name = unicodedata.name(character, "") if len(character) == 1 else ""
    for prefix in (SMALL_CAPITAL, *ENCLOSED):
        if name.startswith(prefix) and len(name) == len(prefix) + 1:
            return name[-1].lower() if prefix == SMALL_CAPITAL else name[-1]
    if "CIRCLED" in name and unicodedata.digit(character, None) is not None:
        return str(unicodedata.digit(character))
    return ""


def borrowed(character: str, alike: list[str]) -> str:
    """Say which ASCII letter it looks like; empty when none.

    Args:
        character: of any alphabet.
        alike: what Unicode's list puts beside it.
    """
    if character in READ_AS:
        return READ_AS[character]
    letters = [near for near in alike if near and near in string.ascii_letters]
    if not letters:  # one step further, over a small capital or a rare letter
        further = (dressed(near) or READ_AS.get(near, "") for near in alike)
        letters = [near for near in further if near]
    if not letters:
        return ""
    if unicodedata.category(character) != "Lu":
        return letters[0]
    return "I" if letters[0] == "l" else letters[0].upper()  # the list: I and l are one


def tables(listed: Mapping[str, list[dict[str, str]]]) -> Iterator[tuple[str, str]]:
    """Yield every character of the table with its ASCII letter, borrowed ones first."""
    for character in sorted(listed):
        if (
            len(character) == 1
            and not character.isascii()
            and character != TURKISH
            and not dressed(character)
            and unicodedata.normalize("NFKD", character) == character
            and unicodedata.category(character) in ("Lu", "Ll", "Lo")
            and unicodedata.name(character, "").startswith(BORROWED)
        ):
            letter = borrowed(character, [near["c"] for near in listed[character]])
            if letter:
                yield character, letter
    for character in map(chr, range(0x80, sys.maxunicode + 1)):
        plain = unicodedata.normalize("NFKD", character) == character
        if plain and (letter := dressed(character)):
            yield character, letter


def module(listed: Mapping[str, list[dict[str, str]]]) -> str:
    """Write the table as a module of Python."""
    rows: dict[str, dict[str, str]] = {"BORROWED": {}, "DRESSED": {}}
    for character, letter in tables(listed):
        row = rows["DRESSED" if dressed(character) else "BORROWED"]
        row[letter] = row.get(letter, "") + character.encode("unicode_escape").decode()
    lines = [
        '"""Look-alike letters, written by `scripts/make_confusables.py`.\n',
        "Unicode's confusables.txt (Unicode License v3) and, for `DRESSED`, names of",
        f'Unicode {unicodedata.unidata_version}. Letter -> what looks like it.\n"""',
    ]
    for name, row in rows.items():
        lines += ["", f"{name} = {{"]
        lines += [f'    "{letter}": "{row[letter]}",' for letter in sorted(row)]
        lines += ["}"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(module(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
