"""Which keywords of a schema a value reaches: those of all schemas that apply to it, as far as they are about its type.
`format` does not apply to null, nor `items` to an empty list."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import jsonschema_rs

from codegen.openapi import Document, Node
from codegen.openapi.promises import SUBSCHEMA_LISTS

# Maximum depth of a body: schemas may be recursive.
MAX_DEPTH = 60
# Maximum number of object shapes per schema: a server may make up names.
MAX_SHAPES = 1000
NUMBER, STRING, ARRAY, OBJECT = ("number",), ("string",), ("array",), ("object",)
# The types that keywords are about; any type, if a keyword is not listed.
KEYWORD_TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), NUMBER),
    **dict.fromkeys(("pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"), STRING),
    "format": STRING + NUMBER,
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "contains"), ARRAY),
    **dict.fromkeys(("additionalProperties", "minProperties", "maxProperties", "propertyNames"), OBJECT),
    **dict.fromkeys(("required", "dependentRequired", "unevaluatedProperties"), OBJECT),
}
# Keywords about elements: only reached if there is one.
ELEMENTS = ("items", "prefixItems", "unevaluatedItems")
KINDS: dict[type, str] = {
    **{type(None): "null", bool: "boolean", int: "number", float: "number"},
    **{str: "string", list: "array", dict: "object"},
}


def type_names(stated: object) -> set[str]:
    """Return the types that `type` names; empty if there are none."""
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    return {"number" if name == "integer" else str(name) for name in names}


@dataclass
class Observed:
    """What the values of one response have reached."""

    parts: set[frozenset[str]] = field(default_factory=set)
    values: set[tuple[str, str]] = field(default_factory=set)
    """Seen values of enumerations: pointer and value as JSON."""

    @property
    def pointers(self) -> frozenset[str]:
        return frozenset().union(*self.parts)


class SchemaCoverage:
    """The schemas of a document, each read once.

    Args:
        document: The contract.
        promised: The pointers of all promises.
    """

    def __init__(self, document: Document, promised: Iterable[str]) -> None:
        self.document = document
        self.promised = frozenset(promised)
        self._schemas: dict[str, Schema] = {}

    def schema(self, node: Node) -> Schema:
        if node.pointer not in self._schemas:
            self._schemas[node.pointer] = Schema(self, node)
        return self._schemas[node.pointer]


class Schema:
    """A schema, with the schemas that it refers to and those of `allOf`."""

    def __init__(self, coverage: SchemaCoverage, node: Node) -> None:
        self.coverage, self.node = coverage, node
        self.nodes: list[Node] = []
        queue, seen = [node], set[str]()
        while queue:
            each = queue.pop()
            if each.pointer in seen or not isinstance(each.value, dict):
                continue
            seen.add(each.pointer)
            self.nodes.append(each)
            if "$ref" in each and (target := each.resolved()) is not None:
                queue.append(target)
            queue += each.at("allOf").elements()
        self._by_kind: dict[str, frozenset[str]] = {}
        self._shapes: dict[Any, ObjectShape] = {}

    def keywords(self, kind: str) -> frozenset[str]:
        """Return the promises about any value of a type."""
        if kind not in self._by_kind:
            found: set[str] = set()
            for node in self.nodes:
                for keyword, below in node.items():
                    if keyword in ELEMENTS or kind not in KEYWORD_TYPES.get(keyword, (kind,)):
                        continue
                    places = [each.pointer for each in below.elements()] if keyword == "required" else [below.pointer]
                    found.update(self.coverage.promised.intersection(places))
            self._by_kind[kind] = frozenset(found)
        return self._by_kind[kind]

    @cached_property
    def types(self) -> set[str]:
        """The types that it allows; empty if it does not say."""
        return next((type_names(node.at("type").value) for node in self.nodes if "type" in node), set())

    @cached_property
    def properties(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name, below in node.at("properties").items():
                found.setdefault(name, []).append(below)
        return found

    @cached_property
    def enums(self) -> list[dict[Any, tuple[str, str]]]:
        """For each enumeration, pointer and JSON text by type and value; objects are left out."""
        found = (node.at("enum") for node in self.nodes if isinstance(node.at("enum").value, list))
        return [
            {
                (type(each), each): (place.pointer, json.dumps(each))
                for each in place.value
                if isinstance(each, Hashable)
            }
            for place in found
        ]

    @cached_property
    def elements(self) -> list[tuple[str, Schema]]:
        """The schemas of all elements of a list, with the pointers of the keywords."""
        found = [node.at(word) for node in self.nodes for word in ("items", "contains") if word in node]
        return [(each.pointer, self.coverage.schema(each)) for each in found if isinstance(each.value, dict)]

    @cached_property
    def prefix_items(self) -> list[tuple[str, list[Schema]]]:
        """The same for `prefixItems`, one schema for each element."""
        found = [node.at("prefixItems") for node in self.nodes if "prefixItems" in node]
        return [(place.pointer, [self.coverage.schema(each) for each in place.elements()]) for place in found]

    @cached_property
    def additional(self) -> list[Schema]:
        """The schemas of fields that are not in `properties`."""
        found = (node.at("additionalProperties") for node in self.nodes)
        return [self.coverage.schema(each) for each in found if isinstance(each.value, dict)]

    @cached_property
    def choices(self) -> list[list[Schema]]:
        words = [word for word in SUBSCHEMA_LISTS if word in ("anyOf", "oneOf")]
        found = [node.at(word) for node in self.nodes for word in words if word in node]
        alternatives = [[self.coverage.schema(each) for each in choice.elements()] for choice in found]
        # These conditions apply to a value whether it satisfies them or not.
        conditions = [node.at(word) for node in self.nodes for word in ("not", "if", "then", "else") if word in node]
        return alternatives + [[self.coverage.schema(each)] for each in conditions]

    @cached_property
    def validator(self) -> jsonschema_rs.Draft202012Validator:
        components = self.coverage.document.root.at("components").value or {}
        return jsonschema_rs.Draft202012Validator({"allOf": [self.node.value], "components": components})

    def matching(self, choice: list[Schema], value: Any, kind: str) -> list[Schema]:
        """Return the alternatives that the value matches, or may have been meant for."""
        possible = [each for each in choice if not each.types or kind in each.types]
        if len(possible) < 2:
            return possible
        return [each for each in possible if each.validator.is_valid(value)] or possible

    def note(self, value: Any, seen: Observed, level: int = 0) -> None:
        """Record what the value reaches."""
        if level > MAX_DEPTH:
            return
        kind = KINDS[type(value)]
        seen.parts.add(self.keywords(kind))
        for known in self.enums if kind not in ("object", "array") else ():
            if entry := known.get((type(value), value)):
                seen.values.add(entry)
        for choice in self.choices:
            for each in self.matching(choice, value, kind):
                each.note(value, seen, level + 1)
        if kind == "object":
            self.note_fields(value, seen, level + 1)
        elif kind == "array" and value:
            for pointer, schema in self.elements:
                seen.parts.add(frozenset([pointer]))
                for each in value:
                    schema.note(each, seen, level + 1)
            for pointer, schemas in self.prefix_items:
                seen.parts.add(frozenset([pointer]))
                for each, schema in zip(value, schemas, strict=False):
                    schema.note(each, seen, level + 1)

    def note_fields(self, value: dict[str, Any], seen: Observed, level: int) -> None:
        # Items of a list have few shapes: what a shape reaches is computed once.
        shape = tuple(value), tuple(map(type, value.values()))
        if (known := self._shapes.get(shape)) is None:
            known = self.read_shape(value)
            if len(self._shapes) < MAX_SHAPES:
                self._shapes[shape] = known
        seen.parts.add(known.pointers)
        for name, values in known.enums:
            if entry := values.get((type(value[name]), value[name])):
                seen.values.add(entry)
        for name, schema in known.deeper:
            schema.note(value[name], seen, level)

    def read_shape(self, value: dict[str, Any]) -> ObjectShape:
        found: set[str] = set()
        enums, deeper = [], []
        for name, each in value.items():
            nodes, kind = self.properties.get(name, []), KINDS[type(each)]
            found.update(node.pointer for node in nodes)
            for schema in [self.coverage.schema(node) for node in nodes] if nodes else self.additional:
                if schema.choices or kind in ("object", "array"):
                    deeper.append((name, schema))
                else:
                    found |= schema.keywords(kind)
                    enums += [(name, values) for values in schema.enums]
        return ObjectShape(frozenset(found), enums, deeper)


class ObjectShape(NamedTuple):
    """What objects with the same fields and types reach."""

    pointers: frozenset[str]
    enums: list[tuple[str, dict[Any, tuple[str, str]]]]
    """Enumerations by field."""
    deeper: list[tuple[str, Schema]]
    """Schemas by field that need the value itself."""
