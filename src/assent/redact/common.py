"""Common words: what a lower-case word is apart from a member's name.

By the lists of the shipped name recogniser, English first: a name is worth as much as a
word in another language is.
"""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from assent.redact.person_features import Listed, crc

COMMON = 4
"""Words of the classes 1 to 4 of 7 are met in most texts."""


@cache
def _lists() -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    from assent.redact.person import MODEL  # read only where a name may be disguised

    with np.load(MODEL, allow_pickle=False) as file:
        keys, classes = file["word_keys"], file["word_classes"]
    order = np.argsort(keys)
    return keys[order], classes[order]


@lru_cache(maxsize=1 << 14)
def listed(word: str) -> Listed:
    """Look a word up, in lower case."""
    keys, classes = _lists()
    key = np.uint32(crc(word))  # of the keys' type, or each call converts them all
    at = int(np.searchsorted(keys, key))
    return Listed.of(int(classes[at]) if at < len(keys) and keys[at] == key else 0)


def is_common(word: str) -> bool:
    """Say whether a lower-case word is a common English one."""
    return 0 < listed(word).word <= COMMON
