"""Simulated ages for a dump that says none, so that its story can be told.

Without them the answer is "age unknown, denied" for everybody: right, and short.
"""

import hashlib
from collections.abc import Iterable, Iterator

import pyarrow as pa

ADULT, MINOR = 880, 20
"""Of 1,000 people: shown to be adult, shown to be a minor; the others stay unknown."""


def with_simulated_ages(
    subjects: Iterable[pa.RecordBatch], seed: int
) -> Iterator[pa.RecordBatch]:
    """Fill `age_band` where the dump has none, for most people.

    A subject's answer depends on the seed and her id alone.
    """
    for batch in subjects:
        bands = [
            known or _band(seed, subject_id)
            for known, subject_id in zip(
                batch.column("age_band").to_pylist(),
                batch.column("subject_id").to_pylist(),
                strict=True,
            )
        ]
        place = batch.schema.get_field_index("age_band")
        yield batch.set_column(place, "age_band", pa.array(bands, pa.string()))


def _band(seed: int, subject_id: str) -> str | None:
    draw = hashlib.sha256(f"age {seed} {subject_id}".encode()).digest()
    number = int.from_bytes(draw[:8], "big") % 1000
    if number < ADULT:
        return "adult"
    return "minor" if number < ADULT + MINOR else None
