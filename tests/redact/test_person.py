import hashlib
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import CorpusError
from assent.redact import person
from assent.redact.person import MODEL, MODEL_SHA256, PersonRecogniser, decode, shipped
from assent.redact.person_features import (
    AT_MOST,
    TOKEN,
    case_of,
    grams_of,
    pieces,
    shape_of,
    spans_of,
)

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))

from person_corpora import DEVELOPMENT, read, score  # noqa: E402

TEXTS = [
    "yesterday I met Maria Gonzalez at the station",
    "@maria_g thanks , Maria !",
    "ask James or Sarah about https://example.org/Sarah-Miller #SarahMiller",
    "the weather is fine today",
    "HAPPY BIRTHDAY JENNIFER LOPEZ",
    "",
    "王小明 Мария 🎉🎉 \u200d\ud83d",
    "a\0b Robert\nSmith",
]


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in shipped().find([text])[0]]


def test_the_shipped_model_is_small_and_the_one_that_the_code_names() -> None:
    data = MODEL.read_bytes()

    assert hashlib.sha256(data).hexdigest() == MODEL_SHA256
    assert len(data) <= 3_000_000
    assert MODEL_SHA256 in shipped().identity


def test_a_changed_model_is_refused_where_the_shipped_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(MODEL.read_bytes())
    data[len(data) // 2] ^= 1
    changed = tmp_path / "person.npz"
    changed.write_bytes(data)
    monkeypatch.setattr(person, "MODEL", changed)

    with pytest.raises(CorpusError, match="has SHA-256"):
        PersonRecogniser()


def test_a_file_that_is_no_model_is_one_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.npz"
    for data in (b"", b"PK\x03\x04", MODEL.read_bytes()[:5000], b"\x80\x04K\x01."):
        broken.write_bytes(data)
        with pytest.raises(CorpusError, match="is no file of arrays"):
            PersonRecogniser(broken)
    with pytest.raises(CorpusError, match="cannot read"):
        PersonRecogniser(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("weights", np.zeros((4, 2), np.int8), "of shape"),
        ("weights", np.zeros((4, 2), np.int32), "no array `weights` of int8"),
        ("word_keys", np.zeros((2, 2), np.uint32), "in 2 dimensions"),
        ("word_keys", np.zeros(3, np.uint32), "one class a word"),
        ("start", None, "no array `start`"),
    ],
)
def test_a_model_of_another_form_is_one_clear_error(
    name: str, value: np.ndarray | None, fault: str, tmp_path: Path
) -> None:
    with np.load(MODEL) as file:
        arrays = {each: file[each] for each in file.files if each != name}
    if value is not None:
        arrays[name] = value
    np.savez(tmp_path / "other.npz", **arrays)

    with pytest.raises(CorpusError, match=fault):
        PersonRecogniser(tmp_path / "other.npz")


def test_names_are_found_in_plain_texts() -> None:
    assert words("yesterday I met Maria Gonzalez at the station") == ["Maria Gonzalez"]
    assert words("thanks to James and Sarah Miller for the help") == [
        "James",
        "Sarah Miller",
    ]
    assert words("the weather is fine today , see you at noon") == []


def test_handles_and_links_are_never_part_of_a_name() -> None:
    for text in TEXTS:
        for token in words(text):
            assert "@" not in token
            assert "://" not in token
    assert words("RT @JamesSmith : @SarahMiller") == []


def test_a_text_s_names_do_not_depend_on_what_stands_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = [PersonRecogniser().find([text])[0] for text in TEXTS]
    recogniser = PersonRecogniser()

    assert any(alone)
    assert recogniser.find(TEXTS) == alone
    assert recogniser.find(TEXTS[::-1] * 3) == alone[::-1] * 3
    monkeypatch.setattr(person, "BATCH", 3)
    assert recogniser.find(TEXTS) == alone


def test_what_it_keeps_between_calls_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recogniser = PersonRecogniser()
    before = recogniser.find(TEXTS)
    monkeypatch.setattr(type(recogniser._encoder), "MOST_KEPT", 2)

    assert recogniser.find(TEXTS) == before
    assert recogniser.find(TEXTS) == before
    assert len(recogniser._encoder._kept) < 100


