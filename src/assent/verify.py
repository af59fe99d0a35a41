"""What an auditor runs: one file in, one verdict out, no network and no trust.

The verifier derives the verdict from ledger entries that it has itself found under
the signed tree head. The bundle also states a verdict, which must come out the same;
it is never an input. What follows from the rest is not written, and what is written
has one valid form: one byte changed anywhere is refused. Layout: `docs/formats.md`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assent.errors import ProofError
from assent.merkle.cosign import Cosigned
from assent.merkle.entry import Closure, ModelEntry, closure, superseded_by
from assent.merkle.note import TreeHead
from assent.merkle.sentences import (
    NONE,
    NOTHING,
    SOURCES,
    VERDICTS,
    counted,
    limits_of,
    step,
)
from assent.merkle.shown import Found, State, find_entries
from assent.merkle.signers import Signers, open_signed, read_signers
from assent.merkle.strict import Fields, parse

FORMAT = "assent-bundle-v2"
MAX_BUNDLE_BYTES = 64 << 20
LAST_SECOND = 253_402_300_799  # of the year 9999

BUNDLE_KEYS = (
    *("format", "model_id", "verdict", "secret", "enrolled", "corpora", "models"),
    *("path", "policy", "tree_head"),
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
        sentence: the same in words, with the models that this one replaced.
        subject_id: whom it is about, as written at enrolment.
        documents: (corpus id, document id) of each document used.
        superseded: the same for the models that this one replaced, latest first.
        head: the tree head under which all of it holds.
        witnesses: who cosigned the head and when; of those in the policy given, where
            one was given.
        steps: each step that was checked, in a plain sentence.
        limits: what the bundle does not prove.
        verifier_key: the key that signed the head.
        key_given: whether the caller brought the key; if not, see `limits`.
        policy_given: whether the caller brought the policy; if not, see `limits`.
    """

    model_id: str
    verdict: Answer
    sentence: str
    subject_id: str
    documents: tuple[tuple[str, str], ...]
    superseded: tuple[Use, ...]
    head: TreeHead
    witnesses: tuple[Cosigned, ...]
    steps: tuple[str, ...]
    limits: tuple[str, ...]
    verifier_key: str
    key_given: bool
    policy_given: bool


def verify_bundle(
    data: bytes, verifier_key: str | None = None, policy: str | None = None
) -> Verdict:
    """Check a proof bundle, offline, and derive its verdict.

    Args:
        data: the bundle file's bytes.
        verifier_key: the ledger's public key from a source that you trust; without
            it the key in the bundle is used, and the limits say so.
        policy: text of a C2SP tlog-policy from a source that you trust: which logs,
            which witnesses, and how many of them. A `log` line in it is a key given.

    Raises:
        ProofError: anything in the bundle is malformed, does not match, is missing or
            is more than the verdict needs; or the policy is malformed or not met.
    """
    # (1) One JSON object with one reading.
    if len(data) > MAX_BUNDLE_BYTES:
        raise ProofError(
            f"the bundle has {len(data)} bytes, wanted at most {MAX_BUNDLE_BYTES}"
        )
    bundle = Fields.of(parse(data, "the bundle"), "the bundle", BUNDLE_KEYS)
    bundle.constant("format", FORMAT)

    # (2) The tree head, signed by those whom the bundle and the caller name.
    signed = _signed(bundle, verifier_key, policy)

    # (3) The entries under that head, and what they show.
    found = find_entries(bundle, signed.head)
    chain, closures, answers = _conclude(bundle, found)

    steps = [
        step("file", bytes=len(data)),
        *_head_steps(signed),
        *_entry_steps(found),
        *map(_model_step, answers, closures),
        *_chain_steps(chain, found.models),
        step("claim"),
    ]
    return Verdict(
        model_id=answers[0].model_id,
        verdict=answers[0].verdict,
        sentence=_sentence(answers, found.subject_id),
        subject_id=found.subject_id,
        documents=answers[0].documents,
        superseded=tuple(answers[1:]),
        head=signed.head,
        witnesses=signed.witnesses,
        steps=tuple(f"({number}) {each}" for number, each in enumerate(steps, 1)),
        limits=limits_of(signed.key_given, policy is not None, len(signed.witnesses)),
        verifier_key=signed.key,
        key_given=signed.key_given,
        policy_given=policy is not None,
    )


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


@dataclass(frozen=True, slots=True)
class _Signed:
    """A tree head and who vouches for it, in whose eyes."""

    head: TreeHead
    key: str
    key_given: bool
    witnesses: tuple[Cosigned, ...]
    policy_given: bool


def _signed(bundle: Fields, key: str | None, policy: str | None) -> _Signed:
    """Read the head that exactly the signers of the bundle signed.

    A line by anybody else could say anything, so none is let in, whoever the caller
    trusts. Then the caller's own key and policy are asked.
    """
    note = bundle.text("tree_head")
    signers = read_signers(bundle.text("policy"))
    if key is not None and key != signers.log:
        raise ProofError(
            "the bundle was made under another verifier key than the one given",
            hint="check from which ledger the bundle and the key come",
        )
    head, witnesses = open_signed(note, signers)
    if policy is None:
        return _Signed(head, signers.log, key is not None, witnesses, False)
    return _by_policy(note, head, signers, policy, key)


