"""What an auditor runs: one file in, one verdict out, no network and no trust.

The verifier derives the verdict from ledger entries that it has itself found under
the signed tree head. The bundle also states a verdict, which must come out the same;
it is never an input. Byte for byte the file has one valid form, so one byte changed
anywhere is refused. The layout is in `docs/formats.md`.
"""

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assent.errors import ProofError
from assent.merkle.commitment import (
    SECRET_BYTES,
    document_leaf_of,
    enrolment_commit,
    subject_leaf,
    tag,
)
from assent.merkle.entry import (
    Closure,
    CorpusEntry,
    ModelEntry,
    closure,
    read_corpus,
    read_enrolment,
    read_model,
    superseded_by,
)
from assent.merkle.log import HASH_BYTES, leaf_hash, verify_inclusion
from assent.merkle.note import TreeHead, open_head, signature_count
from assent.merkle.prefix import (
    PrefixProof,
    ProofKind,
    verify_absent,
    verify_present,
)
from assent.merkle.strict import Fields, parse, read_base64

FORMAT = "assent-bundle-v1"
VERSION = 1
MAX_BUNDLE_BYTES = 64 << 20

BUNDLE_KEYS = (
    *("v", "format", "claim", "corpora", "enrolled", "models"),
    *("subject_secret", "tree_head", "verifier_key"),
)
LOGGED_KEYS = ("entry", "index", "path")
ENROLLED_KEYS = (*LOGGED_KEYS, "body")
SHARE_KEYS = (*LOGGED_KEYS, "prefix", "documents")
PREFIX_KEYS = ("kind", "copath", "leaf")
LEAF_KEYS = ("key", "commitment")
DOCUMENT_KEYS = ("document_id", "text_sha256")
CLAIM_KEYS = ("model_id", "verdict", "superseded")

LIMITS = (
    "It binds the operator to what was committed, not to what the computers read; "
    "`content_read` in a model's entry is the operator's own statement.",
    "It speaks of this model and of those that it supersedes. Other models in the "
    "ledger are not spoken of: each needs a bundle of its own.",
    "For a repaired model, that the replay was really done is the operator's word. "
    "Ask for the certificate, whose digest the model's entry holds: with an oracle it "
    "says whether the result was bit-identical.",
    "It does not show which model a service runs: compare the digest of its weights "
    "with the model's entry.",
    "It speaks of the person behind this secret only. Compare the secret with the one "
    "handed over at enrolment; texts filed under somebody else, or under a second "
    "enrolment, are not found, nor what others wrote about this person.",
    "One bundle shows one entry for an id. That no second entry uses the same id can "
    "be seen only by reading the whole ledger, which is public.",
    "The tree head has the operator's signature alone. Compare it with the head that "
    "others hold: a ledger with two faces shows only there.",
    "The order of entries is proved; the times in them are the operator's word. "
    "What was logged after this tree head is not seen.",
)
KEY_LIMIT = (
    "The verifier key was taken from the bundle itself: compare it with a copy that "
    "you have from elsewhere."
)


class Answer(StrEnum):
    """What the ledger shows about one subject and one model."""

    USED = "used"  # in at least one corpus that the model is made of
    ABSENT = "absent"  # in none of them, and they are all known
    UNKNOWN = "unknown"  # in none that is known, and something is not known


