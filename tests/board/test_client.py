"""The client of the second contract: generated, type-checked, and called against a real server of it."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx2
import pytest

from codegen.directories import changed_files
from codegen.openapi import read
from tests.board.conftest import NAME, build
from tests.board.server import DELETED_TASK_ID, FOREIGN_TASK_ID, OPENAPI, PROJECT_ID, TASK_ID, TOKEN, running


@pytest.fixture(scope="module")
def board(board_client: ModuleType) -> Any:
    """The modules of the client."""
    names = {name: name for name in ("client", "models", "errors", "types")}
    names |= {name: f"api.tasks.{name}" for name in ("list_tasks", "create_task", "get_task", "delete_task")}
    names |= {"list_events": "api.events.list_events"}
    modules = {name: importlib.import_module(f"{board_client.__name__}.{path}") for name, path in names.items()}
    return SimpleNamespace(**modules)


def connect(board: Any, url: str, **settings: Any) -> Any:
    return board.client.Client(url, token=TOKEN, **settings)


# --- types ----------------------------------------------------------------------------------------------------------

# What callers write. A line that a type checker has to refuse says so: one that it does not refuse is an error as well.
USES = """
from datetime import datetime, timezone
from http import HTTPStatus
from uuid import UUID

from task_board import errors, models
from task_board.api.events import list_events
from task_board.api.tasks import create_task, delete_task, get_task, list_tasks
from task_board.client import Client


def use(client: Client, project: UUID) -> None:
    page: models.TaskPage = list_tasks.sync(
        project,
        client=client,
        status="OPEN",
        tag=["office"],
        updated_since=datetime.now(timezone.utc),
        limit=10,
    )
    list_tasks.sync(project, client=client, status=models.TaskStatus.DONE)
    tags: list[str] = page.items[0].tags
    details = page.items[0].details
    if isinstance(details, models.Note):
        text: str = details.text
    elif isinstance(details, models.Checklist):
        entries: list[str] = details.entries
    else:
        details.whatever

    draft = models.TaskDraft(title="x", tags=["a"], details=models.Note(kind="note", text="y"))
    created = create_task.sync_detailed(project, client=client, body=draft)
    location: str | None = created.location
    task: models.Task = created.parsed
    status: HTTPStatus = created.status_code
    version: int | None = get_task.sync_detailed(task.id, client=client).task_version
    cursor: str | None = list_events.sync(project, client=client).next_cursor
    delete_task.sync(task.id, client=client)
    none: None = delete_task.sync_detailed(task.id, client=client).parsed
    try:
        get_task.sync(task.id, client=client)
    except errors.GoneError as error:
        said: str | None = error.detail
    except errors.UnprocessableEntityError as error:
        fault: models.Fault = error.faults[0]

    list_tasks.sync(project, client=client, status="LOST")  # type: ignore[arg-type]
    list_tasks.sync(project, client=client, tag=[1])  # type: ignore[list-item]
    list_tasks.sync(project, client=client, updated_since="today")  # type: ignore[arg-type]
    list_tasks.sync(project, client=client, cursor="x")  # type: ignore[call-arg]
    create_task.sync(project, client=client)  # type: ignore[call-arg]
    create_task.sync(project, client=client, body={"title": "x"})  # type: ignore[arg-type]
    wrong: str = delete_task.sync_detailed(task.id, client=client).parsed  # type: ignore[assignment]
    details.text  # type: ignore[union-attr]
