"""A small ledger in memory with real hashes and signatures, for tests of proofs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical, sha256
from assent.merkle.commitment import (
    consent_key,
    consent_leaf,
    document_leaf,
    enrolment_commit,
    event_commit,
    subject_leaf,
    tag,
)
from assent.merkle.compound import compound_path
from assent.merkle.cosign import cosign, cosigner_key
from assent.merkle.log import appended, inclusion_path, leaf_hash, root
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.prefix import Leaf, PrefixTree, prefix_root
from assent.merkle.strict import base64_text
from assent.prove.bundle import Consent, Enrolment, Share, SignedHead, build_bundle

ORIGIN = "club.example/ledger"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = verifier_key(ORIGIN, PRIVATE.public_key())
WITNESSED = 1_764_000_000  # seconds: 2025-11-24 16:00:00 UTC
ANA, BEN, CEM, DIA = (bytes([number] * 32) for number in (1, 2, 3, 4))
HEX = "ab" * 32


class Witness(NamedTuple):
    """Who cosigns the heads of the small ledger."""

    name: str
    private: Ed25519PrivateKey

    @property
    def key(self) -> str:
        return cosigner_key(self.name, self.private.public_key())


UNION, PRESS, COURT = (
    Witness(name, Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)))
    for number, name in enumerate(("union.example", "press.example", "court.example"))
)


class Ledger:
    """A small ledger in memory, with the corpora behind it."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.shares: dict[str, dict[bytes, Share]] = {}
        self.consents: dict[str, dict[bytes, Consent]] = {}
        self.enrolments: dict[bytes, Enrolment] = {}

    def get(self, level: int, position: int) -> bytes:
        return self.nodes[level, position]

    def append(self, entry: bytes) -> int:
        index = len(self.entries)
        for level, position, node in appended(index, leaf_hash(entry), self.get):
            self.nodes[level, position] = node
        self.entries.append(entry)
        return index

    def public(self, kind: str, body: dict[str, Any]) -> int:
        entry = {"v": 1, "type": kind, "recorded_at": 9, "happened_at": 8, "body": body}
        return self.append(canonical(entry))

    def enrol(self, secret: bytes, name: str) -> None:
        body = {"subject_id": name, "happened_at": 5, "detail": {"channel": "web"}}
        commit = enrolment_commit(secret, body).hex()
        entry = {"v": 1, "type": "enrolled", "recorded_at": 6, "commit": commit}
        raw = canonical(entry)
        self.enrolments[secret] = Enrolment(self.append(raw), raw, body)

    def corpus(self, name: str, texts: dict[bytes, dict[str, str]]) -> int:
        leaves: list[Leaf] = []
        for secret, own in texts.items():
            parts = [document_leaf(secret, name, key, own[key]) for key in own]
            leaves.append(subject_leaf(secret, name, parts))
        self.shares[name] = {}
        for secret in (ANA, BEN, CEM, DIA):
            own = texts.get(secret, {})
            digests = [(key, sha256(own[key].encode())) for key in reversed(own)]
            proof = PrefixTree(leaves).prove(tag(secret, name))
            self.shares[name][secret] = Share(proof, digests)
        known = self.know(name, texts)
        body = corpus_body(name, prefix_root(leaves), texts) | {"consent_root": known}
        return self.public("corpus_built", body)

    def know(self, name: str, texts: dict[bytes, dict[str, str]]) -> str:
        """Commit to what is known of all who are enrolled; give the root."""
        states = {
            secret: {
                "entries": 1,
                "last_entry": one.index,
                "reasons": {"consented": len(texts.get(secret, {})), "no_record": 2},
            }
            for secret, one in self.enrolments.items()
        }
        leaves = [consent_leaf(key, name, state) for key, state in states.items()]
        tree = PrefixTree(leaves)
        self.consents[name] = {
            secret: Consent(state, tree.prove(consent_key(secret, name)))
            for secret, state in states.items()
        }
        return tree.root().hex()

    def model(
        self, name: str, corpora: list[str], parents: list[Any], old: str | None = None
    ) -> int:
        body = {
            "model_id": name,
            "plan": HEX,
            "corpora": corpora,
            "parents": parents,
            "weights": HEX,
            "content_read": HEX,
        }
        if old is None:
            return self.public("model_trained", body)
        return self.public(
            "model_repaired", {**body, "supersedes": old, "certificate": HEX}
        )

    def bundle(
        self,
        secret: bytes,
        model: str,
        without: str = "",
        witnesses: Sequence[Witness] = (),
        consent: bool = False,
    ) -> bytes:
        head = TreeHead(ORIGIN, len(self.entries), root(len(self.entries), self.get))
        note = sign_head(head, PRIVATE)
        lines = [cosign(note, one.name, one.private, WITNESSED) for one in witnesses]
        shares = {
            name: held[secret] for name, held in self.shares.items() if name != without
        }
        if consent:
            shares = {
                name: replace(share, consent=self.consents[name][secret])
                for name, share in shares.items()
            }
        return build_bundle(
            secret,
            self.enrolments[secret],
            model,
            enumerate(self.entries),
            shares,
            SignedHead(
                note + "".join(f"{line}\n" for line in lines),
                KEY,
                self.path,
                [one.key for one in witnesses],
            ),
        )

    def reproved(self, value: dict[str, Any]) -> bytes:
        """Write a bundle with the proof that the operator could give for its entries.

        So what is refused is not refused for its proof.
        """
        parts = [value["enrolled"], *value["models"], *value["corpora"]]
        paths = {part["entry"]: self.path(part["entry"]) for part in parts}
        path = compound_path(paths, len(self.entries))
        return canonical({**value, "path": base64_text(b"".join(path))})

    def path(self, index: int) -> list[bytes]:
        return inclusion_path(index, len(self.entries), self.get)


