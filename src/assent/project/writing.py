"""Write a corpus on the chosen engine: the same bytes on each."""

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from assent.corpus.build import build, build_spread
from assent.corpus.manifest import BuildRequest
from assent.corpus.reading import Place as Assign
from assent.corpus.reading import labelled
from assent.corpus.spread import MADE, TASK_ROWS, Cluster
from assent.corpus.tables import Bucket
from assent.engine.question import Question
from assent.files import SECRET_MODE, write_whole
from assent.project.commitments import people
from assent.project.place import Place, Progress
from assent.redact.directory import Directory
from assent.redact.hidden import HIDDEN
from assent.redact.redactor import Redactor
from assent.redact.settings import Settings
from assent.terms import Recogniser, Style


def write_corpus(
    place: Place,
    request: BuildRequest,
    question: Question,
    group_of: Mapping[str | None, str],
    redactor: Redactor,
    assign: Assign,
    buckets: Collection[Bucket],
    progress: Progress,
) -> None:
    """Decide, redact and write, or go on with it.

    Args:
        place: the open project.
        request: names the corpus.
        question: what is decided, as of the request's pins.
        group_of: jurisdiction to group of the plan.
        redactor: with the directory that is pinned in the project.
        assign: where the plan puts a subject of a group.
        buckets: every (group, shard) of the plan.
        progress: told of every step.

    Raises:
        CorpusError: a table is damaged, or a worker is not as this process.
        UsageError: memory, a disk or the cluster gave up.
    """
    out, size = place.folder / "corpora", request.ledger_size
    known = people(place, size)
    if not place.on_cluster:
        with closing(place.embedded(size)) as engine:
            decided = (
                labelled(batch, group_of) for batch in engine.decide_with_text(question)
            )
            build(request, decided, redactor, assign, buckets, out, known, progress)
        return
    with closing(place.cluster(size)) as spark:
        decided = (
            labelled(batch, group_of) for batch in spark.decide_with_mentions(question)
        )
        cluster = Cluster(
            lambda task: spark.spread(
                question, task.redact, TASK_ROWS, task.write, MADE, len(task.planned)
            ),
            directory_path(place, request.directory),
            directory_key(place),
            redactor.settings,
            redactor.agreed,
            group_of,
        )
        build_spread(request, decided, cluster, assign, buckets, out, known, progress)


def directory_key(place: Place) -> bytes:
    """The key of all directories of a project: 32 bytes, drawn when first asked for."""
    return place.vault.key("directory")


def kept_tags(place: Place, name: str) -> pa.Table:
    """Read a directory of keyed tags alone: rows of `HIDDEN`, none if it is not there.

    Raises:
        CorpusError: it is damaged, or was made with another key.
    """
    path = place.folder / name
    if not path.exists():
        return HIDDEN.empty_table()
    return Directory.read(path, directory_key(place)).hidden


def keep_tags(place: Place, name: str, hidden: pa.Table) -> None:
    """Write a directory of keyed tags alone: mode 0600, whole or as it was."""
    tags = Directory.of({}, directory_key(place), hidden)
    write_whole(place.folder / name, tags.to_bytes(), SECRET_MODE)


def settings_of(place: Place, request: BuildRequest) -> Settings:
    """Say how spans are found and replaced in a corpus and in all that repair it.

    Pseudonyms are bound to the sealed plan: each corpus is built under one of its own,
    and keeps it when it is repaired, so that a repair changes no pseudonym.
    """
    own = request.redaction.recogniser is Recogniser.OWN
    recogniser = "person" if own else ""
    style = request.redaction.style
    if style is Style.PLACEHOLDER:
        return Settings(recogniser=recogniser)
    key = place.vault.key("pseudonyms")
    return Settings(style, key, request.plan, recogniser)


def directory_path(place: Place, name: str) -> Path:
    """Where a pinned directory lies."""
    return place.folder / "secrets" / "directories" / name
