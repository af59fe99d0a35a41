import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.corpus.build import Built, build, erase_text, without
from assent.corpus.commitment import People
from assent.corpus.consent import KNOWN
from assent.corpus.manifest import (
    BuildRequest,
    check_parts,
    read_files,
    read_manifest,
)
from assent.corpus.stored import StoredTree
from assent.errors import CorpusError, DeniedError
from assent.redact.directory import Directory
from assent.redact.redactor import Redactor
from assent.redact.spans import Kind

KEY = bytes(32)
DIRECTORY = Directory.of({Kind.NAME: ["anna lee"]}, KEY)
REDACTOR = Redactor(DIRECTORY)
BUCKETS = [("EU", 0), ("EU", 1), ("EU", 2), ("US", 0), ("US", 1), ("US", 2)]
DECISIONS = pa.schema(
    [
        pa.field("document_id", pa.string()),
        pa.field("subject_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("created_at", pa.int64()),
        pa.field("text", pa.string()),
        pa.field("allowed", pa.bool_()),
        pa.field("reason", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("group", pa.string()),
        pa.field("mentions", pa.list_(pa.string())),
    ]
)
REQUEST = BuildRequest(
    purpose="train.generative.content",
    recipients=("ours", "theirs"),
    as_of=1_700_000_000_000_000,
    ledger_size=42,
    policies=("1" * 64,),
    documents="2" * 64,
    subjects="3" * 64,
    directory=DIRECTORY.digest,
    plan="4" * 64,
)
KNOWN_PEOPLE = pa.table(
    [[f"s{n}" for n in range(8)], [2] * 8, list(range(20, 28))], schema=KNOWN
)
PEOPLE = People(
    lambda names: {name: sha256(name.encode()).digest() for name in names},
    lambda: KNOWN_PEOPLE,
)
Row = dict[str, object]


def place(group: str, subject: str) -> tuple[int, int]:
    # Of group US only the first shard is ever used: the others stay empty.
    number = int(subject.removeprefix("s"))
    return (number % 3 if group == "EU" else 0), number % 2


def row(number: int, **changes: object) -> Row:
    usual: Row = {
        "document_id": f"d{number:03}",
        "subject_id": f"s{number % 7}",
        "category": "post" if number % 2 else "comment",
        "created_at": number,
        "text": f"words {number} of Anna Lee to a{number}@b.example",
        "allowed": True,
        "reason": "consented",
        "rule": "eu-consent",
        "group": "EU" if number % 7 < 5 else "US",
        "mentions": ["s1", "s2"] if number % 5 == 0 else None,
    }
    return usual | changes


DENIED = {"allowed": False, "reason": "withdrawn", "rule": ""}
ROWS = [
    *(row(number) for number in range(40)),
    row(40, **DENIED),
    row(41, text="> all of it was hers"),
    row(42, text=None),
    row(43, allowed=None, reason=None),
    row(44, group=None),
    row(45, allowed=False, reason="no_record", group=None, subject_id=None),
]


def batches(rows: Iterable[Row], size: int = 8) -> list[pa.RecordBatch]:
    table = pa.Table.from_pylist(list(rows), schema=DECISIONS)
    return table.to_batches(max_chunksize=size)


def built(
    out: Path,
    rows: Iterable[Row] = ROWS,
    request: BuildRequest = REQUEST,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    people: People = PEOPLE,
) -> Built:
    return build(
        request, batches(rows), REDACTOR, place, BUCKETS, out, people, progress
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(folder: Path, name: str) -> list[Row]:
    rows: list[Row] = pq.read_table(folder / name, partitioning=None).to_pylist()
    return rows


class StoppedError(Exception):
    """What a test raises in the middle of a build."""


def stop_after(steps: int) -> Callable[[str, int, int], None]:
    left = steps

    def progress(step: str, done: int, total: int) -> None:
        nonlocal left
        if left == 0:
            raise StoppedError(f"{step} {done} of {total}")
        left -= 1

    return progress


def test_a_part_holds_redacted_texts_sorted_by_document(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    part = rows_of(folder, "parts/EU/1.parquet")
    assert [r["document_id"] for r in part] == sorted(r["document_id"] for r in part)
    assert part[0] == {
        "document_id": "d001",
        "subject_id": "s1",
        "category": "post",
        "created_at": 1,
        "slice": 1,
        "text": "words 1 of [name] to [email]",
    }
    assert not any(b"Anna" in data for data in contents(folder).values())


def test_every_bucket_of_the_plan_has_a_part(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    for group, shard in BUCKETS:
        assert (folder / f"parts/{group}/{shard}.parquet").is_file()
    assert rows_of(folder, "parts/US/2.parquet") == []


def test_every_document_is_used_or_dropped_with_a_reason(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    used = {r["document_id"] for r in rows_of(folder, "commitment.parquet")}
    dropped = rows_of(folder, "dropped.parquet")
    reasons = {r["document_id"]: r["reason"] for r in dropped}
    assert reasons == {
        "d040": "withdrawn",
        "d041": "empty_after_redaction",
        "d042": "empty_after_redaction",
        "d043": "undecided",
        "d044": "no_group",
        "d045": "no_record",
    }
    assert used | set(reasons) == {r["document_id"] for r in ROWS}
    assert "text" not in dropped[0]


def test_the_commitment_binds_the_redacted_text(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    (found,) = (
        r for r in rows_of(folder, "commitment.parquet") if r["document_id"] == "d006"
    )
    assert found == {
        "document_id": "d006",
        "subject_id": "s6",
        "text_sha256": sha256(b"words 6 of [name] to [email]").hexdigest(),
        "reason": "consented",
        "group": "US",
        "shard": 0,
        "slice": 0,
    }


def test_mentions_are_kept_for_used_documents_only(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    rows = rows_of(folder, "mentions.parquet")
    assert {r["document_id"] for r in rows} == {f"d{n:03}" for n in range(0, 40, 5)}
    assert rows[:2] == [
        {"document_id": "d000", "mentioned": "s1"},
        {"document_id": "d000", "mentioned": "s2"},
    ]


def test_the_order_of_the_documents_changes_no_byte(tmp_path: Path) -> None:
    one = built(tmp_path / "one").folder
    backwards = batches(reversed(ROWS), size=3)
    two = build(
        REQUEST, backwards, REDACTOR, place, BUCKETS[::-1], tmp_path / "two", PEOPLE
    )
    assert contents(one) == contents(two.folder)


def test_an_interrupted_build_ends_with_the_same_bytes(tmp_path: Path) -> None:
    wanted = contents(built(tmp_path / "whole").folder)
    steps: list[str] = []
    built(tmp_path / "steps", progress=lambda step, *_: steps.append(step))
    for stop in range(len(steps)):
        out = tmp_path / f"stopped-{stop}"
        with pytest.raises(StoppedError):
            built(out, progress=stop_after(stop))
        assert contents(built(out).folder) == wanted, steps[stop]
        assert [path.name for path in out.iterdir()] == [REQUEST.corpus_id]


def test_a_build_that_is_interrupted_at_each_run_still_ends(tmp_path: Path) -> None:
    wanted = contents(built(tmp_path / "whole").folder)
    for stop in range(5, 40):
        try:
            built(tmp_path / "out", progress=stop_after(stop))
        except StoppedError:
            continue
        break
    assert contents(built(tmp_path / "out").folder) == wanted


def test_a_resumed_build_says_how_many_parts_it_found(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    with pytest.raises(StoppedError):
        built(tmp_path, progress=stop_after(12))
    assert built(tmp_path, progress=lambda *s: seen.append(s)).parts_found == 3
    assert seen[0] == ("parts found whole", 3, 6)


def draft_of(out: Path) -> Path:
    return out / f".building-{REQUEST.corpus_id}"


def test_a_finished_part_that_was_changed_is_made_again(tmp_path: Path) -> None:
    wanted = contents(built(tmp_path / "whole").folder)
    with pytest.raises(StoppedError):
        built(tmp_path, progress=stop_after(12))
    part = draft_of(tmp_path) / "parts/EU/0.parquet"
    part.write_bytes(part.read_bytes()[:-9] + b"different")
    found = built(tmp_path)
    assert found.parts_found == 2
    assert contents(found.folder) == wanted


def test_a_line_cut_by_a_crash_and_a_stray_file_do_no_harm(tmp_path: Path) -> None:
    wanted = contents(built(tmp_path / "whole").folder)
    with pytest.raises(StoppedError):
        built(tmp_path, progress=stop_after(12))
    log = draft_of(tmp_path) / "finished.jsonl"
    log.write_bytes(b"not json\n[]\n" + log.read_bytes()[:-20])
    (draft_of(tmp_path) / "parts/EU/.2.parquet.draft").write_bytes(b"half")
    assert contents(built(tmp_path).folder) == wanted


def test_a_whole_draft_only_gets_its_name(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    wanted = contents(folder)
    folder.rename(draft_of(tmp_path))  # as if stopped just before the last rename
    assert contents(built(tmp_path, rows=[]).folder) == wanted


def test_documents_that_changed_under_a_digest_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        built(tmp_path, progress=stop_after(12))
    with pytest.raises(CorpusError, match="this run met"):
        built(tmp_path, rows=ROWS[1:])


def test_a_build_that_stands_is_found_and_checked(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    assert built(tmp_path, rows=[]).folder == folder
    (folder / "parts/EU/0.parquet").unlink()
    with pytest.raises(CorpusError, match=r"parts/EU/0\.parquet"):
        built(tmp_path)


def test_a_corpus_of_nothing_has_empty_parts(tmp_path: Path) -> None:
    manifest = built(tmp_path, rows=[]).manifest
    assert manifest.counts.documents_used == 0
    assert manifest.counts.share_removed == 0
    assert [part.rows for part in manifest.parts] == [0] * 6
    assert check_parts(tmp_path / REQUEST.corpus_id) == manifest


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"reason": "unsafe_default_on"}, DeniedError, "proves nothing"),
        ({"reason": "withdrawn"}, DeniedError, "proves nothing"),
        ({"reason": None}, DeniedError, "proves nothing"),
        ({"subject_id": None}, DeniedError, "without a known subject"),
        ({"category": None}, DeniedError, "without a category"),
        ({"allowed": False, "reason": None}, CorpusError, "without a reason"),
        ({"document_id": None}, CorpusError, "no document_id"),
        ({"document_id": "d001"}, CorpusError, "`d001` comes more than once"),
        ({"document_id": "d008"}, CorpusError, "`d008` comes more than once"),
        ({"document_id": "d040"}, CorpusError, "`d040` comes more than once"),
        ({"group": "Mars"}, CorpusError, "which the plan does not have"),
    ],
)
def test_a_decision_that_cannot_be_stops_the_build(
    tmp_path: Path, change: Row, error: type[Exception], words: str
) -> None:
    bad = {**row(50), **change}
    with pytest.raises(error, match=words):
        built(tmp_path, rows=[*ROWS, bad])
    assert not (tmp_path / REQUEST.corpus_id).exists()


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    table = pa.Table.from_batches(batches(ROWS)).drop_columns(["allowed"])
    with pytest.raises(CorpusError, match="`allowed`"):
        build(REQUEST, table.to_batches(), REDACTOR, place, BUCKETS, tmp_path, PEOPLE)


def test_mentions_may_be_unknown(tmp_path: Path) -> None:
    table = pa.Table.from_batches(batches(ROWS)).drop_columns(["mentions"])
    made = build(
        REQUEST, table.to_batches(), REDACTOR, place, BUCKETS, tmp_path, PEOPLE
    )
    assert rows_of(made.folder, "mentions.parquet") == []


@pytest.mark.parametrize("buckets", [[], [("../EU", 0)], [("", 0)], [("EU", -1)]])
def test_a_plan_that_cannot_name_parts_is_refused(
    tmp_path: Path, buckets: list[tuple[str, int]]
) -> None:
    with pytest.raises(CorpusError):
        build(REQUEST, batches(ROWS), REDACTOR, place, buckets, tmp_path, PEOPLE)


def test_another_directory_than_the_requests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the request wants"):
        build(
            REQUEST,
            batches(ROWS),
            Redactor(Directory.of({}, KEY)),
            place,
            BUCKETS,
            tmp_path,
            PEOPLE,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "train"},
        {"recipients": ("ours",)},
        {"as_of": 1},
        {"ledger_size": 43},
        {"policies": ()},
        {"documents": "a" * 64},
        {"subjects": "a" * 64},
        {"directory": "a" * 64},
        {"plan": "a" * 64},
        {"derived_from": "corpus-" + "a" * 16},
        {"simulated": True},
    ],
)
def test_whatever_could_change_a_corpus_changes_its_name(change: Row) -> None:
    assert replace(REQUEST, **change).corpus_id != REQUEST.corpus_id  # type: ignore[arg-type]


def test_the_order_of_recipients_does_not_change_the_name() -> None:
    backwards = replace(REQUEST, recipients=("theirs", "ours", "ours"))
    assert backwards.corpus_id == REQUEST.corpus_id


@pytest.mark.parametrize(
    "change", [{"recipients": ()}, {"plan": "none"}, {"derived_from": "corpus-1"}]
)
def test_a_request_that_pins_nothing_is_refused(change: Row) -> None:
    with pytest.raises(CorpusError):
        replace(REQUEST, **change)  # type: ignore[arg-type]


def test_the_manifest_counts_what_went_in_and_out(tmp_path: Path) -> None:
    manifest = built(tmp_path).manifest
    counts = manifest.counts
    assert (counts.documents_used, counts.documents_dropped) == (40, 6)
    assert counts.subjects_used == 7
    assert counts.dropped_by_reason["empty_after_redaction"] == 2
    assert counts.used_by_category == {"comment": 20, "post": 20}
    assert counts.used_by_group == {"EU": 30, "US": 10}
    assert counts.redacted_by_kind["name"] == counts.redacted_by_kind["email"] == 40
    assert counts.redacted_by_kind["quote"] == 0
    removed = sum(len("Anna Lee") + len(f"a{n}@b.example") for n in range(40))
    assert counts.characters_before - counts.characters_kept == removed
    assert 0.5 < counts.share_removed < 0.7
    assert manifest == read_manifest(tmp_path / REQUEST.corpus_id)


def test_the_manifest_is_croissant(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    document = json.loads((folder / "manifest.json").read_bytes())
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert document["name"] == REQUEST.corpus_id
    assert document["datePublished"] == "2023-11-14T22:13:20Z"
    (listed,) = (d for d in document["distribution"] if "sha256" in d)
    assert listed["sha256"] == sha256((folder / "files.jsonl").read_bytes()).hexdigest()
    fields = [field["name"] for field in document["recordSet"][0]["field"]]
    assert fields == pq.read_schema(folder / "parts/EU/0.parquet").names


def test_simulated_choices_are_said_to_be_simulated(tmp_path: Path) -> None:
    request = replace(REQUEST, simulated=True)
    folder = built(tmp_path, request=request).folder
    document = json.loads((folder / "manifest.json").read_bytes())
    assert document["assent:simulated"] is True
    assert document["description"].startswith("Simulated")


def values(node: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """List the way to every leaf of a JSON value."""
    if isinstance(node, dict):
        return [p for k, v in node.items() for p in values(v, (*path, k))]
    if isinstance(node, list):
        return [p for i, v in enumerate(node) for p in values(v, (*path, i))]
    return [path]


def test_every_changed_word_of_a_manifest_is_noticed(tmp_path: Path) -> None:
    made = built(tmp_path)
    path = made.folder / "manifest.json"
    whole = path.read_bytes()
    unnoticed = []
    for way in values(json.loads(whole)):
        document = json.loads(whole)
        node = document
        for step in way[:-1]:
            node = node[step]
        node[way[-1]] = "different"
        path.write_bytes(json.dumps(document, separators=(",", ":")).encode())
        try:
            found = read_manifest(made.folder)
        except CorpusError:
            continue
        unnoticed.append((way, found))
    assert unnoticed == []


def test_every_changed_file_is_noticed_and_named(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    for entry in read_files(folder):
        path = folder / entry.path
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(CorpusError, match=entry.path):
            check_parts(folder)
        path.unlink()
        with pytest.raises(CorpusError, match=entry.path):
            check_parts(folder)
        path.write_bytes(whole)
    check_parts(folder)


@pytest.mark.parametrize("name", ["files.jsonl", "manifest.json"])
def test_a_lost_or_changed_list_is_noticed(tmp_path: Path, name: str) -> None:
    path = built(tmp_path).folder / name
    whole = path.read_bytes()
    for wrong in (whole + b"\n", whole[:-2], b"", b"[]", b"1\n", b"{}"):
        path.write_bytes(wrong)
        with pytest.raises(CorpusError, match=name):
            check_parts(path.parent)
    path.unlink()
    with pytest.raises(CorpusError, match=name):
        check_parts(path.parent)


def test_a_file_that_is_not_listed_is_noticed(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    (folder / "parts/EU/9.parquet").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"parts/EU/9\.parquet"):
        check_parts(folder)


WHY = ("withdrawn", "")
REPAIR = replace(REQUEST, ledger_size=43, derived_from=REQUEST.corpus_id)


def repaired(
    out: Path,
    forget: dict[str, tuple[str, str]],
    subjects: dict[str, tuple[str, str]] | None = None,
    request: BuildRequest = REPAIR,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Built:
    old = out / REQUEST.corpus_id
    return without(old, request, forget, subjects or {}, out, PEOPLE, progress)


def fresh(out: Path, gone: Callable[[Row], bool], denial: Row) -> Path:
    """Build the repaired corpus from the start, the forgotten documents denied."""
    rows = [r | denial if r["allowed"] and gone(r) else r for r in ROWS]
    return built(out, rows=rows, request=REPAIR).folder


def test_a_repaired_corpus_equals_one_that_never_saw_her(tmp_path: Path) -> None:
    built(tmp_path)
    got = repaired(tmp_path, {}, {"s1": WHY})
    wanted = fresh(tmp_path / "fresh", lambda r: r["subject_id"] == "s1", DENIED)
    mine, theirs = contents(got.folder), contents(wanted)
    assert mine.keys() == theirs.keys()
    # Only the version differs: the fresh one does not know that it is a repair.
    assert {p for p in mine if mine[p] != theirs[p]} == {"manifest.json"}
    assert got.manifest.counts == read_manifest(wanted).counts
    assert got.manifest.version == "2.0.0"
    check_parts(got.folder)


def test_a_repair_rewrites_only_the_buckets_it_touches(tmp_path: Path) -> None:
    old = built(tmp_path).folder
    new = repaired(tmp_path, {"d001": WHY}).folder
    changed = {
        part.path
        for part in read_manifest(old).parts
        if not (old / part.path).samefile(new / part.path)
    }
    assert changed == {"parts/EU/1.parquet"}


def test_forgotten_documents_are_dropped_for_their_new_reason(tmp_path: Path) -> None:
    built(tmp_path)
    forget = {"d005": ("restricted", "order-7"), "d040": WHY, "d041": WHY}
    new = repaired(tmp_path, forget, {"s5": ("erased", "")}).folder
    dropped = {r["document_id"]: r for r in rows_of(new, "dropped.parquet")}
    assert dropped["d005"]["reason"] == "restricted"
    assert dropped["d005"]["rule"] == "order-7"
    assert dropped["d012"]["reason"] == "erased"
    assert dropped["d041"]["reason"] == "withdrawn"
    assert dropped["d042"]["reason"] == "empty_after_redaction"
    assert "d005" not in {r["document_id"] for r in rows_of(new, "mentions.parquet")}
    assert check_parts(new).counts.documents_used + len(dropped) == len(ROWS)


def test_an_interrupted_repair_ends_with_the_same_bytes(tmp_path: Path) -> None:
    built(tmp_path)
    steps: list[str] = []
    new = repaired(tmp_path, {"d001": WHY}, progress=lambda *s: steps.append(s[0]))
    wanted = contents(new.folder)
    for stop in range(len(steps)):
        shutil.rmtree(new.folder)
        with pytest.raises(StoppedError):
            repaired(tmp_path, {"d001": WHY}, progress=stop_after(stop))
        assert contents(repaired(tmp_path, {"d001": WHY}).folder) == wanted


def test_forgetting_everybody_leaves_empty_parts(tmp_path: Path) -> None:
    built(tmp_path)
    everybody = {f"s{n}": WHY for n in range(7)}
    manifest = repaired(tmp_path, {}, everybody).manifest
    assert manifest.counts.documents_used == 0
    assert {part.rows for part in manifest.parts} == {0}


@pytest.mark.parametrize("unmet", ["d999", "s999"])
def test_forgetting_what_was_never_there_is_refused(tmp_path: Path, unmet: str) -> None:
    built(tmp_path)
    with pytest.raises(CorpusError, match=unmet):
        repaired(tmp_path, {"d001": WHY, unmet: WHY})


@pytest.mark.parametrize(
    "change",
    [
        {"derived_from": None},
        {"purpose": "train"},
        {"recipients": ("ours",)},
        {"directory": "a" * 64},
        {"plan": "a" * 64},
        {"simulated": True},
    ],
)
def test_a_repair_under_other_terms_is_refused(tmp_path: Path, change: Row) -> None:
    built(tmp_path)
    request = replace(REPAIR, **change)  # type: ignore[arg-type]
    with pytest.raises(CorpusError):
        repaired(tmp_path, {"d001": WHY}, request=request)


def test_a_repair_of_a_changed_corpus_is_refused(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    (folder / "parts/US/0.parquet").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"parts/US/0\.parquet"):
        repaired(tmp_path, {"d001": WHY})


def test_erasing_keeps_the_proofs_and_the_repaired_corpus(tmp_path: Path) -> None:
    old = built(tmp_path).folder
    new = repaired(tmp_path, {"d001": WHY}).folder
    erase_text(old, at=REQUEST.as_of)
    assert set(contents(old)) == {
        "commitment.parquet",
        "consent.parquet",
        "consent.tree",
        "dropped.parquet",
        "erased.json",
        "files.jsonl",
        "manifest.json",
        "subjects.tree",
    }
    assert json.loads((old / "erased.json").read_bytes()) == {
        "corpus_id": REQUEST.corpus_id,
        "erased_at": "2023-11-14T22:13:20Z",
    }
    assert read_manifest(old).corpus_id == REQUEST.corpus_id
    check_parts(new)


def test_an_erased_corpus_is_neither_used_nor_built_again(tmp_path: Path) -> None:
    folder = built(tmp_path).folder
    erase_text(folder, at=1)
    erase_text(folder, at=2)
    assert "1970-01-01T00:00:00.000001Z" in (folder / "erased.json").read_text()
    with pytest.raises(CorpusError, match="was erased"):
        check_parts(folder)
    with pytest.raises(CorpusError, match="was erased"):
        built(tmp_path)


def test_only_a_corpus_can_be_erased(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    with pytest.raises(CorpusError, match=r"manifest\.json"):
        erase_text(tmp_path, at=1)
    assert (tmp_path / "parts").exists()


def without_secret_of(name: str) -> People:
    return People(
        lambda names: PEOPLE.secrets([one for one in names if one != name]),
        PEOPLE.known,
    )


def test_nobody_is_used_to_whom_nothing_could_be_proved(tmp_path: Path) -> None:
    people = without_secret_of("s3")
    with pytest.raises(CorpusError, match="subject `s3` is in .* and has no secret"):
        built(tmp_path, people=people)
    assert not (tmp_path / REQUEST.corpus_id).exists()
    again = built(tmp_path).folder
    assert contents(again) == contents(built(tmp_path / "other").folder)


def test_whose_secret_is_shredded_has_no_state_in_the_tree(tmp_path: Path) -> None:
    # s7 wrote nothing, and was enrolled once.
    states = {str(r["subject_id"]): r["state"] for r in states_of(tmp_path / "all")}
    assert states["s7"] == '{"entries":2,"last_entry":27,"reasons":{}}'
    folder = built(tmp_path / "less", people=without_secret_of("s7")).folder
    for name, leaves in (("all", 8), ("less", 7)):
        path = tmp_path / name / REQUEST.corpus_id / "consent.tree"
        with StoredTree(path) as tree:
            assert tree.leaves == leaves
    assert folder.name == REQUEST.corpus_id


def states_of(out: Path) -> list[Row]:
    return rows_of(built(out).folder, "consent.parquet")


def test_a_state_counts_documents_by_what_stands_in_the_tables(tmp_path: Path) -> None:
    found = {str(r["subject_id"]): str(r["state"]) for r in states_of(tmp_path)}
    assert list(found) == sorted(found)
    wanted: dict[str, Counter[str]] = {f"s{n}": Counter() for n in range(8)}
    tables = ("commitment.parquet", "dropped.parquet")
    for name in tables:
        for one in rows_of(tmp_path / REQUEST.corpus_id, name):
            if one["subject_id"] is not None:
                wanted[str(one["subject_id"])][str(one["reason"])] += 1
    assert {w: json.loads(s)["reasons"] for w, s in found.items()} == wanted
    assert wanted["s6"] == {"consented": 5, "empty_after_redaction": 1}
