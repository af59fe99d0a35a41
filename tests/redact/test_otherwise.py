"""Names of several words, written in other orders, signs and letters than as listed."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.redact.directory import COLUMNS, Directory
from assent.redact.entries import forms_of, letters_of
from assent.redact.forms import plain_keys
from assent.redact.grams import hashed
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind

KEY = bytes(range(32))
NAMES = [
    *("Anna Berg", "Will Power", "Grace Hope", "Rose Wood", "Wilhelmina Ostergaard"),
    *("Jan van der Bergstra", "Jean-Pierre Moreau", "Sean O'Sullivan", "王小明"),
    *("Thomas James", "Mark Field", "Olga Petrovna Ivanova", "Griffin Stoffelsen"),
]

FOUND = [
    # another order
    ("by Berg, Anna.", "by [name]."),
    ("by BERG Anna.", "by [name]."),
    ("By Berg Anna, Today", "By [name], Today"),
    ("signed berg anna", "signed [name]"),
    ("Berg,Anna", "[name]"),
    ("Bergstra, Jan van der (lid)", "[name] (lid)"),
    ("ask Power, Will", "ask [name]"),
    # other signs between
    ("anna_berg.pdf", "[name].pdf"),
    ("_Anna Berg_", "_[name]_"),
    ("photo_anna_berg_2.jpg", "photo_[name]_2.jpg"),
    ("see anna.berg or anna-berg", "see [name] or [name]"),
    ("Anna/Berg or Anna - Berg", "[name] or [name]"),
    ("**Anna** *Berg*", "**[name]*"),
    ("Anna (Berg)", "[name])"),
    ("Anna \N{ROSE} Berg", "[name]"),
    ("Anna...Berg", "[name]"),
    ("> by Anna\n> Berg", "[quote]"),
    ("Jean Pierre Moreau", "[name]"),
    ("berg_anna1985", "[name]"),
    # in one word
    ("#AnnaBerg", "#[name]"),
    ("#annaberg", "#[name]"),
    ("#FreeAnnaBerg today", "#Free[name] today"),
    ("#WilhelminaOstergaardDay", "#[name]Day"),
    ("login BergAnna84 was seen", "login [name] was seen"),
    ("Sean OSullivan", "[name]"),
    ("wilhelminaostergaard", "[name]"),
    # a word, an initial or a nickname more
    ("Anna M. Berg", "[name]"),
    ("Anna J. M. Berg", "[name]"),
    ("Anna Marie Berg", "[name]"),
    ('Anna "Annie" Berg', "[name]"),
    ("Anna “Annie the Great” Berg", "[name]"),
    ("'Nna' Anna Berg", "[name]"),
    # what belongs to a name beside it
    ("by H. Anna Berg", "by [name]"),
    ("Berg, Anna J. de (lid)", "[name] (lid)"),
    ("by Anna Berg Jr. and", "by [name] and"),
    ("Berg, Anna, Jr.; no", "[name]; no"),
    # tags between the words
    ("by <b>Anna</b> Berg, on", "by [name], on"),
    ("[b]Anna[/b] [i]Berg[/i] said", "[name] said"),
    ("Mark J. Field", "[name]"),
    # endings
    ("Anna Bergs", "[name]"),
    ("Anna Berg's", "[name]'s"),
    # letters apart, and words that are broken
    ("A n n a  B e r g", "[name]"),
    ("A.n.n.a B.e.r.g", "[name]"),
    ("x y A n n a B e r g z", "x y [name] z"),
    ("Wilhel-\nmina Ostergaard", "[name]"),
    ("Wilhelmina Oster- gaard", "[name]"),
    ("Jean-\nPierre Moreau", "[name]"),
    ("Wilhel-\nmina Oster-\ngaard", "[name]"),
    ("Gri ffi n Sto ff elsen", "[name]"),
]
LEFT = [
    "power will be out",
    "hope, grace and faith",
    "no will-power, no field/mark",
    "rosewood, willpower and Rosewood",
    "I met Anna. Berg came later.",
    "Anna: Berg is far",
    "Anna\n\nBerg",
    "- Anna\n- Berg",
    "Anna, Berg, Clara",
    "Anna and Berg",
    "Joanna Berger",
    "annabergen and xannaberg",
    "A. Berg and Anna B.",
    "Mark Our Field",
    "小明王",
    "a b c d e f g h",
    "Anna [name] Berg",
    "Ben Berg Anna",
    "[name] Berg Anna",
    "Berg Anna Johansson",
    "Anna (who lives there with) Berg",
    "Anna <b> and </b> Berg",
    "a fi n and a ff",
    "#WillPowerNow and #annaBergen",
    "#FreeAnnabergNow",
]


def directory(*names: str) -> Directory:
    rows = [
        {"subject_id": name, **{column: [] for column in COLUMNS}, "names": [name]}
        | {"employer": None}
        for name in names
    ]
    fields = [
        pa.field(name, pa.string() if name == "employer" else pa.list_(pa.string()))
        for name in COLUMNS
    ]
    schema = pa.schema([pa.field("subject_id", pa.string()), *fields])
    return Directory.from_subjects(pa.Table.from_pylist(rows, schema=schema), KEY)


EVERYBODY = directory(*NAMES)
NOBODY = EVERYBODY
for each in NAMES:
    NOBODY = NOBODY.hide(each)


def redacted(known: Directory, text: str) -> str:
    return Redactor(known).redact([text])[0].text


@pytest.mark.parametrize(("text", "wanted"), FOUND)
def test_a_name_is_found_however_it_is_written(text, wanted):
    assert redacted(EVERYBODY, text) == wanted


@pytest.mark.parametrize("text", LEFT)
def test_what_is_only_like_a_name_stays(text):
    assert redacted(EVERYBODY, text) == text


def test_who_is_hidden_is_found_alike_in_every_form():
    texts = [*(text for text, _ in FOUND), *LEFT]

    before, after = (Redactor(each).redact(texts) for each in (EVERYBODY, NOBODY))
    assert before == after
    assert NOBODY.digest == EVERYBODY.digest
    assert not NOBODY.rows.num_rows


def test_a_directory_that_is_read_again_finds_the_same(tmp_path):
    texts = [*(text for text, _ in FOUND), *LEFT]
    for number, known in enumerate((EVERYBODY, NOBODY)):
        path = tmp_path / str(number)
        path.write_bytes(known.to_bytes())
        again = Directory.read(path, KEY)
        assert Redactor(again).redact(texts) == Redactor(known).redact(texts)


def test_letters_that_collide_with_a_hidden_name_are_not_hers():
    # Of whom only the hash is known, the tag decides.
    hidden = NOBODY.hidden
    row = hidden.slice(0, 1)
    other = NOBODY.hidden.slice(1)

    assert Directory(NOBODY.rows, KEY, row).hides_letters("annaberg")
    assert not Directory(NOBODY.rows, KEY, other).hides_letters("annaberg")


WORDS = st.lists(st.text("abcé王", min_size=1, max_size=5), min_size=1, max_size=8)


@given(st.lists(WORDS.map(" ".join), max_size=8))
def test_forms_are_made_of_many_names_as_of_one(names):
    known = Directory.of({Kind.NAME: names}, KEY)
    texts = known.rows["text"].to_pylist()
    forms, owners = forms_of(texts)
    wanted = [(at, each) for at, text in enumerate(texts) for each in letters_of(text)]

    hashes = plain_keys(hashed([letters for _, letters in wanted]))
    assert sorted(zip(owners, plain_keys(forms.keys), strict=True)) == sorted(
        zip((at for at, _ in wanted), hashes, strict=True)
    )


SOME = st.lists(
    st.sampled_from(
        [*(text for text, _ in FOUND), *LEFT, "\n", "and", "c@d.example", "s@e.c"]
    ),
    max_size=6,
).map(" ".join)


@given(SOME, SOME)
def test_what_stands_beside_a_text_and_a_second_time_change_nothing(text, beside):
    redactor = Redactor(EVERYBODY)

    [alone] = redactor.redact([text])
    assert redactor.redact([beside, text, beside])[1] == alone
    assert redactor.redact([alone.text])[0].text == alone.text


@given(SOME, st.sampled_from(NAMES))
def test_hiding_one_person_changes_no_text(text, leaver):
    hidden = EVERYBODY.hide(leaver)

    assert Redactor(hidden).redact([text]) == Redactor(EVERYBODY).redact([text])
