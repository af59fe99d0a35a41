"""The same questions on a real cluster: the same answers, and the same bytes.

One file, so that one process of the test run starts one cluster.
"""

import threading
from pathlib import Path
from shutil import copytree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import small_names
import worlds
from assent import Project
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.engine.duckdb import DuckEngine
from assent.errors import CorpusError, UsageError
from assent.sources.schema import DOCUMENTS, SUBJECTS
from small_case import write_case
from small_project import (
    BUILT_AT,
    CONFIG,
    NOTICE,
    SECRET_WORDS,
    START,
    Stop,
    StopAt,
    StoppedError,
    leftovers,
    made_of,
    opened,
    write_policy,
)

pytest_plugins = ("toy_projects", "command_line", "spark_cluster")
pytestmark = pytest.mark.spark

ODD = "a [b] {c} %20 *? \\ é"
"""A name for a folder in which Spark could see a pattern."""


def on(cluster, folder):
    """Open a project on the cluster; clock and secrets as those of `opened`."""
    return Project.open(
        folder,
        engine="spark",
        master=cluster.master,
        clock=StoryClock(BUILT_AT),
        randomness=UnsafeSeededRandomness(1017),
    )


@pytest.fixture
def pair(fresh, tmp_path):
    """One project twice: for Spark, and for DuckDB."""
    return copytree(fresh, tmp_path / ODD), fresh


def spark_engine(cluster, batch, folder):
    from assent.engine.spark import SparkEngine

    documents, subjects, events = batch.tables()
    folder.mkdir()
    pq.write_table(documents, folder / "documents.parquet")
    pq.write_table(subjects, folder / "subjects.parquet")
    paths = folder / "documents.parquet", folder / "subjects.parquet"
    return SparkEngine(*paths, events, folder, cluster.master)


# -- answers ---------------------------------------------------------------------------


def test_220_platforms_are_decided_as_the_oracle_says(cluster, tmp_path):
    decided = 0
    for number, batch in enumerate(worlds.batches(seed=2024, number=2, each=110)):
        engine = spark_engine(cluster, batch, tmp_path / str(number))
        found = engine.decide(batch.question).to_pylist()
        engine.close()
        reasons = {row["document_id"]: row["reason"] for row in found}
        assert batch.differences(reasons) == []
        decided += len(batch.worlds)
    assert decided == 220


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_no_time_zone_of_a_session_changes_an_answer(cluster, tmp_path, zone):
    batch = next(worlds.batches(seed=2025, number=1, each=30))
    engine = spark_engine(cluster, batch, tmp_path / "spark")
    engine.session.conf.set("spark.sql.session.timeZone", zone)
    shown = engine.session.sql("SELECT CAST(TIMESTAMP_MICROS(0) AS STRING)")
    found = engine.decide(batch.question)
    here = DuckEngine(*batch.tables(), tmp_path)
    wanted = here.decide(batch.question)
    here.close()

    assert shown.toArrow()[0][0].as_py() != "1970-01-01 00:00:00"
    assert found.equals(wanted)
    engine.close()


def test_a_project_is_decided_counted_and_written_as_by_duckdb(cluster, pair, tmp_path):
    spark, duckdb = pair
    with on(cluster, spark) as project:
        found = project.decide()
        counted = project.count()
        pins = project.write_decisions(tmp_path / "spark.parquet")
        project.write_decisions(tmp_path / "spark-used.parquet", permitted=True)
        assert project.count(written=tmp_path / "spark.parquet") == counted
    with opened(duckdb) as project:
        assert found.equals(project.decide())
        assert counted == project.count()
        assert pins == project.write_decisions(tmp_path / "duckdb.parquet")
        project.write_decisions(tmp_path / "duckdb-used.parquet", permitted=True)

    for name in ("", "-used"):
        tables = [
            pq.read_table(tmp_path / f"{engine}{name}.parquet").sort_by("document_id")
            for engine in ("spark", "duckdb")
        ]
        assert tables[0].to_pylist() == tables[1].to_pylist()
        assert tables[0].schema.metadata == tables[1].schema.metadata
        assert tables[0].num_rows > 0
    assert list((spark / ".spill").iterdir()) == []
    assert (tmp_path / "spark.parquet").stat().st_mode & 0o777 == 0o600
    assert leftovers(tmp_path) == []


def test_a_case_is_replayed_as_by_duckdb(cluster, pair, tmp_path):
    spark, duckdb = pair
    case = write_case(tmp_path / "case")
    with on(cluster, spark) as project:
        found = project.replay(case)
    with opened(duckdb) as project:
        assert found == project.replay(case)


