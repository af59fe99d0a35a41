"""Build the proof bundle: one file about one subject and one model.

The bundle shows ledger entries with one proof for all of them, and holds the subject's
secret, so it is hers alone. After her secret is destroyed no bundle can be built, so
the last ones are handed out before. Layout: `docs/formats.md`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from assent.canon import canonical
from assent.errors import ProofError
from assent.merkle.commitment import enrolment_commit
from assent.merkle.compound import compound_path
from assent.merkle.entry import (
    Closure,
    CorpusEntry,
    ModelEntry,
    closure,
    read_enrolment,
    read_public,
    superseded_by,
)
from assent.merkle.note import open_head
from assent.merkle.prefix import PrefixProof, ProofKind
from assent.merkle.signers import signed_by, signers_text
from assent.merkle.strict import base64_text
from assent.verify import FORMAT, answer_for, verify_bundle


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The subject's `enrolled` entry, its place, and the private body behind it."""

    index: int
    entry: bytes
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Consent:
    """What was known of the subject when a corpus was built, and where it stands.

    Args:
        state: as `assent.merkle.commitment.consent_leaf` takes it.
        proof: of her leaf under the corpus's `consent_root`.
    """

    state: Mapping[str, Any]
    proof: PrefixProof


@dataclass(frozen=True, slots=True)
class Share:
    """What of one corpus is the subject's, with the proof that it is this and no more.

    Args:
        proof: where her tag is among the subjects of the corpus, or would be.
        documents: (document id, sha256 of its used text, hexadecimal) of each of the
            subject's documents, in any order; empty when nothing of hers is in it.
        consent: what was known of her when it was built, where that is shown too.
    """

    proof: PrefixProof
    documents: Sequence[tuple[str, str]] = ()
    consent: Consent | None = None

    def names(self) -> tuple[str, ...]:
        """List the ids of the subject's documents, sorted."""
        return tuple(sorted(document_id for document_id, _ in self.documents))


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A signed tree head, its key, and the paths that lead to it.

    Args:
        note: the signed note, with the cosignatures that there are.
        verifier_key: the key of the log that signed it.
        path: gives the inclusion path of an entry under exactly this head.
        witnesses: verifier keys of the witnesses to name; the lines of others are not
            handed on.
    """

    note: str
    verifier_key: str
    path: Callable[[int], Sequence[bytes]]
    witnesses: Sequence[str] = field(default=())


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
        entries: (index, entry) of the ledger's public entries; only models and corpora
            are looked at.
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

    # (2) Where its entries stand in the ledger, and the verdict that follows.
    model_places, corpus_places = _places(closures, models, corpora, shares)
    used = {name: shares[name].names() for _, name in corpus_places}
    answers = list(map(answer_for, chain, closures, repeat(used)))

    # (3) The file: the entries, and one way to the one tree head for all of them.
    places = [enrolment.index, *model_places, *(place for place, _ in corpus_places)]
    path = compound_path({place: head.path(place) for place in places}, size)
    body = {
        "model_id": model_id,
        "verdict": answers[0].verdict.value,
        "secret": base64_text(secret),
        "enrolled": _enrolled(secret, enrolment),
        "models": [_logged(place, seen[place]) for place in model_places],
        "corpora": [
            _logged(place, seen[place]) | _share(shares[name])
            for place, name in corpus_places
        ],
        "path": base64_text(b"".join(path)),
    }
    bundle = _file(body, head)

    # (4) Whoever gets it will verify it; so do we, before.
    verify_bundle(bundle, head.verifier_key)
    return bundle


def _file(body: Mapping[str, Any], head: SignedHead) -> bytes:
    """Write the one valid form of a bundle."""
    note, signers = signed_by(head.note, head.verifier_key, head.witnesses)
    signed = {"policy": signers_text(signers), "tree_head": note}
    return canonical({"format": FORMAT, **signed, **body})


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
            raise ProofError(
                f"nothing is known of corpus `{name}` of the model",
                hint="restore this corpus from a backup",
            )
    shown = frozenset[str]().union(*(one.models for one in closures))
    return (
        sorted(models[name].index for name in shown),
        sorted((corpora[name].index, name) for name in needed),
    )


def _enrolled(secret: bytes, enrolment: Enrolment) -> dict[str, Any]:
    """Write the enrolment without its commitment, which follows from the secret."""
    body = dict(enrolment.body)
    if read_enrolment(enrolment.entry, enrolment.index) != enrolment_commit(
        secret, body
    ):
        raise ProofError(
            "the secret and the body do not open the commitment of the enrolment",
            hint="restore the vault and the ledger from the same backup",
        )
    recorded_at = json.loads(enrolment.entry)["recorded_at"]
    return {"entry": enrolment.index, "recorded_at": recorded_at, "body": body}


def _logged(index: int, entry: bytes) -> dict[str, Any]:
    """Write a public entry: its number, and of its fields what can differ."""
    value = json.loads(entry)
    kept = {key: value[key] for key in ("recorded_at", "happened_at", "body")}
    return {"entry": index, **kept}


def _share(share: Share) -> dict[str, Any]:
    """Write a proof and the subject's documents; which kind it is, the fields say."""
    proof = share.proof
    shown: dict[str, Any] = {"path": base64_text(b"".join(proof.copath))}
    if share.documents:
        shown["documents"] = dict(share.documents)
    if proof.leaf is not None:
        shown["leaf"] = base64_text(b"".join(proof.leaf))
    if share.consent is not None:
        path = base64_text(b"".join(share.consent.proof.copath))
        shown["consent"] = {"state": dict(share.consent.state), "path": path}
    if (proof.kind is ProofKind.INCLUSION) != bool(share.documents):
        raise ProofError("a corpus shows documents of a subject who is not in it")
    return shown
