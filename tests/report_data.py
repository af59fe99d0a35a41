"""Made-up figures for the report page: ten dates, both ways, seven regions."""

import hashlib

from assent.report.figures import (
    CorpusFigures,
    DecisionRow,
    Forgotten,
    GroupFigures,
    LedgerFigures,
    Limit,
    Part,
    Proof,
    ReportData,
    Suspended,
    TrainingFigures,
)
from assent.report.replay import Snapshot
from assent.terms import Reason

DATES = (
    ("2024-08-15T00:00:00Z", "the setting appears, on"),
    ("2024-09-18T12:00:00Z", "policy and FAQ name training"),
    ("2024-09-20T12:00:00Z", "UK suspended"),
    ("2024-10-11T12:00:00Z", "Hong Kong paused"),
    ("2024-11-20T12:00:00Z", "user agreement updated"),
    ("2024-12-10T12:00:00Z", "Canada paused"),
    ("2025-01-21T12:00:00Z", "a complaint is filed; dropped nine days later"),
    ("2025-09-18T12:00:00Z", "start announced for 3 November"),
    ("2025-11-03T12:00:00Z", "training starts in EU/EEA, CH, UK, CA, HK"),
    ("2025-11-07T12:00:00Z", 'regulator: "not approved"'),
)
PEOPLE = {
    "us": 4210,
    "eu-eea-ch": 3307,
    "elsewhere": 2876,
    "uk": 1204,
    "ca": 612,
    "hk": 188,
    "outside": 97,
}
PAUSED_FROM = {"uk": 2, "hk": 3, "ca": 5}  # until number 8


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def in_use(number: int, way: str) -> dict[str, int]:
    if way == "assent" and number < 4:
        return {}
    share = 0.97 if way == "operator" else 0.8 - 0.01 * number
    return {
        region: int(people * share)
        for region, people in PEOPLE.items()
        if (region != "eu-eea-ch" or number >= 8)
        and not PAUSED_FROM.get(region, 99) <= number < 8
    }


def snapshots() -> tuple[Snapshot, ...]:
    total = sum(PEOPLE.values())
    found = []
    for number, (at, what) in enumerate(DATES):
        for way in ("operator", "assent"):
            people = in_use(number, way)
            used, careless = sum(people.values()), way == "operator"
            reasons = {"no_rule": total - used - 245, "not_notified": 245}
            found.append(
                Snapshot(
                    at=at,
                    what=what,
                    way=way,
                    people=total,
                    documents=7 * total,
                    people_in_use=used,
                    documents_in_use=7 * used,
                    people_by_region=people,
                    documents_by_region={name: 7 * n for name, n in people.items()},
                    people_by_reason=reasons,
                    documents_by_reason={name: 7 * n for name, n in reasons.items()},
                    used_before_told=(used if number == 0 else 341) * careless,
                    used_after_objecting=(83 + 40 * number) * careless,
                    used_under_age=(151 + number) * careless,
                    used_age_unknown=94 * careless,
                )
            )
    return tuple(found)


def report_data() -> ReportData:
    return ReportData(
        title="A case, 2024–2025",
        labels=("simulated platform", "simulated ages"),
        choices_simulated=True,
        seed=20240918,
        as_of="2025-12-12T12:00:00Z",
        replay=snapshots(),
        decisions=(
            DecisionRow(Reason.LEGITIMATE_INTERESTS, "us-interests", 24310, 3073),
            DecisionRow(Reason.CONSENTED, "consent", 1288, 207),
            DecisionRow(Reason.NEVER, "private_message", 11043, 9021),
            DecisionRow(Reason.OBJECTED, "", 4120, 640),
            DecisionRow(Reason.NOT_NOTIFIED, "", 7812, 1203),
        ),
        corpus=CorpusFigures(
            "corpus-9f3a1c77e0b2d415",
            25598,
            18_442_120,
            611_390,
            {"name": 40120, "email": 3122, "phone": 1604, "quote": 1207},
            {"never": 11043, "not_notified": 7812, "objected": 4120},
        ),
        training=TrainingFigures(
            "model-62c66a7a5dd70c31",
            digest("plan"),
            (
                GroupFigures("us", 4, 24310, 11_204_113, 2.214),
                GroupFigures("eu-eea-ch", 5, 1204, 2_804_993, 2.871),
                GroupFigures("outside", 1, 0, 0),
            ),
            8,
            1_204_224,
            341.25,
            2.198,
        ),
        forgetting=(
            Forgotten(
                "7f21c0", "us/0", 5, 0.0583, digest("a"), digest("b"), digest("b")
            ),
            Forgotten("b0771e", "us/1", 7, 0.0042, digest("c"), digest("d")),
        ),
        suspensions=(
            Suspended("uk-2025-12-15", ("UK",), ("us", "uk", "ca"), ("us", "ca")),
        ),
        proofs=(
            Proof("before.bundle.json", "used", 14, 48211),
            Proof("after.bundle.json", "absent", 17, 61090),
        ),
        ledger=LedgerFigures("demo.example/assent", 61204, digest("root")),
        limits=(
            Limit("It binds an operator to what it committed.", Part.PROOFS),
            Limit("No table says what a court would hold."),
        ),
    )
