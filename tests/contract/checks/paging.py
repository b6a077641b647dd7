"""Paging: pages are slices of one ordered list, as `x-list` promises."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..interaction import Interaction, identity_changed, is_another_item, resend_for_page
from ..pages import Page, describe_item, differences, normalize, quote_value
from ..parameter import INVALID
from ..run_state import run_state
from .base import Check, PagesContradict, Violation, check
from .page_comparison import MAX_PROBES, REQUESTS, RETURNS, ComparingCheck

# Requests per check whether a wrong number of items is reproducible.
LOOKS = 4
# Tolerated difference when COUNT and SELECT are not atomic.
COUNT_TOLERANCE = 3


# The first of the checks that compare: its findings explain what the others would report.
@check
class unique_ids(ComparingCheck):  # In lower case like all checks: reports show this name.
    """No two items share a key, on one page or on two, and no item changes its key."""

    def __init__(self) -> None:
        super().__init__()
        self.probes_left = MAX_PROBES
        self.pages: dict[tuple[object, ...], Page] = {}

    def compare(self, page: Page, found: Interaction) -> bool | None:
        if not page.filters:
            run_state().rows.setdefault(page.list_key[:2], set()).update(page.keys)
        key = page.operation.key_field
        before = self.pages.setdefault((page.list_key, page.limit, page.offset, page.cursor), page)
        if (
            len(page.items) > 1
            and not set(before.keys).intersection(page.keys)
            and without_keys(before) == without_keys(page)
        ):
            raise PagesContradict(
                f"the {key} of an item must not change: with {page.place}, the same items have other ones on each read "
                f"(the first had {before.keys[0]}, then {page.keys[0]})"
            )
        for index, value in enumerate(() if page.is_unique else page.keys):
            if value in page.keys[:index]:
                run_state().duplicate_keys.add(value)
                raise PagesContradict(
                    f"the {key} {quote_value(value)} must be unique: items {page.keys.index(value)} and {index} with "
                    f"{page.place} have it"
                )
        wrong = ""
        for value in dict.fromkeys(value for keys in found.changes.values() for value in keys):
            if message := self.duplicate_message(found.earlier[value], page, value):
                # All of them, so that other checks need not find out again that these are two items.
                run_state().duplicate_keys.add(value)
                wrong = wrong or message
        if wrong:
            raise PagesContradict(wrong)
        return None

    def duplicate_message(self, first: Page, second: Page, value: str) -> str:
        """Return a message if two items share the key: both keep their positions. Empty if one item changed."""
        key = second.operation.key_field
        if first.operation.listing is None:
            return ""
        if first.parent != second.parent:
            return (
                f"items of two lists, those of {second.operation.parent} {first.parent} ({first.place}) and "
                f"{second.parent} ({second.place}), share the {key} {quote_value(value)}"
            )
        if self.probes_left > 0:
            self.probes_left -= 1
            one, other = (resend_for_page(page.case) or page for page in (first, second))
            if value in one.keys and value in other.keys and is_another_item(one, other, value):
                first, second = one, other
        if first.list_key != second.list_key or not second.operation.is_offset_list:
            return ""
        here, there = first.position(value), second.position(value)
        if here == there or first.total != second.total:
            return ""
        field, before, after = next(differences(first.by_key[value], second.by_key[value]))
        return (
            f"two items, numbers {here} and {there} of the list, share the {key} {quote_value(value)}: {field} "
            f"{quote_value(before)} ({first.place}) and {quote_value(after)} ({second.place})"
        )


def without_keys(page: Page) -> Sequence[Any]:
    """Return the items without their keys."""
    key = page.operation.key_field
    return [normalize({name: value for name, value in item.items() if name != key}) for item in page.items]


@check
def limit_and_offset_echoed(found: Interaction) -> bool | None:
    """A page echoes the requested limit and offset."""
    if found.body is None or not found.is_own_method:
        return True
    judged = False
    listing = found.operation.listing
    for name, field in listing.echoes.items() if listing else ():
        parsed, echoed = found.parsed.integers.get(name), found.integer_at(field)
        if parsed and parsed.is_given and parsed.values and parsed.judgement != INVALID and echoed is not None:
            judged = True
            if echoed not in parsed.echoes:
                wanted = " or ".join(map(str, sorted(parsed.values)))
                raise Violation(f"{name} {wanted} was requested, but the page says {name} {echoed}")
    return None if judged else True


@check
class number_of_items(Check):
    """A page has as many items as requested, or as many as remain after its offset."""

    def __init__(self) -> None:
        self.totals: dict[object, set[int]] = {}
        self.is_sure = False
        self.probes_left = REQUESTS // LOOKS

    def judge(self, found: Interaction) -> bool | None:
        page, listing = found.page, found.operation.listing
        if page is None or listing is None:
            return True
        if not found.operation.is_offset_list:
            if len(page.items) > page.limit:
                what = (
                    f"{listing.limit} {page.limit}" if page.is_limited else f"no {listing.limit} (default {page.limit})"
                )
                raise PagesContradict(f"{what} was requested, but the page has {len(page.items)} items")
            return None
        # Without a requested limit the echoed one counts; `defaults_applied` judges whether it is right.
        echoed = found.integer_at(listing.echoes.get(listing.limit, ""))
        limit = page.limit if page.is_limited else echoed
        if limit is None:
            return True
        wrong = self.excess(page, limit)
        if wrong and (self.is_sure or abs(wrong) > COUNT_TOLERANCE or not self.is_explained(page, limit)):
            self.is_sure = True
            raise PagesContradict(
                f"with {listing.limit} {limit}, {listing.offset} {page.offset} and {listing.total} {page.total} a page "
                f"must have {len(page.items) - wrong} items (got {len(page.items)})"
            )
        self.totals.setdefault(page.list_key, set()).add(page.total)
        return None

    @staticmethod
    def excess(page: Page, limit: int) -> int:
        return len(page.items) - max(0, min(limit, page.total - page.offset))

    def is_explained(self, page: Page, limit: int) -> bool:
        """True if a changing list explains the difference: a server may count the items before it reads them."""
        if self.probes_left == 0:
            run_state().inconclusive.add(type(self).__name__)
            return True
        self.probes_left -= 1
        pages = [resend_for_page(page.case) for _ in range(LOOKS)]
        totals = {page.total, *self.totals.get(page.list_key, ()), *(each.total for each in pages if each)}
        # A bug would give the same difference each time.
        return len(totals) > 1 and any(self.excess(each, limit) != self.excess(page, limit) for each in pages if each)


@check
class same_total(ComparingCheck):
    """The total does not depend on limit or offset."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[object, Page] = {}

    @staticmethod
    def differ(first: Page, second: Page) -> object:
        return first.total != second.total and (first.total, second.total)

    def compare(self, page: Page, found: Interaction) -> bool | None:
        earlier = self.seen.setdefault(page.list_key, page)
        if page.total < 0:
            return True
        if earlier.total != page.total:
            if pair := self.confirm(earlier, page, self.differ):
                one, other = pair
                raise PagesContradict(
                    f"the total is {one.total} with {one.place}, but {other.total} with {other.place}, in repeated "
                    "alternating reads"
                )
            self.seen[page.list_key] = page
        return None


