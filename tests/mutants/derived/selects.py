"""Mutants of `x-selects`: a filter returns items that it must not return, or leaves one out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from codegen.extensions import Result, Rule
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Operation

from .base import EVERYWHERE, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .pages import ListPage, has_effect, page_mutation

ONE_VALUE, SEVERAL_VALUES, SMALL_PAGES = "one_value", "with_another_parameter", "default_limit"


@dataclass(frozen=True)
class ParameterRule:
    """A rule of a query parameter. Names of methods are kinds of mutants."""

    operation: Operation
    name: str
    rule: Rule

    def texts(self, page: ListPage) -> list[str]:
        return page.request.values(self.name)

    def written(self, value: Any) -> list[str]:
        """Return a value as it is written in a query."""
        written = self.operation.query[self.name].serialize(value)
        return [str(each) for each in written] if isinstance(written, list) else [str(written)]

    def violations(self, page: ListPage, items: list[Any]) -> list[bool]:
        """Return for each item whether the requested value must not select it."""
        selection = self.operation.selections[self.name]
        value = self.operation.query[self.name].value(self.texts(page))
        return [each is Result.BROKEN for each in selection.judge(self.rule, items, value)]

    async def ignored(self, page: ListPage) -> Any:
        return await page.fetch(page.request.with_value(self.name))

    async def first_only(self, page: ListPage) -> Any:
        return await page.fetch(page.request.with_value(self.name, *self.texts(page)[:1]))

    async def last_only(self, page: ListPage) -> Any:
        return await page.fetch(page.request.with_value(self.name, *self.texts(page)[-1:]))

    async def one_beyond(self, page: ListPage) -> Any:
        """The first item is replaced by one that the value must not select."""
        unfiltered = page.lists.read(await self.ignored(page))
        items = list(unfiltered.items) if unfiltered else []
        beyond = [item for item, is_wrong in zip(items, self.violations(page, items), strict=True) if is_wrong]
        return page.with_items([beyond[-1], *page.items[1:]]) if beyond and page.items else page.document

    async def first_one_left_out(self, page: ListPage) -> Any:
        return await self.left_out(page, 0)

    async def last_one_left_out(self, page: ListPage) -> Any:
        return await self.left_out(page, -1)

    async def left_out(self, page: ListPage, index: int) -> Any:
        items = await page.all_items()
        if not items:
            return page.document
        del items[index]
        return with_total(page, page.slice_of(items), len(items))


def with_total(page: ListPage, document: Any, total: int) -> Any:
    page.document = document
    return page.with_field(page.listing.total, total) if page.listing.total else document


KINDS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        ParameterRule.ignored,
        ParameterRule.first_only,
        ParameterRule.last_only,
        ParameterRule.one_beyond,
        ParameterRule.first_one_left_out,
        ParameterRule.last_one_left_out,
    )
}


@family
def selects() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        for name, rules in operation.described.selects.items() if operation.listing else ():
            for rule in rules:
                parameter_rule = ParameterRule(operation, name, rule)
                for kind in KINDS:
                    for where in wheres(operation, name, kind):
                        yield DerivedMutant(
                            (rule.node.pointer,),
                            kind,
                            where,
                            f"{operation.name}.{name}.{rule.id}",
                            partial(build_mutant, parameter_rule=parameter_rule, kind=kind, where=where),
                        )


def wheres(operation: Operation, name: str, kind: str) -> list[str]:
    found = [EVERYWHERE, ONE_VALUE]
    if kind.endswith("only"):
        return found if operation.query[name].element else []
    if kind in (ParameterRule.ignored.__name__, ParameterRule.one_beyond.__name__):
        return [*found, SMALL_PAGES, *([SEVERAL_VALUES] if len(operation.filters) > 1 else [])]
    # The pages of a list by cursors do not show that an item is missing.
    return found if operation.is_offset_list else []


def build_mutant(baseline: Baseline, parameter_rule: ParameterRule, kind: str, where: str) -> BuiltMutant:
    operation = parameter_rule.operation
    values = baseline.values(operation, parameter_rule.name)
    baseline.rng(f"{parameter_rule.rule.id}{kind}").shuffle(values)
    mutate = partial(KINDS[kind], parameter_rule)
    for value in values if where == ONE_VALUE else [None]:

        def condition(page: ListPage, value: Any = value) -> bool:
            if where == SMALL_PAGES and page.limit > page.default:
                return False
            if where == SEVERAL_VALUES and len(page.filters) < 2:
                return False
            texts = parameter_rule.texts(page)
            return texts == parameter_rule.written(value) if where == ONE_VALUE else bool(texts)

        # Twice: a mutation counts the pages that it sent.
        if has_effect(baseline, operation, page_mutation(operation, mutate, condition, None)):
            # Pages that are mutated differently do not fit together.
            is_uneven = where == SMALL_PAGES or kind == ParameterRule.one_beyond.__name__
            also_failing = frozenset(CLASSES["paging"] if is_uneven else ())
            return BuiltMutant(page_mutation(operation, mutate, condition, None), also_failing)
    raise Equivalent("it changes no page of the correct server")
