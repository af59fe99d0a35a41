"""Keys, secrets and clock from a seed: for a labelled demonstration, nowhere else.

Two runs of the demo then give the same bytes. What is drawn here can be drawn again by
anybody who knows the seed, so it protects nobody.
"""

import hashlib


class UnsafeSeededRandomness:
    """Give "secret" bytes that a seed decides: SHA-256 of seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed.to_bytes(32, "big", signed=True)
        self._count = 0

    def __call__(self, size: int) -> bytes:
        """Give the next `size` bytes."""
        found = b""
        while len(found) < size:
            self._count += 1
            block = self._seed + self._count.to_bytes(8, "big")
            found += hashlib.sha256(b"assent/v1/unsafe-demo" + block).digest()
        return found[:size]


class StoryClock:
    """A clock that stands where the story is. Microseconds UTC."""

    def __init__(self, start: int) -> None:
        self.now = start

    def __call__(self) -> int:
        """Read the time."""
        return self.now

    def at(self, time: int) -> None:
        """Move on to an instant; the story never goes back."""
        self.now = max(self.now, time)
