# Copied by `make generate` from overrides/package/_testing/contract.py. Do not edit it here.
"""What a contract says, as data that the kit goes by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeGuard, cast

Path = tuple[str | int, ...]
"""Keys and indices; in what a rule reads, `*` stands for each element of a list."""

Schema = Mapping[str, Any]
"""A JSON Schema, whose `$ref` names another one by its last part, and whose `x-rules` are ids of rules."""


@dataclass(frozen=True)
class Condition:
    """One of the conditions that a rule joins.

    Attributes:
        holds: Takes the rule's variables, as rules see them: three, of which the last ones may have no use.
        reads: What of the value it is about (`self`, an item) it reads.
        texts: The texts that it compares that with, by path.
    """

    holds: Callable[[Any, Any, Any], Any]
    reads: Sequence[Path] = ()
    texts: Sequence[tuple[Path, str]] = ()


@dataclass(frozen=True)
class Rule:
    """What holds beyond what a schema says.

    Attributes:
        message: The same, as a sentence.
        conditions: All of them hold.
        of_changes: Whether it is about what was before, too.
    """

    message: str
    conditions: Sequence[Condition]
    of_changes: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter.

    Attributes:
        name: As it is sent.
        where: `path`, `query`, `header` or `cookie`.
        schema: What it may be.
        required: Whether it has to be sent.
        joined: Whether a list is sent as one text, with commas.
    """

    name: str
    where: str
    schema: Schema
    required: bool = False
    joined: bool = False


class Carrier(NamedTuple):
    """How a credential is sent: in which header, behind what, and by which security scheme."""

    header: str
    prefix: str
    scheme: str


class Stage(NamedTuple):
    """One stage of the judgement of a request.

    Attributes:
        name: What is judged: `credentials`, `parameters`, `existence`, `access`, or `gone`.
        status: The status of a request that fails it.
    """

    name: str
    status: int


@dataclass(frozen=True)
class Refusal:
    """The body of a status that is no success.

    Attributes:
        schema: What it is; None for no body.
        example: One, if the contract has it.
        headers: The headers that it has to have, with examples.
        detail: The field with a sentence.
        faults: The field with a list of faults.
        loc: The field of a fault that says where it is.
        msg: The field of a fault that says what is wrong; empty where a fault is text.
        kind: The field of a fault that says so for a program.
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
    """A list, as an operation shows it page by page.

    Attributes:
        noun: What its items are called.
        item: What an item is.
        owners: The parameters in the path, which tell whose list it is.
        repeats: By field of an item, the parameter that it repeats.
        key: The field that tells an item from the others.
        at_most: How many items may meet a condition.
        updated: Fields of an item that say when it was changed.
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
    """How pages are asked for and what they say: names of parameters and fields; empty where there are none."""

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
        name: Its name.
        method: Its method.
        path: Its path, with names in braces.
        parameters: Its parameters.
        security: The alternatives of credentials, each what has to be sent; none where nothing has to be.
        judged: In which order requests are judged.
        success: The status of a success.
        answer: The body of a success; None for none.
        headers: The headers that a success has to have: by name the schema, and an example.
        refusals: The other answers, by status.
        does: `list`, `get`, `create` or `delete`; empty for what the kit cannot do.
        listing: The list that it is about.
        paging: How it pages.
        item: The parameter in the path that names an item.
        selects: By parameter, which items a value picks.
        rules: What holds of a success.
        body: What a request carries; None for nothing.
        body_required: Whether it has to.
        location: The path of what was created, for a `Location`.
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
    """What the contract says.

    Attributes:
        schemas: By name.
        rules: By id, those that schemas name.
        operations: All of them.
        lists: By the name of the operation that shows it.
        resources: By parameter in a path, what it names where that is no item of a list: the parameter's schema.
    """

    schemas: Mapping[str, Schema]
    rules: Mapping[str, Rule]
    operations: Sequence[Operation]
    lists: Mapping[str, Listing]
    resources: Mapping[str, Schema]


def as_object(value: object) -> dict[str, Any] | None:
    """Returns a JSON object; None for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """Returns a JSON array; None for anything else."""
    return value if _is_list(value) else None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def at(value: Any, path: Path) -> Any:
    """Returns what stands at a path. Raises LookupError where nothing does."""
    for part in path:
        if value is None:
            raise KeyError(part)
        value = value[part]
    return value
