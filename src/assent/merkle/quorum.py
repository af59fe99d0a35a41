"""Trust in a log as a file: which logs, which witnesses, and how many of them.

    log club.example/ledger+d12ab64b+AQ...
    witness union union.example/w1+0afc1f01+BA... https://union.example/w1
    witness auditor auditor.example/w+5b9a0c27+BA...
    witness press press.example/w+c2d0a1ff+BA...
    group two-of-three 2 union auditor press
    quorum two-of-three

A head counts when one of the logs signed it and the quorum cosigned it. Who reads the
file strictly must, because a line that is passed over could be the one that asks for
more: whatever is unknown is refused, and so is a file whose last line has no end, for
the rest of it may be missing.

Source: C2SP tlog-policy. Two rules are narrower than there: names can be printed, and
no witness has the key of a log, for a log cannot vouch for itself.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from assent.errors import ProofError
from assent.merkle.cosign import COSIGNATURE, Cosigned, find_cosignature
from assent.merkle.note import (
    ED25519,
    public_bytes,
    read_head,
    read_key,
    read_note,
    signed_head,
)

NOBODY = "none"
THRESHOLD = re.compile("[1-9][0-9]{0,3}")
BLANKS = re.compile("[ \t]+")
MAX_CHARACTERS = 1_000_000
FORMS = {
    "log": "log VKEY [URL]",
    "witness": "witness NAME VKEY [URL]",
    "group": "group NAME all|any|NUMBER MEMBER...",
    "quorum": "quorum NAME",
}


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose heads count, and where it is (empty: not said)."""

    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name in this file, its key, and where it is (empty: not said)."""

    name: str
    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """At least `threshold` of these members, each a witness or an earlier group."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """What makes a tree head count. `quorum` names a witness, a group, or `none`."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def is_met_by(self, names: Collection[str]) -> bool:
        """Say whether these witnesses, by their names in this file, are a quorum."""
        if self.quorum == NOBODY:
            return True
        counted = set(names) & {each.name for each in self.witnesses}
        for group in self.groups:  # members stand before the group that names them
            if sum(member in counted for member in group.members) >= group.threshold:
                counted.add(group.name)
        return self.quorum in counted


def parse_policy(text: str) -> LogPolicy:
    """Read a policy file.

    Args:
        text: the file, as UTF-8.

    Raises:
        ProofError: it is no policy; the message names the line.
    """
    if len(text) > MAX_CHARACTERS:
        raise ProofError(f"the witness policy has {len(text)} characters, far too many")
    if not text.endswith("\n"):
        raise ProofError(
            "the last line of the witness policy has no line end",
            hint="end it with one, if nothing is missing there",
        )
    reader = _Reader()
    for number, line in enumerate(text[:-1].split("\n"), start=1):
        try:
            reader.read(line)
        except ProofError as error:
            raise ProofError(
                f"line {number} of the witness policy: {error.message}", error.hint
            ) from None
    if not reader.quorum:
        raise ProofError(
            "the witness policy has no `quorum` line",
            hint="add `quorum NAME`, or `quorum none` to ask for no witness",
        )
    return LogPolicy(
        tuple(reader.logs),
        tuple(reader.witnesses),
        tuple(reader.groups),
        reader.quorum,
    )


def cosignatures(note: str, policy: LogPolicy) -> dict[str, Cosigned]:
    """Read which witnesses of a policy cosigned a head, by their names in the policy.

    It does not say who signed the head as its log.

    Raises:
        ProofError: the note is malformed, or what a witness of the policy signed is
            wrong or there twice.
    """
    found = {}
    for witness in policy.witnesses:
        cosigned = find_cosignature(note, witness.key)
        if cosigned is not None:
            found[witness.name] = cosigned
    return found


def check_quorum(
    note: str, policy: LogPolicy, log_key: str | None = None
) -> tuple[Cosigned, ...]:
    """Check that a log of the policy signed a head, and that a quorum cosigned it.

    Args:
        note: the head with all its signatures.
        policy: whom to trust.
        log_key: the log's verifier key, where the policy names no log. Where it names
            some, it must be one of them.

    Returns:
        Every witness of the policy that cosigned, in the order of the policy, more
        than the quorum if there are more.

    Raises:
        ProofError: no log of the policy signed, the quorum is not met, or what a log
            or a witness of the policy signed is wrong or there twice.
    """
    # (1) One of the logs signed it, once and rightly.
    _check_log(note, policy, log_key)

    # (2) Whatever a known witness signed is right, also beyond the quorum.
    found = cosignatures(note, policy)

    # (3) These are enough.
    if not policy.is_met_by(found):
        absent = [each.name for each in policy.witnesses if each.name not in found]
        raise ProofError(
            f"the quorum `{policy.quorum}` is not met: {len(found)} of "
            f"{len(policy.witnesses)} witnesses cosigned, missing "
            f"{', '.join(f'`{name}`' for name in absent)}",
            hint="ask for a head that the missing witnesses have cosigned",
        )
    return tuple(found.values())


