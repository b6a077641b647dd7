"""What schemas allow, as far as rules can tell; see `codegen.cel` for how the two go together."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema_rs

from codegen.cel.tree import ELEMENT
from codegen.openapi import Node

# Levels of alternatives within alternatives.
MOST_LEVELS = 10

# CEL's words, which cannot be names of fields as they are.
_WORDS = {"true", "false", "null", "in"}
_ESCAPES = {"-": "__dash__", ".": "__dot__", "/": "__slash__"}


def field_name(name: str) -> str:
    """Returns the name by which a rule selects a property, as Kubernetes escapes it."""
    if name in _WORDS:
        return f"__{name}__"
    escaped = name.replace("__", "__underscores__")
    return re.sub(r"[-./]", lambda found: _ESCAPES[found[0]], escaped)


@dataclass(frozen=True)
class Shape:
    """What a schema allows, as far as rules can tell.

    Attributes:
        kind: `object`, `map`, `list`, `int`, `double`, `bool`, `string`, `uuid`, `timestamp`, or `any`.
        node: The schema, references followed.
        nullable: Whether null is allowed as well.
        fields: Of an object, the schemas of its properties, by the names that rules have for them.
        names: Of an object, the properties' own names, by the same.
        values: The enumeration, if there is one.
        choices: Of `any`, the alternatives of an `anyOf`.
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
        """The schema's name, or where it stands."""
        pointer = self.node.pointer.removeprefix("#/components/schemas/").removeprefix("#/")
        return pointer.replace("/properties/", ".")

    @property
    def element(self) -> Node:
        """The schema of a list's elements, or of a map's values."""
        return self.node.at("items" if self.kind == "list" else "additionalProperties")


_KINDS = {"integer": "int", "number": "double", "string": "string", "boolean": "bool", "array": "list"}
_FORMATS = {"date-time": "timestamp", "uuid": "uuid"}


def shape(node: Node) -> Shape:
    """Returns what a schema allows."""
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
    """Returns what stands at a path below a schema, in each alternative that has it; empty if none has.

    Args:
        node: The schema.
        path: Names of fields as rules have them, and ELEMENT.
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
    """Returns a function that tells whether a JSON value is one of a schema."""

    @functools.cache
    def validator() -> jsonschema_rs.Draft202012Validator:
        schema = {**node.value, "components": node.document.value.get("components", {})}
        return jsonschema_rs.Draft202012Validator(schema)

    return lambda value: validator().is_valid(value)
