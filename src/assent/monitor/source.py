"""Where a published log is read from: a web server, or a folder.

Nothing that comes from here is believed: it is cut off at a length, waited for only so
long, and handed to `client`, which verifies it.
"""

import http.client
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from assent import __version__
from assent.errors import UsageError

SECONDS_OF_SILENCE = 20.0
SECONDS_A_FILE = 120.0
WAITS = (0.5, 2.0)
"""Seconds before each further try."""
PIECE = 65_536
GONE = (404, 410)
UNZIP = 16 + zlib.MAX_WBITS  # zlib's number for gzip


class UnreachableError(UsageError):
    """The log could not be looked at; this says nothing against it."""


class Source(Protocol):
    """Gives the files of a published log by their names."""

    @property
    def where(self) -> str:
        """Say where, for people: no password, no folder of this machine."""

    def fetch(self, name: str, limit: int) -> bytes | None:
        """Read a file: at most `limit` + 1 bytes of it, or None when there is none.

        Raises:
            UnreachableError: it could not be asked for.
        """


def open_source(where: str) -> Source:
    """Take a URL or a folder for what it is.

    Raises:
        UsageError: it is no address of a log.
    """
    if "://" not in where:
        return Folder(Path(where))
    wrong = UsageError("the log's address is neither http(s)://HOST/PATH nor a folder")
    try:
        parts = urlsplit(where)
        _ = parts.port  # raises where it is no port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "the log's address has a password, a `?` or a `#` in it",
            hint="give the public address alone, such as https://club.example/log",
        )
    if not where.isascii() or not where.isprintable() or " " in where:
        raise UsageError(
            "the log's address has a blank or a letter in it that no URL has",
            hint="write it as `%` and its number: `%20` for a blank",
        )
    return Web(where)


class Folder:
    """A published log that lies on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = f"folder `{folder.resolve().name}`"

    def fetch(self, name: str, limit: int) -> bytes | None:
        """Read a file of the folder."""
        try:
            with (self._folder / name).open("rb") as stream:
                return stream.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnreachableError(
                f"`{name}` of {self.where} cannot be read: {error.strerror}",
                hint="check who may read it",
            ) from error


class Web:
    """A published log on a web server.

    Args:
        url: what stands before `/checkpoint`.
        sleep: waits some seconds between two tries.
        silence: seconds without a byte after which a try is given up.
        longest: seconds that one try may take in all, however slowly bytes drip.
    """

    def __init__(
        self,
        url: str,
        sleep: Callable[[float], None] = time.sleep,
        silence: float = SECONDS_OF_SILENCE,
        longest: float = SECONDS_A_FILE,
    ) -> None:
        self.where = url.rstrip("/")
        self._sleep = sleep
        self._silence = silence
        self._longest = longest
        # No `file:`, `ftp:` or `data:`, also not by a redirect.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def fetch(self, name: str, limit: int) -> bytes | None:
        """Ask for a file, and again after a while when the network fails."""
        for wait in (*WAITS, None):
            try:
                return self._ask(f"{self.where}/{name}", limit)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code in GONE:
                    return None
                why = f"it answers {error.code}"
            except urllib.error.URLError as error:
                why = _said(error.reason)
            except (OSError, http.client.HTTPException, zlib.error) as error:
                why = _said(error)
            except ValueError:  # a name that is none, here or where we are sent on to
                why = "there is no such address"
            if wait is None:
                break
            self._sleep(wait)
        raise UnreachableError(
            f"`{name}` of {self.where} cannot be read: {why}",
            hint="check the address and the network, then look again",
        )

    def _ask(self, url: str, limit: int) -> bytes:
        request = urllib.request.Request(
            url,
            headers={
                "Accept-Encoding": "gzip, identity",
                "Cache-Control": "no-cache",
                "User-Agent": f"assent/{__version__}",
            },
        )
        ends = time.monotonic() + self._longest
        with self._opener.open(request, timeout=self._silence) as answer:
            coding = (answer.headers.get("Content-Encoding") or "identity").lower()
            if coding not in ("gzip", "identity"):
                raise http.client.HTTPException(f"it answers in `{coding[:20]}`")
            unzip = zlib.decompressobj(UNZIP) if coding == "gzip" else None
            data = b""
            # One byte more than allowed: whoever verifies sees that it is too long.
            while len(data) <= limit:
                piece = answer.read1(PIECE)
                if not piece:
                    _check_whole(answer, unzip)
                    break
                room = limit + 1 - len(data)
                data += unzip.decompress(piece, room) if unzip else piece[:room]
                if time.monotonic() > ends:
                    raise TimeoutError
        return data


def _check_whole(answer: http.client.HTTPResponse, unzip: object) -> None:
    """Tell a connection that broke from a file that ended."""
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)
    if unzip is not None and not getattr(unzip, "eof", True):
        raise zlib.error("it ends inside a compressed file")


def _said(reason: object) -> str:
    """Say why in words: not with a path or a number of this machine."""
    if isinstance(reason, http.client.IncompleteRead):
        return "the connection broke"
    if isinstance(reason, TimeoutError):
        return "no whole answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    # A server may put anything into its answer: nothing of it may reach a terminal.
    said = "".join(one if one.isprintable() else "?" for one in str(reason))
    return said[:200] or type(reason).__name__
