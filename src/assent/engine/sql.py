"""Build the decision query: one readable SQL statement for one question.

The query reads five tables and returns one row a document, none missing, with a
reason that is never null:

documents   document_id, subject_id, category, created_at
subjects    subject_id, country, birth_year, age_band, tier
residences  subject_id, country, valid_from
mentions    document_id, subject_id
events      entry, kind, subject_id, purpose, recipient, category, notice, valid_until,
            happened_at, recorded_at, country

All the work is done once a person: each rule is answered for her, then each kind of
document. A document only looks its verdict up, so documents stream through one join;
memory grows with people, about 100 bytes each.

It keeps to what every warehouse means the same way: int64 times, MAX and MIN of whole
numbers, left joins, CASE. No argmax (undefined ties), no `least` of what may be NULL,
no time types, no order of rows.
"""

from collections.abc import Iterator, Sequence
from textwrap import fill, indent

import sqlglot

from assent.engine.literals import Part, text_list, text_literal, values_table
from assent.engine.people import (
    HOME,
    LEAST,
    answers,
    events_known,
    narrow_answers,
    people,
    places_lived,
    words_heard,
)
from assent.engine.question import Judges, Period, Question, Situation
from assent.engine.verdicts import DENIED, NO_RULE, STEP, Verdicts, outcome
from assent.terms import PROVED, Reason, iso

DIALECTS = ("duckdb", "spark", "trino", "snowflake", "bigquery")

RESULT = (
    *("document_id", "subject_id", "category", "created_at", "jurisdiction"),
    *("reason", "rule"),
)
"""The columns of a decision."""


def decision_sql(
    question: Question, dialect: str | None = None, more: Sequence[str] = ()
) -> str:
    """Write the decision query for one question.

    Args:
        question: what is asked, with rules, orders and instants as literals.
        dialect: one of `DIALECTS`, laid out for readers; by default that of DuckDB, as
            it is written here, which takes no time.
        more: further columns of the documents, such as `text`.

    Returns:
        One SELECT of the columns of `RESULT` and of `more`; one row a document.
    """
    return _query(_parts(question), LOOKED_UP, _answer(question, more), dialect)


def permitted_sql(question: Question, columns: Sequence[str]) -> str:
    """Select columns of the permitted documents, in DuckDB's dialect.

    Args:
        question: as for `decision_sql`.
        columns: of the documents table.
    """
    chosen = ", ".join(f"a.{name}" for name in columns)
    proved = len(PROVED) * STEP  # the proved reasons come first
    # Said twice, of people too: then nobody else's documents are looked at.
    verdicts = [f"v.{name} < {proved}" for name in Verdicts(question).columns]
    may = " OR ".join(["v.is_narrow", *verdicts])
    judged = (
        f"{_judged_documents(question, columns)} WHERE v.obstacle IS NULL AND ({may})"
    )
    select = f"SELECT {chosen} FROM ({judged}) AS a WHERE a.outcome < {proved}"
    return _query(_parts(question), LOOKED_UP, select, None)


def count_sql(question: Question, people: bool) -> str:
    """Count decisions by reason and rule, in DuckDB's dialect.

    Outcomes are counted as numbers, and named afterwards.

    Args:
        question: as for `decision_sql`.
        people: count people too, each once for a reason and rule.
    """
    label = f"CASE WHEN a.outcome = {outcome(Reason.NEVER)} THEN a.category END"
    who = ", COUNT(DISTINCT a.subject_id) AS people" if people else ""
    judged = _judged_documents(question, ["subject_id", "category"])
    counted = (
        f"SELECT a.outcome, {label} AS label, COUNT(*) AS documents{who} "
        f"FROM ({judged}) AS a GROUP BY a.outcome, label"
    )
    select = (
        "SELECT o.reason, COALESCE(a.label, o.rule) AS rule, a.documents"
        f"{', a.people' if people else ''} FROM ({counted}) AS a "
        "LEFT JOIN outcomes AS o ON o.outcome = a.outcome"
    )
    return _query(_parts(question), LOOKED_UP, select, None)


def people_sql(question: Question) -> str:
    """Select what the rules ask of each person, in DuckDB's dialect: see `people`."""
    parts = _parts(question)
    known = parts[: 1 + [part.name for part in parts].index("people")]
    return _query(known, "What is known of each person.", "SELECT * FROM people", None)


def living_sql(question: Question, dialect: str | None = None) -> str:
    """Select subject_id and country: where each person lives at the instant.

    For counting by region beside a decision; it sees what the decision sees.
    """
    home = f"SELECT s.subject_id, {HOME} AS country FROM subjects AS s"
    joined = f"{home} LEFT JOIN living AS l ON l.subject_id = s.subject_id"
    parts = [part for part in places_lived(question) if part.name != "spans"]
    return _query(
        parts, "Undated words count where nothing dated is known.", joined, dialect
    )


