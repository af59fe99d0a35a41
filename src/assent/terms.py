"""The glossary in code: the nouns of the field as frozen types.

Times are int64 microseconds since 1970-01-01T00:00:00Z, so that no time zone setting
can change an answer.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from assent.errors import UsageError

DAY = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN_PLACE = "unknown"
"""The jurisdiction of a person of whom it is not known where she lives."""


def micros(moment: datetime) -> int:
    """Count microseconds from 1970 to an instant with a time zone.

    Raises:
        ValueError: the instant has no time zone, so it names no instant.
    """
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone, such as a final `Z`")
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant(time: int) -> datetime:
    """Turn microseconds since 1970 back into an instant in UTC."""
    return EPOCH + timedelta(microseconds=time)


def iso(time: int) -> str:
    """Write a time as ISO 8601 with a final `Z`."""
    return instant(time).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> int:
    """Read ISO 8601 with a time zone: microseconds UTC.

    Raises:
        UsageError: the text is no instant, or names none because its zone is missing.
    """
    try:
        return micros(datetime.fromisoformat(text))
    except ValueError as error:
        raise UsageError(
            f"time {text!r} is no instant, wanted ISO 8601 with a zone",
            hint="write it like 2025-11-03T00:00:00Z",
        ) from error


class EventKind(StrEnum):
    """What an entry of the ledger records. The first block concerns one subject."""

    ENROLLED = "enrolled"
    NOTICE_SERVED = "notice_served"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OBJECTED = "objected"
    OBJECTION_LIFTED = "objection_lifted"
    RESTRICTED = "restricted"
    RESTRICTION_LIFTED = "restriction_lifted"
    RESIDENCE_CHANGED = "residence_changed"
    ERASED = "erased"

    POLICY_PUBLISHED = "policy_published"
    SUSPENSION_ORDERED = "suspension_ordered"
    SUSPENSION_LIFTED = "suspension_lifted"
    PLAN_SEALED = "plan_sealed"
    CORPUS_BUILT = "corpus_built"
    MODEL_TRAINED = "model_trained"
    MODEL_REPAIRED = "model_repaired"
    MODEL_EXPORTED = "model_exported"  # a group merged, by the digest of its files
    SHARED = "shared"
    SHARE_DROPPED = "share_dropped"  # logged as shared, and never handed over
    SHARE_CHANGED = "share_changed"
    SHARE_ACKNOWLEDGED = "share_acknowledged"
    OBJECTOR_REGISTERED = "objector_registered"  # who is no member, and wants no name
    OBJECTOR_REMOVED = "objector_removed"


CHOICES = frozenset(
    {EventKind.GIVEN, EventKind.REFUSED, EventKind.WITHDRAWN, EventKind.EXPIRED}
)
SUBJECT_EVENTS = frozenset(
    {
        EventKind.ENROLLED,
        EventKind.NOTICE_SERVED,
        *CHOICES,
        EventKind.OBJECTED,
        EventKind.OBJECTION_LIFTED,
        EventKind.RESTRICTED,
        EventKind.RESTRICTION_LIFTED,
        EventKind.RESIDENCE_CHANGED,
        EventKind.ERASED,
    }
)


class Basis(StrEnum):
    """Why a rule may allow: the lawful basis (GDPR Article 6(1))."""

    CONSENT = "consent"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    UNSAFE_DEFAULT_ON = "unsafe_default_on"  # what operators did; replay only


class Residence(StrEnum):
    """When a person must have lived where a rule allows."""

    AT_USE = "at_use"
    AT_CREATION = "at_creation"  # when the document was written
    BOTH = "both"  # must hold for each: the strictest


class Mentioned(StrEnum):
    """What a rule wants of the people whom a document mentions."""

    REDACT = "redact"  # nothing: their names are removed
    REQUIRE = "require"  # each must be permitted as if the document were hers
    IGNORE = "ignore"  # nothing, but it never overrides an objection


class Inside(StrEnum):
    """What is done with what a text holds of other people: their names, their words."""

    REPLACE = "replace"
    KEEP = "keep"  # of those who agreed, and of nobody else


class Style(StrEnum):
    """What is put in the place of a span, the one that says least first."""

    PLACEHOLDER = "placeholder"  # `[name]`
    DOCUMENT = "document"  # `[name-1f0c97e2]`, the same within one document
    CORPUS = "corpus"  # the same within one corpus


class Recogniser(StrEnum):
    """What looks for names that are in no directory."""

    NONE = "none"
    OWN = "own"  # the one that comes with Assent


class Reason(StrEnum):
    """Why a decision came out as it did, most telling denial first.

    The order is the order of design section 3: what is found first is the reason.
    """

    CONSENTED = "consented"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    UNSAFE_DEFAULT_ON = "unsafe_default_on"

    NO_POLICY = "no_policy"
    SUBJECT_UNKNOWN = "subject_unknown"
    AGE_UNKNOWN = "age_unknown"
    UNDER_AGE = "under_age"
    REGION_UNKNOWN = "region_unknown"
    CREATED_LATER = "created_later"
    UNKNOWN_CATEGORY = "unknown_category"
    NEVER = "never"
    SUSPENDED = "suspended"
    NO_RULE = "no_rule"
    ERASED = "erased"
    UNKNOWN_EVENT = "unknown_event"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    REFUSED = "refused"
    RESTRICTED = "restricted"
    EXPIRED = "expired"
    RESIDENCE_UNKNOWN = "residence_unknown"
    TIER_UNKNOWN = "tier_unknown"
    MENTIONED_OBJECTED = "mentioned_objected"
    MENTIONED_DENIED = "mentioned_denied"
    STALE_NOTICE = "stale_notice"
    NOTICE_TOO_RECENT = "notice_too_recent"
    NOT_NOTIFIED = "not_notified"
    NO_RECORD = "no_record"


PROVED = frozenset({Reason.CONSENTED, Reason.LEGITIMATE_INTERESTS})
GAPS = frozenset(
    {
        Reason.NO_POLICY,
        Reason.SUBJECT_UNKNOWN,
        Reason.AGE_UNKNOWN,
        Reason.REGION_UNKNOWN,
        Reason.UNKNOWN_CATEGORY,
        Reason.UNKNOWN_EVENT,
        Reason.RESIDENCE_UNKNOWN,
        Reason.TIER_UNKNOWN,
        Reason.NOT_NOTIFIED,
        Reason.NO_RECORD,
    }
)
"""Denials because something is missing, counted apart from refusals."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one document may train one model, and the rule, order or label why."""

    document_id: str
    subject_id: str | None
    reason: Reason
    rule: str = ""

    @property
    def allowed(self) -> bool:
        """Only a proved reason allows; derived, so the two cannot disagree."""
        return self.reason in PROVED


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was said, shown or ordered.

    Args:
        kind: what happened.
        happened_at: microseconds UTC, as the platform claims.
        subject_id: whom it concerns; None for events that concern nobody alone.
        purpose: dotted path, or `*`; a parent covers its children at a dot.
        recipient: one recipient, or `*`.
        category: one category of documents, or `*`.
        notice: sha256 of the notice shown, hexadecimal.
        valid_until: a choice ends here (exclusive); None for no end.
        actor: who did it, such as `subject`, `operator`, `regulator`.
        detail: evidence (channel, language, note) and, for public events, the body.
    """

    kind: EventKind
    happened_at: int
    subject_id: str | None = None
    purpose: str = "*"
    recipient: str = "*"
    category: str = "*"
    notice: str | None = None
    valid_until: int | None = None
    actor: str = "subject"
    detail: dict[str, object] = field(default_factory=dict)
