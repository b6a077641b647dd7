"""Derived mutants of lists and rules break what they say and nothing else."""

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

from .derived import DerivedMutant, Equivalent, derived, pages, rules
from .derived.base import EVERYWHERE
from .derived.baseline import Baseline
from .derived.middleware import HttpRequest, HttpResponse, Mutation
from .derived.values import is_valid
from .runner import REFERENCE

pytestmark = pytest.mark.sampled(4)

[OPERATION] = contract().operations
# How many mutants of one rule are tested; a few more of lists.
PER_RULE = 2
BODY = schema_of(OPERATION.described.operation.responses[str(OPERATION.page_status)])


@pytest.fixture(scope="module")
def baseline() -> Iterator[Baseline]:
    with ExitStack() as cleanup:
        yield Baseline(REFERENCE.target(cleanup.enter_context(REFERENCE.running(lambda app: app)), Path()))


def mutants_of_module(module: Any) -> list[DerivedMutant]:
    """Return the mutants of one module."""
    return [each for each in derived().values() if each.build.func.__module__ == module.__name__]  # type: ignore[attr-defined]


def read_pages(baseline: Baseline, mutant: DerivedMutant, operation: Operation = OPERATION) -> list[Any]:
    """Return all pages of a mutant, by the largest limit."""
    change = mutant.build(baseline).mutation

    async def read() -> list[HttpResponse]:
        sizes = range(0, len(baseline.items(operation)), operation.limits[-1])
        listing = operation.listing
        assert listing is not None
        queries = [{listing.limit: operation.limits[-1], listing.offset: offset} for offset in sizes]
        return [await change(baseline.request_for(operation, query), baseline.forward) for query in queries]

    return [response.json for response in asyncio.run(read())]


def keys(documents: list[Any]) -> list[str | None]:
    assert OPERATION.lists is not None
    read = [OPERATION.lists.read(document) for document in documents]
    return [key for page in read if page for key in page.keys]


# Rules about one response. Rules about changes cannot be judged by one page.
STATIC_RULES = [rule.node.pointer for rule in RULES.values() if not rule.is_transition]


@pytest.mark.parametrize("rule", STATIC_RULES)
def test_a_mutant_of_a_rule_breaks_this_rule_only(baseline: Baseline, rule: str) -> None:
    found = 0
    for mutant in [each for each in mutants_of_module(rules) if each.promises[0] == rule and each.where == EVERYWHERE]:
        if found == PER_RULE:
            break
        try:
            documents = read_pages(baseline, mutant)
        except Equivalent:
            continue
        found += 1
        for document in documents:
            verdicts = judge_rules(
                OPERATION, baseline.rule_request(OPERATION), OPERATION.page_status, document, {}, datetime.now(UTC)
            )
            broken = {name for name, each in verdicts.items() if any(one.result is Result.BROKEN for one in each)}
            assert all(RULES[name].node.pointer == rule for name in broken), mutant.name
            assert is_valid(BODY, document), mutant.name
    assert found > 0, f"all mutants of {rule} are equivalent"


@pytest.mark.parametrize("where", [each.where for each in mutants_of_module(pages) if each.kind == "row_lost"])
def test_a_lost_row_is_one_row(baseline: Baseline, where: str) -> None:
    [mutant] = [each for each in mutants_of_module(pages) if (each.kind, each.where) == ("row_lost", where)]
    before = [OPERATION.lists.key(item) for item in baseline.items(OPERATION)] if OPERATION.lists else []
    lost = before[pages.ROW_POSITIONS[where](before, OPERATION)]
    assert keys(read_pages(baseline, mutant)) == [key for key in before if key != lost]


@pytest.mark.parametrize("where", [each.where for each in mutants_of_module(pages) if each.kind == "row_doubled"])
def test_a_doubled_row_replaces_its_neighbour(baseline: Baseline, where: str) -> None:
    [mutant] = [each for each in mutants_of_module(pages) if (each.kind, each.where) == ("row_doubled", where)]
    after = keys(read_pages(baseline, mutant))
    assert len(after) == len(baseline.items(OPERATION)) == len(set(after)) + 1


@pytest.mark.parametrize(
    "mutant", Random(1).sample(mutants_of_module(pages), 5 * PER_RULE), ids=lambda mutant: mutant.name
)
def test_mutants_of_lists_keep_the_schema(baseline: Baseline, mutant: DerivedMutant) -> None:
    """Otherwise the check of the schema would find it."""
    assert all(is_valid(BODY, document) for document in read_pages(baseline, mutant))


def test_requests_for_other_paths_are_answered_as_before(baseline: Baseline) -> None:
    elsewhere = HttpRequest("GET", "/elsewhere", "", ())
    in_rules = next(each for each in mutants_of_module(rules) if each.promises[0] == STATIC_RULES[-1])
    for mutant in (mutants_of_module(pages)[0], in_rules):
        before, after = asyncio.run(before_and_after(baseline, mutant.build(baseline).mutation, elsewhere))
        assert (before.status, before.body) == (after.status, after.body), mutant.name


async def before_and_after(baseline: Baseline, change: Mutation, request: HttpRequest) -> list[HttpResponse]:
    return [await baseline.forward(request), await change(request, baseline.forward)]
