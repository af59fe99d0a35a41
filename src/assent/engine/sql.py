"""Build the decision query: one readable SQL statement for one question.

The query reads three tables and returns one row a document, none missing, with a
reason that is never null:

documents  document_id, subject_id, category, created_at
subjects   subject_id, country, birth_year, age_band
events     entry, kind, subject_id, purpose, recipient, category, notice, valid_until,
           happened_at, recorded_at

It keeps to what every warehouse means the same way: int64 times, `row_number`, left
joins, CASE. No argmax (undefined ties), `greatest` (other NULL rules) or time types.
"""

from dataclasses import dataclass

import sqlglot

from assent.engine.literals import text_list, text_literal, values_table
from assent.terms import DAY, Basis, Reason, instant

DENIED = 3
"""The first three reasons permit; from this rank on a reason denies."""

RANKS = {reason: rank for rank, reason in enumerate(Reason)}
GRANTS = ("given", "objection_lifted", "restriction_lifted", "notice_served")
LANES = {
    "given": "choice",
    "refused": "choice",
    "withdrawn": "choice",
    "expired": "choice",
    "objected": "objection",
    "objection_lifted": "objection",
    "restricted": "restriction",
    "restriction_lifted": "restriction",
    "notice_served": "notice",
    "erased": "erased",
    "enrolled": "enrolled",
}


@dataclass(frozen=True, slots=True)
class QuestionRule:
    """One `allow` rule, as far as the question needs it."""

    name: str
    basis: Basis
    jurisdictions: tuple[str, ...]
    uses: tuple[tuple[str, str], ...]  # (category, recipient), both asked and allowed
    notices: tuple[str, ...]  # sha256 of the notices that count
    notice_days: int = 0
    created_from: int | None = None  # microseconds, inclusive
    created_until: int | None = None  # microseconds, exclusive


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a decision depends on, beside the three tables.

    Args:
        purpose: dotted path of the use.
        recipients: all of them must be permitted.
        purposes: the declared ones.
        categories: the declared ones; any other label denies.
        declared_recipients: of any use, asked here or not.
        as_of: microseconds UTC; what counts from this instant on is not seen.
        ledger_size: entries from this number on are not known.
        jurisdictions: country code -> the jurisdiction it belongs to.
        rules: of every policy in force; empty with `has_policy` means nothing allowed.
        has_policy: whether any policy is in force.
        minimum_age: years, or None where no policy in force states one.
        depends_on_region: whether an unknown country must deny.
        never: categories that no rule can allow.
        suspended: (order, jurisdiction, category, recipient) in force.
    """

    purpose: str
    recipients: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    declared_recipients: tuple[str, ...]
    as_of: int
    ledger_size: int
    jurisdictions: tuple[tuple[str, str], ...]
    rules: tuple[QuestionRule, ...]
    has_policy: bool
    minimum_age: int | None
    depends_on_region: bool
    never: tuple[str, ...]
    suspended: tuple[tuple[str, str, str, str], ...]

    @property
    def unsafe(self) -> bool:
        """Whether this asks what an operator did, not what is permitted."""
        return any(rule.basis is Basis.UNSAFE_DEFAULT_ON for rule in self.rules)


def decision_sql(question: Question, dialect: str = "duckdb") -> str:
    """Write the decision query for one question.

    Args:
        question: what is asked, with rules, orders and instants as literals.
        dialect: a SQLGlot dialect, such as `duckdb` or `spark`.

    Returns:
        One SELECT of document_id, subject_id, category, created_at, jurisdiction,
        reason, rule; one row a document.
    """
    parts = [
        _literal_tables(question),
        _heard(question),
        _lanes(question),
        _cells(question),
        _people(question),
        _documents(question),
    ]
    text = "WITH\n" + ",\n".join(parts) + "\n" + _answer(question)
    return sqlglot.parse_one(text, read="duckdb").sql(dialect=dialect, pretty=True)


def _literal_tables(question: Question) -> str:
    rules = enumerate(question.rules)
    notices = ((n, notice) for n, rule in rules for notice in rule.notices)
    uses = ((n, *use) for n, rule in enumerate(question.rules) for use in rule.uses)
    places = (
        (n, place)
        for n, rule in enumerate(question.rules)
        for place in rule.jurisdictions
    )
    return ",\n".join(
        [
            "-- what was asked, as small tables of literals",
            values_table(
                "recipients", ("recipient",), [(r,) for r in question.recipients]
            ),
            values_table(
                "categories", ("category",), [(c,) for c in question.categories]
            ),
            values_table("never", ("category",), [(c,) for c in question.never]),
            values_table(
                "countries", ("country", "jurisdiction"), question.jurisdictions
            ),
            values_table(
                "suspended",
                ("suspension", "jurisdiction", "category", "recipient"),
                question.suspended,
            ),
            values_table(
                "rules",
                ("rule_no", "rule", "basis", "told_before", "from_time", "until_time"),
                [
                    (
                        n,
                        rule.name,
                        str(rule.basis),
                        question.as_of - rule.notice_days * DAY,
                        rule.created_from,
                        rule.created_until,
                    )
                    for n, rule in enumerate(question.rules)
                ],
            ),
            values_table("rule_uses", ("rule_no", "category", "recipient"), list(uses)),
            values_table("rule_places", ("rule_no", "jurisdiction"), list(places)),
            values_table("rule_notices", ("rule_no", "notice"), list(notices)),
            values_table(
                "reasons",
                ("reason_no", "reason"),
                [(rank, str(reason)) for reason, rank in RANKS.items()],
            ),
        ]
    ).replace("literals,\n", "literals\n", 1)


def _heard(question: Question) -> str:
    """Events known at this ledger size: their lane, and from when each counts."""
    lane = " ".join(f"WHEN '{kind}' THEN '{lane}'" for kind, lane in LANES.items())
    grants = text_list(GRANTS)
    return f"""
