"""The bundle of an absence: how large it is, and how long it takes to verify.

A ledger of 1,000,000 enrolments, then a corpus of 1,000,000 other subjects, then a
model made of it, under a head that the log signed and one witness cosigned. Signatures,
entries and the shapes of both trees are real: the tags of the corpus are drawn, and so
is the subject. Of the trees only what a proof needs is hashed: a subtree that holds
nothing of this subject stands as one drawn hash, which no proof can tell from another.

    PYTHONPATH=src python benchmarks/ledger_bundle.py
"""

import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
from bisect import bisect_left
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.merkle.commitment import enrolment_commit, tag
from assent.merkle.cosign import cosign, cosigner_key
from assent.merkle.entry import write_enrolled, write_public
from assent.merkle.log import inclusion_path, leaf_hash, node_hash, root
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.prefix import EMPTY, PrefixProof, ProofKind, absent_root
from assent.prove.bundle import Enrolment, Share, SignedHead, build_bundle
from assent.terms import EventKind
from assent.verify import verify_bundle

SUBJECTS = 1_000_000
CASES = 101
SECONDS = 1_764_000_000
MICROSECONDS = SECONDS * 1_000_000
ORIGIN = "club.example/ledger"
WITNESS = "union.example/witness"
CORPUS, MODEL = "corpus-0123456789abcdef", "model-0123456789abcdef"
DRAWN_BITS = 64  # of a tag; two of a million share them once in 40 million corpora


@dataclass(frozen=True, slots=True)
class Case:
    """One subject's bundle, and the key to check it with."""

    bundle: bytes
    key: str


