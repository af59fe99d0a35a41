"""Vouch for a model in the words of other people's programs.

model.sig     OpenSSF model signing: a digest of every file of the model's folder
provenance    in-toto Statement v1 with SLSA provenance v1: made of what, by which plan,
              and where the ledger says so; in a DSSE envelope, alone on a line and
              inside a Sigstore bundle

Both are signed by one EC P-256 key. They say what the ledger says, not more: who signs
is the operator, and no build service vouches for it. Layout: `docs/formats.md`, 27.

Source: sigstore/model-transparency 1.1.1; in-toto/attestation spec v1; SLSA 1.0
provenance; secure-systems-lab/dsse protocol v1.0; Sigstore bundle v0.3.
"""

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import resource_descriptor_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import STATEMENT_TYPE_URI, Statement
from model_signing import signing

from assent.canon import canonical, sha256
from assent.errors import ProofError
from assent.merkle.log import leaf_hash
from assent.terms import iso

BUILD_TYPE = "urn:assent:build:model:v1"
PREDICATE = "https://slsa.dev/provenance/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class SignedFolder:
    """A signed folder: the signature's bytes, its digest, sha256 by path."""

    signature: bytes
    digest: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger entry of a model or a corpus, and its number."""

    number: int
    raw: bytes
    body: Mapping[str, Any]
    happened_at: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a model was made of.

    Args:
        origin: the ledger's name.
        version: of Assent.
        folder_digest: of the model's folder, as `SignedFolder` has it.
        model: its ledger entry.
        corpora: entries of what it read.
        parents: entries of the models that it started from.
        plan: what the plan says of itself: `model`, `purpose`, `recipients`.
        tree_head: signed note under which all these entries stand.
    """

    origin: str
    version: str
    folder_digest: str
    model: Entry
    corpora: Sequence[Entry]
    parents: Sequence[Entry]
    plan: Mapping[str, Any]
    tree_head: str
    external: Sequence[str] = field(default=())

    def statement(self) -> dict[str, Any]:
        """Write the in-toto statement, and have in-toto's own library check it.

        Raises:
            ProofError: it is no statement, or no provenance.
        """
        statement = {
            "_type": STATEMENT_TYPE_URI,
            "subject": [
                {
                    "name": self.model.body["model_id"],
                    "digest": {"sha256": self.folder_digest},
                }
            ],
            "predicateType": PREDICATE,
            "predicate": {
                "buildDefinition": self._definition(),
                "runDetails": self._run(),
            },
        }
        check_statement(statement)
        return statement

    def _definition(self) -> dict[str, Any]:
        body = self.model.body
        definition: dict[str, Any] = {
            "buildType": BUILD_TYPE,
            "externalParameters": {"plan": body["plan"], **self.plan},
            "resolvedDependencies": [
                *map(_corpus, self.corpora),
                *map(_parent, self.parents),
                *({"name": name, "annotations": UNKNOWN} for name in self.external),
            ],
        }
        if body.get("supersedes") is not None:
            definition["internalParameters"] = {"supersedes": body["supersedes"]}
        return definition

    def _run(self) -> dict[str, Any]:
        body, number = self.model.body, self.model.number
        byproducts = [
            {
                "name": f"ledger entry {number}",
                "uri": _entry_uri(self.model),
                "digest": {"sha256": sha256(self.model.raw)},
                "mediaType": "application/json",
                "content": _base64(self.model.raw),
                "annotations": {
                    "ledger_entry": number,
                    "weights": body["weights"],
                    "content_read": body["content_read"],
                },
            },
            {
                "name": "tree head",
                "digest": {"sha256": sha256(self.tree_head.encode())},
                "mediaType": "text/plain",
                "content": _base64(self.tree_head.encode()),
            },
        ]
        if "certificate" in body:
            certificate = {"sha256": body["certificate"]}
            byproducts.append({"name": "certificate.json", "digest": certificate})
        builder = f"https://{self.origin}"
        return {
            "builder": {"id": builder, "version": {"assent": self.version}},
            "metadata": {
                "invocationId": f"{builder}#entry-{number}",
                # When it began is not in the ledger, so it is not said.
                "finishedOn": iso(self.model.happened_at),
            },
            "byproducts": byproducts,
        }


UNKNOWN = {"external": True}
"""Of a parent outside this ledger: its bytes are not known here."""


