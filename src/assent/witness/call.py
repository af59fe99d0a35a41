"""One call over HTTP, with a limit on everything: time, size, and where it leads."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urlsplit

MAX_ANSWER = 65_536  # bytes


class CallError(Exception):
    """Nobody answered; the text says why, after the name of who was called."""


def post(
    url: str, below: str, body: bytes, kind: str, seconds: float
) -> tuple[int, bytes]:
    """Send a body and give the status and the body of the answer.

    A redirection is an answer like others: nobody is called who was not named.

    Args:
        url: by http or https, without a user or password.
        below: path below that of the URL.
        body: what is sent.
        kind: its content type.
        seconds: for each wait; twice that for all of it.

    Raises:
        CallError: there is no such place, it does not answer in time, or without end.
    """
    try:
        where = urlsplit(url)
        line = _connection(where, seconds)
    except ValueError:
        raise CallError("has a URL that cannot be called") from None
    try:
        line.connect()
        with at_most(line.sock, 2 * seconds):
            path = (where.path.rstrip("/") + below) or "/"
            path += f"?{where.query}" if where.query else ""
            line.request("POST", path, body, {"Content-Type": kind})
            answer = line.getresponse()
            data = answer.read(MAX_ANSWER + 1)
    except (OSError, UnicodeError, http.client.HTTPException):
        raise CallError("does not answer") from None
    finally:
        line.close()
    if len(data) > MAX_ANSWER:
        raise CallError("answers without end")
    return answer.status, data


def _connection(where: SplitResult, seconds: float) -> http.client.HTTPConnection:
    """Make ready to call.

    Raises:
        ValueError: no such URL can be called.
    """
    host, port = where.hostname, where.port
    if not host or where.scheme not in ("http", "https") or where.username is not None:
        raise ValueError(where.scheme)
    if where.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)


@contextmanager
def at_most(line: socket.socket, seconds: float) -> Iterator[None]:
    """Hang up on a call, made or taken, that goes on too long.

    The line's own timeout begins anew with every byte, this one does not.
    """
    timer = threading.Timer(seconds, _hang_up, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # it ended by itself
        line.shutdown(socket.SHUT_RDWR)
