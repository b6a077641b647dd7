# Copied by `make generate` from overrides/package/_testing/store.py. Do not edit it here.
"""The state of the fake server: resources, credentials, and the items of lists."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pydantic
from pydantic_core import to_jsonable_python

from . import cel
from .contract import Condition, Contract, Listing, Rule, at
from .factory import ItemFactory, fault_message
from .generation import rfc3339
from .schemas import Schemas

# Approximate.
_SECONDS_BETWEEN_ITEMS = 600
MAX_ADDED = 100_000
"""The maximum number of items added at once."""

Owner = tuple[Any, ...]


@dataclass
class Item:
    """An item of a list.

    Attributes:
        value: The item, as JSON.
        owner: The values of the path parameters that identify the list.
        key: The unique key.
        number: The order in the list: higher numbers come first.
    """

    value: dict[str, Any]
    owner: Owner
    key: str
    number: int


class Store:
    """The state of a server.

    Args:
        contract: The contract that the state must satisfy.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.schemas = Schemas(contract.schemas)
        self.resources: dict[str, set[Any]] = {name: set() for name in contract.resources}
        self.tokens: set[str] = set()
        self.forbidden: set[tuple[str, str]] = set()
        self._items: dict[str, dict[Owner, list[Item]]] = {name: {} for name in contract.lists}
        self._by_key: dict[str, dict[str, Item]] = {name: {} for name in contract.lists}
        self.gone: dict[str, set[str]] = {name: set() for name in contract.lists}
        self._number = 0

    # --- resources ---

    def identity(self, parameter: str, value: Any) -> Any:
        """Return the value of a path parameter, as JSON. Raise ValueError if it is invalid."""
        schema = self.contract.resources[parameter]
        found = self.schemas.parse(schema, str(value))
        for fault in self.schemas.faults(schema, found, (parameter,)):
            raise ValueError(fault_message(fault))
        return found

    def add_resource(self, parameter: str, value: Any) -> Any:
        """Add a resource, by default with a generated identity. Raise ValueError if it exists."""
        known = self.resources[parameter]
        if value is None:
            rng = random.Random(f"{parameter} {len(known)}")
            schema = self.contract.resources[parameter]
            kind = self.schemas.types(self.schemas.resolve(schema))
            value = len(known) + 1 if "integer" in kind else UUID(int=rng.getrandbits(128), version=4)
        found = self.identity(parameter, value)
        if found in known:
            raise ValueError(f"'{parameter}' must be new (got {found}, which exists)")
        known.add(found)
        return found

    # --- items ---

    def owner(self, name: str, values: Sequence[Any]) -> Owner:
        """Return the owner of a list. Raise ValueError if it does not exist."""
        found: list[Any] = []
        for parameter, value in zip(self.contract.lists[name].owners, values, strict=True):
            if parameter in self.resources:
                found.append(self.identity(parameter, value))
                if found[-1] not in self.resources[parameter]:
                    raise ValueError(f"'{parameter}' must have been added (got {str(value)!r})")
            else:
                found.append(str(value).lower())
        return tuple(found)

    def items(self, name: str, owner: Owner) -> list[Item]:
        """Return the items of a list, in order."""
        return self._items[name].get(owner, [])

    def item(self, name: str, thing: object) -> Item | None:
        """Return an item by its key, or by its model."""
        key = thing
        if isinstance(thing, pydantic.BaseModel):
            with contextlib.suppress(LookupError):
                key = self.key(self.contract.lists[name], thing.model_dump(mode="json", by_alias=True))
        return self._by_key[name].get(str(key).lower())

    def add(
        self,
        name: str,
        owner: Owner,
        count: int,
        fields: Mapping[str, Any],
        seed: int,
        now: datetime,
        is_new: bool = False,
    ) -> list[dict[str, Any]]:
        """Add items at the start of a list. Return them in the order of the list.

        Their times go back from now, about ten minutes per item. New items have the current time.

        Raises:
            ValueError: They would violate a rule, or there would be too many.
        """
        integer("count", count, 0, MAX_ADDED)
        listing = self.contract.lists[name]
        given = self._required_fields(listing, owner, fields)
        # A new seed each time, so that a deleted item does not come back.
        seeded = f"{seed} {name} {owner} {self._number}"
        factory, rng = ItemFactory(self.contract, listing.item, seeded), random.Random(seeded)
        counts = [
            sum(self._meets(listing, rule, each.value) for each in self.items(name, owner))
            for rule in _counted_rules(listing)
        ]
        made: list[Item] = []
        keys = {*self._by_key[name], *self.gone[name]}
        for index in range(count):
            moment = now - timedelta(seconds=0 if is_new else _SECONDS_BETWEEN_ITEMS * (index + 1 + rng.random()))
            value = self._new(factory, listing, given, keys, counts, (moment, now))
            keys.add(self.key(listing, value))
            counts = [
                number + self._meets(listing, rule, value)
                for number, rule in zip(counts, _counted_rules(listing), strict=True)
            ]
            made.append(Item(value, owner, self.key(listing, value), self._number + count - index))
        self._number += count
        self._items[name][owner] = [*made, *self.items(name, owner)]
        self._by_key[name].update({each.key: each for each in made})
        return [each.value for each in made]

    def change(self, name: str, item: Item, fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Change an item. Raise ValueError if it, or its list, would violate a rule."""
        listing = self.contract.lists[name]
        given = as_json(fields)
        others = [each for each in self.items(name, item.owner) if each is not item]
        extra_rules: list[Rule] = []
        for most, rule in listing.at_most:
            if sum(self._meets(listing, rule, each.value) for each in others) >= most:
                extra_rules.append(_negation(rule))
        touched = {field: rfc3339(now) for field in listing.updated}
        frozen = [listing.key, *listing.repeats]
        factory = ItemFactory(self.contract, listing.item, f"{item.key} {rfc3339(now)}")
        item.value = factory.change(item.value, given, touched, frozen, now, extra_rules)
        return item.value

    def delete(self, name: str, item: Item) -> None:
        """Remove an item from its list."""
        self._items[name][item.owner].remove(item)
        del self._by_key[name][item.key]
        self.gone[name].add(item.key)

    def key(self, listing: Listing, value: Any) -> str:
        """Return the unique key of an item, as text."""
        return str(at(value, tuple(listing.key.split(".")))).lower()

    def path_value_of(self, thing: object) -> str:
        """Return the path parameter of an item or resource. Raise ValueError if it does not exist."""
        for name in self.contract.lists:
            if (item := self.item(name, thing)) is not None:
                return item.key
        if any(str(thing).lower() == str(each).lower() for known in self.resources.values() for each in known):
            return str(thing).lower()
        raise ValueError(f"there is no such item or resource: {str(thing)!r:.80}")

    def _required_fields(self, listing: Listing, owner: Owner, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the required fields of an item: the given ones, and those that repeat the owner."""
        given = as_json(fields)
        owners = dict(zip(listing.owners, owner, strict=True))
        for field, parameter in listing.repeats.items():
            if parameter in owners:
                value = given.setdefault(field, owners[parameter])
                if str(value).lower() != str(owners[parameter]).lower():
                    raise ValueError(f"'{field}' must be that of the list, {owners[parameter]} (got {value!r})")
        return given

    def _new(
        self,
        factory: ItemFactory,
        listing: Listing,
        given: Mapping[str, Any],
        keys: set[str],
        counts: Sequence[int],
        times: tuple[datetime, datetime],
    ) -> dict[str, Any]:
        extra_rules = [
            _negation(rule) for (most, rule), count in zip(listing.at_most, counts, strict=True) if count >= most
        ]
        schema = self.schemas.at(listing.item, {}, (listing.key,))
        if listing.key not in given and schema is not None and "integer" in self.schemas.types(schema):
            # Random integers would soon collide.
            given = {**given, listing.key: max(schema.get("minimum", 1), self._number + len(keys) + 1)}
        value = factory.make(given, *times, extra_rules)
        while self.key(listing, value) in keys:
            if listing.key in given:
                raise ValueError(f"'{listing.key}' must be new: there is {self.key(listing, value)} already")
            value = factory.make(given, *times, extra_rules)
        return value

    def _meets(self, listing: Listing, rule: Rule, value: Any) -> bool:
        return holds(rule, self.schemas.for_rules(listing.item, value))


def integer(name: str, value: object, least: int, most: int) -> None:
    """Raise ValueError if an argument is not an integer within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"'{name}' must be an integer between {least} and {most} (got {value!r:.60})")


def _counted_rules(listing: Listing) -> list[Rule]:
    return [rule for _, rule in listing.at_most]


def holds(rule: Rule, first: Any, second: Any = None, third: Any = None) -> bool:
    """True if all conditions of a rule hold. A condition that cannot be evaluated does not."""
    try:
        return all(condition.holds(first, second, third) is True for condition in rule.conditions)
    except cel.EVALUATION_ERRORS:
        return False


def _negation(rule: Rule) -> Rule:
    """Return the negation of a rule."""
    reads = [path for each in rule.conditions for path in each.reads]
    texts = [text for each in rule.conditions for text in each.texts]
    return Rule(rule.message, [Condition(lambda value, _, __: not holds(rule, value), reads, texts)])


def as_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as JSON values. Raise ValueError if JSON does not have such a value."""
    return {name: to_jsonable_python(value, by_alias=True) for name, value in fields.items()}