-- events known at ledger size {question.ledger_size}, an unknown kind has its own lane
known AS (
  SELECT e.entry, e.subject_id, e.kind, e.purpose, e.recipient, e.category, e.notice,
    e.valid_until,
    CASE e.kind {lane} ELSE 'unknown' END AS lane,
    CASE WHEN e.kind IN ({grants}) THEN 1 ELSE 0 END AS is_grant,
    -- a grant counts from the later of happened and recorded, and without a time
    -- never; a denial counts from the earlier, and without a time always
    CASE
      WHEN e.kind IN ({grants}) THEN
        CASE WHEN e.happened_at >= e.recorded_at THEN e.happened_at
             WHEN e.recorded_at > e.happened_at THEN e.recorded_at END
      WHEN e.happened_at <= e.recorded_at THEN e.happened_at
      ELSE COALESCE(e.recorded_at, e.happened_at, {question.as_of})
    END AS counts_from,
    -- which word came last: a consent that is recorded late must not outlive a
    -- withdrawal that was said after it
    CASE
      WHEN e.kind IN ({grants}) THEN
        CASE WHEN e.happened_at <= e.recorded_at THEN e.happened_at
             ELSE e.recorded_at END
      ELSE COALESCE(e.happened_at, e.recorded_at, {question.as_of})
    END AS said_at
  FROM events AS e
  WHERE e.entry < {question.ledger_size}
),
-- of those, the ones that count at the instant and touch the purpose: a grant must
-- cover it; a denial is passed over only where its purpose is known to be another one
heard AS (
  SELECT k.* FROM known AS k
  WHERE k.counts_from <= {question.as_of}
    AND (k.purpose IN ({text_list(_covering(question.purpose))})
      OR (k.is_grant = 0 AND (k.purpose IS NULL
        OR {_below("k.purpose", question.purpose)}
        OR NOT ({_known_purpose(question)}))))
)"""


def _known_purpose(question: Question) -> str:
    """A purpose that is declared, a parent of one, or a child of one."""
    parents = {step for each in question.purposes for step in _covering(each)}
    children = [_below("k.purpose", each) for each in question.purposes]
    return " OR ".join([f"k.purpose IN ({text_list(sorted(parents))})", *children])


def _below(column: str, purpose: str) -> str:
    """Whether a purpose is a child of another: it continues at a dot."""
    return f"SUBSTRING({column}, 1, {len(purpose) + 1}) = {text_literal(purpose + '.')}"


def _lanes(question: Question) -> str:
    """For one subject, category and recipient: the latest event of each lane."""
    declared = text_list(question.declared_recipients)
    return f"""
