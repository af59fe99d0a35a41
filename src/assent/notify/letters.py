"""What is sent: one mail a person, or one signed call a person."""

import hmac
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from assent.canon import canonical, sha256
from assent.errors import UsageError
from assent.policy.model import Policy
from assent.terms import instant

# What browsers take for an address (HTML, "valid e-mail address"): no blank, no comma,
# no line end, so that nothing can be added to a header or to the recipients.
ADDRESS = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
SIGNATURE = "Assent-Signature"


@dataclass(frozen=True, slots=True)
class Notice:
    """A text that people are shown.

    Args:
        policy: that needs it.
        text: as it is shown.
        language: it is written in.
        name: of its file, for messages.
    """

    policy: Policy
    text: bytes
    language: str
    name: str

    @property
    def sha256(self) -> str:
        """What the ledger calls it."""
        return sha256(self.text)

    @property
    def words(self) -> str:
        """The text as characters.

        Raises:
            UsageError: it is not UTF-8.
        """
        try:
            return self.text.decode()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"the notice `{self.name}` is not UTF-8",
                hint="save it as UTF-8: people must be able to read it",
            ) from error

    @property
    def title(self) -> str:
        """The first line, which a mail has as its subject."""
        lines = [line.strip(" \t#") for line in self.words.splitlines()]
        return next((line for line in lines if line and line.isprintable()), self.name)


def mail(
    notice: Notice, sender: str, address: str, title: str, now: int, token: str
) -> EmailMessage:
    """Write one person's mail.

    Args:
        notice: whose text is the whole mail.
        sender: its address, which `ADDRESS` takes.
        address: hers, likewise.
        title: the subject line; one printable line.
        now: microseconds UTC.
        token: random, so that the mail's name tells nothing of her.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, address, title
    message["Date"] = format_datetime(instant(now))
    message["Message-ID"] = f"<{token}@{sender.rpartition('@')[2]}>"
    message["Content-Language"] = notice.language
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    message.set_content(notice.words, cte="quoted-printable")
    return message


def call(notice: Notice, subject_id: str) -> bytes:
    """Write one person's call: canonical JSON, with the text that must be shown."""
    return canonical(
        {
            "v": 1,
            "kind": "notice",
            "subject_id": subject_id,
            "policy": notice.policy.version,
            "controller": notice.policy.controller,
            "language": notice.language,
            "notice": notice.sha256,
            "text": notice.words,
        }
    )


def signature(secret: str, body: bytes, seconds: int) -> str:
    """Sign a call and its time, so that an old one cannot be sent again as new.

    HMAC-SHA256 under the secret's UTF-8 bytes, over `<seconds>.<body>`.

    Args:
        secret: that both sides know.
        body: of the call.
        seconds: since 1970, of the call.
    """
    message = f"{seconds}.".encode() + body
    return f"t={seconds},v1={hmac.new(secret.encode(), message, 'sha256').hexdigest()}"
