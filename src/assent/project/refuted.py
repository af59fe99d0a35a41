"""Models that their oracles refuted, and folders that go."""

import json
import os
import shutil
from pathlib import Path

from assent.errors import ForgetError
from assent.files import write_whole
from assent.forget.certificate import Certificate

CERTIFICATE = "certificate.json"
DRAFT = ".repairing-"


def read_certificate(path: Path) -> Certificate:
    """Read a certificate that lies beside a model."""
    return Certificate.from_json(json.loads(path.read_bytes()))


def evidence(model_id: str) -> str:
    """Name the file that keeps what refuted a model."""
    return f"refuted-{model_id}-{CERTIFICATE}"


def drop_refuted(folder: Path) -> None:
    """Take away what its oracle refuted, so that no later run goes on with it.

    Its certificate stays beside it, as evidence.
    """
    refuted = folder.with_name(f"{DRAFT}{folder.name}.refuted")
    for found in (folder.with_name(f"{DRAFT}{folder.name}"), folder):
        certificate = found / CERTIFICATE
        if (
            certificate.exists()
            and read_certificate(certificate).bit_identical is False
        ):
            remove(refuted)
            os.rename(found, refuted)
            # Crash here: nothing goes on with it; the next run keeps the evidence.
    if (refuted / CERTIFICATE).exists():
        write_whole(
            folder.with_name(evidence(folder.name)),
            (refuted / CERTIFICATE).read_bytes(),
        )
        # Crash here: the evidence is whole; the next run removes the rest.
    remove(refuted)


def remove(folder: Path) -> None:
    """Remove a folder, or what an earlier run left of it.

    Raises:
        ForgetError: a file in it cannot be removed, so it is still there.
    """
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ForgetError(
            f"`{folder.name}` cannot be removed: "
            f"{(error.strerror or 'no reason').lower()}",
            hint="make the folder writable, then run `assent forget` again",
        ) from error