def test_the_command_line_decides_on_the_cluster(cluster, fresh, assent):
    asked = ("--project", fresh, "decide", "--at", "2025-03-11T00:00:00Z")
    out = ("--out", fresh / "_rows.parquet")  # a name that Spark itself passes over
    spark = assent(*asked, *out, "--engine", "spark", "--master", cluster.master)
    duckdb = assent(*asked, *out)

    assert (spark.code, spark.err) == (0, "")
    assert spark.out == duckdb.out
    assert "legitimate_interests" in spark.out


def test_changes_since_an_earlier_answer_are_not_for_spark(cluster, fresh, assent):
    said = assent(
        *("--project", fresh, "decide", "--since", 1, "--out", fresh / "x.parquet"),
        *("--engine", "spark", "--master", cluster.master),
    )

    assert said.code == 2
    assert "found by DuckDB alone" in said.errors[0]
    assert "leave `--engine` out" in said.hints[0]


# -- corpora ---------------------------------------------------------------------------


def test_a_corpus_is_built_to_the_bytes_that_duckdb_builds(cluster, pair):
    spark, duckdb = pair
    with on(cluster, spark) as project:
        found = project.build()
    with opened(duckdb) as project:
        wanted = project.build()

    assert found.manifest == wanted.manifest
    assert made_of(spark) == made_of(duckdb)
    assert leftovers(spark) == []
    assert list((spark / ".spill").iterdir()) == []


def test_names_are_kept_and_pseudonyms_made_on_the_workers_as_here(cluster, tmp_path):
    here, there = tmp_path / "here", tmp_path / ODD
    redact = '[redact]\nnames = "keep"\nstyle = "corpus"\ndrop_above = 0.5\n'
    texts = {
        "u01-0": "I walked with Ben Berg along the river, and with Cleo Marsh.",
        "u07-0": "Far away from there I read what Cleo Marsh wrote about it.",
        "u08-0": "Cleo Marsh!",
    }
    small_names.project(here, texts, redact)
    notice = here / "notices/2025.en.md"
    with opened(here) as project:
        for who in ("u02", "u04"):
            project.record("given", subjects=[who], category="name", notice=notice)
    copytree(here, there)
    with on(cluster, there) as project:
        project.build()
    with opened(here) as project:
        project.build()
        found = small_names.texts_of(project)
        dropped = small_names.table_of(project, "dropped.parquet")

    assert found["u01-0"].startswith(
        "I walked with Ben Berg along the river, and with ["
    )
    assert found["u07-0"].startswith("Far away from there I read what [name-")
    assert [row["reason"] for row in dropped] == ["too_much_removed"]
    assert made_of(there) == made_of(here)


def test_a_build_that_stops_is_finished_on_either_engine(cluster, pair, tmp_path):
    spark, duckdb = pair
    with on(cluster, spark) as project, pytest.raises(StoppedError):
        project.build(StopAt("parts written"))
    other = copytree(spark, tmp_path / "other")
    with on(cluster, spark) as project:
        assert project.status()["unfinished"] == "build"
        found = project.build(stop := Stop())
        assert stop.calls.count("parts written") == 1  # of two
    with opened(other) as project:
        project.build()
    with opened(duckdb) as project:
        project.build()

    assert found.continued == BUILT_AT
    assert made_of(spark) == made_of(other) == made_of(duckdb)
    assert leftovers(spark) == leftovers(other) == []


def test_no_text_is_in_a_plan_before_it_is_redacted(cluster, fresh):
    with on(cluster, fresh) as project:
        place = project.place
        engine = place.cluster(place.book.size)
        question = place.question(place.clock(), place.book.size)
        travels = engine._permitted(question, ["reason", "jurisdiction"])
        plan = travels._jdf.queryExecution().toString()
        engine.close()

    assert set(travels.columns) == {
        *("document_id", "at_row", "reason", "jurisdiction", "task"),
    }
    read = [line for line in plan.splitlines() if "ReadSchema" in line]
    assert read
    assert not any("text" in line.split("ReadSchema")[1] for line in read)


# -- what goes wrong -------------------------------------------------------------------

PEOPLE, EACH = 300, 12


