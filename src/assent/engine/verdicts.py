"""The second part of the decision query: each rule, then each verdict, for a person.

An outcome is one whole number, reason x 1000 + rule, so that the smallest is the most
telling one and still says which rule it came from.
"""

from collections.abc import Iterator

from assent.engine.literals import Part, text_list, text_literal
from assent.engine.people import own_words, rank
from assent.engine.question import (
    HOLDS,
    Judges,
    Question,
    QuestionRule,
    RuleSet,
    situations,
)
from assent.terms import DAY, UNKNOWN_PLACE, Basis, Residence

DENIED = 3_000
"""Outcomes below permit: those of the first three reasons."""

STEP = 1_000
"""An outcome is the rank of its reason x STEP + the number of a rule or order."""

NOTHING = 900 * STEP
"""The outcome of a rule that does not speak of a person."""


def outcome(reason: str, number: int = 0) -> int:
    """Write a reason, and the rule or order that it comes from, as one number."""
    return rank(reason) * STEP + number


NO_RULE = outcome("no_rule")


class Verdicts:
    """What one question needs to know of a person, numbered.

    Args:
        question: what is asked.

    `situations` are the kinds of documents, `numbers` the verdict on each kind, `sets`
    the different sets of rules that speak together.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.situations = situations(question)
        judged = [judges for each in self.situations for _, _, judges in each.judges]
        self.numbers = {each: n for n, each in enumerate(dict.fromkeys(judged))}
        sets = [one for judges in self.numbers for one in judges if one]
        self.sets = {each: n for n, each in enumerate(dict.fromkeys(sets))}

    @property
    def columns(self) -> list[str]:
        """The names of the verdicts that are not the same for everybody."""
        return [f"verdict_{n}" for _, n in self._numbered()]

    def of_people(self) -> Part:
        """Give each person every verdict; the stay is hers where a rule asks of it."""
        kept = ["subject_id", "is_narrow", "tier", "jurisdiction", "obstacle"]
        kept.append("objection_word")
        source, spans = "people AS p", ""
        if self.question.depends_on_creation:
            kept += ["lived_from", "lived_until"]
            source = """(
      SELECT q.*, w.lived_from, w.lived_until, w.lived_in
      FROM people AS q JOIN spans AS w ON w.subject_id = q.subject_id
    ) AS p"""
            spans = ", where a rule asks once for each place that she lived in"
        columns = [f"p.{name}" for name in kept]
        columns += [f"{self._of_all(j)} AS verdict_{n}" for j, n in self._numbered()]
        return Part(
            "verdicts",
            f"Each rule answered for each person{spans} ({STEP} x reason + rule, so "
            "that the smallest is the most telling), the best of the rules that speak "
            "together, and the verdict on each kind of document: every recipient must "
            "be permitted.",
            f"SELECT {', '.join(columns)} FROM ({self._best(source, kept)}) AS p",
        )

    def of_cells(self) -> Part:
        """Give the same for single categories, to those who spoke of them."""
        question = self.question
        kept = ["subject_id", "category", "recipient", "objection_word"]
        span = lived = ""
        keys = "p.subject_id, p.category"
        if question.depends_on_creation:
            kept.append("lived_from")
            span = "\n      JOIN spans AS w ON w.subject_id = q.subject_id"
            lived = ", w.lived_from, w.lived_in"
            keys += ", p.lived_from"
        source = f"""(
      SELECT q.subject_id, q.tier, q.jurisdiction, n.category, n.recipient{lived},
        {own_words("n", question)}
      FROM narrow_answers AS n
      JOIN people AS q ON q.subject_id = n.subject_id{span}
    ) AS p"""
        picked = [f"{self._picked(j)} AS picked_{n}" for j, n in self._numbered()]
        verdicts = [f"{self._of_rows(n)} AS verdict_{n}" for _, n in self._numbered()]
        columns = [keys, "MAX(p.objection_word) AS objection_word", *verdicts]
        return Part(
            "narrow_verdicts",
            "The same for single categories, of those who spoke of one.",
            f"""
  SELECT {", ".join(columns)}
  FROM (
    SELECT {", ".join([keys, "p.objection_word", *picked])}
    FROM ({self._best(source, kept)}) AS p
  ) AS p
  GROUP BY {keys}""",
        )

    def _numbered(self) -> Iterator[tuple[Judges, int]]:
        """List the verdicts that are not the same for everybody."""
        return ((each, n) for each, n in self.numbers.items() if all(each))

    def _best(self, source: str, kept: list[str]) -> str:
        """Answer each rule, then take the best of each set of rules."""
        names = [f"p.{name}" for name in kept]
        rules = [
            f"{self._rule(number, rule)} AS rule_{number}"
            for number, rule in enumerate(self.question.rules)
        ]
        best = [f"{_least(one)} AS best_{n}" for one, n in self.sets.items()]
        return f"""
    SELECT {", ".join([*names, *best])}
    FROM (
    SELECT {", ".join([*names, *rules])}
    FROM {source}
    ) AS p"""

    # -- one rule ----------------------------------------------------------------------

    def _rule(self, number: int, rule: QuestionRule) -> str:
        """Whether a rule speaks of her; then its proof; then why it is not proved."""
        gaps = dict(_gaps(rule))
        reason, proof = self._proof(rule)
        known = [f"NOT ({gap})" for gap in gaps.values()]
        cases = [
            (_elsewhere(rule), NOTHING),
            (" AND ".join([proof, *known]), outcome(reason, number)),
            ("p.own_no IS NOT NULL", f"p.own_no * {STEP} + {number}"),
            *((gap, outcome(name, number)) for name, gap in gaps.items()),
            *((why, outcome(name, number)) for why, name in self._unproved(rule)),
        ]
        last = (
            "not_notified"
            if rule.basis is Basis.LEGITIMATE_INTERESTS
            else ("no_record")
        )
        chain = "\n        ".join(f"WHEN {when} THEN {then}" for when, then in cases)
        return f"CASE {chain} ELSE {outcome(last, number)} END"

    def _proof(self, rule: QuestionRule) -> tuple[str, str]:
        """The reason that permits, and the condition that proves it."""
        n = self.question.notice_sets.index(rule.notices)
        if rule.basis is Basis.CONSENT:
            yes = f"p.choice_word = 0 AND p.yes_{n} = p.choice"
            return "consented", f"p.own_no IS NULL AND {yes}"
        if rule.basis is Basis.LEGITIMATE_INTERESTS:
            before = self.question.as_of - rule.notice_days * DAY
            told = f"p.told_{n} <= {before}"
            return "legitimate_interests", f"p.own_no IS NULL AND {told}"
        # As operators did: silence was a yes, and nothing else that she said counted.
        return "unsafe_default_on", "p.choice_word <= 1"

    def _unproved(self, rule: QuestionRule) -> Iterator[tuple[str, str]]:
        """Why a rule is not proved for somebody who did not say no."""
        n = self.question.notice_sets.index(rule.notices)
        if rule.basis is Basis.CONSENT:
            yield "p.choice_word = 0", "stale_notice"
        if rule.basis is Basis.LEGITIMATE_INTERESTS:
            yield f"p.told_{n} IS NOT NULL", "notice_too_recent"
            yield "p.was_told = 1", "stale_notice"

    # -- every recipient ---------------------------------------------------------------

    def _of_all(self, judges: Judges) -> str:
        """Every recipient must be permitted; else the most telling denial."""
        best = [f"p.best_{n}" for n in dict.fromkeys(self.sets[one] for one in judges)]
        if len(best) == 1:
            return f"CASE WHEN {best[0]} < {NOTHING} THEN {best[0]} ELSE {NO_RULE} END"
        unspoken = " OR ".join(f"{each} >= {NOTHING}" for each in best)
        permitted = " AND ".join(f"{each} < {DENIED}" for each in best)
        denials = [
            f"CASE WHEN {each} < {DENIED} THEN {NOTHING} ELSE {each} END"
            for each in best
        ]
        return (
            f"CASE WHEN {unspoken} THEN {NO_RULE} "
            f"WHEN {permitted} THEN GREATEST({', '.join(best)}) "
            f"ELSE LEAST({', '.join(denials)}) END"
        )

    def _picked(self, judges: Judges) -> str:
        """The best of the rules that speak for a row's own recipient."""
        cases = [
            f"WHEN p.recipient = {text_literal(name)} THEN p.best_{self.sets[one]}"
            for name, one in zip(self.question.recipients, judges, strict=True)
        ]
        return f"CASE {' '.join(cases)} END"

    def _of_rows(self, number: int) -> str:
        """Say what `_of_all` says over rows, one a recipient."""
        best, wanted = f"p.picked_{number}", len(self.question.recipients)
        # A recipient without a row, or without a rule that speaks of her, denies.
        return (
            f"CASE WHEN COUNT({best}) < {wanted} OR MAX({best}) >= {NOTHING} "
            f"THEN {NO_RULE} WHEN MAX({best}) < {DENIED} THEN MAX({best}) "
            f"ELSE MIN(CASE WHEN {best} >= {DENIED} THEN {best} END) END"
        )


