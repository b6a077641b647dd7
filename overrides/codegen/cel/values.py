"""Converts JSON values to CEL values, by schema."""

from __future__ import annotations

import enum
import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf import timestamp_pb2  # type: ignore[import-untyped]

from codegen.cel.shapes import Shape, fits, shape
from codegen.cel.tree import ELEMENT, Path
from codegen.openapi import Node

# The engine's limit of iterations.
MOST_ELEMENTS = 10_000
# Levels of nested alternatives, and of values without a schema.
MOST_LEVELS = 50

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# RFC 3339.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-]\d\d:\d\d))", re.ASCII)
_INT64 = 2**63


class _Missing(enum.Enum):
    """Replaces a value that is missing, or that rules cannot read."""

    MISSING = 0


MISSING: Final = _Missing.MISSING
Converter = Callable[[Any], Any]


@dataclass
class Plan:
    """The parts of a value that rules read. Only these are converted.

    Attributes:
        deep: Whether the whole value is read.
        parts: If not, its fields that are read; ELEMENT for a list.
    """

    deep: bool = False
    parts: dict[str, Plan] = field(default_factory=dict)

    def add(self, path: Path, deep: bool) -> None:
        plan = self
        for part in path:
            plan = plan.parts.setdefault(part, Plan())
        plan.deep = plan.deep or deep


def converter(node: Node, plan: Plan) -> Converter:
    """Return a function that converts JSON values of a schema, and returns MISSING for invalid ones."""
    return _Converters().of(shape(node), plan)


class _Converters:
    def __init__(self) -> None:
        # The converters of whole objects, by schema, which may be recursive.
        self.whole: dict[str, Converter] = {}

    def of(self, found: Shape, plan: Plan, levels: int = 0) -> Converter:
        if levels > MOST_LEVELS:
            return _missing
        convert = self.of_type(found, plan, levels + 1)
        if found.values is not None:
            convert = _one_of(found.values, convert)
        return _or_null(convert) if found.nullable else convert

    def of_type(self, found: Shape, plan: Plan, levels: int) -> Converter:
        if found.choices:
            return _first([(fits(choice), self.of(shape(choice), plan, levels)) for choice in found.choices])
        if found.kind == "object":
            return self.of_object(found, plan, levels)
        if found.kind == "map":
            return self.of_map(found, plan, levels)
        if found.kind == "list":
            return self.of_list(found, plan, levels)
        return _SIMPLE[found.kind]

    def of_object(self, found: Shape, plan: Plan, levels: int) -> Converter:
        if not plan.deep:
            read = found.fields.keys() & plan.parts.keys()
            below = {key: self.of(shape(found.fields[key]), plan.parts[key], levels) for key in sorted(read)}
            return _object([(key, found.names[key], convert) for key, convert in below.items()], whole=False)
        if found.node.pointer not in self.whole:
            entries: list[tuple[str, str, Converter]] = []
            self.whole[found.node.pointer] = _object(entries, whole=True)
            for key, node in found.fields.items():
                entries.append((key, found.names[key], self.of(shape(node), plan, levels)))
        return self.whole[found.node.pointer]

    def of_map(self, found: Shape, plan: Plan, levels: int) -> Converter:
        element = shape(found.element)
        if plan.deep or ELEMENT in plan.parts:
            convert = self.of(element, Plan(deep=True), levels)
            return lambda value: _map(value, convert)
        parts = [(key, key, self.of(element, below, levels)) for key, below in plan.parts.items()]
        return _object(parts, whole=False)

    def of_list(self, found: Shape, plan: Plan, levels: int) -> Converter:
        if not plan.deep and ELEMENT not in plan.parts:
            # Only the length is read.
            return lambda value: [None] * len(value) if isinstance(value, list) else MISSING
        below = plan if plan.deep else plan.parts[ELEMENT]
        element = shape(found.element)
        convert = self.of(element, below, levels)
        # An invalid element counts as an object without fields, so that the length is right.
        instead: Any = {} if element.kind == "object" and not below.deep else MISSING
        return lambda value: _list(value, convert, instead)


def _missing(value: Any) -> Any:
    return MISSING


def _or_null(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)


def _one_of(values: tuple[Any, ...], convert: Converter) -> Converter:
    def converted(value: Any) -> Any:
        return convert(value) if value in values else MISSING

    return converted


def _first(choices: list[tuple[Callable[[Any], bool], Converter]]) -> Converter:
    def converted(value: Any) -> Any:
        return next((convert(value) for fit, convert in choices if fit(value)), MISSING)

    return converted


def _object(entries: list[tuple[str, str, Converter]], whole: bool) -> Converter:
    def converted(value: Any) -> Any:
        if not isinstance(value, dict):
            return MISSING
        made = {}
        for key, name, convert in entries:
            if name in value:
                part = convert(value[name])
                if part is not MISSING:
                    made[key] = part
                elif whole:
                    return MISSING
        return made

    return converted


def _map(value: Any, convert: Converter) -> Any:
    if not isinstance(value, dict) or len(value) > MOST_ELEMENTS:
        return MISSING
    made = {key: convert(part) for key, part in value.items()}
    return MISSING if any(part is MISSING or _text(key) is MISSING for key, part in made.items()) else made


def _list(value: Any, convert: Converter, instead: Any) -> Any:
    if not isinstance(value, list) or len(value) > MOST_ELEMENTS:
        return MISSING
    made = [instead if (part := convert(element)) is MISSING else part for element in value]
    return MISSING if any(part is MISSING for part in made) else made


def _text(value: Any) -> Any:
    # The engine cuts text at the first NUL, and does not accept lone surrogates.
    if not isinstance(value, str) or "\0" in value:
        return MISSING
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return MISSING
    return value


def _uuid(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else MISSING


def _integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and -_INT64 <= value < _INT64 else MISSING


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return MISSING
    try:
        value = float(value)
    except OverflowError:
        return MISSING
    return value if math.isfinite(value) else MISSING


def timestamp(value: Any) -> Any:
    """Return the time of an RFC 3339 text, to the nanosecond; MISSING for anything else.

    A leap second, 23:59:60, is the first second of the next minute.
    """
    # Bounds the memory of the cache.
    return _timestamp(value) if isinstance(value, str) and len(value) <= 100 else MISSING


@functools.lru_cache(maxsize=10_000)
def _timestamp(text: str) -> Any:
    found = _TIME.fullmatch(text)
    if found is None:
        return MISSING
    day, minute, second, fraction, _, offset = found.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}{offset or '+00:00'}")
        made = to_timestamp(moment, int((fraction or "0")[:9].ljust(9, "0")), leap)
    except (ValueError, OverflowError):
        return MISSING
    return made if _FIRST <= made.seconds <= _LAST else MISSING


# The years 1 to 9999 in UTC.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_timestamp(moment: datetime, nanoseconds: int = 0, leap: bool = False) -> timestamp_pb2.Timestamp:
    """Return a time as a CEL value."""
    passed = moment - _EPOCH
    seconds = passed.days * 86400 + passed.seconds + leap
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=nanoseconds or passed.microseconds * 1000)


def _anything(value: Any, levels: int = 0) -> Any:
    if levels > MOST_LEVELS:
        return MISSING
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return _list(value, lambda each: _anything(each, levels + 1), MISSING)
    return _map(value, lambda each: _anything(each, levels + 1))


_SIMPLE: dict[str, Converter] = {
    "int": _integer,
    "double": _number,
    "bool": lambda value: value if isinstance(value, bool) else MISSING,
    "string": _text,
    "uuid": _uuid,
    "timestamp": timestamp,
    "any": _anything,
}
