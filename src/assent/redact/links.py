"""Links: e-mail and web addresses, IP addresses, handles, and quoted blocks.

Every pattern is loose and flat, tried only where its sign stands (`@`, `://`, `www.`,
`>`), and reads each character a bounded number of times: a long hostile token stalls
nothing.
"""

import ipaddress
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assent.redact.edges import letter
from assent.redact.spans import Found, Kind, Signs, of_word, signs_of

_DOMAIN = re.compile(
    r"@([\w-]+(?:\.[\w-]+)*|\[(?:IPv6:)?[0-9A-Fa-f:]*[.:][0-9A-Fa-f.:]{2,40}\])"
)
_LOCAL = frozenset("_.!#$%&'*+/=?^{|}~-")
_OF_PROGRAMS = frozenset(("git", "hg", "svn"))
"""Accounts that everybody shares: `git@host:path`."""
_RELEASE = re.compile(r"v?[0-9]+(?:\.[0-9]+){0,2}")  # `actions/checkout@v3.1.0`

Places = NDArray[np.int64]


def find(text: str) -> Iterator[Found]:
    """Find links in a plain text of many; spans may overlap: (start, end, kind).

    Args:
        text: begins and ends with a `SEPARATOR`, as `fold` leaves it.
    """
    signs = signs_of(text)
    at_signs, colons, dots, breaks = (
        np.flatnonzero(signs == ord(sign)) for sign in "@:.\n"
    )
    yield from _quotes(text, signs, breaks)
    yield from _emails(text, at_signs)
    yield from _handles(text, at_signs)
    yield from _urls(text, signs, colons, dots)
    yield from _ips(text, colons, dots)


def _matches(
    pattern: re.Pattern[str], text: str, places: Places
) -> Iterator[re.Match[str]]:
    """Match a pattern at some places, in order; no two matches overlap."""
    done = 0
    for at in places.tolist():
        if at >= done and (found := pattern.match(text, at)):
            done = found.end()
            yield found


# Whose words they are is not known for sure, so every quoted block goes whole. Each
# text begins after a line break, so a quote always has one before it.
# A line that ends with `=` goes on in the next one.
_QUOTE = re.compile(r"\n ?>[^\n]*(?:(?:\n{1,2} ?>|(?<==)\n)[^\n]*)*")


def _quotes(text: str, signs: Signs, breaks: Places) -> Iterator[Found]:
    after = signs[breaks[:-1] + 1]
    after = np.where(after == ord(" "), signs[breaks[:-1] + 2], after)
    for found in _matches(_QUOTE, text, breaks[:-1][after == ord(">")]):
        yield found.start() + 1, found.end(), Kind.QUOTE


def _emails(text: str, at_signs: Places) -> Iterator[Found]:
    for found in _matches(_DOMAIN, text, at_signs):
        # Walk left from the `@`: a pattern that starts at a letter would try every
        # letter of a long token. The walk ends at the `@` before: linear in all.
        start = at = found.start()
        while text[start - 1].isalnum() or text[start - 1] in _LOCAL:
            start -= 1
        while start < at and not (text[start].isalnum() or text[start] in "_+"):
            start += 1
        domain = found.group(1)
        if start == at and "." in domain:
            start = _quoted(text, at)
        if start == at:
            continue
        if text[start:at] in _OF_PROGRAMS or _RELEASE.fullmatch(domain):
            continue
        internal = at - start >= 2 and len(domain) >= 2 and domain[0].isalpha()
        if "." in domain or internal or domain[0] == "[":
            end = _soft_end(text, found.end(), "." not in domain)
            yield _mended(text, start), end, Kind.EMAIL


_QUOTED_CHARACTERS = 66  # 64 and the quotes
_HYPHENATED = re.compile(r"\w+(?:-\n|\n-\n)$")
_LIGATURES = re.compile(
    r"\w[\w.]{0,30}(?: f[fil]{1,2} ?[\w.]{1,30}){0,3} f[fil]{1,2} $"
)
_BEFORE_CHARACTERS = 72
_ENDING = re.compile(r" (?:com|net|org|edu)\b(?![\w.-]?\w)")  # `anna@example com`
_SOFT_BREAK = re.compile(r"=\n[\w-]+(?:\.[\w-]+)*")  # of quoted-printable


def _quoted(text: str, at: int) -> int:
    """Where `"anna smith"@` starts; `at` itself if no quotes end there."""
    if text[at - 1] != '"':
        return at
    start = text.rfind('"', max(0, at - _QUOTED_CHARACTERS), at - 1)
    inner = text[start + 1 : at - 1]
    quoted = start >= 0 and inner and inner.isprintable() and "@" not in inner
    return start if quoted else at


def _mended(text: str, start: int) -> int:
    """Where an address starts that a line break or a ligature has cut in two."""
    cut = text[start - 1] == "\n" and text[start - 2] == "-"
    apart = text[start - 1] == " " and text[start - 2] in "fil"
    if not (cut or apart):
        return start  # most often, and before a search
    window = max(0, start - _BEFORE_CHARACTERS)
    pattern = _HYPHENATED if cut else _LIGATURES
    found = pattern.search(text[window:start])
    return window + found.start() if found else start


def _soft_end(text: str, end: int, without_dot: bool) -> int:
    """Where an address ends that goes on behind `=` in the next line, or a blank."""
    pattern = _ENDING if without_dot and text[end] == " " else _SOFT_BREAK
    found = pattern.match(text, end)
    return found.end() if found else end


# The second `@` belongs to it: `@anna@social.example` is one handle.
_HANDLE = re.compile(r"@\w+(?:[.@-]\w+)*")


def _names(text: str) -> frozenset[str]:
    return frozenset(f"@{name}" for name in text.split())


