"""Train the recogniser of names that Assent ships, or say how good it is.

    python scripts/train_person.py train CORPORA [--out FILE]
    python scripts/train_person.py held-back CORPORA
    python scripts/train_person.py score CORPORA [--model FILE]

CORPORA is the folder with `wnut17` and `btc`. `train` uses their training parts and
nothing else; `held-back` trains on 85 % of each and scores on the rest, then trains on
one and scores on the other: settings are chosen by that. `score` scores a model on the
two development parts, which no setting was chosen by.

What it needs beside Assent: `pip install -r scripts/train-person.txt`.
"""

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from person_corpora import (
    DEVELOPMENT,
    TRAINING,
    Labelled,
    halves,
    interval,
    read,
    score,
)
from person_field import LEFT_OUT, Examples, Field, train
from person_lists import Lists, gather
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from assent.redact.person import MODEL, NEVER, PersonRecogniser
from assent.redact.person_features import (
    BITS,
    GRAM_BITS,
    PAD,
    TEMPLATES,
    Encoder,
    Words,
    crc,
    grams_of,
    pieces,
)

PENALTY = 1.0
ITERATIONS = 100
BIAS = 0.75  # nats for every token of a name: a name missed costs more than a word
# How much each changed copy of a text counts beside the text itself.
SMALL, SHOUTED, RENAMED, HIDDEN = 0.2, 0.2, 0.5, 0.5
SPELLING = frozenset({"word", "p3", "p4", "s3", "s4"})


class Copy(NamedTuple):
    """A text to learn from, how much it counts, and whether spelling is hidden."""

    document: Labelled
    weight: float
    hidden: bool = False


def copies(documents: Sequence[Labelled], lists: Lists) -> list[Copy]:
    """Add to each text: it all small, it shouted, with other names, without spelling.

    Small and shouted, because people write so and the corpora rarely do. With other
    names, half of the last names from outside all lists, so that the words around a
    name and its shape must do. Without the spelling of half the words, likewise.
    """
    draw = random.Random(1)
    made = [Copy(document, 1.0) for document in documents]
    for change, weight in ((str.lower, SMALL), (str.upper, SHOUTED)):
        for document in documents:
            text = change(document.text)
            if text != document.text and len(text) == len(document.text):
                made.append(Copy(Labelled(text, document.spans), weight))
    rename = _renamer(lists, draw)
    made += [Copy(_renamed(each, rename), RENAMED) for each in documents if each.spans]
    return made + [Copy(document, HIDDEN, hidden=True) for document in documents]


def _renamer(lists: Lists, draw: random.Random) -> Callable[[str], str]:
    """Give a function from a name of one or two words to another such name."""
    often = [name for name, kind in lists.first.items() if kind <= 4 and len(name) > 2]
    seldom = [name for name, kind in lists.first.items() if kind == 5]
    usual = [name for name, kind in lists.last.items() if kind <= 3]
    unusual = [name for name, kind in lists.last.items() if kind > 3]

    def last_name() -> str:
        if draw.random() < 0.5:
            return draw.choice(lists.unlisted)
        return draw.choice(usual if draw.random() < 0.6 else unusual)

    def rename(name: str) -> str:
        old = name.split()
        if len(old) > 2 or not all(re.fullmatch(r"[\w'-]+", word) for word in old):
            return name
        first = draw.choice(often if draw.random() < 0.7 else seldom)
        new = [first, last_name()]
        if len(old) == 1:
            known = old[0].lower() in lists.first
            new = [first if known or draw.random() < 0.4 else last_name()]
        return " ".join(map(_written_as, new, old))

    return rename


def _written_as(new: str, old: str) -> str:
    if old.isupper() and len(old) > 2:
        return new.upper()
    return new if old.islower() else new.capitalize()


def _renamed(document: Labelled, rename: Callable[[str], str]) -> Labelled:
    text, spans, end = "", [], 0
    for start, stop in document.spans:
        text += document.text[end:start]
        name = rename(document.text[start:stop])
        spans.append((len(text), len(text) + len(name)))
        text, end = text + name, stop
    return Labelled(text + document.text[end:], tuple(spans))


