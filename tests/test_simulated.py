"""The simulated platform: one seed, one platform, and all that a test needs in it."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import phonenumbers
import pytest

from assent.errors import UsageError
from assent.sources.countries import CODES
from assent.sources.export import check_tables
from assent.sources.grammar import PLACES
from assent.sources.parquet import open_tables, write_tables
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.sources.simulated import FIRST, LAST, planted, simulated
from assent.terms import micros

CATEGORIES = {
    "profile", "post", "comment", "article", "group_message", "private_message",
}  # fmt: skip


def rows(seed: int, members: int = 600) -> tuple[list[dict], list[dict]]:
    documents, subjects = simulated(seed, members)
    return (
        [row for batch in documents for row in batch.to_pylist()],
        [row for batch in subjects for row in batch.to_pylist()],
    )


@pytest.fixture(scope="module")
def platform() -> tuple[list[dict], list[dict]]:
    return rows(7)


@pytest.fixture(scope="module")
def documents(platform) -> list[dict]:
    return platform[0]


@pytest.fixture(scope="module")
def subjects(platform) -> list[dict]:
    return platform[1]


def test_batches_have_the_columns_of_the_schema():
    documents, subjects = simulated(1, 20)

    assert {batch.schema for batch in documents} == {DOCUMENTS}
    assert {batch.schema for batch in subjects} == {SUBJECTS}


def test_the_same_seed_makes_the_same_platform_and_another_seed_another(platform):
    assert rows(7) == platform
    assert rows(8) != platform


def test_the_platform_does_not_depend_on_the_hash_seed_of_the_process(tmp_path):
    program = (
        "import sys; from pathlib import Path;"
        "from assent.sources.parquet import write_tables;"
        "from assent.sources.simulated import simulated;"
        "write_tables(*simulated(3, 40), Path(sys.argv[1]), 'simulated')"
    )
    for number in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / number)],
            env={"PYTHONHASHSEED": number},
            check=True,
        )

    first, second = (tmp_path / number / "tables.json" for number in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()


def test_the_size_is_what_the_demo_trains_on_in_minutes(documents):
    sizes = [len(row["text"].encode()) for row in documents]

    assert 6_000 <= len(documents) <= 7_000
    assert 1_000_000 <= sum(sizes) <= 1_400_000
    assert min(sizes) >= 80
    assert max(sizes) <= 400


def test_every_category_is_there_and_no_other(documents):
    assert {row["category"] for row in documents} == CATEGORIES


def test_times_lie_on_the_platforms_years(documents):
    times = [row["created_at"] for row in documents]

    assert FIRST <= min(times) < FIRST + 3 * 365 * 86_400_000_000
    assert LAST - 30 * 86_400_000_000 < max(times) < LAST


def test_members_live_in_fifteen_countries_and_some_nobody_knows_where(subjects):
    countries = Counter(row["country"] for row in subjects)

    assert set(countries) == {*PLACES, None}
    assert set(PLACES) <= CODES
    assert countries["US"] > countries["GB"] > countries["NO"] > 0


def test_some_members_are_under_age_and_some_of_unknown_age(subjects):
    years = [row["birth_year"] for row in subjects]
    unknown = [row for row in subjects if row["birth_year"] is None]

    assert 3 <= sum(year is not None and year > 2007 for year in years) <= 40
    assert {row["age_band"] for row in unknown} == {None, "adult"}


def test_there_are_two_tiers(subjects):
    assert {row["tier"] for row in subjects} == {"basic", "premium"}


def test_activity_has_a_heavy_tail_and_some_members_say_nothing(documents, subjects):
    wrote = Counter(row["subject_id"] for row in documents)
    counts = sorted((wrote[row["subject_id"]] for row in subjects), reverse=True)

    assert counts[0] < 0.05 * len(documents)  # nobody is the whole corpus
    assert sum(counts[:60]) > 0.3 * len(documents)
    assert counts.count(0) >= 5


def test_some_documents_have_no_author_that_is_known(documents):
    assert 30 < sum(row["subject_id"] is None for row in documents) < 200


def test_ids_are_distinct_and_references_lead_somewhere(documents, subjects):
    ids = [row["document_id"] for row in documents]
    people = {row["subject_id"] for row in subjects}
    times = {row["document_id"]: row["created_at"] for row in documents}

    assert len(set(ids)) == len(ids)
    assert {row["subject_id"] for row in documents} - {None} <= people
    assert {each for row in documents for each in row["mentions"]} <= people
    for row in documents:
        if row["in_reply_to"] is not None:
            assert times[row["in_reply_to"]] <= row["created_at"]


def test_a_quote_is_a_sentence_of_the_document_that_is_answered(documents):
    texts = {row["document_id"]: row["text"] for row in documents}
    quoting = [row for row in documents if row["text"].startswith("> ")]

    assert len(quoting) > 200
    for row in quoting:
        quote = row["text"].split("\n")[0].removeprefix("> ")
        assert quote in texts[row["in_reply_to"]]


def test_a_mention_is_written_out_by_handle_or_full_name(documents, subjects):
    people = {row["subject_id"]: row for row in subjects}
    mentioning = [row for row in documents if row["mentions"]]

    assert any(len(row["mentions"]) > 1 for row in mentioning)
    for row in mentioning:
        for each in row["mentions"]:
            person = people[each]
            handle = f"@{person['handles'][0]}"
            assert handle in row["text"] or person["names"][0] in row["text"]


def test_what_was_planted_stands_in_its_document(documents):
    texts = {row["document_id"]: row["text"] for row in documents}
    found = planted(7)

    assert {each.kind for each in found} == {"email", "phone", "url", "handle", "name"}
    assert all(each.text in texts[each.document_id] for each in found)


def test_about_eight_in_a_hundred_documents_hold_planted_personal_data(documents):
    kinds = ("email", "phone", "url")  # handles and names are also mere mentions
    holding = {each.document_id for each in planted(7) if each.kind in kinds}

    assert 0.055 < len(holding) / len(documents) < 0.09


def test_planted_numbers_are_valid_in_their_country():
    numbers = [each.text for each in planted(7) if each.kind == "phone"]
    parsed = [phonenumbers.parse(number, None) for number in numbers]

    assert all(number.startswith("+") for number in numbers)
    assert all(phonenumbers.is_valid_number(each) for each in parsed)
    assert {phonenumbers.region_code_for_number(each) for each in parsed} <= set(PLACES)


def test_the_directory_knows_every_member_by_unique_handle_and_address(subjects):
    for column in ("handles", "emails", "urls"):
        values = [value for row in subjects for value in row[column]]
        assert len(values) == len(set(values)) == len(subjects)
    assert any(not row["names"][0].isascii() for row in subjects)
    assert len({row["names"][0] for row in subjects}) < len(subjects)  # namesakes


def test_members_of_one_country_write_in_its_language_or_in_english(platform):
    countries = {row["subject_id"]: row["country"] for row in platform[1]}
    german = [
        row["text"] for row in platform[0] if countries.get(row["subject_id"]) == "DE"
    ]

    assert sum(" wir " in text or "Wir " in text for text in german) > len(german) / 4


def test_the_load_says_that_it_is_simulated_and_passes_the_check(tmp_path):
    counts = write_tables(*simulated(7, 60), tmp_path, "simulated")
    tables = open_tables(tmp_path)

    assert tables.source == "simulated"
    assert tables.counts == counts
    assert check_tables(tables.documents, tables.subjects, CATEGORIES) == counts


def test_too_few_members_cannot_talk_to_each_other():
    with pytest.raises(UsageError, match="wanted 10"):
        simulated(7, 3)


def test_of_some_it_is_known_where_they_lived_and_a_few_have_moved(subjects):
    known = [row for row in subjects if row["residences"]]
    moved = [row for row in known if len(row["residences"]) == 2]

    assert 0.4 < len(known) / len(subjects) < 0.6
    assert 10 < len(moved) < len(known) / 5
    for row in known:
        stays = row["residences"]
        assert stays[-1]["country"] == row["country"]
        times = [each["valid_from"] for each in stays]
        assert times == sorted(set(times))
        assert times[0] == FIRST
        # Whoever moved had done so before the case: its figures ask nobody's past.
        assert times[-1] < micros(datetime(2024, 8, 1, tzinfo=UTC))
