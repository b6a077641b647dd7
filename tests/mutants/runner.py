"""Runs one mutant, handmade or derived, under the contract run."""

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
from .derived.runner import DerivedRunner, Subject, middleware_for
from .faults import ANSWER_WITHIN, MUTANTS, Mutant
from .results import ASTRAY, KILLED, SURVIVES, Result

UNBROKEN = "unbroken"


@dataclass(frozen=True)
class HandmadeRun:
    """The result for a handmade mutant, or for the unbroken server."""

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


def check_name(name: str) -> str:
    """Return the name. Raises LookupError, which names similar mutants, if there is no such mutant."""
    if name not in (UNBROKEN, *MUTANTS, *derived()):
        alike = ", ".join(get_close_matches(name, [*MUTANTS, *derived()], cutoff=0))
        raise LookupError(f"take one that `make mutants` prints, such as {alike}")
    return name


def run_mutant(name: str) -> Result:
    """Test the mutant of that name, or the unbroken server."""
    return run_derived(name) if name in derived() else run_handmade(name).result


def run_handmade(name: str) -> HandmadeRun:
    mutant = Mutant(UNBROKEN, "", ReferenceServer, frozenset()) if name == UNBROKEN else MUTANTS[name]
    with running(mutant.start(), around=mutant.middleware) as base_url, tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "reports")
        start = time.monotonic()
        target = replace(target_at(base_url, reports), thorough=mutant.is_thorough, has_reports=False)
        outcome = run(target, Path(folder, "work"))
        seconds = time.monotonic() - start
    found = frozenset(finding.check for finding in outcome.findings.values())
    if outcome.errors or outcome.outage:
        found |= {"error: " + " ".join([*outcome.errors, outcome.outage])}
    messages = tuple(f"{finding.check}: {finding.message}" for finding in outcome.findings.values())
    return HandmadeRun(name, mutant.kind, found, mutant.killed_by, seconds, outcome.sent, messages)


@cache
def derived_runner() -> DerivedRunner:
    """Return the runner of this process. Its correct server runs until the process ends."""
    cleanup = ExitStack()
    atexit.register(cleanup.close)
    return DerivedRunner(REFERENCE, cleanup)


def run_derived(name: str) -> Result:
    return derived_runner().run_mutant(name)


def server_for(name: str) -> tuple[ReferenceServer, Callable[[ASGIApp], ASGIApp]]:
    """Return the server of a mutant, and its middleware, to be served by hand.

    Raises LookupError if there is no such mutant, or if it is equivalent.
    """
    if name in MUTANTS:
        return MUTANTS[name].start(), MUTANTS[name].middleware
    if check_name(name) == UNBROKEN:
        return ReferenceServer(), lambda app: app
    try:
        return ReferenceServer(), middleware_for(derived()[name].build(derived_runner().baseline))
    except Equivalent as reason:
        raise LookupError(f"take another one, this one is equivalent: {reason}") from reason


def target_at(base_url: str, reports: Path) -> Target:
    """Return the settings for the reference server, or a mutant of it."""
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


REFERENCE = Subject(lambda around: running(around=around), target_at)
