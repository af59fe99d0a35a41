"""What the entries of a bundle say, once they are seen to stand under its tree head.

An entry stands in a bundle as its number, its times and its body; the verifier writes
the bytes around them itself. The commitment of the enrolment follows from the secret,
so it is not written at all: another secret or body makes another entry, which no
proof finds in the ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assent.errors import ProofError
from assent.merkle.commitment import (
    SECRET_BYTES,
    consent_leaf,
    document_leaf_of,
    enrolment_commit,
    subject_leaf,
    tag,
)
from assent.merkle.compound import compound_root
from assent.merkle.entry import (
    MAX_ENTRY_BYTES,
    CorpusEntry,
    ModelEntry,
    corpus_of,
    model_kind,
    model_of,
    write_enrolled,
    write_public,
)
from assent.merkle.log import HASH_BYTES, leaf_hash
from assent.merkle.note import TreeHead
from assent.merkle.prefix import (
    PrefixProof,
    ProofKind,
    verify_absent,
    verify_present,
)
from assent.merkle.strict import Fields, read_base64
from assent.terms import EventKind

ENROLLED_KEYS = ("entry", "recorded_at", "body")
PUBLIC_KEYS = (*ENROLLED_KEYS, "happened_at")
USED_KEYS = (*PUBLIC_KEYS, "path", "documents")
BESIDE_KEYS = (*PUBLIC_KEYS, "path", "leaf")  # absent, another's leaf is shown
EMPTY_KEYS = (*PUBLIC_KEYS, "path")  # absent, nothing is down there
CONSENT_KEYS = ("state", "path")
STATE_KEYS = ("entries", "last_entry", "reasons")


@dataclass(frozen=True, slots=True)
class State:
    """What the ledger had said of the subject when a corpus was built.

    Args:
        entries: how many ledger entries about her were known.
        last_entry: the number of the last of them.
        reasons: how many of her documents were decided for which reason.
    """

    entries: int
    last_entry: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What the entries under the tree head say.

    Args:
        subject_id: whom the enrolment is about.
        enrolled: number of her enrolment.
        models: by id.
        corpora: by id.
        used: ids of her documents by corpus id; empty where nothing of hers is in it.
        states: what was known of her when a corpus was built, by corpus id, where it
            is shown.
        hashes: how many the proof of all these entries has.
    """

    subject_id: str
    enrolled: int
    models: Mapping[str, ModelEntry]
    corpora: Mapping[str, CorpusEntry]
    used: Mapping[str, tuple[str, ...]]
    states: Mapping[str, State]
    hashes: int


def find_entries(bundle: Fields, head: TreeHead) -> Found:
    """Find every entry of the bundle in the ledger, and read what it says.

    Raises:
        ProofError: a part is malformed, is not in the ledger, or was logged before
            what it depends on.
    """
    leaves: dict[int, bytes] = {}
    secret = bundle.data("secret", SECRET_BYTES)

    # (1) The enrolment, as the secret and the person's data make it.
    enrolled = Fields.of(bundle.values["enrolled"], "enrolled", ENROLLED_KEYS)
    subject_id = _enrolment(secret, enrolled, leaves)

    # (2) The models and corpora; each corpus holds these documents of the subject, or
    # nothing of the subject.
    models = _models(bundle, leaves)
    corpora, used, states = _corpora(bundle, leaves, secret)

    # (3) All of them stand in the ledger, where they say.
    path = _hashes(bundle, "path")
    if compound_root(leaves, head.size, path) != head.root:
        raise ProofError(
            "the entries of the bundle do not lead to the root of the tree head: an "
            "entry, the secret or the proof is another than it was",
            hint="use the file as it was handed out; do not edit it",
        )
    number = enrolled.count("entry")
    found = Found(subject_id, number, models, corpora, used, states, len(path))
    _check_order(found)
    return found


