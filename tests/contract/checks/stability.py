"""Checks that responses do not flip back and forth.

Lists and items may change between two requests. But a deleted item does not return, and an item does not return to an
earlier state. If either happens, some worker, cache or replica has old data.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from codegen.cel import MISSING, timestamp

from ..interaction import RULES, TRANSITION_RULES, Interaction, resend_for_page
from ..pages import Page, describe_item, differences, quote_value
from ..run_state import run_state
from .base import PagesContradict, check
from .page_comparison import MAX_PROBES, RETURNS, ComparingCheck
from .rules import read_fields

T = TypeVar("T")

# Tolerated difference between two clocks.
CLOCK_SKEW = timedelta(minutes=5)
# How many differences must vanish when requested again before `one_list` probes for flipping, and how often it does.
DOUBTS, LOOKS = 3, 2
# Rounds of three requests per probe, and how often an earlier state must return.
ROUNDS, TURNS = 14, 2
# So many items, all of a page, must have changed before it is checked whether they change on each read.
ALL_OF = 5


def count_returns(states: list[T]) -> int:
    """Count the returns to an earlier state."""
    return sum(before != now and now in states[:number] for number, (before, now) in enumerate(pairwise(states), 1))


def earliest_time(item: Any) -> datetime | None:
    """Return the earliest of the item's times that rules about changes read: it exists since then. None without any."""
    read = [value for name in TRANSITION_RULES for value in read_fields(RULES[name], "self", item).values()]
    times = [moment.ToDatetime(UTC) for value in read if (moment := timestamp(value)) is not MISSING]
    return min(times, default=None)


@dataclass
class SmallestTotal:
    """The smallest total of a list so far, and the items of that time that were seen since."""

    page: Page
    moment: datetime
    since: set[str] = field(default_factory=set)


