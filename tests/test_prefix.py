"""The prefix tree: against the draft author's own program, and the definition."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import ProofError
from assent.merkle.prefix import (
    EMPTY,
    Leaf,
    PrefixProof,
    PrefixTree,
    ProofKind,
    prefix_root,
    prove,
    verify_absent,
    verify_present,
)

# Keys of few differing bits meet deep in the tree; random ones part near the root.
KEYS = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 15).map(lambda number: number.to_bytes(32)),
    st.integers(0, 15).map(lambda number: bytes([number << 4]) + bytes(31)),
)
SETS = st.dictionaries(KEYS, st.binary(min_size=32, max_size=32), max_size=12)


def slow_value(leaves: list[Leaf], depth: int = 0) -> bytes:
    """The definition, with a copy of the leaves at each step."""
    if len(leaves) < 2:
        joined = b"".join(b"\2" + key + commitment for key, commitment in leaves)
        return hashlib.sha256(joined).digest() if leaves else bytes(32)
    sides: tuple[list[Leaf], list[Leaf]] = ([], [])
    for key, commitment in leaves:
        sides[int(f"{int.from_bytes(key):0256b}"[depth])].append((key, commitment))
    left, right = (slow_value(side, depth + 1) for side in sides)
    return hashlib.sha256(b"\3" + left + right).digest()


def left_to_right(proof: PrefixProof, key: bytes) -> list[str]:
    """The draft lists siblings as they stand in the tree; we, root first."""
    bits = f"{int.from_bytes(key):0256b}"[: proof.depth]
    sides: dict[str, list[str]] = {"0": [], "1": []}
    for bit, sibling in zip(bits, proof.copath, strict=True):
        sides[bit].append(sibling.hex())
    return sides["1"] + sides["0"][::-1]


@pytest.mark.shared
def test_roots_and_proofs_equal_those_of_the_drafts_author(shared: Path) -> None:
    trees = json.loads((shared / "vectors/keytrans_prefix_in.json").read_text())
    wanted = json.loads((shared / "vectors/keytrans_prefix_expected.json").read_text())
    proofs = 0
    for tree, expected in zip(trees, wanted, strict=True):
        keys = map(bytes.fromhex, tree["Keys"])
        leaves = dict(zip(keys, map(bytes.fromhex, tree["Commits"]), strict=True))
        built = PrefixTree(leaves.items())
        root = built.root()
        assert root.hex() == tree["Root"]
        for query, want in zip(tree["Queries"], expected, strict=True):
            key = bytes.fromhex(query)
            proof = built.prove(key)
            found = (proof.depth, proof.kind is ProofKind.INCLUSION)
            assert found == (want["Depth"], want["Incl"])
            assert left_to_right(proof, key) == (want["Elements"] or [])
            if want["Incl"]:
                verify_present(proof, key, leaves[key], root)
            else:
                verify_absent(proof, key, root)
            proofs += 1
    assert (len(trees), proofs) == (10, 227)


@given(SETS, KEYS)
def test_each_key_is_proved_present_or_absent_and_never_both(
    held: dict[bytes, bytes], key: bytes
) -> None:
    root = prefix_root(held.items())
    assert root == slow_value(list(held.items()))

    for asked in (key, *held):
        proof = prove(held.items(), asked)
        if asked in held:
            verify_present(proof, asked, held[asked], root)
            with pytest.raises(ProofError):
                verify_absent(proof, asked, root)
        else:
            verify_absent(proof, asked, root)
            with pytest.raises(ProofError):
                verify_present(proof, asked, bytes(32), root)


@given(SETS.filter(bool), st.data())
def test_a_proof_of_one_key_proves_no_other(
    held: dict[bytes, bytes], data: st.DataObject
) -> None:
    root = prefix_root(held.items())
    asked = data.draw(st.sampled_from(sorted(held)))
    other = data.draw(KEYS.filter(lambda key: key not in held))
    forged = [prove(held.items(), key) for key in (asked, other)]
    for proof in forged:
        with pytest.raises(ProofError):
            verify_absent(proof, asked, root)
        with pytest.raises(ProofError):
            verify_present(proof, other, held[asked], root)
    with pytest.raises(ProofError, match="leads to root"):
        verify_present(forged[0], asked, bytes(31) + b"\1", root)


@given(SETS, KEYS, st.data())
def test_one_bit_changed_in_a_proof_is_refused(
    held: dict[bytes, bytes], key: bytes, data: st.DataObject
) -> None:
    proof, root = prove(held.items(), key), prefix_root(held.items())
    parts = [*proof.copath, *(proof.leaf or ())]
    if key in held or not parts:
        return
    at, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[at] = (int.from_bytes(parts[at]) ^ 1 << bit).to_bytes(32)
    copath, shown = parts[: proof.depth], parts[proof.depth :]
    leaf = (shown[0], shown[1]) if shown else None

    with pytest.raises(ProofError):
        verify_absent(PrefixProof(proof.kind, tuple(copath), leaf), key, root)


def test_the_empty_set_holds_nobody() -> None:
    proof = prove([], bytes(32))
    assert prefix_root([]) == EMPTY
    assert proof == PrefixProof(ProofKind.NON_INCLUSION_PARENT, ())
    verify_absent(proof, bytes(32), EMPTY)


def test_a_lone_key_sits_at_the_top_and_is_shown_for_absence() -> None:
    one, two = bytes(32), bytes([255] * 32)
    root = prefix_root([(one, two)])
    proof = prove([(one, two)], two)
    assert proof == PrefixProof(ProofKind.NON_INCLUSION_LEAF, (), (one, two))
    verify_absent(proof, two, root)


def test_keys_that_part_at_the_last_bit_are_told_apart() -> None:
    one, two, three = (number.to_bytes(32) for number in (0, 1, 2))
    held = [(one, one), (two, one)]
    proof = prove(held, two)
    assert proof.depth == 256
    verify_present(proof, two, one, prefix_root(held))
    verify_absent(prove(held, three), three, prefix_root(held))


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        prefix_root([(bytes(32), bytes(32)), (bytes(32), bytes(31) + b"\1")])


def test_lengths_other_than_32_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        prefix_root([(bytes(31), bytes(32))])
    with pytest.raises(ValueError, match="32 bytes"):
        prove([], bytes(33))
    short = PrefixProof(ProofKind.NON_INCLUSION_PARENT, (bytes(31),))
    with pytest.raises(ProofError, match="32 bytes"):
        verify_absent(short, bytes(32), bytes(32))
    with pytest.raises(ProofError, match="32"):
        verify_present(PrefixProof(ProofKind.INCLUSION, ()), bytes(32), b"", EMPTY)


def test_a_proof_of_a_wrong_shape_is_refused() -> None:
    key, leaf = bytes(32), (bytes([255] * 32), bytes(32))
    for proof in (
        PrefixProof(ProofKind.NON_INCLUSION_LEAF, ()),
        PrefixProof(ProofKind.NON_INCLUSION_PARENT, (), leaf),
        PrefixProof(ProofKind.NON_INCLUSION_PARENT, (EMPTY,) * 257),
        PrefixProof(ProofKind.NON_INCLUSION_LEAF, (EMPTY,), leaf),
        PrefixProof(ProofKind.NON_INCLUSION_LEAF, (), (key, bytes(32))),
    ):
        with pytest.raises(ProofError):
            verify_absent(proof, key, EMPTY)
