"""How much of a corpus redaction removed: by category, and by kind on a sample."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc

from assent.corpus.manifest import Manifest
from assent.corpus.tables import bucket_of, measures_path, read_table
from assent.project.drawing import Document
from assent.redact.measured import shape, stood_for
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind, Span
from assent.redact.tally import Figures, removed_shapes


def removed(
    redactor: Redactor, folder: Path, manifest: Manifest, documents: Sequence[Document]
) -> Figures:
    """Count characters removed: of the corpus by category, of a sample by kind.

    Args:
        redactor: that of the corpus.
        folder: of the corpus.
        manifest: of it.
        documents: the sample; those without their original are left out.
    """
    before, kept = _by_category(folder, manifest)
    compared = [each for each in documents if each.original is not None]
    sample = _Sample.of(compared, spans_of(redactor, compared))
    return {
        "characters_before": before.total(),
        "characters_kept": kept.total(),
        "share": _share(before.total() - kept.total(), before.total()),
        "by_category": [
            {
                "name": category,
                "characters": before[category],
                "share": _share(before[category] - kept[category], before[category]),
            }
            for category in sorted(before)
        ],
        "sample": {
            "documents": sample.matched,
            "of": len(documents),
            "characters": sample.characters.total(),
            "by_kind": [
                sample.row(kind, manifest.counts.redacted_by_kind.get(kind, 0))
                for kind in Kind
            ],
        },
        "shapes": removed_shapes(sample.shapes),
    }


def spans_of(
    redactor: Redactor, documents: Sequence[Document]
) -> list[list[Span] | None]:
    """Find what was replaced in the original of each; None: it is another one now."""
    found = stood_for(
        redactor,
        [each.original or "" for each in documents],
        [each.redacted for each in documents],
        [each.near for each in documents],
    )
    return [
        None if each.original is None else spans
        for each, spans in zip(documents, found, strict=True)
    ]


def _by_category(folder: Path, manifest: Manifest) -> tuple[Counter[str], Counter[str]]:
    """Sum up the measures of used documents: characters before, and kept."""
    before: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    columns = ("category", "characters_before", "characters_kept")
    for part in manifest.parts:
        table = read_table(folder / measures_path(bucket_of(part.path)))
        used = table.filter(pc.is_valid(table["text_sha256"]))
        for category, had, has in zip(
            *(used[column].to_pylist() for column in columns), strict=True
        ):
            before[category] += had
            kept[category] += has
    return before, kept


class _Sample:
    """Sums over documents whose originals are known.

    `matched` counts them, `characters` those of their originals by category, `removed`
    what is gone by kind and category, and `shapes` the documents with a shape, by kind.
    """

    def __init__(self) -> None:
        self.matched = 0
        self.characters: Counter[str] = Counter()
        self.removed: Counter[tuple[Kind, str]] = Counter()
        self.shapes: dict[Kind, Counter[str]] = {kind: Counter() for kind in Kind}

    @classmethod
    def of(
        cls, documents: Sequence[Document], spans: Sequence[list[Span] | None]
    ) -> "_Sample":
        found = cls()
        for each, replaced in zip(documents, spans, strict=True):
            if replaced is not None and each.original is not None:
                found.add(each.original, each.stratum.category, replaced)
        return found

    def add(self, original: str, category: str, spans: Sequence[Span]) -> None:
        self.matched += 1
        self.characters[category] += len(original)
        seen = set()
        for span in spans:
            self.removed[span.kind, category] += span.end - span.start
            # Of quoted blocks the shape would be that of whole sentences.
            if span.kind is not Kind.QUOTE:
                seen.add((span.kind, shape(original[span.start : span.end])))
        for kind, drawn in seen:
            self.shapes[kind][drawn] += 1

    def row(self, kind: Kind, replaced: int) -> Figures:
        characters, removed = self.characters, self.removed
        gone = sum(removed[kind, each] for each in characters)
        return {
            "name": kind.value,
            "replaced": replaced,
            "share": _share(gone, characters.total()),
            "by_category": {
                each: _share(removed[kind, each], characters[each])
                for each in sorted(characters)
            },
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
