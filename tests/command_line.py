"""The command line as fixtures: run in this process, and looked at whole."""

import sys

import pytest

from assent import cli
from small_project import SECRET_WORDS, digests, leftovers


class Said:
    """What one run of the command line said, and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        lines = err.splitlines()
        self.errors = [line for line in lines if line.startswith("error: ")]
        self.hints = [line for line in lines if line.startswith("hint: ")]


@pytest.fixture
def assent(monkeypatch, capsys):
    """Run the command line in this process, as a shell would."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["assent", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as leaving:
            code = leaving.code
        found = capsys.readouterr()
        said = Said(code, found.out, found.err)
        assert "Traceback" not in said.out + said.err
        assert SECRET_WORDS not in said.out + said.err
        assert "Person Number" not in said.out + said.err
        return said

    return run


@pytest.fixture
def refuses(assent):
    """Run a command that must be refused in one line, and must change nothing."""

    def run(folder, *arguments, code=2, found="", hint=""):
        before = digests(folder)
        said = assent("--project", folder, *arguments)
        assert said.code == code, said.err
        assert len(said.errors) == 1, said.err
        assert found in said.errors[0]
        assert hint in "".join(said.hints)
        assert len(said.hints) <= 1
        # Lower case, no full stop, and nothing of this machine's folders.
        message = said.errors[0].removeprefix("error: ")
        assert not message.endswith(".")
        assert not message[0].isupper()
        assert str(folder.parent) not in said.err
        assert said.out == ""
        assert digests(folder) == before
        assert leftovers(folder) == []
        return said

    return run
