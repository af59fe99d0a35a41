"""Build a corpus: decisions with texts in, redacted Parquet parts and a manifest out.

Pointwise: what happens to one document never depends on another person's document, so
that leaving changes nobody else's text. One reading of the documents, then one bucket
at a time. Memory grows with the largest bucket, and by about 0.2 kB a document for the
tables of ids; disk by one temporary copy of the redacted text. No unredacted text is
written anywhere.
"""

import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assent.canon import canonical
from assent.corpus.commitment import People, write_states, write_trees
from assent.corpus.draft import Draft
from assent.corpus.manifest import (
    ERASED,
    FIRST_VERSION,
    BuildRequest,
    FileEntry,
    Manifest,
    check_parts,
    next_version,
    read_files,
    read_manifest,
)
from assent.corpus.reading import Place, Reading, Spill, redacted
from assent.corpus.renaming import NOBODY, TakenBack, staying
from assent.corpus.spread import Cluster, Task, maker, write_agreed
from assent.corpus.tables import (
    AFTER_REDACTION,
    PART,
    ROWS,
    Bucket,
    Tables,
    Why,
    bucket_of,
    edges,
    measures_path,
    part_path,
    read_table,
    split,
    stated,
)
from assent.errors import CorpusError
from assent.files import sync_folder, write_whole
from assent.redact.redactor import Redactor
from assent.terms import iso

Progress = Callable[[str, int, int], None]
"""(step, done, total); total 0 when nobody knows it yet."""

GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True, slots=True)
class Built:
    """A corpus that stands.

    Args:
        folder: where.
        manifest: what it says.
        parts_found: parts that an earlier, interrupted build had finished.
    """

    folder: Path
    manifest: Manifest
    parts_found: int


def quiet(step: str, done: int, total: int) -> None:
    """Tell nobody how far a build is."""


def build(
    request: BuildRequest,
    decisions: Iterable[pa.RecordBatch],
    redactor: Redactor,
    place: Place,
    buckets: Collection[Bucket],
    out_root: Path,
    people: People,
    progress: Progress = quiet,
) -> Built:
    """Build the corpus of a request, or go on with it, or find it built.

    Args:
        request: names the corpus; its digests are the caller's word, but for the
            directory's, which is checked.
        decisions: one row a document, in any order: document_id, subject_id, category,
            created_at, text, allowed, reason, rule, group, and mentions if known.
        redactor: with the directory whose traces are removed.
        place: where the plan puts a subject of a group.
        buckets: every (group, shard) of the plan; each gets a part, also an empty one.
        out_root: the folder of all corpora.
        people: gives what it takes to commit to them.
        progress: told of every batch, part and table; what it raises stops the build.

    Raises:
        CorpusError: a column is missing, a document comes twice or falls outside the
            plan, the directory is not the request's, or a finished part was changed.
        DeniedError: a document is allowed for a reason that proves nothing.
    """
    found = redactor.directory.digest
    if found != request.directory:
        raise CorpusError(
            f"the directory has the digest {found}, the request wants "
            f"{request.directory}"
        )
    planned = _planned(buckets)
    draft = Draft(out_root, request.corpus_id)
    if standing := draft.published():
        return Built(draft.final, standing, len(standing.parts))
    done = _finished(draft, planned)
    progress("parts found whole", len(done), len(planned))
    # (1) Read, redact, and sort into buckets.
    reading, spill = Reading(place, frozenset(planned), done), Spill(draft.spill)
    for number, batch in enumerate(decisions, start=1):
        spill.add(redacted(reading.take(batch), redactor, request.redaction.drop_above))
        progress("batches read", number, 0)
    spill.flush()
    reading.check()
    # (2) One bucket at a time, each whole.
    for number, bucket in enumerate(planned, start=1):
        if bucket not in done:
            part, measures = split(spill.bucket(bucket))
            draft.write(measures_path(bucket), measures)
            progress("measures written", number, len(planned))
            draft.write(part_path(bucket), part)
        progress("parts written", number, len(planned))
    # (3) The tables beside them, the manifest, the name.
    kit = _Kit(request, planned, people, len(done), progress)
    return _finish(draft, kit, reading.beside(), FIRST_VERSION)