def new_key(randomness: Any) -> bytes:
    """Draw an EC P-256 private key: PEM (PKCS 8), a secret.

    Args:
        randomness: gives n secret bytes.
    """
    number = 0
    while not 0 < number < ORDER:  # every key equally likely; once in 2**32 again
        number = int.from_bytes(randomness(32), "big")
    return ec.derive_private_key(number, CURVE).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(private_pem: bytes) -> bytes:
    """Write the public key that belongs to a private one: PEM.

    Raises:
        ProofError: it is no EC P-256 key.
    """
    return (
        _private(private_pem)
        .public_key()
        .public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def sign_folder(folder: Path, key_path: Path) -> SignedFolder:
    """Sign every file of a folder with OpenSSF model signing, key method.

    Args:
        folder: of a model; no link in it.
        key_path: of the private key, PEM.

    Raises:
        ProofError: a link is in it, or the key is no EC P-256 key.
    """
    _private(key_path.read_bytes())
    config = signing.Config().use_elliptic_key_signer(private_key=key_path)
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside) / "model.sig"
        try:
            config.sign(folder, path)
        except ValueError as error:
            raise ProofError(
                f"`{folder.name}` cannot be signed: a link is in it"
            ) from error
        signature = path.read_bytes()
    payload = base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"])
    statement = json.loads(payload)
    (subject,) = statement["subject"]
    files = {
        each["name"]: each["digest"] for each in statement["predicate"]["resources"]
    }
    return SignedFolder(signature, subject["digest"]["sha256"], files)


def seal(statement: Mapping[str, Any], private_pem: bytes) -> dict[str, Any]:
    """Put a statement into a signed DSSE envelope.

    Raises:
        ProofError: it is no EC P-256 key.
    """
    payload = canonical(dict(statement))
    kind = PAYLOAD_TYPE.encode()
    to_sign = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signature = _private(private_pem).sign(to_sign, ec.ECDSA(hashes.SHA256()))
    return {
        "payload": _base64(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": _key_id(private_pem), "sig": _base64(signature)}],
    }


def sigstore_bundle(envelope: Mapping[str, Any], private_pem: bytes) -> dict[str, Any]:
    """Wrap an envelope as Sigstore's programs read it: signed by a key, no log."""
    return {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": _key_id(private_pem)}},
        "dsseEnvelope": dict(envelope),
    }


def check_statement(statement: Mapping[str, Any]) -> None:
    """Have in-toto's own library read and validate a statement and its provenance.

    Raises:
        ProofError: it does not.
    """
    try:
        Statement(
            [_descriptor(each).pb for each in statement["subject"]],
            statement["predicateType"],
            statement["predicate"],
        ).validate()
        # Reads every field of the schema, and refuses one that it does not know.
        provenance = provenance_pb2.Provenance()
        json_format.ParseDict(statement["predicate"], provenance)
        for each in (
            *provenance.build_definition.resolved_dependencies,
            *provenance.run_details.byproducts,
        ):
            ResourceDescriptor.copy_from_pb(each).validate()
    except (ValueError, KeyError, TypeError, json_format.ParseError) as error:
        raise ProofError("the provenance is no in-toto statement") from error


def _descriptor(value: Mapping[str, Any]) -> ResourceDescriptor:
    found = resource_descriptor_pb2.ResourceDescriptor()
    json_format.ParseDict(dict(value), found)
    return ResourceDescriptor.copy_from_pb(found)


def _corpus(entry: Entry) -> dict[str, Any]:
    body = entry.body
    return {
        "name": body["corpus_id"],
        "uri": _entry_uri(entry),
        "digest": {"sha256": body["manifest"]},  # which names the digest of every part
        "mediaType": "application/ld+json",
        "annotations": {
            "ledger_entry": entry.number,
            "corpus_id": body["corpus_id"],
            "subject_root": body["subject_root"],
            "subjects": body["subjects"],
            "documents": body["documents"],
        },
    }


def _parent(entry: Entry) -> dict[str, Any]:
    body = entry.body
    return {
        "name": body["model_id"],
        "uri": _entry_uri(entry),
        "digest": {
            "sha256": sha256(entry.raw)
        },  # of the entry, which names the weights
        "mediaType": "application/json",
        "annotations": {"ledger_entry": entry.number, "weights": body["weights"]},
    }


def _entry_uri(entry: Entry) -> str:
    return f"urn:assent:entry:{leaf_hash(entry.raw).hex()}"


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE.name:
        raise ProofError(
            "`model-signing.key` is no EC P-256 private key in PEM",
            hint="restore the key file from a backup",
        )
    return key


def _key_id(private_pem: bytes) -> str:
    """Name the key as model signing does: the hash of its public PEM."""
    return sha256(public_pem(private_pem))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