@check
class one_list(ComparingCheck):
    """All pages show one list: the total counts every item, and nothing flips back and forth."""

    def __init__(self) -> None:
        super().__init__()
        self.least: dict[object, SmallestTotal] = {}
        self.probes = 0

    def compare(self, page: Page, found: Interaction) -> bool | None:
        if not page.operation.is_offset_list:
            return True
        # The clock that is behind: this machine's or the server's.
        now = datetime.now(UTC)
        if not page.filters:
            self.count(page, min(now, found.server_time) if found.server_time else now)
        suspects = run_state().suspects
        if len(suspects) >= DOUBTS and self.probes < LOOKS:
            self.probes += 1
            suspect = next((each for each in reversed(suspects) if each.operation.is_offset_list), None)
            suspects.clear()
            if suspect:
                self.probe(suspect)
        return None

    def count(self, page: Page, now: datetime) -> None:
        least = self.least.get(page.list_key)
        if least is None or page.total < least.page.total:
            self.least[page.list_key] = SmallestTotal(page, now)
            return
        for key, item in page.by_key.items():
            if key not in least.since and (moment := earliest_time(item)) and moment < least.moment - CLOCK_SKEW:
                least.since.add(key)
        if len(least.since) > least.page.total:
            self.is_done = True
            raise PagesContradict(
                f"the total was {least.page.total} with {least.page.place}, but {len(least.since)} items that existed "
                f"long before were read since, the last one with {page.place}"
            )

    def probe(self, suspect: Page) -> None:
        """Request the first page, the last page and the suspect, alternately.

        Every change of the list shows on the first or the last page, and lasts.
        """
        limit = suspect.operation.limits[-1]
        first = page_like(suspect, limit, 0)
        last = page_like(suspect, limit, max(suspect.total - limit // 2, 0))
        seen: list[list[Page]] = [[], [], []]
        for _ in range(ROUNDS):
            for pages, page in zip(seen, (first, last, suspect), strict=True):
                if page and (found := resend_for_page(page.case)):
                    pages.append(found)
            starts, ends = ([page.keys for page in pages] for pages in seen[:2])
            if count_returns(starts) >= TURNS:
                raise PagesContradict(
                    f"the items with {seen[0][0].place} flip back and forth: of {len(starts)} reads in a row, "
                    f"{count_returns(starts)} returned earlier items"
                )
            if len(set(starts)) > 1 or len(set(ends)) > 1:
                # The list itself changes.
                run_state().inconclusive.add(type(self).__name__)
                return
            totals = [page.total for page in in_request_order(seen)]
            if count_returns(totals) >= TURNS:
                raise PagesContradict(
                    f"the total flips between {totals[0]} and {next(each for each in totals if each != totals[0])}, "
                    "while the items of the first and the last page stay the same"
                )
            rows = [page.keys for page in seen[2]]
            if count_returns(rows) >= TURNS:
                raise PagesContradict(f"the items with {suspect.place} flip back and forth")


def page_like(page: Page, limit: int, offset: int) -> Page | None:
    listing = page.operation.listing
    assert listing is not None
    filters = {name: page.operation.query[name].serialize(json.loads(value)) for name, value in page.filters}
    case = page.case.derive(keep_auth=True, query={**filters, listing.limit: limit, listing.offset: offset})
    found = resend_for_page(case)
    return replace(found, case=case) if found else None


def in_request_order(seen: list[list[Page]]) -> list[Page]:
    """Return the pages in the order of the requests."""
    return [page for pages in zip(*seen, strict=False) for page in pages]


def same_value(one: Any, other: Any) -> bool:
    """True if two values are equal, ignoring the case of UUIDs and the notation of times."""
    return one == other or next(differences(one, other), None) is None


@check
class items_do_not_go_back(ComparingCheck):
    """No item returns to an earlier state, and not all items differ on each read.

    Changes that a rule of the contract forbids are left to that rule.
    """

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[tuple[str, str], list[Any]] = {}
        self.returns = 0
        self.probes_left = MAX_PROBES

    @staticmethod
    def page_of(found: Interaction) -> Page | None:
        return found.snapshot

    def compare(self, page: Page, found: Interaction) -> bool | None:
        broken = {key for keys in found.changes.values() for key in keys} | run_state().duplicate_keys
        back = ""
        new = 0
        for key, item in page.by_key.items():
            states = self.states.setdefault((page.operation.item_schema, key), [])
            if key in broken or not states or same_value(states[-1], item):
                if not states or key in broken:
                    states.append(item)
                continue
            new += 1
            if any(same_value(state, item) for state in states):
                back = self.explain(key, item, states[-1], page)
            states.append(item)
        self.returns += bool(back)
        if back and self.returns >= RETURNS:
            self.is_done = True
            raise PagesContradict(f"{back}; items returned to an earlier state {RETURNS} times")
        if new >= ALL_OF and new == len(page.items) and self.probes_left > 0:
            self.probes_left -= 1
            self.probe(page)
        return None if page.items else True

    @staticmethod
    def explain(key: str, now: Any, before: Any, page: Page) -> str:
        name, here, there = next(differences(now, before))
        return (
            f"{describe_item(page.operation, key)} returned to an earlier state: its {name} is {quote_value(here)} "
            f"with {page.place}, was {quote_value(there)} before, and {quote_value(here)} before that"
        )

    def probe(self, page: Page) -> None:
        """Raise PagesContradict if all items differ on each of several reads: no list changes that fast."""
        before = page
        for _ in range(RETURNS):
            after = resend_for_page(page.case)
            common = [key for key in after.by_key if key in before.by_key] if after else []
            if not after or not common or any(same_value(after.by_key[key], before.by_key[key]) for key in common):
                return
            before = after
        self.is_done = True
        name, here, there = next(differences(before.items[0], page.items[0]))
        raise PagesContradict(
            f"all items with {page.place} differ on each read: {name} of "
            f"{describe_item(page.operation, page.keys[0])} was {quote_value(there)}, then {quote_value(here)}"
        )
