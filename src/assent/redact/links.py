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

from assent.redact.spans import Found, Kind, Signs, of_word, signs_of

_DOMAIN = re.compile(r"@([\w-]+(?:\.[\w-]+)*)")
_LOCAL = frozenset("_.!#$%&'*+/=?^{|}~-")

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
_QUOTE = re.compile(r"\n ?>[^\n]*(?:\n{1,2} ?>[^\n]*)*")


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
        if start == at:
            continue
        domain = found.group(1)
        internal = at - start >= 2 and len(domain) >= 2 and domain[0].isalpha()
        if "." in domain or internal:
            yield start, found.end(), Kind.EMAIL


# The second `@` belongs to it: `@anna@social.example` is one handle.
_HANDLE = re.compile(r"@\w+(?:[.@-]\w+)*")


def _handles(text: str, at_signs: Places) -> Iterator[Found]:
    for found in _matches(_HANDLE, text, at_signs):
        if not of_word(text[found.start() - 1]):
            yield found.start(), found.end(), Kind.HANDLE


_TARGET = r"[^\s<>\"\0]+"
_SCHEME = re.compile(r"://" + _TARGET)
_WWW = re.compile(r"\." + _TARGET)
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
            yield start, end, Kind.URL
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
_HEX = frozenset("0123456789abcdefABCDEF")
_OCTET, _GROUP = 4, 5  # characters from one sign to the next, at most


def _ips(text: str, colons: Places, dots: Places) -> Iterator[Found]:
    near = np.diff(dots) <= _OCTET
    for found in _matches(_MIDDLE, text, dots[:-2][near[:-1] & near[1:]]):
        start = _left(text, found.start(), _DIGITS, 3)
        end = _right(text, found.end(), _DIGITS, 3)
        # A version or a section number goes on, or begins, with one more group.
        longer = text[end] == "." and text[end + 1].isdigit()
        glued = _of_number(text[start - 1]) or text[end].isalnum()
        if not (longer or glued) and _is_address(text[start:end]):
            yield start, end, Kind.IP
    near = np.diff(colons) <= _GROUP
    for found in _matches(_COLONS, text, colons[:-1][near]):
        start = _left(text, found.start(), _HEX, 4)
        end = found.end()
        glued = text[start - 1].isalnum() or text[end].isalnum()
        if not glued and _is_address(text[start:end].rstrip(":")):
            yield start, end, Kind.IP


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
    return character.isalnum() or character == "."


def _is_address(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True
