"""Asking witnesses: all at once, each verified, and what an alarm looks like."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.errors import ProofError
from assent.merkle.cosign import cosign, cosigner_key
from assent.merkle.quorum import Witness
from assent.witness.collect import collect
from small_witness import NOW, SmallLog, witnessing

OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = cosigner_key("press.example/w", OTHER.public_key())


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, body))
        status, answer, slow = self.server.answers.pop(0)
        self.send_response(status)
        if not slow:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        for at in range(len(answer)):
            self.wfile.write(answer[at : at + 1] if slow else answer[at:])
            if not slow:
                return
            time.sleep(slow)

    def log_message(self, *args):
        pass


@contextmanager
def saying(*answers) -> Iterator[ThreadingHTTPServer]:
    """A server that gives these answers in turn: status, body, seconds a byte."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.answers = [(*each, 0)[:3] for each in answers]
    server.asked = []
    server.daemon_threads = True
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_witnesses_that_have_seen_different_sizes_sign_the_same_head(
    tmp_path: Path,
) -> None:
    log = SmallLog(40)
    with (
        witnessing(tmp_path / "a", log.key, name="a.example/w") as new,
        witnessing(tmp_path / "b", log.key, name="b.example/w") as behind,
        witnessing(tmp_path / "c", log.key, name="c.example/w") as there,
    ):
        assert behind.ask(log.request(0, 7))[0] == 200
        assert there.ask(log.request(0, 40))[0] == 200
        witnesses = [
            Witness(str(at), each.key.verifier_key, each.url + "/")
            for at, each in enumerate((new, behind, there))
        ]

        asked = collect(log.note(), witnesses, log.consistency, NOW)

        assert [each.cosigned.timestamp for each in asked] == [NOW] * 3
        assert [each.why for each in asked] == [""] * 3
        assert new.state.last(log.origin).size == 40
        assert behind.state.last(log.origin).size == 40


def test_an_old_copy_and_another_history_are_an_alarm(tmp_path: Path) -> None:
    log, fork = SmallLog(9), SmallLog(4)
    fork.append(*(b"another" for _ in range(8)))
    with witnessing(tmp_path, log.key) as witness:
        assert witness.ask(log.request(0, 9))[0] == 200
        one = [Witness("w", witness.key.verifier_key, witness.url)]

        old = collect(log.note(6), one, log.consistency, NOW)
        same = collect(fork.note(9), one, fork.consistency, NOW)
        longer = collect(fork.note(12), one, fork.consistency, NOW)

    assert "9 entries, here are 6: this is an old copy" in old[0].why
    assert "another head of 9 entries: two histories" in same[0].why
    assert "did not only grow: two histories" in longer[0].why
    for [found] in (old, same, longer):
        assert found.alarm
        assert found.line is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((403, b"no"), "holds another key of this ledger"),
        ((404, b"no"), "does not know this ledger"),
        ((400, b"no"), "does not understand"),
        ((503, b"no"), "answers 503"),
        ((301, b""), "answers what no witness answers"),
        ((409, b"soon\n"), "answers 409"),
        ((409, b"00\n"), "answers 409"),
        ((200, b""), "without a signature of its own"),
        ((200, b"\xff\xfe\n"), "without a signature of its own"),
        ((200, b"x" * 70_000), "answers without end"),
        ((204, b""), "answers what no witness answers"),
        ((299, b""), "answers what no witness answers"),
        ((599, b""), "answers 599"),
        ((200, "\u2014 press.example/w AAAA\n".encode()), "without a signature"),
    ],
)
def test_an_answer_that_is_no_cosignature_does_not_count(answer, why) -> None:
    log = SmallLog(3)
    with saying(answer) as server:
        [found] = collect(
            log.note(), [Witness("w", OTHER_KEY, server.url)], log.consistency, NOW
        )
    assert why in found.why
    assert found.line is None
    assert not found.alarm


def test_only_the_witnesss_own_right_line_is_taken_out_of_an_answer() -> None:
    log = SmallLog(3)
    note = log.note()
    stranger = Ed25519PrivateKey.from_private_bytes(bytes([9] * 32))
    lines = [
        cosign(note, "other.example/w", stranger, NOW),
        cosign(note, "press.example/w", stranger, NOW),
        cosign(log.note(2), "press.example/w", OTHER, NOW),
        cosign(note, "press.example/w", OTHER, NOW + 301),
        cosign(note, "press.example/w", OTHER, NOW + 300),
    ]
    body = "".join(f"{line}\n" for line in lines).encode()
    with saying((200, body), (200, body)) as server:
        one = [Witness("w", OTHER_KEY, f"{server.url}/some/prefix/")]
        [found] = collect(note, one, log.consistency, NOW)
        [early] = collect(note, one, log.consistency, NOW - 2)
        assert server.asked[0][0] == "/some/prefix/add-checkpoint"
    assert found.line == lines[4]
    assert found.cosigned.timestamp == NOW + 300
    assert early.line is None
    assert early.why == "signs with a time that is still to come"


def test_a_witness_that_always_names_another_size_is_asked_no_longer() -> None:
    log = SmallLog(9)
    with saying(*((409, f"{size}\n".encode()) for size in (3, 5, 2, 7))) as server:
        [found] = collect(
            log.note(), [Witness("w", OTHER_KEY, server.url)], log.consistency, NOW
        )
        asked = [body.split(b"\n")[0] for _, body in server.asked]
    assert asked == [b"old 0", b"old 3", b"old 5", b"old 2"]
    assert found.why == "is asked by somebody else at the same time"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "has no URL"),
        ("union.example/w", "cannot be called"),
        ("ftp://union.example", "cannot be called"),
        ("http://user:password@127.0.0.1", "cannot be called"),
        ("http://[::1", "cannot be called"),
        ("http://127.0.0.1:99999", "cannot be called"),
        ("http://127.0.0.1:1/w", "does not answer"),
        ("http://\u00e9\u2028.invalid/", "does not answer"),
        ("https://127.0.0.1:1", "does not answer"),
    ],
)
def test_a_witness_that_cannot_be_reached_is_named_with_the_reason(
    url: str, why: str
) -> None:
    log = SmallLog(3)
    [found] = collect(
        log.note(), [Witness("w", OTHER_KEY, url)], log.consistency, NOW, 2
    )
    assert why in found.why


def test_a_slow_witness_keeps_nobody_waiting(tmp_path: Path) -> None:
    log = SmallLog(3)
    with (
        witnessing(tmp_path, log.key) as quick,
        saying((200, b"x" * 60_000, 0.1)) as slow,
    ):
        witnesses = [
            Witness("slow", OTHER_KEY, slow.url),
            Witness("quick", quick.key.verifier_key, quick.url),
        ]
        begin = time.monotonic()
        asked = collect(log.note(), witnesses, log.consistency, NOW, 0.5)
        took = time.monotonic() - begin
    # It sends a byte every tenth of a second: never silent, and never done.
    assert asked[0].line is None
    assert asked[1].line is not None
    assert took < 4


def test_nobody_is_asked_where_nobody_is_named_and_only_about_a_head() -> None:
    log = SmallLog(1)
    assert collect(log.note(), [], log.consistency, NOW) == []
    with pytest.raises(ProofError):
        collect("no head", [], log.consistency, NOW)
