"""What the engine says when memory runs out, or a table is gone or damaged."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.engine.duckdb import DuckEngine
from assent.errors import CorpusError, UsageError
from small_project import SECRET_WORDS, documents, opened, subjects

pytest_plugins = ("toy_projects",)


def asked(project):
    place = project.place
    return place.question(place.clock(), place.book.size)


def engine_over(project, folder, table, **more):
    """Open an engine over a table of documents and the toy's people and events."""
    paths = folder / "documents.parquet", folder / "subjects.parquet"
    pq.write_table(table, paths[0], compression="snappy", use_dictionary=False)
    pq.write_table(subjects(), paths[1])
    events = project.place.book.events(project.place.book.size)
    return DuckEngine(*paths, events, folder / "spill", **more)


def damage(path):
    """Overwrite the middle of a file; its end, which names the columns, stays."""
    data = bytearray(path.read_bytes())
    middle = slice(len(data) // 8, len(data) // 2)
    data[middle] = b"\xff" * (middle.stop - middle.start)
    path.write_bytes(data)


def many(copies):
    """The toy's documents many times over, each with its own id."""
    table = pa.concat_tables([documents()] * copies)
    ids = pa.array([f"d{n:08}" for n in range(table.num_rows)])
    at = table.schema.get_field_index("document_id")
    return table.set_column(at, table.schema.field(at), ids).combine_chunks()


def test_streaming_that_runs_out_of_memory_is_named_and_no_stack_trace(fresh, tmp_path):
    with opened(fresh) as project:
        engine = engine_over(project, tmp_path, many(2_000), memory_limit="8MB")
        with pytest.raises(UsageError, match="ran out of memory") as caught:
            list(engine.decide_with_text(asked(project)))
        with pytest.raises(UsageError, match="ran out of memory"):
            engine.decide(asked(project))
        engine.close()

    assert caught.value.hint == "free some of both, then run the same command again"


@pytest.mark.parametrize("method", ["decide", "decide_with_text"])
def test_a_table_that_is_damaged_while_it_is_read_is_a_broken_load(
    fresh, tmp_path, method
):
    with opened(fresh) as project:
        engine = engine_over(project, tmp_path, many(2_000))
        damage(tmp_path / "documents.parquet")
        with pytest.raises(CorpusError, match="cannot be read") as caught:
            list(getattr(engine, method)(asked(project)))
        engine.close()

    assert "load" in caught.value.hint
    assert SECRET_WORDS not in caught.value.message


def test_a_table_that_disappears_is_a_broken_load_and_not_a_full_disk(fresh, tmp_path):
    with opened(fresh) as project:
        engine = engine_over(project, tmp_path, documents())
        (tmp_path / "documents.parquet").unlink()
        with pytest.raises(CorpusError, match=r"documents\.parquet"):
            list(engine.decide_with_text(asked(project)))
        engine.close()
        with pytest.raises(CorpusError, match=r"documents\.parquet"):
            DuckEngine(
                tmp_path / "documents.parquet",
                tmp_path / "subjects.parquet",
                project.place.book.events(1),
                tmp_path / "spill",
            )


def test_a_consumer_may_stop_in_the_middle_of_the_stream(fresh, tmp_path):
    with opened(fresh) as project:
        engine = engine_over(project, tmp_path, many(2_000))
        stream = engine.decide_with_text(asked(project))
        assert next(stream).num_rows > 0
        stream.close()
        engine.close()
