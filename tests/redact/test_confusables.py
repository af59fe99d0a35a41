import unicodedata

import numpy as np
import pytest

from assent.redact.confusables import skeleton
from assent.redact.confusables_table import BORROWED, DRESSED


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("аnnа@ехаmрlе.соm", "anna@example.com"),  # Cyrillic beside Latin
        ("write to αnna at example", "write to anna at example"),  # Greek
        ("https://аррӏе.соm/х", "https://apple.com/x"),  # not one Latin letter
        ("Dеаr ѕіr", "Dear sir"),
        ("ᴄᴀʟʟ ᴍᴇ", "call me"),
        ("🅲🅰🅻🅻 ❶❷", "CALL 12"),
        ("[аt] (dоt)", "[at] (dot)"),
    ],
)
def test_look_alike_letters_are_read_as_latin(disguised, plain):
    assert skeleton(disguised) == plain


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "Анна живет в Москве и пишет письма",
        "η Αννα γραφει",
        "USB-порт, 5G-сеть, iPhone и Анна",
        "Isıl, smørrebrød, Łukasz, straße",
        "안나 さん 安娜",
        "",
    ],
)
def test_what_people_write_in_their_own_alphabet_stays(text):
    assert skeleton(text) == text


@pytest.mark.parametrize("barrier", [" ", "\n", "\0"])
def test_an_address_does_not_reach_over_a_blank_or_a_barrier(barrier):
    assert skeleton(f"сор{barrier}@сор{barrier}сор") == f"сор{barrier}@cop{barrier}сор"


def test_the_length_never_changes():
    table = "".join([*BORROWED.values(), *DRESSED.values()])
    for text in (table, f"a{table}", f"x@{table}.com", " ".join(table), "a\ud800б"):
        assert len(skeleton(text)) == len(text)


def test_every_character_of_the_table_survives_the_folding_before_it():
    for letter, row in (BORROWED | DRESSED).items():
        assert letter.isascii()
        assert letter.isalnum()
        assert unicodedata.normalize("NFKD", row) == row


def test_code_points_may_be_handed_in():
    text = "аnna и анна"
    codes = np.array([ord(character) for character in text], np.uint32)

    assert skeleton(text, codes) == skeleton(text) == "anna и анна"


@pytest.mark.parametrize("piece", ["аnna ", "а@", "аa", "ᴀ", "://а", "анна "])
def test_a_long_hostile_text_ends(piece):
    text = piece * 100_000  # squared, this would take hours

    assert len(skeleton(text)) == len(text)
