"""A page that does not match the request or itself is an error. Other pages are accepted, however the server works."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from ks_workflow_runs import Client, Retry, aiter_workflow_runs, errors, iter_workflow_runs
from tests.client.calls import CALLS
from tests.client.pages import PAGE
from tests.client.stub_server import StubServer
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(10)

OTHER = "b3d94a17-25fe-4c61-8d0a-7e5c90f2613b"


def run(number: int) -> dict[str, Any]:
    return {**copy.deepcopy(PAGE["items"][0]), "id": str(UUID(int=number))}


def page_of(runs: list[dict[str, Any]], limit: int, offset: int, total: int | None = None) -> dict[str, Any]:
    total = len(runs) if total is None else total
    return {"items": runs[offset : offset + limit], "total": total, "limit": limit, "offset": offset}


RUNS = [run(number) for number in range(1, 301)]


def cached(limit: int, offset: int) -> dict[str, Any]:
    """A page of a cache that ignores the query: always the same."""
    return page_of(RUNS, 100, 0)


def foreign(limit: int, offset: int) -> dict[str, Any]:
    page = page_of(RUNS, limit, offset)
    return {**page, "items": [*page["items"][:-1], {**page["items"][-1], "workflow_definition_id": OTHER}]}


# The page of a server for limit and offset, the field in the error, and the number of requests.
WRONG_PAGES: dict[str, tuple[Callable[[int, int], dict[str, Any]], str, int]] = {
    "a cache without the query": (cached, "limit|offset", 1),
    "another limit": (lambda limit, offset: {**page_of(RUNS, limit, offset), "limit": limit + 1}, "limit: must be", 1),
    "another offset": (lambda limit, offset: {**page_of(RUNS, limit, offset), "offset": 7}, "offset: must be", 1),
    "a run of another definition": (foreign, r"items\.\d+\.workflow_definition_id: must be 6f1c", 1),
    "all runs of another definition": (
        lambda limit, offset: page_of([{**each, "workflow_definition_id": OTHER} for each in RUNS], limit, offset),
        r"items\.0\.workflow_definition_id",
        1,
    ),
    "more items than asked for": (
        lambda limit, offset: {**page_of(RUNS, limit + 5, offset), "limit": limit},
        "items: must be at most",
        1,
    ),
    "one run twice": (lambda limit, offset: page_of([run(1), *RUNS], limit, offset), r"items\.1\.id: must be", 1),
    "no total": (lambda limit, offset: page_of(RUNS, limit, offset, total=0), "total: must be at least", 2),
    "a total below the offset": (lambda limit, offset: page_of(RUNS, limit, offset, total=1), "total: must be", 2),
    "no items": (lambda limit, offset: page_of([], limit, offset, total=300), r"items: must be \d+, .*got 0", 2),
}


def collected(server: StubServer, way: str, concurrency: int, **arguments: Any) -> list[UUID]:
    with Client(server.url, retry=Retry(backoff=0.0)) as client:
        if way == "iter":
            return [
                run.id for run in iter_workflow_runs(client, seed.DEFINITION_ID, concurrency=concurrency, **arguments)
            ]

        async def scenario() -> list[UUID]:
            async with client:
                runs = aiter_workflow_runs(client, seed.DEFINITION_ID, concurrency=concurrency, **arguments)
                return [run.id async for run in runs]

        return asyncio.run(scenario())


WAYS = [(way, concurrency) for way in ("iter", "aiter") for concurrency in (1, 8)]


@pytest.mark.parametrize("name", WRONG_PAGES)
@pytest.mark.parametrize(("way", "concurrency"), WAYS)
def test_an_iterator_raises_for_a_page_that_does_not_match_the_request(
    server: StubServer, way: str, concurrency: int, name: str
) -> None:
    server.answer, field, requests = WRONG_PAGES[name]
    with pytest.raises(errors.PageError, match=field) as raised:
        collected(server, way, concurrency, page_size=50)
    assert raised.value.faults and isinstance(raised.value, errors.DecodingError)
    assert concurrency > 1 or len(server.requests) <= requests + (name == "a cache without the query")


@pytest.mark.parametrize("name", WRONG_PAGES)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_raises_for_a_page_that_does_not_match_the_request(server: StubServer, call: str, name: str) -> None:
    server.answer, field, requests = WRONG_PAGES[name]
    retry = Retry(backoff=0.0)
    with Client(server.url, retry=retry) as client, pytest.raises(errors.PageError, match=field):
        CALLS[call](seed.DEFINITION_ID, client=client, limit=50, offset=100 if "offset" in name else 0)
    assert len(server.requests) == requests


@pytest.mark.parametrize("call", CALLS)
def test_a_call_raises_for_a_page_with_too_few_items(server: StubServer, call: str) -> None:
    server.answer = lambda limit, offset: {**page_of(RUNS, limit - 20, offset), "limit": limit}
    with Client(server.url, retry=Retry(backoff=0.0)) as client:
        with pytest.raises(errors.PageError, match=r"items: must be 50, by limit, offset and total \(got 30\)"):
            CALLS[call](seed.DEFINITION_ID, client=client, limit=50)
        # Without retries, it is requested only once.
        del server.requests[:]
        client.retry = Retry(max_retries=0)
        with pytest.raises(errors.PageError):
            CALLS[call](seed.DEFINITION_ID, client=client, limit=50)
    assert len(server.requests) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_definition_id_in_capitals_is_accepted(server: StubServer, call: str) -> None:
    server.answer = lambda limit, offset: page_of(RUNS, limit, offset)
    with Client(server.url) as client:
        assert len(CALLS[call](seed.DEFINITION_ID.upper(), client=client, offset=290).items) == 10


def test_parameters_that_were_not_sent_are_not_checked(server: StubServer) -> None:
    server.answer = lambda limit, offset: page_of(RUNS, 50, 0)
    with Client(server.url) as client:
        assert CALLS["sync"](seed.DEFINITION_ID, client=client, limit=None, offset=None).limit == 50


@pytest.mark.parametrize(("way", "concurrency"), WAYS)
@pytest.mark.parametrize("name", ["one page for ever", "endless"])
def test_an_endless_list_is_an_error(server: StubServer, way: str, concurrency: int, name: str) -> None:
    def answer(limit: int, offset: int) -> dict[str, Any]:
        # A hundred pages without new items, and some requested ahead. Later ones cause another error.
        if len(server.requests) > 150:
            return {}
        start = 0 if name == "one page for ever" else min(offset, 5)
        return {**page_of(RUNS, limit, start, total=10**30), "offset": offset}

    server.answer = answer
    with pytest.raises(errors.ListChangedError):
        collected(server, way, concurrency, page_size=10)


class Churning:
    """A list that changes between COUNT and SELECT of the server."""

    def __init__(self, change: Callable[[Churning], None]) -> None:
        self.runs = [run(number) for number in range(1, 101)]
        self.before = [each["id"] for each in self.runs]
        self.deleted: set[str] = set()
        self.change = change
        self.number = 1000
        self.lock = threading.Lock()

    def __call__(self, limit: int, offset: int) -> dict[str, Any]:
        with self.lock:
            total = len(self.runs)
            # The changes end at some time.
            if self.number < 1060 and len(self.deleted) < 60:
                self.change(self)
            return page_of(self.runs, limit, offset, total)

    def insert(self, place: int, count: int = 1) -> None:
        for _ in range(count):
            self.number += 1
            self.runs.insert(place, run(self.number))

    def delete(self, place: int, count: int = 1) -> None:
        self.deleted.update(each["id"] for each in self.runs[place : place + count])
        del self.runs[place : place + count]


def in_turn(churning: Churning) -> Iterator[None]:
    while True:
        churning.insert(0, 3)
        yield
        churning.delete(len(churning.runs) - 2, 1)
        yield
        churning.delete(1, 2)
        yield
        churning.insert(len(churning.runs))
        yield


def _in_turn() -> Callable[[Churning], None]:
    iterators: list[Iterator[None]] = []

    def change(churning: Churning) -> None:
        iterators[:] = iterators or [in_turn(churning)]
        next(iterators[0])

    return change


CHANGES: dict[str, Callable[[], Callable[[Churning], None]]] = {
    "a run in front": lambda: lambda churning: churning.insert(0),
    "runs in front": lambda: lambda churning: churning.insert(0, 7),
    "a run at the end": lambda: lambda churning: churning.insert(len(churning.runs)),
    "one run less in front": lambda: lambda churning: churning.delete(0),
    "one run less at the end": lambda: lambda churning: churning.delete(len(churning.runs) - 1),
    "in turn": _in_turn,
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("page_size", [10, 100])
@pytest.mark.parametrize(("way", "concurrency"), WAYS)
def test_a_list_that_changes_between_count_and_select_is_read_completely(
    server: StubServer, way: str, concurrency: int, page_size: int, name: str
) -> None:
    churning = Churning(CHANGES[name]())
    server.answer = churning
    found = [str(each) for each in collected(server, way, concurrency, page_size=page_size)]
    assert len(found) == len(set(found)), "a run was yielded twice"
    persistent = [each for each in churning.before if each not in churning.deleted]
    assert [each for each in found if each in set(persistent)] == persistent, "a run was lost"


def test_a_call_is_retried_if_the_list_changes_between_count_and_select(server: StubServer) -> None:
    churning = Churning(lambda churning: churning.insert(0) if churning.number == 1000 else None)
    server.answer = churning
    with Client(server.url, retry=Retry(backoff=0.0)) as client:
        assert CALLS["sync"](seed.DEFINITION_ID, client=client, limit=100, offset=50).total == 101
    assert len(server.requests) == 2
