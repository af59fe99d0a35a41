"""Witness policies: which are read, which are refused, and which heads they accept."""

from collections.abc import Sequence
from itertools import chain, combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.errors import ProofError
from assent.merkle.cosign import Cosigned, cosign, cosigner_key
from assent.merkle.note import TreeHead, sign_head, verifier_key
from assent.merkle.quorum import LogPolicy, check_quorum, parse_policy

ORIGIN = "club.example/ledger"
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NEXT_LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WITNESSES = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    for number, name in enumerate(NAMES)
}
LOG_KEY = verifier_key(ORIGIN, LOG.public_key())
KEYS = {
    name: cosigner_key(f"{name.lower()}.example/w", key.public_key())
    for name, key in WITNESSES.items()
}
NOTE = sign_head(TreeHead(ORIGIN, 700, bytes(range(32))), LOG)
# The example of C2SP tlog-policy, with keys filled in.
EXAMPLE = f"""\
log {LOG_KEY}

witness X1 {KEYS["X1"]}
witness X2 {KEYS["X2"]}
witness X3 {KEYS["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
ONE = f"log {LOG_KEY}\nwitness X1 {KEYS['X1']}\n"


def cosigned(names: Sequence[str], note: str = NOTE) -> str:
    lines = [
        cosign(note, f"{name.lower()}.example/w", WITNESSES[name], 1000 + at)
        for at, name in enumerate(names)
    ]
    return note + "".join(f"{line}\n" for line in lines)


def subsets() -> list[tuple[str, ...]]:
    sizes = range(len(NAMES) + 1)
    return list(chain.from_iterable(combinations(NAMES, size) for size in sizes))


def test_every_subset_of_witnesses_is_a_quorum_exactly_when_the_example_says() -> None:
    policy = parse_policy(EXAMPLE)
    assert len(subsets()) == 64
    for names in subsets():
        of_x = sum(name[0] == "X" for name in names)
        of_y = sum(name[0] == "Y" for name in names)
        if of_x >= 2 and of_y >= 1:
            found = check_quorum(cosigned(names), policy)
            assert found == tuple(
                Cosigned(f"{name.lower()}.example/w", 1000 + at)
                for at, name in enumerate(names)
            )
        else:
            with pytest.raises(ProofError, match="quorum `X-and-Y` is not met"):
                check_quorum(cosigned(names), policy)


def test_who_is_missing_is_named() -> None:
    with pytest.raises(ProofError, match="1 of 2 .* missing `X2`") as refused:
        check_quorum(
            cosigned(["X1"]),
            parse_policy(
                f"{ONE}witness X2 {KEYS['X2']}\ngroup g all X1 X2\nquorum g\n"
            ),
        )
    assert refused.value.exit_code == 1


def test_blanks_comments_and_urls_stand_where_the_specification_allows_them() -> None:
    policy = parse_policy(
        f"\t # who we trust, caf\u00e9\n\n \tlog\t{LOG_KEY}  https://a.example/ \n"
        f"witness X1 {KEYS['X1']} https://w.example/x\u00e9\n  quorum   X1\t\n"
    )
    assert policy.logs[0].url == "https://a.example/"
    assert policy.witnesses[0].url == "https://w.example/xé"
    assert check_quorum(cosigned(["X1"]), policy)


def test_no_witness_is_asked_for_only_where_the_policy_says_none() -> None:
    policy = parse_policy(f"log {LOG_KEY}\nquorum none\n")
    assert check_quorum(NOTE, policy) == ()
    assert policy.is_met_by([])
    assert not parse_policy(f"{ONE}quorum X1\n").is_met_by([])
    assert not parse_policy(f"{ONE}quorum X1\n").is_met_by(["X2", "quorum", "none"])


def test_a_wrong_cosignature_of_a_known_witness_is_refused_beyond_the_quorum() -> None:
    policy = parse_policy(
        f"{ONE}witness X2 {KEYS['X2']}\ngroup g any X1 X2\nquorum g\n"
    )
    other = sign_head(TreeHead(ORIGIN, 701, bytes(32)), LOG)
    stray = cosigned(["X2"], other).split("\n")[-2]
    with pytest.raises(ProofError, match=r"x2\.example/w` does not match"):
        check_quorum(f"{cosigned(['X1'])}{stray}\n", policy)
    with pytest.raises(ProofError, match="2 cosignatures"):
        check_quorum(cosigned(["X1", "X1"]), policy)


def test_a_stranger_may_sign_and_does_not_count() -> None:
    policy = parse_policy(f"{ONE}quorum X1\n")
    assert len(check_quorum(cosigned(["X1", "Y1"]), policy)) == 1
    with pytest.raises(ProofError, match="not met"):
        check_quorum(cosigned(["Y1"]), policy)


def test_a_head_that_no_log_of_the_policy_signed_is_refused() -> None:
    policy = parse_policy(f"{ONE}quorum X1\n")
    head = TreeHead(ORIGIN, 700, bytes(range(32)))
    with pytest.raises(ProofError, match="no log of the witness policy"):
        check_quorum(cosigned(["X1"], sign_head(head, NEXT_LOG)), policy)
    other = TreeHead("press.example/ledger", 700, bytes(range(32)))
    with pytest.raises(ProofError, match="no log of the witness policy"):
        check_quorum(cosigned(["X1"], sign_head(other, LOG)), policy)


def test_any_one_of_several_logs_may_have_signed() -> None:
    old = verifier_key(ORIGIN, NEXT_LOG.public_key())
    policy = parse_policy(f"log {old}\n{ONE}quorum X1\n")
    assert check_quorum(cosigned(["X1"]), policy)
    assert check_quorum(cosigned(["X1"]), policy, LOG_KEY)
    with pytest.raises(ProofError, match="no log of the witness policy"):
        check_quorum(cosigned(["X1"]), policy, old)


def test_a_policy_without_a_log_counts_only_beside_a_log_that_is_known() -> None:
    policy = parse_policy(f"witness X1 {KEYS['X1']}\nquorum X1\n")
    assert check_quorum(cosigned(["X1"]), policy, LOG_KEY)
    with pytest.raises(ProofError, match="no log of the witness policy"):
        check_quorum(cosigned(["X1"]), policy)


def test_a_log_that_the_policy_does_not_name_is_refused() -> None:
    stranger = verifier_key(ORIGIN, NEXT_LOG.public_key())
    with pytest.raises(ProofError, match="not among those"):
        check_quorum(cosigned(["X1"]), parse_policy(f"{ONE}quorum X1\n"), stranger)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("quorum", "`quorum` has 0 parts, wanted `quorum NAME`"),
        ("quorum X1 X1", "2 parts"),
        ("quorum X2", "`X2` is not defined on a line before"),
        ("group g any X1 X2", "`X2` is not defined"),
        ("group g 2 X1", "number from 1 to 1"),
        ("group g 0 X1", "number from 1 to 1"),
        ("group g 01 X1", "number from 1 to 1"),
        ("group g +1 X1", "number from 1 to 1"),
        ("group g \u0661 X1", "number from 1 to 1"),
        ("group g most X1", "number from 1 to 1"),
        ("group g any", "2 parts, wanted `group NAME"),
        ("group g any X1 X1", "`X1` is a member of a group already"),
        ("group g any none", "`none` is not defined"),
        ("group g any g", "`g` is not defined"),
        ("group X1 any X1", "`X1` is defined already"),
        ("group none any X1", "nobody can be called that"),
        ("group g\x9b any X1", "cannot be printed"),
        ("quorum \x9b2J", "a name is not defined"),
        ("quorum X1\r", "control character"),
        ("\x0b", "control character"),
        ("# \x00", "control character"),
        ("quorum\u00a0X1", "begins with none of log, witness, group, quorum"),
        ("Quorum X1", "begins with none"),
        ("quorum: X1", "begins with none"),
        (f"log {LOG_KEY}", "stands on a line before"),
        (f"log {KEYS['X2']}", "type 4, wanted 1"),
        ("log", "0 parts"),
        (f"log {LOG_KEY} u v", "3 parts"),
        (f"log {LOG_KEY[:-1]}", "base64"),
        (f"witness X2 {LOG_KEY}", "type 1, wanted 4"),
        (f"witness X1 {KEYS['X2']}", "`X1` is defined already"),
        (f"witness X2 {KEYS['X1']}", "stands on a line before"),
        (f"witness {KEYS['X2']}", "1 parts"),
        (
            f"witness X2 {cosigner_key('another.name', WITNESSES['X1'].public_key())}",
            "stands on a line before",
        ),
        (
            f"witness X2 {cosigner_key('club.example', LOG.public_key())}",
            "a log's and a witness's",
        ),
    ],
)
def test_a_line_that_is_not_of_the_specification_is_refused_by_number(
    line: str, fault: str
) -> None:
    with pytest.raises(ProofError, match=fault) as refused:
        parse_policy(f"{ONE}{line}\nquorum X1\n")
    assert refused.value.message.startswith("line 3 of the witness policy: ")


def test_exactly_one_quorum_line_is_needed() -> None:
    with pytest.raises(ProofError, match="no `quorum` line"):
        parse_policy(ONE)
    with pytest.raises(ProofError, match="line 4 .*`quorum` line already"):
        parse_policy(f"{ONE}quorum X1\nquorum none\n")


def test_a_member_of_one_group_cannot_count_a_second_time_in_another() -> None:
    with pytest.raises(ProofError, match="line 4 .*member of a group already"):
        parse_policy(f"{ONE}group g any X1\ngroup h all X1\nquorum h\n")


@pytest.mark.parametrize("text", ["", f"{ONE}quorum X1", "#" * 2_000_000 + "\n"])
def test_a_text_that_may_be_cut_off_or_has_no_end_is_refused(text: str) -> None:
    with pytest.raises(ProofError, match="no line end|far too many"):
        parse_policy(text)


def test_a_policy_of_32_logs_32_witnesses_and_32_groups_is_read() -> None:
    lines = []
    for number in range(32):
        log, witness = (
            Ed25519PrivateKey.from_private_bytes(bytes([number, kind] * 16))
            for kind in (200, 201)
        )
        lines += [
            f"log {verifier_key(ORIGIN, log.public_key())}",
            f"witness w{number} {cosigner_key('a', witness.public_key())}",
            f"group g{number} all w{number}" + (f" g{number - 1}" if number else ""),
        ]
    policy = parse_policy("\n".join([*lines, "quorum g31", ""]))

    everyone = [f"w{number}" for number in range(32)]
    assert isinstance(policy, LogPolicy)
    assert policy.is_met_by(everyone)
    for absent in range(32):
        assert not policy.is_met_by(everyone[:absent] + everyone[absent + 1 :])
