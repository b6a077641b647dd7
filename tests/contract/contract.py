"""Reads openapi.yaml for the contract run: operations, parameters, credentials, links.

An operation that cannot be tested, such as one with several path parameters, is recorded with the reason for the
verdict.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from codegen import Problem as DriverProblem
from codegen import extensions
from codegen.extensions import Answer, Described, Extensions, Link, Listing, Lists, Request
from codegen.openapi import Node, read, schema_of
from codegen.openapi.schemas import Canonical, default_of

from .bodies import JSON
from .operation import Credential, Operation, as_variable
from .parameter import VALID, Parameter

ROOT = Path(__file__).parents[2]
# Tests set the variable to test edited copies.
OPENAPI = Path(os.environ.get("CONTRACT") or ROOT / "openapi.yaml")


class Problem(Exception):
    """Why something cannot be tested, and the fix."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True)
class Contract:
    """The contract."""

    promised: Extensions
    operations: tuple[Operation, ...]
    """Testable operations in the contract's order, lists first."""
    untestable: Mapping[str, str]
    """The reasons why other operations cannot be tested, by name."""
    credentials: tuple[Credential, ...]
    """The credentials of all operations."""

    @property
    def document(self) -> dict[str, Any]:
        value: dict[str, Any] = self.promised.document.value
        return value

    def operation(self, label: str) -> Operation | None:
        """Return the operation with a label: its method and path."""
        return self._by_label.get(label)

    @cached_property
    def _by_label(self) -> dict[str, Operation]:
        return {each.label: each for each in self.operations}

    @cached_property
    def transient_statuses(self) -> frozenset[int]:
        """The statuses that any request may get, to be sent again later."""
        return frozenset(status for each in self.operations for status in each.transient_statuses)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The environment variables of the credentials."""
        return tuple(dict.fromkeys(credential.variable for credential in self.credentials))

    @property
    def prefix(self) -> str:
        """The first segment of its paths: a base URL must not contain it."""
        return "/" + self.operations[0].path.split("/")[1]

    @cached_property
    def parents(self) -> dict[str, Operation]:
        """The first operation with each path parameter, by parameter."""
        found: dict[str, Operation] = {}
        for each in self.operations:
            if each.parent:
                found.setdefault(each.parent, each)
        return found

    def secrets_in(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the secrets in an environment, by variable."""
        found = {name: environment.get(name, "").strip() for name in self.variables}
        return {name: value for name, value in found.items() if value}


def either(choices: Iterable[object]) -> str:
    """Join choices with "or" for messages."""
    return " or ".join(map(str, choices))


def resolved(schema: Node) -> dict[str, Any]:
    value = (schema.resolved() or schema).value
    return value if isinstance(value, dict) else {}


@cache
def contract() -> Contract:
    """Read the contract. Raises Problem, with file and line if possible."""
    try:
        promised = extensions.read(read(OPENAPI))
    except DriverProblem as problem:
        raise Problem(str(problem), problem.fix) from problem
    if not isinstance(promised.document.value, dict):
        raise Problem(f"{OPENAPI.name} is not an OpenAPI document", "run make generate for details")
    found: list[Operation] = []
    untestable: dict[str, Problem] = {}
    for described in promised.operations.values():
        try:
            found.append(read_operation(promised, described))
        except Problem as problem:
            untestable[described.operation.name] = problem
    if not found:
        raise next(iter(untestable.values()), nothing_to_test())
    # Lists first: they provide ids for other operations.
    found.sort(key=lambda each: (each.listing is None, not each.is_safe))
    found = [replace(each, key_reader=read_keys(each, found)) for each in found]
    credentials = {(each.place, each.name): each for operation in found for each in operation.credentials}
    reasons = {name: f"{each.problem}: {each.fix}" for name, each in untestable.items()}
    return Contract(promised, tuple(found), reasons, tuple(credentials.values()))


def read_keys(operation: Operation, operations: Iterable[Operation]) -> Lists | None:
    """Return what reads the key of an operation's items: its own list, or another list of the same items."""
    same = (each for each in operations if each.listing and each.item_schema == operation.item_schema)
    return operation.lists or next((each.lists for each in same), None)


def nothing_to_test() -> Problem:
    return Problem(f"{OPENAPI.name} has no operation that can be tested", "add one")


def read_operation(promised: Extensions, described: Described) -> Operation:
    """Return the operation. Raises Problem if it cannot be tested."""
    operation, listing = described.operation, described.listing
    successes = [int(key) for key in operation.responses if re.fullmatch("2[0-9][0-9]", key)]
    if not successes:
        raise needs(operation.node, "a success among its 'responses'")
    parents = re.findall(r"\{([^{}]*)\}", operation.path)
    if len(parents) > 1:
        raise needs(operation.node, f"at most one parameter in the path, not {' and '.join(parents)}")
    for (place, name), node in described.parameters.items():
        if place == "path" and name not in parents:
            raise needs(node, f"'{name}' in {operation.path}")
    if (body := operation.request_body) is not None and JSON not in body.at("content"):
        raise needs(body, f"a body in {JSON}")
    credentials = read_credentials(described)
    known = {(each.place, each.name.lower()) for each in credentials}
    for (place, name), node in described.parameters.items():
        if place in ("header", "cookie") and node.value.get("required") and (place, name.lower()) not in known:
            raise needs(node, f"the {place} {name} as a security scheme, or not 'required'")
    limits: range = range(0)
    defaults: dict[str, int] = {}
    if listing is not None:
        limits, defaults = read_listing(described, listing)
    return Operation(
        promised=promised,
        described=described,
        parent=parents[0] if parents else "",
        credentials=credentials,
        page_status=min(successes),
        query=read_parameters(described, "query"),
        in_path=read_parameters(described, "path"),
        links=read_links(promised, described) if parents else {},
        listing=listing,
        limits=limits,
        defaults=defaults,
    )


