"""The ledger entries that a verifier reads, and which of them make up a model.

An entry is the canonical JSON of one object, at most 65,535 bytes (the length prefix
of a tlog-tiles entry bundle has 16 bits). Unknown fields are refused: one could say
what this version does not understand, such as a further source of a model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assent.canon import canonical
from assent.errors import ProofError
from assent.merkle.commitment import TAG_SCHEME
from assent.merkle.prefix import EMPTY
from assent.merkle.sentences import UNRESOLVED
from assent.merkle.strict import Fields, parse
from assent.terms import EventKind

VERSION = 1
MAX_ENTRY_BYTES = 65_535

PRIVATE_KEYS = ("v", "type", "recorded_at", "commit")
PUBLIC_KEYS = ("v", "type", "recorded_at", "happened_at", "body")
CORPUS_KEYS = (
    *("corpus_id", "subject_root", "consent_root", "subjects", "documents"),
    *("categories", "as_of", "ledger_size", "manifest", "plan", "tag_scheme"),
    "derived_from",
)
MODEL_KEYS = ("model_id", "plan", "corpora", "parents", "weights", "content_read")
REPAIR_KEYS = (*MODEL_KEYS, "supersedes", "certificate")
MODEL_KINDS = (EventKind.MODEL_TRAINED.value, EventKind.MODEL_REPAIRED.value)


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """A `corpus_built` entry: what one corpus is committed to.

    Args:
        index: its place in the ledger.
        corpus_id: its name.
        subject_root: prefix root over everybody of whom something is in it; 32 bytes.
        consent_root: prefix root over what was known of everybody who was enrolled,
            used or not; 32 bytes.
        subjects: how many people are in it.
        documents: how many of their documents.
        categories: of these documents, sorted; a category not listed is not in it.
        ledger_size: entries of the ledger that its decisions knew.
    """

    index: int
    corpus_id: str
    subject_root: bytes
    consent_root: bytes
    subjects: int
    documents: int
    categories: tuple[str, ...]
    ledger_size: int


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A `model_trained` or `model_repaired` entry: what one model is made of.

    Args:
        index: its place in the ledger.
        model_id: its name.
        corpora: ids of the corpora that it read.
        parents: ids of the models that it started from.
        external: names of parents outside this ledger, so of unknown content.
        supersedes: the model that a repaired one replaces; not one of its parents.
    """

    index: int
    model_id: str
    corpora: tuple[str, ...]
    parents: tuple[str, ...]
    external: tuple[str, ...]
    supersedes: str | None


@dataclass(frozen=True, slots=True)
class Closure:
    """All that a model is made of, through its parents.

    Args:
        models: ids of the model itself and of every parent in the ledger.
        corpora: ids of all their corpora.
        unresolved: what is missing from the picture, in words; empty for nothing.
    """

    models: frozenset[str]
    corpora: frozenset[str]
    unresolved: tuple[str, ...]


def write_enrolled(recorded_at: int, commit: bytes) -> bytes:
    """Write an `enrolled` entry: nothing of the person but 32 random-looking bytes."""
    return canonical(
        {
            "v": VERSION,
            "type": EventKind.ENROLLED.value,
            "recorded_at": recorded_at,
            "commit": commit.hex(),
        }
    )


def write_public(
    kind: EventKind, recorded_at: int, happened_at: int, body: Mapping[str, Any]
) -> bytes:
    """Write the entry of an event that concerns nobody alone.

    Raises:
        ValueError: the body is no JSON.
    """
    return canonical(
        {
            "v": VERSION,
            "type": kind.value,
            "recorded_at": recorded_at,
            "happened_at": happened_at,
            "body": body,
        }
    )


def kind_of(entry: bytes, index: int) -> str:
    """Read an entry's kind, and nothing else of it.

    Raises:
        ProofError: the entry is too long, not canonical JSON, or has no kind.
    """
    value = parse(entry, f"entry {index}")
    if len(entry) > MAX_ENTRY_BYTES:
        raise ProofError(f"entry {index} has {len(entry)} bytes, wanted at most 65535")
    kind = value.get("type")
    if not isinstance(kind, str):
        raise ProofError(f"entry {index} does not say its type")
    return kind


