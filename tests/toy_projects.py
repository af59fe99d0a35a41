"""Toy projects as fixtures: named in `pytest_plugins` of the modules that use them."""

import shutil
from pathlib import Path

import pytest

from small_project import opened, recorded


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
