"""Values that a field may be changed to without breaking its schema."""

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

from .keywords import constant
from .middleware import replace_at

# Smallest first: large differences are easy to find.
STEPS = (timedelta(seconds=1), timedelta(minutes=10))
# Prefix of edit kinds that set a field to a value of its enum.
AS = "as_"
# How many values of other items, and how many edits of one item, are tried.
OTHERS, MAX_TRIED = 4, 150


@dataclass(frozen=True)
class Field:
    """A field that a rule reads."""

    route: Route = field(repr=False, compare=False)
    """Leads to the values of the schema that has the rule."""
    names: tuple[str, ...]
    """Path from such a value to the field."""
    shape: Shape = field(repr=False, compare=False)
    schema: str
    """JSON pointer of the schema that has the rule."""

    @property
    def title(self) -> str:
        return ".".join(self.names)

    def place(self, value: Any) -> Pointer | None:
        """Return the path to the first occurrence in an item; None if there is none."""
        for each in instances(self.route, value)[0]:
            if value_at(each.value, self.names) is not MISSING:
                return (*each.place, *self.names)
        return None


def value_at(value: Any, place: Iterable[str | int]) -> Any:
    """Return the value at a path; MISSING if there is none."""
    for key in place:
        is_there = key in value if isinstance(value, dict) else isinstance(key, int) and isinstance(value, list)
        if not is_there or (isinstance(key, int) and isinstance(value, list) and key >= len(value)):
            return MISSING
        value = value[key]
    return value


def fields_of(rule: Rule, start: Node, schema: Node, prefix: Path) -> list[Field]:
    """Return the fields that a rule reads below a path. Elements of arrays count as the whole array.

    Args:
        rule: The rule.
        start: The schema of an item, or of a body.
        schema: The schema at the path.
        prefix: The path.
    """
    schema = schema.resolved() or schema
    found: dict[tuple[str, ...], Field] = {}
    for path in rule.program.uses.reads:
        below = path[len(prefix) :]
        if path[: len(prefix)] != prefix:
            continue
        below = below[: below.index(ELEMENT)] if ELEMENT in below else below
        names = document_names(schema, below)
        shapes = parts(schema, below)
        if names and shapes:
            found[names] = Field(route(start, [schema.pointer]), names, shapes[0], schema.pointer)
    return list(found.values())


def document_names(schema: Node, path: Path) -> tuple[str, ...]:
    """Return a path of CEL names as JSON names; empty if it leads nowhere."""
    names: list[str] = []
    for length, part in enumerate(path):
        own = [each.names[part] for each in parts(schema, path[:length]) if part in each.names]
        if not own:
            return ()
        names.append(own[0])
    return tuple(names)


ComputeValue = Callable[[Any], Any]
"""Returns the new value of a field for an item; MISSING if there is none."""


class Edit(NamedTuple):
    """A field and its new value."""

    field: Field
    compute: ComputeValue


Edits = tuple[Edit, ...]


def apply_edits(edits: Edits, item: Any) -> Any:
    """Return the edited item; MISSING if an edit does not apply or nothing changes."""
    changed = item
    for each in edits:
        place, new = each.field.place(item), each.compute(item)
        if place is None or new is MISSING:
            return MISSING
        changed = replace_at(changed, place, new)
    return MISSING if changed == item else changed


def parse_time(value: Any) -> datetime | None:
    found = timestamp(value)
    return None if found is MISSING else found.ToDatetime(UTC)


