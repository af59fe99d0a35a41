"""The consent record of one event: ISO/IEC TS 27560 fields in words of DPV 2.3.

A pure function of what the ledger committed to (the private body) and of what the
operator states beside it. So a record has exactly one valid form, and who checks a
receipt derives it again instead of reading claims.

A field that is wanted and not known says `dpv:NotAvailable`; it is never guessed.

Source: W3C DPVCG, "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using
DPV", and the vocabulary's release 2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assent.terms import EventKind, iso

RECORD_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record"
RECORD_ID = "urn:assent:record:"
CONTEXT: dict[str, Any] = {
    "@version": 1.1,
    "assent": "urn:assent:receipt:v1:",
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "assent:proof": {"@type": "@json"},
    "dct:conformsTo": {"@type": "@id"},
    "dct:created": {"@type": "xsd:dateTime"},
    "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime"},
}
"""Written into every receipt, so that no context is fetched to read it."""

NOT_AVAILABLE = {"dpv:hasApplicability": {"@id": "dpv:NotAvailable"}}
NOT_APPLICABLE = {"dpv:hasApplicability": {"@id": "dpv:NotApplicable"}}
CONSENT, INTERESTS = "dpv:Consent", "dpv:LegitimateInterest"
CONSENT_RECORD, RIGHT_RECORD, OTHER_RECORD = (
    "dpv:ConsentRecord",
    "dpv:RightExerciseRecord",
    "dpv:DataProcessingRecord",
)
SCOPES = {
    "purpose": ("dpv:hasPurpose", "dpv:Purpose", "every purpose"),
    "recipient": ("dpv:hasRecipient", "dpv:Recipient", "every recipient"),
    "category": ("dpv:hasPersonalData", "dpv:PersonalData", "every category"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one kind of event is in the vocabulary.

    Args:
        record: type of the record.
        status: property and type of its status; None where the vocabulary has none.
        basis: lawful basis that it concerns; None where the event says none.
        words: the same for people.
    """

    record: str
    status: tuple[str, str] | None
    basis: str | None
    words: str


def _choice(state: str, words: str) -> Meaning:
    return Meaning(CONSENT_RECORD, ("dpv:hasConsentStatus", state), CONSENT, words)


def _objection(state: str, words: str) -> Meaning:
    return Meaning(RIGHT_RECORD, ("dpv:hasStatus", state), INTERESTS, words)


MEANINGS = {
    EventKind.GIVEN: _choice("dpv:ConsentGiven", "consent given"),
    EventKind.REFUSED: _choice("dpv:ConsentRefused", "consent refused"),
    # Never `ConsentRevoked`: that is what somebody else than the subject does.
    EventKind.WITHDRAWN: _choice("dpv:ConsentWithdrawn", "consent withdrawn"),
    EventKind.EXPIRED: _choice("dpv:ConsentExpired", "consent expired"),
    EventKind.NOTICE_SERVED: Meaning(
        CONSENT_RECORD,
        ("dpv:hasNoticeStatus", "dpv:NoticeCommunicated"),
        None,
        "notice served",
    ),
    EventKind.OBJECTED: _objection(
        "dpv:LegitimateInterestObjected", "objection to the use"
    ),
    EventKind.OBJECTION_LIFTED: _objection(
        "dpv:LegitimateInterestNotObjected", "objection lifted"
    ),
    EventKind.RESTRICTED: Meaning(RIGHT_RECORD, None, None, "use restricted"),
    EventKind.RESTRICTION_LIFTED: Meaning(
        RIGHT_RECORD, None, None, "restriction lifted"
    ),
    EventKind.ENROLLED: Meaning(OTHER_RECORD, None, None, "enrolled in the ledger"),
    EventKind.RESIDENCE_CHANGED: Meaning(OTHER_RECORD, None, None, "residence changed"),
    EventKind.ERASED: Meaning(OTHER_RECORD, None, None, "erased"),
}


