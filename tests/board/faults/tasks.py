"""Faults of single tasks: read, created, deleted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from ..data import FORBIDDEN_TASK_ID, PROJECT_ID, Body, Project, Task, format_time
from ..parsing import InvalidValue, Refusal
from ..server import Board, BoardRequest, json_response
from .fault import Step, change_result, replace_step

# Reading a task


@change_result("render_single", "get_task")
def get_returns_another_task(body: Body, task: Task) -> None:
    body["id"] = FORBIDDEN_TASK_ID


@replace_step("check_existence", "get_task")
def get_of_an_existing_one_is_404(board: Board, original: Step, request: BoardRequest) -> None:
    original(request)
    if request.operation == "get_task" and request.task is not None and request.task.number % 2:
        raise Refusal(404, "There is no such thing")


@change_result("render_single", "get_task")
def get_differs_from_the_list(body: Body, task: Task) -> None:
    body["created_at"] = format_time(datetime.fromisoformat(body["created_at"]) - timedelta(seconds=1))


@change_result("get_task", "get_task")
def version_missing(response: Response, request: BoardRequest) -> None:
    del response.headers["Task-Version"]


@change_result("get_task", "get_task")
def version_not_an_integer(response: Response, request: BoardRequest) -> None:
    response.headers["Task-Version"] = "v3"


@change_result("get_task", "get_task")
def version_0(response: Response, request: BoardRequest) -> None:
    response.headers["Task-Version"] = "0"


@replace_step("check_existence", "get_task")
def unknown_task_is_200(board: Board, original: Step, request: BoardRequest) -> None:
    try:
        original(request)
    except Refusal:
        if request.operation != "get_task" or request.project is not None:
            raise
        request.project = board.projects[PROJECT_ID]
        request.task = request.project.tasks[0]


@replace_step("check_existence", "get_task")
def unknown_task_is_403(board: Board, original: Step, request: BoardRequest) -> None:
    try:
        original(request)
    except Refusal as refusal:
        raise (
            Refusal(403, "No") if request.operation == "get_task" and request.project is None else refusal
        ) from refusal


@replace_step("check_existence", "get_task")
def foreign_task_is_403(board: Board, original: Step, request: BoardRequest) -> None:
    try:
        original(request)
    except Refusal as refusal:
        raise (Refusal(403, "No") if request.operation == "get_task" and request.project else refusal) from refusal


@replace_step("check_state", "get_task", "delete_task")
def deleted_is_404(board: Board, original: Step, request: BoardRequest) -> None:
    try:
        original(request)
    except Refusal as refusal:
        raise (Refusal(404, "There is no such thing") if refusal.status == 410 else refusal) from refusal


@replace_step("check_state", "get_task")
def deleted_is_still_there(board: Board, original: Step, request: BoardRequest) -> None:
    if request.operation != "get_task":
        original(request)


def swap_stages(original: Step, request: BoardRequest, operation: str, first: int, second: int) -> Any:
    stages = original(request)
    if request.operation == operation:
        stages[first], stages[second] = stages[second], stages[first]
    return stages


@replace_step("stages", "get_task")
def parameters_before_credentials(board: Board, original: Step, request: BoardRequest) -> Any:
    return swap_stages(original, request, "get_task", 0, 1)


@replace_step("stages", "get_task")
def state_before_access(board: Board, original: Step, request: BoardRequest) -> Any:
    return swap_stages(original, request, "get_task", 3, 4)


@replace_step("stages", "get_task")
def existence_before_credentials(board: Board, original: Step, request: BoardRequest) -> Any:
    stages = original(request)
    return [*stages[1:3], stages[0], *stages[3:]] if request.operation == "get_task" else stages


# Creating and deleting tasks


@change_result("make_task", "create_task")
def create_ignores_tags(task: Task, project: Project, draft: Body) -> None:
    task.tags = []


@change_result("make_task", "create_task")
def create_ignores_the_title(task: Task, project: Project, draft: Body) -> None:
    task.title = "A task"


@change_result("create_task", "create_task")
def create_without_location(response: Response, request: BoardRequest) -> None:
    del response.headers["Location"]


@change_result("create_task", "create_task")
def create_is_200(response: Response, request: BoardRequest) -> None:
    response.status_code = 200


@change_result("create_task", "create_task")
def create_does_not_create(response: Response, request: BoardRequest) -> None:
    request.project.tasks.pop()  # type: ignore[union-attr]
    request.project.events.pop()  # type: ignore[union-attr]


@replace_step("check_state", "create_task")
def duplicate_is_500(board: Board, original: Step, request: BoardRequest) -> None:
    try:
        original(request)
    except Refusal as refusal:
        raise (Refusal(500, "Internal Server Error") if refusal.status == 409 else refusal) from refusal


@replace_step("check_state", "create_task")
def duplicate_is_created(board: Board, original: Step, request: BoardRequest) -> None:
    if request.operation != "create_task":
        original(request)


@replace_step("read_draft", "create_task")
def long_title_cut(board: Board, original: Step, request: BoardRequest) -> Any:
    """Truncates a long title instead of refusing it."""
    try:
        return original(request)
    except InvalidValue as invalid:
        if invalid.kind != "string_too_long":
            raise
        draft = json.loads(request.body)
        return draft | {"title": str(draft["title"])[:120]}


@change_result("delete_task", "delete_task")
def delete_is_200_with_a_body(response: Response, request: BoardRequest) -> Response:
    return json_response({"detail": "Deleted"})


@replace_step("remove", "delete_task")
def delete_does_not_delete(board: Board, original: Step, task: Task) -> None:
    pass
