"""The testing kit of the second contract: filters, cursors, single tasks and writes."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import httpx2
import pytest

from codegen.extensions import Answer, Extensions, Request, Result, read
from codegen.openapi import read as read_document
from tests.board.conftest import NAME
from tests.board.data import OPENAPI

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
PROMISED: Extensions = read(read_document(OPENAPI))


@pytest.fixture(scope="module")
def testing(board_client: ModuleType) -> ModuleType:
    return importlib.import_module(f"{NAME}.testing")


@pytest.fixture
def server(testing: ModuleType) -> Iterator[Any]:
    with testing.FakeServer(now=NOW) as server:
        yield server


@pytest.fixture
def project(server: Any) -> uuid.UUID:
    found: uuid.UUID = server.add_project()
    return found


def operation(board_client: ModuleType, tag: str, name: str) -> Any:
    return importlib.import_module(f"{NAME}.api.{tag}.{name}")


def test_lists_are_read_by_offset_and_by_cursor(board_client: ModuleType, server: Any, project: uuid.UUID) -> None:
    tasks, events = server.add_tasks(project, 120), server.add_events(project, 33)
    with server.client() as client:
        assert list(board_client.iter_tasks(client, project, page_size=30)) == tasks
        assert list(board_client.iter_events(client, project)) == events
    queries = [each.params for each in server.requests if each.operation == "list_events"]
    assert ["cursor" in each for each in queries] == [False, True, True, True][: len(queries)]


def test_changes_during_reading_move_no_event(board_client: ModuleType, server: Any, project: uuid.UUID) -> None:
    events = server.add_events(project, 25)
    number = len(server.requests)
    server.before(number + 2, lambda: server.add_events(project, 3))
    server.before(number + 3, lambda: server.delete_event(events[19]))
    with server.client() as client:
        assert list(board_client.iter_events(client, project, page_size=10)) == events


def test_filters_select_by_their_rules(board_client: ModuleType, server: Any, project: uuid.UUID) -> None:
    tasks = server.add_tasks(project, 60)
    [tagged] = server.add_tasks(project, tags=["office", "urgent"])
    since = tasks[10].updated_at
    with server.client() as client:

        def ids(**filters: Any) -> list[uuid.UUID]:
            return [task.id for task in board_client.iter_tasks(client, project, **filters)]

        every = [tagged, *tasks]
        for status in ("OPEN", "DOING", "DONE"):
            assert ids(status=status) == [task.id for task in every if task.status == status] != []
        assert ids(tag=["urgent", "office"]) == [tagged.id]
        assert ids(updated_since=since) == [task.id for task in every if task.updated_at >= since]
        errors = board_client.errors
        page = operation(board_client, "tasks", "list_tasks").sync(project, client=client, status="DONE", limit=2)
        assert (len(page.items), page.total) == (2, len(ids(status="DONE")))
        with pytest.raises(errors.UnprocessableEntityError, match=r"query\.cursor: must be a cursor from a page"):
            operation(board_client, "events", "list_events").sync(project, client=client, cursor="elsewhere")


def test_tasks_are_created_read_and_deleted(board_client: ModuleType, server: Any, project: uuid.UUID) -> None:
    models, errors = board_client.models, board_client.errors
    create, get, delete = (operation(board_client, "tasks", f"{word}_task") for word in ("create", "get", "delete"))
    server.add_tasks(project, 3)
    with server.client() as client:
        answer = create.sync_detailed(project, client=client, body=models.TaskDraft(title="Order", tags=["paper"]))
        task = answer.parsed
        assert (task.title, task.tags, task.project_id) == ("Order", ["paper"], project)
        assert answer.location == f"/v1/tasks/{task.id}"
        assert server.tasks(project)[0] == task == get.sync(task.id, client=client)
        delete.sync(task.id, client=client)
        assert len(server.tasks(project)) == 3
        for call in (get.sync, delete.sync):
            with pytest.raises(errors.GoneError):
                call(task.id, client=client)
        with pytest.raises(errors.NotFoundError):
            get.sync(project, client=client)
        with pytest.raises(errors.NotFoundError):
            create.sync(uuid.UUID(int=1), client=client, body=models.TaskDraft(title="Order"))
        server.forbid(server.tasks(project)[1])
        get.sync(server.tasks(project)[0].id, client=client)
        with pytest.raises(errors.PermissionDeniedError):
            get.sync(server.tasks(project)[1].id, client=client)
        server.forbid(project)
        with pytest.raises(errors.PermissionDeniedError):
            get.sync(server.tasks(project)[0].id, client=client)
        server.next(409)
        with pytest.raises(errors.ConflictError, match="There is an open task of that title"):
            create.sync(project, client=client, body=models.TaskDraft(title="Order"))


def test_bodies_are_validated(server: Any, project: uuid.UUID) -> None:
    import httpx2

    with httpx2.Client(base_url=server.base_url, transport=server.transport) as http:

        def faults(content: bytes) -> list[Any]:
            headers = {"X-Board-Key": server.token}
            answer = http.post(f"/v1/projects/{project}/tasks", headers=headers, content=content)
            assert answer.status_code == 422
            return [(each["loc"], each["msg"]) for each in answer.json()["detail"]]

        assert faults(b"") == [(["body"], "must be present")]
        assert faults(b"{") == [(["body"], "must be JSON")]
        assert faults(b"[]") == [(["body"], "must be an object")]
        assert faults(b"{}") == [(["body", "title"], "must be present")]
        assert faults(b'{"title": "", "more": 1}') == [
            (["body", "title"], "must be at least 1 characters long"),
            (["body", "more"], "must be omitted: there is no such field"),
        ]
        assert faults(b'{"title": "x", "tags": ["A"]}') == [
            (["body", "tags", 0], "must be text that matches ^[a-z]{1,20}$")
        ]
        assert faults(b'{"title": "x", "estimate": NaN}') == [(["body", "estimate"], "must be a number or null")]


def test_made_tasks_keep_all_rules(testing: ModuleType) -> None:
    described = PROMISED.operation("get_task")
    for seed in range(150):
        given = {"details": {"kind": "checklist"}} if seed % 3 == 0 else {"done_at": None} if seed % 3 == 1 else {}
        task = testing.make_task(seed=seed, now=NOW, **given)
        body = task.model_dump(mode="json", by_alias=True)
        answer = Answer(200, body, {"task-version": "1"})
        verdicts = PROMISED.judge_answer(described, Request({"task_id": body["id"]}), answer, NOW)
        assert verdicts and {each.result for each in verdicts} == {Result.HOLDS}
    with pytest.raises(ValueError, match=r"^`done_at` is set exactly for `DONE`"):
        testing.make_task(status="DONE", done_at=None)
    with pytest.raises(ValueError, match=r"^'details\.kind' must be one of note, checklist \(got 'poem'\)"):
        testing.make_task(details={"kind": "poem"})


def test_a_missing_condition_is_mentioned_in_the_docstring(testing: ModuleType) -> None:
    assert testing.__doc__ is not None
    [line] = [line for line in testing.__doc__.splitlines() if line.startswith("- ")]
    assert line == (
        "- `create_task` never returns 409 by itself: the contract does not define the condition. Script it with "
        "`next`."
    )


def test_an_unknown_cursor_is_refused_like_other_parameters(testing: ModuleType) -> None:
    contract = testing.FakeServer.contract
    operations = [
        replace(
            each, judged=[stage._replace(status=400) if stage.name == "parameters" else stage for stage in each.judged]
        )
        for each in contract.operations
    ]
    edited = type("Edited", (testing.FakeServer,), {"contract": replace(contract, operations=operations)})
    server = edited(now=NOW)
    address = f"{server.base_url}/v1/projects/{server.add_project()}/events"
    with httpx2.Client(transport=server.transport, headers={"Authorization": f"Bearer {server.token}"}) as http:
        assert http.get(address, params={"cursor": "elsewhere"}).status_code == 400
