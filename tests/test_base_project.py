"""A project that starts from a clean base: declared, sealed, trained, repaired."""

import shutil

import pytest

from assent.errors import TrainError, UsageError
from assent.project.config import parse_config
from assent.terms import EventKind
from small_base import write_base
from small_project import CONFIG, opened, recorded, somebody

SIZES = "width = 16\nlayers = 1\nheads = 2\n"
BASE = """
[base]
folder = "bases/clean"
provenance = "random weights: nobody's words"
rank = 2
alpha = 4.0
"""


@pytest.fixture
def folder(tmp_path):
    recorded(tmp_path / "toy", config=CONFIG.replace(SIZES, "") + BASE)
    write_base(tmp_path / "toy/bases/clean", "gpt2")
    return tmp_path / "toy"


def test_a_project_trains_and_repairs_adapters_on_its_base(folder):
    with opened(folder) as project:
        project.build()
        model = project.train()
        before = project.ask("u07 wrote", size=10, seed=1)
        project.record("withdrawn", [somebody(project, "us", 1)])

        repaired = project.forget(oracle=True)

        assert repaired.bit_identical
        assert model.plan.adapter.targets == ("c_attn", "c_fc", "c_proj")
        assert model.plan.base.provenance == "random weights: nobody's words"
        assert before.text
        [entry] = project.place.events_of(EventKind.MODEL_TRAINED)
        assert entry.body["parents"] == [{"external": model.plan.base.digest}]
        assert project.export("us").digest


def test_a_base_that_was_changed_after_the_plan_was_sealed_is_refused(folder):
    with opened(folder) as project:
        project.build()
        with (folder / "bases/clean/config.json").open("a") as config:
            config.write(" ")
        with pytest.raises(TrainError, match="has the digest"):
            project.train()


def test_a_base_that_is_not_there_is_refused_before_anything_is_built(folder):
    shutil.rmtree(folder / "bases")
    with opened(folder) as project:
        with pytest.raises(TrainError, match="cannot be read"):
            project.build()
        assert not any((folder / "corpora").iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONFIG + BASE, "has its own width, layers, heads"),
        (CONFIG.replace(SIZES, ""), "`width` in `[train]` is missing"),
        (CONFIG.replace("layers = 1\n", ""), "`layers` in `[train]` is missing"),
        (
            CONFIG.replace(SIZES, "") + BASE.replace("alpha = 4.0\n", ""),
            "half an adapter",
        ),
        (CONFIG.replace(SIZES, "") + BASE + "dropout = 1\n", "unknown key `dropout`"),
        (CONFIG.replace(SIZES, "") + BASE + "targets = []\n", "wants a list of names"),
        (CONFIG.replace(SIZES, "") + '[base]\nfolder = "x"\n', "`provenance` in"),
    ],
)
def test_a_start_that_is_declared_by_halves_is_refused(tmp_path, text, said):
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        parse_config(text, tmp_path)
