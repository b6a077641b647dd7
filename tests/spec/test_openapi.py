"""openapi.yaml by itself: what it has to promise, and that its examples keep the promises."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from codegen import ROOT, extensions
from codegen.extensions import Answer, Result
from codegen.extensions.examples import example_request, latest_time
from codegen.openapi import read

MODEL = read(ROOT / "openapi.yaml")
DOCUMENT: dict[str, Any] = MODEL.value
PROMISED = extensions.read(MODEL)
SCHEMAS = DOCUMENT["components"]["schemas"]
PATH = "/v1/workflow-definitions/{definition_id}/runs"
OPERATION = DOCUMENT["paths"][PATH]["get"]
PARAMETERS = {(parameter["in"], parameter["name"]): parameter for parameter in OPERATION["parameters"]}


def validator(reference: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**reference, "components": {"schemas": SCHEMAS}}, validate_formats=True)


def content(status: str) -> dict[str, Any]:
    media: dict[str, Any] = OPERATION["responses"][status]["content"]["application/json"]
    return media


def test_there_is_one_operation() -> None:
    assert list(DOCUMENT["paths"]) == [PATH] and list(DOCUMENT["paths"][PATH]) == ["get"]
    assert OPERATION["operationId"] == "list_workflow_runs"


@pytest.mark.parametrize(
    ("parameter", "required", "schema"),
    [
        (("path", "definition_id"), True, {"type": "string", "format": "uuid"}),
        (("query", "limit"), False, {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
        (("query", "offset"), False, {"type": "integer", "minimum": 0, "default": 0}),
        (("header", "authorization"), False, {"type": ["string", "null"]}),
        (("cookie", "ks_uat"), False, {"type": ["string", "null"]}),
    ],
)
def test_parameters(parameter: tuple[str, str], required: bool, schema: dict[str, Any]) -> None:
    assert PARAMETERS[parameter].get("required", False) is required
    assert PARAMETERS[parameter]["schema"] == schema


def test_there_are_no_other_parameters() -> None:
    assert len(PARAMETERS) == 5


def test_either_credential_suffices() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    kinds = [
        {key: schemes[name].get(key) for key in ("type", "scheme", "in", "name")} for [name] in DOCUMENT["security"]
    ]
    assert kinds == [
        {"type": "http", "scheme": "bearer", "in": None, "name": None},
        {"type": "apiKey", "scheme": None, "in": "cookie", "name": "ks_uat"},
    ]
    assert "security" not in OPERATION


@pytest.mark.parametrize(
    ("status", "schema"),
    [
        ("200", "WorkflowRunPage"),
        ("401", "ErrorResponse"),
        ("403", "ErrorResponse"),
        ("404", "ErrorResponse"),
        ("422", "HTTPValidationError"),
        ("429", "ErrorResponse"),
        ("503", "ErrorResponse"),
    ],
)
def test_responses_and_their_examples(status: str, schema: str) -> None:
    assert content(status)["schema"] == {"$ref": f"#/components/schemas/{schema}"}
    validator(content(status)["schema"]).validate(content(status)["example"])
    assert len(OPERATION["responses"]) == 7


def test_429_says_how_long_to_wait() -> None:
    header = OPERATION["responses"]["429"]["headers"]["Retry-After"]
    assert header["required"] is True


def test_the_order_is_promised() -> None:
    assert OPERATION["x-list"]["order"] == "stable"


def test_the_order_of_judgement() -> None:
    assert [(stage.name, stage.statuses) for stage in PROMISED.operation("list_workflow_runs").judged] == [
        ("credentials", (401,)),
        ("parameters", (422,)),
        ("existence", (404,)),
        ("access", (403,)),
        ("any", (429, 503)),
    ]


CLOSED = ("WorkflowRunPage", "WorkflowRunResponse", "WorkflowRunSnapshot", "ABCDPathSnapshot")


@pytest.mark.parametrize("schema", CLOSED)
def test_objects_of_a_success_require_everything_and_allow_nothing_else(schema: str) -> None:
    assert SCHEMAS[schema]["additionalProperties"] is False
    assert SCHEMAS[schema]["required"] == list(SCHEMAS[schema]["properties"])


def test_everything_is_described() -> None:
    for name, schema in SCHEMAS.items():
        assert schema.get("description"), name
        for field, value in schema.get("properties", {}).items():
            assert "$ref" in value or value.get("description"), f"{name}.{field}"
    for parameter in PARAMETERS.values():
        assert parameter.get("description"), parameter["name"]


def test_the_example_page_keeps_the_rules_that_the_schema_cannot_state() -> None:
    page = content("200")["example"]
    operation = PROMISED.operation("list_workflow_runs")
    request, now = example_request(operation), latest_time(page)
    # Read a second time, it is what it was.
    earlier = {run["id"]: run for run in page["items"]}
    verdicts = PROMISED.judge_answer(operation, request, Answer(200, page), now, earlier)
    verdicts += PROMISED.judge_page(operation, request, Answer(200, page))
    assert {each.rule_id for each in verdicts if each.result is Result.HOLDS} == RULES
    assert {each.result for each in verdicts} == {Result.HOLDS}
    assert {run["status"] for run in page["items"]} == {"RUNNING", "COMPLETED", "FAILED"}


# The rules, and the promises of the list that one page shows.
RULES = {
    *("completed_at_by_status", "error_by_status", "times_in_order", "nothing_in_the_future", "snapshot_of_the_run"),
    *("frozen_fields", "ended_runs_stay", "runs_of_the_definition"),
    *("limit_and_offset_echoed", "number_of_items", "unique_ids", "one_running"),
}
