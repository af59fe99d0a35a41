"""Explain one decision: what decided it is found by deciding again without it.

The same query is asked of one document in many copies: as it is, for each recipient and
each rule alone, and with each event, order and mention of a person left out. An event
decided when without it the answer would be another. So an explanation cannot say
something else than the decision.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assent.engine.question import Question, QuestionRule
from assent.terms import DAY, PROVED, Basis, EventKind, Reason, iso

AS_IT_IS = "0"

Row = Mapping[str, Any]
Asked = Mapping[str, tuple[str, str]]
"""Copy -> (reason, rule)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One document and everything that a decision on it depends on.

    Args:
        document: its row, without the text.
        author: her row; None where she is not loaded, or nobody is known.
        events: hers, as the ledger knows them, in its order.
        others: rows of those whom it mentions, and their events.
    """

    document: Row
    author: Row | None
    events: Sequence[Row]
    others: tuple[Sequence[Row], Sequence[Row]] = ((), ())

    def copies(self) -> tuple[list[dict[str, Any]], ...]:
        """Write the document as it is, and without each event and each mention.

        Returns:
            Documents, subjects and events, as rows; the document ids are `AS_IT_IS`,
            `without` and the number of an entry, `mention` and its place.
        """
        subjects = [dict(row) for row in self.others[0]]
        events = [dict(row) for row in self.others[1]]
        documents = []
        mentions = list(self.document["mentions"] or [])
        author = self.document["subject_id"]
        names = [AS_IT_IS, *map(without, self.events)]
        names += [f"mention {place}" for place in range(len(mentions))]
        for name in names:
            copy = f"{author}\0{name}"  # of the author: nobody is called so
            mentioned = [
                copy if who == author and who is not None else who
                for place, who in enumerate(mentions)
                if name != f"mention {place}"
            ]
            documents.append(
                {
                    **self.document,
                    "document_id": name,
                    "subject_id": copy,
                    "mentions": mentioned,
                }
            )
            if self.author is not None:
                subjects.append({**self.author, "subject_id": copy})
            kept = [row for row in self.events if name != without(row)]
            events += [{**row, "subject_id": copy} for row in kept]
        return documents, subjects, events


def without(event: Row) -> str:
    """Name the copy that lacks an event."""
    return f"without {event['entry']}"


def variants(question: Question, category: str) -> Iterator[tuple[str, Question]]:
    """List the questions that tell why: each recipient and rule alone, no such order.

    Args:
        question: what was asked.
        category: of the document.
    """
    yield "all", question
    if len(question.recipients) > 1:
        for name in question.recipients:
            yield f"recipient {name}", replace(question, recipients=(name,))
    for number, rule in enumerate(question.rules):
        if any(category == used for used, _ in rule.uses):
            yield f"rule {number}", replace(question, rules=(rule,), suspended=())
    for order in sorted({row[0] for row in question.suspended}):
        kept = tuple(row for row in question.suspended if row[0] != order)
        yield f"without order {order}", replace(question, suspended=kept)


# -- in words --------------------------------------------------------------------------

MEANS = {
    Reason.CONSENTED: "she said yes under a notice that counts, and has not said no",
    Reason.LEGITIMATE_INTERESTS: "she was told long enough before, and has not said no",
    Reason.UNSAFE_DEFAULT_ON: "on by default, as an operator did it; never permitted",
    Reason.NO_POLICY: "no policy is in force",
    Reason.SUBJECT_UNKNOWN: "nobody is known whom the ledger has enrolled",
    Reason.AGE_UNKNOWN: "it is not known that she is of age",
    Reason.UNDER_AGE: "she may be too young",
    Reason.REGION_UNKNOWN: "it is not known where she lives, and a rule asks",
    Reason.CREATED_LATER: "it was written after the instant that is asked about",
    Reason.UNKNOWN_CATEGORY: "nobody declared what kind of document this is",
    Reason.NEVER: "this kind of document is never used",
    Reason.SUSPENDED: "an order stops it",
    Reason.NO_RULE: "no rule speaks of it for all recipients",
    Reason.ERASED: "she was erased",
    Reason.UNKNOWN_EVENT: "the ledger holds an event about her that is not understood",
    Reason.WITHDRAWN: "she took her consent back",
    Reason.OBJECTED: "she objected",
    Reason.REFUSED: "she refused",
    Reason.RESTRICTED: "she had its use restricted",
    Reason.EXPIRED: "her consent has ended",
    Reason.RESIDENCE_UNKNOWN: "it is not known where she lived when she wrote it",
    Reason.TIER_UNKNOWN: "it is not known which tier she has, and a rule asks",
    Reason.MENTIONED_OBJECTED: "somebody whom it mentions objected",
    Reason.MENTIONED_DENIED: "somebody whom it mentions may not be used",
    Reason.STALE_NOTICE: "she was shown another notice than one that counts",
    Reason.NOTICE_TOO_RECENT: "she was told, but not long enough before",
    Reason.NOT_NOTIFIED: "she was never told",
    Reason.NO_RECORD: "she was never asked, or has not answered",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision with its reasons, in words.

    Args:
        reason: of the decision.
        rule: the rule, order or category that it names.
        sentences: what decided it, in the order in which a decision looks.
    """

    reason: Reason
    rule: str
    sentences: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether the document may be used."""
        return self.reason in PROVED

    @property
    def meaning(self) -> str:
        """The reason in plain words."""
        return MEANS[self.reason]


def explain(
    question: Question,
    case: Case,
    answers: Mapping[str, Asked],
    notices: Mapping[str, str],
) -> Explained:
    """Say in words what decided.

    Args:
        question: what was asked.
        case: the document.
        answers: for each of `variants`, what was decided on each of the copies.
        notices: sha256 -> name of the notices that are known.
    """
    reason, rule = answers["all"][AS_IT_IS]
    found = Reason(reason)
    sentences = [
        *_about(question, case),
        *_recipients(question, answers),
        *_orders(question, answers),
        *_rules(question, case, answers, notices),
        *_mentions(case, answers["all"]),
        *_events(question, case, answers["all"], notices),
    ]
    return Explained(found, rule, tuple(sentences))


def _about(question: Question, case: Case) -> Iterator[str]:
    document, author = case.document, case.author
    written = document["created_at"]
    yield (
        f"document `{document['document_id']}`: category "
        f"`{document['category'] or 'unknown'}`, written "
        f"{_time(written)}"
    )
    if author is None:
        who = document["subject_id"]
        yield f"author: {'nobody is known' if who is None else 'is not loaded'}"
        return
    born = author["birth_year"] or author["age_band"] or "at an unknown time"
    least = question.minimum_age
    wanted = "no age is asked" if least is None else f"{least} years are asked"
    yield (
        f"author `{author['subject_id']}`: lives in {_lives(author, case)}; "
        f"born {born} ({wanted}); tier {author['tier'] or 'unknown'}"
    )
    if not any(row["kind"] == EventKind.ENROLLED for row in case.events):
        yield "she was never enrolled in the ledger, so nothing of hers is permitted"


def _lives(author: Row, case: Case) -> str:
    stays = [
        f"{_place(stay)} from {_time(stay['valid_from'])}"
        for stay in author["residences"] or []
    ]
    stays += [
        f"{_place(row)} from {_when(row)} (entry {row['entry']})"
        for row in case.events
        if row["kind"] == EventKind.RESIDENCE_CHANGED
    ]
    return ", ".join(stays) or f"{_place(author)} (undated)"


def _place(row: Row) -> str:
    return row["country"] or "an unknown place"


def _recipients(question: Question, answers: Mapping[str, Asked]) -> Iterator[str]:
    for name in question.recipients:
        if asked := answers.get(f"recipient {name}"):
            yield f"for recipient `{name}` alone: {_said(*asked[AS_IT_IS])}"


def _orders(question: Question, answers: Mapping[str, Asked]) -> Iterator[str]:
    decided = answers["all"][AS_IT_IS]
    for order in sorted({row[0] for row in question.suspended}):
        other = answers[f"without order {order}"][AS_IT_IS]
        if other != decided:
            yield f"order `{order}` decides: without it, {_said(*other)}"
        elif decided[0] == Reason.SUSPENDED:
            yield f"order `{order}` is in force too"


def _rules(
    question: Question,
    case: Case,
    answers: Mapping[str, Asked],
    notices: Mapping[str, str],
) -> Iterator[str]:
    silent = []
    for number, rule in enumerate(question.rules):
        asked = answers.get(f"rule {number}")
        if asked is None or asked[AS_IT_IS][0] == Reason.NO_RULE:
            silent.append(f"`{rule.name}`")
            continue
        reason = asked[AS_IT_IS][0]
        wants = _wants(rule, notices)
        yield f"rule `{rule.name}`: {reason}; it wants {wants}"
        if reason == Reason.NOTICE_TOO_RECENT:
            yield f"  its days are over from {iso(_ready(rule, case.events))} on"
    if silent:
        yield f"rules that do not speak of this document: {', '.join(silent)}"


def _wants(rule: QuestionRule, notices: Mapping[str, str]) -> str:
    named = " or ".join(_notice(each, notices) for each in rule.notices)
    if rule.basis is Basis.CONSENT:
        return f"a consent under {named}"
    if rule.basis is Basis.LEGITIMATE_INTERESTS:
        return (
            f"{named} served at least {rule.notice_days} days before, and no objection"
        )
    return "nothing: it is on by default"


def _ready(rule: QuestionRule, events: Sequence[Row]) -> int:
    """When the first accepted notice that she was served is old enough."""
    served: list[int] = [
        max(row["happened_at"], row["recorded_at"])
        for row in events
        if row["kind"] == EventKind.NOTICE_SERVED
        and row["notice"] in rule.notices
        and None not in (row["happened_at"], row["recorded_at"])
    ]
    return min(served) + rule.notice_days * DAY


def _mentions(case: Case, decided: Asked) -> Iterator[str]:
    for place, who in enumerate(case.document["mentions"] or []):
        other = decided[f"mention {place}"]
        if other != decided[AS_IT_IS]:
            named = "somebody unknown" if who is None else f"`{who}`"
            yield f"it mentions {named}, which decides: without that, {_said(*other)}"


def _events(
    question: Question, case: Case, decided: Asked, notices: Mapping[str, str]
) -> Iterator[str]:
    for row in case.events:
        other = decided[without(row)]
        effect = (
            "changes nothing here"
            if other == decided[AS_IT_IS]
            else f"decides: without it, {_said(*other)}"
        )
        later = (
            "" if _counts(row) <= question.as_of else f", counts from {_when(row)} on"
        )
        yield (
            f"entry {row['entry']}: `{row['kind']}` at {_when(row)}"
            f"{_scope(row)}{_shown(row, notices)}{later}: {effect}"
        )


def _counts(row: Row) -> int:
    return min((t for t in (row["happened_at"], row["recorded_at"]) if t), default=0)


def _when(row: Row) -> str:
    happened, recorded = row["happened_at"], row["recorded_at"]
    late = "" if recorded in (None, happened) else f" (recorded {iso(recorded)})"
    return _time(happened) + late


def _time(time: int | None) -> str:
    return "an unknown time" if time is None else iso(time)


def _scope(row: Row) -> str:
    named = [
        f"{name} `{row[name]}`"
        for name in ("purpose", "recipient", "category")
        if row[name] != "*"
    ]
    until = row["valid_until"]
    ends = "" if until is None else f", until {iso(until)}"
    return (f" for {', '.join(named)}" if named else "") + ends


def _shown(row: Row, notices: Mapping[str, str]) -> str:
    return f" under {_notice(row['notice'], notices)}" if row["notice"] else ""


def _notice(name: str, notices: Mapping[str, str]) -> str:
    known = notices.get(name)
    return f"notice `{known or name[:16]}`"


def _said(reason: str, rule: str) -> str:
    return f"{reason} (`{rule}`)" if rule else reason
