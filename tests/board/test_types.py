"""The client of the second contract is generated the same each time, and typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.directories import changed_files
from codegen.openapi import read
from tests.board.conftest import NAME, build
from tests.board.data import OPENAPI

# Code of a caller. Lines with `type: ignore` must be type errors: mypy --strict reports unused ignores.
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


def test_generation_is_reproducible(board_folder: Path, tmp_path: Path) -> None:
    again = build(tmp_path, read(OPENAPI).value)
    assert changed_files(board_folder, again) == []


@pytest.mark.full
def test_mypy_accepts_the_client_and_checks_its_callers(board_folder: Path, tmp_path: Path) -> None:
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


@pytest.mark.full
def test_basedpyright_accepts_the_client(board_folder: Path, tmp_path: Path) -> None:
    settings = {"include": [str(board_folder / NAME)], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "-p", str(tmp_path), "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
