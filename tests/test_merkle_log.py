"""The log: against other people's vectors, and against the definition itself."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import ProofError
from assent.merkle.log import (
    EMPTY_ROOT,
    appended,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

SIZES = st.integers(1, 70)


class Store:
    """Complete subtrees in a dictionary; counts what is read."""

    def __init__(self, size: int) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.reads = 0
        for index in range(size):
            for level, position, digest in appended(index, leaf(index), self.get):
                assert (level, position) not in self.nodes  # nothing is rewritten
                self.nodes[level, position] = digest

    def get(self, level: int, position: int) -> bytes:
        self.reads += 1
        return self.nodes[level, position]


def leaf(index: int) -> bytes:
    return leaf_hash(b"entry %d" % index)


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(slow_root(leaves[:split]), slow_root(leaves[split:]))


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def outcome(check: object, *arguments: object) -> bool:
    try:
        check(*arguments)  # type: ignore[operator]
    except ProofError:
        return False
    return True


@pytest.mark.shared
def test_all_196_vectors_of_other_people_come_out_as_they_say(shared: Path) -> None:
    folder = shared / "vectors/merkle-rfc6962/testdata"
    inclusion = sorted((folder / "inclusion").rglob("*.json"))
    consistency = sorted((folder / "consistency").rglob("*.json"))
    for file in inclusion:
        case = json.loads(file.read_text())
        found = outcome(
            verify_inclusion,
            decoded(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            [decoded(part) for part in case["proof"] or []],
            decoded(case["root"]),
        )
        assert found is not case["wantErr"], file
    for file in consistency:
        case = json.loads(file.read_text())
        found = outcome(
            verify_consistency,
            case["size1"],
            case["size2"],
            [decoded(part) for part in case["proof"] or []],
            decoded(case["root1"]),
            decoded(case["root2"]),
        )
        assert found is not case["wantErr"], file
    assert len(inclusion) + len(consistency) == 196


@pytest.mark.shared
def test_a_real_log_has_the_root_that_we_compute(shared: Path) -> None:
    folder = shared / "vectors/tlog-tiles/testdata/log"
    for size in range(1, 16):
        raw = (folder / f"tile/0/000.p/{size}").read_bytes()
        leaves = [raw[at : at + 32] for at in range(0, len(raw), 32)]
        store = Store(0)
        for index, digest in enumerate(leaves):
            for level, position, node in appended(index, digest, store.get):
                store.nodes[level, position] = node
        head = (folder / f"checkpoint.{size}").read_text().split("\n")
        assert (len(leaves), root(size, store.get)) == (size, decoded(head[2]))


@given(SIZES)
def test_the_root_is_the_one_of_the_definition(size: int) -> None:
    assert root(size, Store(size).get) == slow_root([leaf(i) for i in range(size)])


@given(st.data(), SIZES)
def test_every_entry_proves_its_own_place_and_no_other(
    data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    store = Store(size)
    top = root(size, store.get)
    path = inclusion_path(index, size, store.get)

    verify_inclusion(leaf(index), index, size, path, top)
    for other in range(-1, size + 1):
        if other != index:
            assert not outcome(verify_inclusion, leaf(index), other, size, path, top)
    assert not outcome(verify_inclusion, leaf(index + 1), index, size, path, top)


@given(st.data(), SIZES)
def test_every_older_log_is_shown_to_begin_the_newer(
    data: st.DataObject, new: int
) -> None:
    old = data.draw(st.integers(1, new))
    store = Store(new)
    roots = {size: root(size, store.get) for size in range(1, new + 1)}
    path = consistency_path(old, new, store.get)

    verify_consistency(old, new, path, roots[old], roots[new])
    for other in range(new + 1):
        if other != old:
            wrong = roots.get(other, EMPTY_ROOT)
            assert not outcome(
                verify_consistency, other, new, path, roots[old], roots[new]
            )
            assert not outcome(verify_consistency, old, new, path, wrong, roots[new])


@given(st.data(), st.integers(2, 40))
def test_one_bit_changed_in_a_path_is_refused(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    store = Store(size)
    path = inclusion_path(index, size, store.get)
    step = data.draw(st.integers(0, len(path) - 1))
    bit = data.draw(st.integers(0, 255))
    number = int.from_bytes(path[step]) ^ (1 << bit)
    path[step] = number.to_bytes(32)

    assert not outcome(
        verify_inclusion, leaf(index), index, size, path, root(size, store.get)
    )


def test_a_proof_reads_few_nodes_of_a_long_log() -> None:
    size = 5000
    store = Store(size)
    for work in (
        lambda: root(size, store.get),
        lambda: inclusion_path(17, size, store.get),
        lambda: consistency_path(1234, size, store.get),
    ):
        store.reads = 0
        work()
        assert store.reads <= 2 * 13  # log2(5000) < 13


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_hash_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ProofError, match="wanted 32"):
        verify_inclusion(leaf(0), 0, 2, [bytes(length)], bytes(32))


def test_the_empty_log_has_a_root_and_proves_nothing() -> None:
    store = Store(0)
    assert root(0, store.get) == EMPTY_ROOT
    with pytest.raises(ValueError, match="outside"):
        inclusion_path(0, 0, store.get)
    with pytest.raises(ValueError, match="1 <= old"):
        consistency_path(0, 5, store.get)
    with pytest.raises(ProofError, match="outside"):
        verify_inclusion(leaf(0), 0, 0, [], EMPTY_ROOT)


def test_an_entry_given_in_place_of_its_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        appended(0, b"an entry", Store(0).get)
