"""A file is whole or absent, a secret is its owner's alone, a full disk is named."""

import errno
import hashlib
import os
import stat
import subprocess
import sys

import pytest

from assent.errors import UsageError
from assent.files import (
    SECRET_MODE,
    TOGETHER,
    file_sha256,
    full_disk_named,
    link_or_copy,
    publish_folder,
    write_all_whole,
    write_whole,
)


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_what_is_written_is_read_back_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "deep" / "er" / "file.json"

    write_whole(path, b"first")
    write_whole(path, b"second, longer")
    write_whole(path, b"")

    assert path.read_bytes() == b""
    assert names(path.parent) == ["file.json"]


def test_a_file_has_the_mode_that_was_asked_for(tmp_path, usual_umask):
    write_whole(tmp_path / "open", b"x")
    write_whole(tmp_path / "secret", b"x", SECRET_MODE)

    assert mode(tmp_path / "open") == 0o644
    assert mode(tmp_path / "secret") == 0o600


def test_a_secret_over_a_file_that_all_could_read_is_a_secret(tmp_path, usual_umask):
    path = tmp_path / "key"
    write_whole(path, b"public")

    write_whole(path, b"secret", SECRET_MODE)

    assert (path.read_bytes(), mode(path)) == (b"secret", 0o600)


def test_a_draft_of_a_crash_is_replaced_and_its_mode_is_not_taken(tmp_path):
    draft = tmp_path / ".key.draft"
    draft.write_bytes(b"half of a sec")
    draft.chmod(0o666)

    write_whole(tmp_path / "key", b"secret", SECRET_MODE)

    assert names(tmp_path) == ["key"]
    assert mode(tmp_path / "key") == 0o600


def test_a_reader_with_the_old_file_open_goes_on_reading_the_old_one(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"old")

    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old"


def test_many_files_are_written_like_one_whatever_their_number(tmp_path):
    for count in (0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER):
        folder = tmp_path / str(count)
        wanted = {
            folder / f"{n % 3}" / "in" / f"{n}": b"%d" % n * n for n in range(count)
        }
        write_all_whole(wanted.items())
        found = {path for path in folder.rglob("*") if path.is_file()}
        assert {path: path.read_bytes() for path in found} == wanted


def test_of_many_files_only_whole_groups_stay_when_something_fails(tmp_path):
    def until_it_fails():
        for number in range(TOGETHER + 7):
            yield tmp_path / f"{number}", b"new"
        raise RuntimeError("the source ends here")

    (tmp_path / f"{TOGETHER}").write_bytes(b"old")
    with pytest.raises(RuntimeError, match="the source ends here"):
        write_all_whole(until_it_fails())

    assert names(tmp_path) == sorted(map(str, range(TOGETHER + 1)))
    assert (tmp_path / f"{TOGETHER}").read_bytes() == b"old"


# A limit on the size of files stands for a disk that fills up in the middle of a write.
LIMITED = """
import resource, signal, sys
from pathlib import Path
from assent.files import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    write_whole(Path(sys.argv[1]), b"x" * 100_000, 0o600)
except OSError as error:
    print(error.errno)
"""


@pytest.mark.parametrize("old", [None, b"old content"])
def test_a_write_that_fails_half_way_leaves_what_was_there(tmp_path, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)

    command = [sys.executable, "-c", LIMITED, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)

    assert ran.stdout.split() == [str(errno.EFBIG)]
    assert (path.read_bytes() if path.exists() else None) == old
    # A draft may stay, for nobody else to read, until the next write replaces it.
    for draft in set(tmp_path.iterdir()) - {path}:
        assert mode(draft) == 0o600
    write_whole(path, b"again")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_full_disk_is_one_clear_error(tmp_path):
    with (
        pytest.raises(UsageError, match=r"disk is full: `corpus\.parquet`") as caught,
        full_disk_named(tmp_path / "corpus.parquet"),
        open("/dev/full", "wb", buffering=0) as full,
    ):
        full.write(b"x")

    assert "free some space" in caught.value.hint
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_another_fault_is_not_called_a_full_disk(tmp_path, number):
    with pytest.raises(OSError, match="as it was") as caught, full_disk_named(tmp_path):
        raise OSError(number, "as it was")

    assert caught.value.errno == number


def test_a_full_quota_is_a_full_disk(tmp_path):
    with pytest.raises(UsageError, match="is full"), full_disk_named(tmp_path / "x"):
        raise OSError(errno.EDQUOT, "quota")


def test_a_folder_is_there_whole_from_one_instant_on(tmp_path):
    draft, final = tmp_path / "draft", tmp_path / "final"
    write_whole(draft / "a", b"1")
    write_whole(draft / "in" / "b", b"2")

    publish_folder(draft, final)

    assert names(tmp_path) == ["final"]
    assert ((final / "a").read_bytes(), (final / "in" / "b").read_bytes()) == (
        b"1", b"2",
    )  # fmt: skip


def test_a_finished_folder_is_never_written_over(tmp_path):
    draft, final = tmp_path / "draft", tmp_path / "final"
    write_whole(draft / "a", b"new")
    write_whole(final / "a", b"old")

    with pytest.raises(OSError, match="not empty"):
        publish_folder(draft, final)

    assert (final / "a").read_bytes() == b"old"
    assert (draft / "a").read_bytes() == b"new"


def test_a_draft_that_is_not_there_is_not_published(tmp_path):
    with pytest.raises(FileNotFoundError):
        publish_folder(tmp_path / "draft", tmp_path / "final")

    assert names(tmp_path) == []


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_a_file_is_hashed_as_its_bytes_are(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(b"\x07" * size)

    assert file_sha256(path) == hashlib.sha256(b"\x07" * size).hexdigest()


def test_a_linked_file_is_the_same_file_under_a_second_name(tmp_path):
    source, target = tmp_path / "source", tmp_path / "deep" / "target"
    write_whole(source, b"content")
    write_whole(target, b"something older")

    link_or_copy(source, target)

    assert target.read_bytes() == b"content"
    assert source.stat().st_ino == target.stat().st_ino
    # A new content of the source replaces its name, and the other name keeps the old.
    write_whole(source, b"changed")
    assert target.read_bytes() == b"content"


def test_where_links_cannot_reach_the_file_is_copied(tmp_path):
    far = "/dev/shm"
    if not os.access(far, os.W_OK) or os.stat(far).st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system, such as /dev/shm")
    source, target = tmp_path / "source", tmp_path / "target"
    shared = os.path.join(far, f"assent-test-{os.getpid()}")
    with open(shared, "wb") as out:
        out.write(b"content")
    try:
        link_or_copy(type(source)(shared), target)
    finally:
        os.unlink(shared)

    assert target.read_bytes() == b"content"


def test_a_link_to_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "none", tmp_path / "target")

    assert names(tmp_path) == []
