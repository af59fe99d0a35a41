"""The tree in a file: the same roots and proofs as the small tree in memory."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.corpus import tree
from assent.corpus.stored import HEADER, StoredTree, file_size, partition_bits
from assent.corpus.tree import TreeBuilder, hash_leaves
from assent.errors import CorpusError
from assent.merkle.prefix import EMPTY, Leaf, PrefixTree, ProofKind

# Keys of few differing bits meet deep in the tree; random ones part near the root.
KEYS = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 15).map(lambda number: number.to_bytes(32)),
    st.integers(0, 15).map(lambda number: bytes([number << 4]) + bytes(31)),
    st.integers(0, 15).map(lambda number: bytes(8) + bytes([number]) + bytes(23)),
)
SETS = st.dictionaries(KEYS, st.binary(min_size=32, max_size=32), max_size=20)


def random_leaves(number: int, seed: int = 1) -> list[Leaf]:
    drawn = random.Random(seed)
    return [(drawn.randbytes(32), drawn.randbytes(32)) for _ in range(number)]


def written(folder: Path, leaves: list[Leaf], chunk: int = 1000, **more: int) -> Path:
    spill = folder / "spill"
    spill.mkdir(exist_ok=True)
    builder = TreeBuilder(spill, **more)
    for at in range(0, len(leaves), chunk):
        builder.add(b"".join(key + own for key, own in leaves[at : at + chunk]))
    assert builder.write(folder / "a.tree") == PrefixTree(leaves).root()
    assert list(spill.iterdir()) == []
    return folder / "a.tree"


def check_proofs(path: Path, leaves: list[Leaf], keys: list[bytes]) -> set[ProofKind]:
    known, kinds = PrefixTree(leaves), set()
    with StoredTree(path) as stored:
        assert (stored.leaves, stored.root) == (len(leaves), known.root())
        for key in keys:
            proof = stored.prove(key)
            assert proof == known.prove(key)
            kinds.add(proof.kind)
    return kinds


@given(SETS, st.integers(0, 9), st.randoms())
def test_partitions_of_any_size_hash_to_what_the_small_tree_does(
    held: dict[bytes, bytes], bits: int, drawn: random.Random
) -> None:
    leaves = list(held.items())
    drawn.shuffle(leaves)
    joined = b"".join(key + own for key, own in leaves)
    rows = np.frombuffer(joined, np.uint8).reshape(-1, 64)
    data, hashed = hash_leaves(rows, bits, 0, 1 << bits)

    assert data == b"".join(key + own for key, own in sorted(leaves))
    assert sum(hashed.counts) == len(leaves)
    assert tree._joined(hashed.values, hashed.counts)[0] == PrefixTree(leaves).root()


@settings(max_examples=30)
@given(SETS, st.lists(KEYS, max_size=5))
def test_proofs_from_the_file_are_those_of_the_small_tree(
    tmp_path_factory: pytest.TempPathFactory,
    held: dict[bytes, bytes],
    keys: list[bytes],
) -> None:
    path = written(tmp_path_factory.mktemp("tree"), list(held.items()))
    check_proofs(path, list(held.items()), [*held, *keys])


@pytest.mark.parametrize("number", [0, 1, 2, 255, 256, 300, 3000])
def test_a_tree_of_several_partitions_is_the_same_tree(
    tmp_path: Path, number: int
) -> None:
    leaves = random_leaves(number)
    path = written(tmp_path, leaves)
    asked = [key for key, _ in leaves[:40] + random_leaves(40, seed=2)]
    kinds = check_proofs(path, leaves, asked)

    assert path.stat().st_size == file_size(number, partition_bits(number))
    if number > 255:
        assert kinds == set(ProofKind)


@pytest.mark.shared
def test_the_vectors_of_the_drafts_author_hold_for_the_file(
    tmp_path: Path, shared: Path
) -> None:
    trees = json.loads((shared / "vectors/keytrans_prefix_in.json").read_text())
    for each in trees:
        keys, commits = (
            list(map(bytes.fromhex, each[name])) for name in ("Keys", "Commits")
        )
        leaves = list(zip(keys, commits, strict=True))
        path = written(tmp_path, leaves)
        queries = list(map(bytes.fromhex, each["Queries"]))
        check_proofs(path, leaves, queries)
        with StoredTree(path) as stored:
            assert stored.root.hex() == each["Root"]


@pytest.mark.parametrize("workers", [1, 2])
def test_leaves_that_do_not_fit_into_memory_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    leaves = random_leaves(33_000)  # so many that each bucket has partitions of its own
    wanted = written(tmp_path, leaves).read_bytes()
    monkeypatch.setattr(tree, "PENDING_LEAVES", 10_000)
    random.Random(3).shuffle(leaves)

    path = written(tmp_path, leaves, chunk=700, workers=workers)
    assert path.read_bytes() == wanted
    check_proofs(path, leaves, [leaves[5][0], bytes(32), bytes([255] * 32)])


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    for twice in (random_leaves(1) * 2, [(bytes(32), bytes(32))] * 2):
        builder = TreeBuilder(tmp_path)
        builder.add(b"".join(key + own for key, own in twice))
        with pytest.raises(ValueError, match="twice"):
            builder.write(tmp_path / "a.tree")


def test_half_a_leaf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TreeBuilder(tmp_path).add(bytes(63))
    path = written(tmp_path, [])
    with StoredTree(path) as stored:
        assert stored.root == EMPTY
        with pytest.raises(ValueError, match="32 bytes"):
            stored.prove(bytes(31))


def test_a_file_that_is_no_whole_tree_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, random_leaves(600))
    whole = path.read_bytes()
    bits = HEADER.pack(b"assent/prefix-tree/v1\n", 3, 600)
    for data in (b"", whole[:-1], whole + b"\0", b"A" + whole[1:], bits + whole[32:]):
        path.write_bytes(data)
        with pytest.raises(CorpusError, match="no whole prefix tree"):
            StoredTree(path)
    path.unlink()
    with pytest.raises(CorpusError, match="missing"):
        StoredTree(path)


def test_a_proof_is_never_made_from_a_byte_that_was_changed(tmp_path: Path) -> None:
    leaves = random_leaves(600)
    path = written(tmp_path, leaves)
    whole = path.read_bytes()
    known, drawn = PrefixTree(leaves), random.Random(4)
    keys = [key for key, _ in leaves[:5] + random_leaves(5, seed=2)]
    asked = {key: known.prove(key) for key in keys}
    refused = 0
    for at in drawn.sample(range(HEADER.size, len(whole)), 300):
        changed = bytearray(whole)
        changed[at] ^= 1 << drawn.randrange(8)
        path.write_bytes(changed)
        with StoredTree(path) as stored:
            for key, proof in asked.items():
                try:
                    # What was changed is elsewhere: this proof does not rest on it.
                    assert stored.prove(key) == proof
                except CorpusError:
                    refused += 1
    assert refused > 100
