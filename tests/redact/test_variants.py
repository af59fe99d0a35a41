"""Names in other letters, with other words beside their own, and as initials."""

import pyarrow as pa
import pytest

from assent.redact.directory import COLUMNS, Directory
from assent.redact.redactor import Redactor
from assent.redact.variants import variants

KEY = bytes(range(32))
NAMES = [
    *("Anna van den Bergh", "Erik Østergård", "Jürgen Größmann", "Tessa Wraxhall"),
    *("Łukasz Wójcik", "Robert Thistlewood", "Наталья Кузнецова", "Adam Smith"),
    *("Anna Maria Lindt", "Rosa June Bellweather", "Percival Windermarsh Jr."),
]

FOUND = [
    # letters that not everybody has keys for
    ("Erik Oestergaard", "[name]"),
    ("Erik Ostergard", "[name]"),
    ("Juergen Groessmann", "[name]"),
    ("Jurgen Grossmann", "[name]"),
    ("Lukasz Wojcik", "[name]"),
    ("Natalya Kuznetsova", "[name]"),
    # words beside the name's own
    ("Anna Vandenbergh", "[name]"),
    ("Anna v. d. Bergh", "[name]"),
    ("Anna Bergh", "[name]"),
    ("Anna Lindt", "[name]"),
    ("Bob Thistlewood", "[name]"),
    # initials of a family name that hardly anybody has
    ("T. Wraxhall was there", "[name] was there"),
    ("Wraxhall, T.", "[name]."),
    ("Bellweather, R J", "[name]"),
    ("Bellweather RJ", "[name]"),
    ("R J Bellweather", "[name]"),
    ("login rj.bellweather", "login [name]"),
    # without what stands behind it
    ("Percival Windermarsh", "[name]"),
]
LEFT = [
    *("A. Smith", "Smith, A.", "R. Smith was there", "Bob Maria", "v. d. Lindt"),
    *("a.smith", "Wraxhall T", "RJ Smith", "Percival, Jr."),
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


@pytest.mark.parametrize(("text", "left"), FOUND)
def test_a_name_is_found_as_people_write_it(text, left):
    assert redacted(f"so {text} now") == f"so {left} now"


@pytest.mark.parametrize("text", LEFT)
def test_what_may_be_anybody_stays(text):
    assert redacted(f"so {text} now") == f"so {text} now"


@pytest.mark.parametrize("text", [*LEFT, *(text for text, _ in FOUND)])
def test_who_is_hidden_is_found_alike(text):
    assert redacted(text, NOBODY) == redacted(text)


def test_hiding_leaves_the_digest():
    assert NOBODY.digest == EVERYBODY.digest


def test_a_name_without_such_words_has_no_variant():
    assert variants(("tessa", "wraxhall")) == []
    assert ("bob", "thistlewood") in variants(("robert", "thistlewood"))
