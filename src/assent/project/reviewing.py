"""The review sheet: drawn documents for a person to judge, and her verdicts read back.

The sheet holds what people wrote. It is for the reviewer alone (mode 0600), and no word
of it enters a figure, a page or a message. Which rows it has follows from the corpus,
the seed and the size of the sample, so it is made again to be compared, and nothing of
it need be kept.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assent.errors import CorpusError, UsageError
from assent.project.drawing import Document, Stratum
from assent.redact.interval import Cluster, weighted
from assent.redact.spans import Kind, Span
from assent.redact.tally import Figures, remaining

FORMAT = "assent redaction review v1"
COLUMNS = ["row", "document", "span", "kind", "verdict", "text"]
RIGHT, WRONG, NONE = "right", "wrong", "none"

_HEAD = re.compile(
    re.escape(FORMAT) + r": (corpus-[0-9a-f]{16}), seed (\d{1,18}), documents (\d{1,9})"
)
_WARNING = (
    "PERSONAL DATA: what people wrote. For the reviewer alone: show it to nobody, keep "
    "it on this machine, delete it when the verdicts are read."
)
_HOW = (
    "Fill the column `verdict`. Of a span, marked by brackets in the original text: "
    f"`{RIGHT}` if it is personal data, else `{WRONG}`. Of a document (span 0), whose "
    f"text is as it stands in the corpus: `{NONE}` if no personal data is left, else "
    "the kind of each that is, such as `name name phone`."
)
_AROUND = 80  # characters of the original before and after a span
_MOST = 30_000  # characters of a text: a spreadsheet's cell holds no more
_OPEN, _CLOSE = "\u27e6", "\u27e7"
_FORMULA = frozenset("=+-@\t\r")
_KINDS = ", ".join(Kind)


class Row(NamedTuple):
    """One thing to judge: span 0 stands for all that may be left in the document."""

    document: int
    document_id: str
    span: int
    kind: str
    text: str

    @property
    def fixed(self) -> tuple[str, str, str]:
        """What the reviewer must leave as it is, besides the row's number."""
        return _shown(self.document_id), str(self.span), self.kind


@dataclass(frozen=True, slots=True)
class Head:
    """What a sheet is of."""

    corpus_id: str
    seed: int
    documents: int

    def line(self) -> str:
        """Write it as the first line of a sheet."""
        return (
            f"{FORMAT}: {self.corpus_id}, seed {self.seed}, documents {self.documents}"
        )


def rows_of(
    documents: Sequence[Document], spans: Sequence[list[Span] | None]
) -> list[Row]:
    """List what there is to judge.

    Args:
        documents: as drawn.
        spans: what was replaced in the original of each.

    Raises:
        CorpusError: the original of a document is gone, or is another one.
    """
    rows = []
    for number, (each, found) in enumerate(zip(documents, spans, strict=True)):
        if each.original is None or found is None:
            raise CorpusError(
                f"document `{each.document_id}` is not loaded as it was when the "
                "corpus was built",
                hint="build a corpus of what is loaded now, and audit that",
            )
        whole = each.redacted
        cut = f"{whole[:_MOST]} [cut here]" if len(whole) > _MOST else whole
        rows.append(Row(number, each.document_id, 0, "", cut))
        for at, span in enumerate(found, start=1):
            shown = _marked(each.original, span)
            rows.append(Row(number, each.document_id, at, span.kind.value, shown))
    return rows


def _marked(text: str, span: Span) -> str:
    before = text[max(0, span.start - _AROUND) : span.start]
    inside = text[span.start : span.end]
    if len(inside) > _MOST:
        inside = f"{inside[:_MOST]} [cut here]"
    return f"{before}{_OPEN}{inside}{_CLOSE}{text[span.end : span.end + _AROUND]}"


def sheet(head: Head, rows: Sequence[Row]) -> bytes:
    """Write a sheet as CSV that spreadsheets open: UTF-8 with a mark at its start."""
    out = io.StringIO()
    writer = csv.writer(out)
    for line in (head.line(), _WARNING, _HOW):
        writer.writerow([f"# {line}"])
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, start=1):
        # In quotation marks, so that no text is taken for a formula.
        writer.writerow([number, *row.fixed, "", f"\u201c{row.text}\u201d"])
    return out.getvalue().encode("utf-8-sig", "surrogatepass")


def _shown(document_id: str) -> str:
    return f"'{document_id}" if document_id[:1] in _FORMULA else document_id


def read_head(path: Path) -> Head:
    """Read what a filled sheet is of.

    Raises:
        UsageError: it is no review sheet.
    """
    return _read(path)[0]


