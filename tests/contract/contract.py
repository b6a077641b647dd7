"""What the contract says of the operation under test, as data: the one place that reads openapi.yaml for the run.

The operation is the first GET that lists pages by limit and offset (`x-list`) below one parameter in its path.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from codegen import Problem as DriverProblem
from codegen import extensions
from codegen.extensions import Described, Extensions, Listing, Lists
from codegen.openapi import Node, read, schema_of
from codegen.openapi.schemas import Canonical, default_of

ROOT = Path(__file__).parents[2]
# The variable is for tests, which edit a copy.
OPENAPI = Path(os.environ.get("CONTRACT") or ROOT / "openapi.yaml")


class Problem(Exception):
    """Why the contract cannot be tested, and what to do about it."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True)
class Credential:
    """One security scheme: how its credential travels, and which variable of the environment has it."""

    scheme: str
    """Its name in the contract."""
    place: str
    """`header`, `cookie` or `query`."""
    name: str
    """Of the header, the cookie or the parameter."""
    prefix: str
    """What stands before the value, such as `Bearer `."""
    variable: str
    description: str

    def carried(self, value: str) -> dict[str, dict[str, str]]:
        """What a request that presents the value has, by place."""
        return {self.place: {self.name: self.prefix + value}}


@dataclass(frozen=True)
class Contract:
    """The operation under test."""

    promised: Extensions
    described: Described
    listing: Listing
    parent: str
    """The parameter in the path, which names what the list belongs to."""
    credentials: tuple[Credential, ...]
    """Any one of them is enough."""
    limits: range
    """What the limit may be."""
    defaults: Mapping[str, int]
    """Of the limit and the offset, by name."""
    page_status: int
    """Of the answer that is a page."""
    lists: Lists = field(repr=False)

    @property
    def document(self) -> dict[str, Any]:
        value: dict[str, Any] = self.promised.document.value
        return value

    @property
    def name(self) -> str:
        """What messages call the operation."""
        return self.described.operation.name

    @property
    def path(self) -> str:
        return self.described.operation.path

    def path_of(self, parent: str) -> str:
        return self.path.replace(f"{{{self.parent}}}", parent)

    @property
    def parameters(self) -> Mapping[tuple[str, str], Node]:
        """By place and name, references followed."""
        return self.described.parameters

    @cached_property
    def parent_schema(self) -> dict[str, Any]:
        return resolved(schema_of(self.parameters["path", self.parent]))

    @cached_property
    def statuses(self) -> frozenset[int]:
        """Those that the contract has, ranges aside."""
        return frozenset(int(key) for key in self.described.operation.responses if key.isdecimal())

    def refused(self, *stages: str) -> frozenset[int]:
        """With which statuses a request is answered that fails at one of these stages of its judgement."""
        return frozenset(status for stage in self.described.judged if stage.name in stages for status in stage.statuses)

    @cached_property
    def not_now(self) -> frozenset[int]:
        """What may happen to any request: it is to be sent again later."""
        return self.refused("any")

    @property
    def fields(self) -> frozenset[str]:
        """Those of a page that `x-list` names."""
        listing = self.listing
        return frozenset(name for name in (listing.items, listing.total, *listing.echoes.values()) if name)

    @cached_property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The fields of an item that take one of some texts, and which."""
        canonical = Canonical()
        found = {}
        for form in canonical.forms((self.listing.item,)):
            for name, schema in form.properties.items():
                texts = [form.limit("values") for form in canonical.forms(schema) if form.kind == "string"]
                if texts and all(texts):
                    # As JSON has them: with quotes.
                    found[name] = tuple(sorted({text[1:-1] for some in texts for text in some}))
        return found

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Those of the environment that have credentials."""
        return tuple(credential.variable for credential in self.credentials)

    @property
    def parent_variable(self) -> str:
        """That which has what lists are read of; with EMPTY_ and FOREIGN_ before it for the other kinds."""
        return as_variable(self.parent)

    @property
    def parent_noun(self) -> str:
        """What messages call it."""
        return self.parent.removesuffix("_id").replace("_", " ")

    @property
    def items_noun(self) -> str:
        last = self.path.rpartition("/")[2]
        return "items" if "{" in last else re.sub("[-_]", " ", last)

    @property
    def prefix(self) -> str:
        """The first part of its path, by which an address shows to hold too much."""
        return "/" + self.path.split("/")[1]

    def given(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The credentials that the environment has, by variable."""
        found = {name: environment.get(name, "").strip() for name in self.variables}
        return {name: value for name, value in found.items() if value}


def either(choices: Iterable[object]) -> str:
    """In words, for messages."""
    return " or ".join(map(str, choices))


def as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper())


def resolved(schema: Node) -> dict[str, Any]:
    value = (schema.resolved() or schema).value
    return value if isinstance(value, dict) else {}


@cache
def contract() -> Contract:
    """Raises Problem, with file and line where there is one."""
    try:
        promised = extensions.read(read(OPENAPI))
    except DriverProblem as problem:
        raise Problem(str(problem), problem.fix) from problem
    if not isinstance(promised.document.value, dict):
        raise Problem(f"{OPENAPI.name} is no OpenAPI document", "make generate, which says more")
    for (_, method), described in promised.operations.items():
        parents = re.findall(r"\{([^{}]*)\}", described.operation.path)
        listing = described.listing
        if method == "get" and listing and listing.style == "offset" and len(parents) == 1:
            return describe(promised, described, listing, parents[0])
    raise Problem(
        f"{OPENAPI.name} has no operation that can be tested",
        "the contract run tests a GET with one parameter in its path and an `x-list` whose style is offset",
    )


def describe(promised: Extensions, described: Described, listing: Listing, parent: str) -> Contract:
    defaults = {}
    for name in (listing.limit, listing.offset):
        schema = schema_of(described.parameters["query", name])
        default = default_of(schema)
        if default is None or type(default.value) is not int:
            raise lacking(schema, f"'default' of {name}, an integer")
        defaults[name] = default.value
    schema = schema_of(described.parameters["query", listing.limit])
    least, most = bounds(schema)
    if least is None or most is None:
        raise lacking(schema, f"'minimum' and 'maximum' of {listing.limit}")
    success = min(int(key) for key in described.operation.responses if re.fullmatch("2[0-9][0-9]", key))
    return Contract(
        promised=promised,
        described=described,
        listing=listing,
        parent=parent,
        credentials=read_credentials(described),
        limits=range(least, most + 1),
        defaults=defaults,
        page_status=success,
        lists=Lists(listing),
    )


def lacking(node: Node, what: str) -> Problem:
    where = f"line {node.line} of {OPENAPI.name}" if node.line else OPENAPI.name
    return Problem(f"the checks need more of {OPENAPI.name} than it has: {what}", f"see {where}: add it")


def bounds(schema: Node) -> tuple[int | None, int | None]:
    """The least and the largest integer that a schema allows; None where it has no bound."""
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
            raise lacking(alternative, f"{either(names)} alone, as they send one credential at a time")
        for name in names:
            credential = read_credential(name, schemes.at(name).resolved() or schemes.at(name))
            found.setdefault((credential.place, credential.name), credential)
    if not found:
        raise lacking(described.operation.node, "'security' with at least one scheme")
    return tuple(found.values())


def read_credential(scheme: str, node: Node) -> Credential:
    kind, place, name, word = (str(node.at(key).value or "") for key in ("type", "in", "name", "scheme"))
    description = str(node.at("description").value or "").strip()
    if kind == "apiKey":
        return Credential(scheme, place, name, "", as_variable(name), description)
    if kind == "http" and word.lower() != "bearer":
        raise lacking(node, f"another scheme than {word or 'none'}: bearer, or an API key")
    return Credential(scheme, "header", "Authorization", "Bearer ", "TOKEN", description)
