"""What Assent finds of labelled texts and of disguised forms, beside what is nobody's.

The texts of Presidio's generator are split by template, the disguised forms are two
lists: one side was looked at while rules were written (`..._development`), the figures
without that word are of the other.
"""

import sys
from pathlib import Path

from redact_text import DATA

from assent.redact.directory import Directory
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind

TESTS = Path(__file__).resolve().parents[1] / "tests" / "redact"
LISTS = TESTS / "disguised"
# One way to score: that of the tests.
sys.path.append(str(TESTS))

KEY = bytes(32)
SIDES = {"held_out": "", "development": "_development"}
"""A side of a split, and what its figures' names end with."""
KINDS = (Kind.PHONE, Kind.EMAIL, Kind.URL, Kind.IP, Kind.IBAN, Kind.CARD)

Figures = dict[str, float]


def structured(text: Path, scale: float) -> Figures:
    """Score what has a form of its own on both sides of the labelled texts.

    Recall: every letter and digit of a label is removed. Precision: half of a span at
    least is labelled, as whatever kind; `..._precision_same`, as this very kind.
    """
    from scoring import part, presidio, score

    documents = presidio(DATA.parent)
    redactor = Redactor(Directory.of({}, KEY))
    figures: Figures = {}
    for side, ending in SIDES.items():
        labelled = part(documents, side.replace("_", "-"))
        spans = redactor.find([each.text for each in labelled])
        for kind in KINDS:
            found = score(labelled, spans, kind)
            shares = {
                "recall": found.recall.value,
                "precision": found.precision.value,
                "precision_same": found.precision_same.value,
                "labels": found.recall.total,
            }
            # Where nothing is labelled there is no recall, not one of 0 or 1.
            figures |= {
                f"{kind}_{name}{ending}": share
                for name, share in shares.items()
                if share is not None
            }
    return figures


def disguised(text: Path, scale: float) -> Figures:
    """Find the disguised forms of either list, and hit innocent texts like them.

    The directory knows the people of both lists, as it would on a platform.
    """
    from disguise_scoring import by, false_hits, read, redactor_of, score

    lists = {side: read(LISTS / f"{side}.jsonl") for side in SIDES}
    detect = by(redactor_of([row for rows in lists.values() for row in rows]))
    figures: Figures = {}
    for side, rows in lists.items():
        ending = SIDES[side]
        innocent = read(LISTS / f"innocent_{side}.jsonl")
        found = score(rows, detect)
        hit = false_hits(innocent, detect)
        figures |= {
            f"obfuscated_recall{ending}": found.share,
            f"obfuscated_forms{ending}": len(rows),
            f"innocent_hit{ending}": len(hit) / len(innocent),
        }
        for kind, (hits, of) in found.by_kind().items():
            figures[f"obfuscated_recall_{kind}{ending}"] = hits / of
    return figures
