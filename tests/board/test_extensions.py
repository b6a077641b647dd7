"""Extensions of the board's contract: links, rules about requests, lists by cursor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from codegen import Problem, extensions
from codegen.cel import MISSING
from codegen.extensions import Answer, Link, Request, Result
from codegen.openapi import parse
from tests.board.data import OPENAPI, PROJECT_ID, TASK_ID

TEXT = OPENAPI.read_text(encoding="utf-8")
PROMISED = extensions.read(parse(TEXT, "openapi.yaml"))
NOW = datetime(2026, 7, 1, tzinfo=UTC)
TASK = {"id": TASK_ID, "project_id": PROJECT_ID, "title": "Order ink"}
GET = "operationId: get_task\n              parameters"
NEXT = "type: [string, 'null']\n\n    Event:"
SHORT = "maxItems: 5\n            items:"
FOUND = "task_id: $response.body#/items/0/id"

# A replacement, then a text of the reported line, and parts of problem and fix.
REFUSED = {
    "a link to no operation": (
        GET,
        GET.replace("task", "tasks", 1),
        "get_tasks",
        "no operation `get_tasks`",
        "get_task",
    ),
    "a link to no place": (
        GET,
        GET.replace("Id: get_task", "Ref: '#/paths/~1v1/get'"),
        "operationRef",
        "no operation `#/paths",
        "#/paths/",
    ),
    "a link to two": (GET, f"operationRef: x\n              {GET}", "task:\n", "must have either", "one of them"),
    "a link to none": (GET, "parameters", "task:\n", "must have either", "one of them"),
    "a parameter of no name": (
        FOUND,
        FOUND.replace("task_id", "id"),
        "id: $response.body#/items",
        "get_task has no parameter `id`",
        "path.task_id",
    ),
    "a parameter of another place": (
        FOUND,
        f"query.{FOUND}",
        "query.task_id",
        "no parameter `query.task_id`",
        "path.task_id",
    ),
    "a pointer to nothing": (
        FOUND,
        FOUND.replace("/0/id", "/0/uuid"),
        "uuid",
        "does not exist: the schema has no `uuid`",
        "pointer",
    ),
    "a pointer past a list": (
        FOUND,
        FOUND.replace("/0/id", "/id"),
        "items/id",
        "does not exist: the schema has no `id`",
        "pointer",
    ),
    "a pointer below a text": (FOUND, f"{FOUND}/0", "id/0", "does not exist: the schema has no `0`", "pointer"),
    "a misspelt expression": (
        FOUND,
        "task_id: $reponse.body#/id",
        "$repo",
        "is not supported",
        "$response.body#/id",
    ),
    "an expression within text": (
        FOUND,
        "task_id: 'x{$response.body#/id}'",
        "x{",
        "is not supported",
        "",
    ),
    "a method": (FOUND, "task_id: $method", "$method", "is not supported", ""),
    "a header that there is not": (
        FOUND,
        "task_id: $response.header.Location",
        "$response.h",
        "has no such header",
        "",
    ),
    "a header of the request": (
        FOUND,
        "task_id: $request.header.x",
        "$request.h",
        "is not supported",
        "",
    ),
    "a parameter that is not sent": (
        FOUND,
        "task_id: $request.path.task_id",
        "$request.p",
        "no such parameter",
        "project_id",
    ),
    "a body that is not sent": (FOUND, "task_id: $request.body#/title", "$request.b", "the request has no body", ""),
    "a field of what is sent": (
        "request.body.title",
        "request.body.titel",
        "request.body.t",
        "no field `titel`",
        "write `title`",
    ),
    "what is not sent": (
        "rule: response.body.id == request.path.task_id",
        "rule: response.body.id == request.body.id",
        "request.body",
        "has no field `body`",
        "",
    ),
    "a number as cursor": (
        "type: string\n            minLength: 1\n            maxLength: 200",
        "type: integer",
        "cursor: cursor",
        "`cursor` must be text",
        "another parameter",
    ),
    "a cursor that is required": (
        "description: Where the page begins",
        "required: true\n          description: Begin",
        "cursor: cursor",
        "`cursor` must be optional: the request for the first page",
        "`required`",
    ),
    "a number as next cursor": (
        NEXT,
        NEXT.replace("string", "integer"),
        "next_cursor: next_cursor",
        "must be text",
        "",
    ),
    "a list without an end": (
        NEXT,
        NEXT.replace("[string, 'null']", "string"),
        "next_cursor: next_cursor",
        "no page can be the last",
        "allow null",
    ),
    "a limit that is text": (
        "type: integer\n            minimum: 1\n            maximum: 50\n            default: 10",
        "type: string",
        "limit: limit",
        "`limit` must be an integer",
        "",
    ),
    "two lists, each with each": (SHORT, "items:", "value.all", "once for each element of another list", "maxItems"),
    "two long lists": (
        SHORT,
        SHORT.replace("5", "500"),
        "value.all",
        "once for each element of another list",
        "maxItems",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_reported_with_file_line_and_fix(case: str) -> None:
    old, new, at, what, fix = REFUSED[case]
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(Problem) as raised:
        extensions.read(parse(text, "openapi.yaml"))
    problem = raised.value
    assert what in problem.what and problem.fix and fix in problem.fix, (problem.what, problem.fix)
    name, line, _ = problem.what.split(":", 2)
    lines = [number for number, each in enumerate(text.splitlines(True), 1) if at in each]
    assert name == "openapi.yaml" and int(line) in lines, problem.what


def test_an_optional_next_cursor_ends_a_list() -> None:
    text = TEXT.replace(NEXT, NEXT.replace("[string, 'null']", "string"))
    text = text.replace("required: [events, next_cursor]", "required: [events]")
    assert extensions.read(parse(text, "openapi.yaml"))


def link(operation: str, status: str, name: str) -> Link:
    return PROMISED.operation(operation).links[status][name]


def test_links_name_their_targets() -> None:
    links = {
        (each.operation.name, status, name): (found.target.name, list(found.sources))
        for each in PROMISED.operations.values()
        for status, by_name in each.links.items()
        for name, found in by_name.items()
    }
    assert links == {
        ("list_tasks", "200", "task"): ("get_task", [("path", "task_id")]),
        ("create_task", "201", "task"): ("get_task", [("path", "task_id")]),
        ("create_task", "201", "delete"): ("delete_task", [("path", "task_id")]),
    }


def test_a_link_returns_values_of_the_first_or_each_item() -> None:
    page = Answer(200, {"items": [{"id": "a"}, {}, {"id": "c"}]})
    key = ("path", "task_id")
    found = link("list_tasks", "200", "task")
    assert found.parameters(Request(), page) == {key: "a"}
    assert list(found.each(Request(), page)) == [{key: "a"}, {key: "c"}]
    bodies: list[Any] = [{"items": []}, {}, None, {"items": {"0": 1}}]
    for body in bodies:
        assert found.parameters(Request(), Answer(200, body)) is None
        assert list(found.each(Request(), Answer(200, body))) == []
    created = link("create_task", "201", "delete")
    assert list(created.each(Request(), Answer(201, TASK))) == [{key: TASK_ID}]


def test_all_kinds_of_expressions_are_evaluated() -> None:
    changed = TEXT.replace(
        "                task_id: $response.body#/id\n            delete",
        """\
                path.task_id: $request.path.project_id
            by_header:
              operationRef: '#/paths/~1v1~1tasks~1{task_id}/get'
              parameters:
                task_id: $response.header.Location
            by_body:
              operationId: list_tasks
              parameters:
                project_id: $response.body#/project_id
                status: $request.body#/title
                limit: 5
            delete""",
    )
    links = extensions.read(parse(changed, "openapi.yaml")).operation("create_task").links["201"]
    request = Request({"project_id": PROJECT_ID}, body={"title": "OPEN"})
    answer = Answer(201, TASK, {"location": "/v1/tasks/1"})

    def values(name: str) -> Any:
        return [list(found.values()) for found in links[name].each(request, answer)]

    assert values("task") == [[PROJECT_ID]]
    assert links["by_header"].target.name == "get_task"
    assert values("by_header") == [["/v1/tasks/1"]]
    assert values("by_body") == [[PROJECT_ID, "OPEN", 5]]
    assert links["by_body"].parameters(Request(), answer) is None


@pytest.mark.parametrize(
    ("sent", "result"),
    [({"title": "Order ink"}, Result.HOLDS), ({"title": "Ink"}, Result.BROKEN), (MISSING, Result.NOT_JUDGED)],
)
def test_a_response_is_compared_with_the_request(sent: Any, result: Result) -> None:
    operation = PROMISED.operation("create_task")
    verdicts = PROMISED.judge_answer(operation, Request({"project_id": PROJECT_ID}, body=sent), Answer(201, TASK), NOW)
    assert {each.rule_id: each.result for each in verdicts}["created_as_asked"] is result


def test_a_response_example_is_compared_with_the_request_example() -> None:
    at = "                $ref: '#/components/schemas/Task'\n          links:\n"
    assert at in TEXT
    example = f"              example: {{title: Other, project_id: {PROJECT_ID}}}\n"
    text = TEXT.replace(at, at.replace("          links", f"{example}          links"))
    with pytest.raises(Problem, match="breaks the rule `created_as_asked`"):
        extensions.read(parse(text, "openapi.yaml"))
