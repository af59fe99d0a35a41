"""Tiles: equal to the log of one node a row, and to a real log of other people."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import ProofError
from assent.merkle import log
from assent.merkle.tiles import (
    WIDTH,
    bundle_entries,
    entries_path,
    extend,
    node,
    split_entries,
    tile_path,
    widths,
)


def leaf(number: int) -> bytes:
    return log.leaf_hash(b"entry %d" % number)


class Nodes:
    """The log as the definition stores it: every complete subtree by itself."""

    def __init__(self, size: int) -> None:
        self.held: dict[tuple[int, int], bytes] = {}
        for number in range(size):
            for level, position, digest in log.appended(number, leaf(number), self.get):
                self.held[level, position] = digest

    def get(self, level: int, position: int) -> bytes:
        return self.held[level, position]


BIG = 65_536 + 256 + 3
NODES = Nodes(BIG)


def tiles_of(*batches: int) -> dict[tuple[int, int], bytes]:
    held: dict[tuple[int, int], bytes] = {}
    size = 0
    for batch in batches:
        leaves = [leaf(size + number) for number in range(batch)]
        held.update(extend(size, leaves, lambda *place: held[place]))
        size += batch
    return held


@given(st.lists(st.integers(0, 600), max_size=4))
@settings(max_examples=40)
def test_every_node_is_the_one_of_a_naive_tree_however_it_was_appended(
    batches: list[int],
) -> None:
    held, size = tiles_of(*batches), sum(batches)

    for level, position in NODES.held:
        if (position + 1) << level <= size:
            found = node(level, position, lambda *place: held[place])
            assert found == NODES.held[level, position]
    wanted = {
        (level, index)
        for level, count in enumerate(widths(size))
        for index in range((count + WIDTH - 1) // WIDTH)
    }
    assert held.keys() == wanted
    assert log.root(size, lambda *p: node(*p, lambda *q: held[q])) == log.root(
        size, NODES.get
    )


def test_a_tree_of_three_tile_levels_has_the_root_and_the_paths_of_a_naive_one() -> (
    None
):
    held = tiles_of(1, BIG - 1)

    def get(level: int, position: int) -> bytes:
        return node(level, position, lambda *place: held[place])

    assert [len(held[2, 0]) // 32, len(held[1, 1]) // 32] == [1, 1]
    assert log.root(BIG, get) == log.root(BIG, NODES.get)
    for index in (0, 255, 256, 65_535, 65_536, BIG - 1):
        assert log.inclusion_path(index, BIG, get) == log.inclusion_path(
            index, BIG, NODES.get
        )
    for old in (1, 256, 300, 65_536, BIG - 1):
        assert log.consistency_path(old, BIG, get) == log.consistency_path(
            old, BIG, NODES.get
        )


def test_a_tile_that_has_grown_since_gives_the_tree_of_the_size_asked_for() -> None:
    grown = tiles_of(300)

    again = extend(280, [leaf(number) for number in range(280, 290)], grown_of(grown))
    assert again[0, 1] == grown[0, 1][: 34 * 32]


def grown_of(held: dict[tuple[int, int], bytes]):
    return lambda *place: held[place]


@pytest.mark.parametrize("tile", [b"", bytes(31), bytes(32 * 3), bytes(32 * 4 - 1)])
def test_a_tile_that_is_too_short_or_no_row_of_hashes_is_refused(tile: bytes) -> None:
    with pytest.raises(ProofError, match="wanted at least 4 hashes"):
        node(2, 0, lambda *_: tile)
    with pytest.raises(ProofError, match="wanted at least 4 hashes"):
        extend(4, [leaf(4)], lambda *_: tile)


def test_a_leaf_of_another_length_is_no_leaf() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        extend(0, [b"short"], lambda *_: b"")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (tile_path(0, 0), "tile/0/000"),
        (tile_path(0, 1067), "tile/0/x001/067"),
        (tile_path(2, 1234067, 3), "tile/2/x001/x234/067.p/3"),
        (tile_path(0, 1000, 256), "tile/0/x001/000"),
        (entries_path(1000067), "tile/entries/x001/x000/067"),
        (entries_path(0, 15), "tile/entries/000.p/15"),
    ],
)
def test_paths_are_those_of_the_specification(path: str, wanted: str) -> None:
    assert path == wanted


@pytest.mark.parametrize(
    "given", [(-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257), (0, 0, -3)]
)
def test_no_path_names_a_tile_that_cannot_be(given: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="tile"):
        tile_path(*given)


@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert split_entries(bundle_entries(entries)) == entries


def test_a_bundle_that_is_cut_off_anywhere_is_refused_or_shorter() -> None:
    bundle = bundle_entries([b"one", b"", b"three"])
    ends = {0: 0, 5: 1, 7: 2}

    for length in range(len(bundle)):
        if length in ends:
            assert len(split_entries(bundle[:length])) == ends[length]
        else:
            with pytest.raises(ProofError, match="cut off"):
                split_entries(bundle[:length])


def test_the_limits_of_a_bundle_are_kept() -> None:
    assert len(bundle_entries([bytes(65_535)])) == 65_537
    with pytest.raises(ValueError, match="65535 bytes at most"):
        bundle_entries([bytes(65_536)])
    with pytest.raises(ValueError, match="256 entries at most"):
        bundle_entries([b""] * 257)
    with pytest.raises(ProofError, match="257 entries"):
        split_entries(bytes(2 * 257))


@pytest.mark.shared
def test_the_files_of_a_real_log_are_those_that_we_would_write(shared: Path) -> None:
    folder = shared / "vectors/tlog-tiles/testdata/log"
    held: dict[tuple[int, int], bytes] = {}
    for size in range(1, 16):
        bundle = (folder / entries_path(0, size)).read_bytes()
        entries = split_entries(bundle)
        assert bundle_entries(entries) == bundle
        assert len(entries) == size

        held.update(
            extend(size - 1, [log.leaf_hash(entries[-1])], lambda *place: held[place])
        )
        assert held[0, 0] == (folder / tile_path(0, 0, size)).read_bytes()
