# Copied by `make generate` from overrides/package/_testing/contract.py. Do not edit it here.
"""The contract, as data for the testing kit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeGuard, cast

Path = tuple[str | int, ...]
"""Keys and indices. In the paths that a rule reads, `*` stands for each element of a list."""

Schema = Mapping[str, Any]
"""A JSON Schema. Its `$ref` is the last part of the reference; its `x-rules` are ids of rules."""


@dataclass(frozen=True)
class Condition:
    """One of the conditions of a rule.

    Attributes:
        holds: Evaluates the condition. Takes the three variables of the rule; the last ones may be unused.
        reads: The paths that it reads in the main variable (`self`, an item).
        texts: The constant texts that it compares these with, by path.
    """

    holds: Callable[[Any, Any, Any], Any]
    reads: Sequence[Path] = ()
    texts: Sequence[tuple[Path, str]] = ()


@dataclass(frozen=True)
class Rule:
    """A rule beyond what a schema can express.

    Attributes:
        message: The rule as a sentence.
        conditions: The conditions, all of which must hold.
        of_changes: True if it compares a value with its earlier state.
    """

    message: str
    conditions: Sequence[Condition]
    of_changes: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter.

    Attributes:
        name: The name, as sent.
        where: `path`, `query`, `header` or `cookie`.
        schema: The schema.
        required: True if it must be sent.
        joined: True if a list is sent as one text, with commas.
    """

    name: str
    where: str
    schema: Schema
    required: bool = False
    joined: bool = False


class Carrier(NamedTuple):
    """How a credential is sent: the header, the text before it, and the security scheme."""

    header: str
    prefix: str
    scheme: str


class Stage(NamedTuple):
    """One stage of the validation of a request.

    Attributes:
        name: What is validated: `credentials`, `parameters`, `existence`, `access`, or `gone`.
        status: The status of a request that fails.
    """

    name: str
    status: int


@dataclass(frozen=True)
class Refusal:
    """A documented error.

    Attributes:
        schema: The schema of the body; None for no body.
        example: An example of the body, if the contract has one.
        headers: The required headers, with examples.
        detail: The field with a sentence.
        faults: The field with a list of faults.
        loc: The field of a fault with its location.
        msg: The field of a fault with its message; empty if a fault is a text.
        kind: The field of a fault with a code.
    """

    schema: Schema | None = None
    example: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    detail: str = ""
    faults: str = ""
    loc: str = ""
    msg: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Listing:
    """A list that an operation returns page by page.

    Attributes:
        noun: The plural noun for its items.
        item: The schema of an item.
        owners: The path parameters that identify the list.
        repeats: The fields of an item that repeat a path parameter, with the parameter.
        key: The field that identifies an item.
        at_most: How many items may satisfy a rule, with the rule.
        updated: The fields of an item with the time of its last change.
    """

    noun: str
    item: Schema
    owners: Sequence[str]
    repeats: Mapping[str, str]
    key: str
    at_most: Sequence[tuple[int, Rule]] = ()
    updated: Sequence[str] = ()


@dataclass(frozen=True)
class Paging:
    """How an operation pages: names of parameters and fields. Empty if there is none."""

    items: str
    limit: str = ""
    offset: str = ""
    total: str = ""
    cursor: str = ""
    next_cursor: str = ""
    echoes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        name: The name.
        method: The HTTP method.
        path: The path, with parameters in braces.
        parameters: The parameters.
        security: Alternatives of credentials, each a list of credentials to send. Empty if none is required.
        judged: The stages of validation, in order.
        success: The status of a success.
        answer: The schema of the body of a success, if any.
        headers: The required headers of a success: schema and example by name.
        refusals: The documented errors, by status.
        does: `list`, `get`, `create` or `delete`; empty if the kit does not support the operation.
        listing: The list that it is about.
        paging: How it pages.
        item: The path parameter that identifies an item.
        selects: The rules of filters, by parameter.
        rules: The rules of a success.
        body: The schema of the request body, if any.
        body_required: True if the body is required.
        location: The path template of a `Location` header.
    """

    name: str
    method: str
    path: str
    parameters: Sequence[Parameter]
    security: Sequence[Sequence[Carrier]]
    judged: Sequence[Stage]
    success: int
    answer: Schema | None
    refusals: Mapping[int, Refusal]
    headers: Mapping[str, tuple[Schema, str]] = field(default_factory=dict[str, tuple[Schema, str]])
    does: str = ""
    listing: str = ""
    paging: Paging | None = None
    item: str = ""
    selects: Mapping[str, Sequence[Rule]] = field(default_factory=dict[str, Sequence[Rule]])
    rules: Sequence[Rule] = ()
    body: Schema | None = None
    body_required: bool = False
    location: str = ""


@dataclass(frozen=True)
class Contract:
    """The contract.

    Attributes:
        schemas: Schemas by name.
        rules: Rules by id, as named by schemas.
        operations: All operations.
        lists: Lists, by the name of the operation that returns them.
        resources: Schemas of path parameters that do not identify an item of a list.
    """

    schemas: Mapping[str, Schema]
    rules: Mapping[str, Rule]
    operations: Sequence[Operation]
    lists: Mapping[str, Listing]
    resources: Mapping[str, Schema]


def as_object(value: object) -> dict[str, Any] | None:
    """Return a JSON object; None for any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """Return a JSON array; None for any other value."""
    return value if _is_list(value) else None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def at(value: Any, path: Path) -> Any:
    """Return the value at a path. Raise LookupError if there is none."""
    for part in path:
        if value is None:
            raise KeyError(part)
        value = value[part]
    return value
