"""The lists beside this file say what they promise, and stay apart."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from assent.canon import canonical
from assent.redact.spans import Kind

HERE = Path(__file__).parent / "disguised"
HALVES = ("development", "held_out")
LISTS = (*HALVES, "fresh", "added")
LISTED = (Kind.NAME, Kind.HANDLE)  # kinds that only a directory can tell
FORM = {
    "id": str,
    "kind": str,
    "text": str,
    "start": int,
    "end": int,
    "directory": str | None,
    "source": str,
    "disguise": str,
}
INNOCENT = {"id": str, "text": str, "looks_like": str, "source": str}
SOURCE = re.compile(r"own|https?://\S+( \S+)?")  # a page, or a repository and a file
PROVIDERS = re.compile(r"(?i)gmail|hotmail|outlook|yahoo|yandex|icloud|proton|163\.com")


def lines(name: str) -> list[dict]:
    raw = (HERE / f"{name}.jsonl").read_bytes()
    return [json.loads(line) for line in raw.splitlines()]


FORMS = {each: lines(each) for each in LISTS}
INNOCENTS = {each: lines(f"innocent_{each}") for each in LISTS}
ALL_FORMS = [item for each in LISTS for item in FORMS[each]]
ALL_INNOCENTS = [item for each in LISTS for item in INNOCENTS[each]]


def form(item: dict) -> str:
    return item["text"][item["start"] : item["end"]]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("stem", ["", "innocent_"])
def test_each_line_is_one_canonical_object_in_the_order_of_its_id(stem, name):
    raw = (HERE / f"{stem}{name}.jsonl").read_bytes()
    items = [json.loads(line) for line in raw.splitlines()]

    assert raw == b"".join(canonical(item) + b"\n" for item in items)
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)


@pytest.mark.parametrize(
    ("items", "fields"), [(ALL_FORMS, FORM), (ALL_INNOCENTS, INNOCENT)]
)
def test_each_object_has_its_fields_and_says_where_it_was_learnt(items, fields):
    for item in items:
        assert item.keys() == fields.keys()
        assert all(isinstance(item[key], of) for key, of in fields.items()), item["id"]
        assert SOURCE.fullmatch(item["source"]), item["id"]
        assert re.fullmatch(r"[dn][0-9a-f]{10}", item["id"])


def test_offsets_cut_out_a_form_of_a_known_kind():
    for item in ALL_FORMS:
        assert item["kind"] in set(Kind), item["id"]
        assert 0 <= item["start"] < item["end"] <= len(item["text"]), item["id"]
        assert form(item) == form(item).strip(" \n"), item["id"]
        assert len(form(item)) >= 5, item["id"]


def test_names_and_handles_alone_say_what_a_directory_lists():
    for item in ALL_FORMS:
        assert (item["directory"] is not None) == (item["kind"] in LISTED), item["id"]


def test_nothing_stands_in_the_lists_twice():
    everything = ALL_FORMS + ALL_INNOCENTS

    assert len({item["id"] for item in everything}) == len(everything)
    assert len({item["text"] for item in everything}) == len(everything)
    # Not even one form in two sentences: else one list would teach the other.
    assert len({(item["kind"], form(item)) for item in ALL_FORMS}) == len(ALL_FORMS)


@pytest.mark.parametrize(
    ("names", "each", "innocent"), [(HALVES, 200, 60), (["fresh"], 180, 80)]
)
def test_there_are_enough_and_most_were_learnt_from_others(names, each, innocent):
    forms = [item for name in names for item in FORMS[name]]
    own = sum(item["source"] == "own" for item in forms)

    assert len(forms) >= each * len(names)
    assert min(len(FORMS[name]) for name in names) >= 150
    assert own <= len(forms) / 3
    assert sum(len(INNOCENTS[name]) for name in names) >= innocent * len(names)


def test_the_fresh_list_has_the_kinds_in_the_shares_of_the_others_and_40_names():
    old = Counter(item["kind"] for half in HALVES for item in FORMS[half])
    new = Counter(item["kind"] for item in FORMS["fresh"])

    assert new.keys() == old.keys()
    assert new["name"] >= 40
    for kind in new:
        was, is_now = old[kind] / old.total(), new[kind] / new.total()
        assert abs(was - is_now) <= 0.05, kind


def test_both_halves_hold_every_disguise_in_like_numbers():
    for halves, key in ((FORMS, "disguise"), (INNOCENTS, "looks_like")):
        left, right = (Counter(item[key] for item in halves[half]) for half in HALVES)
        assert left.keys() == right.keys()
        assert all(abs(left[name] - right[name]) <= 3 for name in left)


def test_no_address_is_at_a_provider_that_real_people_use():
    assert not [item["id"] for item in ALL_FORMS if PROVIDERS.search(form(item))]


def test_the_readme_gives_the_numbers_that_the_files_have():
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (\d+) \|", readme, re.M)
    told = {name: (int(left), int(right)) for name, left, right in rows}
    counts = [Counter(item["disguise"] for item in FORMS[half]) for half in HALVES]

    assert told == {name: (counts[0][name], counts[1][name]) for name in counts[0]}


@pytest.mark.parametrize(
    ("heading", "items", "key"),
    [
        ("### Forms", FORMS["fresh"], "disguise"),
        ("### Innocent texts", INNOCENTS["fresh"], "looks_like"),
    ],
)
def test_the_readme_counts_the_fresh_lists(heading, items, key):
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    section = readme.split(f"{heading}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `?([a-z-]+)`? \| (\d+) \|$", section, re.M)

    assert dict(Counter(item[key] for item in items)) == {
        name: int(count) for name, count in rows
    }
