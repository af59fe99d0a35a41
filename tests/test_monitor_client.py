"""Reading a log from outside: over the web or from a folder, nothing unverified."""

import gzip
import socket
import threading
from pathlib import Path

import pytest

from assent.errors import ProofError, UsageError
from assent.ledger.publish import publish_log
from assent.merkle import log
from assent.merkle.note import open_head
from assent.monitor.client import (
    CheckpointError,
    LogReader,
    TileError,
    WithheldError,
    read_checkpoint,
)
from assent.monitor.source import Folder, UnreachableError, Web, open_source
from small_log import KEY, STRANGER, SmallLog, published, site

__all__ = ["site"]


def web(site, **named):
    return Web(site.url, sleep=lambda _: None, **named)


def reader(source):
    return LogReader(source, read_checkpoint(source), KEY)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_a_log_is_read_back_whole_over_the_web_and_from_a_folder(site, size):
    made = published(site.folder, size)

    for source in (web(site), Folder(site.folder)):
        found = reader(source)
        found.check()
        assert list(found.entries(0, size)) == made.held
        assert found.head == made.head()
        assert all(found.root_at(n) == made.root(n) for n in range(0, size + 1, 37))
        assert found.cosigned_note() == made.note()


def test_any_part_of_it_can_be_read(site):
    made = published(site.folder, 600)

    for start, stop in ((0, 0), (5, 6), (255, 257), (256, 512), (511, 600)):
        assert list(reader(web(site)).entries(start, stop)) == made.held[start:stop]
    with pytest.raises(ValueError, match="600 entries, not 601"):
        list(reader(web(site)).entries(0, 601))


def test_its_proofs_are_accepted(site):
    made = published(site.folder, 600)
    found = reader(web(site))

    for index in (0, 255, 256, 511, 512, 599):
        leaf = log.leaf_hash(made.held[index])
        log.verify_inclusion(leaf, index, 600, found.path(index), made.root())
    for old in (1, 255, 256, 300, 599):
        path = found.consistency(old)
        log.verify_consistency(old, 600, path, made.root(old), made.root())


@pytest.mark.parametrize(
    "name",
    [
        *("tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"),
        *("tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"),
    ],
)
@pytest.mark.parametrize("at", [0, 1, 40, -1])
def test_a_changed_byte_in_any_file_is_refused(site, name, at):
    published(site.folder, 600)
    data = bytearray((site.folder / name).read_bytes())
    data[at] ^= 1
    (site.folder / name).write_bytes(data)

    with pytest.raises(TileError) as caught:
        list(reader(web(site)).entries(0, 600))
    assert name in " ".join(caught.value.files)


@pytest.mark.parametrize("name", ["tile/0/001", "tile/0/002.p/88", "tile/entries/001"])
@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: b""]
)
def test_a_shorter_or_longer_file_is_refused(site, name, change):
    published(site.folder, 600)
    (site.folder / name).write_bytes(change((site.folder / name).read_bytes()))

    with pytest.raises(TileError):
        list(reader(web(site)).entries(0, 600))


def test_tiles_that_are_swapped_are_refused(site):
    published(site.folder, 600)
    (site.folder / "tile/0/000").write_bytes((site.folder / "tile/0/001").read_bytes())

    with pytest.raises(TileError, match="tile/0/000` does not hash"):
        reader(web(site)).tile(0, 0)


def test_a_partial_file_that_is_gone_is_read_from_the_complete_one(site):
    made = published(site.folder, 600)
    old = read_checkpoint(web(site))
    publish_log(made.grow(300), site.folder)
    assert not (site.folder / "tile/0/002.p").exists()

    found = LogReader(web(site), old, KEY)

    assert list(found.entries(0, 600)) == made.held[:600]
    assert "tile/0/002.p/88" in site.asked


def test_a_file_that_is_nowhere_is_withheld(site):
    published(site.folder, 600)
    (site.folder / "tile/0/001").unlink()

    with pytest.raises(WithheldError, match="`tile/0/001` is not served"):
        list(reader(web(site)).entries(0, 600))


def test_only_files_that_a_verified_head_needs_are_asked_for(site):
    published(site.folder, 600)

    list(reader(web(site)).entries(300, 301))

    assert site.asked == [
        "checkpoint",
        *("tile/0/002.p/88", "tile/1/000.p/2"),
        *("tile/0/001", "tile/entries/001"),
    ]


def test_a_head_by_another_key_is_not_read(site):
    published(site.folder, 5, private=STRANGER)

    with pytest.raises(ProofError, match="0 signatures by"):
        reader(web(site))


def test_the_network_is_tried_again(site):
    published(site.folder, 600)
    site.broken = {"checkpoint": [503, 500], "tile/0/001": [429]}

    assert len(list(reader(web(site)).entries(0, 600))) == 600


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_server_that_goes_on_failing_is_unreachable_not_guilty(site, status):
    published(site.folder, 600)
    site.broken = {"tile/0/001": [status] * 3}

    with pytest.raises(UnreachableError, match=f"it answers {status}"):
        list(reader(web(site)).entries(0, 600))


def test_no_server_is_unreachable(site):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(UnreachableError, match="connection refused"):
        read_checkpoint(Web(url, sleep=lambda _: None))


def test_an_address_without_a_log_is_unreachable(site, tmp_path):
    for source in (web(site), Folder(tmp_path / "nothing")):
        with pytest.raises(UnreachableError, match="there is no `checkpoint`"):
            read_checkpoint(source)


