"""A published log: whole tiles, the checkpoint last, one history, nobody's name."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assent.errors import LedgerError
from assent.ledger.publish import publish_ledger, publish_log
from assent.merkle import log
from assent.merkle.note import open_head
from assent.merkle.tiles import bundle_entries, extend, tile_path, widths
from small_log import KEY, STRANGER, SmallLog, published

TESTS = Path(__file__).resolve().parent


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def contents(folder):
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_the_layout_is_the_one_of_the_specification(tmp_path):
    published(tmp_path, 600)

    assert files(tmp_path) == [
        "checkpoint",
        *("tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"),
        *("tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"),
    ]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513])
def test_every_file_is_what_the_definition_says(tmp_path, size):
    made = published(tmp_path, size)
    found = contents(tmp_path)

    assert open_head(found.pop("checkpoint").decode(), KEY) == made.head()
    for level, count in enumerate(widths(size)):
        for index in range(-(-count // 256)):
            width = min(256, count - 256 * index)
            # MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])
            spans = [(256 * index + i) * 256**level for i in range(width)]
            hashes = [
                slow_root(made.held[start : start + 256**level]) for start in spans
            ]
            assert found.pop(tile_path(level, index, width)) == b"".join(hashes)
            if level == 0:
                name = tile_path(0, index, width).replace("tile/0", "tile/entries")
                held = made.held[256 * index : 256 * index + width]
                assert found.pop(name) == bundle_entries(held)
    assert found == {}


def slow_root(entries):
    if len(entries) == 1:
        return log.leaf_hash(entries[0])
    middle = 1 << ((len(entries) - 1).bit_length() - 1)
    return log.node_hash(slow_root(entries[:middle]), slow_root(entries[middle:]))


def test_an_empty_log_is_a_checkpoint_alone(tmp_path):
    published(tmp_path, 0)

    assert files(tmp_path) == ["checkpoint"]


def test_growth_writes_only_what_is_new(tmp_path):
    made = published(tmp_path, 600)
    before = {name: os.stat(tmp_path / name).st_ino for name in files(tmp_path)}

    done = publish_log(made.grow(10), tmp_path)

    assert (done.before, done.head.size) == (600, 610)
    assert done.written == 3  # tile/0/002.p/98, its bundle, the checkpoint
    kept = {name: os.stat(tmp_path / name).st_ino for name in before}
    assert {name for name in before if kept[name] != before[name]} == {"checkpoint"}


def test_growing_step_by_step_ends_with_the_files_of_one_step(tmp_path):
    made = published(tmp_path / "steps", 1)
    for step in (1, 3, 250, 1, 1, 255, 256, 200):
        publish_log(made.grow(step), tmp_path / "steps")
    publish_log(made, tmp_path / "once")

    once, steps = contents(tmp_path / "once"), contents(tmp_path / "steps")
    assert {name: steps[name] for name in once} == once
    # What is there beside them: partial tiles of published sizes, of unfinished tiles.
    assert all(".p/" in name for name in steps.keys() - once.keys())


def test_partial_tiles_stay_until_the_complete_one_is_there(tmp_path):
    made = published(tmp_path, 3)
    publish_log(made.grow(2), tmp_path)
    assert "tile/0/000.p/3" in files(tmp_path)  # an older checkpoint needs it

    done = publish_log(made.grow(251), tmp_path)

    assert done.removed == 4
    assert files(tmp_path) == [
        *("checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"),
    ]


def test_publishing_again_changes_nothing(tmp_path):
    made = published(tmp_path, 300)
    before = contents(tmp_path)

    done = publish_log(made, tmp_path)

    assert (done.written, done.removed) == (0, 0)
    assert contents(tmp_path) == before


def test_cosignatures_that_come_later_are_published(tmp_path):
    made = published(tmp_path, 5)
    made.lines[5] = ["\u2014 witness.example AAAAAAAA\n"]

    done = publish_log(made, tmp_path)

    assert (done.written, done.cosignatures) == (1, 1)
    assert (tmp_path / "checkpoint").read_text() == made.cosigned_note()


def test_a_log_of_another_key_is_refused(tmp_path):
    published(tmp_path, 5, private=STRANGER)
    before = contents(tmp_path)

    with pytest.raises(LedgerError, match="is not this ledger's"):
        publish_log(SmallLog(9), tmp_path)
    assert contents(tmp_path) == before


def test_a_log_that_is_ahead_of_the_ledger_is_refused(tmp_path):
    published(tmp_path, 9)
    before = contents(tmp_path)

    with pytest.raises(LedgerError, match="9 entries, and this ledger only 5"):
        publish_log(SmallLog(5), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("index", [0, 299])
def test_a_log_with_another_history_is_refused(tmp_path, index):
    made = published(tmp_path, 300)
    before = contents(tmp_path)

    with pytest.raises(LedgerError, match="no beginning of this ledger"):
        publish_log(made.rewritten(index).grow(50), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["tile/0/001.p/44", "tile/entries/001.p/44"])
def test_a_published_file_that_was_changed_or_lost_is_noticed(tmp_path, name):
    made = published(tmp_path, 300).grow(20)
    data = (tmp_path / name).read_bytes()

    (tmp_path / name).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(LedgerError, match="its bytes differ"):
        publish_log(made, tmp_path)

    (tmp_path / name).unlink()
    with pytest.raises(LedgerError, match="lacks `tile"):
        publish_log(made, tmp_path)
    assert open_head((tmp_path / "checkpoint").read_text(), KEY).size == 300


def test_tiles_of_another_log_without_a_checkpoint_are_refused(tmp_path):
    made = published(tmp_path, 300)
    (tmp_path / "checkpoint").unlink()

    with pytest.raises(LedgerError, match="its bytes differ"):
        publish_log(made.rewritten(3), tmp_path)
    assert not (tmp_path / "checkpoint").exists()


def test_a_ledger_that_contradicts_itself_publishes_nothing(tmp_path):
    wrong_entry, wrong_tile, wrong_root = SmallLog(300), SmallLog(600), SmallLog(300)
    wrong_entry.held[7] = b"{}"
    leaves = [bytes(32)] * 256
    wrong_tile.tiles[0, 0] = extend(0, leaves, wrong_tile.tile)[0, 0]
    wrong_root.tiles[0, 1] = bytes(32)

    with pytest.raises(LedgerError, match="entries 0 to 255 do not hash"):
        publish_log(wrong_entry, tmp_path / "a")
    with pytest.raises(LedgerError, match="tile 0 of level 0 does not hash"):
        publish_log(wrong_tile, tmp_path / "b")
    with pytest.raises(LedgerError, match="tile 1 of level 0 has 32 bytes"):
        publish_ledger(wrong_root, tmp_path / "c")
    for name in "abc":
        assert not (tmp_path / name / "checkpoint").exists()


def test_two_publishers_at_once_do_not_mix(tmp_path):
    made, inside, go_on = SmallLog(300), threading.Event(), threading.Event()

    class Slow(SmallLog):
        def entries(self, start, stop):
            inside.set()
            assert go_on.wait(20)
            return super().entries(start, stop)

    slow = Slow().append(*made.held)
    thread = threading.Thread(target=publish_log, args=(slow, tmp_path))
    thread.start()
    assert inside.wait(20)
    with pytest.raises(LedgerError, match="another process is publishing"):
        publish_log(made, tmp_path)
    go_on.set()
    thread.join()
    assert publish_log(made, tmp_path).written == 0


def test_what_is_published_while_the_log_grows_is_one_head(tmp_path):
    class Growing(SmallLog):
        def entries(self, start, stop):
            found = list(super().entries(start, stop))
            self.grow(1)
            return iter(found)

    made = Growing(300)
    done = publish_log(made, tmp_path)

    assert done.head.size == 300
    assert made.size > 300
    assert publish_log(made, tmp_path).before == 300


def test_a_disk_that_takes_no_more_leaves_the_old_checkpoint(tmp_path):
    made = published(tmp_path / "log", 300)
    script = (
        "import resource, sys, signal; from pathlib import Path;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000));"
        "from small_log import SmallLog; from assent.ledger.publish import publish_log;"
        "publish_log(SmallLog(900), Path(sys.argv[1]))"
    )
    done = run(script, tmp_path / "log")

    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert open_head((tmp_path / "log/checkpoint").read_text(), KEY).size == 300
    publish_log(made.grow(600), tmp_path / "log")
    assert whole(tmp_path / "log", 900)


KILLED = """
import os, signal, sys
from pathlib import Path
from small_log import SmallLog
from assent.ledger.publish import publish_log
steps, at = 0, 0
def counted(real, after):
    def call(*args, **named):
        global steps
        steps += 1
        if steps == at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*args, **named)
        if steps == at and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return call
