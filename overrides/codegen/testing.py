"""The testing kit: how it calls what, and the names of overrides/testing.yaml for what may happen to items."""

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

# What `make_run` and the like take besides fields, and the attributes of `FakeServer`.
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
    """What may happen to an item: a method's name, and the fields that it sets."""

    name: str
    fields: Mapping[str, Any]

    @property
    def fields_in_words(self) -> str:
        return ", ".join(f"`{name}`: `{value}`" for name, value in self.fields.items())


@dataclass(frozen=True)
class ListView:
    """A list, as the template writes it.

    Attributes:
        key: What the kit knows it by: the operation's name.
        noun, one: What its items, and one of them, are called.
        model: The class of an item.
        fields: Those of an item, by attribute: the type that a caller gives.
        names: By attribute, the name of a field where that is another one.
        owners: The parameters that tell whose list it is: name and type.
        states: A field with an enumeration; empty where there is none.
        adds, changes: What may happen to items, by name.
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
        """The name of the type of an item's fields."""
        return f"{strings.pascal_case(self.one)}Fields"


@dataclass(frozen=True)
class Resource:
    """What a parameter in a path names, and is no item of a list.

    Attributes:
        parameter: The parameter.
        name: What it is called.
        argument: The parameter in Python.
        annotation: Its type.
        returned: The type of what it is known by.
    """

    parameter: str
    name: str
    argument: str
    annotation: str
    returned: str


@dataclass(frozen=True)
class Kit:
    """What the template reads.

    Attributes:
        source: Source of what the kit goes by.
        lists: The lists.
        resources: What else there is.
        limitations: What the kit does not do, each as a sentence.
    """

    source: str
    lists: Sequence[ListView]
    resources: Sequence[Resource]
    limitations: Sequence[str]

    @property
    def unknown_fields(self) -> str:
        """Arguments for an answer of a later version, for an example: a value of an enum, and a field."""
        known = self.lists[0].states if self.lists else ""
        return f'{known}="CANCELLED", priority=3' if known else "priority=3"


def kit(contract: Contract, endpoints: Endpoints, pagers: Sequence[Pager], models: Models, settings: Path) -> Kit:
    """Returns what the template reads of a contract.

    Args:
        contract: The contract, its extensions read.
        endpoints: How parameters and bodies are written.
        pagers: The lists, as pagers have them.
        models: The models.
        settings: The file with names for what may happen.

    Raises:
        Problem: A setting says what cannot be, or two things would have one name.
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
    """Reads the file of settings, and refuses what does not fit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = load_settings(path)
        for name, moves in self.settings.items():
            if not isinstance(moves, dict) or not set(moves) <= {"updated", "adds", "changes"}:
                what = f"`{name}` has to hold `updated`, `adds` and `changes`"
                raise self.problem(what, "leave out what else it has")

    def updated(self) -> dict[str, Sequence[str]]:
        """Returns by list the fields that say when an item was changed."""
        return {name: moves.get("updated") or () for name, moves in self.settings.items()}

    def listed(self, name: str, pager: Pager, data: KitData, models: Models) -> ListView:
        """Returns a list as the template writes it."""
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
                raise self.problem(f"`{place}` has to hold moves by name", "write `complete: {status: COMPLETED}`")
            if not str(name).isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                raise self.problem(f"`{place}.{name}` is no name of a method", "take another one")
            for each, value in fields.items():
                schema = self._check_field(f"{place}.{name}", each, item)
                whole = {**schema.value, "components": schema.document.value.get("components", {})}
                if not jsonschema_rs.is_valid(whole, value):
                    what = f"`{place}.{name}`: `{each}` cannot be {value!r}"
                    raise self.problem(what, "take a value that the contract allows")
            yield Move(name, fields)

    def _check_field(self, place: str, name: str, item: Shape) -> Node:
        if name not in item.names.values():
            raise self.problem(f"`{place}`: {item.name} has no field `{name}`", "correct the name")
        return item.fields[field_name(name)]

    def problem(self, what: str, fix: str) -> Problem:
        return Problem(f"overrides/{self.path.name}: {what}", fix)

    def check(self, lists: Sequence[ListView], resources: Sequence[Resource]) -> None:
        """Holds the names against each other."""
        known = [each.key for each in lists]
        if unknown := [name for name in self.settings if name not in known]:
            raise self.problem(f"`{unknown[0]}` is no operation with `x-list`", f"take one of: {', '.join(known)}")
        names = [*_RESERVED_METHODS, *(f"add_{each.name}" for each in resources)]
        for each in lists:
            names += [each.noun, f"add_{each.noun}", f"change_{each.one}", f"delete_{each.one}", f"make_{each.one}"]
            names += [move.name for move in (*each.adds, *each.changes)]
        for name in names:
            if names.count(name) > 1:
                what = f"two methods of the testing kit would be called `{name}`"
                raise self.problem(what, "give an operation another `operationId` or path, or a move another name")


def _annotation(found: Shape) -> str:
    return _TYPES.get(found.kind, "Any") + (" | None" if found.nullable and found.kind in _TYPES else "")
