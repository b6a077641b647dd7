"""Requests in place of others: a mutant that changes more than it says, or nothing, would prove nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from codegen.openapi import Node, read, schema_of
from tests.contract.contract import contract
from tests.contract.parameter import INVALID, VALID, Parameter
from tests.mutants.derived import derived
from tests.mutants.derived.asking import let_in, presented, rewriting, shut_out, when, with_parent
from tests.mutants.derived.bodies import mended, validator
from tests.mutants.derived.exchange import Answer, Asked
from tests.mutants.derived.making import EVERYWHERE, ONE_IN_THREE
from tests.mutants.derived.parameters import edges, texts_of
from tests.mutants.derived.trial import claims
from tests.mutants.derived.world import World
from tests.mutants.trial import target_at

BOARD = read(Path(__file__).parents[1] / "board/openapi.yaml")
WORLD = World(target_at("", Path()))
OPERATION = contract().operations[0]
OTHERS = (("accept", "*/*"), ("cookie", "theme=dark"))


def asked(*headers: tuple[str, str], query: str = "") -> Asked:
    parent = WORLD.parent(OPERATION)
    return Asked(OPERATION.method, OPERATION.path_of(parent), query, headers)


def test_every_mutant_names_a_promise_that_is_in_the_ledger() -> None:
    ours = {"parameters", "bodies", "judgement", "credentials", "statuses"}
    named = [each for each in derived().values() if each.build.func.__module__.rpartition(".")[2] in ours]  # type: ignore[attr-defined]
    assert len(named) > 400
    assert {each.promises[0] for each in named} <= claims().keys()


def test_who_is_let_in_has_right_credentials_and_no_others() -> None:
    wrong = asked(*OTHERS, ("authorization", "Bearer wrong"))
    right = let_in(WORLD, OPERATION, wrong)
    found = {each.scheme: presented(right, each) for each in OPERATION.credentials}
    [first, *rest] = OPERATION.credentials
    assert found[first.scheme] == [first.prefix + WORLD.target.secrets[first.variable]]
    assert not any(found[each.scheme] for each in rest)
    assert set(OTHERS) <= set(right.headers) and right.path == wrong.path


@pytest.mark.parametrize("number", range(len(OPERATION.credentials)))
def test_who_is_shut_out_has_none_and_all_else(number: int) -> None:
    credential = OPERATION.credentials[number]
    header = credential.name.lower() if credential.place == "header" else "cookie"
    value = "secret" if credential.place == "header" else f"theme=dark; {credential.name}=secret"
    request = asked(("accept", "*/*"), (header, value))
    assert presented(request, credential) == ["secret"]
    out = shut_out(OPERATION, request)
    assert presented(out, credential) == [] and ("accept", "*/*") in out.headers
    assert credential.place == "header" or ("cookie", "theme=dark") in out.headers


def answers(requests: list[Asked], where: str) -> list[str]:
    """For which id each of them is answered, if a mutant takes them to be for another one."""

    async def ask(request: Asked) -> Answer:
        return Answer(200, (), request.path.encode())

    change = rewriting(OPERATION, lambda request: with_parent(OPERATION, request, "another"), when(where, OPERATION))

    async def all_of_them() -> list[Answer]:
        return [await change(each, ask) for each in requests]

    return [each.body.decode() for each in asyncio.run(all_of_them())]


def test_requests_for_the_operation_are_answered_as_others_and_no_more() -> None:
    here, elsewhere = asked(), Asked(OPERATION.method, "/elsewhere", "", ())
    other = OPERATION.path_of("another")
    assert answers([here, elsewhere], EVERYWHERE) == [other, "/elsewhere"]
    assert answers([here, elsewhere, here, here, here], ONE_IN_THREE) == [
        here.path,
        "/elsewhere",
        here.path,
        other,
        here.path,
    ]


def bounded(kind: str) -> list[tuple[str, Node]]:
    """The parameters of the second contract, or what its bodies have, by name."""
    found = BOARD.root.at("paths").at("/v1/projects/{project_id}/tasks").at("get").at("parameters").elements()
    if kind == "query":
        return [(str(each.at("name").value), schema_of(each)) for each in found]
    return list(BOARD.root.at("components").at("schemas").at("TaskDraft").at("properties").items())


@pytest.mark.parametrize(("name", "schema"), bounded("query"))
def test_an_edge_is_the_last_value_that_is_valid(name: str, schema: Node) -> None:
    resolved = schema.resolved() or schema
    parameter = Parameter(name, False, resolved.value, BOARD.value)
    for edge in edges(resolved):
        assert parameter.judge(list(texts_of(parameter, edge.inner))) == VALID, edge
        assert parameter.judge(list(texts_of(parameter, edge.outer))) == INVALID, edge


@pytest.mark.parametrize(("name", "schema"), bounded("body"))
def test_a_body_is_mended_where_its_keyword_is_broken(name: str, schema: Node) -> None:
    resolved = schema.resolved() or schema
    for edge in edges(resolved):
        alone = validator(resolved, edge.keyword)
        assert mended(name, alone, "good", {name: edge.outer}) == {name: "good"}
        assert not isinstance(mended(name, alone, "good", {name: edge.inner}), dict)
