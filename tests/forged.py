"""A corpus whose builder lies: rows are changed, and every digest is made to fit."""

from dataclasses import replace

from assent.canon import sha256
from assent.corpus.draft import parquet
from assent.corpus.manifest import (
    FILES,
    MANIFEST,
    FileEntry,
    files_bytes,
    read_files,
    read_manifest,
)
from assent.corpus.tables import read_table


def forge(folder, changes, **counts):
    """Change tables of a corpus by path, and write its list and manifest anew."""
    entries = {entry.path: entry for entry in read_files(folder)}
    for path, change in changes.items():
        table = change(read_table(folder / path))
        data = parquet(table)
        (folder / path).write_bytes(data)
        entries[path] = FileEntry(path, sha256(data), len(table), len(data))
    files = sorted(entries.values())
    (folder / FILES).write_bytes(files_bytes(files))
    manifest = read_manifest(folder)
    manifest = replace(
        manifest,
        parts=tuple(each for each in files if each.path.startswith("parts/")),
        counts=replace(manifest.counts, **counts),
        files_sha256=sha256(files_bytes(files)),
    )
    (folder / MANIFEST).write_bytes(manifest.to_bytes())


def built_by_a_liar(project, monkeypatch, lie):
    """Build a corpus, and forge it before the ledger is told of it."""
    from assent.project import building

    honest = building.commit

    def commit(place, folder, plan):
        lie(folder)
        return honest(place, folder, plan)

    with monkeypatch.context() as patched:
        patched.setattr(building, "commit", commit)
        return project.build()
