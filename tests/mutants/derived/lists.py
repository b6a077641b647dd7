"""From `x-list`: what a list promises as a whole, broken entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codegen.extensions.lists import field_of

from .cutting import Cut, breaks, mutants
from .making import EVERYWHERE, Derived, family

ROWS = ("first_row", "last_row", "middle_row", "row_before_a_border")
SIZES = ("largest_limit", "default_limit", "least_limit")
# Where nothing was asked for, another check says that a default is wrong.
DEFAULTS = frozenset({"defaults_applied"})


@family
def lists() -> Iterator[Derived]:
    yield from mutants()


# The items, and how many there are on a page


@breaks("items", *ROWS)
async def row_lost(cut: Cut) -> Any:
    return await cut.of([item for item in await cut.whole() if cut.lists.key(item) != cut.row])


@breaks("items", EVERYWHERE, "largest_limit", "default_limit", "after_the_first", "by_turns")
async def last_one_missing(cut: Cut) -> Any:
    """A page that is full lacks one."""
    return cut.with_items(cut.items[:-1]) if len(cut.items) == cut.limit else cut.document


@breaks("items", "largest_limit", "after_the_first", "last_page", "by_turns")
async def none_at_all(cut: Cut) -> Any:
    return cut.with_items([])


@breaks("limit", EVERYWHERE, "after_the_first")
async def ignored(cut: Cut) -> Any:
    return await cut.instead(limit=None)


@breaks("limit", EVERYWHERE, "default_limit", "least_limit")
async def one_more(cut: Cut) -> Any:
    return await cut.instead(limit=cut.limit + 1)


@breaks("limit", EVERYWHERE)
async def capped_below_the_largest(cut: Cut) -> Any:
    return await cut.instead(limit=min(cut.limit, cut.operation.limits[-1] - 1))


@breaks("offset", EVERYWHERE, *SIZES)
async def offset_ignored(cut: Cut) -> Any:
    return await cut.instead(offset=0)


@breaks("offset", EVERYWHERE, "after_the_first", "largest_limit")
async def offset_one_more(cut: Cut) -> Any:
    return await cut.instead(offset=cut.offset + 1)


@breaks("offset", EVERYWHERE, "largest_limit", "last_page", "at_the_end")
async def offset_one_less(cut: Cut) -> Any:
    return await cut.instead(offset=max(cut.offset - 1, 0))


@breaks("offset", EVERYWHERE, "at_the_end", "far_away")
async def last_page_past_the_end(cut: Cut) -> Any:
    return cut.document if cut.offset < cut.total else await cut.instead(offset=max(cut.total - cut.limit, 0))


@breaks("style", EVERYWHERE)
async def offset_counts_pages(cut: Cut) -> Any:
    return await cut.instead(offset=cut.offset * cut.limit)


# The total, and what a page repeats


@breaks("total", EVERYWHERE, *SIZES, "after_the_first", "last_page", "at_the_end", "filtered", "by_turns")
async def total_one_more(cut: Cut) -> Any:
    return cut.with_field(cut.listing.total, cut.total + 1)


@breaks("total", EVERYWHERE, *SIZES, "after_the_first", "last_page", "filtered", "by_turns")
async def total_one_less(cut: Cut) -> Any:
    return cut.with_field(cut.listing.total, max(cut.total - 1, 0))


@breaks("total", EVERYWHERE, "last_page")
async def total_of_the_page(cut: Cut) -> Any:
    return cut.with_field(cut.listing.total, len(cut.items))


@breaks("total", "filtered")
async def total_without_filters(cut: Cut) -> Any:
    asked = cut.asked
    for name in cut.filters:
        asked = asked.with_value(name)
    total = field_of((await cut.ask(asked)).json, cut.listing.total)
    return cut.with_field(cut.listing.total, total)


def echo(cut: Cut, role: str, value: int) -> Any:
    field = cut.listing.echoes.get(getattr(cut.listing, role))
    return cut.with_field(field, value) if field else cut.document


@breaks("echoes", EVERYWHERE, *SIZES, "after_the_first", also=DEFAULTS)
async def limit_echoed_one_more(cut: Cut) -> Any:
    return echo(cut, "limit", cut.limit + 1)


@breaks("echoes", EVERYWHERE, "after_the_first")
async def limit_echoed_as_default(cut: Cut) -> Any:
    return echo(cut, "limit", cut.default)


@breaks("echoes", "last_page", also=DEFAULTS)
async def limit_echoed_as_number_of_items(cut: Cut) -> Any:
    return echo(cut, "limit", max(len(cut.items), 1))


@breaks("echoes", EVERYWHERE, *SIZES, "last_page", also=DEFAULTS)
async def offset_echoed_one_more(cut: Cut) -> Any:
    return echo(cut, "offset", cut.offset + 1)


@breaks("echoes", EVERYWHERE, "at_the_end", "far_away")
async def offset_echoed_as_default(cut: Cut) -> Any:
    return echo(cut, "offset", cut.operation.defaults[cut.listing.offset])


# Which item is which


@breaks("key", EVERYWHERE, "largest_limit")
async def first_one_doubled(cut: Cut) -> Any:
    return cut.with_items([cut.items[0], *cut.items[:1], *cut.items[2:]]) if len(cut.items) > 1 else cut.document


@breaks("key", *ROWS)
async def row_doubled(cut: Cut) -> Any:
    """It stands where its neighbour should."""
    items = await cut.whole()
    place = await cut.index(items)
    if place >= 0 and len(items) > 1:
        items[place - 1 if place else 1] = items[place]
    return await cut.of(items)


@breaks("key", EVERYWHERE, *SIZES)
async def doubled_on_the_next_page(cut: Cut) -> Any:
    return await cut.instead(offset=cut.offset - 1) if cut.offset else cut.document


@breaks("key", EVERYWHERE, "largest_limit")
async def lost_between_pages(cut: Cut) -> Any:
    return await cut.instead(offset=cut.offset + 1) if cut.offset else cut.document


@breaks("key", *ROWS)
async def key_of_a_neighbour(cut: Cut) -> Any:
    items = await cut.whole()
    place = await cut.index(items)
    if place >= 0 and len(items) > 1:
        other = items[place - 1 if place else 1]
        items[place] = cut.with_key(items[place], field_of(other, cut.listing.key))
    return await cut.of(items)


@breaks("key", "first_row", "last_row")
async def key_of_one_far_away(cut: Cut) -> Any:
    items = await cut.whole()
    place = await cut.index(items)
    if place >= 0 and len(items) > 1:
        other = items[(place + len(items) // 2) % len(items)]
        items[place] = cut.with_key(items[place], field_of(other, cut.listing.key))
    return await cut.of(items)


@breaks("key", EVERYWHERE, "middle_row")
async def key_made_up_each_time(cut: Cut) -> Any:
    made = [
        cut.with_key(item, cut.made_up(item, cut.turn)) if cut.row in (None, key) else item
        for key, item in zip(cut.keys, cut.items, strict=True)
    ]
    return cut.with_items(made)


# The order


@breaks("order", *SIZES, "by_turns", "filtered")
async def reversed_order(cut: Cut) -> Any:
    return await cut.of((await cut.whole())[::-1])


@breaks("order", "largest_limit", "by_turns")
async def sorted_by_key(cut: Cut) -> Any:
    return await cut.of(sorted(await cut.whole(), key=lambda item: str(cut.lists.key(item))))


@breaks("order", *SIZES[:2], "by_turns")
async def page_reversed(cut: Cut) -> Any:
    return cut.with_items(cut.items[::-1])


@breaks("order", "middle_row", "row_before_a_border")
async def row_swapped_by_turns(cut: Cut) -> Any:
    items = await cut.whole()
    place = await cut.index(items)
    if cut.turn % 2 and 0 <= place < len(items) - 1:
        items[place], items[place + 1] = items[place + 1], items[place]
    return await cut.of(items)


@breaks("order", "middle_row", "row_before_a_border")
async def row_swapped_on_small_pages(cut: Cut) -> Any:
    items = await cut.whole()
    place = await cut.index(items)
    if cut.limit <= cut.default and 0 <= place < len(items) - 1:
        items[place], items[place + 1] = items[place + 1], items[place]
    return await cut.of(items)
