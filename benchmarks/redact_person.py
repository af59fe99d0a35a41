"""The recogniser of names that Assent ships: how well it does, and what it costs."""

import sys
from pathlib import Path
from typing import Any

from redact_assent import KEY, named, redacted
from redact_names import NAMES, names
from redact_text import DATA, load

from assent.redact.directory import Directory
from assent.redact.person import shipped
from assent.redact.redactor import Redactor

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
# One way to score: that of the training script.
sys.path.append(str(SCRIPTS))
FIGURES_OF = {"wnut17": "wnut", "btc": "btc"}

Figures = dict[str, float]


def quality(text: Path, scale: float) -> Figures:
    """Score exact spans on the development parts, which no setting was chosen by."""
    from person_corpora import DEVELOPMENT, read, score

    figures: Figures = {}
    for corpus, ending in FIGURES_OF.items():
        documents = read(DATA.parent / "pii" / DEVELOPMENT[corpus])
        of = score(documents, shipped().find([each.text for each in documents]))
        figures |= {
            f"person_f1_{ending}": of.f1,
            f"person_precision_{ending}": of.precision,
            f"person_recall_{ending}": of.recall,
        }
    return figures


def patterns(text: Path, scale: float) -> dict[str, Any]:
    """Redact without a directory, and look for names where the gate lets through."""
    return _with_names(text, Directory.of({}, KEY))


def directory(text: Path, scale: float) -> dict[str, Any]:
    """The same, with the directory of a million names."""
    return _with_names(text, named(names(NAMES, scale)))


def _with_names(text: Path, directory: Directory) -> dict[str, Any]:
    recogniser = shipped()
    sizes = [(each.text, len(each.text.encode())) for each in load(text)]
    read = sum(size for each, size in sizes if recogniser.gate(each))
    share = read / sum(size for _, size in sizes)
    figures = redacted(text, Redactor(directory, recogniser=recogniser))
    return figures | {"person_gated_share": share}