_NOBODY = _names("""
    param return returns throws see since deprecated Deprecated Override override
    property staticmethod classmethod dataclass Test Nullable NotNull Autowired Inject
    SuppressWarnings types use include mixin extend media import charset supports
    keyframes namespace everyone here channel all
""")
"""Words of programs and of style sheets, and all who read a message."""


def _handles(text: str, at_signs: Places) -> Iterator[Found]:
    for found in _matches(_HANDLE, text, at_signs):
        if not of_word(text[found.start() - 1]) and found.group() not in _NOBODY:
            yield found.start(), found.end(), Kind.HANDLE


_TARGET = r"[^\s<>\"\0]+"
_SCHEME = re.compile(r"://" + _TARGET)
_WWW = re.compile(r"\." + _TARGET)
# What a page has broken off: `linkedin.com/in/` and the name in the next line.
_PROFILE = re.compile(
    r"(?:(?<=/in/)|(?<=/u/)|(?<=/user/)|(?<=/users/)|(?<=/profile/)|(?<=/people/))"
    r"\n\w[\w.-]*\w"
)
_TRAILING = frozenset(".,;:!?'*_~`|\\")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_MAY_TRAIL = _TRAILING.union(_PAIRS)
_SCHEME_CHARACTERS = 20
_LOWER = 0x20  # makes a capital of ASCII small


def _urls(text: str, signs: Signs, colons: Places, dots: Places) -> Iterator[Found]:
    slashes = (signs[colons + 1] == ord("/")) & (signs[colons + 2] == ord("/"))
    for found in _matches(_SCHEME, text, colons[slashes]):
        at, end = found.span()
        start = at
        floor = max(0, at - _SCHEME_CHARACTERS)
        while start > floor and text[start - 1].isalnum():
            start -= 1
        if (
            text[end - 1] not in _MAY_TRAIL
            or (end := link_end(text, at + 3, end)) > at + 3
        ):
            profile = text[end - 1] == "/" and _PROFILE.match(text, end)
            yield start, profile.end() if profile else end, Kind.URL
    www = [signs[dots - before] | _LOWER == ord("w") for before in (1, 2, 3)]
    for found in _matches(_WWW, text, dots[np.logical_and.reduce(www)]):
        start = found.start() - len("www")
        end = link_end(text, start + 3, found.end())
        if end > start + 4 and not of_word(text[start - 1]):
            yield start, end, Kind.URL


def link_end(text: str, start: int, end: int) -> int:
    """Where a link ends: without closing punctuation that belongs to the sentence."""
    surplus: dict[str, int] = {}  # of closing brackets, counted once: linear in all
    while end > start:
        last = text[end - 1]
        if last in _PAIRS:
            if last not in surplus:
                opened = text.count(_PAIRS[last], start, end)
                surplus[last] = text.count(last, start, end) - opened
            if surplus[last] <= 0:
                break
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end


# Anchored on its dots: far fewer than its digits.
_MIDDLE = re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{0,35}")
_HEADING = re.compile(
    r"(?:\b(?:sections?|sec\.|chapters?|clauses?|articles?|paragraphs?|versions?|release"
    r"|kapitel|abschnitt|ziffer|artikel|chapitre|capitulo|seccion|capitolo)|§) ?"
    r"(?:[0-9.]{1,12}(?:,? (?:and|und|et|y|e|or|to) |, ?)){0,3}v?$|\n#{1,6} \[?v?$",
    re.IGNORECASE,
)
"""Before the number of a part of a text, or of a program: `section 4.1.2.3`."""
_HEADING_CHARACTERS = 48
_HEX = frozenset("0123456789abcdefABCDEF")
# Of a network card, and a port: `[fe80::1%eth0]:22`.
_ZONE = re.compile(r"%[0-9A-Za-z]{1,15}(?:\]:[0-9]{1,5})?")
_FEWEST_COLONS = 3
_OCTET, _GROUP = 4, 5  # characters from one sign to the next, at most


def _ips(text: str, colons: Places, dots: Places) -> Iterator[Found]:
    near = np.diff(dots) <= _OCTET
    for found in _matches(_MIDDLE, text, dots[:-2][near[:-1] & near[1:]]):
        start = _left(text, found.start(), _DIGITS, 3)
        end = _right(text, found.end(), _DIGITS, 3)
        # A version or a section number goes on, or begins, with one more group.
        longer = text[end] == "." and text[end + 1].isdigit()
        glued = _of_number(text[start - 1]) or letter(text[end])
        if longer or glued or not _is_address(text[start:end]):
            continue
        if not _HEADING.search(text[max(0, start - _HEADING_CHARACTERS) : start]):
            yield start, end, Kind.IP
    near = np.diff(colons) <= _GROUP
    for found in _matches(_COLONS, text, colons[:-1][near]):
        start = _left(text, found.start(), _HEX, 4)
        end = found.end()
        if text[start - 1].isalnum() or text[end].isalnum():
            continue
        written = text[start:end]
        # `2001:db8::` is a network; `add::` is more often a name in a program.
        network = written.endswith("::") and written.count(":") > _FEWEST_COLONS
        if _is_address(written if network else written.rstrip(":")):
            zone = _ZONE.match(text, end)
            yield start, zone.end() if zone else end, Kind.IP


_DIGITS = frozenset("0123456789")


def _left(text: str, at: int, of: frozenset[str], most: int) -> int:
    floor = at - most
    while at > floor and text[at - 1] in of:
        at -= 1
    return at


def _right(text: str, at: int, of: frozenset[str], most: int) -> int:
    ceiling = at + most
    while at < ceiling and text[at] in of:
        at += 1
    return at


def _of_number(character: str) -> bool:
    return letter(character) or character == "."


def _is_address(written: str) -> bool:
    """Whether it is the address of some machine: not of every one."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
