"""The CEL engine gives the same results as another engine."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import cel as other_engine
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.cel import MISSING, Plan, Result, converter, judge_each, to_timestamp
from codegen.contract import Contract
from codegen.extensions import Rule
from codegen.openapi import Node
from tests.codegen.trees import CONTRACT_PATH

PROMISED = Contract(CONTRACT_PATH).extensions
OPERATION = PROMISED.operation("list_workflow_runs")
assert OPERATION.listing is not None
PAGE: dict[str, Any] = OPERATION.operation.responses["200"].at("content").at("application/json").at("example").value
RUN = "#/components/schemas/WorkflowRunResponse"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
RULES = [
    *(rule for rules in PROMISED.rules.values() for rule in rules),
    *(rule for rules in OPERATION.answers.values() for rule in rules),
    *(each.where for each in OPERATION.listing.at_most),
]


def judged_by_the_other(rule: str, values: dict[str, Any]) -> Result:
    try:
        value = other_engine.compile(rule).execute(values)
    except Exception:  # it has no type of its own for what cannot be judged
        return Result.NOT_JUDGED
    return Result.HOLDS if value is True else Result.BROKEN if value is False else Result.NOT_JUDGED


def as_the_other_has_it(value: Any) -> Any:
    if isinstance(value, Timestamp):
        moment: datetime = value.ToDatetime(UTC)
        return moment
    if isinstance(value, dict):
        return {key: as_the_other_has_it(each) for key, each in value.items()}
    return [as_the_other_has_it(each) for each in value] if isinstance(value, list) else value


TIMES = st.sampled_from([each for run in PAGE["items"] for key, each in run.items() if key.endswith("_at") and each])
IDS = st.sampled_from([PAGE["items"][0]["user_id"], PAGE["items"][0]["workflow_definition_id"]])
VALUES = {
    "string": st.none() | st.text(max_size=3),
    "uuid": IDS,
    "timestamp": st.none() | TIMES,
    "any": st.none() | st.integers() | st.text(max_size=3),
}


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    """A run of the example, with some fields replaced or removed."""
    run: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(PAGE["items"])))
    for holder in (run, run["run_snapshot"]):
        for name in draw(st.lists(st.sampled_from(list(holder)), max_size=3)):
            kind = "timestamp" if name.endswith("_at") else "uuid" if name.endswith("_id") else "any"
            kind = "string" if name == "error" else kind
            statuses = st.sampled_from(["PENDING", "RUNNING", "COMPLETED", "FAILED"])
            value = draw((statuses if name == "status" else VALUES[kind]) | st.just(MISSING))
            if name == "run_snapshot":
                continue
            holder.pop(name, None)
            if value is not MISSING:
                holder[name] = value
    return run


@settings(max_examples=80, derandomize=True, database=None, deadline=None)
@given(rule=st.sampled_from(RULES), first=runs(), second=runs(), late=st.booleans())
def test_rules_give_the_same_results_as_another_engine(
    rule: Rule, first: dict[str, Any], second: dict[str, Any], late: bool
) -> None:
    body = {**PAGE, "items": [first, second]}
    request = {"path": {"definition_id": PAGE["items"][0]["workflow_definition_id"]}, "query": {}, "credentials": ""}
    variables = OPERATION.variables(OPERATION.operation.responses["200"])
    deep = Plan(deep=True)
    run = converter(Node(PROMISED.document, {"$ref": RUN}), read_by(rule, "self", "oldSelf"))
    values = {
        "self": run(first),
        "oldSelf": run(second),
        "request": converter(variables["request"], deep)(request),
        "response": converter(variables["response"], read_by(rule, "response"))(
            {"status": 200, "body": body, "headers": {}}
        ),
        "now": to_timestamp(NOW if late else datetime(2026, 4, 7, 9, 25, 1, tzinfo=UTC)),
    }
    known = {name: value for name, value in values.items() if name in rule.program.variables}
    ours = rule.program.judge(known)
    assert ours is judged_by_the_other(rule.source, as_the_other_has_it(known))
    if "self" in known:
        rows: list[dict[str, Any]] = [{name: known.pop(name) for name in ("self", "oldSelf") if name in known}]
        assert judge_each([rule.program], rows, known) == [[ours]]


def read_by(rule: Rule, *variables: str) -> Plan:
    plan = Plan()
    for path, is_deep in rule.program.uses.reads.items():
        if path[0] in variables:
            plan.add(path[1:], is_deep)
    return plan


def test_other_engine_can_evaluate_each_rule() -> None:
    """Without this, the comparison could be one of results that are all NOT_JUDGED."""
    for rule in RULES:
        if "self" not in rule.program.variables:
            continue
        run = converter(Node(PROMISED.document, {"$ref": RUN}), read_by(rule, "self", "oldSelf"))
        for example in PAGE["items"]:
            values = {"self": run(example), "oldSelf": run(example), "now": to_timestamp(NOW)}
            assert judged_by_the_other(rule.source, as_the_other_has_it(values)) is rule.program.judge(values)
            assert rule.program.judge(values) is not Result.NOT_JUDGED
