"""Coverage, counted in promises: judged promises were checked, the others have a reason, and all reports agree."""

from __future__ import annotations

import copy
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi import HTTPException, Request, Response
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.openapi import schema_of
from tests.codegen.test_docs import Reader, browse, sizes
from tests.contract import promises_report
from tests.contract.checks import CLASSES, Violation
from tests.contract.claims import REFUSAL_CHECKS, RESPONSE_CHECKS
from tests.contract.contract import OPENAPI, contract
from tests.contract.coverage import (
    Coverage,
    ReachedPromises,
    broken_in_schema,
    claimed_by,
    lines,
    schema_coverage,
    violated_promises,
)
from tests.contract.promises_report import MUTANTS_SHOWN, mutants_of
from tests.contract.schema_coverage import Observed
from tests.contract_run.conftest import VARIABLES, commanded
from tests.mutants.derived import derived
from tests.mutants.faults import MUTANTS
from tests.mutants.proofs import CACHE_FILE, proofs
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

__all__ = ["browse"]

LIST = contract().operations[0]
STATED = LIST.described.response(LIST.page_status)
assert STATED is not None
BODY = schema_of(STATED[1])
EXAMPLE: dict[str, Any] = STATED[1].at("content").at("application/json").at("example").value
VALIDATOR = jsonschema_rs.Draft202012Validator(
    {"allOf": [BODY.value], "components": BODY.document.root.at("components").value}, validate_formats=True
)
POINTERS = [line.promise.node.pointer for line in lines()]
SCHEMA = jsonschema_rs.validator_for(
    json.loads(Path(promises_report.__file__).with_name("promises.schema.json").read_text())
)
EVIL = "<script>alert(1)</script> \"'&]]> \x1b[2J\x9b31m\u202e "
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "FAILED", "2026-01-01T00:00:00Z", "x"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["items", "id"]), below, max_size=2),
    max_leaves=4,
)


def reached(body: Any) -> frozenset[str]:
    seen = Observed()
    schema_coverage().schema(BODY).note(body, seen)
    return seen.pointers


# --- what a response reaches ------------------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in entries for place in places(below, (*path, key)))]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_body_has_reached_every_keyword_that_it_breaks(data: st.DataObject) -> None:
    body = copy.deepcopy(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(body)[1:]))
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            del holder[path[-1]]
        else:
            holder[path[-1]] = data.draw(JSON)
    broken = set(broken_in_schema(BODY, VALIDATOR, body, within=1)) & set(POINTERS)
    assert broken <= reached(body)


def test_missing_values_reach_nothing() -> None:
    page = {"items": [], "total": 0, "limit": 20, "offset": 0}
    nothing = {pointer.split("/")[3] for pointer in reached(page)}
    assert nothing == {"WorkflowRunPage"}
    run = copy.deepcopy(EXAMPLE["items"][0])
    item = "#/components/schemas/WorkflowRunResponse/properties"
    pending = reached({**page, "items": [run]})
    assert f"{item}/completed_at" in pending and f"{item}/completed_at/type" in pending
    # Null does not reach `format`.
    assert f"{item}/completed_at/format" not in pending
    assert f"{item}/completed_at/format" in reached({**page, "items": [run, EXAMPLE["items"][1]]})
    del run["completed_at"]
    gone = reached({**page, "items": [run]})
    assert f"{item}/completed_at" not in gone
    assert "#/components/schemas/WorkflowRunResponse/required/6" in gone
    assert "/".join(["#/components/schemas/ABCDPathSnapshot", "type"]) in gone
    run["run_snapshot"] = {**run["run_snapshot"], "sources": [], "instructions": [], "outputs": []}
    assert not any("ABCDPathSnapshot" in pointer for pointer in reached({**page, "items": [run]}))


@pytest.mark.parametrize("levels", [10, 100_000])
def test_deep_nesting_is_harmless(levels: int) -> None:
    body: Any = []
    for _ in range(levels):
        body = {"items": [body]}
    assert "#/components/schemas/WorkflowRunPage/type" in reached(body)


CHECKS = sorted(claimed_by())
SOME = st.frozensets(st.sampled_from(POINTERS), max_size=20)


