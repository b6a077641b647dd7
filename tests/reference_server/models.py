"""The models of a response, written by hand from the contract. __init__.py says why they are not generated."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

RunnerType = Literal["SELF_HOSTED"]
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


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class PathBody(Model):
    path_part_id: uuid.UUID
    materialized_path: str
    part_type: PartType


class SnapshotBody(Model):
    workflow_definition_id: uuid.UUID
    workflow_name: str
    runner_type: RunnerType
    user_id: uuid.UUID
    max_run_duration_seconds: int
    sources: list[PathBody]
    instructions: list[PathBody]
    outputs: list[PathBody]
    template: PathBody | None


class RunBody(Model):
    id: uuid.UUID
    workflow_definition_id: uuid.UUID
    user_id: uuid.UUID
    runner_type: RunnerType
    status: Literal["PENDING", "RUNNING", "COMPLETED", "FAILED"]
    started_at: datetime
    completed_at: datetime | None
    run_snapshot: SnapshotBody
    error: str | None
    created_at: datetime
    updated_at: datetime
