"""The task board: a small server of openapi.yaml beside this, in memory, with faults to switch on.

    with running() as base_url: ...
    with running("filter_ignored") as base_url: ...

Written out by hand, as the reference server is: it states itself what the contract says, and shares no models with what
is generated. What the contract leaves open is decided as there: each integer has one spelling, a
parameter that takes one value is given once, a UUID has dashes, unknown query parameters are ignored.
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
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from codegen.openapi import read
from tests.reference_server.running import serving

OPENAPI = Path(__file__).with_name("openapi.yaml")

# No secrets: they open nothing but this server.
TOKEN = "board-server-token"
KEY = "board-server-key"

PROJECT_ID = "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"
"""Has TASKS tasks and EVENTS events."""
EMPTY_PROJECT_ID = "b3d94a17-25fe-4c61-8d0a-7e5c90f2613b"
FORBIDDEN_PROJECT_ID = "e07a6c52-91bd-4f38-a4c6-18d3f5072e9c"
"""Of the same tenant, and not for these credentials: 403."""
FOREIGN_PROJECT_ID = "2c85f3b9-d740-4e1a-b96f-53a1c8e04d76"
"""Of another tenant: 404."""

# By their state: of the first project, deleted from it, of the forbidden one, deleted from that, of the foreign one.
TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01"
DELETED_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a02"
FORBIDDEN_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a03"
FORBIDDEN_DELETED_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a04"
FOREIGN_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a05"

# How its contract run is told of it.
ENVIRONMENT = {
    "TOKEN": TOKEN,
    "X_BOARD_KEY": KEY,
    "PROJECT_ID": PROJECT_ID,
    "EMPTY_PROJECT_ID": EMPTY_PROJECT_ID,
    "FOREIGN_PROJECT_ID": f"{FOREIGN_PROJECT_ID},{FORBIDDEN_PROJECT_ID}",
    "FOREIGN_TASK_ID": f"{FOREIGN_TASK_ID},{FORBIDDEN_TASK_ID}",
    "MAX_EXAMPLES": "1",
}

TASKS = 230
EVENTS = 120

STATUSES = ("OPEN", "DOING", "DONE")
TAGS = ("home", "office", "urgent", "waiting", "someday")
BEGIN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

Body = dict[str, Any]


# What the server holds


@dataclass
class Task:
    id: str
    project_id: str
    number: int
    title: str
    status: str
    tags: list[str]
    estimate: float | None
    details: Body
    created_at: str
    updated_at: str
    done_at: str | None
    version: int = 1
    is_deleted: bool = False


@dataclass
class Project:
    id: str
    is_foreign: bool = False
    is_forbidden: bool = False
    tasks: list[Task] = field(default_factory=list)
    """Oldest first."""
    events: list[Body] = field(default_factory=list)
    """Oldest first."""

    def add_event(self, task: Task, what: str, at: str) -> None:
        self.events.append({"id": len(self.events) + 1, "task_id": task.id, "what": what, "at": at})


def written(moment: datetime) -> str:
    """As a date-time; in UTC, with as many decimals as it needs."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def seeded() -> dict[str, Project]:
    """The projects by id, the same each time."""
    random = Random(15)
    projects = {
        PROJECT_ID: Project(PROJECT_ID),
        EMPTY_PROJECT_ID: Project(EMPTY_PROJECT_ID),
        FORBIDDEN_PROJECT_ID: Project(FORBIDDEN_PROJECT_ID, is_forbidden=True),
        FOREIGN_PROJECT_ID: Project(FOREIGN_PROJECT_ID, is_foreign=True),
    }
    fixed = {0: TASK_ID, 99: DELETED_TASK_ID}
    statuses = cycle((*STATUSES, "DONE", "OPEN"))
    for index in range(TASKS + 1):
        identifier = fixed.get(index) or str(UUID(int=random.getrandbits(128), version=4))
        add_seeded(projects[PROJECT_ID], identifier, next(statuses), random)
    for project_id, alive, deleted in (
        (FORBIDDEN_PROJECT_ID, FORBIDDEN_TASK_ID, FORBIDDEN_DELETED_TASK_ID),
        (FOREIGN_PROJECT_ID, FOREIGN_TASK_ID, ""),
    ):
        for identifier in filter(None, (alive, deleted)):
            add_seeded(projects[project_id], identifier, "OPEN", random)
    for project in projects.values():
        for task in project.tasks:
            if task.id in (DELETED_TASK_ID, FORBIDDEN_DELETED_TASK_ID):
                task.is_deleted = True
    seed_events(projects[PROJECT_ID], random)
    return projects


