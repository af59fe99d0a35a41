"""Each kind of bundle, changed in thousands of ways: none of them is accepted."""

import itertools
import json
from collections import Counter
from typing import Any

import pytest

from assent.canon import canonical
from assent.errors import ProofError
from assent.verify import Answer, verify_bundle
from bundle_changes import changes
from small_ledger import ANA, BEN, CEM, KEY, PRESS, UNION, story

LEDGER = story()
POLICY = f"""log {KEY}
witness union {UNION.key}
witness press {PRESS.key}
group both all union press
quorum both
"""
KINDS: dict[str, dict[str, Any]] = {
    "absent": {"secret": CEM, "model": "model-1"},
    "used": {"secret": ANA, "model": "model-1"},
    "unknown": {"secret": CEM, "model": "adapted"},
    "repaired": {"secret": ANA, "model": "model-2"},
    "cosigned": {"secret": CEM, "model": "model-1", "witnesses": [UNION, PRESS]},
    "consent": {"secret": ANA, "model": "model-2", "consent": True},
}
BUNDLES = {name: LEDGER.bundle(**wanted) for name, wanted in KINDS.items()}
AT_LEAST = 500
# Of each field, what was done to it, in each kind of bundle.
DONE = {"another value", "dropped", "swapped", "another form"}


def honest(kind: str) -> set[bytes]:
    """All bundles that the operator could have handed out in place of this one.

    The consent states are shown where they were asked for. A bundle with one of them
    less, or more, is another good bundle.
    """
    value = json.loads(LEDGER.bundle(**{**KINDS[kind], "consent": True}))
    choices = [
        [part, {key: part[key] for key in part if key != "consent"}]
        for part in value["corpora"]
    ]
    return {
        canonical({**value, "corpora": list(each)})
        for each in itertools.product(*choices)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_no_change_of_any_field_is_accepted(kind: str) -> None:
    bundle, policy = BUNDLES[kind], POLICY if kind == "cosigned" else None
    others = [one for name, one in BUNDLES.items() if name != kind]
    others += [LEDGER.bundle(BEN, "model-1")]
    assert verify_bundle(bundle, KEY, policy).verdict in Answer

    good, done, accepted = honest(kind), Counter[str](), []
    for what, changed in changes(bundle, others):
        if changed in good:
            continue
        try:
            verify_bundle(changed, KEY, policy)
        except ProofError:
            done[what.rpartition(": ")[2]] += 1
        else:
            accepted.append(what)

    assert accepted == []
    assert done.keys() >= DONE
    assert done.total() >= AT_LEAST


def test_a_bundle_that_says_less_is_one_that_was_handed_out() -> None:
    less = LEDGER.bundle(ANA, "model-2")

    assert less in honest("consent")
    assert verify_bundle(less, KEY).verdict is Answer.ABSENT
    assert not any("in the knowledge of" in one for one in verify_bundle(less).steps)


def test_the_bundle_itself_is_none_of_its_changes() -> None:
    bundle = BUNDLES["absent"]
    changed = [one for _, one in changes(bundle, [])]

    assert bundle not in changed
    assert len(changed) == len(set(changed))
