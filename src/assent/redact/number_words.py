"""Words in which people say the digits of a number, in forty languages.

All are written as the normaliser leaves them: lower case, without accents; those of
scripts whose vowels are marks are folded here.
"""

import re

from assent.redact.fold import SEPARATOR, fold


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
    "tr": "sifir bir iki uc dort bes alti yedi sekiz dokuz",
    "hi": "shunya ek do teen char paanch chhah saat aath nau",
    "no": "null en to tre fire fem seks sju atte ni",
    "fi": "nolla yksi kaksi kolme nelja viisi kuusi seitseman kahdeksan yhdeksan",
    "et": "null uks kaks kolm neli viis kuus seitse kaheksa uheksa",
    "hu": "nulla egy ketto harom negy ot hat het nyolc kilenc",
    "ro": "zero unu doi trei patru cinci sase sapte opt noua",
    "ca": "zero u dos tres quatre cinc sis set vuit nou",
    "sk": "nula jeden dva tri styri pat sest sedem osem devat",
    "sl": "nic ena dva tri stiri pet sest sedem osem devet",
    "hr": "nula jedan dva tri cetiri pet sest sedam osam devet",
    "bg": "нула едно две три четири пет шест седем осем девет",
    "lt": "nulis vienas du trys keturi penki sesi septyni astuoni devyni",
    "lv": "nulle viens divi tris cetri pieci sesi septini astoni devini",
    "el": "μηδεν ενα δυο τρια τεσσερα πεντε εξι επτα οκτω εννεα",
    "id": "nol satu dua tiga empat lima enam tujuh delapan sembilan",
    "vi": "khong mot hai ba bon nam sau bay tam chin",
    "sw": "sifuri moja mbili tatu nne tano sita saba nane tisa",
    "af": "nul een twee drie vier vyf ses sewe agt nege",
    "ar": "صفر واحد اثنان ثلاثة اربعة خمسة ستة سبعة ثمانية تسعة",
    "fa": "صفر یک دو سه چهار پنج شش هفت هشت نه",
    "he": "אפס אחת שתיים שלוש ארבע חמש שש שבע שמונה תשע",
    "deva": "शून्य एक दो तीन चार पांच छह सात आठ नौ",
    "bn": "শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয়",
    "th": "ศูนย์ หนึ่ง สอง สาม สี่ ห้า หก เจ็ด แปด เก้า",
    "ja": "ゼロ いち に さん よん ご ろく なな はち きゅう",
}
_MORE = {
    "en": (
        "oh:0 o:0 nought:0 naught:0 nil:0 ten:10 eleven:11 twelve:12 thirteen:13"
        " fourteen:14 fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19"
        " wun:1 fower:4 fife:5 ait:8 niner:9"
        " twenty:20 thirty:30 forty:40 fifty:50 sixty:60 seventy:70 eighty:80 ninety:90"
    ),
    "de": (
        "ein:1 zwo:2 fuenf:5 zehn:10 elf:11 zwolf:12 zwoelf:12 dreizehn:13 vierzehn:14"
        " funfzehn:15 sechzehn:16 siebzehn:17 achtzehn:18 neunzehn:19 zwanzig:20"
        " dreissig:30 vierzig:40 funfzig:50 sechzig:60 siebzig:70 achtzig:80"
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
        "en:1 tio:10 elva:11 tolv:12 tretton:13 fjorton:14 femton:15 sexton:16"
        " sjutton:17 arton:18 nitton:19 tjugo:20 trettio:30 fyrtio:40 femtio:50"
        " sextio:60 sjuttio:70 attio:80 nittio:90"
    ),
    "no": (
        "ett:1 syv:7 ti:10 elleve:11 tolv:12 tretten:13 fjorten:14 femten:15 seksten:16"
        " sytten:17 atten:18 nitten:19 tjue:20 tretti:30 forti:40 femti:50 seksti:60"
        " sytti:70 atti:80 nitti:90"
    ),
    "da": (
        "ti:10 elleve:11 tolv:12 tretten:13 fjorten:14 femten:15 seksten:16 sytten:17"
        " atten:18 nitten:19 tyve:20 tredive:30 fyrre:40 halvtreds:50 tres:60"
        " halvfjerds:70 firs:80 halvfems:90"
    ),
    "fi": "yks:1 kaks:2 kol:3 nel:4 viis:5 kuus:6 seiska:7 kasi:8 ysi:9 kymmenen:10",
    "hu": (
        "ket:2 tiz:10 husz:20 harminc:30 negyven:40 otven:50 hatvan:60 hetven:70"
        " nyolcvan:80 kilencven:90"
    ),
    "ro": (
        "una:1 doua:2 zece:10 douazeci:20 treizeci:30 patruzeci:40 cincizeci:50"
        " saizeci:60 saptezeci:70 optzeci:80 nouazeci:90"
    ),
    "cs": (
        "jeden:1 deset:10 jedenact:11 dvanact:12 trinact:13 dvacet:20 tricet:30"
        " ctyricet:40 padesat:50 sedesat:60 sedmdesat:70 osmdesat:80 devadesat:90"
    ),
    "sk": "jedna:1 dvadsat:20 tridsat:30 styridsat:40 patdesiat:50 sestdesiat:60",
    "sl": "nula:0 ena:1",
    "bg": "един:1 десет:10",
    "el": (
        "εφτα:7 οχτω:8 εννια:9 δεκα:10 ενδεκα:11 δωδεκα:12 εικοσι:20 τριαντα:30"
        " σαραντα:40 πενηντα:50 εξηντα:60 εβδομηντα:70 ογδοντα:80 ενενηντα:90"
    ),
    "id": "kosong:0 lapan:8 sepuluh:10 sebelas:11",
    "vi": "tu:4 lam:5 muoi:10",
    "ar": "اثنين:2 ثلاث:3 اربع:4 خمس:5 ست:6 سبع:7 ثماني:8 ثمان:8 تسع:9",
    "he": "אחד:1 שתים:2 שניים:2 ארבעה:4",
    "hi": "panch:5 chhe:6 che:6 chaar:4 sat:7 ath:8",
    "ja": "れい:0 しち:7",
    "ru": (
        "нол:0 десять:10 одиннадцать:11 двенадцать:12 тринадцать:13 четырнадцать:14"
        " пятнадцать:15 шестнадцать:16 семнадцать:17 восемнадцать:18 девятнадцать:19"
        " двадцать:20 тридцать:30 сорок:40 пятьдесят:50 шестьдесят:60 семьдесят:70"
        " восемьдесят:80 девяносто:90 сто:100 двести:200 триста:300 четыреста:400"
        " пятьсот:500 шестьсот:600 семьсот:700 восемьсот:800 девятьсот:900"
    ),
    "pl": (
        "jedna:1 dziesiec:10 jedenascie:11 dwanascie:12 trzynascie:13 czternascie:14"
        " pietnascie:15 szesnascie:16 siedemnascie:17 osiemnascie:18 dziewietnascie:19"
        " dwadziescia:20 trzydziesci:30 czterdziesci:40 piecdziesiat:50"
        " szescdziesiat:60 siedemdziesiat:70 osiemdziesiat:80 dziewiecdziesiat:90"
        " sto:100 dwiescie:200 trzysta:300 czterysta:400 piecset:500 szescset:600"
        " siedemset:700 osiemset:800 dziewiecset:900"
    ),
    "tr": (
        "sifir:0 alti:6 on:10 yirmi:20 otuz:30 kirk:40 elli:50 altmis:60"
        " altmis:60 yetmis:70 seksen:80 doksan:90"
    ),
}
_TENS_AFTER = {
    "de": ("und", "ein zwei drei vier funf sechs sieben acht neun"),
    "nl": ("en", "een twee drie vier vijf zes zeven acht negen"),
    "da": ("og", "en to tre fire fem seks syv otte ni"),
}
_JOINED_TENS = {
    "it": "uno due tre quattro cinque sei sette otto nove",
    "hu": "egy ketto harom negy ot hat het nyolc kilenc",
    "sv": "ett tva tre fyra fem sex sju atta nio",
    "no": "en to tre fire fem seks sju atte ni",
}
_MARKED = frozenset({"deva", "bn", "th", "ja"})


