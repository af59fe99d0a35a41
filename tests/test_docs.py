"""What is written about the commands, the glossary and the first steps is true."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from assent.cli import cli

ROOT = Path(__file__).resolve().parents[1]


def commands(command=cli, path=("assent",)):
    """Give every command that does something, by the words that call it."""
    if not isinstance(command, click.Group):
        return {path: command}
    found = {}
    for name, inner in command.commands.items():
        found |= commands(inner, (*path, name))
    return found


COMMANDS = commands()


def help_lines(path):
    """Give the lines of a command's help as a person sees them."""
    command, context = cli, click.Context(cli, info_name="assent")
    for name in path[1:]:
        command = command.commands[name]
        context = click.Context(command, info_name=name, parent=context)
    return [line.strip() for line in command.get_help(context).splitlines()]


def examples(path):
    """Give the lines of a command's help that call a command."""
    lines = (COMMANDS[path].help or "").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("assent ")]


def called(words):
    """Find the longest command that a line of a shell calls."""
    return next(
        (path for n in (3, 2) if (path := tuple(words[:n])) in COMMANDS),
        None,
    )


def first_shell_block():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert block is not None, "README.md has no ```sh block"
    # Shown as it is typed: a prompt before it or a remark after it is not part of it.
    lines = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    return [words[words[0] == "$" :] for words in lines if words]


def test_the_commands_are_found():
    assert {("assent", "verify"), ("assent", "policy", "publish")} <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_a_help_line_and_an_example_of_its_own(path):
    first = (COMMANDS[path].help or "").strip().partition("\n")[0]

    assert first.endswith((".", "?"))
    assert path in [called(shlex.split(line)) for line in examples(path)]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_is_shown_on_a_line_of_its_own(path):
    shown = help_lines(path)

    assert [line for line in examples(path) if line not in shown] == []
    assert [line for line in shown if "\\b" in line] == []  # click's mark, unread


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_is_understood_by_the_command_that_it_calls(path):
    for line in examples(path):
        words = shlex.split(line)
        command = called(words)
        # Parsed only: the files need not be there, and nothing runs.
        COMMANDS[command].make_context(command[-1], words[len(command) :])


def test_the_page_of_commands_is_current():
    check = [sys.executable, str(ROOT / "scripts/make_cli_docs.py"), "--check"]
    ran = subprocess.run(check, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_first_commands_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    lines = first_shell_block()

    for words in lines:
        program, *rest = words
        if program == "make":
            wanted = [word for word in rest if "=" not in word and word[0] != "-"]
            assert set(wanted) <= targets
        elif Path(program).name == "assent":
            assert called(["assent", *rest]) is not None, words
    programs = {Path(words[0]).name for words in lines}
    assert programs & {"make", "assent"}


def test_every_public_type_of_the_glossary_is_explained():
    source = (ROOT / "src/assent/terms.py").read_text(encoding="utf-8")
    types = [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    concepts = (ROOT / "docs/concepts.md").read_text(encoding="utf-8")

    assert types
    assert [name for name in types if f"`{name}`" not in concepts] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md")
)])  # fmt: skip
def test_every_link_to_a_file_of_the_project_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    local = [link for link in links if "://" not in link]

    assert [link for link in local if not ((ROOT / page).parent / link).exists()] == []


def test_every_test_that_the_threat_model_names_exists():
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))
    assert named - there == set()
    assert len(named) > 80


def test_every_attack_of_the_threat_model_names_what_shows_it():
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    attacks = page.split("## Attacks")[1].split("## What a proof does not prove")[0]
    rows = [line for line in attacks.splitlines() if line.startswith("| ")]
    for row in rows:
        cells = row.strip("| ").replace("| |", "| - |").split(" | ")
        assert len(cells) == 4, row
        shown = cells[3].strip()
        assert re.match("shown by|`|none: ", shown), row
    assert len(rows) > 60
