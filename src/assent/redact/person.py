"""Our own recogniser of people's names: a small linear model, decoded by numpy.

A linear-chain conditional random field over hashed features, trained by
`scripts/train_person.py`; what it was trained on, what it reaches and what it cannot do
is in `docs/name-recogniser.md`. It reads one file of this package and nothing else.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from assent.errors import CorpusError
from assent.redact.person_features import (
    BITS,
    GRAM_BITS,
    HANDLE,
    LINK,
    PAD,
    SIGN,
    Described,
    Encoder,
    Words,
    pieces,
    spans_of,
)

MODEL = Path(__file__).with_name("person.npz")
MODEL_SHA256 = "a927ef4e5c4e1e20a636974b2fca0b2e2d0e4026564e030baed6c8f175a4b7cb"
"""Of the model that this release ships; another one must be asked for by its path."""

Span = tuple[int, int]
Piece = list[Span]
Ints = NDArray[np.int64]

BATCH = 16_384  # tokens decoded together: memory stays flat
NEVER = -(10**6)  # no sum of weights comes near
# Whole words, possessively, so that nothing is read twice; `Don't` is no name.
CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÞŠŽΑ-ΩА-ЯЁ]\w*+(?!['’]t\b)")
SMALL = re.compile(r"[a-zß-öø-ÿ]++(?!['’]t\b)")


class PersonRecogniser:
    """Find people's names in short English texts.

    Pure: a text's spans depend on that text and on the model, and on nothing that
    stands beside it. All sums are of integers, so every machine finds the same.

    Args:
        path: a model of `scripts/train_person.py`; None is the one in this package.

    Raises:
        CorpusError: the file is missing, damaged, or no model of this form.
    """

    def __init__(self, path: Path | None = None) -> None:
        data = _read(path or MODEL)
        digest = hashlib.sha256(data).hexdigest()
        if path is None and digest != MODEL_SHA256:
            raise CorpusError(
                f"the name model has SHA-256 {digest}, wanted {MODEL_SHA256}",
                hint="install this package again: the file in it was changed",
            )
        self.identity = f"person sha256:{digest}"
        arrays = _arrays(data, path or MODEL)
        self._encoder = Encoder(
            Words(
                dict(
                    zip(
                        arrays["word_keys"].tolist(),
                        arrays["word_classes"].tolist(),
                        strict=True,
                    )
                ),
                arrays["grams"],
                float(arrays["grams_unit"]),
            )
        )
        begins, goes_on = arrays["weights"].astype(np.int32).T
        self._weights = (begins << 16) + goes_on
        self._transitions = arrays["transitions"].astype(np.int64)
        self._start = arrays["start"].astype(np.int64)
        self._common = frozenset(_lines(arrays["common"]))
        self._names = frozenset(_lines(arrays["names"]))

    def gate(self, text: str) -> bool:
        """Say whether a text can hold a name at all; cheap, so it runs on every row.

        True where a capitalised word is no common English word, or where a word
        written small is a frequent first name.
        """
        return not (
            self._common.issuperset(CAPITAL.findall(text))
            and self._names.isdisjoint(SMALL.findall(text))
        )

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Find names, in order, none overlapping, as `[start, end)` in characters.

        Handles (`@name`) and links are never part of a name: rules find those.
        """
        found: list[list[Span]] = [[] for _ in texts]
        for batch in _batches(texts):
            described = self._encoder.describe(
                [[text[start:end] for start, end in piece] for _, text, piece in batch]
            )
            starts, lengths = described.starts, described.lengths
            labels = decode(
                self._scores(described), starts, lengths, self._transitions, self._start
            )
            # Most pieces hold no name, and cost no step here.
            seen = np.concatenate([[0], np.cumsum(labels > 0)])
            for at in np.flatnonzero(seen[starts + lengths] > seen[starts]).tolist():
                number, _, piece = batch[at]
                marked = labels[starts[at] : starts[at] + lengths[at]].tolist()
                found[number] += spans_of(marked, piece)
        return found

    def _scores(self, described: Described) -> Ints:
        """(N, 3) int64: how well each label fits each token, O always 0."""
        # Both labels' weights in one number, so that each is looked up once: sums of
        # a few dozen 8-bit numbers stay within 16 bits.
        total = np.zeros(len(described.case) - 2 * PAD, np.int32)
        for bins in described.bins():
            total += self._weights[bins]
        goes_on = total.astype(np.int16)
        scores = np.zeros((len(described.case), 3), np.int64)
        scores[PAD:-PAD, 1] = (total - goes_on) >> 16
        scores[PAD:-PAD, 2] = goes_on
        scores[(described.case == HANDLE) | (described.case == LINK), 1:] = NEVER
        scores[described.case == SIGN, 1] += NEVER // 1000  # no name begins with a sign
        return scores


