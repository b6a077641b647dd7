"""Pagers for the operations with `x-list`, as the templates render them: arguments of package/_page_checks.py."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pydantic
from openapi_python_client import strings
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint

from codegen.cel import ELEMENT, Path, Shape, field_name, parts, shape
from codegen.endpoints import Argument, Endpoints, key_of
from codegen.extensions.model import Described, Listing
from codegen.models import Models
from codegen.openapi import Node, schema_of

# By path, with `{}` for each parameter, and method.
Operations = Mapping[tuple[str, str], Described]

# Page size without a bound in the contract, and the largest one with a bound.
_USUAL_SIZE, _MAX_SIZE = 100, 250

# Arguments that all pagers have.
_PAGER_ARGUMENTS = {"client", "limit", "page_size", "progress", "resume"}
_OFFSET_ARGUMENTS = {"offset", "concurrency"}

# Kinds of values that can be compared with the parameter that was sent.
_COMPARABLE_KINDS = ("uuid", "string", "int")


@dataclass(frozen=True)
class Pager:
    """An operation that lists items.

    Attributes:
        endpoint: The operation, as openapi-python-client has it.
        paging: The arguments of `Paging`, as source.
        repeats: By attribute of an item, the parameter that it repeats.
        by_offset: Whether pages are addressed by offset; if not, by cursor.
        has_total: Whether a page has the number of all items.
        name: The stem of the pagers' names, such as `workflow_runs`.
        noun: The plural of the items, such as `runs`.
        one: The singular, such as `run`.
        item: The class of an item.
        identity: The field that identifies an item.
        limit, start: The Python names of the parameters for the page size, and for the offset or cursor.
        path: The path parameters.
        model: The class of a page.
        further: All other parameters.
        size, least: The default and the minimum page size.
        alone: Whether it is the only list, so that names need no prefix.
    """

    endpoint: Endpoint
    paging: Mapping[str, str]
    repeats: Mapping[str, str]
    by_offset: bool
    has_total: bool
    name: str
    noun: str
    one: str
    item: str
    identity: str
    limit: str
    start: str
    path: tuple[Argument, ...]
    model: str
    further: tuple[Argument, ...]
    size: int
    least: int
    alone: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return key_of(self.endpoint)

    @property
    def module(self) -> str:
        """The module of the operation, in the package of its tag."""
        return str(self.endpoint.name)

    @property
    def tag(self) -> str:
        """The package of its tag."""
        return str(self.endpoint.tags[0])

    @property
    def names(self) -> dict[str, str]:
        """The public names of the list, by the name that it has in a contract with one list."""
        long = {
            "Page": f"{strings.pascal_case(self.name)}Page",
            "PAGE_SIZE": f"{self.name.upper()}_PAGE_SIZE",
            "LEAST_PAGE_SIZE": f"{self.name.upper()}_LEAST_PAGE_SIZE",
            "iter_pages": f"iter_{self.name}_pages",
            "aiter_pages": f"aiter_{self.name}_pages",
        }
        return {short: short for short in long} if self.alone else long


def pagers(data: GeneratorData, operations: Operations, views: Endpoints, models: Models) -> list[Pager]:
    """Return the operations that list items, in the order of the contract.

    Args:
        data: The contract, as openapi-python-client has it.
        operations: The operations with their extensions.
        views: The operations, as the templates read them.
        models: The models.

    Raises:
        Problem: The pagers cannot read one of the lists.
    """
    endpoints = {
        key_of(endpoint): endpoint
        for collection in data.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    }
    found: list[Pager] = []
    for key, described in operations.items():
        if described.listing is not None and key in endpoints:
            pager = _PagerBuilder(described, described.listing, endpoints[key], views, models).pager()
            if any(pager.name == other.name for other in found):
                raise described.listing.node.problem(
                    f"another list has pagers with the name `{pager.name}`",
                    "change the `operationId` of one of them",
                )
            found.append(pager)
    return [replace(pager, alone=len(found) == 1) for pager in found]


class _PagerBuilder:
    """Reads one list, and refuses what pagers do not support."""

    def __init__(
        self,
        described: Described,
        listing: Listing,
        endpoint: Endpoint,
        views: Endpoints,
        models: Models,
    ) -> None:
        self.described = described
        self.listing = listing
        self.endpoint = endpoint
        self.view = views(endpoint)
        self.models = models
        self.arguments = {(each.where, each.name): each for each in self.view.arguments}
        self.node = listing.node

    def pager(self) -> Pager:
        listing = self.listing
        by_offset = listing.style == "offset"
        start = "offset" if by_offset else "cursor"
        for key in ("limit", "key", *(["total"] if by_offset else [])):
            if not getattr(listing, key):
                raise self.unsupported(self.node, f"`x-list` must have `{key}` for pagers")
        names = {
            "limit": self.parameter("limit", "int"),
            start: self.parameter(start, "int" if by_offset else "string"),
        }
        self.field("items", listing.body, ("list",))
        self.field("key", listing.item, ("uuid", "string", "int"))
        if listing.total:
            self.field("total", listing.body, ("int",))
        if listing.next_cursor:
            self.field("next_cursor", listing.body, ("string",), may_be_null=True)
        limit = shape(schema_of(self.described.parameters["query", listing.limit])).node
        for key in ("enum", "multipleOf"):
            if key in limit:
                raise self.unsupported(limit.at(key), f"pagers do not support `{key}` for the page size")
        bounds = _bounds(limit)
        least = max(2 if by_offset else 1, bounds.get("least", 1))
        most = bounds.get("most")
        stated = ("limit", "items", "key", "offset", "total", "cursor", "next_cursor")
        paging: dict[str, Any] = {key: getattr(listing, key) for key in stated if getattr(listing, key)}
        for key in ("items", "key", "total", "next_cursor"):
            if key in paging:
                holder = listing.item if key == "key" else listing.body
                paging[key] = self.attribute(self.node.at(key), holder, paging[key])
        paging["echoes"] = {
            self.attribute(self.node.at("echoes").at(name), listing.body, field): name
            for name, field in listing.echoes.items()
        }
        paging["item_echoes"] = dict(self.item_echoes())
        name = str(self.endpoint.name).removeprefix("list_")
        noun = self.noun(name)
        return Pager(
            endpoint=self.endpoint,
            paging={key: repr(value) for key, value in {**paging, **bounds}.items()},
            repeats=paging["item_echoes"],
            by_offset=by_offset,
            has_total=bool(listing.total),
            name=name,
            noun=noun,
            one=noun[:-1] if noun.endswith("s") and noun[:-1].isidentifier() else "item",
            item=self.item(),
            identity=paging["key"],
            limit=names["limit"],
            start=names[start],
            path=tuple(each for each in self.arguments.values() if each.where == "path"),
            model=str(self.view.model),
            further=tuple(self.further({listing.limit, getattr(listing, start)}, by_offset)),
            size=max(least, _USUAL_SIZE if most is None else min(most, _MAX_SIZE)),
            least=least,
        )

    def unsupported(self, node: Node, what: str) -> Exception:
        return node.problem(what, "correct it, or extend overrides/codegen/paging.py and overrides/package/_pagers.py")

    def parameter(self, key: str, kind: str) -> str:
        """Return the Python name of a parameter, after checking its type."""
        name = getattr(self.listing, key)
        found = self.described.parameters["query", name]
        given = shape(schema_of(found))
        wanted = {"int": "an integer", "string": "text"}[kind]
        if given.kind != kind:
            raise self.unsupported(self.node.at(key), f"`{name}` must be {wanted} for pagers")
        return self.arguments["query", name].python_name

    def field(self, key: str, schema: Node, kinds: tuple[str, ...], may_be_null: bool = False) -> None:
        """Check the type of a field, and that it is always present."""
        name, node = getattr(self.listing, key), self.node.at(key)
        found = _always_present(schema, name, may_be_null)
        if found is None:
            raise self.unsupported(node, f"`{name}` must be required for pagers, and not null")
        if found.kind not in kinds:
            words = {"list": "an array", "int": "an integer", "string": "text", "uuid": "a UUID"}
            wanted = " or ".join(words[kind] for kind in kinds)
            raise self.unsupported(node, f"`{name}` must be {wanted} for pagers")

    def attribute(self, node: Node, schema: Node, name: str) -> str:
        """Return the path of a field in the models: attributes, joined with dots."""
        found = self.attribute_if_any(schema, name)
        if found is None:
            raise self.unsupported(node, f"`{name}` must be a valid attribute for pagers; the models rename it")
        return found

    def attribute_if_any(self, schema: Node, name: str) -> str | None:
        at, found = shape(schema), []
        for part in name.split("."):
            holder = self.models.of(at.node)
            if holder is None and not _is_attribute(part):
                return None
            found.append(self.models.attributes(holder).get(part, part) if holder else part)
            at = parts(at.node, [field_name(part)])[0]
        return ".".join(found)

    def item(self) -> str:
        """Return the name of the class of an item."""
        name = self.models.of(self.listing.item)
        if name is None:
            what = "items must be a named schema for pagers"
            raise self.node.at("items").problem(what, "move it to components/schemas, and refer to it")
        return name

    def noun(self, name: str) -> str:
        """Return the plural of the items: the last segment of the path, or `name` if that is not a valid name."""
        last = self.described.operation.path.rstrip("/").rpartition("/")[2]
        noun = strings.snake_case(last)
        usable = noun.isidentifier() and not keyword.iskeyword(noun) and "{" not in last
        return noun if usable else name

    def further(self, paging: set[str], by_offset: bool) -> Iterator[Argument]:
        """Yield the parameters that pagers pass through: all except path, paging and credentials."""
        carriers = {carrier for each in self.described.operation.credentials for carrier in each}
        for (place, name), each in self.arguments.items():
            known = name.lower() if place == "header" else name
            if place == "path" or (place == "query" and name in paging) or f"{place} {known}" in carriers:
                continue
            if each.python_name in _PAGER_ARGUMENTS | (_OFFSET_ARGUMENTS if by_offset else set()):
                what = f"the pagers use the argument name `{each.python_name}` already"
                raise self.unsupported(self.described.parameters[place, known], what)
            yield each

    def item_echoes(self) -> Iterator[tuple[str, str]]:
        """Yield the fields of items that repeat a parameter, with the parameter.

        Rules state this: those of the response about each item, and those of a parameter that selects items.
        """
        listing, described = self.listing, self.described
        names = [field_name(part) for part in listing.items.split(".")]
        item: Path = ("response", "body", *names, ELEMENT)
        rules = [(rule, item, "") for key, rules in described.answers.items() if key[0] == "2" for rule in rules]
        rules += [(rule, ("item",), name) for name, rules in described.selects.items() for rule in rules]
        given = {
            (place, field_name(name)): (place, name) for place, name in map(self.place_and_name, described.parameters)
        }
        for rule, holder, selecting in rules:
            for pair in rule.program.equals:
                for field, other in (pair, pair[::-1]):
                    source = None
                    if selecting and other == ("value",):
                        source = ("query", selecting)
                    elif other[:1] == ("request",) and len(other) == 3:
                        source = given.get((other[1], other[2]))
                    if source is not None and field[: len(holder)] == holder and len(field) > len(holder):
                        name = self.comparable(field[len(holder) :], source)
                        if name is not None:
                            yield name, source[1]

    def place_and_name(self, key: tuple[str, str]) -> tuple[str, str]:
        """Return location and name of a parameter."""
        return key[0], str(self.described.parameters[key].at("name").value)

    def comparable(self, path: Path, source: tuple[str, str]) -> str | None:
        """Return the attribute of an item's field if its values can be compared with a parameter; None if not."""
        [parameter] = [node for key, node in self.described.parameters.items() if self.place_and_name(key) == source]
        # Calls have parameters by name alone, so an ambiguous name cannot be compared.
        if sum(self.place_and_name(key)[1] == source[1] for key in self.described.parameters) > 1:
            return None
        names, node = [], self.listing.item
        for part in path:
            names.append(shape(node).names.get(part, part))
            found = parts(node, [part])
            if len(found) != 1:
                return None
            node = found[0].node
        name = ".".join(names)
        field = _always_present(self.listing.item, name)
        sent = shape(schema_of(parameter))
        is_comparable = field is not None and field.kind == sent.kind and field.kind in _COMPARABLE_KINDS
        return self.attribute_if_any(self.listing.item, name) if is_comparable else None


