"""Send to one person after another, and say of each whether she was reached.

Reached means: the mail server took her mail, or the platform answered her call with a
2xx. Anything else, a silence and a cut line too, is not: she is told again next time.
"""

import http.client
import ipaddress
import smtplib
import ssl
from email.message import EmailMessage
from enum import StrEnum
from types import TracebackType
from urllib.parse import SplitResult, urlsplit

from assent.errors import UsageError

BUSY = frozenset({421, 429})  # "not now": SMTP, HTTP


class Outcome(StrEnum):
    """What became of one message."""

    SERVED = "served"
    REFUSED = "refused"  # this one was not taken
    DOWN = "down"  # none would be taken now


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, so that nobody is between."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class MailServer:
    """A mail server, connected when it is made.

    Args:
        host: its name.
        port: its port.
        starttls: refuse to send anything before the line is encrypted.
        credentials: user and password; None: none are needed.
        timeout: seconds to wait for an answer.
        context: whom to trust; what the system trusts by default.

    Raises:
        UsageError: there is none, or it does not take what it is offered.
    """

    def __init__(
        self,
        host: str,
        port: int,
        starttls: bool,
        credentials: tuple[str, str] | None = None,
        timeout: float = 30,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._where = (host, port)
        self._starttls = starttls
        self._credentials = credentials
        self._timeout = timeout
        self._context = context or ssl.create_default_context()
        self._server: smtplib.SMTP | None = self._connect()

    def send(self, message: EmailMessage) -> Outcome:
        """Send one mail to its one recipient."""
        try:
            server = self._server = self._server or self._connect()
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            return self._failed(codes <= BUSY)
        except (smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
            return self._failed(getattr(error, "smtp_code", 0) in BUSY)
        except (OSError, UsageError):
            return self._failed(True)
        return Outcome.SERVED

    def _failed(self, down: bool) -> Outcome:
        if not down:
            return Outcome.REFUSED
        self.close()  # the next one begins with a line that is known to be whole
        return Outcome.DOWN

    def close(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        self._server = None

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self) -> smtplib.SMTP:
        name = f"the mail server `{self._where[0]}:{self._where[1]}`"
        try:
            server = smtplib.SMTP(*self._where, timeout=self._timeout)
            try:
                self._begin(server)
            except BaseException:
                server.close()
                raise
        except smtplib.SMTPAuthenticationError as error:
            raise UsageError(
                f"{name} does not take the user and password",
                hint="set ASSENT_SMTP_USER and ASSENT_SMTP_PASSWORD",
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            raise UsageError(
                f"{name} offers no STARTTLS, or no way to log in",
                hint="name another server, or accept an open line with `--insecure`",
            ) from error
        except (OSError, UnicodeError) as error:  # smtplib's own are of the first
            raise UsageError(
                f"{name} cannot be reached, or its certificate is not trusted",
                hint="check its name and port",
            ) from error
        return server

    def _begin(self, server: smtplib.SMTP) -> None:
        if self._starttls:
            server.starttls(context=self._context)
        if self._credentials is not None:
            server.login(*self._credentials)


def webhook_url(url: str) -> SplitResult:
    """Read where calls go: by https, or to this machine.

    Raises:
        UsageError: it is no such URL, or has a password in it.
    """
    try:
        found = urlsplit(url)
        host, _ = found.hostname or "", found.port
        url.encode("ascii")
    except ValueError:
        host = ""
    known = host and found.scheme in ("https", "http") and found.username is None
    if not known or not url.isprintable() or " " in url:
        raise UsageError(
            "the webhook is no URL that can be called",
            hint="write it like https://platform.example/notices, without a password",
        )
    if found.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"the webhook at `{host}` would be called in the open",
            hint="use https: a call names a person",
        )
    return found


class Webhook:
    """A platform's own way to show something to its members.

    Args:
        url: as `webhook_url` read it.
        timeout: seconds to wait for an answer.
        context: whom to trust; what the system trusts by default.
    """

    def __init__(
        self,
        url: SplitResult,
        timeout: float = 30,
        context: ssl.SSLContext | None = None,
    ) -> None:
        host, port = url.hostname or "", url.port
        self._line: http.client.HTTPConnection = (
            http.client.HTTPConnection(host, port, timeout=timeout)
            if url.scheme == "http"
            else http.client.HTTPSConnection(
                host,
                port,
                timeout=timeout,
                context=context or ssl.create_default_context(),
            )
        )
        self._path = (url.path or "/") + (f"?{url.query}" if url.query else "")

    def send(self, body: bytes, headers: dict[str, str]) -> Outcome:
        """Make one call. A redirection is not followed: nobody was shown anything."""
        try:
            self._line.request("POST", self._path, body, headers)
            answer = self._line.getresponse()
            answer.read(65_536)
            if not answer.isclosed():
                self._line.close()  # a long answer that nobody needs
        except (OSError, UnicodeError, http.client.HTTPException):
            self._line.close()
            return Outcome.DOWN
        if 200 <= answer.status < 300:
            return Outcome.SERVED
        down = answer.status >= 500 or answer.status in BUSY
        return Outcome.DOWN if down else Outcome.REFUSED

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def __enter__(self) -> "Webhook":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