"""


def test_it_is_the_same_to_the_byte_each_time(board_folder: Path, tmp_path: Path) -> None:
    again = build(tmp_path, read(OPENAPI).value)
    assert changed_files(board_folder, again) == []


def test_it_is_typed_for_mypy_and_so_is_what_callers_write(board_folder: Path, tmp_path: Path) -> None:
    uses = tmp_path / "uses.py"
    uses.write_text(USES, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--cache-dir", str(tmp_path / "c")]
    done = subprocess.run(
        [*command, "-p", NAME, "-m", "uses"],
        cwd=board_folder,
        env={"MYPYPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_typed_for_basedpyright(board_folder: Path, tmp_path: Path) -> None:
    settings = {"include": [str(board_folder / NAME)], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "-p", str(tmp_path), "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- requests -------------------------------------------------------------------------------------------------------


def test_parameters_of_one_name_keep_what_their_operation_says(board: Any) -> None:
    tasks, events = (module.build_call(PROJECT_ID) for module in (board.list_tasks, board.list_events))
    assert (tasks.params, events.params) == ([("limit", "50"), ("offset", "0")], [("limit", "10")])
    assert board.list_tasks.build_call(PROJECT_ID, limit=200).params[0] == ("limit", "200")
    with pytest.raises(board.errors.ConfigurationError, match=r"'limit' must be between 1 and 50 \(got 51\)"):
        board.list_events.build_call(PROJECT_ID, limit=51)
    assert "(at least 1, at most 200)" in board.list_tasks.sync.__doc__
    assert "(at least 1, at most 50)" in board.list_events.sync.__doc__


def test_filters_are_sent_as_the_contract_writes_them(board: Any) -> None:
    moment = datetime(2026, 4, 14, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    status = board.models.TaskStatus.DONE
    call = board.list_tasks.build_call(PROJECT_ID, status=status, tag=("a", "b"), updated_since=moment)
    assert call.params[2:] == [
        ("status", "DONE"),
        ("tag", "a"),
        ("tag", "b"),
        ("updated_since", "2026-04-14T09:30:00Z"),
    ]
    assert all(type(value) is str for _, value in call.params)
    assert board.list_tasks.build_call(PROJECT_ID, tag=[], status=None).params == [("limit", "50"), ("offset", "0")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tag": "office"}, r"'tag' must be a list \(got str 'office'\)"),
        ({"tag": ["Office"]}, r"'tag' must match \^\[a-z\]\{1,20\}\$ \(got str 'Office'\)"),
        ({"tag": ["x"] * 6}, r"'tag' must have at most 5 items \(got 6\)"),
        ({"tag": [1]}, r"'tag' must be text \(got int 1\)"),
        ({"status": "LOST"}, r"'status' must be one of OPEN, DOING, DONE \(got str 'LOST'\)"),
        ({"updated_since": datetime(2026, 1, 1)}, "'updated_since' must be a datetime with a time zone"),
        ({"updated_since": "2026-01-01T00:00:00Z"}, r"'updated_since' must be a datetime with a time zone \(got str"),
        ({"updated_since": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}, "the years 1 to 9999"),
        ({"limit": True}, r"'limit' must be an integer \(got bool True\)"),
    ],
)
def test_what_is_no_value_is_told_before_it_is_sent(board: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(board.errors.ConfigurationError, match=message):
        board.list_tasks.build_call(PROJECT_ID, **given)


def test_a_body_is_sent_as_it_was_set(board: Any) -> None:
    models = board.models
    draft = models.TaskDraft(title="x", estimate=None, details=models.Checklist(kind="checklist", entries=["y"]))
    call = board.create_task.build_call(PROJECT_ID, body=draft)
    assert json.loads(call.content) == {
        "title": "x",
        "estimate": None,
        "details": {"kind": "checklist", "entries": ["y"]},
    }
    assert call.headers == {"Content-Type": "application/json"} and call.method == "POST"


def changed(draft: Any, **values: Any) -> Any:
    for name, value in values.items():
        setattr(draft, name, value)
    return draft


BODIES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a mapping": (lambda models: {"title": "x"}, r"'body' must be a TaskDraft \(got dict\)"),
    "another model": (lambda models: models.Note(kind="note", text="x"), r"'body' must be a TaskDraft \(got Note\)"),
    "a further field": (
        lambda models: models.TaskDraft(title="x", titel="y"),
        "'body.titel' is not a field of TaskDraft",
    ),
    "a further field below": (
        lambda models: models.TaskDraft(title="x", details=models.Note(kind="note", text="x", size=1)),
        "'body.details.size' is not a field of Note",
    ),
    "null": (lambda models: models.TaskDraft(title="x", tags=None), "'body.tags' must be omitted"),
    "made without checks": (
        lambda models: models.TaskDraft.model_construct(tags=["a"]),
        "'body.title' is invalid: Field required",
    ),
    "changed": (
        lambda models: changed(models.TaskDraft(title="x"), title=""),
        "'body.title' is invalid: String should have at least",
    ),
    "no number": (
        lambda models: changed(models.TaskDraft(title="x"), estimate=float("nan")),
        "'body.estimate' must be a finite number",
    ),
    "of an unknown kind": (
        lambda models: models.TaskDraft.model_validate({"title": "x", "details": {"kind": "poem", "text": "x"}}),
        "'body.details' must be of a kind that the contract knows",
    ),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_the_contract_does_not_allow_is_not_sent(board: Any, case: str) -> None:
    make, message = BODIES[case]
    with pytest.raises(board.errors.ConfigurationError, match=message):
        board.create_task.build_call(PROJECT_ID, body=make(board.models))


# --- against a server -----------------------------------------------------------------------------------------------


def test_all_operations_against_a_server(board: Any) -> None:
    models, errors = board.models, board.errors
    with running() as url, connect(board, url) as client:
        page = board.list_tasks.sync(PROJECT_ID, client=client, status="DONE", tag=["office"], limit=200)
        assert page.items and {task.status for task in page.items} == {models.TaskStatus.DONE}
        assert all("office" in task.tags and type(task.tags[0]) is str for task in page.items)
        assert {type(task.details) for task in page.items} == {models.Note, models.Checklist}
        since = sorted(task.updated_at for task in page.items)[1]
        later = board.list_tasks.sync(PROJECT_ID, client=client, updated_since=since, limit=200)
        assert later.items and all(task.updated_at >= since for task in later.items)

        events = board.list_events.sync(PROJECT_ID, client=client)
        rest = board.list_events.sync(PROJECT_ID, client=client, cursor=events.next_cursor)
        assert len(events.events) == 10 and not {e.id for e in events.events} & {e.id for e in rest.events}

        draft = models.TaskDraft(title="Ours", tags=["a"], details=models.Note(kind="note", text="x"))
        created = board.create_task.sync_detailed(PROJECT_ID, client=client, body=draft)
        assert created.status_code == 201 and created.location == f"/v1/tasks/{created.parsed.id}"
        with pytest.raises(errors.ConflictError, match="There is an open task of that title") as caught:
            board.create_task.sync(PROJECT_ID, client=client, body=draft)
        assert caught.value.status_code == 409
        found = board.get_task.sync_detailed(created.parsed.id, client=client)
        assert found.parsed == created.parsed and found.task_version == 1

        deleted = board.delete_task.sync_detailed(created.parsed.id, client=client)
        assert (deleted.status_code, deleted.parsed, deleted.content) == (204, None, b"")
        for operation in (board.get_task, board.delete_task):
            with pytest.raises(errors.GoneError):
                operation.sync(created.parsed.id, client=client)
        assert board.delete_task.sync(TASK_ID, client=client) is None
        with pytest.raises(errors.NotFoundError, match="There is no such thing"):
            board.get_task.sync(FOREIGN_TASK_ID, client=client)
        with pytest.raises(errors.UnprocessableEntityError) as invalid:
            board.list_events.sync(PROJECT_ID, client=client, cursor="nonsense")
        assert isinstance(invalid.value.faults[0], models.Fault) and "cursor" in invalid.value.detail
    with (
        running() as url,
        board.client.Client(url, token="wrong") as client,
        pytest.raises(errors.AuthenticationError),
    ):
        board.get_task.sync(DELETED_TASK_ID, client=client)


def test_the_same_under_asyncio(board: Any) -> None:
    async def scenario(url: str) -> None:
        async with connect(board, url) as client:
            draft = board.models.TaskDraft(title="Ours")
            created = await board.create_task.asyncio_detailed(PROJECT_ID, client=client, body=draft)
            assert created.location == f"/v1/tasks/{created.parsed.id}"
            assert await board.delete_task.asyncio(created.parsed.id, client=client) is None
            with pytest.raises(board.errors.GoneError):
                await board.get_task.asyncio(created.parsed.id, client=client)

    with running() as url:
        asyncio.run(scenario(url))


def test_details_of_an_unknown_kind_are_kept_unless_strict(board: Any) -> None:
    with running("details_of_an_unknown_kind") as url:
        with connect(board, url) as client:
            details = board.get_task.sync(TASK_ID, client=client).details
        assert type(details).__name__ == "Unknown" and details.kind not in ("note", "checklist")
        assert details.model_dump()["kind"] == details.kind
        message = "details: must be of a kind that the contract knows"
        with connect(board, url, strict=True) as client, pytest.raises(board.errors.DecodingError, match=message):
            board.get_task.sync(TASK_ID, client=client)


DETAILS: dict[str, tuple[Any, str]] = {
    "a field less": ({"kind": "note"}, "details.note.text"),
    "fields of the other": ({"kind": "note", "entries": []}, "details.note.text"),
    "no kind": ({"text": "x"}, "Field `kind` must be text"),
    "a kind that is no text": ({"kind": 1, "text": "x"}, "Field `kind` must be text"),
    "no object": ("note", "details"),
}


@pytest.mark.parametrize("case", DETAILS)
def test_details_that_are_none_are_an_error_that_names_them(board: Any, case: str) -> None:
    details, message = DETAILS[case]
    draft = json.dumps({"title": "x", "details": details})
    with pytest.raises(ValueError) as caught:
        board.models.TaskDraft.model_validate_json(draft)
    assert message in ".".join(map(str, caught.value.errors()[0]["loc"])) + caught.value.errors()[0]["msg"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fault", "sent", "message"),
    [
        ("version_missing", None, "header Task-Version: must be present"),
        ("version_not_an_integer", "", "header Task-Version: must be an integer"),
    ],
)
def test_a_header_that_is_not_as_promised_is_none_unless_strict(
    board: Any, fault: str, sent: str | None, message: str
) -> None:
    with running(fault) as url:
        with connect(board, url) as client:
            answer = board.get_task.sync_detailed(TASK_ID, client=client)
        assert answer.task_version is None and ("task-version" in answer.headers) == (sent is not None)
        with connect(board, url, strict=True) as client, pytest.raises(board.errors.DecodingError, match=message):
            board.get_task.sync(TASK_ID, client=client)


# --- what is sent again ---------------------------------------------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes] | None


@contextmanager
def answering(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """Runs a server that gives answers in turn, None by ending the connection; yields its URL, and what came."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            came.append(f"{self.command} {self.path}")
            answer = answers[min(len(came), len(answers)) - 1]
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


