"""Anna, who leaves: her names, and a project with her in the place of u07."""

import pyarrow as pa
import pytest

import small_project

ANNA = "anna-who-leaves"
"""A name that no random bytes happen to hold."""
NAMED = f"Person Number{ANNA}"
MAIL = f"{ANNA}@people.example"


def with_anna(call):
    """Call with Anna among the people, in the place of u07, and quoted by u01."""
    whole = small_project.documents

    def documents():
        quoting = {
            "document_id": "u01-quoting",
            "subject_id": "u01",
            "category": "post",
            "created_at": small_project.START - 50 * small_project.DAY,
            "text": f"I thank {NAMED} and {MAIL}, and Person Numberu02, for the help",
            "in_reply_to": f"{ANNA}-0",
            "mentions": [ANNA, "u02"],
        }
        rows = [*whole().to_pylist(), quoting]
        return pa.Table.from_pylist(rows, schema=whole().schema)

    with pytest.MonkeyPatch.context() as patch:
        people = {
            ANNA if each == "u07" else each: country
            for each, country in small_project.COUNTRIES.items()
        }
        patch.setattr(small_project, "COUNTRIES", people)
        patch.setattr(small_project, "documents", documents)
        return call()
