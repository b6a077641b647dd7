"""The pagers, end to end on the reference server, whose list changes while it is read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from ks_workflow_runs import (
    AuthenticatedClient,
    aiter_pages,
    aiter_workflow_runs,
    errors,
    iter_pages,
    iter_workflow_runs,
)
from ks_workflow_runs.models import WorkflowRunResponse
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run
from tests.reference_server.running import running

DEFINITION_ID = UUID(seed.DEFINITION_ID)
Read = Callable[..., list[WorkflowRunResponse]]


def _read(client: AuthenticatedClient, **arguments: Any) -> list[WorkflowRunResponse]:
    return list(iter_workflow_runs(client, seed.DEFINITION_ID, **arguments))


def _aread(client: AuthenticatedClient, **arguments: Any) -> list[WorkflowRunResponse]:
    async def scenario() -> list[WorkflowRunResponse]:
        async with client:
            return [run async for run in aiter_workflow_runs(client, seed.DEFINITION_ID, **arguments)]

    return asyncio.run(scenario())


@pytest.fixture(params=[_read, _aread], ids=["iter", "aiter"])
def read(request: pytest.FixtureRequest) -> Read:
    """Both pagers, as a function that returns all runs."""
    reader: Read = request.param
    return reader


@pytest.fixture
def client(reference_url: str) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(reference_url, seed.TOKEN) as client:
        yield client


@pytest.mark.parametrize("page_size", [2, 10, 100])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_every_run_once_in_the_order_of_the_list(
    read: Read, client: AuthenticatedClient, page_size: int, concurrency: int
) -> None:
    runs = read(client, page_size=page_size, concurrency=concurrency)
    assert len(runs) == len({run.id for run in runs}) == 137
    assert [run.id for run in runs] == [run.id for run in _read(client)]


@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [
        *((None, 0, 137), (0, 0, 0), (1, 0, 1), (5, 3, 5), (137, 0, 137), (500, 0, 137), (None, 130, 7), (20, 136, 1)),
        *((None, 137, 0), (5, 2**70, 0)),
    ],
)
def test_a_part_of_the_list(
    read: Read, client: AuthenticatedClient, limit: int | None, offset: int, expected: int
) -> None:
    everything = [run.id for run in _read(client)]
    runs = [run.id for run in read(client, limit=limit, offset=offset)]
    assert runs == everything[offset : offset + expected] and len(runs) == expected


def test_progress_knows_the_total(read: Read, client: AuthenticatedClient) -> None:
    seen: list[tuple[int, int]] = []
    read(client, page_size=50, progress=lambda count, total: seen.append((count, total)))
    assert seen == [(50, 137), (99, 137), (137, 137)]


def test_pages(client: AuthenticatedClient) -> None:
    pages = list(iter_pages(client, seed.DEFINITION_ID, page_size=50))
    assert [len(page.runs) for page in pages] == [50, 49, 38]
    assert [page.read for page in pages] == [50, 99, 137] and {page.total for page in pages} == {137}

    async def scenario() -> list[int]:
        async with client:
            return [len(page.runs) async for page in aiter_pages(client, seed.DEFINITION_ID, page_size=50)]

    assert asyncio.run(scenario()) == [50, 49, 38]


def test_an_empty_list_has_no_pages(client: AuthenticatedClient) -> None:
    assert list(iter_pages(client, seed.EMPTY_DEFINITION_ID)) == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_refusal_comes_through(read: Read, reference_url: str, concurrency: int) -> None:
    with AuthenticatedClient(reference_url, "wrong") as client, pytest.raises(errors.AuthenticationError):
        read(client, concurrency=concurrency)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_leaving_early_leaves_nothing_open(reference_url: str, concurrency: int) -> None:
    """Warnings are errors here, so a connection that is left open fails the test."""
    with AuthenticatedClient(reference_url, seed.TOKEN) as client:
        for run in iter_workflow_runs(client, seed.DEFINITION_ID, page_size=10, concurrency=concurrency):
            assert run.id
            break

    async def scenario() -> None:
        async with client:
            pages = aiter_pages(client, seed.DEFINITION_ID, page_size=10, concurrency=concurrency)
            async for page in pages:
                assert page.runs
                break
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


class Moving(ReferenceServer):
    """Keeps its list in memory, and changes it before each page: in front, in the middle and at the end by turns."""

    def __init__(self) -> None:
        super().__init__()
        everything = Parameters(DEFINITION_ID, limit=1000, offset=0)
        with Session(self.engine, expire_on_commit=False) as session:
            self.runs = list(super().load_page(session, everything)[1])
        self.before = [run.id for run in self.runs]
        self.deleted: set[UUID] = set()
        self.added = self.requests = 0
        self.lock = threading.Lock()

    def load_page(self, session: Session, parameters: Parameters) -> tuple[int, Sequence[Run]]:
        with self.lock:
            self.requests += 1
            # It comes to rest in the end: whoever deletes faster than anybody can read is another test's business.
            if self.requests <= 40:
                self.change()
            return len(self.runs), self.runs[parameters.offset : parameters.offset + parameters.limit]

    def change(self) -> None:
        place = (0, len(self.runs) // 2, len(self.runs) - 4)[self.requests % 3]
        if self.requests % 4 < 2:
            self.deleted.update(run.id for run in self.runs[place : place + 3])
            del self.runs[place : place + 3]
        else:
            self.runs[place:place] = [self.new_run() for _ in range(3)]

    def new_run(self) -> Run:
        self.added += 1
        columns = {attribute.key: getattr(self.runs[0], attribute.key) for attribute in Run.__mapper__.column_attrs}
        return Run(**{**columns, "id": UUID(int=self.added)})


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("page_size", [5, 20])
def test_every_run_that_stays_is_read_once_while_the_list_changes(read: Read, page_size: int, concurrency: int) -> None:
    server = Moving()
    with running(server) as url, AuthenticatedClient(url, seed.TOKEN) as client:
        runs = [run.id for run in read(client, page_size=page_size, concurrency=concurrency)]
    assert server.deleted and server.added and server.requests > 5
    persistent = [run for run in server.before if run not in server.deleted]
    assert len(runs) == len(set(runs))
    assert [run for run in runs if run in set(persistent)] == persistent