@settings(max_examples=25)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_gives_spans_of_its_own_in_order(texts: list[str]) -> None:
    for text, spans in zip(texts, shipped().find(texts), strict=True):
        edges = [edge for span in spans for edge in span]

        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert edges == sorted(edges)
        assert all(text[start:end].strip() == text[start:end] for start, end in spans)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "Anna" * 250_000,
        "a-" * 100_000,
        "O'" * 100_000,
        "https://" * 125_000,
        "@" * 50_000,
        "&" * 50_000,
        "🎉" * 50_000,
        "Anna Smith met " * 4_000,
        "\n" * 100_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_long_line_is_cut_into_pieces_of_bounded_size(text: str) -> None:
    cut = list(pieces(text))
    tokens = [token for piece in cut for token in piece]

    assert tokens == [found.span() for found in TOKEN.finditer(text)]
    assert all(0 < len(piece) <= AT_MOST for piece in cut)
    [spans] = shipped().find([text])
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_a_name_in_the_middle_of_a_long_line_is_found() -> None:
    text = "nothing to see here , " * 2000 + "I met Maria Gonzalez today"

    assert words(text) == ["Maria Gonzalez"]


def test_pieces_end_after_sentences_but_not_after_an_initial() -> None:
    text = "one two three four five six seven " * 4 + "said Dr. Whom . Then more . End"
    first, *_ = pieces(text)

    assert text[first[0][0] : first[-1][1]].endswith("said Dr. Whom .")


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_decoding_finds_the_best_labels_of_all(seed: int) -> None:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 5, size=3)
    starts = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]]) + 1
    scores = draw.integers(-9, 10, (int(starts[-1] + lengths[-1]) + 2, 3))
    transitions, start = draw.integers(-9, 10, (3, 3)), draw.integers(-9, 10, 3)

    def total(labels: tuple[int, ...], at: int) -> int:
        steps = zip(labels, labels[1:], strict=False)
        return int(
            start[labels[0]]
            + sum(scores[at + step, label] for step, label in enumerate(labels))
            + sum(transitions[step] for step in steps)
        )

    found = decode(scores, starts, lengths, transitions, start)

    for at, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        best = max(total(each, at) for each in product(range(3), repeat=length))
        assert total(tuple(found[at : at + length].tolist()), at) == best


def test_labels_read_as_spans() -> None:
    tokens = [(0, 1), (2, 3), (4, 5), (6, 7)]

    assert spans_of([1, 2, 0, 1], tokens) == [(0, 3), (6, 7)]
    assert spans_of([1, 1, 2, 2], tokens) == [(0, 1), (2, 7)]
    assert spans_of([0, 0, 0, 0], tokens) == []


def test_tokens_keep_names_whole_and_what_follows_them_apart() -> None:
    def tokens(text: str) -> list[str]:
        return TOKEN.findall(text)

    assert tokens("O'Hara's Anne-Marie") == ["O'Hara", "'s", "Anne-Marie"]
    assert tokens("Anna's, @anna: #Anna &amp; www.a.example") == [
        *("Anna", "'s", ",", "@anna", ":", "#Anna", "&amp;", "www.a.example")
    ]


def test_a_token_is_described_by_its_writing() -> None:
    written = ["anna", "Anna", "A", "ANNA", "McDonald", "12", "!", "@a", "#a", "www.a"]

    assert len({case_of(token) for token in written}) == len(written)
    assert shape_of("Xaver-Ulf1") == "Xxx-Xxxd"
    assert shape_of("aaaa") == "xx"


def test_groups_of_letters_belong_to_their_word() -> None:
    owners, bins = grams_of(["ab", "", "ab"])

    assert owners.tolist().count(0) == 3 + 2 + 1  # of 2, 3 and 4 bytes in ^ab$
    assert sorted(bins[owners == 0]) == sorted(bins[owners == 2])
    assert owners.tolist().count(1) == 1


def test_the_gate_lets_through_what_can_hold_a_name() -> None:
    gate = person.gate

    assert gate("yesterday I met Maria Gonzalez")
    assert gate("we asked jennifer about it")
    assert gate("Ask Оля and Zoë")
    assert not gate("The weather is fine today. I think so!")
    assert not gate("")


@pytest.mark.shared
@pytest.mark.parametrize(("corpus", "wanted"), [("wnut17", 0.60), ("btc", 0.62)])
def test_names_of_the_two_corpora_are_found_as_well_as_the_card_says(
    corpus: str, wanted: float, shared: Path
) -> None:
    documents = read(shared / "pii" / DEVELOPMENT[corpus])
    found = shipped().find([each.text for each in documents])
    named = [each for each in documents if each.spans]

    assert score(documents, found).f1 >= wanted
    through = sum(len(each.spans) for each in named if person.gate(each.text))
    assert through >= 0.90 * sum(len(each.spans) for each in named)