def add_seeded(project: Project, identifier: str, status: str, random: Random) -> None:
    number = len(project.tasks) + 1
    created = BEGIN + timedelta(hours=3 * number, milliseconds=random.choice((0, 4, 250)))
    updated = created + timedelta(minutes=random.randrange(5000))
    is_note = random.random() < 0.5 or number == 1
    project.tasks.append(
        Task(
            id=identifier,
            project_id=project.id,
            number=number,
            title=random.choice(("Order the paper", "Résumé 週報 📄", "Water the plants", "Ω" * 110)) + f" {number}",
            status=status,
            tags=random.sample(TAGS, random.choice((0, 1, 1, 2, 2, 3))),
            estimate=random.choice((None, 0.0, 0.5, 1.25, 3.0)),
            details={"kind": "note", "text": random.choice(("", "A4, two boxes", "Zeile\nfür Zeile"))}
            if is_note
            else {"kind": "checklist", "entries": ["paper", "ink", "stamps"][: random.randrange(4)]},
            created_at=written(created),
            updated_at=written(updated),
            done_at=written(updated if number % 2 else created) if status == "DONE" else None,
            version=random.randrange(1, 9),
        )
    )


def seed_events(project: Project, random: Random) -> None:
    last = project.tasks[-1].created_at
    for number in range(EVENTS - 1):
        task = random.choice(project.tasks)
        what = "CREATED" if number % 3 == 0 else "CHANGED"
        project.add_event(task, what, written(datetime.fromisoformat(last) + timedelta(minutes=number)))
    deleted = next(task for task in project.tasks if task.is_deleted)
    project.add_event(deleted, "DELETED", written(datetime.fromisoformat(last) + timedelta(minutes=EVENTS)))


# How requests are read


INTEGER = re.compile(r"0|-?[1-9][0-9]{0,4000}")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
TAG = re.compile(r"[a-z]{1,20}", re.ASCII)
TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII | re.IGNORECASE
)


class Refusal(Exception):
    """Carries the answer to a request that fails a stage."""

    def __init__(self, status: int, detail: Any, headers: dict[str, str] | None = None) -> None:
        self.status, self.detail, self.headers = status, detail, headers or {}


class Invalid(Exception):
    """Carries what is wrong with one value."""

    def __init__(self, message: str, kind: str, *below: str | int) -> None:
        self.message, self.kind, self.below = message, kind, below


def integer(text: str, least: int, most: int | None = None) -> int:
    if not INTEGER.fullmatch(text):
        raise Invalid("Input should be a valid integer", "int_parsing")
    value = int(text)
    if value < least:
        raise Invalid(f"Input should be greater than or equal to {least}", "greater_than_equal")
    if most is not None and value > most:
        raise Invalid(f"Input should be less than or equal to {most}", "less_than_equal")
    return value


def identifier(text: str) -> str:
    if not UUID_TEXT.fullmatch(text):
        raise Invalid("Input should be a valid UUID", "uuid_parsing")
    return text.lower()


