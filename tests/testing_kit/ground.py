"""The testing kit's server as the target of contract runs and of mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from ks_workflow_runs.testing import FakeServer
from tests.contract.target import Target
from tests.mutants.derived.runner import Subject
from tests.mutants.runner import target_at
from tests.reference_server import seed
from tests.testing_kit import bridge

RUNS = 137


def filled() -> FakeServer:
    """Return a server with the data that a run of all checks needs."""
    server = FakeServer()
    server.add_definition(seed.DEFINITION_ID)
    server.add_runs(seed.DEFINITION_ID, RUNS)
    server.add_definition(seed.EMPTY_DEFINITION_ID)
    forbidden = server.add_definition(seed.FORBIDDEN_DEFINITION_ID)
    server.add_runs(forbidden, 3)
    server.forbid(forbidden)
    return server


def target_of(server: FakeServer, base_url: str, reports: Path) -> Target:
    # The ids are those of the reference server.
    secrets = dict.fromkeys(("TOKEN", "KS_UAT"), server.token)
    return replace(target_at(base_url, reports), has_reports=False, secrets=secrets, totals={}, max_examples=5)


@contextmanager
def _running(around: Callable[[ASGIApp], ASGIApp]) -> Iterator[str]:
    server = filled()
    with bridge.running(server, around) as address:
        _SERVERS[address] = server
        yield address


_SERVERS: dict[str, FakeServer] = {}

GROUND = Subject(_running, lambda address, reports: target_of(_SERVERS[address], address, reports))
