"""Natural edits of a contract that grows: `make lint` reads each, `make breaking` rates it, `make docs` shows it.

The edits of the issue's table, of the board's contract and of this repository's own; and what a richer contract can
change besides.
"""

from __future__ import annotations

import re

import pytest

from codegen import ROOT, claims, extensions
from codegen.breaking import MAJOR, WORDING, changes, level
from codegen.compare.rules import NEW_CLIENTS
from codegen.docs import render
from codegen.drift import differences
from codegen.openapi import Document, operations, parse
from tests.board.server import OPENAPI
from tests.codegen.test_breaking import BOTH, CLIENTS, NEITHER, SERVERS

BOARD = OPENAPI.read_text(encoding="utf-8")
OWN = (ROOT / "openapi.yaml").read_text(encoding="utf-8")


def read(text: str) -> Document:
    """Reads a contract as every command does that needs more than its schemas."""
    document = parse(text, "openapi.yaml")
    claims.check(document)
    extensions.read(document)
    return document


def between(text: str, start: str, end: str) -> str:
    """The part of a text from one place up to another."""
    begin = text.index(start)
    return text[begin : text.index(end, begin + len(start))]


def within(part: str, old: str, new: str) -> tuple[str, str]:
    """A part of a text, and the same with all of something replaced."""
    assert old in part
    return part, part.replace(old, new)


CREATE = between(BOARD, "    post:\n", "  /v1/projects/{project_id}/events:")
DELETE = between(BOARD, "    delete:\n      operationId", "\ncomponents:")
LIST_LINK = between(BOARD, "          links:\n            task:\n              description", "        '401'")
BODY = between(CREATE, "      requestBody:\n", "      x-judged:")
MAPPING = between(BOARD, "        mapping:\n", "\n    Note:")
NOTE = between(BOARD, "    Note:\n", "    Checklist:")
PICTURE = NOTE.replace("Note:", "Picture:").replace("const: note", "const: picture").replace("text", "place")
DETAILS = "        - $ref: '#/components/schemas/Checklist'\n"
FIRST = "        - $ref: '#/components/schemas/Note'\n"
CREATE_LINKS = "          links:\n            task:\n              operationId"
DRAFT = between(BOARD, "    TaskDraft:", "    TaskStatus:")
SINGLE = between(BOARD, "  /v1/tasks/{task_id}:", "\ncomponents:")
PUT = "    put: {operationId: put_task, responses: {'204': {description: Done.}}}\n"
ETAG = "            Etag: {required: true, description: A mark., schema: {type: string}}\n"
AGAIN = """\
            again:
              operationId: list_tasks
              parameters: {project_id: $request.path.project_id}
"""