def _enrolment(secret: bytes, enrolled: Fields, leaves: dict[int, bytes]) -> str:
    """Make the enrolment's entry, which binds secret and body; give the subject's id.

    HMAC under a key of fixed length is binding, so no other secret or body makes the
    entry that the ledger holds.
    """
    body = enrolled.values["body"]
    if not isinstance(body, dict) or not isinstance(body.get("subject_id"), str):
        raise ProofError("the body of the enrolment names no subject")
    commit = enrolment_commit(secret, body)
    _add(leaves, enrolled, write_enrolled(enrolled.count("recorded_at"), commit))
    return Fields(enrolled.where, body).name("subject_id")


def _models(bundle: Fields, leaves: dict[int, bytes]) -> dict[str, ModelEntry]:
    """Read the models, by id."""
    models: dict[str, ModelEntry] = {}
    for part in _parts(bundle, "models"):
        fields = Fields.of(part.values, part.where, PUBLIC_KEYS)
        body = _logged(leaves, fields)
        model = model_of(body, fields.count("entry"), model_kind(body))
        if model.model_id in models:
            raise ProofError(f"two entries name the model `{model.model_id}`")
        models[model.model_id] = model
    return models


def _corpora(
    bundle: Fields, leaves: dict[int, bytes], secret: bytes
) -> tuple[dict[str, CorpusEntry], dict[str, tuple[str, ...]], dict[str, State]]:
    """Read the corpora, and the documents and the state of the subject in each."""
    corpora: dict[str, CorpusEntry] = {}
    used: dict[str, tuple[str, ...]] = {}
    states: dict[str, State] = {}
    for part in _parts(bundle, "corpora"):
        fields = Fields.of(part.values, part.where, _share_keys(part.values))
        body = _logged(leaves, fields, EventKind.CORPUS_BUILT)
        corpus = corpus_of(body, fields.count("entry"))
        name = corpus.corpus_id
        if name in corpora:
            raise ProofError(f"two entries name the corpus `{name}`")
        corpora[name] = corpus
        try:
            used[name] = _used_in(secret, corpus, fields)
            if "consent" in fields.values:
                states[name] = _state_in(secret, corpus, fields.values["consent"])
        except ProofError as error:
            raise ProofError(f"{part.where}: {error.message}", error.hint) from None
    return corpora, used, states


