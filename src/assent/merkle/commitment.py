"""What a subject's secret turns into before anything about her is made public.

Every derivation is an HMAC under her random 32-byte secret `s`, so what is published
looks random without it, and two corpora share no tag by which she could be followed.
When the secret is destroyed nobody but the subject can open any of it again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assent.canon import canonical, keyed
from assent.errors import ProofError
from assent.merkle.prefix import (
    Leaf,
    PrefixProof,
    PrefixTree,
    verify_absent,
    verify_present,
)

SECRET_BYTES = 32
TAG_SCHEME = "hmac-v1"


def enrolment_commit(secret: bytes, body: bytes | Mapping[str, Any]) -> bytes:
    """Bind the secret to the enrolment: 32 bytes, logged before any corpus.

    HMAC under a key of fixed length is binding: no second secret opens it.

    Args:
        secret: her 32 bytes.
        body: the private body, or its canonical bytes where they are at hand.
    """
    return keyed(_checked(secret), "enrolled", _bytes_of(body))


def event_commit(opening: bytes, body: bytes | Mapping[str, Any]) -> bytes:
    """Bind a subject's event to its own random opening: 32 bytes.

    Args:
        opening: 32 random bytes of this event alone.
        body: the private body, or its canonical bytes where they are at hand.
    """
    return keyed(_checked(opening), "subject_event", _bytes_of(body))


def tag(secret: bytes, corpus_id: str) -> bytes:
    """Name the subject in one corpus, and in no other: 32 bytes."""
    return keyed(_checked(secret), "tag", corpus_id.encode())


def document_leaf(secret: bytes, corpus_id: str, document_id: str, text: str) -> Leaf:
    """Derive the key and commitment of one of her documents from its text.

    Args:
        secret: her 32 bytes.
        corpus_id: the corpus it is used in.
        document_id: which document.
        text: the text as it was used, so after redaction.
    """
    text_sha256 = hashlib.sha256(text.encode()).digest()
    return document_leaf_of(secret, corpus_id, document_id, text_sha256)


def document_leaf_of(
    secret: bytes, corpus_id: str, document_id: str, text_sha256: bytes
) -> Leaf:
    """Derive the same when only the text's digest (32 raw bytes) is left."""
    parts = corpus_id.encode(), document_id.encode()
    key = document_key(secret, corpus_id, document_id)
    return key, keyed(secret, "text", *parts, text_sha256)


def document_key(secret: bytes, corpus_id: str, document_id: str) -> bytes:
    """Name one document in one corpus, used there or not: 32 bytes."""
    parts = corpus_id.encode(), document_id.encode()
    return keyed(_checked(secret), "document", *parts)


def subject_leaf(
    secret: bytes, corpus_id: str, document_leaves: Iterable[Leaf]
) -> Leaf:
    """Derive her one leaf in a corpus from the leaves of all her documents there.

    Raises:
        ValueError: she has no documents, so no leaf either; or one is there twice.
    """
    leaves = list(document_leaves)
    if not leaves:
        raise ValueError("a subject without documents has no leaf in a corpus")
    return subject_leaf_of(secret, corpus_id, len(leaves), PrefixTree(leaves).root())


def subject_leaf_of(
    secret: bytes, corpus_id: str, documents: int, documents_root: bytes
) -> Leaf:
    """Derive the same from how many documents she has, and the root over them.

    So one document can be shown, or shown to be missing, without the others.
    """
    content = {"documents": documents, "documents_root": documents_root.hex()}
    commitment = keyed(secret, "subject_leaf", corpus_id.encode(), canonical(content))
    return tag(secret, corpus_id), commitment


@dataclass(frozen=True, slots=True)
class DocumentProof:
    """Whether one document of hers is in a corpus where something of hers is.

    It says nothing alone: she is in the corpus with the root that it leads to, or
    another root could be made up. `verify_document` checks both.

    Args:
        documents: how many of hers are in the corpus.
        documents_root: prefix root over them; 32 bytes.
        document: the walk under this root to where the document is, or would be.
        subject: the walk under the corpus's root to her leaf.
    """

    documents: int
    documents_root: bytes
    document: PrefixProof
    subject: PrefixProof


def verify_document(
    proof: DocumentProof,
    secret: bytes,
    corpus_id: str,
    document_id: str,
    text_sha256: bytes | None,
    subject_root: bytes,
) -> None:
    """Check that one document is in a corpus with this text, or that it is not there.

    Of her other documents nothing is seen but their number.

    Args:
        proof: what is shown.
        secret: her 32 bytes.
        corpus_id: the corpus.
        document_id: which document.
        text_sha256: 32 raw bytes of the text's digest; None: it is not there.
        subject_root: of the corpus's ledger entry; 32 bytes.

    Raises:
        ProofError: the proof is malformed, or shows something else.
    """
    # (1) She is in the corpus, and her leaf is made of this root over her documents.
    if proof.documents < 1:
        raise ProofError(f"{proof.documents} documents are shown, wanted at least 1")
    hers = subject_leaf_of(secret, corpus_id, proof.documents, proof.documents_root)
    verify_present(proof.subject, *hers, subject_root)

    # (2) Under this root the document stands, or nothing stands at its place.
    if text_sha256 is None:
        key = document_key(secret, corpus_id, document_id)
        verify_absent(proof.document, key, proof.documents_root)
    else:
        leaf = document_leaf_of(secret, corpus_id, document_id, text_sha256)
        verify_present(proof.document, *leaf, proof.documents_root)


def consent_key(secret: bytes, corpus_id: str) -> bytes:
    """Name the subject among the consent states of one corpus: 32 bytes."""
    return keyed(_checked(secret), "consent_tag", corpus_id.encode())


def consent_leaf(
    secret: bytes, corpus_id: str, state: bytes | Mapping[str, Any]
) -> Leaf:
    """Derive her one leaf among the consent states from what was known of her.

    Args:
        secret: her 32 bytes.
        corpus_id: the corpus that was built by it.
        state: `entries`, how many ledger entries about her were known; `last_entry`,
            the number of the last of them; `reasons`, how many of her documents were
            decided for which reason. Or its canonical bytes where they are at hand.
    """
    parts = corpus_id.encode(), _bytes_of(state)
    return consent_key(secret, corpus_id), keyed(secret, "consent_leaf", *parts)


def _bytes_of(body: bytes | Mapping[str, Any]) -> bytes:
    return body if isinstance(body, bytes) else canonical(dict(body))


def _checked(secret: bytes) -> bytes:
    # HMAC pads short keys with zeros: of other lengths, two keys could be one.
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has 32 bytes, not {len(secret)}")
    return secret