def _by_policy(
    note: str, head: TreeHead, signers: Signers, policy: str, key: str | None
) -> _Signed:
    """Ask the caller's policy: only the witnesses that it names count."""
    # Only here, for whoever brings no policy need not load what reads one.
    from assent.merkle.quorum import check_quorum, parse_policy

    wanted = parse_policy(policy)
    witnesses = check_quorum(note, wanted, signers.log)
    given = key is not None or bool(wanted.logs)
    return _Signed(head, signers.log, given, witnesses, True)


def _conclude(
    bundle: Fields, found: Found
) -> tuple[tuple[str, ...], list[Closure], list[Use]]:
    """Derive the answers, the model's own first, and check the claim against them."""
    # (1) What the models are made of, through all parents, and the verdict from it.
    model_id = bundle.name("model_id")
    chain = (model_id, *superseded_by(model_id, found.models))
    closures = [closure(name, found.models) for name in chain]
    _check_nothing_over(closures, found)
    answers = [
        answer_for(name, made_of, found.used)
        for name, made_of in zip(chain, closures, strict=True)
    ]

    # (2) The claim says the same.
    if bundle.text("verdict") != answers[0].verdict.value:
        raise ProofError(
            f"the bundle claims something else than its entries show, which is "
            f"`{answers[0].verdict}` for model `{model_id}`"
        )
    return chain, closures, answers


def _check_nothing_over(closures: Sequence[Closure], found: Found) -> None:
    """Check that every entry is needed: what bears on nothing may mislead."""
    over = found.models.keys() - frozenset().union(*(one.models for one in closures))
    over |= found.corpora.keys() - frozenset().union(*(one.corpora for one in closures))
    if over:
        raise ProofError(f"`{min(over)}` is in the bundle, but no part of the model")


def _head_steps(signed: _Signed) -> Iterable[str]:
    head, source = signed.head, SOURCES[signed.key_given]
    yield step("head", origin=head.origin, size=head.size, source=source)
    for one in signed.witnesses:
        yield step("cosigned", witness=one.name, time=moment(one.timestamp))
    if signed.policy_given:
        names = ", ".join(f"`{one.name}`" for one in signed.witnesses)
        yield step("quorum", names=names) if names else step("no_quorum")


def moment(seconds: int) -> str:
    """Write seconds since 1970 as a time that people read, in UTC."""
    if seconds > LAST_SECOND:
        return f"second {seconds}"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _entry_steps(found: Found) -> Iterable[str]:
    entries = 1 + len(found.models) + len(found.corpora)
    yield step(
        "logged",
        entries=counted(entries, "entries"),
        hashes=counted(found.hashes, "hashes"),
    )
    yield step("enrolled", entry=found.enrolled)
    yield step(
        "order",
        models=counted(found.models, "models"),
        corpora=counted(found.corpora, "corpora"),
    )
    for name, corpus in found.corpora.items():
        used = found.used[name]
        yield step(
            "corpus",
            corpus=name,
            found=counted(used, "documents") if used else NOTHING,
            categories=", ".join(corpus.categories) or NONE,
        )
        if name in found.states:
            yield _consent_step(name, found.states[name])


def _consent_step(corpus_id: str, state: State) -> str:
    reasons = [
        step(
            "reason", documents=counted(state.reasons[reason], "documents"), why=reason
        )
        for reason in sorted(state.reasons)
    ]
    return step(
        "consent",
        corpus=corpus_id,
        entries=counted(state.entries, "entries"),
        last=state.last_entry,
        reasons=", ".join(reasons) or NONE,
    )


def _model_step(answer: Use, made_of: Closure) -> str:
    first = step(
        "model",
        model=answer.model_id,
        models=counted(made_of.models, "models"),
        corpora=counted(made_of.corpora, "corpora"),
        verdict=answer.verdict,
    )
    return "; ".join([first, *made_of.unresolved])


def _chain_steps(
    chain: Sequence[str], models: Mapping[str, ModelEntry]
) -> Iterable[str]:
    """Say what each repair entry proves about the model that it replaces."""
    for name in chain:
        old = models[name].supersedes
        if old is not None:
            known = "superseded" if old in models else "not_shown"
            yield step(known, model=name, old=old)


def _sentence(answers: Sequence[Use], subject_id: str) -> str:
    """Say the verdict as one sentence, the models that were replaced after it."""
    first, *older = answers
    parts = [
        VERDICTS[first.verdict].format(
            model=first.model_id,
            subject=subject_id,
            documents=counted(first.documents, "documents"),
        )
    ]
    parts += [
        VERDICTS[f"before_{one.verdict}"].format(
            model=one.model_id, documents=counted(one.documents, "documents")
        )
        for one in older
    ]
    return "; ".join(parts)
