"""One mutant under test."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.contract.embedded import seeded
from tests.contract.run import run
from tests.contract.target import Target
from tests.reference_server.app import ReferenceServer
from tests.reference_server.running import running

from .faults import ANSWER_WITHIN, Mutant, named

UNBROKEN = "unbroken"


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    name: str
    kind: str
    found: frozenset[str]
    expected: frozenset[str]
    seconds: float
    requests: int
    messages: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        return self.found == self.expected

    @property
    def verdict(self) -> str:
        found = ", ".join(sorted(self.found)) or ("passes" if not self.expected else "SURVIVES")
        return found if self.is_right else f"{found}; DECLARED: {', '.join(sorted(self.expected)) or 'none'}"


def mutant_or_unbroken(name: str) -> Mutant:
    """Raises LookupError, which says what to take instead."""
    return Mutant(UNBROKEN, "", ReferenceServer, frozenset()) if name == UNBROKEN else named(name)


def try_out(name: str) -> Trial:
    """Runs the contract run on the mutant of that name, or on the server as it is."""
    mutant = mutant_or_unbroken(name)
    with running(mutant.start()) as base_url, tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "reports")
        start = time.monotonic()
        target = replace(target_at(base_url, reports), thorough=mutant.is_thorough)
        outcome = run(target, Path(folder, "work"))
        seconds = time.monotonic() - start
    found = frozenset(finding.check for finding in outcome.findings.values())
    if outcome.errors or outcome.outage:
        found |= {"error: " + " ".join([*outcome.errors, outcome.outage])}
    messages = tuple(f"{finding.check}: {finding.message}" for finding in outcome.findings.values())
    return Trial(name, mutant.kind, found, mutant.killed_by, seconds, outcome.sent, messages)


def target_at(base_url: str, reports: Path) -> Target:
    """The reference server, or a mutant of it, as the contract run tests it by default."""
    return Target(
        base_url=base_url,
        is_deployment=False,
        max_examples=30,
        seed=0,
        rate_limit="20/s",
        report_dir=reports,
        answer_within=ANSWER_WITHIN,
        **seeded(),
    )
