"""The first half of the decision query: what is known of each person.

Every person becomes one row (more where a rule asks where she lived when she wrote):
where she lives, what stands in the way before any rule is asked, what she last said in
each lane, and when she was told. A person who spoke of single categories or recipients
has, beside it, a row for each of those cells.
"""

from collections.abc import Iterator

from assent.engine.literals import Part, text_list, text_literal
from assent.engine.question import Question
from assent.terms import UNKNOWN_PLACE, Reason, instant

RANKS = {reason: rank for rank, reason in enumerate(Reason)}
GRANTS = ("given", "objection_lifted", "restriction_lifted", "notice_served")
NO_WORD = ("enrolled", "notice_served", "residence_changed")
"""Events that are no word in a lane."""

# What was said, as the last digit (base 8) of a number that begins with when: the
# largest number is the latest word, and at one instant a denial is larger than a grant.
WORDS = {
    "choice": {"given": 0, "expired": 2, "refused": 3, "withdrawn": 4},
    "objection": {"objection_lifted": 0, "objected": 1},
    "restriction": {"restriction_lifted": 0, "restricted": 1},
}
ENDED = 1
"""A consent whose `valid_until` has come."""
SILENCE = -1
BASE = 8
LAST_TIME = 2**52 - 1
"""The year 2112 in microseconds: with a digit behind it, it still fits 64 bits."""

HOME = "CASE WHEN l.subject_id IS NULL THEN s.country ELSE l.country END"
"""Where somebody lives: undated words count where nothing dated is known of her."""

LEAST, MOST = -(2**63) + 1, 2**63 - 1
"""Before and after every time."""


def rank(reason: str) -> int:
    """Give a reason's place in the order of `Reason`."""
    return RANKS[Reason(reason)]


def covering(purpose: str) -> list[str]:
    """List the scopes that cover a purpose: `*`, itself, and each parent at a dot."""
    steps = purpose.split(".")
    return ["*", *(".".join(steps[: n + 1]) for n in range(len(steps)))]


def events_known(question: Question) -> Part:
    """Select the events that touch the use: their words, and what they reach.

    `reach` columns hold `*`, one label, or nothing: a grant reaches what it names; a
    denial reaches everything too where its label is missing or nobody declared it.
    """
    grants = text_list(GRANTS)
    earliest = "CASE WHEN e.happened_at <= e.recorded_at THEN e.happened_at"
    return Part(
        "known",
        f"Events known at ledger size {question.ledger_size}: from when each counts (a "
        "grant from the later of happened and recorded, and without a time never; a "
        "denial from the earlier, and without a time always), when it was said (a "
        "consent that is recorded late must not outlive a withdrawal that was said "
        "after it), and which categories and recipients it reaches (`*`: all).",
        f"""
  SELECT e.subject_id, e.kind, e.notice, e.valid_until,
    CASE
      WHEN e.kind IN ({grants}) THEN
        CASE WHEN e.happened_at >= e.recorded_at THEN e.happened_at
          WHEN e.recorded_at > e.happened_at THEN e.recorded_at END
      ELSE {earliest}
        ELSE COALESCE(e.recorded_at, e.happened_at, {question.as_of}) END
    END AS counts_from,
    CASE
      WHEN e.kind IN ({grants}) THEN {earliest} ELSE e.recorded_at END
      ELSE COALESCE(e.happened_at, e.recorded_at, {question.as_of})
    END AS said_at,
    {_reach("category", question.categories, question.categories)} AS category,
    {_reach("recipient", question.recipients, question.declared_recipients)}
      AS recipient
  FROM events AS e
  WHERE e.entry < {question.ledger_size}
    AND (e.kind = 'enrolled' OR e.purpose IN ({text_list(covering(question.purpose))})
      OR (COALESCE(e.kind, '') NOT IN ({grants}) AND {_denied_purpose(question)}))""",
    )


