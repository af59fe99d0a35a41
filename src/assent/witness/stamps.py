"""Time stamps of RFC 3161: an authority says that a head existed at an instant.

What is stamped is the SHA-256 of the head as the ledger signed it, without the lines of
witnesses: they may come later. A stamp bounds the time from above, as a cosignature
does, by somebody who knows nothing of ledgers and whose word courts are used to.

Source: RFC 3161; the library is `rfc3161-client`, of the extra `sign`.
"""

import hashlib
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from cryptography import x509

from assent.errors import ProofError, UsageError
from assent.witness.call import CallError, post

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

QUERY = "application/timestamp-query"
GRANTED = 0  # `grantedWithMods` changes what was asked for: not taken
SHA256 = "2.16.840.1.101.3.4.2.1"
MAX_STAMP = 65_536  # bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an authority signed: when, by which of its policies, under which number.

    at: microseconds UTC.
    authority: the subject of its certificate, as RFC 4514 writes it.
    """

    at: int
    authority: str
    policy: str
    serial: int


def new_request(note: str) -> tuple[bytes, int]:
    """Write a request (DER) for a signed head.

    Returns:
        The request, and the nonce in it: who asks directly checks that the answer is
        to this request. A stamp that comes later by another way needs none: no stamp
        of this head can be older than the head.
    """
    client = _client()
    builder = client.TimestampRequestBuilder(note.encode())
    built = builder.hash_algorithm(client.HashAlgorithm.SHA256).build()
    return built.as_bytes(), built.nonce


def ask_authority(url: str, request: bytes, seconds: float = 20.0) -> bytes:
    """Send a request to an authority and give what it answers, unchecked.

    Raises:
        UsageError: it does not answer, or not with a stamp.
    """
    try:
        status, answer = post(url, "", request, QUERY, seconds)
    except CallError as error:
        raise UsageError(
            f"the time stamp authority {error}",
            hint="try again, or write the request to a file with `--request`",
        ) from None
    if status != 200:
        raise UsageError(
            f"the time stamp authority answers {status}",
            hint="check its URL, or write the request to a file with `--request`",
        )
    return answer


def imprint(response: bytes) -> bytes:
    """Read which digest a response is about; nothing is verified.

    Raises:
        ProofError: it is no response that grants a stamp, or of another digest than
            SHA-256.
    """
    info = _granted(response).tst_info
    if info.message_imprint.hash_algorithm.dotted_string != SHA256:
        raise ProofError("the time stamp is of another digest than SHA-256")
    return bytes(info.message_imprint.message)


def verify_stamp(
    note: str, response: bytes, roots: bytes, nonce: int | None = None
) -> Stamp:
    """Check that an authority that we trust stamped a signed head.

    Its certificates need to have been valid then, not now.

    Args:
        note: the head as the ledger signed it.
        response: what the authority answered (DER).
        roots: certificates that we trust, PEM.
        nonce: of the request, where the answer must be to this one.

    Raises:
        ProofError: it is no stamp of this head by such an authority.
        UsageError: the certificates cannot be read.
    """
    digest = hashlib.sha256(note.encode()).digest()
    if imprint(response) != digest:
        raise ProofError(
            "the time stamp is of something else than this head",
            hint="ask for a new one: `assent ledger stamp --request FILE`",
        )
    found = _granted(response)
    client = _client()
    verifier = client.VerifierBuilder(roots=read_roots(roots), nonce=nonce).build()
    try:
        verifier.verify(found, digest)
    except (client.VerificationError, ValueError):
        raise ProofError(
            "the time stamp is not by an authority of the certificates given",
            hint="give the root certificate of this authority with `--root`",
        ) from None
    info = found.tst_info
    at = int(info.gen_time.timestamp()) * 1_000_000 + info.gen_time.microsecond
    return Stamp(at, _authority(found), info.policy.dotted_string, info.serial_number)


def read_roots(pem: bytes) -> list[x509.Certificate]:
    """Read certificates in PEM, at least one.

    Raises:
        UsageError: there is none.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UsageError(
            "`--root` is no file of certificates in PEM",
            hint="give the root certificate of the time stamp authority",
        ) from error


def _granted(response: bytes) -> "TimeStampResponse":
    """Decode a response, only if it grants a stamp.

    Raises:
        ProofError: it is none, or the authority refused.
    """
    if len(response) > MAX_STAMP:
        raise ProofError(f"the time stamp has {len(response)} bytes, far too many")
    try:
        found: TimeStampResponse = _client().decode_timestamp_response(response)
        status = found.status
    except ValueError:
        raise ProofError("the answer is no time stamp that can be read") from None
    if status != GRANTED:
        raise ProofError(
            f"the authority gave no time stamp: it answers status {status}"
        )
    return found


def _authority(found: "TimeStampResponse") -> str:
    """Name the certificate that signed, of those in a stamp that was verified."""
    [signer] = found.signed_data.signer_infos
    for raw in found.signed_data.certificates:
        each = x509.load_der_x509_certificate(raw)
        if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number):
            return each.subject.rfc4514_string()
    return "an authority whose certificate is not in the stamp"


def _client() -> ModuleType:
    """Load the library only where a stamp is asked for.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import rfc3161_client
    except ImportError as error:
        raise UsageError(
            "time stamps need a library that is not installed",
            hint="pip install 'assent[run,sign]'",
        ) from error
    return rfc3161_client
