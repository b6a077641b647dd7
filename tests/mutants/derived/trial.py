"""One derived mutant under test: a contract run that ends with the first answer that shows it."""

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
from .exchange import Changed
from .making import Built, Derived, Equivalent
from .world import World


@dataclass(frozen=True)
class Ground:
    """What mutants are made on: a correct server of the contract."""

    running: Callable[[Callable[[ASGIApp], ASGIApp]], AbstractContextManager[str]]
    """Runs it, with a layer around its application; gives its address."""
    target: Callable[[str, Path], Target]
    """The contract run of it, by address and report folder."""


@cache
def claims() -> dict[str, tuple[str, ...]]:
    """The checks that judge each promise, by its pointer."""
    return {line.promise.node.pointer: line.checks for line in ledger(contract().promised.document)}


class Trials:
    """Tries mutants out, one after the other, in one process; the correct server runs for as long as it is open."""

    def __init__(self, ground: Ground, cleanup: ExitStack) -> None:
        self.ground = ground
        address = cleanup.enter_context(ground.running(lambda app: app))
        self.world = World(ground.target(address, Path()))

    def try_out(self, name: str) -> Result:
        mutant = derived()[name]
        promise, start = mutant.promises[0], time.monotonic()
        try:
            built = mutant.build(self.world)
        except Equivalent as reason:
            return Result(name, mutant.kind, promise, EQUIVALENT, why=str(reason))
        outcome = self.run(built, fail_fast=True)
        result = judged(mutant, built, outcome)
        if not result.is_right and result.found:
            # What shows first need not be what it is about.
            result = judged(mutant, built, self.run(built, fail_fast=False))
        return replace(result, seconds=time.monotonic() - start)

    def run(self, built: Built, *, fail_fast: bool) -> Outcome:
        with (
            self.ground.running(layer(built)) as address,
            tempfile.TemporaryDirectory() as folder,
        ):
            target = self.ground.target(address, Path(folder, "reports"))
            return run(replace(target, fail_fast=fail_fast, has_reports=False), Path(folder, "work"))


def layer(built: Built) -> Callable[[ASGIApp], ASGIApp]:
    """What stands around the application of a correct server."""
    methods = built.methods.union(each.method for each in contract().operations)
    return lambda app: Changed(app, built.change, methods)


def judged(mutant: Derived, built: Built, outcome: Outcome) -> Result:
    """Whether those checks found it that claim the promise, and no others but for a reason."""
    promise = mutant.promises[0]
    found = frozenset(finding.check for finding in outcome.findings.values())
    claiming = frozenset(claims().get(promise, ()))
    if (outcome.errors or outcome.outage) and not found & claiming:
        why = " ".join([*outcome.errors, outcome.outage])
        return Result(mutant.name, mutant.kind, promise, ASTRAY, tuple(sorted(found)), why, outcome.sent)
    # A fault of one kind may show in several ways.
    near = claiming | built.also | {check for each in CLASSES.values() if claiming & set(each) for check in each}
    if not found:
        kind, why = SURVIVES, f"nothing was found; {', '.join(sorted(claiming)) or 'no check'} should"
    elif not found & claiming:
        kind, why = ASTRAY, f"not found by {', '.join(sorted(claiming)) or 'a check that claims the promise'}"
    elif found - near:
        kind, why = ASTRAY, f"blames {', '.join(sorted(found - near))} as well"
    else:
        kind, why = KILLED, ""
    return Result(mutant.name, mutant.kind, promise, kind, tuple(sorted(found)), why, outcome.sent)
