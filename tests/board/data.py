"""Initial data of the task board: projects, tasks and events, the same on every start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

OPENAPI = Path(__file__).with_name("openapi.yaml")

# Not secrets: they are valid for this server only.
TOKEN = "board-server-token"
KEY = "board-server-key"

PROJECT_ID = "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"
"""Has TASKS tasks and EVENTS events."""
EMPTY_PROJECT_ID = "b3d94a17-25fe-4c61-8d0a-7e5c90f2613b"
FORBIDDEN_PROJECT_ID = "e07a6c52-91bd-4f38-a4c6-18d3f5072e9c"
"""Of the same tenant, but these credentials may not read it: 403."""
FOREIGN_PROJECT_ID = "2c85f3b9-d740-4e1a-b96f-53a1c8e04d76"
"""Of another tenant: 404."""

# Tasks of PROJECT_ID, FORBIDDEN_PROJECT_ID and FOREIGN_PROJECT_ID.
TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01"
DELETED_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a02"
FORBIDDEN_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a03"
FORBIDDEN_DELETED_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a04"
FOREIGN_TASK_ID = "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a05"

# Environment variables for a contract run against the board.
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


def format_time(moment: datetime) -> str:
    """Format as an RFC 3339 date-time in UTC, with as many decimals as needed."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def seed_projects() -> dict[str, Project]:
    """Return the projects by id. Each call returns the same data."""
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
        add_task(projects[PROJECT_ID], identifier, next(statuses), random)
    for project_id, alive, deleted in (
        (FORBIDDEN_PROJECT_ID, FORBIDDEN_TASK_ID, FORBIDDEN_DELETED_TASK_ID),
        (FOREIGN_PROJECT_ID, FOREIGN_TASK_ID, ""),
    ):
        for identifier in filter(None, (alive, deleted)):
            add_task(projects[project_id], identifier, "OPEN", random)
    for project in projects.values():
        for task in project.tasks:
            if task.id in (DELETED_TASK_ID, FORBIDDEN_DELETED_TASK_ID):
                task.is_deleted = True
    seed_events(projects[PROJECT_ID], random)
    return projects


def add_task(project: Project, identifier: str, status: str, random: Random) -> None:
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
            created_at=format_time(created),
            updated_at=format_time(updated),
            done_at=format_time(updated if number % 2 else created) if status == "DONE" else None,
            version=random.randrange(1, 9),
        )
    )


def seed_events(project: Project, random: Random) -> None:
    last = project.tasks[-1].created_at
    for number in range(EVENTS - 1):
        task = random.choice(project.tasks)
        what = "CREATED" if number % 3 == 0 else "CHANGED"
        project.add_event(task, what, format_time(datetime.fromisoformat(last) + timedelta(minutes=number)))
    deleted = next(task for task in project.tasks if task.is_deleted)
    project.add_event(deleted, "DELETED", format_time(datetime.fromisoformat(last) + timedelta(minutes=EVENTS)))