@check
class one_order(ComparingCheck):
    """The order of two items never changes, and no deleted item returns.

    Needs no confirmation: no change of the list explains either.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[object, dict[tuple[str, ...], Page]] = {}
        self.gone: set[str] = set()
        self.returns = 0

    def compare(self, page: Page, found: Interaction) -> bool | None:
        if not page.operation.listing or not page.operation.listing.order:
            return True
        seen = self.seen.setdefault(page.list_key, {})
        if not page.is_unique:
            return None
        self.note_returns(page, list(seen.values()))
        if page.keys in seen:
            # Now the latest one.
            seen[page.keys] = seen.pop(page.keys)
            return None
        for earlier in seen.values():
            places = {key: number for number, key in enumerate(earlier.keys)}
            common = [key for key in page.keys if key in places]
            for before, after in pairwise(common):
                if places[before] > places[after] and not identity_changed(earlier, page):
                    raise PagesContradict(
                        f"{describe_item(page.operation, before)} comes before {after} with {page.place}, but after "
                        f"it with {earlier.place}"
                    )
        seen[page.keys] = page
        return None

    def note_returns(self, page: Page, earlier: list[Page]) -> None:
        if page.filters or not page.operation.is_offset_list:
            # A changed item moves to another page of such a list, and may return.
            return
        back = self.gone.intersection(page.keys)
        self.gone -= back
        self.returns += bool(back)
        if back and self.returns == RETURNS:
            raise PagesContradict(
                f"{describe_item(page.operation, min(back))} was deleted, but is in the list again with "
                f"{page.place}; deleted items returned {RETURNS} times, as from a cache or a replica that lags behind"
            )
        is_last = len(page.items) < page.limit and page.offset + len(page.items) == page.total
        for other in earlier[-10:]:
            common = [number for number, key in enumerate(other.keys) if key in page.by_key]
            # An item between two that are on this page would be on it as well.
            first = 0 if page.offset == 0 else common[0] if common else 0
            last = len(other.keys) if is_last else common[-1] if common else 0
            missing = set(other.keys[first:last]).difference(page.by_key) if common else set()
            if missing and not identity_changed(other, page):
                self.gone |= missing


@check
class pages_fit_together(ComparingCheck):
    """Pages of any size are slices of one list: each position has one item, and each item one position."""

    def __init__(self) -> None:
        super().__init__()
        self.by_place: dict[tuple[object, int], Page] = {}
        self.by_key: dict[tuple[object, str], Page] = {}

    @staticmethod
    def differ(first: Page, second: Page) -> bool:
        keys = dict(enumerate(first.keys, first.offset))
        places = {key: place for place, key in keys.items()}
        return any(
            keys.get(place, key) != key or places.get(key, place) != place
            for place, key in enumerate(second.keys, second.offset)
        )

    def differ_at_rest(self, first: Page, second: Page) -> bool | None:
        return self.differ(first, second) if first.total == second.total else None

    @staticmethod
    def conflict(first: Page, second: Page) -> str:
        """Describe the contradiction between two pages."""
        if common := [key for key in first.keys if key in second.keys and first.position(key) != second.position(key)]:
            what = f"{describe_item(first.operation, common[0])} is number"
            one, other = (f"{page.position(common[0])} with {page.place}" for page in (first, second))
        else:
            here, there = (dict(enumerate(page.keys, page.offset)) for page in (first, second))
            number = min(place for place in here.keys() & there.keys() if here[place] != there[place])
            what = f"item {number} of the list is the one with {first.operation.key_field}"
            one, other = f"{here[number]} with {first.place}", f"{there[number]} with {second.place}"
        return (
            f"{what} {one}, but {other}, in repeated alternating reads: an item is missing between pages, or repeated"
        )

    def compare(self, page: Page, found: Interaction) -> bool | None:
        if not page.operation.is_offset_list:
            return True
        for place, key in enumerate(page.keys, page.offset):
            for earlier in (self.by_place.get((page.list_key, place)), self.by_key.get((page.list_key, key))):
                if earlier is None or not self.differ(earlier, page):
                    continue
                if identity_changed(earlier, page):
                    # Two items share a key, which `unique_ids` reports.
                    return True
                # Different totals mean a changed list, or are reported by `same_total`.
                if earlier.total == page.total and (pair := self.confirm(earlier, page, self.differ_at_rest)):
                    raise PagesContradict(self.conflict(*pair))
                # The list changed, so earlier pages say nothing about it.
                self.by_place.clear()
                self.by_key.clear()
        for place, key in enumerate(page.keys, page.offset):
            self.by_place[page.list_key, place] = self.by_key[page.list_key, key] = page
        return None
