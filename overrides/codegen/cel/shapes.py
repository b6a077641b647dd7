"""Schemas as rules see them: shapes, in Smithy's term. `codegen.cel` has the table of types."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema_rs

from codegen.cel.tree import ELEMENT
from codegen.openapi import Node

# Levels of nested alternatives.
MOST_LEVELS = 10

# Reserved words of CEL, which field names must escape.
_WORDS = {"true", "false", "null", "in"}
_ESCAPES = {"-": "__dash__", ".": "__dot__", "/": "__slash__"}


def field_name(name: str) -> str:
    """Return the name of a property in rules, escaped as in Kubernetes."""
    if name in _WORDS:
        return f"__{name}__"
    escaped = name.replace("__", "__underscores__")
    return re.sub(r"[-./]", lambda found: _ESCAPES[found[0]], escaped)


@dataclass(frozen=True)
class Shape:
    """A schema as rules see it.

    Attributes:
        kind: `object`, `map`, `list`, `int`, `double`, `bool`, `string`, `uuid`, `timestamp`, or `any`.
        node: The schema, references followed.
        nullable: Whether null is allowed, too.
        fields: The schemas of an object's properties, by their names in rules.
        names: The properties' names in JSON, by their names in rules.
        values: The values of an enum; None without one.
        choices: The alternatives of an `anyOf` or `oneOf`, if there are several.
    """

    kind: str
    node: Node
    nullable: bool = False
    fields: Mapping[str, Node] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    values: tuple[Any, ...] | None = None
    choices: tuple[Node, ...] = ()

    @property
    def name(self) -> str:
        """The schema's name, or its pointer."""
        pointer = self.node.pointer.removeprefix("#/components/schemas/").removeprefix("#/")
        return pointer.replace("/properties/", ".")

    @property
    def element(self) -> Node:
        """The schema of a list's elements, or of a map's values."""
        return self.node.at("items" if self.kind == "list" else "additionalProperties")


_KINDS = {"integer": "int", "number": "double", "string": "string", "boolean": "bool", "array": "list"}
_FORMATS = {"date-time": "timestamp", "uuid": "uuid"}


def shape(node: Node) -> Shape:
    """Return the shape of a schema."""
    return _shape(node, MOST_LEVELS)


def _shape(node: Node, levels: int) -> Shape:
    node = node.resolved() or node
    choices: list[Node] = []
    nullable = False
    for alternative in [*node.at("anyOf").elements(), *node.at("oneOf").elements()]:
        if (alternative.resolved() or alternative).at("type").value == "null":
            nullable = True
        else:
            choices.append(alternative)
    if len(choices) == 1 and levels:
        only = _shape(choices[0], levels - 1)
        return replace(only, nullable=nullable or only.nullable)
    stated = node.at("type").value
    types = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    kinds = [kind for kind in types if kind != "null"]
    values = node.at("enum").value
    found = Shape(
        kind=_KINDS.get(str(kinds[0]), "any") if len(kinds) == 1 else "any",
        node=node,
        nullable=nullable or len(kinds) < len(types) or not (types or choices),
        values=tuple(values) if isinstance(values, list) else None,
        choices=tuple(choices),
    )
    if found.kind == "string":
        return replace(found, kind=_FORMATS.get(str(node.at("format").value), "string"))
    if kinds == ["object"]:
        names = {field_name(name): name for name, _ in node.at("properties").items()}
        fields = {key: node.at("properties").at(name) for key, name in names.items()}
        return replace(found, kind="object" if fields else "map", fields=fields, names=names)
    return found


def parts(node: Node, path: Iterable[str]) -> list[Shape]:
    """Return the shapes at a path below a schema, one for each alternative that has it.

    Args:
        node: The schema.
        path: Names of fields in rules, and ELEMENT.
    """
    found = [shape(node)]
    for part in path:
        found = [below for each in found for below in _below(each, part)]
    return [each for one in found for each in _alternatives(one)]


def _alternatives(found: Shape, levels: int = 20) -> Iterator[Shape]:
    if not found.choices or not levels:
        yield found
    for choice in found.choices if levels else ():
        yield from _alternatives(shape(choice), levels - 1)


def _below(found: Shape, part: str) -> Iterator[Shape]:
    for each in _alternatives(found):
        if each.kind == "any":
            yield each
        elif each.kind == "object" and part in each.fields:
            yield shape(each.fields[part])
        elif each.kind == "list" and part == ELEMENT:
            yield shape(each.node.at("items"))
        elif each.kind == "map" and each.element.value is not False:
            yield shape(each.node.at("additionalProperties"))


def fits(node: Node) -> Callable[[Any], bool]:
    """Return a function that checks whether a JSON value satisfies a schema."""

    @functools.cache
    def validator() -> jsonschema_rs.Draft202012Validator:
        schema = {**node.value, "components": node.document.value.get("components", {})}
        return jsonschema_rs.Draft202012Validator(schema)

    return lambda value: validator().is_valid(value)
