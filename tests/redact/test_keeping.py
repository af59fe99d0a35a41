"""A name stays only if all who may be meant agreed, and is taken back exactly."""

from collections.abc import Mapping

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.redact.directory import COLUMNS, Directory
from assent.redact.redactor import Redactor
from assent.redact.settings import Settings
from assent.terms import Style

KEY = bytes(range(32))
PEOPLE: Mapping[str, Mapping[str, list[str]]] = {
    "anna": {"names": ["Anna Lee"], "handles": ["anna_lee"]},
    "ben": {"names": ["Ben Berg", "Ben"], "emails": ["ben@berg.example"]},
    "other-ben": {"names": ["Ben Berg"]},
    "other-one": {"names": ["Ben"]},
    "cleo": {"names": ["Cleo Marsh"]},
    "long": {"names": ["Cleo Marsh Hall"]},
    "berg": {"names": ["Marsh Hallow"]},
    "firm": {"names": ["Ada North"], "employer": ["Anna Lee"]},
    "dora": {"names": ["Dora Quist"]},
    "spot": {"names": ["Zoë Ng"], "handles": ["zoe.ng"]},
    "turned": {"names": ["Lindt Edda"]},
    "edda": {"names": ["Edda Lindt"]},
    "plural": {"names": ["Edda Lindts"]},
    "longer": {"names": ["Edda Maria Lindt"]},
}


def directory(*without: str) -> Directory:
    rows = [
        {
            "subject_id": who,
            **{
                name: (known.get(name) or [None])[0]
                if name == "employer"
                else known.get(name, [])
                for name in COLUMNS
            },
        }
        for who, known in PEOPLE.items()
        if who not in without
    ]
    fields = [
        pa.field(name, pa.string() if name == "employer" else pa.list_(pa.string()))
        for name in COLUMNS
    ]
    schema = pa.schema([pa.field("subject_id", pa.string()), *fields])
    return Directory.from_subjects(pa.Table.from_pylist(rows, schema=schema), KEY)


DIRECTORY = directory()
EVERYBODY = frozenset(PEOPLE)

