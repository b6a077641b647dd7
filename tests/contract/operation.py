"""An operation under test, as the contract describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from codegen.extensions import Described, Extensions, Link, Listing, Lists, Selection
from codegen.openapi import Node, schema_of
from codegen.openapi.schemas import Canonical

from .bodies import RequestBody
from .parameter import Parameter

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


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

    def parameters_for(self, value: str) -> dict[str, dict[str, str]]:
        """What a request that presents the value has, by place."""
        return {self.place: {self.name: self.prefix + value}}


@dataclass(frozen=True)
class Operation:
    """An operation under test."""

    promised: Extensions = field(repr=False)
    described: Described
    parent: str
    """The parameter in the path, which names what the list belongs to, or what is asked for; empty if there is none."""
    credentials: tuple[Credential, ...]
    """Any one of them is enough."""
    page_status: int
    """Of a success."""
    query: Mapping[str, Parameter] = field(repr=False)
    in_path: Mapping[str, Parameter] = field(repr=False)
    links: Mapping[str, tuple[Link, ...]] = field(repr=False)
    """What the answers of others give for it, by operation."""
    listing: Listing | None = None
    limits: range = range(0)
    """What the limit of a list may be."""
    defaults: Mapping[str, int] = field(default_factory=dict)
    """Of the limit and the offset of a list, by name."""
    key_reader: Lists | None = None
    """What reads the key of its items; None if no list of the contract has such items."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.described.operation.name

    @property
    def path(self) -> str:
        return self.described.operation.path

    @property
    def method(self) -> str:
        return self.described.operation.method.upper()

    @property
    def label(self) -> str:
        """What Schemathesis calls it."""
        return label_of(self.described)

    @cached_property
    def request_body(self) -> RequestBody | None:
        """What its requests carry."""
        node = self.described.operation.request_body
        return RequestBody(node) if node is not None else None

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE_METHODS

    def path_of(self, parent: str) -> str:
        return self.path.replace(f"{{{self.parent}}}", parent) if self.parent else self.path

    @cached_property
    def address(self) -> re.Pattern[str]:
        """Its path, with what is in place of its parameter."""
        before, _, after = self.path.partition(f"{{{self.parent}}}") if self.parent else (self.path, "", "")
        return re.compile(f"{re.escape(before)}{'([^/]*)' if self.parent else '()'}{re.escape(after)}(/?)")

    @cached_property
    def lists(self) -> Lists | None:
        return Lists(self.listing) if self.listing else None

    @property
    def is_offset_list(self) -> bool:
        return self.listing is not None and self.listing.style == "offset"

    @property
    def is_cursor_list(self) -> bool:
        return self.listing is not None and self.listing.style == "cursor"

    @cached_property
    def item_schema(self) -> str:
        """Where the schema stands of what it lists, or gives; what has the same one may be the same item."""
        if self.listing:
            return self.listing.item.pointer
        found = self.described.response(self.page_status)
        body = schema_of(found[1]) if found else None
        return (body.resolved() or body).pointer if body is not None and body.value is not True else ""

    @property
    def key_field(self) -> str:
        return self.key_reader.listing.key if self.key_reader else ""

    @property
    def cursor_name(self) -> str:
        return self.listing.cursor if self.listing else ""

    @property
    def parameters(self) -> Mapping[tuple[str, str], Node]:
        """By place and name, references followed."""
        return self.described.parameters

    @cached_property
    def filters(self) -> dict[str, Parameter]:
        """The query parameters that do not ask for a page, but for another list."""
        listing = self.listing
        paging = {listing.limit, listing.offset, listing.cursor} if listing else set()
        return {name: parameter for name, parameter in self.query.items() if name not in paging}

    @cached_property
    def selections(self) -> dict[str, Selection]:
        """What values of parameters pick, by parameter."""
        return {name: Selection(self.described, name) for name in self.described.selects}

    @cached_property
    def parent_schema(self) -> dict[str, Any]:
        return self.in_path[self.parent].schema if self.parent else {}

    @cached_property
    def statuses(self) -> frozenset[int]:
        """Those that the contract has, ranges aside."""
        return frozenset(int(key) for key in self.described.operation.responses if key.isdecimal())

    def refused(self, *stages: str) -> frozenset[int]:
        """With which statuses a request is answered that fails at one of these stages of its judgement."""
        return frozenset(status for stage in self.described.judged if stage.name in stages for status in stage.statuses)

    @cached_property
    def transient_statuses(self) -> frozenset[int]:
        """What may happen to any request: it is to be sent again later."""
        return self.refused("any")

    @property
    def fields(self) -> frozenset[str]:
        """Those of a page that `x-list` names."""
        listing = self.listing
        names = (listing.items, listing.total, listing.next_cursor, *listing.echoes.values()) if listing else ()
        return frozenset(filter(None, names))

    @cached_property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The fields of an item that take one of some texts, and which."""
        canonical = Canonical()
        found = {}
        for form in canonical.forms((self.listing.item,)) if self.listing else ():
            for name, schema in form.properties.items():
                texts = [form.limit("values") for form in canonical.forms(schema) if form.kind == "string"]
                if texts and all(texts):
                    # As JSON has them: with quotes.
                    found[name] = tuple(sorted({text[1:-1] for some in texts for text in some}))
        return found

    @cached_property
    def item_fields(self) -> tuple[str, ...]:
        """The names of the fields of an item."""
        forms = Canonical().forms((self.listing.item,)) if self.listing else ()
        return tuple(dict.fromkeys(name for form in forms for name in form.properties))

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


def label_of(described: Described) -> str:
    """What Schemathesis calls an operation."""
    return f"{described.operation.method.upper()} {described.operation.path}"


def as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper())
