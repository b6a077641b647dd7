"""`make breaking`: edits of the contract with their ratings; every edit is reported."""

from __future__ import annotations

import copy
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import openapi
from codegen.__main__ import main
from codegen.breaking import MAJOR, Change, changes, level
from tests.codegen.trees import CONTRACT_PATH, LIMIT, VERSION_LINE

Run = Callable[[Path, str], tuple[int, str, str]]
TEXT = VERSION_LINE.sub("  version: 1.0.0", (CONTRACT_PATH).read_text(encoding="utf-8"), count=1)


def parse(text: str) -> dict[str, Any]:
    document: dict[str, Any] = openapi.parse(text, "openapi.yaml").value
    return document


CONTRACT = parse(TEXT)

BOTH = "breaking for clients and servers"
CLIENTS = "breaking for clients"
SERVERS = "breaking for servers"
NEITHER = "compatible"

OPERATION = "GET /v1/workflow-definitions/{definition_id}/runs"
NEW_PARAMETER = """        - name: status
          in: query
          description: Only runs in this state
          schema:
            type: string
"""
REQUIRED_PARAMETER = NEW_PARAMETER.replace("in: query\n", "in: query\n          required: true\n")
RETRY_AFTER = """          headers:
            Retry-After:
              description: How long to wait, in seconds or as an HTTP date (RFC 9110, section 10.2.3).
              required: true
              schema:
                type: string
              example: '30'
"""
STATUS_503 = TEXT[TEXT.index("        '503':\n") : TEXT.index("\ncomponents:\n")]
ERROR_FIELD = TEXT[
    TEXT.index("        error:\n") : TEXT.index("        created_at:\n          description: When the run was")
]
NEW_FIELD = """        attempts:
          description: How often it was tried.
          type: integer
"""

ERROR_RULE = TEXT[TEXT.index("        - id: error_by_status\n") : TEXT.index("        - id: times_in_order\n")]
ERROR_MESSAGE = "'`error` is set exactly for `FAILED`.'"
FURTHER_RULE = ERROR_RULE.replace("error_by_status", "named").replace(
    "(self.error != null) == (self.status == 'FAILED')", "self.id != ''"
)
LIST = TEXT[TEXT.index("      x-list:\n") : TEXT.index("      x-judged:\n")]
AT_MOST = LIST[LIST.index("        at_most:\n") :]
JUDGED = TEXT[TEXT.index("      x-judged:\n") : TEXT.index("      responses:\n")]
STAGES = JUDGED.splitlines(keepends=True)[1:]
REVERSED = "".join(["      x-judged:\n", *STAGES[3::-1], STAGES[4]])
SELECTS = """          x-selects:
            - {id: of_the_status, rule: item.status == value, message: Only runs in this state.}
"""
RULE = "200 body.items[] rule"

