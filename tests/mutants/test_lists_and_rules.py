"""Derived mutants of lists and rules: what they change is what they say, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from codegen.extensions import Result
from codegen.openapi import schema_of
from tests.contract.contract import contract
from tests.contract.interaction import RULES, judge_rules
from tests.contract.operation import Operation

from .derived import Derived, Equivalent, cutting, derived, rules
from .derived.exchange import Answer, Asked, Change
from .derived.making import EVERYWHERE
from .derived.values import is_valid
from .derived.world import World
from .trial import REFERENCE

[OPERATION] = contract().operations
# How many mutants are looked at of one rule; of lists a few more.
SOME = 2
BODY = schema_of(OPERATION.described.operation.responses[str(OPERATION.page_status)])


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with ExitStack() as cleanup:
        yield World(REFERENCE.target(cleanup.enter_context(REFERENCE.running(lambda app: app)), Path()))


def of_module(module: Any) -> list[Derived]:
    """Those that a module makes."""
    return [each for each in derived().values() if each.build.func.__module__ == module.__name__]  # type: ignore[attr-defined]


def pages(world: World, mutant: Derived, operation: Operation = OPERATION) -> list[Any]:
    """The list, as it is read from the mutant by pages of the largest size."""
    change = mutant.build(world).change

    async def read() -> list[Answer]:
        sizes = range(0, len(world.items(operation)), operation.limits[-1])
        listing = operation.listing
        assert listing is not None
        queries = [{listing.limit: operation.limits[-1], listing.offset: offset} for offset in sizes]
        return [await change(world.asked(operation, query), world.send) for query in queries]

    return [answer.json for answer in asyncio.run(read())]


def keys(documents: list[Any]) -> list[str | None]:
    assert OPERATION.lists is not None
    read = [OPERATION.lists.read(document) for document in documents]
    return [key for page in read if page for key in page.keys]


# Of a rule about changes nothing shows on one page.
SHOWING = [rule.node.pointer for rule in RULES.values() if not rule.is_transition]


@pytest.mark.parametrize("rule", SHOWING)
def test_a_mutant_of_a_rule_breaks_this_rule_only(world: World, rule: str) -> None:
    found = 0
    for mutant in [each for each in of_module(rules) if each.promises[0] == rule and each.where == EVERYWHERE]:
        if found == SOME:
            break
        try:
            documents = pages(world, mutant)
        except Equivalent:
            continue
        found += 1
        for document in documents:
            verdicts = judge_rules(
                OPERATION, world.request(OPERATION), OPERATION.page_status, document, {}, datetime.now(UTC)
            )
            broken = {name for name, each in verdicts.items() if any(one.result is Result.BROKEN for one in each)}
            assert all(RULES[name].node.pointer == rule for name in broken), mutant.name
            assert is_valid(BODY, document), mutant.name
    assert found > 0, f"{rule} has no mutant but equivalent ones"


@pytest.mark.parametrize("where", [each.where for each in of_module(cutting) if each.kind == "row_lost"])
def test_a_lost_row_is_one_row(world: World, where: str) -> None:
    [mutant] = [each for each in of_module(cutting) if (each.kind, each.where) == ("row_lost", where)]
    before = [OPERATION.lists.key(item) for item in world.items(OPERATION)] if OPERATION.lists else []
    lost = before[cutting.ROWS[where](before, OPERATION)]
    assert keys(pages(world, mutant)) == [key for key in before if key != lost]


@pytest.mark.parametrize("where", [each.where for each in of_module(cutting) if each.kind == "row_doubled"])
def test_a_doubled_row_stands_for_its_neighbour(world: World, where: str) -> None:
    [mutant] = [each for each in of_module(cutting) if (each.kind, each.where) == ("row_doubled", where)]
    after = keys(pages(world, mutant))
    assert len(after) == len(world.items(OPERATION)) == len(set(after)) + 1


@pytest.mark.parametrize("mutant", Random(1).sample(of_module(cutting), 5 * SOME), ids=lambda mutant: mutant.name)
def test_what_breaks_a_list_keeps_its_schema(world: World, mutant: Derived) -> None:
    """Else it would be found by its schema."""
    assert all(is_valid(BODY, document) for document in pages(world, mutant))


def test_requests_for_other_things_are_answered_as_before(world: World) -> None:
    elsewhere = Asked("GET", "/elsewhere", "", ())
    in_rules = next(each for each in of_module(rules) if each.promises[0] == SHOWING[-1])
    for mutant in (of_module(cutting)[0], in_rules):
        before, after = asyncio.run(before_and_after(world, mutant.build(world).change, elsewhere))
        assert (before.status, before.body) == (after.status, after.body), mutant.name


async def before_and_after(world: World, change: Change, asked: Asked) -> list[Answer]:
    return [await world.send(asked), await change(asked, world.send)]
