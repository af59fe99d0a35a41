"""What is known of the LinkedIn case, fact by fact, and what the replay shows of it.

The platform is simulated: people and words are made up, and so are their choices. The
dates, places, categories and rules are the case's.
"""

import itertools
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.canon import sha256
from assent.decide import ask
from assent.demo.choices import simulate_choices
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.policy.model import in_force
from assent.policy.regions import NAMED
from assent.project.config import TEMPLATE
from assent.project.loading import load_batches
from assent.report.case import ASSENT, OPERATOR, load_case
from assent.report.replay import IN_USE
from assent.sources.schema import DOCUMENTS
from assent.sources.simulated import simulated
from assent.terms import DAY, instant, iso, parse_time

CASE = Path(__file__).resolve().parents[1] / "examples/linkedin/case.toml"
SEED, MEMBERS = 20240918, 300
BOTH = (OPERATOR, ASSENT)
NEVER = ("private_message", "credential", "payment", "salary", "job_application")
SIMULATED = ("profile", "post", "article", "comment", "group_message")
UNWRITTEN = (  # was said to be used as well, but no simulated member writes it
    *("poll_response", "contribution", "group_activity", "prompt"),
    *("screening_answer", "resume", "feedback"),
)
RECIPIENTS = ("linkedin-corporation", "linkedin-ireland", "microsoft")
EUROPE = NAMED["EEA"] | {"CH"}
PLACES = {
    "Europe": EUROPE,
    "Switzerland": {"CH"},
    "UK": {"GB"},
    "Hong Kong": {"HK"},
    "Canada": {"CA"},
    "US": {"US"},
    "elsewhere": {"BR", "IN"},
}
OUT, IN = "nobody is in use", "somebody is in use"

