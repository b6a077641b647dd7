"""Mutants of `x-list`, entry by entry, for lists by cursor. Names of functions are kinds of mutants."""

from __future__ import annotations

from typing import Any

from codegen.extensions.lists import field_of

from .base import EVERYWHERE
from .pages import ListPage, list_mutator

SIZES = ("largest_limit", "default_limit")
CURSOR = "cursor"


@list_mutator("limit", EVERYWHERE, "after_the_first", style=CURSOR)
async def limit_ignored(page: ListPage) -> Any:
    return await page.refetch(limit=None)


@list_mutator("limit", EVERYWHERE, "default_limit", style=CURSOR)
async def limit_one_more(page: ListPage) -> Any:
    return await page.refetch(limit=page.limit + 1)


@list_mutator("items", EVERYWHERE, *SIZES, style=CURSOR)
async def last_one_missing(page: ListPage) -> Any:
    return page.with_items(page.items[:-1]) if len(page.items) > 1 else page.document


@list_mutator("items", "middle_row", "row_before_a_border", style=CURSOR)
async def row_missing_on_small_pages(page: ListPage) -> Any:
    kept = [item for item in page.items if page.lists.key(item) != page.row]
    return page.with_items(kept) if page.limit <= page.default else page.document


@list_mutator("cursor", EVERYWHERE, *SIZES, style=CURSOR)
async def cursor_ignored(page: ListPage) -> Any:
    return await page.refetch(cursor=None)


@list_mutator("cursor", EVERYWHERE, *SIZES, style=CURSOR)
async def lost_between_pages(page: ListPage) -> Any:
    return page.with_items(page.items[1:]) if page.cursor else page.document


@list_mutator("cursor", EVERYWHERE, *SIZES, style=CURSOR)
async def repeated_on_the_next_page(page: ListPage) -> Any:
    """Each page begins with the last item of the page before."""
    before = page.memory.get(page.cursor)
    if (following := field_of(page.document, page.listing.next_cursor)) and page.items:
        page.memory[following] = page.items[-1]
    return page.document if before is None else page.with_items([before, *page.items[: page.limit - 1]])


@list_mutator("next_cursor", EVERYWHERE, *SIZES, "after_the_first", style=CURSOR)
async def null_too_early(page: ListPage) -> Any:
    return page.with_field(page.listing.next_cursor, None)


@list_mutator("next_cursor", "after_the_first", *SIZES, style=CURSOR)
async def same_page_again(page: ListPage) -> Any:
    return page.with_field(page.listing.next_cursor, page.cursor) if page.cursor else page.document


@list_mutator("next_cursor", EVERYWHERE, "largest_limit", style=CURSOR)
async def never_null(page: ListPage) -> Any:
    is_last = field_of(page.document, page.listing.next_cursor) is None and page.cursor
    return page.with_field(page.listing.next_cursor, page.cursor) if is_last else page.document


@list_mutator("next_cursor", EVERYWHERE, "default_limit", style=CURSOR)
async def next_cursor_one_too_far(page: ListPage) -> Any:
    document = await page.refetch(limit=page.limit + 1)
    return page.with_field(page.listing.next_cursor, field_of(document, page.listing.next_cursor))


@list_mutator("key", EVERYWHERE, "largest_limit", style=CURSOR)
async def first_one_doubled(page: ListPage) -> Any:
    return page.with_items([page.items[0], *page.items[:1], *page.items[2:]]) if len(page.items) > 1 else page.document


@list_mutator("key", "middle_row", "row_before_a_border", style=CURSOR)
async def key_of_a_neighbour(page: ListPage) -> Any:
    items = list(page.items)
    index = page.index(items)
    if index >= 0 and len(items) > 1:
        other = items[index - 1 if index else 1]
        items[index] = page.with_key(items[index], field_of(other, page.listing.key))
    return page.with_items(items)


# Not for one item only: that is a list in which one item is replaced by another.
@list_mutator("key", EVERYWHERE, style=CURSOR)
async def key_made_up_each_time(page: ListPage) -> Any:
    made = [page.with_key(item, page.invented_key(item)) for item in page.items]
    return page.with_items(made)


@list_mutator("order", *SIZES, "by_turns", style=CURSOR)
async def page_reversed(page: ListPage) -> Any:
    return page.with_items(page.items[::-1])
