"""The COSE receipt, checked by `scitt-cose`, which somebody else wrote."""

import io
import json

import cbor2
import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from scitt_cose import cli as scitt_cli
from scitt_cose import extract_receipts, parse_signed_statement, verify_receipt

from assent.errors import ProofError
from assent.merkle.log import inclusion_path, root
from assent.merkle.note import TreeHead, read_key
from assent.prove.cose import public_pem, transparent_statement
from small_ledger import KEY, ORIGIN, PRIVATE, Ledger
from small_project import opened

pytest_plugins = ("toy_projects", "command_line")

SIZES = (2, 3, 7, 8, 100)
PEM = public_pem(PRIVATE)


def logged(size):
    ledger = Ledger()
    for number in range(size):
        ledger.public("policy_published", {"n": number})
    return ledger, TreeHead(ORIGIN, size, root(size, ledger.get))


def statement_of(ledger, head, index):
    path = inclusion_path(index, head.size, ledger.get)
    key_id = read_key(KEY).identity
    entry = ledger.entries[index]
    return transparent_statement(entry, index, path, head, PRIVATE, key_id)


def checked(receipt, leaf, pem=PEM):
    return verify_receipt(receipt, leaf_entry_hex=leaf.hex(), log_public_key_pem=pem)


@pytest.mark.parametrize("size", SIZES)
def test_another_program_accepts_statement_and_receipt_of_every_entry(size):
    ledger, head = logged(size)
    for index, entry in enumerate(ledger.entries):
        statement = statement_of(ledger, head, index)
        said = parse_signed_statement(statement, public_key_pem=PEM)
        assert said["signature_verified"] is True
        assert (said["payload"], said["issuer"]) == (entry, ORIGIN)
        assert said["content_type"] == "application/json"
        (receipt,) = extract_receipts(statement)
        found = checked(receipt, said["payload"])
        assert found.ok, found.errors
        assert (found.tree_size, found.leaf_index) == (size, index)
        assert found.root == head.root.hex()
        assert (found.issuer, found.subject) == (ORIGIN, said["subject"])


def test_it_refuses_another_entry_key_or_one_changed_bit():
    ledger, head = logged(7)
    statement = statement_of(ledger, head, 3)
    (receipt,) = extract_receipts(statement)

    assert not checked(receipt, ledger.entries[4]).ok
    assert not checked(receipt, statement).ok  # the leaf is the payload, not all of it
    other = public_pem(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert not checked(receipt, ledger.entries[3], other).ok
    for at in range(len(receipt)):
        bad = bytearray(receipt)
        bad[at] ^= 1
        found = checked(bytes(bad), ledger.entries[3])
        # RFC 9942 signs the root alone: a size with the same path is not told apart.
        size_only = found.ok and found.tree_size != head.size
        assert not found.ok or (size_only and found.root == head.root.hex()), at
        assert not found.ok or found.leaf_index == 3
    # Behind the receipt, which is not signed by the statement: payload, signature.
    for at in range(len(statement) - len(ledger.entries[3]) - 66, len(statement)):
        bad = bytearray(statement)
        bad[at] ^= 1
        said = parse_signed_statement(bytes(bad), public_key_pem=PEM)
        assert said["signature_verified"] is not True


def test_a_head_that_does_not_hold_the_entry_gives_no_statement():
    ledger, head = logged(7)
    with pytest.raises(ProofError):
        statement_of(ledger, TreeHead(ORIGIN, 7, bytes(32)), 3)


def test_the_bytes_are_those_of_the_specification():
    ledger, head = logged(7)
    statement = statement_of(ledger, head, 3)
    assert cbor2.dumps(cbor2.loads(statement), canonical=True) == statement
    (receipt,) = extract_receipts(statement)
    outer = cbor2.load(io.BytesIO(receipt))
    protected, unprotected, payload, signature = outer.value
    header = cbor2.loads(protected)

    assert (outer.tag, payload, len(signature)) == (18, None, 64)
    assert set(header) == {1, 4, 15, 395}
    assert (header[1], header[395]) == (-8, 1)
    assert header[4] == read_key(KEY).identity
    (proof,) = unprotected[396][-1]
    size, index, path = cbor2.loads(proof)
    assert (size, index) == (7, 3)
    assert list(path) == inclusion_path(3, 7, ledger.get)
    assert scitt_cose.RFC_COSE_RECEIPTS == "RFC 9942"


def test_the_command_writes_what_the_command_of_another_program_accepts(
    fresh, tmp_path, assent, monkeypatch, capsys
):
    out, cose = tmp_path / "u01.receipt.json", tmp_path / "u01.cose"
    said = assent("--project", fresh, "receipt", "u01", "--out", out, "--cose", cose)
    assert said.code == 0, said.err
    assert "for SCITT: `u01.cose`" in said.out
    statement = cose.read_bytes()
    (receipt,) = extract_receipts(statement)
    (tmp_path / "receipt.cbor").write_bytes(receipt)
    entry = cbor2.loads(statement).value[2]
    index = json.loads(out.read_bytes())["assent:proof"]["index"]
    with opened(fresh, 1) as project:
        assert project.place.book.entry(index) == entry

    def scitt(leaf):
        pem = str(tmp_path / "u01.cose.pem")
        return scitt_cli.main(
            ["--statement", str(cose), "--statement-pubkey", pem]
            + ["--receipt", str(tmp_path / "receipt.cbor")]
            + ["--receipt-log-pubkey", pem, "--leaf-entry-hex", leaf.hex()]
        )

    assert scitt(entry) == 0
    assert scitt(entry + b" ") != 0


def test_a_cose_receipt_is_of_one_event(fresh, refuses):
    refuses(
        *(fresh, "receipt", "u01", "--all", "--out", "x", "--cose", "y"),
        found="a COSE receipt is of one event",
        hint="name its entry",
    )
