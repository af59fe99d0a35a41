"""What a policy says of removing personal data holds in the corpus, and is named."""

import re
from dataclasses import replace

import pytest

from assent.corpus.manifest import BuildRequest
from assent.errors import UsageError
from assent.policy.redaction import Redaction
from assent.terms import Inside, Recogniser, Style
from small_names import AGREE, manifest_of, project, table_of, texts_of
from small_project import POLICY, digests, opened, write_policy
from test_build import REQUEST

TEXTS = {
    "u01-0": "I met Ben Berg, then Cleo Marsh, then ben berg again.",
    "u03-0": "Long ago somebody called Ben Berg wrote many letters to all of us.",
}
MARK = re.compile(r"\[name-([0-9a-f]{8})\]")


def built(folder, redact, texts=TEXTS):
    """Build a corpus under a `[redact]` table: its texts, reasons and manifest."""
    project(folder, texts, f"[redact]\n{redact}\n")
    with opened(folder) as there:
        there.build()
        dropped = table_of(there, "dropped.parquet")
        reasons = {row["document_id"]: row["reason"] for row in dropped}
        return texts_of(there), reasons, manifest_of(there)


def test_by_default_a_name_is_replaced_by_what_it_is(tmp_path):
    texts, reasons, manifest = built(tmp_path / "toy", "")

    assert texts["u01-0"] == "I met [name], then [name], then [name] again."
    assert reasons == {}
    assert "redaction" not in manifest.request.identity


@pytest.mark.parametrize("style", ["document", "corpus"])
def test_pseudonyms_are_the_same_within_what_the_style_says_only(tmp_path, style):
    texts, _, manifest = built(tmp_path / "toy", f'style = "{style}"')
    ben, cleo, again = MARK.findall(texts["u01-0"])
    [elsewhere] = MARK.findall(texts["u03-0"])

    assert ben == again != cleo
    assert (elsewhere == ben) == (style == "corpus")
    assert manifest.request.redaction == Redaction(style=Style(style))
    assert manifest.request.identity["redaction"]["style"] == style


def test_two_corpora_cannot_be_joined_by_their_pseudonyms(tmp_path):
    project(tmp_path / "toy", TEXTS, '[redact]\nstyle = "corpus"\n')
    marks = []
    for days in (0, 1):
        with opened(tmp_path / "toy", days) as there:
            there.build()
            marks.append(set(MARK.findall(texts_of(there)["u01-0"])))

    assert marks[0].isdisjoint(marks[1])


def test_a_text_of_which_too_much_is_removed_is_dropped_with_that_reason(tmp_path):
    texts, reasons, manifest = built(tmp_path / "toy", "drop_above = 0.3")

    assert texts.keys() == {"u03-0"}
    assert reasons == {"u01-0": "too_much_removed"}
    assert manifest.counts.dropped_by_reason == {"too_much_removed": 1}


def test_a_share_that_is_just_reached_drops_nothing(tmp_path):
    texts = {"u01-0": "Ben Berg is 8 of 16"[:16]}  # half of it

    kept, _, _ = built(tmp_path / "half", "drop_above = 0.5", texts)
    _, reasons, _ = built(tmp_path / "less", "drop_above = 0.49", texts)
    assert kept == {"u01-0": "[name] is 8 of"}
    assert reasons == {"u01-0": "too_much_removed"}


REFUSED = {
    'quotes = "keep"': "nothing says whose words they are",
}


def test_the_recogniser_finds_names_that_no_directory_lists(tmp_path):
    texts = {"u01-0": "yesterday I met Maria Gonzalez and Ben Berg in town"}

    kept, _, _ = built(tmp_path / "own", 'recogniser = "own"', texts)
    without, _, _ = built(tmp_path / "none", 'recogniser = "none"', texts)
    assert kept == {"u01-0": "yesterday I met [name] and [name] in town"}
    assert without == {"u01-0": "yesterday I met Maria Gonzalez and [name] in town"}


@pytest.mark.parametrize("setting", REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_is_written(tmp_path, setting):
    project(tmp_path / "toy", TEXTS, f"[redact]\n{setting}\n")
    before = digests(tmp_path / "toy")

    with opened(tmp_path / "toy") as there, pytest.raises(UsageError) as caught:
        there.build()
    assert REFUSED[setting] in caught.value.message
    assert digests(tmp_path / "toy") == before


def test_of_two_controllers_the_stricter_setting_holds(tmp_path):
    folder = tmp_path / "toy"
    project(folder, TEXTS, '[redact]\nstyle = "corpus"\ndrop_above = 0.3\n')
    other = POLICY.replace('"Toy"', '"Other"').replace("-interests", "-others")
    other += AGREE.replace('"names"', '"their-names"')
    with opened(folder) as there:
        there.publish(write_policy(folder, other, "other.toml"))
        there.build()

        assert manifest_of(there).request.redaction == Redaction(drop_above=0.3)
        assert "[name]" in texts_of(there)["u03-0"]


SETTINGS = {
    "names": Inside.KEEP,
    "quotes": Inside.KEEP,
    "style": Style.CORPUS,
    "drop_above": 0.5,
    "recogniser": Recogniser.OWN,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_names_another_corpus_and_is_read_back(name):
    other = replace(REQUEST, redaction=Redaction(**{name: SETTINGS[name]}))

    assert other.corpus_id != REQUEST.corpus_id
    assert BuildRequest.from_identity(other.identity) == other
