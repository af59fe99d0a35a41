"""Assent at the text: speed, the directory's cost, what is found, growth with size."""

import ctypes
import gc
import json
import math
import os
import random
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from redact_names import MANY_NAMES, NAMES, names
from redact_peers import BATCH, found, read_before
from redact_planted import email, handle, phone
from redact_text import GROWING, Document, Planted, growing, load

from assent.redact.directory import COLUMNS, Directory
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind
from assent.sources.schema import SUBJECTS

KEY = bytes(32)
OTHERS = 10_000
"""Directory entries of each kind beside the names, where recall is measured."""
BETWEEN_WORDS = re.compile(r"(?<=\w) (?=\w)|\Z")
HERS = pa.schema([SUBJECTS.field(name) for name in ("subject_id", *COLUMNS)])
Figures = dict[str, object]
Entries = Mapping[Kind, Sequence[str]]


def patterns(text: Path, scale: float) -> Figures:
    """Normalise and match patterns, with an empty directory; the text is replaced."""
    return redacted(text, Redactor(Directory.of({}, KEY)))


def directory(text: Path, scale: float) -> Figures:
    """The same, with the directory of a million names."""
    return redacted(text, Redactor(named(names(NAMES, scale))))


def directory_size(text: Path, scale: float) -> Figures:
    """Build the directory of ten million names: seconds, and memory a name.

    Memory is what the process holds beyond what it held before there were names, once
    the list they came in is gone; the peak is what the build adds to it and that list.
    The digest that pins a directory is not part of the build: a tenth of the names.
    """
    before = _resident()
    listed = names(MANY_NAMES, scale)
    with_names = _resident()
    _forget_peak()
    started = time.process_time()
    made = named(listed)
    seconds = time.process_time() - started
    peak = _memory("VmHWM") - with_names
    count = len(listed)
    del listed
    figures: Figures = {
        "directory_names": len(made),
        "directory_build_s": seconds,
        "directory_bytes_per_name": (_resident() - before) / count,
        "directory_peak_bytes_per_name": peak / count,
    }
    tenth = named(names(NAMES, scale))
    started = time.process_time()
    digest = tenth.digest
    seconds = time.process_time() - started
    assert len(digest) == 64  # it was read, so it was made
    return figures | {"directory_digest_tenth_s": seconds}


def recall(text: Path, scale: float) -> Figures:
    """Find entries as written, one in each document: known ones, and ones that left."""
    draw = random.Random("recall")
    entries = _entries(scale, draw)
    planted = [_with_entry(each.text, entries, draw) for each in load(text)]
    used = {kind: {value for _, k, value in planted if k is kind} for kind in entries}
    documents = [document for document, _, _ in planted]
    figures: Figures = {"recall_planted": len(planted)}
    for key, made in (
        ("directory_recall", Directory.of(entries, KEY)),
        ("hashed_recall", _left(entries, used)),
    ):
        texts = [each.text for each in documents]
        counts = found(documents, _spans(Redactor(made), texts))
        figures[key] = sum(counts["found"].values()) / len(planted)
        for kind, count in counts["planted"].items():
            figures[f"{key}_{kind}"] = counts["found"][kind] / count
    return figures


def growth(text: Path, scale: float) -> Figures:
    """Redact texts of three sizes, read and written by the batch.

    The exponent is the slope of log time against log size, 1 where time is linear.
    """
    figures: dict[str, float] = {}
    redactor = Redactor(named(names(NAMES, scale)))
    for size in GROWING:
        held = _resident()
        _forget_peak()
        started = time.process_time()
        path = growing(text.parent, size)
        with path.open(encoding="utf-8") as lines, open(os.devnull, "w") as out:
            rows = map(json.loads, lines)
            while texts := [body for body, _ in islice(rows, BATCH)]:
                out.writelines(each.text for each in redactor.redact(texts))
        figures[f"growth_{size:g}mb_s"] = time.process_time() - started
        figures[f"growth_{size:g}mb_peak_mib"] = (_memory("VmHWM") - held) / 2**20
    points = [(math.log(s), math.log(figures[f"growth_{s:g}mb_s"])) for s in GROWING]
    figures["growth_exponent"], _ = statistics.linear_regression(
        *zip(*points, strict=True)
    )
    return dict(figures)


def named(listed: Sequence[str]) -> Directory:
    """Make a directory of names that belong to no known subject."""
    return Directory.of({Kind.NAME: listed}, KEY)


def redacted(text: Path, redactor: Redactor) -> Figures:
    """Time the redaction of a text, and count what of the planted it removes."""
    documents = load(text)
    texts = [each.text for each in documents]
    redactor.redact([each.text for each in load(read_before(text))])
    gc.collect()  # for everybody: what loading left is not the pass's business
    started = time.process_time()
    redactor.redact(texts)
    seconds = time.process_time() - started
    size = sum(len(each.encode()) for each in texts)
    return {"bytes_per_s": size / seconds} | found(documents, _spans(redactor, texts))


def _spans(redactor: Redactor, texts: Sequence[str]) -> Iterator[list[tuple[int, int]]]:
    for spans in redactor.find(texts):
        yield [(span.start, span.end) for span in spans]


def _entries(scale: float, draw: random.Random) -> Entries:
    """Make up what a directory holds of each kind; a name is by far the most."""
    others = max(100, int(OTHERS * scale))
    return {
        Kind.NAME: names(NAMES, scale),
        Kind.HANDLE: sorted({handle(draw) for _ in range(others)}),
        Kind.EMAIL: sorted({email(draw) for _ in range(others)}),
        Kind.PHONE: sorted({phone(draw) for _ in range(others)}),
        Kind.URL: sorted({f"example.com/{handle(draw)}" for _ in range(others)}),
    }


def _with_entry(
    text: str, entries: Entries, draw: random.Random
) -> tuple[Document, Kind, str]:
    """Put an entry between two words, or at the end; three of seven are names."""
    kind = draw.choice([Kind.NAME, Kind.NAME, *entries])
    entry = draw.choice(entries[kind])
    at = draw.choice([each.start() for each in BETWEEN_WORDS.finditer(text)])
    whole = f"{text[:at]} {entry}{text[at:]}"
    start = at + 1
    planted = Planted(kind.value, start, start + len(entry))
    return Document(whole, [planted]), kind, entry


def _left(entries: Entries, used: dict[Kind, set[str]]) -> Directory:
    """Make the directory after the bearer of all that was planted has left."""
    rows = []
    for subject, leaves in (("u-left", True), ("u-stays", False)):
        row: dict[str, object] = {"subject_id": subject}
        for column, kind in COLUMNS.items():
            values = entries.get(kind, ())
            row[column] = [each for each in values if (each in used[kind]) is leaves]
        rows.append(row | {"employer": None})
    table = pa.Table.from_pylist(rows, schema=HERS)
    return Directory.from_subjects(table, KEY).hide("u-left")


def _resident() -> float:
    """Bytes that the process holds once what nobody needs has gone back."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    return _memory("VmRSS")


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) * 1024
    raise KeyError(field)
