"""A project whose plan declares a memory: trained, asked, repaired, audited."""

import pytest

from assent.errors import TrainError, UsageError
from assent.project.config import parse_config
from small_project import CONFIG, opened, recorded, somebody

MEMORY = "\n[memory]\norder = 3\nleast = 2\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("memory") / "toy"
    recorded(found, config=CONFIG + MEMORY)
    return found


def test_a_project_forgets_in_its_counts_too(folder):
    with opened(folder) as project:
        project.build()
        model = project.train()
        before = project.ask("u07 wrote", size=10, seed=1)
        project.record("withdrawn", [somebody(project, "us", 1)])

        repaired = project.forget(oracle=True)

        assert model.plan.memory.order == 3
        assert before.text
        assert repaired.bit_identical
        assert project.ask("u07 wrote", size=10, seed=1).text
        assert "memory is not in it" in "\n".join(project.export("us").lines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MEMORY.replace("order = 3\n", ""), "`order` in `.memory.` is missing"),
        (MEMORY.replace("2", "0"), "`least` in `.memory.` is 0"),
        (MEMORY + "window = 2\n", "unknown key `window`"),
    ],
)
def test_a_memory_that_is_declared_by_halves_is_refused(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        parse_config(CONFIG + text, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MEMORY.replace("3", "9"), "order of its memory"),
        (MEMORY + "\n[privacy]\nnoise = 1.0\nclip = 1.0\ndelta = 0.001\n", "counts"),
    ],
)
def test_a_memory_that_no_plan_can_have_is_refused(tmp_path, text, said):
    recorded(tmp_path / "toy", config=CONFIG + text)
    with opened(tmp_path / "toy") as project, pytest.raises(TrainError, match=said):
        project.build()
