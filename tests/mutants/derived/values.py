"""Mutants of response schemas: each field broken keyword by keyword."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from typing import Any

import jsonschema_rs

from codegen.cel import MISSING
from codegen.extensions import Lists, Result
from codegen.extensions.instances import Route, instances, route
from codegen.extensions.lists import field_of
from codegen.openapi import Node, schema_of
from codegen.openapi.document import Pointer
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.interaction import judge_rules
from tests.contract.operation import Operation

from .base import EVERYWHERE, NOW_AND_THEN, ONE_IN_THREE, ONE_ROW, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .examples import example_response
from .keywords import ValueMutator, constant, value_mutators
from .middleware import Forward, HttpRequest, HttpResponse, Mutation, edit_at
from .reroute import condition_for, replace_responses, replace_some_responses


@family
def values() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        for key, response in operation.described.operation.responses.items():
            body = schema_of(response)
            if key.isdecimal() and body.value is not True:
                yield from body_mutants(operation, int(key), body)


def body_mutants(operation: Operation, status: int, body: Node) -> Iterator[DerivedMutant]:
    has_rows = status == operation.page_status and operation.lists is not None
    wheres = [EVERYWHERE, ONE_ROW if has_rows else ONE_IN_THREE]
    if status in operation.transient_statuses:
        wheres = [NOW_AND_THEN]
    for schema in object_schemas(body):
        named = f"{operation.name}.{status}.{schema.pointer.rpartition('/')[2]}"
        for title, name, mutators in field_mutators(schema):
            for mutator in mutators:
                for where in wheres:
                    yield DerivedMutant(
                        broken_promises(mutator, schema, name),
                        mutator.kind,
                        where,
                        named + title,
                        partial(
                            build_mutant,
                            operation=operation,
                            status=status,
                            body=body,
                            schema=schema,
                            name=name,
                            mutator=mutator,
                            where=where,
                        ),
                    )


def broken_promises(mutator: ValueMutator, schema: Node, name: str) -> tuple[str, ...]:
    """Return the pointers of the keyword, of each alternative of an anyOf or oneOf, and of the field."""
    stated = schema.document.find(mutator.promise)
    choices = [each.at("type").pointer for each in stated.elements() if "type" in each] if stated else []
    return (mutator.promise, *choices, *([schema.at("properties").at(name).pointer] if name else []))


def object_schemas(body: Node) -> list[Node]:
    """Return the schemas of all objects within a body."""
    found: dict[str, Node] = {}
    waiting = [body.resolved() or body]
    while waiting:
        schema = waiting.pop(0)
        if schema.pointer in found:
            continue
        found[schema.pointer] = schema
        below = [each for _, each in schema.at("properties").items()]
        below += [schema.at(word) for word in ("items", "additionalProperties")]
        below += [each for word in ("anyOf", "oneOf", "allOf") for each in schema.at(word).elements()]
        waiting += [each.resolved() or each for each in below if isinstance(each.value, dict)]
    return [each for each in found.values() if "properties" in each]


def field_mutators(schema: Node) -> Iterator[tuple[str, str, list[ValueMutator]]]:
    """Yield title, name and mutators of each field of an object; an empty name stands for the object itself."""
    required = {each.value: each.pointer for each in schema.at("required").elements()}
    for name, node in schema.at("properties").items():
        mutators = [ValueMutator("left_out", required.get(name, node.pointer), constant(MISSING))]
        yield f".{name}", name, mutators + value_mutators(node)
    closed = schema.at("additionalProperties") if "additionalProperties" in schema else schema.at("type")
    mutators = [ValueMutator("further_field", closed.pointer, lambda value: {**value, "x_further": 1})]
    yield "", "", [*mutators, ValueMutator("no_object", schema.at("type").pointer, lambda value: [value])]


@dataclass(frozen=True)
class FieldMutation:
    """Mutates one field of the objects of one schema, wherever they are in a body."""

    body: Node
    schema: Node
    name: str
    """Empty for the object itself."""
    mutator: ValueMutator
    lists: Lists | None

    @cached_property
    def route(self) -> Route:
        return route(self.body, [self.schema.pointer])

    def places(self, document: Any, row: str | None = None) -> list[Pointer]:
        """Return the paths of the objects that can be mutated, in the item with the key `row` or anywhere."""
        found = instances(self.route, document)[0]
        paths = [each.place for each in found if can_mutate(each.value, self.name, self.mutator)]
        if row is None or self.lists is None:
            return paths
        page = self.lists.read(document)
        if page is None or row not in page.keys:
            return []
        path_to_items: Pointer = tuple(self.lists.listing.items.split("."))
        path_to_row = (*path_to_items, page.keys.index(row))
        # Objects outside of the items are mutated on pages that have the row.
        return [
            path
            for path in paths
            if path[: len(path_to_row)] == path_to_row or path[: len(path_to_row)] == path[: len(path_to_items)]
        ]

    def apply(self, document: Any, row: str | None = None) -> Any:
        for path in reversed(self.places(document, row)):
            document = edit_at(document, path, partial(mutate_field, name=self.name, mutator=self.mutator))
        return document


def build_mutant(
    baseline: Baseline,
    operation: Operation,
    status: int,
    body: Node,
    schema: Node,
    name: str,
    mutator: ValueMutator,
    where: str,
) -> BuiltMutant:
    mutation = FieldMutation(body, schema, name, mutator, operation.lists if where == ONE_ROW else None)
    documents = [each.json for each in sample_responses(baseline, operation, status)]
    documents = [each for each in documents if mutation.places(each)]
    if not documents:
        raise Equivalent("no response of the correct server has such a value")
    row = None
    if mutation.lists:
        pages = [mutation.lists.read(each) for each in documents]
        rows = [key for page in pages if page for key in page.keys if key is not None]
        rows = [key for key in rows if any(mutation.places(each, key) for each in documents)]
        # Not near either end of the list, where every reader looks.
        inner = rows[len(rows) // 4 : len(rows) * 3 // 4] or rows
        row = baseline.rng(f"{schema.pointer}{name}{mutator.kind}").choice(inner)
        documents = [each for each in documents if mutation.places(each, row)]
    before, after = documents[0], mutation.apply(documents[0], row)
    also_failing = side_effects(baseline, operation, status, before, after)
    if is_valid(body, after):
        # The rules that it breaks have mutants of their own.
        broken = f", but breaks {', '.join(sorted(also_failing))}" if also_failing else ""
        raise Equivalent(f"the response is still valid{broken}")
    return BuiltMutant(response_mutation(operation, status, mutation, row, where), also_failing)


def can_mutate(value: Any, name: str, mutator: ValueMutator) -> bool:
    """True if the object has a value that the mutator can break."""
    if not name:
        return True
    if not isinstance(value, dict):
        return False
    old = value.get(name, MISSING)
    if old is None or old is MISSING:
        return mutator.applies_to_null and (old is None or mutator.kind != "null")
    try:
        mutator.mutate(old)
    except (IndexError, TypeError):
        return False
    return True


def mutate_field(value: Any, name: str, mutator: ValueMutator) -> Any:
    if not name:
        return mutator.mutate(value)
    new = mutator.mutate(value.get(name))
    rest = {key: each for key, each in value.items() if key != name}
    return rest if new is MISSING else {**value, name: new}


def is_valid(body: Node, document: Any) -> bool:
    """True if a document has a schema. Independent of the validators of the contract run."""
    return bool(validator_of(body.pointer).is_valid(document))


@cache
def validator_of(pointer: str) -> jsonschema_rs.Draft202012Validator:
    """Return the validator of a schema of the contract, by its pointer."""
    body = contract().promised.document.find(pointer)
    assert body is not None
    schema = {**(body.resolved() or body).value, "components": body.document.value.get("components", {})}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def side_effects(baseline: Baseline, operation: Operation, status: int, before: Any, after: Any) -> frozenset[str]:
    """Return the checks that fail besides: rules that are broken, and checks of fields that `x-list` names."""
    request = baseline.rule_request(operation)
    verdicts = judge_rules(operation, request, status, after, {}, datetime.now(UTC))
    found = {rule for rule, each in verdicts.items() if any(one.result is Result.BROKEN for one in each)}
    lists = operation.lists
    if lists and status == operation.page_status:
        pages = [lists.read(each) for each in (before, after)]
        names = sorted(operation.fields - {lists.listing.items})
        values_before, values_after = ([field_of(each, name) for name in names] for each in (before, after))
        keys_before, keys_after = (page and page.keys for page in pages)
        if None in pages or keys_before != keys_after or values_before != values_after:
            found |= {*CLASSES["paging"], "defaults_applied"}
    if status in operation.refused("parameters"):
        parameters = {*operation.query, *operation.in_path}
        named_before, named_after = (
            [text for text in strings_in(each) if text in parameters] for each in (before, after)
        )
        if named_before != named_after:
            found.add("invalid_parameter_named")
    return frozenset(found)


def strings_in(value: Any) -> Iterator[str]:
    """Yield all strings within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings_in(each)


def sample_responses(baseline: Baseline, operation: Operation, status: int) -> list[HttpResponse]:
    """Return responses of that status: of the correct server, or the example of a transient status."""
    if status in operation.transient_statuses:
        return [example_response(operation, status)]
    if status == operation.page_status:
        return baseline.all_pages(operation)
    return baseline.refusals(operation).get(status, [])


def response_mutation(
    operation: Operation, status: int, mutation: FieldMutation, row: str | None, where: str
) -> Mutation:
    def changed(response: HttpResponse) -> HttpResponse:
        document = response.json
        return response if document is MISSING else response.replace(body=mutation.apply(document, row))

    if where == NOW_AND_THEN:
        return replace_some_responses(operation, status, changed)

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        return changed(response) if response.status == status else None

    # ONE_ROW: on every page that has the row.
    condition = condition_for(EVERYWHERE if where == ONE_ROW else where, operation)
    return replace_responses(operation, replacement, condition)
