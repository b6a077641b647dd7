"""From `x-selects`: a value of a parameter picks items of which its rule does not hold, or leaves one out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from codegen.extensions import Result, Rule
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Operation

from .cutting import Cut, change_of, has_effect
from .making import EVERYWHERE, Built, Derived, Equivalent, family
from .world import World

ONE_VALUE, SEVERAL_VALUES, SMALL_PAGES = "one_value", "with_another_parameter", "default_limit"


@dataclass(frozen=True)
class Picked:
    """A rule of a parameter."""

    operation: Operation
    name: str
    rule: Rule

    def texts(self, cut: Cut) -> list[str]:
        return cut.asked.values(self.name)

    def written(self, value: Any) -> list[str]:
        """A value as a query has it."""
        made = self.operation.query[self.name].serialize(value)
        return [str(each) for each in made] if isinstance(made, list) else [str(made)]

    def is_broken(self, cut: Cut, items: list[Any]) -> list[bool]:
        """Of each item, whether the value that was asked for does not pick it."""
        selection = self.operation.selections[self.name]
        value = self.operation.query[self.name].value(self.texts(cut))
        return [each is Result.BROKEN for each in selection.judge(self.rule, items, value)]

    async def ignored(self, cut: Cut) -> Any:
        return await cut.answer_to(cut.asked.with_value(self.name))

    async def first_only(self, cut: Cut) -> Any:
        return await cut.answer_to(cut.asked.with_value(self.name, *self.texts(cut)[:1]))

    async def last_only(self, cut: Cut) -> Any:
        return await cut.answer_to(cut.asked.with_value(self.name, *self.texts(cut)[-1:]))

    async def one_beyond(self, cut: Cut) -> Any:
        """The first item gives way to one that the value does not pick."""
        everything = cut.lists.read(await self.ignored(cut))
        items = list(everything.items) if everything else []
        beyond = [item for item, is_broken in zip(items, self.is_broken(cut, items), strict=True) if is_broken]
        return cut.with_items([beyond[-1], *cut.items[1:]]) if beyond and cut.items else cut.document

    async def first_one_left_out(self, cut: Cut) -> Any:
        return await self.left_out(cut, 0)

    async def last_one_left_out(self, cut: Cut) -> Any:
        return await self.left_out(cut, -1)

    async def left_out(self, cut: Cut, place: int) -> Any:
        items = await cut.whole()
        if not items:
            return cut.document
        del items[place]
        return replaced_total(cut, await cut.of(items), len(items))


def replaced_total(cut: Cut, document: Any, total: int) -> Any:
    cut.document = document
    return cut.with_field(cut.listing.total, total) if cut.listing.total else document


KINDS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        Picked.ignored,
        Picked.first_only,
        Picked.last_only,
        Picked.one_beyond,
        Picked.first_one_left_out,
        Picked.last_one_left_out,
    )
}


@family
def selects() -> Iterator[Derived]:
    for operation in contract().operations:
        for name, rules in operation.described.selects.items() if operation.listing else ():
            for rule in rules:
                picked = Picked(operation, name, rule)
                for kind in KINDS:
                    for where in wheres(operation, name, kind):
                        yield Derived(
                            (rule.node.pointer,),
                            kind,
                            where,
                            f"{operation.name}.{name}.{rule.id}",
                            partial(built, picked=picked, kind=kind, where=where),
                        )


def wheres(operation: Operation, name: str, kind: str) -> list[str]:
    found = [EVERYWHERE, ONE_VALUE]
    if kind.endswith("only"):
        return found if operation.query[name].element else []
    if kind in (Picked.ignored.__name__, Picked.one_beyond.__name__):
        return [*found, SMALL_PAGES, *([SEVERAL_VALUES] if len(operation.filters) > 1 else [])]
    # Of a list by cursors, what is left out cannot be told from the pages that are left.
    return found if operation.is_offset_list else []


def built(world: World, picked: Picked, kind: str, where: str) -> Built:
    values = world.values(picked.operation, picked.name)
    world.dice(f"{picked.rule.id}{kind}").shuffle(values)
    breaker = partial(KINDS[kind], picked)
    for value in values if where == ONE_VALUE else [None]:

        def is_meant(cut: Cut, value: Any = value) -> bool:
            if where == SMALL_PAGES and cut.limit > cut.default:
                return False
            if where == SEVERAL_VALUES and len(cut.filters) < 2:
                return False
            texts = picked.texts(cut)
            return (bool(texts) and where != ONE_VALUE) or texts == picked.written(value)

        change = partial(change_of, picked.operation, breaker, is_meant, None)
        if has_effect(world, picked.operation, change()):
            # Where only some pages are so, they are not cut from one list.
            is_uneven = where == SMALL_PAGES or kind == Picked.one_beyond.__name__
            return Built(change(), frozenset(CLASSES["paging"] if is_uneven else ()))
    raise Equivalent("no page of the correct server is changed by it")
