"""Made-up text that compresses like what people write, at a gigabyte a second.

Words are made of syllables, the frequent ones short, and drawn by Zipf's law; some
follow each other as set phrases, as in real prose. They stand in a pool of sentences,
and a document is some sentences of the pool: drawing one costs little more than copying
its bytes. The pool is far larger than what a compressor looks back on, so that a
sentence is rarely found again.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WORDS = 40_000
PHRASES = 60_000
PHRASE_SHARE = 0.28
"""Of what is drawn: tuned so that Zstandard and Snappy shrink the texts as they shrink
real ones (2.5 and 1.6 times for chat, 2.9 and 1.8 for questions and answers)."""
SENTENCES = 600_000
FUNCTION_WORDS = """
the of and to a in is that for it on with as was at by be this are from or have
an they which you one we had not but what all were when there can your if more
will so do my about who out up them some like time just our into then now people
how its
"""
SYLLABLES = """
a be ca con de di en er fi for ge ha in is ka la lo ma men mi na ne no or pa per
po pro ra re ri ro sa se si so sta su ta te ti to tra un ve vi wa
"""


class TextPool:
    """Sentences of which texts are made.

    Args:
        rng: decides everything.
        sentences: how many; each is about 11 words.
    """

    def __init__(self, rng: np.random.Generator, sentences: int = SENTENCES) -> None:
        pool = _sentences(rng, sentences)
        self._size = sentences
        # Each sentence twice, with and without a space behind it: then a text is a run
        # of neighbours in one buffer, and needs no joining.
        spaced = pc.binary_join_element_wise(pool, "", " ")
        self._pool = pa.concat_arrays([spaced, pool])
        self.mean = pc.mean(pc.binary_length(spaced)).as_py()

    def texts(self, rng: np.random.Generator, lengths: np.ndarray) -> pa.Array:
        """Draw texts.

        Args:
            rng: decides which.
            lengths: (N,) float, characters wanted, > 0; met on average.

        Returns:
            (N,) string; each is one sentence or more.
        """
        # Rounded up or down by chance, so that the mean is what was wanted.
        counts = np.floor(lengths / self.mean + rng.random(len(lengths)))
        counts = np.maximum(counts, 1).astype(np.int64)
        ends = np.cumsum(counts)
        drawn = rng.integers(self._size, size=ends[-1])
        drawn[ends - 1] += self._size  # nothing behind the last one
        return _joined(self._pool.take(pa.array(drawn)), ends)


def _joined(pieces: pa.Array, ends: np.ndarray) -> pa.Array:
    """Make one text of each run of pieces: they are neighbours in memory already."""
    _, offsets, data = pieces.buffers()
    old = np.frombuffer(offsets, np.int32)
    new = np.concatenate([old[:1], old[ends]])
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(new), data)


def _sentences(rng: np.random.Generator, count: int) -> pa.Array:
    words = _words(rng)
    phrases = _phrases(rng, words)
    units = pa.concat_arrays([words, phrases])
    lengths = 3 + rng.poisson(6, size=count)
    total = int(lengths.sum())
    drawn = _zipf(rng, len(words), total)
    is_phrase = rng.random(total) < PHRASE_SHARE
    drawn[is_phrase] = WORDS + _zipf(rng, PHRASES, int(is_phrase.sum()))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), units.take(pa.array(drawn)))
    joined = pc.utf8_capitalize(pc.binary_join(lists, " "))
    marks = pa.array([".", ".", ".", "!", "?", ", and more", ":"])
    return pc.binary_join_element_wise(
        joined, marks.take(pa.array(rng.integers(len(marks), size=count))), ""
    )


def _zipf(rng: np.random.Generator, kinds: int, count: int) -> np.ndarray:
    """Draw ranks by Zipf's law: rank r with a weight of 1 / (r + 2)."""
    edge = np.log((kinds + 2) / 2)
    drawn = 2 * np.exp(rng.random(count) * edge) - 2
    return np.minimum(drawn, kinds - 1).astype(np.int64)


def _words(rng: np.random.Generator) -> pa.Array:
    """Make words, frequent ones short; some are made twice, as words have senses."""
    made = [
        "".join(
            rng.choice(SYLLABLES.split(), size=1 + min(3, 1 + rank.bit_length() // 6))
        )
        for rank in range(WORDS - len(FUNCTION_WORDS.split()))
    ]
    return pa.array([*FUNCTION_WORDS.split(), *made])


def _phrases(rng: np.random.Generator, words: pa.Array) -> pa.Array:
    """Make phrases of two to four words that stand together again and again."""
    parts: list[Any] = []
    for size in (2, 3, 4):
        drawn = (_zipf(rng, WORDS, PHRASES // 3) for _ in range(size))
        chosen = [words.take(pa.array(each)) for each in drawn]
        parts.append(pc.binary_join_element_wise(*chosen, " "))
    order = rng.permutation(PHRASES)
    return pa.concat_arrays(parts).take(pa.array(order))