@cache
def shipped() -> PersonRecogniser:
    """The recogniser that this package ships, read once a process."""
    return PersonRecogniser()


def gate(text: str) -> bool:
    """Say whether a text can hold a name at all, by the lists of the shipped model."""
    return shipped().gate(text)


def decode(
    scores: Ints, starts: Ints, lengths: Ints, transitions: Ints, start: Ints
) -> NDArray[np.int8]:
    """Find the best labels of many pieces at once (Viterbi).

    Args:
        scores: (N, 3), of each token's labels.
        starts: (P,) each piece's first row.
        lengths: (P,) each piece's rows, > 0.
        transitions: (3, 3), from a label to the next.
        start: (3,), of each piece's first label.

    Returns:
        (N,) int8; rows that are in no piece are 0.
    """
    # (1) The longest first: at step t, the pieces that still run are a prefix.
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    running = [int((lengths > step).sum()) for step in range(int(lengths[0]))]
    back = np.zeros((len(scores), 3), np.int8)
    best = scores[starts] + start  # (P, 3)
    # (2) Forward: the best way to reach each label, and where it came from.
    for step, count in enumerate(running[1:], start=1):
        rows = starts[:count] + step
        ways = best[:count, :, None] + transitions  # (count, 3 from, 3 to)
        came = ways.argmax(axis=1)  # (count, 3)
        back[rows] = came
        reached = np.take_along_axis(ways, came[:, None, :], axis=1)[:, 0]
        best[:count] = reached + scores[rows]
    # (3) Backward: from the best last label along where it came from.
    labels = np.zeros(len(scores), np.int8)
    labels[starts + lengths - 1] = best.argmax(axis=1)
    for step in range(len(running) - 1, 0, -1):
        rows = starts[: running[step]] + step
        labels[rows - 1] = back[rows, labels[rows]]
    return labels


def _batches(texts: Sequence[str]) -> Iterator[list[tuple[int, str, Piece]]]:
    """Yield pieces, each with its text and the number of it, `BATCH` tokens at once."""
    batch: list[tuple[int, str, Piece]] = []
    tokens = 0
    for number, text in enumerate(texts):
        for piece in pieces(text):
            batch.append((number, text, piece))
            tokens += len(piece)
            if tokens >= BATCH:
                yield batch
                batch, tokens = [], 0
    if batch:
        yield batch


SHAPES: Mapping[str, tuple[type[Any], tuple[int, ...] | None]] = {
    "weights": (np.int8, (1 << BITS, 2)),
    "transitions": (np.int32, (3, 3)),
    "start": (np.int32, (3,)),
    "grams": (np.int8, ((1 << GRAM_BITS) + 1, 3)),
    "grams_unit": (np.float64, ()),
    "word_keys": (np.uint32, None),
    "word_classes": (np.uint16, None),
    "common": (np.uint8, None),
    "names": (np.uint8, None),
}
"""What a model's file holds; None is one dimension of any length."""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"cannot read the name model `{path.name}`: {error.strerror}",
            hint="name a file that `scripts/train_person.py` wrote",
        ) from None


def _arrays(data: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """Read a model's arrays, and check that each is what the code counts on."""
    fault = ""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        # Never a pickle: a file must not be able to run code.
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, BadZipFile, EOFError, OSError, KeyError, AttributeError):
        fault = "is no file of arrays"
    for name, (kind, shape) in SHAPES.items():
        found = arrays.get(name)
        if fault:
            break
        if found is None or found.dtype != kind:
            fault = f"has no array `{name}` of {np.dtype(kind)}"
        elif shape is None and found.ndim != 1:
            fault = f"holds `{name}` in {found.ndim} dimensions, wanted 1"
        elif shape is not None and found.shape != shape:
            fault = f"holds `{name}` of shape {found.shape}, wanted {shape}"
    if not fault and len(arrays["word_keys"]) != len(arrays["word_classes"]):
        fault = "has not one class a word"
    if fault:
        raise CorpusError(
            f"the name model `{path.name}` {fault}",
            hint="name a file that `scripts/train_person.py` wrote",
        )
    return arrays


def _lines(encoded: NDArray[np.uint8]) -> list[str]:
    return encoded.tobytes().decode("utf-8", "replace").split("\n")
