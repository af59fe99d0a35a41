"""Numbers said in words."""

import pytest

from assent.redact.fold import fold
from assent.redact.spans import Kind
from assent.redact.spoken import spelled


def said(text):
    """What is covered, and as what: (piece of the plain text, kind)."""
    plain = fold([text]).text
    return {(plain[start:end], kind) for start, end, kind in spelled(plain)}


@pytest.mark.parametrize(
    "form",
    [
        "nolla nelja yksi kaksi kolme nelja viisi kuusi seitseman kahdeksan",
        "nulla hat egy harom nulla egy ketto harom negy ot hat het",
        "zero sapte unu doi trei patru cinci sase sapte opt",
        "εξι εννεα ενα δυο τρια τεσσερα πεντε εξι επτα οκτω",
        "nol delapan satu dua tiga empat lima enam tujuh delapan",
        "صفر خمسة صفر واحد اثنان ثلاثة اربعة خمسة ستة سبعة",
        "אפס חמש אחת שתיים שלוש ארבע חמש שש שבע",
        "piecset dwanascie trzysta czterdziesci piec szescset siedemdziesiat osiem",
        "sifir bes yuz bir iki yuz otuz dort elli alti yetmis sekiz",
        "toogtredive tolv fireogtredive femoghalvtreds",
    ],
)
def test_a_number_is_read_in_the_language_that_knows_all_its_words(form):
    assert said(f"tel: {form} !") == {(form, Kind.PHONE)}


def test_words_that_sound_like_digits_count_only_between_digits():
    assert said("call five five five oh won one oh to ask") == {
        ("five five five oh won one oh", Kind.PHONE)
    }
    assert not said("won one for you two, ate three, too")


def test_digits_inside_words_are_read_as_letters():
    form = "tw0 zer0 tw0 f1ve f1ve f1ve zer0 0ne zer0 n1ne"

    assert said(f"it is {form}") == {(form, Kind.PHONE)}


@pytest.mark.parametrize("before", ["on", "to", "do", "en"])
def test_a_word_that_is_a_number_elsewhere_hides_nothing(before):
    form = "two zero two five five five zero one four eight"

    assert said(f"call me {before} {form}") == {(form, Kind.PHONE)}


def test_a_card_is_known_by_its_check_digit_however_its_digits_are_paired():
    form = ", ".join(["fifty-five fifty-five"] * 3 + ["forty-four forty-four"])

    assert said(f"so {form}") == {(form, Kind.CARD)}


@pytest.mark.parametrize(
    "text",
    [
        "he scored eight, nine, nine, ten, nine and eight.",
        "three forty four, six hundred and twenty three are the rooms",
        "ten nine eight seven six five four three two one, lift off",
        "if I set 00 0-23 1-31 1-12 0-6 it never runs",
    ],
)
def test_results_rooms_and_countdowns_are_left_alone(text):
    assert not said(text)