@dataclass(frozen=True, slots=True)
class Use:
    """The answer for one model, and the documents (corpus id, document id) used."""

    model_id: str
    verdict: Answer
    documents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bundle proves, how it was checked, and what it does not prove.

    Args:
        model_id: the model in question.
        verdict: used, absent or unknown.
        subject_id: whom it is about, as written at enrolment.
        documents: (corpus id, document id) of each document used.
        superseded: the same for the models that this one replaced, latest first.
        head: the tree head under which all of it holds.
        steps: each step that was checked, in a plain sentence.
        limits: what the bundle does not prove.
        verifier_key: the key that signed the head.
        key_given: whether the caller brought the key; if not, see `limits`.
    """

    model_id: str
    verdict: Answer
    subject_id: str
    documents: tuple[tuple[str, str], ...]
    superseded: tuple[Use, ...]
    head: TreeHead
    steps: tuple[str, ...]
    limits: tuple[str, ...]
    verifier_key: str
    key_given: bool


def verify_bundle(data: bytes, verifier_key: str | None = None) -> Verdict:
    """Check a proof bundle, offline, and derive its verdict.

    Args:
        data: the bundle file's bytes.
        verifier_key: the ledger's public key from a source that you trust; without
            it the key in the bundle is used, and the limits say so.

    Raises:
        ProofError: anything in the bundle is malformed, does not match, is missing or
            is more than the verdict needs.
    """
    # (1) One JSON object with one reading.
    bundle = _read_bundle(data)

    # (2) The tree head, signed by the key.
    key = bundle.text("verifier_key")
    if verifier_key is not None and verifier_key != key:
        raise ProofError(
            "the bundle was made under another verifier key than the one given",
            hint="check from which ledger the bundle and the key come",
        )
    head = _read_head(bundle.text("tree_head"), key)

    # (3) to (6) The entries under that head, what they show, and the claim.
    found = _find(bundle, head)
    answers, conclusion = _conclude(bundle, found)

    source = "bundle" if verifier_key is None else "caller"
    steps = [
        f"the file is one canonical JSON object of {len(data)} bytes",
        f"the tree head of `{head.origin}`, {head.size} entries, is signed by the "
        f"key from the {source}",
        *_entry_steps(found),
        *conclusion,
    ]
    return Verdict(
        model_id=answers[0].model_id,
        verdict=answers[0].verdict,
        subject_id=found.subject_id,
        documents=answers[0].documents,
        superseded=tuple(answers[1:]),
        head=head,
        steps=tuple(f"({number}) {step}" for number, step in enumerate(steps, 1)),
        limits=LIMITS if verifier_key is not None else (KEY_LIMIT, *LIMITS),
        verifier_key=key,
        key_given=verifier_key is not None,
    )


def claim_of(answers: Sequence[Use]) -> dict[str, Any]:
    """Write answers, the model's own first, as the claim of a bundle."""
    first, *older = answers
    return {
        "model_id": first.model_id,
        "verdict": first.verdict.value,
        "superseded": [
            {"model_id": one.model_id, "verdict": one.verdict.value} for one in older
        ],
    }


def answer_for(
    model_id: str,
    made_of: Closure,
    used: Mapping[str, tuple[str, ...]],
) -> Use:
    """Decide used, absent or unknown for one model.

    One use is enough for used, whatever else is unknown. Absent must hold in every
    corpus, and there must be one: about nothing, nothing is proved.

    Args:
        model_id: the model.
        made_of: its closure.
        used: document ids by corpus id; empty where absence was proved.
    """
    found = [(name, one) for name in sorted(made_of.corpora) for one in used[name]]
    if found:
        verdict = Answer.USED
    elif made_of.unresolved or not made_of.corpora:
        verdict = Answer.UNKNOWN
    else:
        verdict = Answer.ABSENT
    return Use(model_id, verdict, tuple(found))


def _read_bundle(data: bytes) -> Fields:
    if len(data) > MAX_BUNDLE_BYTES:
        raise ProofError(
            f"the bundle has {len(data)} bytes, wanted at most {MAX_BUNDLE_BYTES}"
        )
    bundle = Fields.of(parse(data, "the bundle"), "the bundle", BUNDLE_KEYS)
    bundle.constant("v", VERSION)
    bundle.constant("format", FORMAT)
    return bundle