class World:
    """A corpus of so many subjects, and the ledger below it.

    Args:
        seed: what is drawn follows from it.
        subjects: in the ledger, and as many others in the corpus.
    """

    def __init__(self, seed: int = 1, subjects: int = SUBJECTS) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - no secret of anybody
        self._subjects = subjects
        self._tags = sorted(self._draw.getrandbits(DRAWN_BITS) for _ in range(subjects))
        self._log = Ed25519PrivateKey.from_private_bytes(self._draw.randbytes(32))
        self._witness = Ed25519PrivateKey.from_private_bytes(self._draw.randbytes(32))

    def case(self) -> Case:
        """Build the bundle of a drawn subject of whom nothing is in the corpus."""
        secret = self._draw.randbytes(32)
        proof = self._absence(tag(secret, CORPUS))
        enrolment = self._enrolment(secret)
        first = self._subjects
        public = {
            first: self._corpus(absent_root(proof, tag(secret, CORPUS))),
            first + 1: self._model(),
        }
        head = self._head({enrolment.index: enrolment.entry, **public})
        shares = {CORPUS: Share(proof)}
        bundle = build_bundle(secret, enrolment, MODEL, public.items(), shares, head)
        return Case(bundle, head.verifier_key)

    def _enrolment(self, secret: bytes) -> Enrolment:
        index = self._draw.randrange(self._subjects)
        body = {
            "kind": "enrolled",
            "subject_id": f"u{index}",
            "happened_at": MICROSECONDS,
            "purpose": "*",
            "recipient": "*",
            "category": "*",
            "notice": None,
            "valid_until": None,
            "actor": "operator",
            "detail": {"channel": "web"},
        }
        entry = write_enrolled(MICROSECONDS, enrolment_commit(secret, body))
        return Enrolment(index, entry, body)

    def _absence(self, key: bytes) -> PrefixProof:
        """Walk along a key among the tags of the corpus."""
        wanted = int.from_bytes(key) >> (256 - DRAWN_BITS)
        low, high, copath = 0, self._subjects, list[bytes]()
        while high - low > 1:
            rest = DRAWN_BITS - 1 - len(copath)
            middle = bisect_left(self._tags, (wanted >> rest | 1) << rest, low, high)
            left, right = (low, middle), (middle, high)
            (low, high), other = (right, left) if wanted >> rest & 1 else (left, right)
            there = other[1] > other[0]
            copath.append(self._draw.randbytes(32) if there else EMPTY)
        if low == high:
            return PrefixProof(ProofKind.NON_INCLUSION_PARENT, tuple(copath))
        shown = self._tags[low].to_bytes(DRAWN_BITS // 8)
        leaf = shown + self._draw.randbytes(32 - len(shown)), self._draw.randbytes(32)
        return PrefixProof(ProofKind.NON_INCLUSION_LEAF, tuple(copath), leaf)

    def _corpus(self, subject_root: bytes) -> bytes:
        body = {
            "corpus_id": CORPUS,
            "subject_root": subject_root.hex(),
            "consent_root": self._digest(),
            "subjects": self._subjects,
            "documents": self._subjects * 12,
            "categories": ["comment", "post"],
            "as_of": MICROSECONDS,
            "ledger_size": self._subjects,
            "manifest": self._digest(),
            "plan": self._digest(),
            "tag_scheme": "hmac-v1",
            "derived_from": None,
        }
        kind = EventKind.CORPUS_BUILT
        return write_public(kind, MICROSECONDS, MICROSECONDS, body)

    def _model(self) -> bytes:
        body = {
            "model_id": MODEL,
            "plan": self._digest(),
            "corpora": [CORPUS],
            "parents": [],
            "weights": self._digest(),
            "content_read": self._digest(),
        }
        kind = EventKind.MODEL_TRAINED
        return write_public(kind, MICROSECONDS, MICROSECONDS, body)

    def _digest(self) -> str:
        return self._draw.randbytes(32).hex()

    def _head(self, entries: dict[int, bytes]) -> SignedHead:
        """Sign and cosign the head of a ledger that holds these entries."""
        size = self._subjects + 2

        def get(level: int, position: int) -> bytes:
            inside = [index for index in entries if index >> level == position]
            if not inside:  # nothing of the bundle: any hash does
                return hashlib.sha256(f"{level} {position}".encode()).digest()
            if level == 0:
                return leaf_hash(entries[inside[0]])
            below = level - 1, 2 * position
            return node_hash(get(*below), get(below[0], below[1] + 1))

        head = TreeHead(ORIGIN, size, root(size, get))
        note = sign_head(head, self._log)
        return SignedHead(
            f"{note}{cosign(note, WITNESS, self._witness, SECONDS)}\n",
            verifier_key(ORIGIN, self._log.public_key()),
            lambda index: inclusion_path(index, size, get),
            (cosigner_key(WITNESS, self._witness.public_key()),),
        )


def measure(cases: int = CASES) -> dict[str, float]:
    """Give `bundle_kb` (1,000 bytes) and `verify_ms`, medians, and the extremes."""
    world = World()
    made = [world.case() for _ in range(cases)]
    sizes = [len(one.bundle) / 1000 for one in made]
    times = []
    for one in made:
        begun = time.perf_counter()
        verdict = verify_bundle(one.bundle, one.key).verdict
        times.append((time.perf_counter() - begun) * 1000)
        if verdict != "absent":
            raise SystemExit(f"the bundle shows `{verdict}`, wanted `absent`")
    return {
        "bundle_kb": round(statistics.median(sizes), 3),
        "bundle_mean_kb": round(statistics.mean(sizes), 3),
        "bundle_most_kb": round(max(sizes), 3),
        "verify_ms": round(statistics.median(times), 3),
        "verify_best_ms": round(min(times), 3),
    }


def import_verify(scale: float = 1.0) -> dict[str, float]:
    """Import the verifier in a new process: milliseconds, the median of 11."""
    script = (
        "import time; began = time.perf_counter(); import assent.verify; "
        "print(time.perf_counter() - began)"
    )
    command = [sys.executable, "-c", script]
    taken = [float(subprocess.check_output(command)) for _ in range(11)]
    return {"import_verify_ms": 1_000 * statistics.median(taken)}


def bundles(scale: float = 1.0) -> dict[str, float]:
    """Measure as one part of `make bench-ledger`; the corpus keeps its size."""
    return measure(max(1, int(CASES * scale)))


def main() -> None:
    """Measure, and print one line of JSON last."""
    print(f"{CASES} subjects of {SUBJECTS:,}: absent in one corpus, one witness")
    print(json.dumps(measure()))


if __name__ == "__main__":
    main()