LOOKED_UP = "Each document looks its verdict up."


def _query(parts: Sequence[Part], says: str, answer: str, dialect: str | None) -> str:
    """Put named parts and the last select together, a comment before each."""
    named = [
        f"{_comment(f'({n}) {part.says}')}{part.name} AS (\n"
        f"{indent(_in(dialect, part.select), '  ')}\n)"
        for n, part in enumerate(parts)
    ]
    last = f"{_comment(says)}{_in(dialect, answer)}"
    return "WITH\n" + ",\n".join(named) + f"\n{last}"


def view_sql(question: Question, dialect: str, name: str = "assent_decisions") -> str:
    """Write the decision query as a view that a warehouse can hold.

    Args:
        question: as for `decision_sql`.
        dialect: one of `DIALECTS`.
        name: of the view.
    """
    head = (
        f"Assent: what may be used for `{question.purpose}` by all of "
        f"{', '.join(question.recipients)}, as of {iso(question.as_of)}, as known at "
        f"ledger size {question.ledger_size}. Only the reasons 'consented' and "
        "'legitimate_interests' permit. For another instant, policy or order print and "
        "install it again."
    )
    body = decision_sql(question, dialect)
    return f"{_comment(head)}CREATE OR REPLACE VIEW {name} AS\n{body}"


def _comment(text: str) -> str:
    return f"{fill(text, 88, initial_indent='-- ', subsequent_indent='-- ')}\n"


def _in(dialect: str | None, select: str) -> str:
    if dialect is None:
        return select.strip()
    return sqlglot.parse_one(select, read="duckdb").sql(dialect=dialect, pretty=True)


def _parts(question: Question) -> list[Part]:
    """List everything that is known of people, in the order in which it is derived."""
    verdicts = Verdicts(question)
    cells = sorted({use for rule in question.rules for use in rule.uses})
    return [
        Part(
            "countries",
            "The places that no rule or order tells apart.",
            values_table(("country", "jurisdiction"), question.jurisdictions),
        ),
        Part(
            "cells",
            "The uses that are asked about and that a rule speaks of.",
            values_table(("category", "recipient"), cells),
        ),
        events_known(question),
        words_heard(question),
        answers(question),
        *narrow_answers(question),
        *places_lived(question),
        people(question),
        verdicts.of_people(),
        verdicts.of_cells(),
        *([_mentions(question)] if question.depends_on_mentions else []),
        Part(
            "outcomes",
            "What each outcome says, and of which rule or order.",
            values_table(("outcome", "reason", "rule"), _outcomes(question)),
        ),
    ]


def _mentions(question: Question) -> Part:
    """How far the people whom a document mentions stand in its way."""
    objected = "COALESCE(n.objection_word, v.objection_word) = 1"
    alone = _outcome(question, "0")
    return Part(
        "mention_levels",
        "Of documents that mention people: 3 somebody has objected to this use, 2 it "
        "is not known who is meant, 1 somebody is not permitted as if it were hers.",
        f"""
  SELECT d.document_id, MAX(CASE
    WHEN m.subject_id IS NULL THEN 2
    WHEN {objected} THEN 3
    WHEN {alone} >= {DENIED} THEN 1
    ELSE 0 END) AS mention_level
  FROM mentions AS m
  JOIN documents AS d ON d.document_id = m.document_id
  {_joins(question, "m")}
  GROUP BY d.document_id""",
    )


def _answer(question: Question, more: Sequence[str]) -> str:
    columns = [f"a.{name}" for name in RESULT[:-2]]
    # What no outcome names would be a mistake of ours, and denies.
    columns.append(f"COALESCE(o.reason, '{Reason.NO_RECORD}') AS reason")
    never = outcome(Reason.NEVER)
    columns.append(
        f"CASE WHEN a.outcome = {never} THEN a.category ELSE COALESCE(o.rule, '') END "
        "AS rule"
    )
    columns += [f"a.{name}" for name in more]
    return (
        f"SELECT {', '.join(columns)} "
        f"FROM ({_judged_documents(question, [*RESULT[:4], *more])}) AS a "
        "LEFT JOIN outcomes AS o ON o.outcome = a.outcome"
    )


def _outcomes(question: Question) -> Iterator[tuple[int, str, str]]:
    """List every outcome there can be: its number, reason, and rule or order."""
    for reason in Reason:
        if reason is Reason.SUSPENDED:
            named = _orders(question)
        elif outcome(reason) < DENIED or outcome(reason) > NO_RULE:
            named = [rule.name for rule in question.rules]
        else:
            named = [""]
        for number, name in enumerate(named):
            yield outcome(reason, number), str(reason), name


