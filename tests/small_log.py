"""A log in memory that can lie, and a web server that hands out a folder."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical
from assent.ledger.publish import publish_log
from assent.merkle import log
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.tiles import extend, node

ORIGIN = "club.example/ledger"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = verifier_key(ORIGIN, PRIVATE.public_key())
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def entry(number, salt=""):
    """Give an entry about nobody that a reader can tell from every other."""
    commit = log.leaf_hash(f"{number}{salt}".encode()).hex()
    return canonical(
        {
            "v": 1,
            "type": "subject_event",
            "recorded_at": 1000 + number,
            "commit": commit,
        }
    )


class SmallLog:
    """Signs whatever it holds: `entries_` may be changed to rewrite history."""

    def __init__(self, count=0, origin=ORIGIN, private=PRIVATE):
        self.origin, self.private = origin, private
        self.held, self.tiles, self.lines = [], {}, {}
        self.append(*map(entry, range(count)))

    @property
    def verifier_key(self):
        return verifier_key(self.origin, self.private.public_key())

    @property
    def size(self):
        return len(self.held)

    def append(self, *entries):
        leaves = [log.leaf_hash(each) for each in entries]
        self.tiles.update(extend(self.size, leaves, self.tile))
        self.held += entries
        return self

    def grow(self, count):
        return self.append(*(entry(self.size + n) for n in range(count)))

    def rewritten(self, index, value=None):
        """Give another log that differs in one entry: what a liar would serve."""
        other = SmallLog(0, self.origin, self.private)
        held = list(self.held)
        held[index] = value or entry(index, "another")
        return other.append(*held)

    def tile(self, level, index):
        return self.tiles[level, index]

    def entries(self, start, stop):
        return iter(self.held[start:stop])

    def node(self, level, position):
        return node(level, position, self.tile)

    def root(self, size=None):
        return log.root(self.size if size is None else size, self.node)

    def head(self):
        return TreeHead(self.origin, self.size, self.root())

    def note(self):
        return sign_head(self.head(), self.private)

    def cosigned_note(self, size=None):
        assert size in (None, self.size)
        return self.note() + "".join(self.lines.get(self.size, ()))


def published(folder, *entries_or_count, **named):
    """Publish a new log into a folder and give the log."""
    made = SmallLog(*entries_or_count, **named)
    publish_log(made, folder)
    return made


class Site(ThreadingHTTPServer):
    """Hands out a folder; `broken` paths get these statuses, one after another."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), partial(Page, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked = []
        self.broken = {}
        self.bodies = {}
        self.headers = {}


class Page(SimpleHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        statuses = self.server.broken.get(name)
        if statuses:
            self.send_error(statuses.pop(0))
        elif name in self.server.bodies:
            self.send_response(200)
            for header in self.server.headers.get(name, {}).items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(self.server.bodies[name])
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def site(tmp_path):
    """A web server over `tmp_path / "site"`."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = Site(folder)
    server.folder = folder
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
