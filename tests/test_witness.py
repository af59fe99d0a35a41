"""A witness: what it signs, what it refuses, and what no crash or race can undo."""

import http.client
import random
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from assent.errors import UsageError
from assent.merkle.cosign import Cosigned, open_cosignature
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.witness.cosigning import Cosigner, known_logs
from assent.witness.keeping import State, draw_key, read_key_file
from small_witness import NOW, ORIGIN, SmallLog, ask, asking, witnessing

SIZE = "text/x.tlog.size"
SIGSUM = (
    "sigsum.org/v1/tree/"
    "4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
)
CASE = re.compile(
    r"POST http://localhost:7380/add-checkpoint\n```\n(.*?)```\nHTTP (\d+)\n"
    r'\[Asserts\]\nbody (?:contains "(.*?)"|== "(.*?)")\n',
    re.S,
)


def cosigned(witness, note, answer):
    """The status is 200, and the body is a cosignature of this very head."""
    status, _, body = answer
    assert status == 200
    return open_cosignature(note + body, witness.key.verifier_key)


@pytest.mark.shared
def test_the_nine_requests_of_another_witnesss_script_are_answered_as_there(
    shared: Path, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    script = (shared / "vectors/litewitness.txt").read_text()
    raw = re.search("add-sigsum-log -key=([0-9a-f]{64})", script)[1]
    key = verifier_key(SIGSUM, Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw)))
    cases = CASE.findall(script)
    assert len(cases) == 9
    with witnessing(tmp_path, key, name="example.com/witness") as witness:
        for body, status, contains, equals in cases:
            found, kind, answer = witness.ask(body.encode())
            if contains == "unknown log":
                status = "404"  # tlog-witness v1.0.0; the script still says 403
            assert found == int(status), answer
            if equals:
                assert answer == equals.replace("\\n", "\n")
                assert kind == SIZE
            else:
                assert contains in answer
        assert witness.state.last(SIGSUM).size == 5


def test_a_log_that_grows_is_cosigned_each_time(tmp_path: Path) -> None:
    log = SmallLog(70)
    with witnessing(tmp_path, log.key) as witness:
        old = 0
        for size in (1, 2, 3, 7, 8, 9, 64, 70):
            answer = witness.ask(log.request(old, size))
            wanted = Cosigned("union.example/w1", NOW)
            assert cosigned(witness, log.note(size), answer) == wanted
            old = size
        # The same head once more: nothing to prove, and a newer time.
        assert witness.ask(log.request(70, 70))[0] == 200


def test_an_empty_log_is_cosigned_and_may_then_begin(tmp_path: Path) -> None:
    log = SmallLog(3)
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 0))[0] == 200
        assert witness.ask(log.request(0, 3))[0] == 200
        wrong = sign_head(TreeHead(ORIGIN, 0, bytes(32)), log.private_key)
        assert witness.ask(asking(0, [], wrong))[0] == 409
    other = SmallLog(origin="b.example/l")
    with witnessing(tmp_path / "new", other.key) as witness:
        wrong = sign_head(TreeHead(other.origin, 0, bytes(32)), other.private_key)
        assert witness.ask(asking(0, [], wrong))[0] == 422


def test_a_log_that_is_rolled_back_is_refused_with_the_size_that_was_seen(
    tmp_path: Path,
) -> None:
    log = SmallLog(9)
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 9))[0] == 200
        for old, new in ((0, 5), (5, 5), (3, 5), (0, 9)):
            assert witness.ask(log.request(old, new)) == (409, SIZE, "9\n")
        status, _, why = witness.ask(asking(9, [], log.note(5)))
        assert (status, why) == (
            400,
            "the old size is above the size of the checkpoint\n",
        )
        assert witness.state.last(ORIGIN).size == 9


def test_a_split_view_is_refused_and_its_proof_is_kept(tmp_path: Path) -> None:
    log, fork = SmallLog(9), SmallLog(5)
    fork.append(*(b"another" for _ in range(7)))
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 9))[0] == 200
        assert witness.ask(fork.request(9, 9, [])) == (409, SIZE, "9\n")
        assert witness.ask(fork.request(9, 12))[0] == 422
        heads, splits = witness.state.all()
    assert [one.root for one in heads] == [log.root()]
    assert [(one.size, one.root, one.note) for one in splits] == [
        (9, fork.root(9), fork.note(9))
    ]
    assert any("SPLIT VIEW at 9" in line for line in witness.said)


