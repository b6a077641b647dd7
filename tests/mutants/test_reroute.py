"""Rerouted requests: each mutant changes what it says and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from codegen.openapi import Node, read, schema_of
from tests.contract.contract import contract
from tests.contract.parameter import INVALID, VALID, Parameter
from tests.mutants.derived import derived
from tests.mutants.derived.base import EVERYWHERE, ONE_IN_THREE
from tests.mutants.derived.baseline import Baseline
from tests.mutants.derived.bodies import mend_field, validator
from tests.mutants.derived.boundaries import boundaries, query_texts
from tests.mutants.derived.middleware import HttpRequest, HttpResponse
from tests.mutants.derived.reroute import (
    condition_for,
    presented_values,
    rewrite_requests,
    with_credentials,
    with_parent,
    without_credentials,
)
from tests.mutants.derived.runner import claiming_checks
from tests.mutants.runner import target_at

BOARD = read(Path(__file__).parents[1] / "board/openapi.yaml")
BASELINE = Baseline(target_at("", Path()))
OPERATION = contract().operations[0]
OTHERS = (("accept", "*/*"), ("cookie", "theme=dark"))


def a_request(*headers: tuple[str, str], query: str = "") -> HttpRequest:
    parent = BASELINE.parent(OPERATION)
    return HttpRequest(OPERATION.method, OPERATION.path_of(parent), query, headers)


def test_every_mutant_breaks_a_promise_of_the_ledger() -> None:
    ours = {"parameters", "bodies", "judgement", "credentials", "statuses"}
    named = [each for each in derived().values() if each.build.func.__module__.rpartition(".")[2] in ours]  # type: ignore[attr-defined]
    assert len(named) > 400
    assert {each.promises[0] for each in named} <= claiming_checks().keys()


def test_with_credentials_sets_valid_credentials_and_no_others() -> None:
    wrong = a_request(*OTHERS, ("authorization", "Bearer wrong"))
    right = with_credentials(BASELINE, OPERATION, wrong)
    found = {each.scheme: presented_values(right, each) for each in OPERATION.credentials}
    [first, *rest] = OPERATION.credentials
    assert found[first.scheme] == [first.prefix + BASELINE.target.secrets[first.variable]]
    assert not any(found[each.scheme] for each in rest)
    assert set(OTHERS) <= set(right.headers) and right.path == wrong.path


@pytest.mark.parametrize("number", range(len(OPERATION.credentials)))
def test_without_credentials_removes_credentials_only(number: int) -> None:
    credential = OPERATION.credentials[number]
    header = credential.name.lower() if credential.place == "header" else "cookie"
    value = "secret" if credential.place == "header" else f"theme=dark; {credential.name}=secret"
    request = a_request(("accept", "*/*"), (header, value))
    assert presented_values(request, credential) == ["secret"]
    out = without_credentials(OPERATION, request)
    assert presented_values(out, credential) == [] and ("accept", "*/*") in out.headers
    assert credential.place == "header" or ("cookie", "theme=dark") in out.headers


def answers(requests: list[HttpRequest], where: str) -> list[str]:
    """Return the path that each request is answered for, if a mutant reads another id."""

    async def forward(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, (), request.path.encode())

    change = rewrite_requests(
        OPERATION, lambda request: with_parent(OPERATION, request, "another"), condition_for(where, OPERATION)
    )

    async def all_of_them() -> list[HttpResponse]:
        return [await change(each, forward) for each in requests]

    return [each.body.decode() for each in asyncio.run(all_of_them())]


def test_only_requests_for_the_operation_are_rewritten() -> None:
    here, elsewhere = a_request(), HttpRequest(OPERATION.method, "/elsewhere", "", ())
    other = OPERATION.path_of("another")
    assert answers([here, elsewhere], EVERYWHERE) == [other, "/elsewhere"]
    assert answers([here, elsewhere, here, here, here], ONE_IN_THREE) == [
        here.path,
        "/elsewhere",
        here.path,
        other,
        here.path,
    ]


def schemas_with_bounds(kind: str) -> list[tuple[str, Node]]:
    """Return the query parameters, or the properties of bodies, of the second contract, with their schemas."""
    found = BOARD.root.at("paths").at("/v1/projects/{project_id}/tasks").at("get").at("parameters").elements()
    if kind == "query":
        return [(str(each.at("name").value), schema_of(each)) for each in found]
    return list(BOARD.root.at("components").at("schemas").at("TaskDraft").at("properties").items())


@pytest.mark.parametrize(("name", "schema"), schemas_with_bounds("query"))
def test_a_boundary_is_the_last_valid_value(name: str, schema: Node) -> None:
    resolved = schema.resolved() or schema
    parameter = Parameter(name, False, resolved.value, BOARD.value)
    for boundary in boundaries(resolved):
        assert parameter.judge(list(query_texts(parameter, boundary.last_valid))) == VALID, boundary
        assert parameter.judge(list(query_texts(parameter, boundary.first_invalid))) == INVALID, boundary


@pytest.mark.parametrize(("name", "schema"), schemas_with_bounds("body"))
def test_only_values_that_break_the_keyword_are_mended(name: str, schema: Node) -> None:
    resolved = schema.resolved() or schema
    for boundary in boundaries(resolved):
        keyword_validator = validator(resolved, boundary.keyword)
        assert mend_field(name, keyword_validator, "good", {name: boundary.first_invalid}) == {name: "good"}
        assert not isinstance(mend_field(name, keyword_validator, "good", {name: boundary.last_valid}), dict)
