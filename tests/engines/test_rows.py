"""Rows of a file by number, and rows gathered by bucket: what a task does, alone."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.engine.spark import Rows, SparkEngine, by_bucket
from assent.errors import CorpusError
from assent.ledger.book import EVENTS

ROWS = 25


@pytest.fixture
def path(tmp_path):
    table = pa.table(
        {
            "document_id": [f"d{number}" for number in range(ROWS)],
            "text": [f"words {number}" for number in range(ROWS)],
        }
    )
    pq.write_table(table, tmp_path / "documents.parquet", row_group_size=10)
    return tmp_path / "documents.parquet"


def decisions(numbers, ids=None):
    names = ids or [f"d{number}" for number in numbers]
    columns = [pa.array(names, pa.string()), pa.array(numbers, pa.int64())]
    return pa.record_batch(columns, names=["document_id", "at_row"])


@pytest.mark.parametrize(
    "numbers",
    [[], [0], [24], [9, 10], [0, 9, 10, 19, 20, 24], [3, 21], list(range(ROWS))],
)
def test_each_decision_gets_the_row_that_it_speaks_of(path, numbers):
    found = Rows(path, ["document_id", "text"]).of(decisions(numbers))

    assert found["text"].to_pylist() == [f"words {number}" for number in numbers]


def test_a_batch_goes_on_where_the_one_before_it_ended(path):
    rows = Rows(path, ["document_id", "text"])
    found = [rows.of(decisions(each))["text"].to_pylist() for each in ([1, 2], [3, 11])]

    assert found == [["words 1", "words 2"], ["words 3", "words 11"]]


def test_a_row_of_another_document_is_refused(path):
    rows = Rows(path, ["document_id", "text"])
    with pytest.raises(CorpusError, match="was changed while it was read"):
        rows.of(decisions([3, 4], ids=["d3", "d5"]))


def test_a_damaged_row_group_is_refused_without_its_words(path):
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(data)
    with pytest.raises(CorpusError, match="damaged") as caught:
        Rows(path, ["document_id", "text"]).of(decisions([1, 2]))

    assert "words" not in caught.value.message


def test_a_file_that_is_no_table_is_named_before_a_cluster_is_asked(path):
    path.write_bytes(b"no Parquet")
    with pytest.raises(CorpusError, match=r"`documents\.parquet` of the load"):
        SparkEngine(path, path, EVENTS.empty_table(), path.parent, "local[1]")


def test_rows_of_a_bucket_are_gathered_over_batches():
    batches = [
        pa.record_batch({"bucket": pa.array(numbers, pa.int32())})
        for numbers in ([], [1, 1, 2], [2], [], [2, 5], [5])
    ]

    assert [(n, len(rows)) for n, rows in by_bucket(batches)] == [
        (1, 2),
        (2, 3),
        (5, 2),
    ]
    assert list(by_bucket([])) == []