def _judged_documents(question: Question, columns: Sequence[str]) -> str:
    """Select columns of each document, its jurisdiction, and its outcome."""
    joins, level = _joins(question, "d"), "0"
    if question.depends_on_mentions:
        joins += "\n  LEFT JOIN mention_levels AS l ON l.document_id = d.document_id"
        level = "COALESCE(l.mention_level, 0)"
    kept = ", ".join(f"d.{name}" for name in columns)
    return f"""
  SELECT {kept}, v.jurisdiction, {_outcome(question, level)} AS outcome
  FROM documents AS d
  {joins}"""


def _joins(question: Question, subject: str) -> str:
    """Find a person's verdicts: her own, and those on single categories."""
    span = narrow = ""
    if question.depends_on_creation:
        at = f"COALESCE(d.created_at, {LEAST})"
        span = f" AND {at} >= v.lived_from AND {at} < v.lived_until"
        narrow = " AND n.lived_from = v.lived_from"
    return (
        f"LEFT JOIN verdicts AS v ON v.subject_id = {subject}.subject_id{span}\n"
        # For most people the key is NULL, and a join passes over it at once.
        "  LEFT JOIN narrow_verdicts AS n ON n.subject_id = "
        f"CASE WHEN v.is_narrow THEN {subject}.subject_id END "
        f"AND n.category = d.category{narrow}"
    )


def _outcome(question: Question, level: str) -> str:
    """The outcome of document `d`, whose verdicts are `v` and `n`.

    Args:
        question: what is asked.
        level: how far those whom it mentions stand in its way, in SQL.
    """
    cases = [
        *([] if question.has_policy else [("1 = 1", outcome("no_policy"))]),
        ("v.subject_id IS NULL", outcome("subject_unknown")),
        ("v.obstacle IS NOT NULL", f"v.obstacle * {STEP}"),
        (f"d.created_at > {question.as_of}", outcome("created_later")),
        *_never(question),
        *_suspended(question),
        *_judged(question, level),
    ]
    if question.categories:
        declared = f"d.category IN ({text_list(question.categories)})"
        cases.append((declared, NO_RULE))
    chain = "\n      ".join(f"WHEN {when} THEN {then}" for when, then in cases)
    return f"CASE\n      {chain}\n      ELSE {outcome('unknown_category')} END"


def _never(question: Question) -> Iterator[tuple[str, int]]:
    if question.never:
        yield f"d.category IN ({text_list(question.never)})", outcome("never")
    for category, tier in question.never_of_tier:
        # Of whom it is not known which tier she has, it may be this one.
        here = f"(v.tier IS NULL OR v.tier = {text_literal(tier)})"
        yield f"d.category = {text_literal(category)} AND {here}", outcome("never")


def _suspended(question: Question) -> Iterator[tuple[str, int]]:
    """Stop what an order stops; of several the first by name says so."""
    orders = _orders(question)
    for number, order in enumerate(orders):
        stops: dict[str, set[str]] = {}
        for name, place, category, _ in question.suspended:
            if name == order:
                stops.setdefault(place, set()).add(category)
        grouped: dict[tuple[str, ...], list[str]] = {}
        for place, stopped in stops.items():
            grouped.setdefault(tuple(sorted(stopped)), []).append(place)
        for categories, places in sorted(grouped.items()):
            yield (
                f"v.jurisdiction IN ({text_list(sorted(places))}) "
                f"AND d.category IN ({text_list(categories)})",
                outcome("suspended", number),
            )


def _orders(question: Question) -> list[str]:
    return sorted({order for order, _, _, _ in question.suspended})


def _judged(question: Question, level: str) -> Iterator[tuple[str, str]]:
    verdicts = Verdicts(question)
    for each in verdicts.situations:
        listed = text_list(each.categories)
        yield f"d.category IN ({listed})", _looked_up(verdicts, each, level)


def _looked_up(verdicts: Verdicts, situation: Situation, level: str) -> str:
    """Find the verdict on a kind of document: by level, then by period."""
    by_level: dict[int, list[tuple[Period, str]]] = {}
    for period, number, judges in situation.judges:
        found = by_level.setdefault(number, [])
        found.append((period, _column(verdicts, judges)))
    chains = {number: _by_period(found) for number, found in by_level.items()}
    if len(chains) == 1:
        return chains[0]
    branches = [f"WHEN {number} THEN {chain}" for number, chain in chains.items()]
    return f"CASE {level} {' '.join(branches)} END"


def _column(verdicts: Verdicts, judges: Judges) -> str:
    if not all(judges):
        return str(NO_RULE)  # for one recipient at least no rule speaks
    name = f"verdict_{verdicts.numbers[judges]}"
    return f"COALESCE(n.{name}, v.{name})"


def _by_period(found: list[tuple[Period, str]]) -> str:
    *earlier, (_, last) = found
    cases = [
        f"WHEN d.created_at < {period.end} THEN {verdict}"
        if period.is_known
        else f"WHEN d.created_at IS NULL THEN {verdict}"
        for period, verdict in earlier
    ]
    return f"CASE {' '.join(cases)} ELSE {last} END" if cases else last
