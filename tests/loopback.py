"""A mail server and a platform on loopback, real to the last byte, and able to fail."""

import datetime
import email
import email.policy
import ipaddress
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Mailbox(socketserver.ThreadingTCPServer):
    """A small SMTP server that keeps what it takes.

    `refused` addresses get 550, `later` addresses 421; it answers the first `mute`
    mails with silence, and hangs up after the text of those that `dropped` names.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Talk)
        self.port = self.server_address[1]
        self.mails, self.said = [], []
        self.refused, self.later, self.dropped = set(), set(), set()
        self.mute = 0
        self.password = None
        self.certificate = certificate

    @property
    def reached(self):
        return [to for to, _ in self.mails]

    def text_of(self, address):
        (found,) = (data for to, data in self.mails if to == address)
        return email.message_from_bytes(found, policy=email.policy.default)


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        self.encrypted, self.user, self.to = False, None, None
        self.say("220 mailbox")
        while line := self.rfile.readline():
            words = line.decode().strip()
            self.server.said.append(words)
            command = words.split(":")[0].split(" ")[0].upper()
            if getattr(self, f"on_{command.lower()}", self.unknown)(words) is False:
                return

    def finish(self):
        super().finish()
        self.connection.close()

    def say(self, *lines):
        for line in lines:
            self.wfile.write(f"{line}\r\n".encode())

    def unknown(self, words):
        self.say("502 what?")

    def on_ehlo(self, words):
        offers = ["mailbox"]
        if self.server.certificate and not self.encrypted:
            offers.append("STARTTLS")
        if self.server.password:
            offers.append("AUTH PLAIN")
        self.say(*(f"250-{each}" for each in offers), "250 8BITMIME")

    def on_starttls(self, words):
        self.say("220 go on")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate)
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            return False
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.encrypted = True
        return None

    def on_auth(self, words):
        good = words.split(" ")[2] == self.server.password
        self.say("235 come in" if good else "535 no")

    def on_mail(self, words):
        self.say("250 ok")

    def on_rcpt(self, words):
        self.to = words.split("<")[1].split(">")[0]
        if self.to in self.server.refused:
            self.say("550 nobody of this name")
        elif self.to in self.server.later:
            self.say("421 not now")
            return False
        else:
            self.say("250 ok")
        return None

    def on_data(self, words):
        self.say("354 go on")
        data = b""
        while (line := self.rfile.readline()) != b".\r\n":
            data += line.removeprefix(b".")
        if self.to in self.server.dropped:
            return False
        if self.server.mute:
            self.server.mute -= 1
            time.sleep(0.5)
            return False
        self.server.mails.append((self.to, data))
        self.say("250 taken")
        return None

    def on_rset(self, words):
        self.say("250 ok")

    def on_quit(self, words):
        self.say("221 bye")
        return False


class Platform(ThreadingHTTPServer):
    """Keeps every call; `answers` gives the status of each in turn, 204 at the end."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/notices?from=assent"
        self.calls, self.answers = [], []
        self.slow = 0.0


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, dict(self.headers), body))
        time.sleep(self.server.slow)
        answers = self.server.answers
        status = answers.pop(0) if answers else 204
        if status is None:  # hang up without a word
            self.close_connection = True
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if status != 204:
            self.send_header("Content-Length", "2")
        self.end_headers()
        if status != 204:
            self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


def running(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def mailbox():
    yield from running(Mailbox())


@pytest.fixture
def platform():
    yield from running(Platform())


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody but its holder trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailbox")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mailbox.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_mailbox(certificate):
    yield from running(Mailbox(certificate))