def build_spread(
    request: BuildRequest,
    decisions: Iterable[pa.RecordBatch],
    cluster: Cluster,
    place: Place,
    buckets: Collection[Bucket],
    out_root: Path,
    people: People,
    progress: Progress = quiet,
) -> Built:
    """Build the corpus of a request on a cluster: the same bytes as `build`.

    No text passes through this process. It reads the decisions alone, counts what each
    bucket must hold, and gives names to files only when as many documents are in them.

    Args:
        request: as for `build`.
        decisions: as for `build`, without `text`.
        cluster: redacts the texts and writes the buckets.
        place: as for `build`; it travels to the workers.
        buckets: as for `build`.
        out_root: the folder of all corpora, on a file system that the workers share.
        people: as for `build`; secrets stay in this process.
        progress: as for `build`, told once of all that the cluster does.

    Raises:
        CorpusError: as `build`, or a worker made other files than this process would.
        DeniedError: as `build`.
    """
    planned = _planned(buckets)
    draft = Draft(out_root, request.corpus_id)
    if standing := draft.published():
        return Built(draft.final, standing, len(standing.parts))
    done = _finished(draft, planned)
    progress("parts found whole", len(done), len(planned))
    # (1) Read who is used, and where each text goes.
    reading = Reading(place, frozenset(planned), done)
    for number, batch in enumerate(decisions, start=1):
        reading.take(batch)
        progress("batches read", number, 0)
    reading.check()
    # (2) Elsewhere each text is redacted, then each bucket written; here it is named.
    task = Task(
        place=place,
        group_of=cluster.group_of,
        planned=planned,
        done=frozenset(done),
        directory=cluster.pinned.absolute(),
        digest=request.directory,
        key=cluster.key,
        settings=cluster.settings,
        agreed=write_agreed(cluster.agreed, draft.spill),
        drop_above=request.redaction.drop_above,
        spill=draft.spill.absolute(),
    )
    _take_over(draft, task, cluster, reading.seen, progress)
    # (3) The tables beside them, the manifest, the name.
    kit = _Kit(request, planned, people, len(done), progress)
    return _finish(draft, kit, reading.beside(), FIRST_VERSION)


def without(
    corpus_folder: Path,
    request: BuildRequest,
    forget: Mapping[str, Why],
    forget_subjects: Mapping[str, Why],
    out_root: Path,
    people: People,
    progress: Progress = quiet,
    taken_back: TakenBack = NOBODY,
) -> Built:
    """Build the corpus again without some documents: only the buckets that held them.

    The other buckets get a second name. No text is read but that of touched buckets,
    and the parts are those of a build that never saw the forgotten documents.

    Args:
        corpus_folder: the corpus that held them; it is not changed, see `erase_text`.
        request: of the new corpus: `derived_from` the old one, the same directory,
            plan, purpose and recipients.
        forget: document_id to (reason, rule).
        forget_subjects: subject_id to (reason, rule): all her documents. Where a
            document is named too, its own reason counts.
        out_root: the folder of all corpora.
        people: as for `build`, at the request's own ledger size.
        progress: told of every part and table.
        taken_back: whose names are kept no more, in what stays.

    Raises:
        CorpusError: the old corpus is not whole, never held a document or subject that
            is to be forgotten, or the request is not that of a repair.
    """
    old = check_parts(corpus_folder)
    _check_repair(old.request, request)
    gone = _forgotten(corpus_folder, forget, forget_subjects)
    draft = Draft(out_root, request.corpus_id)
    if standing := draft.published():
        return Built(draft.final, standing, len(standing.parts))
    planned = tuple(bucket_of(part.path) for part in old.parts)
    done = _finished(draft, planned)
    progress("parts found whole", len(done), len(planned))
    entries = {entry.path: entry for entry in read_files(corpus_folder)}
    documents = pa.array(gone, pa.string())
    for number, bucket in enumerate(planned, start=1):
        if bucket not in done:
            share = request.redaction.drop_above
            _repair(draft, corpus_folder, bucket, documents, taken_back, entries, share)
        progress("parts written", number, len(planned))
    beside = Tables(
        read_table(corpus_folder / "dropped.parquet"),
        stated(read_table(corpus_folder / "mentions.parquet")),
    ).without(gone, (read_table(corpus_folder / measures_path(b)) for b in planned))
    kit = _Kit(request, planned, people, len(done), progress)
    return _finish(draft, kit, beside, next_version(old.version))


