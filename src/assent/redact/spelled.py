"""Numbers dressed up: digits as look-alike letters, between odd signs, glued to words.

Odd signs and letters are only rewritten, so that whoever knows numbers (telephones,
cards, accounts) judges them. Digits said in words are read by `assent.redact.spoken`.
"""

import re
from collections.abc import Iterator

from stdnum import iban, luhn

from assent.redact import banks, context, scattered, shapes
from assent.redact.rewriting import View
from assent.redact.spans import Found, Kind
from assent.redact.spoken import CARD_DIGITS, FEWEST_DIGITS
from assent.redact.vocabulary import Weight

# --- odd signs and letters -----------------------------------------------------------

_LETTERS = str.maketrans(
    {
        **dict.fromkeys("OoОоΟοQØø∅", "0"),
        **dict.fromkeys("Il|!", "1"),
        **dict.fromkeys("Zz", "2"),
        **dict.fromkeys("ЗзЭ", "3"),
        **dict.fromkeys("AЧч", "4"),
        **dict.fromkeys("Ss", "5"),
        **dict.fromkeys("GЬьб", "6"),
        **dict.fromkeys("T", "7"),
        **dict.fromkeys("BВ", "8"),
        **dict.fromkeys("gq", "9"),
    }
)
_ALIKE = "0-9OoОоΟοQØø∅Il|!ZzЗзЭAЧчSsGЬьбTBВgq"
_MIXED = re.compile(
    rf"[{_ALIKE}](?<![\w|][{_ALIKE}])[{_ALIKE}]*"
    rf"(?:[ .,;*+()_/-]{{1,3}}[{_ALIKE}]+)+(?![\w|])"
)
_GROUP = re.compile(rf"[{_ALIKE}]+")
_SIZE = re.compile("[0-9]+[GTBgs]")  # `120G+320G`
_ONES_AND_ZEROS = frozenset("OoОоØø∅Il|!")


def digits(view: View) -> View:
    """Put digits for letters that look like them, and hyphens for odd signs between."""
    view = view.rewritten(_MIXED, _as_digits)
    if _WORD_BETWEEN.search(view.text):
        view = view.rewritten(_ACCOUNT_IN_WORDS, _as_account)
    view = view.replaced(sorted(scattered.joints(view.text)))
    if _IS_ODD.search(view.text):
        view = view.rewritten(_ODD, _as_hyphen)
    if view.text.count("/") > 1:
        view = view.rewritten(_SLASHES, lambda found: found.group().replace("/", "-"))
    view = view.rewritten(_COLUMN, _as_row).rewritten(_STACKED, _as_stack)
    return view.rewritten(_BROKEN, _as_blank)


def _as_digits(found: re.Match[str]) -> str | None:
    text = found.group()
    groups = _GROUP.findall(text)
    if sum(map(bool, map(_SIZE.fullmatch, groups))) > 1:
        return None
    read = 0
    for group in groups:
        plain = sum(map(str.isdecimal, group))
        read += plain
        if not plain and not _ONES_AND_ZEROS.issuperset(group) and len(set(group)) > 1:
            return None  # a word of letters that also look like digits
    size = sum(map(len, groups))
    card = (
        size in CARD_DIGITS
        and read
        and _ONES_AND_ZEROS.issuperset(
            character for character in text if character.isalpha()
        )
    )
    if size == read or size < FEWEST_DIGITS or (2 * read < size - 2 and not card):
        return None
    return _GROUP.sub(lambda group: group.group().translate(_LETTERS), text)


_BEHIND = (
    r"(?: ?(?:_{1,3}|\*{1,3}|\.{2,4}|\\|\|{1,3} ?|~{1,3} ?|\+|&|\^)(?=[0-9])"
    r"| ?[^\x00-\xa1\w\s$%]{1,3} ?(?=[0-9])"
    r"|(?<=[0-9]{4}) ?# ?(?=[0-9]{1,5}(?![0-9]))|\) ?\((?=[0-9]{2})"
    r"|[\]}>] ?[\[{<]?(?=[0-9]{3})|[\]}>][\[{<](?=[0-9]{2}(?![0-9]))"
    r"| \. (?=[0-9]{3})|[\]}>]?-[\[{<](?=[0-9]{3})"
    r"|\((?=[0-9]{1,4}\) ?[0-9]{5})"
    r"|(?<=-[0-9]{4}),(?=[0-9]{3,6}(?![0-9])))"
)
_ODD = re.compile(f"(?<=[0-9]){_BEHIND}")
_IS_ODD = re.compile(f"[0-9]{_BEHIND}")  # the same, and faster to search


_LONG_DASHES = frozenset("\u2013\u2014")


_CLOSING = frozenset("]}>")
_TRUNK = re.compile(r"[^0-9]?0")  # alone in brackets: `{0}7700`
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}")


