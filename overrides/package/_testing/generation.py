"""Generates random values from schemas: plain ones, as people write them in tests."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from .contract import Path, Schema, as_list, as_object
from .schemas import Schemas

# Optional fields are omitted below this depth.
_LEVELS = 6
_WORDS = ("alpha", "beta", "gamma", "delta", "north", "south", "east", "west", "red", "green", "blue")


class Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()
PARTIAL_OBJECT: dict[str, Any] = {}
"""Stands for an object that is given without fields, and is generated."""


class NoMatchingTextError(ValueError):
    """No text is known that matches the pattern of a field."""


def rfc3339(moment: datetime) -> str:
    """Return a time as RFC 3339 text, in UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ValueGenerator:
    """Generates one value.

    Args:
        schemas: The schemas of the contract.
        rng: The source of random choices.
        moment: The value of all date-times.
        given: Given parts, by path. Other fields are generated around them.
        choices: The choices for nullable and enum fields, by path.
    """

    def __init__(
        self,
        schemas: Schemas,
        rng: random.Random,
        moment: datetime,
        given: Mapping[Path, Any],
        choices: Mapping[Path, Any],
    ) -> None:
        self._schemas = schemas
        self._rng = rng
        self._moment = rfc3339(moment)
        self._given = {path: value for path, value in given.items() if value is not PARTIAL_OBJECT}
        self._parents_of_given = {
            path[:length] for path in given for length in range(len(path) + (given[path] is PARTIAL_OBJECT))
        }
        self._choices = choices
        self._ids: dict[str, Any] = {}

    def value(self, schema: Schema, path: Path = ()) -> Any:
        """Return a value of a schema, for a path."""
        if path in self._given:
            return self._given[path]
        schema = self._schemas.resolve(schema)
        if found := self._schemas.alternatives(schema):
            return self._alternative(schema, found, path)
        choice = self._choices.get(path, ABSENT)
        if choice is None or (isinstance(choice, str) and choice in schema.get("enum", ())):
            return choice
        types = self._schemas.types(schema) or ["string"]
        is_null = types == ["null"] or (choice is ABSENT and self._rng.random() < 0.5)
        if "null" in types and path not in self._parents_of_given and is_null:
            return None
        if "const" in schema:
            return schema["const"]
        kind = next((each for each in types if each != "null"), "null")
        if "enum" in schema or schema.get("format") == "uuid":
            # Outside of lists, fields with the same name get the same value: they usually repeat each other.
            return self._shared(schema, path, lambda: self._plain(schema, kind, path))
        return self._plain(schema, kind, path)

    def _shared(self, schema: Schema, path: Path, make: Callable[[], Any]) -> Any:
        if not path or any(isinstance(part, int) for part in path):
            return make()
        name = str(path[-1])
        if name not in self._ids:
            known = [value for at, value in self._given.items() if at and at[-1] == name]
            fitting = (value for value in known if next(self._schemas.faults(schema, value), None) is None)
            self._ids[name] = next(fitting, ABSENT)
            if self._ids[name] is ABSENT:
                self._ids[name] = make()
        return self._ids[name]

    def _alternative(self, schema: Schema, found: list[Schema], path: Path) -> Any:
        nulls = [each for each in found if self._schemas.types(self._schemas.resolve(each)) == ["null"]]
        others = [each for each in found if each not in nulls]
        choice = self._choices.get(path, ABSENT)
        if (
            nulls
            and path not in self._parents_of_given
            and (choice is None or (choice is ABSENT and self._rng.random() < 0.5))
        ):
            return None
        tagged = self._schemas.tagged(schema)
        if tagged is None:
            return self.value(self._rng.choice(others), path)
        name, tags = tagged
        tag = self._given.get((*path, name)) or self._rng.choice(sorted(tags))
        return {**(as_object(self.value(tags.get(tag, others[0]), path)) or {}), name: tag}

    def _plain(self, schema: Schema, kind: str, path: Path) -> Any:
        if "enum" in schema:
            return self._rng.choice([each for each in schema["enum"] if each is not None] or [None])
        if kind in ("integer", "number"):
            return self._number(schema, kind)
        if kind == "boolean":
            return self._rng.random() < 0.5
        if kind == "array":
            return self._array(schema, path)
        if kind == "object":
            return self._object(schema, path)
        return None if kind == "null" else self._text(schema, path)

    def _number(self, schema: Schema, kind: str) -> int | float:
        step = schema.get("multipleOf", 1)
        least = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + step)
        most = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - step)
        if least == -math.inf:
            least = 0 if most > 0 else most - 1000 * step
        most = min(most, least + 1000 * step)
        first = math.ceil(least / step)
        found = self._rng.randint(first, max(first, math.floor(most / step))) * step
        return int(found) if kind == "integer" or isinstance(found, int) else found

    def _text(self, schema: Schema, path: Path) -> str:
        form = schema.get("format")
        if form == "uuid":
            return str(UUID(int=self._rng.getrandbits(128), version=4))
        if form in ("date-time", "date"):
            return self._moment if form == "date-time" else self._moment[:10]
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
        if "pattern" in schema:
            for text in _examples(schema, self._rng):
                if next(self._schemas.faults(schema, text), None) is None:
                    return text
            where = ".".join(map(str, path))
            raise NoMatchingTextError(f"'{where}' must be given: no text is known that matches {schema['pattern']}")
        name = next((part for part in reversed(path) if isinstance(part, str)), "text")
        text = f"{name.replace('_', ' ')} {self._rng.choice(_WORDS)} {self._rng.randrange(1000)}"
        return text.ljust(least, "x")[:most]

    def _array(self, schema: Schema, path: Path) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 10**6)
        usual = 0 if len(path) > _LEVELS else self._rng.randint(1, 3)
        count = max(least, min(most, usual))
        return [self.value(schema.get("items", {}), (*path, index)) for index in range(count)]

    def _object(self, schema: Schema, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        required = schema.get("required", ())
        for name, below in schema.get("properties", {}).items():
            here = (*path, name)
            is_given = here in self._given or here in self._parents_of_given
            is_likely = len(path) <= _LEVELS and self._choices.get(here, ABSENT) is not ABSENT
            if name in required or is_given or is_likely or (len(path) <= _LEVELS and self._rng.random() < 0.5):
                made[name] = self.value(below, here)
        # Given fields without a property. Validation decides whether they are allowed.
        for given in self._given:
            if len(given) > len(path) and given[: len(path)] == path and given[len(path)] not in made:
                made[str(given[len(path)])] = self._given[given] if len(given) == len(path) + 1 else {}
        return made


def _examples(schema: Schema, rng: random.Random) -> Iterator[str]:
    """Yield texts that a pattern may match, first the examples of the contract."""
    yield from (each for each in as_list(schema.get("examples")) or () if isinstance(each, str))
    word, number = rng.choice(_WORDS), str(rng.randrange(10**6))
    for size in (len(word), 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 64):
        letters = (word * 20)[:size]
        digits = (number * 64)[:size]
        mixed = f"{letters[: max(1, size // 2)]}{digits}"[:size]
        yield from (letters, digits, mixed, letters.upper(), letters.title(), mixed.upper(), f"{size:0{size}x}")
    upper = word.upper()
    yield from (f"{upper}-{number}", f"{word}-{number}", f"{word}_{number}", f"{word}.{number}", f"v{number}")
    yield from (f"1.{number}.0", f"{word}@example.com", f"https://example.com/{word}", f"/{word}/{number}", f"#{word}")


def given_paths(schemas: Schemas, schema: Schema, fields: Mapping[str, Any], path: Path = ()) -> dict[Path, Any]:
    """Return the given values by path. Objects are split into fields, so that their other fields are generated."""
    found: dict[Path, Any] = {}
    for name, value in fields.items():
        below = schemas.part_schema(schema, fields, name)
        inner = as_object(value)
        if inner is not None and below is not None and schemas.select(below, value).get("properties"):
            found |= {} if inner else {(*path, name): PARTIAL_OBJECT}
            found |= given_paths(schemas, schemas.select(below, value), inner, (*path, name))
        else:
            found[*path, name] = value
    return found


def shifted(text: str, seconds: float) -> str | None:
    """Return a time shifted by some seconds; None if that is out of range."""
    try:
        return rfc3339(datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text)) + timedelta(seconds=seconds))
    except (ValueError, OverflowError):
        return None