def _check_log(note: str, policy: LogPolicy, log_key: str | None) -> None:
    keys = [each.key for each in policy.logs]
    if log_key is not None:
        if keys and log_key not in keys:
            raise ProofError(
                "the log's verifier key is not among those of the witness policy",
                hint="add its `log` line to the policy, or use the policy's own log",
            )
        keys = [log_key]
    text, _ = read_note(note, "the tree head")
    origin = read_head(text).origin
    signed = [
        key
        for key in keys
        if read_key(key).name == origin and signed_head(note, key) is not None
    ]
    if not signed:
        raise ProofError(
            f"no log of the witness policy signed the head of `{origin}`",
            hint="check that the policy names this log, by its present key",
        )


@dataclass(slots=True)
class _Reader:
    """Reads one line after the other, and knows what stands before it."""

    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str = ""
    _log_keys: set[bytes] = field(default_factory=set)
    _witness_keys: set[bytes] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)
    _members: set[str] = field(default_factory=set)

    def read(self, line: str) -> None:
        if any((one < " " and one != "\t") or one == "\x7f" for one in line):
            raise ProofError("it has a control character other than a tab")
        words = BLANKS.split(line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            return
        kind, rest = words[0], words[1:]
        if kind == "log" and len(rest) in (1, 2):
            self._log(rest[0], *rest[1:])
        elif kind == "witness" and len(rest) in (2, 3):
            self._witness(rest[0], rest[1], *rest[2:])
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], tuple(rest[2:]))
        elif kind == "quorum" and len(rest) == 1:
            self._quorum(rest[0])
        elif kind in FORMS:
            raise ProofError(f"`{kind}` has {len(rest)} parts, wanted `{FORMS[kind]}`")
        else:
            raise ProofError(f"it begins with none of {', '.join(FORMS)}")

    def _log(self, key: str, url: str = "") -> None:
        raw = public_bytes(read_key(key, ED25519).public_key)
        self._once(raw, self._log_keys, self._witness_keys)
        self.logs.append(Log(key, url))

    def _witness(self, name: str, key: str, url: str = "") -> None:
        raw = public_bytes(read_key(key, COSIGNATURE).public_key)
        self._once(raw, self._witness_keys, self._log_keys)
        self._name(name)
        self.witnesses.append(Witness(name, key, url))

    def _group(self, name: str, wanted: str, members: tuple[str, ...]) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise ProofError(f"`{member}` is a member of a group already")
            self._members.add(member)
        if wanted in ("all", "any"):
            threshold = len(members) if wanted == "all" else 1
        elif THRESHOLD.fullmatch(wanted) and int(wanted) <= len(members):
            threshold = int(wanted)
        else:
            raise ProofError(
                "how many members it wants is neither `all` nor `any` nor a number "
                f"from 1 to {len(members)}"
            )
        self._name(name)
        self.groups.append(Group(name, threshold, members))

    def _quorum(self, name: str) -> None:
        if self.quorum:
            raise ProofError("there is a `quorum` line already")
        if name != NOBODY:
            self._known(name)
        self.quorum = name

    def _name(self, name: str) -> None:
        if not name.isprintable():
            raise ProofError("its name has a character that cannot be printed")
        if name == NOBODY:
            raise ProofError(f"`{NOBODY}` names nobody, so nobody can be called that")
        if name in self._names:
            raise ProofError(f"`{name}` is defined already")
        self._names.add(name)

    def _known(self, name: str) -> None:
        if name not in self._names:
            known = f"`{name}` is" if name.isprintable() else "a name is"
            raise ProofError(f"{known} not defined on a line before")

    @staticmethod
    def _once(raw: bytes, same: set[bytes], other: set[bytes]) -> None:
        if raw in same:
            raise ProofError("this public key stands on a line before")
        if raw in other:
            raise ProofError("one public key is a log's and a witness's")
        same.add(raw)