def corpus_body(
    name: str, subject_root: bytes, texts: dict[bytes, dict[str, str]]
) -> dict[str, Any]:
    return {
        "corpus_id": name,
        "subject_root": subject_root.hex(),
        "consent_root": HEX,
        "as_of": 7,
        "subjects": len(texts),
        "documents": sum(map(len, texts.values())),
        "categories": ["comment", "post"] if texts else [],
        "ledger_size": 3,
        "manifest": HEX,
        "plan": HEX,
        "tag_scheme": "hmac-v1",
        "derived_from": None,
    }


def story() -> Ledger:
    """Ana and Ben are trained on, Ana withdraws, the model is repaired; Cem never is.

    A child model starts from the first one, another from weights of nobody known.
    """
    ledger = Ledger()
    for secret, name in ((ANA, "ana"), (BEN, "ben"), (CEM, "cem")):
        ledger.enrol(secret, name)
    first = {ANA: {"a2": "two", "a1": "one"}, BEN: {"b1": "three"}}
    ledger.corpus("corpus-1", first)
    ledger.model("model-1", ["corpus-1"], [])
    ledger.append(
        canonical(
            {
                "v": 1,
                "type": "subject_event",
                "recorded_at": 9,
                "commit": event_commit(HEX[:32].encode(), {"kind": "withdrawn"}).hex(),
            }
        )
    )
    ledger.corpus("corpus-2", {BEN: {"b1": "three"}})
    ledger.model("model-2", ["corpus-2"], [], old="model-1")
    ledger.corpus("corpus-3", {})
    ledger.model("child", ["corpus-3"], ["model-1"])
    ledger.model("clean-child", ["corpus-3"], ["model-2"])
    ledger.model("adapted", ["corpus-2"], [{"external": "some base"}])
    ledger.model("orphan", ["corpus-2"], ["model-of-elsewhere"])
    ledger.model("silent", [], [])
    return ledger
