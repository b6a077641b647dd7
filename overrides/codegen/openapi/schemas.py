"""Schemas in canonical form: two with the same meaning are equal.

Local `$ref`s and `allOf` are merged. Null in a list of types, in an `anyOf` and as 3.0's `nullable` are the same; so
are `const` and an enum of one value, and, for an integer, `exclusiveMinimum: 0` and `minimum: 1`. Titles, descriptions,
examples and names of components are ignored.

Invalid parts are recorded as unreadable, never an exception. A schema that takes too many steps is a Problem.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codegen import Problem
from codegen.openapi.document import Document, Node
from codegen.text import shortened

# Limits against hostile documents.
STEPS = 50_000
FORMS = 500

KINDS = ("null", "boolean", "number", "string", "array", "object")
ANNOTATIONS = {
    *("title", "description", "summary", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
    *("$comment", "$schema", "$id", "$anchor", "$defs", "definitions", "externalDocs", "xml", "discriminator"),
}


# A schema: the conjunction of these nodes.
Schema = tuple[Node, ...]


@dataclass
class Form:
    """The values of one JSON type that a schema allows.

    Attributes:
        kind: The JSON type; integer is part of number.
        pointer: The pointer of the schema.
        limits: By keyword, the value in canonical form and its pointer (`_limits`).
        properties: The properties of an object.
        items: The elements of an array, or the additional properties of an object; empty for anything.
    """

    kind: str
    pointer: str
    limits: dict[str, tuple[Any, str]] = field(default_factory=dict)
    properties: dict[str, Schema] = field(default_factory=dict)
    items: Schema = ()

    def limit(self, keyword: str) -> Any:
        return self.limits[keyword][0] if keyword in self.limits else None

    def place(self, keyword: str) -> str:
        return self.limits[keyword][1] if keyword in self.limits else self.pointer


def too_large() -> Problem:
    return Problem("the document is too large to compare, or nested too deeply", "check that it is the right document")


class Canonical:
    """Reads schemas into forms, in a bounded number of steps.

    Attributes:
        steps: The steps so far.
        unreadable: Invalid schemas, as (pointer, reason).
    """

    def __init__(self) -> None:
        self.steps = 0
        self.unreadable: list[tuple[str, str]] = []

    def step(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > STEPS:
            raise too_large()

    def take_unreadable(self) -> list[tuple[str, str]]:
        """Return the invalid schemas since the last call."""
        taken, self.unreadable = self.unreadable, []
        return taken

    def forms(self, schema: Schema, inside: frozenset[tuple[str, bool]] = frozenset()) -> list[Form]:
        """Return the forms that a schema allows, one or more for each type.

        `inside` has the schemas that are being read: a recursive alternative adds nothing.
        """
        self.step()
        plain: list[Node] = []
        choices: list[list[Node]] = []
        queue, queued = list(schema), set[tuple[str, bool]]()
        while queue:
            self.step()
            node = queue.pop()
            nullable = node.at("nullable").value is True
            if (node.pointer, nullable) in inside:
                return []
            if node.value is True or (node.pointer, nullable) in queued:
                continue
            queued.add((node.pointer, nullable))
            if node.value is False:
                return []
            if not isinstance(node.value, dict):
                self.unreadable.append((node.pointer, "not a schema"))
            elif nullable:
                # OpenAPI 3.0: null in addition to the other keywords, also to a `$ref`.
                rest = {key: value for key, value in node.value.items() if key != "nullable"}
                null = Node(node.document, {"type": "null"}, node.at("nullable").pointer)
                choices.append([Node(node.document, rest, node.pointer), null])
            else:
                if "$ref" in node:
                    target = node.resolved()
                    if target is None:
                        what = f"$ref {shortened(as_text(node.value['$ref']))} does not exist in this document"
                        self.unreadable.append((node.pointer, what))
                    else:
                        queue.append(target)
                queue += node.at("allOf").elements()
                for word in ("anyOf", "oneOf"):
                    if isinstance(node.at(word).value, list):
                        choices.append(list(node.at(word).elements()))
                if node.value.keys() - ANNOTATIONS - {"$ref", "allOf", "anyOf", "oneOf"}:
                    plain.append(node)
        forms = [Form(kind, pointer_of(schema)) for kind in KINDS]
        for node in plain:
            forms = self.merged(forms, _plain_forms(node))
        for choice in choices:
            forms = self.merged(forms, [form for node in choice for form in self.forms((node,), inside | queued)])
        return _join_enums([_integral(form) for form in forms])

    def merged(self, forms: list[Form], others: list[Form]) -> list[Form]:
        """Return the intersection of two lists of forms."""
        self.step(len(forms) * len(others) + 1)
        found = []
        for form in forms:
            for other in others:
                kinds = {form.kind, other.kind}
                if len(kinds) == 1 or kinds == {"integer", "number"}:
                    merged = _merge("integer" if len(kinds) > 1 else form.kind, form, other)
                    if merged is not None:
                        found.append(merged)
        if len(found) > FORMS:
            raise too_large()
        return found


def _plain_forms(node: Node) -> list[Form]:
    """Return the forms of one schema, without `allOf`, `anyOf` and `oneOf`."""
    stated = node.at("type").value
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else KINDS
    known = dict.fromkeys(names) if all(isinstance(name, str) for name in names) else {}
    kinds = [name for name in known if name in (*KINDS, "integer")]
    values = node.value.get("enum", [node.value["const"]] if "const" in node else None)
    forms = []
    for kind in kinds:
        form = Form(kind, node.pointer, _limits(node, kind))
        if isinstance(values, list):
            fitting = frozenset(as_text(value) for value in values if _is_of_kind(value, kind))
            if not fitting:
                continue
            if kind != "null":
                form.limits["values"] = (fitting, node.at("enum" if "enum" in node else "const").pointer)
        if kind == "array" and "items" in node:
            form.items = (node.at("items"),)
        if kind == "object":
            form.properties = {name: (value,) for name, value in node.at("properties").items()}
            if "additionalProperties" in node and not isinstance(node.at("additionalProperties").value, bool):
                form.items = (node.at("additionalProperties"),)
        forms.append(form)
    return forms


# By type, its keywords: bounds, and those that are compared as sets.
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_SETS = {"string": ("pattern", "format"), "number": ("multipleOf", "format"), "integer": ("multipleOf", "format")}
_KNOWN = {
    *("type", "enum", "const", "nullable", "$ref", "allOf", "anyOf", "oneOf", "properties", "required", "items"),
    *("additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
}


def _limits(node: Node, kind: str) -> dict[str, tuple[Any, str]]:
    """Return the limits of one type, each in canonical form. Unknown keywords are in `other`."""
    limits: dict[str, tuple[Any, str]] = {}
    other = {key for key in node.value if key not in _KNOWN | ANNOTATIONS and not str(key).startswith("x-")}
    if kind in ("number", "integer"):
        for keyword, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            bound, strict = node.at(keyword), node.at(exclusive)
            found = []
            if keyword in node:
                # OpenAPI 3.0 has a Boolean beside the bound, 3.1 a bound.
                found.append((bound, strict.value is True))
            if exclusive in node and not isinstance(strict.value, bool):
                found.append((strict, True))
            for place, is_strict in found:
                if not _is_number(place.value):
                    other.add(place.pointer.rpartition("/")[2])
                    continue
                made = ((place.value, exclusive if is_strict else keyword), place.pointer)
                limits[keyword] = made if keyword not in limits else _tighter_limit(keyword, limits[keyword], made)
    for keyword in _BOUNDS.get(kind, ()):
        value = node.at(keyword).value
        if keyword in node and not _is_number(value):
            other.add(keyword)
        elif keyword in node and not (keyword.startswith("min") and value == 0):
            limits[keyword] = ((value, keyword), node.at(keyword).pointer)
    for keyword in _SETS.get(kind, ()):
        if keyword in node:
            value = node.at(keyword).value
            limits[keyword] = (
                frozenset([value if isinstance(value, str) else as_text(value)]),
                node.at(keyword).pointer,
            )
    if kind == "array" and node.at("uniqueItems").value is True:
        limits["uniqueItems"] = (frozenset(["true"]), node.at("uniqueItems").pointer)
    if kind == "object":
        if node.at("additionalProperties").value is False:
            limits["closed"] = (True, node.at("additionalProperties").pointer)
        if "required" in node:
            names = node.at("required").value
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                limits["required"] = (frozenset(names), node.at("required").pointer)
            else:
                other.add("required")
        if "properties" in node and not isinstance(node.at("properties").value, dict):
            other.add("properties")
    for keyword, expected in (("enum", list), ("allOf", list), ("anyOf", list), ("oneOf", list), ("type", (str, list))):
        if keyword in node and not isinstance(node.at(keyword).value, expected):
            other.add(keyword)
    if other:
        texts = frozenset(f"{keyword} {as_text(node.value.get(keyword))}" for keyword in other)
        limits["other"] = (texts, node.pointer)
    return limits


def _merge(kind: str, form: Form, other: Form) -> Form | None:
    """Return the intersection of two forms of a type; None if it is empty."""
    limits = dict(form.limits)
    for keyword, (value, place) in other.limits.items():
        if keyword not in limits:
            limits[keyword] = (value, place)
        elif keyword == "values":
            limits[keyword] = (limits[keyword][0] & value, place)
            if not limits[keyword][0]:
                return None
        elif keyword == "closed":
            pass
        elif isinstance(value, frozenset):
            limits[keyword] = (limits[keyword][0] | value, place)
        else:
            limits[keyword] = _tighter_limit(keyword, limits[keyword], (value, place))
    properties = dict(form.properties)
    for name, schema in other.properties.items():
        properties[name] = (*properties.get(name, ()), *schema)
    bare = not other.limits and not other.properties and not other.items
    return Form(
        kind, form.pointer if bare and form.limits else other.pointer, limits, properties, (*form.items, *other.items)
    )


def _integral(form: Form) -> Form:
    """Make exclusive bounds of an integer inclusive."""
    if form.kind == "integer":
        for keyword in form.limits.keys() & {"minimum", "maximum"}:
            (value, word), place = form.limits[keyword]
            if word != keyword:
                value = math.floor(value) + 1 if keyword == "minimum" else math.ceil(value) - 1
                form.limits[keyword] = ((value, keyword), place)
    return form


def _join_enums(forms: list[Form]) -> list[Form]:
    """Merge the enums that are spread over several alternatives."""
    joined: list[Form] = []
    for form in forms:
        for index, other in enumerate(joined):
            rest = [{k: v[0] for k, v in each.limits.items() if k != "values"} for each in (form, other)]
            alike = form.kind == other.kind and rest[0] == rest[1] and form.kind not in ("array", "object")
            if alike and ("values" in form.limits) == ("values" in other.limits):
                if "values" in form.limits:
                    values = form.limit("values") | other.limit("values")
                    joined[index] = Form(
                        form.kind, other.pointer, {**other.limits, "values": (values, other.place("values"))}
                    )
                break
        else:
            joined.append(form)
    return joined


def tighter(keyword: str, one: tuple[Any, str], two: tuple[Any, str]) -> tuple[Any, str]:
    """Return the tighter of two bounds; the exclusive one if their values are equal."""
    if one[0] == two[0]:
        return one if one[1].startswith("exclusive") else two
    return max(one, two) if keyword.startswith("min") else min(one, two)


def _tighter_limit(keyword: str, one: tuple[Any, str], two: tuple[Any, str]) -> tuple[Any, str]:
    return one if tighter(keyword, one[0], two[0]) == one[0] else two


def as_text(value: Any) -> str:
    """Return the same text for equal JSON values: keys are sorted, and 1.0 is 1."""
    if isinstance(value, float) and math.isfinite(value) and value == math.floor(value):
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


# --- helpers ----------------------------------------------------------------------------------------------------------


def default_of(schema: Node) -> Node | None:
    """Return the default of a schema, also from `allOf` and `$ref`; None if there is none."""
    queue, seen = [schema], set[str]()
    while queue:
        node = queue.pop()
        if node.pointer in seen:
            continue
        seen.add(node.pointer)
        if "default" in node:
            return node.at("default")
        queue += node.at("allOf").elements()
        if "$ref" in node and (target := node.resolved()):
            queue.append(target)
    return None


def or_anything(schema: Schema, form: Form) -> Schema:
    return schema or (Node(Document(None), True, form.pointer),)


def pointer_of(schema: Schema) -> str:
    return schema[-1].pointer if schema else "#"


def _is_of_kind(value: Any, kind: str) -> bool:
    """True if a JSON value is of a type."""
    if kind in ("integer", "number"):
        return _is_number(value) and (kind == "number" or value == math.floor(value))
    types: Mapping[str, type] = {"null": type(None), "boolean": bool, "string": str, "array": list, "object": dict}
    return isinstance(value, types[kind])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) != math.inf and value == value
