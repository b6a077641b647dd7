"""The operation as most people would write it with FastAPI: the contract run must pass it.

Shares only ids and credentials with the reference server. FastAPI accepts more than the contract; this is left as it
is.
"""

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from itertools import count
from random import Random
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

import uvicorn
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, Field

from tests.reference_server import seed

T = TypeVar("T")
USER = UUID(seed.DEFINITION_ID[::-1].replace("-", ""))


class Status(str, Enum):  # noqa: UP042 (as most such servers have it)
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Path(BaseModel):
    path_part_id: UUID
    materialized_path: str
    part_type: str


class Snapshot(BaseModel):
    workflow_definition_id: UUID
    workflow_name: str
    runner_type: str
    user_id: UUID
    max_run_duration_seconds: int
    sources: list[Path]
    instructions: list[Path]
    outputs: list[Path]
    template: Path | None = None


class WorkflowRun(BaseModel):
    id: UUID
    workflow_definition_id: UUID
    user_id: UUID
    runner_type: str
    status: Status
    started_at: datetime
    completed_at: datetime | None = None
    run_snapshot: Snapshot
    error: str | None = None
    created_at: datetime
    updated_at: datetime


class Paginated(BaseModel, Generic[T]):
    items: list[T]
    total: int
    limit: int = Field(ge=1)
    offset: int


class Runs:
    """The runs of one definition, oldest last. With `changes`, the list changes with each request.

    With `mended_at`, the request of that number corrects something in all of them.
    """

    def __init__(self, number: int, changes: int = 0, mended_at: int = 0) -> None:
        self.changes = changes
        self.mended_at = mended_at
        self.random = Random(number)
        self.runs: list[WorkflowRun] = []
        for age in range(number, 0, -1):
            self.add(datetime.now(UTC) - timedelta(minutes=10 * age))

    def add(self, created: datetime) -> None:
        definition = UUID(seed.DEFINITION_ID)
        part = Path(path_part_id=UUID(int=self.random.getrandbits(128)), materialized_path="/a", part_type="FOLDER")
        snapshot = Snapshot(
            workflow_definition_id=definition,
            workflow_name="Digest",
            runner_type="SELF_HOSTED",
            user_id=USER,
            max_run_duration_seconds=300,
            sources=[part],
            instructions=[part],
            outputs=[part],
        )
        run = WorkflowRun(
            id=UUID(int=self.random.getrandbits(128), version=4),
            workflow_definition_id=definition,
            user_id=USER,
            runner_type="SELF_HOSTED",
            status=Status.PENDING,
            started_at=created,
            run_snapshot=snapshot,
            created_at=created,
            updated_at=created,
        )
        if len(self.runs) > 3:
            self.end(self.runs[3], created)
        self.runs.insert(0, run)

    def end(self, run: WorkflowRun, moment: datetime) -> None:
        if run.status is Status.PENDING:
            run.status = self.random.choice((Status.COMPLETED, Status.FAILED))
            run.error = "It broke." if run.status is Status.FAILED else None
            run.completed_at = run.updated_at = max(moment, run.started_at)

    def mend(self, request: int) -> None:
        if request == self.mended_at:
            for run in self.runs:
                run.updated_at = datetime.now(UTC)

    def change(self, times: int) -> None:
        for _ in range(times):
            if self.random.random() < 0.5:
                self.add(datetime.now(UTC))
            elif len(self.runs) > 30:
                self.runs.pop(self.random.randrange(len(self.runs)))


