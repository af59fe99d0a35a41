"""What each entry of a ledger must look like, and what no two of them may share.

A bundle shows one entry and cannot see a second one of the same name. Who reads the
whole ledger can, so whoever follows it checks this for everybody else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from assent.errors import ProofError
from assent.merkle.entry import (
    MODEL_KINDS,
    PRIVATE_KEYS,
    PUBLIC_KEYS,
    VERSION,
    kind_of,
    read_corpus,
    read_model,
)
from assent.merkle.strict import Fields, parse
from assent.terms import EventKind

PERSONAL = (EventKind.ENROLLED.value, "subject_event")
TWICE = "twice"
MALFORMED = "malformed"

_Read = Callable[[Fields, str], object]


def _flag(fields: Fields, key: str) -> None:
    if not isinstance(fields.values[key], bool):
        raise ProofError(f"{fields.where}: field `{key}` is not true or false")


def _key_or_null(fields: Fields, key: str) -> None:
    if fields.values[key] is not None:
        fields.name(key)


NAME, COUNT, DIGEST, NAMES = Fields.name, Fields.count, Fields.digest, Fields.names
SCOPE = {"recipient": NAME, "category": NAME, "purpose": NAME}
SHARE = {"share_id": NAME, "number": COUNT, "recipient": NAME}
BODIES: dict[str, dict[str, _Read]] = {
    "policy_published": {
        "policy": NAME,
        "controller": NAME,
        "effective_from": COUNT,
        "sha256": DIGEST,
    },
    "suspension_ordered": {"order": NAME, "regions": NAMES, **SCOPE},
    "suspension_lifted": {"order": NAME},
    "plan_sealed": {
        "plan": DIGEST,
        "sha256": DIGEST,
        "model": NAME,
        "key": COUNT,
        "key_commitment": DIGEST,
    },
    "shared": {
        "share_id": NAME,
        "kind": NAME,
        "what": NAME,
        "recipient": NAME,
        "purpose": NAME,
        "handover": DIGEST,
        "documents": COUNT,
        "subjects": COUNT,
        "withheld": COUNT,
    },
    "model_exported": {"model_id": NAME, "group": NAME, "digest": DIGEST},
    "share_dropped": {"share_id": NAME},
    "share_changed": {
        **SHARE,
        "change": DIGEST,
        "documents": COUNT,
        "whole": _flag,
        "deadline": COUNT,
    },
    "share_acknowledged": {
        **SHARE,
        "acknowledgement": DIGEST,
        "verifier_key": _key_or_null,
    },
    "objector_registered": {"objector": NAME, "commitment": DIGEST},
    "objector_removed": {"objector": NAME},
}
"""Fields of the public bodies that nothing else reads (docs/formats.md, section 6)."""
MAY_BE_ADDED: dict[str, dict[str, _Read]] = {
    "policy_published": {"accepted_unnotified": Fields.text}
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an entry, and the earlier one that shows it, if one does."""

    kind: str
    message: str
    index: int
    other: int | None = None


@dataclass(slots=True)
class Entries:
    """Checks entries in the order of the log, and remembers what must be unique.

    Args:
        recorded_at: of the last entry seen: microseconds UTC.
        corpora: entry number of each corpus id.
        models: entry number of each model id.
    """

    recorded_at: int = 0
    corpora: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)

    def check(self, index: int, entry: bytes) -> Fault | None:
        """Say what is wrong with the next entry; None for nothing."""
        try:
            kind = kind_of(entry, index)
            value = parse(entry, f"entry {index}")
            recorded_at = _check_form(value, kind, index)
            twice = self._name(kind, entry, index)
        except ProofError as error:
            return Fault(MALFORMED, error.message, index)
        earlier, self.recorded_at = self.recorded_at, max(self.recorded_at, recorded_at)
        if recorded_at < earlier:
            return Fault(
                MALFORMED,
                f"entry {index} was recorded before the entry in front of it",
                index,
                index - 1,
            )
        return twice

    def _name(self, kind: str, entry: bytes, index: int) -> Fault | None:
        """Read a corpus or a model, and refuse a second one of its name."""
        if kind == EventKind.CORPUS_BUILT:
            name, known, what = (
                read_corpus(entry, index).corpus_id,
                self.corpora,
                "corpus",
            )
        elif kind in MODEL_KINDS:
            name, known, what = read_model(entry, index).model_id, self.models, "model"
        else:
            return None
        first = known.setdefault(name, index)
        if first == index:
            return None
        return Fault(
            TWICE,
            f"entries {first} and {index} both name the {what} `{name}`",
            index,
            first,
        )


def _check_form(value: dict[str, object], kind: str, index: int) -> int:
    """Check the fields around a body, and of it; give when it was recorded."""
    where = f"entry {index}"
    if kind in PERSONAL:
        fields = Fields.of(value, where, PRIVATE_KEYS)
        fields.digest("commit")
    else:
        fields = Fields.of(value, where, PUBLIC_KEYS)
        fields.count("happened_at")
        if kind not in (EventKind.CORPUS_BUILT, *MODEL_KINDS):
            _check_body(fields.values["body"], kind, f"the body of {where}")
    fields.constant("v", VERSION)
    return fields.count("recorded_at")


def _check_body(body: object, kind: str, where: str) -> None:
    if kind not in BODIES:
        # Its name is not repeated: who wrote it may have put anything there.
        raise ProofError(f"{where} is of no kind that this version knows")
    keys = dict(BODIES[kind])
    for key, read in MAY_BE_ADDED.get(kind, {}).items():
        if isinstance(body, dict) and key in body:
            keys[key] = read
    fields = Fields.of(body, where, keys)
    for key, read in keys.items():
        read(fields, key)
