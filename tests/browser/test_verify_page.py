"""The offline page says what `assent verify` says, word for word, of every bundle."""

import itertools
import re
from typing import Any

import pytest
from chromium import DARK, LIGHT, find, measure
from verifying import Asked, ask

from assent.errors import ProofError
from assent.merkle.note import verifier_key
from assent.prove.page import page
from assent.verify import verify_bundle
from bundle_changes import changes
from sealing import sealed
from small_ledger import (
    ANA,
    BEN,
    CEM,
    COURT,
    DIA,
    KEY,
    PRESS,
    PRIVATE,
    UNION,
    story,
)

pytestmark = pytest.mark.browser

LEDGER = story()
MODELS = ("model-1", "model-2", "child", "clean-child", "adapted", "orphan", "silent")
POLICY = f"""# Whom the association trusts.
log {KEY}
witness union {UNION.key}
witness press {PRESS.key} https://press.example/witness
group both all union press
quorum both
"""
FEWEST = 100  # changed bundles of each kind


@pytest.fixture(scope="module")
def html() -> str:
    find()
    return page()


def said_by_python(asked: Asked) -> dict[str, Any]:
    """What the page should show: all words of a verdict, or that there is none."""
    try:
        found = verify_bundle(asked.bundle, asked.key or None, asked.policy or None)
    except ProofError:
        return {"verdict": "refused", "steps": [], "limits": []}
    return {
        "verdict": str(found.verdict),
        "sentence": spelled(found.sentence),
        "steps": [spelled(re.sub(r"^\(\d+\) ", "", one)) for one in found.steps],
        "limits": [spelled(one) for one in found.limits],
        "beside": f"What this does not prove: points 1 to {len(found.limits)} below.",
    }


def spelled(text: str) -> str:
    """A text as the page has it: what stands between backticks is code there."""
    return re.sub("`([^`]*)`", r"\1", text)


def compare(tmp_path, html: str, asked: list[Asked]) -> list[str]:
    """Ask both, and give the verdicts, which are the same."""
    for one, shown in zip(asked, ask(tmp_path, html, asked), strict=True):
        said = said_by_python(one)
        assert {key: shown[key] for key in said} == said
        assert shown["loaded"] == 0
    return [said_by_python(one)["verdict"] for one in asked]


def test_every_verdict_is_the_same_word_for_word(tmp_path, html):
    asked = [
        Asked(LEDGER.bundle(secret, model, consent=consent, witnesses=witnesses), key)
        for secret, model in itertools.product((ANA, BEN, CEM), MODELS)
        for consent, witnesses, key in ((False, (), ""), (True, (UNION, PRESS), KEY))
    ]

    assert set(compare(tmp_path, html, asked)) == {"used", "absent", "unknown"}


def test_of_two_files_the_one_chosen_later_is_shown(tmp_path, html):
    used, absent = (LEDGER.bundle(each, "model-1") for each in (ANA, CEM))
    asked = [Asked(absent, before=used), Asked(used, before=absent)]

    assert compare(tmp_path, html, asked) == ["absent", "used"]


def test_whom_the_reader_trusts_counts_in_the_page_too(tmp_path, html):
    alone, one, both = (
        LEDGER.bundle(CEM, "model-1", witnesses=each)
        for each in ((), (UNION,), (UNION, PRESS))
    )
    stranger = verifier_key("elsewhere.example/ledger", PRIVATE.public_key())
    bad = ["quorum none", "quorum x\n", "witness a b c d\n", "group g 3 a b\n", "\n"]
    bad += [
        POLICY + "quorum none\n",
        POLICY.replace("all", "0"),
        "log x\nquorum none\n",
    ]
    asked = [Asked(each, KEY, POLICY) for each in (alone, one, both)]
    asked += [Asked(both, "", POLICY.replace(KEY, stranger)), Asked(both, stranger)]
    asked += [
        Asked(one, KEY, f"witness c {COURT.key}\nquorum {q}\n") for q in ("c", "none")
    ]
    asked += [Asked(both, "", each) for each in bad]

    verdicts = compare(tmp_path, html, asked)
    assert verdicts == ["refused"] * 2 + ["absent"] + ["refused"] * 3 + ["absent"] + [
        "refused"
    ] * len(bad)


@pytest.mark.parametrize(
    ("secret", "model", "more"),
    [
        (CEM, "model-1", {}),
        (ANA, "model-1", {}),
        (CEM, "adapted", {}),
        (ANA, "model-2", {"consent": True}),
        (CEM, "model-1", {"witnesses": [UNION, PRESS]}),
    ],
    ids=["absent", "used", "unknown", "repaired", "cosigned"],
)
def test_what_was_changed_is_refused_by_both(tmp_path, html, secret, model, more):
    bundle = LEDGER.bundle(secret, model, **more)
    all_changes = [one for _, one in changes(bundle, [LEDGER.bundle(BEN, "child")])]
    some = all_changes[:: len(all_changes) // (2 * FEWEST)]

    verdicts = compare(tmp_path, html, [Asked(bundle), *map(Asked, some)])
    assert verdicts[0] != "refused"
    assert verdicts[1:].count("refused") >= FEWEST


@pytest.mark.parametrize(
    ("secret", "model"),
    [(ANA, "model-2"), (BEN, "child"), (CEM, "adapted")],
    ids=["repaired", "child", "adapted"],
)
def test_what_an_operator_who_lies_signed_gets_one_answer(
    tmp_path, html, secret, model
):
    """Every change is logged and signed, so the checks behind the signature decide."""
    bundle = LEDGER.bundle(secret, model)
    found = changes(bundle, [LEDGER.bundle(ANA, "orphan")])
    logged = [new for _, one in found if (new := sealed(one)) != one]
    some = [Asked(one) for one in logged[:: len(logged) // (2 * FEWEST)]]

    verdicts = compare(tmp_path, html, some)
    assert len(verdicts) >= 2 * FEWEST
    assert {"refused"} < set(verdicts)


def test_a_name_is_never_markup(tmp_path, html):
    ledger = story()
    ledger.corpus("<b>", {ANA: {"</li><script>": "x", "$&": "y"}})
    ledger.model("model <i>", ["<b>"], [{"external": "<u>"}])
    ledger.enrol(DIA, "<img src=x onerror=alert(1)> {model} $& &amp;")
    asked = [
        Asked(ledger.bundle(ANA, "model <i>")),
        Asked(ledger.bundle(DIA, "silent")),
        Asked(b"<p>"),
    ]

    assert compare(tmp_path, html, asked) == ["used", "unknown", "refused"]


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_the_page_never_scrolls_sideways_whatever_it_shows(tmp_path, html, width):
    asked = [
        Asked(LEDGER.bundle(ANA, "model-2", consent=True, witnesses=[UNION, PRESS])),
        Asked(b"{}"),
    ]

    for shown in ask(tmp_path, html, asked, width):
        assert shown["width"] <= width


def test_the_page_names_no_address_and_permits_itself_none(html):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)

    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in policy  # so none: the default
    assert not re.findall(r"https?://", html)


def test_the_page_is_dark_where_the_reader_wants_it_dark(tmp_path, html):
    script = "view.getComputedStyle(page.body).backgroundColor"

    light, dark = (measure(tmp_path, html, 900, script, one) for one in (LIGHT, DARK))
    assert (light, dark) == ("rgb(251, 251, 250)", "rgb(19, 22, 25)")