def examples(made: Sequence[Copy], words: Words) -> Examples:
    """Describe the tokens of texts, with their labels, as training wants them."""
    parts = [(copy, tokens) for copy in made for tokens in pieces(copy.document.text)]
    described = Encoder(words).describe(
        [[copy.document.text[a:b] for a, b in tokens] for copy, tokens in parts]
    )
    bins = np.stack(list(described.bins()), axis=1)
    bins = np.pad(bins, ((PAD, PAD), (0, 0)))
    labels = np.zeros(len(bins), np.int8)
    draw = np.random.default_rng(3)
    spelling = [
        number
        for number, template in enumerate(TEMPLATES)
        if any(name in SPELLING and offset == 0 for name, offset in template)
    ]
    for start, (copy, tokens) in zip(described.starts, parts, strict=True):
        end = start + len(tokens)
        labels[start:end] = labels_of(copy.document, tokens)
        if copy.hidden:
            rows = start + np.flatnonzero(draw.random(len(tokens)) < 0.5)
            bins[np.ix_(rows, spelling)] = LEFT_OUT
    weights = np.array([copy.weight for copy, _ in parts])
    return Examples(bins, labels, described.starts, described.lengths, weights)


def labels_of(document: Labelled, tokens: Sequence[tuple[int, int]]) -> list[int]:
    """Label tokens: 0 outside, 1 begins a name, 2 goes on.

    Signs that a corpus glues to a name (`Walsh.`) are no part of it.
    """
    labels = [0] * len(tokens)
    text = document.text
    for start, end in document.spans:
        while start < end and not (text[start].isalnum() or text[start] in "#$"):
            start += 1
        while end > start and not text[end - 1].isalnum():
            end -= 1
        inside = [at for at, (a, b) in enumerate(tokens) if a < end and b > start]
        for at in inside:
            labels[at] = 2 if at > inside[0] else 1
    return labels


def likeness(lists: Lists) -> tuple[NDArray[np.int8], float]:
    """Learn from the lists what letters names and words are made of.

    Three logistic regressions over groups of letters, quantised to 8 bits.

    Returns:
        (2**15 + 1, 3) int8, the last row a constant; and the unit of its numbers.
    """
    known = sorted(
        word
        for word in {*lists.first, *lists.last, *lists.word, *lists.place}
        if word.isalpha() and len(word) > 2
    )
    owners, groups = grams_of(known)
    values = (1 / np.sqrt(np.bincount(owners)))[owners].astype(np.float32)
    shape = (len(known), 1 << GRAM_BITS)
    features = csr_matrix((values, (owners, groups)), shape=shape)
    transposed = features.T.tocsr()
    learned = []
    for some in (lists.first, lists.last, lists.word):
        wanted = np.array([word in some for word in known], float)

        def loss(
            x: NDArray[np.float64], wanted: NDArray[np.float64] = wanted
        ) -> tuple[float, NDArray[np.float64]]:
            odds = features @ x[:-1] + x[-1]
            miss = 1 / (1 + np.exp(-odds)) - wanted
            total = (np.logaddexp(0, odds) - wanted * odds).sum() + x[:-1] @ x[:-1]
            slope = np.append(transposed @ miss + 2 * x[:-1], miss.sum())
            return float(total), slope

        begin = np.zeros((1 << GRAM_BITS) + 1)
        options = {"maxiter": 40}
        learned.append(
            minimize(loss, begin, jac=True, method="L-BFGS-B", options=options).x
        )
    return quantised(np.stack(learned, axis=1), highest=1.0)


def quantised(
    values: NDArray[np.float64], highest: float
) -> tuple[NDArray[np.int8], float]:
    """Round to 8 bits; `highest` is the quantile above which values are cut off."""
    unit = float(np.quantile(np.abs(values[values != 0]), highest)) / 127
    return np.clip(np.rint(values / unit), -127, 127).astype(np.int8), unit


def words_of(lists: Lists) -> Words:
    """Pack the lists as the recogniser reads them."""
    packed: dict[int, int] = {}
    for word, classes in lists.packed().items():
        packed.setdefault(crc(word), classes)
    grams, unit = likeness(lists)
    return Words(packed, grams, unit)