def test_growth_that_is_not_shown_is_refused(tmp_path: Path) -> None:
    log = SmallLog(13)
    path = log.consistency(5, 13)
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 5, [bytes(32)]))[0] == 422
        assert witness.ask(log.request(0, 5))[0] == 200
        for wrong in (
            [],
            path[:-1],
            path[1:],
            [*path, bytes(32)],
            path[::-1],
            [bytes(32), *path[1:]],
        ):
            assert witness.ask(log.request(5, 13, wrong))[0] == 422
        assert witness.ask(log.request(5, 5, path))[0] == 422
        assert witness.ask(log.request(5, 13, path))[0] == 200


def test_only_the_logs_own_key_counts(tmp_path: Path) -> None:
    log, stranger = SmallLog(3), SmallLog(3, seed=2)
    unknown = SmallLog(3, origin="other.example/ledger")
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(stranger.request(0))[0] == 403
        assert witness.ask(unknown.request(0)) == (
            404,
            "text/plain; charset=utf-8",
            "unknown log\n",
        )
        # A stranger's line beside the log's own is passed over.
        both = log.note() + stranger.note().split("\n\n")[1]
        assert witness.ask(asking(0, [], both))[0] == 200


def test_a_log_may_have_two_keys_while_it_changes_them(tmp_path: Path) -> None:
    old, new = SmallLog(5), SmallLog(5, seed=2)
    with witnessing(tmp_path, old.key, new.key) as witness:
        assert witness.ask(old.request(0, 3))[0] == 200
        assert witness.ask(new.request(3, 5))[0] == 200


def garbage():
    log = SmallLog(3)
    good = log.request(0)
    yield from (b"", b"\n", b"\n\n", b"old", b"old 0", b"old 0\n\n", b"\xff\xfe" * 50)
    yield from (
        b"old 00\n\n",
        b"old -1\n\n",
        b"old 1e3\n\n",
        b"OLD 0\n\n",
        b"old  0\n\n",
    )
    yield good.replace(b"old 0\n", b"old 99999999999999999999\n")
    yield good.replace(b"old 0\n", b"old 0\nnot base64\n")
    yield good.replace(b"old 0\n", b"old 0\nAAAA\n")
    yield good.replace(b"old 0\n", b"old 0\n" + b"A" * 44 + b"\n")
    yield good.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64)
    yield good.replace(b"\n3\n", b"\n03\n")
    yield good.replace(b"\n3\n", b"\n-3\n")
    yield good[:-1]
    yield good.replace(b"\n", b"\r\n")
    yield good + b"\x00"
    yield b"[" * 100_000
    yield b"old 0\n\n" + b"\n" * 100_000
    maker = random.Random(4)
    for _ in range(150):
        changed = bytearray(good)
        for _ in range(maker.randint(1, 4)):
            changed[maker.randrange(len(changed))] = maker.randrange(256)
        yield bytes(changed)


def test_garbage_is_never_our_own_fault_and_is_never_signed(tmp_path: Path) -> None:
    log = SmallLog(3)
    good = log.request(0)
    with witnessing(tmp_path, log.key) as witness:
        tried = 0
        for body in garbage():
            if body == good:
                continue
            status, kind, answer = witness.ask(body)
            assert status in (400, 403, 404, 409, 422), (status, answer)
            assert kind in (SIZE, "text/plain; charset=utf-8")
            assert "Traceback" not in answer
            assert answer.count("\n") == 1
            tried += 1
        assert tried > 150
        assert witness.state.last(ORIGIN) is None
        assert cosigned(witness, log.note(), witness.ask(good))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("BREW", "/add-checkpoint", 405),
        ("POST", "/", 404),
        ("POST", "/add-checkpoint/../add-checkpoint", 404),
        ("POST", "/" + "a" * 70_000, 414),
    ],
)
def test_only_one_request_is_served(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    log = SmallLog(1)
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(b"", path, method)[0] == status
        assert witness.ask(log.request(0))[0] == 200


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 9x\r\n\r\n", b"400"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (
            b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Length: 3\r\n\r\n",
            b"411",
        ),
        (b"POST /add-checkpoint HTTP/7.0\r\n\r\n", b"400"),
        (b"hello\r\n\r\n", b"400"),
        (b"POST / x y z\r\n\r\n", b"400"),
        (b"\x00\xff\x00\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n", b"431"),
    ],
)
def test_a_request_that_is_no_http_is_refused_and_the_server_goes_on(
    tmp_path: Path, request_head: bytes, status: bytes
) -> None:
    log = SmallLog(1)
    with witnessing(tmp_path, log.key) as witness:
        with socket.create_connection(("127.0.0.1", witness.port), 10) as line:
            line.sendall(request_head)
            line.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: line.recv(4096), b""))
        assert status in answer.split(b"\r\n")[0]
        assert b"Traceback" not in answer
        assert b" 50" not in answer.split(b"\r\n")[0]
        assert witness.ask(log.request(0))[0] == 200


