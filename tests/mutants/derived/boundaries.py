"""Boundary values: the last valid and the first invalid value of each keyword."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from codegen.openapi import Node
from tests.contract.bodies import smallest_value
from tests.contract.parameter import Parameter

UNKNOWN_TEXT = "NO_SUCH_VALUE"


class Boundary(NamedTuple):
    """The last value that a keyword allows, and the first one that it forbids."""

    keyword: str
    last_valid: Any
    first_invalid: Any


def boundaries(schema: Node) -> Iterator[Boundary]:
    """Yield the boundaries of a schema; of an enum, one for each value."""
    bound = {name: node.value for name, node in schema.items()}
    for name, step in (("minimum", -1), ("maximum", 1)):
        if name in bound:
            yield Boundary(name, bound[name], bound[name] + step)
    for name, step in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1)):
        if name in bound:
            yield Boundary(name, bound[name] + step, bound[name])
    for name, step in (("minLength", -1), ("maxLength", 1)):
        if name in bound:
            yield Boundary(name, "x" * bound[name], "x" * (bound[name] + step))
    for name, step in (("minItems", -1), ("maxItems", 1)):
        if name in bound:
            element = schema.at("items").resolved() or schema.at("items")
            one = short_value(element)
            yield Boundary(name, [one] * bound[name], [one] * (bound[name] + step))
    for value in bound.get("enum", ()):
        yield Boundary("enum", value, UNKNOWN_TEXT)


def short_value(schema: Node) -> Any:
    """Return the shortest value of a schema. One letter or digit matches most patterns."""
    return next((text for text in ("a", "A", "0") if "pattern" in schema), smallest_value(schema))


def query_texts(parameter: Parameter, value: Any) -> tuple[str, ...]:
    """Return a value as it is written in a query: several texts for an array."""
    written = parameter.serialize(value)
    return tuple(map(str, written)) if isinstance(written, list) else (str(written),)
