"""Numbers said in words: `oh two, double five`, `nulleinssieben`, `f1ve zer0`.

A run of number words is judged by how many digits it says, by a word before it, and by
whether somebody only counts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stdnum import iban, luhn

from assent.redact import alphabets, banks, number_words, shapes
from assent.redact.spans import Found, Kind

FEWEST_DIGITS = 7
MOST_DIGITS = 19
CARD_DIGITS = range(13, 20)
_FEWEST_WORDS = 3  # `two 1234567` is two of something
_TRUNK_DIGITS = range(10, 12)
_CARD_WORDS = 7  # the fewest for thirteen digits
_SHORT = 3  # letters: shorter words are everyday ones in some language
_SURE_DIGITS = 9  # fewer are as often scores: `eight, nine, ten, nine, seven`

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
_ARTICLES = frozenset(("the", "die", "la", "el", "le", "de", "o", "lo"))
_ANY = frozenset(
    language for known in number_words.NUMBERS.values() for language in known
)


@dataclass(slots=True)
class Run:
    """A run of number words so far.

    Args:
        start: of its first word.
        end: after its last word that is a number.
        languages: that know every word.
        values: of its words, as digits.
        count: of the words that are not digits already.
        heard: after its last word, which may only sound like a number.
        short: it is one word of two letters, as long as nothing follows.
        waiting: digits of words that sound like numbers, until a number follows.
    """

    start: int
    end: int
    languages: frozenset[str]
    values: list[str] = field(default_factory=list)
    count: int = 0
    waiting: list[str] = field(default_factory=list)
    short: bool = False
    heard: int = 0

    @property
    def digits(self) -> str:
        """All that its words say."""
        return "".join(self.values)

    def add(self, values: list[str], words: int) -> None:
        """Add what one word says; `thirty` and `four` are two digits, not three."""
        self.values += self.waiting
        self.count += len(self.waiting)
        self.waiting.clear()
        for value in values:
            last = self.values[-1] if self.values else ""
            if words and _continues(last, value):
                self.values[-1] = str(int(last) + int(value))
            else:
                self.values.append(value)
        self.count += words


def _continues(last: str, value: str) -> bool:
    """Whether two numbers are said as one: `forty two`, `six hundred twenty`."""
    if len(value) == 1 and value != "0":  # after tens, also those of hundreds
        return len(last) in (2, 3) and last[-1] == "0" and last[-2] in "23456789"
    return len(last) == 3 and last.endswith("00") and len(value) == 2


def spelled(text: str) -> Iterator[Found]:
    """Find numbers of seven digits or more that are said in words."""
    text = _LEET.sub(_plain, text)
    for run in runs(text):
        run = _completed(text, run)
        digits = run.digits
        if not run.count:
            continue  # digits alone are for others
        if country := _country(text, run):
            yield country.start(), run.end, Kind.IBAN
            continue
        if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
            continue
        before = text[max(0, run.start - _CUE_CHARACTERS) : run.start]
        words = run.count >= _FEWEST_WORDS or (
            digits[0] == "0" and len(digits) in _TRUNK_DIGITS
        )
        likely = words and not _counts(run) and not _scores(run)
        cue = _CUE.search(before) is not None or _said_after(text, run.end)
        said = likely or cue or run.count >= _CARD_WORDS
        if len(digits) in CARD_DIGITS and luhn.is_valid(digits) and said:
            yield run.start, run.end, Kind.CARD
        elif likely or cue:
            yield run.start, run.end, Kind.PHONE


_AFTER = re.compile(
    r",? (?:is |ist |es |est )?(?:my|mein|meine|mi|mon|mijn|meu|il mio) \w*",
    re.IGNORECASE,
)


def _said_after(text: str, end: int) -> bool:
    """Whether what follows says what the number is: `..., mi movil`."""
    found = _AFTER.match(text, end)
    return found is not None and _CUE.search(found.group()) is not None


_COUNTRY = re.compile(
    rf"(?<!\w)({alphabets.FIRST}|[a-z])[ ,-]{{0,2}}({alphabets.FIRST}|[a-z])"
    r"[ ,:-]{1,2}$",
    re.IGNORECASE,
)
_COUNTRY_CHARACTERS = 20
_FEWEST_OF_ACCOUNT = 13  # Norway: without the two letters


def _country(text: str, run: Run) -> re.Match[str] | None:
    """The country before an account that is said: `D E eight nine`."""
    if len(run.digits) < _FEWEST_OF_ACCOUNT:
        return None
    window = max(0, run.start - _COUNTRY_CHARACTERS)
    found = _COUNTRY.search(text, window, run.start)
    if not found:
        return None
    country = (found[1][0] + found[2][0]).upper()
    size = banks.length(country)
    valid = size == len(run.digits) + len(country) and iban.is_valid(
        country + run.digits
    )
    return found if valid else None


_HEARD = re.compile(
    rf"(?<!\w)({'|'.join(number_words.HOMOPHONES)})[ ,.-]{{1,2}}", re.IGNORECASE
)
_HEARD_CHARACTERS = 24
_AMERICAN_DIGITS = 10


def _completed(text: str, run: Run) -> Run:
    """Take words along that sound like numbers, if ten digits come out of it."""
    missing = _AMERICAN_DIGITS - len(run.digits) - len(run.waiting)
    window = max(0, run.start - _HEARD_CHARACTERS)
    heard: list[re.Match[str]] = []
    for found in _HEARD.finditer(text, window, run.start):
        if heard and heard[-1].end() != found.start():
            heard.clear()
        heard.append(found)
    if heard and heard[-1].end() != run.start:
        heard.clear()
    if not 0 <= missing <= len(heard) or not (missing or run.waiting):
        return run
    heard = heard[len(heard) - missing :]
    before = [str(number_words.HOMOPHONES[found[1].lower()]) for found in heard]
    values = [*before, *run.values, *run.waiting]
    if not shapes.valid("".join(values), "US"):
        return run
    start = heard[0].start() if heard else run.start
    count = run.count + len(before) + len(run.waiting)
    return Run(start, run.heard, run.languages, values, count)


_LEET = re.compile(
    r"(?<![^\W_])(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z013457]{3,5}(?![^\W_])"
)
_LEET_LETTERS = str.maketrans("013457", "oieast")


def _plain(found: re.Match[str]) -> str:
    """Write `f1ve` as `five`, as long as it is."""
    word = found.group().translate(_LEET_LETTERS)
    return word if "en" in number_words.NUMBERS.get(word, ()) else found.group()


def runs(text: str) -> Iterator[Run]:
    """List the runs of number words, whatever they say."""
    run: Run | None = None
    repeat, repeat_start, last = 1, 0, 0
    for found in _WORD.finditer(text):
        gap = _GAP.fullmatch(text, last, found.start())
        last = found.end()
        if run and not gap:
            yield run
            run, repeat = None, 1
        word = found.group().lower()
        if word in number_words.REPEATS:
            repeat, repeat_start = number_words.REPEATS[word], found.start()
            continue
        if repeat > 1 and word in _ARTICLES:
            continue  # `viermal die Null`
        if run and _belongs(run, word, found.end()):
            continue
        known = number_words.NUMBERS.get(word)
        if run and known and not run.languages & known.keys():
            yield run
            run = None
        value, languages = _value(word, run)
        if value and run and not (run.languages & languages):
            yield run
            run = None
        if run and run.short and word.isdecimal():
            run = None  # `on 202`: a number in Turkish only
        if value:
            start = repeat_start if repeat > 1 else found.start()
            run = run or Run(_signed(text, start), 0, languages)
            run.short = (
                not run.values
                and word.isascii()
                and word.isalpha()
                and 1 < len(word) < _SHORT
            )
            run.end = run.heard = found.end()
            apart = word not in number_words.NUMBERS and not word.isdecimal()
            said = 0 if word.isdecimal() else len(value) if apart else 1
            run.add(list(value) if apart else [value * repeat], said)
            run.languages &= languages
        elif run and word not in number_words.BETWEEN:
            yield run
            run = None
        repeat = 1
    if run:
        yield run


def _belongs(run: Run, word: str, end: int) -> bool:
    """Take a word that is a number only after others: `hundred`, `won`."""
    if word in number_words.HUNDREDS and len(run.values[-1]) == 1:
        run.values[-1] += "00"
        run.end = run.heard = end
        return True
    heard = number_words.HOMOPHONES.get(word)
    known = number_words.NUMBERS.get(word, {})
    if heard and "en" in run.languages and not known.keys() & run.languages:
        run.waiting.append(str(heard))
        run.heard = end
        return True
    return False


def _value(word: str, run: Run | None) -> tuple[str, frozenset[str]]:
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
    for language, pattern in number_words.GLUED.items():
        if pattern.fullmatch(word):
            parts = number_words.GLUED_PARTS.findall(word)
            digits = [number_words.NUMBERS[part][language] for part in parts]
            return "".join(map(str, digits)), frozenset({language})
    return "", _ANY


def _signed(text: str, start: int) -> int:
    """Take a `plus` before the first digit along."""
    for sign in ("plus ", "plus", "+"):
        if text[max(0, start - len(sign)) : start].lower() == sign:
            return start - len(sign)
    return start


def _counts(run: Run) -> bool:
    """Whether somebody counts, in steps or in time: no number looks like this."""
    if any(len(value) > 2 for value in run.values):
        return False
    values = [int(value) for value in run.values]
    steps = {after - before for before, after in zip(values, values[1:], strict=False)}
    rising = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    few = len(set(run.digits)) <= 2
    french = run.values[0] == "0" and len(run.digits) >= 10 and steps != {1}
    return few or (rising and not french)


def _scores(run: Run) -> bool:
    """Whether it may be a list of results: few digits, and ten or more among them."""
    return (
        len(run.digits) < _SURE_DIGITS
        and run.values[0] != "0"
        and any(len(value) == 2 and value != value[0] * 2 for value in run.values)
    )