def test_one_line_serves_many_requests(tmp_path: Path) -> None:
    log = SmallLog(9)
    with witnessing(tmp_path, log.key) as witness:
        line = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=20)
        for old, new in ((0, 3), (3, 4), (2, 9), (4, 9)):
            line.request("POST", "/add-checkpoint", log.request(old, new))
            answer = line.getresponse()
            assert answer.status == (409 if old == 2 else 200)
            assert answer.read()
        line.close()


def test_of_twenty_requests_at_once_none_rolls_the_witness_back(tmp_path: Path) -> None:
    log = SmallLog(21)
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 1))[0] == 200
        begin = threading.Barrier(20)

        def race(size: int) -> tuple[int, str]:
            begin.wait()
            status, _, body = witness.ask(log.request(1, size))
            return status, body

        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(race, range(2, 22)))
        # All asked from size 1: exactly one can be first, all others come too late.
        won = [at for at, (status, _) in enumerate(answers) if status == 200]
        assert len(won) == 1
        size = won[0] + 2
        lost = [answer for answer in answers if answer[0] != 200]
        assert lost == [(409, f"{size}\n")] * 19
        assert witness.state.last(ORIGIN).size == size


def test_racing_logs_that_try_again_end_at_the_largest_size(tmp_path: Path) -> None:
    log = SmallLog(20)
    signed = []
    with witnessing(tmp_path, log.key) as witness:

        def climb(size: int) -> None:
            old = 0
            while True:
                status, _, body = witness.ask(log.request(old, size))
                if status == 200:
                    signed.append((old, size))
                if status == 200 or int(body) > size:
                    return
                old = int(body)

        with ThreadPoolExecutor(20) as threads:
            list(threads.map(climb, range(1, 21)))
        assert witness.state.last(ORIGIN).size == 20
    # Each signature went on from where the one before had ended.
    chain = sorted(signed)
    assert [old for old, _ in chain] == [0, *(size for _, size in chain[:-1])]


def asked_at_once(begin, witness, body) -> int:
    begin.wait()
    return witness.ask(body)[0]


def test_two_programs_with_one_state_never_sign_two_histories(tmp_path: Path) -> None:
    history, key = [b"the first"], SmallLog().key
    with (
        witnessing(tmp_path, key) as one,
        witnessing(tmp_path, key) as two,
        ThreadPoolExecutor(2) as threads,
    ):
        for turn in range(12):
            logs = SmallLog(), SmallLog()
            held = [[*history, b"%d %s" % (turn, word)] for word in (b"a", b"b")]
            for log, entries in zip(logs, held, strict=True):
                log.append(*entries)
            begin, old = threading.Barrier(2), len(history) if turn else 0
            asked = [
                threads.submit(asked_at_once, begin, witness, log.request(old))
                for witness, log in zip((one, two), logs, strict=True)
            ]
            answers = [each.result() for each in asked]
            assert sorted(answers) == [200, 409]
            history = held[answers.index(200)]
        assert one.state.last(ORIGIN) == two.state.last(ORIGIN)
        assert two.state.last(ORIGIN).size == 13
        assert len(one.state.all()[1]) == 12  # each loser's head is kept as a proof


