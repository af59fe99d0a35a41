"""The recogniser of names that Assent ships: how well it does, and what it costs."""

import sys
import time
from pathlib import Path
from typing import Any

from redact_assent import KEY, named, spans_of
from redact_names import NAMES, names
from redact_peers import BATCH, found
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
    return _with_names(text, Redactor(Directory.of({}, KEY)))


def directory(text: Path, scale: float) -> dict[str, Any]:
    """The same, with the directory of a million names."""
    return _with_names(text, Redactor(named(names(NAMES, scale))))


def _with_names(text: Path, redactor: Redactor) -> dict[str, Any]:
    documents = load(text)
    texts = [each.text for each in documents]
    recogniser = shipped()
    redactor.redact(texts[:BATCH])
    recogniser.find(texts[:50])
    started = time.process_time()
    redactor.redact(texts)
    gated = [at for at, each in enumerate(texts) if recogniser.gate(each)]
    seen = recogniser.find([texts[at] for at in gated])
    seconds = time.process_time() - started
    size, read = (
        sum(len(texts[at].encode()) for at in some)
        for some in (range(len(texts)), gated)
    )
    spans = [list(each) for each in spans_of(redactor, texts)]
    for at, more in zip(gated, seen, strict=True):
        spans[at] += more
    return {"bytes_per_s": size / seconds, "person_gated_share": read / size} | found(
        documents, spans
    )
