"""Build the proof bundle: one file about one subject and one model.

The bundle holds ledger entries word for word with their proofs, and the subject's
secret, so it is hers alone. After her secret is destroyed no bundle can be built, so
the last ones are handed out before. Layout: `docs/formats.md`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from assent.canon import canonical
from assent.errors import ProofError
from assent.merkle.commitment import tag
from assent.merkle.entry import (
    Closure,
    CorpusEntry,
    ModelEntry,
    closure,
    read_public,
    superseded_by,
)
from assent.merkle.note import open_head
from assent.merkle.prefix import Leaf, PrefixTree
from assent.merkle.strict import base64_text
from assent.verify import FORMAT, VERSION, answer_for, claim_of, verify_bundle


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The subject's `enrolled` entry, its place, and the private body behind it."""

    index: int
    entry: bytes
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """What one corpus holds, and what of it is the subject's.

    Args:
        leaves: key and commitment of every subject in the corpus, in any order.
        documents: (document id, sha256 of its used text, hexadecimal) of each of the
            subject's documents, in any order; empty when nothing of hers is in it.
    """

    leaves: Sequence[Leaf]
    documents: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A signed tree head, its key, and the paths that lead to it.

    Args:
        note: the signed note.
        verifier_key: the key that signed it.
        path: gives the inclusion path of an entry under exactly this head.
    """

    note: str
    verifier_key: str
    path: Callable[[int], Sequence[bytes]]


def build_bundle(
    secret: bytes,
    enrolment: Enrolment,
    model_id: str,
    entries: Iterable[tuple[int, bytes]],
    shares: Mapping[str, Share],
    head: SignedHead,
) -> bytes:
    """Build a bundle, and hand it out only if it verifies.

    Superseded models are shown as far as `shares` has their corpora.

    Args:
        secret: the subject's 32 bytes, which `enrolment` binds her to.
        enrolment: the ledger's entry.
        model_id: in question.
        entries: (index, entry) of the ledger; only models and corpora are looked at.
        shares: by corpus id; needed for each corpus of `corpora_needed`.
        head: the tree head; entries from its size on are not seen.

    Returns:
        The bundle's bytes. They hold the secret: for the subject only.

    Raises:
        ProofError: an entry or a corpus is missing, or the parts contradict each other.
    """
    # (1) What the model is made of, and which older models can be shown.
    size = open_head(head.note, head.verifier_key).size
    seen = {index: entry for index, entry in entries if index < size}
    models, corpora = read_public(seen.items())
    chain, closures = _shown(model_id, models, shares)

    # (2) Where its entries stand in the ledger, and the claim that they make.
    model_places, corpus_places = _places(closures, models, corpora, shares)
    used = {
        name: tuple(sorted(document_id for document_id, _ in shares[name].documents))
        for _, name in corpus_places
    }
    answers = list(map(answer_for, chain, closures, repeat(used)))

    # (3) The file: entries word for word, each with its way to the one tree head.
    body = {
        "claim": claim_of(answers),
        "subject_secret": base64_text(secret),
        "enrolled": {
            **_logged(enrolment.index, enrolment.entry, head),
            "body": dict(enrolment.body),
        },
        "models": [_logged(place, seen[place], head) for place in model_places],
        "corpora": [
            _logged(place, seen[place], head) | _share(secret, name, shares[name])
            for place, name in corpus_places
        ],
    }
    bundle = _file(body, head)

    # (4) Whoever gets it will verify it; so do we, before.
    verify_bundle(bundle, head.verifier_key)
    return bundle


def _file(body: Mapping[str, Any], head: SignedHead) -> bytes:
    """Write the one valid form of a bundle."""
    return canonical(
        {
            "v": VERSION,
            "format": FORMAT,
            "tree_head": head.note,
            "verifier_key": head.verifier_key,
            **body,
        }
    )


def corpora_needed(
    model_id: str, entries: Iterable[tuple[int, bytes]]
) -> tuple[str, ...]:
    """List the corpora that a bundle about a model speaks of, superseded ones last.

    Raises:
        ProofError: no entry names the model, or an entry cannot be read.
    """
    models, _ = read_public(entries)
    own = closure(model_id, models).corpora
    older = frozenset[str]().union(
        *(closure(name, models).corpora for name in superseded_by(model_id, models))
    )
    return (*sorted(own), *sorted(older - own))


def _shown(
    model_id: str, models: Mapping[str, ModelEntry], shares: Mapping[str, Share]
) -> tuple[list[str], list[Closure]]:
    """Choose the model and the superseded ones before it, while their data lasts."""
    chain, closures = [model_id], [closure(model_id, models)]
    for name in superseded_by(model_id, models):
        made_of = closure(name, models)
        if not made_of.corpora <= shares.keys():
            break
        chain.append(name)
        closures.append(made_of)
    return chain, closures


def _places(
    closures: Sequence[Closure],
    models: Mapping[str, ModelEntry],
    corpora: Mapping[str, CorpusEntry],
    shares: Mapping[str, Share],
) -> tuple[list[int], list[tuple[int, str]]]:
    """List the indices of the models, and of the corpora with their ids, in order."""
    needed = frozenset[str]().union(*(one.corpora for one in closures))
    for name in sorted(needed):
        if name not in corpora or name not in shares:
            raise ProofError(f"nothing is known of corpus `{name}` of the model")
    shown = frozenset[str]().union(*(one.models for one in closures))
    return (
        sorted(models[name].index for name in shown),
        sorted((corpora[name].index, name) for name in needed),
    )


def _logged(index: int, entry: bytes, head: SignedHead) -> dict[str, Any]:
    return {
        "entry": base64_text(entry),
        "index": index,
        "path": [base64_text(part) for part in head.path(index)],
    }


def _share(secret: bytes, corpus_id: str, share: Share) -> dict[str, Any]:
    """Prove the subject in a corpus, or absent from it, and list her documents."""
    proof = PrefixTree(share.leaves).prove(tag(secret, corpus_id))
    leaf = None
    if proof.leaf is not None:
        key, commitment = map(base64_text, proof.leaf)
        leaf = {"key": key, "commitment": commitment}
    return {
        "prefix": {
            "kind": proof.kind.value,
            "copath": [base64_text(part) for part in proof.copath],
            "leaf": leaf,
        },
        "documents": [
            {"document_id": document_id, "text_sha256": text_sha256}
            for document_id, text_sha256 in sorted(share.documents)
        ],
    }