DIES = """
import os, signal, sys
from pathlib import Path
from assent.witness import cosigning
from assent.witness.cosigning import Cosigner, known_logs
from assent.witness.keeping import State, read_key_file

def signs_and_dies(*said, sign=cosigning.cosign):
    assert "club.example" in said[0] and sign(*said)
    os.kill(os.getpid(), signal.SIGKILL)

class Dies(State):
    def changing(self):
        from contextlib import contextmanager
        @contextmanager
        def block():
            with super(Dies, self).changing() as state:
                yield state
                if sys.argv[3] == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
            if sys.argv[3] == "after":
                os.kill(os.getpid(), signal.SIGKILL)
        return block()

cosigning.cosign = signs_and_dies
folder = Path(sys.argv[1])
state = Dies(folder / "witness.db")
witness = Cosigner(read_key_file(folder), state, known_logs([sys.argv[2]]), lambda: 1)
print(witness.answer(sys.stdin.buffer.read()))
"""


@pytest.mark.parametrize(
    ("when", "stored"), [("before", 3), ("after", 8), ("once signed", 8)]
)
def test_killed_around_the_commit_it_has_signed_nothing_that_it_has_not_stored(
    tmp_path: Path, when: str, stored: int
) -> None:
    log, fork = SmallLog(9), SmallLog(3)
    fork.append(*(b"another" for _ in range(6)))
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 3))[0] == 200

    killed = subprocess.run(
        [sys.executable, "-c", DIES, tmp_path, log.key, when],
        input=log.request(3, 8),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    assert killed.stdout == b""  # no signature left it
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 9)) == (409, SIZE, f"{stored}\n")
        if stored == 8:  # it is bound to what it stored, though nobody got a signature
            assert witness.ask(fork.request(8, 8, []))[0] == 409
        assert cosigned(witness, log.note(9), witness.ask(log.request(stored, 9)))


