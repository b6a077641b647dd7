"""Natural edits of the board's contract: each is valid, `make breaking` rates it, `make docs` shows it."""

from __future__ import annotations

import pytest

from codegen.docs import render
from codegen.drift import differences
from tests.board.data import OPENAPI
from tests.board.edits import apply_edits, edit_within, rated_changes, read_contract, text_between
from tests.codegen.test_breaking import BOTH, CLIENTS, NEITHER, SERVERS

pytestmark = pytest.mark.sampled(8)

BOARD = OPENAPI.read_text(encoding="utf-8")


CREATE = text_between(BOARD, "    post:\n", "  /v1/projects/{project_id}/events:")
DELETE = text_between(BOARD, "    delete:\n      operationId", "\ncomponents:")
LIST_LINK = text_between(BOARD, "          links:\n            task:\n              description", "        '401'")
BODY = text_between(CREATE, "      requestBody:\n", "      x-judged:")
MAPPING = text_between(BOARD, "        mapping:\n", "\n    Note:")
NOTE = text_between(BOARD, "    Note:\n", "    Checklist:")
PICTURE = NOTE.replace("Note:", "Picture:").replace("const: note", "const: picture").replace("text", "place")
DETAILS = "        - $ref: '#/components/schemas/Checklist'\n"
FIRST = "        - $ref: '#/components/schemas/Note'\n"
CREATE_LINKS = "          links:\n            task:\n              operationId"
DRAFT = text_between(BOARD, "    TaskDraft:", "    TaskStatus:")
SINGLE = text_between(BOARD, "  /v1/tasks/{task_id}:", "\ncomponents:")
PUT = "    put: {operationId: put_task, responses: {'204': {description: Done.}}}\n"
ETAG = "            Etag: {required: true, description: A mark., schema: {type: string}}\n"
AGAIN = """\
            again:
              operationId: list_tasks
              parameters: {project_id: $request.path.project_id}
"""

