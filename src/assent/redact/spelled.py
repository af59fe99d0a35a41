"""Numbers written out: digits as words, as look-alike letters, between odd signs.

A run of number words is judged here. Odd signs and letters are only rewritten, so that
whoever knows numbers (telephones, cards, accounts) judges them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stdnum import iban, luhn

from assent.redact import number_words
from assent.redact.rewriting import View
from assent.redact.spans import Found, Kind

FEWEST_DIGITS = 7
_MOST_DIGITS = 19
_CARD_DIGITS = range(13, 20)
_FEWEST_WORDS = 3  # `two 1234567` is two of something

_SIGNS = "".join(number_words.BY_CHARACTER)
_LETTER = rf"(?:(?![{_SIGNS}])[^\W\d_])"
_WORD = re.compile(rf"[{_SIGNS}]+|{_LETTER}+(?:'{_LETTER}+)*|[0-9]+")
_GAP = re.compile(r"[ ,.;:/()\n+_*|\-]{0,4}")
_CUE = re.compile(
    r"(?:tel|fon|cel|whats|phone|call|mobile|cell|whatsapp|fax|sms|dial|ring|text|reach|number|nummer"
    r"|handy|mobil|anruf|appel|joign|portable|llama|movil|chiam|liga|bel|numer|звон"
    r"|번호|전화|연락|電話|电话|手机|番号|τηλ|هاتف|טלפון|फन|telefon"
    r"|card|visa|karte|carte|carta|tarjeta|pin|account|konto)",
    re.IGNORECASE,
)
_CUE_CHARACTERS = 40


@dataclass(slots=True)
class _Run:
    """A run of number words so far.

    Args:
        start: of its first word.
        end: after its last word that is a number.
        values: of its words, as digits.
        count: of the words that are not digits already.
        languages: that know every word.
    """

    start: int
    end: int
    values: list[str]
    count: int
    languages: frozenset[str]

    @property
    def digits(self) -> str:
        return "".join(self.values)


def spelled(text: str) -> Iterator[Found]:
    """Find numbers of seven digits or more that are said in words."""
    for run in _runs(text):
        digits = run.digits
        if not run.count:
            continue  # digits alone are for others
        if not FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
            continue
        before = text[max(0, run.start - _CUE_CHARACTERS) : run.start]
        cue = _CUE.search(before)
        if len(digits) in _CARD_DIGITS and luhn.is_valid(digits):
            yield run.start, run.end, Kind.CARD
        elif cue or (run.count >= _FEWEST_WORDS and not _counts(run)):
            yield run.start, run.end, Kind.PHONE


def _runs(text: str) -> Iterator[_Run]:
    run: _Run | None = None
    repeat, repeat_start, last = 1, 0, 0
    for found in _WORD.finditer(text):
        gap = _GAP.fullmatch(text, last, found.start())
        last = found.end()
        if run and not gap:
            yield run
            run, repeat = None, 1
        word = found.group().lower()
        if run and word in number_words.HUNDREDS and len(run.values[-1]) == 1:
            run.values[-1] += "00"
            run.end = found.end()
            continue
        if word in number_words.REPEATS:
            repeat, repeat_start = number_words.REPEATS[word], found.start()
            continue
        value, languages = _value(word, run)
        if value and run and not (run.languages & languages):
            yield run
            run = None
        if value:
            start = repeat_start if repeat > 1 else found.start()
            run = run or _Run(_signed(text, start), 0, [], 0, languages)
            run.end = found.end()
            apart = languages is _ANY and not word.isdecimal()
            run.values += list(value) if apart else [value * repeat]
            run.count += 0 if word.isdecimal() else len(value) if apart else 1
            run.languages &= languages
        elif run and word not in number_words.BETWEEN:
            yield run
            run = None
        repeat = 1
    if run:
        yield run


_ANY = frozenset(
    language for known in number_words.NUMBERS.values() for language in known
)


def _value(word: str, run: _Run | None) -> tuple[str, frozenset[str]]:
    """Say which digits a word stands for, empty when none, and in which languages."""
    if word.isdecimal():
        return word, _ANY
    known = number_words.NUMBERS.get(word)
    if known:
        language = min(run.languages & known.keys() if run else known, default="")
        return (str(known[language]), frozenset(known)) if language else ("", _ANY)
    if word[0] in number_words.BY_CHARACTER and all(
        map(number_words.BY_CHARACTER.get, word)
    ):
        return "".join(map(number_words.BY_CHARACTER.__getitem__, word)), _ANY
    if number_words.GLUED.fullmatch(word):
        parts = number_words.GLUED_PARTS.findall(word)
        digits = [number_words.NUMBERS[part]["en"] for part in parts]
        return "".join(map(str, digits)), frozenset({"en"})
    return "", _ANY


def _signed(text: str, start: int) -> int:
    """Take a `plus` before the first digit along."""
    for sign in ("plus ", "plus", "+"):
        if text[max(0, start - len(sign)) : start].lower() == sign:
            return start - len(sign)
    return start


def _counts(run: _Run) -> bool:
    """Whether somebody counts, in steps or in time: no number looks like this."""
    if any(len(value) > 2 for value in run.values):
        return False
    values = [int(value) for value in run.values]
    steps = {after - before for before, after in zip(values, values[1:], strict=False)}
    rising = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    few = len(set(run.digits)) <= 2
    french = run.values[0] == "0" and len(run.digits) >= 10 and steps != {1}
    return few or (rising and not french)


# --- odd signs and letters -----------------------------------------------------------

_LETTERS = str.maketrans(
    {
        **dict.fromkeys("OoОоΟοQ", "0"),
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
_ALIKE = "0-9OoОоΟοQIl|!ZzЗзЭAЧчSsGЬьбTBВgq"
_MIXED = re.compile(
    rf"(?<![\w|])[{_ALIKE}]+(?:[ .*+()_/-]{{1,3}}[{_ALIKE}]+)+(?![\w|])"
)
_GROUP = re.compile(rf"[{_ALIKE}]+")
_ONES_AND_ZEROS = frozenset("OoОоIl|")


def digits(view: View) -> View:
    """Put digits for letters that look like them, and hyphens for odd signs between."""
    view = view.rewritten(_MIXED, _as_digits)
    view = view.rewritten(_ODD, _as_hyphen)
    view = view.rewritten(_SLASHES, lambda found: found.group().replace("/", "-"))
    return view.rewritten(_BROKEN, _as_blank)


def _as_digits(found: re.Match[str]) -> str | None:
    text = found.group()
    read = 0
    for group in _GROUP.findall(text):
        plain = sum(map(str.isdecimal, group))
        read += plain
        if not plain and not _ONES_AND_ZEROS.issuperset(group):
            return None  # a word of letters that also look like digits
    size = sum(map(len, _GROUP.findall(text)))
    card = (
        size in _CARD_DIGITS
        and read
        and _ONES_AND_ZEROS.issuperset(
            character for character in text if character.isalpha()
        )
    )
    if size == read or size < FEWEST_DIGITS or (2 * read < size - 1 and not card):
        return None
    return _GROUP.sub(lambda group: group.group().translate(_LETTERS), text)


_ODD = re.compile(
    r"(?<=[0-9])(?: ?(?:_{1,3}|\*{1,3}|\.{2,4}|\\|\|{1,3} ?|~{1,3} ?|\+|&|\^)(?=[0-9])"
    r"| ?[^\x00-\xa1\w\s$%]{1,3} ?(?=[0-9])"
    r"|(?<=[0-9]{4}) ?# ?(?=[0-9]{1,5}(?![0-9]))|\) ?\((?=[0-9]{3})"
    r"|[\]}>] ?[\[{<]?(?=[0-9]{3})| \. (?=[0-9]{3})|[\]}>]?-[\[{<](?=[0-9]{3})"
    r"|\((?=[0-9]{1,4}\) ?[0-9]{5})"
    r"|(?<=-[0-9]{4}),(?=[0-9]{3,6}(?![0-9])))"
)


_LONG_DASHES = frozenset("\u2013\u2014")


def _as_hyphen(found: re.Match[str]) -> str | None:
    if found.group().strip() in _LONG_DASHES:
        around = found.string[max(0, found.start() - 8) : found.end() + 8]
        if sum(map(around.count, _LONG_DASHES)) < 2:
            return None  # from one page or year to another
    return "x" if found.group().strip() in ("#", ",") else "-"  # an extension


_SLASHES = re.compile(r"(?<![0-9/])0[0-9]{2,4}/[0-9]{4,6}/[0-9]{2,5}(?![0-9/])")
_BROKEN = re.compile(r"(?<=[0-9])\n(?:> ?)?(?=[0-9])")
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
    r"(?<![0-9])(?<![0-9] )(?:(?:[0-9]{4}[^\w\0]{1,3}){3}[0-9]{1,7}"
    r"|(?:[0-9]{2} ){7}[0-9]{2}|[0-9]{4}[^\w\0][0-9]{6}[^\w\0][0-9]{5})(?! ?[0-9])"
)


# What numbers are glued to: a word before or behind hides them from other detectors.
_GLUED = re.compile(
    r"(?<=[^\W\d_])(?:\+[0-9]{8,15}|1?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4})(?![0-9])"
    r"|(?<![0-9])1?[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}(?=[^\W\d_])"
    # A code that hides who calls, and an area said afterwards.
    r"|[*#][0-9]{2}[ #*]?1?[ -]?\(?[2-9][0-9]{2}[) .-]{1,2}[0-9]{3}[ .-][0-9]{4}"
    r"(?![0-9])"
    r"|(?<![0-9])[0-9]{3}[ .-][0-9]{4},? area (?:code )?\(?[2-9][0-9]{2}\)?(?![0-9])"
)
_ACCOUNT = re.compile(
    r"(?<![0-9])[A-Za-z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?:[^\w\0]{1,3}[A-Za-z0-9]{1,7}){3,9})"
)
_ACCOUNT_CHARACTERS = range(15, 35)


def glued(text: str) -> Iterator[Found]:
    """Find telephone numbers without a blank to the word beside them."""
    for found in _GLUED.finditer(text):
        yield found.start(), found.end(), Kind.PHONE


def accounts(text: str) -> Iterator[Found]:
    """Find bank accounts whose groups stand apart by any sign, or by none at all."""
    for found in _ACCOUNT.finditer(text):
        letters = [
            (at, text[at])
            for at in range(found.start(), found.end())
            if text[at].isalnum()
        ]
        written = "".join(letter for _, letter in letters).upper()
        for size in reversed(_ACCOUNT_CHARACTERS):
            if size <= len(written) and iban.is_valid(written[:size]):
                yield found.start(), letters[size - 1][0] + 1, Kind.IBAN
                break


_UNUSUAL = re.compile(r"[^0-9 -]|[ -]{2}|^[0-9]{2} ")  # others know what is usual


def cards(text: str) -> Iterator[Found]:
    """Find card numbers whose groups stand apart by any sign."""
    for found in _CARD.finditer(text):
        plain = "".join(filter(str.isdecimal, found.group()))
        if (
            _UNUSUAL.search(found.group())
            and found.group().count("\n") <= 1  # a column of a table has more
            and len(plain) in _CARD_DIGITS
            and luhn.is_valid(plain)
        ):
            yield found.start(), found.end(), Kind.CARD