def read_listing(described: Described, listing: Listing) -> tuple[range, dict[str, int]]:
    """Return the range of the limit, and the defaults of limit and offset."""
    if not listing.limit:
        raise needs(listing.node, "'limit'")
    if not listing.key:
        raise needs(listing.node, "'key'")
    if listing.style == "offset" and not listing.total:
        raise needs(listing.node, "'total'")
    defaults = {}
    for name in filter(None, (listing.limit, listing.offset)):
        schema = schema_of(described.parameters["query", name])
        default = default_of(schema)
        if default is None or type(default.value) is not int:
            raise needs(schema, f"'default' of {name}, an integer")
        defaults[name] = default.value
    schema = schema_of(described.parameters["query", listing.limit])
    least, most = bounds(schema)
    if least is None or most is None:
        raise needs(schema, f"'minimum' and 'maximum' of {listing.limit}")
    return range(least, most + 1), defaults


def read_parameters(described: Described, place: str) -> dict[str, Parameter]:
    """Return the parameters of an operation in one place, by name."""
    found = {}
    for (where, name), node in described.parameters.items():
        if where == place:
            schema = resolved(schema_of(node))
            document = node.document.value
            separator = "" if place == "path" else read_separator(node, schema)
            found[name] = Parameter(name, node.value.get("required", False), schema, document, separator)
    return found


# The separators of array styles. Exploded arrays repeat the parameter instead.
SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def read_separator(node: Node, schema: Mapping[str, Any]) -> str:
    """Return the separator of an array's elements; empty if there is none. Raises Problem for unsupported styles."""
    if "content" in node:
        raise needs(node.at("content"), "a parameter with 'schema'")
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    style = node.value.get("style", "form")
    if "object" in kinds or style not in SEPARATORS:
        raise needs(node, f"a supported style for {node.at('name').value}, not {style} or objects")
    if "array" not in kinds or node.value.get("explode", style == "form"):
        return ""
    return SEPARATORS[style]


def read_links(promised: Extensions, described: Described) -> dict[str, tuple[Link, ...]]:
    found: dict[str, tuple[Link, ...]] = {}
    for source in promised.operations.values():
        for key, links in source.links.items():
            for link in links.values() if key.startswith("2") else ():
                if link.target.node.pointer == described.operation.node.pointer:
                    found[source.operation.name] = (*found.get(source.operation.name, ()), link)
    return found


def follow_links(source: Operation, request: Request, answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield path parameters of other operations, with the values that a response gives them by `links`."""
    for each in contract().operations:
        for link in each.links.get(source.name, ()):
            for values in link.each(request, answer):
                value, parameter = values.get(("path", each.parent)), each.in_path[each.parent]
                is_text = isinstance(value, (str, int)) and not isinstance(value, bool)
                if is_text and parameter.judge_one(str(value)) == VALID:
                    yield each.parent, parameter.normalize(str(value))


def needs(node: Node, what: str) -> Problem:
    where = f"line {node.line} of {OPENAPI.name}" if node.line else OPENAPI.name
    return Problem(f"{OPENAPI.name} must have {what}", f"add it at {where}")


def bounds(schema: Node) -> tuple[int | None, int | None]:
    """Return the least and the largest integer that a schema allows; None where it has no bound."""
    forms = [form for form in Canonical().forms((schema,)) if form.kind in ("integer", "number")]
    least, most = ([form.limit(keyword) for form in forms] for keyword in ("minimum", "maximum"))
    return (
        min(int(value) + (how != "minimum") for value, how in least) if least and all(least) else None,
        max(int(value) - (how != "maximum") for value, how in most) if most and all(most) else None,
    )


def read_credentials(described: Described) -> tuple[Credential, ...]:
    schemes = described.operation.node.document.root.at("components").at("securitySchemes")
    found: dict[tuple[str, str], Credential] = {}
    for alternative in described.operation.security.elements():
        names = [name for name, _ in alternative.items()]
        if len(names) > 1:
            raise needs(alternative, f"{either(names)} as alternatives, because they send one credential at a time")
        for name in names:
            credential = read_credential(name, schemes.at(name).resolved() or schemes.at(name))
            found.setdefault((credential.place, credential.name), credential)
    if not found:
        raise needs(described.operation.node, "'security' with at least one scheme")
    return tuple(found.values())


def read_credential(scheme: str, node: Node) -> Credential:
    kind, place, name, word = (str(node.at(key).value or "") for key in ("type", "in", "name", "scheme"))
    description = str(node.at("description").value or "").strip()
    if kind == "apiKey":
        return Credential(scheme, place, name, "", as_variable(name), description)
    if kind == "http" and word.lower() != "bearer":
        raise needs(node, f"bearer or an API key, not the scheme {word or 'none'}")
    return Credential(scheme, "header", "Authorization", "Bearer ", "TOKEN", description)