def moment(text: str) -> Fraction:
    """Seconds since the year 0; exact, whatever digits a time has. Raises Invalid for what is no RFC 3339 date-time."""
    match = TIME.fullmatch(text)
    if match is None:
        raise Invalid("Input should be a valid datetime with a timezone", "datetime_parsing")
    year, month, day, hour, minute, second = (int(digits) for digits in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    shift = int(hours or 0) * 60 + int(minutes or 0)
    try:
        # There is no year 0 in Python, and it is as long as the year 4.
        days = datetime(year or 4, month, day).toordinal() - (0 if year else 366 + datetime(4, 1, 1).toordinal() - 1)
    except ValueError as error:
        raise Invalid(str(error), "datetime_parsing") from error
    minutes_of_day = hour * 60 + minute - (shift if sign == "+" else -shift)
    # A leap second is the last one of a day, in UTC.
    seconds = 61 if minutes_of_day % 1440 == 1439 else 60
    if hour > 23 or minute > 59 or second >= seconds or int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise Invalid("The time of day is not valid", "datetime_parsing")
    return days * 86400 + minutes_of_day * 60 + second + Fraction(f"0.{fraction or 0}")


def status(text: str) -> str:
    if text not in STATUSES:
        raise Invalid(f"Input should be one of {', '.join(STATUSES)}", "enum")
    return text


def tag_list(values: Any) -> list[str]:
    if not isinstance(values, list):
        raise Invalid("Input should be a valid list", "list_type")
    if len(values) > 5:
        raise Invalid("List should have at most 5 items", "too_long")
    for index, value in enumerate(values):
        if not isinstance(value, str) or not TAG.fullmatch(value):
            raise Invalid("Input should be a word of 1 to 20 small letters", "string_pattern_mismatch", index)
    return values


def read_details(value: Any) -> Body:
    if not isinstance(value, dict):
        raise Invalid("Input should be an object", "dict_type")
    if value.get("kind") == "note":
        if set(value) == {"kind", "text"} and isinstance(value["text"], str):
            return value
        raise Invalid("A note has a text, and nothing else", "note", "note")
    if value.get("kind") == "checklist":
        entries = value.get("entries")
        is_list = isinstance(entries, list) and all(isinstance(entry, str) for entry in entries)
        if set(value) == {"kind", "entries"} and is_list:
            return value
        raise Invalid("A checklist has entries, and nothing else", "checklist", "checklist")
    raise Invalid("'kind' should be 'note' or 'checklist'", "union_tag_invalid", "kind")


def estimate(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value == float("inf"):
        raise Invalid("Input should be a number from 0 on, or null", "greater_than_equal")
    return value


def title(value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid("Input should be a valid string", "string_type")
    if not value:
        raise Invalid("String should have at least 1 character", "string_too_short")
    if len(value) > 120:
        raise Invalid("String should have at most 120 characters", "string_too_long")
    return value


READERS: dict[str, Callable[[Any], Any]] = {
    "title": title,
    "tags": tag_list,
    "estimate": estimate,
    "details": read_details,
}


def no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


@dataclass
class Asked:
    """A request as it is worked on."""

    operation: str
    path: dict[str, str]
    query: dict[str, list[str]]
    headers: list[tuple[str, str]]
    body: bytes
    values: dict[str, Any] = field(default_factory=dict)
    """By parameter, once they are judged; the body under `body`."""
    project: Project | None = None
    task: Task | None = None

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


# How they are answered


class Board:
    """Each method is one step. A fault replaces one of them."""

    def __init__(self) -> None:
        self.projects = seeded()
        self.random = Random(1)
        # Requests are answered one after the other, in the server's thread; for those who look in from another one.
        self.lock = threading.Lock()

    def answer(self, asked: Asked) -> Response:
        """Judges a request, then does what it asks for."""
        with self.lock:
            try:
                for stage in self.stages(asked):
                    stage(asked)
                done: Response = getattr(self, asked.operation)(asked)
                return done
            except Refusal as refusal:
                return rendered({"detail": refusal.detail}, refusal.status, refusal.headers)

    def stages(self, asked: Asked) -> list[Callable[[Asked], None]]:
        return [
            self.check_credentials,
            self.check_parameters,
            self.check_existence,
            self.check_access,
            self.check_state,
        ]

    def check_credentials(self, asked: Asked) -> None:
        """The header `Authorization` counts if there is one, else the board's key."""
        if given := asked.header("authorization"):
            match = re.fullmatch(r"bearer +(.*)", given[0], re.IGNORECASE | re.DOTALL)
            presented, expected = match[1] if match and len(given) == 1 else "", TOKEN
        else:
            keys = asked.header("x-board-key")
            presented, expected = keys[0] if len(keys) == 1 else "", KEY
        if not hmac.compare_digest(presented.encode("latin-1"), expected.encode()):
            raise Refusal(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})

    def check_parameters(self, asked: Asked) -> None:
        """Every fault at once."""
        faults: list[Body] = []

        def read(place: str, name: str, reader: Callable[[], Any]) -> None:
            try:
                asked.values[name] = reader()
            except Invalid as invalid:
                loc = [place, name, *invalid.below] if name != "body" else [place, *invalid.below]
                faults.append({"loc": loc, "msg": invalid.message, "type": invalid.kind})

        for name, text in asked.path.items():
            read("path", name, partial(identifier, text))
        for name, (default, reader) in self.query_parameters(asked.operation).items():
            texts = asked.query.get(name, [])
            asked.values[name] = default
            if name == "tag":
                read("query", name, partial(reader, texts))
            elif len(texts) > 1:
                faults.append({"loc": ["query", name], "msg": "Input should be given once", "type": "value_error"})
            elif texts:
                read("query", name, partial(reader, texts[0]))
        if asked.operation == "create_task":
            read("body", "body", partial(self.read_draft, asked))
        if asked.values.get("cursor") is not None and not faults:
            read("query", "cursor", partial(self.read_cursor, asked.values["cursor"], asked.values["project_id"]))
        if faults:
            raise Refusal(422, faults)

    def query_parameters(self, operation: str) -> dict[str, tuple[Any, Callable[[Any], Any]]]:
        """By name, the default and how a value is read."""
        if operation == "list_tasks":
            return {
                "limit": (50, partial(integer, least=1, most=200)),
                "offset": (0, partial(integer, least=0)),
                "status": (None, status),
                "tag": ([], tag_list),
                "updated_since": (None, moment),
            }
        if operation == "list_events":
            return {"limit": (10, partial(integer, least=1, most=50)), "cursor": (None, str)}
        return {}

    def read_draft(self, asked: Asked) -> Body:
        kinds = [value.partition(";")[0].strip().lower() for value in asked.header("content-type")]
        if kinds != ["application/json"]:
            raise Invalid("The body should be application/json", "content_type")
        try:
            draft = json.loads(asked.body.decode("utf-8"), parse_constant=no_number)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"The body should be JSON: {error}", "json_invalid") from error
        if not isinstance(draft, dict):
            raise Invalid("The body should be an object", "dict_type")
        if unknown := sorted(set(draft) - set(READERS)):
            raise Invalid("Extra inputs are not permitted", "extra_forbidden", unknown[0])
        if "title" not in draft:
            raise Invalid("Field required", "missing", "title")
        for name, value in draft.items():
            try:
                READERS[name](value)
            except Invalid as invalid:
                raise Invalid(invalid.message, invalid.kind, name, *invalid.below) from invalid
        return draft

    def check_existence(self, asked: Asked) -> None:
        """What belongs to another tenant is answered as what is not there."""
        if task_id := asked.values.get("task_id"):
            found = [(project, task) for project in self.projects.values() for task in project.tasks]
            asked.project, asked.task = next((pair for pair in found if pair[1].id == task_id), (None, None))
        else:
            asked.project = self.projects.get(asked.values.get("project_id", ""))
        if asked.project is None or asked.project.is_foreign:
            raise Refusal(404, "There is no such thing")

    def check_access(self, asked: Asked) -> None:
        if asked.project is not None and asked.project.is_forbidden:
            raise Refusal(403, "Not enough permissions")

    def check_state(self, asked: Asked) -> None:
        if asked.task is not None and asked.task.is_deleted:
            raise Refusal(410, "The task was deleted")
        if asked.operation == "create_task":
            assert asked.project is not None
            wanted = asked.values["body"]["title"]
            if any(task.title == wanted and task.status == "OPEN" for task in self.alive(asked.project)):
                raise Refusal(409, "There is an open task of that title")

    def alive(self, project: Project) -> list[Task]:
        """The latest first."""
        return [task for task in reversed(project.tasks) if not task.is_deleted]

    # Lists by offset

    def list_tasks(self, asked: Asked) -> Response:
        assert asked.project is not None
        everything = self.alive(asked.project)
        found = [task for task in everything if self.is_selected(task, asked.values)]
        limit, offset = asked.values["limit"], asked.values["offset"]
        body = {
            "items": [self.render_task(task) for task in self.cut(found, limit, offset)],
            "total": self.count(found, everything),
            "limit": limit,
            "offset": offset,
        }
        return rendered(body)

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
        return since is None or moment(task.updated_at) >= since

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

    def list_events(self, asked: Asked) -> Response:
        """A cursor says which event a page begins after, so that it holds whatever happens meanwhile."""
        assert asked.project is not None
        after, limit = asked.values["cursor"], self.events_per_page(asked.values["limit"])
        found = [event for event in reversed(asked.project.events) if after is None or event["id"] < after]
        events, rest = found[:limit], found[limit:]
        following = self.next_cursor(asked.project, events, rest, after)
        return rendered({"events": events, "next_cursor": following})

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
            raise Invalid("Input should be a cursor of this list", "cursor") from error
        # What can be spelled in several ways is taken in one.
        if self.cursor(project_id, after) != text:
            raise Invalid("Input should be a cursor of this list", "cursor")
        return after

    # Single tasks

    def get_task(self, asked: Asked) -> Response:
        assert asked.task is not None
        return rendered(self.render_single(asked.task), 200, {"Task-Version": str(asked.task.version)})

    def render_single(self, task: Task) -> Body:
        return self.render_task(task)

    def create_task(self, asked: Asked) -> Response:
        assert asked.project is not None
        task = self.task_of(asked.project, asked.values["body"])
        asked.project.tasks.append(task)
        asked.project.add_event(task, "CREATED", task.created_at)
        return rendered(self.render_task(task), 201, {"Location": f"/v1/tasks/{task.id}"})

    def task_of(self, project: Project, draft: Body) -> Task:
        now = written(datetime.now(UTC))
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

    def delete_task(self, asked: Asked) -> Response:
        assert asked.project is not None and asked.task is not None
        self.remove(asked.task)
        asked.project.add_event(asked.task, "DELETED", written(datetime.now(UTC)))
        return Response(status_code=204)

    def remove(self, task: Task) -> None:
        task.is_deleted = True


def rendered(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


ROUTES: dict[str, dict[str, str]] = {
    "/v1/projects/{project_id}/tasks": {"GET": "list_tasks", "POST": "create_task"},
    "/v1/projects/{project_id}/events": {"GET": "list_events"},
    "/v1/tasks/{task_id}": {"GET": "get_task", "DELETE": "delete_task"},
}


def routed(raw_path: str) -> tuple[str, dict[str, str]] | None:
    """The path's template and parameters. Matched as it was sent: `%2F` is part of an id, not a separator."""
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
    """Answers one request to a path and query, as they were sent; names of headers are in lower case."""
    path, _, query = target.partition("?")
    found = routed(path)
    if found is None:
        return rendered({"detail": "Not Found"}, 404)
    methods = ROUTES[found[0]]
    operation = methods.get("GET" if method == "HEAD" else method)
    if operation is None:
        allowed = [*methods, "HEAD"] if "GET" in methods else [*methods]
        return rendered({"detail": "Method Not Allowed"}, 405, {"Allow": ", ".join(allowed)})
    by_name: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        by_name.setdefault(name, []).append(value)
    return board.answer(Asked(operation, found[1], by_name, list(headers), body))


def create_app(board: Board) -> ASGIApp:
    """The application that answers with a board, and serves the contract as its own."""
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


# Faults


Step = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """Replaces one step of a board; the new one gets the board, the original step, and its arguments."""

    name: str
    operations: frozenset[str]
    """Where it shows."""
    step: str
    new: Step


FAULTS: dict[str, Fault] = {}


def fault(step: str, *operations: str) -> Callable[[Step], Step]:
    def add(new: Step) -> Step:
        name = new.__name__
        if name in FAULTS:
            raise LookupError(f"there are two faults named {name}")
        FAULTS[name] = Fault(name, frozenset(operations), step, new)
        return new

    return add


def changed(step: str, *operations: str) -> Callable[[Step], Step]:
    """A fault that changes in place what the step has returned."""

    def add(change: Step) -> Step:
        def new(board: Board, original: Step, *arguments: Any) -> Any:
            result = original(*arguments)
            return result if (replacement := change(result, *arguments)) is None else replacement

        new.__name__ = change.__name__
        return fault(step, *operations)(new)

    return add


# Of filters


@fault("has_status", "list_tasks")
def filter_ignored(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    return True


@fault("has_status", "list_tasks")
def filter_inverted(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    return wanted is None or task.status != wanted


@fault("has_status", "list_tasks")
def filter_by_one_value_only(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    return wanted != "DONE" or task.status == wanted


@fault("has_status", "list_tasks")
def filter_loses_one(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    """What comes is right; one task of it does not come."""
    return original(task, wanted) and not (wanted and task.number == 96)


@fault("has_tags", "list_tasks")
def tag_ignored(board: Board, original: Step, task: Task, wanted: list[str]) -> bool:
    return True


@fault("has_tags", "list_tasks")
def tag_any_instead_of_all(board: Board, original: Step, task: Task, wanted: list[str]) -> bool:
    return not wanted or bool(set(wanted) & set(task.tags))


@fault("has_tags", "list_tasks")
def tag_last_only(board: Board, original: Step, task: Task, wanted: list[str]) -> bool:
    return not wanted or wanted[-1] in task.tags


@fault("is_updated_since", "list_tasks")
def updated_since_ignored(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return True


@fault("is_updated_since", "list_tasks")
def updated_since_exclusive(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return since is None or moment(task.updated_at) > since


@fault("is_updated_since", "list_tasks")
def updated_since_inverted(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return since is None or moment(task.updated_at) <= since


@fault("is_updated_since", "list_tasks")
def updated_since_by_creation(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return since is None or moment(task.created_at) >= since


@fault("is_updated_since", "list_tasks")
def updated_since_without_zone(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    """Takes every time for one two hours later, as a server in another zone does."""
    return since is None or moment(task.updated_at) >= since + 7200


@fault("count", "list_tasks")
def total_ignores_the_filter(board: Board, original: Step, found: list[Task], everything: list[Task]) -> int:
    return len(everything)


@fault("is_selected", "list_tasks")
def filters_joined_by_or(board: Board, original: Step, task: Task, values: Body) -> bool:
    given = [
        step
        for step, value in (
            (board.has_status(task, values["status"]), values["status"]),
            (board.has_tags(task, values["tag"]), values["tag"]),
            (board.is_updated_since(task, values["updated_since"]), values["updated_since"]),
        )
        if value
    ]
    return any(given) or not given


# Of pages by offset


@fault("cut", "list_tasks")
def limit_capped_at_150(board: Board, original: Step, found: list[Task], limit: int, offset: int) -> list[Task]:
    return found[offset : offset + min(limit, 150)]


@changed("query_parameters", "list_tasks")
def default_20_instead_of_50(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["limit"] = (20, parameters["limit"][1])


@changed("query_parameters", "list_tasks")
def limit_200_refused(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["limit"] = (50, partial(integer, least=1, most=199))


@changed("query_parameters", "list_tasks")
def limit_201_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["limit"] = (50, partial(integer, least=1, most=201))


@changed("query_parameters", "list_tasks")
def six_tags_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["tag"] = ([], list)


@changed("query_parameters", "list_tasks")
def unknown_status_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["status"] = (None, str)


@changed("query_parameters", "list_tasks")
def naive_updated_since_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["updated_since"] = (
            None,
            lambda text: moment(text if re.search(r"(Z|[+-]\d\d:\d\d)$", text, re.IGNORECASE) else text + "Z"),
        )


@fault("cut", "list_tasks")
def unstable_order(board: Board, original: Step, found: list[Task], limit: int, offset: int) -> list[Task]:
    """By another column for odd limits."""
    ordered = sorted(found, key=lambda task: task.title) if limit % 2 else found
    return ordered[offset : offset + limit]


@fault("cut", "list_tasks")
def offset_one_too_far(board: Board, original: Step, found: list[Task], limit: int, offset: int) -> list[Task]:
    begin = offset + (offset > 0)
    return found[begin : begin + limit]


@changed("render_task", "list_tasks", "get_task", "create_task")
def details_of_an_unknown_kind(body: Body, task: Task) -> None:
    if task.number % 7 == 1:
        body["details"] = {"kind": "picture", "text": "A4"}


@changed("render_task", "list_tasks", "get_task", "create_task")
def details_of_the_other_kind(body: Body, task: Task) -> None:
    if body["details"]["kind"] == "note":
        body["details"] = {"kind": "checklist", "text": body["details"]["text"]}


# Of pages by cursor


@changed("list_events", "list_events")
def cursor_repeats_an_item(response: Response, asked: Asked) -> Response | None:
    body = json.loads(bytes(response.body))
    if asked.values["cursor"] is None or not body["events"]:
        return None
    again = next(event for event in asked.project.events if event["id"] == asked.values["cursor"])  # type: ignore[union-attr]
    return rendered(body | {"events": [again, *body["events"][1:]]})


@fault("cursor", "list_events")
def cursor_loses_an_item(board: Board, original: Step, project_id: str, after: int) -> Any:
    # The one before is left as it is read.
    return original(project_id, after - 1 if after % 10 == 1 and after > 10 else after)


@fault("next_cursor", "list_events")
def cursor_loops(
    board: Board, original: Step, project: Project, events: list[Body], rest: list[Body], after: Any
) -> Any:
    """From the third page on it is always the same."""
    far = rest and len(project.events) - events[-1]["id"] > 25
    return board.cursor(project.id, events[0]["id"] + 1) if far else original(project, events, rest, after)


@fault("next_cursor", "list_events")
def next_cursor_never_null(
    board: Board, original: Step, project: Project, events: list[Body], rest: list[Body], after: Any
) -> Any:
    return board.cursor(project.id, events[-1]["id"] if events else 0)


@fault("next_cursor", "list_events")
def next_cursor_null_too_early(
    board: Board, original: Step, project: Project, events: list[Body], rest: list[Body], after: Any
) -> Any:
    return None if len(rest) < 20 else original(project, events, rest, after)


@fault("events_per_page", "list_events")
def cursor_ignores_limit(board: Board, original: Step, limit: int) -> int:
    return 10


@changed("query_parameters", "list_events")
def limit_50_refused(parameters: Body, operation: str) -> None:
    if operation == "list_events":
        parameters["limit"] = (10, partial(integer, least=1, most=49))


@fault("read_cursor", "list_events")
def invalid_cursor_is_the_first_page(board: Board, original: Step, text: str, project_id: str) -> Any:
    try:
        return original(text, project_id)
    except Invalid:
        return None


@fault("stages", "list_events")
def events_without_credentials(board: Board, original: Step, asked: Asked) -> Any:
    return original(asked)[1 if asked.operation == "list_events" else 0 :]


# Of single tasks


@changed("render_single", "get_task")
def get_returns_another_task(body: Body, task: Task) -> None:
    body["id"] = FORBIDDEN_TASK_ID


@fault("check_existence", "get_task")
def get_of_an_existing_one_is_404(board: Board, original: Step, asked: Asked) -> None:
    original(asked)
    if asked.operation == "get_task" and asked.task is not None and asked.task.number % 2:
        raise Refusal(404, "There is no such thing")


@changed("render_single", "get_task")
def get_differs_from_the_list(body: Body, task: Task) -> None:
    body["created_at"] = written(datetime.fromisoformat(body["created_at"]) - timedelta(seconds=1))


@changed("get_task", "get_task")
def version_missing(response: Response, asked: Asked) -> None:
    del response.headers["Task-Version"]


@changed("get_task", "get_task")
def version_not_an_integer(response: Response, asked: Asked) -> None:
    response.headers["Task-Version"] = "v3"


@changed("get_task", "get_task")
def version_0(response: Response, asked: Asked) -> None:
    response.headers["Task-Version"] = "0"


@fault("check_existence", "get_task")
def unknown_task_is_200(board: Board, original: Step, asked: Asked) -> None:
    try:
        original(asked)
    except Refusal:
        if asked.operation != "get_task" or asked.project is not None:
            raise
        asked.project = board.projects[PROJECT_ID]
        asked.task = asked.project.tasks[0]


@fault("check_existence", "get_task")
def unknown_task_is_403(board: Board, original: Step, asked: Asked) -> None:
    try:
        original(asked)
    except Refusal as refusal:
        raise (Refusal(403, "No") if asked.operation == "get_task" and asked.project is None else refusal) from refusal


@fault("check_existence", "get_task")
def foreign_task_is_403(board: Board, original: Step, asked: Asked) -> None:
    try:
        original(asked)
    except Refusal as refusal:
        raise (Refusal(403, "No") if asked.operation == "get_task" and asked.project else refusal) from refusal


@fault("check_state", "get_task", "delete_task")
def deleted_is_404(board: Board, original: Step, asked: Asked) -> None:
    try:
        original(asked)
    except Refusal as refusal:
        raise (Refusal(404, "There is no such thing") if refusal.status == 410 else refusal) from refusal


@fault("check_state", "get_task")
def deleted_is_still_there(board: Board, original: Step, asked: Asked) -> None:
    if asked.operation != "get_task":
        original(asked)


def swapped(original: Step, asked: Asked, operation: str, first: int, second: int) -> Any:
    stages = original(asked)
    if asked.operation == operation:
        stages[first], stages[second] = stages[second], stages[first]
    return stages


@fault("stages", "get_task")
def parameters_before_credentials(board: Board, original: Step, asked: Asked) -> Any:
    return swapped(original, asked, "get_task", 0, 1)


@fault("stages", "get_task")
def state_before_access(board: Board, original: Step, asked: Asked) -> Any:
    return swapped(original, asked, "get_task", 3, 4)


@fault("stages", "get_task")
def existence_before_credentials(board: Board, original: Step, asked: Asked) -> Any:
    stages = original(asked)
    return [*stages[1:3], stages[0], *stages[3:]] if asked.operation == "get_task" else stages


# Of what changes something


@changed("task_of", "create_task")
def create_ignores_tags(task: Task, project: Project, draft: Body) -> None:
    task.tags = []


@changed("task_of", "create_task")
def create_ignores_the_title(task: Task, project: Project, draft: Body) -> None:
    task.title = "A task"


@changed("create_task", "create_task")
def create_without_location(response: Response, asked: Asked) -> None:
    del response.headers["Location"]


@changed("create_task", "create_task")
def create_is_200(response: Response, asked: Asked) -> None:
    response.status_code = 200


@changed("create_task", "create_task")
def create_does_not_create(response: Response, asked: Asked) -> None:
    asked.project.tasks.pop()  # type: ignore[union-attr]
    asked.project.events.pop()  # type: ignore[union-attr]


@fault("check_state", "create_task")
def duplicate_is_500(board: Board, original: Step, asked: Asked) -> None:
    try:
        original(asked)
    except Refusal as refusal:
        raise (Refusal(500, "Internal Server Error") if refusal.status == 409 else refusal) from refusal


@fault("check_state", "create_task")
def duplicate_is_created(board: Board, original: Step, asked: Asked) -> None:
    if asked.operation != "create_task":
        original(asked)


@fault("read_draft", "create_task")
def long_title_cut(board: Board, original: Step, asked: Asked) -> Any:
    """Rather than refused."""
    try:
        return original(asked)
    except Invalid as invalid:
        if invalid.kind != "string_too_long":
            raise
        draft = json.loads(asked.body)
        return draft | {"title": str(draft["title"])[:120]}


@changed("delete_task", "delete_task")
def delete_is_200_with_a_body(response: Response, asked: Asked) -> Response:
    return rendered({"detail": "Deleted"})


@fault("remove", "delete_task")
def delete_does_not_delete(board: Board, original: Step, task: Task) -> None:
    pass


def with_fault(name: str) -> Board:
    """A new board that has a fault, a key of FAULTS."""
    board, fault = Board(), FAULTS[name]
    setattr(board, fault.step, partial(fault.new, board, getattr(board, fault.step)))
    return board


@contextmanager
def running(
    fault: str = "", board: Board | None = None, around: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> Iterator[str]:
    """Runs a board in a thread on a free port; yields its base URL, and stops it on exit.

    Args:
        fault: The fault that it is to have, a key of FAULTS; empty: none.
        board: The board, for those who look into it.
        around: Makes of its application the one that is run.
    """
    board = board or (with_fault(fault) if fault else Board())
    with serving(around(create_app(board)), "task board") as address:
        yield address
