"""Any token classifier of Hugging Face, from a folder on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assent.errors import UsageError
from assent.redact.recogniser import folder_digest, windows

PEOPLE = frozenset({"PER", "PERSON"})
MOST = 20_000  # characters at once; the pipeline cuts them to what its model can take


class TransformersRecogniser:
    """Finds what a token classifier labels `PER` or `PERSON`, also as `B-` and `I-`.

    Nothing is fetched: the folder holds the configuration, a fast tokenizer and weights
    as safetensors. Weights in a pickle are refused, since reading one can run code.

    Args:
        folder: what `save_pretrained` of model and tokenizer wrote.

    Raises:
        UsageError: `transformers` is not installed, the folder is missing or holds no
            such model, or no label of it is a person.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(
                f"`{folder}` is no folder",
                hint="save a model there first; nothing is fetched by its name",
            )
        # Read when the library is imported; the arguments below say the same again.
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            import transformers
        except ImportError:
            raise UsageError(
                "a token classifier needs the package `transformers`",
                hint="pip install transformers torch",
            ) from None
        self._classify = _pipeline(transformers, folder)
        self.identity = f"transformers sha256:{folder_digest(folder)}"

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Find names, one text at a time: in a batch, padding would move the scores."""
        return [self._find(text) for text in texts]

    def _find(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for at, part in windows(text, MOST):
            if part.isspace():
                continue
            for each in self._classify(part):
                if _is_person(each["entity_group"]) and each["start"] < each["end"]:
                    found.append((at + int(each["start"]), at + int(each["end"])))
        return sorted(found)


def _pipeline(transformers: Any, folder: Path) -> Any:
    """Load the folder; every reason why it cannot be is one clear error."""
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
        model = transformers.AutoModelForTokenClassification.from_pretrained(
            folder, use_safetensors=True, **local
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise UsageError(
            f"`{folder}` holds no token classifier that can be read: "
            f"{type(error).__name__}",
            hint="save model and tokenizer there, weights as safetensors",
        ) from None
    labels = sorted(set(model.config.id2label.values()))
    if not any(map(_is_person, labels)):
        raise UsageError(
            f"the classifier in `{folder}` labels no person, it knows {labels[:8]}",
            hint="take one with the label `PER` or `PERSON`",
        )
    if not tokenizer.is_fast:
        raise UsageError(
            f"the tokenizer in `{folder}` does not say where its tokens stand",
            hint="save a fast tokenizer, one with a `tokenizer.json`",
        )
    longest = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    tokenizer.model_max_length = longest
    return transformers.pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        aggregation_strategy="simple",
        stride=longest // 8,
        device="cpu",
    )


def _is_person(label: str) -> bool:
    return label.upper().removeprefix("B-").removeprefix("I-") in PEOPLE
