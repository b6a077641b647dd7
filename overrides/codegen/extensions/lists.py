"""Reads and judges the pages of a list by `x-list` and `x-selects`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegen.cel import MISSING, Plan, Result, converter, field_name, judge_each, parts
from codegen.extensions.exchange import Verdict
from codegen.extensions.model import AtMost, Described, Listing, Rule
from codegen.openapi import Node

# Maximum items of a page.
MOST_ITEMS = 10_000


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes:
        items: The items, as JSON values.
        keys: The key of each item as text, a UUID in lower case; None if it has none.
        total: The number of all items; None if the page does not state it.
        next_cursor: The cursor of the next page; None if there is none.
    """

    items: Sequence[Any]
    keys: tuple[str | None, ...]
    total: int | None
    next_cursor: str | None


class Lists:
    """Reads the pages of an operation.

    Attributes:
        listing: Its `x-list`.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._key = converter(_schema_at(listing.item, listing.key), Plan(deep=True)) if listing.key else None
        self._conditions = [_Condition(listing, each) for each in listing.at_most]

    def read(self, body: Any) -> Page | None:
        """Return the page of a body; None if it has no list of items, or too many."""
        items = field_of(body, self.listing.items)
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            return None
        total = _integer(field_of(body, self.listing.total)) if self.listing.total else None
        cursor = field_of(body, self.listing.next_cursor) if self.listing.next_cursor else None
        return Page(items, tuple(map(self.key, items)), total, cursor if isinstance(cursor, str) else None)

    def key(self, item: Any) -> str | None:
        """Return the key of an item as text; None if it has none."""
        value = field_of(item, self.listing.key)
        made = MISSING if self._key is None or value is MISSING else self._key(value)
        return None if made is MISSING or made is None else str(made)

    def matching(self, at_most: AtMost, items: Sequence[Any]) -> list[bool]:
        """Return for each item whether it satisfies the condition of an `at_most`; False if that cannot be judged."""
        return next(each for each in self._conditions if each.at_most is at_most).matching(items)

    def judge(self, query: Mapping[str, Any], body: Any) -> Iterator[Verdict]:
        """Judge the promises that concern a single page.

        Args:
            query: The query parameters, with defaults.
            body: The page.
        """
        page = self.read(body)
        for name, message in self.listing.promises.items():
            broken = self._broken(name, query, body, page)
            if broken is not None:
                result = Result.BROKEN if broken else Result.HOLDS
                yield Verdict(name, message, result, "", body)
        for where in self._conditions if page else ():
            count = sum(where.matching(page.items)) if page else 0
            result = Result.HOLDS if count <= where.at_most.count else Result.BROKEN
            yield Verdict(where.at_most.where.id, where.at_most.where.message, result, "", body)

    def _broken(self, name: str, query: Mapping[str, Any], body: Any, page: Page | None) -> bool | None:
        """Return whether a page breaks a promise; None if a single page does not show it."""
        listing = self.listing
        if name == "limit_and_offset_echoed":
            pairs = [(query.get(sent, MISSING), field_of(body, field)) for sent, field in listing.echoes.items()]
            known = [(sent, given) for sent, given in pairs if MISSING not in (sent, given)]
            return any(sent != given for sent, given in known) if known else None
        if name == "number_of_items" and page and page.total is not None:
            offset, limit = query.get(listing.offset), query.get(listing.limit, len(page.items))
            if isinstance(offset, int) and isinstance(limit, int):
                return len(page.items) != max(0, min(limit, page.total - offset))
        if name == "unique_ids" and page:
            keys = [key for key in page.keys if key is not None]
            return len(set(keys)) < len(keys)
        return None


class _Condition:
    """The condition of an `at_most`."""

    def __init__(self, listing: Listing, at_most: AtMost) -> None:
        self.at_most = at_most
        self.program = at_most.where.program
        plan = Plan()
        for path, deep in self.program.uses.reads.items():
            plan.add(path[1:], deep)
        self.convert = converter(listing.item, plan)

    def matching(self, items: Sequence[Any]) -> list[bool]:
        values = [self.convert(item) for item in items]
        known = [value for value in values if value is not MISSING]
        results = iter(judge_each([self.program], [{"self": value} for value in known], {})[0])
        return [value is not MISSING and next(results) is Result.HOLDS for value in values]


class Selection:
    """The `x-selects` of a query parameter.

    Attributes:
        rules: The rules. A value selects exactly the items that satisfy all.
    """

    def __init__(self, described: Described, parameter: str) -> None:
        self.rules: tuple[Rule, ...] = described.selects[parameter]
        self._converters = {}
        for name, schema in described.selection_variables(parameter).items():
            plan = Plan()
            for rule in self.rules:
                for path, deep in rule.program.uses.reads.items():
                    if path[0] == name:
                        plan.add(path[1:], deep)
            self._converters[name] = converter(schema, plan)

    def judge(self, rule: Rule, items: Sequence[Any], value: Any) -> list[Result]:
        """Return for each item whether a rule holds for it and the value of the parameter."""
        selected = self._converters["value"](value)
        if selected is MISSING:
            return [Result.NOT_JUDGED] * len(items)
        rows = [self._converters["item"](item) for item in items]
        known = [{"item": row} for row in rows if row is not MISSING]
        results = iter(judge_each([rule.program], known, {"value": selected})[0])
        return [Result.NOT_JUDGED if row is MISSING else next(results) for row in rows]


def _schema_at(schema: Node, name: str) -> Node:
    found = parts(schema, map(field_name, name.split(".")))
    return found[0].node if found else schema


def field_of(value: Any, name: str) -> Any:
    """Return a field by name; nested names are joined with dots. MISSING if there is none."""
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