def _as_hyphen(found: re.Match[str]) -> str | None:
    if _YEAR.fullmatch(found.string, max(0, found.start() - 4), found.start()):
        return None  # `backup_2012_06_20`
    if found.group().strip() in _LONG_DASHES:
        around = found.string[max(0, found.start() - 8) : found.end() + 8]
        if sum(map(around.count, _LONG_DASHES)) < 2:
            return None  # from one page or year to another
    if found.group() in _CLOSING and _TRUNK.fullmatch(
        found.string, max(0, found.start() - 2), found.start()
    ):
        return ""
    return "x" if found.group().strip() in ("#", ",") else "-"  # an extension


_SLASHES = re.compile(r"(?<![0-9/])0[0-9]{2,4}/[0-9]{4,6}/[0-9]{2,5}(?![0-9/])")
_BROKEN = re.compile(r"\n(?<=[0-9]\n)(?:> ?)?(?=[0-9])")
_STACKED = re.compile(
    r"[0-9](?<![\w.,-][0-9])[0-9]{1,4}(?:\n[0-9]{2,8}){2,4}(?![^\n\0])"
)
_STACKED_DIGITS = range(9, 13)


def _as_stack(found: re.Match[str]) -> str | None:
    """Join groups of a number below each other, if a word says that they are one."""
    digits = found.group().replace("\n", "")
    likely = digits[0] == "0" or shapes.valid(digits, "US")
    if len(digits) not in _STACKED_DIGITS or not likely:
        return None
    hint = context.before(found.string, found.start())
    said = hint.kind is Kind.PHONE and hint.weight > Weight.NOTHING
    return found.group().replace("\n", "-") if said else None


_COLUMN = re.compile(
    r"\n(?<=[0-9]\n)(?<![^\n][0-9]\n)[0-9](?:\n[0-9]){5,13}(?![^\n\0])"
)


def _as_row(found: re.Match[str]) -> str | None:
    """Join single digits below each other, if a word says that they are a number."""
    hint = context.before(found.string, found.start() - 1)
    if hint.kind is not Kind.PHONE or hint.weight <= Weight.NOTHING:
        return None
    return found.group().replace("\n", "")


_LINE = 120  # characters: no line that breaks inside a number is longer


def _as_blank(found: re.Match[str]) -> str | None:
    """Join two lines at a break between digits; three such lines are a table."""
    text = found.string
    start, end = found.span()
    before = text.rfind("\n", max(0, start - _LINE), start)
    after = text.find("\n", end, end + _LINE)
    table = (
        before > 0 and text[before - 1].isdecimal() and text[before + 1].isdecimal()
    ) or (
        after > 0
        and text[after - 1].isdecimal()
        and text[after + 1 : after + 2].isdecimal()
    )
    return None if table else " "


_CARD = re.compile(
    r"[0-9](?<![0-9][0-9])(?<![0-9] [0-9])"  # the digit first: much faster to search
    r"(?:[0-9]{3}[^\w\0]{1,3}(?:[0-9]{4}[^\w\0]{1,3}){2}[0-9]{1,7}"
    r"|[0-9] (?:[0-9]{2} ){6}[0-9]{2}"
    r"|[0-9]{3}[^\w\0][0-9]{6}[^\w\0][0-9]{5}"
    r"|[0-9]{4}(?P<sign>[^\w\s\0.,-])[0-9]{5}(?P=sign)[0-9]{5}(?P=sign)[0-9]{1,4})"
    r"(?! ?[0-9])"
)
_CARD_IN_LINES = re.compile(r"\n(?<![0-9]\n)([0-9]{4}(?:\n[0-9]{4}){3})\n(?![0-9])")


# What numbers are glued to: a word before or behind hides them from other detectors.
_GLUED = re.compile(
    r"(?<=phone|obile)0[1-9][0-9]{8,9}(?![0-9])"
    r"|(?<=tel|fon|mob|ero|mer|app)0[1-9][0-9]{8,9}(?![0-9])|"
    r"(?<=[^\W\d_])(?:\+[0-9]{8,15}|1?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})(?![0-9])"
    r"|(?<![0-9])1?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}(?=[^\W\d_])"
    # A code that hides who calls, and an area said afterwards.
    r"|[*#][0-9]{2}[ #*]?1?[ -]?\(?[2-9][0-9]{2}[) .-]{1,2}[0-9]{3}[ .-][0-9]{4}"
    r"(?![0-9])"
    r"|(?<![0-9])[0-9]{3}[ .-][0-9]{4},? area (?:code )?\(?[2-9][0-9]{2}\)?(?![0-9])"
)
# In each of them. A search that begins with a digit is many times as fast.
_ABROAD_DIGITS = 10
_MAY_BE_GLUED = re.compile(r"[0-9][0-9]{2}(?:[0-9]{5}|[ .-][0-9]{4})")
_ACCOUNT = re.compile(
    r"(?<![0-9])[A-Za-z]{2}[._/:*|~-]?[0-9]{2}(?:[A-Z0-9]{11,30}|(?:[^\w\0]{1,3}[A-Za-z0-9]{1,7}){3,9})"
)
_ACCOUNT_IN_WORDS = re.compile(
    rf"(?<!\w)[a-z]{{2}}[0-9]{{2}}(?: (?:{scattered.BETWEEN}) [a-z0-9]{{1,4}}){{3,8}}"
    r"(?!\w)",
    re.IGNORECASE,
)


