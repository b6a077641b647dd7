"""The contract run passes on the kit's server, also while its list changes."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from ks_workflow_runs.testing import FakeServer
from tests.contract.outcome import Outcome
from tests.contract.run import run
from tests.mutants.derived.runner import DerivedRunner
from tests.mutants.results import KILLED
from tests.reference_server import seed
from tests.testing_kit import bridge
from tests.testing_kit.ground import GROUND, filled, target_of


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Restore the environment: the contract run puts credentials there, which the client would read."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def outcome(server: FakeServer, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Outcome:
    with bridge.running(server, around) as address, tempfile.TemporaryDirectory() as folder:
        return run(target_of(server, address, Path(folder, "reports")), Path(folder, "work"))


def test_the_kit_conforms() -> None:
    found = outcome(filled())
    assert [finding.message for finding in found.findings.values()] == []
    assert (found.errors, found.outage, found.exit_code) == ([], "", 0)


@pytest.mark.full
def test_the_kit_conforms_while_it_changes() -> None:
    server, chance = filled(), random.Random(0)
    moves = dict.fromkeys(("invoke", "complete", "fail", "delete"), 0)

    def move() -> None:
        runs = server.runs(seed.DEFINITION_ID)
        name = chance.choice([*moves])
        run_state = [each for each in runs if each.completed_at is None]
        if name == "invoke":
            server.invoke(seed.DEFINITION_ID)
        elif name == "delete" and len(runs) > 100:
            server.delete_run(chance.choice(runs))
        elif name in ("complete", "fail") and run_state:
            getattr(server, name)(chance.choice(run_state))
        moves[name] += 1
        server.advance(1)

    def around(app: ASGIApp) -> ASGIApp:
        async def moved(scope: Scope, receive: Receive, send: Send) -> None:
            if chance.random() < 0.5:
                move()
            await app(scope, receive, send)

        return moved

    found = outcome(server, around)
    assert [finding.message for finding in found.findings.values()] == []
    assert (found.errors, found.outage) == ([], "")
    assert all(count > 10 for count in moves.values())


@pytest.fixture(scope="module")
def trials() -> Iterator[DerivedRunner]:
    with ExitStack() as cleanup:
        yield DerivedRunner(GROUND, cleanup)


@pytest.mark.sampled(1)
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "name",
    [
        "list_workflow_runs.order:reversed_order@largest_limit",
        "list_workflow_runs.200.times_in_order.started_at:later@one_row",
        "list_workflow_runs!credentials.existence:judged_late@everywhere",
    ],
)
def test_mutants_of_the_kit_are_killed(trials: DerivedRunner, name: str) -> None:
    result = trials.run_mutant(name)
    assert result.outcome == KILLED, result