def _elsewhere(rule: QuestionRule) -> str:
    """Whether a rule is known to be about other people or places."""
    listed = text_list(rule.jurisdictions)
    found = []
    if rule.residence is not Residence.AT_CREATION:
        found.append(f"p.jurisdiction NOT IN ({listed})")
    if rule.asks_creation:
        found.append(f"p.lived_in NOT IN ({listed}, '{UNKNOWN_PLACE}')")
    if rule.tiers:
        # A NULL tier is not a known other one: it is denied below, as unknown.
        found.append(f"p.tier NOT IN ({text_list(rule.tiers)})")
    return " OR ".join(found) or "1 = 0"


def _gaps(rule: QuestionRule) -> Iterator[tuple[str, str]]:
    """What a rule asks that is not known of her: reason and condition."""
    if rule.asks_creation:
        yield "residence_unknown", f"p.lived_in = '{UNKNOWN_PLACE}'"
    if rule.tiers:
        yield "tier_unknown", "p.tier IS NULL"


def _least(one: RuleSet) -> str:
    outcomes = [_held(number, how) for number, how in one]
    # No outcome is NULL, so that `least` means the same in every dialect.
    return outcomes[0] if len(outcomes) == 1 else f"LEAST({', '.join(outcomes)})"


def _held(number: int, how: str) -> str:
    """A rule's outcome; where those mentioned fail it, the more telling denial."""
    if how == HOLDS:
        return f"p.rule_{number}"
    failed = outcome(f"mentioned_{how}", number)
    return (
        f"CASE WHEN p.rule_{number} < {DENIED} OR (p.rule_{number} > {failed} "
        f"AND p.rule_{number} < {NOTHING}) THEN {failed} ELSE p.rule_{number} END"
    )
