"""Numbers whose digits stand apart by anything."""

import pytest

from assent.redact.rewriting import View
from assent.redact.scattered import joints


def joined(text):
    return View.of(text).replaced(sorted(joints(text))).text


SIGNS = ["::", "=", "//", " * ", "~~", "->", " -> ", "😀", "★★", "][", '" "', "---"]
WORDS = [" dash ", " dot ", " space ", " punkt ", " and then "]


@pytest.mark.parametrize("sign", SIGNS + WORDS)
@pytest.mark.parametrize(
    "groups", [["202", "555", "0148"], ["0491", "570", "148"], ["06", "39", "98", "12"]]
)
def test_groups_of_a_number_are_joined_whatever_stands_between(sign, groups):
    groups = groups if len(groups) == 3 else [*groups, "48"]

    assert joined(f"so {sign.join(groups)} it is") == f"so {'-'.join(groups)} it is"


@pytest.mark.parametrize("sign", ["/", "*", "_", "😀", ")(", " dash "])
def test_single_digits_are_joined_to_one_piece(sign):
    assert joined(sign.join("0639981248")) == "0639981248"
    assert joined(sign.join("2025550148")) == "2025550148"


@pytest.mark.parametrize("sign", [",", ", ", ";", ":", "|"])
def test_what_may_be_a_list_is_a_number_after_a_word_for_one(sign):
    form = sign.join(("202", "555", "0148"))

    assert joined(f"rows {form}") == f"rows {form}"
    assert joined(f"call me {form}") == "call me 202-555-0148"


def test_letters_between_the_groups_are_taken_out():
    assert joined("06x39x98x12x48") == "06-39-98-12-48"
    assert joined("0639num98tel12phone34") == "0639-98-12-34"
    assert joined("tel 06a39b98c12d36") == "tel 06-39-98-12-36"


@pytest.mark.parametrize(
    "text",
    [
        "10::20::30 and 1000:1000:1000",
        "100=200=3000",
        "202x555x1200 mm",
        "192 dot 0 dot 2 dot 17",
        "tar backup_2012_06_20_01",
        "No. 1, 21–32 (1977)",
        "+1 212 555 0155 # 77",
        "0, 1, 0, 1, 1, 0, 1, 0, 0",
        "0=1=1=2=3=5=8",
        "05/06/2007",
        "hash 06a39b98c12d36",
        "1/2/3/4/5/6/7/8/9",
    ],
)
def test_sums_sizes_dates_and_machines_stay(text):
    assert joined(text) == text


def test_what_stands_beside_a_number_stays_beside_it():
    assert joined("3; 04;91.570.156; 12") == "3; 04-91-570-156; 12"