# What is replaced, by what; then what has to be told: its rating, its place, and what changed.
EDITS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str, str]]]] = {
    "a filter less": (
        [(between(BOARD, "        - name: status\n", "        - name: tag\n"), "")],
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
    "a further value of a status that is asked for and answered": (
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
        [within(DRAFT, "120", "200")],
        [(SERVERS, "create_task request body.title", "maxLength 200 instead of maxLength 120")],
    ),
    "a default of what is sent": (
        [within(DRAFT, "[number, 'null']\n", "[number, 'null']\n          default: 1\n")],
        [(SERVERS, "create_task request body.estimate", "default 1 instead of none")],
    ),
    "a body that may be left out": (
        [within(BODY, "        required: true\n", "")],
        [(SERVERS, "create_task request body", "optional")],
    ),
    "another type of what is sent": (
        [within(BODY, "application/json", "application/x-task+json")],
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
        [(DELETE, ""), (between(BOARD, "            delete:\n              operationId", "        '401'"), "")],
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
        [within(SINGLE, "task_id", "id"), *[("task_id: $response", "id: $response")] * 3],
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
    "a last page that is told otherwise": (
        [("required: [events, next_cursor]", "required: [events]")],
        [(CLIENTS, "list_events 200 body.next_cursor", "not required")],
    ),
}


def edited(text: str, replacements: list[tuple[str, str]]) -> str:
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told(old: Document, new: Document) -> list[tuple[str, str, str]]:
    """What is told of an edit, without what is for readers only, such as how it is written."""
    found = changes(old.value, new.value)
    return [(change.rating, change.place, change.what) for change in found if change.rule is not WORDING]


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_read_rated_and_shown(name: str) -> None:
    replacements, expected = EDITS[name]
    new = read(edited(BOARD, replacements))
    assert sorted(told(read(BOARD), new)) == sorted(expected)
    assert render(new)


# --- the table, of this repository's own contract -------------------------------------------------------------

OFFSET = between(OWN, "        - name: offset\n", "        - name: authorization")
FIELD = "        error:\n          description: What went wrong"
RUN = OWN[OWN.index("    WorkflowRunResponse:\n") : OWN.index("    WorkflowRunSnapshot:\n")]
OPERATION = OWN[OWN.index("  /v1/workflow-definitions/") : OWN.index("\ncomponents:")]
REFUSALS = OPERATION[OPERATION.index("        '401':\n") :]
NOT_FOUND = between(REFUSALS, "        '404':\n", "        '422':\n")
JUDGED = between(OWN, "      x-judged:\n", "      responses:\n")
ON_ONE = JUDGED.replace("definition_id", "run_id")
GET = f"""\
  /v1/workflow-runs/{{run_id}}:
    parameters:
      - {{name: run_id, in: path, required: true, description: The run., schema: {{type: string, format: uuid}}}}
    get:
      operationId: get_workflow_run
      summary: Get a run
      tags: [Workflow Definitions]
{ON_ONE}      responses:
        '200':
          description: The run.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/WorkflowRunResponse'
{REFUSALS}"""
LINK = """\
          links:
            run: {operationId: get_workflow_run, parameters: {run_id: $response.body#/items/0/id}}
"""
POST = f"""\
    post:
      operationId: start_workflow_run
      summary: Start a run
      tags: [Workflow Definitions]
      parameters:
        - $ref: '#/paths/~1v1~1workflow-definitions~1{{definition_id}}~1runs/get/parameters/0'
      requestBody:
        required: true
        content:
          application/json:
            schema: {{$ref: '#/components/schemas/ABCDPathSnapshot'}}
{JUDGED}      responses:
        '201':
          description: It is started.
          content: {{application/json: {{schema: {{$ref: '#/components/schemas/WorkflowRunResponse'}}}}}}
{REFUSALS}"""
REMOVE = GET[GET.index("    get:") :].replace("get", "delete").replace("'200'", "'204'")
REMOVE = REMOVE.replace(between(REMOVE, "          content:\n", "        '401'"), "", 1)
ALTERNATIVES = """\
          oneOf:
            - $ref: '#/components/schemas/Numbers'
            - $ref: '#/components/schemas/Words'
          discriminator: {propertyName: kind}
"""
KINDS = """\
    Numbers:
      {type: object, required: [kind], properties: {kind: {type: string, const: numbers}}}
    Words:
      {type: object, required: [kind], properties: {kind: {type: string, const: words}}}

"""


def parameter(name: str, schema: str, rule: str = "") -> str:
    selects = f"          x-selects: [{{id: picked, rule: '{rule}', message: Only these.}}]\n" if rule else ""
    return f"{OFFSET}        - name: {name}\n          in: query\n          schema: {schema}\n{selects}"


def field(name: str, schema: str) -> tuple[str, str]:
    return FIELD, f"        {name}: {schema}\n{FIELD}"


STATUS = "{$ref: '#/components/schemas/WorkflowRunStatus'}"
OWN_EDITS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str, str]]]] = {
    "an optional query parameter that filters": (
        [(OFFSET, parameter("status", STATUS, "item.status == value"))],
        [(SERVERS, "status (query)", "parameter added, optional")],
    ),
    "an array as query parameter": (
        [(OFFSET, parameter("status", f"{{type: array, maxItems: 4, items: {STATUS}}}", "item.status in value"))],
        [(SERVERS, "status (query)", "parameter added, optional")],
    ),
    "a time as query parameter": (
        [(OFFSET, parameter("since", "{type: string, format: date-time}", "item.updated_at >= value"))],
        [(SERVERS, "since (query)", "parameter added, optional")],
    ),
    "larger pages by another default": (
        [
            ("maximum: 100\n            default: 20", "maximum: 200\n            default: 50"),
            ("                limit: 20\n", "                limit: 50\n"),
        ],
        [
            (BOTH, "limit (query)", "default 50 instead of 20"),
            (SERVERS, "limit (query)", "maximum 200 instead of maximum 100"),
        ],
    ),
    "an optional field": (
        [field("attempts", "{type: integer, minimum: 1}")],
        [(NEITHER, "200 body.items[].attempts", "field added, optional")],
    ),
    "a required field": (
        [
            within(RUN, "        - error\n", "        - error\n        - attempts\n"),
            field("attempts", "{type: integer, minimum: 1, description: Tries.}"),
            *[
                (
                    "                    error: null\n",
                    "                    attempts: 1\n                    error: null \n",
                )
            ]
            * 2,
        ],
        [(SERVERS, "200 body.items[].attempts", "field added, required")],
    ),
    "a field that is bounded": (
        [
            (
                "          description: The definition's name at that time, at most 255 characters.\n",
                "          maxLength: 255\n",
            )
        ],
        [(SERVERS, "200 body.items[].run_snapshot.workflow_name", "maxLength 255 instead of no maxLength")],
    ),
    "a header of an answer": (
        [("      responses:\n        '200':\n", f"      responses:\n        '200':\n          headers:\n{ETAG}")],
        [(SERVERS, "200 header etag", "header added")],
    ),
    "a status 409 and a status 410": (
        [
            (
                REFUSALS,
                REFUSALS.replace(
                    "        '422':\n",
                    NOT_FOUND.replace("404", "409") + NOT_FOUND.replace("404", "410") + "        '422':\n",
                    1,
                ),
            ),
            ("        - {stage: any", "        - {stage: state, status: [409, 410]}\n        - {stage: any"),
        ],
        [
            (NEITHER, "409", "status added"),
            (NEITHER, "410", "status added"),
            (BOTH, "x-judged state", "stage added"),
        ],
    ),
    "a second operation, with a link to it": (
        [("\ncomponents:", f"\n{GET}\ncomponents:"), ("        '401':\n", f"{LINK}        '401':\n")],
        [
            (SERVERS, "GET /v1/workflow-runs/{run_id}", "operation added"),
            (SERVERS, "200 link run", "link added"),
        ],
    ),
    "a POST and a DELETE": (
        [("\ncomponents:", f"\n{POST}\n{GET}\n{REMOVE}\ncomponents:")],
        [
            (SERVERS, "DELETE /v1/workflow-runs/{run_id}", "operation added"),
            (SERVERS, "GET /v1/workflow-runs/{run_id}", "operation added"),
            (SERVERS, "POST /v1/workflow-definitions/{definition_id}/runs", "operation added"),
        ],
    ),
    "cursors instead of offsets": (
        [
            (OFFSET, "        - {name: cursor, in: query, schema: {type: string}}\n"),
            (
                "        style: offset\n",
                "        style: cursor\n        cursor: cursor\n        next_cursor: next_cursor\n",
            ),
            ("        offset: offset\n", ""),
            ("echoes: {limit: limit, offset: offset}", "echoes: {limit: limit}"),
            ("        total:\n", "        next_cursor: {type: [string, 'null']}\n        total:\n"),
        ],
        [
            (CLIENTS, "offset (query)", "parameter removed"),
            (SERVERS, "cursor (query)", "parameter added, optional"),
            (BOTH, "x-list style", "cursor instead of offset"),
            (CLIENTS, "x-list offset", "no offset instead of offset"),
            (CLIENTS, "x-list echoes offset", "no echoes offset instead of offset"),
            (SERVERS, "x-list cursor", "cursor instead of no cursor"),
            (SERVERS, "x-list next_cursor", "next_cursor instead of no next_cursor"),
            (NEITHER, "200 body.next_cursor", "field added, optional"),
        ],
    ),
    "alternatives that are told apart": (
        [
            field("result", f"\n{ALTERNATIVES.rstrip()}"),
            ("    # The bodies of refusals", f"{KINDS}    # The bodies of refusals"),
        ],
        [
            (NEITHER, "200 body.items[].result", "field added, optional"),
            (NEITHER, "schema Numbers", "schema added"),
            (NEITHER, "schema Words", "schema added"),
        ],
    ),
    "a parameter of the path by another name": (
        [(OPERATION, re.sub(r"(?<!workflow_)definition_id", "flow_id", OPERATION))],
        [(CLIENTS, "definition_id (path)", "renamed to flow_id")],
    ),
    "another tag": (
        [("tags: [Workflow Definitions]", "tags: [Runs]")],
        [(CLIENTS, "GET /v1/workflow-definitions/{definition_id}/runs", "tag Runs instead of Workflow Definitions")],
    ),
    "two tags": ([("tags: [Workflow Definitions]", "tags: [Workflow Definitions, Runs]")], []),
}