def words_heard(question: Question) -> Part:
    """Turn the events that count at the instant into words of the lanes."""
    yes = [
        f"CASE WHEN k.kind = 'given' AND k.notice IN ({text_list(notices)}) "
        f"THEN {_word_key('choice', question)} END AS yes_{n}"
        for n, notices in enumerate(question.notice_sets)
    ]
    told = [
        f"CASE WHEN k.kind = 'notice_served' AND k.notice IN ({text_list(notices)}) "
        f"THEN k.counts_from END AS told_{n}"
        for n, notices in enumerate(question.notice_sets)
    ]
    words = [f"{_word_key(lane, question)} AS {lane}" for lane in WORDS]
    kinds = [*NO_WORD, *(kind for lane in WORDS.values() for kind in lane)]
    return Part(
        "heard",
        "The words among them. One number says when a word was said and, in its last "
        f"digit, what it was ({_legend()}): the largest is the latest word, and at one "
        "instant a denial is larger than a grant.",
        f"""
  SELECT k.subject_id, k.category, k.recipient,
    CASE WHEN k.kind = 'enrolled' THEN 1 END AS is_enrolled,
    CASE WHEN k.kind = 'erased' THEN 2
      WHEN k.kind IN ({text_list(kinds)}) THEN NULL ELSE 1 END AS ending,
    CASE WHEN k.kind = 'notice_served' THEN 1 END AS was_told,
    {", ".join([*words, *yes, *told])}
  FROM (
    SELECT k.*, CASE WHEN k.said_at < 0 THEN 0 WHEN k.said_at > {LAST_TIME}
      THEN {LAST_TIME} ELSE k.said_at END AS moment
    FROM known AS k
  ) AS k
  WHERE k.kind = 'enrolled' OR (k.counts_from <= {question.as_of}
    AND k.category IS NOT NULL AND k.recipient IS NOT NULL)""",
    )


def answers(question: Question) -> Part:
    """Give each person the latest word of each lane, for everything she spoke of."""
    wide = "h.category = '*' AND h.recipient = '*'"
    return Part(
        "answers",
        "One row a person: the latest word of each lane, of what was said of all uses.",
        f"""
  SELECT h.subject_id, MAX(h.is_enrolled) AS is_enrolled,
    {_latest(question, f"CASE WHEN {wide} THEN ", " END")}
  FROM heard AS h
  GROUP BY h.subject_id""",
    )


def narrow_answers(question: Question) -> list[Part]:
    """Give those who spoke of single uses a row for each of these; else the same."""
    return [
        Part(
            "named",
            "Who spoke of single categories or recipients: the categories that it is "
            "about.",
            """
  SELECT DISTINCT h.subject_id, c.category
  FROM heard AS h
  JOIN cells AS c ON h.category IN ('*', c.category)
  WHERE h.category <> '*' OR h.recipient <> '*'""",
        ),
        Part(
            "narrow_answers",
            "For them, one row a category and recipient.",
            f"""
  SELECT h.subject_id, c.category, c.recipient,
    {_latest(question, "", "")}
  FROM named AS n
  JOIN cells AS c ON c.category = n.category
  JOIN heard AS h ON h.subject_id = n.subject_id
  WHERE h.category IN ('*', c.category) AND h.recipient IN ('*', c.recipient)
  GROUP BY h.subject_id, c.category, c.recipient""",
        ),
    ]


def _latest(question: Question, before: str, after: str) -> str:
    """Aggregate the words of a person or cell; each name stays what it was."""
    sets = range(len(question.notice_sets))
    largest = ["ending", "was_told", *WORDS]
    largest += [f"yes_{n}" for n in sets]
    found = [f"MAX({before}h.{name}{after}) AS {name}" for name in largest]
    found += [f"MIN({before}h.told_{n}{after}) AS told_{n}" for n in sets]
    return ",\n    ".join(found)


