"""A corpus made by many processes: the same bytes, or nothing with a name."""

import random
import shutil
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assent.corpus.build import Built, build_spread
from assent.corpus.spread import MADE, Cluster, Task
from assent.errors import CorpusError, DeniedError
from assent.redact.directory import Directory
from assent.redact.settings import Settings
from assent.redact.spans import Kind
from test_build import (
    BUCKETS,
    DIRECTORY,
    KEY,
    PEOPLE,
    REQUEST,
    ROWS,
    StoppedError,
    batches,
    built,
    contents,
    place,
    row,
    stop_after,
)

GROUP_OF = {"eu": "EU", "us": "US"}


def jurisdictions(rows):
    """The rows as an engine gives them: a place instead of a group, nothing allowed."""
    places = {group: name for name, group in GROUP_OF.items()}
    return [
        {key: value for key, value in each.items() if key not in ("allowed", "group")}
        | {"jurisdiction": places.get(each["group"], "unknown")}
        for each in rows
    ]


def known(rows):
    """Leave out a row that no engine gives: one without a verdict."""
    return [each for each in rows if each["allowed"] is not None]


class Workers:
    """Carries out a task in this process, as a cluster would with lost workers.

    Every batch is redacted and every bucket written twice, in any order; the last
    attempt counts.
    """

    def __init__(self, rows=ROWS, change=lambda table: table):
        self.rows, self.change = rows, change
        self.tasks: list[Task] = []

    def carry_out(self, task):
        self.tasks.append(task)
        decided = pa.Table.from_pylist(jurisdictions(known(self.rows)))
        texts = decided.to_batches(max_chunksize=7)
        random.Random(1).shuffle(texts)
        for batch in texts:
            task.redact(batch)
        rows = pa.Table.from_batches([task.redact(batch) for batch in texts])
        made = []
        for number in rows["bucket"].unique().to_pylist():
            mine = rows.filter(pc.field("bucket") == number)
            task.write(number, mine.take(list(reversed(range(len(mine))))))
            made.append(task.write(number, mine))
        return self.change(pa.Table.from_batches(made, MADE))


def spread(out, workers, rows=ROWS, progress=lambda *_: None, request=REQUEST) -> Built:
    pinned = out / "directory"
    out.mkdir(exist_ok=True)
    if not pinned.exists():
        pinned.write_bytes(DIRECTORY.to_bytes())
    decided = [each.drop_columns(["text"]) for each in batches(known(rows), 5)]
    cluster = Cluster(workers.carry_out, pinned, KEY, Settings(), None, GROUP_OF)
    corpora = out / "corpora"
    return build_spread(
        request, decided, cluster, place, BUCKETS, corpora, PEOPLE, progress
    )


def test_many_processes_make_the_bytes_that_one_makes(tmp_path):
    alone = built(tmp_path / "alone", known(ROWS))
    many = spread(tmp_path / "many", Workers())

    assert contents(many.folder) == contents(alone.folder)
    assert many.manifest == alone.manifest
    assert [path.name for path in (tmp_path / "many/corpora").iterdir()] == [
        many.folder.name
    ]


def test_a_plan_in_which_nobody_is_used_asks_no_worker(tmp_path):
    denied = [each for each in known(ROWS) if not each["allowed"]]
    workers = Workers(denied)

    alone = built(tmp_path / "alone", denied)
    assert contents(spread(tmp_path / "many", workers, denied).folder) == contents(
        alone.folder
    )
    assert workers.tasks == []


@pytest.mark.parametrize("calls", range(24))
def test_a_build_that_stops_anywhere_ends_with_the_same_bytes(tmp_path, calls):
    alone = built(tmp_path / "alone", known(ROWS))
    workers = Workers()
    with suppress(StoppedError):
        spread(tmp_path / "many", workers, progress=stop_after(calls))
    many = spread(tmp_path / "many", workers)

    assert contents(many.folder) == contents(alone.folder)