def read_enrolment(entry: bytes, index: int) -> bytes:
    """Read the commitment of an `enrolled` entry: 32 bytes.

    Raises:
        ProofError: the entry is no such one.
    """
    kind_of(entry, index)
    where = f"entry {index}"
    fields = Fields.of(parse(entry, where), where, PRIVATE_KEYS)
    fields.constant("v", VERSION)
    fields.constant("type", EventKind.ENROLLED.value)
    fields.count("recorded_at")
    return fields.digest("commit")


def read_corpus(entry: bytes, index: int) -> CorpusEntry:
    """Read a `corpus_built` entry.

    Raises:
        ProofError: the entry is no such one, or contradicts itself.
    """
    wanted = (EventKind.CORPUS_BUILT.value,)
    return corpus_of(_body(entry, index, wanted), index)


def corpus_of(body: object, index: int) -> CorpusEntry:
    """Read the body of a `corpus_built` entry.

    Raises:
        ProofError: it is no such one, or contradicts itself.
    """
    where = f"the corpus of entry {index}"
    fields = Fields.of(body, where, CORPUS_KEYS)
    for key in ("manifest", "plan"):
        fields.digest(key)
    fields.count("as_of")
    fields.constant("tag_scheme", TAG_SCHEME)
    if fields.values["derived_from"] is not None:
        fields.name("derived_from")
    categories = fields.names("categories")
    if list(categories) != sorted(set(categories)):
        raise ProofError(f"{where}: the categories are not sorted, each once")
    found = CorpusEntry(
        index=index,
        corpus_id=fields.name("corpus_id"),
        subject_root=fields.digest("subject_root"),
        consent_root=fields.digest("consent_root"),
        subjects=fields.count("subjects"),
        documents=fields.count("documents"),
        categories=categories,
        ledger_size=fields.count("ledger_size"),
    )
    # Who builds knows nothing that is logged later, least of all this very entry.
    if found.ledger_size > index:
        raise ProofError(
            f"{where}: it says that it knew {found.ledger_size} entries of the ledger"
        )
    if (found.subjects == 0) != (found.subject_root == EMPTY):
        raise ProofError(f"{where}: {found.subjects} subjects do not fit its root")
    if found.documents < found.subjects:
        raise ProofError(f"{where}: {found.subjects} subjects, fewer documents")
    if bool(found.documents) != bool(categories):
        raise ProofError(
            f"{where}: {found.documents} documents in {len(categories)} categories"
        )
    return found


def read_model(entry: bytes, index: int) -> ModelEntry:
    """Read a `model_trained` or `model_repaired` entry.

    Raises:
        ProofError: the entry is no such one, or contradicts itself.
    """
    body = _body(entry, index, MODEL_KINDS)
    return model_of(body, index, EventKind(kind_of(entry, index)))


def model_kind(body: Mapping[str, Any]) -> EventKind:
    """Tell by its body which kind of entry a model has: a repaired one supersedes."""
    repaired = "supersedes" in body
    return EventKind.MODEL_REPAIRED if repaired else EventKind.MODEL_TRAINED


def model_of(body: object, index: int, kind: EventKind) -> ModelEntry:
    """Read the body of a `model_trained` or `model_repaired` entry.

    Raises:
        ProofError: it is no such one, or contradicts itself.
    """
    where = f"the model of entry {index}"
    repaired = kind is EventKind.MODEL_REPAIRED
    fields = Fields.of(body, where, REPAIR_KEYS if repaired else MODEL_KEYS)
    for key in ("plan", "weights", "content_read"):
        fields.digest(key)
    parents: list[str] = []
    external: list[str] = []
    for parent in fields.items("parents"):
        if isinstance(parent, dict):
            source = Fields.of(parent, f"{where}: a parent", ("external",))
            external.append(source.name("external"))
        elif isinstance(parent, str) and parent and parent.isprintable():
            parents.append(parent)
        else:
            raise ProofError(f"{where}: a parent is neither an id nor external")
    if repaired:
        fields.digest("certificate")
    return ModelEntry(
        index=index,
        model_id=fields.name("model_id"),
        corpora=fields.names("corpora"),
        parents=tuple(parents),
        external=tuple(external),
        supersedes=fields.name("supersedes") if repaired else None,
    )