@dataclass
class EditGenerator:
    """Generates edits for the items of a list, or for a single object."""

    fields: Sequence[Field]
    """All fields that a rule reads."""
    items: Sequence[Any]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def other_values(self) -> Mapping[Field, list[Any]]:
        """A few values of each field, taken from items."""
        found: dict[Field, list[Any]] = {each: [] for each in self.fields}
        for each, values in found.items():
            for item in self.items:
                place = each.place(item)
                value = MISSING if place is None else value_at(item, place)
                if value is not None and value is not MISSING and value not in values and len(values) < OTHERS:
                    values.append(value)
            if each.shape.kind == "uuid":
                values += [*UNKNOWN_IDS[:1], NIL]
        return found

    def computations(self, field: Field, edit_kind: str) -> Iterator[ComputeValue]:
        """Yield ways to compute a new value, for one of `edit_kinds`."""
        if edit_kind.startswith(AS):
            yield constant(edit_kind.removeprefix(AS))
        elif edit_kind == "null":
            yield constant(None)
        elif edit_kind in ("another", "set"):
            yield from (copied_from(other, timedelta()) for other in self.same_kind_fields(field) if edit_kind == "set")
            yield from (unless_null(edit_kind == "another", field, constant(each)) for each in self.other_values[field])
        elif edit_kind in ("earlier", "later"):
            sign = -1 if edit_kind == "earlier" else 1
            for step in STEPS:
                yield if_moved(field, sign, copied_from(field, sign * step))
                yield from (
                    if_moved(field, sign, copied_from(other, sign * step)) for other in self.same_kind_fields(field)
                )
            yield if_moved(field, sign, constant((self.now + STEPS[-1]).isoformat()))
        elif edit_kind in ("one_more", "one_less"):
            yield computed_from(field, lambda value: value + (1 if edit_kind == "one_more" else -1))
        elif edit_kind == "inverted":
            yield computed_from(field, lambda value: not value)
        elif edit_kind == "emptied":
            yield constant([])

    def same_kind_fields(self, field: Field) -> list[Field]:
        return [each for each in self.fields if each.shape.kind == field.shape.kind and each != field]

    def candidates(self, field: Field, edit_kind: str, item: Any) -> Iterator[Edits]:
        """Yield edits of the field: alone, with equal fields, with fields of its type, with one other field."""
        place = field.place(item)
        old = value_at(item, place) if place is not None else MISSING
        computations = [
            compute for compute in self.computations(field, edit_kind) if compute(item) not in (MISSING, old)
        ]
        for compute in computations:
            yield (Edit(field, compute),)
        alike = [
            (other, value_at(item, there))
            for other in self.same_kind_fields(field)
            if (there := other.place(item)) is not None
        ]
        equal = [other for other, value in alike if value == old]
        filled = [other for other, value in alike if value is not None]
        for compute in computations:
            for others in (equal, filled):
                if others:
                    yield tuple(Edit(each, compute) for each in (field, *others))
        for compute in computations:
            for other in self.fields:
                if other == field:
                    continue
                computations_of_other = [constant(each) for each in self.other_values[other]]
                if other.shape.nullable:
                    computations_of_other.append(constant(None))
                if other.shape.kind == field.shape.kind:
                    computations_of_other.insert(0, compute)
                yield from ((Edit(field, compute), Edit(other, each)) for each in computations_of_other)

    def search(self, field: Field, edit_kind: str, item: Any, is_wanted: Callable[[Any, Any], bool]) -> Iterator[Edits]:
        """Yield the edits whose result is wanted."""
        for edits in islice(self.candidates(field, edit_kind, item), MAX_TRIED):
            edited, without_field = apply_edits(edits, item), apply_edits(edits[1:], item)
            if edited is MISSING or not is_wanted(item, edited):
                continue
            # Otherwise the other fields alone break the rule.
            if without_field is MISSING or not is_wanted(item, without_field):
                yield edits

    def signature(self, item: Any) -> str:
        """Return a key that is equal for items that can be edited alike: values of enums, and which fields are null."""
        values = [(each, value_at(item, place)) for each in self.fields if (place := each.place(item)) is not None]
        return repr([value if each.shape.values else value is None for each, value in values])

    def representative_items(self) -> list[Any]:
        """Return two items of each signature."""
        known: dict[str, list[Any]] = {}
        for item in self.items:
            known.setdefault(self.signature(item), []).append(item)
        return [item for items in known.values() for item in islice(items, 2)]


def edit_kinds(shape: Shape) -> list[str]:
    """Return how a field of that shape may be changed."""
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
    return [*found, "null", "set"] if shape.nullable and shape.kind != "any" else found


def computed_from(field: Field, change: Callable[[Any], Any]) -> ComputeValue:
    def compute(item: Any) -> Any:
        place = field.place(item)
        value = MISSING if place is None else value_at(item, place)
        return change(value) if isinstance(value, (int, float)) else MISSING

    return compute


def copied_from(field: Field, more: timedelta) -> ComputeValue:
    """Copy the value of a field; of a time, shifted by `more`."""

    def compute(item: Any) -> Any:
        place = field.place(item)
        value = value_at(item, place) if place is not None else None
        if value is None or not more:
            return MISSING if value is None else value
        time = parse_time(value)
        return MISSING if time is None else (time + more).isoformat()

    return compute


def unless_null(is_for_filled: bool, field: Field, compute: ComputeValue) -> ComputeValue:
    """Compute a value for fields that are not null (`is_for_filled`), or only for null ones."""

    def computed(item: Any) -> Any:
        place = field.place(item)
        is_null = place is not None and value_at(item, place) is None
        return MISSING if is_for_filled == is_null else compute(item)

    return computed


def if_moved(field: Field, sign: int, compute: ComputeValue) -> ComputeValue:
    """Compute a time; MISSING unless it is later (sign 1) or earlier (sign -1) than before."""

    def computed(item: Any) -> Any:
        place, new = field.place(item), compute(item)
        old, time = parse_time(value_at(item, place)) if place is not None else None, parse_time(new)
        return new if old and time and (time > old) == (sign > 0) and time != old else MISSING

    return computed