def _read_head(note: str, key: str) -> TreeHead:
    # A line by a key we do not know could say anything, so none is let in.
    lines = signature_count(note)
    if lines != 1:
        raise ProofError(f"the tree head has {lines} signature lines, wanted 1")
    return open_head(note, key)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the entries under the tree head say; `used` has document ids by corpus."""

    subject_id: str
    enrolled: int
    models: Mapping[str, ModelEntry]
    corpora: Mapping[str, CorpusEntry]
    used: Mapping[str, tuple[str, ...]]


def _find(bundle: Fields, head: TreeHead) -> _Found:
    """Find every entry of the bundle in the ledger, in the order that it needs."""
    # (3) The enrolment is in the ledger, and the secret is the one it committed to.
    enrolled = Fields.of(bundle.values["enrolled"], "enrolled", ENROLLED_KEYS)
    secret = bundle.data("subject_secret", SECRET_BYTES)
    subject_id = _check_enrolment(secret, enrolled, head)

    # (4) The models and corpora are in the ledger, after what they are made of; each
    # corpus holds these documents of the subject, or nothing of the subject.
    models = _models(bundle, head)
    corpora, used = _corpora(bundle, head, secret)
    found = _Found(subject_id, enrolled.count("index"), models, corpora, used)
    _check_order(found)
    return found


def _conclude(bundle: Fields, found: _Found) -> tuple[list[Use], list[str]]:
    """Derive the answers, the model's own first, and check the claim against them."""
    # (5) What the models are made of, through all parents, and the verdict from it.
    claim = Fields.of(bundle.values["claim"], "the claim", CLAIM_KEYS)
    model_id = claim.name("model_id")
    chain = (model_id, *superseded_by(model_id, found.models))
    closures = [closure(name, found.models) for name in chain]
    _check_nothing_over(closures, found)
    answers = [
        answer_for(name, made_of, found.used)
        for name, made_of in zip(chain, closures, strict=True)
    ]

    # (6) The claim says the same.
    if claim.values != claim_of(answers):
        raise ProofError(
            f"the bundle claims something else than its entries show, which is "
            f"`{answers[0].verdict}` for model `{model_id}`"
        )
    return answers, [
        *map(_model_step, answers, closures),
        *_chain_steps(chain, found.models),
        "the claim of the bundle is what its entries show",
    ]


def _parts(bundle: Fields, key: str, keys: tuple[str, ...]) -> list[Fields]:
    """Read a list of logged entries, in the order of the ledger, each once."""
    parts = [
        Fields.of(item, f"{key}[{number}]", keys)
        for number, item in enumerate(bundle.items(key))
    ]
    indices = [part.count("index") for part in parts]
    if indices != sorted(set(indices)):
        raise ProofError(f"the entries of `{key}` are not in the order of the ledger")
    return parts


def _models(bundle: Fields, head: TreeHead) -> dict[str, ModelEntry]:
    """Read the models, by id."""
    models: dict[str, ModelEntry] = {}
    for part in _parts(bundle, "models", LOGGED_KEYS):
        model = read_model(*_logged(part, head))
        if model.model_id in models:
            raise ProofError(f"two entries name the model `{model.model_id}`")
        models[model.model_id] = model
    return models


def _corpora(
    bundle: Fields, head: TreeHead, secret: bytes
) -> tuple[dict[str, CorpusEntry], dict[str, tuple[str, ...]]]:
    """Read the corpora, by id, and the documents of the subject proved in each."""
    corpora: dict[str, CorpusEntry] = {}
    used: dict[str, tuple[str, ...]] = {}
    for part in _parts(bundle, "corpora", SHARE_KEYS):
        corpus = read_corpus(*_logged(part, head))
        if corpus.corpus_id in corpora:
            raise ProofError(f"two entries name the corpus `{corpus.corpus_id}`")
        corpora[corpus.corpus_id] = corpus
        try:
            used[corpus.corpus_id] = _used_in(secret, corpus, part)
        except ProofError as error:
            raise ProofError(f"{part.where}: {error.message}", error.hint) from None
    return corpora, used


def _used_in(secret: bytes, corpus: CorpusEntry, part: Fields) -> tuple[str, ...]:
    """Prove these documents in a corpus, or for none, that nothing of hers is."""
    proof = _prefix_proof(part.values["prefix"])
    documents = _documents(part)
    name = corpus.corpus_id
    if not documents:
        verify_absent(proof, tag(secret, name), corpus.subject_root)
        return ()
    if len(documents) > corpus.documents:
        raise ProofError(
            f"{len(documents)} documents are shown of a corpus of {corpus.documents}"
        )
    leaves = [document_leaf_of(secret, name, *one) for one in documents]
    key, commitment = subject_leaf(secret, name, leaves)
    verify_present(proof, key, commitment, corpus.subject_root)
    return tuple(document_id for document_id, _ in documents)


def _documents(part: Fields) -> list[tuple[str, bytes]]:
    """Read (document id, 32 bytes of its text's digest), sorted, each once."""
    documents = []
    for item in part.items("documents"):
        fields = Fields.of(item, f"{part.where}: a document", DOCUMENT_KEYS)
        documents.append((fields.text("document_id"), fields.digest("text_sha256")))
    names = [document_id for document_id, _ in documents]
    if names != sorted(set(names)):
        raise ProofError("the documents are not sorted by id, each once")
    return documents