def test_what_is_finished_is_not_made_again(tmp_path):
    workers = Workers()
    with pytest.raises(StoppedError):
        spread(tmp_path / "many", workers, progress=stop_after(13))
    many = spread(tmp_path / "many", workers)

    assert 0 < many.parts_found < len(BUCKETS)
    assert len(workers.tasks[1].done) == many.parts_found
    part = pa.Table.from_pylist(jurisdictions(known(ROWS))).to_batches()[0]
    made = set(workers.tasks[1].redact(part)["bucket"].to_pylist())
    assert made.isdisjoint(
        number
        for number, bucket in enumerate(workers.tasks[1].planned)
        if bucket in workers.tasks[1].done
    )


def lost(table):
    return table.slice(2)


def doubled(table):
    return pa.concat_tables([table, table.slice(0, 2)])


def fewer(table):
    rows = table.to_pylist()
    rows[0]["rows"] -= 1
    return pa.Table.from_pylist(rows, MADE)


def elsewhere(table):
    rows = table.to_pylist()
    rows[0]["path"] = "measures/EU/9.parquet"
    return pa.Table.from_pylist(rows, MADE)


def by_others(table):
    rows = table.to_pylist()
    rows[-1]["maker"] = "parquet-cpp-arrow 1.0"
    return pa.Table.from_pylist(rows, MADE)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lost, "the cluster wrote 6 files"),
        (doubled, "the cluster wrote 10 files"),
        (fewer, "8 files of 41 documents, wanted 8 of 42"),
        (elsewhere, "wanted 8 of 42"),
        (by_others, "other code than this process"),
    ],
)
def test_what_a_cluster_gives_back_is_counted_before_it_gets_a_name(
    tmp_path, change, match
):
    with pytest.raises(CorpusError, match=match):
        spread(tmp_path, Workers(change=change))

    assert [path.name for path in (tmp_path / "corpora").iterdir()] == [
        f".building-{REQUEST.corpus_id}"
    ]
    assert list((tmp_path / "corpora").rglob("parts/*/*")) == []


def test_a_text_that_came_only_to_the_workers_is_missed(tmp_path):
    more = [*ROWS, row(99)]
    with pytest.raises(CorpusError, match="of 43 documents, wanted 8 of 42"):
        spread(tmp_path, Workers(more))


def test_a_worker_that_was_given_up_finds_no_folder_to_write_into(tmp_path):
    workers = Workers()
    many = spread(tmp_path, workers)
    before = contents(tmp_path)

    with pytest.raises(FileNotFoundError):
        workers.carry_out(workers.tasks[0])
    assert contents(tmp_path) == before
    assert many.folder.is_dir()


def test_a_worker_reads_the_directory_that_is_pinned_and_no_other(tmp_path):
    other = Directory.of({Kind.NAME: ["anna loo"]}, KEY)
    (tmp_path / "directory").write_bytes(other.to_bytes())
    with pytest.raises(CorpusError, match="the directory has the digest"):
        spread(tmp_path, Workers())


def test_a_worker_refuses_what_is_allowed_and_not_proved(tmp_path):
    workers = Workers()
    spread(tmp_path, workers)
    stranger = pa.RecordBatch.from_pylist(jurisdictions([row(1, subject_id=None)]))

    with pytest.raises(DeniedError, match="without a known subject"):
        workers.tasks[0].redact(stranger)


def test_no_text_of_a_person_is_left_on_disk(tmp_path):
    spread(tmp_path / "many", Workers())
    shutil.rmtree(tmp_path / "many/corpora" / REQUEST.corpus_id)
    other = replace(REQUEST, ledger_size=43)
    with pytest.raises(StoppedError):
        spread(tmp_path / "many", Workers(), progress=stop_after(13), request=other)

    files = list((tmp_path / "many/corpora").rglob("*.parquet"))
    assert any(path.parent.name == "spill" for path in files)
    for path in files:
        assert "Anna" not in str(pq.read_table(path, partitioning=None).to_pylist())
