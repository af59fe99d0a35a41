"""Cosignatures: our own, the specification's, another program's, and tampered ones."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint

from assent.errors import ProofError
from assent.merkle.cosign import (
    Cosigned,
    cosign,
    cosigner_key,
    find_cosignature,
    open_cosignature,
)
from assent.merkle.note import (
    TreeHead,
    open_head,
    read_key,
    read_note,
    sign_head,
    sign_statement,
    verifier_key,
)

LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "union.example/w1"
KEY = cosigner_key(NAME, WITNESS.public_key())
HEAD = TreeHead("club.example/ledger", 700, bytes(range(32)))
NOTE = sign_head(HEAD, LOG)
TIME = 1679315147
COSIGNED = f"{NOTE}{cosign(NOTE, NAME, WITNESS, TIME)}\n"

# Source: C2SP signed-note, the example at its beginning and its verifier key.
QUASIMODO = """\
Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKO\
NrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
# Source: C2SP tlog-cosignature, the example at its beginning.
SOFA = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5\
/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlr\
DJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""


def test_what_a_witness_signs_is_read_back_and_the_log_still_opens() -> None:
    key = verifier_key(HEAD.origin, LOG.public_key())

    assert open_cosignature(COSIGNED, KEY) == Cosigned(NAME, TIME)
    assert open_head(COSIGNED, key) == HEAD
    assert find_cosignature(NOTE, KEY) is None
    with pytest.raises(ProofError, match="has not cosigned"):
        open_cosignature(NOTE, KEY)


def test_the_message_is_that_of_the_specification() -> None:
    text = read_note(SOFA, "the head")[0]
    line = cosign(SOFA, NAME, WITNESS, 1679315147).split(" ")[2]
    # The specification prints the message: two lines, then the text of the head.
    wanted = (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )

    payload = base64.b64decode(line)
    assert wanted.endswith(text)
    assert payload[4:12] == (1679315147).to_bytes(8, "big")
    WITNESS.public_key().verify(payload[12:], wanted.encode())


def test_the_example_of_the_specification_is_read_line_by_line() -> None:
    text, signatures = read_note(SOFA, "the head")

    assert [name for name, _ in signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    cosignature = signatures[1][1]
    assert len(cosignature) == 4 + 8 + 64
    assert int.from_bytes(cosignature[4:12], "big") == 1679315147
    assert len(text.split("\n")) == 4


def test_a_text_with_an_empty_line_in_it_is_split_at_the_last_one() -> None:
    text, [(name, signature)] = read_note(QUASIMODO, "the poem")

    assert text.endswith("\n\ned è subito sera.\n")
    assert (name, len(signature)) == ("quasimodo.example/salvatore", 4 + 64)


def test_another_program_opens_our_cosignature_and_gives_the_same_key() -> None:
    theirs = Vkey.from_string(KEY)
    head = Checkpoint.from_text(COSIGNED)

    head.verify(theirs)
    again = Vkey(NAME, None, 4, WITNESS.public_key().public_bytes_raw())
    assert again.serialize() == KEY
    with pytest.raises(RuntimeError, match="no signature matched"):
        Checkpoint.from_text(NOTE).verify(theirs)


def test_one_bit_changed_anywhere_is_refused_or_no_longer_the_witness() -> None:
    raw = COSIGNED.encode()
    for at in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[at] ^= 1 << bit
            try:
                found = find_cosignature(changed.decode(errors="replace"), KEY)
            except ProofError:
                continue
            # Not about this witness any more, or the line of the log was changed.
            in_the_logs_line = len(NOTE.split("\n\n")[0]) + 2 <= at < len(NOTE.encode())
            assert found is None or in_the_logs_line


def test_a_cosignature_twice_is_refused() -> None:
    line = cosign(NOTE, NAME, WITNESS, TIME + 1)
    with pytest.raises(ProofError, match="2 cosignatures"):
        open_cosignature(f"{COSIGNED}{line}\n", KEY)


def test_a_cosignature_of_another_head_or_under_another_name_does_not_count() -> None:
    line = cosign(NOTE, NAME, WITNESS, TIME)
    other = sign_head(TreeHead(HEAD.origin, 701, HEAD.root), LOG)
    with pytest.raises(ProofError, match="does not match"):
        open_cosignature(f"{other}{line}\n", KEY)
    renamed = line.replace(NAME, "press.example/w")
    assert find_cosignature(f"{NOTE}{renamed}\n", KEY) is None


def test_another_time_than_the_signed_one_is_refused() -> None:
    line = cosign(NOTE, NAME, WITNESS, TIME)
    payload = bytearray(base64.b64decode(line.split(" ")[2]))
    for at in range(4, 12):
        moved = bytearray(payload)
        moved[at] ^= 1
        text = base64.b64encode(moved).decode()
        with pytest.raises(ProofError, match="does not match"):
            open_cosignature(f"{NOTE}\u2014 {NAME} {text}\n", KEY)
    payload[4] |= 0x80
    text = base64.b64encode(payload).decode()
    with pytest.raises(ProofError, match="no such time"):
        open_cosignature(f"{NOTE}\u2014 {NAME} {text}\n", KEY)


@pytest.mark.parametrize("length", [0, 8, 71, 73])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    payload = read_key(KEY, b"\4").identity + bytes(length)
    text = base64.b64encode(payload).decode()
    with pytest.raises(ProofError, match="wrong length"):
        open_cosignature(f"{NOTE}\u2014 {NAME} {text}\n", KEY)


def test_a_logs_key_is_no_witnesss_key_and_the_other_way_round() -> None:
    log_key = verifier_key(NAME, WITNESS.public_key())
    with pytest.raises(ProofError, match="type 1, wanted 4"):
        open_cosignature(COSIGNED, log_key)
    with pytest.raises(ProofError, match="type 4, wanted 1"):
        open_head(COSIGNED, KEY)


def test_only_a_tree_head_is_cosigned_with_a_name_and_a_time_that_exist() -> None:
    with pytest.raises(ProofError, match="canonical number"):
        cosign(
            sign_statement("a paper of ours\nx\ny\n", "club.example", LOG),
            NAME,
            WITNESS,
            TIME,
        )
    with pytest.raises(ValueError, match="origin"):
        cosign(NOTE, "two words", WITNESS, TIME)
    for time in (-1, 2**63):
        with pytest.raises(ValueError, match="time"):
            cosign(NOTE, NAME, WITNESS, time)
