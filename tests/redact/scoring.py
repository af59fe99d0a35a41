"""Labelled texts, parted by template, and how well a detector does on them.

The texts are those of Presidio's generator: one template makes many texts, so that a
split by text would show each template to both sides. Develop on one side only; the
other is for one look at the end.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assent.redact.interval import Share, share
from assent.redact.spans import BARRIER, Kind, Span

Part = Literal["development", "held-out"]
Find = Callable[[str], Iterable[tuple[int, int, Kind]]]

SEED = "assent/redact/split/v1"
APART = f"\n{BARRIER}\n"
KINDS: Mapping[str, Kind] = {
    "CREDIT_CARD": Kind.CARD,
    "DOMAIN_NAME": Kind.URL,
    "EMAIL_ADDRESS": Kind.EMAIL,
    "IBAN_CODE": Kind.IBAN,
    "IP_ADDRESS": Kind.IP,
    "ORGANIZATION": Kind.EMPLOYER,
    "PERSON": Kind.NAME,
    "PHONE_NUMBER": Kind.PHONE,
    "US_DRIVER_LICENSE": Kind.ID,
    "US_SSN": Kind.ID,
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with what a person would remove from it.

    Args:
        text: as it is, not folded.
        template: what it was made from.
        labels: start and end in characters, and the data set's own word for its type.
    """

    text: str
    template: int
    labels: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How well one kind is found.

    Args:
        recall: labels of the kind of which every letter and digit is in found spans.
        precision: found spans of the kind with half or more of their letters and digits
            in labels of any type: what is removed was somebody's data.
        precision_same: the same, in labels of this very kind.
    """

    recall: Share
    precision: Share
    precision_same: Share


def presidio(shared: Path) -> list[Labelled]:
    """Read every labelled text of Presidio's generator."""
    file = shared / "pii/presidio-synth/synth_dataset_v2.json"
    return [
        Labelled(
            row["full_text"],
            row["template_id"],
            tuple(
                (label["start_position"], label["end_position"], label["entity_type"])
                for label in row["spans"]
            ),
        )
        for row in json.loads(file.read_text(encoding="utf-8"))
    ]


def part_of(template: int) -> Part:
    """On which side a template stands: by a seeded hash, the same for everybody."""
    digest = hashlib.sha256(f"{SEED}/{template}".encode()).digest()
    return "development" if digest[0] % 2 else "held-out"


def part(documents: Iterable[Labelled], wanted: Part) -> list[Labelled]:
    """Keep one side of the split."""
    return [each for each in documents if part_of(each.template) == wanted]


def found_in(find: Find, texts: Sequence[str]) -> list[list[Span]]:
    """Run a detector over all texts as one, and sort its spans by text.

    Raises:
        AssertionError: a span reaches over the end of its text.
    """
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + len(APART))
    spans: list[list[Span]] = [[] for _ in texts]
    at = 0
    for start, end, kind in sorted(find(APART.join(texts))):
        while start >= starts[at + 1]:
            at += 1
        assert end <= starts[at] + len(texts[at]), f"a {kind} leaves its text"
        spans[at].append(Span(start - starts[at], end - starts[at], kind))
    return spans


def score(
    documents: Sequence[Labelled], spans: Sequence[Sequence[Span]], kind: Kind
) -> Score:
    """Score the spans of one kind; recall takes spans of every kind, for they go too.

    Args:
        documents: the labelled texts.
        spans: what was found in each, in the same order; all kinds, may overlap.
        kind: whose labels and spans are counted.
    """
    covered = labels = right = right_same = found = 0
    for document, inside in zip(documents, spans, strict=True):
        gone = set(_places(document.text, ((s.start, s.end) for s in inside)))
        of_kind = [each for each in document.labels if KINDS.get(each[2]) is kind]
        wanted = set(_places(document.text, (label[:2] for label in document.labels)))
        same = set(_places(document.text, (label[:2] for label in of_kind)))
        labels += len(of_kind)
        covered += sum(
            gone.issuperset(_places(document.text, [label[:2]])) for label in of_kind
        )
        for span in inside:
            if span.kind is kind:
                places = list(_places(document.text, [(span.start, span.end)]))
                found += 1
                right += 2 * len(wanted.intersection(places)) >= len(places)
                right_same += 2 * len(same.intersection(places)) >= len(places)
    return Score(share(covered, labels), share(right, found), share(right_same, found))


def _places(text: str, ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    for start, end in ranges:
        yield from (at for at in range(start, end) if text[at].isalnum())
