"""The prefix tree of a corpus: built at two sizes, proved from, and verified.

Leaves are drawn: keys and commitments of HMAC look the same. The clock runs from the
first leaf to the written file, without the drawing; peak memory is the sum over this
process and those that it starts, looked at 50 times a second.

    PYTHONPATH=src python benchmarks/ledger_tree.py
"""

import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import numpy as np

from assent.corpus.stored import StoredTree
from assent.corpus.tree import LEAF_BYTES, TreeBuilder
from assent.merkle.prefix import ProofKind, verify_absent, verify_present

MILLION = 1_000_000
CHUNK = 4_096  # leaves, as a build derives them
PROOFS = 500
LOOK_EVERY = 0.02  # seconds


@dataclass
class Peak:
    """The most memory that was resident at once; pages that are shared count twice."""

    gib: float = 0.0


def tree_1m(scale: float = 1.0) -> dict[str, float]:
    """Build a tree of a million subjects."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, _ = build(Path(folder), int(MILLION * scale))
    return {"tree_1m_s": seconds}


def tree_10m(scale: float = 1.0) -> dict[str, float]:
    """Build a tree of ten million subjects, and look at the memory."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, peak = build(Path(folder), int(10 * MILLION * scale))
    return {"tree_10m_s": seconds, "tree_10m_gib": peak}


def proofs(scale: float = 1.0) -> dict[str, float]:
    """Open the file of a million subjects and prove, then verify: medians."""
    leaves = int(MILLION * scale)
    proving, verifying = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder, leaves)
        path = folder / "a.tree"
        for leaf in _asked(leaves):
            key, commitment = leaf[:32], leaf[32:]
            started = time.perf_counter()
            with StoredTree(path) as tree:
                proof = tree.prove(key)
            proving.append(time.perf_counter() - started)
            started = time.perf_counter()
            if proof.kind is ProofKind.INCLUSION:
                verify_present(proof, key, commitment, tree.root)
            else:
                verify_absent(proof, key, tree.root)
            verifying.append(time.perf_counter() - started)
    return {
        "proof_ms": statistics.median(proving) * 1e3,
        "prefix_verify_ms": statistics.median(verifying) * 1e3,
    }


def build(folder: Path, leaves: int) -> tuple[float, float]:
    """Build a tree of drawn leaves in `a.tree`: seconds, and peak GiB."""
    spill = folder / "spill"
    spill.mkdir()
    drawing = 0.0
    with _watched() as peak:
        started = time.perf_counter()
        builder = TreeBuilder(spill)
        for number in range(0, leaves, CHUNK):
            begun = time.perf_counter()
            chunk = _drawn(number, min(CHUNK, leaves - number))
            drawing += time.perf_counter() - begun
            builder.add(chunk)
        builder.write(folder / "a.tree")
        seconds = time.perf_counter() - started - drawing
    return seconds, peak.gib


def _drawn(seed: int, leaves: int) -> bytes:
    return np.random.default_rng(seed).bytes(leaves * LEAF_BYTES)


def _asked(leaves: int) -> Iterator[bytes]:
    """Draw leaves that are in the tree, and as many that are not."""
    absent = _drawn(leaves, PROOFS // 2)  # no chunk has this seed
    for number in range(PROOFS // 2):
        first = number * leaves // PROOFS // CHUNK * CHUNK
        yield _drawn(first, min(CHUNK, leaves - first))[:LEAF_BYTES]
        yield absent[number * LEAF_BYTES : (number + 1) * LEAF_BYTES]


@contextmanager
def _watched() -> Iterator[Peak]:
    """Look at the memory of this process and its children while something runs."""
    peak, done = Peak(), Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY):
            peak.gib = max(peak.gib, sum(map(_resident, _family("self"))) / 2**20)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _family(process: str) -> Iterator[str]:
    """List a process and all that it started, by number."""
    yield process
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _text(path).split():
            yield from _family(child)


def _resident(process: str) -> int:
    """Read how much memory is resident: KiB; 0 for a process that has ended."""
    found = re.search(r"VmRSS:\s+(\d+) kB", _text(Path(f"/proc/{process}/status")))
    return int(found[1]) if found else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended since it was listed


def main() -> None:
    """Measure everything once and print it as a line of JSON."""
    figures = tree_1m() | tree_10m() | proofs()
    print(json.dumps({key: round(value, 4) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