def _numbers() -> dict[str, dict[str, int]]:
    """Every number word: language -> value."""
    words: dict[str, dict[str, int]] = {}

    def add(word: str, language: str, value: int) -> None:
        if language in _MARKED:
            word = fold([word]).text.strip(SEPARATOR)
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
                elided = language == "it" and word[0] in "uo"
                stem = ten[:-1] if elided else ten
                add(stem + word, language, value + unit)
    return words


NUMBERS = _numbers()
"""Number word -> language -> value: 0 to 99, hundreds."""

HOMOPHONES = {"won": 1, "to": 2, "too": 2, "tree": 3, "for": 4, "fore": 4, "ate": 8}
"""Digits only between other English ones."""

BY_CHARACTER = {
    character: str(value)
    for row in (
        "零一二三四五六七八九",
        "〇壹贰叁肆伍陆柒捌玖",
        "〇壱貳參肆伍陸柒捌玖",
        "〇〡〢〣〤〥〦〧〨〩",
        "영일이삼사오육칠팔구",
        "공",
    )
    for value, character in enumerate(row)
} | {"幺": "1", "两": "2"}
"""Digits of which each is one character: a word may be several of them."""

REPEATS = {
    "double": 2, "triple": 3, "treble": 3, "doppel": 2, "dreimal": 3, "doble": 2,
    "doppio": 2, "dubbel": 2, "zweimal": 2, "duplo": 2, "dublu": 2, "dobbelt": 2,
    "doppelt": 2, "triplo": 3, "triplu": 3, "tripla": 3, "dupla": 2, "doppia": 2,
    "tweemaal": 2, "driemaal": 3, "quadruple": 4, "viermal": 4, "funfmal": 5,
}  # fmt: skip
HUNDREDS = _set("hundred hundert honderd cent cents cento hundra hundrede yuz")
"""Said after a digit: `eight hundred` is 800."""
_GLUED_LANGUAGES = ("en", "de")
GLUED = {
    language: re.compile(f"(?:{'|'.join(_UNITS[language].split())}){{2,19}}")
    for language in _GLUED_LANGUAGES
}
"""Language -> digits said without a blank between them."""
GLUED_PARTS = re.compile(
    "|".join(word for language in GLUED for word in _UNITS[language].split())
)
BETWEEN = _set(
    "and und et y e en si dash hyphen minus tiret strich bindestrich guion trattino"
    " then dann puis luego area code space pause blank leerzeichen espace espacio"
    " plus 에 의 이 の"
)
"""Said between the digits of a number."""

_SAID_IN = frozenset({"en", "de", "fr", "es", "it", "pt", "nl"})
SAID = "|".join(
    sorted(
        re.escape(word)
        for word, known in NUMBERS.items()
        if len(word) > 2 and not _SAID_IN.isdisjoint(known)
    )
)
"""For a pattern: number words that are part of a name of a mailbox."""

FIRST_NUMBERS = "|".join(
    sorted(
        re.escape(word)
        for word, known in NUMBERS.items()
        if (len(word) > 2 or not word.isascii())
        and any(value <= 20 or value % 10 == 0 for value in known.values())
    )
)
"""Of a run of number words, for a pattern."""

UNITS = "|".join(sorted({word for each in GLUED for word in _UNITS[each].split()}))
"""Digits that are said without a blank between them, for a pattern."""
