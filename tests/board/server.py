"""The task board: a small in-memory server of the contract in openapi.yaml, beside this file.

    with running() as base_url: ...
    with running(with_faults("filter_ignored")) as base_url: ...  # tests.board.faults

Like the reference server it is written by hand and shares no models with the generated package. It decides what the
contract leaves open as the reference server does: an integer has one spelling, a parameter with one value is given
once, a UUID has dashes, unknown query parameters are ignored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from codegen.openapi import read
from tests.reference_server.uvicorn_server import serve_app

from .data import KEY, OPENAPI, TOKEN, Body, Project, Task, format_time, seed_projects
from .parsing import (
    BODY_PARSERS,
    InvalidValue,
    Refusal,
    parse_integer,
    parse_status,
    parse_tags,
    parse_time,
    parse_uuid,
    reject_constant,
)


@dataclass
class BoardRequest:
    """A request to the board, and what its stages found."""

    operation: str
    path: dict[str, str]
    query: dict[str, list[str]]
    headers: list[tuple[str, str]]
    body: bytes
    values: dict[str, Any] = field(default_factory=dict)
    """Parsed values by parameter name, and the body as `body`. Filled by `check_parameters`."""
    project: Project | None = None
    task: Task | None = None

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Board:
    """Answers requests. Each method is one step, and a fault replaces one step."""

    def __init__(self) -> None:
        self.projects = seed_projects()
        self.random = Random(1)
        # Requests are answered one at a time, in the server's thread. Tests read the projects from another thread.
        self.lock = threading.Lock()

    def answer(self, request: BoardRequest) -> Response:
        """Check the request stage by stage, then perform its operation."""
        with self.lock:
            try:
                for stage in self.stages(request):
                    stage(request)
                response: Response = getattr(self, request.operation)(request)
                return response
            except Refusal as refusal:
                return json_response({"detail": refusal.detail}, refusal.status, refusal.headers)

    def stages(self, request: BoardRequest) -> list[Callable[[BoardRequest], None]]:
        return [
            self.check_credentials,
            self.check_parameters,
            self.check_existence,
            self.check_access,
            self.check_state,
        ]

    def check_credentials(self, request: BoardRequest) -> None:
        """Use the header `Authorization` if there is one, else the board's key."""
        if given := request.header("authorization"):
            match = re.fullmatch(r"bearer +(.*)", given[0], re.IGNORECASE | re.DOTALL)
            presented, expected = match[1] if match and len(given) == 1 else "", TOKEN
        else:
            keys = request.header("x-board-key")
            presented, expected = keys[0] if len(keys) == 1 else "", KEY
        if not hmac.compare_digest(presented.encode("latin-1"), expected.encode()):
            raise Refusal(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})

    def check_parameters(self, request: BoardRequest) -> None:
        """Parse all parameters and the body, and report all faults in one response."""
        faults: list[Body] = []

        def read(place: str, name: str, reader: Callable[[], Any]) -> None:
            try:
                request.values[name] = reader()
            except InvalidValue as invalid:
                loc = [place, name, *invalid.below] if name != "body" else [place, *invalid.below]
                faults.append({"loc": loc, "msg": invalid.message, "type": invalid.kind})

        for name, text in request.path.items():
            read("path", name, partial(parse_uuid, text))
        for name, (default, reader) in self.query_parameters(request.operation).items():
            texts = request.query.get(name, [])
            request.values[name] = default
            if name == "tag":
                read("query", name, partial(reader, texts))
            elif len(texts) > 1:
                faults.append({"loc": ["query", name], "msg": "Input should be given once", "type": "value_error"})
            elif texts:
                read("query", name, partial(reader, texts[0]))
        if request.operation == "create_task":
            read("body", "body", partial(self.read_draft, request))
        if request.values.get("cursor") is not None and not faults:
            read("query", "cursor", partial(self.read_cursor, request.values["cursor"], request.values["project_id"]))
        if faults:
            raise Refusal(422, faults)

    def query_parameters(self, operation: str) -> dict[str, tuple[Any, Callable[[Any], Any]]]:
        """The default and the parser of each query parameter, by name."""
        if operation == "list_tasks":
            return {
                "limit": (50, partial(parse_integer, least=1, most=200)),
                "offset": (0, partial(parse_integer, least=0)),
                "status": (None, parse_status),
                "tag": ([], parse_tags),
                "updated_since": (None, parse_time),
            }
        if operation == "list_events":
            return {"limit": (10, partial(parse_integer, least=1, most=50)), "cursor": (None, str)}
        return {}

    def read_draft(self, request: BoardRequest) -> Body:
        kinds = [value.partition(";")[0].strip().lower() for value in request.header("content-type")]
        if kinds != ["application/json"]:
            raise InvalidValue("The body should be application/json", "content_type")
        try:
            draft = json.loads(request.body.decode("utf-8"), parse_constant=reject_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidValue(f"The body should be JSON: {error}", "json_invalid") from error
        if not isinstance(draft, dict):
            raise InvalidValue("The body should be an object", "dict_type")
        if unknown := sorted(set(draft) - set(BODY_PARSERS)):
            raise InvalidValue("Extra inputs are not permitted", "extra_forbidden", unknown[0])
        if "title" not in draft:
            raise InvalidValue("Field required", "missing", "title")
        for name, value in draft.items():
            try:
                BODY_PARSERS[name](value)
            except InvalidValue as invalid:
                raise InvalidValue(invalid.message, invalid.kind, name, *invalid.below) from invalid
        return draft

    def check_existence(self, request: BoardRequest) -> None:
        """Find the project or task. One of another tenant gets the same response as one that does not exist."""
        if task_id := request.values.get("task_id"):
            found = [(project, task) for project in self.projects.values() for task in project.tasks]
            request.project, request.task = next((pair for pair in found if pair[1].id == task_id), (None, None))
        else:
            request.project = self.projects.get(request.values.get("project_id", ""))
        if request.project is None or request.project.is_foreign:
            raise Refusal(404, "There is no such thing")

    def check_access(self, request: BoardRequest) -> None:
        if request.project is not None and request.project.is_forbidden:
            raise Refusal(403, "Not enough permissions")

    def check_state(self, request: BoardRequest) -> None:
        if request.task is not None and request.task.is_deleted:
            raise Refusal(410, "The task was deleted")
        if request.operation == "create_task":
            assert request.project is not None
            wanted = request.values["body"]["title"]
            if any(task.title == wanted and task.status == "OPEN" for task in self.alive(request.project)):
                raise Refusal(409, "There is an open task of that title")

    def alive(self, project: Project) -> list[Task]:
        """The tasks that are not deleted, latest first."""
        return [task for task in reversed(project.tasks) if not task.is_deleted]

    # Lists by offset

    def list_tasks(self, request: BoardRequest) -> Response:
        assert request.project is not None
        everything = self.alive(request.project)
        found = [task for task in everything if self.is_selected(task, request.values)]
        limit, offset = request.values["limit"], request.values["offset"]
        body = {
            "items": [self.render_task(task) for task in self.cut(found, limit, offset)],
            "total": self.count(found, everything),
            "limit": limit,
            "offset": offset,
        }
        return json_response(body)

    def is_selected(self, task: Task, values: Body) -> bool:
        return (
            self.has_status(task, values["status"])
            and self.has_tags(task, values["tag"])
            and self.is_updated_since(task, values["updated_since"])
        )

    def has_status(self, task: Task, wanted: str | None) -> bool:
        return wanted is None or task.status == wanted

    def has_tags(self, task: Task, wanted: Sequence[str]) -> bool:
        return set(wanted) <= set(task.tags)

    def is_updated_since(self, task: Task, since: Fraction | None) -> bool:
        return since is None or parse_time(task.updated_at) >= since

    def cut(self, found: list[Task], limit: int, offset: int) -> list[Task]:
        return found[offset : offset + limit]

    def count(self, found: list[Task], everything: list[Task]) -> int:
        return len(found)

    def render_task(self, task: Task) -> Body:
        return {
            "id": task.id,
            "project_id": task.project_id,
            "number": task.number,
            "title": task.title,
            "status": task.status,
            "tags": list(task.tags),
            "estimate": task.estimate,
            "details": dict(task.details),
            "created_at": task.created_at,
            "updated_at": task.updated_at,
            "done_at": task.done_at,
        }

    # Lists by cursor

    def list_events(self, request: BoardRequest) -> Response:
        """A cursor names the event before the page, so it stays valid when events are added."""
        assert request.project is not None
        after, limit = request.values["cursor"], self.events_per_page(request.values["limit"])
        found = [event for event in reversed(request.project.events) if after is None or event["id"] < after]
        events, rest = found[:limit], found[limit:]
        following = self.next_cursor(request.project, events, rest, after)
        return json_response({"events": events, "next_cursor": following})

    def events_per_page(self, limit: int) -> int:
        return limit

    def next_cursor(self, project: Project, events: list[Body], rest: list[Body], after: int | None) -> str | None:
        return self.cursor(project.id, events[-1]["id"]) if rest else None

    def cursor(self, project_id: str, after: int) -> str:
        text = str(after).encode()
        seal = hashlib.sha256(project_id.encode() + text + b"sealed").digest()[:9]
        return base64.urlsafe_b64encode(seal + text).decode().rstrip("=")

    def read_cursor(self, text: str, project_id: str) -> int:
        try:
            after = int(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)[9:])
        except ValueError as error:
            raise InvalidValue("Input should be a cursor of this list", "cursor") from error
        # Base64 and int() accept several spellings of a cursor; only its own is valid.
        if self.cursor(project_id, after) != text:
            raise InvalidValue("Input should be a cursor of this list", "cursor")
        return after

    # Single tasks

    def get_task(self, request: BoardRequest) -> Response:
        assert request.task is not None
        return json_response(self.render_single(request.task), 200, {"Task-Version": str(request.task.version)})

    def render_single(self, task: Task) -> Body:
        return self.render_task(task)

    def create_task(self, request: BoardRequest) -> Response:
        assert request.project is not None
        task = self.make_task(request.project, request.values["body"])
        request.project.tasks.append(task)
        request.project.add_event(task, "CREATED", task.created_at)
        return json_response(self.render_task(task), 201, {"Location": f"/v1/tasks/{task.id}"})

    def make_task(self, project: Project, draft: Body) -> Task:
        now = format_time(datetime.now(UTC))
        return Task(
            id=str(UUID(int=self.random.getrandbits(128), version=4)),
            project_id=project.id,
            number=len(project.tasks) + 1,
            title=draft["title"],
            status="OPEN",
            tags=draft.get("tags", []),
            estimate=draft.get("estimate"),
            details=draft.get("details", {"kind": "note", "text": ""}),
            created_at=now,
            updated_at=now,
            done_at=None,
        )

    def delete_task(self, request: BoardRequest) -> Response:
        assert request.project is not None and request.task is not None
        self.remove(request.task)
        request.project.add_event(request.task, "DELETED", format_time(datetime.now(UTC)))
        return Response(status_code=204)

    def remove(self, task: Task) -> None:
        task.is_deleted = True


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


