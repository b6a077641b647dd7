"""Runs derived mutants: the contract run stops at the first violation."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from starlette.types import ASGIApp

from tests.contract.checks import CLASSES
from tests.contract.claims import ledger
from tests.contract.contract import contract
from tests.contract.outcome import Outcome
from tests.contract.run import run
from tests.contract.target import Target

from ..results import ASTRAY, EQUIVALENT, KILLED, SURVIVES, Result
from . import derived
from .base import BuiltMutant, DerivedMutant, Equivalent
from .baseline import Baseline
from .middleware import MutationMiddleware


@dataclass(frozen=True)
class Subject:
    """A correct server of the contract, which mutants are derived from."""

    running: Callable[[Callable[[ASGIApp], ASGIApp]], AbstractContextManager[str]]
    """Runs it with ASGI middleware; yields its address."""
    target: Callable[[str, Path], Target]
    """Returns the settings of its contract run, by address and report folder."""


@cache
def claiming_checks() -> dict[str, tuple[str, ...]]:
    """Return the checks of each promise, by its pointer."""
    return {line.promise.node.pointer: line.checks for line in ledger(contract().promised.document)}


class DerivedRunner:
    """Runs mutants one after the other in this process. The correct server runs until `cleanup` is closed."""

    def __init__(self, subject: Subject, cleanup: ExitStack) -> None:
        self.subject = subject
        address = cleanup.enter_context(subject.running(lambda app: app))
        self.baseline = Baseline(subject.target(address, Path()))

    def run_mutant(self, name: str) -> Result:
        mutant = derived()[name]
        promise, start = mutant.promises[0], time.monotonic()
        try:
            built = mutant.build(self.baseline)
        except Equivalent as reason:
            return Result(name, mutant.kind, promise, EQUIVALENT, why=str(reason))
        outcome = self.run(built, fail_fast=True)
        result = evaluate(mutant, built, outcome)
        if not result.is_right and result.found:
            # The first violation may be a side effect: run all checks.
            result = evaluate(mutant, built, self.run(built, fail_fast=False))
        return replace(result, seconds=time.monotonic() - start)

    def run(self, built: BuiltMutant, *, fail_fast: bool) -> Outcome:
        with (
            self.subject.running(middleware_for(built)) as address,
            tempfile.TemporaryDirectory() as folder,
        ):
            target = self.subject.target(address, Path(folder, "reports"))
            return run(replace(target, fail_fast=fail_fast, has_reports=False), Path(folder, "work"))


def middleware_for(built: BuiltMutant) -> Callable[[ASGIApp], ASGIApp]:
    """Return the middleware that turns a correct server into the mutant."""
    methods = built.methods.union(each.method for each in contract().operations)
    return lambda app: MutationMiddleware(app, built.mutation, methods)


def evaluate(mutant: DerivedMutant, built: BuiltMutant, outcome: Outcome) -> Result:
    """Return KILLED if checks of the promise failed, and others only as side effects."""
    promise = mutant.promises[0]
    found = frozenset(finding.check for finding in outcome.findings.values())
    claiming = frozenset(claiming_checks().get(promise, ()))
    if (outcome.errors or outcome.outage) and not found & claiming:
        why = " ".join([*outcome.errors, outcome.outage])
        return Result(mutant.name, mutant.kind, promise, ASTRAY, tuple(sorted(found)), why, outcome.sent)
    # Checks of the same class may fail as well.
    allowed = (
        claiming | built.also_failing | {check for each in CLASSES.values() if claiming & set(each) for check in each}
    )
    if not found:
        kind, why = SURVIVES, f"{', '.join(sorted(claiming)) or 'no check'} should"
    elif not found & claiming:
        kind, why = ASTRAY, f"{', '.join(sorted(claiming)) or 'a check of the promise'} should"
    elif found - allowed:
        kind, why = ASTRAY, f"{', '.join(sorted(found - allowed))} failed as well"
    else:
        kind, why = KILLED, ""
    return Result(mutant.name, mutant.kind, promise, kind, tuple(sorted(found)), why, outcome.sent)