-- one row for each use that an event touches: a grant must cover it; a denial touches
-- it too where its label is missing or one that nobody declared
touched AS (
  SELECT h.subject_id, c.category, r.recipient, h.lane, h.kind, h.notice,
    h.valid_until, h.counts_from, h.said_at, h.is_grant, h.entry
  FROM heard AS h
  JOIN categories AS c
    ON h.category IN ('*', c.category) OR (h.is_grant = 0
      AND (h.category IS NULL OR h.category NOT IN ({text_list(question.categories)})))
  JOIN recipients AS r
    ON h.recipient IN ('*', r.recipient) OR (h.is_grant = 0
      AND (h.recipient IS NULL OR h.recipient NOT IN ({declared})))
),
-- the latest wins inside a lane; at the same instant the denial wins
latest AS (
  SELECT * FROM (
    SELECT t.*, ROW_NUMBER() OVER (
      PARTITION BY t.subject_id, t.category, t.recipient, t.lane
      ORDER BY t.said_at DESC, t.is_grant ASC, t.entry DESC) AS position
    FROM touched AS t
  ) AS ordered WHERE position = 1
),
lanes AS (
  SELECT l.subject_id, l.category, l.recipient,
    MAX(CASE WHEN l.lane = 'choice' THEN l.kind END) AS choice,
    MAX(CASE WHEN l.lane = 'choice' THEN l.notice END) AS choice_notice,
    MAX(CASE WHEN l.lane = 'choice' THEN l.valid_until END) AS choice_until,
    MAX(CASE WHEN l.lane = 'objection' THEN l.kind END) AS objection,
    MAX(CASE WHEN l.lane = 'restriction' THEN l.kind END) AS restriction,
    MAX(CASE WHEN l.lane = 'erased' THEN 1 END) AS is_erased,
    MAX(CASE WHEN l.lane = 'unknown' THEN 1 END) AS has_unknown,
    MAX(CASE WHEN l.lane = 'notice' THEN 1 END) AS was_told
  FROM latest AS l
  GROUP BY l.subject_id, l.category, l.recipient
),
-- when each subject was first told under a notice that the rule accepts
told AS (
  SELECT t.subject_id, t.category, t.recipient, n.rule_no,
    MIN(t.counts_from) AS told_at
  FROM touched AS t
  JOIN rule_notices AS n ON n.notice = t.notice
  WHERE t.lane = 'notice'
  GROUP BY t.subject_id, t.category, t.recipient, n.rule_no
)"""


def _people(question: Question) -> str:
    """What is wrong with a subject before any rule is asked, as a reason number."""
    return f"""
