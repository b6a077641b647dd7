"""Mutants of `x-list`, entry by entry, for lists by offset. Names of functions are kinds of mutants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codegen.extensions.lists import field_of

from .base import EVERYWHERE, DerivedMutant, family
from .pages import ListPage, list_mutator, mutants

ROW_POSITIONS = ("first_row", "last_row", "middle_row", "row_before_a_border")
SIZES = ("largest_limit", "default_limit", "least_limit")
# Without a limit in the request, the check of defaults fails as well.
DEFAULTS = frozenset({"defaults_applied"})


@family
def lists() -> Iterator[DerivedMutant]:
    yield from mutants()


# Items and page size


@list_mutator("items", *ROW_POSITIONS)
async def row_lost(page: ListPage) -> Any:
    return page.slice_of([item for item in await page.all_items() if page.lists.key(item) != page.row])


@list_mutator("items", EVERYWHERE, "largest_limit", "default_limit", "after_the_first", "by_turns")
async def last_one_missing(page: ListPage) -> Any:
    """Full pages lack their last item."""
    return page.with_items(page.items[:-1]) if len(page.items) == page.limit else page.document


@list_mutator("items", "largest_limit", "after_the_first", "last_page", "by_turns")
async def none_at_all(page: ListPage) -> Any:
    return page.with_items([])


@list_mutator("limit", EVERYWHERE, "after_the_first")
async def ignored(page: ListPage) -> Any:
    return await page.refetch(limit=None)


@list_mutator("limit", EVERYWHERE, "default_limit", "least_limit")
async def one_more(page: ListPage) -> Any:
    return await page.refetch(limit=page.limit + 1)


@list_mutator("limit", EVERYWHERE)
async def capped_below_the_largest(page: ListPage) -> Any:
    return await page.refetch(limit=min(page.limit, page.operation.limits[-1] - 1))


@list_mutator("offset", EVERYWHERE, *SIZES)
async def offset_ignored(page: ListPage) -> Any:
    return await page.refetch(offset=0)


@list_mutator("offset", EVERYWHERE, "after_the_first", "largest_limit")
async def offset_one_more(page: ListPage) -> Any:
    return await page.refetch(offset=page.offset + 1)


@list_mutator("offset", EVERYWHERE, "largest_limit", "last_page", "at_the_end")
async def offset_one_less(page: ListPage) -> Any:
    return await page.refetch(offset=max(page.offset - 1, 0))


@list_mutator("offset", EVERYWHERE, "at_the_end", "far_away")
async def last_page_past_the_end(page: ListPage) -> Any:
    return page.document if page.offset < page.total else await page.refetch(offset=max(page.total - page.limit, 0))


@list_mutator("style", EVERYWHERE)
async def offset_counts_pages(page: ListPage) -> Any:
    return await page.refetch(offset=page.offset * page.limit)


# Total and echoes


@list_mutator("total", EVERYWHERE, *SIZES, "after_the_first", "last_page", "at_the_end", "filtered", "by_turns")
async def total_one_more(page: ListPage) -> Any:
    return page.with_field(page.listing.total, page.total + 1)


@list_mutator("total", EVERYWHERE, *SIZES, "after_the_first", "last_page", "filtered", "by_turns")
async def total_one_less(page: ListPage) -> Any:
    return page.with_field(page.listing.total, max(page.total - 1, 0))


@list_mutator("total", EVERYWHERE, "last_page")
async def total_of_the_page(page: ListPage) -> Any:
    return page.with_field(page.listing.total, len(page.items))


@list_mutator("total", "filtered")
async def total_without_filters(page: ListPage) -> Any:
    request = page.request
    for name in page.filters:
        request = request.with_value(name)
    total = field_of((await page.fetch(request)).json, page.listing.total)
    return page.with_field(page.listing.total, total)


def echo(page: ListPage, role: str, value: int) -> Any:
    field = page.listing.echoes.get(getattr(page.listing, role))
    return page.with_field(field, value) if field else page.document


@list_mutator("echoes", EVERYWHERE, *SIZES, "after_the_first", also_failing=DEFAULTS)
async def limit_echoed_one_more(page: ListPage) -> Any:
    return echo(page, "limit", page.limit + 1)


@list_mutator("echoes", EVERYWHERE, "after_the_first")
async def limit_echoed_as_default(page: ListPage) -> Any:
    return echo(page, "limit", page.default)


@list_mutator("echoes", "last_page", also_failing=DEFAULTS)
async def limit_echoed_as_number_of_items(page: ListPage) -> Any:
    return echo(page, "limit", max(len(page.items), 1))


@list_mutator("echoes", EVERYWHERE, *SIZES, "last_page", also_failing=DEFAULTS)
async def offset_echoed_one_more(page: ListPage) -> Any:
    return echo(page, "offset", page.offset + 1)


@list_mutator("echoes", EVERYWHERE, "at_the_end", "far_away")
async def offset_echoed_as_default(page: ListPage) -> Any:
    return echo(page, "offset", page.operation.defaults[page.listing.offset])


# Keys


@list_mutator("key", EVERYWHERE, "largest_limit")
async def first_one_doubled(page: ListPage) -> Any:
    return page.with_items([page.items[0], *page.items[:1], *page.items[2:]]) if len(page.items) > 1 else page.document


@list_mutator("key", *ROW_POSITIONS)
async def row_doubled(page: ListPage) -> Any:
    """The row is repeated in place of its neighbour."""
    items = await page.all_items()
    index = page.index(items)
    if index >= 0 and len(items) > 1:
        items[index - 1 if index else 1] = items[index]
    return page.slice_of(items)


@list_mutator("key", EVERYWHERE, *SIZES)
async def doubled_on_the_next_page(page: ListPage) -> Any:
    return await page.refetch(offset=page.offset - 1) if page.offset else page.document


@list_mutator("key", EVERYWHERE, "largest_limit")
async def lost_between_pages(page: ListPage) -> Any:
    return await page.refetch(offset=page.offset + 1) if page.offset else page.document


@list_mutator("key", *ROW_POSITIONS)
async def key_of_a_neighbour(page: ListPage) -> Any:
    items = await page.all_items()
    index = page.index(items)
    if index >= 0 and len(items) > 1:
        other = items[index - 1 if index else 1]
        items[index] = page.with_key(items[index], field_of(other, page.listing.key))
    return page.slice_of(items)


@list_mutator("key", "first_row", "last_row")
async def key_of_one_far_away(page: ListPage) -> Any:
    items = await page.all_items()
    index = page.index(items)
    if index >= 0 and len(items) > 1:
        other = items[(index + len(items) // 2) % len(items)]
        items[index] = page.with_key(items[index], field_of(other, page.listing.key))
    return page.slice_of(items)


@list_mutator("key", EVERYWHERE, "middle_row")
async def key_made_up_each_time(page: ListPage) -> Any:
    made = [
        page.with_key(item, page.invented_key(item)) if page.row in (None, key) else item
        for key, item in zip(page.keys, page.items, strict=True)
    ]
    return page.with_items(made)


# Order


@list_mutator("order", *SIZES, "by_turns", "filtered")
async def reversed_order(page: ListPage) -> Any:
    return page.slice_of((await page.all_items())[::-1])


@list_mutator("order", "largest_limit", "by_turns")
async def sorted_by_key(page: ListPage) -> Any:
    return page.slice_of(sorted(await page.all_items(), key=lambda item: str(page.lists.key(item))))


@list_mutator("order", *SIZES[:2], "by_turns")
async def page_reversed(page: ListPage) -> Any:
    return page.with_items(page.items[::-1])


@list_mutator("order", "middle_row", "row_before_a_border")
async def row_swapped_by_turns(page: ListPage) -> Any:
    items = await page.all_items()
    index = page.index(items)
    if page.responses_before % 2 and 0 <= index < len(items) - 1:
        items[index], items[index + 1] = items[index + 1], items[index]
    return page.slice_of(items)


@list_mutator("order", "middle_row", "row_before_a_border")
async def row_swapped_on_small_pages(page: ListPage) -> Any:
    items = await page.all_items()
    index = page.index(items)
    if page.limit <= page.default and 0 <= index < len(items) - 1:
        items[index], items[index + 1] = items[index + 1], items[index]
    return page.slice_of(items)