def read_public(
    entries: Iterable[tuple[int, bytes]],
) -> tuple[dict[str, ModelEntry], dict[str, CorpusEntry]]:
    """Read the models and corpora among (index, entry) pairs, by id.

    Raises:
        ProofError: an entry cannot be read, or two of them use one id: then a proof
            about the one would seem to be about the other.
    """
    models: dict[str, ModelEntry] = {}
    corpora: dict[str, CorpusEntry] = {}
    for index, entry in entries:
        kind = kind_of(entry, index)
        if kind in MODEL_KINDS:
            model = read_model(entry, index)
            if model.model_id in models:
                raise ProofError(f"two entries name the model `{model.model_id}`")
            models[model.model_id] = model
        elif kind == EventKind.CORPUS_BUILT:
            corpus = read_corpus(entry, index)
            if corpus.corpus_id in corpora:
                raise ProofError(f"two entries name the corpus `{corpus.corpus_id}`")
            corpora[corpus.corpus_id] = corpus
    return models, corpora


def closure(model_id: str, models: Mapping[str, ModelEntry]) -> Closure:
    """Walk from a model through its parents to everything that it is made of.

    `supersedes` is not walked: a repaired model does not come from the one that it
    replaces, and a corpus does not contain the one that it was derived from.

    Raises:
        ProofError: the model itself is not among `models`.
    """
    _known(model_id, models)
    waiting, seen = [model_id], {model_id}
    corpora: set[str] = set()
    unresolved: set[str] = set()
    while waiting:
        model = models[waiting.pop()]
        corpora.update(model.corpora)
        unresolved.update(_unresolved("external", name) for name in model.external)
        if not model.corpora and not model.parents and not model.external:
            # Silence is no proof: a model that names nothing was made of something.
            unresolved.add(_unresolved("silent", model.model_id))
        for parent in model.parents:
            if parent not in models:
                unresolved.add(_unresolved("missing", parent))
            elif parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return Closure(frozenset(seen), frozenset(corpora), tuple(sorted(unresolved)))


def superseded_by(model_id: str, models: Mapping[str, ModelEntry]) -> tuple[str, ...]:
    """List what a model replaces, latest first, as far as `models` knows.

    Raises:
        ProofError: the model itself is not among `models`, or a model is said to
            replace one that was logged after it.
    """
    chain: list[str] = []
    model = _known(model_id, models)
    while model.supersedes is not None and model.supersedes in models:
        old = models[model.supersedes]
        if old.index >= model.index:
            raise ProofError(
                f"model `{model.model_id}` supersedes `{old.model_id}`, "
                f"which was logged later"
            )
        chain.append(old.model_id)
        model = old
    return tuple(chain)


def _unresolved(why: str, name: str) -> str:
    return UNRESOLVED[why].format(name=name)


def _known(model_id: str, models: Mapping[str, ModelEntry]) -> ModelEntry:
    if model_id not in models:
        raise ProofError(f"no entry names the model `{model_id}`")
    return models[model_id]


def _body(entry: bytes, index: int, kinds: tuple[str, ...]) -> object:
    """Read the body of a public entry of one of these kinds."""
    where = f"entry {index}"
    kind = kind_of(entry, index)
    if kind not in kinds:
        raise ProofError(f"{where} has another type than {' or '.join(kinds)}")
    fields = Fields.of(parse(entry, where), where, PUBLIC_KEYS)
    fields.constant("v", VERSION)
    fields.count("recorded_at")
    fields.count("happened_at")
    body: object = fields.values["body"]
    return body