def write(path: Path, field: Field, words: Words, lists: Lists) -> None:
    """Write a model, all weights rounded to 8 bits; the same field, the same bytes."""
    weights, unit = quantised(field.weights, highest=0.9999)
    transitions, start = field.transitions.copy(), field.start.copy()
    transitions[:, 1:] += BIAS
    start[1:] += BIAS
    transitions, start = np.rint(transitions / unit), np.rint(start / unit)
    transitions[0, 2] = start[2] = NEVER  # nothing goes on where nothing began
    keys = sorted(words.packed)
    common = sorted(
        word.title()
        for word, kind in lists.word.items()
        if kind == 1
        or (kind <= 4 and lists.first.get(word, 9) > 3 and lists.last.get(word, 9) > 2)
    )
    names = sorted(
        name
        for name, kind in lists.first.items()
        if kind <= 3 and len(name) > 2 and lists.word.get(name) != 1
    )
    # Not compressed: libraries of compression differ in their bytes.
    np.savez(
        path,
        weights=weights,
        transitions=transitions.astype(np.int32),
        start=start.astype(np.int32),
        grams=words.grams,
        grams_unit=np.float64(words.grams_unit),
        word_keys=np.array(keys, np.uint32),
        word_classes=np.array([words.packed[key] for key in keys], np.uint16),
        common=np.frombuffer("\n".join(common).encode(), np.uint8),
        names=np.frombuffer("\n".join(names).encode(), np.uint8),
    )


def learn(documents: Sequence[Labelled], words: Words, lists: Lists, out: Path) -> None:
    """Train on texts, and write the model."""
    field = train(
        examples(copies(documents, lists), words), 1 << BITS, PENALTY, ITERATIONS
    )
    write(out, field, words, lists)


def lines(
    name: str, documents: Sequence[Labelled], recogniser: PersonRecogniser
) -> Iterator[str]:
    """Say how good a recogniser is on some texts, in one line, and what passes."""
    found = recogniser.find([each.text for each in documents])
    total = score(documents, found)
    strict = score(documents, found, words=False)
    ends = interval(documents, found)
    figures = " ".join(
        f"{key} {value:.3f} [{ends[key][0]:.3f}, {ends[key][1]:.3f}]"
        for key, value in (
            ("precision", total.precision),
            ("recall", total.recall),
            ("f1", total.f1),
        )
    )
    yield f"{name}: {figures} of {total.gold} names; f1 in characters {strict.f1:.3f}"
    passed = [recogniser.gate(each.text) for each in documents]
    through = sum(
        len(each.spans) for each, gate in zip(documents, passed, strict=True) if gate
    )
    yield (
        f"{name}: the gate lets {sum(passed)} of {len(documents)} texts through, "
        f"with {through} of {total.gold} names"
    )


def held_back(corpora: dict[str, list[Labelled]], folder: Path) -> Iterator[str]:
    """Score on what training did not see: a part of each corpus, then the other one."""
    lists = gather()
    words = words_of(lists)
    parts = {name: halves(documents) for name, documents in corpora.items()}
    path = folder / "held-back.npz"
    learn([each for kept, _ in parts.values() for each in kept], words, lists, path)
    for name, (_, back) in parts.items():
        yield from lines(f"{name}, held-back part", back, PersonRecogniser(path))
    for name, documents in corpora.items():
        learn(documents, words, lists, path)
        for other in corpora.keys() - {name}:
            recogniser = PersonRecogniser(path)
            yield from lines(f"{other}, from {name}", corpora[other], recogniser)


def main(arguments: Sequence[str]) -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("command", choices=["train", "held-back", "score"])
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--model", type=Path)
    chosen = parser.parse_args(arguments)
    parts = DEVELOPMENT if chosen.command == "score" else TRAINING
    corpora = {name: read(chosen.corpora / path) for name, path in parts.items()}
    if chosen.command == "train":
        lists = gather()
        documents = [each for some in corpora.values() for each in some]
        learn(documents, words_of(lists), lists, chosen.out)
    elif chosen.command == "held-back":
        for line in held_back(corpora, chosen.out.parent):
            print(line, flush=True)  # noqa: T201 - the answer
    else:
        for name, documents in corpora.items():
            for line in lines(name, documents, PersonRecogniser(chosen.model)):
                print(line)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1:])
