"""The commands about policies: what they print, and how they exit."""

import sys

import pytest

from assent import cli
from small_project import NOTICE, POLICY, digests, opened, write_policy

pytest_plugins = ("toy_projects",)

LATER = POLICY.replace('"2025-03"', '"2025-04"')


@pytest.fixture
def policy(monkeypatch, capsys):
    """Run `assent policy ...` in a folder: exit code, output, errors."""

    def run(folder, *arguments):
        words = ["assent", "--project", str(folder), "policy", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        code = 0
        try:
            cli.main()
        except SystemExit as leaving:
            code = leaving.code
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


def test_a_check_without_an_error_exits_0(fresh, policy):
    path = write_policy(fresh, LATER, "later.toml")
    code, out, err = policy(fresh, "check", path)

    assert (code, err) == (0, "")
    assert "later.toml:1: note: no rule speaks of recipient `partner`" in out
    assert out.splitlines()[-1] == "0 errors, 3 warnings, 3 notes"


def test_a_check_says_that_nobodys_past_residence_is_known_until_one_is(fresh, policy):
    path = write_policy(fresh, LATER + 'residence = "both"\n', "later.toml")
    words = "asks where people lived when they wrote, which is not known of anybody"

    assert words in policy(fresh, "check", path)[1]
    with opened(fresh) as project:
        project.record("residence_changed", ["u01"], country="FR")
    assert words not in policy(fresh, "check", path)[1]


def test_tiers_are_declared_in_the_project_before_a_policy_names_one(fresh, policy):
    path = write_policy(fresh, LATER + 'tiers = ["premium"]\n', "later.toml")
    code, out, _ = policy(fresh, "check", path)
    assert (code, "tier `premium` is not declared, wanted one of none" in out) == (
        1, True,
    )  # fmt: skip

    config = fresh / "assent.toml"
    text = config.read_text()
    config.write_text(text.replace("[labels]", '[labels]\ntiers = ["premium"]'))
    assert policy(fresh, "check", path)[0] == 0
    assert "members of the tier premium only" in policy(fresh, "show", path)[1]
    config.write_text(text.replace("[labels]", "[labels]\ntiers = []"))
    assert "`tiers` in `[labels]` wants a list" in policy(fresh, "check", path)[2]


def test_a_check_with_an_error_prints_all_and_exits_1(fresh, policy):
    text = LATER.replace('"FR"]', '"Mars"]').replace('"comment"]\n', '"poem"]\n')
    code, out, err = policy(fresh, "check", write_policy(fresh, text, "bad.toml"))

    assert (code, err) == (1, "")
    assert [line.split(": ")[:2] for line in out.splitlines()[:-1]] == [
        ["bad.toml:10", "error"],
        ["bad.toml:11", "error"],
        ["bad.toml:18", "error"],
    ]
    assert "region `Mars` is unknown" in out
    assert out.splitlines()[-1] == "3 errors, 0 warnings, 0 notes"


@pytest.mark.parametrize(
    ("command", "count"), [("check", 1), ("show", 1), ("diff", 2), ("impact", 1)]
)
def test_a_file_that_cannot_be_read_exits_2(fresh, policy, command, count):
    broken = write_policy(fresh, "policy = ", "broken.toml")
    before = digests(fresh)
    for path in (broken, fresh / "none.toml", fresh):
        code, out, err = policy(fresh, command, *[path] * count)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("error: ") == 1
    assert digests(fresh) == before


def test_a_policy_is_shown_in_paragraphs(fresh, policy):
    code, out, _ = policy(fresh, "show", fresh / "policies/2025.toml")

    assert code == 0
    assert out.startswith("Policy 2025-03 of Toy\n\nFrom when: it counts from 1 Jan")
    assert "if you live in Germany or France, your comments and posts" in out


def test_two_files_are_compared_in_words(fresh, policy):
    path = write_policy(fresh, LATER.replace('"FR"', '"CH"'), "later.toml")
    old = fresh / "policies/2025.toml"

    assert policy(fresh, "diff", old, path)[:2] == (
        0,
        "the version is `2025-04`, before `2025-03`\n"
        "rule `eu-interests`: places: now also Switzerland; no longer France\n",
    )
    assert policy(fresh, "diff", old, old)[1] == "nothing: both say the same\n"


def test_a_preview_prints_sentences_and_a_table(fresh, policy):
    path = write_policy(fresh, LATER.replace('"FR"', '"BR"'), "later.toml")
    day = ("--at", "2025-03-11T00:00:00Z")
    code, out, _ = policy(fresh, "impact", path, *day)

    assert code == 0
    assert "becomes used: 3 documents of 1 people (1 entirely); never notified 0" in out
    assert "in use without a notice that the new policy accepts: 0 people" in out
    assert "legitimate_interests -> no_rule" in out
    old = fresh / "policies/2025.toml"
    assert policy(fresh, "impact", old, path, *day)[1] == out


def test_simulated_choices_are_said_beside_a_preview(fresh, policy):
    config = fresh / "assent.toml"
    config.write_text(config.read_text().replace('"real"', '"simulated"'))
    same = write_policy(fresh, LATER, "later.toml")
    other = write_policy(fresh, LATER.replace('"FR"', '"BR"'), "other.toml")

    for path in (same, other):
        assert "simulated choices" in policy(fresh, "impact", path)[1]


def test_a_preview_wants_one_or_two_files(fresh, policy):
    code, _, err = policy(fresh, "impact", *["x.toml"] * 3)
    assert (code, "was given 3 files, wanted 1 or 2" in err) == (2, True)
    assert policy(fresh, "impact")[0] == 2


def test_publishing_without_a_notice_exits_1_until_an_officer_says_why(fresh, policy):
    notice = fresh / "notices/other.en.md"
    notice.write_bytes(NOTICE + b"Another text.\n")
    with opened(fresh) as project:
        project.record("given", ["u01", "u02"], notice=notice)
    text = LATER.replace("legitimate_interests", "consent")
    text = text.replace("2025.en.md", "other.en.md")
    path = write_policy(fresh, text, "later.toml")
    before = digests(fresh)

    code, out, err = policy(fresh, "publish", path)
    assert (code, out) == (1, "")
    assert "2 people would be in use under `2025-04` without a notice" in err
    assert "--accept-unnotified" in err
    assert digests(fresh) == before
    code, out, _ = policy(fresh, "publish", path, "--accept-unnotified", "on paper")
    assert (code, out) == (0, "published `2025-04` as entry 27\n")


def test_a_reason_that_was_not_needed_is_said_to_be_left_out(fresh, policy):
    path = write_policy(fresh, LATER, "later.toml")
    _, out, _ = policy(fresh, "publish", path, "--accept-unnotified", "to be sure")

    assert "the reason was not recorded" in out
