"""Toy projects whose member Anna leaves: named in `pytest_plugins` of the modules."""

import shutil
from pathlib import Path

import pytest

from small_anna import ANNA, with_anna
from small_project import POLICY_OF_BOTH, opened, recorded


@pytest.fixture(scope="session")
def with_anna_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anna") / "toy"
    with_anna(lambda: recorded(folder, POLICY_OF_BOTH))
    with opened(folder) as project:
        project.build()
        project.train()
    return folder


@pytest.fixture(scope="session")
def repaired_once(with_anna_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repaired") / "toy"
    shutil.copytree(with_anna_once, folder)
    with opened(folder, 1) as project:
        project.record("erased", [ANNA])
        project.forget()
    return folder


@pytest.fixture
def anna_trained(with_anna_once, tmp_path):
    """A project whose model was trained on Anna's documents."""
    return Path(shutil.copytree(with_anna_once, tmp_path / "trained"))


@pytest.fixture
def anna_gone(repaired_once, tmp_path):
    """A project that was repaired for Anna, who asked to be erased."""
    return Path(shutil.copytree(repaired_once, tmp_path / "repaired"))