# Day, way, place, what is known. One fact a row.
FACTS = [
    # August 2024: all but EU/EEA/CH; the setting appears, on, without notice.
    ("2024-08-15", OPERATOR, "US", IN),
    ("2024-08-15", OPERATOR, "UK", IN),
    ("2024-08-15", OPERATOR, "Canada", IN),
    ("2024-08-15", OPERATOR, "Hong Kong", IN),
    ("2024-08-15", OPERATOR, "elsewhere", IN),
    ("2024-08-15", OPERATOR, "Europe", OUT),
    ("2024-08-15", ASSENT, "US", OUT),  # nothing was published, nobody was told
    ("2024-08-15", ASSENT, "UK", OUT),
    ("2024-08-15", ASSENT, "Canada", OUT),
    ("2024-08-15", ASSENT, "Hong Kong", OUT),
    ("2024-08-15", ASSENT, "elsewhere", OUT),
    ("2024-08-15", ASSENT, "Europe", OUT),
    # 2024-09-18: training is named; EU, EEA and Swiss residents are excluded.
    ("2024-09-18", OPERATOR, "UK", IN),
    ("2024-09-18", OPERATOR, "US", IN),
    ("2024-09-18", OPERATOR, "Canada", IN),
    ("2024-09-18", OPERATOR, "Hong Kong", IN),
    ("2024-09-18", OPERATOR, "elsewhere", IN),
    ("2024-09-18", ASSENT, "US", OUT),  # told on this day, not thirty days ago
    ("2024-09-18", ASSENT, "UK", OUT),
    ("2024-09-18", OPERATOR, "Europe", OUT),
    ("2024-09-18", OPERATOR, "Switzerland", OUT),
    ("2024-09-18", ASSENT, "Europe", OUT),
    ("2024-09-18", ASSENT, "Switzerland", OUT),
    # 2024-09-20: training on UK members' data is suspended.
    ("2024-09-20", OPERATOR, "UK", OUT),
    ("2024-09-20", ASSENT, "UK", OUT),
    ("2024-09-20", OPERATOR, "Hong Kong", IN),
    ("2024-09-20", OPERATOR, "Canada", IN),
    ("2024-09-20", OPERATOR, "US", IN),
    # 2024-10-11: Hong Kong is paused.
    ("2024-10-11", OPERATOR, "Hong Kong", OUT),
    ("2024-10-11", ASSENT, "Hong Kong", OUT),
    ("2024-10-11", OPERATOR, "Canada", IN),
    # 2024-11-20: the user agreement is updated; no place comes in or goes out.
    ("2024-11-20", OPERATOR, "US", IN),
    ("2024-11-20", OPERATOR, "Canada", IN),
    ("2024-11-20", OPERATOR, "UK", OUT),
    ("2024-11-20", OPERATOR, "Hong Kong", OUT),
    ("2024-11-20", OPERATOR, "Europe", OUT),
    ("2024-11-20", ASSENT, "US", IN),  # the notice of September is thirty days old
    ("2024-11-20", ASSENT, "Canada", IN),
    ("2024-11-20", ASSENT, "UK", OUT),
    ("2024-11-20", ASSENT, "Europe", OUT),
    # By 2024-12-10: Canada is paused.
    ("2024-12-10", OPERATOR, "Canada", OUT),
    ("2024-12-10", ASSENT, "Canada", OUT),
    ("2024-12-10", OPERATOR, "UK", OUT),
    ("2024-12-10", OPERATOR, "Hong Kong", OUT),
    ("2024-12-10", OPERATOR, "US", IN),
    ("2024-12-10", ASSENT, "US", IN),
    # 2025-01-21: the suit about private messages; the pauses go on.
    ("2025-01-21", OPERATOR, "UK", OUT),
    ("2025-01-21", OPERATOR, "Hong Kong", OUT),
    ("2025-01-21", OPERATOR, "Canada", OUT),
    ("2025-01-21", OPERATOR, "US", IN),
    ("2025-01-21", ASSENT, "US", IN),
    # 2025-09-18: the start is announced, and nothing starts.
    ("2025-09-18", OPERATOR, "Europe", OUT),
    ("2025-09-18", OPERATOR, "UK", OUT),
    ("2025-09-18", OPERATOR, "Hong Kong", OUT),
    ("2025-09-18", OPERATOR, "Canada", OUT),
    ("2025-09-18", ASSENT, "Europe", OUT),
    ("2025-09-18", ASSENT, "UK", OUT),
    ("2025-09-18", ASSENT, "Hong Kong", OUT),
    ("2025-09-18", ASSENT, "Canada", OUT),
    ("2025-09-18", ASSENT, "US", IN),
    # 2025-11-03: training starts in EU/EEA, CH, UK, CA, HK; the pauses end.
    ("2025-11-03", OPERATOR, "Europe", IN),
    ("2025-11-03", OPERATOR, "Switzerland", IN),
    ("2025-11-03", OPERATOR, "UK", IN),
    ("2025-11-03", OPERATOR, "Canada", IN),
    ("2025-11-03", OPERATOR, "Hong Kong", IN),
    ("2025-11-03", OPERATOR, "US", IN),
    ("2025-11-03", OPERATOR, "elsewhere", IN),
    ("2025-11-03", ASSENT, "Europe", IN),
    ("2025-11-03", ASSENT, "Switzerland", IN),
    ("2025-11-03", ASSENT, "UK", IN),
    ("2025-11-03", ASSENT, "Canada", IN),
    ("2025-11-03", ASSENT, "Hong Kong", IN),
    # 2025-11-07: less data in the EU and the EEA, which stay in.
    ("2025-11-07", OPERATOR, "Europe", IN),
    ("2025-11-07", ASSENT, "Europe", IN),
    ("2025-11-07", ASSENT, "Switzerland", IN),
    ("2025-11-07", ASSENT, "UK", IN),
    ("2025-11-07", ASSENT, "Canada", IN),
    ("2025-11-07", ASSENT, "Hong Kong", IN),
    ("2025-11-07", ASSENT, "US", IN),
]


def config(case):
    def quoted(names):
        return ", ".join(f'"{name}"' for name in sorted(names))

    return TEMPLATE.format(
        name="facts",
        origin="facts.example/ledger",
        recipients=quoted(case.declared.recipients),
        categories=quoted(case.declared.categories),
        capacity=1,
        choices="simulated",
    )


