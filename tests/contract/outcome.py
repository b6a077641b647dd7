"""What happened during a run."""

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
    """A command that repeats the first such request; empty if the check judged the run as a whole."""
    count: int = 1
    also: str = ""
    """The last message that was another one: two samples tell faults apart that look alike in one."""
    promises: set[str] = field(default_factory=set)
    """The pointers of those that it says to be broken; empty if it is about the run as a whole."""


@dataclass
class Outcome:
    """What happened during a run."""

    answers: Counter[str] = field(default_factory=Counter)
    """How often each kind of answer was seen."""
    checks: Counter[str] = field(default_factory=Counter)
    """How many answers each check judged."""
    classes: Counter[str] = field(default_factory=Counter)
    """How many answers were judged by any check of a class."""
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    unanswered: str = ""
    """A curl command for the first request that got no answer."""
    outage: str = ""
    """What Schemathesis said if the server went away for good."""
    errors: list[str] = field(default_factory=list)
    """Why Schemathesis could not do its work."""
    exit_code: int = 0
    times: Times = field(default_factory=Times)
    coverage: Coverage = field(default_factory=Coverage)
    began: float = 0.0
    """When, in seconds since 1970."""
    ended: float = 0.0
    # The rest is as run_state.py has it.
    sent: int = 0
    requests_by_operation: dict[str, int] = field(default_factory=dict)
    choices: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    not_sent: set[str] = field(default_factory=set)
    accepted_variants: dict[str, set[str]] = field(default_factory=dict)
    inconclusive: set[str] = field(default_factory=set)
    foreign: set[int] = field(default_factory=set)
    rows: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    wanted: tuple[set[str], ...] = ()
    """Of each set, one kind of answer must be seen."""
    ended_early: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether some kind of answer that every server must give was never seen."""
        seen = self.answers.keys()
        return not all(kinds & seen for kinds in self.wanted)

    @property
    def listed(self) -> list[Finding]:
        """Those first that can be repeated: what judges the run as a whole may just follow from them."""
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
