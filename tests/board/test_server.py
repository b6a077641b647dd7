"""The board's server keeps its contract, and each of its faults changes a response."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import UUID

import httpx2
import jsonschema_rs
import pytest

from codegen import extensions
from codegen.cel import MISSING
from codegen.extensions import Answer, Request, Result
from codegen.openapi import Document, Operation, operations, read, schema_of
from tests.board.data import (
    DELETED_TASK_ID,
    EMPTY_PROJECT_ID,
    EVENTS,
    FORBIDDEN_DELETED_TASK_ID,
    FORBIDDEN_PROJECT_ID,
    FORBIDDEN_TASK_ID,
    FOREIGN_PROJECT_ID,
    FOREIGN_TASK_ID,
    KEY,
    OPENAPI,
    PROJECT_ID,
    STATUSES,
    TASK_ID,
    TASKS,
    TOKEN,
)
from tests.board.faults import FAULTS, with_faults
from tests.board.parsing import parse_time
from tests.board.server import Board, respond, running

pytestmark = pytest.mark.sampled(8)

UNKNOWN = "9d3f6a10-4c7e-4b52-8f61-0e2a7c95d4b8"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Call:
    operation: str
    at: str
    status: int
    query: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=lambda: BEARER)


METHODS = {"create_task": "POST", "delete_task": "DELETE"}
PATHS = {
    "list_tasks": "/v1/projects/{}/tasks",
    "create_task": "/v1/projects/{}/tasks",
    "list_events": "/v1/projects/{}/events",
    "get_task": "/v1/tasks/{}",
    "delete_task": "/v1/tasks/{}",
}
# `updated_at` of two tasks.
CHANGED = Board().projects[PROJECT_ID].tasks[99 - 9].updated_at
LATE = Board().projects[PROJECT_ID].tasks[200].updated_at
DRAFT = {"title": "Order ink", "tags": ["office", "urgent"], "estimate": 0.5, "details": {"kind": "note", "text": "A4"}}


def all_calls() -> Iterator[Call]:
    """All requests, in order."""
    yield from list_calls()
    yield from refused_calls()
    yield from writing_calls()


def list_calls() -> Iterator[Call]:
    for query in (
        "",
        "limit=1",
        "limit=200",
        "limit=200&offset=200",
        "offset=229&limit=7",
        "offset=230",
        f"offset={10**30}",
        "status=OPEN&limit=200",
        "status=DOING&limit=200",
        "status=DONE&limit=200",
        "tag=office&limit=200",
        "tag=office&tag=urgent&limit=200",
        "tag=urgent&tag=office&status=DONE",
        "tag=a&tag=b&tag=c&tag=d&tag=e",
        f"updated_since={CHANGED}&limit=200",
        f"updated_since={quote(LATE.replace('Z', '+00:00'))}&limit=200",
        f"updated_since={LATE.lower()}&status=OPEN",
        "updated_since=9999-12-31T23:59:60Z",
        "updated_since=0000-01-01T00:00:00%2B23:59",
        "unknown=1",
    ):
        yield Call("list_tasks", PROJECT_ID, 200, query)
    for query in (
        "limit=0",
        "limit=201",
        "limit=05",
        "limit=1&limit=1",
        "limit=",
        "offset=-1",
        "status=LATE",
        "status=",
        "status=OPEN&status=DONE",
        "tag=Home",
        "tag=",
        "tag=a&tag=b&tag=c&tag=d&tag=e&tag=f",
        "updated_since=2026-04-14T09:30:00",
        "updated_since=2026-02-30T09:30:00Z",
        "updated_since=2026-04-14",
    ):
        yield Call("list_tasks", PROJECT_ID, 422, query)
    yield Call("list_tasks", EMPTY_PROJECT_ID, 200)
    for query in ("", "limit=1", "limit=50"):
        yield Call("list_events", PROJECT_ID, 200, query)
    for query in ("limit=51", "limit=0", "cursor=", "cursor=abc", "cursor=" + "a" * 201):
        yield Call("list_events", PROJECT_ID, 422, query)
    yield Call("list_events", EMPTY_PROJECT_ID, 200)


def refused_calls() -> Iterator[Call]:
    for operation in ("list_tasks", "list_events", "create_task"):
        body = DRAFT if operation == "create_task" else None
        bad: dict[str, Any] = {"query": "limit=0"} if body is None else {"body": {}}
        yield Call(operation, FORBIDDEN_PROJECT_ID, 403, body=body)
        yield Call(operation, FOREIGN_PROJECT_ID, 404, body=body)
        yield Call(operation, UNKNOWN, 404, body=body)
        yield Call(operation, UNKNOWN, 422, **bad)
        yield Call(operation, UNKNOWN, 401, **bad, headers={})
        yield Call(operation, "none", 422, body=body)
        yield Call(operation, PROJECT_ID, 401, body=body, headers={"Authorization": "Bearer wrong"})
    for operation in ("get_task", "delete_task"):
        yield Call(operation, FORBIDDEN_TASK_ID, 403)
        yield Call(operation, FORBIDDEN_DELETED_TASK_ID, 403)
        yield Call(operation, FOREIGN_TASK_ID, 404)
        yield Call(operation, UNKNOWN, 404)
        yield Call(operation, UNKNOWN, 401, headers={})
        yield Call(operation, "none", 422)
        yield Call(operation, "none", 401, headers={"X-Board-Key": "wrong"})
        yield Call(operation, DELETED_TASK_ID, 410)
    yield Call("get_task", TASK_ID, 200)
    yield Call("get_task", TASK_ID.upper(), 200, headers={"X-Board-Key": KEY})


def writing_calls() -> Iterator[Call]:
    yield Call("create_task", EMPTY_PROJECT_ID, 201, body=DRAFT)
    yield Call("create_task", EMPTY_PROJECT_ID, 409, body=DRAFT)
    yield Call("create_task", EMPTY_PROJECT_ID, 201, body={"title": "Ω" * 120})
    invalid: tuple[dict[str, Any], ...] = (
        {"title": ""},
        {"title": 1},
        {"title": "a" * 121},
        {"tags": ["A"]},
        {"tags": list("abcdef")},
        {"tags": None},
        {"estimate": -1},
        {"estimate": True},
        {"details": {}},
        {"details": {"kind": "note"}},
        {"details": {"kind": "note", "text": "", "entries": []}},
        {"details": {"kind": "checklist", "entries": [1]}},
        {"details": {"kind": "picture", "text": ""}},
        {"number": 1},
    )
    for change in invalid:
        yield Call("create_task", EMPTY_PROJECT_ID, 422, body=DRAFT | change)
    yield Call("create_task", EMPTY_PROJECT_ID, 422, body=[])
    yield Call("create_task", EMPTY_PROJECT_ID, 422)
    yield Call("list_tasks", EMPTY_PROJECT_ID, 200)
    yield Call("list_events", EMPTY_PROJECT_ID, 200)
    yield Call("delete_task", TASK_ID, 204)
    yield Call("get_task", TASK_ID, 410)
    yield Call("delete_task", TASK_ID, 410)
    yield Call("list_events", PROJECT_ID, 200, "limit=1")


@dataclass(frozen=True)
class Exchange:
    call: Call
    status: int
    headers: httpx2.Headers
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def shown(self) -> Any:
        """The response, without times that depend on the run."""
        body: Any = self.body if self.content else None
        if self.call.at == EMPTY_PROJECT_ID and self.call.operation != "create_task" and self.status == 200:
            for item in body.get("items", body.get("events")):
                item["created_at"] = item["updated_at"] = item["at"] = ""
        elif self.call.operation == "create_task" and self.status < 300:
            body["created_at"] = body["updated_at"] = ""
        elif self.call.operation == "list_events" and self.status == 200:
            body["events"] = [event | {"at": ""} if event["what"] == "DELETED" else event for event in body["events"]]
        headers = {
            name: value for name, value in self.headers.items() if name not in ("date", "server", "content-length")
        }
        return self.status, headers, body


Ask = Callable[[Call], Exchange]


def build_request(call: Call) -> tuple[str, str, dict[str, str], bytes]:
    target = PATHS[call.operation].format(call.at) + (f"?{call.query}" if call.query else "")
    method = METHODS.get(call.operation, "GET")
    if call.body is None:
        return method, target, call.headers, b""
    return method, target, call.headers | {"Content-Type": "application/json"}, json.dumps(call.body).encode()


def run_all_calls(ask: Ask) -> list[Exchange]:
    return [*map(ask, all_calls()), *read_events(ask)]


def answer_in_process(board: Board) -> list[Exchange]:
    def ask(call: Call) -> Exchange:
        method, target, headers, content = build_request(call)
        response = respond(board, method, target, [(name.lower(), value) for name, value in headers.items()], content)
        return Exchange(call, response.status_code, httpx2.Headers(response.raw_headers), bytes(response.body))

    return run_all_calls(ask)


def read_events(ask: Ask) -> Iterator[Exchange]:
    """Read all events by cursor, thirteen per page, and at most twelve pages."""
    query = "limit=13"
    for _ in range(12):
        exchange = ask(Call("list_events", PROJECT_ID, 200, query))
        yield exchange
        if exchange.status != 200 or not exchange.body["next_cursor"]:
            return
        query = f"limit=13&cursor={exchange.body['next_cursor']}"


@cache
def document() -> Document:
    return read(OPENAPI)


@cache
def documented() -> dict[str, Operation]:
    return {operation.name: operation for operation in operations(document()).values()}


@cache
def validator(pointer: str) -> Any:
    schema = {"$ref": f"contract:{quote(pointer, safe='#/~')}"}
    registry = jsonschema_rs.Registry([("contract:", document().value)])
    return jsonschema_rs.Draft202012Validator(schema, registry=registry, validate_formats=True)


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    with running() as base_url, httpx2.Client(base_url=base_url) as client:

        def ask(call: Call) -> Exchange:
            method, target, headers, content = build_request(call)
            response = client.request(method, target, headers=headers, content=content)
            return Exchange(call, response.status_code, response.headers, response.content)

        return run_all_calls(ask)


def test_responses_match_the_contract(exchanges: list[Exchange]) -> None:
    seen = set()
    for exchange in exchanges:
        call = exchange.call
        assert exchange.status == call.status, (call, exchange.content)
        seen.add((call.operation, call.status))
        response = documented()[call.operation].responses[str(exchange.status)]
        if not response.at("content").value:
            assert exchange.content == b""
            continue
        assert exchange.headers["content-type"] == "application/json"
        validator(schema_of(response).pointer).validate(exchange.body)
        for name, header in response.at("headers").items():
            assert name.lower() in exchange.headers, call
            is_integer = schema_of(header).at("type").value == "integer"
            text = exchange.headers[name]
            assert not is_integer or int(text) >= 1
    transient = {"429", "503"}
    assert seen == {
        (name, int(status))
        for name, each in documented().items()
        for status in each.responses
        if status not in transient
    }


def test_responses_keep_the_rules(exchanges: list[Exchange]) -> None:
    promised = extensions.read(document())
    seen = set()
    for exchange in exchanges:
        described = promised.operation(exchange.call.operation)
        path = {name: exchange.call.at for place, name in described.parameters if place == "path"}
        query: dict[str, Any] = {"tag": []}
        for name, value in parse_qsl(exchange.call.query):
            if name == "tag":
                query["tag"].append(value)
            else:
                query[name] = int(value) if value.isdigit() else value
        body = exchange.call.body
        judged_request = Request(path, query, "bearerAuth", MISSING if body is None else body)
        answer = Answer(exchange.status, exchange.body if exchange.content else None, dict(exchange.headers))
        verdicts = promised.judge_answer(described, judged_request, answer, datetime.now(UTC))
        verdicts += promised.judge_page(described, judged_request, answer)
        assert [each for each in verdicts if each.result is not Result.HOLDS] == []
        seen |= {each.rule_id for each in verdicts}
    assert seen >= {"created_as_asked", "the_task_that_was_asked_for", "tasks_of_the_project", "done_at_by_status"}


def pages(exchanges: list[Exchange], operation: str, at: str = PROJECT_ID) -> list[tuple[str, Any]]:
    found = [
        each for each in exchanges if each.call.operation == operation and each.status == 200 and each.call.at == at
    ]
    return [(each.call.query, each.body) for each in found]


def test_pages_contain_the_selected_tasks(exchanges: list[Exchange]) -> None:
    bodies = dict(pages(exchanges, "list_tasks"))
    everything = bodies["limit=200"]["items"] + bodies["limit=200&offset=200"]["items"]
    assert [task["number"] for task in everything] == [n for n in range(TASKS + 1, 0, -1) if n != 100]
    assert {task["status"] for task in everything} == set(STATUSES)
    assert {task["details"]["kind"] for task in everything} == {"note", "checklist"}
    assert bodies[""]["items"] == everything[:50]
    assert (bodies[""]["limit"], bodies[""]["offset"], bodies[""]["total"]) == (50, 0, TASKS)
    assert bodies["offset=229&limit=7"]["items"] == everything[229:]
    assert bodies["offset=230"]["items"] == []
    for query, holds in {
        "status=DONE&limit=200": lambda task: task["status"] == "DONE",
        "tag=office&limit=200": lambda task: "office" in task["tags"],
        "tag=office&tag=urgent&limit=200": lambda task: {"office", "urgent"} <= set(task["tags"]),
        f"updated_since={CHANGED}&limit=200": lambda task: parse_time(task["updated_at"]) >= parse_time(CHANGED),
    }.items():
        found = list(filter(holds, everything))
        assert 3 < len(found) < TASKS, query
        assert bodies[query]["items"] == found[:200], query
        assert bodies[query]["total"] == len(found)
    assert any(task["updated_at"] == CHANGED for task in everything)


def test_cursors_reach_the_whole_list(exchanges: list[Exchange]) -> None:
    walked = [body for query, body in pages(exchanges, "list_events") if query.startswith("limit=13")]
    # One more event: a call deletes a task.
    assert [event["id"] for body in walked for event in body["events"]] == list(range(EVENTS + 1, 0, -1))
    assert [len(body["events"]) for body in walked] == [13] * 9 + [4]


def test_a_created_task_has_the_values_sent(exchanges: list[Exchange]) -> None:
    created = [each for each in exchanges if each.status == 201]
    assert {name: created[0].body[name] for name in DRAFT} == DRAFT
    assert created[0].headers["location"] == f"/v1/tasks/{created[0].body['id']}"
    assert UUID(created[0].body["id"])
    listed = pages(exchanges, "list_tasks", EMPTY_PROJECT_ID)[-1][1]
    assert [task["id"] for task in listed["items"]] == [each.body["id"] for each in reversed(created)]


def test_two_boards_give_the_same_responses(exchanges: list[Exchange]) -> None:
    assert [each.shown for each in answer_in_process(Board())] == [each.shown for each in exchanges]


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_shows_in_its_operations(name: str, exchanges: list[Exchange]) -> None:
    changed = answer_in_process(with_faults(name))
    count = sum(1 for _ in all_calls())
    pairs = zip(exchanges[:count], changed[:count], strict=True)
    different = {ours.call.operation for ours, theirs in pairs if ours.shown != theirs.shown}
    if [each.shown for each in exchanges[count:]] != [each.shown for each in changed[count:]]:
        different.add("list_events")
    # A fault that changes tasks shows in lists and events too.
    consequences = {"list_tasks", "list_events", "get_task", "delete_task"}
    assert FAULTS[name].operations <= different, different
    assert different <= FAULTS[name].operations | consequences


def test_a_fault_shows_over_the_network() -> None:
    with running(with_faults("filter_ignored")) as base_url:
        body = httpx2.get(f"{base_url}/v1/projects/{PROJECT_ID}/tasks?status=DONE", headers=BEARER).json()
    assert body["total"] == TASKS


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 25
    assert {name for fault in FAULTS.values() for name in fault.operations} == set(PATHS)
