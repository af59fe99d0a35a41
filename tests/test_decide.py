import time
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

import worlds
from assent.decide import ask, covers, overlaps
from assent.engine.duckdb import FLAT, DuckEngine
from assent.engine.sql import DIALECTS, RESULT, decision_sql, view_sql
from assent.errors import PolicyError
from assent.ledger.book import EVENTS
from assent.policy.model import Policy, Rule, Suspension
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import DAY, PROVED, Basis, Mentioned, Reason, Residence
from worlds import DAY_0, DECLARED, NOTICES


def subject(subject_id="ana", **changes):
    row = dict.fromkeys(SUBJECTS.names)
    row |= {"subject_id": subject_id, "country": "US", "birth_year": 1980}
    return row | changes


def document(document_id="d1", **changes):
    row = dict.fromkeys(DOCUMENTS.names)
    row |= {
        "document_id": document_id,
        "subject_id": "ana",
        "category": "post",
        "created_at": DAY_0 - 900 * DAY,
        "text": "words",
    }
    return row | changes


def event(kind, day=0, entry=1, **changes):
    row = {
        "entry": entry,
        "kind": kind,
        "subject_id": "ana",
        "purpose": "*",
        "recipient": "*",
        "category": "*",
        "notice": NOTICES[0] if kind in ("notice_served", "given") else None,
        "valid_until": None,
        "country": None,
        "happened_at": DAY_0 + day * DAY,
        "recorded_at": DAY_0 + day * DAY,
    }
    return row | changes


ENROLLED = event("enrolled", day=-100, entry=0)


def rule(name="r", **changes):
    values = {
        "name": name,
        "regions": ("US",),
        "categories": ("post", "profile"),
        "purpose": "train.generative",
        "recipients": ("alpha", "beta"),
        "basis": Basis.LEGITIMATE_INTERESTS,
    }
    return Rule(**(values | changes))


def policy(*rules, controller="c", **changes):
    values = {
        "version": "v",
        "controller": controller,
        "effective_from": 0,
        "notice": NOTICES[0],
        "never": ("mail",),
        "rules": rules,
        "minimum_age": 18,
    }
    return Policy(**(values | changes))


