"""Signed tree heads: a real log's, our own, and tampered ones."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.errors import ProofError
from assent.merkle.note import (
    TreeHead,
    open_head,
    open_statement,
    private_bytes,
    read_private_key,
    sign_head,
    signature_count,
    verifier_key,
)

TESSERA = (
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
HEAD = TreeHead("club.example/ledger", 700, bytes(range(32)))
KEY = verifier_key(HEAD.origin, PRIVATE.public_key())
NOTE = sign_head(HEAD, PRIVATE)


@pytest.mark.shared
def test_the_sixteen_heads_of_a_real_log_open_with_its_key(shared: Path) -> None:
    folder = shared / "vectors/tlog-tiles/testdata/log"
    for size in range(16):
        head = open_head((folder / f"checkpoint.{size}").read_text(), TESSERA)
        assert (head.origin, head.size) == ("example.com/log/testdata", size)


def test_a_note_that_another_program_signed_opens_with_its_key() -> None:
    # Source: the example of yaglo/signed_note (Elixir), as Go's `sumdb/note` reads it.
    note = (
        "This is an example message.\n\n\u2014 example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    assert open_statement(note, key, "the note") == "This is an example message.\n"


def test_what_is_signed_is_read_back() -> None:
    assert open_head(NOTE, KEY) == HEAD
    assert open_head(sign_head(TreeHead("x", 0, bytes(32)), STRANGER), key_of("x"))


def key_of(origin: str) -> str:
    return verifier_key(origin, STRANGER.public_key())


def test_a_private_key_is_read_back_from_its_32_bytes() -> None:
    again = read_private_key(private_bytes(PRIVATE))
    assert sign_head(HEAD, again) == NOTE
    with pytest.raises(ValueError, match="32 bytes"):
        read_private_key(bytes(31))


def test_one_bit_changed_anywhere_in_a_head_is_refused() -> None:
    raw = NOTE.encode()
    for at in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[at] ^= 1 << bit
            text = changed.decode(errors="replace")
            with pytest.raises(ProofError):
                open_head(text, KEY)


def test_one_character_changed_anywhere_in_the_key_is_refused() -> None:
    for at in range(len(KEY)):
        for other in "A0+/=\n ":
            if KEY[at] != other:
                with pytest.raises(ProofError):
                    open_head(NOTE, KEY[:at] + other + KEY[at + 1 :])


def test_a_line_of_a_witness_is_passed_over_and_counted() -> None:
    line = sign_head(HEAD, STRANGER).split("\n")[4].replace("club", "witness")
    both = f"{NOTE}{line}\n"
    assert open_head(both, KEY) == HEAD
    assert signature_count(both) == 2


def test_a_head_signed_by_a_stranger_only_is_refused() -> None:
    with pytest.raises(ProofError, match="0 signatures"):
        open_head(sign_head(HEAD, STRANGER), KEY)


def test_our_signature_twice_is_refused() -> None:
    line = NOTE.split("\n")[4]
    with pytest.raises(ProofError, match="2 signatures"):
        open_head(f"{NOTE}{line}\n", KEY)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD.origin}\n0700\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{HEAD.origin}\n-7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{HEAD.origin}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n",
        f"{HEAD.origin}\n7\nAAEC\n",
        f"{HEAD.origin}\n7\n",
        f"{HEAD.origin}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nmore\n",
        "club.example/other\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_a_text_that_is_well_signed_but_no_tree_head_is_refused(text: str) -> None:
    payload = PRIVATE.sign(text.encode())
    identity = bytes.fromhex(KEY.split("+")[1])
    from base64 import b64encode

    line = b64encode(identity + payload).decode()
    with pytest.raises(ProofError):
        open_head(f"{text}\n\u2014 {HEAD.origin} {line}\n", KEY)


@pytest.mark.parametrize(
    "note", ["", "\n\n", "a\n\n", "a\n\nb\n", "a" * 200_000, NOTE[:-1]]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(ProofError):
        open_head(note, KEY)


@pytest.mark.parametrize(
    "origin", ["", "two words", "a+b", "a\nb", "tab\there", "\x1b[2J"]
)
def test_an_origin_that_cannot_name_a_key_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        sign_head(TreeHead(origin, 1, bytes(32)), PRIVATE)
    with pytest.raises(ValueError, match="origin"):
        verifier_key(origin, PRIVATE.public_key())


def test_a_head_that_makes_no_sense_is_not_signed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sign_head(TreeHead("x", -1, bytes(32)), PRIVATE)
    with pytest.raises(ValueError, match="32 bytes"):
        sign_head(TreeHead("x", 1, bytes(31)), PRIVATE)
