"""The pagers of the second contract: filters on every page, lists by cursor, and hostile servers."""

from __future__ import annotations

import asyncio
import http.server
import inspect
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from tests.board.data import EMPTY_PROJECT_ID, EVENTS, KEY, PROJECT_ID
from tests.board.server import running
from tests.http_server import in_thread

pytestmark = pytest.mark.sampled(4)

PROJECT = "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"
STATUSES = ("OPEN", "DOING", "DONE")
TASKS = [
    {
        **{
            "id": str(UUID(int=number)),
            "project_id": PROJECT,
            "number": number,
            "title": "x",
            "tags": ["even"] if number % 2 == 0 else [],
            "estimate": 1,
            "details": {"kind": "note", "text": "x"},
        },
        **{"status": STATUSES[number % 3], "created_at": "2026-04-14T09:30:00Z", "updated_at": "2026-04-15T11:00:00Z"},
        "done_at": "2026-04-15T11:00:00Z" if number % 3 == 2 else None,
    }
    for number in range(1, 501)
]


def event(number: int) -> dict[str, Any]:
    return {"id": number, "task_id": TASKS[0]["id"], "what": "CHANGED", "at": "2026-04-14T09:30:00Z"}


Query = dict[str, str]


def tasks(query: Query) -> dict[str, Any]:
    chosen = [
        task for task in TASKS if query.get("status") in (None, task["status"]) and ("tag" not in query or task["tags"])
    ]
    limit, offset = int(query["limit"]), int(query["offset"])
    return {"items": chosen[offset : offset + limit], "total": len(chosen), "limit": limit, "offset": offset}


def events(query: Query, count: int = 120) -> dict[str, Any]:
    """Return a page of events, numbered from 1. The cursor names the event before the page."""
    start, limit = int(query.get("cursor", "after-0").removeprefix("after-")), int(query["limit"])
    found = [event(number) for number in range(start + 1, min(count, start + limit) + 1)]
    return {"events": found, "next_cursor": f"after-{start + limit}" if start + limit < count else None}