def test_a_server_that_drips_is_given_up(tmp_path):
    with Dripping(b"HTTP/1.0 200 OK\r\nContent-Length: 999\r\n\r\n") as url:
        slow = Web(url, sleep=lambda _: None, silence=5, longest=0.2)
        with pytest.raises(UnreachableError, match="no whole answer"):
            read_checkpoint(slow)


def test_a_server_that_is_silent_is_given_up(tmp_path):
    with Dripping(b"") as url, pytest.raises(UnreachableError, match="no whole answer"):
        read_checkpoint(Web(url, sleep=lambda _: None, silence=0.2))


class Dripping:
    """A server that says something, and then a byte every 50 ms, or nothing."""

    def __init__(self, head):
        self.head, self.ended = head, threading.Event()

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self):
        open_ones = []
        while not self.ended.wait(0.05):
            try:
                open_ones.append(self.socket.accept()[0])
                open_ones[-1].sendall(self.head)
            except TimeoutError:
                pass
            for each in open_ones if self.head else ():
                try:
                    each.sendall(b"x")
                except OSError:  # whoever was there has gone
                    each.close()
                    open_ones.remove(each)
                    break
        for each in open_ones:
            each.close()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.socket.close()


def test_a_compressed_file_is_read_and_a_bomb_is_cut_off(site):
    published(site.folder, 600)
    gzipped = {"Content-Encoding": "gzip"}
    name = "tile/entries/000"
    site.bodies = {name: gzip.compress((site.folder / name).read_bytes())}
    site.headers = {name: gzipped}
    assert len(list(reader(web(site)).entries(0, 600))) == 600

    site.bodies["checkpoint"] = gzip.compress(b"x" * 50_000_000)
    site.headers["checkpoint"] = gzipped
    with pytest.raises(CheckpointError, match="longer than 100000") as caught:
        read_checkpoint(web(site))
    assert len(caught.value.data) == 100_001

    site.bodies["checkpoint"] = gzip.compress(b"cut")[:-4]
    with pytest.raises(UnreachableError, match="ends inside a compressed file"):
        read_checkpoint(web(site))


def test_a_checkpoint_that_is_no_text_is_refused(site):
    site.bodies = {"checkpoint": b"\xff\xfe"}

    with pytest.raises(CheckpointError, match="not UTF-8"):
        read_checkpoint(web(site))


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("ftp://club.example/log", "neither http"),
        ("file:///etc", "neither http"),
        ("https://", "neither http"),
        ("https://[", "neither http"),
        ("https://club.example:x/", "neither http"),
        ("https://ana:secret@club.example/log", "has a password"),
        ("https://club.example/log?key=1", "has a password"),
        ("http://[::1", "neither http"),
        ("https://club.example/l\u00f6g", "a blank or a letter"),
        ("https://club.example/log\nerror: secret", "a blank or a letter"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(where, wanted):
    with pytest.raises(UsageError, match=wanted) as caught:
        open_source(where)
    assert "secret" not in caught.value.message


def test_a_redirect_leads_to_no_file_of_this_machine(site):
    with Redirecting("file:///etc/passwd") as url, pytest.raises(UnreachableError):
        read_checkpoint(Web(url, sleep=lambda _: None))


@pytest.mark.parametrize("target", ["http://[", "http://a..b/", "http://h:x/"])
def test_an_address_that_cannot_be_called_is_unreachable(target):
    with Redirecting(target) as url, pytest.raises(UnreachableError):
        read_checkpoint(Web(url, sleep=lambda _: None))
    with pytest.raises(UnreachableError):
        read_checkpoint(Web(target, sleep=lambda _: None))


class Redirecting(Dripping):
    """Answers every request with a redirect."""

    def __init__(self, target):
        head = f"HTTP/1.0 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
        super().__init__(head.encode())


KEY_OF_TESSERA = (
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
)


@pytest.mark.shared
def test_the_log_of_tessera_is_read_and_proved(shared):
    """All 16 checkpoints, each entry, and consistency between all of them."""
    source = Folder(Path(shared) / "vectors/tlog-tiles/testdata/log")
    latest = LogReader(source, read_checkpoint(source), KEY_OF_TESSERA)
    notes = {
        size: source.fetch(f"checkpoint.{size}", 1000).decode() for size in range(16)
    }
    heads = {size: open_head(note, KEY_OF_TESSERA) for size, note in notes.items()}
    assert [head.size for head in heads.values()] == list(range(16))
    assert latest.head == heads[15]
    entries = list(latest.entries(0, 15))
    assert entries[0] == b"one"

    for size, note in notes.items():
        found = LogReader(source, note, KEY_OF_TESSERA)
        found.check()
        assert list(found.entries(0, size)) == entries[:size]
        for index in range(size):
            leaf = log.leaf_hash(entries[index])
            path = found.path(index)
            log.verify_inclusion(leaf, index, size, path, heads[size].root)
        for old in range(1, size + 1):
            path = found.consistency(old)
            log.verify_consistency(old, size, path, heads[old].root, heads[size].root)


@pytest.mark.shared
def test_our_own_folder_of_the_entries_of_tessera_has_its_bytes(shared, tmp_path):
    theirs = Path(shared) / "vectors/tlog-tiles/testdata/log"
    source = Folder(theirs)
    latest = LogReader(source, read_checkpoint(source), KEY_OF_TESSERA)
    made = SmallLog()
    for each in latest.entries(0, 15):
        publish_log(made.append(each), tmp_path)

    for path in theirs.glob("tile/**/*.p/*"):
        name = path.relative_to(theirs)
        assert (tmp_path / name).read_bytes() == path.read_bytes()
    assert made.root() == latest.head.root
