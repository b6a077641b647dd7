"""Finds the values of a schema in a body, its instances in terms of JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codegen.cel import fits
from codegen.openapi import Node
from codegen.openapi.document import Pointer, joined

# Values of a body that are searched.
MOST_VALUES = 20_000


class Instance(NamedTuple):
    """A value of a schema in a body.

    Attributes:
        schema: The JSON pointer of the schema, references followed.
        place: Its place in the body, as keys and indices.
        value: The value.
    """

    schema: str
    place: Pointer
    value: Any

    @property
    def pointer(self) -> str:
        """The JSON pointer into the body."""
        return joined(self.place)


@dataclass
class Route:
    """A node of the search tree: it has only the branches that lead to wanted schemas.

    Attributes:
        schema: The JSON pointer of the schema.
        is_wanted: Whether its values are wanted.
        properties: The branches of an object, by property.
        others: The branch of an object's additional properties.
        items: The branch of a list's elements.
        choices: The alternatives for the same value, each with its condition; None for any value but null.
    """

    schema: str
    is_wanted: bool
    properties: dict[str, Route] = field(default_factory=dict)
    others: Route | None = None
    items: Route | None = None
    choices: list[tuple[Callable[[Any], bool] | None, Route]] = field(default_factory=list)

    def reachable(self) -> set[str]:
        """Return the wanted schemas that can be reached."""
        found, waiting = {self.schema: self}, [self]
        while waiting:
            for on in waiting.pop().branches():
                if on.schema not in found:
                    found[on.schema] = on
                    waiting.append(on)
        return {each.schema for each in found.values() if each.is_wanted}

    def branches(self) -> Iterator[Route]:
        """Yield the branches."""
        yield from self.properties.values()
        yield from (route for route in (self.others, self.items) if route)
        yield from (route for _, route in self.choices)


def route(schema: Node, wanted: Iterable[str]) -> Route:
    """Return the search tree from a schema to others.

    Args:
        schema: The schema of the body.
        wanted: The JSON pointers of the wanted schemas.
    """
    made: dict[str, Route] = {}
    start = _route(schema, frozenset(wanted), made)
    # Removes the branches that lead to none of them. Schemas may be recursive.
    leading = {pointer for pointer, each in made.items() if each.is_wanted}
    while more := {p for p, each in made.items() if any(n.schema in leading for n in each.branches())} - leading:
        leading |= more
    for each in made.values():
        each.properties = {name: on for name, on in each.properties.items() if on.schema in leading}
        each.others = each.others if each.others and each.others.schema in leading else None
        each.items = each.items if each.items and each.items.schema in leading else None
        each.choices = [(fit, on) for fit, on in each.choices if on.schema in leading]
    return start


def _route(node: Node, wanted: frozenset[str], made: dict[str, Route]) -> Route:
    node = node.resolved() or node
    if node.pointer in made:
        return made[node.pointer]
    found = made[node.pointer] = Route(node.pointer, node.pointer in wanted)
    found.properties = {name: _route(below, wanted, made) for name, below in node.at("properties").items()}
    if isinstance(node.at("additionalProperties").value, dict):
        found.others = _route(node.at("additionalProperties"), wanted, made)
    if isinstance(node.at("items").value, dict):
        found.items = _route(node.at("items"), wanted, made)
    for word in ("anyOf", "oneOf"):
        choices = [
            each
            for each in node.at(word).elements()
            if isinstance(each.value, dict) and (each.resolved() or each).at("type").value != "null"
        ]
        for each in choices:
            found.choices.append((fits(each) if len(choices) > 1 else None, _route(each, wanted, made)))
    found.choices += [(None, _route(each, wanted, made)) for each in node.at("allOf").elements()]
    return found


def instances(start: Route, body: Any) -> tuple[list[Instance], bool]:
    """Return the wanted values in the order of the body, and whether the whole body was searched."""
    if start.is_wanted and not any(start.branches()):
        return [Instance(start.schema, (), body)], True
    found: list[Instance] = []
    steps = 0
    waiting: list[tuple[Route, Pointer, Any]] = [(start, (), body)]
    while waiting:
        at, place, value = waiting.pop()
        steps += 1
        if steps > MOST_VALUES:
            return found, False
        if at.is_wanted:
            found.append(Instance(at.schema, place, value))
        below: list[tuple[Route, Pointer, Any]] = [
            (on, place, value) for fit, on in at.choices if (value is not None if fit is None else fit(value))
        ]
        if isinstance(value, dict):
            below += [(on, (*place, name), value[name]) for name, on in at.properties.items() if name in value]
            if at.others:
                further = list(value.items())[:MOST_VALUES]
                below += [(at.others, (*place, name), each) for name, each in further if name not in at.properties]
        elif isinstance(value, list) and at.items:
            below += [(at.items, (*place, index), each) for index, each in enumerate(value[: MOST_VALUES + 1])]
        waiting += reversed(below)
    return found, True