def create_app(runs: Runs) -> FastAPI:
    app = FastAPI()
    lock = threading.Lock()
    numbers, pages = count(1), count(1)

    def signed_in(
        authorization: Annotated[str | None, Header()] = None, ks_uat: Annotated[str | None, Cookie()] = None
    ) -> UUID:
        if authorization == f"Bearer {seed.TOKEN}" or (authorization is None and ks_uat == seed.KS_UAT):
            return USER
        raise HTTPException(401, "Could not validate credentials")

    @app.get("/v1/workflow-definitions/{definition_id}/runs")
    def list_workflow_runs(
        definition_id: UUID,
        user: Annotated[UUID, Depends(signed_in)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Paginated[WorkflowRun]:
        if str(definition_id) not in (seed.DEFINITION_ID, seed.EMPTY_DEFINITION_ID):
            raise HTTPException(404, f"Workflow definition {definition_id} not found (request {next(numbers)})")
        with lock:
            runs.change(runs.changes)
            runs.mend(next(pages))
            found = runs.runs if str(definition_id) == seed.DEFINITION_ID else []
            # COUNT and SELECT are not atomic: a change may happen in between.
            total = len(found)
            runs.change(int(runs.changes > 0 and runs.random.random() < 0.3))
            items = [run.model_copy() for run in found[offset : offset + limit]]
            return Paginated[WorkflowRun](items=items, total=total, limit=limit, offset=offset)

    return app


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Run an application in a thread on a free port; yields its base URL, and stops it on exit."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        # The socket is already listening: clients wait until the server is ready.
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class Unusual:
    """The same responses in other notations: ASGI middleware.

    Random: the order of keys, whitespace, escapes, notations of times, UUIDs and numbers, the case of headers,
    compression. Refusals have a time and a request ID, and a 422 has only the first error. Requests that servers and
    proxies refuse do not reach the API; unknown methods get 501.
    """

    def __init__(self, app: Any, redirect: int = 308) -> None:
        self.app = app
        self.redirect = redirect
        self.random = Random(1)
        self.numbers = count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        target = scope["raw_path"] + b"?" + scope["query_string"]
        headers = b"".join(name + value for name, value in scope["headers"])
        path = unquote_to_bytes(target)
        if len(headers) > 4096:
            await self.answer(send, 431, b"<h1>Request Header Fields Too Large</h1>", b"text/html")
        elif len(target) > 1024:
            await self.answer(send, 414, b"<h1>URI Too Long</h1>", b"text/html")
        elif b"\0" in path or not headers.isascii() or path.decode("utf-8", "replace").encode() != path:
            await self.answer(send, 400, b"<h1>Bad Request</h1>", b"text/html")
        elif scope["method"] in ("TRACE", "QUERY"):
            await self.answer(send, 501, b"<h1>Not Implemented</h1>", b"text/html")
        elif scope["path"].endswith("/"):
            await self.answer(send, self.redirect, b"", b"text/html", (b"Location", scope["raw_path"].rstrip(b"/")))
        else:
            await self.pass_on(scope, receive, send)

    async def pass_on(self, scope: Any, receive: Any, send: Any) -> None:
        parts: list[Any] = []

        async def keep(message: Any) -> None:
            parts.append(message)

        await self.app(scope, receive, keep)
        status, body = parts[0]["status"], json.loads(b"".join(part.get("body", b"") for part in parts[1:]))
        if status == 422:
            body["detail"] = body["detail"][:1]
        if status >= 400:
            body |= {"timestamp": datetime.now(UTC).isoformat(), "request": next(self.numbers), "status": status}
        text = json.dumps(
            self.spell(body),
            ensure_ascii=self.random.random() < 0.5,
            indent=self.random.choice((None, 1)),
            separators=self.random.choice(((",", ":"), (" , ", " : "))),
        )
        kind = self.random.choice(
            (b"application/json", b"Application/JSON;charset=UTF-8", b'application/json; charset="utf-8"')
        )
        more = [
            (name.title(), value)
            for name, value in parts[0]["headers"]
            if name not in (b"content-length", b"content-type")
        ]
        await self.answer(send, status, text.encode(), kind, *more)

    async def answer(self, send: Any, status: int, body: bytes, kind: bytes, *more: tuple[bytes, bytes]) -> None:
        headers = [(b"CONTENT-type", kind), (b"X-Request-Id", b"%d" % next(self.numbers)), (b"Vary", b"Accept"), *more]
        if self.random.random() < 0.5:
            body = gzip.compress(body)
            headers.append((b"Content-Encoding", b"gzip"))
        if self.random.random() < 0.5:
            # Otherwise it is sent in chunks.
            headers.append((b"content-LENGTH", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def spell(self, value: Any) -> Any:
        if isinstance(value, dict):
            names = self.random.sample(list(value), len(value))
            return {name: self.spell(value[name]) for name in names}
        if isinstance(value, list):
            return [self.spell(each) for each in value]
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f-]{36}", value):
            return self.random.choice((value, value.upper()))
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*", value):
            return self.spell_time(datetime.fromisoformat(value))
        if isinstance(value, int) and not isinstance(value, bool) and value < 2**53:
            return self.random.choice((value, float(value)))
        return value

    def spell_time(self, moment: datetime) -> str:
        local = moment.astimezone(self.random.choice((UTC, timezone(timedelta(hours=-3, minutes=-30)))))
        text = local.isoformat(timespec="microseconds")
        time, zone = text[:26], text[26:].replace("+00:00", self.random.choice(("Z", "+00:00")))
        return self.random.choice((time, time + "000", time.rstrip("0").rstrip("."))) + zone
