"""Telephone numbers in a run of digits: where each may begin and end."""

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers

from assent.redact import shapes
from assent.redact.shapes import (
    ALONE,
    FEWEST_DIGITS,
    OPEN,
    PHONE_DIGITS,
    SURE,
    Window,
)

_GROUP = re.compile(r"[0-9]+")
_ZEROS = re.compile(r"\(0\)")
_COUNTRY = 3  # digits of a country code, at most
_ABROAD_DIGITS = 10  # in one piece after a `+`: a number even with a digit missing
_ABROAD = re.compile(r"\(?(?:00|011)[ \-]?(?=[1-9])")

_JOINING = frozenset((" ", "-", ".", "/", ")", ") ", " (", "(", ")-", "-(", ")/", ")."))
_OPENING = frozenset((" (", "(", "-("))
_AROUND = frozenset((" - ", " / ", ") / ", ") - "))  # inside a number with its `+`
_SOFT = frozenset((" - ", " / ", ". ", "- ", " -", "/ ", " /", ") - ", ".-"))


@lru_cache(maxsize=1 << 14)
def windows(run: str, international: bool) -> tuple[Window, ...]:
    """List what may be a telephone number in a run of digits and separators.

    Args:
        run: begins and ends with a digit; any other character is a barrier.
        international: a `+` stands before it.
    """
    masked = shapes.without_others(run)
    listed: list[Window] = []
    done = 0
    if international:
        first = _international(run)
        if first:
            listed.append(first)
            done = first.end
    for start, end in _segments(masked, done):
        segment = masked[start:end]
        listed.extend(
            Window(start + a, start + b, shapes.varied(segment[a:b], weight))
            for a, b, weight in _in_segment(segment)
            if weight
        )
    return tuple(listed)


def _segments(run: str, at: int) -> Iterator[tuple[int, int]]:
    """Part a run where no number goes on: at barriers, and at odd separators."""
    start = last = -1
    digits = 0
    for group in _GROUP.finditer(run, at):
        between = run[last : group.start()] if last >= 0 else ""
        joins = between in _JOINING or (
            between in _SOFT and digits < PHONE_DIGITS.start
        )
        if between in _OPENING:  # `1 (650)`, `+49 (0)30`; no `f(12345)` behind a name
            closed = run[group.end() : group.end() + 1] == ")"
            joins = closed and (digits <= 3 or group.group() == "0")
        if start >= 0 and not joins:
            yield start, last
            start = -1
        if start < 0:
            start = group.start()
            if start > at and run[start - 1] == "(" and ")" in run[start:]:
                start -= 1
            digits = 0
        last = group.end()
        digits += last - group.start()
    if start >= 0:
        yield start, last


def _in_segment(segment: str) -> list[Window]:
    digits = sum(map(str.isdigit, segment))
    if digits < FEWEST_DIGITS:
        return []
    abroad = _ABROAD.match(segment)
    number = _international(segment[abroad.end() :]) if abroad else None
    if abroad and number and number.weight == SURE:
        return [Window(0, abroad.end() + number.end, ALONE)]
    inside = list(shapes.inside(segment))
    if inside and inside[0].start == 0 and inside[0].weight >= ALONE:
        return inside
    if digits in PHONE_DIGITS or (digits == FEWEST_DIGITS and not segment.isdigit()):
        return [Window(0, len(segment), shapes.whole(segment)), *inside]
    if " " in segment:
        at = 0
        for piece in segment.split(" "):
            if sum(map(str.isdigit, piece)) in PHONE_DIGITS:
                inside.append(Window(at, at + len(piece), shapes.whole(piece)))
            at += len(piece) + 1
    return inside


def _international(run: str) -> Window | None:
    """Find where the number after a `+` ends: the longest that its country allows."""
    zero = _ZEROS.search(run)
    digits = ""
    possible = 0
    ends: list[tuple[int, str]] = []
    for group in _GROUP.finditer(run):
        between = run[ends[-1][0] : group.start()] if ends else ""
        if ends and between not in _JOINING and between not in _AROUND:
            break
        if not (zero and zero.start() < group.start() < zero.end()):
            if ends and len(group.group()) == 1 and len(ends[0][1]) > _COUNTRY:
                break  # `+35236450.6`
            digits += group.group()
        if len(digits) > PHONE_DIGITS[-1]:
            break
        ends.append((group.end(), digits))
    for end, written in reversed(ends):
        if len(written) < PHONE_DIGITS.start:
            break
        number = shapes.parsed("+" + written, None)
        if number is None:
            continue
        if phonenumbers.is_valid_number(number):
            return Window(0, end, SURE)
        if not possible and phonenumbers.is_possible_number(number):
            possible = end
    if possible:
        return Window(0, possible, SURE if len(ends) > 1 else ALONE)
    if ends and len(ends[-1][1]) >= PHONE_DIGITS.start + 1:
        sure = len(ends) > 1 or len(ends[-1][1]) >= _ABROAD_DIGITS
        return Window(0, ends[-1][0], ALONE if sure else OPEN)
    return None
