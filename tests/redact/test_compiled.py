"""Loops that are compiled: what the arrays of `grams` rest on."""

import numpy as np
import pytest

from assent.redact.compiled import added_up, compiled, cut, openings, plain

BASE = np.uint64(0x9E3779B97F4A7C15)


def codes(text, kind=np.uint32):
    return np.array([ord(each) for each in text], kind)


@pytest.mark.parametrize("kind", [np.uint8, np.uint32])
def test_sums_are_those_of_whole_numbers_modulo_two_to_the_64(kind):
    text = codes("Anna Berg wrote this.", kind)
    terms = np.arange(256, dtype=np.uint32) * 7 + 1

    sums = added_up(text, terms, BASE)

    wanted = [0]
    for code in reversed(text.tolist()):
        wanted.insert(0, (int(terms[code]) + int(BASE) * wanted[0]) % 2**64)
    assert sums.tolist() == wanted


def test_words_end_where_another_kind_begins():
    kinds = np.array([0, 1, 2], np.uint8)
    starts, ends = cut(np.array([0, 1, 1, 0, 2, 2, 1, 2, 1, 0], np.uint8), kinds)
    assert list(zip(starts, ends, strict=True)) == [
        (1, 3),
        (4, 5),
        (5, 6),
        (6, 7),
        (7, 8),
        (8, 9),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\nanna: hi\n", [(1, 5)]),
        ("\nanna,\n", [(1, 5)]),
        ("\n: hi\n", []),
        ("\nanna : hi\n", []),
        ("\nabcdefgh: \nabcdefghi: \n", [(1, 9)]),
        ("so anna: hi\n", []),
    ],
)
def test_a_line_opens_with_one_word(text, found):
    starts, ends = openings(codes(text), 8)
    assert list(zip(starts, ends, strict=True)) == found


def test_characters_are_left_out_or_written_out():
    drop, several = 0x110000, 0x110001
    listed = np.array([[0, 0, 0], [2, 102, 105]], np.uint32)
    folded = np.array([97, drop, several + 1, 98], np.uint32)
    found, places = plain(folded, listed)
    assert (found.tolist(), places.tolist()) == ([97, 102, 105, 98], [0, 2, 2, 3])


def test_a_loop_is_compiled_where_no_folder_keeps_it():
    made = {}
    exec("def loop(number):\n    return number + 1", made)  # it lies in no file
    assert compiled(made["loop"])(1) == 2
