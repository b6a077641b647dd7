"""`x-rules`, `x-list`, `x-judged` and `x-selects` as data, after validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from codegen.cel import Program, field_name, parts, program
from codegen.extensions.links import Link, links
from codegen.openapi import Node, Operation, schema_of
from codegen.openapi.schemas import default_of

# The variables of a rule, by its place.
VARIABLES = {
    "schema": ("self", "oldSelf", "now"),
    "response": ("request", "response", "now"),
    "at_most": ("self",),
    "query parameter": ("item", "value"),
}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: The id.
        message: The condition as a sentence.
        node: The entry of the document.
        place: The kind of its place, a key of VARIABLES.
        source: The condition in CEL.
    """

    id: str
    message: str
    node: Node
    place: str
    source: str

    @property
    def program(self) -> Program:
        """The compiled condition.

        Raises:
            RuleError: It does not compile.
        """
        return program(self.source, VARIABLES[self.place])

    @property
    def is_transition(self) -> bool:
        """True if it compares two reads of the same item."""
        return any(path[0] == "oldSelf" for path in self.program.uses.reads)


@dataclass(frozen=True)
class AtMost:
    """The maximum number of items of a whole list that may satisfy a condition."""

    count: int
    where: Rule


@dataclass(frozen=True)
class Listing:
    """An `x-list`.

    Attributes:
        node: The entry of the document.
        body: The schema of a page.
        style: `offset` or `cursor`.
        limit: The query parameter for the page size.
        offset: The query parameter for the number of items to skip.
        cursor: The query parameter for the cursor.
        next_cursor: The field with the cursor of the next page.
        items: The field with the items.
        total: The field with the number of all items.
        echoes: By query parameter, the field that repeats it.
        key: The field that identifies an item.
        order: `stable`, or empty.
        at_most: Limits of the whole list.

    Fields have the names of the document; nested ones are joined with dots (see `field_of`).
    """

    node: Node
    body: Node
    style: str
    items: str
    limit: str = ""
    offset: str = ""
    cursor: str = ""
    next_cursor: str = ""
    total: str = ""
    echoes: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    order: str = ""
    at_most: tuple[AtMost, ...] = ()

    @property
    def item(self) -> Node:
        """The schema of an item, references followed."""
        found = [each for each in parts(self.body, map(field_name, self.items.split("."))) if each.kind == "list"]
        element = found[0].element if found else self.body
        return element.resolved() or element

    @property
    def promises(self) -> dict[str, str]:
        """The promises as sentences, by name of the check."""
        echoed = [name for name in (self.limit, self.offset) if name in self.echoes]
        stated = {
            "limit_and_offset_echoed": (self.echoes, f"A page repeats the {' and the '.join(echoed or self.echoes)}."),
            "number_of_items": (
                self.offset and self.total,
                "A page has as many items as the limit, or as there are from its offset on, whichever is less.",
            ),
            "same_total": (self.total, "The total is that of the whole list, on any page."),
            "one_order": (
                self.order,
                "The relative order of two items never changes, even if others are added or deleted.",
            ),
            "pages_fit_together": (self.key, "Pages of any size are slices of the same list."),
            "unique_ids": (self.key, f"No two items have the same {self.key}."),
        }
        found = {name: message for name, (is_stated, message) in stated.items() if is_stated}
        return found | {each.where.id: each.where.message for each in self.at_most}


@dataclass(frozen=True)
class Stage:
    """A stage of `x-judged`.

    Attributes:
        node: The entry of the document.
        name: The name, such as `credentials`.
        statuses: The possible statuses of a request that fails the stage.
        parameter: The parameter that names the resource; empty if none does.
        hides_other_tenants: Whether a resource of another tenant gets the same response as one that does not exist.
    """

    node: Node
    name: str
    statuses: tuple[int, ...]
    parameter: str = ""
    hides_other_tenants: bool = False


