"""Commit to a corpus in the ledger, and prove what it is committed to.

A proof is made from one path and one partition of a stored tree, so in milliseconds at
any size. It is checked against the root that the tree's file claims: that this is the
root of the ledger's entry is checked by who shows the proof, as by who is shown it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assent.corpus.commitment import (
    CONSENT,
    STATES,
    SUBJECTS,
    Documents,
    People,
    document_leaves,
)
from assent.corpus.consent import known_entries
from assent.corpus.manifest import (
    FILES,
    MANIFEST,
    Manifest,
    check_file,
    check_parts,
    read_files,
    read_manifest,
)
from assent.corpus.stored import StoredTree
from assent.errors import CorpusError, ProofError
from assent.files import file_sha256
from assent.ledger.book import PublicEvent
from assent.merkle.commitment import (
    TAG_SCHEME,
    DocumentProof,
    consent_key,
    consent_leaf,
    document_key,
    tag,
)
from assent.merkle.prefix import PrefixProof, PrefixTree, verify_absent, verify_present
from assent.project.place import Place
from assent.terms import EventKind
from assent.train.plan import Plan


def people(place: Place, size: int) -> People:
    """Say what a build must know of people, as known at a ledger size.

    Memory grows with the events, as for the decisions: about 0.2 kB each.
    """
    return People(place.vault.secrets, lambda: known_entries(place.book.events(size)))


def commit(place: Place, folder: Path, plan: Plan) -> tuple[Manifest, int]:
    """Check a finished corpus and log its commitment, once.

    Returns:
        The manifest, and the number of the entry.

    Raises:
        CorpusError: a part is not what the manifest says.
    """
    manifest = check_parts(folder)
    with StoredTree(folder / SUBJECTS) as used, StoredTree(folder / CONSENT) as known:
        roots = used.root.hex(), known.root.hex()
        subjects = used.leaves
    event = _logged(place, manifest.corpus_id) or place.book.publish(
        EventKind.CORPUS_BUILT,
        place.clock(),
        {
            "corpus_id": manifest.corpus_id,
            "subject_root": roots[0],
            "consent_root": roots[1],
            "subjects": subjects,
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


def read_commitment(
    folder: Path, columns: Sequence[str], subject_id: str | None = None
) -> pa.Table:
    """Read what a corpus holds, also one whose text was erased.

    Args:
        folder: of the corpus.
        columns: to be read.
        subject_id: of one person alone; None for everybody's.

    Raises:
        CorpusError: as `checked_commitment`.
    """
    path = checked_commitment(folder)
    if subject_id is not None:
        return _of_subject(path, columns, subject_id)
    return pq.read_table(path, columns=list(columns))


def checked_commitment(folder: Path) -> Path:
    """Name the table of what a corpus holds, after hashing it again.

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
    return folder / name


def prove_in(place: Place, corpus_id: str, subject_id: str) -> PrefixProof:
    """Prove that something of a subject is in a corpus, or that nothing of hers is.

    Raises:
        LedgerError: she was never enrolled, or her secret was shredded.
        CorpusError: the corpus's tree is missing or was changed.
    """
    key = tag(place.vault.secret(subject_id), corpus_id)
    with StoredTree(place.corpus_folder(corpus_id) / SUBJECTS) as tree:
        return tree.prove(key)


def documents_in(place: Place, corpus_id: str, subject_id: str) -> Documents:
    """List (document id, sha256 of its used text) of a subject, sorted; or none.

    Reads the whole table of documents, in constant memory and 0.1 microseconds each.

    Raises:
        CorpusError: the table is not the one that the build wrote.
    """
    columns = ("document_id", "text_sha256")
    folder = place.corpus_folder(corpus_id)
    table = read_commitment(folder, columns, subject_id)
    found = (table[name].to_pylist() for name in columns)
    return sorted(zip(*found, strict=True))


def document_in(
    place: Place, corpus_id: str, subject_id: str, document_id: str
) -> DocumentProof:
    """Prove that one document of a subject is in a corpus, or that it is not.

    For a subject of whom anything is in it; of others `prove_in` shows that nothing is.

    Raises:
        LedgerError: she was never enrolled, or her secret was shredded.
        CorpusError: the corpus's tree or table is missing or was changed.
        ProofError: nothing of hers is in the corpus.
    """
    documents = documents_in(place, corpus_id, subject_id)
    if not documents:
        raise ProofError(
            f"nothing of subject `{subject_id}` is in `{corpus_id}`, so there is no "
            "root over her documents",
            hint="show that nothing of hers is in it: `assent prove`",
        )
    secret = place.vault.secret(subject_id)
    hers = PrefixTree(document_leaves(secret, corpus_id, documents))
    return DocumentProof(
        documents=len(documents),
        documents_root=hers.root(),
        document=hers.prove(document_key(secret, corpus_id, document_id)),
        subject=prove_in(place, corpus_id, subject_id),
    )


def consent_in(
    place: Place, corpus_id: str, subject_id: str
) -> tuple[dict[str, Any] | None, PrefixProof]:
    """Prove what was known of a subject when a corpus was built.

    Reads all states, in constant memory and 0.1 microseconds each.

    Returns:
        Her state, and its place under the entry's `consent_root`. None and a proof of
        absence for who was not enrolled by then: nothing of hers could be used.

    Raises:
        LedgerError: she was never enrolled, or her secret was shredded.
        CorpusError: the states or their tree are missing or were changed.
    """
    secret = place.vault.secret(subject_id)
    folder = place.corpus_folder(corpus_id)
    states = _of_subject(folder / STATES, ["state"], subject_id)["state"].to_pylist()
    key = consent_key(secret, corpus_id)
    with StoredTree(folder / CONSENT) as tree:
        proof, root = tree.prove(key), tree.root
    try:
        if not states:
            verify_absent(proof, key, root)
            return None, proof
        leaf = consent_leaf(secret, corpus_id, states[0].encode())
        verify_present(proof, *leaf, root)
    except ProofError as error:
        raise CorpusError(
            f"`{STATES}` of `{corpus_id}` does not say of `{subject_id}` what was "
            "committed to",
            hint="restore it from a backup",
        ) from error
    return json.loads(states[0]), proof


def _of_subject(path: Path, columns: Sequence[str], subject_id: str) -> pa.Table:
    """Read the rows of one person, a row group after another.

    Raises:
        CorpusError: there is no such table.
    """
    try:
        with pq.ParquetFile(path) as file:
            found = [
                batch.filter(pc.equal(batch["subject_id"], subject_id))
                for batch in file.iter_batches(columns=["subject_id", *columns])
            ]
            schema = file.schema_arrow
    except (OSError, pa.ArrowException) as error:
        raise CorpusError(
            f"`{path.name}` of `{path.parent.name}` cannot be read",
            hint="restore it from a backup, or build the corpus again",
        ) from error
    empty = schema.empty_table().select(["subject_id", *columns])
    return pa.concat_tables([empty, pa.Table.from_batches(found, empty.schema)])
