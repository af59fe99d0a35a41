"""The peers at the same text, in `.venv-peers`, without Assent and without network.

    .venv-peers/bin/python benchmarks/redact_peers.py presidio TEXT.jsonl

Each only detects, which is the less work: nothing is replaced. Timed is one pass over
all documents after a first one over some of them. The last line is JSON: bytes a
second, and by kind what of the planted was found, every letter and digit of it.
"""

import gc
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Spans = list[tuple[int, int]]
Detect = Callable[[Sequence[str]], list[Spans]]
BATCH = 500


def main() -> None:
    """Run one peer on one file."""
    name, path = sys.argv[1:]
    on_one_core()
    _deny_network()
    rows = rows_of(Path(path))
    texts = [text for text, _ in rows]
    with tempfile.TemporaryDirectory() as folder:
        try:
            detect = PEERS[name](Path(folder))
        except ImportError as error:
            print(json.dumps({"missing": f"{type(error).__name__}: {error}"}))
            return
        detect([text for text, _ in rows_of(read_before(Path(path)))])
        gc.collect()  # for everybody: what loading left is not the pass's business
        started = time.process_time()
        spans = detect(texts)
        seconds = time.process_time() - started
    size = sum(len(text.encode()) for text in texts)
    print(json.dumps({"bytes_per_s": size / seconds} | found(rows, spans)))


def rows_of(path: Path) -> list[tuple[str, list[Any]]]:
    """Read texts, each with what was planted in it."""
    with path.open(encoding="utf-8") as file:
        return [tuple(json.loads(line)) for line in file]


def read_before(path: Path) -> Path:
    """Where as much other text lies, for everybody to read before the clock starts.

    A platform has terabytes: what is loaded, compiled or cached while the first of them
    are read does not count.
    """
    return path.with_name(f"before-{path.name}")


def found(rows: Iterable[Any], spans: Iterable[Spans]) -> dict[str, dict[str, int]]:
    """Count what was planted, and what of it was found, by kind."""
    planted: dict[str, int] = {}
    covered: dict[str, int] = {}
    for (text, at), each in zip(rows, spans, strict=True):
        for kind, start, end in at:
            planted[kind] = planted.get(kind, 0) + 1
            missed = set(range(start, end)).difference(*(range(a, b) for a, b in each))
            hit = not any(text[place].isalnum() for place in missed)
            covered[kind] = covered.get(kind, 0) + hit
    return {"planted": planted, "found": covered}


def on_one_core() -> None:
    """Keep this process, and the threads that it will start, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _deny_network() -> None:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo"):
            raise OSError(f"the network is denied here: {event}")

    sys.addaudithook(refuse)


def presidio(_: Path) -> Detect:
    """The default registry's pattern recognisers, on a blank spaCy, in batches.

    No model finds names. The addresses' domains are checked against the list of public
    suffixes that comes with `tldextract`: by default it would fetch today's.
    """
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer
    from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistryProvider().create_recognizer_registry()
    registry.recognizers = [
        each for each in registry.recognizers if not isinstance(each, SpacyRecognizer)
    ]
    engine = BatchAnalyzerEngine(AnalyzerEngine(registry=registry, nlp_engine=Blank()))

    def detect(texts: Sequence[str]) -> list[Spans]:
        found = engine.analyze_iterator(texts, language="en", batch_size=BATCH)
        return [[(each.start, each.end) for each in of] for of in found]

    return detect


def scrubadub(_: Path) -> Detect:
    """Its default detectors."""
    import scrubadub as library

    scrubber = library.Scrubber()
    return lambda texts: [
        [(each.beg, each.end) for each in scrubber.iter_filth(text)] for text in texts
    ]


def datafog(_: Path) -> Detect:
    """Its annotator by regular expressions."""
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator

    annotator = RegexAnnotator()

    def detect(texts: Sequence[str]) -> list[Spans]:
        found = [annotator.annotate_with_spans(text)[1].spans for text in texts]
        return [[(each.start, each.end) for each in of] for of in found]

    return detect


def dolma(folder: Path) -> Detect:
    """Its fast tagger: addresses, IPv4, telephone numbers of one form."""
    return _dolma(folder, "FastPiiRegex")


def dolma_v2(folder: Path) -> Detect:
    """Its tagger with the rules that remove false finds."""
    return _dolma(folder, "PiiRegexV2")


def _dolma(folder: Path, tagger: str) -> Detect:
    # To import it downloads data of NLTK's, unless a folder of that name is there.
    (folder / "tokenizers" / "punkt").mkdir(parents=True)
    os.environ["NLTK_DATA"] = str(folder)
    from dolma.core.data_types import Document
    from dolma.taggers import pii

    made = getattr(pii, tagger)()

    def detect(texts: Sequence[str]) -> list[Spans]:
        found = [made.predict(Document("", "", text)).spans for text in texts]
        return [
            [(e.start, e.end) for e in of if not e.type.startswith("doc")]
            for of in found
        ]

    return detect


PEERS: dict[str, Callable[[Path], Detect]] = {
    "presidio": presidio,
    "scrubadub": scrubadub,
    "datafog": datafog,
    "dolma": dolma,
    "dolma_v2": dolma_v2,
}

if __name__ == "__main__":
    main()