class Server(http.server.ThreadingHTTPServer):
    """Answers lists of tasks and events with a function of the query. Records queries and headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[Query], dict[str, Any]]] = {"tasks": tasks, "events": events}
        self.queries: list[Query] = []
        self.headers: list[dict[str, str]] = []
        self.failing: set[int] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: ",".join(value) for name, value in parse_qs(url.query).items()}
        self.server.queries.append(query)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        fails = len(self.server.queries) in self.server.failing
        page = {"detail": "no"} if fails else self.server.answers[url.path.rpartition("/")[2]](query)
        body = json.dumps(page).encode()
        self.send_response(401 if fails else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    with in_thread(server):
        yield server


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


Read = Callable[..., list[Any]]


@pytest.fixture(params=["iter", "aiter"])
def read(request: pytest.FixtureRequest, board_client: ModuleType, server: Server) -> Read:
    """Reads a list by pager name, blocking or with asyncio, into a list that survives errors."""

    def blocking(name: str, into: list[Any] | None = None, **arguments: Any) -> list[Any]:
        found = [] if into is None else into
        with board_client.AuthenticatedClient(server.url, "a-token") as client:
            for each in getattr(board_client, f"iter_{name}")(client, PROJECT, **arguments):
                found.append(each)
        return found

    def under_asyncio(name: str, into: list[Any] | None = None, **arguments: Any) -> list[Any]:
        found = [] if into is None else into

        async def scenario() -> None:
            async with board_client.AuthenticatedClient(server.url, "a-token") as client:
                async for each in getattr(board_client, f"aiter_{name}")(client, PROJECT, **arguments):
                    found.append(each)

        asyncio.run(scenario())
        return found

    return blocking if request.param == "iter" else under_asyncio


# --- what is generated ------------------------------------------------------------------------------------------------


def test_each_list_has_named_pagers_and_the_first_short_names_too(board_client: ModuleType) -> None:
    pagination = board_client.pagination
    assert {"iter_tasks", "aiter_tasks", "iter_events_pages", "aiter_tasks_pages"} <= set(board_client.__all__)
    assert board_client.iter_pages is board_client.iter_tasks_pages and pagination.Page is pagination.TasksPage
    assert (pagination.PAGE_SIZE, pagination.LEAST_PAGE_SIZE) == (200, 2)
    assert (pagination.EVENTS_PAGE_SIZE, pagination.EVENTS_LEAST_PAGE_SIZE) == (50, 1)


def test_pagers_take_the_filters_and_the_arguments_of_their_style(board_client: ModuleType) -> None:
    of_tasks, of_events = (
        inspect.signature(pager).parameters for pager in (board_client.iter_tasks, board_client.iter_events)
    )
    own = ["limit", "page_size", "progress", "resume"]
    assert set(of_tasks) == {"client", "project_id", "status", "tag", "updated_since", "offset", "concurrency", *own}
    assert set(of_events) == {"client", "project_id", *own}
    calls = inspect.signature(board_client.api.tasks.list_tasks.sync).parameters
    for name in ("status", "tag", "updated_since"):
        assert (of_tasks[name].annotation, of_tasks[name].default) == (calls[name].annotation, calls[name].default)


def test_credentials_are_those_of_the_contract(
    board_client: ModuleType, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASK_BASE_URL", server.url)
    with pytest.raises(board_client.errors.ConfigurationError, match="TASK_TOKEN or TASK_BOARD_KEY"):
        board_client.AuthenticatedClient()
    for arguments in ({"token": "a-token"}, {"board_key": "a-key"}):
        with board_client.AuthenticatedClient(**arguments) as client:
            assert len(list(board_client.iter_tasks(client, PROJECT, limit=3))) == 3
    monkeypatch.setenv("TASK_BOARD_KEY", "another-key")
    with board_client.AuthenticatedClient() as client:
        next(board_client.iter_tasks(client, PROJECT))
    sent = [{name: headers.get(name) for name in ("authorization", "x-board-key")} for headers in server.headers]
    assert sent == [
        {"authorization": "Bearer a-token", "x-board-key": None},
        {"authorization": None, "x-board-key": "a-key"},
        {"authorization": None, "x-board-key": "another-key"},
    ]


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_filter_goes_with_every_page(read: Read, server: Server, concurrency: int) -> None:
    found = read("tasks", status="DONE", page_size=20, concurrency=concurrency)
    assert [str(task.id) for task in found] == [task["id"] for task in TASKS if task["status"] == "DONE"]
    assert len(server.queries) > 8 and all(query["status"] == "DONE" for query in server.queries)
    assert [len(page.tasks) for page in read("tasks_pages", status="OPEN")] == [166]


def test_array_and_time_filters_go_with_every_page(read: Read, server: Server) -> None:
    moment = datetime(2026, 4, 14, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    assert [task.number for task in read("tasks", tag=["even"], page_size=100)] == [*range(2, 501, 2)]
    assert {query["tag"] for query in server.queries} == {"even"} and len(server.queries) > 2
    del server.queries[:]
    assert len(read("tasks", tag=["even", "odd"], updated_since=moment)) == 250
    assert {query["updated_since"] for query in server.queries} == {"2026-04-14T09:30:00Z"}
    assert {query["tag"] for query in server.queries} == {"even,odd"}


def test_an_unknown_filter_value_is_refused_at_once(board_client: ModuleType, server: Server) -> None:
    with (
        board_client.Client(server.url, token="a") as client,
        pytest.raises(board_client.errors.ConfigurationError, match="'status' must be one of OPEN, DOING, DONE"),
    ):
        board_client.iter_tasks(client, PROJECT, status="done")


def test_a_server_that_ignores_the_filter_is_an_error(read: Read, server: Server, board_client: ModuleType) -> None:
    server.answers["tasks"] = lambda query: tasks({**query, "status": "OPEN"})
    with pytest.raises(
        board_client.errors.PageError, match=r"items\.0\.status: must be DONE, as requested \(got OPEN\)"
    ):
        read("tasks", status="DONE")
    assert len(read("tasks")) == 166


def test_a_position_is_valid_for_its_filter_only(read: Read, server: Server, board_client: ModuleType) -> None:
    server.failing = {3}
    found: list[Any] = []
    with pytest.raises(board_client.errors.AuthenticationError) as raised:
        read("tasks", found, status="DONE", page_size=20)
    position = pickle.loads(pickle.dumps(raised.value.position))
    assert len(found) == position.read == 39
    for arguments in ({}, {"status": "OPEN"}):
        with pytest.raises(
            board_client.errors.ConfigurationError, match="'resume' must be a position in the same list"
        ):
            read("tasks", resume=position, **arguments)
    read("tasks", found, status="DONE", resume=position)
    assert [str(task.id) for task in found] == [task["id"] for task in TASKS if task["status"] == "DONE"]


# --- cursors ----------------------------------------------------------------------------------------------------------


def test_a_list_is_read_by_cursor(read: Read, server: Server) -> None:
    assert [each.id for each in read("events")] == list(range(1, 121))
    assert server.queries == [
        {"limit": "50"},
        {"limit": "50", "cursor": "after-50"},
        {"limit": "50", "cursor": "after-100"},
    ]
    reported: list[tuple[int, None]] = []
    pages = read("events_pages", page_size=40, progress=lambda count, total: reported.append((count, total)))
    assert [len(page.events) for page in pages] == [40, 40, 40] and {page.total for page in pages} == {None}
    assert reported == [(40, None), (80, None), (120, None)]


@pytest.mark.parametrize(
    ("limit", "expected", "sizes"), [(0, 0, []), (1, 1, ["1"]), (70, 70, ["50", "50"]), (500, 120, ["50"] * 3)]
)
def test_a_limit_limits_the_requests(read: Read, server: Server, limit: int, expected: int, sizes: list[str]) -> None:
    assert [each.id for each in read("events", limit=limit)] == list(range(1, expected + 1))
    assert [query["limit"] for query in server.queries] == sizes


def test_a_pager_resumes_at_its_cursor(read: Read, server: Server, board_client: ModuleType) -> None:
    server.failing = {3}
    found: list[Any] = []
    with pytest.raises(board_client.errors.AuthenticationError) as raised:
        read("events", found, page_size=30)
    assert len(found) == 60
    position = pickle.loads(pickle.dumps(raised.value.position))
    del server.queries[:]
    server.failing = set()
    read("events", found, page_size=10, resume=position)
    assert [each.id for each in found] == list(range(1, 121))
    assert server.queries[0]["cursor"] == "after-60"


def test_a_repeated_event_is_yielded_once(read: Read, server: Server) -> None:
    def sliding(query: Query) -> dict[str, Any]:
        """Each page begins with the last three events of the one before."""
        start = int(query.get("cursor", "0"))
        return {
            "events": [event(number) for number in range(max(1, start - 2), start + 11)][:50],
            "next_cursor": str(start + 10) if start < 100 else None,
        }

    server.answers["events"] = sliding
    assert [each.id for each in read("events")] == list(range(1, 111))


HOSTILE: dict[str, tuple[Callable[[Query, int], Any], str, int]] = {
    "the same cursor": (lambda query, count: "again", r"next_cursor: must be a new one", 2),
    "cursors in a circle": (lambda query, count: "abc"[count % 3], r"next_cursor: must be a new one", 4),
    "a cursor without end": (lambda query, count: "x" * 5000, r"next_cursor: must have at most 4096 characters", 1),
    "no text": (lambda query, count: 7, r"next_cursor", 1),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("new", [True, False])
def test_invalid_cursors_are_an_error(
    read: Read, server: Server, board_client: ModuleType, name: str, new: bool
) -> None:
    cursor, message, requests = HOSTILE[name]
    server.answers["events"] = lambda query: {
        "events": [event(len(server.queries) if new else 1)],
        # Ends after 300 pages, in case the client does not stop.
        "next_cursor": cursor(query, len(server.queries)) if len(server.queries) < 300 else None,
    }
    with pytest.raises(board_client.errors.DecodingError, match=message) as raised:
        read("events")
    assert len(server.queries) == requests and len(str(raised.value)) < 500


@pytest.mark.sampled(2)
@pytest.mark.parametrize("held", [[], [event(1)]])
def test_pages_without_new_events_end_with_an_error(
    read: Read, server: Server, board_client: ModuleType, held: list[Any]
) -> None:
    server.answers["events"] = lambda query: {
        "events": held,
        "next_cursor": f"c{len(server.queries)}" if len(server.queries) < 300 else None,
    }
    with pytest.raises(board_client.errors.ListChangedError, match="101 pages in a row had no new items") as raised:
        read("events")
    assert len(server.queries) == 101 + len(held) and raised.value.seen == len(held)
    # The caller may resume.
    server.answers["events"] = lambda query: {"events": [event(9)], "next_cursor": None}
    assert [each.id for each in read("events", resume=raised.value.position)] == [9]


def test_an_empty_page_is_not_the_end(read: Read, server: Server) -> None:
    def sparse(query: Query) -> dict[str, Any]:
        page = events(query)
        return page if "cursor" not in query or len(server.queries) % 2 else {**page, "events": []}

    server.answers["events"] = sparse
    assert [each.id for each in read("events", page_size=10)] == [
        *range(1, 11),
        *[number for number in range(1, 121) if number > 10 and (number - 1) // 10 % 2 == 0],
    ]


# --- the board's own server -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [3, 50])
def test_both_lists_of_the_board_are_read_whole(board_client: ModuleType, page_size: int) -> None:
    with running() as url, board_client.AuthenticatedClient(url, board_key=KEY) as client:
        everything = list(board_client.iter_tasks(client, PROJECT_ID))
        assert len(everything) == len({task.id for task in everything}) > 200
        since = everything[100].updated_at
        for arguments, holds in (
            ({"status": "DONE"}, lambda task: task.status == "DONE"),
            ({"tag": ["home", "office"]}, lambda task: {"home", "office"} <= set(task.tags)),
            ({"updated_since": since}, lambda task: task.updated_at >= since),
        ):
            found = list(board_client.iter_tasks(client, PROJECT_ID, page_size=page_size, **arguments))
            assert found == [task for task in everything if holds(task)] and 0 < len(found) < len(everything)
        events = list(board_client.iter_events(client, PROJECT_ID, page_size=page_size))
        assert len(events) == len({each.id for each in events}) == EVENTS
        assert list(board_client.iter_tasks(client, EMPTY_PROJECT_ID)) == []
