"""The pagers read every run exactly once while the list changes, on real databases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from ks_workflow_runs import AuthenticatedClient, aiter_workflow_runs, iter_workflow_runs
from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.churn import OF_DEFINITION
from tests.reference_server.database import Run
from tests.reference_server.uvicorn_server import running

pytestmark = pytest.mark.sampled(3)

DEFINITION_ID = UUID(seed.DEFINITION_ID)


def read(client: AuthenticatedClient, concurrency: int) -> list[UUID]:
    runs = iter_workflow_runs(client, DEFINITION_ID, page_size=10, concurrency=concurrency)
    return [run.id for run in runs]


def aread(client: AuthenticatedClient, concurrency: int) -> list[UUID]:
    async def scenario() -> list[UUID]:
        async with client:
            runs = aiter_workflow_runs(client, DEFINITION_ID, page_size=10, concurrency=concurrency)
            return [run.id async for run in runs]

    return asyncio.run(scenario())


class Changing(ReferenceServer):
    """Changes the list before each page, so that the speed of the machine does not matter. At times deletes three runs.

    Churn deletes single runs, mostly old ones: that seldom moves a reader by more than the overlap of one row.
    """

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url, runs=100)
        self.lock = threading.Lock()
        self.requests = 0

    def list_runs(self, request: Request) -> Response:
        with self.lock:
            self.requests += 1
            self.churn.change()
            if self.requests % 3 == 0:
                with Session(self.engine) as session, session.begin():
                    ended = select(Run).where(OF_DEFINITION, Run.completed_at.is_not(None))
                    for run in session.scalars(ended.order_by(Run.sequence.desc()).limit(3)):
                        session.delete(run)
        return super().list_runs(request)


def stored(server: ReferenceServer) -> list[UUID]:
    """Return the runs in the database, in the order of the list."""
    with Session(server.engine) as session:
        return list(session.scalars(select(Run.id).where(OF_DEFINITION).order_by(Run.sequence.desc())))


@pytest.mark.parametrize("pager", [read, aread])
@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_run_that_stays_is_read_once_under_churn(
    request: pytest.FixtureRequest, database: str, concurrency: int, pager: Callable[..., list[UUID]]
) -> None:
    url = request.getfixturevalue("new_postgresql")() if database == "postgresql" else "sqlite://"
    server = Changing(url)
    with running(server) as base_url, AuthenticatedClient(base_url, seed.TOKEN) as client:
        before = stored(server)
        runs = pager(client, concurrency)
        after = stored(server)
    assert set(before) - set(after) and set(after) - set(before)
    assert len(runs) == len(set(runs)), "a run was yielded twice"
    # Ids are never reused: a run that exists before and after has existed all the time.
    stayed = set(before) & set(after)
    assert [run for run in runs if run in stayed] == [run for run in before if run in stayed]
