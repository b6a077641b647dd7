"""Pages of a list between the correct server and who asks: read, changed, and cut again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from codegen.cel import MISSING
from codegen.extensions import Listing, Lists
from codegen.extensions.lists import field_of
from tests.contract.contract import contract
from tests.contract.operation import Operation
from tests.contract.pages import as_integer

from .exchange import Answer, Ask, Asked, Change, replaced
from .making import EVERYWHERE, Built, Derived, Equivalent
from .world import World

# Pages of the largest size that are read of one list.
MOST_PAGES = 5


@dataclass
class Cut:
    """A page as the correct server cuts it."""

    operation: Operation
    asked: Asked
    ask: Ask
    document: Any
    turn: int
    """How many pages were answered before."""
    row: Any
    """The key of the item that something is done to."""
    memory: dict[Any, Any]
    """What is known of pages that were answered before."""

    @property
    def listing(self) -> Listing:
        assert self.operation.listing is not None
        return self.operation.listing

    @property
    def lists(self) -> Lists:
        assert self.operation.lists is not None
        return self.operation.lists

    @property
    def items(self) -> list[Any]:
        found: list[Any] = field_of(self.document, self.listing.items)
        return found

    @property
    def keys(self) -> list[str | None]:
        return list(map(self.lists.key, self.items))

    @property
    def total(self) -> int:
        return as_integer(field_of(self.document, self.listing.total)) or 0

    @property
    def limit(self) -> int:
        return self.number(self.listing.limit)

    @property
    def offset(self) -> int:
        return self.number(self.listing.offset) if self.listing.offset else 0

    @property
    def cursor(self) -> str:
        return next(iter(self.asked.values(self.listing.cursor)), "") if self.listing.cursor else ""

    @property
    def filters(self) -> tuple[str, ...]:
        return tuple(name for name in self.operation.filters if self.asked.values(name))

    @property
    def default(self) -> int:
        return self.operation.defaults.get(self.listing.limit, 0)

    def number(self, name: str) -> int:
        """The limit or the offset, as the page says or as it was asked for."""
        said = as_integer(field_of(self.document, self.listing.echoes.get(name, name)))
        texts = self.asked.values(name)
        asked = self.operation.query[name].value(texts) if texts else self.operation.defaults.get(name, 0)
        return asked if said is None and isinstance(asked, int) else said or 0

    def with_items(self, items: Sequence[Any]) -> Any:
        return replaced(self.document, self.listing.items.split("."), list(items))

    def with_field(self, name: str, value: Any) -> Any:
        return replaced(self.document, name.split("."), value)

    def with_key(self, item: Any, key: Any) -> Any:
        return replaced(item, self.listing.key.split("."), key)

    def made_up(self, item: Any, turn: int) -> Any:
        """A key that nobody has, of the same type."""
        old = field_of(item, self.listing.key)
        return old + 10**6 * (turn + 1) if isinstance(old, int) else str(uuid5(NAMESPACE_OID, f"{old} {turn}"))

    async def instead(self, **numbers: int | str | None) -> Any:
        """The page for another limit, offset or cursor; it says that it is the one that was asked for."""
        asked = self.asked
        for role, value in numbers.items():
            texts = () if value is None else (str(value),)
            asked = asked.with_value(getattr(self.listing, role), *texts)
        return await self.answer_to(asked)

    async def answer_to(self, asked: Asked) -> Any:
        """The page for another request; it says that it is the one that was asked for."""
        document = (await self.ask(asked)).json
        if self.lists.read(document) is None:
            return self.document
        for field in self.listing.echoes.values():
            document = replaced(document, field.split("."), field_of(self.document, field))
        return document

    async def whole(self) -> list[Any]:
        """All items of an offset list, as it is now, with the filters that were asked for."""
        most, found = self.operation.limits[-1], list[Any]()
        for number in range(MOST_PAGES):
            asked = self.asked.with_value(self.listing.limit, str(most))
            answer = await self.ask(asked.with_value(self.listing.offset, str(number * most)))
            page = self.lists.read(answer.json)
            found += page.items if page else ()
            if page is None or page.total is None or len(found) >= page.total or not page.items:
                break
        return found

    async def of(self, items: Sequence[Any]) -> Any:
        """The page as it is cut from other items."""
        return self.with_items(items[self.offset : self.offset + self.limit])

    async def index(self, items: Sequence[Any]) -> int:
        """Where the item stands; -1 if it is not there."""
        return next((place for place, item in enumerate(items) if self.lists.key(item) == self.row), -1)


Breaker = Callable[[Cut], Awaitable[Any]]
"""Makes of a page another document."""

# On which pages it is done.
WHERES: dict[str, Callable[[Cut], bool]] = {
    EVERYWHERE: lambda cut: True,
    "largest_limit": lambda cut: cut.limit == cut.operation.limits[-1],
    "default_limit": lambda cut: cut.limit == cut.default,
    "least_limit": lambda cut: cut.limit == cut.operation.limits[0],
    "after_the_first": lambda cut: cut.offset > 0 or bool(cut.cursor),
    "last_page": lambda cut: 0 <= cut.total - cut.offset <= cut.limit,
    "at_the_end": lambda cut: cut.offset == cut.total,
    "far_away": lambda cut: cut.offset > 2**31,
    "filtered": lambda cut: bool(cut.filters),
    "by_turns": lambda cut: cut.turn % 2 == 1,
}
# At which item it is done.
ROWS: dict[str, Callable[[Sequence[Any], Operation], int]] = {
    "first_row": lambda rows, _: 0,
    "last_row": lambda rows, _: len(rows) - 1,
    "middle_row": lambda rows, _: len(rows) // 2,
    "row_before_a_border": lambda rows, operation: min(operation.limits[-1], len(rows)) - 1,
}


@dataclass(frozen=True)
class Way:
    """One way to break what a list promises."""

    style: str
    entry: str
    wheres: tuple[str, ...]
    breaker: Breaker
    also: frozenset[str]


WAYS: list[Way] = []


def breaks(
    entry: str, *wheres: str, style: str = "offset", also: frozenset[str] = frozenset()
) -> Callable[[Breaker], Breaker]:
    def add(breaker: Breaker) -> Breaker:
        WAYS.append(Way(style, entry, wheres, breaker, also))
        return breaker

    return add


def mutants() -> Iterator[Derived]:
    """Of every list, by each way that fits its style."""
    for operation in contract().operations:
        listing = operation.listing
        for way in WAYS if listing else ():
            entry = listing.node.at(way.entry) if listing else None
            if listing is None or entry is None or entry.value is None or listing.style != way.style:
                continue
            for where in way.wheres:
                if where == "filtered" and not operation.filters:
                    continue
                yield Derived(
                    (entry.pointer,),
                    way.breaker.__name__,
                    where,
                    f"{operation.name}.{way.entry}",
                    partial(built, operation=operation, way=way, where=where),
                )


def built(world: World, operation: Operation, way: Way, where: str) -> Built:
    row = None
    if where in ROWS:
        items = world.items(operation)
        assert operation.lists is not None
        row = operation.lists.key(items[ROWS[where](items, operation)])
    change = partial(change_of, operation, way.breaker, WHERES.get(where, WHERES[EVERYWHERE]), row)
    if not has_effect(world, operation, change()):
        raise Equivalent("no page of the correct server is changed by it")
    return Built(change(), way.also)


def change_of(operation: Operation, breaker: Breaker, is_meant: Callable[[Cut], bool], row: str | None) -> Change:
    turns, memory = count(), dict[Any, Any]()

    async def change(asked: Asked, ask: Ask) -> Answer:
        answer = await ask(asked)
        is_page = operation.address.fullmatch(asked.path) and answer.status == operation.page_status
        if not is_page or asked.method != operation.method:
            return answer
        cut = Cut(operation, asked, ask, answer.json, next(turns), row, memory)
        if cut.lists.read(cut.document) is None or not is_meant(cut):
            return answer
        return answer.replaced(body=await breaker(cut))

    return change


def has_effect(world: World, operation: Operation, change: Change) -> bool:
    """Whether any page is changed, of some of each size, and of lists with any filter."""
    listing = operation.listing
    assert listing is not None
    most, total = operation.limits[-1], len(world.items(operation))
    sizes = (most, operation.defaults[listing.limit], operation.limits[0])
    queries: list[dict[str, Any]] = [{}, *({listing.limit: size} for size in sizes)] * 2
    if listing.offset:
        places = (most - 1, total // 2, total - 1, total, 1, 2**32)
        queries += [{listing.limit: size, listing.offset: each} for each in places for size in sizes]
    filtered = [
        [{name: parameter.serialize(value)} for value in world.values(operation, name)]
        for name, parameter in operation.filters.items()
    ]
    queries += [query for each in filtered for query in each]
    queries += [one[0] | other[0] for one, other in combinations(filter(None, filtered), 2)]

    def is_changed(query: dict[str, Any]) -> str | None:
        """Where the next page begins, if this one is as it was."""
        asked = world.asked(operation, query)

        async def both() -> tuple[Answer, Answer]:
            return await world.send(asked), await change(asked, world.send)

        before, after = asyncio.run(both())
        if before.json != after.json:
            return None
        following = field_of(before.json, listing.next_cursor) if listing.next_cursor else MISSING
        return following if isinstance(following, str) else ""

    for query in queries:
        while (following := is_changed(query)) is not None:
            if not following:
                break
            query = {**query, listing.cursor: following}
        else:
            return True
    return False
