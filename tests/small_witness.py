"""A log in memory that signs its heads, for witnesses to look at; and a way to ask."""

import http.client
import threading
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.merkle import log
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.strict import base64_text
from assent.witness.cosigning import Cosigner, known_logs
from assent.witness.keeping import State, draw_key, read_key_file
from assent.witness.server import WitnessServer

ORIGIN = "club.example/ledger"
NOW = 1_700_000_000


class SmallLog:
    """Entries `entry 0`, `entry 1`, ... and whatever else a test appends."""

    def __init__(self, entries=0, origin=ORIGIN, seed=1):
        self.origin = origin
        self.private_key = Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32))
        self.key = verifier_key(origin, self.private_key.public_key())
        self.nodes = {}
        self.size = 0
        self.append(*(f"entry {number}".encode() for number in range(entries)))

    def append(self, *entries):
        for entry in entries:
            leaf = log.leaf_hash(entry)
            for level, position, value in log.appended(self.size, leaf, self.get):
                self.nodes[level, position] = value
            self.size += 1

    def get(self, level, position):
        return self.nodes[level, position]

    def root(self, size=None):
        return log.root(self.size if size is None else size, self.get)

    def note(self, size=None):
        size = self.size if size is None else size
        return sign_head(TreeHead(self.origin, size, self.root(size)), self.private_key)

    def consistency(self, old, new):
        return log.consistency_path(old, new, self.get) if old else []

    def inclusion(self, number, size=None):
        size = self.size if size is None else size
        return log.inclusion_path(number, size, self.get)

    def request(self, old, new=None, path=None):
        new = self.size if new is None else new
        path = self.consistency(old, new) if path is None else path
        return asking(old, path, self.note(new))


def asking(old, path, note):
    lines = "".join(f"{base64_text(one)}\n" for one in path)
    return f"old {old}\n{lines}\n{note}".encode()


class Wits:
    """A witness in a folder, its server on a free port."""

    def __init__(self, folder, keys, name="union.example/w1", clock=lambda: NOW):
        if not (folder / "witness.key").exists():
            draw_key(folder, name)
        self.key = read_key_file(folder)
        self.state = State.open(folder)
        self.said = []
        self.cosigner = Cosigner(self.key, self.state, known_logs(keys), clock)
        self.server = WitnessServer(
            ("127.0.0.1", 0), self.cosigner, lambda line: self.said.append(line)
        )
        self.port = self.server.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=[0.02], daemon=True
        )
        self.thread.start()

    def ask(self, body, path="/add-checkpoint", method="POST"):
        return ask(self.port, body, path, method)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.state.close()


@contextmanager
def witnessing(folder, *keys, **settings):
    witness = Wits(folder, keys, **settings)
    try:
        yield witness
    finally:
        witness.close()


def ask(port, body, path="/add-checkpoint", method="POST"):
    """Send one request: status, kind of body, body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request(method, path, body)
        answer = line.getresponse()
        kind = answer.headers["Content-Type"]
        return answer.status, kind, answer.read().decode()
    finally:
        line.close()
