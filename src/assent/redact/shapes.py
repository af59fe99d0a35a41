"""Shapes of telephone numbers: how sure they are without any word beside them.

A plan of numbers says which numbers exist, not how people write them. A shape that only
telephone numbers have is enough alone; others need a word (`assent.redact.context`).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

PHONE_DIGITS = range(7, 16)  # E.164 allows fifteen
FEWEST_DIGITS = 6  # after a word that says so: Greenland, Andorra
SEPARATORS = " ().-/"
BLOT = "~"  # in the place of what is something else: no number goes over it

SURE = 4  # an international number that its country could have given out
ALONE = 3  # no word needed
LIKELY = 2  # with any word for a number, or alone on its line
OPEN = 1  # with a word for a telephone
NEVER = 0


class Window(NamedTuple):
    """A stretch of a run that may be one number: characters of it, and how sure."""

    start: int
    end: int
    weight: int


# What looks like groups of a number and is not: dates, addresses of machines, decimals,
# ISBN, ISSN. Bounded by anything but another group.
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_OTHER = re.compile(
    r"(?<![0-9])(?<![0-9][.\-/])(?:"
    r"(?:19|20)[0-9]{2}([.\-/])(?:0?[1-9]|1[0-2])\1(?:[12][0-9]|3[01]|0?[1-9])"
    r"|(?:[12][0-9]|3[01]|0?[1-9])([.\-/])(?:[12][0-9]|3[01]|0?[1-9])\2"
    r"(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    r"|(?:19|20)[0-9]{2} (?:0[1-9]|1[0-2]) (?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[1-9]|[12][0-9]|3[01]) (?:0[1-9]|[12][0-9]|3[01]) (?:19|20)[0-9]{2}"
    rf"|(?![0-9]{{2}}(?:\.[0-9]{{2}}){{3}}(?![0-9])){_BYTE}(?:\.{_BYTE}){{3}}"
    r"(?:/[0-9]{1,2})?"
    r"|(?:19|20)[0-9]{2} ?[\-/ ] ?(?:19|20)[0-9]{2}"
    r"|97[89][ \-]?[0-9][ \-]?[0-9]{2,7}[ \-]?[0-9]{1,6}[ \-]?[0-9]"
    r"|[0-9]-[0-9]{2,6}-[0-9]{2,6}-[0-9]"
    r"|[0-9]{1,2}\.[0-9]{5,40}"
    r")(?![0-9]|[.\-/][0-9])"
)
_TRUNK = (
    r"\(?0 ?[1-9][0-9]{0,4}(?:\) ?|\)?[ /\-]| - | / |\)[\-/])"
    r"[0-9]{2,8}(?:[ \-][0-9]{2,5}){0,3}(?:-[0-9]{1,2})?"
)
# Shapes that need no word. Each is flat, and ends where no further group is joined.
_ALONE = re.compile(
    r"(?<![0-9])(?<![0-9][.\-/])(?:"
    # North America: (650) 253-0000, 650-253-0000, 650.253.0000, 1 650 253 0000.
    r"(?P<american>(?:1[ \-]?|1\.(?=[0-9]{3}\.))?"
    r"(?:\([2-9][0-9]{2}\)[ .\-]?[0-9]{3}[ .\-]|[2-9][0-9]{2}(?:"
    r" [0-9]{3}[ \-]|[\-/.][0-9]{3}-|\.[0-9]{3}\.))[0-9]{4})"
    r"|\([2-9][0-9]{2}\) ?[0-9]{7}"
    # A trunk zero: 020 7946 0958, 030/1234567, (0)30-123 45 67, 06.12.34.56.78.
    rf"|(?P<trunk>{_TRUNK}|0[1-9](?:\.[0-9]{{2}}){{4}}|0[1-9][0-9]{{0,2}}\.[0-9]{{6,8}}"
    r"|0[1-9][0-9]{1,3}(?:\.[0-9]{2,4}){2,3})"
    # An area in parentheses: (37) 788-063, 8 (912) 345-67-89.
    r"|(?P<area>(?:[0-9]{1,3}[ \-]?)?\([0-9]{2,5}\)[ \-/]?[0-9]{2,9}"
    r"(?:[ \-][0-9]{2,4}){0,3})"
    # Russia and its neighbours, China, Brazil.
    r"|[78][ \-][0-9]{3}[ \-][0-9]{3}[ \-][0-9]{2}[ \-]?[0-9]{2}"
    r"|1[3-9][0-9][ \-][0-9]{4}[ \-][0-9]{4}"
    r"|[1-9][0-9] 9[0-9]{4}-[0-9]{4}"
    r")(?![0-9]|[.\-/][0-9])"
)
# Groups that hardly anything else has: 668-5702, 12 34 56 78, 612 345 678, 501 23 45.
_GROUPED = re.compile(
    r"[2-9][0-9]{2}[ \-][0-9]{4}|(?!20)[2-9][0-9]{3} [0-9]{4}"
    r"|[1-9][0-9]{1,2}([ \-])[0-9]{2,4}\1[0-9]{2,4}(?:\1[0-9]{2,4}){0,2}"
    r"|[1-9][0-9]{1,2} [0-9]{2,4}-[0-9]{2,4}(?:-[0-9]{2,4})?"
)
_GROUPED_DIGITS = range(7, 13)
_TRUNK_DIGITS = range(9, 14)
_AREA_DIGITS = range(7, 13)
_PAGES = 1000  # the longest article
_YEAR = re.compile(r"\((?:19|20)[0-9]{2}\)")
_GROUP = re.compile(r"[0-9]+")
# Two groups of these lengths are how somebody writes numbers.
_PAIRS = frozenset(
    (
        (3, 4),
        (4, 4),
        (3, 5),
        (3, 6),
        (3, 7),
        (2, 7),
        (2, 6),
        (4, 6),
        (5, 5),
        (5, 6),
        (4, 5),
    )
)
_DAY = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{4}|[0-9]{6})?"
)


def without_others(run: str) -> str:
    """Blot out dates, addresses of machines, decimals, ISBN; the length stays."""
    return _OTHER.sub(lambda found: BLOT * len(found.group()), run)


def inside(segment: str) -> Iterator[Window]:
    """List the numbers in a segment whose shape says that they are numbers."""
    for found in _ALONE.finditer(segment):
        weight = _weight_alone(found)
        if weight:
            yield Window(found.start(), found.end(), weight)


def varied(text: str, weight: int) -> int:
    """Kets and masks of bits are no numbers: two digits or fewer need a word."""
    different = len(set(text).difference(SEPARATORS))
    if different <= 2 and set(text) <= {"0", "1", *SEPARATORS}:
        return NEVER
    return min(weight, OPEN) if different <= 2 else weight


def _weight_alone(found: re.Match[str]) -> int:
    """How sure one of the shapes is, that need no word, now that it is found."""
    text = found.group()
    digits = "".join(filter(str.isdigit, text))
    first = found.start() == 0
    if found["american"]:
        blanks = " " in text and not ("-" in text or "(" in text)
        return LIKELY if blanks and not first else ALONE
    if found["trunk"]:
        if _counting(text):
            return OPEN
        if len(digits) not in _TRUNK_DIGITS and not (
            text[0] == "(" and len(digits) == 8
        ):
            return NEVER if len(digits) < _TRUNK_DIGITS.start - 1 else LIKELY
        return ALONE if first or len(digits) > _TRUNK_DIGITS.start else LIKELY
    if found["area"]:
        if len(digits) not in _AREA_DIGITS or _YEAR.search(text):
            return NEVER
        return ALONE if first else LIKELY
    return ALONE if first else LIKELY


def _counting(text: str) -> bool:
    """`01 02 03 04 05` counts."""
    groups = [int(group) for group in _GROUP.findall(text)]
    return len(groups) > 2 and all(
        b - a == groups[1] - groups[0] for a, b in zip(groups, groups[1:], strict=False)
    )


def _listed(text: str) -> bool:
    """An amount (`612 000 000`), or numbers in their order (`10 20 30 40`)."""
    groups = _GROUP.findall(text)
    if groups[-1] == "000" or (
        set(map(len, groups[1:])) == {3} and (len(groups[0]) < 3 or text[0] < "5")
    ):
        return "-" not in text
    values = [int(group) for group in groups]
    if all(abs(b - a) <= 10 for a, b in zip(values, values[1:], strict=False)):
        return True
    return len(groups) > 3 and (
        values == sorted(values)
        or not any(value % 10 for value in values)
        or values == sorted(values, reverse=True)
    )


def _pages(text: str) -> bool:
    """`4972-4975` is where an article stands."""
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and len(first) == len(last)):
        return False
    return 0 < int(last) - int(first) < _PAGES


def whole(text: str) -> int:
    """How sure a whole segment is, that has no shape of its own."""
    groups = [len(group) for group in _GROUP.findall(text)]
    digits = sum(groups)
    if len(groups) == 1:
        return _weight_of_one(text.strip("()"))
    if _GROUPED.fullmatch(text) and digits in _GROUPED_DIGITS:
        return LIKELY if _listed(text) else ALONE
    if text.count(".") and not (" " in text or "-" in text or "(" in text):
        even = len(groups) >= 3 and set(groups) <= {2, 3, 4}
        if even and text.count(".") == len(groups) - 1 and set(groups) != {3}:
            return LIKELY
        return OPEN if even or (len(groups) == 2 and groups[0] >= 3) else NEVER
    if "." in text:
        return OPEN
    if groups.count(1) > 1 or 1 in groups[1:]:
        return OPEN if digits >= 9 else NEVER
    if "/" in text:
        return OPEN if digits >= 8 else NEVER
    if digits < PHONE_DIGITS.start or max(groups) > 8:
        return OPEN
    if _YEAR.search(text) or _pages(text):
        return OPEN
    if len(groups) == 2:
        return LIKELY if (groups[0], groups[1]) in _PAIRS else OPEN
    if groups[1:] == [3] * (len(groups) - 1) and "-" not in text and text[0] < "5":
        return OPEN  # 1 234 567 is an amount
    if digits <= 11 and max(groups[:-1]) <= 4 and max(groups) <= 5:
        return LIKELY
    return OPEN


def _weight_of_one(digits: str) -> int:
    """How sure a number in one piece is."""
    if len(digits) < PHONE_DIGITS.start or _DAY.fullmatch(digits):
        return NEVER
    if digits.startswith("00"):
        return _weight_abroad(digits[2:])
    if digits[0] == "0":
        counts = digits in "0123456789"
        return ALONE if len(digits) in _TRUNK_DIGITS and not counts else OPEN
    if len(digits) == 10 and valid(digits, "US"):
        return LIKELY if digits.startswith("2147") else ALONE  # 2**31
    if len(digits) == 11 and digits[0] == "1" and valid(digits, "CN"):
        return LIKELY
    return LIKELY if len(digits) >= 10 and valid("+" + digits, None) else OPEN


def _weight_abroad(digits: str) -> int:
    return ALONE if valid("+" + digits, None) else OPEN


@lru_cache(maxsize=1 << 14)
def valid(digits: str, region: str | None) -> bool:
    """Say whether a country could have given a number out."""
    number = parsed(digits, region)
    return number is not None and phonenumbers.is_valid_number(number)


def parsed(digits: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """Read digits, 16 at most; None when they are of no plan."""
    try:
        return phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
