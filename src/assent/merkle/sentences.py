"""What a verifier says, in one place, so that all verifiers say the same.

`assent verify` and the offline page fill in the same texts: the page gets them from
here when it is written. A text names no person; only the verdict names the subject.
"""

from collections.abc import Mapping, Sized
from types import MappingProxyType

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "file": "the file can be read in one way only: {bytes} bytes of canonical JSON",
        "head": "the tree head of `{origin}`, {size} entries, is signed by the key "
        "{source}",
        "cosigned": "witness `{witness}` cosigned this head at {time}",
        "quorum": "the witnesses that the given policy asks for cosigned this head: "
        "{names}",
        "no_quorum": "the given policy asks for no witness",
        "logged": "{entries} shown here stand in the ledger under this head, word for "
        "word, by one proof of {hashes}",
        "enrolled": "entry {entry} enrolled the subject, and is bound to the secret "
        "and the personal data in this bundle",
        "order": "the ledger has {models} and {corpora} in the right order: the "
        "enrolment first, then the corpora, then the models made of them",
        "corpus": "corpus `{corpus}` holds {found} of the subject; its categories "
        "are: {categories}",
        "consent": "corpus `{corpus}` was built in the knowledge of {entries} about "
        "the subject, the last of them entry {last}; of the subject's documents were "
        "decided: {reasons}",
        "reason": "{documents} as `{why}`",
        "model": "model `{model}` and its parents are {models}, made of {corpora}; all "
        "of these were looked at: {verdict}",
        "superseded": "the repair entry of model `{model}` supersedes `{old}`",
        "not_shown": "model `{old}`, which `{model}` supersedes, is not in this bundle",
        "claim": "the bundle claims the verdict that its entries show",
    }
)

UNRESOLVED: Mapping[str, str] = MappingProxyType(
    {
        "external": "`{name}` is outside this ledger",
        "silent": "model `{name}` names nothing it is made of",
        "missing": "model `{name}` is not shown",
    }
)

VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "used": "model `{model}` was made with {documents} of `{subject}`",
        "absent": "nothing of `{subject}` is in any corpus that model `{model}` was "
        "made of",
        "unknown": "whether model `{model}` was made with anything of `{subject}` is "
        "not known: a part of what it was made of is not shown",
        "before_used": "model `{model}`, which was replaced, was made with {documents}",
        "before_absent": "nothing of the same person was in model `{model}`, which was "
        "replaced",
        "before_unknown": "of model `{model}`, which was replaced, that is not known",
    }
)

COUNTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "models": ("model", "models"),
        "corpora": ("corpus", "corpora"),
        "documents": ("document", "documents"),
        "entries": ("entry", "entries"),
        "hashes": ("hash", "hashes"),
    }
)
NOTHING = "nothing"
NONE = "none"
SOURCES: Mapping[bool, str] = MappingProxyType(
    {True: "that you gave", False: "that the bundle itself names"}
)

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
    "The order of entries is proved; the times in them are the operator's word. "
    "What was logged after this tree head is not seen.",
)
KEY_LIMIT = (
    "The verifier key was taken from the bundle itself: compare it with a copy that "
    "you have from elsewhere."
)
ALONE_LIMIT = (
    "The tree head has the operator's signature alone. Compare it with the head that "
    "others hold: a ledger with two faces shows only there."
)
WITNESS_LIMIT = (
    "The keys of the witnesses were taken from the bundle itself. A witness counts "
    "only if you know its key from elsewhere: give a policy that names those you trust."
)
QUORUM_LIMIT = (
    "A witness saw that the ledger only grew, not that what it says is true; witnesses "
    "who act together with the operator could hide a second face of it."
)


def counted(things: Sized | int, what: str) -> str:
    """Write how many there are of something that `COUNTED` names."""
    number = things if isinstance(things, int) else len(things)
    one, many = COUNTED[what]
    return f"{number} {one if number == 1 else many}"


def step(kind: str, **values: object) -> str:
    """Write one step that was checked."""
    return STEPS[kind].format(**values)


def limits_of(key_given: bool, policy_given: bool, witnesses: int) -> tuple[str, ...]:
    """List what a verified bundle does not prove, what bears on the keys first.

    Args:
        key_given: the caller brought the ledger's key.
        policy_given: the caller brought a policy with the witnesses to trust.
        witnesses: how many cosigned, of those that count.
    """
    first = [] if key_given else [KEY_LIMIT]
    if not witnesses:
        first.append(ALONE_LIMIT)
    else:
        first.append(QUORUM_LIMIT if policy_given else WITNESS_LIMIT)
    return (*first, *LIMITS)
