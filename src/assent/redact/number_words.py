"""Words in which people say the digits of a number, in fifteen languages.

All are written as the normaliser leaves them: lower case, without accents.
"""

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UNITS = {
    "en": "zero one two three four five six seven eight nine",
    "de": "null eins zwei drei vier funf sechs sieben acht neun",
    "fr": "zero un deux trois quatre cinq six sept huit neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "pt": "zero um dois tres quatro cinco seis sete oito nove",
    "nl": "nul een twee drie vier vijf zes zeven acht negen",
    "sv": "noll ett tva tre fyra fem sex sju atta nio",
    "da": "nul en to tre fire fem seks syv otte ni",
    "pl": "zero jeden dwa trzy cztery piec szesc siedem osiem dziewiec",
    "cs": "nula jedna dva tri ctyri pet sest sedm osm devet",
    "ru": "ноль один два три четыре пять шесть семь восемь девять",
    "uk": "нуль один два три чотири п'ять шість сім вісім дев'ять",
    "tr": "sıfır bir iki uc dort bes altı yedi sekiz dokuz",
    "hi": "shunya ek do teen char paanch chhah saat aath nau",
}
_MORE = {
    "en": (
        "oh:0 o:0 nought:0 naught:0 nil:0 ten:10 eleven:11 twelve:12 thirteen:13"
        " fourteen:14 fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19"
        " twenty:20 thirty:30 forty:40 fifty:50 sixty:60 seventy:70 eighty:80 ninety:90"
    ),
    "de": (
        "ein:1 zwo:2 fuenf:5 zehn:10 elf:11 zwolf:12 zwoelf:12 dreizehn:13 vierzehn:14"
        " funfzehn:15 sechzehn:16 siebzehn:17 achtzehn:18 neunzehn:19 zwanzig:20"
        " dreißig:30 dreissig:30 vierzig:40 funfzig:50 sechzig:60 siebzig:70 achtzig:80"
        " neunzig:90"
    ),
    "fr": (
        "une:1 dix:10 onze:11 douze:12 treize:13 quatorze:14 quinze:15 seize:16"
        " vingt:20 vingts:20 trente:30 quarante:40 cinquante:50 soixante:60 septante:70"
        " huitante:80 octante:80 nonante:90"
    ),
    "es": (
        "una:1 diez:10 once:11 doce:12 trece:13 catorce:14 quince:15 dieciseis:16"
        " diecisiete:17 dieciocho:18 diecinueve:19 veinte:20 veintiuno:21 veintidos:22"
        " veintitres:23 veinticuatro:24 veinticinco:25 veintiseis:26 veintisiete:27"
        " veintiocho:28 veintinueve:29 treinta:30 cuarenta:40 cincuenta:50 sesenta:60"
        " setenta:70 ochenta:80 noventa:90"
    ),
    "it": (
        "dieci:10 undici:11 dodici:12 tredici:13 quattordici:14 quindici:15 sedici:16"
        " diciassette:17 diciotto:18 diciannove:19 venti:20 trenta:30 quaranta:40"
        " cinquanta:50 sessanta:60 settanta:70 ottanta:80 novanta:90"
    ),
    "pt": (
        "uma:1 duas:2 meia:6 dez:10 onze:11 doze:12 treze:13 catorze:14 quatorze:14"
        " quinze:15 dezesseis:16 dezasseis:16 dezessete:17 dezoito:18 dezenove:19"
        " vinte:20 trinta:30 quarenta:40 cinquenta:50 sessenta:60 setenta:70 oitenta:80"
        " noventa:90"
    ),
    "nl": (
        "tien:10 elf:11 twaalf:12 dertien:13 veertien:14 vijftien:15 zestien:16"
        " zeventien:17 achttien:18 negentien:19 twintig:20 dertig:30 veertig:40"
        " vijftig:50 zestig:60 zeventig:70 tachtig:80 negentig:90"
    ),
    "sv": (
        "en:1 tio:10 elva:11 tolv:12 tjugo:20 trettio:30 fyrtio:40 femtio:50 sextio:60"
        " sjuttio:70 attio:80 nittio:90"
    ),
    "ru": (
        "нол:0 десять:10 одиннадцать:11 двенадцать:12 тринадцать:13 четырнадцать:14"
        " пятнадцать:15 шестнадцать:16 семнадцать:17 восемнадцать:18 девятнадцать:19"
        " двадцать:20 тридцать:30 сорок:40 пятьдесят:50 шестьдесят:60 семьдесят:70"
        " восемьдесят:80 девяносто:90 сто:100 двести:200 триста:300 четыреста:400"
        " пятьсот:500 шестьсот:600 семьсот:700 восемьсот:800 девятьсот:900"
    ),
    "pl": "dziesiec:10 dwanascie:12 dwadziescia:20 trzydziesci:30 piecdziesiat:50",
    "tr": "sifir:0 alti:6 on:10",
}
_TENS_AFTER = {
    "de": ("und", "ein zwei drei vier funf sechs sieben acht neun"),
    "nl": ("en", "een twee drie vier vijf zes zeven acht negen"),
}
_JOINED_TENS = {"it": "uno due tre quattro cinque sei sette otto nove"}