def further_documents():
    """What a platform holds beside the simulated texts: one each, of some members."""
    rows = [
        {
            "document_id": f"{category}-{n}",
            "subject_id": f"m{n:05d}",
            "category": category,
            "created_at": 1_700_000_000_000_000 + n,
            "text": "made up",
        }
        for category in (*NEVER[1:], *UNWRITTEN)
        for n in range(40)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=DOCUMENTS)


@pytest.fixture(scope="module")
def case():
    return load_case(CASE)


@pytest.fixture(scope="module")
def choices():
    """Every member's simulated choices, on the dates of the case."""
    _, subjects = simulated(SEED, MEMBERS)
    table = pa.Table.from_batches(list(subjects))
    texts = sorted((CASE.parent / "notices").glob("*.md"))
    notices = {path.name[:10]: sha256(path.read_bytes()) for path in texts}
    return simulate_choices(table["subject_id"].to_pylist(), SEED, notices)


@pytest.fixture(scope="module")
def project(case, choices, tmp_path_factory) -> Iterator[Project]:
    """A project in whose ledger everything happened on its day."""
    folder = tmp_path_factory.mktemp("facts") / "project"
    clock, randomness = StoryClock(case.start), UnsafeSeededRandomness(SEED)
    made = Project.init(folder, config=config(case), clock=clock, randomness=randomness)
    with made as project:
        documents, subjects = simulated(SEED, MEMBERS)
        texts = itertools.chain(documents, [further_documents()])
        load_batches(project.place, texts, subjects, "simulated")
        for day, what in sorted(steps(case, choices), key=lambda step: step[0]):
            clock.at(day)
            what(project)
        clock.at(case.dates[-1][0])
        yield project