-- what stands in the way of a person before any rule is asked; null: nothing
people AS (
  SELECT p.subject_id, p.jurisdiction,
    CASE
      {_person_cases(question)}
      ELSE NULL
    END AS obstacle
  FROM places AS p
)"""


def _person_cases(question: Question) -> str:
    year = instant(question.as_of).year
    cases = []
    if not question.unsafe:
        cases.append(f"WHEN p.is_enrolled IS NULL THEN {_rank('subject_unknown')}")
    if question.minimum_age is not None:
        # Born in year Y, a person is at least year - Y - 1 years old all year long.
        sure = f"{year} - p.birth_year - 1 >= {question.minimum_age}"
        maybe = f"{year} - p.birth_year < {question.minimum_age}"
        if question.unsafe:
            # As operators did: only a declared minor is left out.
            cases.append(
                f"WHEN p.age_band = 'minor' OR {maybe} THEN {_rank('under_age')}"
            )
        else:
            band = "true" if question.minimum_age <= 18 else "false"
            cases += [
                f"WHEN p.age_band = 'minor' THEN {_rank('under_age')}",
                f"WHEN p.age_band <> 'adult' THEN {_rank('age_unknown')}",
                f"WHEN p.birth_year < {year - 120} THEN {_rank('age_unknown')}",
                f"WHEN p.birth_year IS NOT NULL AND NOT ({sure}) "
                f"THEN {_rank('under_age')}",
                f"WHEN p.birth_year IS NULL AND NOT (p.age_band IS NOT NULL AND {band})"
                f" THEN {_rank('age_unknown')}",
            ]
    if question.depends_on_region and not question.unsafe:
        cases.append(f"WHEN p.jurisdiction = 'unknown' THEN {_rank('region_unknown')}")
    return "\n      ".join(cases) or "WHEN 1 = 0 THEN 0"


def _cells(question: Question) -> str:
    """One row a subject, rule, category and recipient, with its outcome.

    An outcome is reason number x 1000 + rule number, so that the smallest is the most
    telling one and still says which rule it came from.
    """
    proved = (
        f"WHEN r.basis = 'unsafe_default_on' AND (l.choice IS NULL OR l.choice = "
        f"'given') THEN {_rank('unsafe_default_on')}"
        if question.unsafe
        else f"""WHEN r.basis = 'consent' AND l.choice = 'given'
        AND n.rule_no IS NOT NULL AND {_clear(question)}
        THEN {_rank("consented")}
      WHEN r.basis = 'legitimate_interests' AND t.told_at <= r.told_before
        AND {_clear(question)}
        THEN {_rank("legitimate_interests")}"""
    )
    return f"""
-- where each subject lives; an unknown country is a place of its own
places AS (
  SELECT s.subject_id, s.birth_year, s.age_band,
    COALESCE(c.jurisdiction, 'unknown') AS jurisdiction,
    e.subject_id AS is_enrolled
  FROM subjects AS s
  LEFT JOIN countries AS c ON c.country = s.country
  LEFT JOIN (SELECT DISTINCT k.subject_id FROM known AS k
    WHERE k.lane = 'enrolled') AS e ON e.subject_id = s.subject_id
),
-- each rule, asked for each person it speaks of: first the proofs, then why not
cells AS (
  SELECT p.subject_id, u.category, u.recipient, r.from_time, r.until_time,
    1000 * CASE
      {proved}
      {_why_not(question)}
    END + r.rule_no AS outcome
  FROM places AS p
  JOIN rule_places AS w ON w.jurisdiction = p.jurisdiction
  JOIN rules AS r ON r.rule_no = w.rule_no
  JOIN rule_uses AS u ON u.rule_no = r.rule_no
  LEFT JOIN lanes AS l ON l.subject_id = p.subject_id
    AND l.category = u.category AND l.recipient = u.recipient
  LEFT JOIN told AS t ON t.subject_id = p.subject_id
    AND t.category = u.category AND t.recipient = u.recipient
    AND t.rule_no = r.rule_no
  LEFT JOIN rule_notices AS n ON n.rule_no = r.rule_no
    AND n.notice = l.choice_notice
)"""


def _why_not(question: Question) -> str:
    """The denials of a rule that is not proved, the most telling first."""
    return f"""WHEN l.is_erased = 1 THEN {_rank("erased")}
      WHEN l.has_unknown = 1 THEN {_rank("unknown_event")}
      WHEN l.choice = 'withdrawn' THEN {_rank("withdrawn")}
      WHEN l.objection = 'objected' THEN {_rank("objected")}
      WHEN l.choice = 'refused' THEN {_rank("refused")}
      WHEN l.restriction = 'restricted' THEN {_rank("restricted")}
      WHEN l.choice = 'expired' THEN {_rank("expired")}
      WHEN l.choice = 'given' AND l.choice_until <= {question.as_of}
        THEN {_rank("expired")}
      WHEN r.basis = 'consent' AND l.choice = 'given' THEN {_rank("stale_notice")}
      WHEN r.basis = 'legitimate_interests' AND t.told_at IS NOT NULL
        THEN {_rank("notice_too_recent")}
      WHEN r.basis = 'legitimate_interests' AND l.was_told = 1
        THEN {_rank("stale_notice")}
      WHEN r.basis = 'legitimate_interests' THEN {_rank("not_notified")}
      ELSE {_rank("no_record")}"""


def _clear(question: Question) -> str:
    """Every lane says yes or nothing; anything else, NULL included, is not clear."""
    return f"""(l.choice IS NULL OR (l.choice = 'given'
          AND (l.choice_until IS NULL OR l.choice_until > {question.as_of})))
        AND (l.objection IS NULL OR l.objection = 'objection_lifted')
        AND (l.restriction IS NULL OR l.restriction = 'restriction_lifted')
        AND l.is_erased IS NULL AND l.has_unknown IS NULL"""


def _documents(question: Question) -> str:
    return f"""
