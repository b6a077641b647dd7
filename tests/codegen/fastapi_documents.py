"""Two FastAPI applications with the operation, for the documents that FastAPI infers.

One makes the same promises as the contract. The other has ten differences, which are numbered.
"""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Query
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Status(str, Enum):  # noqa: UP042 (as most such servers have it)
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


PartType = Literal[
    "FOLDER",
    "DOCUMENT",
    "DOCUMENT_VERSION",
    "SECTION",
    "CHUNK",
    "THREAD",
    "THREAD_MESSAGE",
    "WORKFLOW_DEFINITION",
    "WORKFLOW_RUN",
]


class Part(Closed):
    path_part_id: UUID
    materialized_path: str
    part_type: PartType


class Snapshot(Closed):
    workflow_definition_id: UUID
    workflow_name: str
    runner_type: Literal["SELF_HOSTED"]
    user_id: UUID
    max_run_duration_seconds: int
    sources: list[Part]
    instructions: list[Part]
    outputs: list[Part]
    template: Part | None


class Run(Closed):
    id: UUID
    workflow_definition_id: UUID
    user_id: UUID
    runner_type: Literal["SELF_HOSTED"]
    status: Status
    started_at: datetime
    completed_at: datetime | None = Field(description="Null until it ends")
    run_snapshot: Snapshot
    error: str | None
    created_at: datetime
    updated_at: datetime


class Paginated(Closed, Generic[T]):
    items: list[T]
    total: int = Field(gt=-1)
    limit: int = Field(ge=1)
    offset: int = Field(ge=0)


class Refusal(BaseModel):
    detail: str


class Fault(BaseModel):
    loc: list[int | str]
    msg: str
    type: str
    input: Any = None
    ctx: dict[str, Any] = {}


class Faults(BaseModel):
    detail: list[Fault]


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal},
    403: {"model": Refusal},
    404: {"model": Refusal},
    422: {"model": Faults},
    429: {"model": Refusal, "headers": {"retry-after": {"required": True, "schema": {"type": "string"}}}},
    503: {"model": Refusal},
}


def same() -> FastAPI:
    app = FastAPI(title="Workflows")
    # Mounted, and with another name in the path.
    router = APIRouter(prefix="/api/v1/workflow-definitions")

    @router.get("/{workflow}/runs", responses=REFUSALS)
    def runs(
        workflow: UUID,
        bearer: Annotated[str, Depends(HTTPBearer())],
        ks_uat: Annotated[str | None, Cookie()] = None,
        limit: Annotated[int, Query(gt=0, lt=101)] = 20,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Paginated[Run]:
        raise NotImplementedError

    app.include_router(router)
    return app


class OtherStatus(str, Enum):  # noqa: UP042
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"  # 1: a value more


class OtherRun(Closed):
    id: int  # 2: another type
    workflow_definition_id: UUID
    user_id: UUID
    runner_type: Literal["SELF_HOSTED"]
    status: OtherStatus
    started_at: datetime | None  # 3: may be null
    completed_at: datetime | None
    run_snapshot: Snapshot
    # 4: no `error`
    attempts: int  # 5: a field more
    created_at: datetime
    updated_at: datetime


def different() -> FastAPI:
    app = FastAPI()

    @app.get(
        "/v1/workflow-definitions/{definition_id}/runs",
        responses={status: answer for status, answer in REFUSALS.items() if status != 404},  # 6: no 404
    )
    def runs(
        definition_id: UUID,
        authorization: Annotated[str | None, Header()] = None,
        session: Annotated[str | None, Depends(APIKeyCookie(name="session"))] = None,  # 7: another cookie
        limit: Annotated[int, Query(ge=1, le=50)] = 20,  # 8: a lower maximum
        offset: Annotated[int, Query(ge=0)] = 10,  # 9: another default
        status: Annotated[str | None, Query()] = None,  # 10: a parameter more
    ) -> Paginated[OtherRun]:
        raise NotImplementedError

    return app