def _share_keys(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell by the fields which kind of proof it is, and so which fields it has."""
    wanted = USED_KEYS if "documents" in values else EMPTY_KEYS
    if "leaf" in values:  # with documents beside it, one of them is unknown
        wanted = BESIDE_KEYS
    return (*wanted, "consent") if "consent" in values else wanted


def _state_in(secret: bytes, corpus: CorpusEntry, shown: object) -> State:
    """Prove what was known of her when a corpus was built."""
    consent = Fields.of(shown, "the consent", CONSENT_KEYS)
    fields = Fields.of(consent.values["state"], "the consent's state", STATE_KEYS)
    reasons = fields.values["reasons"]
    if not isinstance(reasons, dict):
        raise ProofError("the reasons of the consent's state are no object")
    counts = Fields("the consent's reasons", reasons)
    state = State(
        fields.count("entries"),
        fields.count("last_entry"),
        {name: counts.count(name) for name in reasons},
    )
    if not all(name and name.isprintable() for name in reasons):
        raise ProofError("a reason of the consent's state has no name to print")
    if state.last_entry >= corpus.ledger_size or not state.entries:
        raise ProofError(
            f"the consent's state knows {state.entries} entries up to entry "
            f"{state.last_entry}, of a ledger of {corpus.ledger_size}"
        )
    proof = PrefixProof(ProofKind.INCLUSION, tuple(_hashes(consent, "path")))
    leaf = consent_leaf(secret, corpus.corpus_id, fields.values)
    verify_present(proof, *leaf, corpus.consent_root)
    return state


def _used_in(secret: bytes, corpus: CorpusEntry, part: Fields) -> tuple[str, ...]:
    """Prove these documents in a corpus, or for none, that nothing of hers is."""
    name, path = corpus.corpus_id, tuple(_hashes(part, "path"))
    if "documents" not in part.values:
        proof = PrefixProof(ProofKind.NON_INCLUSION_PARENT, path)
        if "leaf" in part.values:
            leaf = part.data("leaf", 2 * HASH_BYTES)
            shown = leaf[:HASH_BYTES], leaf[HASH_BYTES:]
            proof = PrefixProof(ProofKind.NON_INCLUSION_LEAF, path, shown)
        verify_absent(proof, tag(secret, name), corpus.subject_root)
        return ()
    documents = _documents(part)
    if len(documents) > corpus.documents:
        raise ProofError(
            f"{len(documents)} documents are shown of a corpus of {corpus.documents}"
        )
    leaves = [document_leaf_of(secret, name, *one) for one in documents.items()]
    proof = PrefixProof(ProofKind.INCLUSION, path)
    verify_present(proof, *subject_leaf(secret, name, leaves), corpus.subject_root)
    return tuple(sorted(documents))


def _documents(part: Fields) -> dict[str, bytes]:
    """Read the 32 bytes of a text's digest by document id; at least one."""
    shown = part.values["documents"]
    if not isinstance(shown, dict) or not shown or "" in shown:
        raise ProofError("`documents` is not a digest by document id, of one or more")
    fields = Fields(f"{part.where}: documents", shown)
    return {document_id: fields.digest(document_id) for document_id in shown}


def _parts(bundle: Fields, key: str) -> list[Fields]:
    """Read a list of logged entries, in the order of the ledger, each once."""
    parts = []
    for number, item in enumerate(bundle.items(key)):
        where = f"{key}[{number}]"
        if not isinstance(item, dict) or "entry" not in item:
            raise ProofError(f"{where} is no entry of the ledger with its number")
        parts.append(Fields(where, item))
    indices = [part.count("entry") for part in parts]
    if indices != sorted(set(indices)):
        raise ProofError(f"the entries of `{key}` are not in the order of the ledger")
    return parts


def _logged(
    leaves: dict[int, bytes], part: Fields, kind: EventKind | None = None
) -> dict[str, Any]:
    """Take a public entry's body, and note which leaf of the ledger it must be."""
    body = part.values["body"]
    if not isinstance(body, dict):
        raise ProofError(f"{part.where}: the body is no object")
    times = part.count("recorded_at"), part.count("happened_at")
    _add(leaves, part, write_public(kind or model_kind(body), *times, body))
    return body


def _add(leaves: dict[int, bytes], part: Fields, entry: bytes) -> None:
    index = part.count("entry")
    if index in leaves:
        raise ProofError(f"{part.where}: entry {index} is in the bundle already")
    if len(entry) > MAX_ENTRY_BYTES:
        raise ProofError(f"entry {index} has {len(entry)} bytes, wanted at most 65535")
    leaves[index] = leaf_hash(entry)


def _hashes(fields: Fields, key: str) -> list[bytes]:
    """Read hashes of 32 bytes each that stand in one base64 text; none is empty."""
    text = fields.values[key]
    if not isinstance(text, str):
        raise ProofError(f"{fields.where}: field `{key}` is not a text of hashes")
    data = read_base64(text, f"{fields.where}: field `{key}`")
    if len(data) % HASH_BYTES:
        raise ProofError(f"{fields.where}: field `{key}` ends within a hash")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _check_order(found: Found) -> None:
    """Check that what depends on something was logged after it.

    A secret chosen after a corpus was committed could be chosen to be absent in it.
    """
    models, corpora = found.models, found.corpora
    for corpus in corpora.values():
        if corpus.index <= found.enrolled:
            raise ProofError(
                f"corpus `{corpus.corpus_id}` is entry {corpus.index}, not after the "
                f"enrolment, entry {found.enrolled}: it says nothing about this subject"
            )
    for model in models.values():
        for name in model.corpora:
            if name not in corpora:
                raise ProofError(f"the bundle lacks the corpus `{name}` of a model")
        older = [corpora[name].index for name in model.corpora]
        older += [models[name].index for name in model.parents if name in models]
        if older and max(older) >= model.index:
            raise ProofError(
                f"model `{model.model_id}` is entry {model.index}, "
                f"but it is made of entry {max(older)}"
            )