def _numbers() -> dict[str, dict[str, int]]:
    """Every number word: language -> value."""
    words: dict[str, dict[str, int]] = {}

    def add(word: str, language: str, value: int) -> None:
        words.setdefault(word, {})[language] = value

    for language, units in _UNITS.items():
        for digit, word in enumerate(units.split()):
            add(word, language, digit)
    tens: dict[str, dict[str, int]] = {}
    for language, more in _MORE.items():
        for pair in more.split():
            word, _, number = pair.partition(":")
            value = int(number)
            add(word, language, value)
            if value >= 20 and value % 10 == 0:
                tens.setdefault(language, {})[word] = value
    for language, (joint, units) in _TENS_AFTER.items():  # einundzwanzig
        for unit, word in enumerate(units.split(), start=1):
            for ten, value in tens[language].items():
                add(word + joint + ten, language, value + unit)
    for language, units in _JOINED_TENS.items():  # trentadue, trentotto
        for unit, word in enumerate(units.split(), start=1):
            for ten, value in tens[language].items():
                stem = ten[:-1] if word[0] in "uo" else ten
                add(stem + word, language, value + unit)
    return words


NUMBERS = _numbers()
"""Number word -> language -> value, 0 to 99."""

BY_CHARACTER = {
    character: str(value)
    for row in (
        "零一二三四五六七八九",
        "〇壹贰叁肆伍陆柒捌玖",
        "영일이삼사오육칠팔구",
        "공",
    )
    for value, character in enumerate(row)
} | {"幺": "1", "两": "2"}
"""Digits of which each is one character: a word may be several of them."""

REPEATS = {
    "double": 2, "triple": 3, "treble": 3, "doppel": 2, "dreimal": 3, "doble": 2,
    "doppio": 2, "dubbel": 2, "zweimal": 2,
}  # fmt: skip
HUNDREDS = _set("hundred hundert honderd cent cents cento")
"""Said after a digit: `eight hundred` is 800."""
GLUED = re.compile(f"(?:{'|'.join(_UNITS['en'].split())}){{2,19}}")
GLUED_PARTS = re.compile("|".join(_UNITS["en"].split()))
BETWEEN = _set(
    "and und et y e en plus dash hyphen minus tiret strich bindestrich guion trattino"
    " then dann puis luego area code space pause"
)
"""Said between the digits of a number."""

ANY_NUMBER = "|".join(sorted(map(re.escape, NUMBERS)))
"""For a pattern: every number word."""

FIRST_NUMBERS = "|".join(
    sorted(
        re.escape(word)
        for word, known in NUMBERS.items()
        if len(word) > 2 and ("ru" in known or min(known.values()) <= 20)
    )
)
"""Of a run of number words, for a pattern."""