# Edits, and the expected changes: rating, place and description.
EDITS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str, str]]]] = {
    "a filter less": (
        [(text_between(BOARD, "        - name: status\n", "        - name: tag\n"), "")],
        [(CLIENTS, "list_tasks status (query)", "parameter removed")],
    ),
    "a filter that picks otherwise": (
        [("rule: item.status == value", "rule: item.status != value")],
        [
            (
                BOTH,
                "list_tasks status (query) rule tasks_of_the_status",
                "item.status != value instead of item.status == value",
            )
        ],
    ),
    "more values of a filter": (
        [("maxItems: 5\n            items", "maxItems: 9\n            items")],
        [(SERVERS, "list_tasks tag (query)", "maxItems 9 instead of maxItems 5")],
    ),
    "a filter that is sent otherwise": (
        [("of these tags.\n", "of these tags.\n          explode: false\n")],
        [(BOTH, "list_tasks tag (query)", "explode false instead of null")],
    ),
    "larger pages by another default": (
        [
            ("maximum: 200\n            default: 50", "maximum: 500\n            default: 100"),
            ("limit: 50\n", "limit: 100\n"),
        ],
        [
            (BOTH, "list_tasks limit (query)", "default 100 instead of 50"),
            (SERVERS, "list_tasks limit (query)", "maximum 500 instead of maximum 200"),
        ],
    ),
    "a further value of a status in requests and responses": (
        [("enum: [OPEN, DOING, DONE]", "enum: [OPEN, DOING, DONE, LATE]")],
        [
            (SERVERS, "list_tasks status (query)", "LATE added"),
            (NEITHER, "list_tasks 200 body.items[].status", "LATE added"),
        ],
    ),
    "a field that becomes optional": (
        [("tags, estimate, details, created_at", "tags, details, created_at")],
        [(CLIENTS, "list_tasks 200 body.items[].estimate", "not required")],
    ),
    "a field that becomes required": (
        [("required: [title]", "required: [title, tags]")],
        [(BOTH, "create_task request body.tags", "required")],
    ),
    "a longer title that may be sent": (
        [edit_within(DRAFT, "120", "200")],
        [(SERVERS, "create_task request body.title", "maxLength 200 instead of maxLength 120")],
    ),
    "a default of what is sent": (
        [edit_within(DRAFT, "[number, 'null']\n", "[number, 'null']\n          default: 1\n")],
        [(SERVERS, "create_task request body.estimate", "default 1 instead of none")],
    ),
    "a body that may be left out": (
        [edit_within(BODY, "        required: true\n", "")],
        [(SERVERS, "create_task request body", "optional")],
    ),
    "another type of what is sent": (
        [edit_within(BODY, "application/json", "application/x-task+json")],
        [
            (BOTH, "create_task request body", "application/json removed"),
            (SERVERS, "create_task request body", "application/x-task+json added"),
        ],
    ),
    "no body": (
        [(BODY, ""), ("response.body.title == request.body.title", "response.body.title != ''")],
        [
            (CLIENTS, "create_task request body", "body removed"),
            (
                BOTH,
                "create_task 201 rule created_as_asked",
                "response.body.title != '' instead of response.body.title == request.body.title",
            ),
        ],
    ),
    "a further operation": (
        [("{task_id}:\n    parameters", f"{{task_id}}:\n{PUT}    parameters")],
        [(SERVERS, "PUT /v1/tasks/{task_id}", "operation added")],
    ),
    "an operation that is gone": (
        [(DELETE, ""), (text_between(BOARD, "            delete:\n              operationId", "        '401'"), "")],
        [
            (CLIENTS, "DELETE /v1/tasks/{task_id}", "operation removed"),
            (CLIENTS, "create_task 201 link delete", "link removed"),
        ],
    ),
    "an operation by another name": (
        [*[("operationId: get_task\n", "operationId: read_task\n")] * 3],
        [(CLIENTS, "GET /v1/tasks/{task_id}", "operationId read_task instead of get_task")],
    ),
    "another tag": (
        [("tags: [Events]", "tags: [History]")],
        [(CLIENTS, "GET /v1/projects/{project_id}/events", "tag History instead of Events")],
    ),
    "a parameter of the path by another name": (
        [edit_within(SINGLE, "task_id", "id"), *[("task_id: $response", "id: $response")] * 3],
        [(CLIENTS, "task_id (path)", "renamed to id")],
    ),
    "a link that is gone": (
        [(LIST_LINK, "")],
        [(CLIENTS, "list_tasks 200 link task", "link removed")],
    ),
    "a further link": (
        [("            delete:\n", f"{AGAIN}            delete:\n")],
        [(SERVERS, "create_task 201 link again", "link added")],
    ),
    "a link that leads elsewhere": (
        [("              operationId: delete_task\n", "              operationId: get_task\n")],
        [(BOTH, "create_task 201 link delete", "target get_task instead of delete_task")],
    ),
    "a link from elsewhere": (
        [("$response.body#/items/0/id", "$response.body#/items/0/project_id")],
        [
            (
                BOTH,
                "list_tasks 200 link task task_id",
                '"$response.body#/items/0/project_id" instead of "$response.body#/items/0/id"',
            )
        ],
    ),
    "a further alternative": (
        [
            (DETAILS, f"{DETAILS}        - $ref: '#/components/schemas/Picture'\n"),
            ("    Checklist:\n      description", f"{PICTURE}    Checklist:\n      description"),
        ],
        [
            (SERVERS, "create_task request body.details", 'alternative with kind "picture" added'),
            (NEITHER, "list_tasks 200 body.items[].details", 'alternative with kind "picture" added'),
            (NEITHER, "schema Picture", "schema added"),
        ],
    ),
    "an alternative that is gone": (
        [(DETAILS, ""), ("          checklist: '#/components/schemas/Checklist'\n", "")],
        [
            (BOTH, "create_task request body.details", 'alternative with kind "checklist" removed'),
            (SERVERS, "list_tasks 200 body.items[].details", 'alternative with kind "checklist" removed'),
        ],
    ),
    "alternatives that change, in another order": (
        [
            (DETAILS, ""),
            (FIRST, DETAILS + FIRST),
            ("required: [kind, text]", "required: [kind]"),
            ("required: [kind, entries]", "required: [kind]"),
        ],
        [
            (CLIENTS, "list_tasks 200 body.items[].details.text", "not required"),
            (CLIENTS, "list_tasks 200 body.items[].details.entries", "not required"),
            (SERVERS, "create_task request body.details.text", "not required"),
            (SERVERS, "create_task request body.details.entries", "not required"),
        ],
    ),
    "another constant": (
        [("const: note", "const: text")],
        [
            (BOTH, "create_task request body.details", 'alternative with kind "note" removed'),
            (SERVERS, "create_task request body.details", 'alternative with kind "text" added'),
            (SERVERS, "list_tasks 200 body.items[].details", 'alternative with kind "note" removed'),
            (NEITHER, "list_tasks 200 body.items[].details", 'alternative with kind "text" added'),
        ],
    ),
    "values that change places": (
        [("note: '#/components/schemas/Note'", "note: '#/components/schemas/Checklist'")],
        [(BOTH, "list_tasks 200 body.items[].details", "note selects another schema")],
    ),
    "alternatives that nothing tells apart": (
        [(f"      discriminator:\n        propertyName: kind\n{MAPPING}", "")],
        [(CLIENTS, "list_tasks 200 body.items[].details", "discriminator removed")],
    ),
    "a header that may be left out": (
        [("was written.\n              required: true\n", "was written.\n")],
        [(CLIENTS, "get_task 200 header task-version", "not always sent")],
    ),
    "a header of another type": (
        [
            (
                "                type: integer\n                minimum: 1\n",
                "                type: number\n                minimum: 1\n",
            )
        ],
        [(CLIENTS, "get_task 200 header task-version", "number instead of integer")],
    ),
    "a further header": (
        [("            Task-Version:\n", f"{ETAG}            Task-Version:\n")],
        [(SERVERS, "get_task 200 header etag", "header added")],
    ),
    "a status that is due": (
        [("        - {stage: state, status: 409}\n", "        - {stage: state, status: [409, 422]}\n")],
        [(CLIENTS, "create_task x-judged state", "409 or 422 instead of 409")],
    ),
    "a list by another cursor": (
        [
            ("        - name: cursor\n", "        - name: after\n"),
            ("        cursor: cursor\n", "        cursor: after\n"),
        ],
        [
            (BOTH, "list_events x-list cursor", "after instead of cursor"),
            (CLIENTS, "list_events cursor (query)", "parameter removed"),
            (SERVERS, "list_events after (query)", "parameter added, optional"),
        ],
    ),
    "a last page with another end": (
        [("required: [events, next_cursor]", "required: [events]")],
        [(CLIENTS, "list_events 200 body.next_cursor", "not required")],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_valid_rated_and_shown(name: str) -> None:
    replacements, expected = EDITS[name]
    new = read_contract(apply_edits(BOARD, replacements))
    assert sorted(rated_changes(read_contract(BOARD), new)) == sorted(expected)
    assert render(new)


@pytest.mark.parametrize("name", [name for name, (_, expected) in EDITS.items() if expected])
def test_drift_finds_each_edit_that_changes_requests_or_responses(name: str) -> None:
    """Drift finds the same differences, except names in generated code and further operations."""
    replacements, expected = EDITS[name]
    found = [
        (each.place, each.what)
        for each in differences(read_contract(BOARD).value, read_contract(apply_edits(BOARD, replacements)).value)
    ]
    unsent = ("renamed", "operationId", "tag ", "operation added", "schema added")
    assert sorted(found) == sorted(
        (place, what.replace("operation removed", "operation missing"))
        for _, place, what in expected
        if not what.startswith(unsent)
    )


def test_drift_ignores_missing_links() -> None:
    without = apply_edits(BOARD, [(LIST_LINK, ""), (text_between(BOARD, CREATE_LINKS, "        '401'"), "")])
    assert differences(read_contract(BOARD).value, read_contract(without).value) == []
