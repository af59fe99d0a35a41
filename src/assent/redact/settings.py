"""Settings: what is put in the place of a span."""

import hashlib
from dataclasses import dataclass

from assent.errors import CorpusError
from assent.redact.entries import lowered
from assent.redact.fold import fold
from assent.redact.spans import Kind
from assent.terms import Style

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """How spans are replaced.

    Args:
        style: what is put in the place of a span.
        key: of the pseudonyms, at least 16 bytes; not needed for placeholders.
        scope: names the corpus, so that two corpora cannot be joined by pseudonyms.
        recogniser: of names that are in no directory, as `open_recogniser` takes it;
            empty: none.

    Raises:
        CorpusError: pseudonyms without a key: whoever guesses a name could check it.
    """

    style: Style = Style.PLACEHOLDER
    key: bytes = b""
    scope: str = ""
    recogniser: str = ""

    def __post_init__(self) -> None:
        if self.style is not Style.PLACEHOLDER and len(self.key) < KEY_BYTES:
            raise CorpusError(
                f"the key of the pseudonyms has {len(self.key)} bytes, wanted at least "
                f"{KEY_BYTES}"
            )

    def stand_in(self, kind: Kind, written: str, document: str) -> str:
        """Say what stands in the place of a span.

        Args:
            kind: of the span.
            written: its text; the same name in another case is the same name.
            document: the id of the text.
        """
        if self.style is Style.PLACEHOLDER:
            return f"[{kind}]"
        inside = document if self.style is Style.DOCUMENT else ""
        what = lowered(fold([written]).text).strip(" \0")
        message = "\0".join((self.scope, inside, kind, what)).encode()
        mark = hashlib.blake2b(message, key=self.key, digest_size=4).hexdigest()
        return f"[{kind}-{mark}]"
