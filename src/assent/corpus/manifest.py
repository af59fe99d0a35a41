"""The manifest: what a corpus is, in Croissant 1.1 and in our own strict words.

Croissant readers pass over what they do not know and accept a malformed hash, so what
we rely on stands in one section of our own (`assent:build`), with its digest.
`read_manifest` builds the whole manifest again from that section and compares the
bytes: no word of it can be changed alone. Who changes all of it in step is found by the
ledger, which pins `Manifest.digest`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assent.canon import canonical, digest, sha256
from assent.errors import CorpusError, ProofError
from assent.files import file_sha256
from assent.merkle.note import open_statement
from assent.policy.redaction import Redaction
from assent.terms import iso

FORMAT = "assent/corpus/v1"
MANIFEST = "manifest.json"
FILES = "files.jsonl"
ERASED = "erased.json"
SHREDDED = "shredded.note"
SHREDDED_LINE = "assent shredded/v1"
FIRST_VERSION = "1.0.0"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CORPUS_ID = re.compile(r"corpus-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Everything that decides what is in a corpus; its digest names the corpus.

    Args:
        purpose: dotted path.
        recipients: every recipient that the decisions were made for; order is nothing.
        as_of: microseconds UTC; the instant of the decisions.
        ledger_size: entries of the ledger that the decisions saw.
        policies: sha256 of each policy in force; order is nothing.
        documents: digest of the documents table.
        subjects: digest of the subjects table.
        directory: `Directory.digest`.
        plan: digest of the sealed plan, which fixes groups, shards and slices.
        derived_from: the corpus that this one repairs.
        simulated: choices or people were made up for a demonstration.
        redaction: what is done with personal data in texts; a repair keeps that of
            the corpus that it repairs, whatever policy is in force by then.

    Raises:
        CorpusError: no recipient, or a digest that is none.
    """

    purpose: str
    recipients: tuple[str, ...]
    as_of: int
    ledger_size: int
    policies: tuple[str, ...]
    documents: str
    subjects: str
    directory: str
    plan: str
    derived_from: str | None = None
    simulated: bool = False
    redaction: Redaction = field(default_factory=Redaction)

    def __post_init__(self) -> None:
        if not self.recipients:
            raise CorpusError("a corpus is built for at least one recipient, found 0")
        digests = (self.documents, self.subjects, self.directory, self.plan)
        for value in (*self.policies, *digests):
            if not _DIGEST.fullmatch(value):
                raise CorpusError(
                    f"`{value}` is no digest: wanted 64 hexadecimal digits"
                )
        if self.derived_from and not _CORPUS_ID.fullmatch(self.derived_from):
            raise CorpusError(f"`{self.derived_from}` is no corpus id")

    @property
    def identity(self) -> dict[str, Any]:
        """The request as one JSON value, the same for every order of its lists."""
        identity = asdict(self) | {
            "recipients": sorted(set(self.recipients)),
            "policies": sorted(set(self.policies)),
            "format": FORMAT,
        }
        # The strictest settings are not written: corpora from before there were any
        # keep their names.
        del identity["redaction"]
        if self.redaction != Redaction():
            identity["redaction"] = self.redaction.to_json()
        return identity

    @property
    def corpus_id(self) -> str:
        """The name of the corpus: `corpus-` and 16 hexadecimal digits."""
        return f"corpus-{digest(self.identity)[:16]}"

    @classmethod
    def from_identity(cls, identity: Mapping[str, Any]) -> "BuildRequest":
        """Read what `identity` wrote. Raises: CorpusError, KeyError, TypeError."""
        values = dict(identity)
        if values.pop("format") != FORMAT:
            raise CorpusError(f"the corpus is not in the format `{FORMAT}`")
        for name in ("recipients", "policies"):
            values[name] = tuple(values[name])
        if "redaction" in values:
            values["redaction"] = Redaction.from_json(values["redaction"])
        return cls(**values)


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """One file of a corpus. `path` is relative, with `/`; `bytes` is its size."""

    path: str
    sha256: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much went in and came out. Redaction is counted on used documents only.

    Args:
        characters_before: of the used documents, before redaction.
        characters_kept: of these, what stands outside placeholders.
    """

    documents_used: int
    subjects_used: int
    documents_dropped: int
    dropped_by_reason: Mapping[str, int]
    used_by_category: Mapping[str, int]
    used_by_group: Mapping[str, int]
    redacted_by_kind: Mapping[str, int]
    characters_before: int
    characters_kept: int

    @property
    def share_removed(self) -> float:
        """Share of the characters that redaction took away, 0 to 1, six decimals."""
        if not self.characters_before:
            return 0.0
        return round(1 - self.characters_kept / self.characters_before, 6)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says.

    Args:
        request: what was asked for.
        counts: what came of it.
        parts: the text files, by path; `files` also lists the tables beside them.
        files_sha256: pins `files.jsonl`, which pins every other file.
        version: a removal raises the first number.
        writer: the Parquet writer, whose bytes differ between its versions.
    """

    request: BuildRequest
    counts: Counts
    parts: tuple[FileEntry, ...]
    files_sha256: str
    version: str
    writer: str

    @property
    def corpus_id(self) -> str:
        """The name of the corpus."""
        return self.request.corpus_id

    @property
    def digest(self) -> str:
        """What the ledger logs: sha256 of the manifest's bytes."""
        return sha256(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Write the manifest: canonical JSON, the same bytes for the same corpus."""
        request = self.request
        section = {
            "corpus_id": self.corpus_id,
            "identity": request.identity,
            "counts": asdict(self.counts),
            "share_removed": self.counts.share_removed,
            "parts": [asdict(part) for part in self.parts],
            "files_sha256": self.files_sha256,
            "version": self.version,
            "writer": self.writer,
        }
        document: dict[str, Any] = {
            "@context": _CONTEXT,
            "@type": "sc:Dataset",
            "name": self.corpus_id,
            "description": _description(self),
            "conformsTo": "http://mlcommons.org/croissant/1.1",
            "license": _LICENSE,
            "version": self.version,
            "datePublished": iso(request.as_of),
            "isLiveDataset": False,
            "distribution": _distribution(self.files_sha256),
            "recordSet": [_record_set()],
            "assent:simulated": request.simulated,
            "assent:build": section,
            "assent:build_sha256": digest(section),
        }
        if request.derived_from:
            document["prov:wasDerivedFrom"] = {"@id": request.derived_from}
        return canonical(document)


def next_version(version: str) -> str:
    """Raise the first number: records were removed. Source: Croissant 1.1, Version."""
    return f"{int(version.split('.')[0]) + 1}.0.0"


def files_bytes(files: Sequence[FileEntry]) -> bytes:
    """Write the file list: one canonical JSON object a line, sorted by path."""
    return b"".join(canonical(asdict(entry)) + b"\n" for entry in sorted(files))


def shredded_text(corpus_id: str, files: Iterable[FileEntry]) -> str:
    """Write which files are others since somebody's rows were taken out of them."""
    lines = files_bytes(tuple(files)).decode()
    return f"{SHREDDED_LINE}\n{corpus_id}\n{lines}"


def read_shredded(folder: Path) -> dict[str, FileEntry]:
    """Read which files are others now, by path; who signed it is not checked here.

    Raises:
        CorpusError: not what `shredded_text` writes.
    """
    path = folder / SHREDDED
    if not path.exists():
        return {}
    lines = path.read_bytes().partition(b"\n\n")[0].split(b"\n")
    try:
        found = [FileEntry(**json.loads(line)) for line in lines[2:]]
    except (ValueError, TypeError) as error:
        raise _not_ours(folder, SHREDDED) from error
    return {entry.path: entry for entry in found}


def check_shredded(folder: Path, verifier_key: str) -> None:
    """Check who signed that files of a corpus are others now, if any are.

    Raises:
        CorpusError: the ledger's key did not sign it, or signed it of another corpus.
    """
    path = folder / SHREDDED
    if not path.exists():
        return
    try:
        text = open_statement(path.read_text("utf-8"), verifier_key, f"`{SHREDDED}`")
    except (ProofError, UnicodeDecodeError) as error:
        raise _not_ours(folder, SHREDDED) from error
    if text != shredded_text(folder.name, read_shredded(folder).values()):
        raise _not_ours(folder, SHREDDED)


def read_files(folder: Path) -> tuple[FileEntry, ...]:
    """Read the file list of a corpus, with what somebody's erasure changed in it.

    Raises:
        CorpusError: absent, or not what `files_bytes` writes.
    """
    data = _read(folder / FILES)
    try:
        rows = [json.loads(line) for line in data.splitlines()]
        files = tuple(FileEntry(**row) for row in rows)
        same = files_bytes(files) == data
    except (ValueError, TypeError) as error:
        raise _not_ours(folder, FILES) from error
    if not same:
        raise _not_ours(folder, FILES)
    others = read_shredded(folder)
    return tuple(others.get(entry.path, entry) for entry in files)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a corpus, also of one whose text was erased.

    Raises:
        CorpusError: absent, or one byte differs from what its own section says.
    """
    data = _read(folder / MANIFEST)
    try:
        document = json.loads(data)
        section = document["assent:build"]
        if document["assent:build_sha256"] != digest(section):
            raise _not_ours(folder, MANIFEST)
        manifest = Manifest(
            request=BuildRequest.from_identity(section["identity"]),
            counts=Counts(**section["counts"]),
            parts=tuple(FileEntry(**part) for part in section["parts"]),
            files_sha256=section["files_sha256"],
            version=section["version"],
            writer=section["writer"],
        )
        same = manifest.to_bytes() == data
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_ours(folder, MANIFEST) from error
    if not same:
        raise _not_ours(folder, MANIFEST)
    return manifest


def check_parts(folder: Path) -> Manifest:
    """Hash every file of a corpus again. Reads all of it, in constant memory.

    Raises:
        CorpusError: a file is changed, missing or not listed; the message names it. Or
            the text was erased.
    """
    manifest = read_manifest(folder)
    if (folder / ERASED).exists():
        raise CorpusError(
            f"the text of `{manifest.corpus_id}` was erased",
            hint="use the corpus that was derived from it",
        )
    files = read_files(folder)
    if file_sha256(folder / FILES) != manifest.files_sha256:
        raise _not_ours(folder, FILES)
    parts = tuple(entry for entry in files if entry.path.startswith("parts/"))
    if parts != manifest.parts:
        raise _not_ours(folder, FILES)
    for entry in files:
        check_file(folder, entry)
    listed = {entry.path for entry in files} | {FILES, MANIFEST, SHREDDED}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in listed:
            raise CorpusError(f"`{manifest.corpus_id}` does not list its file `{name}`")
    return manifest


def check_file(folder: Path, entry: FileEntry) -> None:
    """Hash one file again. Raises: CorpusError, naming the part."""
    path = folder / entry.path
    if not path.is_file():
        raise CorpusError(f"the part `{entry.path}` of `{folder.name}` is missing")
    found = file_sha256(path)
    if found != entry.sha256:
        raise CorpusError(
            f"the part `{entry.path}` of `{folder.name}` has the sha256 {found}, "
            f"wanted {entry.sha256}",
            hint="build the corpus again; a changed part must never train",
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CorpusError(
            f"`{path.parent.name}` has no `{path.name}`: it is no finished corpus",
            hint="build it again; an interrupted build goes on where it stopped",
        ) from error


def _not_ours(folder: Path, name: str) -> CorpusError:
    return CorpusError(
        f"`{name}` of `{folder.name}` is not as the build wrote it",
        hint="restore it from a backup, or build the corpus again",
    )


_LICENSE = (
    "All rights remain with the authors. Not for redistribution; for the purpose and "
    "the recipients named in `assent:build` only, and no longer than they are permitted"
)
_COLUMNS = {
    "document_id": ("sc:Text", "Name of the document on its platform"),
    "subject_id": ("sc:Text", "The author, a data subject; personal data"),
    "category": ("sc:Text", "Category of the document"),
    "created_at": ("sc:Integer", "Microseconds since 1970-01-01T00:00:00Z"),
    "slice": ("sc:Integer", "Portion of the shard in which the author is trained"),
    "text": ("sc:Text", "Text with personal data replaced by typed placeholders"),
}


def _description(manifest: Manifest) -> str:
    counts, request = manifest.counts, manifest.request
    made_up = "Simulated choices or people. " if request.simulated else ""
    return (
        f"{made_up}{counts.documents_used} documents by {counts.subjects_used} data "
        f"subjects, permitted for `{request.purpose}` as of {iso(request.as_of)}; "
        f"{counts.documents_dropped} documents were dropped, each with its reason. "
        "Pseudonymised, still personal data"
    )


def _distribution(files_sha256: str) -> list[dict[str, Any]]:
    # One hashed list instead of one object a part: validators slow down with the
    # square of the objects, and the list pins the parts as well.
    return [
        {
            "@type": "cr:FileObject",
            "@id": FILES,
            "name": FILES,
            "description": "Every other file, with its sha256, rows and bytes",
            "contentUrl": FILES,
            "encodingFormat": "application/jsonlines",
            "sha256": files_sha256,
        },
        {
            "@type": "cr:FileSet",
            "@id": "parts",
            "name": "parts",
            "description": "One part a group and shard",
            "encodingFormat": "application/x-parquet",
            "includes": "parts/*/*.parquet",
        },
    ]


def _record_set() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "documents",
        "name": "documents",
        "description": "One record a document that may train",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"documents/{column}",
                "name": column,
                "description": description,
                "dataType": kind,
                "source": {"fileSet": {"@id": "parts"}, "extract": {"column": column}},
            }
            for column, (kind, description) in _COLUMNS.items()
        ],
    }


_OF_CROISSANT = (
    "arrayShape citeAs column containedIn equivalentProperty extract field "
    "fileProperty fileObject fileSet format includes isArray isLiveDataset jsonPath "
    "key md5 parentField path recordSet references regex repeated replace samplingRate "
    "separator source subField transform"
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{term: f"cr:{term}" for term in _OF_CROISSANT.split()},
    "assent": "urn:assent:v1#",
    "assent:build": {"@id": "assent:build", "@type": "@json"},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
