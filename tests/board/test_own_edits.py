"""Natural edits of this repository's own contract: each is valid, `make breaking` rates it, `make docs` shows it."""

from __future__ import annotations

import re

import pytest

from codegen import ROOT
from codegen.breaking import MAJOR, WORDING, changes, level
from codegen.compare.rules import NEW_CLIENTS
from codegen.docs import render
from codegen.openapi import operations
from tests.board.edits import apply_edits, edit_within, rated_changes, read_contract, text_between
from tests.codegen.test_breaking import BOTH, CLIENTS, NEITHER, SERVERS

OWN = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
ETAG = "            Etag: {required: true, description: A mark., schema: {type: string}}\n"
OFFSET = text_between(OWN, "        - name: offset\n", "        - name: authorization")
FIELD = "        error:\n          description: What went wrong"
RUN = OWN[OWN.index("    WorkflowRunResponse:\n") : OWN.index("    WorkflowRunSnapshot:\n")]
OPERATION = OWN[OWN.index("  /v1/workflow-definitions/") : OWN.index("\ncomponents:")]
REFUSALS = OPERATION[OPERATION.index("        '401':\n") :]
NOT_FOUND = text_between(REFUSALS, "        '404':\n", "        '422':\n")
JUDGED = text_between(OWN, "      x-judged:\n", "      responses:\n")
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
REMOVE = REMOVE.replace(text_between(REMOVE, "          content:\n", "        '401'"), "", 1)
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
            edit_within(RUN, "        - error\n", "        - error\n        - attempts\n"),
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
    "alternatives with a discriminator": (
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
def test_an_edit_is_valid_rated_and_shown(name: str) -> None:
    replacements, expected = OWN_EDITS[name]
    new = read_contract(apply_edits(OWN, replacements))
    assert sorted(rated_changes(read_contract(OWN), new)) == sorted(expected)
    page = render(new)
    for operation in operations(new).values():
        assert operation.path in page
        for node in operation.parameters.values():
            assert f"<code>{node.at('name').value}</code>" in page


def test_a_required_field_warns_about_old_servers() -> None:
    replacements, _ = OWN_EDITS["a required field"]
    found = changes(read_contract(OWN).value, read_contract(apply_edits(OWN, replacements)).value)
    assert [change.rule.note for change in found if change.rule is not WORDING] == [NEW_CLIENTS]
    assert level(found) == MAJOR