class World:
    """One small platform on a real DuckDB, asked as the project asks it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def reasons(
        self,
        documents,
        subjects,
        events,
        policies,
        suspensions=(),
        recipients=("alpha",),
        at=DAY_0,
        size=10**6,
    ):
        engine = self.engine(documents, subjects, events)
        question = ask(
            policies, suspensions, DECLARED, "train.generative", recipients, at, size
        )
        rows = engine.decide(question).to_pylist()
        engine.close()
        return {row["document_id"]: (row["reason"], row["rule"]) for row in rows}

    def engine(self, documents, subjects, events):
        paths = [self.folder / "documents.parquet", self.folder / "subjects.parquet"]
        tables = [(documents, DOCUMENTS), (subjects, SUBJECTS), (events, EVENTS)]
        *tables, events = (
            rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows, schema)
            for rows, schema in tables
        )
        for path, table in zip(paths, tables, strict=True):
            pq.write_table(table, path)
        return DuckEngine(*paths, events, self.folder)

    def reason(self, events, rules=None, at=DAY_0, **changes):
        found = self.reasons(
            [document(**changes.pop("document", {}))],
            [subject(**changes.pop("subject", {}))],
            [ENROLLED, *events],
            [policy(*([rule()] if rules is None else rules))],
            at=at,
            **changes,
        )
        return found["d1"][0]


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def told(day=-50, entry=1, **changes):
    return event("notice_served", day=day, entry=entry, **changes)


LANES_TABLE = [
    # events after the notice, expected reason
    ([], "legitimate_interests"),
    ([event("given", -9, 2)], "legitimate_interests"),
    ([event("withdrawn", -9, 2)], "withdrawn"),
    ([event("given", -9, 2), event("withdrawn", -8, 3)], "withdrawn"),
    ([event("withdrawn", -9, 2), event("given", -8, 3)], "legitimate_interests"),
    ([event("withdrawn", -9, 2), event("given", -9, 3)], "withdrawn"),
    ([event("refused", -9, 2)], "refused"),
    ([event("objected", -9, 2)], "objected"),
    ([event("objected", -9, 2), event("given", -8, 3)], "objected"),
    (
        [event("objected", -9, 2), event("objection_lifted", -8, 3)],
        "legitimate_interests",
    ),
    ([event("restricted", -9, 2)], "restricted"),
    ([event("expired", -9, 2)], "expired"),
    ([event("given", -9, 2, valid_until=DAY_0)], "expired"),
    ([event("given", -9, 2, valid_until=DAY_0 + 1)], "legitimate_interests"),
    ([event("erased", -9, 2)], "erased"),
    ([event("something_new", -9, 2)], "unknown_event"),
    ([event(None, -9, 2)], "unknown_event"),
    ([event("withdrawn", -9, 2, purpose="train.ranking")], "legitimate_interests"),
    ([event("withdrawn", -9, 2, purpose="train")], "withdrawn"),
    ([event("withdrawn", -9, 2, purpose="train.generative.images")], "withdrawn"),
    ([event("withdrawn", -9, 2, purpose="train.generativ")], "withdrawn"),
    ([event("withdrawn", -9, 2, recipient="beta")], "legitimate_interests"),
    ([event("withdrawn", -9, 2, recipient="nobody-declared")], "withdrawn"),
    ([event("withdrawn", -9, 2, category="profile")], "legitimate_interests"),
    ([event("withdrawn", -9, 2, category=None)], "withdrawn"),
    (
        [event("withdrawn", -9, 2), event("given", -8, 3, category="profile")],
        "withdrawn",
    ),
    ([event("withdrawn", 5, 2)], "legitimate_interests"),
    ([event("withdrawn", 5, 2, recorded_at=DAY_0 - DAY)], "withdrawn"),
    ([event("withdrawn", -9, 2, happened_at=None)], "withdrawn"),
    # one nightly batch records both: what she said last is what counts
    (
        [
            event("given", -9, 2, recorded_at=DAY_0 - DAY),
            event("withdrawn", -8, 3, recorded_at=DAY_0 - DAY),
        ],
        "withdrawn",
    ),
    (
        [
            event("withdrawn", -9, 2, recorded_at=DAY_0 - DAY),
            event("given", -8, 3, recorded_at=DAY_0 - DAY),
        ],
        "legitimate_interests",
    ),
    # an old consent that is recorded after her withdrawal changes nothing
    (
        [event("withdrawn", -8, 2), event("given", -20, 3, recorded_at=DAY_0 - DAY)],
        "withdrawn",
    ),
    # nor does one that was recorded before it, for a day ahead
    (
        [
            event("given", -1, 2, recorded_at=DAY_0 - 3 * DAY),
            event("withdrawn", -2, 3),
        ],
        "withdrawn",
    ),
]


@pytest.mark.parametrize(("events", "expected"), LANES_TABLE)
def test_lanes_are_separate_and_the_latest_of_each_counts(world, events, expected):
    assert world.reason([told(), *events]) == expected


def test_a_grant_counts_from_the_later_of_happened_and_recorded(world):
    early = event("notice_served", -50, 1, recorded_at=DAY_0 + DAY)

    assert world.reason([early]) == "not_notified"
    assert world.reason([early], at=DAY_0 + DAY) == "legitimate_interests"


@pytest.mark.parametrize(
    ("notice_days", "expected"),
    [(50, "legitimate_interests"), (51, "notice_too_recent")],
)
def test_a_notice_must_have_been_served_days_before(world, notice_days, expected):
    assert world.reason([told()], [rule(notice_days=notice_days)]) == expected


def test_a_notice_of_another_version_is_stale_and_none_is_not_notified(world):
    assert world.reason([told(notice=NOTICES[1])]) == "stale_notice"
    assert world.reason([told(notice=None)]) == "stale_notice"
    assert world.reason([]) == "not_notified"
    accepting = [rule(accepts=(NOTICES[1],))]
    assert world.reason([told(notice=NOTICES[1])], accepting) == "legitimate_interests"


def test_consent_needs_a_yes_under_an_accepted_notice(world):
    rules = [rule(basis=Basis.CONSENT)]

    assert world.reason([told()], rules) == "no_record"
    assert world.reason([event("given", -9)], rules) == "consented"
    assert world.reason([event("given", -9, notice=None)], rules) == "stale_notice"
    assert (
        world.reason([event("given", -9, notice=NOTICES[2])], rules) == "stale_notice"
    )


def test_one_proved_rule_is_enough_and_the_reason_names_it(world):
    rules = [rule("asked", basis=Basis.CONSENT), rule("told")]
    found = world.reasons(
        [document()], [subject()], [ENROLLED, told()], [policy(*rules)]
    )

    assert found == {"d1": ("legitimate_interests", "told")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"birth_year": None}, "age_unknown"),
        ({"birth_year": None, "age_band": "adult"}, "legitimate_interests"),
        ({"birth_year": None, "age_band": "minor"}, "under_age"),
        ({"birth_year": None, "age_band": "grown"}, "age_unknown"),
        ({"birth_year": 2007}, "under_age"),  # may still be 17 in October 2025
        ({"birth_year": 2006}, "legitimate_interests"),
        ({"birth_year": 1880}, "age_unknown"),
        ({"country": None}, "region_unknown"),
        ({"country": "XX"}, "region_unknown"),
        ({"country": "FR"}, "no_rule"),
    ],
)
def test_what_is_not_known_of_a_person_denies(world, changes, expected):
    assert world.reason([told()], subject=changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"subject_id": None}, "subject_unknown"),
        ({"subject_id": "stranger"}, "subject_unknown"),
        ({"category": "mail"}, "never"),
        ({"category": "diary"}, "unknown_category"),
        ({"category": None}, "unknown_category"),
        ({"created_at": None}, "no_rule"),
        ({"created_at": DAY_0 + 1}, "created_later"),
    ],
)
def test_what_is_not_known_of_a_document_denies(world, changes, expected):
    rules = [rule(created_from=1, categories=("post", "mail"))]

    assert world.reason([told()], rules, document=changes) == expected


def test_an_empty_policy_or_ledger_or_no_policy_allows_nobody(world):
    one = ([document()], [subject()])

    assert world.reasons(*one, [ENROLLED, told()], [])["d1"][0] == "no_policy"
    assert world.reasons(*one, [ENROLLED, told()], [policy()])["d1"][0] == "no_rule"
    assert world.reasons(*one, [], [policy(rule())])["d1"][0] == "subject_unknown"
    assert world.reasons([], [], [], [policy(rule())]) == {}


def test_all_recipients_must_be_permitted(world):
    withdrawn = event("withdrawn", -9, 2, recipient="beta")
    both = {"recipients": ("alpha", "beta")}

    assert world.reason([told()], **both) == "legitimate_interests"
    assert world.reason([told(), withdrawn], **both) == "withdrawn"
    assert world.reason([told()], recipients=("alpha", "gamma")) == "no_rule"


def test_a_suspension_stops_its_region_at_once_and_names_the_order(world):
    stop = Suspension("order-7", ("US",))
    found = world.reasons(
        [document()], [subject()], [ENROLLED, told()], [policy(rule())], [stop]
    )

    assert found["d1"] == ("suspended", "order-7")
    elsewhere = Suspension("order-8", ("FR",))
    assert world.reason([told()], suspensions=[elsewhere]) == "legitimate_interests"


def test_entries_after_the_pinned_size_are_not_known(world):
    events = [told(), event("withdrawn", -9, 7)]

    assert world.reason(events, size=8) == "withdrawn"
    assert world.reason(events, size=7) == "legitimate_interests"


def test_a_lawful_basis_does_not_stand_beside_what_operators_did():
    mixed = [
        policy(rule()),
        policy(rule(basis=Basis.UNSAFE_DEFAULT_ON), controller="other"),
    ]
    with pytest.raises(PolicyError, match="unsafe_default_on"):
        ask(mixed, [], DECLARED, "train.generative", ["alpha"], DAY_0, 1)


def test_the_operators_way_reaches_people_whom_nobody_told(world):
    rules = [
        rule(
            basis=Basis.UNSAFE_DEFAULT_ON,
            regions=("*",),
            except_regions=("EU",),
        )
    ]

    def used(events=(), **changes):
        return world.reason(list(events), rules, subject=changes)

    assert used() == "unsafe_default_on"
    assert used(birth_year=None, country=None) == "unsafe_default_on"
    assert used([event("objected", -9, 2)]) == "unsafe_default_on"
    assert used([event("refused", -9, 2)]) == "refused"
    assert used(birth_year=2015) == "under_age"
    assert used(country="FR") == "no_rule"
    assert Reason.UNSAFE_DEFAULT_ON not in PROVED


@pytest.mark.parametrize(
    ("scope", "use", "covered", "overlapping"),
    [
        ("*", "a.b", True, True),
        ("a", "a.b", True, True),
        ("a.b", "a.b", True, True),
        ("a.b", "a.bc", False, False),
        ("a.b.c", "a.b", False, True),
        ("b", "a.b", False, False),
    ],
)
def test_a_purpose_covers_its_children_only_at_a_dot(scope, use, covered, overlapping):
    assert covers(scope, use) is covered
    assert overlaps(scope, use) is overlapping


# -- residence, tiers, people mentioned ------------------------------------------------

MOVED = event("residence_changed", -9, 2, country="FR")


def lived(*stays):
    return [{"country": c, "valid_from": DAY_0 + day * DAY} for c, day in stays]


@pytest.mark.parametrize(
    ("history", "events", "expected"),
    [
        (None, [], "legitimate_interests"),  # undated: the country counts
        (lived(("US", -99)), [], "legitimate_interests"),
        (lived(("FR", -99)), [], "no_rule"),  # what is dated counts before what is not
        (lived(("FR", -99), ("US", -9)), [], "legitimate_interests"),
        (lived(("US", -99), ("FR", -9)), [], "no_rule"),
        (lived(("US", 0)), [], "legitimate_interests"),  # from the very instant on
        (lived(("US", 1)), [], "region_unknown"),  # known only from tomorrow on
        (lived(("US", -9), ("FR", -9)), [], "region_unknown"),
        (lived((None, -9)), [], "region_unknown"),
        (lived(("XX", -9)), [], "region_unknown"),
        ([{"country": "US", "valid_from": None}], [], "region_unknown"),
        (None, [MOVED], "no_rule"),
        (None, [MOVED | {"country": None}], "region_unknown"),
        (None, [MOVED | {"happened_at": None}], "region_unknown"),
        (None, [MOVED | {"recorded_at": None}], "region_unknown"),
        # she had moved, and nobody knew yet
        (None, [MOVED | {"recorded_at": DAY_0 + 1}], "region_unknown"),
        (lived(("FR", -99)), [MOVED | {"country": "US"}], "legitimate_interests"),
    ],
)
def test_where_somebody_lives_is_the_latest_dated_statement(
    world, history, events, expected
):
    person = {"residences": history}

    assert world.reason([told(), *events], subject=person) == expected


@pytest.mark.parametrize(
    ("residence", "history", "created", "expected"),
    [
        ("at_creation", lived(("US", -99)), -50, "legitimate_interests"),
        ("at_creation", lived(("US", -99), ("FR", -9)), -50, "legitimate_interests"),
        ("both", lived(("US", -99), ("FR", -9)), -50, "no_rule"),
        ("both", lived(("FR", -99), ("US", -9)), -50, "no_rule"),
        ("at_use", lived(("FR", -99), ("US", -9)), -50, "legitimate_interests"),
        ("both", lived(("US", -99)), -50, "legitimate_interests"),
        ("both", lived(("US", -99)), -99, "legitimate_interests"),
        ("both", lived(("US", -99)), -100, "residence_unknown"),
        ("at_creation", lived(("US", -99)), None, "residence_unknown"),
        ("at_creation", None, -50, "residence_unknown"),
        ("at_creation", lived((None, -99)), -50, "residence_unknown"),
    ],
)
def test_a_rule_may_ask_where_she_lived_when_she_wrote(
    world, residence, history, created, expected
):
    found = world.reason(
        [told()],
        [rule(residence=Residence(residence))],
        subject={"residences": history},
        document={"created_at": None if created is None else DAY_0 + created * DAY},
    )

    assert found == expected


@pytest.mark.parametrize(
    ("tiers", "tier", "expected"),
    [
        ((), None, "legitimate_interests"),
        (("basic",), "basic", "legitimate_interests"),
        (("basic",), "premium", "no_rule"),
        (("basic",), None, "tier_unknown"),
        (("basic",), "gold", "tier_unknown"),  # nobody declared it
    ],
)
def test_a_rule_may_speak_of_some_tiers_only(world, tiers, tier, expected):
    assert world.reason([told()], [rule(tiers=tiers)], subject={"tier": tier}) == (
        expected
    )


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("basic", "legitimate_interests"),
        ("premium", "never"),
        (None, "never"),
        ("gold", "never"),
    ],
)
def test_a_category_may_be_never_for_a_tier(world, tier, expected):
    found = world.reasons(
        [document(category="profile")],
        [subject(tier=tier)],
        [ENROLLED, told()],
        [policy(rule(), never_of_tier=(("profile", "premium"),))],
    )

    assert found["d1"][0] == expected


BO_TOLD = [
    event("enrolled", -100, 10, subject_id="bo"),
    told(entry=11, subject_id="bo"),
]
BO_OBJECTED = [*BO_TOLD, event("objected", -9, 12, subject_id="bo")]
BO_WITHDREW = [*BO_TOLD, event("withdrawn", -9, 12, subject_id="bo")]


@pytest.mark.parametrize(
    ("mentioned", "mentions", "events", "expected"),
    [
        ("redact", ["bo"], BO_OBJECTED, "legitimate_interests"),
        ("redact", [None], [], "legitimate_interests"),
        ("ignore", ["bo"], BO_WITHDREW, "legitimate_interests"),
        ("ignore", ["bo"], BO_OBJECTED, "mentioned_objected"),
        ("ignore", ["stranger"], [], "legitimate_interests"),
        ("ignore", [None], [], "mentioned_denied"),
        ("require", None, [], "legitimate_interests"),
        ("require", [], [], "legitimate_interests"),
        ("require", ["bo", "ana"], BO_TOLD, "legitimate_interests"),
        ("require", ["bo", "ana"], BO_WITHDREW, "mentioned_denied"),
        ("require", ["ana", "bo"], BO_OBJECTED, "mentioned_objected"),
        ("require", ["bo"], [], "mentioned_denied"),  # not enrolled
        ("require", ["stranger"], [], "mentioned_denied"),
        ("require", [None], [], "mentioned_denied"),
    ],
)
def test_people_who_are_mentioned_have_a_say(
    world, mentioned, mentions, events, expected
):
    found = world.reasons(
        [document(mentions=mentions)],
        [subject(), subject("bo")],
        [ENROLLED, told(), *events],
        [policy(rule(mentioned=Mentioned(mentioned)))],
    )

    assert found["d1"][0] == expected


def test_an_objection_to_one_category_speaks_for_that_category_alone(world):
    objected = [*BO_TOLD, event("objected", -9, 12, subject_id="bo", category="post")]
    found = world.reasons(
        [
            document("d1", mentions=["bo"]),
            document("d2", category="profile", mentions=["bo"]),
        ],
        [subject(), subject("bo")],
        [ENROLLED, told(), *objected],
        [policy(rule(mentioned=Mentioned.IGNORE))],
    )

    assert found["d1"][0] == "mentioned_objected"
    assert found["d2"][0] == "legitimate_interests"


# -- one text for every warehouse ------------------------------------------------------


def plainly(batch, text, **settings):
    """Ask a DuckDB that knows nothing of Assent."""
    connection = duckdb.connect()
    for name, value in settings.items():
        connection.execute(f"SET {name} = '{value}'")
    names = ("documents", "subjects", "events")
    for name, table in zip(names, batch.tables(), strict=True):
        connection.register(name, table)
    for name, flat in FLAT.items():
        connection.execute(f"CREATE VIEW {name} AS {flat}")
    rows = connection.execute(text).fetchall()
    connection.close()
    return {row[0]: row[RESULT.index("reason")] for row in rows}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_query_of_each_dialect_parses_back_to_the_same_answers(dialect):
    """DuckDB answers what SQLGlot reads back from the text of another warehouse."""
    for batch in worlds.batches(seed=77, number=3, each=25):
        text = decision_sql(batch.question, dialect)
        (statement,) = sqlglot.parse(text, read=dialect)
        found = plainly(batch, statement.sql("duckdb"))

        assert batch.differences(found) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_view_is_one_commented_statement_that_keeps_its_columns(dialect):
    question = next(worlds.batches(seed=1, number=1, each=1)).question
    text = view_sql(question, dialect)

    (statement,) = sqlglot.parse(text, read=dialect)
    assert isinstance(statement, exp.Create)
    assert statement.expression.named_selects == list(RESULT)
    assert text.startswith("-- Assent: what may be used for `train.generative`")
    for number in range(12):
        assert f"-- ({number}) " in text  # each part says what it holds


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
@pytest.mark.parametrize("order", ["nulls_first", "nulls_last"])
def test_neither_a_time_zone_nor_the_order_of_nulls_changes_an_answer(
    monkeypatch, zone, order
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    for batch in worlds.batches(seed=78, number=3, each=25):
        text = decision_sql(batch.question)
        found = plainly(batch, text, TimeZone=zone, default_null_order=order)

        assert batch.differences(found) == []


# -- the query against the oracle --------------------------------------------------


@pytest.mark.parametrize("number", range(8))
def test_the_query_equals_the_oracle_on_2400_platforms(tmp_path, number):
    """Each of 8 x 12 questions is asked of 25 platforms of their own."""
    for batch in worlds.batches(seed=number, number=12, each=25):
        engine = World(tmp_path).engine(*batch.tables())
        rows = engine.decide(batch.question).to_pylist()
        engine.close()
        found = {row["document_id"]: row["reason"] for row in rows}

        assert batch.differences(found) == []


def test_what_is_counted_and_what_is_written_is_what_is_decided(tmp_path):
    """Three texts of one query, on questions with mentions and histories too."""
    permitted = 0
    for batch in worlds.batches(seed=79, number=6, each=25):
        engine = World(tmp_path).engine(*batch.tables())
        rows = engine.decide(batch.question).to_pylist()
        counted = engine.count(batch.question).to_pylist()
        engine.write_permitted(batch.question, tmp_path / "permitted.parquet")
        engine.write_decisions(batch.question, tmp_path / "decisions.parquet")
        again = engine.count(tmp_path / "decisions.parquet").to_pylist()
        engine.close()

        documents = Counter((row["reason"], row["rule"]) for row in rows)
        people = {
            key: len(
                {r["subject_id"] for r in rows if (r["reason"], r["rule"]) == key}
                - {None}
            )
            for key in documents
        }
        for found in (counted, again):
            assert {
                (r["reason"], r["rule"]): r["documents"] for r in found
            } == documents
            assert {(r["reason"], r["rule"]): r["people"] for r in found} == people
        used = {row["document_id"] for row in rows if row["reason"] in PROVED}
        written = pq.read_table(tmp_path / "permitted.parquet")
        assert sorted(written["document_id"].to_pylist()) == sorted(used)
        assert written.column_names == DOCUMENTS.names
        permitted += len(used)
    assert permitted > 50