def steps(case, choices):
    """List what was done when, as (time, what to do with the project)."""
    for _, group in itertools.groupby(choices, lambda each: each.happened_at // DAY):
        day = list(group)
        end = day[0].happened_at // DAY * DAY + DAY - 1
        yield end, lambda project, day=day: project.record_events(day)
    for published, path in case.publications:
        yield published.published_at, lambda project, path=path: project.publish(path)
    for each in case.orders:
        order = each.suspension
        yield each.start, lambda project, o=order: project.suspend(o.order, o.regions)
        yield each.end, lambda project, o=order: project.lift(o.order)


@pytest.fixture(scope="module")
def replayed(project, case):
    """Every decision with its person, by (day, way): as `replay` decides."""
    place = project.place
    size, recipients = place.book.size, place.config.recipients
    table = pq.read_table(place.tables().subjects)
    people = {row["subject_id"]: row for row in table.to_pylist()}
    found = {}
    engine = place.engine(size)
    for at, _ in case.dates:
        for way in BOTH:
            versions = in_force(case.operator if way == OPERATOR else case.assent, at)
            orders, purpose = case.suspensions(at), place.config.purpose
            question = ask(
                versions, orders, case.declared, purpose, recipients, at, size
            )
            rows = engine.decide(question).to_pylist()
            found[iso(at)[:10], way] = [
                {**row, **people.get(row["subject_id"], {})} for row in rows
            ]
    engine.close()
    return found


@pytest.fixture(scope="module")
def snapshots(project):
    found = project.replay(CASE)
    return {(each.at[:10], each.way): each for each in found}


def used(rows):
    return [row for row in rows if row["reason"] in IN_USE]


def people(rows):
    return {row["subject_id"] for row in rows}


def places_in_use(rows):
    countries = {row["country"] for row in used(rows)}
    return {name for name, members in PLACES.items() if countries & members}


@pytest.mark.parametrize(
    ("day", "way", "place", "fact"), FACTS, ids=lambda value: str(value)
)
def test_a_place_is_in_or_out_as_is_known(replayed, day, way, place, fact):
    rows = [r for r in replayed[day, way] if r.get("country") in PLACES[place]]

    assert rows, "nobody lives there, so nothing would be shown"
    assert bool(used(rows)) == (fact == IN)


@pytest.mark.parametrize("way", BOTH)
@pytest.mark.parametrize("category", NEVER)
def test_what_was_said_to_be_never_used_is_never_used(replayed, case, category, way):
    for at, _ in case.dates:
        rows = replayed[iso(at)[:10], way]
        mine = [row for row in rows if row["category"] == category]
        assert mine
        assert used(mine) == []


@pytest.mark.parametrize("way", BOTH)
@pytest.mark.parametrize("category", [*SIMULATED, *UNWRITTEN])
def test_what_was_said_to_be_used_is_used(replayed, category, way):
    for day in ("2024-11-20", "2025-11-03"):
        assert category in {row["category"] for row in used(replayed[day, way])}


def test_private_messages_of_premium_members_are_not_used_on_the_day_of_the_suit(
    replayed,
):
    for way in BOTH:
        rows = [
            row
            for row in replayed["2025-01-21", way]
            if row["category"] == "private_message" and row.get("tier") == "premium"
        ]
        assert len(rows) > 20
        assert used(rows) == []
        assert "never" in {row["reason"] for row in rows}
        # Their posts are, so it is the category that keeps the messages out.
        theirs = [r for r in replayed["2025-01-21", way] if r.get("tier") == "premium"]
        assert used(theirs)


def test_nobody_who_is_known_to_be_under_18_is_ever_used(replayed, case):
    for at, _ in case.dates:
        year = instant(at).year
        for way in BOTH:
            born = {
                row["birth_year"]
                for row in used(replayed[iso(at)[:10], way])
                if row.get("birth_year")
            }
            assert not born or max(born) <= year - 18
            rows = replayed[iso(at)[:10], way]
            assert [r for r in rows if r.get("birth_year") and r["birth_year"] > 2007]


def test_the_young_are_left_out_even_where_the_setting_was_never_turned_off(
    replayed, choices
):
    spoke = {e.subject_id for e in choices if e.kind in ("refused", "withdrawn")}
    for way in BOTH:
        reasons = {
            row["reason"]
            for row in replayed["2025-11-07", way]
            if (row.get("birth_year") or 0) > 2007 and row["subject_id"] not in spoke
        }
        assert "under_age" in reasons
        assert not reasons & set(map(str, IN_USE))


def test_with_assent_nobody_is_used_who_may_be_under_18(replayed, case):
    for at, _ in case.dates:
        for row in used(replayed[iso(at)[:10], ASSENT]):
            if row["birth_year"] is None:
                assert row["age_band"] == "adult"
            else:
                assert instant(at).year - row["birth_year"] - 1 >= 18


def test_in_august_2024_nobody_had_been_told(snapshots):
    first = snapshots["2024-08-15", OPERATOR]

    assert first.people_in_use > 100
    assert first.used_before_told == first.people_in_use


def test_the_operator_used_people_before_telling_them_and_assent_never(snapshots):
    theirs = {day: s.used_before_told for (day, way), s in snapshots.items()
              if way == OPERATOR}  # fmt: skip
    ours = {s.used_before_told for (_, way), s in snapshots.items() if way == ASSENT}

    assert theirs["2024-09-18"] > 0
    assert theirs["2025-11-03"] > 0  # 5 in 100 were never served the notice
    assert ours == {0}


def test_the_form_for_objections_counts_with_assent_and_changed_nothing_there(
    snapshots,
):
    last = "2025-11-07"

    assert snapshots[last, OPERATOR].used_after_objecting > 0
    assert {
        s.used_after_objecting for (_, w), s in snapshots.items() if w == ASSENT
    } == {0}


def test_the_setting_off_means_not_used_from_then_on_both_ways(replayed, case, choices):
    whole = {"refused", "withdrawn"}
    for at, _ in case.dates:
        said = {}
        for event in choices:
            scope = event.recipient, event.category
            if event.happened_at > at or event.kind not in whole | {"given"}:
                continue
            # A yes of any scope may count again; a no counts here if it says all.
            if event.kind == "given" or scope == ("*", "*"):
                said[event.subject_id] = event.kind
        off = {who for who, kind in said.items() if kind in whole}
        assert off or at < case.publications[0][0].published_at
        for way in BOTH:
            rows = used(replayed[iso(at)[:10], way])
            assert not off & {row["subject_id"] for row in rows}


@pytest.mark.parametrize(
    ("before", "after"), [("2024-10-11", "2024-11-20"), ("2025-01-21", "2025-09-18")]
)
def test_words_alone_bring_no_place_in_or_out(replayed, before, after):
    # The user agreement of November 2024, the announcement of September 2025.
    assert places_in_use(replayed[before, OPERATOR]) == places_in_use(
        replayed[after, OPERATOR]
    )


def test_on_3_november_2025_every_place_is_in_use_both_ways(replayed):
    for way in BOTH:
        assert places_in_use(replayed["2025-11-03", way]) == set(PLACES)


def test_with_assent_whoever_was_told_late_is_not_used_yet_on_3_november(replayed):
    rows = [
        row
        for row in replayed["2025-11-03", ASSENT]
        if row.get("country") in EUROPE and row["reason"] == "notice_too_recent"
    ]

    assert len({row["subject_id"] for row in rows}) > 10


def test_on_7_november_2025_less_data_of_europe_is_used_with_assent(replayed):
    # "Less data, shorter period": the cut-off and the category are this example's.
    before, after = (
        [r for r in used(replayed[day, ASSENT]) if r.get("country") in EUROPE]
        for day in ("2025-11-03", "2025-11-07")
    )
    interests = [row for row in after if row["rule"] == "eu-legitimate-interests"]

    assert 0 < len(after) < len(before)
    come = {r["document_id"] for r in after} - {r["document_id"] for r in before}
    assert come <= told_too_recently(replayed)
    assert {"group_message", "group_activity"} <= {r["category"] for r in before}
    assert not {"group_message", "group_activity"} & {r["category"] for r in interests}
    born = datetime(2016, 1, 1, tzinfo=UTC)
    assert min(instant(row["created_at"]) for row in before) < born
    assert min(instant(row["created_at"]) for row in interests) >= born


def told_too_recently(replayed):
    """The documents that only waited for their notice on 3 November 2025."""
    return {
        row["document_id"]
        for row in replayed["2025-11-03", ASSENT]
        if row["reason"] == "notice_too_recent"
    }


@pytest.mark.parametrize("way", BOTH)
def test_outside_europe_7_november_changes_nothing(replayed, way):
    before, after = (
        {
            row["document_id"]
            for row in used(replayed[day, way])
            if row.get("country") not in EUROPE
        }
        for day in ("2025-11-03", "2025-11-07")
    )

    # Four days later some notices are old enough; the policy is the same.
    assert before <= after
    assert after - before <= (told_too_recently(replayed) if way == ASSENT else set())


def test_after_the_regulator_the_operators_own_policy_is_the_same(case):
    first, second = (
        in_force(case.operator, at) for at, _ in case.dates[-2:]
    )  # 3 and 7 November: "not approved"

    assert first == second


@pytest.fixture(scope="module")
def asked(project, case):
    """Decide on a day with something of the question changed, both ways."""
    place = project.place
    size = place.book.size

    def decide(day, way, recipients=RECIPIENTS, declared=case.declared, edit=None):
        at = parse_time(f"{day}T12:00:00Z")
        versions = in_force(case.operator if way == OPERATOR else case.assent, at)
        versions = [edit(each) if edit else each for each in versions]
        purpose = sorted(declared.purposes)[-1]
        orders = case.suspensions(at)
        question = ask(versions, orders, declared, purpose, recipients, at, size)
        with closing(place.engine(size)) as engine:
            return engine.decide(question).to_pylist()

    return decide


@pytest.mark.parametrize("way", BOTH)
def test_each_recipient_is_decided_by_itself(asked, choices, way):
    all_three = people(used(asked("2025-11-07", way)))
    spared = set()
    for recipient in RECIPIENTS:
        refused = {
            each.subject_id
            for each in choices
            if each.kind == "refused" and each.recipient == recipient
        }
        others = [each for each in RECIPIENTS if each != recipient]
        mine = people(used(asked("2025-11-07", way, [recipient])))
        assert mine
        assert refused
        assert not refused & mine
        assert not refused & all_three  # what one may not have, three may not share
        spared |= refused & people(used(asked("2025-11-07", way, others)))
    assert spared  # who refused one recipient is used for the two others


@pytest.mark.parametrize("way", BOTH)
def test_a_recipient_that_no_policy_names_gets_nothing(asked, case, way):
    # "Models may come from other providers": a provider is no recipient by itself.
    provider = replace(case.declared, recipients=frozenset({"provider", *RECIPIENTS}))
    for recipients in (["provider"], ["provider", *RECIPIENTS]):
        rows = asked("2025-11-07", way, recipients, provider)
        assert rows
        assert used(rows) == []


def test_the_setting_is_about_generative_models_and_the_form_about_all(
    asked, case, choices
):
    other = "train.personalisation"
    declared = replace(case.declared, purposes=case.declared.purposes | {other})

    def of_other(policy):
        rules = [replace(rule, purpose=other) for rule in policy.rules]
        return replace(policy, rules=tuple(rules))

    plain = asked("2025-11-07", ASSENT, declared=declared)
    assert used(plain) == []  # no policy of the case speaks of another purpose
    rows = asked("2025-11-07", ASSENT, declared=declared, edit=of_other)
    still = people(used(rows))
    whole = [each for each in choices if (each.recipient, each.category) == ("*", "*")]
    off = {
        each.subject_id
        for each in whole
        if each.kind == "refused" and each.purpose == "train.generative"
    }
    lifted = {each.subject_id for each in choices if each.kind == "objection_lifted"}
    objected = {
        each.subject_id
        for each in whole
        if each.kind == "objected" and each.purpose == "*"
    } - lifted
    assert off & still  # the setting says nothing of other models
    assert objected
    assert not objected & still
    assert "objected" in {r["reason"] for r in rows if r["subject_id"] in objected}


@pytest.mark.parametrize("way", BOTH)
def test_a_no_counts_going_forward_and_not_for_the_days_before(replayed, choices, way):
    # "Opting out does not affect training that has already taken place."
    before, after = "2024-11-20", "2025-09-18"
    start, end = (parse_time(f"{day}T12:00:00Z") for day in (before, after))
    off = {
        each.subject_id
        for each in choices
        if each.kind in ("refused", "withdrawn")
        and start < each.happened_at <= end
        and (each.recipient, each.category) == ("*", "*")
    }
    then, now = (people(used(replayed[day, way])) for day in (before, after))

    assert off & then
    assert not off & now


def test_it_is_all_about_models_that_generate_content_for_three_recipients(case):
    assert case.declared.purposes == {"train.generative.content"}
    assert case.declared.recipients == {
        "linkedin-corporation", "linkedin-ireland", "microsoft",
    }  # fmt: skip


def test_who_lives_nowhere_known_was_in_use_by_default_and_never_is_with_assent(
    replayed,
):
    for (_, way), rows in replayed.items():
        nowhere = [r for r in rows if r["subject_id"] and r.get("country") is None]
        assert nowhere
        assert bool(used(nowhere)) == (way == OPERATOR)


def test_the_ledger_answers_on_each_day_as_the_replay_does(project, replayed, case):
    for at, _ in case.dates:
        answers = project.decide(as_of=at).select(["document_id", "reason", "rule"])
        wanted = [
            (row["document_id"], row["reason"], row["rule"])
            for row in replayed[iso(at)[:10], ASSENT]
        ]
        assert [tuple(row.values()) for row in answers.to_pylist()] == wanted


def test_the_counts_of_the_replay_are_those_of_its_decisions(replayed, snapshots):
    assert replayed.keys() == snapshots.keys()
    for key, rows in replayed.items():
        assert snapshots[key].documents_in_use == len(used(rows))


@pytest.mark.shared
def test_every_dated_row_of_the_facts_is_in_the_table(shared):
    text = (shared / "linkedin.md").read_text(encoding="utf-8")
    dates = re.findall(r"^\| (?:by )?(\d{4}-\d{2}-\d{2}|Aug 2024)", text, re.MULTILINE)
    days = {day for day, *_ in FACTS}

    assert len(dates) == 10
    for date in dates:
        assert date in days or (date == "Aug 2024" and "2024-08-15" in days)
