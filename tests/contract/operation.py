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
    """A security scheme: how its credential is sent, and the environment variable with its value."""

    scheme: str
    """Its name in the contract."""
    place: str
    """`header`, `cookie` or `query`."""
    name: str
    """The name of the header, cookie or parameter."""
    prefix: str
    """The prefix of the value, such as `Bearer `."""
    variable: str
    description: str

    def parameters_for(self, value: str) -> dict[str, dict[str, str]]:
        """Return the parameters that send the value, by place."""
        return {self.place: {self.name: self.prefix + value}}


@dataclass(frozen=True)
class Operation:
    """An operation under test."""

    promised: Extensions = field(repr=False)
    described: Described
    parent: str
    """The path parameter: the owner of a list, or the id of an item; empty if there is none."""
    credentials: tuple[Credential, ...]
    """Each of them is sufficient."""
    page_status: int
    """The status of a success."""
    query: Mapping[str, Parameter] = field(repr=False)
    in_path: Mapping[str, Parameter] = field(repr=False)
    links: Mapping[str, tuple[Link, ...]] = field(repr=False)
    """Links from other operations to this one, by operation."""
    listing: Listing | None = None
    limits: range = range(0)
    """The allowed limits of a list."""
    defaults: Mapping[str, int] = field(default_factory=dict)
    """The defaults of limit and offset, by name."""
    key_reader: Lists | None = None
    """Reads the key of its items; None if no list of the contract has such items."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.described.operation.name

    @property
    def path(self) -> str:
        return self.described.operation.path

    @property
    def method(self) -> str:
        return self.described.operation.method.upper()

    @property
    def label(self) -> str:
        """Schemathesis's name of it."""
        return label_of(self.described)

    @cached_property
    def request_body(self) -> RequestBody | None:
        """The body of its requests."""
        node = self.described.operation.request_body
        return RequestBody(node) if node is not None else None

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE_METHODS

    def path_of(self, parent: str) -> str:
        return self.path.replace(f"{{{self.parent}}}", parent) if self.parent else self.path

    @cached_property
    def address(self) -> re.Pattern[str]:
        """Matches its path; the groups are the id and a trailing slash."""
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
        """The pointer of the schema of its items, or of its one item. Equal schemas mean that items may be the same."""
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
        """Its parameters by place and name, with references resolved."""
        return self.described.parameters

    @cached_property
    def filters(self) -> dict[str, Parameter]:
        """The query parameters other than those for paging."""
        listing = self.listing
        paging = {listing.limit, listing.offset, listing.cursor} if listing else set()
        return {name: parameter for name, parameter in self.query.items() if name not in paging}

    @cached_property
    def selections(self) -> dict[str, Selection]:
        """What parameter values select, by parameter."""
        return {name: Selection(self.described, name) for name in self.described.selects}

    @cached_property
    def parent_schema(self) -> dict[str, Any]:
        return self.in_path[self.parent].schema if self.parent else {}

    @cached_property
    def statuses(self) -> frozenset[int]:
        """Its statuses, ranges aside."""
        return frozenset(int(key) for key in self.described.operation.responses if key.isdecimal())

    def refused(self, *stages: str) -> frozenset[int]:
        """Return the statuses for a request that fails at one of these stages of `x-judged`."""
        return frozenset(status for stage in self.described.judged if stage.name in stages for status in stage.statuses)

    @cached_property
    def transient_statuses(self) -> frozenset[int]:
        """The statuses that any request may get, to be sent again later."""
        return self.refused("any")

    @property
    def fields(self) -> frozenset[str]:
        """The fields of a page that `x-list` names."""
        listing = self.listing
        names = (listing.items, listing.total, listing.next_cursor, *listing.echoes.values()) if listing else ()
        return frozenset(filter(None, names))

    @cached_property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The fields of an item with a fixed set of texts, and the texts."""
        canonical = Canonical()
        found = {}
        for form in canonical.forms((self.listing.item,)) if self.listing else ():
            for name, schema in form.properties.items():
                texts = [form.limit("values") for form in canonical.forms(schema) if form.kind == "string"]
                if texts and all(texts):
                    # JSON texts, with quotes.
                    found[name] = tuple(sorted({text[1:-1] for some in texts for text in some}))
        return found

    @cached_property
    def item_fields(self) -> tuple[str, ...]:
        """The names of the fields of an item."""
        forms = Canonical().forms((self.listing.item,)) if self.listing else ()
        return tuple(dict.fromkeys(name for form in forms for name in form.properties))

    @property
    def parent_variable(self) -> str:
        """The environment variable for its ids; EMPTY_ and FOREIGN_ come before it for the other kinds."""
        return as_variable(self.parent)

    @property
    def parent_noun(self) -> str:
        """The owner of a list, or the item, in messages."""
        return self.parent.removesuffix("_id").replace("_", " ")

    @property
    def items_noun(self) -> str:
        last = self.path.rpartition("/")[2]
        return "items" if "{" in last else re.sub("[-_]", " ", last)


def label_of(described: Described) -> str:
    """Return Schemathesis's name of an operation."""
    return f"{described.operation.method.upper()} {described.operation.path}"


def as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper())
