"""IP addresses as resolvers read them and people seldom write them: `0xC0.0.2.7`."""

import re
from collections.abc import Iterator

from assent.redact import disguise_words as words
from assent.redact import spoken
from assent.redact.spans import Found, Kind

NUMBER = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_BASES = re.compile(r"0x[0-9a-f]{1,2}(?:\.0x[0-9a-f]{1,2}){3}\b", re.IGNORECASE)
_ZONED = re.compile(r"\bfe80:[0-9a-f:]{2,35}%[0-9a-z]{1,12}", re.IGNORECASE)
_SAYS_IP = r"\bip(?:v4)?(?: ?addresse?)?[ :=]{1,3}(?:[a-z]{1,9} ?[:=]? )?"
_IN_COMMAS = re.compile(
    rf"{_SAYS_IP}({NUMBER}(?:,{NUMBER}){{3}})(?![\w,])", re.IGNORECASE
)
_IN_HOST = re.compile(
    r"(?=[0-9])(?<![0-9])(?<![0-9]-)"
    rf"({NUMBER}(?:-{NUMBER}){{3}}(?:\.[a-z][\w-]{{0,62}}){{2,6}})",
    re.IGNORECASE,
)
_BACKWARDS = re.compile(
    rf"(?<![\w.]){NUMBER}(?:\.{NUMBER}){{3}}\.in-addr\.arpa\b"
    r"|(?<![\w.])(?:[0-9a-f]\.){8,32}ip6\.arpa\b",
    re.IGNORECASE,
)
_OCTET = r"(?:[01][0-9]{2}|2[0-4][0-9]|25[0-5])"
_PADDED = re.compile(rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9]|\.[0-9])")
_EIGHTS = r"0[0-3][0-7]{2}"
_OCTAL = re.compile(
    rf"(?<![\w.]){_EIGHTS}(?:\.(?:{_EIGHTS}|{NUMBER})){{3}}(?![\w]|\.[0-9])"
)
# What resolvers read too: the last number fills all that is left. So does a version.
_SHORT = re.compile(rf"(?<![\w.])({NUMBER}\.{NUMBER}\.([0-9]{{4,5}}))(?!\w|\.[0-9])")
_WHOLE = re.compile(rf"{_SAYS_IP}(0x[0-9a-f]{{8}}|[1-4][0-9]{{9}})\b", re.IGNORECASE)
_COMES_FROM = re.compile(
    r"\b(?:ip(?:v4)?|log(?:in|ged in)|sign(?:ed)? ?in|ping|connect\w*|joined|banned)\b"
    r"[^\n\0]{0,20}$",
    re.IGNORECASE,
)
_COMES_FROM_CHARACTERS = 36
_SIXTEEN_BITS = range(256, 1 << 16)
_SIGNED = (
    ("0x", 4, _BASES),
    ("fe80:", 1, _ZONED),
    (",", 3, _IN_COMMAS),
    ("-", 3, _IN_HOST),
    (".arpa", 1, _BACKWARDS),
    ("ip", 1, _WHOLE),
)
"""What stands in each address, how often, and how the whole looks."""


def machines(text: str) -> Iterator[Found]:
    """Find IP addresses with padded or hexadecimal numbers, or with other signs."""
    lower = text.lower()
    for sign, times, pattern in _SIGNED:
        if lower.count(sign) >= times:
            for found in pattern.finditer(text):
                yield *found.span(pattern.groups), Kind.IP
    if text.count(".") < 2:
        return
    for found in _PADDED.finditer(text):
        numbers = found.group().split(".")
        # 100.000.000.000 is an amount.
        if any(number[0] == "0" and int(number) for number in numbers):
            yield found.start(), found.end(), Kind.IP
    for found in _OCTAL.finditer(text):
        yield found.start(), found.end(), Kind.IP
    for found in _SHORT.finditer(text):
        before = text[max(0, found.start() - _COMES_FROM_CHARACTERS) : found.start()]
        if int(found[2]) in _SIXTEEN_BITS and _COMES_FROM.search(before):
            yield *found.span(1), Kind.IP


_DOT = re.compile(f" (?:{words.SURE_DOT}|point) ", re.IGNORECASE)
_SAID_CHARACTERS = 40  # `one hundred and twenty three`
_MOST_WORDS = 6
_BYTE = 255


def said(text: str) -> Iterator[Found]:
    """Find IP addresses said in words: `one nine two dot zero dot two dot seven`."""
    dots = [found.span() for found in _DOT.finditer(text)]
    done = 0
    for at in range(len(dots) - 2):
        (first, _), (_, last) = dots[at], dots[at + 2]
        if first < done:
            continue  # inside one that was found
        inner = [text[dots[i][1] : dots[i + 1][0]] for i in (at, at + 1)]
        if any(len(each) > _SAID_CHARACTERS or not _is_byte(each) for each in inner):
            continue
        start = _byte_before(text, first)
        end = _byte_after(text, last)
        if start < first and last < end:
            done = end
            yield start, end, Kind.IP


def _is_byte(said_number: str) -> bool:
    runs = [*spoken.runs(said_number)]
    return (
        len(runs) == 1
        and "," not in said_number
        and (runs[0].start, runs[0].end) == (0, len(said_number))
        and runs[0].count > 0
        and int(runs[0].digits) <= _BYTE
    )


def _byte_before(text: str, end: int) -> int:
    """Where the number starts that ends here; `end` itself if there is none."""
    floor = max(0, end - _SAID_CHARACTERS)
    starts = [floor + found.start() for found in _WORD.finditer(text[floor:end])]
    near = starts[-_MOST_WORDS:]
    return next((start for start in near if _is_byte(text[start:end])), end)


def _byte_after(text: str, start: int) -> int:
    """Where the number ends that starts here; `start` itself if there is none."""
    ceiling = text[start : start + _SAID_CHARACTERS]
    ends = [start + found.end() for found in _WORD.finditer(ceiling)][:_MOST_WORDS]
    return next((end for end in reversed(ends) if _is_byte(text[start:end])), start)


_WORD = re.compile(r"\w+")
