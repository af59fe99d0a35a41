"""The certificate of a repair: what was replayed, from what, to which bits.

It states facts that another party can recompute. That people were forgotten is not one
of them: a hash shows that the procedure was followed, not what weights contain.
"""

import math
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from assent.canon import digest
from assent.errors import ForgetError
from assent.train.privacy import Guarantee

HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
SCOPE = (
    "Each replayed shard is bit-identical, where the oracle was run, to what this plan "
    "yields on the documents that remain, with the same seed and on the same class of "
    "host. This says nothing about copies released earlier, about models made from "
    "them, about what other people quoted, or about a run with another seed; and a "
    "comparison of the models before and after can show that somebody left."
)
PRIVATE_SCOPE = (
    "Each replayed shard was computed from the state before its slice and from the "
    "documents that remain, with fresh noise: the operator says so, and no hash can "
    "show it. It is drawn as one that never saw those who left would be, unless they "
    "left for what a model of this plan had said. `privacy` is promised to each "
    "person for the weights of all models of this plan, and for what is computed from "
    "them alone. This says nothing about the ledger, whose counts and digests are "
    "exact, about the fact that somebody left, about models of other plans, about the "
    "base, or about what other people wrote of her."
)


@dataclass(frozen=True, slots=True)
class RepairedShard:
    """One replayed shard: its states before and after, and the oracle's.

    `oracle` is None when the full run without the forget set was not done. `served` is
    False when no documents are left: the shard went back to the clean base.
    """

    group: str
    shard: int
    slice_index: int  # replayed from before this slice to the last
    before: str
    after: str
    served: bool
    oracle: str | None = None

    @property
    def bit_identical(self) -> bool | None:
        """Whether replay and oracle ended with one digest; None: not run."""
        return None if self.oracle is None else self.oracle == self.after


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one repair did. Digests and ids only, never a person's id or words.

    Args:
        plan: digest of the sealed plan.
        old_model: the model that is superseded.
        new_model: the repaired one.
        slices: of the plan.
        shards: each replayed shard; none when nothing of theirs had been trained on.
        subjects: who left, each as a keyed hash that she alone can open.
        replayed_share: of the plan's training, 0 to 1.
        golden_ok: this host's golden hash was the plan's.
        destroyed: digests of the superseded states that were deleted.
        blocked: models that start from a merge of a replayed group, and the digest of
            that base: sorted; none of them may speak any more.
        privacy: what a private plan promises to each person; None: it is not private.

    Raises:
        ForgetError: a value is not as wanted, or the host failed its golden run: what
            it computed is then no plan's result, and nothing can be certified.
    """

    plan: str
    old_model: str
    new_model: str
    slices: int
    shards: tuple[RepairedShard, ...]
    subjects: tuple[str, ...]
    replayed_share: float
    golden_ok: bool
    destroyed: tuple[str, ...]
    blocked: tuple[tuple[str, str], ...] = ()
    privacy: Guarantee | None = None
    v: int = 1

    def __post_init__(self) -> None:
        _want(type(self.v) is int and self.v == 1, "its version is 1")
        _want(self.golden_ok is True, "the host passed its golden run")
        named = all(isinstance(m, str) and m for m in (self.old_model, self.new_model))
        _want(named and self.old_model != self.new_model, "it names two models")
        _want(type(self.slices) is int and self.slices >= 1, "slices count from 1")
        share = self.replayed_share
        _want(isinstance(share, float) and 0 <= share <= 1, "the share is from 0 to 1")
        _want((share > 0) == bool(self.shards), "what was replayed has a share")
        _want(bool(self.subjects), "somebody left")
        for listed in (self.subjects, self.destroyed):
            _want(listed == tuple(sorted(set(listed))), "hashes are sorted, each once")
        _want(self.blocked == tuple(sorted(set(self.blocked))), "models are sorted")
        states = [x for one in self.shards for x in (one.before, one.after)]
        oracles = [one.oracle for one in self.shards if one.oracle is not None]
        bases = [base for _, base in self.blocked]
        hashes = (self.plan, *self.subjects, *self.destroyed, *states, *oracles, *bases)
        _want(all(map(_is_hex, hashes)), "each hash is 64 hexadecimal digits")
        if self.privacy is not None:
            _want(not oracles, "a private model has no oracle")
            numbers = (self.privacy.epsilon, self.privacy.delta, self.privacy.releases)
            plain = all(type(x) in (int, float) and 0 <= x < math.inf for x in numbers)
            _want(plain, "its promise is made of numbers")
        places = [(one.group, one.shard) for one in self.shards]
        _want(places == sorted(set(places)), "shards are sorted, each once")
        for one in self.shards:
            index = one.slice_index
            inside = type(index) is int and 0 <= index < self.slices
            _want(inside, "each slice is in the plan")
            _want(type(one.served) is bool, "each shard is served or not")

    @property
    def bit_identical(self) -> bool | None:
        """True: every shard equals its oracle. False: one does not. None: not known."""
        results = [one.bit_identical for one in self.shards]
        if False in results:
            return False
        return True if results and None not in results else None

    @property
    def slices_replayed(self) -> int:
        """Slices trained again, over all shards."""
        return sum(self.slices - one.slice_index for one in self.shards)

    @property
    def digest(self) -> str:
        """Hash of the certificate's canonical JSON, for the ledger."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the certificate, its conclusions and its scope as JSON values."""
        private = {"privacy": asdict(self.privacy)} if self.privacy else {}
        return private | {
            "v": self.v,
            "plan": self.plan,
            "old_model": self.old_model,
            "new_model": self.new_model,
            "slices": self.slices,
            "shards": [_shard_json(one) for one in self.shards],
            "slices_replayed": self.slices_replayed,
            "replayed_share": self.replayed_share,
            "subjects": list(self.subjects),
            "golden_ok": self.golden_ok,
            "destroyed": list(self.destroyed),
            "bit_identical": self.bit_identical,
            "scope": PRIVATE_SCOPE if self.privacy else SCOPE,
            # Not written where there are none, as before there could be any.
            **({"blocked": _blocked_json(self.blocked)} if self.blocked else {}),
        }

    @classmethod
    def from_json(cls, value: Any) -> "Certificate":
        """Read a certificate, and recompute every conclusion in it.

        Raises:
            ForgetError: a key is missing or unknown, a value is not as wanted, or a
                conclusion does not follow from the digests beside it.
        """
        try:
            given = {"privacy": None, "blocked": (), **value}
            given = {field.name: given[field.name] for field in fields(cls)}
            if given["privacy"] is not None:
                given["privacy"] = Guarantee(**given["privacy"])
            given["blocked"] = tuple(
                (one["model"], one["base"]) for one in given["blocked"]
            )
            given["shards"] = tuple(_read_shard(one) for one in given["shards"])
            for name in ("subjects", "destroyed"):
                given[name] = tuple(given[name])
            share = given["replayed_share"]
            if type(share) is int:  # canonical JSON writes 1.0 as 1
                given["replayed_share"] = float(share)
            read = cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise ForgetError(
                "the certificate lacks a key, or a value has the wrong JSON type"
            ) from error
        _want(read.to_json() == value, "its conclusions follow from its digests")
        return read


def _shard_json(one: RepairedShard) -> dict[str, Any]:
    value = {field.name: getattr(one, field.name) for field in fields(one)}
    return value | {"bit_identical": one.bit_identical}


def _blocked_json(blocked: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"model": model, "base": base} for model, base in blocked]


def _read_shard(value: Any) -> RepairedShard:
    return RepairedShard(**{f.name: value[f.name] for f in fields(RepairedShard)})


def _is_hex(value: object) -> bool:
    return isinstance(value, str) and HEX_DIGEST.fullmatch(value) is not None


def _want(condition: bool, wanted: str) -> None:
    if not condition:
        raise ForgetError(f"no certificate: it does not hold that {wanted}")