BUSY: Answer = (503, {}, b'{"detail": "busy"}')
LATER: Answer = (503, {"Retry-After": "0"}, b'{"detail": "busy"}')
QUOTA: Answer = (429, {"Retry-After": "0"}, b'{"detail": "quota"}')
GATEWAY: Answer = (502, {"Retry-After": "0"}, b"")
GONE: Answer = (204, {}, b"")

SENT: dict[str, tuple[str, list[Answer], int]] = {
    "POST whose connection ends": ("create_task", [None], 1),
    "POST after 503": ("create_task", [BUSY], 1),
    "POST after 502": ("create_task", [GATEWAY], 1),
    "POST after 503 with Retry-After": ("create_task", [LATER, LATER, BUSY], 3),
    "POST after 429 with Retry-After": ("create_task", [QUOTA, BUSY], 2),
    "DELETE whose connection ends": ("delete_task", [None, GONE], 2),
    "DELETE after 502": ("delete_task", [GATEWAY, BUSY, GONE], 3),
    "GET whose connection ends": ("get_task", [None, (404, {}, b"")], 2),
}


async def awaited(operation: Any, client: Any, arguments: dict[str, Any]) -> None:
    async with client:
        await operation.asyncio(TASK_ID, client=client, **arguments)


@pytest.mark.parametrize("way", ["sync", "asyncio"])
@pytest.mark.parametrize("case", SENT)
def test_what_may_have_been_done_is_not_sent_again(board: Any, case: str, way: str) -> None:
    operation, answers, times = SENT[case]
    retry = board.client.Retry(max_retries=4, backoff=0.001)
    arguments: dict[str, Any] = {}
    if operation == "create_task":
        arguments["body"] = board.models.TaskDraft(title="x")
    with answering(*answers) as (url, came):
        try:
            if way == "sync":
                with connect(board, url, retry=retry) as client:
                    getattr(board, operation).sync(TASK_ID, client=client, **arguments)
            else:
                asyncio.run(awaited(getattr(board, operation), connect(board, url, retry=retry), arguments))
        except board.errors.ApiError:
            assert answers[-1] is not GONE
        assert len(came) == times


def test_a_post_that_found_no_server_is_sent_again(board: Any) -> None:
    with answering() as (url, _):
        pass
    client = connect(board, url, retry=board.client.Retry(max_retries=2, backoff=0.001))
    tried: list[str] = []

    class Counting(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            tried.append(request.method)
            return super().handle_request(request)

    with httpx2.Client(transport=Counting()) as http, pytest.raises(board.errors.ApiConnectionError):
        client.set_httpx_client(http)
        board.create_task.sync(PROJECT_ID, client=client, body=board.models.TaskDraft(title="x"))
    assert tried == ["POST"] * 3
