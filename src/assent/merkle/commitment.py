"""What a subject's secret turns into before anything about her is made public.

Every derivation is an HMAC under her random 32-byte secret `s`, so what is published
looks random without it, and two corpora share no tag by which she could be followed.
When the secret is destroyed nobody but the subject can open any of it again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from assent.canon import canonical, keyed
from assent.merkle.prefix import Leaf, PrefixTree

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
    key = keyed(_checked(secret), "document", *parts)
    return key, keyed(secret, "text", *parts, text_sha256)


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
    content = {
        "documents": len(leaves),
        "documents_root": PrefixTree(leaves).root().hex(),
    }
    commitment = keyed(secret, "subject_leaf", corpus_id.encode(), canonical(content))
    return tag(secret, corpus_id), commitment


def _bytes_of(body: bytes | Mapping[str, Any]) -> bytes:
    return body if isinstance(body, bytes) else canonical(dict(body))


def _checked(secret: bytes) -> bytes:
    # HMAC pads short keys with zeros: of other lengths, two keys could be one.
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has 32 bytes, not {len(secret)}")
    return secret