def serve(folder: Path, key: str) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "assent", "witness", "serve", str(folder)]
    process = subprocess.Popen(
        [*command, "--log", key, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[1] == f"cosigns {ORIGIN}\n", lines
    return process, int(lines[2].rpartition(":")[2])


def ask_until_it_is_gone(log: SmallLog, port: int, size: int, key: str) -> int:
    """Grow by one entry at a time; give the last size that was signed."""
    while True:
        if size == log.size:
            log.append(b"one more")
        try:
            status, _, answer = ask(port, log.request(size, size + 1))
        except (OSError, http.client.HTTPException):
            return size
        assert status == 200
        size += 1
        assert open_cosignature(log.note(size) + answer, key)


def test_killed_at_any_time_it_never_signed_a_head_that_it_does_not_remember(
    tmp_path: Path,
) -> None:
    log = SmallLog(1)
    key = draw_key(tmp_path, "union.example/w1")
    maker = random.Random(7)
    stored = 0
    for _ in range(6):
        process, port = serve(tmp_path, log.key)
        killer = threading.Timer(maker.uniform(0.02, 0.3), process.kill)
        killer.start()
        signed = ask_until_it_is_gone(log, port, stored, key.verifier_key)
        killer.join()
        assert process.wait(20) == -signal.SIGKILL
        process.stdout.close()
        state = State.open(tmp_path)
        last = state.last(ORIGIN)
        state.close()
        stored = last.size if last else 0
        assert stored - signed in (0, 1)  # the one that was asked for, at most
        log.append(*(b"more" for _ in range(stored - log.size)))
    assert signed > 6


def test_stopped_by_a_signal_it_ends_well(tmp_path: Path) -> None:
    log = SmallLog(2)
    draw_key(tmp_path, "union.example/w1")
    process, port = serve(tmp_path, log.key)
    assert ask(port, log.request(0))[0] == 200
    process.terminate()
    assert process.wait(20) == 0
    assert process.stdout.read() == "stopped\n"
    process.stdout.close()


def test_key_and_state_are_for_their_owner_alone(tmp_path: Path) -> None:
    log = SmallLog(2)
    folder = tmp_path / "w"
    with witnessing(folder, log.key) as witness:
        witness.ask(log.request(0))
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()
        }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"witness.key", "witness.db", "witness.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_the_key_is_read_back_and_a_second_one_is_not_drawn(tmp_path: Path) -> None:
    key = draw_key(tmp_path, "union.example/w1")
    assert read_key_file(tmp_path).verifier_key == key.verifier_key
    with pytest.raises(UsageError, match="a witness in"):
        draw_key(tmp_path, "union.example/w1")
    with pytest.raises(UsageError, match="cannot name a witness"):
        draw_key(tmp_path / "b", "two words")
    assert not (tmp_path / "b").exists()


def test_a_key_file_that_was_changed_anywhere_is_refused(tmp_path: Path) -> None:
    draw_key(tmp_path, "union.example/w1")
    path = tmp_path / "witness.key"
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        if good[at : at + 1].isalnum() and at > good.rindex(b"+"):
            # Another seed is another key, whose hash is not the one in the line.
            with pytest.raises(UsageError, match="not the key of a witness"):
                read_key_file(tmp_path)
        else:
            with pytest.raises(UsageError):
                read_key_file(tmp_path)
    path.unlink()
    with pytest.raises(UsageError, match="there is no witness"):
        read_key_file(tmp_path)


def test_a_witness_whose_state_is_gone_or_damaged_does_not_begin_anew(
    tmp_path: Path,
) -> None:
    draw_key(tmp_path, "union.example/w1")
    (tmp_path / "witness.db").write_bytes(b"no database" * 100)
    with pytest.raises(UsageError, match="cannot be used"):
        State.open(tmp_path)
    # Emptied, or another program's: it would cosign a second version of everything.
    (tmp_path / "witness.db").write_bytes(b"")
    for _ in range(2):  # to be asked twice changes nothing
        with pytest.raises(UsageError, match="not the state of a witness"):
            State.open(tmp_path)
    (tmp_path / "witness.db").unlink()
    with pytest.raises(UsageError, match="would not know what it has seen"):
        State.open(tmp_path)


def test_a_state_that_another_program_holds_is_no_stack_trace(tmp_path: Path) -> None:
    log = SmallLog(2)
    with witnessing(tmp_path, log.key) as witness:
        witness.state._connection.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(tmp_path / "witness.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        answer = witness.ask(log.request(0))
        assert answer == (
            503,
            "text/plain; charset=utf-8",
            "the witness cannot answer now\n",
        )
        other.execute("ROLLBACK")
        other.close()
        assert witness.ask(log.request(0))[0] == 200


def test_who_drips_a_byte_now_and_then_holds_no_place_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.witness.server.LONGEST", 0.5)
    with (
        witnessing(tmp_path, SmallLog().key) as witness,
        socket.create_connection(("127.0.0.1", witness.port), 10) as line,
    ):
        line.sendall(b"POST /add-checkpoint HTTP/1.1\r\nX: ")
        wait_for(lambda: witness.server._places._value == 63)

        def let_go() -> bool:
            with suppress(OSError):  # never silent, and never done
                line.sendall(b"a")
            return witness.server._places._value == 64

        wait_for(let_go, 10)


def test_a_connection_too_many_is_closed_and_room_comes_back(tmp_path: Path) -> None:
    log = SmallLog(2)
    with witnessing(tmp_path, log.key) as witness:
        lines = [
            socket.create_connection(("127.0.0.1", witness.port), 10) for _ in range(64)
        ]
        wait_for(lambda: witness.server._places._value == 0)
        with socket.create_connection(("127.0.0.1", witness.port), 10) as late:
            late.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ConnectionResetError):  # closed before it could read us
                assert late.recv(100) == b""
        for line in lines:
            line.close()
        wait_for(lambda: witness.server._places._value == 64)
        assert witness.ask(log.request(0))[0] == 200


def wait_for(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_time_of_a_signature_is_taken_while_the_head_is_the_largest(
    tmp_path: Path,
) -> None:
    log = SmallLog(3)
    draw_key(tmp_path, "union.example/w1")
    state = State.open(tmp_path)
    seen = []

    def clock() -> int:
        seen.append(state._connection.in_transaction)
        return 5

    cosigner = Cosigner(read_key_file(tmp_path), state, known_logs([log.key]), clock)
    answer = cosigner.answer(log.request(0))
    state.close()
    assert (answer.status, seen) == (200, [True])
