"""Who vouches for a bundle: the witnesses in it, and those whom the reader trusts."""

import json

import pytest

from assent.canon import canonical
from assent.errors import ProofError
from assent.merkle.sentences import (
    ALONE_LIMIT,
    KEY_LIMIT,
    LIMITS,
    QUORUM_LIMIT,
    WITNESS_LIMIT,
)
from assent.merkle.signers import Signers, read_signers, signers_text
from assent.verify import verify_bundle
from small_ledger import (
    CEM,
    COURT,
    KEY,
    PRESS,
    UNION,
    WITNESSED,
    story,
)

LEDGER = story()
ALONE = LEDGER.bundle(CEM, "model-1")
ONE = LEDGER.bundle(CEM, "model-1", witnesses=[UNION])
BOTH = LEDGER.bundle(CEM, "model-1", witnesses=[UNION, PRESS])


def policy(quorum: str, *lines: str, log: str = KEY) -> str:
    first = [f"log {log}"] if log else []
    witnesses = [
        f"witness {name} {one.key}"
        for name, one in (("union", UNION), ("press", PRESS), ("court", COURT))
    ]
    return "\n".join([*first, *witnesses, *lines, f"quorum {quorum}", ""])


def test_each_witness_is_named_with_the_time_when_it_saw_the_head():
    verdict = verify_bundle(BOTH, KEY)

    assert [(one.name, one.timestamp) for one in verdict.witnesses] == [
        ("press.example", WITNESSED),
        ("union.example", WITNESSED),
    ]
    said = " ".join(verdict.steps)
    assert "`union.example` cosigned this head at 2025-11-24 16:00:00 UTC" in said


def test_the_limits_say_whose_keys_were_believed():
    asked = policy("union")
    assert verify_bundle(ALONE, KEY).limits == (ALONE_LIMIT, *LIMITS)
    assert verify_bundle(ONE).limits == (KEY_LIMIT, WITNESS_LIMIT, *LIMITS)
    assert verify_bundle(ONE, KEY).limits == (WITNESS_LIMIT, *LIMITS)
    given = verify_bundle(ONE, policy=asked)
    assert given.limits == (QUORUM_LIMIT, *LIMITS)
    assert (given.key_given, given.policy_given) == (True, True)
    no_log = verify_bundle(ONE, policy=policy("union", log=""))
    assert no_log.limits == (KEY_LIMIT, QUORUM_LIMIT, *LIMITS)


@pytest.mark.parametrize(
    ("bundle", "asked", "met"),
    [
        (ALONE, policy("none"), True),
        (ALONE, policy("union"), False),
        (ONE, policy("union"), True),
        (ONE, policy("press"), False),
        (ONE, policy("two", "group two 2 union press court"), False),
        (BOTH, policy("two", "group two 2 union press court"), True),
        (BOTH, policy("all", "group all all union press court"), False),
        (BOTH, policy("none", log=PRESS.key.replace("BD", "AT")), False),
        (BOTH, "quorum none", False),  # its last line has no end
    ],
)
def test_the_readers_policy_wins_over_the_one_in_the_bundle(bundle, asked, met):
    if met:
        assert str(verify_bundle(bundle, policy=asked).verdict) == "absent"
    else:
        with pytest.raises(ProofError):
            verify_bundle(bundle, policy=asked)


def test_only_the_witnesses_of_the_readers_policy_count():
    asked = f"log {KEY}\nwitness one {UNION.key}\nquorum one\n"

    assert [one.name for one in verify_bundle(BOTH, policy=asked).witnesses] == [
        "union.example"
    ]
    nobody = verify_bundle(BOTH, policy=f"log {KEY}\nquorum none\n")
    assert nobody.witnesses == ()
    assert nobody.limits == (ALONE_LIMIT, *LIMITS)


def test_lines_and_keys_fit_each_other_or_the_bundle_is_refused():
    one, both = json.loads(ONE), json.loads(BOTH)
    lines = both["tree_head"].split("\n")
    swapped = "\n".join([*lines[:5], lines[6], lines[5], ""])
    wrong = [
        both | {"policy": one["policy"]},  # a line by nobody who is named
        one | {"policy": both["policy"]},  # a name without a line
        both | {"tree_head": swapped},
        both | {"tree_head": "\n".join([*lines[:6], lines[5], ""])},
        both | {"policy": both["policy"].replace("all-of-them", "some-of-them")},
        both | {"policy": both["policy"].replace(" all w1", " 2 w1")},
        both | {"policy": both["policy"].replace("quorum all-of-them", "quorum w1")},
        both | {"policy": both["policy"].replace("w2", "w3")},
        both | {"policy": "# trust us\n" + both["policy"]},
        both | {"policy": both["policy"].rstrip()},
        both | {"policy": both["policy"].replace("log ", "log  ")},
        one | {"policy": one["policy"].replace("quorum w1", "quorum none")},
    ]
    for value in wrong:
        with pytest.raises(ProofError):
            verify_bundle(canonical(value), KEY)


def test_a_cosignature_of_another_head_or_time_is_refused():
    value = json.loads(ONE)
    other = json.loads(LEDGER.bundle(CEM, "model-1", witnesses=[PRESS]))
    line = value["tree_head"].split("\n")[5]
    stranger = other["tree_head"].split("\n")[5].split(" ")[2]
    forged = line.rsplit(" ", 1)[0] + " " + stranger
    with pytest.raises(ProofError):
        verify_bundle(
            canonical(value | {"tree_head": value["tree_head"].replace(line, forged)})
        )


def test_who_signed_is_written_in_one_way_only():
    for keys in ((), (UNION.key,), tuple(sorted([UNION.key, PRESS.key, COURT.key]))):
        signers = Signers(KEY, keys)
        assert read_signers(signers_text(signers)) == signers
    with pytest.raises(ValueError, match="in the order"):
        signers_text(Signers(KEY, (UNION.key, UNION.key)))
