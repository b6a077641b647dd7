"""What a field of an item, or of an answer, may be changed to, so that its schema still holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from codegen.cel import ELEMENT, MISSING, Path, Shape, parts, timestamp
from codegen.extensions import Rule
from codegen.extensions.instances import Route, instances, route
from codegen.openapi import Node
from codegen.openapi.document import Pointer
from tests.contract.target import NIL, UNKNOWN_IDS

from .exchange import replaced
from .keywords import always

# Nearest first: what is off by much, everybody sees.
STEPS = (timedelta(seconds=1), timedelta(minutes=10))
# What stands before the value, where a field becomes one of an enumeration.
AS = "as_"
# How many values of other items are tried, and changes of one item.
OTHERS, MOST_TRIED = 4, 150


@dataclass(frozen=True)
class Field:
    """A field that a rule reads."""

    way: Route = field(repr=False, compare=False)
    """To the values of the schema that the rule stands at."""
    names: tuple[str, ...]
    """Below such a value."""
    shape: Shape = field(repr=False, compare=False)
    schema: str
    """Where the schema stands."""

    @property
    def title(self) -> str:
        return ".".join(self.names)

    def place(self, value: Any) -> Pointer | None:
        """Where it stands in an item; of several, the first. None if it is not there."""
        for each in instances(self.way, value)[0]:
            if at(each.value, self.names) is not MISSING:
                return (*each.place, *self.names)
        return None


def at(value: Any, place: Iterable[str | int]) -> Any:
    for key in place:
        is_there = key in value if isinstance(value, dict) else isinstance(key, int) and isinstance(value, list)
        if not is_there or (isinstance(key, int) and isinstance(value, list) and key >= len(value)):
            return MISSING
        value = value[key]
    return value


def fields_of(rule: Rule, start: Node, schema: Node, prefix: Path) -> list[Field]:
    """The fields that a rule reads below a path, in the values of a schema; those of lists as a whole.

    Args:
        rule: The rule.
        start: The schema of an item, or of a body.
        schema: What stands at the path.
        prefix: The path.
    """
    schema = schema.resolved() or schema
    found: dict[tuple[str, ...], Field] = {}
    for path in rule.program.uses.reads:
        below = path[len(prefix) :]
        if path[: len(prefix)] != prefix:
            continue
        below = below[: below.index(ELEMENT)] if ELEMENT in below else below
        names = own_names(schema, below)
        shapes = parts(schema, below)
        if names and shapes:
            found[names] = Field(route(start, [schema.pointer]), names, shapes[0], schema.pointer)
    return list(found.values())


def own_names(schema: Node, path: Path) -> tuple[str, ...]:
    """A path with the names that the document has; empty if it leads nowhere."""
    names: list[str] = []
    for length, part in enumerate(path):
        own = [each.names[part] for each in parts(schema, path[:length]) if part in each.names]
        if not own:
            return ()
        names.append(own[0])
    return tuple(names)


Op = Callable[[Any], Any]
"""Makes of an item the new value of a field; MISSING if it cannot."""


class Edit(NamedTuple):
    """A field, and what becomes of it."""

    field: Field
    op: Op


Recipe = tuple[Edit, ...]


def applied(recipe: Recipe, item: Any) -> Any:
    """The item with other values in some fields; MISSING if that cannot be."""
    changed = item
    for each in recipe:
        place, new = each.field.place(item), each.op(item)
        if place is None or new is MISSING:
            return MISSING
        changed = replaced(changed, place, new)
    return MISSING if changed == item else changed


def moment(value: Any) -> datetime | None:
    found = timestamp(value)
    return None if found is MISSING else found.ToDatetime(UTC)


@dataclass
class Changes:
    """The ways to change fields of the items of a list, or of the one answer."""

    fields: Sequence[Field]
    """Those that any rule reads."""
    items: Sequence[Any]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def others(self) -> Mapping[Field, list[Any]]:
        """Values of each field that some item has, few of each."""
        found: dict[Field, list[Any]] = {each: [] for each in self.fields}
        for each, values in found.items():
            for item in self.items:
                place = each.place(item)
                value = MISSING if place is None else at(item, place)
                if value is not None and value is not MISSING and value not in values and len(values) < OTHERS:
                    values.append(value)
            if each.shape.kind == "uuid":
                values += [*UNKNOWN_IDS[:1], NIL]
        return found

    def ops(self, field: Field, way: str) -> Iterator[Op]:
        """What changes a field in one of `ways`."""
        if way.startswith(AS):
            yield always(way.removeprefix(AS))
        elif way == "null":
            yield always(None)
        elif way in ("another", "set"):
            yield from (copied(other, timedelta()) for other in self.alike(field) if way == "set")
            yield from (unless_null(way == "another", field, always(each)) for each in self.others[field])
        elif way in ("earlier", "later"):
            sign = -1 if way == "earlier" else 1
            for step in STEPS:
                yield kept(field, sign, copied(field, sign * step))
                yield from (kept(field, sign, copied(other, sign * step)) for other in self.alike(field))
            yield kept(field, sign, always((self.now + STEPS[-1]).isoformat()))
        elif way in ("one_more", "one_less"):
            yield calculated(field, lambda value: value + (1 if way == "one_more" else -1))
        elif way == "inverted":
            yield calculated(field, lambda value: not value)
        elif way == "emptied":
            yield always([])

    def alike(self, field: Field) -> list[Field]:
        return [each for each in self.fields if each.shape.kind == field.shape.kind and each != field]

    def recipes(self, field: Field, way: str, item: Any) -> Iterator[Recipe]:
        """By itself, with what has the same value, with all of its kind, then with one other field."""
        place = field.place(item)
        old = at(item, place) if place is not None else MISSING
        ops = [op for op in self.ops(field, way) if op(item) not in (MISSING, old)]
        for op in ops:
            yield (Edit(field, op),)
        alike = [(other, at(item, there)) for other in self.alike(field) if (there := other.place(item)) is not None]
        for op in ops:
            same = [other for other, value in alike if value == old]
            some = [other for other, value in alike if value is not None]
            yield from (tuple(Edit(each, op) for each in (field, *them)) for them in (same, some) if them)
        for op in ops:
            for other in self.fields:
                if other == field:
                    continue
                more = [always(each) for each in self.others[other]] + [always(None)] * other.shape.nullable
                if other.shape.kind == field.shape.kind:
                    more.insert(0, op)
                yield from ((Edit(field, op), Edit(other, each)) for each in more)

    def found(self, field: Field, way: str, item: Any, is_wanted: Callable[[Any, Any], bool]) -> Iterator[Recipe]:
        """The recipes that make of an item what is wanted."""
        for recipe in islice(self.recipes(field, way, item), MOST_TRIED):
            made, rest = applied(recipe, item), applied(recipe[1:], item)
            if made is MISSING or not is_wanted(item, made):
                continue
            if rest is MISSING or not is_wanted(item, rest):
                # Else it is not this field that matters.
                yield recipe

    def signature(self, item: Any) -> str:
        """What is the same of items that the same recipes are for: which of its fields are null, or which value."""
        values = [(each, at(item, place)) for each in self.fields if (place := each.place(item)) is not None]
        return repr([value if each.shape.values else value is None for each, value in values])

    def kinds_of_items(self) -> list[Any]:
        """A few items of each signature."""
        known: dict[str, list[Any]] = {}
        for item in self.items:
            known.setdefault(self.signature(item), []).append(item)
        return [item for items in known.values() for item in islice(items, 2)]


def ways(shape: Shape) -> list[str]:
    """How a field of that shape may be changed."""
    if shape.values is not None:
        found = [f"{AS}{value}" for value in shape.values if isinstance(value, str)]
    else:
        by_kind = {
            "timestamp": ["earlier", "later"],
            "int": ["one_more", "one_less"],
            "double": ["one_more", "one_less"],
            "bool": ["inverted"],
            "list": ["another", "emptied"],
        }
        found = by_kind.get(shape.kind, ["another"])
    return [*found, *(["null", "set"] if shape.nullable and shape.kind != "any" else [])]


def calculated(field: Field, change: Callable[[Any], Any]) -> Op:
    def op(item: Any) -> Any:
        place = field.place(item)
        value = MISSING if place is None else at(item, place)
        return change(value) if isinstance(value, (int, float)) else MISSING

    return op


def copied(field: Field, more: timedelta) -> Op:
    """The value of a field; a time so much later."""

    def op(item: Any) -> Any:
        place = field.place(item)
        value = at(item, place) if place is not None else None
        if value is None or not more:
            return MISSING if value is None else value
        time = moment(value)
        return MISSING if time is None else (time + more).isoformat()

    return op


def unless_null(is_wanted: bool, field: Field, op: Op) -> Op:
    """What was null has a value of another item only where that is what is to be done."""

    def made(item: Any) -> Any:
        place = field.place(item)
        is_null = place is not None and at(item, place) is None
        return MISSING if is_wanted == is_null else op(item)

    return made


def kept(field: Field, sign: int, op: Op) -> Op:
    """A time, if it is earlier or later than it was."""

    def made(item: Any) -> Any:
        place, new = field.place(item), op(item)
        old, time = moment(at(item, place)) if place is not None else None, moment(new)
        return new if old and time and (time > old) == (sign > 0) and time != old else MISSING

    return made
