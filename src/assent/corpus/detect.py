"""Patterns: where personal data lies in a text, found without knowing anybody.

Every pattern is loose and flat, anchored on a literal (`@`, `://`, a digit), and reads
each character a bounded number of times: a long hostile token cannot stall a build.

Not found here: addresses written out (`anna [at] example`), letters borrowed from a
look-alike alphabet, HTML entities, digits spelled out, bare domains that no directory
lists, and national telephone numbers without a separator or a word such as `call`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers


class Kind(StrEnum):
    """What was found; its value is the word inside the placeholder."""

    EMAIL = "email"
    URL = "url"
    PHONE = "phone"
    HANDLE = "handle"
    NAME = "name"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where personal data lies: `[start, end)` in characters."""

    start: int
    end: int
    kind: Kind


BARRIER = "\0"
PLACEHOLDER = re.compile(r"\[(?:" + "|".join(Kind) + r")\]")
PHONE_DIGITS = range(7, 16)  # E.164 allows fifteen

_UNUSUAL = re.compile(r"[^\n -~]| [ \n]|\n ")
_USUAL = re.compile(r"[!-~]+(?: [!-~]+)*")
_LINE_BREAKS = frozenset("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_ALIKE = str.maketrans("\u2010\u2011\u2212\u2018\u2019\u02bc\u2032", "---''''")
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})


@dataclass(frozen=True, slots=True)
class Plain:
    """A text as patterns read it, and the way back to the characters of the original.

    Without accents, invisible characters and doubled blanks; every digit is ASCII,
    full-width forms are ordinary ones. Placeholders already in it are barriers that no
    span crosses but a quoted block.

    Args:
        text: the plain characters, case kept.
        starts: for each plain character, where its original starts.
        ends: for each plain character, where its original ends (exclusive).
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    @property
    def lower(self) -> str:
        """Lower case at the same offsets; both forms of sigma are one."""
        return self.text.lower().replace("ς", "σ")

    def original(self, span: Span) -> Span:
        """Move a span from the plain text to the original."""
        return Span(self.starts[span.start], self.ends[span.end - 1], span.kind)


class _Folded(dict[str, str]):
    """One character to its plain characters, none when it is not to be seen."""

    def __missing__(self, character: str) -> str:
        plain = self[character] = _fold(character)
        return plain


def _fold(character: str) -> str:
    if character == "\n" or character in _LINE_BREAKS:
        return "\n"
    if character.isspace():
        return " "
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "\uac00" <= character <= "\ud7a3":  # taken apart, a Hangul syllable is letters
        return character
    parts = unicodedata.normalize("NFKD", character).translate(_ALIKE)
    return "".join(
        " " if part.isspace() else part
        for part in parts
        if unicodedata.category(part) not in _UNSEEN
    )


_FOLDED = _Folded()


def plain(text: str) -> Plain:
    """Read a text plainly. Linear; a text of printable ASCII costs next to nothing."""
    if not _UNUSUAL.search(text):
        return Plain(_barred(text), range(len(text)), range(1, len(text) + 1))
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        usual = _USUAL.match(text, at)
        if usual:
            characters.extend(usual.group())
            starts.extend(range(at, usual.end()))
            ends.extend(range(at + 1, usual.end() + 1))
            at = usual.end()
            continue
        for part in _FOLDED[text[at]]:
            last = characters[-1] if characters else ""
            if part == "\n" and last == " ":
                characters[-1] = "\n"
            elif part != " " or last not in (" ", "\n"):
                characters.append(part)
                starts.append(at)
                ends.append(at + 1)
        at += 1
        # What was left out belongs to the character before it: an accent goes with
        # its letter, so no half of a name stays behind.
        if ends:
            ends[-1] = at
    return Plain(_barred("".join(characters)), starts, ends)


def _barred(text: str) -> str:
    """Blot out placeholders, at the same length, so that none is read as words."""
    if "[" not in text:
        return text
    return PLACEHOLDER.sub(lambda found: BARRIER * len(found.group()), text)


def patterns(view: Plain) -> Iterator[Span]:
    """Find what patterns can find; spans may overlap. Offsets are those of the view."""
    text = view.text
    if ">" in text:
        yield from _quotes(text)
    if "@" in text:
        yield from _emails(text)
        yield from _handles(text)
    yield from _urls(text)
    if sum(map(text.count, "0123456789")) >= PHONE_DIGITS.start:
        yield from _phones(text)


_QUOTE = re.compile(r"^ ?>[^\n]*(?:\n{1,2} ?>[^\n]*)*", re.MULTILINE)


def _quotes(text: str) -> Iterator[Span]:
    # Whose words they are is not known for sure, so every quoted block goes whole.
    for found in _QUOTE.finditer(text):
        yield Span(found.start(), found.end(), Kind.QUOTE)


_DOMAIN = re.compile(r"@([\w-]+(?:\.[\w-]+)*)")
_LOCAL = frozenset("_.!#$%&'*+/=?^{|}~-")


def _emails(text: str) -> Iterator[Span]:
    for found in _DOMAIN.finditer(text):
        # Walk left from the `@`: a pattern that starts at a letter would try every
        # letter of a long token. The walk ends at the `@` before: linear in all.
        start = at = found.start()
        while start and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
            start -= 1
        while start < at and not (text[start].isalnum() or text[start] in "_+"):
            start += 1
        domain = found.group(1)
        internal = at - start >= 2 and len(domain) >= 2 and domain[0].isalpha()
        if start < at and ("." in domain or internal):
            yield Span(start, found.end(), Kind.EMAIL)


# The second `@` belongs to it: `@anna@social.example` is one handle.
_HANDLE = re.compile(r"(?<!\w)@\w+(?:[.@-]\w+)*")


def _handles(text: str) -> Iterator[Span]:
    for found in _HANDLE.finditer(text):
        yield Span(found.start(), found.end(), Kind.HANDLE)


_TARGET = r"[^\s<>\"\0]+"
_SCHEME = re.compile(r"://" + _TARGET)
_WWW = re.compile(r"(?<!\w)www\." + _TARGET, re.IGNORECASE)
_TRAILING = frozenset(".,;:!?'*_~`|\\")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SCHEME_CHARACTERS = 20


def _urls(text: str) -> Iterator[Span]:
    if "://" in text:
        for found in _SCHEME.finditer(text):
            start = found.start()
            floor = max(0, start - _SCHEME_CHARACTERS)
            while start > floor and text[start - 1].isalnum():
                start -= 1
            end = link_end(text, found.start() + 3, found.end())
            if end > found.start() + 3:
                yield Span(start, end, Kind.URL)
    if "www." in text or "WWW." in text or "Www." in text:
        for found in _WWW.finditer(text):
            end = link_end(text, found.start() + 3, found.end())
            if end > found.start() + 4:
                yield Span(found.start(), end, Kind.URL)


def link_end(text: str, start: int, end: int) -> int:
    """Where a link ends: without closing punctuation that belongs to the sentence."""
    surplus = {
        closing: text.count(closing, start, end) - text.count(opening, start, end)
        for closing, opening in _PAIRS.items()
    }
    while end > start:
        last = text[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end


_RUN = re.compile(r"\d+(?:[ ().\-/]{1,3}\d+)*")
_GROUP = re.compile(r"\d+")
_NORTH_AMERICAN = re.compile(
    r"(?<![\d.])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)"
)
_TRUNK = re.compile(r"0\d{1,5}(?:[ ()/-]{1,3}\d+){1,4}")
_CONTEXT = re.compile(
    r"\b(?:tel|telefon|telephone|phone|call|mobile|mob|cell|whatsapp|fax|sms|handy"
    r"|viber|dial|text me|reach me|number is)\b[^\n]{0,16}$",
    re.IGNORECASE,
)
_CONTEXT_CHARACTERS = 28


def _phones(text: str) -> Iterator[Span]:
    if "+" in text:
        possible = phonenumbers.Leniency.POSSIBLE
        for match in phonenumbers.PhoneNumberMatcher(text, None, possible):
            yield Span(match.start, match.end, Kind.PHONE)
    for found in _NORTH_AMERICAN.finditer(text):
        yield Span(found.start(), found.end(), Kind.PHONE)
    for found in _RUN.finditer(text):
        digits = sum(map(str.isdigit, found.group()))
        if digits not in PHONE_DIGITS:
            continue
        before = text[max(0, found.start() - _CONTEXT_CHARACTERS) : found.start()]
        trunk = digits >= 9 and _TRUNK.fullmatch(found.group())
        if trunk or _CONTEXT.search(before):
            yield Span(opened(text, found.start()), found.end(), Kind.PHONE)


def numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """List every stretch that could be a telephone number: start, end, its digits.

    Neighbouring groups are tried together (`030`, `030 1234`, `030 1234 567`), since
    nobody knows where a number begins in `flat 12 030 1234567`.
    """
    for run in _RUN.finditer(text):
        groups = [
            (run.start() + found.start(), run.start() + found.end())
            for found in _GROUP.finditer(run.group())
        ]
        for first, (start, _) in enumerate(groups):
            digits = ""
            # Fifteen groups at most: each holds a digit, so the work stays linear.
            for group_start, end in groups[first : first + PHONE_DIGITS.stop]:
                digits += text[group_start:end]
                if len(digits) >= PHONE_DIGITS.stop:
                    break
                if len(digits) >= PHONE_DIGITS.start:
                    yield start, end, digits


def opened(text: str, start: int) -> int:
    """Take the `+` or the parenthesis before the first digit along."""
    while start and text[start - 1] in "+(":
        start -= 1
    return start
