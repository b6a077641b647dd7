"""List pages of the correct server, and the mutators that change them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from codegen.extensions import Listing, Lists
from codegen.extensions.lists import field_of
from tests.contract.contract import contract
from tests.contract.operation import Operation
from tests.contract.pages import as_integer

from .base import EVERYWHERE, BuiltMutant, DerivedMutant, Equivalent
from .baseline import Baseline
from .middleware import Forward, HttpRequest, HttpResponse, Mutation, replace_at

# How many pages of the largest size are read of one list.
MAX_PAGES = 5


@dataclass
class ListPage:
    """A page that the correct server sent."""

    operation: Operation
    request: HttpRequest
    forward: Forward
    document: Any
    responses_before: int
    """How many pages were sent before."""
    row: Any
    """The key of the item to mutate; None if the mutator is not about one item."""
    memory: dict[Any, Any]
    """Kept by a mutator from page to page."""

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
        return next(iter(self.request.values(self.listing.cursor)), "") if self.listing.cursor else ""

    @property
    def filters(self) -> tuple[str, ...]:
        return tuple(name for name in self.operation.filters if self.request.values(name))

    @property
    def default(self) -> int:
        return self.operation.defaults.get(self.listing.limit, 0)

    def number(self, name: str) -> int:
        """Return limit or offset: the echoed value, else the requested one."""
        echoed = as_integer(field_of(self.document, self.listing.echoes.get(name, name)))
        if echoed is not None:
            return echoed
        texts = self.request.values(name)
        requested = self.operation.query[name].value(texts) if texts else self.operation.defaults.get(name, 0)
        return requested if isinstance(requested, int) else 0

    def with_items(self, items: Sequence[Any]) -> Any:
        return replace_at(self.document, self.listing.items.split("."), list(items))

    def with_field(self, name: str, value: Any) -> Any:
        return replace_at(self.document, name.split("."), value)

    def with_key(self, item: Any, key: Any) -> Any:
        return replace_at(item, self.listing.key.split("."), key)

    def invented_key(self, item: Any) -> Any:
        """Return a key of the same type that no item has."""
        old = field_of(item, self.listing.key)
        if isinstance(old, int):
            return old + 10**6 * (self.responses_before + 1)
        return str(uuid5(NAMESPACE_OID, f"{old} {self.responses_before}"))

    async def refetch(self, **numbers: int | str | None) -> Any:
        """Return the page for another limit, offset or cursor, with the echoes of this one."""
        request = self.request
        for role, value in numbers.items():
            texts = () if value is None else (str(value),)
            request = request.with_value(getattr(self.listing, role), *texts)
        return await self.fetch(request)

    async def fetch(self, request: HttpRequest) -> Any:
        """Return the page for another request, with the echoes of this one."""
        document = (await self.forward(request)).json
        if self.lists.read(document) is None:
            return self.document
        for field in self.listing.echoes.values():
            document = replace_at(document, field.split("."), field_of(self.document, field))
        return document

    async def all_items(self) -> list[Any]:
        """Return all items of an offset list, with the filters of this request."""
        most, found = self.operation.limits[-1], list[Any]()
        for number in range(MAX_PAGES):
            request = self.request.with_value(self.listing.limit, str(most))
            response = await self.forward(request.with_value(self.listing.offset, str(number * most)))
            page = self.lists.read(response.json)
            found += page.items if page else ()
            if page is None or page.total is None or len(found) >= page.total or not page.items:
                break
        return found

    def slice_of(self, items: Sequence[Any]) -> Any:
        """Return this page of another list of items."""
        return self.with_items(items[self.offset : self.offset + self.limit])

    def index(self, items: Sequence[Any]) -> int:
        """Return the index of the item to mutate; -1 if it is missing."""
        return next((place for place, item in enumerate(items) if self.lists.key(item) == self.row), -1)


MutatePage = Callable[[ListPage], Awaitable[Any]]
"""Returns the body to send in place of a page."""

# Which pages are mutated.
PAGE_CONDITIONS: dict[str, Callable[[ListPage], bool]] = {
    EVERYWHERE: lambda page: True,
    "largest_limit": lambda page: page.limit == page.operation.limits[-1],
    "default_limit": lambda page: page.limit == page.default,
    "least_limit": lambda page: page.limit == page.operation.limits[0],
    "after_the_first": lambda page: page.offset > 0 or bool(page.cursor),
    "last_page": lambda page: 0 <= page.total - page.offset <= page.limit,
    "at_the_end": lambda page: page.offset == page.total,
    "far_away": lambda page: page.offset > 2**31,
    "filtered": lambda page: bool(page.filters),
    "by_turns": lambda page: page.responses_before % 2 == 1,
}
# Which item is mutated.
ROW_POSITIONS: dict[str, Callable[[Sequence[Any], Operation], int]] = {
    "first_row": lambda rows, _: 0,
    "last_row": lambda rows, _: len(rows) - 1,
    "middle_row": lambda rows, _: len(rows) // 2,
    "row_before_a_border": lambda rows, operation: min(operation.limits[-1], len(rows)) - 1,
}


@dataclass(frozen=True)
class ListMutator:
    """One way to break an entry of `x-list`."""

    style: str
    """offset or cursor."""
    entry: str
    """The key of `x-list`."""
    wheres: tuple[str, ...]
    mutate: MutatePage
    """Its name is the kind of the mutants."""
    also_failing: frozenset[str]


LIST_MUTATORS: list[ListMutator] = []


def list_mutator(
    entry: str, *wheres: str, style: str = "offset", also_failing: frozenset[str] = frozenset()
) -> Callable[[MutatePage], MutatePage]:
    def add(mutate: MutatePage) -> MutatePage:
        LIST_MUTATORS.append(ListMutator(style, entry, wheres, mutate, also_failing))
        return mutate

    return add


def mutants() -> Iterator[DerivedMutant]:
    """Yield the mutants of each list, by all mutators of its style."""
    for operation in contract().operations:
        listing = operation.listing
        if listing is None:
            continue
        for mutator in LIST_MUTATORS:
            entry = listing.node.at(mutator.entry)
            if entry.value is None or listing.style != mutator.style:
                continue
            for where in mutator.wheres:
                if where == "filtered" and not operation.filters:
                    continue
                yield DerivedMutant(
                    (entry.pointer,),
                    mutator.mutate.__name__,
                    where,
                    f"{operation.name}.{mutator.entry}",
                    partial(build_mutant, operation=operation, mutator=mutator, where=where),
                )


def build_mutant(baseline: Baseline, operation: Operation, mutator: ListMutator, where: str) -> BuiltMutant:
    row = None
    if where in ROW_POSITIONS:
        items = baseline.items(operation)
        assert operation.lists is not None
        row = operation.lists.key(items[ROW_POSITIONS[where](items, operation)])
    condition = PAGE_CONDITIONS.get(where, PAGE_CONDITIONS[EVERYWHERE])
    # Twice: a mutation counts the pages that it sent.
    if not has_effect(baseline, operation, page_mutation(operation, mutator.mutate, condition, row)):
        raise Equivalent("it changes no page of the correct server")
    return BuiltMutant(page_mutation(operation, mutator.mutate, condition, row), mutator.also_failing)


def page_mutation(
    operation: Operation, mutate: MutatePage, condition: Callable[[ListPage], bool], row: str | None
) -> Mutation:
    pages, memory = count(), dict[Any, Any]()

    async def mutation(request: HttpRequest, forward: Forward) -> HttpResponse:
        response = await forward(request)
        is_page = operation.address.fullmatch(request.path) and response.status == operation.page_status
        if not is_page or request.method != operation.method:
            return response
        page = ListPage(operation, request, forward, response.json, next(pages), row, memory)
        if page.lists.read(page.document) is None or not condition(page):
            return response
        return response.replace(body=await mutate(page))

    return mutation


def has_effect(baseline: Baseline, operation: Operation, mutation: Mutation) -> bool:
    """True if a mutation changes any page, of several limits, offsets, cursors and filters."""
    listing = operation.listing
    assert listing is not None
    for query in queries_of(baseline, operation):
        while True:
            request = baseline.request_for(operation, query)
            before, after = asyncio.run(before_and_after(baseline, request, mutation))
            if before.json != after.json:
                return True
            cursor = field_of(before.json, listing.next_cursor) if listing.next_cursor else None
            if not cursor or not isinstance(cursor, str):
                break
            query = {**query, listing.cursor: cursor}
    return False


async def before_and_after(
    baseline: Baseline, request: HttpRequest, mutation: Mutation
) -> tuple[HttpResponse, HttpResponse]:
    return await baseline.forward(request), await mutation(request, baseline.forward)


def queries_of(baseline: Baseline, operation: Operation) -> list[dict[str, Any]]:
    """Return queries for pages of several limits and offsets, for each filter value, and for pairs of filters."""
    listing = operation.listing
    assert listing is not None
    largest, total = operation.limits[-1], len(baseline.items(operation))
    limits = (largest, operation.defaults[listing.limit], operation.limits[0])
    # Twice: some mutators change every second page.
    queries: list[dict[str, Any]] = [{}, *({listing.limit: limit} for limit in limits)] * 2
    if listing.offset:
        offsets = (largest - 1, total // 2, total - 1, total, 1, 2**32)
        queries += [{listing.limit: limit, listing.offset: offset} for offset in offsets for limit in limits]
    filtered = [
        [{name: parameter.serialize(value)} for value in baseline.values(operation, name)]
        for name, parameter in operation.filters.items()
    ]
    queries += [query for each in filtered for query in each]
    queries += [one[0] | other[0] for one, other in combinations(filter(None, filtered), 2)]
    return queries
