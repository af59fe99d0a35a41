"""Recognisers of people's names, behind one small interface; none is on by itself.

Rules find what has a form and the directory finds who is in it. A name in neither is
found by a recogniser, which is slow beside them and wrong more often: it runs on the
rows that `person.gate` lets through, and only when a policy asks for it.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from assent.errors import UsageError


class Recogniser(Protocol):
    """Finds people's names in texts.

    Pure: what it finds in a text does not depend on the other texts of a call.
    """

    @property
    def identity(self) -> str:
        """What it is, with a digest: two of one identity find the same."""

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Find names in each text, in order, as `[start, end)` in characters."""


def open_recogniser(choice: str) -> Recogniser:
    """Open a recogniser; what it needs is imported only now, and nothing is fetched.

    Args:
        choice: `person`, the one that Assent ships; `presidio:MODEL`, Presidio's
            analyzer on an installed spaCy model or a folder with one;
            `transformers:FOLDER`, any token classifier of Hugging Face, saved there.

    Raises:
        UsageError: there is no such recogniser, its library is not installed, or its
            model is not on this machine.
        CorpusError: the model that Assent ships is damaged.
    """
    kind, _, where = choice.partition(":")
    opener = OPENERS.get(kind)
    if opener is None or (kind == "person") == bool(where):
        raise UsageError(
            f"there is no recogniser `{choice}`",
            hint="ask for `person`, `presidio:MODEL` or `transformers:FOLDER`",
        )
    return opener(where)


opened = cache(open_recogniser)
"""Open a recogniser once a process."""


def _person(where: str) -> Recogniser:
    from assent.redact.person import shipped

    return shipped()


def _presidio(where: str) -> Recogniser:
    from assent.redact.recogniser_presidio import PresidioRecogniser

    return PresidioRecogniser(where)


def _transformers(where: str) -> Recogniser:
    from assent.redact.recogniser_transformers import TransformersRecogniser

    return TransformersRecogniser(Path(where))


OPENERS: dict[str, Callable[[str], Recogniser]] = {
    "person": _person,
    "presidio": _presidio,
    "transformers": _transformers,
}


def windows(text: str, most: int) -> Iterator[tuple[int, str]]:
    """Cut a text into parts of at most `most` characters, after a line or a word.

    A model has a longest input and its cost grows faster than the text. Where no blank
    stands in the second half of a part, it is cut all the same.

    Yields each part with the place of its first character.
    """
    start = 0
    while len(text) - start > most:
        low, high = start + most // 2, start + most
        cut = max(text.rfind("\n", low, high), 0) or max(text.rfind(" ", low, high), 0)
        end = cut + 1 if cut else high
        yield start, text[start:end]
        start = end
    if start < len(text):
        yield start, text[start:]


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files below a folder, in order."""
    whole = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix().encode()
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        whole.update(len(name).to_bytes(8, "big") + name + content)
    return whole.hexdigest()