-- for each document and recipient the best of the matching rules
best AS (
  SELECT d.document_id, r.recipient, MIN(c.outcome) AS outcome
  FROM documents AS d
  CROSS JOIN recipients AS r
  LEFT JOIN cells AS c ON c.subject_id = d.subject_id AND c.category = d.category
    AND c.recipient = r.recipient
    AND (c.from_time IS NULL OR d.created_at >= c.from_time)
    AND (c.until_time IS NULL OR d.created_at < c.until_time)
  GROUP BY d.document_id, r.recipient
),
-- every recipient must be permitted; else the most telling denial
verdicts AS (
  SELECT b.document_id,
    CASE
      WHEN COUNT(b.outcome) < {len(question.recipients)}
        THEN {_rank("no_rule")} * 1000 + 999
      WHEN MAX(b.outcome) < {DENIED * 1000} THEN MAX(b.outcome)
      ELSE MIN(CASE WHEN b.outcome >= {DENIED * 1000} THEN b.outcome END)
    END AS outcome
  FROM best AS b
  GROUP BY b.document_id
),
-- the first order that stops this use, where one does
stopped AS (
  SELECT s.jurisdiction, s.category, MIN(s.suspension) AS suspension
  FROM suspended AS s
  GROUP BY s.jurisdiction, s.category
)"""


def _answer(question: Question) -> str:
    no_policy = "" if question.has_policy else f"WHEN 1 = 1 THEN {_rank('no_policy')}"
    return f"""
SELECT a.document_id, a.subject_id, a.category, a.created_at, a.jurisdiction,
  reasons.reason,
  CASE a.reason_no
    WHEN {_rank("never")} THEN a.category
    WHEN {_rank("suspended")} THEN a.suspension
    ELSE COALESCE(rules.rule, '')
  END AS rule
FROM (
  SELECT d.document_id, d.subject_id, d.category, d.created_at, p.jurisdiction,
    o.suspension,
    CASE
      {no_policy}
      WHEN p.subject_id IS NULL THEN {_rank("subject_unknown")}
      WHEN p.obstacle IS NOT NULL THEN p.obstacle
      WHEN d.created_at > {question.as_of} THEN {_rank("created_later")}
      WHEN c.category IS NULL THEN {_rank("unknown_category")}
      WHEN n.category IS NOT NULL THEN {_rank("never")}
      WHEN o.suspension IS NOT NULL THEN {_rank("suspended")}
      WHEN v.outcome IS NULL THEN {_rank("no_rule")}
      ELSE CAST(FLOOR(v.outcome / 1000) AS INT)
    END AS reason_no,
    MOD(v.outcome, 1000) AS rule_no
  FROM documents AS d
  LEFT JOIN people AS p ON p.subject_id = d.subject_id
  LEFT JOIN categories AS c ON c.category = d.category
  LEFT JOIN never AS n ON n.category = d.category
  LEFT JOIN stopped AS o ON o.jurisdiction = p.jurisdiction
    AND o.category = d.category
  LEFT JOIN verdicts AS v ON v.document_id = d.document_id
) AS a
LEFT JOIN reasons ON reasons.reason_no = a.reason_no
LEFT JOIN rules ON rules.rule_no = a.rule_no
  AND (a.reason_no < {DENIED} OR a.reason_no > {_rank("no_rule")})"""


def _rank(reason: str) -> int:
    return RANKS[Reason(reason)]


def _covering(purpose: str) -> list[str]:
    """List the scopes that cover a purpose: `*`, itself, and each parent at a dot."""
    steps = purpose.split(".")
    return ["*", *(".".join(steps[: n + 1]) for n in range(len(steps)))]