def _is_attribute(name: str) -> bool:
    """True if the models keep the name of a field."""
    is_taken = keyword.iskeyword(name) or name.startswith("_") or hasattr(pydantic.BaseModel, name)
    return name.isidentifier() and not is_taken


def _always_present(schema: Node, name: str, may_be_null: bool = False) -> Shape | None:
    """Return the shape of a field that is always present and not null; None for any other field."""
    found = shape(schema)
    names = name.split(".")
    for index, part in enumerate(names):
        below = parts(found.node, [field_name(part)]) if found.kind == "object" else []
        if len(below) != 1:
            return None
        is_required = part in (found.node.at("required").value or ())
        found = below[0]
        is_last = index == len(names) - 1
        if not (is_required and not found.nullable) and not (may_be_null and is_last):
            return None
    return found


def _bounds(schema: Node) -> dict[str, int]:
    """Return the bounds of an integer schema, inclusive, as `least` and `most`."""
    found: dict[str, int] = {}
    for word, key, exclusive, step in (
        ("least", "minimum", "exclusiveMinimum", 1),
        ("most", "maximum", "exclusiveMaximum", -1),
    ):
        stated = [schema.at(key).value, schema.at(exclusive).value]
        values = [int(value) + step * index for index, value in enumerate(stated) if value is not None]
        if values:
            found[word] = max(values) if step > 0 else min(values)
    return found
