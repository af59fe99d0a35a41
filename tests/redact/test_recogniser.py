import importlib.util
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent.errors import UsageError
from assent.redact.person import PersonRecogniser
from assent.redact.recogniser import folder_digest, open_recogniser, windows

NAME = "zed"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", NAME, "saw", "the", "dog"]


class Network:
    """Every try of this process to reach another, while it is denied."""

    def __init__(self) -> None:
        self.denied = False
        self.tries: list[str] = []
        sys.addaudithook(self._hear)  # stays for good, so it says nothing unless asked

    def _hear(self, event: str, arguments: object) -> None:
        # urllib3 binds a socket of this machine when it is imported; that asks nobody.
        asks = event.startswith("socket.") and event not in ("socket.__new__", LOCAL)
        if self.denied and asks:
            self.tries.append(event)
            raise OSError("the network is denied in this test")


LOCAL = "socket.bind"
NETWORK = Network()


@pytest.fixture(autouse=True, scope="module")
def network() -> Iterator[Network]:
    """Denied from before the first library is imported to after the last test."""
    NETWORK.denied = True
    yield NETWORK
    NETWORK.denied = False


@pytest.fixture(autouse=True)
def _nothing_tried_the_network(network: Network) -> Iterator[None]:
    network.tries.clear()
    yield
    assert network.tries == []  # caught by a library or not


def save_classifier(folder: Path, person: str = "PER") -> Path:
    """A classifier of one layer that knows one name, whatever stands around it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertForTokenClassification,
        PreTrainedTokenizerFast,
    )

    ids = {word: number for number, word in enumerate(VOCABULARY)}
    inner = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=ends
    )
    PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
            id2label={0: "O", 1: f"B-{person}", 2: f"I-{person}"},
            label2id={"O": 0, f"B-{person}": 1, f"I-{person}": 2},
        )
    ).eval()
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.zero_()
        model.bert.encoder.layer[0].attention.self.value.weight.zero_()
        hidden = model.bert(torch.tensor([list(ids.values())])).last_hidden_state[0]
        known = hidden[ids[NAME]]
        others = torch.cat([hidden[: ids[NAME]], hidden[ids[NAME] + 1 :]])
        highest, of_name = (others @ known).max(), known @ known
        model.classifier.weight.zero_()
        model.classifier.weight[1] = known
        model.classifier.bias.copy_(
            torch.tensor([0.0, -float(highest + of_name) / 2, -100.0])
        )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("classifier"))


def test_a_try_to_reach_the_network_is_seen(network: Network) -> None:
    with pytest.raises(OSError, match="denied"):
        socket.getaddrinfo("localhost", 80)

    assert network.tries == ["socket.getaddrinfo"]
    network.tries.clear()


def test_our_own_finds_names_without_the_network() -> None:
    text = "yesterday I met Maria Gonzalez at the station"

    assert PersonRecogniser().find([text, ""]) == [[(16, 30)], []]


def test_a_classifier_of_a_folder_finds_names_without_the_network(
    classifier: Path,
) -> None:
    texts = ["the dog saw zed", "", "   ", "zed saw the dog", "the dog"]
    recogniser = open_recogniser(f"transformers:{classifier}")

    assert recogniser.find(texts) == [[(12, 15)], [], [], [(0, 3)], []]
    assert [recogniser.find([text])[0] for text in texts] == recogniser.find(texts)


def test_a_classifier_reads_a_text_longer_than_its_model(classifier: Path) -> None:
    text = "the dog saw " * 200 + "zed"
    recogniser = open_recogniser(f"transformers:{classifier}")

    assert recogniser.find([text, "zed"]) == [[(2400, 2403)], [(0, 3)]]


def test_a_recogniser_is_named_by_its_bytes(classifier: Path, tmp_path: Path) -> None:
    shutil.copytree(classifier, tmp_path / "copy")
    here, there = (
        open_recogniser(f"transformers:{folder}").identity
        for folder in (classifier, tmp_path / "copy")
    )
    (tmp_path / "copy" / "more.txt").write_text("changed")

    assert here == there
    assert folder_digest(tmp_path / "copy") not in here
    assert isinstance(open_recogniser("person"), PersonRecogniser)


@pytest.mark.parametrize(
    "choice", ["", "names", "person:other", "presidio", "transformers:", "Person"]
)
def test_a_recogniser_that_does_not_exist_is_one_clear_error(choice: str) -> None:
    with pytest.raises(UsageError, match="no recogniser") as caught:
        open_recogniser(choice)

    assert "transformers:FOLDER" in caught.value.hint


@pytest.mark.parametrize(
    ("choice", "library"),
    [
        ("presidio:en_core_web_sm", "presidio_analyzer"),
        ("transformers:", "transformers"),
    ],
)
def test_a_library_that_is_not_installed_is_one_clear_error(
    choice: str, library: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # what Python does for "not there"
    if choice.endswith(":"):
        choice += str(tmp_path)

    with pytest.raises(UsageError, match="needs the package") as caught:
        open_recogniser(choice)

    assert caught.value.hint.startswith("pip install")
    assert caught.value.exit_code == 2


def test_a_folder_that_is_missing_or_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        open_recogniser(f"transformers:{tmp_path / 'missing'}")
    with pytest.raises(UsageError, match="no token classifier"):
        open_recogniser(f"transformers:{tmp_path}")


def test_a_classifier_that_knows_no_people_is_refused(tmp_path: Path) -> None:
    save_classifier(tmp_path, person="LOC")

    with pytest.raises(UsageError, match="labels no person"):
        open_recogniser(f"transformers:{tmp_path}")


def test_weights_in_a_pickle_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    weights = save_classifier(tmp_path) / "model.safetensors"
    torch.save(load_file(weights), tmp_path / "pytorch_model.bin")
    weights.unlink()

    with pytest.raises(UsageError, match="no token classifier"):
        open_recogniser(f"transformers:{tmp_path}")


@pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None,
    reason="needs presidio-analyzer, which is chosen by who uses it",
)
def test_presidio_finds_names_without_the_network(tmp_path: Path) -> None:
    import spacy

    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Zed"}])  # type: ignore[attr-defined]
    pipeline.to_disk(tmp_path)

    recogniser = open_recogniser(f"presidio:{tmp_path}")
    assert recogniser.find(["we saw Zed", ""]) == [[(7, 10)], []]
    with pytest.raises(UsageError, match="not on this machine"):
        open_recogniser("presidio:en_no_such_model")


@pytest.mark.parametrize("most", [2, 7, 50])
def test_windows_hold_the_whole_text_in_order(most: int) -> None:
    for text in ("", "a b\nc", "x" * 40, "some words and\nsome lines\n" * 5, " " * 9):
        parts = list(windows(text, most))

        assert "".join(part for _, part in parts) == text
        assert all(0 < len(part) <= most for _, part in parts)
        assert all(text[at : at + len(part)] == part for at, part in parts)
