"""What a model is logged to have read is the digest of the bytes that became tensors.

A pipe can be read once: who read the file a second time, to hash it or to train on it,
would get the second text, and these tests would fail.
"""

import os
import threading
import time

import pyarrow.parquet as pq
import pytest

from assent.canon import sha256
from assent.corpus.tables import part_path
from assent.errors import CorpusError
from assent.project.building import sealed_plans
from assent.project.training import train_corpus
from assent.train.parallel import HERE, train_part
from assent.train.rows import read_part
from small_plan import KEY, sealed, shard_documents, without, write_part
from small_project import corpus_of, opened

pytest_plugins = ("toy_projects",)


class Pipe:
    """A path that gives one text to its first reader and another to every later one."""

    def __init__(self, path, first, later):
        os.mkfifo(path)
        self.path, self.first, self.later = path, first, later
        self.reads = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        text = self.first
        while True:
            with self.path.open("wb") as stream:  # waits for a reader
                self.reads += 1
                stream.write(text)
            while self._is_read():
                time.sleep(0.001)
            text = self.later

    def _is_read(self):
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody has it open any more
            return False
        return True


def test_a_pipe_does_tell_a_second_reading_from_the_first(tmp_path):
    pipe = Pipe(tmp_path / "pipe", b"first", b"later")
    assert pipe.path.read_bytes() == b"first"
    time.sleep(0.05)
    assert pipe.path.read_bytes() == b"later"
    assert pipe.reads == 2


@pytest.fixture(scope="module")
def plan():
    return sealed()


@pytest.fixture
def parts(plan, tmp_path):
    """Two parts of one shard: with everybody, and without one person."""
    whole = shard_documents(plan)
    fewer = without(whole, whole[0].subject_id)
    return (
        write_part(tmp_path / "whole.parquet", whole),
        write_part(tmp_path / "fewer.parquet", fewer),
    )


def test_the_digest_is_of_the_very_bytes_that_were_parsed(parts, tmp_path):
    whole, fewer = (path.read_bytes() for path in parts)
    pipe = Pipe(tmp_path / "pipe", whole, fewer)
    examples, content_read = read_part(pipe.path)

    assert content_read == sha256(whole)
    assert examples == read_part(parts[0])[0]
    assert len(examples) > len(read_part(parts[1])[0])
    assert pipe.reads == 1


def test_what_is_trained_on_is_what_was_hashed(plan, parts, tmp_path):
    whole, fewer = (path.read_bytes() for path in parts)
    pipe = Pipe(tmp_path / "pipe", whole, fewer)
    piped = train_part(plan, KEY, "eu", 0, pipe.path, tmp_path / "piped")
    wanted = train_part(plan, KEY, "eu", 0, parts[0], tmp_path / "wanted")
    other = train_part(plan, KEY, "eu", 0, parts[1], tmp_path / "other")

    assert pipe.reads == 1
    assert piped.content_read == sha256(whole)
    assert piped.digest == wanted.digest != other.digest


def test_a_part_that_was_changed_after_it_was_checked_makes_no_model(fresh_corpus):
    with opened(fresh_corpus) as project:
        place, corpus_id = project.place, corpus_of(project)
        corpus = place.latest_corpus()
        plan, number = sealed_plans(place)[corpus["plan"]]
        part = place.corpus_folder(corpus_id) / part_path(("us", 0))
        # The same rows in other bytes: nothing but the digest of what was read tells.
        pq.write_table(pq.read_table(part), part, compression="none")
        draft = place.folder / "draft"
        with pytest.raises(CorpusError, match="changed while it was trained on"):
            train_corpus(place, plan, number, corpus_id, draft, lambda *_: None, HERE)