@pytest.mark.parametrize("name", OWN_EDITS)
def test_an_edit_of_the_own_contract_is_read_rated_and_shown(name: str) -> None:
    replacements, expected = OWN_EDITS[name]
    new = read(edited(OWN, replacements))
    assert sorted(told(read(OWN), new)) == sorted(expected)
    page = render(new)
    for operation in operations(new).values():
        assert operation.path in page
        for node in operation.parameters.values():
            assert f"<code>{node.at('name').value}</code>" in page


def test_clients_of_a_required_field_are_told_of_servers_that_keep_the_old_contract() -> None:
    replacements, _ = OWN_EDITS["a required field"]
    found = changes(read(OWN).value, read(edited(OWN, replacements)).value)
    assert [change.rule.note for change in found if change.rule is not WORDING] == [NEW_CLIENTS]
    assert level(found) == MAJOR


@pytest.mark.parametrize("name", [name for name, (_, expected) in EDITS.items() if expected])
def test_drift_tells_of_each_edit_that_changes_what_is_sent(name: str) -> None:
    """The same differences, seen from the contract: names of generated code and further operations are none."""
    replacements, expected = EDITS[name]
    found = [
        (each.place, each.what) for each in differences(read(BOARD).value, read(edited(BOARD, replacements)).value)
    ]
    unsent = ("renamed", "operationId", "tag ", "operation added", "schema added")
    assert sorted(found) == sorted(
        (place, what.replace("operation removed", "operation missing"))
        for _, place, what in expected
        if not what.startswith(unsent)
    )


def test_a_document_that_states_no_links_is_not_measured_by_them() -> None:
    without = edited(BOARD, [(LIST_LINK, ""), (between(BOARD, CREATE_LINKS, "        '401'"), "")])
    assert differences(read(BOARD).value, read(without).value) == []