# Who agreed, the text, what is left of it, and whose names are kept in it.
CASES = [
    ("nobody agreed", "", "Ask Dora Quist.", "Ask [name].", []),
    ("she agreed", "dora", "Ask Dora Quist.", "Ask Dora Quist.", ["dora"]),
    ("in any case", "dora", "ask dora QUIST!", "ask dora QUIST!", ["dora"]),
    ("another agreed", "cleo", "Ask Dora Quist.", "Ask [name].", []),
    ("one of two of a name", "ben", "Ask Ben Berg.", "Ask [name].", []),
    ("both", "ben other-ben", "Ask Ben Berg.", "Ask Ben Berg.", ["ben", "other-ben"]),
    ("one of them", "dora", "Dora Quist, Anna Lee", "Dora Quist, [name]", ["dora"]),
    ("a firm is called so", "anna", "I know Anna Lee.", "I know [name].", []),
    ("she and all of the firm", "anna firm", "I know Anna Lee.", "I know Anna Lee.",
     ["anna", "firm"]),
    ("a name inside of one", "long", "a Cleo Marsh Hall", "a [name]", []),
    ("both of these", "long cleo", "a Cleo Marsh Hall", "a Cleo Marsh Hall",
     ["cleo", "long"]),
    ("the shorter alone", "cleo", "a Cleo Marsh there", "a Cleo Marsh there", ["cleo"]),
    ("names that overlap", "cleo berg", "a Cleo Marsh Hallow", "a [name]", []),
    ("her address goes", "ben other-ben", "Ben Berg (ben@berg.example)",
     "Ben Berg ([email])", ["ben", "other-ben"]),
    ("her handle goes", "anna firm", "Anna Lee is anna_lee", "Anna Lee is [handle]",
     ["anna", "firm"]),
    ("accents are no matter", "spot", "It was Zoe Ng.", "It was Zoe Ng.", ["spot"]),
    ("in another order", "dora", "Ask Quist, Dora.", "Ask [name].", []),
    ("in one word", "dora", "Ask #DoraQuist.", "Ask #[name].", []),
    ("turned round it is another's", "turned", "Ask Lindt Edda.", "Ask [name].", []),
    ("she and the other", "turned edda", "Ask Lindt Edda.", "Ask [name].", []),
    ("and who has one more name", "longer turned edda", "Ask Lindt Edda.",
     "Ask Lindt Edda.", ["edda", "longer", "turned"]),
    ("it may be hers with an s", "plural", "Ask Edda Lindts.", "Ask [name].", []),
    ("it may be hers, and a name more", "longer turned", "Ask Edda Maria Lindt.",
     "Ask [name].", []),
    ("all of these", "longer turned edda", "Ask Edda Maria Lindt.",
     "Ask Edda Maria Lindt.", ["edda", "longer", "turned"]),
    ("in a quoted block", "dora", "> Dora Quist\nWell.", "[quote]\nWell.", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("agreed", "text", "wanted", "bearers"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_name_stays_only_if_all_who_may_be_meant_agreed(
    agreed, text, wanted, bearers
):
    [left] = Redactor(DIRECTORY, agreed=agreed.split()).redact([text])
    found = {who for each in left.kept for who in each.bearers}

    assert left.text == wanted
    assert sorted(found) == bearers


def test_a_name_of_one_word_is_asked_of_all_who_have_it_not_of_those_near_alone():
    near = [["ben"], ["anna"]]
    texts = ["Ben said so.", "Ben said so."]
    ben, both = (
        [left.text for left in Redactor(DIRECTORY, agreed=who).redact(texts, near)]
        for who in (["ben"], ["ben", "other-one"])
    )

    assert ben == ["[name] said so.", "Ben said so."]  # far from him it is a word
    assert both == ["Ben said so.", "Ben said so."]


def test_who_left_has_not_agreed_to_her_name_turned_round():
    left = Redactor(DIRECTORY.hide("edda"), agreed=EVERYBODY)

    assert left.redact(["Ask Lindt Edda."])[0].text == "Ask [name]."


@pytest.mark.parametrize("hidden", ["ben", "other-ben"])
def test_who_left_has_not_agreed(hidden):
    left = Redactor(DIRECTORY.hide(hidden), agreed=EVERYBODY)

    assert left.redact(["Ask Ben Berg."])[0].text == "Ask [name]."


def test_an_objector_has_not_agreed():
    both = Directory(directory().rows, KEY, directory().hide("dora").hidden)

    [left] = Redactor(both, agreed=["dora"]).redact(["Ask Dora Quist."])
    assert left.text == "Ask [name]."


def test_where_a_name_is_kept_is_where_it_stands():
    text = "Mail ben@berg.example, then Dora Quist,\nthen Ada North; +49 30 5550 1234."
    [left] = Redactor(DIRECTORY, agreed=["dora", "firm"]).redact([text])

    stands = [left.text[each.start : each.end] for each in left.kept]
    assert stands == ["Dora Quist", "Ada North"]
    assert left.counts == {"email": 1, "phone": 1}


PIECES = [
    *("Lindt", "Edda", "Quist,", "_", "DoraQuist", "Maria"),
    *(name for known in PEOPLE.values() for name in known["names"]),
    *("ben@berg.example", "anna_lee", "030 5550 1234", "call", "Mr.", "and", "> "),
    *("\n", ", ", " - ", "[name]", "(", ")", "Hall", "https://x.example/", "12", "é"),
]
SUBJECTS = st.frozensets(st.sampled_from(sorted(PEOPLE)))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    SUBJECTS,
    SUBJECTS,
    st.sampled_from(Style),
)
def test_taking_names_back_is_as_if_nobody_had_ever_agreed(text, agreed, gone, style):
    how = Settings(style, KEY, "scope")
    near, documents = [sorted(PEOPLE)], ["d1"]

    def left(who):
        redactor = Redactor(DIRECTORY, how, who)
        return redactor.redact([text], near, documents)[0]

    assert left(agreed).without(gone, how, "d1") == left(agreed - gone)
    assert left(agreed).without(None, how, "d1") == left(frozenset())


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join), max_size=4),
    SUBJECTS,
)
def test_what_is_kept_of_a_text_does_not_depend_on_what_stands_beside_it(texts, agreed):
    redactor = Redactor(DIRECTORY, agreed=agreed)
    near = [["ben", "anna"]] * len(texts)

    alone = [redactor.redact([text], [near[0]])[0] for text in texts]
    assert redactor.redact(texts, near) == alone


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    st.sampled_from(sorted(PEOPLE)),
)
def test_by_default_nobodys_leaving_changes_anybodys_text(text, leaver):
    near = [[who for who in sorted(PEOPLE) if who != leaver]]
    before, after = (
        Redactor(each).redact([text], near)
        for each in (DIRECTORY, DIRECTORY.hide(leaver))
    )

    assert before == after
