"""The real policies that were in force on 12 December 2025, as one question."""

from dataclasses import replace
from functools import cache

import duckdb
from decide_data import Platform
from decide_labels import CASE, NOW, OTHER_PURPOSE, PURPOSE, RECIPIENT

from assent.decide import ask
from assent.engine.duckdb import FLAT, MEMORY_LIMIT
from assent.engine.question import Question
from assent.policy.model import in_force
from assent.report.case import Case, load_case


@cache
def case() -> Case:
    """Read the case once."""
    return load_case(CASE)


def question(as_of: int = NOW, ledger_size: int = 2**62) -> Question:
    """Ask what one recipient may train on, as of an instant and a ledger size."""
    # Some people speak of another purpose, which the platform declares too.
    purposes = case().declared.purposes | {OTHER_PURPOSE}
    return ask(
        in_force(case().assent, as_of),
        case().suspensions(as_of),
        replace(case().declared, purposes=purposes),
        PURPOSE,
        [RECIPIENT],
        as_of,
        ledger_size,
    )


def raw() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB with the settings of the engine."""
    config = {"preserve_insertion_order": "false", "memory_limit": MEMORY_LIMIT}
    return duckdb.connect(config=config)


def opened(platform: Platform) -> duckdb.DuckDBPyConnection:
    """Open it over a platform's tables, under the names that the query reads."""
    engine = raw()
    for name in ("documents", "subjects", "events"):
        engine.read_parquet(str(platform.path(name))).create_view(name)
    for name, flat in FLAT.items():
        engine.execute(f"CREATE VIEW {name} AS {flat}")
    return engine
