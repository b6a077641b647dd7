"""The testing kit: its names, and the moves of overrides/testing.yaml, such as `complete` for a run."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
from openapi_python_client import strings

from codegen import Problem
from codegen.cel import Shape, field_name, shape
from codegen.contract import Contract
from codegen.endpoints import Endpoints
from codegen.models import Models
from codegen.openapi import Node, schema_of
from codegen.paging import Pager
from codegen.settings import load_settings
from codegen.testing_data import KitData

# Arguments of `make_run` and the like besides fields, and attributes of `FakeServer`.
_RESERVED_ARGUMENTS = {"self", "seed", "now"}
_RESERVED_METHODS = (
    *("add_token", "advance", "base_url", "before", "check", "client", "clock", "contract", "elapsed", "forbid"),
    *("handle", "next", "next_cut", "next_later", "next_malformed", "next_slow", "now", "requests", "revoke"),
    *("token", "transport"),
)
_TYPES = {
    **{"int": "int", "double": "float", "bool": "bool", "string": "str", "uuid": "UUID | str"},
    **{"timestamp": "datetime | str", "list": "Sequence[Any]", "map": "Mapping[str, Any]"},
    "object": "Mapping[str, Any] | BaseModel",
}


@dataclass(frozen=True)
class Move:
    """A method that adds or changes an item, and the fields that it sets."""

    name: str
    fields: Mapping[str, Any]

    @property
    def fields_in_words(self) -> str:
        return ", ".join(f"`{name}`: `{value}`" for name, value in self.fields.items())


@dataclass(frozen=True)
class ListView:
    """A list, as the template renders it.

    Attributes:
        key: The name of the operation, which identifies the list.
        noun, one: Plural and singular of its items.
        model: The class of an item.
        fields: By attribute of an item, its annotation.
        names: By attribute, the name of the field if that differs.
        owners: By path parameter, its annotation.
        states: An attribute with an enum; empty if there is none.
        adds, changes: The moves.
    """

    key: str
    noun: str
    one: str
    model: str
    fields: Mapping[str, str]
    names: Mapping[str, str]
    owners: Mapping[str, str]
    states: str
    adds: list[Move]
    changes: list[Move]

    @property
    def fields_type(self) -> str:
        """The name of the TypedDict of an item's fields."""
        return f"{strings.pascal_case(self.one)}Fields"


@dataclass(frozen=True)
class Resource:
    """A resource that a path parameter names, other than an item of a list.

    Attributes:
        parameter: The parameter.
        name: The name of the resource.
        argument: The Python name of the parameter.
        annotation: Its annotation.
        returned: The type of its id.
    """

    parameter: str
    name: str
    argument: str
    annotation: str
    returned: str


@dataclass(frozen=True)
class Kit:
    """The data for the template.

    Attributes:
        source: Source of the contract's data.
        lists: The lists.
        resources: The other resources.
        limitations: What the kit does not support, each as a sentence.
    """

    source: str
    lists: Sequence[ListView]
    resources: Sequence[Resource]
    limitations: Sequence[str]

    @property
    def unknown_fields(self) -> str:
        """Arguments for an example of a response of a later API version: an unknown enum value and field."""
        known = self.lists[0].states if self.lists else ""
        return f'{known}="CANCELLED", priority=3' if known else "priority=3"


def kit(contract: Contract, endpoints: Endpoints, pagers: Sequence[Pager], models: Models, settings: Path) -> Kit:
    """Return the data for the template.

    Args:
        contract: The contract, with its extensions read.
        endpoints: The operations.
        pagers: The lists.
        models: The models.
        settings: The file with the moves.

    Raises:
        Problem: A setting is invalid, or two methods have the same name.
    """
    names = _MoveNames(settings)
    data = KitData(contract, endpoints, pagers, models, names.updated())
    resources = [_resource(name, schema, endpoints, data) for name, schema in data.resources.items()]
    lists = [names.listed(name, pager, data, models) for name, pager in data.lists.items()]
    names.check(lists, resources)
    source = data.source()
    return Kit(source, lists, resources, data.limitations)


def _resource(name: str, schema: Node, endpoints: Endpoints, data: KitData) -> Resource:
    arguments = [each for key in data.operations for each in endpoints.view(key).at("path")]
    argument = next(each.python_name for each in arguments if each.name == name)
    kind = shape(schema).kind
    called = re.sub("_(id|uuid|key|name)$", "", strings.snake_case(name)) or argument
    return Resource(name, called, argument, _TYPES.get(kind, "str"), {"uuid": "UUID", "int": "int"}.get(kind, "str"))


