"""The operation as somebody would write it with FastAPI: what the contract run must never accuse.

Shares nothing with the reference server but ids and credentials. FastAPI takes more than the contract says, which is
left as it is.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count
from random import Random
from typing import Annotated, Any, Generic, TypeVar
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
    """The runs of one definition, oldest last. With `changes`, it is another list for each request."""

    def __init__(self, number: int, changes: int = 0) -> None:
        self.changes = changes
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

    def change(self, times: int) -> None:
        for _ in range(times):
            if self.random.random() < 0.5:
                self.add(datetime.now(UTC))
            elif len(self.runs) > 30:
                self.runs.pop(self.random.randrange(len(self.runs)))


def create_app(runs: Runs) -> FastAPI:
    app = FastAPI()
    lock = threading.Lock()
    numbers = count(1)

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
            found = runs.runs if str(definition_id) == seed.DEFINITION_ID else []
            # Counted by one statement, read by the next: a change may come in between.
            total = len(found)
            runs.change(int(runs.changes > 0 and runs.random.random() < 0.3))
            items = [run.model_copy() for run in found[offset : offset + limit]]
            return Paginated[WorkflowRun](items=items, total=total, limit=limit, offset=offset)

    return app


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Runs an application in a thread on a free port; yields its base URL, and stops it on exit."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        # The socket listens already: who connects waits until the server is ready.
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
