"""Presidio's analyzer, for people's names alone, on a spaCy model of this machine."""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assent.errors import UsageError
from assent.redact.recogniser import folder_digest, windows

MOST = 100_000  # characters at once; spaCy refuses more than a million


class PresidioRecogniser:
    """Finds what Presidio calls a PERSON.

    Only the recogniser that reads spaCy's entities is registered: the one for e-mail
    addresses would fetch a list of domains, and spaCy's models are fetched by Presidio
    unless they are there, which is checked before it is asked.

    Args:
        model: an installed spaCy package, such as `en_core_web_sm`, or a folder.

    Raises:
        UsageError: `presidio-analyzer` is not installed, or the model is not there.
    """

    def __init__(self, model: str) -> None:
        try:
            import presidio_analyzer
            import spacy
            from presidio_analyzer.nlp_engine import SpacyNlpEngine
            from presidio_analyzer.predefined_recognizers import SpacyRecognizer
        except ImportError:
            raise UsageError(
                "Presidio needs the package `presidio-analyzer`",
                hint="pip install presidio-analyzer",
            ) from None
        if not (spacy.util.is_package(model) or (Path(model) / "meta.json").is_file()):
            raise UsageError(
                f"the spaCy model `{model}` is not on this machine",
                hint="install it, or name a folder with one; nothing is fetched",
            )
        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": model}])
        engine.load()
        registry = presidio_analyzer.RecognizerRegistry(
            recognizers=[SpacyRecognizer(supported_entities=["PERSON"])]
        )
        self._analyzer: Any = presidio_analyzer.AnalyzerEngine(
            registry=registry, nlp_engine=engine, supported_languages=["en"]
        )
        version = importlib.metadata.version("presidio-analyzer")
        digest = folder_digest(Path(engine.nlp["en"].path))
        self.identity = f"presidio {version} spacy {spacy.__version__} sha256:{digest}"

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Find names, one text at a time, so that none depends on its neighbours."""
        return [self._find(text) for text in texts]

    def _find(self, text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for at, part in windows(text, MOST):
            results = self._analyzer.analyze(
                text=part, language="en", entities=["PERSON"]
            )
            found += [(at + each.start, at + each.end) for each in results]
        return sorted(found)
