"""Toy projects about names in texts: the people of `small_project`, other texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assent import Project
from assent.corpus.manifest import Manifest, read_manifest
from assent.sources.schema import DOCUMENTS, SUBJECTS
from small_project import (
    CONFIG,
    COUNTRIES,
    POLICY,
    START,
    corpus_of,
    opened,
    recorded,
    write_policy,
)

NAMED = CONFIG.replace('"comment", "private', '"comment", "name", "private')
AGREE = """\
[[allow]]
name = "names"
regions = ["*"]
categories = ["name"]
purpose = "train.generative.content"
recipients = ["ourselves"]
basis = "consent"
"""
NAMES = {
    "u01": ["Anna Lee"],
    "u02": ["Ben Berg"],
    "u03": ["Cleo Marsh"],
    "u04": ["Ben Berg"],  # two of one name
    "u05": ["Dora"],
}
KEEP = '[redact]\nnames = "keep"\n'


def project(
    folder: Path, texts: Mapping[str, str], redact: str = "", **more: Mapping[str, Any]
) -> None:
    """Make a toy project of some documents, `AUTHOR-NUMBER` -> text.

    Args:
        folder: of the project.
        texts: of posts.
        redact: end of the policy, such as `[redact]` and its settings.
        more: further columns of documents, by name: document id -> value.
    """
    recorded(folder, publish=False, told=False, config=NAMED)
    rows = [
        {
            "document_id": document_id,
            "subject_id": document_id[:3],
            "category": "post",
            "created_at": START - 100 * 86_400_000_000 + n,
            "text": text,
        }
        | {name: column.get(document_id) for name, column in more.items()}
        for n, (document_id, text) in enumerate(texts.items())
    ]
    people = [
        {
            "subject_id": who,
            "country": country,
            "birth_year": 1980,
            "names": NAMES.get(who, []),
        }
        for who, country in COUNTRIES.items()
    ]
    paths = folder.parent / "named.parquet", folder.parent / "people.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=DOCUMENTS), paths[0])
    pq.write_table(pa.Table.from_pylist(people, schema=SUBJECTS), paths[1])
    with opened(folder) as there:
        there.load("parquet", *paths)
        there.publish(write_policy(folder, POLICY + AGREE + redact))
        notice = folder / "notices/2025.en.md"
        there.record("notice_served", all_subjects=True, notice=notice)


def texts_of(there: Project, corpus_id: str | None = None) -> dict[str, str]:
    """Read every text of a corpus, the latest by default."""
    folder = there.place.corpus_folder(corpus_id or corpus_of(there))
    found = {}
    for path in sorted(folder.glob("parts/*/*.parquet")):
        table = pq.ParquetFile(path).read()
        columns = (table[name].to_pylist() for name in ("document_id", "text"))
        found |= dict(zip(*columns, strict=True))
    return found


def table_of(there: Project, name: str) -> list[dict[str, Any]]:
    """Read a table of the latest corpus as rows."""
    folder = there.place.corpus_folder(corpus_of(there))
    rows: list[dict[str, Any]] = pq.ParquetFile(folder / name).read().to_pylist()
    return rows


def manifest_of(there: Project) -> Manifest:
    """Read the manifest of the latest corpus."""
    return read_manifest(there.place.corpus_folder(corpus_of(there)))
