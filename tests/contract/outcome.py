"""The result of a run."""

from collections import Counter
from dataclasses import dataclass, field

from .coverage import Coverage
from .slow_requests import Times


@dataclass
class Finding:
    """One way in which a check failed."""

    check: str
    message: str
    curl: str = ""
    """A curl command for the first such request; empty if the check judged the whole run."""
    count: int = 1
    also: str = ""
    """The last different message: two samples distinguish faults that look alike in one."""
    promises: set[str] = field(default_factory=set)
    """Pointers of the broken promises; empty if the check judged the whole run."""


@dataclass
class Outcome:
    """The result of a run."""

    answers: Counter[str] = field(default_factory=Counter)
    """Responses of each kind."""
    checks: Counter[str] = field(default_factory=Counter)
    """Responses that each check judged."""
    classes: Counter[str] = field(default_factory=Counter)
    """Responses that any check of a class judged."""
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    unanswered: str = ""
    """A curl command for the first request without a response."""
    outage: str = ""
    """Schemathesis's message if the server went away for good."""
    errors: list[str] = field(default_factory=list)
    """Errors of Schemathesis."""
    exit_code: int = 0
    times: Times = field(default_factory=Times)
    coverage: Coverage = field(default_factory=Coverage)
    began: float = 0.0
    """In seconds since 1970."""
    ended: float = 0.0
    # The other fields are those of run_state.py.
    sent: int = 0
    requests_by_operation: dict[str, int] = field(default_factory=dict)
    choices: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    not_sent: set[str] = field(default_factory=set)
    accepted_variants: dict[str, set[str]] = field(default_factory=dict)
    inconclusive: set[str] = field(default_factory=set)
    foreign_statuses: set[int] = field(default_factory=set)
    rows: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    required: tuple[set[str], ...] = ()
    """Sets of kinds of responses: one of each set must be seen."""
    ended_early: str = ""

    @property
    def is_empty(self) -> bool:
        """True if a kind of response that every server must give was not seen."""
        seen = self.answers.keys()
        return not all(kinds & seen for kinds in self.required)

    @property
    def listed(self) -> list[Finding]:
        """The findings. Repeatable ones come first: those about the whole run may follow from them."""
        return sorted(self.findings.values(), key=lambda finding: (not finding.curl, finding.check))

    def add(self, key: tuple[str, str], finding: Finding) -> None:
        if key in self.findings:
            known = self.findings[key]
            known.count += 1
            known.promises |= finding.promises
            if finding.message != known.message:
                known.also = finding.message
        else:
            self.findings[key] = finding
