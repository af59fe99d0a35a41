"""The sealed plan, and where its key puts people and rows."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from assent.canon import canonical
from assent.errors import TrainError
from assent.train.component import Adapter, Base
from assent.train.plan import (
    Assignment,
    Group,
    Plan,
    learning_rate_table,
    shards_for,
)
from assent.train.rows import Example, arrange, content_chain, is_trained
from assent.train.tokens import BYTES
from small_plan import KEY, PLAN, documents, people, shard_documents


def arranged(group, shard, examples):
    return arrange(PLAN, KEY, group, shard, examples, BYTES)


BASE = Base("ab" * 32, "public-domain books, trained by nobody's leave")
ADAPTER = Adapter(4, 8.0, ("q_proj", "v_proj"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shape": None, "base": BASE},
        {"shape": None, "base": BASE, "adapter": ADAPTER, "moments": "reset"},
    ],
)
def test_a_plan_reads_back_as_it_was_written(changes):
    plan = replace(PLAN, **changes)

    read = Plan.from_json(json.loads(canonical(plan.to_json())))

    assert read == plan
    assert read.digest == plan.digest


@pytest.mark.parametrize(
    "part",
    [
        {"shape": {"width": 33, "layers": 1, "heads": 2}},
        {"shape": {"width": 32, "layers": 0, "heads": 2}},
        {"shape": {"width": 32, "layers": 1, "heads": 3}},
        {"shape": {"width": 32, "layers": 1}},
        {"shape": None, "base": {"digest": "ab", "provenance": "books"}},
        {"shape": None, "base": {"digest": "ab" * 32, "provenance": " "}},
        *(
            {
                "shape": None,
                "base": {"digest": "ab" * 32, "provenance": "books"},
                "adapter": {"rank": 4, "alpha": 8.0, "targets": ["q_proj"]} | change,
            }
            for change in (
                {"rank": 0},
                {"alpha": 0.0},
                {"alpha": True},
                {"targets": []},
                {"targets": ["v_proj", "q_proj"]},
                {"targets": ["layers.0"]},
                {"targets": 3},
                {"dropout": 0.1},
            )
        ),
    ],
)
def test_a_part_of_a_plan_that_is_not_as_wanted_is_refused(part):
    with pytest.raises(TrainError, match="plan"):
        Plan.from_json({**PLAN.to_json(), **part})


@pytest.mark.parametrize("name", sorted(PLAN.to_json()))
def test_a_field_that_is_missing_or_of_another_type_is_refused(name):
    value = PLAN.to_json()
    value[name] = [None]
    with pytest.raises(TrainError):
        Plan.from_json(value)
    del value[name]
    with pytest.raises(TrainError, match="lacks the keys"):
        Plan.from_json(value)


def test_a_text_is_not_taken_for_a_list_of_letters():
    with pytest.raises(TrainError, match="wrong JSON type"):
        Plan.from_json({**PLAN.to_json(), "recipients": "ab"})


@pytest.mark.parametrize("name", ["seed", "weight_decay", "model", "host"])
def test_the_digest_covers_each_field(name):
    changed = {"seed": 8, "weight_decay": 0.2, "model": "b", "host": {"cpu": "x"}}

    assert replace(PLAN, **{name: changed[name]}).digest != PLAN.digest


def test_a_key_that_this_version_does_not_know_is_refused():
    with pytest.raises(TrainError, match="unknown keys \\['roster'\\]"):
        Plan.from_json({**PLAN.to_json(), "roster": []})
    group = {**PLAN.to_json()["groups"][0], "members": 3}
    with pytest.raises(TrainError, match="unknown keys \\['members'\\]"):
        Plan.from_json({**PLAN.to_json(), "groups": [group]})


@pytest.mark.parametrize("value", [None, [], "plan", 3])
def test_what_is_not_an_object_is_not_a_plan(value):
    with pytest.raises(TrainError):
        Plan.from_json(value)


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 1},
        {"v": True},
        {"model": ""},
        {"recipients": ()},
        {"recipients": ("b", "a")},
        {"groups": ()},
        {"groups": (Group("eu", (), 3),)},
        {"groups": (Group("eu", (), 0),)},
        {"groups": (Group("../eu", (), 1),)},
        {"groups": (Group("eu", (), 1), Group("eu", (), 1))},
        {"slices": 0},
        {"steps": 3},
        {"window": 1},
        {"learning_rates": (0.1,)},
        {"learning_rates": (float("nan"),) * 12},
        {"betas": (0.9, 1.0)},
        {"clip_norm": 0.0},
        {"seed": -1},
        {"tokens_per_subject": 31},
        {"shape": None},
        {"base": BASE},
        {"adapter": ADAPTER},
        {"moments": "lost"},
        {"key_commitment": "secret"},
        {"golden": "x"},
    ],
)
def test_a_plan_that_contradicts_itself_cannot_be_said(changes):
    with pytest.raises(TrainError, match="plan's"):
        replace(PLAN, **changes)


def test_nothing_in_the_plan_depends_on_who_takes_part():
    examples = shard_documents(PLAN)

    before = PLAN.digest
    arranged("eu", 0, examples)
    arranged("eu", 0, examples[:1])

    assert PLAN.digest == before
    assert not {"documents", "subjects", "roster"} & PLAN.to_json().keys()


@pytest.mark.parametrize(
    ("declared", "shards"),
    [(0, 1), (65_535, 1), (131_071, 1), (131_072, 2), (300_000, 4), (10**12, 256)],
)
def test_shards_follow_from_declared_capacity(declared, shards):
    assert shards_for(declared) == shards


def test_a_negative_capacity_is_refused():
    with pytest.raises(TrainError, match="below 0"):
        shards_for(-1)


def test_the_rate_table_rises_stays_and_falls():
    table = learning_rate_table(100, 0.002)

    assert len(table) == 100
    assert table[0] == 0.0002
    assert table[9:60] == (0.002,) * 51
    assert table[99] == 0.0002


def test_places_are_a_function_of_the_own_id_and_the_key_alone():
    assignment = Assignment(PLAN, KEY)

    # Written down once: another version must not move anybody.
    subjects, posts = [f"s{n}" for n in range(8)], [f"d{n}" for n in range(8)]
    shards = [assignment.shard("eu", one) for one in subjects]
    assert shards == [1, 1, 0, 0, 1, 0, 1, 1]
    assert [assignment.slice_index(s) for s in subjects] == [0, 1, 2, 0, 1, 1, 1, 1]
    assert [assignment.step("ana", d) for d in posts] == [0, 1, 1, 1, 0, 0, 0, 0]
    assert assignment.order("d0", 0).hex().startswith("d3ac6cc22e7663d1")
    places = [
        (assignment.shard("eu", f"s{n}"), assignment.slice_index(f"s{n}"))
        for n in range(600)
    ]
    for place in ((shard, index) for shard in range(2) for index in range(3)):
        assert 60 < places.count(place) < 140  # 100 expected
    assert {assignment.step("ana", f"d{n}") for n in range(50)} == {0, 1}
    assert assignment.order("d", 0) != assignment.order("d", 1)


def test_another_key_is_refused():
    with pytest.raises(TrainError, match="commits to"):
        Assignment(PLAN, b"x" * 32)


def test_a_group_or_shard_outside_the_plan_is_refused():
    with pytest.raises(TrainError, match="no group"):
        arranged("mars", 0, [])
    with pytest.raises(TrainError, match="no shard"):
        arranged("eu", 2, [])


def test_the_order_of_the_input_does_not_matter():
    examples = shard_documents(PLAN)

    assert arranged("eu", 0, examples) == arranged("eu", 0, reversed(examples))


def test_no_row_holds_two_documents_and_none_is_lost():
    examples = shard_documents(PLAN)

    rows = [
        row for steps in arranged("eu", 0, examples) for one in steps for row in one
    ]

    for example in examples:
        own = sorted(
            (row for row in rows if row.document_id == example.document_id),
            key=lambda row: row.chunk,
        )
        assert b"".join(row.tokens for row in own) == example.text
        assert all(0 < len(row.tokens) <= PLAN.window for row in own)


def test_leaving_removes_her_rows_and_moves_no_other():
    examples = shard_documents(PLAN)
    leaver = people(PLAN, "eu", 0, 1)[0]
    hers = {one.document_id for one in examples if one.subject_id == leaver}
    rest = [one for one in examples if one.subject_id != leaver]

    before = arranged("eu", 0, examples)
    after = arranged("eu", 0, rest)

    assert after == [
        [[row for row in rows if row.document_id not in hers] for rows in steps]
        for steps in before
    ]


def test_a_heavy_subject_is_capped_by_her_own_documents_alone():
    subject, other = people(PLAN, "eu", 0, 0)
    heavy = documents(PLAN, [subject], each=40)

    alone = arranged("eu", 0, heavy)
    together = arranged("eu", 0, heavy + documents(PLAN, [other]))

    kept = [row for steps in alone for rows in steps for row in rows]
    assert 256 - 32 < sum(len(row.tokens) for row in kept) <= 256
    assert [
        [[row for row in rows if row.document_id.startswith(subject)] for rows in steps]
        for steps in together
    ] == alone


def test_documents_in_the_wrong_place_are_refused():
    stranger = people(PLAN, "eu", 1, 0)[0]
    own = documents(PLAN, people(PLAN, "eu", 0, 0))
    with pytest.raises(TrainError, match="belongs elsewhere"):
        arranged("eu", 0, documents(PLAN, [stranger]))
    with pytest.raises(TrainError, match="belongs elsewhere"):
        arranged("eu", 0, [replace(own[0], slice_index=1)])
    with pytest.raises(TrainError, match="twice"):
        arranged("eu", 0, [*own, own[0]])


def test_a_shard_without_text_has_no_rows():
    subject = people(PLAN, "eu", 0, 0)[0]

    assert not is_trained(PLAN, arranged("eu", 0, []))
    assert not is_trained(PLAN, arranged("eu", 0, [Example("d", subject, 0, b"")]))


def test_the_content_chain_changes_from_the_touched_slice_on():
    examples = shard_documents(PLAN)
    leaver = people(PLAN, "eu", 0, 1)[0]
    rest = [one for one in examples if one.subject_id != leaver]

    before, after = (
        content_chain(PLAN, KEY, "eu", 0, arranged("eu", 0, some))
        for some in (examples, rest)
    )

    assert before[:2] == after[:2]
    assert before[2] != after[2]
    assert before[3] != after[3]


def test_plans_reach_and_certificates_are_read_without_torch():
    modules = "assent.train.plan, assent.forget.reach, assent.forget.certificate"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
