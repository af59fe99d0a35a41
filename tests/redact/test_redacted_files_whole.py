"""A redacted file is whole or absent, and memory stays the same, whatever happens."""

import multiprocessing
import os
import resource
import signal
import stat

import pytest
from small_files import ALL, TEXT, WORK, many, peak, redact, run_and_kill

from assent.errors import CorpusError, UsageError
from assent.redact import columns
from assent.redact.bulk import Tally, workers
from assent.redact.files import Format, Pair, redact_file
from assent.redact.reading import MEGABYTE
from assent.redact.targets import pairs


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.txt"])
def test_two_processes_give_the_same_bytes_as_one(tmp_path, name):
    source = many(tmp_path / name, 3000)
    ends = {}
    for jobs in (1, 2):
        target = tmp_path / f"{jobs}{name}"
        done = redact(source, target, jobs=jobs)
        ends[jobs] = (target.read_bytes(), done)

    assert ends[1] == ends[2]
    assert ends[1][1].tally.documents == 3000


def test_a_worker_that_is_killed_is_one_error_and_no_file(tmp_path):
    source = many(tmp_path / "a.txt", 3000)
    before = set(multiprocessing.active_children())
    killed = []

    def kill(tally: Tally) -> None:
        for child in set(multiprocessing.active_children()) - before:
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)

    pair = Pair(source, tmp_path / "b.txt", Format.TEXT)
    with pytest.raises(CorpusError, match="was ended"), workers(WORK, 2) as doing:
        redact_file(pair, ALL, doing, kill)

    assert killed
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.txt"])
def test_memory_does_not_grow_with_a_file(tmp_path, monkeypatch, name):
    monkeypatch.setattr(columns, "READ_BYTES", MEGABYTE)  # both are read in pieces
    monkeypatch.setattr(columns, "GROUP_BYTES", MEGABYTE)
    small = many(tmp_path / f"small-{name}", 2_000)
    large = many(tmp_path / f"large-{name}", 8_000)
    redact(small, tmp_path / f"first-{name}")  # what is made once is made here

    # 5.5 MB more of text: who kept it would hold as much more, at least.
    assert peak(large) - peak(small) < 3 * MEGABYTE


def test_a_run_that_is_killed_leaves_whole_files_and_goes_on(tmp_path):
    (tmp_path / "in").mkdir()
    sources = [many(tmp_path / "in" / name, 1500) for name in ("a.jsonl", "b.parquet")]
    out = tmp_path / "out"
    for source in sources:
        redact(source, out / source.name)
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    assert len(whole) == 2

    for batches, finished in ((1, 0), (4, 1), (6, 1)):  # each file has three
        for path in out.iterdir():
            path.unlink()
        code = run_and_kill(tmp_path, batches)
        left = {path.name: path.read_bytes() for path in out.glob("[!.]*")}
        assert left.items() <= whole.items()
        assert (code, len(left)) == (-signal.SIGKILL, finished)
        for pair in pairs(sources, out, resume=True):
            assert pair.source.name not in left
            redact(pair.source, pair.target)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == whole


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    source = many(tmp_path / "a.jsonl", 3000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for name in ("b.jsonl", "b.jsonl.gz"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
            with pytest.raises(OSError, match="too large"):
                redact(source, tmp_path / name)
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_files_are_paired_with_results_before_anything_is_read(tmp_path):
    a, b = tmp_path / "a.txt", tmp_path / "b.jsonl"
    a.touch()
    b.touch()
    out = tmp_path / "out"

    assert pairs([a], tmp_path / "c.txt") == [Pair(a, tmp_path / "c.txt", Format.TEXT)]
    assert pairs([a, b], out) == [
        Pair(a, out / "a.txt", Format.TEXT),
        Pair(b, out / "b.jsonl", Format.JSONL),
    ]
    out.mkdir()
    (out / "a.txt").touch()
    assert [pair.source for pair in pairs([a, b], out, resume=True)] == [b]
    assert len(pairs([a, b], out, force=True)) == 2
    with pytest.raises(UsageError, match="exists already"):
        pairs([a, b], out)
    link = tmp_path / "link.txt"
    os.link(a, link)
    for target, others in (
        (a, []),
        (link, []),
        (tmp_path, []),
        (out / "a.txt", [out / "a.txt"]),
    ):
        with pytest.raises(UsageError, match="is read, so no result"):
            pairs([a], target, force=True, others=others)


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path):
    source = tmp_path / "a.txt"
    source.write_bytes(b"\xff")
    with pytest.raises(CorpusError, match="is not UTF-8"):
        redact(source, tmp_path / "new" / "er" / "a.txt")
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]

    (tmp_path / "old").mkdir()
    with pytest.raises(CorpusError, match="is not UTF-8"):
        redact(source, tmp_path / "old" / "a.txt")
    assert (tmp_path / "old").is_dir()


def test_a_result_has_the_mode_of_other_files_and_a_leftover_is_no_obstacle(tmp_path):
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text(TEXT)
    (tmp_path / ".b.txt.draft").write_text("cut off")
    before = os.umask(0o022)
    try:
        redact(source, target)
    finally:
        os.umask(before)

    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.txt", "b.txt"]
