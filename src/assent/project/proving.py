"""Build a subject's proof bundle from the ledger, the vault and the corpora."""

from pathlib import Path

from assent.errors import ProofError
from assent.files import SECRET_MODE, write_whole
from assent.merkle.note import open_head
from assent.project.commitments import (
    check_logged,
    consent_in,
    documents_in,
    prove_in,
)
from assent.project.cosigning import cosigned_head
from assent.project.place import Place
from assent.prove.bundle import (
    Consent,
    Enrolment,
    Share,
    SignedHead,
    build_bundle,
    corpora_needed,
)
from assent.verify import verify_bundle


def prove(
    place: Place,
    subject_id: str,
    path: Path,
    model_id: str | None = None,
    consent: bool = False,
) -> str:
    """Write one subject's bundle about a model, and give its verdict.

    The file holds her secret, so it is written with mode 0600.

    Args:
        place: the project.
        subject_id: who.
        path: of the file.
        model_id: the served model by default.
        consent: also show what was known of her when each corpus was built.

    Raises:
        LedgerError: the subject was never enrolled, or her secret was shredded.
        ProofError: a corpus of the model can no longer be shown, or the quorum of
            witnesses does not hold.
    """
    secret = place.vault.secret(subject_id)
    enrolment = place.book.enrolment(subject_id)
    if enrolment is None:
        raise ProofError(f"subject `{subject_id}` has no enrolment in the ledger")
    model_id = model_id or place.served_model()["model_id"]
    note, witnesses = cosigned_head(place)
    size = open_head(note, place.book.verifier_key).size
    entries = [(one.number, one.entry) for one in place.book.public_events(size)]
    shares = {
        corpus_id: _share(place, corpus_id, subject_id, consent)
        for corpus_id in corpora_needed(model_id, entries)
        if (place.corpus_folder(corpus_id) / "commitment.parquet").exists()
    }
    head = SignedHead(
        note,
        place.book.verifier_key,
        lambda number: place.book.path(number, size),
        witnesses,
    )
    number, entry, body = enrolment
    bundle = build_bundle(
        secret, Enrolment(number, entry, body), model_id, entries, shares, head
    )
    write_whole(path, bundle, SECRET_MODE)
    return str(verify_bundle(bundle, place.book.verifier_key).verdict)


def _share(place: Place, corpus_id: str, subject_id: str, consent: bool) -> Share:
    check_logged(place, corpus_id)
    documents = documents_in(place, corpus_id, subject_id)
    proof = prove_in(place, corpus_id, subject_id)
    known = _known(place, corpus_id, subject_id) if consent else None
    return Share(proof, documents, known)


def _known(place: Place, corpus_id: str, subject_id: str) -> Consent | None:
    """Show what was known of her; None for who was enrolled while it was built.

    Of such a person the build knew nothing, and so could use nothing: the bundle shows
    that it did not.
    """
    state, proof = consent_in(place, corpus_id, subject_id)
    return None if state is None else Consent(state, proof)
