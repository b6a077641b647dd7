"""The pagers, end to end on the reference server, while the list changes."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, nullcontext, suppress
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.orm import Session

from ks_workflow_runs import (
    AuthenticatedClient,
    Retry,
    aiter_pages,
    aiter_workflow_runs,
    errors,
    iter_pages,
    iter_workflow_runs,
)
from ks_workflow_runs.api.workflow_definitions.list_workflow_runs import build_call
from ks_workflow_runs.models import WorkflowRunResponse
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run
from tests.reference_server.uvicorn_server import running

pytestmark = pytest.mark.sampled(6)

DEFINITION_ID = UUID(seed.DEFINITION_ID)
Read = Callable[..., list[WorkflowRunResponse]]


def _read(client: AuthenticatedClient, **arguments: Any) -> list[WorkflowRunResponse]:
    return list(iter_workflow_runs(client, seed.DEFINITION_ID, **arguments))


def _aread(client: AuthenticatedClient, **arguments: Any) -> list[WorkflowRunResponse]:
    async def scenario() -> list[WorkflowRunResponse]:
        async with client:
            return [run async for run in aiter_workflow_runs(client, seed.DEFINITION_ID, **arguments)]

    return asyncio.run(scenario())


@pytest.mark.parametrize("pager", [iter_pages, iter_workflow_runs, aiter_pages, aiter_workflow_runs])
def test_pagers_take_every_query_parameter_of_the_operation(pager: Callable[..., Any]) -> None:
    """Except credentials, which the client has."""
    credentials = {"authorization", "ks_uat"}
    of_a_page, of_the_pager = (set(inspect.signature(each).parameters) for each in (build_call, pager))
    assert of_a_page - credentials - {"limit"} <= of_the_pager


@pytest.fixture(params=[_read, _aread], ids=["iter", "aiter"])
def read(request: pytest.FixtureRequest) -> Read:
    """Each pager, as a function that returns all runs."""
    reader: Read = request.param
    return reader


@pytest.fixture
def client(reference_url: str) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(reference_url, seed.TOKEN) as client:
        yield client


@pytest.mark.parametrize("page_size", [2, 10, 100])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_every_run_is_yielded_once_in_the_order_of_the_list(
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
def test_limit_and_offset_select_a_part_of_the_list(
    read: Read, client: AuthenticatedClient, limit: int | None, offset: int, expected: int
) -> None:
    everything = [run.id for run in _read(client)]
    runs = [run.id for run in read(client, limit=limit, offset=offset)]
    assert runs == everything[offset : offset + expected] and len(runs) == expected


def test_progress_gets_count_and_total(read: Read, client: AuthenticatedClient) -> None:
    seen: list[tuple[int, int]] = []
    read(client, page_size=50, progress=lambda count, total: seen.append((count, total)))
    assert seen == [(50, 137), (99, 137), (137, 137)]


def test_pages_have_items_count_and_total(client: AuthenticatedClient) -> None:
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
def test_an_error_status_is_raised(read: Read, reference_url: str, concurrency: int) -> None:
    with AuthenticatedClient(reference_url, "wrong") as client, pytest.raises(errors.AuthenticationError):
        read(client, concurrency=concurrency)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("way", ["break", "exception", "close", "limit"])
def test_leaving_early_frees_connections_and_threads(reference_url: str, way: str, concurrency: int) -> None:
    with AuthenticatedClient(reference_url, seed.TOKEN, **as_many_connections_as(concurrency)) as client:
        runs = iter_workflow_runs(
            client, DEFINITION_ID, page_size=10, concurrency=concurrency, limit=35 if way == "limit" else None
        )
        with suppress(LookupError):
            for number, _ in enumerate(runs, 1):
                if number == 35 and way == "break":
                    break
                if number == 35 and way == "exception":
                    raise LookupError
                if number == 35 and way == "close":
                    runs.close()
        assert number == 35
        del runs
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("ks_workflow_runs")]
        assert len(_read(client, concurrency=concurrency)) == 137
    # Open connections warn when they are collected, and warnings are errors here.
    gc.collect()


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("way", ["break", "exception", "aclosing", "limit", "cancel"])
def test_leaving_early_under_asyncio_frees_connections_and_tasks(
    reference_url: str, way: str, concurrency: int
) -> None:
    client = AuthenticatedClient(reference_url, seed.TOKEN, **as_many_connections_as(concurrency))

    async def leave() -> None:
        runs = aiter_workflow_runs(
            client, DEFINITION_ID, page_size=10, concurrency=concurrency, limit=35 if way == "limit" else None
        )
        async with aclosing(runs) if way == "aclosing" else nullcontext():
            number = 0
            async for _ in runs:
                number += 1
                if number == 35 and way in ("break", "aclosing"):
                    break
                if number == 35 and way == "exception":
                    raise LookupError
                if number == 35 and way == "cancel":
                    task = asyncio.current_task()
                    assert task
                    task.cancel()
            assert number == 35

    async def scenario() -> None:
        async with client:
            with suppress(LookupError, asyncio.CancelledError):
                await asyncio.create_task(leave())
            left = asyncio.all_tasks() - {asyncio.current_task()}
            # If the iterator was not closed, asyncio closes it now. Otherwise no task is left.
            assert not left or way in ("break", "exception")
            await asyncio.gather(*left, return_exceptions=True)
            runs = aiter_workflow_runs(client, DEFINITION_ID, concurrency=concurrency)
            assert len([run async for run in runs]) == 137
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())
    gc.collect()


def as_many_connections_as(concurrency: int) -> dict[str, Any]:
    """Return arguments of a client that has no connection to spare: one that is not returned is missing."""
    return {
        "httpx_args": {"limits": httpx2.Limits(max_connections=concurrency)},
        "timeout": httpx2.Timeout(30, pool=5),
        "retry": Retry(max_retries=0),
    }


class Moving(ReferenceServer):
    """Keeps its list in memory, and changes it before each page: at the start, in the middle and at the end in turn."""

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
            # The changes end at some time. Another test has a list that changes too fast.
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
