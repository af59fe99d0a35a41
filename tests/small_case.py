"""A toy case: three dates on the toy platform, the operator's way and Assent's."""

from pathlib import Path

from small_project import NOTICE, POLICY

CASE = """\
title = "A toy case"
repository_id = "none"
start = 2025-01-01T00:00:00Z
[labels]
purposes = ["train.generative.content"]
recipients = ["ourselves"]
categories = ["post", "comment", "private_message"]
[[publish]]
at = 2025-03-05T00:00:00Z
policies = ["toy.toml"]
[[suspend]]
order = "us-order"
regions = ["US"]
from = 2025-03-20T00:00:00Z
[[date]]
at = 2025-02-01T00:00:00Z
what = "before anybody was told"
[[date]]
at = 2025-03-10T00:00:00Z
what = "told"
[[date]]
at = 2025-03-21T00:00:00Z
what = "suspended"
"""

OPERATOR = """\
policy = "default-on"
controller = "Toy"
effective_from = 2025-01-01T00:00:00Z
notice = "notices/2025.en.md"
[[allow]]
name = "default-on"
regions = ["*"]
categories = ["post", "comment"]
purpose = "train.generative.content"
recipients = ["ourselves"]
basis = "unsafe_default_on"
"""


def write_case(folder: Path) -> Path:
    """Write the case and its policies; the path of the case."""
    for name, text in (
        ("case.toml", CASE),
        ("policies/toy.toml", POLICY),
        ("operator/default-on.toml", OPERATOR),
        ("notices/2025.en.md", NOTICE.decode()),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "case.toml"
