"""Names of which a word is bent, misspelt, or written in other letters."""

import numpy as np
import pyarrow as pa
import pytest

from assent.redact.directory import COLUMNS, Directory
from assent.redact.guesses import bends, guesses
from assent.redact.redactor import Redactor

KEY = bytes(range(32))
NAMES = [
    *("Tomasz Grabowiecz", "Mikko Lehtoranta", "Anna Bergmanova", "Иван Петренков"),
    *("Þórdís Eyþórsdóttir", "Roderick Plumbridge", "Dmitri Sokolenko", "Ann Lee"),
    *("Evgenia Tolmacheva", "Octavia Ravenscar", "Melina Orlovetz", "Petr Novotny"),
]

FOUND = [
    # bent by a grammar
    "Tomasz Grabowieczowi",
    "Tomasza Grabowiecza",
    "Mikko Lehtorantalle",
    "Annou Bergmanovou",
    "Ивану Петренкову",
    "Thordisar Eythorsdottur",
    # one slip in a long word
    "Roderick Plumbrigde",
    "Roderick Plummbridge",
    "Rodreick Plumbridge",
    "Plumbrigde, Roderick",
    # another script, or another way of writing it
    "Дмитрий Соколенко",
    "Анна Бергманова",
    "Yevgeniya Tolmachyova",
    # digits and rows of letters
    "0ct4v14 R4v3n5c4r",
    "Meliiiina Orlovetz",
    # a sign for a letter
    "D*itri Sokolenko",
    "Oct*via R*venscar",
    "Dm1tri Sokolenko",
    "Octavia Raven$car",
    "Oct@via Ravenscar",
]
LEFT = [
    "Roderick Plumbers",
    "Roderick Bridge",
    "Roderick Plmubrigde",
    "Roderick. Plumbrigde",
    "roderick plumbrigde",
    "Ann Leea and Ann Leen",
    "Mikko Lehtorantamo",
    "Octavia 2024 and Melina R2",
    "Петро Дмитренко",
    "Petr Novotnak",
    "Oct**ia Ravenscar",
    "octavi* ravenscar",
    "Octavia *R*",
    "Oct*via. Ravenscar",
]


def directory(names):
    columns = {name: pa.nulls(len(names), pa.list_(pa.string())) for name in COLUMNS}
    columns["employer"] = pa.nulls(len(names), pa.string())
    subjects = [f"u{number}" for number in range(len(names))]
    columns |= {"names": [[each] for each in names], "subject_id": subjects}
    return Directory.from_subjects(pa.table(columns), KEY)


EVERYBODY = directory(NAMES)
NOBODY = EVERYBODY
for number in range(len(NAMES)):
    NOBODY = NOBODY.hide(f"u{number}")


def redacted(text, known=EVERYBODY):
    return Redactor(known).redact([text])[0].text


@pytest.mark.parametrize("text", FOUND)
def test_a_name_is_found_though_a_word_of_it_is_another(text):
    assert redacted(f"so {text} now") == "so [name] now"


@pytest.mark.parametrize("text", LEFT)
def test_what_is_too_far_from_a_name_stays(text):
    assert redacted(f"so {text} now") == f"so {text} now"


@pytest.mark.parametrize("text", [*LEFT, *FOUND])
def test_who_is_hidden_is_found_alike(text):
    assert redacted(text, NOBODY) == redacted(text)
    assert NOBODY.digest == EVERYBODY.digest


def test_a_word_that_the_lists_hold_stands_for_itself():
    assert guesses("maria") == guesses("thomas") == guesses("banks") == ()
    assert "grabowiecz" in guesses("grabowieczowi")


def test_endings_are_the_shortest_first():
    lengths = bends().lengths
    assert (np.diff(lengths) >= 0).all()
