import pytest

from assent.redact.directory import Directory
from assent.redact.lookalikes import Innocent
from assent.redact.masks import Disguise
from assent.redact.measured import (
    CARRIER_CHARACTERS,
    Planted,
    aligned,
    follow,
    found_again,
    outcomes,
    plant,
    shape,
    stood_for,
)
from assent.redact.planted import Identity, entries, identities
from assent.redact.planted_words import Script
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind, Span

NAMES = {Kind.NAME: ["Nora Wexford", "Peter Hartley"]}
CARRIER = "We met [name] there.\nThen all of us left."


@pytest.fixture(scope="module")
def redactor():
    return Redactor(Directory.of(NAMES, bytes(32)))


def identity(text, kind=Kind.NAME, before=""):
    return Identity(kind, Script.PLAIN, "form", Disguise.NONE, text, before)


def outcome(redactor, text, planted):
    at = text.index(planted)
    [found] = outcomes(redactor, [Planted(text, at, at + len(planted))])
    return found


def test_what_is_planted_stands_between_words_and_in_no_placeholder():
    plants = [identity("Nora Wexford", before="with ")] * 60
    made = plant([CARRIER], plants, 1)

    assert {each.text[each.start : each.end] for each in made} == {"Nora Wexford"}
    assert all("[name]" in each.text for each in made)
    words = {tuple(each.text.replace("with Nora Wexford", "").split()) for each in made}
    assert words == {tuple(CARRIER.split())}
    assert len({each.start for each in made}) == len(CARRIER.split()) + 1


def test_the_same_seed_plants_in_the_same_places():
    plants = [identity("Nora Wexford")] * 9

    assert plant(["a b c"], plants, 1) == plant(["a b c"], plants, 1)
    assert plant(["a b c"], plants, 1) != plant(["a b c"], plants, 2)


def test_a_corpus_without_a_text_carries_nothing_but_the_plant():
    assert plant([], [identity("Nora Wexford")], 1) == [Planted("Nora Wexford", 0, 12)]


def test_a_long_carrier_is_cut_at_a_blank():
    [made] = plant(["word " * 9_000], [identity("Nora Wexford")], 1)

    assert CARRIER_CHARACTERS < len(made.text) + 5 < CARRIER_CHARACTERS + 30
    assert set(made.text.replace("Nora Wexford", "").split()) == {"word"}


def test_a_name_that_is_listed_is_removed_and_another_is_not(redactor):
    listed = outcome(redactor, "I saw Nora Wexford there", "Nora Wexford")
    other = outcome(redactor, "I saw Nora Hartley there", "Nora Hartley")

    assert (listed.removed, listed.kinds, listed.characters) == (True, {Kind.NAME}, 0)
    assert (other.removed, other.kinds, other.characters) == (False, set(), 11)


def test_half_of_what_was_planted_is_not_removed(redactor):
    half = outcome(redactor, "to ann@mail.example or so", "ann@mail.example or")

    assert not half.removed
    assert half.kinds == {Kind.EMAIL}
    assert half.characters == 2


def test_what_shows_only_in_a_second_pass_is_followed_there(redactor):
    text = "ann@mail.example Nora Wexford and Peter Hartley"
    found = outcome(redactor, text, "Peter Hartley")

    assert found.removed
    assert redactor.redact([text])[0].text == "[email] [name] and [name]"


def test_what_goes_beside_it_is_no_hit(redactor):
    found = outcome(redactor, "release 3.11.7 for Nora Wexford", "3.11.7")

    assert found.kinds == set()


def test_what_is_followed_is_what_redaction_leaves():
    made = identities(7, 25)
    redactor = Redactor(Directory.of(entries(made, left=False), bytes(32)))
    planted = plant([CARRIER, "1. @nora said:\n2. no way"], made, 3)
    followed = follow(redactor, planted)
    left = redactor.redact([each.text for each in planted])

    assert [text for text, _, _ in followed] == [each.text for each in left]
    for each, (text, trace, _) in zip(planted, followed, strict=True):
        inside = each.text[each.start : each.end]
        rest = iter(inside)
        assert all(text[at] in rest for at in trace)  # in order, none from elsewhere


def test_in_a_text_that_is_redacted_nothing_is_found_again(redactor):
    assert found_again(redactor, [CARRIER]) == {}
    assert found_again(redactor, [CARRIER, "Nora Wexford"]) == {Kind.NAME: 1}


def test_what_placeholders_stand_for_is_found_in_the_original(redactor):
    original = "Nora Wexford Peter Hartley wrote to ann@mail.example"
    [redacted] = redactor.redact([original])
    [spans] = stood_for(redactor, [original], [redacted.text])

    assert [original[x.start : x.end] for x in spans] == [
        "Nora Wexford",
        "Peter Hartley",
        "ann@mail.example",
    ]


def test_what_another_release_redacted_is_found_by_what_was_kept(redactor):
    original, redacted = "call Zoe on 555 0100 now", "call [name] on [phone] now"

    assert stood_for(redactor, [original], [redacted]) == [
        [Span(5, 8, Kind.NAME), Span(12, 20, Kind.PHONE)]
    ]
    assert stood_for(redactor, ["quite another text"], [redacted]) == [None]


@pytest.mark.parametrize(
    ("original", "redacted", "spans"),
    [
        ("same", "same", []),
        ("same", "other", None),
        ("Zoe", "[name]", [Span(0, 3, Kind.NAME)]),
        ("Zoe!", "[name-01ab23cd]!", [Span(0, 3, Kind.NAME)]),
        ("a1b", "a[id][ip]b", [Span(1, 2, Kind.IP)]),
        ("ab", "a[id]b", None),
        ("a1b2c", "a[id]x[ip]c", None),
    ],
)
def test_alignment_goes_by_what_is_kept(original, redacted, spans):
    assert aligned(original, redacted) == spans


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Nora Wexford", "Aaaa Aaaaaaa"),
        ("+49 30\u00a01234-٥", "+99 99 9999-9"),
        ("a\u200bb\u00adc\nd", "a·a·a↵a"),
        ("欧阳@q", "xx@a"),
        ("x" * 50, "a" * 40 + "…"),
    ],
)
def test_a_shape_says_nothing_but_the_outline(text, drawn):
    assert shape(text) == drawn


def test_a_look_alike_can_be_planted_too():
    [made] = plant(["a b"], [Innocent("version", "3.1", "release ")], 1)

    assert made.text[made.start : made.end] == "3.1"
    assert "release 3.1" in made.text
