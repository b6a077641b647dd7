"""Mutants under test, one at a time: those that are made by hand, and those that follow from the contract."""

from __future__ import annotations

import atexit
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp

from tests.contract.embedded import seed_settings
from tests.contract.run import run
from tests.contract.target import Target
from tests.reference_server.app import ReferenceServer
from tests.reference_server.uvicorn_server import running

from .derived import Equivalent, derived
from .derived.trial import Ground, Trials, layer
from .faults import ANSWER_WITHIN, MUTANTS, Mutant
from .results import ASTRAY, KILLED, SURVIVES, Result

UNBROKEN = "unbroken"


@dataclass(frozen=True)
class Trial:
    """What came of one made by hand, or of the server as it is."""

    name: str
    kind: str
    found: frozenset[str]
    expected: frozenset[str]
    seconds: float
    requests: int
    messages: tuple[str, ...]

    @property
    def result(self) -> Result:
        wanted = ", ".join(sorted(self.expected)) or "no check"
        outcome = KILLED if self.found == self.expected else ASTRAY if self.found else SURVIVES
        why = "" if outcome == KILLED else f"{wanted} should"
        found = tuple(sorted(self.found))
        return Result(self.name, self.kind, "", outcome, found, why, self.requests, self.seconds)


def named_or_unbroken(name: str) -> str:
    """Raises LookupError, which says what to take instead."""
    if name not in (UNBROKEN, *MUTANTS, *derived()):
        alike = ", ".join(get_close_matches(name, [*MUTANTS, *derived()], cutoff=0))
        raise LookupError(f"take one that `make mutants` prints, such as {alike}")
    return name


def try_out(name: str) -> Result:
    """Runs the contract run on the mutant of that name, or on the server as it is."""
    return try_derived(name) if name in derived() else try_by_hand(name).result


def try_by_hand(name: str) -> Trial:
    mutant = Mutant(UNBROKEN, "", ReferenceServer, frozenset()) if name == UNBROKEN else MUTANTS[name]
    with running(mutant.start()) as base_url, tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "reports")
        start = time.monotonic()
        target = replace(target_at(base_url, reports), thorough=mutant.is_thorough, has_reports=False)
        outcome = run(target, Path(folder, "work"))
        seconds = time.monotonic() - start
    found = frozenset(finding.check for finding in outcome.findings.values())
    if outcome.errors or outcome.outage:
        found |= {"error: " + " ".join([*outcome.errors, outcome.outage])}
    messages = tuple(f"{finding.check}: {finding.message}" for finding in outcome.findings.values())
    return Trial(name, mutant.kind, found, mutant.killed_by, seconds, outcome.sent, messages)


@cache
def trials() -> Trials:
    """Of this process: the correct server runs until it ends."""
    cleanup = ExitStack()
    atexit.register(cleanup.close)
    return Trials(REFERENCE, cleanup)


def try_derived(name: str) -> Result:
    return trials().try_out(name)


def served(name: str) -> tuple[ReferenceServer, Callable[[ASGIApp], ASGIApp]]:
    """A mutant to be looked at: a server, and what stands around its application.

    Raises LookupError, which says what to take instead.
    """
    if name in MUTANTS or named_or_unbroken(name) == UNBROKEN:
        return (MUTANTS[name].start() if name in MUTANTS else ReferenceServer()), lambda app: app
    try:
        return ReferenceServer(), layer(derived()[name].build(trials().world))
    except Equivalent as reason:
        raise LookupError(f"take another one, as this one breaks nothing: {reason}") from reason


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
        **seed_settings(),
    )


REFERENCE = Ground(lambda around: running(around=around), target_at)
