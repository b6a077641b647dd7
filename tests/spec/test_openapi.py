"""The content of openapi.yaml, and its examples."""

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


def test_contract_has_one_operation() -> None:
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


def test_contract_has_no_other_parameters() -> None:
    assert len(PARAMETERS) == 5


def test_either_credential_is_enough() -> None:
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


def test_429_has_retry_after() -> None:
    header = OPERATION["responses"]["429"]["headers"]["Retry-After"]
    assert header["required"] is True


def test_order_is_stable() -> None:
    assert OPERATION["x-list"]["order"] == "stable"


def test_order_of_checks() -> None:
    assert [(stage.name, stage.statuses) for stage in PROMISED.operation("list_workflow_runs").judged] == [
        ("credentials", (401,)),
        ("parameters", (422,)),
        ("existence", (404,)),
        ("access", (403,)),
        ("any", (429, 503)),
    ]


CLOSED = ("WorkflowRunPage", "WorkflowRunResponse", "WorkflowRunSnapshot", "ABCDPathSnapshot")


@pytest.mark.parametrize("schema", CLOSED)
def test_objects_of_a_success_are_closed_and_all_fields_required(schema: str) -> None:
    assert SCHEMAS[schema]["additionalProperties"] is False
    assert SCHEMAS[schema]["required"] == list(SCHEMAS[schema]["properties"])


def test_everything_has_a_description() -> None:
    for name, schema in SCHEMAS.items():
        assert schema.get("description"), name
        for field, value in schema.get("properties", {}).items():
            assert "$ref" in value or value.get("description"), f"{name}.{field}"
    for parameter in PARAMETERS.values():
        assert parameter.get("description"), parameter["name"]


def test_example_page_satisfies_the_rules() -> None:
    page = content("200")["example"]
    operation = PROMISED.operation("list_workflow_runs")
    request, now = example_request(operation), latest_time(page)
    # Read again, it is unchanged.
    earlier = {run["id"]: run for run in page["items"]}
    verdicts = PROMISED.judge_answer(operation, request, Answer(200, page), now, earlier)
    verdicts += PROMISED.judge_page(operation, request, Answer(200, page))
    assert {each.rule_id for each in verdicts if each.result is Result.HOLDS} == RULES
    assert {each.result for each in verdicts} == {Result.HOLDS}
    assert {run["status"] for run in page["items"]} == {"RUNNING", "COMPLETED", "FAILED"}


# The rules, and the promises about the list that concern a single page.
RULES = {
    *("completed_at_by_status", "error_by_status", "times_in_order", "nothing_in_the_future", "snapshot_of_the_run"),
    *("frozen_fields", "ended_runs_stay", "runs_of_the_definition"),
    *("limit_and_offset_echoed", "number_of_items", "unique_ids", "one_running"),
}
