"""Assent: train generative models only on what people agreed to, and prove it.

ledger | policy -> decide -> corpus -> train -> forget -> prove -> report
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assent.project import Project

__version__ = "0.1.0"
__all__ = ["Project", "__version__"]


def __getattr__(name: str) -> Any:
    """Load `Project` when it is first asked for: an auditor never loads a database."""
    if name == "Project":
        from assent.project import Project

        return Project
    raise AttributeError(f"module 'assent' has no attribute {name!r}")