# By case: replacements in the contract, and all expected changes as (rating, place, change).
EDITS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str, str]]]] = {
    "nothing": ([], []),
    "only the version": ([("version: 1.0.0", "version: 1.0.1")], []),
    # --- requests: what is allowed less breaks clients, what is allowed more breaks servers
    "a lower maximum": (
        [("maximum: 100", "maximum: 50")],
        [(BOTH, "limit (query)", "maximum 50 instead of maximum 100")],
    ),
    "a higher maximum": (
        [("maximum: 100", "maximum: 200")],
        [(SERVERS, "limit (query)", "maximum 200 instead of maximum 100")],
    ),
    "no maximum": (
        [("            maximum: 100\n", "")],
        [(SERVERS, "limit (query)", "no maximum instead of maximum 100")],
    ),
    "a higher minimum": (
        [("minimum: 1\n            maximum", "minimum: 5\n            maximum")],
        [(BOTH, "limit (query)", "minimum 5 instead of minimum 1")],
    ),
    "another default": ([("default: 20", "default: 50")], [(BOTH, "limit (query)", "default 50 instead of 20")]),
    "no default": ([("            default: 20\n", "")], [(CLIENTS, "limit (query)", "default none instead of 20")]),
    "a required parameter": (
        [("        - name: limit\n", f"{REQUIRED_PARAMETER}        - name: limit\n")],
        [(BOTH, "status (query)", "parameter added, required")],
    ),
    "an optional parameter": (
        [("        - name: limit\n", f"{NEW_PARAMETER}        - name: limit\n")],
        [(SERVERS, "status (query)", "parameter added, optional")],
    ),
    "a parameter that is gone": ([(LIMIT, "")], [(CLIENTS, "limit (query)", "parameter removed")]),
    "a parameter that becomes required": (
        [("name: limit\n          in: query\n", "name: limit\n          in: query\n          required: true\n")],
        [(BOTH, "limit (query)", "required")],
    ),
    "a parameter by another name": (
        [("name: offset", "name: skip")],
        [
            (CLIENTS, "offset (query)", "parameter removed"),
            (SERVERS, "skip (query)", "parameter added, optional"),
        ],
    ),
    "a type of a parameter": (
        [("type: integer\n            minimum: 0\n            default: 0", "type: string")],
        [
            (BOTH, "offset (query)", "string instead of integer"),
            (CLIENTS, "offset (query)", "default none instead of 0"),
        ],
    ),
    "an id that may be any text": (
        [("type: string\n            format: uuid\n          example", "type: string\n          example")],
        [(SERVERS, "definition_id (path)", "no format instead of format uuid")],
    ),
    "one of two credentials": (
        [("  - bearerAuth: []\n", "")],
        [(BOTH, "credentials", "header authorization removed")],
    ),
    "both credentials at once": (
        [("  - bearerAuth: []\n  - sessionCookie: []", "  - bearerAuth: []\n    sessionCookie: []")],
        [
            (BOTH, "credentials", "header authorization removed"),
            (BOTH, "credentials", "cookie ks_uat removed"),
            (SERVERS, "credentials", "cookie ks_uat with header authorization added"),
        ],
    ),
    "another cookie": (
        [("      in: cookie\n      name: ks_uat", "      in: cookie\n      name: session")],
        [
            (BOTH, "credentials", "cookie ks_uat removed"),
            (SERVERS, "credentials", "cookie session added"),
        ],
    ),
    # --- answers: the other way round
    "a new value": (
        [("FAILED]", "FAILED, CANCELLED]")],
        [(NEITHER, "200 body.items[].status", "CANCELLED added")],
    ),
    "a value that is gone": (
        [("[PENDING, ", "[")],
        [(SERVERS, "200 body.items[].status", "PENDING removed")],
    ),
    "any text instead of values": (
        [("      enum: [PENDING, RUNNING, COMPLETED, FAILED]\n", "")],
        [(CLIENTS, "200 body.items[].status", "any string instead of COMPLETED, FAILED, PENDING, RUNNING")],
    ),
    "an optional field": (
        [("        error:\n", f"{NEW_FIELD}        error:\n")],
        [(NEITHER, "200 body.items[].attempts", "field added, optional")],
    ),
    "a required field": (
        [
            ("        error:\n", f"{NEW_FIELD}        error:\n"),
            ("        - error\n", "        - error\n        - attempts\n"),
        ],
        [(SERVERS, "200 body.items[].attempts", "field added, required")],
    ),
    "a field that is gone": (
        [(ERROR_FIELD, ""), ("        - error\n", "")],
        [(CLIENTS, "200 body.items[].error", "field removed")],
    ),
    "a field that may be left out": (
        [("        - error\n", "")],
        [(CLIENTS, "200 body.items[].error", "not required")],
    ),
    "a field that may be null": (
        [("definition.\n          type: string", "definition.\n          type: [string, 'null']")],
        [(CLIENTS, "200 body.items[].user_id", "null allowed")],
    ),
    "a field that is never null": (
        [("type: [string, 'null']\n          format", "type: string\n          format")],
        [(SERVERS, "200 body.items[].completed_at", "null not allowed")],
    ),
    "another type of a field": (
        [("type: integer\n        sources", "type: string\n        sources")],
        [(BOTH, "200 body.items[].run_snapshot.max_run_duration_seconds", "string instead of integer")],
    ),
    "a number that may be no integer": (
        [("type: integer\n        sources", "type: number\n        sources")],
        [(CLIENTS, "200 body.items[].run_snapshot.max_run_duration_seconds", "number instead of integer")],
    ),
    "objects that are open": (
        [("      additionalProperties: false\n      required: [items", "      required: [items")],
        [(NEITHER, "200 body", "additional fields allowed")],
    ),
    "a list with at most so many": (
        [("          description: List of items\n", "          description: List of items\n          maxItems: 100\n")],
        [(SERVERS, "200 body.items", "maxItems 100 instead of no maxItems")],
    ),
    "a further refusal": (
        [("        '503':\n", f"{STATUS_503.replace('503', '500')}        '503':\n")],
        [(NEITHER, "500", "status added")],
    ),
    "a refusal that is gone": ([(STATUS_503, "")], [(SERVERS, "503", "status removed")]),
    "another success": (
        [("        '200':", "        '206':")],
        [(BOTH, "200", "status removed"), (CLIENTS, "206", "status added")],
    ),
    "a header that is gone": ([(RETRY_AFTER, "")], [(CLIENTS, "429 header retry-after", "header removed")]),
    "a header that may be left out": (
        [("RFC 9110, section 10.2.3).\n              required: true\n", "RFC 9110, section 10.2.3).\n")],
        [(CLIENTS, "429 header retry-after", "not always sent")],
    ),
    "another type of body": (
        [("            application/json:", "            application/hal+json:")],
        [(BOTH, "200", "application/json removed"), (NEITHER, "200", "application/hal+json added")],
    ),
    # --- rules: more of them ask more of servers, fewer give less to clients
    "rule added": (
        [(ERROR_RULE, ERROR_RULE + FURTHER_RULE)],
        [(SERVERS, f"{RULE} named", f"rule added: {ERROR_MESSAGE[1:-1]}")],
    ),
    "a rule that is gone": (
        [(ERROR_RULE, "")],
        [(CLIENTS, f"{RULE} error_by_status", f"rule removed: {ERROR_MESSAGE[1:-1]}")],
    ),
    "a rule that says more": (
        [("rule: (self.error != null) ==", "rule: self.id != '' && (self.error != null) ==")],
        [
            (
                SERVERS,
                f"{RULE} error_by_status",
                "self.id != '' && (self.error != null) == (self.status == 'FAILED') instead of (self.error != null)"
                " == (self.status == 'FAILED')",
            )
        ],
    ),
    "a rule that says less": (
        [("(self.status == 'FAILED')\n", "(self.status == 'FAILED') || self.error == ''\n")],
        [
            (
                CLIENTS,
                f"{RULE} error_by_status",
                "(self.error != null) == (self.status == 'FAILED') || self.error == '' instead of "
                "(self.error != null) == (self.status == 'FAILED')",
            )
        ],
    ),
    "a rule that says something else": (
        [("(self.status == 'FAILED')\n", "(self.status in ['COMPLETED', 'FAILED'])\n")],
        [
            (
                BOTH,
                f"{RULE} error_by_status",
                "(self.error != null) == (self.status in ['COMPLETED', 'FAILED']) instead of "
                "(self.error != null) == (self.status == 'FAILED')",
            )
        ],
    ),
    "a rule that is written otherwise": (
        [
            ("rule: (self.error != null) == (self", "rule: ( (self.error!=null)==(self"),
            ("'FAILED')\n          message: '`error`", "'FAILED') )\n          message: '`error`"),
        ],
        [
            (
                NEITHER,
                "schemas/WorkflowRunResponse/x-rules/1/rule",
                "\"( (self.error!=null)==(self.status == 'FAILED') )\" instead of "
                "\"(self.error != null) == (self.status == 'FAILED')\"",
            )
        ],
    ),
    "a rule by another name": (
        [("id: error_by_status", "id: error_of_status")],
        [(NEITHER, f"{RULE} error_by_status", "rule renamed to error_of_status")],
    ),
    "the message of a rule": (
        [(ERROR_MESSAGE, "Only failures have an `error`.")],
        [
            (
                NEITHER,
                "schemas/WorkflowRunResponse/x-rules/1/message",
                f'"Only failures have an `error`." instead of "{ERROR_MESSAGE[1:-1]}"',
            )
        ],
    ),
    "a rule and the message of another one": (
        [(ERROR_RULE, ERROR_RULE + FURTHER_RULE), ("message: No time of a run lies", "message: No time lies")],
        [
            (SERVERS, f"{RULE} named", f"rule added: {ERROR_MESSAGE[1:-1]}"),
            (
                NEITHER,
                "schemas/WorkflowRunResponse/x-rules/4/message",
                '"No time lies in the future." instead of "No time of a run lies in the future."',
            ),
        ],
    ),
    "rules in another order": (
        [(ERROR_RULE, ""), ("      x-rules:\n        - id: comp", f"      x-rules:\n{ERROR_RULE}        - id: comp")],
        [],
    ),
    "a rule of an answer that is gone": (
        [(TEXT[TEXT.index("          x-rules:\n            - id: runs_of") : TEXT.index("          content:\n")], "")],
        [
            (
                CLIENTS,
                "200 rule runs_of_the_definition",
                "rule removed: Every run belongs to the definition that was asked for.",
            )
        ],
    ),
    "rules that are no rules": (
        [("        - id: error_by_status\n", "        - id: [error_by_status]\n")],
        [(BOTH, "200 body.items[]", "x-rules is invalid")],
    ),
    # --- lists
    "no promise of a list": ([(LIST, "")], [(CLIENTS, "x-list", "removed")]),
    "no order": ([("        order: stable\n", "")], [(CLIENTS, "x-list order", "no order instead of stable")]),
    "another key": ([("        key: id\n", "        key: user_id\n")], [(BOTH, "x-list key", "user_id instead of id")]),
    "no echo of the limit": (
        [("echoes: {limit: limit, offset: offset}", "echoes: {offset: offset}")],
        [(CLIENTS, "x-list echoes limit", "no echoes limit instead of limit")],
    ),
    "more items that may meet a condition": (
        [("count: 1", "count: 2")],
        [(CLIENTS, "x-list rule one_running", "at most 2 instead of 1")],
    ),
    "fewer items that may meet a condition": (
        [("count: 1", "count: 0")],
        [(SERVERS, "x-list rule one_running", "at most 0 instead of 1")],
    ),
    "fewer items that are counted": (
        [("where: self.status == 'RUNNING'", "where: self.status == 'RUNNING' && self.error == null")],
        [
            (
                CLIENTS,
                "x-list rule one_running",
                "self.status == 'RUNNING' && self.error == null instead of self.status == 'RUNNING'",
            )
        ],
    ),
    "no condition for the whole list": (
        [(AT_MOST, "")],
        [
            (
                CLIENTS,
                "x-list rule one_running",
                "rule removed: At most one run of a definition is `RUNNING`.",
            )
        ],
    ),
    "a parameter that selects": (
        [("        - name: limit\n", f"{NEW_PARAMETER}{SELECTS}        - name: limit\n")],
        [(SERVERS, "status (query)", "parameter added, optional")],
    ),
    "a promise of a list more": (
        [(" {limit: limit, offset: offset}", " {limit: limit, offset: offset, definition_id: id}")],
        [(SERVERS, "x-list echoes definition_id", "id instead of no echoes definition_id")],
    ),
    # --- the order of judgement
    "no order of judgement": ([(JUDGED, "")], [(CLIENTS, "x-judged", "removed")]),
    "the order of judgement reversed": (
        [(JUDGED, REVERSED)],
        [
            (
                BOTH,
                "x-judged",
                "access (403), existence (404), parameters (422), credentials (401) instead of "
                "credentials (401), parameters (422), existence (404), access (403)",
            )
        ],
    ),
    "what may come at any time told first": ([(JUDGED, "".join(["      x-judged:\n", STAGES[4], *STAGES[:4]]))], []),
    "a stage with two statuses": (
        [("stage: access, status: 403", "stage: access, status: [403, 404]")],
        [(CLIENTS, "x-judged access", "403 or 404 instead of 403")],
    ),
    "a stage with another status": (
        [("stage: access, status: 403", "stage: access, status: 404")],
        [(BOTH, "x-judged access", "404 instead of 403")],
    ),
    "a stage that is gone": ([(STAGES[3], "")], [(BOTH, "x-judged access", "stage removed")]),
    "a stage in addition": (
        [(STAGES[3], f"{STAGES[3]}        - {{stage: state, status: 422}}\n")],
        [(BOTH, "x-judged state", "stage added")],
    ),
    "other tenants that need not be hidden": (
        [(", hides_other_tenants: true", "")],
        [
            (
                CLIENTS,
                "x-judged existence",
                "a resource of another tenant need not be answered like one that does not exist",
            )
        ],
    ),
    "a refusal that is gone, and its stage": (
        [(STATUS_503, ""), ("[429, 503]", "429")],
        [(SERVERS, "503", "status removed"), (NEITHER, "x-judged any", "429 instead of 429 or 503")],
    ),
    # --- names, and what is for readers
    "another path": (
        [("/v1/workflow-definitions/{", "/v2/workflow-definitions/{")],
        [
            (CLIENTS, OPERATION, "operation removed"),
            (SERVERS, OPERATION.replace("v1", "v2"), "operation added"),
        ],
    ),
    "another name of the operation": (
        [("operationId: list_workflow_runs", "operationId: list")],
        [(CLIENTS, OPERATION, "operationId list instead of list_workflow_runs")],
    ),
    "another name of what the path holds": (
        [("/{definition_id}/runs", "/{workflow}/runs"), ("- name: definition_id", "- name: workflow")],
        [(CLIENTS, "definition_id (path)", "renamed to workflow")],
    ),
    "another name of what the path holds, and a description": (
        [
            ("/{definition_id}/runs", "/{workflow}/runs"),
            ("- name: definition_id", "- name: workflow"),
            ("The workflow definition whose runs", "Whose runs"),
        ],
        [
            (CLIENTS, "definition_id (path)", "renamed to workflow"),
            (
                NEITHER,
                "parameters/0/description",
                '"Whose runs are listed." instead of "The workflow definition whose runs are listed."',
            ),
        ],
    ),
    "another name of a schema": (
        [("schemas/PartType'", "schemas/Kind'"), ("    PartType:\n", "    Kind:\n")],
        [(CLIENTS, "schema PartType", "schema removed or renamed"), (NEITHER, "schema Kind", "schema added")],
    ),
    "a schema in place of a reference": (
        [("$ref: '#/components/schemas/PartType'", "allOf: [{$ref: '#/components/schemas/PartType'}]")],
        [
            (NEITHER, "schemas/ABCDPathSnapshot/properties/part_type/$ref", "removed"),
            (NEITHER, "schemas/ABCDPathSnapshot/properties/part_type/allOf", "added"),
        ],
    ),
    "another address": (
        [("http://localhost:8000", "http://localhost:9000")],
        [
            (CLIENTS, "servers", "http://localhost:8000 removed"),
            (NEITHER, "servers", "http://localhost:9000 added"),
        ],
    ),
    "a description": (
        [("Number of items to skip\n          schema", "How many to skip\n          schema")],
        [(NEITHER, "parameters/2/description", '"How many to skip" instead of "Number of items to skip"')],
    ),
    "an example and the title": (
        [("detail: Quota exceeded", "detail: Too many"), ("title: PartType", "title: Kind")],
        [
            (NEITHER, "schemas/PartType/title", '"Kind" instead of "PartType"'),
            (
                NEITHER,
                "responses/429/content/application~1json/example/detail",
                '"Too many" instead of "Quota exceeded"',
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_edit_is_reported_and_rated(name: str) -> None:
    text = TEXT
    replacements, expected = EDITS[name]
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    found = changes(CONTRACT, parse(text))
    assert sorted((change.rating, change.place, change.what) for change in found) == sorted(expected)


def places(value: Any, pointer: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the pointer of each value of a document."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*pointer, key)
        yield from places(below, (*pointer, key))


PLACES = [place for place in places(CONTRACT) if place not in (("info",), ("info", "version"))]


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(["delete", "replace", "wrap"]))
def test_every_edit_is_reported(place: tuple[str | int, ...], action: str) -> None:
    edited = copy.deepcopy(CONTRACT)
    holder: Any = edited
    for key in place[:-1]:
        holder = holder[key]
    if action == "delete":
        del holder[place[-1]]
    else:
        holder[place[-1]] = "something else" if action == "replace" else [holder[place[-1]]]
    assert changes(CONTRACT, edited)
    assert changes(edited, CONTRACT)


# --- the command ------------------------------------------------------------------------------------------------------


def edited(*replacements: tuple[str, str]) -> list[Change]:
    text = TEXT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return changes(CONTRACT, parse(text))


@pytest.mark.parametrize(
    "replacement",
    [
        ("        - error\n", "        - error\n        - attempts\n"),
        (
            "description: Total number of items\n          type: integer\n          minimum: 0",
            "type: integer\n          minimum: 1",
        ),
        ("type: [string, 'null']\n          format", "type: string\n          format"),
        (
            "          description: The definition's name",
            "          maxLength: 255\n          description: The definition's name",
        ),
        ("type: integer\n        sources", "type: string\n        sources"),
    ],
    ids=["required", "minimum", "null", "maxLength", "type"],
)
def test_change_that_breaks_new_clients_on_old_servers_is_major(replacement: tuple[str, str]) -> None:
    field = ("        error:\n", f"{NEW_FIELD}        error:\n")
    found = edited(field, replacement) if "attempts" in replacement[1] else edited(replacement)
    assert any("clients generated from the new contract fail" in change.rule.note for change in found)
    assert level(found) == MAJOR


@pytest.mark.parametrize(
    "replacement",
    [
        # The client tolerates other enum values, additional fields, errors and headers.
        ("[PENDING, ", "["),
        (
            "required: [detail]\n      properties:\n        detail:\n          description: One",
            "required: [detail, code]\n      properties:\n        code: {}\n        detail:\n          description: On",
        ),
        (
            "type: string\n              example: '30'",
            "type: string\n                minLength: 1\n              example: '30'",
        ),
    ],
    ids=["value", "refusal", "header"],
)
def test_change_that_new_clients_tolerate_is_not_major(replacement: tuple[str, str]) -> None:
    found = edited(replacement)
    ratings = {change.rating for change in found}
    assert SERVERS in ratings and CLIENTS not in ratings
    assert not any(change.rule.note for change in found) and level(found) < MAJOR


WITH_SELECTS = parse(TEXT.replace("        - name: limit\n", f"{NEW_PARAMETER}{SELECTS}        - name: limit\n"))


@pytest.mark.parametrize(
    ("selects", "expected"),
    [
        ("", [(CLIENTS, "status (query) x-selects", "removed")]),
        (
            SELECTS.replace("status ==", "status !="),
            [(BOTH, "status (query) rule of_the_status", "item.status != value instead of item.status == value")],
        ),
        (
            SELECTS.replace("value, mess", "value && item.id != '', mess"),
            [
                (
                    BOTH,
                    "status (query) rule of_the_status",
                    "item.status == value && item.id != '' instead of item.status == value",
                )
            ],
        ),
        (
            SELECTS + SELECTS.partition("\n")[2].replace("of_the_status", "further"),
            [(BOTH, "status (query) rule further", "rule added")],
        ),
    ],
)
def test_change_of_a_selection_is_rated(selects: str, expected: list[tuple[str, str, str]]) -> None:
    text = TEXT.replace("        - name: limit\n", f"{NEW_PARAMETER}{selects}        - name: limit\n")
    found = changes(WITH_SELECTS, parse(text))
    assert [(change.rating, change.place, change.what) for change in found] == expected


@pytest.mark.parametrize(
    ("name", "rating"),
    [
        ("no order of judgement", SERVERS),
        ("a stage with two statuses", SERVERS),
        ("a stage that is gone", BOTH),
        ("other tenants that need not be hidden", SERVERS),
        ("a rule that is gone", SERVERS),
        ("a rule that says less", SERVERS),
        ("no promise of a list", SERVERS),
        ("no condition for the whole list", SERVERS),
    ],
)
def test_reversed_edit_is_rated(name: str, rating: str) -> None:
    text = TEXT
    for old, new in EDITS[name][0]:
        text = text.replace(old, new, 1)
    assert [change.rating for change in changes(parse(text), CONTRACT)] == [rating]


def test_undecided_rule_is_reported_as_undecided() -> None:
    for change in edited(
        ("(self.status == 'FAILED')", "(self.status in ['COMPLETED', 'FAILED'])"),
    ):
        assert change.rule.why.startswith("undecided")


def test_new_enum_value_and_the_rules_about_it() -> None:
    """A further status of ended runs changes the enum, and both rules that list these."""
    found = edited(
        ("COMPLETED, FAILED]", "COMPLETED, FAILED, CANCELLED]"),
        ("(self.status in ['COMPLETED', 'FAILED'])", "(self.status in ['COMPLETED', 'FAILED', 'CANCELLED'])"),
        ("(oldSelf.status in ['COMPLETED', 'FAILED'])", "(oldSelf.status in ['COMPLETED', 'FAILED', 'CANCELLED'])"),
    )
    assert [(change.rating, change.place) for change in found] == [
        (BOTH, f"{RULE} completed_at_by_status"),
        (BOTH, f"{RULE} ended_runs_stay"),
        (NEITHER, "200 body.items[].status"),
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with the contract committed. It ignores the git settings of the machine."""
    (tmp_path / "openapi.yaml").write_text(TEXT, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def git(tree: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{part}": "nobody@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=tree, env=environment, check=True, capture_output=True)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command, and return exit code, stdout and stderr."""

    def run(tree: Path, base: str) -> tuple[int, str, str]:
        monkeypatch.setenv("BASE", base)
        code = main(["breaking"], root=tree)
        return code, *capsys.readouterr()

    return run


def edit(tree: Path, *replacements: tuple[str, str]) -> None:
    text = (tree / "openapi.yaml").read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    (tree / "openapi.yaml").write_text(text, encoding="utf-8")


def test_breaking_change_needs_a_major_version(tree: Path, run: Run) -> None:
    git(tree, "tag", "v1.0.0")
    edit(tree, ("maximum: 100", "maximum: 50"), ("version: 1.0.0", "version: 1.1.0"))
    git(tree, "commit", "--all", "--quiet", "--message", "second")
    code, output, errors = run(tree, "")
    assert (code, errors) == (1, "")
    assert output.splitlines() == [
        "openapi.yaml 1.1.0 compared with v1.0.0 (1.0.0): 1 change.",
        "",
        "breaking for clients and servers",
        "  limit (query): maximum 50 instead of maximum 100",
        "      a server must refuse requests that were allowed",
        "      #/paths/~1v1~1workflow-definitions~1{definition_id}~1runs/get/parameters/1/schema/maximum",
        "",
        "problem: 1 of them breaks clients, but 1.1.0 is no new major version",
        "fix: raise info.version in openapi.yaml to 2.0.0, or revert the changes",
    ]
    edit(tree, ("version: 1.1.0", "version: 2.0.0"))
    code, output, _ = run(tree, "v1.0.0")
    assert (code, output.splitlines()[-1]) == (0, "Clients break; the major version is raised accordingly.")


def test_compatible_change_needs_no_major_version(tree: Path, run: Run) -> None:
    (tree / "before.yaml").write_text(TEXT, encoding="utf-8")
    edit(tree, ("FAILED]", "FAILED, CANCELLED]"), ("maximum: 100", "maximum: 200"))
    for base in ("HEAD", "before.yaml"):
        code, output, errors = run(tree, base)
        assert (code, errors) == (0, "")
        assert output.endswith("\nNo client breaks.\nnext: raise info.version in openapi.yaml to 1.1.0\n")
        assert "a closed client, which refuses them, breaks" in output


@pytest.mark.parametrize(
    ("base", "contract", "problem"),
    [
        ("", TEXT, "there is no release to compare with: no tag such as v1.0.0"),
        ("nowhere", TEXT, "BASE must be a file, commit, branch or tag (got 'nowhere')"),
        ("--help", TEXT, "BASE must be a file, commit, branch or tag (got '--help')"),
        ("other.yaml", TEXT, "other.yaml is not YAML"),
        ("HEAD", "- a list\n", "openapi.yaml is not an OpenAPI document: it has no `paths`"),
        (
            "HEAD",
            TEXT.replace("version: 1.0.0", "version: one"),
            "openapi.yaml: `info.version` must be a semantic version (got 'one')",
        ),
        (
            "HEAD",
            TEXT.replace("summary: Lists the runs of one workflow definition.", "summary: &a [*a]"),
            "the alias `*a` makes the value part of itself",
        ),
    ],
)
def test_invalid_base_or_contract_is_an_error(tree: Path, run: Run, base: str, contract: str, problem: str) -> None:
    (tree / "other.yaml").write_text("a: [\n", encoding="utf-8")
    (tree / "openapi.yaml").write_text(contract, encoding="utf-8")
    code, _, errors = run(tree, base)
    assert code == 2 and errors.startswith("problem: ") and "\nfix: " in errors
    assert problem in errors


def test_output_is_escaped(tree: Path, run: Run) -> None:
    escapes = '"\\e]0;x\\a\\e[2J\\u202e\\n"'
    other = TEXT.replace("\n  schemas:\n", f"\n  schemas:\n    {escapes}: {{description: {escapes}, type: string}}\n")
    other = other.replace("- url: http://localhost:8000", f"- url: {escapes}").replace(
        "[Workflow Def", f"[{escapes}, Def"
    )
    other = other.replace("        total:\n", f"        {escapes}: {{type: string}}\n        total:\n")
    other = other.replace("maximum: 100", f"enum: [{escapes}]").replace("- name: offset", f"- name: {escapes}")
    (tree / "other.yaml").write_text(other, encoding="utf-8")
    code, out, errors = run(tree, "other.yaml")
    assert code in (0, 1) and errors == "" and "\\x1b[2J" in out
    assert all(line.isprintable() for line in out.splitlines())


def test_commit_without_a_contract_is_an_error(tree: Path, run: Run) -> None:
    git(tree, "mv", "openapi.yaml", "old.yaml")
    git(tree, "commit", "--quiet", "--message", "second")
    (tree / "openapi.yaml").write_text(TEXT, encoding="utf-8")
    code, _, errors = run(tree, "HEAD")
    assert (code, errors.partition("\n")[0]) == (2, "problem: HEAD has no openapi.yaml")