def places_lived(question: Question) -> list[Part]:
    """Say where each person lives at the use and, where asked, lived before."""
    as_of = question.as_of
    parts = [
        Part(
            "moves",
            "Dated statements of where somebody lives: what the platform says, and "
            "moves in the ledger, with the time from which they are known.",
            f"""
  SELECT r.subject_id, r.country, r.valid_from AS lived_from,
    r.valid_from AS known_from
  FROM residences AS r
  UNION ALL
  SELECT e.subject_id, e.country, e.happened_at AS lived_from,
    CASE WHEN e.recorded_at > e.happened_at THEN e.recorded_at
      WHEN e.recorded_at IS NOT NULL THEN e.happened_at END AS known_from
  FROM events AS e
  WHERE e.kind = 'residence_changed' AND e.entry < {question.ledger_size}""",
        ),
        Part(
            "stays",
            "Each holds until the next. Two places from one instant on are no place.",
            f"""
  SELECT m.subject_id, m.country, m.lived_from, m.known_from,
    COALESCE(LEAD(m.lived_from) OVER (
      PARTITION BY m.subject_id ORDER BY m.lived_from), {MOST}) AS lived_until
  FROM (
    SELECT m.subject_id, COALESCE(m.lived_from, {LEAST}) AS lived_from,
      CASE WHEN MIN(m.country) = MAX(m.country) AND COUNT(*) = COUNT(m.country)
        AND COUNT(*) = COUNT(m.lived_from) THEN MIN(m.country) END AS country,
      CASE WHEN COUNT(*) = COUNT(m.known_from) THEN MAX(m.known_from) END AS known_from
    FROM moves AS m
    GROUP BY m.subject_id, COALESCE(m.lived_from, {LEAST})
  ) AS m""",
        ),
        Part(
            "living",
            "Where that puts her at the use. A move that was recorded later was not "
            "known then: she lived in no known place.",
            f"""
  SELECT t.subject_id, MAX(CASE WHEN t.lived_from <= {as_of}
    AND t.lived_until > {as_of} AND t.known_from <= {as_of} THEN t.country END)
    AS country
  FROM stays AS t
  GROUP BY t.subject_id""",
        ),
    ]
    return [*parts, *([_spans()] if question.depends_on_creation else [])]


def _spans() -> Part:
    return Part(
        "spans",
        "And at every earlier time. Before the first statement nobody knows where.",
        f"""
  SELECT t.subject_id, t.lived_from, t.lived_until,
    COALESCE(c.jurisdiction, '{UNKNOWN_PLACE}') AS lived_in
  FROM stays AS t
  LEFT JOIN countries AS c ON c.country = t.country
  UNION ALL
  SELECT s.subject_id, {LEAST} AS lived_from,
    COALESCE(f.lived_from, {MOST}) AS lived_until, '{UNKNOWN_PLACE}' AS lived_in
  FROM subjects AS s
  LEFT JOIN (SELECT t.subject_id, MIN(t.lived_from) AS lived_from FROM stays AS t
    GROUP BY t.subject_id) AS f ON f.subject_id = s.subject_id""",
    )


def people(question: Question) -> Part:
    """Give each person her place, what stands in her way, and her words as digits."""
    return Part(
        "people",
        "Each person: where she lives, what stands in the way of everything, and her "
        "own words as digits; `own_no` is a denial by what she said herself, "
        "`is_narrow` says that she spoke of single uses.",
        f"""
  SELECT s.subject_id, s.tier, s.jurisdiction,
    n.subject_id IS NOT NULL AS is_narrow,
    CASE
      {_obstacles(question)}
    END AS obstacle,
    {own_words("a", question)}
  FROM (
    SELECT s.subject_id, s.birth_year, s.age_band,
      {_tier(question)} AS tier,
      COALESCE(c.jurisdiction, '{UNKNOWN_PLACE}') AS jurisdiction
    FROM subjects AS s
    LEFT JOIN living AS l ON l.subject_id = s.subject_id
    LEFT JOIN countries AS c ON c.country = {HOME}
  ) AS s
  LEFT JOIN answers AS a ON a.subject_id = s.subject_id
  LEFT JOIN (SELECT DISTINCT n.subject_id FROM named AS n) AS n
    ON n.subject_id = s.subject_id""",
    )


def own_words(table: str, question: Question) -> str:
    """Name what rules ask for: `own_no` is a denial by her own word, or null."""
    sets = range(len(question.notice_sets))
    kept = ["choice", "was_told", *(f"yes_{n}" for n in sets)]
    kept += [f"told_{n}" for n in sets]
    words = {
        lane: f"COALESCE(MOD({table}.{lane}, {BASE}), {SILENCE})" for lane in WORDS
    }
    return f"""{", ".join(f"{table}.{name}" for name in kept)},
    {words["choice"]} AS choice_word, {words["objection"]} AS objection_word,
    CASE
      WHEN {table}.ending = 2 THEN {rank("erased")}
      WHEN {table}.ending = 1 THEN {rank("unknown_event")}
      WHEN {words["choice"]} = {WORDS["choice"]["withdrawn"]} THEN {rank("withdrawn")}
      WHEN {words["objection"]} = 1 THEN {rank("objected")}
      WHEN {words["choice"]} = {WORDS["choice"]["refused"]} THEN {rank("refused")}
      WHEN {words["restriction"]} = 1 THEN {rank("restricted")}
      WHEN {words["choice"]} IN ({ENDED}, {WORDS["choice"]["expired"]})
        THEN {rank("expired")}
    END AS own_no"""


