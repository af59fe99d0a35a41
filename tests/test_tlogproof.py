"""Proof files: ours and another program's are one; tampered ones are refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, InclusionProof
from tlog_scales.utils import b64dec

from assent.errors import ProofError
from assent.merkle.cosign import Cosigned, cosign, cosigner_key
from assent.merkle.quorum import parse_policy
from assent.merkle.tiles import entries_path, tile_path
from assent.merkle.tlogproof import read_proof, verify_proof, write_proof
from small_witness import ORIGIN, SmallLog

WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "union.example/w1"
WITNESS_KEY = cosigner_key(NAME, WITNESS.public_key())
LOG = SmallLog(431)
NOTE = f"{LOG.note()}{cosign(LOG.note(), NAME, WITNESS, 1_700_000_000)}\n"
POLICY = parse_policy(f"log {LOG.key}\nwitness w {WITNESS_KEY}\nquorum w\n")
TEXT = write_proof(300, LOG.inclusion(300), NOTE)
ENTRY = b"entry 300"


def test_a_proof_shows_where_an_entry_stands_and_who_saw_it() -> None:
    shown = verify_proof(TEXT, ENTRY, POLICY)

    assert (shown.index, shown.head.origin, shown.head.size) == (300, ORIGIN, 431)
    assert shown.cosigned == (Cosigned(NAME, 1_700_000_000),)


def test_every_entry_of_logs_of_every_small_size_can_be_shown() -> None:
    policy = parse_policy(f"log {LOG.key}\nquorum none\n")
    for size in (*range(1, 18), 256, 257):
        for number in range(0, size, 1 + size // 20):
            text = write_proof(number, LOG.inclusion(number, size), LOG.note(size))
            assert verify_proof(text, f"entry {number}".encode(), policy)
            with pytest.raises(ProofError):
                verify_proof(text, b"another entry", policy)


def publish(folder: Path, log: SmallLog, note: str) -> None:
    """Write a log as static files: checkpoint, tiles, entries."""
    files = {"checkpoint": note.encode()}
    entries = [f"entry {number}".encode() for number in range(log.size)]
    level, hashes = 0, [log.get(0, at) for at in range(log.size)]
    while hashes:
        for at in range(0, len(hashes), 256):
            tile = hashes[at : at + 256]
            files[tile_path(level, at // 256, len(tile))] = b"".join(tile)
        level, full = level + 1, len(hashes) // 256
        hashes = [log.get(8 * level, at) for at in range(full)]
    for at in range(0, len(entries), 256):
        part = entries[at : at + 256]
        files[entries_path(at // 256, len(part))] = b"".join(
            len(entry).to_bytes(2, "big") + entry for entry in part
        )
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("number", [0, 255, 256, 300, 430])
def test_another_programs_proof_of_the_same_log_has_the_same_bytes(
    tmp_path: Path, number: int
) -> None:
    publish(tmp_path, LOG, NOTE)

    theirs = subprocess.run(
        [sys.executable, "-m", "tlog_scales.cli", "gen-proof", tmp_path, str(number)],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()

    assert theirs == write_proof(number, LOG.inclusion(number), NOTE)
    assert verify_proof(theirs, f"entry {number}".encode(), POLICY).index == number


def test_another_program_reads_our_log_and_checks_our_proof(tmp_path: Path) -> None:
    publish(tmp_path, LOG, NOTE)
    reader = TilesReader(LocalBackend(tmp_path))
    head = reader.get_checkpoint()
    assert reader.calculate_root_hash() == head.root_hash == LOG.root()
    assert reader.get_entry(300) == ENTRY

    # Its classes check the lines of our file.
    lines, _, note = TEXT.partition("\n\n")
    path = [b64dec(line) for line in lines.split("\n")[2:]]
    checkpoint = Checkpoint.from_text(note)
    for key in (LOG.key, WITNESS_KEY):
        checkpoint.verify(Vkey.from_string(key))
    proof = InclusionProof(300, checkpoint.size, path)
    proof.check(leaf_hash(ENTRY), checkpoint.root_hash)


def test_the_extra_line_is_read_and_trusted_for_nothing() -> None:
    text = TEXT.replace("\nindex", "\nextra aGVsbG8=\nindex", 1)
    assert read_proof(text).unverified_extra == b"hello"
    assert verify_proof(text, ENTRY, POLICY) == verify_proof(TEXT, ENTRY, POLICY)


def test_any_character_changed_in_a_proof_is_refused() -> None:
    for at in range(len(TEXT)):
        for other in "A0\n ":
            changed = TEXT[:at] + other + TEXT[at + 1 :]
            if changed != TEXT:
                with pytest.raises(ProofError):
                    verify_proof(changed, ENTRY, POLICY)


def test_any_line_dropped_doubled_or_swapped_in_a_proof_is_refused() -> None:
    lines = TEXT.split("\n")[:-1]
    for at in range(len(lines)):
        swapped = [*lines]
        swapped[at - 1], swapped[at] = swapped[at], swapped[at - 1]
        for changed in (
            lines[:at] + lines[at + 1 :],
            [*lines[: at + 1], *lines[at:]],
            swapped,
        ):
            if is_only_another_order_of_signatures(changed, lines):
                continue
            with pytest.raises(ProofError):
                verify_proof("\n".join(changed) + "\n", ENTRY, POLICY)


def is_only_another_order_of_signatures(changed: list[str], lines: list[str]) -> bool:
    return sorted(changed) == sorted(lines) and changed[:-2] == lines[:-2]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no log proof"),
        (TEXT.replace("@v1", "@v2"), "no log proof"),
        ("x" * 600_000, "far too many"),
        (TEXT.replace("index 300", "index 0300"), "index NUMBER"),
        (TEXT.replace("index 300", "index -1"), "index NUMBER"),
        (TEXT.replace("index 300", "extra \nindex 300"), "extra line .* is empty"),
        (TEXT.replace("index 300", "extra !\nindex 300"), "not base64"),
        (TEXT.replace("index 300", "index 300\nAAAA"), "3 bytes, wanted 32"),
        (TEXT.replace("index 300", "index 300\n" + ("A" * 43 + "=\n") * 64), "hashes"),
        (TEXT.replace("index 300", "index 431"), "outside a ledger of 431"),
    ],
)
def test_what_is_no_proof_says_why(text: str, fault: str) -> None:
    with pytest.raises(ProofError, match=fault):
        verify_proof(text, ENTRY, POLICY)


def test_a_proof_that_could_not_be_read_back_is_not_written() -> None:
    for index, path, note in (
        (-1, [], NOTE),
        (0, [b"short"], NOTE),
        (0, [], "no note"),
        (0, [bytes(32)] * 64, NOTE),
    ):
        with pytest.raises(ProofError):
            write_proof(index, path, note)
