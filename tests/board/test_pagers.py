"""The pagers of the second contract: filters pass through, and lists are read by cursor, whatever their server does."""

from __future__ import annotations

import asyncio
import http.server
import inspect
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from codegen import Problem
from tests.board.conftest import build
from tests.board.conftest import contract as copied
from tests.board.server import EMPTY_PROJECT_ID, EVENTS, KEY, PROJECT_ID, running

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


Asked = dict[str, str]


def tasks(asked: Asked) -> dict[str, Any]:
    chosen = [
        task for task in TASKS if asked.get("status") in (None, task["status"]) and ("tag" not in asked or task["tags"])
    ]
    limit, offset = int(asked["limit"]), int(asked["offset"])
    return {"items": chosen[offset : offset + limit], "total": len(chosen), "limit": limit, "offset": offset}


def events(asked: Asked, count: int = 120) -> dict[str, Any]:
    """A page of events, numbered from 1; a cursor names the last one before it."""
    start, limit = int(asked.get("cursor", "after-0").removeprefix("after-")), int(asked["limit"])
    found = [event(number) for number in range(start + 1, min(count, start + limit) + 1)]
    return {"events": found, "next_cursor": f"after-{start + limit}" if start + limit < count else None}


class Server(http.server.ThreadingHTTPServer):
    """Answers lists of tasks and of events by functions of what was asked for, and keeps that, with the headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[Asked], dict[str, Any]]] = {"tasks": tasks, "events": events}
        self.asked: list[Asked] = []
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
        asked = {name: ",".join(value) for name, value in parse_qs(url.query).items()}
        self.server.asked.append(asked)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        fails = len(self.server.asked) in self.server.failing
        page = {"detail": "no"} if fails else self.server.answers[url.path.rpartition("/")[2]](asked)
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
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


Read = Callable[..., list[Any]]


@pytest.fixture(params=["iter", "aiter"])
def read(request: pytest.FixtureRequest, board_client: ModuleType, server: Server) -> Read:
    """Reads a list by the pager of a name, blocking and under asyncio, into a list that outlives errors."""

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


def test_names_tell_lists_apart_and_the_first_one_has_short_ones_too(board_client: ModuleType) -> None:
    pagination = board_client.pagination
    assert {"iter_tasks", "aiter_tasks", "iter_events_pages", "aiter_tasks_pages"} <= set(board_client.__all__)
    assert board_client.iter_pages is board_client.iter_tasks_pages and pagination.Page is pagination.TasksPage
    assert (pagination.PAGE_SIZE, pagination.LEAST_PAGE_SIZE) == (200, 2)
    assert (pagination.EVENTS_PAGE_SIZE, pagination.EVENTS_LEAST_PAGE_SIZE) == (50, 1)


def test_pagers_take_what_the_operation_takes_and_what_goes_with_its_style(board_client: ModuleType) -> None:
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
    assert len(server.asked) > 8 and all(asked["status"] == "DONE" for asked in server.asked)
    assert [len(page.tasks) for page in read("tasks_pages", status="OPEN")] == [166]


def test_filters_of_several_values_and_of_times_go_with_every_page(read: Read, server: Server) -> None:
    moment = datetime(2026, 4, 14, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    assert [task.number for task in read("tasks", tag=["even"], page_size=100)] == [*range(2, 501, 2)]
    assert {asked["tag"] for asked in server.asked} == {"even"} and len(server.asked) > 2
    del server.asked[:]
    assert len(read("tasks", tag=["even", "odd"], updated_since=moment)) == 250
    assert {asked["updated_since"] for asked in server.asked} == {"2026-04-14T09:30:00Z"}
    assert {asked["tag"] for asked in server.asked} == {"even,odd"}


def test_a_filter_that_the_contract_does_not_know_is_refused_at_once(board_client: ModuleType, server: Server) -> None:
    with (
        board_client.Client(server.url, token="a") as client,
        pytest.raises(board_client.errors.ConfigurationError, match="'status' must be one of OPEN, DOING, DONE"),
    ):
        board_client.iter_tasks(client, PROJECT, status="done")


def test_a_server_that_ignores_the_filter_contradicts_the_question(
    read: Read, server: Server, board_client: ModuleType
) -> None:
    server.answers["tasks"] = lambda asked: tasks({**asked, "status": "OPEN"})
    with pytest.raises(
        board_client.errors.PageError, match=r"items\.0\.status: must be DONE, as asked for \(got OPEN\)"
    ):
        read("tasks", status="DONE")
    assert len(read("tasks")) == 166


def test_a_position_is_one_in_the_list_that_was_filtered(read: Read, server: Server, board_client: ModuleType) -> None:
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
    assert server.asked == [
        {"limit": "50"},
        {"limit": "50", "cursor": "after-50"},
        {"limit": "50", "cursor": "after-100"},
    ]
    told: list[tuple[int, None]] = []
    pages = read("events_pages", page_size=40, progress=lambda count, total: told.append((count, total)))
    assert [len(page.events) for page in pages] == [40, 40, 40] and {page.total for page in pages} == {None}
    assert told == [(40, None), (80, None), (120, None)]


@pytest.mark.parametrize(
    ("limit", "expected", "sizes"), [(0, 0, []), (1, 1, ["1"]), (70, 70, ["50", "50"]), (500, 120, ["50"] * 3)]
)
def test_no_more_is_asked_for_than_is_yielded(
    read: Read, server: Server, limit: int, expected: int, sizes: list[str]
) -> None:
    assert [each.id for each in read("events", limit=limit)] == list(range(1, expected + 1))
    assert [asked["limit"] for asked in server.asked] == sizes


def test_a_reader_goes_on_at_the_cursor_where_it_stood(read: Read, server: Server, board_client: ModuleType) -> None:
    server.failing = {3}
    found: list[Any] = []
    with pytest.raises(board_client.errors.AuthenticationError) as raised:
        read("events", found, page_size=30)
    assert len(found) == 60
    position = pickle.loads(pickle.dumps(raised.value.position))
    del server.asked[:]
    server.failing = set()
    read("events", found, page_size=10, resume=position)
    assert [each.id for each in found] == list(range(1, 121))
    assert server.asked[0]["cursor"] == "after-60"


def test_what_comes_twice_is_yielded_once(read: Read, server: Server) -> None:
    def sliding(asked: Asked) -> dict[str, Any]:
        """Each page begins with the last three events of the one before."""
        start = int(asked.get("cursor", "0"))
        return {
            "events": [event(number) for number in range(max(1, start - 2), start + 11)][:50],
            "next_cursor": str(start + 10) if start < 100 else None,
        }

    server.answers["events"] = sliding
    assert [each.id for each in read("events")] == list(range(1, 111))


HOSTILE: dict[str, tuple[Callable[[Asked, int], Any], str, int]] = {
    "the same cursor": (lambda asked, count: "again", r"next_cursor: must be a new one", 2),
    "cursors in a circle": (lambda asked, count: "abc"[count % 3], r"next_cursor: must be a new one", 4),
    "a cursor without end": (lambda asked, count: "x" * 5000, r"next_cursor: must have at most 4096 characters", 1),
    "no text": (lambda asked, count: 7, r"next_cursor", 1),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("new", [True, False])
def test_cursors_that_lead_nowhere_are_an_error(
    read: Read, server: Server, board_client: ModuleType, name: str, new: bool
) -> None:
    cursor, message, requests = HOSTILE[name]
    server.answers["events"] = lambda asked: {
        "events": [event(len(server.asked) if new else 1)],
        # It ends, for a client that goes on all the same.
        "next_cursor": cursor(asked, len(server.asked)) if len(server.asked) < 300 else None,
    }
    with pytest.raises(board_client.errors.DecodingError, match=message) as raised:
        read("events")
    assert len(server.asked) == requests and len(str(raised.value)) < 500


@pytest.mark.parametrize("held", [[], [event(1)]])
def test_pages_that_bring_nothing_end(read: Read, server: Server, board_client: ModuleType, held: list[Any]) -> None:
    server.answers["events"] = lambda asked: {
        "events": held,
        "next_cursor": f"c{len(server.asked)}" if len(server.asked) < 300 else None,
    }
    with pytest.raises(board_client.errors.ListChangedError, match="101 pages in a row had no new items") as raised:
        read("events")
    assert len(server.asked) == 101 + len(held) and raised.value.seen == len(held)
    # Who knows better goes on.
    server.answers["events"] = lambda asked: {"events": [event(9)], "next_cursor": None}
    assert [each.id for each in read("events", resume=raised.value.position)] == [9]


def test_an_empty_page_is_not_the_end(read: Read, server: Server) -> None:
    def sparse(asked: Asked) -> dict[str, Any]:
        page = events(asked)
        return page if "cursor" not in asked or len(server.asked) % 2 else {**page, "events": []}

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


# --- what cannot be paged ---------------------------------------------------------------------------------------------


def parameter(contract: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    return next(each for each in contract["paths"][path]["get"]["parameters"] if each.get("name") == name)


OF_TASKS, OF_EVENTS = "/v1/projects/{project_id}/tasks", "/v1/projects/{project_id}/events"


def schema(contract: dict[str, Any], name: str) -> Any:
    return contract["components"]["schemas"][name]


def listing(contract: dict[str, Any], path: str = OF_TASKS) -> dict[str, Any]:
    return contract["paths"][path]["get"]["x-list"]  # type: ignore[no-any-return]


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no key": (lambda contract: listing(contract).pop("key"), "`x-list` must have `key` for pagers"),
    "no limit": (
        lambda contract: listing(contract, OF_EVENTS).pop("limit"),
        "`x-list` must have `limit` for pagers",
    ),
    "no total": (lambda contract: listing(contract).pop("total"), "`x-list` must have `total` for pagers"),
    "a limit of text": (
        lambda contract: parameter(contract, OF_EVENTS, "limit").update(schema={"type": "string"}),
        "`limit` must be an integer",
    ),
    "a limit of several": (
        lambda contract: parameter(contract, OF_EVENTS, "limit")["schema"].update(multipleOf=5),
        "pagers do not support `multipleOf` for the page size",
    ),
    "a cursor that is needed": (
        lambda contract: parameter(contract, OF_EVENTS, "cursor").update(required=True),
        "`cursor` must be optional: the request for the first page does not have it",
    ),
    "a total that may be missing": (
        lambda contract: schema(contract, "TaskPage")["required"].remove("total"),
        "`total` must be required for pagers, and not null",
    ),
    "a key that may be null": (
        lambda contract: schema(contract, "Event")["properties"]["id"].update(type=["integer", "null"]),
        "`id` must be required for pagers, and not null",
    ),
    "a filter of a pager's name": (
        lambda contract: parameter(contract, OF_TASKS, "status").update(name="progress"),
        "the pagers use the argument name `progress` already",
    ),
    "a key in the query": (
        lambda contract: contract["components"]["securitySchemes"]["boardKey"].update({"in": "query"}),
        "the security scheme `boardKey` is not supported",
    ),
    "a key in a plain header": (
        lambda contract: contract["components"]["securitySchemes"]["boardKey"].update(name="X-Board"),
        "redaction does not recognize the header `X-Board`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_paged_is_refused_in_words(tmp_path: Path, name: str) -> None:
    edit, message = REFUSED[name]
    contract = copied()
    edit(contract)
    with pytest.raises(Problem) as raised:
        build(tmp_path, contract)
    assert message in raised.value.what and raised.value.what.startswith("openapi.yaml:")


def test_fields_are_read_under_the_names_that_models_have_for_them(tmp_path: Path) -> None:
    contract = copied()
    event = schema(contract, "Event")
    event["properties"]["event-id"] = event["properties"].pop("id")
    event["required"][0] = "event-id"
    listing(contract, OF_EVENTS).update(key="event-id")
    package = build(tmp_path, contract) / "task_board"
    text = (package / "api/events/list_events.py").read_text(encoding="utf-8")
    assert 'key="event_id"' in text and "event_id" in (package / "models.py").read_text(encoding="utf-8")


def test_fields_below_others_are_read(tmp_path: Path) -> None:
    contract = copied()
    page = schema(contract, "EventPage")
    page["properties"] = {
        "data": {
            "type": "object",
            "required": ["events", "paging"],
            "properties": {
                "events": page["properties"]["events"],
                "paging": {"type": "object", "properties": {"next": page["properties"]["next_cursor"]}},
            },
        }
    }
    page["required"] = ["data"]
    listing(contract, OF_EVENTS).update(items="data.events", next_cursor="data.paging.next")
    text = (build(tmp_path, contract) / "task_board/api/events/list_events.py").read_text(encoding="utf-8")
    assert 'items="data.events"' in text and 'next_cursor="data.paging.next"' in text


def test_without_lists_there_are_no_pagers(tmp_path: Path) -> None:
    contract = copied()
    for path in (OF_TASKS, OF_EVENTS):
        del contract["paths"][path]["get"]["x-list"]
    for each in contract["paths"][OF_TASKS]["get"]["parameters"]:
        each.pop("x-selects", None)
    package = build(tmp_path, contract) / "task_board"
    assert not (package / "pagination.py").exists()
    assert "pagination" not in (package / "__init__.py").read_text(encoding="utf-8")
