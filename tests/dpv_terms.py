"""The terms of the Data Privacy Vocabulary that receipts use, each with its source.

Release 2.3 of https://w3id.org/dpv#, files of github.com/w3c/dpv below `2.3/dpv/`. Each
term was looked up there; the vocabulary itself is not part of this project.
"""

ALL = "dpv.csv"
STATUS = "modules/consent_status.ttl"
BASIS_STATUS = "modules/legal_basis_status.ttl"
CONTEXT = "modules/context.csv"
NOTICE = "modules/notice.csv"
ROLES = "modules/entities_legalrole.csv"
PROCESS = "modules/process.csv"
PLACES = "modules/jurisdiction.csv"
RIGHTS = "modules/rights.ttl"
BASIS = "modules/legal_basis.ttl"
CONTROLS = "modules/consent_controls.ttl"
PURPOSES = "modules/purposes.ttl"
SOURCES = (
    *(ALL, STATUS, BASIS_STATUS, CONTEXT, NOTICE, ROLES, PROCESS, PLACES, RIGHTS),
    *(BASIS, CONTROLS, PURPOSES),
)

PROPERTIES = {
    **dict.fromkeys(("hasApplicability", "hasDuration", "hasIdentifier"), CONTEXT),
    **dict.fromkeys(("hasDataController", "hasRecipient"), ROLES),
    **dict.fromkeys(("hasNotice", "hasNoticeStatus"), NOTICE),
    **dict.fromkeys(
        ("hasIndicationMethod", "hasLegalBasis", "isIndicatedAtTime", "isIndicatedBy"),
        BASIS,
    ),
    **dict.fromkeys(
        (
            *("hasAddress", "hasConsentControl", "hasConsentStatus", "hasContact"),
            *("hasDataSubject", "hasName", "hasPersonalData", "hasPurpose"),
            *("hasRecordOfActivity", "hasStatus", "hasStorageCondition"),
            "isExercisedAt",
        ),
        ALL,
    ),
    "hasJurisdiction": PLACES,
    "hasProcess": PROCESS,
    "hasRight": RIGHTS,
}
CLASSES = {
    **dict.fromkeys(
        ("ConsentExpired", "ConsentGiven", "ConsentRefused", "ConsentWithdrawn"),
        STATUS,
    ),
    **dict.fromkeys(
        ("LegitimateInterestNotObjected", "LegitimateInterestObjected"), BASIS_STATUS
    ),
    **dict.fromkeys(
        ("EndlessDuration", "NotApplicable", "NotAvailable", "UntilTimeDuration"),
        CONTEXT,
    ),
    **dict.fromkeys(("ConsentNotice", "NoticeCommunicated", "PrivacyNotice"), NOTICE),
    **dict.fromkeys(("DataController", "Recipient"), ROLES),
    **dict.fromkeys(
        ("DataSubjectRight", "RightExerciseActivity", "RightExerciseRecord"), RIGHTS
    ),
    **dict.fromkeys(
        (
            *("Consent", "ConsentReceipt", "ConsentRecord", "DataProcessingRecord"),
            *("DataSubject", "Entity", "PersonalData", "Status", "StorageDuration"),
            "StorageLocation",
        ),
        ALL,
    ),
    "Country": PLACES,
    "LegitimateInterest": BASIS,
    "Process": PROCESS,
    # The root that all purposes of this file name as theirs.
    "Purpose": PURPOSES,
    "WithdrawConsent": CONTROLS,
}