ROUTES: dict[str, dict[str, str]] = {
    "/v1/projects/{project_id}/tasks": {"GET": "list_tasks", "POST": "create_task"},
    "/v1/projects/{project_id}/events": {"GET": "list_events"},
    "/v1/tasks/{task_id}": {"GET": "get_task", "DELETE": "delete_task"},
}


def match_route(raw_path: str) -> tuple[str, dict[str, str]] | None:
    """Return the path's template and parameters. Splits before it decodes: `%2F` is part of an id, no separator."""
    segments = [unquote(segment) for segment in raw_path.split("/")]
    for template in ROUTES:
        expected = template.split("/")
        if len(expected) == len(segments):
            pairs = list(zip(expected, segments, strict=True))
            if all(segment if part.startswith("{") else part == segment for part, segment in pairs):
                return template, {part.strip("{}"): segment for part, segment in pairs if part.startswith("{")}
    return None


def respond(
    board: Board, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
) -> Response:
    """Answer one request. `target` is the raw path and query; header names are in lower case."""
    path, _, query = target.partition("?")
    found = match_route(path)
    if found is None:
        return json_response({"detail": "Not Found"}, 404)
    methods = ROUTES[found[0]]
    operation = methods.get("GET" if method == "HEAD" else method)
    if operation is None:
        allowed = [*methods, "HEAD"] if "GET" in methods else [*methods]
        return json_response({"detail": "Method Not Allowed"}, 405, {"Allow": ", ".join(allowed)})
    by_name: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        by_name.setdefault(name, []).append(value)
    return board.answer(BoardRequest(operation, found[1], by_name, list(headers), body))


def create_app(board: Board) -> ASGIApp:
    """Return the ASGI application of a board. It serves the contract as its /openapi.json."""
    document = json.dumps(read(OPENAPI).value)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        target = (scope["raw_path"] + b"?" + scope["query_string"]).decode("latin-1")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        if scope["path"] == "/openapi.json":
            response = Response(document, media_type="application/json")
        else:
            response = respond(board, scope["method"], target, headers, await Request(scope, receive).body())
        await response(scope, receive, send)

    return app


@contextmanager
def running(board: Board | None = None, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[str]:
    """Run a board in a thread on a free port; yield its base URL, and stop it on exit.

    Args:
        board: The board to run. Default: a new one without faults.
        around: Wraps the application.
    """
    with serve_app(around(create_app(board or Board())), "task board") as base_url:
        yield base_url