def erase_text(corpus_folder: Path, at: int) -> None:
    """Remove the texts of a superseded corpus; keep what says that it once existed.

    Kept: the manifest, the file list, the commitments with their trees, the reasons of
    dropped documents, what was known of everybody, and whose names were kept. A text
    that a derived corpus still uses stays there, under its other name. What the disk
    itself keeps of removed files is not in our hands.

    Args:
        corpus_folder: the corpus; erasing it again changes nothing.
        at: microseconds UTC; written to `erased.json`.

    Raises:
        CorpusError: not a finished corpus.
    """
    corpus_id = read_manifest(corpus_folder).corpus_id
    if (corpus_folder / ERASED).exists():
        return
    for name in ("parts", "measures"):
        if (corpus_folder / name).exists():
            shutil.rmtree(corpus_folder / name)
    mentions = corpus_folder / "mentions.parquet"
    # Whose names were kept is still asked where the texts were handed over.
    if mentions.exists() and not edges(read_table(mentions)):
        mentions.unlink()
    sync_folder(corpus_folder)
    # Crash here: `check_parts` misses the parts; erasing again writes the note. The
    # note comes last, so it never says "erased" over a text that still stands.
    note = canonical({"corpus_id": corpus_id, "erased_at": iso(at)})
    write_whole(corpus_folder / ERASED, note)
    # Crash here: erased, and it says so.


def _planned(buckets: Collection[Bucket]) -> tuple[Bucket, ...]:
    if not buckets:
        raise CorpusError("the plan has 0 buckets, wanted at least one")
    for group, shard in buckets:
        if not GROUP.fullmatch(group) or shard < 0:
            raise CorpusError(
                f"`{group}/{shard}` cannot name a part",
                hint="use letters, digits, `.`, `_`, `+` and `-` in names of groups",
            )
    return tuple(sorted(set(buckets)))


def _finished(draft: Draft, planned: Iterable[Bucket]) -> dict[Bucket, int]:
    """Which buckets an earlier run finished, and of how many documents."""
    return {
        bucket: draft.files[measures_path(bucket)].rows
        for bucket in planned
        if part_path(bucket) in draft.files and measures_path(bucket) in draft.files
    }


def _take_over(
    draft: Draft,
    task: Task,
    cluster: Cluster,
    seen: Mapping[Bucket, int],
    progress: Progress,
) -> None:
    """Have the unfinished buckets made by a cluster, and give the files their names."""
    left = [bucket for bucket in task.planned if bucket not in task.done]
    full = {bucket: seen[bucket] for bucket in left if seen[bucket]}
    made = _checked(cluster.carry_out(task), full) if full else {}
    progress("files made", len(made), len(made))
    for number, bucket in enumerate(left, start=1):
        if bucket in full:
            for path in (measures_path(bucket), part_path(bucket)):
                draft.adopt(*made[path])
        else:
            part, measures = split(ROWS.empty_table())
            draft.write(measures_path(bucket), measures)
            draft.write(part_path(bucket), part)
        progress("parts written", number, len(left))


def _checked(
    made: pa.Table, wanted: Mapping[Bucket, int]
) -> dict[str, tuple[str, FileEntry]]:
    """Check what a cluster made: each bucket once, of every document that it holds.

    Returns:
        Path -> the name in the spill, and what to note of the file.
    """
    found = {}
    for row in made.to_pylist():
        if row.pop("maker") != maker():
            raise CorpusError(
                "a worker redacts or writes with other code than this process",
                hint="install the same releases of Python, assent and its libraries "
                "on every worker",
            )
        found[row["path"]] = row.pop("name"), FileEntry(**row)
    rows = {path: entry.rows for path, (_, entry) in found.items()}
    measured = {path: n for path, n in rows.items() if path.startswith("measures/")}
    paths = {path(bucket) for bucket in wanted for path in (measures_path, part_path)}
    if (
        len(made) != len(paths)
        or rows.keys() != paths
        or measured != {measures_path(bucket): n for bucket, n in wanted.items()}
    ):
        raise CorpusError(
            f"the cluster wrote {len(made)} files of {sum(measured.values())} "
            f"documents, wanted {len(paths)} of {sum(wanted.values())}",
            hint="build again: what was written is thrown away",
        )
    return found


