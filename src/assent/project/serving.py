"""Which shards of a model may speak now: decided again each time, never stored.

A withdrawal quarantines a shard, and an order takes out a region's group, from the
instant at which the ledger knows it. There is no state that somebody could forget to
change.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from assent.decide import overlaps
from assent.engine.question import Question
from assent.policy.model import Suspension
from assent.policy.regions import UNKNOWN, countries_of
from assent.project.building import buckets_of
from assent.project.commitments import check_logged, read_commitment
from assent.project.naming import Named, no_longer
from assent.project.place import Place
from assent.terms import PROVED
from assent.train.plan import Plan

Shard = tuple[str, int]
GONE = ("no_record", "not among the loaded documents")
"""Why a document that the platform no longer has is not permitted either."""
UNNAMED = "name_not_agreed"
"""It keeps the name of somebody who does not agree to that."""


@dataclass(frozen=True, slots=True)
class Trained:
    """One document that a model was trained on, and where."""

    document_id: str
    subject_id: str
    group: str
    shard: int
    slice_index: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model's documents are permitted now.

    Args:
        documents: what it was trained on.
        denied: document id -> (reason, rule), for what is no longer permitted.
        suspended: groups that an order takes out whole -> the order.
        unnamed: document id -> people whose names it keeps and who do not agree any
            more, for what is permitted but for that.
        private: shards of a private plan, which speak with and without documents.
    """

    documents: tuple[Trained, ...]
    denied: dict[str, tuple[str, str]] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)
    unnamed: Named = field(default_factory=dict)
    private: tuple[Shard, ...] = ()

    @property
    def wrong(self) -> frozenset[str]:
        """Documents that must go, or be redacted once more."""
        return frozenset(self.denied) | frozenset(self.unnamed)

    def among(self, documents: frozenset[str]) -> "Standing":
        """Keep of what is wrong only some documents."""
        return replace(
            self,
            denied={key: why for key, why in self.denied.items() if key in documents},
            unnamed={key: who for key, who in self.unnamed.items() if key in documents},
        )

    @property
    def quarantined(self) -> frozenset[Shard]:
        """Shards that were trained on a document that is no longer permitted."""
        return frozenset(
            (each.group, each.shard)
            for each in self.documents
            if each.document_id in self.wrong
        )

    @property
    def serving(self) -> dict[str, list[int]]:
        """Group -> shards that may speak: trained, not suspended, and clean."""
        found: dict[str, set[int]] = {}
        holding = [(each.group, each.shard) for each in self.documents]
        for group, shard in (*holding, *self.private):
            if group not in self.suspended:
                found.setdefault(group, set()).add(shard)
        clean = {
            group: sorted(s for s in shards if (group, s) not in self.quarantined)
            for group, shards in sorted(found.items())
        }
        return {group: shards for group, shards in clean.items() if shards}

    def reasons(self) -> dict[str, int]:
        """Count documents that are wrong by reason."""
        found = Counter(why for why, _ in self.denied.values())
        if self.unnamed:
            found[UNNAMED] = len(self.unnamed)
        return dict(sorted(found.items()))


def trained_documents(place: Place, corpus_id: str) -> tuple[Trained, ...]:
    """Read what a corpus holds; this outlives its text.

    Raises:
        CorpusError: it is not what the ledger says that it holds.
    """
    columns = ["document_id", "subject_id", "group", "shard", "slice"]
    check_logged(place, corpus_id)
    table = read_commitment(place.corpus_folder(corpus_id), columns)
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return tuple(Trained(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a model's documents at an instant.

    An order that covers a whole group takes the group out and is not held against its
    documents: lifting it must need no training. A narrower order denies documents. So
    does a whole order for those who were trained in another group and live in this one
    now: the group that is out does not hold their words.

    Args:
        every: of all documents.
        inside: of those of `suspended` groups, without the orders that took these out;
            None where there are none.
        suspended: groups that an order takes out whole -> the order.
    """

    every: Question
    inside: Question | None = None
    suspended: dict[str, str] = field(default_factory=dict)


def asked(place: Place, plan: Plan, as_of: int, size: int) -> Asked:
    """Compile what is asked of a model's documents; see `Asked`."""
    suspended: dict[str, str] = {}
    for order in place.suspensions(as_of, size):
        suspended |= dict.fromkeys(_whole_groups(order, plan), order.order)
    every, whole = place.question(as_of, size, plan.recipients), suspended.values()
    if not whole:
        return Asked(every)
    inside = place.question(as_of, size, plan.recipients, frozenset(whole))
    return Asked(every, inside, suspended)


def standing(
    place: Place, plan: Plan, corpus_id: str, as_of: int, size: int
) -> Standing:
    """Decide every document of a corpus again, as `asked`."""
    documents = trained_documents(place, corpus_id)
    what = asked(place, plan, as_of, size)
    every = reasons(place, what.every)
    inside = every if what.inside is None else reasons(place, what.inside)
    found = {
        each.document_id: (inside if each.group in what.suspended else every).get(
            each.document_id, GONE
        )
        for each in documents
    }
    denied = {key: why for key, why in found.items() if why[0] not in PROVED}
    # An order that takes a group out counts here: its people stand in others' texts.
    unnamed = no_longer(place, corpus_id, what.every)
    left = {key: who for key, who in unnamed.items() if key not in denied}
    private = () if plan.privacy is None else tuple(buckets_of(plan))
    return Standing(documents, denied, what.suspended, left, private)


def reasons(place: Place, question: Question) -> dict[str, tuple[str, str]]:
    """Decide every loaded document: document id -> (reason, rule)."""
    engine = place.engine(question.ledger_size)
    try:
        decided = engine.decide(question)
    finally:
        engine.close()
    columns = ["document_id", "reason", "rule"]
    rows = zip(*(decided[name].to_pylist() for name in columns), strict=True)
    return {document_id: (reason, rule) for document_id, reason, rule in rows}


def _whole_groups(order: Suspension, plan: Plan) -> list[str]:
    """List the groups that an order takes out; none where it divides a group.

    An order that divides a group must be held against that group's documents, and is
    one order: it is then held against all it touches.
    """
    countries = countries_of(order.regions)
    everything = (
        order.category == "*"
        and order.recipient in ("*", *plan.recipients)
        and overlaps(order.purpose, plan.purpose)
    )
    # Who lives in no known country may live in one of these.
    countries |= {UNKNOWN}
    touched = [g for g in plan.groups if countries & set(g.regions)]
    divided = [g for g in touched if not set(g.regions) <= countries]
    return [] if divided or not everything else [g.name for g in touched]
