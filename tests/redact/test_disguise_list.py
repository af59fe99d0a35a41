"""The detectors against the list of forms that they were developed on.

A list that nobody looked at says more: this one keeps what was reached.
"""

from pathlib import Path

import pytest
from disguise_scoring import by, false_hits, read, redactor_of, score

from assent.redact import disguised, links, numbers
from assent.redact.confusables import skeleton
from assent.redact.fold import fold

LISTS = Path(__file__).parent / "disguised"
FORMS = [row for row in read(LISTS / "development.jsonl") if row["kind"] != "name"]
INNOCENT = read(LISTS / "innocent_development.jsonl")
ELSEWHERE = {"handle-forms"}  # these need a directory


def spans(row, detectors):
    plain = fold([row["text"]])
    text = skeleton(plain.text, plain.codes)
    return [
        (span.start, span.end)
        for detect in detectors
        for _, span in plain.originals(list(detect(text)))
    ]


def everything(row):
    return spans(row, (disguised.find, links.find, numbers.find))


def test_nine_forms_in_ten_are_found_whole():
    result = score(FORMS, everything)

    assert result.asked.total() == len(FORMS) >= 250
    assert result.share >= 0.9
    assert {
        kind: round(found / asked, 2)
        for kind, (found, asked) in result.by_kind().items()
        if found / asked < 0.9 and kind not in ("handle", "url")
    } == {}


def test_every_disguise_is_found_more_often_than_not():
    rows = [row for row in FORMS if row["disguise"] not in ELSEWHERE]
    for disguise, (found, asked) in score(rows, everything).by_disguise().items():
        assert found >= 0.7 * asked, disguise


def test_many_forms_are_found_by_nothing_else():
    rest = score(FORMS, lambda row: spans(row, (links.find, numbers.find)))

    assert score(FORMS, everything).found.total() >= rest.found.total() + 70


def test_hardly_any_innocent_text_is_hit():
    hit = false_hits(INNOCENT, lambda row: spans(row, (disguised.find,)))

    assert len(hit) <= 0.03 * len(INNOCENT)


@pytest.mark.parametrize(
    ("name", "share"), [("added", 0.95), ("development_names", 0.6)]
)
def test_forms_that_were_added_later_are_found_and_nothing_beside_them(name, share):
    rows = read(LISTS / f"{name}.jsonl")
    detect = by(redactor_of(rows))

    assert score(rows, detect).share >= share
    assert false_hits(read(LISTS / f"innocent_{name}.jsonl"), detect) == []


def test_a_form_counts_only_with_all_of_its_letters():
    row = {"text": "so: anna [at] x", "start": 4, "end": 15, "id": "1"}
    row |= {"kind": "email", "disguise": "words"}

    assert score([row], lambda row: [(4, 8), (9, 15)]).missed == []
    assert score([row], lambda row: [(4, 14)]).missed == ["1"]


@pytest.mark.parametrize("found", [[], [(0, 1)]])
def test_any_span_in_an_innocent_text_is_a_false_hit(found):
    assert false_hits([{"text": "a b", "id": "1"}], lambda row: found) == ["1"] * len(
        found
    )


def test_a_redactor_is_scored_by_the_same_measure():
    redactor = redactor_of(FORMS)

    assert score(FORMS, by(redactor)).share >= 0.93
    assert score(FORMS, by(redactor)).by_kind()["handle"][0] >= 12
