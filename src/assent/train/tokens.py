"""Tokens: how a text is cut into the numbers that a component reads."""

from collections.abc import Sequence
from typing import Protocol


class Tokens(Protocol):
    """A vocabulary that was made without anybody's words in the corpus.

    Attributes:
        size: of the vocabulary, V.
        bos: what each row begins with.
        pad: what missing positions hold; they weigh nothing.
        unsaid: numbers that are read, never said.
        exact: a text is its tokens' bytes behind each other.
    """

    size: int
    bos: int
    pad: int
    unsaid: tuple[int, ...]
    exact: bool

    def encode(self, text: bytes) -> Sequence[int]:
        """Cut a text, UTF-8 or not; nothing in it is taken for a special token."""

    def decode(self, tokens: Sequence[int]) -> bytes:
        """Put a text together again."""


class ByteTokens:
    """A token is a byte: 256 of them, and BOS and PAD."""

    size = 258
    bos = 256
    pad = 257
    unsaid: tuple[int, ...] = (bos, pad)
    exact = True

    def encode(self, text: bytes) -> Sequence[int]:
        """Give the bytes, which are their own numbers."""
        return text

    def decode(self, tokens: Sequence[int]) -> bytes:
        """Give the bytes back."""
        return bytes(tokens)


BYTES = ByteTokens()
