"""Commit to a corpus in the ledger, and find again what it is committed to."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.corpus.consent import consent_states, known_entries
from assent.corpus.manifest import (
    FILES,
    MANIFEST,
    Manifest,
    check_file,
    check_parts,
    read_files,
    read_manifest,
)
from assent.errors import CorpusError
from assent.files import file_sha256
from assent.ledger.book import PublicEvent
from assent.merkle.commitment import (
    TAG_SCHEME,
    consent_leaf,
    document_leaf_of,
    subject_leaf,
)
from assent.merkle.prefix import Leaf, prefix_root
from assent.project.place import Place
from assent.terms import EventKind
from assent.train.plan import Plan


def commit(place: Place, folder: Path, plan: Plan) -> tuple[Manifest, int]:
    """Check a finished corpus and log its commitment, once.

    Returns:
        The manifest, and the number of the entry.

    Raises:
        CorpusError: a part is not what the manifest says.
    """
    manifest = check_parts(folder)
    leaves = subject_leaves(place, folder)
    event = _logged(place, manifest.corpus_id) or place.book.publish(
        EventKind.CORPUS_BUILT,
        place.clock(),
        {
            "corpus_id": manifest.corpus_id,
            "subject_root": prefix_root(leaves).hex(),
            "consent_root": prefix_root(consent_leaves(place, folder)).hex(),
            "subjects": len(leaves),
            "documents": manifest.counts.documents_used,
            "categories": sorted(manifest.counts.used_by_category),
            "as_of": manifest.request.as_of,
            "ledger_size": manifest.request.ledger_size,
            "manifest": file_sha256(folder / MANIFEST),
            "plan": plan.digest,
            "tag_scheme": TAG_SCHEME,
            "derived_from": manifest.request.derived_from,
        },
    )
    return manifest, event.number


def _logged(place: Place, corpus_id: str) -> PublicEvent | None:
    for event in place.events_of(EventKind.CORPUS_BUILT):
        if event.body["corpus_id"] == corpus_id:
            return event
    return None


def is_logged(place: Place, corpus_id: str) -> bool:
    """Say whether a corpus is committed to in the ledger."""
    return _logged(place, corpus_id) is not None


def subject_leaves(place: Place, folder: Path) -> list[Leaf]:
    """Derive the leaf of every subject in a corpus from digests that outlive its text.

    Memory and time grow with the documents: about 10 microseconds each.
    """
    documents = subject_documents(folder)
    secrets = place.vault.secrets(documents)
    return [
        subject_leaf(
            secrets[subject_id],
            folder.name,
            [
                document_leaf_of(
                    secrets[subject_id], folder.name, document_id, bytes.fromhex(sha)
                )
                for document_id, sha in rows
            ],
        )
        for subject_id, rows in documents.items()
    ]


def consent_leaves(place: Place, folder: Path) -> Iterator[Leaf]:
    """Derive what the builder knew of everybody, as a leaf each."""
    size = read_manifest(folder).request.ledger_size
    columns = ["subject_id", "reason"]
    batches = consent_states(
        read_commitment(folder, columns),
        pq.read_table(folder / "dropped.parquet", columns=columns),
        known_entries(place.book.events(size)),
    )
    for batch in batches:
        people = batch["subject_id"].to_pylist()
        secrets = place.vault.secrets(people)
        for subject_id, state in zip(people, batch["state"].to_pylist(), strict=True):
            yield consent_leaf(secrets[subject_id], folder.name, state.encode())


def subject_documents(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Read which documents of whom are in a corpus: subject -> (id, sha256 of text)."""
    columns = ["subject_id", "document_id", "text_sha256"]
    table = read_commitment(folder, columns)
    found: dict[str, list[tuple[str, str]]] = {}
    for subject_id, document_id, sha in zip(
        *(table[name].to_pylist() for name in columns), strict=True
    ):
        found.setdefault(subject_id, []).append((document_id, sha))
    return found


def check_logged(place: Place, corpus_id: str) -> None:
    """Compare a corpus's manifest with what the ledger says of it.

    Raises:
        CorpusError: it is another, or gone.
    """
    event = _logged(place, corpus_id)
    path = place.corpus_folder(corpus_id) / MANIFEST
    found = file_sha256(path) if path.is_file() else "missing"
    if event is None or found != event.body["manifest"]:
        raise CorpusError(
            f"`{MANIFEST}` of `{corpus_id}` is not the one that the ledger names",
            hint="restore the corpus from a backup, or build again",
        )


def read_commitment(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Read what a corpus holds, also one whose text was erased.

    Raises:
        CorpusError: the table is not the one that the build wrote: a person left out
            of it would neither be quarantined nor forgotten.
    """
    manifest, files = read_manifest(folder), read_files(folder)
    listed = {entry.path: entry for entry in files}
    name = "commitment.parquet"
    if file_sha256(folder / FILES) != manifest.files_sha256 or name not in listed:
        raise CorpusError(
            f"`{FILES}` of `{folder.name}` is not as the build wrote it",
            hint="restore it from a backup, or build the corpus again",
        )
    check_file(folder, listed[name])
    return pq.read_table(folder / name, columns=list(columns))
