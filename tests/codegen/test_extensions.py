"""`x-rules`, `x-list`, `x-judged` and `x-selects`: verdicts about answers and pages."""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import extensions
from codegen.contract import Contract
from codegen.extensions import Answer, Request, Result, Verdict
from codegen.openapi import parse
from tests.codegen.trees import CONTRACT_PATH

TEXT = (CONTRACT_PATH).read_text(encoding="utf-8")
PROMISED = Contract(CONTRACT_PATH).extensions
OPERATION = PROMISED.operation("list_workflow_runs")
RUNS = "/v1/workflow-definitions/{definition_id}/runs"
EXAMPLE = Contract(CONTRACT_PATH).document["paths"][RUNS]["get"]["responses"]["200"]["content"]
PAGE: dict[str, Any] = EXAMPLE["application/json"]["example"]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
REQUEST = Request({"definition_id": PAGE["items"][0]["workflow_definition_id"]})


def test_recursive_schemas() -> None:
    text = TEXT.replace("\n  schemas:\n", LOOPS, 1).replace(
        DETAIL, f"        tree: {{$ref: '#/components/schemas/Tree'}}\n{DETAIL}", 1
    )
    promised = extensions.read(parse(text, "openapi.yaml"))
    body: dict[str, Any] = {"detail": "x"}
    for _ in range(300):
        body = {"detail": "x", "tree": {"name": "a", "below": [body.get("tree", {"name": "A", "below": []})]}}
    verdicts = promised.judge_answer(promised.operation("list_workflow_runs"), REQUEST, Answer(404, body), NOW)
    assert Counter(each.result for each in verdicts if each.rule_id == "lower") == {Result.HOLDS: 300, Result.BROKEN: 1}
    assert max((each.pointer for each in verdicts), key=len) == "/tree" + "/below/0" * 300


DETAIL = "        detail:\n          description: One sentence for a person."
LOOPS = """
  schemas:
    Tree:
      type: object
      x-rules:
        - {id: lower, rule: self.name == 'a', message: Names are lower case.}
        - {id: alike, rule: self == oldSelf, message: It stays.}
      properties:
        name: {type: string}
        self: {$ref: '#/components/schemas/Loop'}
        below: {type: array, items: {$ref: '#/components/schemas/Tree'}}
    Loop:
      anyOf: [{$ref: '#/components/schemas/Loop'}, {type: 'null'}]
"""


# --- answers ----------------------------------------------------------------------------------------------------------


def page(change: Callable[[dict[str, Any]], object] = lambda body: None) -> dict[str, Any]:
    """Return the example page with a change. Its runs are RUNNING, COMPLETED and FAILED."""
    body = copy.deepcopy(PAGE)
    change(body)
    return body


def judged(body: Any, earlier: dict[str, Any] | None = None, **query: int) -> list[Verdict]:
    request, answer = Request(REQUEST.path, query), Answer(200, body)
    verdicts = PROMISED.judge_answer(OPERATION, request, answer, NOW, earlier)
    return verdicts + PROMISED.judge_page(OPERATION, request, answer)


def of(result: Result, verdicts: list[Verdict]) -> set[tuple[str, str]]:
    return {(each.rule_id, each.pointer) for each in verdicts if each.result is result}