@dataclass(frozen=True, slots=True)
class Stated:
    """What the operator states beside the event; signed, not committed to.

    Args:
        controllers: of the policies that were in force; none: not known.
        country: where she lived, ISO 3166-1 alpha-2; None: not known.
        withdraw_at: where consent is withdrawn, such as a web address.
        rights_at: where she asks for her rights.
        contact: of the controller.
        address: of the controller, by post.
        storage: where the data are kept.
        retention: for how long.
    """

    controllers: tuple[str, ...] = ()
    country: str | None = None
    withdraw_at: str | None = None
    rights_at: str | None = None
    contact: str | None = None
    address: str | None = None
    storage: str | None = None
    retention: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, null where nothing is known."""
        return {
            "address": self.address,
            "contact": self.contact,
            "controllers": list(self.controllers),
            "country": self.country,
            "retention": self.retention,
            "rights_at": self.rights_at,
            "storage": self.storage,
            "withdraw_at": self.withdraw_at,
        }


def consent_record(
    leaf: bytes, recorded_at: int, body: Mapping[str, Any], stated: Stated
) -> dict[str, Any]:
    """Write the record of one event.

    Args:
        leaf: hash of its ledger entry, 32 bytes: the record's name.
        recorded_at: microseconds UTC, from the entry.
        body: the private body that the entry commits to; its kind is known.
        stated: what the operator states beside it.
    """
    meaning = MEANINGS[EventKind(body["kind"])]
    name = RECORD_ID + leaf.hex()
    record = {
        "@id": name,
        "@type": meaning.record,
        "dct:identifier": name,
        "dct:conformsTo": RECORD_PROFILE,
        "dct:created": iso(recorded_at),
        "dct:description": _words(meaning, body),
        "dpv:hasDataSubject": {
            "@type": "dpv:DataSubject",
            "dct:identifier": body["subject_id"],
        },
        "dpv:hasNotice": _notice(meaning, body),
        "dpv:hasProcess": _process(meaning, body, stated),
        "dpv:hasDataController": _controllers(stated),
        "dpv:hasJurisdiction": _known("dpv:Country", "dct:identifier", stated.country),
        "dpv:hasConsentControl": _known(
            "dpv:WithdrawConsent", "dpv:isExercisedAt", stated.withdraw_at
        ),
        "dpv:hasRight": _known(
            "dpv:DataSubjectRight", "dpv:isExercisedAt", stated.rights_at
        ),
    }
    return record | _status(meaning, body)


def is_simulated(body: Mapping[str, Any]) -> bool:
    """Say whether nobody said this: it was made up to show how the system works."""
    return body["detail"].get("simulated") is True


def _words(meaning: Meaning, body: Mapping[str, Any]) -> str:
    words = meaning.words
    if body["kind"] == EventKind.RESIDENCE_CHANGED:
        words += f": lives in {body['detail'].get('country') or 'an unknown place'}"
    return f"simulated: {words}" if is_simulated(body) else words


def _known(kind: str, key: str, value: str | None) -> dict[str, Any]:
    """Write a thing with its one value, or that the value is not known."""
    return {"@type": kind} | (NOT_AVAILABLE if value is None else {key: value})


def _notice(meaning: Meaning, body: Mapping[str, Any]) -> dict[str, Any]:
    """Name the very text that was shown, by its hash; a version number could lie."""
    consent = meaning.basis == CONSENT
    kind = "dpv:ConsentNotice" if consent else "dpv:PrivacyNotice"
    if body["notice"] is None:
        return {"@type": kind} | (NOT_AVAILABLE if consent else NOT_APPLICABLE)
    language = body["detail"].get("language")
    return {
        "@type": kind,
        "dct:identifier": f"sha256:{body['notice']}",
        "dct:language": language if isinstance(language, str) else NOT_AVAILABLE,
    }


def _process(
    meaning: Meaning, body: Mapping[str, Any], stated: Stated
) -> dict[str, Any]:
    process: dict[str, Any] = {"@type": "dpv:Process"}
    for field, (relation, kind, every) in SCOPES.items():
        process[relation] = {"@type": kind, "dct:identifier": body[field]}
        if body[field] == "*":
            process[relation]["dct:description"] = every
    # A notice or a restriction speaks of a use, on a basis that it does not say.
    none = NOT_APPLICABLE if meaning.record == OTHER_RECORD else NOT_AVAILABLE
    basis = {"@id": meaning.basis} if meaning.basis else none
    return process | {
        "dpv:hasLegalBasis": basis,
        "dpv:hasStorageCondition": [
            _known("dpv:StorageLocation", "dct:description", stated.storage),
            _known("dpv:StorageDuration", "dct:description", stated.retention),
        ],
    }


def _controllers(stated: Stated) -> list[dict[str, Any]]:
    return [
        {
            "@type": "dpv:DataController",
            "dpv:hasName": name if name is not None else NOT_AVAILABLE,
            "dpv:hasIdentifier": name if name is not None else NOT_AVAILABLE,
            "dpv:hasAddress": stated.address or NOT_AVAILABLE,
            "dpv:hasContact": stated.contact or NOT_AVAILABLE,
        }
        for name in (stated.controllers or (None,))
    ]


def _status(meaning: Meaning, body: Mapping[str, Any]) -> dict[str, Any]:
    """Write what happened, when, how and by whom it was said."""
    channel = body["detail"].get("channel")
    event: dict[str, Any] = {
        "@type": "dpv:RightExerciseActivity",
        "dct:description": meaning.words,
        "dpv:isIndicatedAtTime": iso(body["happened_at"]),
        "dpv:isIndicatedBy": _who(body),
        "dpv:hasIndicationMethod": channel
        if isinstance(channel, str)
        else NOT_AVAILABLE,
        "dpv:hasDuration": _duration(meaning, body),
    }
    relation = "dpv:hasStatus"
    if meaning.status is not None:
        relation, event["@type"] = meaning.status
    elif meaning.record == OTHER_RECORD:
        event["@type"] = "dpv:Status"
    if relation == "dpv:hasConsentStatus":
        return {relation: event}
    return {relation: event, "dpv:hasConsentStatus": NOT_APPLICABLE}


def _who(body: Mapping[str, Any]) -> dict[str, Any]:
    if body["actor"] == "subject":
        return {"@type": "dpv:DataSubject", "dct:identifier": body["subject_id"]}
    return {"@type": "dpv:Entity", "dct:identifier": body["actor"]}


def _duration(meaning: Meaning, body: Mapping[str, Any]) -> dict[str, Any]:
    if body["valid_until"] is not None:
        until = iso(body["valid_until"])
        return {"@type": "dpv:UntilTimeDuration", "rdf:value": until}
    if meaning.basis == CONSENT:
        return {"@type": "dpv:EndlessDuration"}
    return NOT_APPLICABLE
