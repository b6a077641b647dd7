"""From `x-list`: what a list by cursors promises, broken entry by entry."""

from __future__ import annotations

from typing import Any

from codegen.extensions.lists import field_of

from .cutting import Cut, breaks
from .making import EVERYWHERE

SIZES = ("largest_limit", "default_limit")
CURSOR = "cursor"


@breaks("limit", EVERYWHERE, "after_the_first", style=CURSOR)
async def limit_ignored(cut: Cut) -> Any:
    return await cut.instead(limit=None)


@breaks("limit", EVERYWHERE, "default_limit", style=CURSOR)
async def limit_one_more(cut: Cut) -> Any:
    return await cut.instead(limit=cut.limit + 1)


@breaks("items", EVERYWHERE, *SIZES, style=CURSOR)
async def last_one_missing(cut: Cut) -> Any:
    return cut.with_items(cut.items[:-1]) if len(cut.items) > 1 else cut.document


@breaks("items", "middle_row", "row_before_a_border", style=CURSOR)
async def row_missing_on_small_pages(cut: Cut) -> Any:
    kept = [item for item in cut.items if cut.lists.key(item) != cut.row]
    return cut.with_items(kept) if cut.limit <= cut.default else cut.document


@breaks("cursor", EVERYWHERE, *SIZES, style=CURSOR)
async def cursor_ignored(cut: Cut) -> Any:
    return await cut.instead(cursor=None)


@breaks("cursor", EVERYWHERE, *SIZES, style=CURSOR)
async def lost_between_pages(cut: Cut) -> Any:
    return cut.with_items(cut.items[1:]) if cut.cursor else cut.document


@breaks("cursor", EVERYWHERE, *SIZES, style=CURSOR)
async def repeated_on_the_next_page(cut: Cut) -> Any:
    """A page begins with the last item of the one before."""
    before = cut.memory.get(cut.cursor)
    if (following := field_of(cut.document, cut.listing.next_cursor)) and cut.items:
        cut.memory[following] = cut.items[-1]
    return cut.document if before is None else cut.with_items([before, *cut.items[: cut.limit - 1]])


@breaks("next_cursor", EVERYWHERE, *SIZES, "after_the_first", style=CURSOR)
async def null_too_early(cut: Cut) -> Any:
    return cut.with_field(cut.listing.next_cursor, None)


@breaks("next_cursor", "after_the_first", *SIZES, style=CURSOR)
async def same_page_again(cut: Cut) -> Any:
    return cut.with_field(cut.listing.next_cursor, cut.cursor) if cut.cursor else cut.document


@breaks("next_cursor", EVERYWHERE, "largest_limit", style=CURSOR)
async def never_null(cut: Cut) -> Any:
    is_last = field_of(cut.document, cut.listing.next_cursor) is None and cut.cursor
    return cut.with_field(cut.listing.next_cursor, cut.cursor) if is_last else cut.document


@breaks("next_cursor", EVERYWHERE, "default_limit", style=CURSOR)
async def next_cursor_one_too_far(cut: Cut) -> Any:
    document = await cut.instead(limit=cut.limit + 1)
    return cut.with_field(cut.listing.next_cursor, field_of(document, cut.listing.next_cursor))


@breaks("key", EVERYWHERE, "largest_limit", style=CURSOR)
async def first_one_doubled(cut: Cut) -> Any:
    return cut.with_items([cut.items[0], *cut.items[:1], *cut.items[2:]]) if len(cut.items) > 1 else cut.document


@breaks("key", "middle_row", "row_before_a_border", style=CURSOR)
async def key_of_a_neighbour(cut: Cut) -> Any:
    items = list(cut.items)
    place = await cut.index(items)
    if place >= 0 and len(items) > 1:
        other = items[place - 1 if place else 1]
        items[place] = cut.with_key(items[place], field_of(other, cut.listing.key))
    return cut.with_items(items)


# Of one item only it is a list that changes: one goes, and another one comes.
@breaks("key", EVERYWHERE, style=CURSOR)
async def key_made_up_each_time(cut: Cut) -> Any:
    made = [cut.with_key(item, cut.made_up(item, cut.turn)) for item in cut.items]
    return cut.with_items(made)


@breaks("order", *SIZES, "by_turns", style=CURSOR)
async def page_reversed(cut: Cut) -> Any:
    return cut.with_items(cut.items[::-1])