@dataclass(frozen=True)
class Described:
    """An operation with its extensions.

    Attributes:
        operation: The operation.
        answers: By status, range or `default`, the rules of the response.
        listing: The `x-list`; None if there is none.
        judged: The stages of `x-judged`, in order; empty if there are none.
        selects: By query parameter, the rules of `x-selects`: a value selects the items that satisfy all.
    """

    operation: Operation
    answers: Mapping[str, tuple[Rule, ...]]
    listing: Listing | None
    judged: tuple[Stage, ...]
    selects: Mapping[str, tuple[Rule, ...]]

    @cached_property
    def links(self) -> Mapping[str, Mapping[str, Link]]:
        """The links of its responses, by status, range or `default`, and by name.

        Raises:
            Problem: A link is invalid. `read` has checked this.
        """
        return links(self.operation)

    @property
    def parameters(self) -> dict[tuple[str, str], Node]:
        """The operation's parameters, by location and name."""
        return self.operation.named_parameters

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the query parameters."""
        found = {
            name: default_of(schema_of(node)) for (place, name), node in self.parameters.items() if place == "query"
        }
        return {name: node.value for name, node in found.items() if node is not None}

    def response(self, status: int | str) -> tuple[str, Node] | None:
        """Return the response for a status, with its key; None if there is none."""
        responses = self.operation.responses
        for key in (str(status), f"{str(status)[:1]}XX", "default"):
            if key in responses:
                return key, responses[key]
        return None

    def variables(self, response: Node) -> dict[str, Node]:
        """Return the schemas of the variables of a response's rules."""
        return {
            "request": _schema_node(response, "#/request", self._request()),
            "response": _schema_node(response, "#/response", _answer(response)),
            "now": _schema_node(response, "#/now", NOW),
        }

    def selection_variables(self, parameter: str) -> dict[str, Node]:
        """Return the schemas of the variables of `x-selects` at a query parameter."""
        assert self.listing is not None
        return {"item": self.listing.item, "value": schema_of(self.parameters["query", parameter])}

    def _request(self) -> dict[str, Any]:
        by_place: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
        for (place, name), node in self.parameters.items():
            by_place.setdefault(place, {})[name] = schema_of(node).value
        schemes = [name for entry in self.operation.security.elements() for name, _ in entry.items()]
        return {
            "type": "object",
            "properties": {
                "path": {"type": "object", "properties": by_place["path"], "additionalProperties": False},
                "query": {"type": "object", "properties": by_place["query"], "additionalProperties": False},
                **self._request_body(),
                "credentials": {"type": "string", "enum": [*schemes, ""]},
            },
        }

    def _request_body(self) -> dict[str, Any]:
        body = self.operation.request_body
        return {} if body is None else {"body": schema_of(body).value}


NOW = {"type": "string", "format": "date-time"}

# The stage for statuses that any request may get. It has no place in the order.
ANY = "any"


def _answer(response: Node) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "status": {"type": "integer"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": schema_of(response).value,
        },
    }


def _schema_node(beside: Node, pointer: str, schema: dict[str, Any]) -> Node:
    """Return a schema that is not in the document, but whose references are resolved there."""
    return Node(beside.document, schema, pointer)


def schema_variables(schema: Node) -> dict[str, Node]:
    """Return the schemas of the variables of a schema's rules."""
    return {"self": schema, "oldSelf": schema, "now": _schema_node(schema, "#/now", NOW)}


def rules_of(holder: Node, key: str, place: str) -> tuple[Rule, ...]:
    """Return the rules of a schema, a response or a parameter."""
    return tuple(_rules(holder.at(key), place, "rule"))


def _rules(entries: Node, place: str, condition: str) -> Iterator[Rule]:
    for entry in entries.elements():
        yield Rule(entry.at("id").value, entry.at("message").value, entry, place, entry.at(condition).value)


def describe(operation: Operation) -> Described:
    """Return an operation with its extensions, which must be valid by schema.yaml."""
    answers = {key: rules_of(node, "x-rules", "response") for key, node in operation.responses.items()}
    selects = {
        name: rules_of(node, "x-selects", "query parameter")
        for (place, name), node in operation.parameters.items()
        if place == "query" and "x-selects" in node
    }
    return Described(operation, answers, _listing(operation), stages(operation.node.at("x-judged")), selects)


def success_schema(operation: Operation) -> Node | None:
    """Return the schema of the first success with a body; None if there is none."""
    for key, node in sorted(operation.responses.items()):
        if key.startswith("2") and node.at("content").value:
            return schema_of(node)
    return None


def _listing(operation: Operation) -> Listing | None:
    node, body = operation.node.at("x-list"), success_schema(operation)
    if node.value is None or body is None:
        return None
    limits = zip(node.at("at_most").elements(), _rules(node.at("at_most"), "at_most", "where"), strict=True)
    stated = {key: value for key, value in node.value.items() if key != "at_most"}
    return Listing(node, body, **stated, at_most=tuple(AtMost(entry.at("count").value, rule) for entry, rule in limits))


def stages(judged: Node) -> tuple[Stage, ...]:
    """Return the stages of an `x-judged`, in order."""
    return tuple(_stages(judged))


def _stages(judged: Node) -> Iterator[Stage]:
    for node in judged.elements():
        status = node.at("status").value
        yield Stage(
            node,
            node.at("stage").value,
            tuple(status) if isinstance(status, list) else (status,),
            node.at("parameter").value or "",
            node.at("hides_other_tenants").value or False,
        )


def judgement_order(found: Sequence[Stage]) -> str:
    """Return the order of checks in words, such as `credentials (401), parameters (422)`."""
    placed = [stage for stage in found if stage.name != ANY]
    return ", ".join(f"{stage.name} ({' or '.join(map(str, stage.statuses))})" for stage in placed)