def in_run(index: int, **values: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["items"][index].update(values)


def in_snapshot(index: int, **values: Any) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["items"][index]["run_snapshot"].update(values)


LATE = "2026-04-14T09:30:02.118000001Z"
OTHER = str(uuid.UUID(int=7))
BREAKERS: dict[str, tuple[Callable[[dict[str, Any]], object], set[tuple[str, str]]]] = {
    "nothing": (lambda body: None, set()),
    "ended without a time": (in_run(1, completed_at=None), {("completed_at_by_status", "/items/1")}),
    "an error of a success": (in_run(1, error=""), {("error_by_status", "/items/1")}),
    "no error of a failure": (in_run(2, error=None), {("error_by_status", "/items/2")}),
    "a nanosecond": (in_run(0, started_at=LATE), {("times_in_order", "/items/0")}),
    "a leap second": (in_run(0, created_at="2026-04-14T09:30:60Z"), {("times_in_order", "/items/0")}),
    "of tomorrow": (
        in_run(0, updated_at="2026-05-01T00:05:00.000000001Z"),
        {("nothing_in_the_future", "/items/0")},
    ),
    "by another clock": (in_run(0, updated_at="2026-05-01T02:05:00+02:00"), set()),
    "a snapshot of another": (in_snapshot(2, user_id=OTHER), {("snapshot_of_the_run", "/items/2")}),
    "a run of another": (
        lambda body: (
            in_run(2, workflow_definition_id=OTHER)(body),
            in_snapshot(2, workflow_definition_id=OTHER)(body),
        ),
        {("runs_of_the_definition", "")},
    ),
    "upper case": (in_run(2, user_id=PAGE["items"][2]["user_id"].upper()), set()),
    "two at once": (in_run(1, status="RUNNING", completed_at=None), {("one_running", "")}),
    "one id twice": (in_run(1, id=PAGE["items"][0]["id"].upper()), {("unique_ids", "")}),
    "one too many": (lambda body: body.update(total=2), {("number_of_items", "")}),
    "another limit": (lambda body: body.update(limit=21), {("limit_and_offset_echoed", "")}),
    "an integer with a point": (lambda body: body.update(limit=20.0, total=3.0), set()),
}


@pytest.mark.parametrize("case", BREAKERS)
def test_broken_rule_is_reported_at_its_value(case: str) -> None:
    change, broken = BREAKERS[case]
    verdicts = judged(page(change))
    assert of(Result.BROKEN, verdicts) == broken
    assert of(Result.NOT_JUDGED, verdicts) == set()
    for each in verdicts:
        assert each.message and (each.pointer == "" or each.instance["id"])


RULES = PROMISED.rules["#/components/schemas/WorkflowRunResponse"]
ALL_OF_A_RUN = {rule.id for rule in RULES if not rule.is_transition}


@pytest.mark.parametrize("value", [5, "", "soon", "2026-04-14", "2026-04-14T09:30:02", "9999-12-31T23:59:59-01:00", []])
def test_invalid_time_is_not_judged(value: Any) -> None:
    verdicts = judged(page(in_run(0, started_at=value)))
    assert of(Result.NOT_JUDGED, verdicts) == {("times_in_order", "/items/0"), ("nothing_in_the_future", "/items/0")}
    assert of(Result.BROKEN, verdicts) == set()


@pytest.mark.parametrize("value", ["PAUSED", None, 5, "RUNNING\0", "\ud800", ["RUNNING"], {}])
def test_invalid_status_is_not_judged(value: Any) -> None:
    unknown = {("completed_at_by_status", "/items/0"), ("error_by_status", "/items/0")}
    assert of(Result.NOT_JUDGED, judged(page(in_run(0, status=value)))) == unknown


@pytest.mark.parametrize("value", [None, 5, [], "x", True])
def test_invalid_item_is_not_judged(value: Any) -> None:
    verdicts = judged(page(lambda body: body["items"].__setitem__(1, value)))
    assert {each for each in of(Result.NOT_JUDGED, verdicts) if each[1]} == {
        (name, "/items/1") for name in ALL_OF_A_RUN
    }
    assert of(Result.BROKEN, verdicts) == set()
    assert ("number_of_items", "") in of(Result.HOLDS, verdicts)


def test_missing_fields_leave_only_rules_that_need_them_unjudged() -> None:
    def leave_out(body: dict[str, Any]) -> None:
        del body["items"][0]["updated_at"]
        body["items"][0]["created_at"] = "2026-04-15T00:00:00Z"

    verdicts = judged(page(leave_out))
    # It was created after it started, independent of the missing update.
    assert of(Result.BROKEN, verdicts) == {("times_in_order", "/items/0")}
    assert of(Result.NOT_JUDGED, verdicts) == {("nothing_in_the_future", "/items/0")}


@pytest.mark.parametrize(
    ("index", "change", "broken"),
    [
        (0, {}, set()),
        (0, {"status": "COMPLETED", "completed_at": "2026-04-14T09:31:00Z"}, set()),
        (0, {"created_at": "2026-04-14T11:30:00.004+02:00"}, set()),
        (0, {"created_at": "2026-04-14T09:30:00.004000001Z"}, {"frozen_fields"}),
        (0, {"user_id": OTHER}, {"frozen_fields"}),
        (0, {"run_snapshot": {**PAGE["items"][0]["run_snapshot"], "sources": []}}, {"frozen_fields"}),
        (1, {"updated_at": "2026-04-20T00:00:00Z"}, set()),
        (1, {"status": "RUNNING"}, {"ended_runs_stay"}),
        (1, {"started_at": "2026-04-07T09:30:01.250000001Z"}, {"ended_runs_stay"}),
        (2, {"error": "Another one."}, {"ended_runs_stay"}),
    ],
)
def test_forbidden_changes_are_reported(index: int, change: dict[str, Any], broken: set[str]) -> None:
    earlier = {run["id"]: run for run in copy.deepcopy(PAGE["items"])}
    verdicts = judged(page(in_run(index, **change)), earlier)
    transitions = [each for each in verdicts if each.rule_id in ("frozen_fields", "ended_runs_stay")]
    assert len(transitions) == 6
    assert of(Result.BROKEN, transitions) == {(name, f"/items/{index}") for name in broken}
    assert of(Result.NOT_JUDGED, transitions) == set()


def test_items_are_compared_by_key() -> None:
    earlier = {PAGE["items"][0]["id"]: page()["items"][0]}
    verdicts = judged(page(in_run(0, id=OTHER)), earlier)
    assert not {"frozen_fields", "ended_runs_stay"} & {each.rule_id for each in verdicts}
    # Ids are compared without case.
    verdicts = judged(page(in_run(0, id=PAGE["items"][0]["id"].upper(), user_id=OTHER)), earlier)
    assert ("frozen_fields", "/items/0") in of(Result.BROKEN, verdicts)


def test_defaults_are_applied() -> None:
    body = page(lambda body: body.update(limit=5, offset=0))
    assert of(Result.BROKEN, judged(body, limit=5)) == set()
    assert of(Result.BROKEN, judged(body)) == {("limit_and_offset_echoed", "")}
    past = page(lambda body: body.update(items=[], offset=7))
    assert of(Result.BROKEN, judged(past, offset=7)) == set()


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_every_item_of_a_page_is_judged(count: int) -> None:
    body = page(lambda body: body.update(items=[copy.deepcopy(PAGE["items"][2]) for _ in range(count)]))
    body["items"][count // 2]["error"] = None
    verdicts = [each for each in judged(body) if each.rule_id == "error_by_status"]
    assert [each.pointer for each in verdicts] == [f"/items/{number}" for number in range(count)]
    assert of(Result.BROKEN, verdicts) == {("error_by_status", f"/items/{count // 2}")}


# --- hostile answers --------------------------------------------------------------------------------------------------


def nested(levels: int) -> Any:
    value: Any = None
    for _ in range(levels):
        value = {"items": [value], "run_snapshot": value}
    return value


HOSTILE: dict[str, Callable[[], Any]] = {
    "a million runs": lambda: page(lambda body: body.update(items=[body["items"][1]] * 1_000_000)),
    "a million of nothing": lambda: page(lambda body: body.update(items=[None] * 1_000_000)),
    "a million fields": lambda: page(in_run(0, **{str(number): number for number in range(200_000)})),
    "a million paths": lambda: page(in_snapshot(0, sources=[{}] * 1_000_000)),
    "deep": lambda: nested(20),
    "long": lambda: page(in_run(0, error="x" * 10_000_000, status="R" * 1_000_000, created_at="2" * 1_000_000)),
    "large": lambda: page(lambda body: body.update(total=10**4000, limit=-(10**30), offset=2**63)),
    "no numbers": lambda: page(lambda body: body.update(total=float("nan"), limit=float("inf"), offset=1e300)),
    "half characters": lambda: page(in_run(0, id="\ud800", error="\udfff", user_id="\0")),
    "a list": lambda: [page()],
    "text": lambda: "x",
    "null": lambda: None,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_answer_is_judged_within_limits(case: str) -> None:
    body = HOSTILE[case]()
    earlier = {run["id"]: run for run in PAGE["items"]}
    verdicts = judged(body, earlier)
    assert {each.result for each in verdicts} <= set(Result)
    assert len(verdicts) < 200_000
    if case == "a million runs":
        # The rest is not searched, and reported as not judged.
        assert ("error_by_status", "") in of(Result.NOT_JUDGED, verdicts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([OTHER, LATE, "FAILED"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from([*PAGE, *PAGE["items"][0]]), below),
    max_leaves=20,
)


@settings(max_examples=50, derandomize=True, database=None, deadline=None)
@given(
    body=JSON,
    run=st.dictionaries(st.sampled_from(list(PAGE["items"][0])), JSON),
    status=st.sampled_from([200, 404, 500]),
)
def test_any_body_is_judged_without_an_exception(body: Any, run: dict[str, Any], status: int) -> None:
    for each in (body, page(in_run(0, **run))):
        answer = Answer(status, each, {"content-type": "x"})
        PROMISED.judge_answer(OPERATION, REQUEST, answer, NOW, {PAGE["items"][0]["id"]: PAGE["items"][0]})
        PROMISED.judge_page(OPERATION, REQUEST, answer)


# --- what there is to read --------------------------------------------------------------------------------------------


def test_promises_about_the_list() -> None:
    listing = OPERATION.listing
    assert listing is not None
    assert (listing.limit, listing.offset, listing.items, listing.total, listing.key) == (
        *("limit", "offset", "items", "total"),
        "id",
    )
    assert listing.item.pointer == "#/components/schemas/WorkflowRunResponse"
    assert list(listing.promises) == [
        *("limit_and_offset_echoed", "number_of_items", "same_total", "one_order", "pages_fit_together", "unique_ids"),
        "one_running",
    ]
    assert [(each.count, each.where.source) for each in listing.at_most] == [(1, "self.status == 'RUNNING'")]


def test_judged_stages() -> None:
    existence = OPERATION.judged[2]
    assert (existence.name, existence.statuses, existence.parameter) == ("existence", (404,), "definition_id")
    assert existence.hides_other_tenants and existence.node.line


def test_instances_are_found_at_any_place() -> None:
    found = PROMISED.instances("#/components/schemas/WorkflowRunPage", "#/components/schemas/ABCDPathSnapshot", PAGE)
    assert len(found) == 10
    assert {each.pointer.rpartition("/")[0].rpartition("/")[2] for each in found} == {
        *("sources", "instructions", "outputs", "run_snapshot"),
    }
    assert "/items/1/run_snapshot/template" in {each.pointer for each in found}


CURSOR = """
openapi: 3.1.0
info: {title: x, version: 1.0.0}
paths:
  /things:
    get:
      operationId: things
      parameters:
        - {name: page-size, in: query, schema: {type: integer, default: 2}}
        - {name: after, in: query, schema: {type: string}}
        - name: state
          in: query
          schema: {type: array, items: {$ref: '#/components/schemas/State'}}
          x-selects:
            - {id: by_state, rule: item.state in value, message: Things in one of the states.}
      x-list:
        style: cursor
        limit: page-size
        cursor: after
        next_cursor: page.next
        items: page.things
        key: meta.id
        at_most: [{id: few_done, count: 1, where: has(self.is__dash__late) && self.state == 'done', message: Few.}]
      x-judged:
        - {stage: state, status: [409, 410], parameter: after}
      responses:
        '200':
          description: x
          x-rules:
            - {id: linked, rule: "response.headers['link'] != ''", message: It links.}
            - id: sized
              rule: size(response.body.page.things) <= request.query.page__dash__size
              message: It is short.
          content:
            application/json:
              schema:
                type: object
                properties:
                  page:
                    type: object
                    properties:
                      next: {type: [string, 'null']}
                      things: {type: array, items: {$ref: '#/components/schemas/Thing'}}
        4XX: {description: x}
components:
  schemas:
    State: {type: string, enum: [open, done]}
    Thing:
      oneOf: [{$ref: '#/components/schemas/Car'}, {$ref: '#/components/schemas/Boat'}]
    Car:
      type: object
      required: [wheels]
      properties: {wheels: {type: integer}, state: {$ref: '#/components/schemas/State'}}
    Boat:
      type: object
      required: [sails]
      x-rules:
        - {id: rigged, rule: self.sails > 0.0, message: Boats have sails.}
      properties:
        sails: {type: number}
        is-late: {type: boolean}
        meta: {type: object, properties: {id: {type: integer}}}
        state: {$ref: '#/components/schemas/State'}
"""


def test_lists_by_cursor_alternatives_and_headers() -> None:
    promised = extensions.read(parse(CURSOR, "things.yaml"))
    operation = promised.operation("things")
    boat = {"sails": 1, "is-late": True, "meta": {"id": 5.0}, "state": "done"}
    things = [boat, {**boat, "sails": 0.0}, {"wheels": 4, "state": "done"}]
    answer = Answer(200, {"page": {"things": things, "next": "abc"}}, {"link": "x"})
    assert of(Result.BROKEN, promised.judge_answer(operation, Request(), answer, NOW)) == {
        ("sized", ""),
        ("rigged", "/page/things/1"),
    }
    assert of(Result.BROKEN, promised.judge_page(operation, Request(), answer)) == {
        ("unique_ids", ""),
        ("few_done", ""),
    }
    without = promised.judge_answer(operation, Request(query={"page-size": 9}), Answer(200, answer.body), NOW)
    assert of(Result.NOT_JUDGED, without) == {("linked", "")}
    assert [rule.id for rule in operation.selects["state"]] == ["by_state"]
    assert operation.response(409) == operation.response("410") != operation.response(200)


def test_a_rule_is_compiled_once() -> None:
    assert RULES[0].program is RULES[0].program
