"""What the report page shows: plain values, counted elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from assent.report.replay import Snapshot
from assent.terms import Reason


class Part(StrEnum):
    """A section of the page, which a limit can stand in."""

    REPLAY = "replay"
    DECISIONS = "decisions"
    CORPUS = "corpus"
    TRAINING = "training"
    FORGETTING = "forgetting"
    SUSPENSION = "suspension"
    PROOFS = "proofs"
    LEDGER = "ledger"


TITLES = {
    Part.REPLAY: "Replay of the case",
    Part.DECISIONS: "Decisions",
    Part.CORPUS: "Corpus",
    Part.TRAINING: "Plan and training",
    Part.FORGETTING: "Forgetting",
    Part.SUSPENSION: "Suspension",
    Part.PROOFS: "Proofs",
    Part.LEDGER: "Ledger",
}


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """Documents, and people with such a document, that one reason and rule decided."""

    reason: Reason
    rule: str
    documents: int
    people: int


@dataclass(frozen=True, slots=True)
class CorpusFigures:
    """One corpus.

    Args:
        characters: of the texts that are used, before redaction.
        characters_removed: of them, by redaction.
        redactions: kind -> how many were replaced.
        dropped: reason -> documents not used.
    """

    corpus_id: str
    documents: int
    characters: int
    characters_removed: int
    redactions: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def documents_dropped(self) -> int:
        """Every dropped document has one reason, so they add up."""
        return sum(self.dropped.values())


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """One group of the plan; bits per byte of held-out clean text, where measured."""

    name: str
    shards: int
    documents: int
    bytes: int
    bits_per_byte: float | None = None


@dataclass(frozen=True, slots=True)
class TrainingFigures:
    """One model: `parameters` of each shard, `seconds` of wall time for all shards."""

    model_id: str
    plan: str
    groups: tuple[GroupFigures, ...]
    slices: int
    parameters: int
    seconds: float
    bits_per_byte: float | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """One repaired shard.

    Args:
        who: keyed short id, never the subject's own.
        slice_index: replay began with this slice.
        share: of all training steps that were replayed, 0 to 1.
        before: sha256 of the shard's weights that had seen her.
        after: the same, repaired.
        oracle: the same, trained as if she had never existed; None: not run.
    """

    who: str
    shard: str
    slice_index: int
    share: float
    before: str
    after: str
    oracle: str | None = None

    @property
    def bit_identical(self) -> bool | None:
        """Whether repair and oracle agree; None: not compared."""
        return None if self.oracle is None else self.oracle == self.after


@dataclass(frozen=True, slots=True)
class Suspended:
    """One order, and which groups spoke in the served mixture before and after it."""

    order: str
    regions: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof bundle, checked: `used`, `absent` or `unknown`, in so many steps."""

    file: str
    verdict: str
    steps: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """The signed tree head that all of it was read under."""

    origin: str
    entries: int
    head: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What is not proved; said in its section, or at the end where it has none."""

    text: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything one page shows.

    What is empty or None is left out, and the page says that it is.

    Args:
        title: of the page.
        labels: what kind of data this is, such as `simulated platform`.
        choices_simulated: the words "simulated choices" stand wherever choices do.
        seed: of what was simulated; None: nothing was.
        as_of: the instant of decisions, ISO 8601.
    """

    title: str
    labels: tuple[str, ...] = ()
    choices_simulated: bool = False
    seed: int | None = None
    as_of: str = ""
    replay: tuple[Snapshot, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    corpus: CorpusFigures | None = None
    training: TrainingFigures | None = None
    forgetting: tuple[Forgotten, ...] = ()
    suspensions: tuple[Suspended, ...] = ()
    proofs: tuple[Proof, ...] = ()
    ledger: LedgerFigures | None = None
    limits: tuple[Limit, ...] = ()