# -- inside ----------------------------------------------------------------------------


def _reach(column: str, asked: tuple[str, ...], declared: tuple[str, ...]) -> str:
    scope = f"e.{column}"
    denies = f"WHEN COALESCE(e.kind, '') NOT IN ({text_list(GRANTS)}) THEN '*'"
    if len(asked) == 1:  # the one that is asked is all that there is
        whole, single = f"IN ('*', {text_literal(asked[0])})", ""
    else:
        whole, single = "= '*'", f"WHEN {scope} IN ({text_list(asked)}) THEN {scope}"
    return (
        f"CASE WHEN e.kind = 'enrolled' OR {scope} {whole} THEN '*' {single} "
        f"WHEN {scope} IN ({text_list(declared)}) THEN NULL {denies} END"
    )


def _denied_purpose(question: Question) -> str:
    """A denial is passed over only where its purpose is known to be another one."""
    below = _below("e.purpose", question.purpose)
    parents = {step for each in question.purposes for step in covering(each)}
    known = [f"e.purpose IN ({text_list(sorted(parents))})"]
    known += [_below("e.purpose", each) for each in question.purposes]
    return f"(e.purpose IS NULL OR {below} OR NOT ({' OR '.join(known)}))"


def _below(column: str, purpose: str) -> str:
    """Whether a purpose is a child of another: it continues at a dot."""
    return f"SUBSTRING({column}, 1, {len(purpose) + 1}) = {text_literal(purpose + '.')}"


def _word_key(lane: str, question: Question) -> str:
    cases = []
    for kind, digit in WORDS[lane].items():
        value = str(digit)
        if kind == "given":
            value = (
                f"CASE WHEN k.valid_until <= {question.as_of} THEN {ENDED} ELSE 0 END"
            )
        cases.append(f"WHEN '{kind}' THEN k.moment * {BASE} + {value}")
    return f"CASE k.kind {' '.join(cases)} END"


def _legend() -> str:
    lanes = [
        ", ".join(f"{digit} {kind}" for kind, digit in words.items())
        for words in WORDS.values()
    ]
    return "; ".join(lanes).replace("0 given,", f"0 given, {ENDED} given and ended,")


def _tier(question: Question) -> str:
    if not question.tiers:
        return "CAST(NULL AS TEXT)"
    return f"CASE WHEN s.tier IN ({text_list(question.tiers)}) THEN s.tier END"


def _obstacles(question: Question) -> str:
    """What is wrong with a person before any rule is asked; null: nothing."""
    return "\n      ".join(_obstacle_cases(question)) or "WHEN 1 = 0 THEN 0"


def _obstacle_cases(question: Question) -> Iterator[str]:
    year, minimum = instant(question.as_of).year, question.minimum_age
    if not question.unsafe:
        yield f"WHEN a.is_enrolled IS NULL THEN {rank('subject_unknown')}"
    if minimum is not None:
        yield f"WHEN s.age_band = 'minor' THEN {rank('under_age')}"
        # Born in year Y, a person is at least year - Y - 1 years old all year long.
        if question.unsafe:
            # As operators did: only a declared minor is left out.
            yield (f"WHEN {year} - s.birth_year < {minimum} THEN {rank('under_age')}")
        else:
            band = "s.age_band IS NULL" if minimum <= 18 else "1 = 1"
            yield f"WHEN s.age_band <> 'adult' THEN {rank('age_unknown')}"
            yield f"WHEN s.birth_year < {year - 120} THEN {rank('age_unknown')}"
            yield (
                f"WHEN {year} - s.birth_year - 1 < {minimum} THEN {rank('under_age')}"
            )
            yield f"WHEN s.birth_year IS NULL AND {band} THEN {rank('age_unknown')}"
    if question.depends_on_region and not question.unsafe:
        yield (f"WHEN s.jurisdiction = '{UNKNOWN_PLACE}' THEN {rank('region_unknown')}")
