"""Toy projects as fixtures: named in `pytest_plugins` of the modules that use them."""

import shutil
from pathlib import Path

import pytest

from small_project import POLICY_OF_BOTH, corpus_of, model_of, opened, recorded


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded") / "toy"
    recorded(folder)
    return folder


@pytest.fixture(scope="session")
def trained_once(recorded_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "toy"
    shutil.copytree(recorded_once, folder)
    with opened(folder) as project:
        project.build()
        project.train()
    return folder


@pytest.fixture
def fresh(recorded_once, tmp_path):
    """A project with everything recorded and nothing built, for one test alone."""
    return Path(shutil.copytree(recorded_once, tmp_path / "fresh"))


@pytest.fixture
def toy(trained_once, tmp_path):
    """A project with a trained model, for one test alone."""
    return Path(shutil.copytree(trained_once, tmp_path / "toy"))


@pytest.fixture
def fresh_corpus(fresh):
    """A project with a corpus and no model."""
    with opened(fresh) as project:
        project.build()
    return fresh


@pytest.fixture(scope="session")
def shareable_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shareable") / "toy"
    recorded(folder, POLICY_OF_BOTH)
    with opened(folder) as project:
        project.build()
        project.train()
    return folder


@pytest.fixture
def shareable(shareable_once, tmp_path):
    """A project with a model, whose policy names a partner too."""
    return Path(shutil.copytree(shareable_once, tmp_path / "shareable"))


@pytest.fixture(scope="session")
def handed_over_once(shareable_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(shareable_once, folder / "shareable")
    with opened(folder / "shareable", 1) as project:
        project.share(corpus_of(project), "partner", folder / "corpus")
        project.share(model_of(project), "partner", folder / "model")
    return folder


@pytest.fixture
def handed_over(handed_over_once, tmp_path):
    """A project that has handed over; beside it the folders `corpus` and `model`."""
    shutil.copytree(handed_over_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "shareable"
