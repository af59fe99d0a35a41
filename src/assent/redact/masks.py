"""Disguises: ways in which people write an address so that a program overlooks it."""

import random
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from html.entities import codepoint2name as names

from assent.redact.spans import Kind


class Disguise(StrEnum):
    """How an identity was changed; the value is what the report calls it."""

    NONE = "as written"
    ZERO_WIDTH = "zero-width characters inside"
    SOFT_HYPHEN = "soft hyphens inside"
    BIDI = "direction marks"
    FULL_WIDTH = "full-width letters"
    LOOK_ALIKE = "letters of another alphabet"
    DECOMPOSED = "accents as characters of their own"
    NO_ACCENTS = "accents left out"
    CASE = "other case"
    NO_BREAK = "no-break blanks and hyphens"
    SPLIT = "split over lines"
    AT_DOT = "[at] and [dot]"
    SPELLED = "spelled out"
    SPACED = "one by one, with blanks"
    ENTITY = "HTML entities"


def disguised(text: str, kind: Kind, how: Disguise, rng: random.Random) -> str | None:
    """Disguise an identity; None where there is nothing to disguise in that way.

    Args:
        text: the identity as written.
        kind: of it.
        how: it is disguised; `NONE` changes nothing.
        rng: draws where and with what.
    """
    if not worn_by(how, kind):
        return None
    changed = _CHANGES[how](text, rng)
    return changed if changed != text or how is Disguise.NONE else None


def worn_by(how: Disguise, kind: Kind) -> bool:
    """Say whether a kind is ever disguised in that way."""
    return kind in _OF.get(how, frozenset(Kind))


_ADDRESSES = frozenset({Kind.EMAIL, Kind.URL, Kind.IP})
_NUMBERS = frozenset({Kind.PHONE, Kind.CARD, Kind.IBAN, Kind.ID})
_NAMES = frozenset({Kind.NAME, Kind.EMPLOYER})
_OF = {
    Disguise.AT_DOT: _ADDRESSES,
    Disguise.SPELLED: frozenset({Kind.EMAIL, Kind.PHONE, Kind.CARD}),
    Disguise.SPACED: _NUMBERS | {Kind.EMAIL, Kind.NAME},
    Disguise.NO_BREAK: _NUMBERS | _NAMES,
    Disguise.NO_ACCENTS: _NAMES,
    Disguise.CASE: _NAMES | {Kind.EMAIL, Kind.IBAN},
    Disguise.LOOK_ALIKE: _NAMES | {Kind.EMAIL, Kind.URL, Kind.HANDLE},
    Disguise.SPLIT: frozenset(Kind) - {Kind.HANDLE},  # nobody breaks one off its `@`
}
"""Which kinds a disguise is worn by; where none are named, by all."""


def _sprinkled(characters: str) -> Callable[[str, random.Random], str]:
    def change(text: str, rng: random.Random) -> str:
        places = range(1, len(text))
        chosen = sorted(rng.sample(places, min(3, len(places))), reverse=True)
        for at in chosen:
            text = text[:at] + rng.choice(characters) + text[at:]
        return text

    return change


def _turned(text: str, rng: random.Random) -> str:
    """Wrap in marks of direction, which nobody sees around what runs one way."""
    before, after = rng.choice(
        (("\u202a", "\u202c"), ("\u2066", "\u2069"), ("\u2068", "\u2069"))
    )
    at = rng.randrange(1, max(len(text), 2))
    return f"{before}{text[:at]}\u200e{text[at:]}{after}"


_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
# Latin letters and Cyrillic ones that look the same in most fonts.
_ALIKE = str.maketrans("aceiopxyABCEHKMOPTX", "асеіорхуАВСЕНКМОРТХ")


def _look_alike(text: str, rng: random.Random) -> str:
    """Change one letter or two: a whole word of another alphabet is seen at once."""
    places = [at for at, each in enumerate(text) if ord(each) in _ALIKE]
    for at in rng.sample(places, min(2, len(places))):
        text = text[:at] + text[at].translate(_ALIKE) + text[at + 1 :]
    return text


