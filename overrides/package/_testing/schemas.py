"""Validates JSON values by schema, parses them from text, and prepares them for rules."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from . import cel
from .contract import Path, Schema, as_list, as_object

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER = re.compile(r"(0|-?[1-9][0-9]*|-0)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MAX_DIGITS = 1000
# The words for the JSON types in messages.
_TYPE_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
# By keyword for numbers: the test, and the words in messages.
_BOUNDS: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, bound: value >= bound, "at least"),
    "maximum": (lambda value, bound: value <= bound, "at most"),
    "exclusiveMinimum": (lambda value, bound: value > bound, "more than"),
    "exclusiveMaximum": (lambda value, bound: value < bound, "less than"),
    "multipleOf": (lambda value, bound: math.isclose(math.remainder(value, bound), 0, abs_tol=1e-9), "a multiple of"),
}


ReadPlan = dict[str, Any]
"""The parts of a value to read, by field; `*` for list elements. An empty plan reads all."""


def read_plan(paths: Iterable[Path]) -> ReadPlan:
    """Return the plan that reads the given paths."""
    plan: ReadPlan = {}
    whole = set[Path]()
    for path in sorted(paths, key=len):
        if not any(path[:length] in whole for length in range(len(path))):
            at = plan
            for part in path:
                at = at.setdefault(str(part), {})
            whole.add(path)
    return plan


class Fault(NamedTuple):
    """What is wrong with a value.

    Attributes:
        place: The path, as keys and indices.
        must: What the value must be.
        value: The value.
        kind: The schema keyword that is violated.
    """

    place: Path
    must: str
    value: Any
    kind: str


class Schemas:
    """Schemas with references between them.

    Args:
        named: The schemas that a `$ref` can name, by name.
    """

    def __init__(self, named: Mapping[str, Schema]) -> None:
        self._named = named
        # Keyed by id: the schemas are part of a contract, and are never freed.
        self._has_rules: dict[int, bool] = {}

    def resolve(self, schema: Schema) -> Schema:
        """Return a schema with its references followed."""
        while "$ref" in schema:
            schema = self._named[schema["$ref"]]
        return schema

    def alternatives(self, schema: Schema) -> list[Schema]:
        """Return the alternatives of `anyOf` and `oneOf`, if any."""
        return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]

    def select(self, schema: Schema, value: Any) -> Schema:
        """Return the schema of a value. Of alternatives, the first that it matches, or the first of all."""
        schema = self.resolve(schema)
        found = self.alternatives(schema)
        if not found:
            return schema
        tagged = self.tagged(schema)
        if tagged is not None:
            tag = (as_object(value) or {}).get(tagged[0])
            return self.resolve(tagged[1].get(tag, found[0]) if isinstance(tag, str) else found[0])
        keeping = (each for each in found if next(self.faults(each, value), None) is None)
        return self.select(next(keeping, found[0]), value)

    def tagged(self, schema: Schema) -> tuple[str, Mapping[str, Schema]] | None:
        """Return the discriminating property of a schema, and the alternatives by its text."""
        found: tuple[str, Mapping[str, Schema]] | None = schema.get("tags")
        return found

    def part_schema(self, schema: Schema, value: Any, part: str | int) -> Schema | None:
        """Return the schema of a field or element of a value; None if anything is allowed."""
        schema = self.select(schema, value)
        if isinstance(part, int):
            return schema.get("items")
        additional = schema.get("additionalProperties")
        found: Schema | None = schema.get("properties", {}).get(part, as_object(additional))
        return found

    def at(self, schema: Schema, value: Any, path: Path) -> Schema | None:
        """Return the schema of the value at a path, with its references followed."""
        found: Schema | None = schema
        for part in path:
            found = self.part_schema(found, value, part) if found is not None else None
            try:
                value = value[part]
            except (LookupError, TypeError):
                value = None
        return None if found is None else self.resolve(found)

    def types(self, schema: Schema) -> list[str]:
        """Return the JSON types that a schema allows; empty if it does not say."""
        stated = schema.get("type")
        return [stated] if isinstance(stated, str) else list(stated or ())

    def nullable(self, schema: Schema) -> bool:
        """True if the schema allows null."""
        return next(self.faults(schema, None), None) is None

    # --- what is wrong with a value ---

    def faults(self, schema: Schema, value: Any, place: Path = ()) -> Iterator[Fault]:
        """Yield what is wrong with a value."""
        schema = self.resolve(schema)
        found = self.alternatives(schema)
        if found:
            tagged = self.tagged(schema)
            tag = (as_object(value) or {}).get(tagged[0]) if tagged else None
            if tagged and value is not None and tag not in tagged[1]:
                place = (*place, tagged[0]) if isinstance(value, dict) else place
                yield Fault(place, f"one of {', '.join(tagged[1])}", tag, "discriminator")
            elif tagged and value is not None:
                yield from self.faults(tagged[1][str(tag)], value, place)
            else:
                each = [list(self.faults(one, value, place)) for one in found]
                yield from min(each, key=lambda faults: (len(faults), -max((len(f.place) for f in faults), default=0)))
            return
        types = self.types(schema)
        if types and not any(_has_type(value, kind) for kind in types):
            yield Fault(place, " or ".join(_TYPE_WORDS[kind] for kind in types), value, "type")
        elif "const" in schema and not cel.equal(value, schema["const"]):
            yield Fault(place, json.dumps(schema["const"]), value, "const")
        elif "enum" in schema and not cel.is_in(value, schema["enum"]):
            yield Fault(place, f"one of {', '.join(map(str, schema['enum']))}", value, "enum")
        elif isinstance(value, str):
            yield from self._text_faults(schema, value, place)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            for keyword, (keeps, words) in _BOUNDS.items():
                if keyword in schema and not keeps(value, schema[keyword]):
                    yield Fault(place, f"{words} {schema[keyword]}", value, keyword)
        elif (elements := as_list(value)) is not None:
            yield from _length_faults(schema, len(elements), "Items", "items", value, place)
            for index, each in enumerate(elements):
                yield from self.faults(schema.get("items", {}), each, (*place, index))
        elif (fields := as_object(value)) is not None:
            yield from self._object_faults(schema, fields, place)

    def _text_faults(self, schema: Schema, value: str, place: Path) -> Iterator[Fault]:
        yield from _length_faults(schema, len(value), "Length", "characters", value, place)
        pattern = schema.get("pattern")
        # In Python, `$` also matches before a final newline.
        if pattern is not None and not re.search(re.sub(r"(?<!\\)\$", r"\\Z", pattern), value, re.ASCII):
            yield Fault(place, f"text that matches {pattern}", value, "pattern")
        words = {"uuid": "a UUID", "date-time": "an RFC 3339 date-time with an offset", "date": "a date"}
        form = schema.get("format")
        if form in words and not _has_format(form, value):
            yield Fault(place, words[form], value, "format")

    def _object_faults(self, schema: Schema, value: dict[str, Any], place: Path) -> Iterator[Fault]:
        known: Mapping[str, Schema] = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield Fault((*place, name), "present", None, "required")
        additional = schema.get("additionalProperties", True)
        for name, each in value.items():
            if name in known:
                yield from self.faults(known[name], each, (*place, name))
            elif additional is False:
                yield Fault((*place, name), "omitted: there is no such field", each, "additionalProperties")
            elif (below := as_object(additional)) is not None:
                yield from self.faults(below, each, (*place, name))

    # --- as rules see them ---

    def for_rules(self, schema: Schema | None, value: Any, plan: ReadPlan | None = None) -> Any:
        """Return a value as rules expect it: times in nanoseconds, UUIDs in lower case.

        Args:
            schema: The schema.
            value: The value.
            plan: The parts that are read; by default, all.
        """
        if schema is None:
            return value
        if (fields := as_object(value)) is not None:
            schema = self.select(schema, value)
            known: Mapping[str, Schema] = schema.get("properties", {})
            additional = as_object(schema.get("additionalProperties"))
            names = fields.keys() if not plan else plan.keys() & fields.keys()
            return {
                name: self.for_rules(known.get(name, additional), fields[name], plan and plan[name]) for name in names
            }
        if (elements := as_list(value)) is not None:
            element = self.select(schema, value).get("items")
            return [self.for_rules(element, each, plan and plan.get("*")) for each in elements]
        if not isinstance(value, str):
            return int(value) if isinstance(value, float) and value.is_integer() else value
        form = self.resolve(schema).get("format") if "format" in schema else self.select(schema, value).get("format")
        if form == "date-time":
            try:
                return cel.moment(value)
            except ValueError:
                return value
        return value.lower() if form == "uuid" else value

    def has_rules(self, schema: Schema | None) -> bool:
        """True if a schema, or one below it, has rules."""
        if schema is None:
            return False
        if id(schema) not in self._has_rules:
            self._has_rules[id(schema)] = False
            waiting, seen = [schema], set[int]()
            while waiting and not self._has_rules[id(schema)]:
                each = waiting.pop()
                if id(each) not in seen:
                    seen.add(id(each))
                    each = self.resolve(each)
                    self._has_rules[id(schema)] = "x-rules" in each
                    below = [each.get("items"), each.get("additionalProperties"), *each.get("properties", {}).values()]
                    waiting += [found for found in map(as_object, below) if found is not None]
                    waiting += self.alternatives(each)
        return self._has_rules[id(schema)]

    # --- as text ---

    def parse(self, schema: Schema, text: str) -> Any:
        """Return the value that a text stands for; the text itself if it is not valid."""
        types = self.types(self.resolve(schema))
        if "integer" in types and _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return int(text)
        if "number" in types and _NUMBER.fullmatch(text) and len(text) <= _MAX_DIGITS:
            return json.loads(text)
        if "boolean" in types and text in ("true", "false"):
            return text == "true"
        return text.lower() if self.resolve(schema).get("format") == "uuid" else text


def _has_type(value: Any, kind: str) -> bool:
    if kind == "integer":
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    known: Mapping[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    return isinstance(value, known[kind])


def _has_format(form: str, value: str) -> bool:
    if form == "uuid":
        return _UUID.fullmatch(value) is not None
    try:
        if form == "date-time":
            cel.moment(value)
        else:
            date.fromisoformat(value)
    except ValueError:
        return False
    return form == "date-time" or re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) is not None


def _length_faults(schema: Schema, length: int, keyword: str, unit: str, value: Any, place: Path) -> Iterator[Fault]:
    least, most = schema.get(f"min{keyword}", 0), schema.get(f"max{keyword}", math.inf)
    if length < least:
        yield Fault(place, f"at least {least} {unit} long", value, f"min{keyword}")
    if length > most:
        yield Fault(place, f"at most {most} {unit} long", value, f"max{keyword}")
