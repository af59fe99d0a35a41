"""Commit to people: who is in a corpus, and what was known of everybody.

Two trees are written beside the parts, listed as every other file. Their leaves are
streamed out of the corpus's own tables, so a build that is continued, which makes the
same tables, makes the same trees.

Growth: 20 microseconds a document and 40 a person, half of it for her secret, beside
the hashing of `tree`; memory 0.2 kB a document while its table is sorted by person, and
the secrets of 4,096 people at once; storage 64 bytes a person in each tree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assent.corpus.consent import STATES as SCHEMA
from assent.corpus.consent import consent_states
from assent.corpus.draft import Draft
from assent.corpus.manifest import FileEntry
from assent.corpus.tree import TreeBuilder
from assent.errors import CorpusError
from assent.files import file_sha256
from assent.merkle.commitment import consent_leaf, document_leaf_of, subject_leaf
from assent.merkle.prefix import Leaf

SUBJECTS = "subjects.tree"
CONSENT = "consent.tree"
STATES = "consent.parquet"
AT_ONCE = 4_096
"""People whose secrets are in memory together."""

Progress = Callable[[str, int, int], None]
Documents = Sequence[tuple[str, str]]
"""(document id, sha256 of the used text as hexadecimal) of one person."""


@dataclass(frozen=True, slots=True)
class People:
    """What a build must be told of people to commit to them.

    Args:
        secrets: gives the 32 secret bytes of each of some people; whose secret was
            shredded is left out.
        known: gives the rows of `consent.KNOWN` at the request's ledger size.
    """

    secrets: Callable[[Iterable[str]], Mapping[str, bytes]]
    known: Callable[[], pa.Table]


def write_states(
    draft: Draft, committed: pa.Table, dropped: pa.Table, people: People
) -> None:
    """Write what was known of everybody, a row a person, sorted by `subject_id`."""
    states = consent_states(committed, dropped, people.known())
    draft.write(STATES, pa.Table.from_batches(states, schema=SCHEMA))


def write_trees(draft: Draft, people: People, progress: Progress) -> None:
    """Write the trees over the tables of a draft, where they are not finished yet.

    Raises:
        CorpusError: somebody in the corpus has no secret, so cannot be committed to.
    """
    corpus_id = draft.final.name
    for number, (name, leaves) in enumerate(
        (
            (SUBJECTS, subject_leaves(draft.folder, corpus_id, people)),
            (CONSENT, consent_leaves(draft.folder, corpus_id, people)),
        ),
        start=1,
    ):
        if name not in draft.files:
            _write_tree(draft, name, leaves)
        progress("trees written", number, 2)


def _write_tree(draft: Draft, name: str, leaves: Iterable[Leaf]) -> None:
    builder = TreeBuilder(draft.spill)
    pairs = iter(leaves)
    while chunk := list(islice(pairs, AT_ONCE)):
        builder.add(b"".join(key + commitment for key, commitment in chunk))
    made = draft.spill / name
    builder.write(made)
    # Crash here: a file without a name that counts; it is made again, the same.
    size = made.stat().st_size
    draft.adopt(name, FileEntry(name, file_sha256(made), builder.leaves, size))


def subject_leaves(folder: Path, corpus_id: str, people: People) -> Iterator[Leaf]:
    """Derive the leaf of everybody in a corpus from digests that outlive its text.

    Args:
        folder: holds the corpus's tables.
        corpus_id: of the corpus.
        people: gives secrets.

    Raises:
        CorpusError: somebody has no secret any more.
    """
    persons = _by_person(folder)
    while chunk := list(islice(persons, AT_ONCE)):
        secrets = people.secrets([subject_id for subject_id, _ in chunk])
        for subject_id, documents in chunk:
            if subject_id not in secrets:
                raise CorpusError(
                    f"subject `{subject_id}` is in `{corpus_id}` and has no secret: "
                    "nothing could be proved to her",
                    hint="enrol her before the build; after an erasure, build again",
                )
            leaves = document_leaves(secrets[subject_id], corpus_id, documents)
            yield subject_leaf(secrets[subject_id], corpus_id, leaves)


def document_leaves(
    secret: bytes, corpus_id: str, documents: Documents
) -> Iterator[Leaf]:
    """Derive the leaves of one person's documents."""
    for document_id, text_sha256 in documents:
        digest = bytes.fromhex(text_sha256)
        yield document_leaf_of(secret, corpus_id, document_id, digest)


def consent_leaves(folder: Path, corpus_id: str, people: People) -> Iterator[Leaf]:
    """Derive the leaf of everybody's state. Whose secret is shredded has none."""
    for batch in pq.ParquetFile(folder / STATES).iter_batches(AT_ONCE):
        names = batch["subject_id"].to_pylist()
        secrets = people.secrets(names)
        for subject_id, state in zip(names, batch["state"].to_pylist(), strict=True):
            if subject_id in secrets:
                yield consent_leaf(secrets[subject_id], corpus_id, state.encode())


def _by_person(folder: Path) -> Iterator[tuple[str, Documents]]:
    """Read the used documents of one person after another."""
    columns = ["subject_id", "document_id", "text_sha256"]
    table = pq.read_table(folder / "commitment.parquet", columns=columns)
    table = table.sort_by([(name, "ascending") for name in columns[:2]])
    rows = (
        row
        for batch in table.to_batches(AT_ONCE)
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    for subject_id, own in groupby(rows, key=itemgetter(0)):
        yield subject_id, [(document_id, sha) for _, document_id, sha in own]