@dataclass(frozen=True, slots=True)
class _Kit:
    """What it takes to finish a corpus whose parts stand; `found` stood before."""

    request: BuildRequest
    planned: tuple[Bucket, ...]
    people: People
    found: int
    progress: Progress


def _finish(draft: Draft, kit: _Kit, beside: Tables, version: str) -> Built:
    """Write the tables and trees of the whole corpus, then seal it."""
    measures = (
        (bucket, read_table(draft.folder / measures_path(bucket)))
        for bucket in kit.planned
    )
    tables, counts = beside.summed(measures, kit.request.redaction.drop_above)
    for number, (name, table) in enumerate(tables.items(), start=1):
        draft.write(f"{name}.parquet", table)
        kit.progress("tables written", number, len(tables))
    write_states(draft, tables["commitment"], tables["dropped"], kit.people)
    del tables, beside  # the trees need their memory
    write_trees(draft, kit.people, kit.progress)
    manifest = draft.seal(kit.request, counts, version)
    kit.progress("corpora built", 1, 1)
    return Built(draft.final, manifest, kit.found)


def _repair(
    draft: Draft,
    old: Path,
    bucket: Bucket,
    gone: pa.Array,
    taken_back: TakenBack,
    entries: Mapping[str, FileEntry],
    drop_above: float,
) -> None:
    """Write one bucket without what is gone, or link it where nothing is."""
    measures = read_table(old / measures_path(bucket))
    leaving = pc.any(pc.is_in(measures["document_id"], gone)).as_py()
    if not leaving and not taken_back.touches(measures):
        for path in (measures_path(bucket), part_path(bucket)):
            draft.link(old, entries[path])
        return
    part = read_table(old / part_path(bucket)).cast(PART)
    rows = taken_back.applied(part, measures, drop_above)
    part, measures = split(staying(rows, gone))
    draft.write(measures_path(bucket), measures)
    draft.write(part_path(bucket), part)


def _check_repair(old: BuildRequest, new: BuildRequest) -> None:
    if new.derived_from != old.corpus_id:
        raise CorpusError(
            f"the request derives from `{new.derived_from}`, wanted `{old.corpus_id}`"
        )
    same = ("purpose", "recipients", "directory", "plan", "simulated", "redaction")
    for name in same:
        if new.identity.get(name) != old.identity.get(name):
            # Another directory or plan would give other texts and other shards than
            # the ones that are kept.
            raise CorpusError(
                f"the repair has another `{name}` than `{old.corpus_id}`",
                hint="build a new corpus under a new plan",
            )


def _forgotten(
    folder: Path, forget: Mapping[str, Why], subjects: Mapping[str, Why]
) -> dict[str, Why]:
    """Resolve who and what is forgotten to the documents that were read."""
    gone: dict[str, Why] = {}
    unmet = set(forget) | set(subjects)
    for name in ("commitment", "dropped"):
        table = read_table(folder / f"{name}.parquet")
        documents = table["document_id"].to_pylist()
        authors = table["subject_id"].to_pylist()
        denied = [False] * len(table)
        if name == "dropped":
            denied = [
                reason not in AFTER_REDACTION for reason in table["reason"].to_pylist()
            ]
        for document, author, before in zip(documents, authors, denied, strict=True):
            unmet -= {document, author}
            why = forget.get(document) or subjects.get(author)
            # A document that was denied before keeps its first reason.
            if why is not None and not before:
                gone[document] = why
    if unmet:
        raise CorpusError(f"`{folder.name}` never met `{min(unmet)}`")
    return gone