def read_verdicts(path: Path, rows: Sequence[Row]) -> list[list[str]]:
    """Read a filled sheet back: the words of each row's verdict.

    Args:
        path: of the sheet.
        rows: what the sheet must be of.

    Raises:
        UsageError: it is another sheet, rows were changed, left out or not filled in,
            or a verdict is none. The message names the row, never what stands in it.
    """
    _, lines = _read(path)
    if len(lines) != len(rows):
        raise UsageError(
            f"`{path.name}` has {len(lines)} rows, wanted {len(rows)}",
            hint="fill in the sheet as it was written, and leave no row out",
        )
    verdicts: list[list[str]] = []
    empty = []
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), start=1):
        if line[:4] != [str(number), *row.fixed]:
            raise UsageError(
                f"row {number} of `{path.name}` is not the one that was written there",
                hint="change the column `verdict` alone, and sort nothing",
            )
        words = line[4].replace(",", " ").lower().split()
        _check(words, row, number)
        if not words:
            empty.append(number)
        verdicts.append(words)
    if empty:
        raise UsageError(
            f"{len(empty)} of {len(rows)} rows have no verdict yet, the first is "
            f"row {empty[0]}",
            hint=f"`{RIGHT}` or `{WRONG}` for a span, `{NONE}` or what is left for a "
            "document",
        )
    return verdicts


def _check(words: list[str], row: Row, number: int) -> None:
    if row.span:
        wanted = f"`{RIGHT}` or `{WRONG}`"
        fits = words in ([], [RIGHT], [WRONG])
    else:
        wanted = f"`{NONE}`, or kinds: {_KINDS}"
        fits = words == [NONE] or all(word in set(Kind) for word in words)
    if not fits:
        raise UsageError(
            f"the verdict of row {number} is not one of these: {wanted}",
            hint="correct it in the sheet, then read it again",
        )


def _read(path: Path) -> tuple[Head, list[list[str]]]:
    try:
        text = path.read_text("utf-8-sig", "surrogatepass")
    except UnicodeDecodeError as error:
        raise _foreign(path) from error
    found = _HEAD.search(text[:400])
    # A spreadsheet of another country parts the columns by semicolons.
    head = re.search(r"^\"?row\"?([,;\t])", text, re.MULTILINE)
    if not found or not head:
        raise _foreign(path)
    lines = list(_lines(text[head.start() :], head.group(1), path))
    if lines[:1] != [COLUMNS]:
        raise _foreign(path)
    corpus_id, seed, documents = found.groups()
    return Head(corpus_id, int(seed), int(documents)), lines[1:]


def _lines(text: str, mark: str, path: Path) -> Iterator[list[str]]:
    limit = csv.field_size_limit(1 << 24)
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
            if any(line):
                yield [*line, *[""] * (len(COLUMNS) - len(line))]
    except csv.Error as error:
        raise _foreign(path) from error
    finally:
        csv.field_size_limit(limit)


def _foreign(path: Path) -> UsageError:
    return UsageError(
        f"`{path.name}` is no review sheet as `assent audit redaction` writes it",
        hint="write one with `--sample N`, and save it as CSV in UTF-8",
    )


# -- verdicts to figures ---------------------------------------------------------------


def judged(
    rows: Sequence[Row],
    verdicts: Sequence[list[str]],
    documents: Sequence[Document],
    sizes: Counter[Stratum],
    found: dict[str, int],
) -> Figures:
    """Turn verdicts into recall and precision by kind, for the corpus as a whole.

    Args:
        rows: of the sheet.
        verdicts: of each row.
        documents: that were drawn.
        sizes: of the strata in the corpus.
        found: how many spans of each kind were replaced in the corpus.
    """
    drawn = Counter(each.stratum for each in documents)
    order = sorted(sizes)
    counts = [_Counts.new() for _ in documents]
    for row, words in zip(rows, verdicts, strict=True):
        if row.span:
            of = counts[row.document]
            (of.right if words == [RIGHT] else of.wrong)[row.kind] += 1
        elif words != [NONE]:
            counts[row.document].missed.update(words)
    by_kind = []
    for kind in Kind:

        def clusters(part: str, kind: str = kind.value) -> list[Cluster]:
            return [
                Cluster(
                    order.index(each.stratum),
                    sizes[each.stratum] / drawn[each.stratum],
                    of.right[kind],
                    of.right[kind] + getattr(of, part)[kind],
                )
                for each, of in zip(documents, counts, strict=True)
            ]

        caught = weighted(clusters("missed")).to_json()
        by_kind.append(
            {
                "name": kind.value,
                "recall": caught,
                "precision": weighted(clusters("wrong")).to_json(),
                "replaced": found.get(kind, 0),
                **remaining(found.get(kind, 0), caught),
            }
        )
    return {"documents": len(documents), "by_kind": by_kind}


class _Counts(NamedTuple):
    """Verdicts of one document, by kind."""

    right: Counter[str]
    wrong: Counter[str]
    missed: Counter[str]

    @classmethod
    def new(cls) -> "_Counts":
        return cls(Counter(), Counter(), Counter())


def strata_of(
    documents: Sequence[Document], sizes: Counter[Stratum]
) -> list[dict[str, Any]]:
    """List the strata: how many documents they have, and how many were drawn."""
    drawn = Counter(each.stratum for each in documents)
    return [
        {
            "group": stratum.group,
            "category": stratum.category,
            "replaced": stratum.found,
            "documents": size,
            "drawn": drawn[stratum],
        }
        for stratum, size in sorted(sizes.items())
    ]
