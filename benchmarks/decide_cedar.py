"""The same policy in Cedar, a decision at a time, on a sample of documents.

The state of each author (where she lives, what she said last, when she was told) is
looked up beforehand and is not counted: a request carries it as its context.
"""

import time
from typing import Any

import cedarpy
import pyarrow as pa
from decide_data import Platform
from decide_labels import NOW
from decide_question import opened, question

from assent.engine.question import QuestionRule
from assent.engine.sql import decision_sql, people_sql
from assent.terms import DAY, PROVED, Basis

PLAIN = 50
"""One call in so many is made again with the policies as text, read anew each time."""
CLEAR = "!(context has own_no) && !(context has obstacle)"


def policies() -> str:
    """Write each rule as one `permit`, and what is never used as a `forbid`."""
    never = ", ".join(f'"{name}"' for name in question().never)
    forbid = (
        'forbid(principal, action == Action::"train", resource) '
        f"when {{ [{never}].contains(context.category) }};"
    )
    return "\n".join([forbid, *map(_permit, question().rules)])


def _permit(rule: QuestionRule) -> str:
    places = ", ".join(f'"{name}"' for name in rule.jurisdictions)
    kinds = ", ".join(f'"{category}"' for category, _ in rule.uses)
    n = question().notice_sets.index(rule.notices)
    proof = f"context has told_{n} && context.told_{n} >= {rule.notice_days}"
    if rule.basis is Basis.CONSENT:
        proof = f"context has yes_{n}"
    period = ""
    if rule.created_from is not None:
        period += f" && context.created_at >= {rule.created_from}"
    if rule.created_until is not None:
        period += f" && context.created_at < {rule.created_until}"
    return (
        f'permit(principal, action == Action::"train", resource) when {{ {CLEAR} && '
        f"[{places}].contains(context.place) && "
        f"[{kinds}].contains(context.category) && {proof}{period} }};"
    )


def measure(platform: Platform, sample: int) -> dict[str, Any]:
    """Time the calls, and compare their answers with Assent's on the same sample."""
    requests, expected = _sample(platform, sample)
    parsed = cedarpy.PolicySet.from_str(policies())
    nobody = cedarpy.Entities.from_json_str("[]")
    started = time.perf_counter()
    found = [cedarpy.is_authorized(each, parsed, nobody).allowed for each in requests]
    one = time.perf_counter() - started
    started = time.perf_counter()
    batch = cedarpy.is_authorized_batch(requests, parsed, nobody)
    together = time.perf_counter() - started
    started = time.perf_counter()
    plain = requests[::PLAIN]
    for each in plain:
        cedarpy.is_authorized(each, policies(), [])
    naive = time.perf_counter() - started
    assert [each.allowed for each in batch] == found
    differ = sum(a != b for a, b in zip(found, expected, strict=True))
    return {
        "requests": len(requests),
        "differ": differ,
        "a_second": len(requests) / one,
        "batch_a_second": len(requests) / together,
        "plain_a_second": len(plain) / naive,
    }


def _sample(platform: Platform, sample: int) -> tuple[list[dict[str, Any]], list[bool]]:
    """Draw documents by a fixed step, with what is known of their authors.

    Left out are authors who spoke of single categories: their state differs by it.
    """
    asked = question(ledger_size=platform.events)
    engine = opened(platform)
    step = max(platform.documents // sample, 1)
    documents = (
        f"SELECT * FROM (SELECT *, ROW_NUMBER() OVER () AS n FROM documents) "
        f"WHERE n % {step} = 0"
    )
    columns = ["document_id", "category", "created_at", "jurisdiction", "obstacle"]
    sets = range(len(asked.notice_sets))
    columns += ["own_no", "choice", "choice_word", *(f"told_{n}" for n in sets)]
    columns += [f"yes_{n}" for n in sets]
    rows = engine.execute(
        f"SELECT {', '.join(columns)} FROM ({documents}) AS d "
        f"JOIN ({people_sql(asked)}) AS p USING (subject_id) "
        f"WHERE NOT p.is_narrow LIMIT {sample}"
    ).fetchall()
    chosen = [dict(zip(columns, row, strict=True)) for row in rows]
    engine.register(
        "ids", pa.table({"document_id": [r["document_id"] for r in chosen]})
    )
    decided = engine.execute(
        f"SELECT document_id, reason FROM ({decision_sql(asked)}) "
        "WHERE document_id IN (SELECT document_id FROM ids)"
    ).fetchall()
    reasons = dict(decided)
    expected = [reasons[row["document_id"]] in PROVED for row in chosen]
    return [_request(row, len(asked.notice_sets)) for row in chosen], expected


def _request(row: dict[str, Any], sets: int) -> dict[str, Any]:
    context = {
        "category": row["category"],
        "created_at": row["created_at"],
        "place": row["jurisdiction"],
    }
    for name in ("obstacle", "own_no"):
        if row[name] is not None:
            context[name] = row[name]
    for n in range(sets):
        if row[f"told_{n}"] is not None:
            context[f"told_{n}"] = (NOW - row[f"told_{n}"]) // DAY
        if row["choice_word"] == 0 and row[f"yes_{n}"] == row["choice"]:
            context[f"yes_{n}"] = True
    return {
        "principal": 'Person::"author"',
        "action": 'Action::"train"',
        "resource": 'Document::"one"',
        "context": context,
    }
