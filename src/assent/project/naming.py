"""Whose names may stand in others' texts: who agreed, and who agrees no more.

To let her name stand is a use like any other: a document of the category `name` that is
hers, decided as if it were written at the instant of the use. Only consent keeps it.
"""

from collections.abc import Collection, Mapping
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq

from assent.corpus.tables import edges, read_table
from assent.engine.duckdb import DuckEngine
from assent.engine.question import Question
from assent.policy.redaction import NAME
from assent.project.place import MODELS, Place
from assent.sources.schema import DOCUMENTS
from assent.terms import Reason

Named = Mapping[str, tuple[str, ...]]
"""Document id -> bearers of names that stand in its text, sorted."""


def agreed(place: Place, question: Question) -> frozenset[str]:
    """Decide whose names may stand in others' texts; who is not loaded has not agreed.

    Args:
        place: the project.
        question: the same that the documents are decided by.
    """
    _, path, events, spill = place.inputs(question.ledger_size)
    people = pq.read_table(path, columns=["subject_id"])["subject_id"]
    columns = {
        "document_id": people,
        "subject_id": people,
        "category": pa.array([NAME] * len(people), pa.string()),
        "created_at": pa.array([question.as_of] * len(people), pa.int64()),
    }
    names = pa.table(
        {
            field.name: columns.get(field.name, pa.nulls(len(people), field.type))
            for field in DOCUMENTS
        }
    )
    with closing(DuckEngine(names, path, events, spill)) as engine:
        decided = engine.decide(question)
    pairs = zip(
        *(decided[n].to_pylist() for n in ("subject_id", "reason")), strict=True
    )
    return frozenset(who for who, reason in pairs if reason == Reason.CONSENTED)


def named_in(place: Place, corpus_id: str) -> Named:
    """Read whose names a corpus keeps; this outlives its text."""
    path = place.corpus_folder(corpus_id) / "mentions.parquet"
    if not path.exists():
        return {}
    return {key: tuple(each) for key, each in edges(read_table(path)).items()}


def corpus_behind(place: Place, what: str) -> str:
    """Name the corpus that something is, or was trained on."""
    for event in place.events_of(*MODELS):
        if event.body["model_id"] == what:
            return str(event.body["corpora"][0])
    return what


def no_longer(place: Place, corpus_id: str, question: Question) -> Named:
    """Find the texts of a corpus that keep names of people who do not agree."""
    named = named_in(place, corpus_id)
    if not named:
        return {}
    return among(named, agreed(place, question))


def among(named: Named, agreeing: Collection[str]) -> Named:
    """Leave the bearers who do not agree, where there are any."""
    found = {
        document: tuple(who for who in bearers if who not in agreeing)
        for document, bearers in named.items()
    }
    return {document: bearers for document, bearers in found.items() if bearers}
