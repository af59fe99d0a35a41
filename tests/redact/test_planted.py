import random
import unicodedata
from collections import Counter

import phonenumbers
import pytest
from stdnum import iban, luhn

from assent.redact.lookalikes import SORTS, innocents
from assent.redact.masks import Disguise, disguised, worn_by
from assent.redact.planted import GROUPS, LEFT, entries, identities
from assent.redact.planted_words import DIGITS, WORDS, Script
from assent.redact.spans import Kind


@pytest.fixture(scope="module")
def planted():
    return identities(1, 40)


def western(text):
    return "".join(str(unicodedata.decimal(each, each)) for each in text)


def written(planted, kind):
    chosen = [x for x in planted if x.kind == kind and x.disguise is Disguise.NONE]
    assert chosen
    return [western(each.text) for each in chosen]


def test_the_same_seed_gives_the_same_identities_and_another_seed_others():
    assert identities(3, 5) == identities(3, 5)
    assert identities(3, 5) != identities(4, 5)


def test_of_every_group_there_are_as_many_written_as_disguised(planted):
    counts = Counter((x.group, x.disguise is Disguise.NONE) for x in planted)

    assert counts == {(group, plain): 40 for group in GROUPS for plain in (True, False)}


def test_every_kind_but_quotes_every_script_and_every_disguise_is_planted(planted):
    assert {each.kind for each in planted} == set(Kind) - {Kind.QUOTE}
    assert {each.script for each in planted} == set(Script)
    assert {each.disguise for each in planted} == set(Disguise)


def test_cards_accounts_and_telephones_have_right_check_digits(planted):
    digits = ["".join(filter(str.isdigit, x)) for x in written(planted, Kind.CARD)]
    assert all(map(luhn.is_valid, digits))
    assert all(map(iban.is_valid, written(planted, Kind.IBAN)))
    international = [x for x in written(planted, Kind.PHONE) if x.startswith("+")]
    numbers = [phonenumbers.parse(each) for each in international]
    assert all(map(phonenumbers.is_valid_number, numbers))
    assert len({each.country_code for each in numbers}) > 10


def test_who_left_has_no_name_of_anybody_who_stays(planted):
    stays, left = entries(planted, left=False), entries(planted, left=True)

    assert set(left) == {Kind.NAME}
    assert not set(left[Kind.NAME]) & set(stays[Kind.NAME])
    assert {each.group for each in planted if each.left} == {LEFT}


def test_a_name_is_planted_as_the_directory_has_it_unless_it_is_disguised(planted):
    for each in planted:
        if each.kind is Kind.NAME:
            assert (each.text == each.entry) == (each.disguise is Disguise.NONE)


def test_a_digit_of_every_script_is_the_digit_it_stands_for():
    for digits in DIGITS.values():
        assert western(digits) == "0123456789"
    assert set(WORDS) == set(Script)


@pytest.mark.parametrize(
    ("how", "kind", "text", "found"),
    [
        (Disguise.ZERO_WIDTH, Kind.EMAIL, "ann@mail.example", "ann@mail.example"),
        (Disguise.SOFT_HYPHEN, Kind.NAME, "Nora Wexford", "Nora Wexford"),
        (Disguise.BIDI, Kind.IP, "10.20.30.40", "10.20.30.40"),
    ],
)
def test_what_is_not_seen_changes_the_text_and_not_its_letters(how, kind, text, found):
    changed = disguised(text, kind, how, random.Random(1))

    assert changed != text
    seen = [x for x in changed if unicodedata.category(x) != "Cf"]
    assert "".join(seen) == found


@pytest.mark.parametrize(
    ("how", "kind", "text", "found"),
    [
        (Disguise.FULL_WIDTH, Kind.IP, "10.2", "１０．２"),
        (Disguise.SPELLED, Kind.PHONE, "+49", "plus four nine"),
        (Disguise.SPELLED, Kind.EMAIL, "a1@b.c", "a1 at b dot c"),
        (Disguise.SPACED, Kind.NAME, "Al Bo", "A l   B o"),
        (Disguise.NO_ACCENTS, Kind.NAME, "Zoë Größ", "Zoe Groß"),
        (Disguise.SPLIT, Kind.NAME, "Nora Wex", "Nora\nWex"),
        (Disguise.DECOMPOSED, Kind.NAME, "Zoë", "Zoe\u0308"),
    ],
)
def test_a_disguise_looks_as_it_is_called(how, kind, text, found):
    assert disguised(text, kind, how, random.Random(1)) == found


def test_what_cannot_be_disguised_in_a_way_is_not():
    rng = random.Random(1)

    assert disguised("Nora", Kind.NAME, Disguise.NO_ACCENTS, rng) is None
    assert disguised("Nora", Kind.NAME, Disguise.AT_DOT, rng) is None
    assert not worn_by(Disguise.SPLIT, Kind.HANDLE)
    assert disguised("Nora", Kind.NAME, Disguise.NONE, rng) == "Nora"


def test_look_alikes_are_the_same_for_a_seed_and_as_many_of_each_sort():
    made = innocents(5, 7)

    assert made == innocents(5, 7)
    assert Counter(each.sort for each in made) == dict.fromkeys(SORTS, 7)
    assert not any(luhn.is_valid(x.text) for x in made if x.sort == "order number")