os.open = counted(os.open, True)
os.replace = counted(os.replace, False)
os.fsync = counted(os.fsync, True)
os.rmdir = counted(os.rmdir, False)
os.unlink = counted(os.unlink, False)
made = SmallLog(int(sys.argv[2]))
# One process for all: each step is killed in a child of its own.
for folder in sorted(Path(sys.argv[1]).iterdir(), key=lambda each: int(each.name)):
    at = int(folder.name)
    child = os.fork()
    if not child:
        publish_log(made, folder)
        print(steps, flush=True)
        os._exit(0)
    print(at, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )


def whole(folder, size):
    """Whether a folder holds exactly a log of this size, and what older sizes need."""
    made = SmallLog(size)
    head = open_head((folder / "checkpoint").read_text(), KEY)
    done = publish_log(made, folder)
    drafts = [name for name in files(folder) if name.endswith(".draft")]
    return head == made.head() and (done.written, drafts) == (0, [])


def test_killed_at_each_step_the_next_run_ends_whole(tmp_path):
    published(tmp_path / "count" / "0", 250)
    steps = int(run(KILLED, tmp_path / "count", 270).stdout.split()[0])
    assert steps > 20
    for step in range(1, steps + 1):
        published(tmp_path / "kill" / str(step), 250)
    done = run(KILLED, tmp_path / "kill", 270)
    killed = [f"{step} {-signal.SIGKILL}" for step in range(1, steps + 1)]
    assert done.stdout.splitlines() == killed, done.stderr

    for folder in (tmp_path / "kill").iterdir():
        # A reader in between has a head, and every file that it signs for.
        size = open_head((folder / "checkpoint").read_text(), KEY).size
        assert size in (250, 270)
        readable(folder, size)

        publish_log(SmallLog(270), folder)
        assert whole(folder, 270), folder.name


def readable(folder, size):
    """Check that each tile of a size is there whole, or the complete one for it."""
    made = SmallLog(size)
    for level, count in enumerate(widths(size)):
        for index in range(-(-count // 256)):
            tile = made.tile(level, index)
            name = tile_path(level, index, len(tile) // 32)
            path = folder / name
            if not path.exists():
                path = folder / tile_path(level, index)
            assert path.read_bytes().startswith(tile)


def test_the_files_can_be_read_by_everybody(tmp_path):
    published(tmp_path, 300)

    for name in files(tmp_path):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o444 == 0o444


def test_memory_holds_one_bundle_at_a_time(tmp_path):
    class Counting(SmallLog):
        longest = 0

        def entries(self, start, stop):
            self.longest = max(self.longest, stop - start)
            return super().entries(start, stop)

    made = Counting(1000)
    publish_log(made, tmp_path)

    assert made.longest == 256
