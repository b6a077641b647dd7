"""Faults of lists: filters, pages by offset, pages by cursor."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from functools import partial
from typing import Any

from starlette.responses import Response

from ..data import Body, Project, Task
from ..parsing import InvalidValue, parse_integer, parse_time
from ..server import Board, BoardRequest, json_response
from .fault import Step, change_result, replace_step

# Filters


@replace_step("has_status", "list_tasks")
def filter_ignored(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    return True


@replace_step("has_status", "list_tasks")
def filter_inverted(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    return wanted is None or task.status != wanted


@replace_step("has_status", "list_tasks")
def filter_by_one_value_only(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    return wanted != "DONE" or task.status == wanted


@replace_step("has_status", "list_tasks")
def filter_loses_one(board: Board, original: Step, task: Task, wanted: str | None) -> bool:
    """Omits one matching task."""
    return original(task, wanted) and not (wanted and task.number == 96)


@replace_step("has_tags", "list_tasks")
def tag_ignored(board: Board, original: Step, task: Task, wanted: list[str]) -> bool:
    return True


@replace_step("has_tags", "list_tasks")
def tag_any_instead_of_all(board: Board, original: Step, task: Task, wanted: list[str]) -> bool:
    return not wanted or bool(set(wanted) & set(task.tags))


@replace_step("has_tags", "list_tasks")
def tag_last_only(board: Board, original: Step, task: Task, wanted: list[str]) -> bool:
    return not wanted or wanted[-1] in task.tags


@replace_step("is_updated_since", "list_tasks")
def updated_since_ignored(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return True


@replace_step("is_updated_since", "list_tasks")
def updated_since_exclusive(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return since is None or parse_time(task.updated_at) > since


@replace_step("is_updated_since", "list_tasks")
def updated_since_inverted(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return since is None or parse_time(task.updated_at) <= since


@replace_step("is_updated_since", "list_tasks")
def updated_since_by_creation(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    return since is None or parse_time(task.created_at) >= since


@replace_step("is_updated_since", "list_tasks")
def updated_since_without_zone(board: Board, original: Step, task: Task, since: Fraction | None) -> bool:
    """Is two hours off, like a server that ignores time zones."""
    return since is None or parse_time(task.updated_at) >= since + 7200


@replace_step("count", "list_tasks")
def total_ignores_the_filter(board: Board, original: Step, found: list[Task], everything: list[Task]) -> int:
    return len(everything)


@replace_step("is_selected", "list_tasks")
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


# Pages by offset


@replace_step("cut", "list_tasks")
def limit_capped_at_150(board: Board, original: Step, found: list[Task], limit: int, offset: int) -> list[Task]:
    return found[offset : offset + min(limit, 150)]


@change_result("query_parameters", "list_tasks")
def default_20_instead_of_50(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["limit"] = (20, parameters["limit"][1])


@change_result("query_parameters", "list_tasks")
def limit_200_refused(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["limit"] = (50, partial(parse_integer, least=1, most=199))


@change_result("query_parameters", "list_tasks")
def limit_201_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["limit"] = (50, partial(parse_integer, least=1, most=201))


@change_result("query_parameters", "list_tasks")
def six_tags_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["tag"] = ([], list)


@change_result("query_parameters", "list_tasks")
def unknown_status_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["status"] = (None, str)


@change_result("query_parameters", "list_tasks")
def naive_updated_since_accepted(parameters: Body, operation: str) -> None:
    if operation == "list_tasks":
        parameters["updated_since"] = (
            None,
            lambda text: parse_time(text if re.search(r"(Z|[+-]\d\d:\d\d)$", text, re.IGNORECASE) else text + "Z"),
        )


@replace_step("cut", "list_tasks")
def unstable_order(board: Board, original: Step, found: list[Task], limit: int, offset: int) -> list[Task]:
    """Orders by another column for odd limits."""
    ordered = sorted(found, key=lambda task: task.title) if limit % 2 else found
    return ordered[offset : offset + limit]


@replace_step("cut", "list_tasks")
def offset_one_too_far(board: Board, original: Step, found: list[Task], limit: int, offset: int) -> list[Task]:
    begin = offset + (offset > 0)
    return found[begin : begin + limit]


@change_result("render_task", "list_tasks", "get_task", "create_task")
def details_of_an_unknown_kind(body: Body, task: Task) -> None:
    if task.number % 7 == 1:
        body["details"] = {"kind": "picture", "text": "A4"}


@change_result("render_task", "list_tasks", "get_task", "create_task")
def details_of_the_other_kind(body: Body, task: Task) -> None:
    if body["details"]["kind"] == "note":
        body["details"] = {"kind": "checklist", "text": body["details"]["text"]}


# Pages by cursor


@change_result("list_events", "list_events")
def cursor_repeats_an_item(response: Response, request: BoardRequest) -> Response | None:
    body = json.loads(bytes(response.body))
    if request.values["cursor"] is None or not body["events"]:
        return None
    again = next(event for event in request.project.events if event["id"] == request.values["cursor"])  # type: ignore[union-attr]
    return json_response(body | {"events": [again, *body["events"][1:]]})


@replace_step("cursor", "list_events")
def cursor_loses_an_item(board: Board, original: Step, project_id: str, after: int) -> Any:
    # Skips one event when a page ends with event 21, 31, ...
    return original(project_id, after - 1 if after % 10 == 1 and after > 10 else after)


@replace_step("next_cursor", "list_events")
def cursor_loops(
    board: Board, original: Step, project: Project, events: list[Body], rest: list[Body], after: Any
) -> Any:
    """Returns the same cursor from the third page on."""
    far = rest and len(project.events) - events[-1]["id"] > 25
    return board.cursor(project.id, events[0]["id"] + 1) if far else original(project, events, rest, after)


@replace_step("next_cursor", "list_events")
def next_cursor_never_null(
    board: Board, original: Step, project: Project, events: list[Body], rest: list[Body], after: Any
) -> Any:
    return board.cursor(project.id, events[-1]["id"] if events else 0)


@replace_step("next_cursor", "list_events")
def next_cursor_null_too_early(
    board: Board, original: Step, project: Project, events: list[Body], rest: list[Body], after: Any
) -> Any:
    return None if len(rest) < 20 else original(project, events, rest, after)


@replace_step("events_per_page", "list_events")
def cursor_ignores_limit(board: Board, original: Step, limit: int) -> int:
    return 10


@change_result("query_parameters", "list_events")
def limit_50_refused(parameters: Body, operation: str) -> None:
    if operation == "list_events":
        parameters["limit"] = (10, partial(parse_integer, least=1, most=49))


@replace_step("read_cursor", "list_events")
def invalid_cursor_is_the_first_page(board: Board, original: Step, text: str, project_id: str) -> Any:
    try:
        return original(text, project_id)
    except InvalidValue:
        return None


@replace_step("stages", "list_events")
def events_without_credentials(board: Board, original: Step, request: BoardRequest) -> Any:
    return original(request)[1 if request.operation == "list_events" else 0 :]
