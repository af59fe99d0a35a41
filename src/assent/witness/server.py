"""A witness over HTTP: `POST <prefix>/add-checkpoint`, and nothing else.

Whatever is sent, a request gets one line of plain text and a status of the
specification; what goes wrong on our own side is 503, with nothing of us in it. Bodies,
headers, waiting and the number of connections have limits. There is no TLS here: put a
proxy in front, or stay on this machine.

Source: C2SP tlog-witness v1.0.0.
"""

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from assent.errors import UsageError
from assent.witness.call import at_most
from assent.witness.cosigning import MAX_BODY, PLAIN, Answer, Cosigner

PATH = "/add-checkpoint"
MAX_CONNECTIONS = 64
WAIT = 15.0  # seconds for a silent line
LONGEST = 60.0  # seconds for a line in all: who drips a byte now and then holds a place


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness. `serve_forever` runs it, `shutdown` stops it.

    Args:
        address: host and port; port 0 takes a free one, see `port`.
        cosigner: answers the requests.
        say: is told one line for each request; no line holds what a stranger sent.

    Raises:
        UsageError: the address cannot be used.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        cosigner: Cosigner,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.cosigner = cosigner
        self.say = say
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(address, Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"cannot listen on `{address[0]}:{address[1]}`",
                hint="choose another address with `--listen HOST:PORT`",
            ) from error

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, while there is room for one."""
        if not self._places.acquire(blocking=False):
            self.say("too many connections: one was closed")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end."""
        try:
            with at_most(request, LONGEST):
                super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say that a line broke; the other side gets nothing of ours to read."""
        self.say("a connection ended early")


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection."""

    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "assent-witness"
    sys_version = ""
    timeout = WAIT

    def do_POST(self) -> None:
        """Answer `add-checkpoint`."""
        if self.path != PATH:
            return self._refuse(HTTPStatus.NOT_FOUND, f"only {PATH} is served")
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not length:
            why = "the body needs a Content-Length"
            return self._refuse(HTTPStatus.LENGTH_REQUIRED, why)
        if not (length.isascii() and length.isdigit() and len(length) < 16):
            return self._refuse(HTTPStatus.BAD_REQUEST, "the Content-Length is no size")
        if int(length) > MAX_BODY:
            why = f"the body has more than {MAX_BODY} bytes"
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            return self._refuse(HTTPStatus.BAD_REQUEST, "the body is cut off")
        try:
            answer = self.server.cosigner.answer(body)
        except UsageError as error:
            why = "the witness cannot answer now"
            said = f"{error.message} ({error.hint})"
            answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, f"{why}\n", said)
        return self._send(answer)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Refuse what is no request that we serve; called by the library."""
        # The library says 501 to an unknown method and 505 to an unknown version: those
        # are mistakes of who asks, not ours.
        status = {
            501: HTTPStatus.METHOD_NOT_ALLOWED,
            505: HTTPStatus.BAD_REQUEST,
        }.get(code) or HTTPStatus(code)
        if self.request_version == "HTTP/0.9":
            self.request_version = "HTTP/1.0"  # else the status would not be sent
        self._refuse(status, "this is no request that a witness answers")

    def log_message(self, format: str, *args: Any) -> None:
        """Drop the library's own lines, which hold what a stranger sent."""

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # what follows in the line is not read
        self._send(Answer(status, PLAIN, f"{why}\n", why))

    def _send(self, answer: Answer) -> None:
        self.server.say(f"{answer.status.value} {answer.said}")
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
