"""Mutators of values, by keyword of the schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from codegen.openapi import Node

BreakValue = Callable[[Any], Any]
"""Returns an invalid value; MISSING leaves the field out."""


class ValueMutator(NamedTuple):
    """One way to break a keyword of a field."""

    kind: str
    promise: str
    """A JSON pointer."""
    mutate: BreakValue
    applies_to_null: bool = False
    """True if fields that are null or missing are broken as well."""


def another_type(value: Any) -> Any:
    return {"no": "such type"} if isinstance(value, (int, float, list)) else 7.5


def constant(value: Any) -> BreakValue:
    return lambda _: value


INVALID_FORMATS: dict[str, dict[str, str]] = {
    "uuid": {"no_uuid": "not-a-uuid", "short_uuid": "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a1"},
    "date-time": {"no_time": "yesterday", "without_zone": "2026-04-14T09:30:00", "no_such_day": "2026-02-30T09:30:00Z"},
    "date": {"no_date": "yesterday", "no_such_day": "2026-02-30"},
    "uri": {"no_uri": "no uri"},
    "email": {"no_address": "nobody"},
}
# Keywords that are missing here are broken through the schemas that they hold.
MUTATIONS: dict[str, Callable[[Any], list[tuple[str, BreakValue]]]] = {
    "type": lambda _: [("null", constant(None)), ("another_type", another_type)],
    "format": lambda name: [
        (kind, constant(text)) for kind, text in INVALID_FORMATS.get(name, {"no_format": "?"}).items()
    ],
    "enum": lambda _: [("unknown_value", constant("NO_SUCH_VALUE"))],
    "const": lambda _: [("another_value", constant("NO_SUCH_VALUE"))],
    "minimum": lambda bound: [("below_minimum", constant(bound - 1))],
    "exclusiveMinimum": lambda bound: [("at_minimum", constant(bound))],
    "maximum": lambda bound: [("above_maximum", constant(bound + 1))],
    "exclusiveMaximum": lambda bound: [("at_maximum", constant(bound))],
    "multipleOf": lambda step: [("no_multiple", constant(step / 2))],
    "minLength": lambda bound: [("too_short", lambda value: value[: bound - 1])],
    "maxLength": lambda bound: [("too_long", lambda value: (value + "x" * (bound + 1))[: bound + 1])],
    "pattern": lambda _: [("no_match", constant("\u00a7"))],
    "minItems": lambda bound: [("too_few", lambda value: value[: bound - 1])],
    "maxItems": lambda bound: [("too_many", lambda value: (value * (bound + 1))[: bound + 1])],
    "items": lambda _: [("strange_element", lambda value: [*value[:-1], another_type(value[-1])])],
    "uniqueItems": lambda _: [("repeated", lambda value: value + value)],
    "anyOf": lambda _: [("another_type", another_type)],
    "oneOf": lambda _: [("another_type", another_type)],
}
# Keywords that can be broken for null or missing fields as well.
NULLABLE_KEYWORDS = {"type", "anyOf", "oneOf"}


def mutate_first(mutate: BreakValue, value: Any) -> Any:
    return [mutate(value[0]), *value[1:]]


def value_mutators(node: Node) -> list[ValueMutator]:
    """Return the mutators of a schema."""
    schema = node.resolved() or node
    found = []
    for keyword, below in schema.items():
        for kind, mutate in MUTATIONS[keyword](below.value) if keyword in MUTATIONS else ():
            found.append(ValueMutator(kind, below.pointer, mutate, keyword in NULLABLE_KEYWORDS))
    elements = schema.at("items")
    if isinstance(elements.value, dict) and "properties" not in (elements.resolved() or elements):
        found += [
            ValueMutator(f"element_{mutator.kind}", mutator.promise, partial(mutate_first, mutator.mutate))
            for mutator in value_mutators(elements)
        ]
    return found
