"""Keywords of schemas, each with what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from codegen.openapi import Node

Broken = Callable[[Any], Any]
"""Makes of a value one that is not allowed; MISSING leaves the field out."""


class Way(NamedTuple):
    """One way to break what a field may be."""

    kind: str
    promise: str
    """A JSON pointer."""
    broken: Broken
    of_null: bool = False
    """Whether a field that is null, or is not there, is broken as well."""


def another_type(value: Any) -> Any:
    return {"no": "such type"} if isinstance(value, (int, float, list)) else 7.5


def always(value: Any) -> Broken:
    return lambda _: value


WRONG: dict[str, dict[str, str]] = {
    "uuid": {"no_uuid": "not-a-uuid", "short_uuid": "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a1"},
    "date-time": {"no_time": "yesterday", "without_zone": "2026-04-14T09:30:00", "no_such_day": "2026-02-30T09:30:00Z"},
    "date": {"no_date": "yesterday", "no_such_day": "2026-02-30"},
    "uri": {"no_uri": "no uri"},
    "email": {"no_address": "nobody"},
}
# By keyword, what breaks it; what is not here is broken by what stands below it.
KEYWORDS: dict[str, Callable[[Any], list[tuple[str, Broken]]]] = {
    "type": lambda _: [("null", always(None)), ("another_type", another_type)],
    "format": lambda name: [(kind, always(text)) for kind, text in WRONG.get(name, {"no_format": "?"}).items()],
    "enum": lambda _: [("unknown_value", always("NO_SUCH_VALUE"))],
    "const": lambda _: [("another_value", always("NO_SUCH_VALUE"))],
    "minimum": lambda bound: [("below_minimum", always(bound - 1))],
    "exclusiveMinimum": lambda bound: [("at_minimum", always(bound))],
    "maximum": lambda bound: [("above_maximum", always(bound + 1))],
    "exclusiveMaximum": lambda bound: [("at_maximum", always(bound))],
    "multipleOf": lambda step: [("no_multiple", always(step / 2))],
    "minLength": lambda bound: [("too_short", lambda value: value[: bound - 1])],
    "maxLength": lambda bound: [("too_long", lambda value: (value + "x" * (bound + 1))[: bound + 1])],
    "pattern": lambda _: [("no_match", always("\u00a7"))],
    "minItems": lambda bound: [("too_few", lambda value: value[: bound - 1])],
    "maxItems": lambda bound: [("too_many", lambda value: (value * (bound + 1))[: bound + 1])],
    "items": lambda _: [("strange_element", lambda value: [*value[:-1], another_type(value[-1])])],
    "uniqueItems": lambda _: [("repeated", lambda value: value + value)],
    "anyOf": lambda _: [("another_type", another_type)],
    "oneOf": lambda _: [("another_type", another_type)],
}
# Those by which also what is null, or not there, can be broken.
OF_NULL = {"type", "anyOf", "oneOf"}


def of_first(broken: Broken, value: Any) -> Any:
    return [broken(value[0]), *value[1:]]


def ways_of(node: Node) -> list[Way]:
    """How to break a value of a schema."""
    schema = node.resolved() or node
    found = []
    for keyword, below in schema.items():
        for kind, broken in KEYWORDS[keyword](below.value) if keyword in KEYWORDS else ():
            found.append(Way(kind, below.pointer, broken, keyword in OF_NULL))
    elements = schema.at("items")
    if isinstance(elements.value, dict) and "properties" not in (elements.resolved() or elements):
        found += [Way(f"element_{way.kind}", way.promise, partial(of_first, way.broken)) for way in ways_of(elements)]
    return found