@pytest.fixture
def large(tmp_path):
    """A project of many buckets: long enough at work to be hit in the middle."""
    folder, export = tmp_path / "large", tmp_path / "export"
    export.mkdir()
    people = [f"p{number:03}" for number in range(PEOPLE)]
    subjects = [
        {
            "subject_id": who,
            "country": ("DE", "US")[number % 2],
            "birth_year": 1980,
            "names": [f"Person Number{who}"],
        }
        for number, who in enumerate(people)
    ]
    documents = [
        {
            "document_id": f"{who}-{number}",
            "subject_id": who,
            "category": "post",
            "created_at": START - number,
            "text": f"{who} tells Person Number{who} of {SECRET_WORDS} " * 12,
        }
        for who in people
        for number in range(EACH)
    ]
    paths = export / "documents.parquet", export / "subjects.parquet"
    for path, rows, schema in zip(
        paths, (documents, subjects), (DOCUMENTS, SUBJECTS), strict=True
    ):
        pq.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=200)
    config = CONFIG.replace("default = 1", "default = 1_100_000")
    with Project.init(
        folder,
        config=config,
        clock=StoryClock(START),
        randomness=UnsafeSeededRandomness(7),
    ) as project:
        project.load("parquet", *paths)
        project.publish(write_policy(folder))
        project.record("enrolled", all_subjects=True)
        notice = folder / "notices/2025.en.md"
        assert notice.read_bytes() == NOTICE
        project.record("notice_served", all_subjects=True, notice=notice)
    return folder


class Killer(threading.Thread):
    """Kills a worker, with its executor, when the first file of a build is made."""

    def __init__(self, cluster, folder: Path) -> None:
        super().__init__(daemon=True)
        self.cluster, self.folder = cluster, folder
        self.made, self.killed = 0, 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.made and not self.over.wait(0.01):
            self.made = len(list(self.folder.glob("corpora/.building-*/spill/*")))
        if self.made:
            self.killed = self.cluster.kill_worker()


def test_a_worker_killed_in_a_build_loses_and_doubles_no_row(cluster, large, tmp_path):
    duckdb = copytree(large, tmp_path / "duckdb")
    killer = Killer(cluster, large)
    killer.start()
    try:
        with on(cluster, large) as project:
            found = project.build()
    finally:
        killer.over.set()
        killer.join()
        cluster.add_worker()
    with opened(duckdb) as project:
        wanted = project.build()

    buckets = len(found.manifest.parts)
    assert killer.killed > 1  # the worker and its executor
    assert 0 < killer.made < 2 * buckets  # in the middle of writing
    assert found.manifest.counts.documents_used == PEOPLE * EACH
    assert found.manifest == wanted.manifest
    assert made_of(large) == made_of(duckdb)
    assert leftovers(large) == []


def test_a_worker_that_finds_another_directory_stops_the_build(cluster, fresh):
    with opened(fresh) as project, pytest.raises(StoppedError):
        project.build(StopAt("batches read"))
    [pinned] = (fresh / "secrets/directories").iterdir()
    pinned.write_bytes(pinned.read_bytes().replace(b"u01", b"u99"))
    with on(cluster, fresh) as project, pytest.raises(CorpusError, match="directory"):
        project.build()

    assert list(fresh.glob("corpora/.building-*/parts/*/*")) == []


@pytest.mark.parametrize("harm", ["damage", "remove"])
def test_a_broken_table_is_named_and_its_words_are_not(cluster, fresh, harm, capfd):
    with on(cluster, fresh) as project:
        place = project.place
        engine = place.cluster(place.book.size)
        path = place.tables().documents
        data = bytearray(path.read_bytes())
        data[4 : len(data) // 2] = b"\xff" * (len(data) // 2 - 4)
        path.unlink() if harm == "remove" else path.write_bytes(data)
        with pytest.raises(CorpusError, match="cannot be read") as caught:
            engine.decide(place.question(place.clock(), place.book.size))
        engine.close()

    said = capfd.readouterr()
    assert SECRET_WORDS not in caught.value.message + said.out + said.err
    assert "load" in caught.value.hint


def test_a_process_works_on_one_cluster(cluster, fresh):
    with on(cluster, fresh) as project:
        project.count()
    with (
        Project.open(fresh, engine="spark", master="local[1]") as project,
        pytest.raises(UsageError, match="is connected to"),
    ):
        project.count()


def test_a_cluster_without_room_is_named_and_a_lost_connection_is_made_again(
    cluster, fresh, monkeypatch
):
    from pyspark import SparkContext

    from assent.engine import session

    with on(cluster, fresh) as project:
        wanted = project.count()
        SparkContext._active_spark_context._jsc.sc().stop()  # as when the master dies
        with monkeypatch.context() as patch:
            patch.setattr(session, "PATIENCE", 2.0)
            patch.setitem(session.CONNECTING, "spark.executor.memory", "64g")
            with pytest.raises(UsageError, match="no worker of .* has room"):
                project.count()
        assert project.count() == wanted