@given(SOME, SOME, SOME, SOME, st.frozensets(st.sampled_from([*CHECKS, "transient_answers"]), max_size=5))
def test_a_promise_is_judged_if_reached_by_a_check_that_claims_it(
    requested: frozenset[str],
    refused: frozenset[str],
    answered: frozenset[str],
    before: frozenset[str],
    checks: frozenset[str],
) -> None:
    coverage, reached_promises = Coverage(), ReachedPromises(requested, refused, answered, before, frozenset())
    coverage.note(reached_promises, checks)
    for pointer, judged in coverage.judged.items():
        for check in judged:
            here = refused if check in REFUSAL_CHECKS else answered | before if check in RESPONSE_CHECKS else requested
            assert pointer in here and pointer in claimed_by()[check]
            assert check in checks or (check in RESPONSE_CHECKS and "transient_answers" in checks)
    for check in checks & claimed_by().keys():
        here = refused if check in REFUSAL_CHECKS else answered if check in RESPONSE_CHECKS else requested
        assert all(check in coverage.judged[pointer] for pointer in here & claimed_by()[check])
        assert set(violated_promises(reached_promises, check, check)) <= here & claimed_by()[check]
    assert violated_promises(None, "one_list", "one_list") == []


def test_failures_of_two_checks_are_reported_both() -> None:
    one, other = (Violation("limit 5 was requested").by(name, "GET /runs") for name in ("same_total", "one_order"))
    assert one != other and {one, other} == {other, one} and len({one, other}) == 2
    assert one == Violation("limit 7 was requested").by("same_total", "GET /runs")


def test_the_mutants_of_a_promise_are_derived_ones_and_those_of_its_checks() -> None:
    kept = proofs()
    assert kept["killed_by"] == {name: sorted(mutant.killed_by) for name, mutant in MUTANTS.items()}
    saved = json.loads(CACHE_FILE.read_text())
    assert {key: saved[key] for key in kept} == kept
    default = next(each for each in POINTERS if each.endswith("/default"))
    assert "default_limit_50" in mutants_of(default)
    for line in lines():
        names = mutants_of(line.promise.node.pointer)
        own = [derived()[name] for name in names if name not in MUTANTS]
        assert all(line.promise.node.pointer in each.promises for each in own)
        killers = [MUTANTS[name].killed_by for name in names[len(own) :]]
        assert all(set(line.checks) & each for each in killers)
        assert bool(killers) == bool(line.checks), line
        assert [len(each) for each in killers] == sorted(map(len, killers))


# --- one run and its reports -----------------------------------------------------------------------------------------


