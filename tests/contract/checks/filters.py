"""Filters: a parameter value selects exactly the items that satisfy its rules (`x-selects`).

Returned items are judged one by one. Missing items show in comparison with the list without filters: because it may
change at any time, both lists are read again, alternately, before a difference is reported.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from codegen.extensions import Result, Rule

from ..contract import contract
from ..interaction import Interaction, resend_for_page
from ..operation import Operation
from ..pages import Page, describe_item, shorten
from ..run_state import run_state
from .base import RuleBroken, check
from .page_comparison import PROOFS, TRIES, ComparingCheck
from .rules import describe, read_fields, sentence

# Pages of the largest size that are read of a list for comparison.
PAGES = 5


def select_items(page: Page, items: list[Any]) -> list[bool | None]:
    """Return for each item whether the filters of a page select it; None where that cannot be judged."""
    found: list[bool | None] = [True] * len(items)
    for name, text in page.filters:
        selection = page.operation.selections.get(name)
        for rule in selection.rules if selection else ():
            for index, result in enumerate(selection.judge(rule, items, json.loads(text)) if selection else ()):
                if result is Result.BROKEN:
                    found[index] = False
                elif result is Result.NOT_JUDGED and found[index]:
                    found[index] = None
    # A parameter without rules may select others.
    return found if all(name in page.operation.selections for name, _ in page.filters) else [None] * len(items)


def read_list(page: Page, filters: tuple[tuple[str, str], ...]) -> Mapping[str, Any] | None:
    """Read the items of a list, by key; None if it is too long, or changes meanwhile."""
    listing = page.operation.listing
    assert listing is not None
    most = page.operation.limits[-1]
    query = {name: page.operation.query[name].serialize(json.loads(text)) for name, text in filters}
    items: dict[str, Any] = {}
    total, offset = most, 0
    for _ in range(PAGES):
        case = page.case.derive(keep_auth=True, query={**query, listing.limit: most, listing.offset: offset})
        found = resend_for_page(case)
        if found is None or (offset and found.total != total):
            return None
        total = found.total
        items |= found.by_key
        offset += len(found.items)
        if not found.items or offset >= total:
            break
    return items if len(items) == total else None


class SelectionCheck(ComparingCheck):
    """A check that a parameter value selects the right items."""

    operation: Operation
    parameter: str
    rule: Rule

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, dict[str, Page]] = {}
        """By parent id and key, the latest page of the unfiltered list with the item."""
        self.totals: dict[str, int] = {}

    def compare(self, page: Page, found: Interaction) -> bool | None:
        if page.operation is not self.operation:
            return True
        if not page.filters:
            self.known.setdefault(page.parent, {}).update(dict.fromkeys(page.keys, page))
            self.totals[page.parent] = page.total
        filters = dict(page.filters)
        if self.parameter not in filters:
            return True
        value = json.loads(filters[self.parameter])
        results = self.operation.selections[self.parameter].judge(self.rule, list(page.items), value)
        for key, item, result in zip(page.keys, page.items, results, strict=True):
            if result is Result.BROKEN:
                filters = {f"requested {self.parameter}": value}
                fields = describe(read_fields(self.rule, "item", item) | filters)
                raise RuleBroken(sentence(self.rule, describe_item(self.operation, key), fields))
        # Among several filters, the first one looks for missing items.
        selecting = next(name for name, _ in page.filters if name in self.operation.selections)
        is_first = selecting == self.parameter and self.rule is self.operation.selections[self.parameter].rules[0]
        if is_first and self.operation.is_offset_list and page.offset == 0 and self.is_suspect(page):
            self.prove(page)
        return None

    def is_suspect(self, page: Page) -> bool:
        """True if the page contradicts what was read of the unfiltered list."""
        known = self.known.get(page.parent, {})
        keys = list(known)
        answers = select_items(page, [known[key].by_key[key] for key in keys])
        if None in answers:
            return False
        wanted = {key for key, answer in zip(keys, answers, strict=True) if answer}
        is_all = len(known) == self.totals.get(page.parent)
        if len(page.items) == page.total:
            # Items that must not be selected are reported one by one.
            return bool(wanted - page.by_key.keys()) or (is_all and bool(page.by_key.keys() - known.keys()))
        return page.total != len(wanted) if is_all else page.total < len(wanted)

    def prove(self, page: Page) -> None:
        seen: list[tuple[frozenset[str], frozenset[str]]] = []
        base = replace(page, filters=())
        for _ in range(TRIES):
            if self.requests <= 0:
                break
            sent = run_state().sent
            before, between, after = read_list(base, ()), read_list(page, page.filters), read_list(base, ())
            self.requests -= run_state().sent - sent
            if before is None or between is None or after is None or before != after:
                continue
            keys = list(before)
            answers = select_items(page, [before[key] for key in keys])
            wanted = {key for key, answer in zip(keys, answers, strict=True) if answer}
            parted = frozenset(wanted - between.keys()), frozenset(between.keys() - before.keys())
            if parted == (frozenset(), frozenset()):
                return
            seen.append(parted)
            if seen.count(parted) == PROOFS:
                self.is_done = True
                raise RuleBroken(self.explain(page, before, *parted))
        run_state().inconclusive.add(type(self).__name__)

    def explain(self, page: Page, items: Mapping[str, Any], missing: frozenset[str], beyond: frozenset[str]) -> str:
        filters = ", ".join(f"{name} {shorten(json.loads(text))}" for name, text in page.filters)
        key = min(missing or beyond)
        what = "is missing from" if missing else "is in"
        where = "but is in" if missing else "but not in"
        fields = describe(read_fields(self.rule, "item", items[key])) if key in items else ""
        return sentence(
            self.rule,
            f"{describe_item(self.operation, key)} {what} the list with {filters}, {where} the list without filters",
            fields,
        )


for operation in contract().operations:
    for parameter, selection in operation.selections.items() if operation.listing else ():
        for rule in selection.rules:
            attributes = {"operation": operation, "parameter": parameter, "rule": rule, "__doc__": rule.message}
            check(type(rule.id, (SelectionCheck,), attributes))
