"""One proof for many entries: the same as many proofs, and no hash of it is free."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import ProofError
from assent.merkle.compound import compound_path, compound_root, verify_compound
from assent.merkle.log import (
    appended,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    verify_inclusion,
)


def tree(size: int) -> tuple[list[bytes], dict[tuple[int, int], bytes]]:
    nodes: dict[tuple[int, int], bytes] = {}
    leaves = [leaf_hash(f"entry {index}".encode()) for index in range(size)]
    for index, leaf in enumerate(leaves):
        for level, position, digest in appended(
            index, leaf, lambda *at: nodes[at[0], at[1]]
        ):
            nodes[level, position] = digest
    return leaves, nodes


LEAVES, NODES = tree(70)


def get(level: int, position: int) -> bytes:
    return NODES[level, position]


def proved(indices: set[int], size: int) -> tuple[dict[int, bytes], list[bytes], bytes]:
    paths = {index: inclusion_path(index, size, get) for index in indices}
    leaves = {index: LEAVES[index] for index in indices}
    return leaves, compound_path(paths, size), root(size, get)


@st.composite
def cases(draw: st.DrawFn) -> tuple[set[int], int]:
    size = draw(st.integers(1, len(LEAVES)))
    indices = st.sets(st.integers(0, size - 1), min_size=1, max_size=size)
    return draw(indices), size


@settings(max_examples=300)
@given(cases())
def test_it_proves_what_the_single_proofs_prove_with_no_hash_twice(case):
    indices, size = case
    leaves, path, top = proved(indices, size)

    verify_compound(leaves, size, path, top)
    single = {index: inclusion_path(index, size, get) for index in indices}
    for index, siblings in single.items():
        verify_inclusion(leaves[index], index, size, siblings, top)
    assert len(path) == len(set(path))
    assert set(path) <= {one for siblings in single.values() for one in siblings}


@settings(max_examples=300)
@given(cases(), st.data())
def test_no_other_hashes_leaves_or_positions_lead_to_the_root(case, data):
    indices, size = case
    leaves, path, top = proved(indices, size)
    other = bytes(32)
    index = data.draw(st.sampled_from(sorted(indices)))
    forged = [
        (leaves, size, [*path, other]),
        (leaves | {index: other}, size, path),
        ({one: leaf for one, leaf in leaves.items() if one != index}, size, path),
    ]
    for at in range(len(path)):
        forged += [
            (leaves, size, [*path[:at], other, *path[at + 1 :]]),
            (leaves, size, path[:at] + path[at + 1 :]),
            (leaves, size, [*path[:at], path[at], *path[at:]]),
        ]
    free = sorted(set(range(size)) - indices)
    if free:
        moved = dict(leaves)
        moved[data.draw(st.sampled_from(free))] = moved.pop(index)
        forged.append((moved, size, path))
    if len(path) > 1:
        forged.append((leaves, size, path[::-1]))
    for attempt in forged:
        with pytest.raises(ProofError):
            verify_compound(*attempt, top)


def test_a_proof_of_all_leaves_sends_no_hash_at_all():
    leaves, path, top = proved(set(range(9)), 9)

    assert path == []
    assert compound_root(leaves, 9, path) == top


def test_what_can_be_computed_is_not_sent():
    leaves, path, _ = proved({0, 1}, 4)

    assert path == [node_hash(LEAVES[2], LEAVES[3])]
    assert leaves == {0: LEAVES[0], 1: LEAVES[1]}


@pytest.mark.parametrize(
    ("leaves", "size", "path"),
    [
        ({}, 4, []),
        ({}, 0, []),
        ({4: bytes(32)}, 4, [bytes(32)] * 2),
        ({-1: bytes(32)}, 4, [bytes(32)] * 2),
        ({0: bytes(31)}, 1, []),
        ({0: bytes(32)}, 2, [bytes(33)]),
        ({0: bytes(32)}, 10**15, []),
    ],
)
def test_a_malformed_proof_is_refused(leaves, size, path):
    with pytest.raises(ProofError):
        compound_root(leaves, size, path)


def test_paths_that_do_not_fit_are_refused_before_they_are_merged():
    good = inclusion_path(0, 4, get)
    for paths, size in (({}, 4), ({0: good, 4: good}, 4), ({0: good[:1]}, 4)):
        with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
            compound_path(paths, size)