def _prefix_proof(value: object) -> PrefixProof:
    fields = Fields.of(value, "the prefix proof", PREFIX_KEYS)
    kind = fields.text("kind")
    if kind not in {one.value for one in ProofKind}:
        raise ProofError("the kind of the prefix proof is unknown")
    leaf = None
    if fields.values["leaf"] is not None:
        shown = Fields.of(fields.values["leaf"], "the leaf shown", LEAF_KEYS)
        leaf = shown.data("key", HASH_BYTES), shown.data("commitment", HASH_BYTES)
    return PrefixProof(ProofKind(kind), tuple(_hashes(fields, "copath")), leaf)


def _hashes(fields: Fields, key: str) -> list[bytes]:
    """Read a list of hashes, 32 bytes each."""
    where = f"{fields.where}: a hash of `{key}`"
    return [read_base64(text, where, HASH_BYTES) for text in fields.names(key)]


def _logged(fields: Fields, head: TreeHead) -> tuple[bytes, int]:
    """Give an entry and its index, once the tree head is seen to hold it there."""
    entry, index = fields.data("entry"), fields.count("index")
    path = _hashes(fields, "path")
    try:
        verify_inclusion(leaf_hash(entry), index, head.size, path, head.root)
    except ProofError as error:
        raise ProofError(f"{fields.where}: {error.message}") from None
    return entry, index


def _check_enrolment(secret: bytes, enrolled: Fields, head: TreeHead) -> str:
    """Open the enrolment with the secret and its body; give the subject's id."""
    commitment = read_enrolment(*_logged(enrolled, head))
    body = enrolled.values["body"]
    if not isinstance(body, dict) or not isinstance(body.get("subject_id"), str):
        raise ProofError("the body of the enrolment names no subject")
    if enrolment_commit(secret, body) != commitment:
        raise ProofError(
            "the secret and the body do not open the commitment of the enrolment",
            hint="check that the bundle belongs to the person it was given to",
        )
    subject_id: str = body["subject_id"]
    return subject_id


def _check_order(found: _Found) -> None:
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


def _check_nothing_over(closures: Sequence[Closure], found: _Found) -> None:
    """Check that every entry is needed: what bears on nothing may mislead."""
    over = found.models.keys() - frozenset().union(*(one.models for one in closures))
    over |= found.corpora.keys() - frozenset().union(*(one.corpora for one in closures))
    if over:
        raise ProofError(f"`{min(over)}` is in the bundle, but no part of the model")


def _entry_steps(found: _Found) -> Iterable[str]:
    yield (
        f"entry {found.enrolled} of the ledger enrols the subject; the secret and the "
        f"person's data open its commitment"
    )
    yield (
        f"entries of the ledger name {_counted(found.models, 'model', 'models')} and "
        f"{_counted(found.corpora, 'corpus', 'corpora')}: first the enrolment, then "
        f"the corpora, then the models made of them"
    )
    for name, corpus in found.corpora.items():
        yield _corpus_step(corpus, found.used[name])


def _corpus_step(corpus: CorpusEntry, documents: tuple[str, ...]) -> str:
    found = _counted(documents, "document", "documents") if documents else "nothing"
    return (
        f"corpus `{corpus.corpus_id}` holds {found} of the subject; its categories "
        f"are: {', '.join(corpus.categories) or 'none'}"
    )


def _model_step(answer: Use, made_of: Closure) -> str:
    return "; ".join(
        [
            f"for model `{answer.model_id}` count "
            f"{_counted(made_of.models, 'model', 'models')} and "
            f"{_counted(made_of.corpora, 'corpus', 'corpora')}: {answer.verdict}",
            *made_of.unresolved,
        ]
    )


def _chain_steps(
    chain: Sequence[str], models: Mapping[str, ModelEntry]
) -> Iterable[str]:
    """Say what each repair entry proves about the model that it replaces."""
    for name in chain:
        old = models[name].supersedes
        if old in models:
            yield f"the repair entry of model `{name}` supersedes `{old}`"
        elif old is not None:
            yield f"model `{old}`, which `{name}` supersedes, is not in this bundle"


def _counted(things: Sized, one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"
