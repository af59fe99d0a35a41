"""What a check says about a policy file: findings, each with file and line."""

from dataclasses import dataclass
from enum import StrEnum

from assent.errors import PolicyError
from assent.policy.lines import Lines


class Severity(StrEnum):
    """How bad a finding is; only an error stands in the way of publishing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(StrEnum):
    """What a finding is about."""

    FORM = "form"  # a key, type or value that is not understood
    LABEL = "label"  # a name that nobody declared
    DEAD = "dead"  # what can never allow anything
    OVERLAP = "overlap"
    GAP = "gap"
    DATE = "date"


LABELS = frozenset(
    {"regions", "except_regions", "categories", "recipients", "purpose", "tiers"}
)
DATES = frozenset({"effective_from", "created_from", "created_until", "notice_days"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a policy file."""

    file: str
    line: int
    severity: Severity
    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's findings, as they come."""

    file: str
    lines: Lines
    found: list[Finding]

    def say(self, severity: Severity, kind: Kind, line: int, message: str) -> None:
        """Add a finding, unless it is there."""
        finding = Finding(self.file, line, severity, kind, message)
        if finding not in self.found:
            self.found.append(finding)

    def refuse(self, line: int, key: str, error: PolicyError) -> None:
        """Note what the reader refused."""
        kind = Kind.LABEL if key in LABELS else Kind.DATE if key in DATES else Kind.FORM
        hint = f" ({error.hint})" if error.hint else ""
        self.say(Severity.ERROR, kind, line, error.message + hint)
