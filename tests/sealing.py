"""A bundle whose author holds the log's key: every entry in it is logged and signed.

Who only changes a bundle fails at the root of the tree head. An operator who lies has
the key, so whatever stands in the entries reaches the checks behind it.
"""

import json
from typing import Any

from assent.canon import canonical
from assent.errors import ProofError
from assent.merkle.commitment import enrolment_commit
from assent.merkle.compound import compound_path
from assent.merkle.entry import model_kind, write_enrolled, write_public
from assent.merkle.log import appended, inclusion_path, leaf_hash, root
from assent.merkle.note import TreeHead, sign_head
from assent.merkle.signers import Signers, signers_text
from assent.merkle.strict import base64_text, read_base64
from assent.terms import EventKind
from small_ledger import KEY, ORIGIN, PRIVATE

MOST = 64  # entries


def sealed(data: bytes) -> bytes:
    """Log what the entries of a bundle say, and sign the head; or give it unchanged.

    What is no entry cannot be logged: then the bundle comes back as it was.
    """
    try:
        value = json.loads(data)
        entries = _entries(value)
        size = max(entries) + 1
        if min(entries) < 0 or size > MOST:
            return data
        return canonical(value | _head(entries, size))
    except (ValueError, TypeError, KeyError, ProofError, AttributeError):
        return data
    except RecursionError:
        return data


def _entries(value: dict[str, Any]) -> dict[int, bytes]:
    """Write the entries of a bundle by their numbers."""
    secret = read_base64(value["secret"], "the secret")
    enrolled = value["enrolled"]
    commit = enrolment_commit(secret, enrolled["body"])
    entries = {enrolled["entry"]: write_enrolled(enrolled["recorded_at"], commit)}
    parts = [(EventKind.CORPUS_BUILT, one) for one in value["corpora"]]
    parts += [(model_kind(one["body"]), one) for one in value["models"]]
    for kind, one in parts:
        times = one["recorded_at"], one["happened_at"]
        entries[one["entry"]] = write_public(kind, *times, one["body"])
    return entries


def _head(entries: dict[int, bytes], size: int) -> dict[str, str]:
    """Sign a ledger that holds these entries, and others between them."""
    nodes: dict[tuple[int, int], bytes] = {}

    def get(level: int, position: int) -> bytes:
        return nodes[level, position]

    for index in range(size):
        leaf = leaf_hash(entries.get(index, b"another"))
        nodes.update(
            ((level, position), node)
            for level, position, node in appended(index, leaf, get)
        )
    paths = {index: inclusion_path(index, size, get) for index in entries}
    return {
        "path": base64_text(b"".join(compound_path(paths, size))),
        "policy": signers_text(Signers(KEY, ())),
        "tree_head": sign_head(TreeHead(ORIGIN, size, root(size, get)), PRIVATE),
    }