class Poor(ReferenceServer):
    """One definition with one run that has not begun. Errors are texts instead of lists, with markup, control
    characters and the credentials. One request gets a 429."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def parse_parameters(self, request: Request) -> Parameters:
        try:
            return super().parse_parameters(request)
        except HTTPException:
            raise HTTPException(422, f"{EVIL}{request.headers.get('authorization')} {request.cookies}") from None

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) == 60:
            raise HTTPException(429, "Quota exceeded", {"Retry-After": "0"})
        return super().list_runs(request)

    def load_page(self, session: Any, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, replace(parameters, limit=1, offset=0))
        return min(total, 1), list(runs)[parameters.offset :]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, elsewhere: ProcessPoolExecutor) -> tuple[str, Path]:
    """The output of a run on such a server, and the folder of its reports."""
    folder = tmp_path_factory.mktemp("reports")
    others = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    with running(Poor()) as base_url:
        variables = {
            **{"BASE_URL": base_url, "TOKEN": seed.TOKEN, "DEFINITION_ID": seed.DEFINITION_ID, "COLUMNS": "120"},
            **{"MAX_EXAMPLES": "5", "RATE_LIMIT": "1000/s", "REPORT_DIR": str(folder)},
        }
        done = elsewhere.submit(commanded, (), others | variables).result(timeout=240)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout, folder


@pytest.fixture(scope="module")
def data(run: tuple[str, Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run[1] / "promises.json").read_text("utf-8"))
    return found


DETAIL = "#/components/schemas/HTTPValidationError/properties/detail/type"


def test_each_promise_is_judged_or_has_a_reason(run: tuple[str, Path], data: dict[str, Any]) -> None:
    SCHEMA.validate(data)
    found = {each["pointer"]: each for each in data["promises"]}
    assert list(found) == POINTERS
    states = Counter(each["state"] for each in found.values())
    assert data["counts"] == {
        "promises": len(POINTERS),
        "judged": states["judged"] + states["broken"],
        "broken": states["broken"],
        "not judged": states["not judged"],
        "requests": data["counts"]["requests"],
    }
    said = f"promises    {data['counts']['judged']} of {len(POINTERS)} judged, {states['broken']} broken\n"
    assert said in run[0]
    for each in found.values():
        assert bool(each["reason"]) == (each["state"] == "not judged") == (not each["judged"] and not each["findings"])
        assert each["judged"].keys() <= set(each["checks"])
        assert each["mutants"]["first"] == list(mutants_of(each["pointer"])[:MUTANTS_SHOWN])
    # The one finding names the one broken keyword.
    assert [pointer for pointer, each in found.items() if each["state"] == "broken"] == [DETAIL]
    assert data["findings"][0]["promises"] == [DETAIL]
    assert data["findings"][0]["check"] == "response_schema_conformance"


def test_unseen_promises_are_not_judged(run: tuple[str, Path], data: dict[str, Any]) -> None:
    reasons: dict[str, list[str]] = {}
    for each in data["promises"]:
        reasons.setdefault(each["reason"], []).append(each["pointer"])
    responses = f"{LIST.described.operation.node.pointer}/responses"
    assert set(reasons["no 503 came"]) == {f"{responses}/503", f"{responses}/503/content/application~1json"}
    assert f"{responses}/403" in reasons["no FOREIGN_DEFINITION_ID"]
    assert "#/components/securitySchemes/sessionCookie" in reasons["no KS_UAT"]
    times = "no WorkflowRunResponse.completed_at came that is a string"
    assert reasons[times] == ["#/components/schemas/WorkflowRunResponse/properties/completed_at/format"]
    # Without a list of errors, its elements are not seen.
    assert "#/components/schemas/ValidationError/required/0" in reasons["no ValidationError came"]
    assert "#/components/schemas/HTTPValidationError/properties/detail/items" in [
        pointer for pointers in reasons.values() for pointer in pointers
    ]
    found = {each["pointer"]: each for each in data["promises"]}
    # One 429 came, and was waited for.
    for place in ("", "/headers/Retry-After", "/headers/Retry-After/required", "/content/application~1json"):
        assert found[f"{responses}/429{place}"]["state"] == "judged"
    statuses = found["#/components/schemas/WorkflowRunStatus/enum"]["values"]
    assert statuses == {"seen": ["PENDING"], "not seen": ["RUNNING", "COMPLETED", "FAILED"]}
    told = " ".join(run[0].partition("not judged  ")[2].partition("\ndrift ")[0].split())
    assert "no 503 came (2 promises)" in told and f"{times} (1 promise)" in told
    assert told.count("FOREIGN_DEFINITION_ID") == told.count("KS_UAT") == 1


def test_the_test_cases_are_the_checks_by_class(run: tuple[str, Path]) -> None:
    names = [f"{kind}.{check}" for kind, checks in CLASSES.items() for check in checks]
    root = ElementTree.fromstring((run[1] / "junit.xml").read_text("utf-8"))
    cases = list(root.iter("testcase"))
    assert [case.get("name") for case in cases] == names
    assert [suite.get("name") for suite in root] == list(CLASSES)
    failed = {case.get("name"): case.find("failure") for case in cases if case.find("failure") is not None}
    assert failed.keys() == {"schema.response_schema_conformance"}
    failure = failed["schema.response_schema_conformance"]
    assert failure is not None and "Response violates schema" in (failure.get("message") or "")
    assert "curl --include" in (failure.text or "")
    skipped = {str(case.get("name")): case.find("skipped") for case in cases if case.find("skipped") is not None}
    assert "credentials.foreign_id_hidden" in skipped and "protocol.unsupported_method" in skipped
    hidden = skipped["credentials.foreign_id_hidden"]
    assert hidden is not None and hidden.get("message") == "it had nothing to judge: no FOREIGN_DEFINITION_ID"
    numbers = {"tests": len(names), "failures": 1, "skipped": len(skipped), "errors": 0}
    for key, number in numbers.items():
        assert root.get(key) == str(number) == str(sum(int(suite.get(key, "")) for suite in root))
    results = json.loads((run[1] / "ctrf.json").read_text("utf-8"))["results"]
    summary, tests = results["summary"], results["tests"]
    assert [test["name"] for test in tests] == names
    assert Counter(test["status"] for test in tests) == {
        status: summary[status] for status in ("passed", "failed", "skipped")
    }
    assert summary["tests"] == len(names) and summary["pending"] == summary["other"] == 0
    assert {test["name"] for test in tests if test["status"] == "skipped"} == skipped.keys()
    assert 0 < summary["start"] < summary["stop"]


def test_findings_point_to_lines_of_the_contract(run: tuple[str, Path]) -> None:
    document = json.loads((run[1] / "contract.sarif").read_text("utf-8"))
    assert document["version"] == "2.1.0" and len(document["runs"]) == 1
    (driver, results) = document["runs"][0]["tool"]["driver"], document["runs"][0]["results"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert rules == [check for checks in CLASSES.values() for check in checks]
    assert all(len(rule["shortDescription"]["text"]) > 5 for rule in driver["rules"])
    (result,) = results
    assert result["level"] == "error" and rules[result["ruleIndex"]] == result["ruleId"]
    assert "curl --include" in result["message"]["text"]
    (place,) = [each["physicalLocation"] for each in result["locations"]]
    assert place["artifactLocation"]["uri"] == OPENAPI.name
    line = OPENAPI.read_text("utf-8").splitlines()[place["region"]["startLine"] - 1]
    assert line.strip() == "type: array"


def test_the_page_marks_the_lines_of_the_contract(run: tuple[str, Path], data: dict[str, Any]) -> None:
    page = (run[1] / "promises.html").read_text("utf-8")
    reader = Reader(page)
    text = OPENAPI.read_text("utf-8").split("\n")
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {f"L{number}" for number in range(1, len(text) + 1)} <= set(ids)
    targets = {str(attributes["href"]) for tag, attributes in reader.tags if tag == "a"}
    assert targets <= {f"#{each}" for each in ids}
    assert {tag for tag, _ in reader.tags} & {"script", "img", "link", "iframe", "object"} == set()
    assert "http" not in "".join(re.findall(r"(?:src|href|url)\s*[=(]\s*\"?([^\")]*)", page))
    lines_of = {
        str(attributes["id"]): attributes.get("class")
        for tag, attributes in reader.tags
        if tag == "li" and "id" in attributes
    }
    for each in data["promises"]:
        mark = lines_of[f"L{each['line']}"]
        assert mark is not None
        if each["state"] == "broken":
            assert mark == "broken"
    # By a word as well as by colour.
    for state in ("judged", "not-judged", "broken"):
        words = re.findall(rf'<li id="L\d+" class="{state}"><a [^>]*>\d+</a><span class="mark">([^<]+)</span>', page)
        assert words and all(state.replace("-", " ") in word for word in words)
    assert f"{data['counts']['judged']} of {len(POINTERS)}" in reader.text
    assert data["findings"][0]["message"] in reader.text


def test_no_report_has_secrets_markup_or_control_characters(run: tuple[str, Path]) -> None:
    for name in ("promises.json", "promises.html", "junit.xml", "ctrf.json", "contract.sarif"):
        text = (run[1] / name).read_text("utf-8")
        assert seed.TOKEN[:-1] not in text, name
        assert not any(not each.isprintable() for each in set(text) - set("\n\r\t")), name
        assert "alert(1)" in text, name
        assert "<script>" not in text or name.endswith(("json", "sarif")), name


@pytest.mark.browser
def test_the_page_is_no_wider_than_a_phone(run: tuple[str, Path], browse: Callable[..., str]) -> None:
    page = (run[1] / "promises.html").read_text("utf-8")
    assert sizes(browse, page) == [(390, 390), (1280, 1280)]