def _no_accents(text: str, rng: random.Random) -> str:
    """Leave out what stands over Latin and Greek letters, as a keyboard makes one do.

    In other scripts what combines is a part of the letter.
    """
    if not text.translate(_LATIN_AND_GREEK).isascii():
        return text
    parts = unicodedata.normalize("NFD", text)
    return "".join(each for each in parts if unicodedata.category(each) != "Mn")


_LATIN_AND_GREEK = dict.fromkeys((*range(0xC0, 0x400), *range(0x1E00, 0x2000)), "a")


def _case(text: str, rng: random.Random) -> str:
    return rng.choice((text.lower(), text.upper()))


def _no_break(text: str, rng: random.Random) -> str:
    text = text.replace("-", "\u2011")
    return text.replace(" ", rng.choice("\u00a0\u202f\u2007"))


def _split(text: str, rng: random.Random) -> str:
    """Break the line where a narrow window would: at a blank, behind a mark."""
    blanks = [at for at, each in enumerate(text) if each == " "]
    if blanks:
        at = rng.choice(blanks)
        return f"{text[:at]}\n{text[at + 1 :]}"
    marks = [at + 1 for at, each in enumerate(text[:-1]) if each in "@.-/:"]
    if not marks:
        return text
    at = rng.choice(marks)
    return f"{text[:at]}\n{text[at:]}"


def _at_dot(text: str, rng: random.Random) -> str:
    left, right = rng.choice(("[]", "()", "{}"))
    blank = rng.choice(("", " "))
    text = text.replace("@", f"{blank}{left}at{right}{blank}")
    return text.replace(".", f"{blank}{left}dot{right}{blank}")


_MARKS = "0123456789+@._-"
_CALLED = (
    "zero one two three four five six seven eight nine plus at dot underscore dash"
)
_SPELLED = dict(zip(_MARKS, _CALLED.split(), strict=True))


def _spelled(text: str, rng: random.Random) -> str:
    text = "".join(str(unicodedata.decimal(each, each)) for each in text)
    marks = set("@._-") if "@" in text else set("0123456789+")
    found = "".join(f" {_SPELLED[each]} " if each in marks else each for each in text)
    return " ".join(found.split())


def _spaced(text: str, rng: random.Random) -> str:
    words = text.split()
    return "   ".join(" ".join(word) for word in words)


def _entity(text: str, rng: random.Random) -> str:
    """Write marks, blanks and accented letters as HTML does."""

    def one(character: str) -> str:
        code = ord(character)
        if character not in "@.:+ " and (code < 0x80 or code > 0x24F):
            return character
        forms = [f"&#{code};", f"&#x{code:x};"]
        if code in names:
            forms.append(f"&{names[code]};")
        return "&nbsp;" if character == " " else rng.choice(forms)

    return "".join(map(one, text))


_CHANGES: Mapping[Disguise, Callable[[str, random.Random], str]] = {
    Disguise.NONE: lambda text, rng: text,
    Disguise.ZERO_WIDTH: _sprinkled("\u200b\u200c\u200d\u2060\ufeff"),
    Disguise.SOFT_HYPHEN: _sprinkled("\u00ad"),
    Disguise.BIDI: _turned,
    Disguise.FULL_WIDTH: lambda text, rng: text.translate(_WIDE),
    Disguise.LOOK_ALIKE: _look_alike,
    Disguise.DECOMPOSED: lambda text, rng: unicodedata.normalize("NFD", text),
    Disguise.NO_ACCENTS: _no_accents,
    Disguise.CASE: _case,
    Disguise.NO_BREAK: _no_break,
    Disguise.SPLIT: _split,
    Disguise.AT_DOT: _at_dot,
    Disguise.SPELLED: _spelled,
    Disguise.SPACED: _spaced,
    Disguise.ENTITY: _entity,
}