_COUNTRY = re.compile(
    r"[0-9](?:(?<=[A-Za-z][A-Za-z][0-9])|(?<=[A-Za-z][A-Za-z][._/:*|~-][0-9]))[0-9]"
)  # in each account
_WORD_BETWEEN = re.compile(rf"[0-9] (?:{scattered.BETWEEN}) [a-z0-9]", re.IGNORECASE)


def _as_account(found: re.Match[str]) -> str:
    return "-".join(re.split(f" (?:{scattered.BETWEEN}) ", found.group()))


def glued(text: str) -> Iterator[Found]:
    """Find telephone numbers without a blank to the word beside them."""
    yield from _abroad(text)
    if not _MAY_BE_GLUED.search(text):
        return
    for found in _GLUED.finditer(text):
        yield found.start(), found.end(), Kind.PHONE


_ABROAD = re.compile(
    r"\+(?<=[^\W\d_]\+)([1-9][0-9]{0,2}(?:[ .-][0-9]{1,4}){3,6})(?![0-9])"
)
_BACKWARDS = re.compile(r"(?<![\w+.-])[0-9](?:[ .-]?[0-9]){9,14}\+(?![\w+])")
_SAYS_BACKWARDS = re.compile(
    r"\b(?:backwards?|reversed|in reverse|ruckwarts|al reves|a l'envers)\b",
    re.IGNORECASE,
)
_ANY = re.compile(r"(?<![\w.+-])[0-9](?:[ .()-]{0,2}[0-9]){8,11}(?![\w.-]?[0-9])")
# A table has made a number of it: 4.47700900123E+11.
_POWER = re.compile(r"[1-9](?<![\w.][0-9])\.([0-9]{8,13})E\+(1[0-3])(?![0-9])")


def _abroad(text: str) -> Iterator[Found]:
    """Find numbers with the code of a country, glued to a word or as a power of ten."""
    for found in _ABROAD.finditer(text):
        digits = "".join(filter(str.isdecimal, found[1]))
        if len(digits) >= _ABROAD_DIGITS and shapes.parsed(f"+{digits}", None):
            yield found.start(), found.end(), Kind.PHONE
    for found in _BACKWARDS.finditer(text):
        digits = "".join(filter(str.isdecimal, found.group()))[::-1]
        if len(digits) >= _ABROAD_DIGITS and shapes.valid(f"+{digits}", None):
            yield found.start(), found.end(), Kind.PHONE
    if _SAYS_BACKWARDS.search(text):
        for found in _ANY.finditer(text):
            digits = "".join(filter(str.isdecimal, found.group()))[::-1]
            if digits[0] == "0" or shapes.valid(digits, "US"):
                yield found.start(), found.end(), Kind.PHONE
    for found in _POWER.finditer(text):
        if len(found[1]) == int(found[2]):
            hint = context.before(text, found.start())
            if hint.kind is Kind.PHONE and hint.weight > Weight.NOTHING:
                yield found.start(), found.end(), Kind.PHONE


def accounts(text: str) -> Iterator[Found]:
    """Find bank accounts whose groups stand apart by any sign, or by none at all."""
    if not _COUNTRY.search(text):
        return
    for found in _ACCOUNT.finditer(text):
        letters = [
            (at, text[at])
            for at in range(found.start(), found.end())
            if text[at].isalnum()
        ]
        written = "".join(letter for _, letter in letters).upper()
        size = banks.length(written[:2])
        if 0 < size <= len(written) and iban.is_valid(written[:size]):
            yield found.start(), letters[size - 1][0] + 1, Kind.IBAN


_UNUSUAL = re.compile(r"[^0-9 -]|[ -]{2}|^[0-9]{2} ")  # others know what is usual


def cards(text: str) -> Iterator[Found]:
    """Find card numbers whose groups stand apart by any sign."""
    for found in _CARD.finditer(text):
        plain = "".join(filter(str.isdecimal, found.group()))
        if (
            _UNUSUAL.search(found.group())
            and found.group().count("\n") <= 1  # a column of a table has more
            and len(plain) in CARD_DIGITS
            and luhn.is_valid(plain)
        ):
            yield found.start(), found.end(), Kind.CARD
    for found in _CARD_IN_LINES.finditer(text):
        if banks.is_card(found[1].replace("\n", "")):
            yield *found.span(1), Kind.CARD