class _MoveNames:
    """Reads and validates the settings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = load_settings(path)
        for name, moves in self.settings.items():
            if not isinstance(moves, dict) or not set(moves) <= {"updated", "adds", "changes"}:
                what = f"`{name}` may have only `updated`, `adds` and `changes`"
                raise self.problem(what, "remove the other keys")

    def updated(self) -> dict[str, Sequence[str]]:
        """Return by list the fields with the time of an item's last change."""
        return {name: moves.get("updated") or () for name, moves in self.settings.items()}

    def listed(self, name: str, pager: Pager, data: KitData, models: Models) -> ListView:
        """Return a list as the template renders it."""
        described = data.operations[pager.key]
        assert described.listing is not None
        item = shape(described.listing.item)
        attributes = models.attributes(pager.item)
        fields = {
            attributes.get(own, own): _annotation(shape(item.fields[key]))
            for key, own in item.names.items()
            if attributes.get(own, own) not in _RESERVED_ARGUMENTS
        }
        for each in sorted(_RESERVED_ARGUMENTS & {*attributes.values()}):
            data.limitations.append(f"`{each}` of {pager.noun} cannot be given: the kit has an argument of that name.")
        moves = self.settings.get(name, {})
        for each in moves.get("updated") or ():
            self._check_field(f"{name}.updated", each, item)
        adds, changes = (list(self._moves(f"{name}.{word}", moves.get(word), item)) for word in ("adds", "changes"))
        owners = {
            each.python_name: _TYPES.get(shape(schema_of(described.parameters["path", each.name])).kind, "str")
            for each in pager.path
        }
        names = {attribute: own for own, attribute in attributes.items() if own != attribute}
        enums = [own for key, own in item.names.items() if len(shape(item.fields[key]).values or ()) > 1]
        states = next((attributes.get(each, each) for each in enums), "")
        return ListView(name, pager.noun, pager.one, pager.item, fields, names, owners, states, adds, changes)

    def _moves(self, place: str, written: Any, item: Shape) -> Iterator[Move]:
        for name, fields in (written or {}).items() if isinstance(written or {}, dict) else [("", None)]:
            if not isinstance(fields, dict):
                raise self.problem(f"`{place}` must map names to fields", "write `complete: {status: COMPLETED}`")
            if not str(name).isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                raise self.problem(f"`{place}.{name}` must be a valid name of a method", "use another name")
            for each, value in fields.items():
                schema = self._check_field(f"{place}.{name}", each, item)
                whole = {**schema.value, "components": schema.document.value.get("components", {})}
                if not jsonschema_rs.is_valid(whole, value):
                    what = f"`{place}.{name}`: the contract does not allow {value!r} for `{each}`"
                    raise self.problem(what, "use a value that it allows")
            yield Move(name, fields)

    def _check_field(self, place: str, name: str, item: Shape) -> Node:
        if name not in item.names.values():
            raise self.problem(f"`{place}`: {item.name} has no field `{name}`", "correct the name")
        return item.fields[field_name(name)]

    def problem(self, what: str, fix: str) -> Problem:
        return Problem(f"overrides/{self.path.name}: {what}", fix)

    def check(self, lists: Sequence[ListView], resources: Sequence[Resource]) -> None:
        """Check that the names of lists exist, and that those of methods are unique."""
        known = [each.key for each in lists]
        if unknown := [name for name in self.settings if name not in known]:
            raise self.problem(f"`{unknown[0]}` is not an operation with `x-list`", f"use one of: {', '.join(known)}")
        names = [*_RESERVED_METHODS, *(f"add_{each.name}" for each in resources)]
        for each in lists:
            names += [each.noun, f"add_{each.noun}", f"change_{each.one}", f"delete_{each.one}", f"make_{each.one}"]
            names += [move.name for move in (*each.adds, *each.changes)]
        for name in names:
            if names.count(name) > 1:
                what = f"two methods of the testing kit have the name `{name}`"
                raise self.problem(what, "change an `operationId`, a path, or the name of a move")


def _annotation(found: Shape) -> str:
    return _TYPES.get(found.kind, "Any") + (" | None" if found.nullable and found.kind in _TYPES else "")
