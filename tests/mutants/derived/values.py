"""From schemas: what each field of an answer may be, broken keyword by keyword."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import jsonschema_rs

from codegen.cel import MISSING
from codegen.extensions import Result
from codegen.extensions.instances import instances, route
from codegen.extensions.lists import field_of
from codegen.openapi import Node, schema_of
from codegen.openapi.document import Pointer
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.interaction import judge_rules
from tests.contract.operation import Operation

from .asking import answering, now_and_then, when
from .exchange import Answer, Ask, Asked, Change, changed_at
from .keywords import Way, always, ways_of
from .making import EVERYWHERE, NOW_AND_THEN, ONE_IN_THREE, ONE_ROW, Built, Derived, Equivalent, family
from .transient import made_up
from .world import World


@family
def values() -> Iterator[Derived]:
    for operation in contract().operations:
        for key, response in operation.described.operation.responses.items():
            body = schema_of(response)
            if key.isdecimal() and body.value is not True:
                yield from of_body(operation, int(key), body)


def of_body(operation: Operation, status: int, body: Node) -> Iterator[Derived]:
    is_rowed = status == operation.page_status and operation.lists is not None
    wheres = [EVERYWHERE, ONE_ROW if is_rowed else ONE_IN_THREE]
    if status in operation.transient_statuses:
        wheres = [NOW_AND_THEN]
    for schema in objects(body):
        named = f"{operation.name}.{status}.{schema.pointer.rpartition('/')[2]}"
        for title, name, ways in fields(schema):
            for way in ways:
                for where in wheres:
                    yield Derived(
                        broken_by(way, schema, name),
                        way.kind,
                        where,
                        named + title,
                        partial(
                            built,
                            operation=operation,
                            status=status,
                            body=body,
                            schema=schema,
                            name=name,
                            way=way,
                            where=where,
                        ),
                    )


def broken_by(way: Way, schema: Node, name: str) -> tuple[str, ...]:
    """The promises that a way breaks: with a choice, each that there is; and the field."""
    stated = schema.document.find(way.promise)
    choices = [each.at("type").pointer for each in stated.elements() if "type" in each] if stated else []
    return (way.promise, *choices, *([schema.at("properties").at(name).pointer] if name else []))


def objects(body: Node) -> list[Node]:
    """The schemas of objects that a body is made of."""
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


def fields(schema: Node) -> Iterator[tuple[str, str, list[Way]]]:
    """The title and the name of each field of an object, and how to break it; without a name, the object itself."""
    required = {each.value: each.pointer for each in schema.at("required").elements()}
    for name, node in schema.at("properties").items():
        ways = [Way("left_out", required.get(name, node.pointer), always(MISSING))]
        yield f".{name}", name, ways + ways_of(node)
    # What stands there though it has no name, and an object that is none.
    closed = schema.at("additionalProperties") if "additionalProperties" in schema else schema.at("type")
    ways = [Way("further_field", closed.pointer, lambda value: {**value, "x_further": 1})]
    yield "", "", [*ways, Way("no_object", schema.at("type").pointer, lambda value: [value])]


def built(
    world: World, operation: Operation, status: int, body: Node, schema: Node, name: str, way: Way, where: str
) -> Built:
    wanted = route(body, [schema.pointer])
    lists = operation.lists if where == ONE_ROW else None

    def places(document: Any, row: str | None) -> list[Pointer]:
        """Where in a body there is something to break; of a row, by its key, or anywhere."""
        found = [each for each in instances(wanted, document)[0] if fits(each.value, name, way)]
        if row is None or lists is None:
            return [each.place for each in found]
        page = lists.read(document)
        if page is None or row not in page.keys:
            return []
        # What is no part of a row is broken where the row is on the page.
        names: Pointer = tuple(lists.listing.items.split("."))
        of_row = (*names, page.keys.index(row))
        return [each.place for each in found if each.place[: len(of_row)] in (of_row, each.place[: len(names)])]

    def broken(document: Any, row: str | None = None) -> Any:
        for place in reversed(places(document, row)):
            document = changed_at(document, place, partial(broken_field, name=name, way=way))
        return document

    base = samples(world, operation, status)
    fitting = [each.json for each in base if places(each.json, None)]
    if not fitting:
        raise Equivalent("no answer of the correct server has such a value")
    row = None
    if lists:
        page = [lists.read(each) for each in fitting]
        rows = [key for each in page if each for key in each.keys if key is not None]
        rows = [key for key in rows if any(places(each, key) for each in fitting)]
        # Neither at the beginning nor at the end, where any reader would meet it.
        inner = rows[len(rows) // 4 : len(rows) * 3 // 4] or rows
        row = world.dice(f"{schema.pointer}{name}{way.kind}").choice(inner)
        fitting = [each for each in fitting if places(each, row)]
    before, after = fitting[0], broken(fitting[0], row)
    also = follows(world, operation, status, before, after)
    if is_valid(body, after):
        # A rule that it breaks has mutants of its own.
        raise Equivalent(f"the answer still has its schema{', but not ' + ', '.join(sorted(also)) if also else ''}")
    return Built(change_of(operation, status, broken, row, where), also)


def fits(value: Any, name: str, way: Way) -> bool:
    """Whether there is something to break."""
    if not name:
        return True
    if not isinstance(value, dict):
        return False
    old = value.get(name, MISSING)
    if old is None or old is MISSING:
        return way.of_null and (old is None or way.kind != "null")
    try:
        way.broken(old)
    except (IndexError, TypeError):
        return False
    return True


def broken_field(value: Any, name: str, way: Way) -> Any:
    if not name:
        return way.broken(value)
    new = way.broken(value.get(name))
    rest = {key: each for key, each in value.items() if key != name}
    return rest if new is MISSING else {**value, name: new}


def is_valid(body: Node, document: Any) -> bool:
    """Whether a document has a schema, by a validator that the contract run has nothing to do with."""
    return bool(validator_of(body.pointer).is_valid(document))


@cache
def validator_of(pointer: str) -> jsonschema_rs.Draft202012Validator:
    """Of a schema of the contract, by where it stands."""
    body = contract().promised.document.find(pointer)
    assert body is not None
    schema = {**(body.resolved() or body).value, "components": body.document.value.get("components", {})}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def follows(world: World, operation: Operation, status: int, before: Any, after: Any) -> frozenset[str]:
    """The checks whose promises the change breaks besides: rules, and those about fields that `x-list` names."""
    found = set[str]()
    for rule, verdicts in judge_rules(
        operation, world.request(operation), status, after, {}, datetime.now(UTC)
    ).items():
        if any(each.result is Result.BROKEN for each in verdicts):
            found.add(rule)
    lists = operation.lists
    if lists and status == operation.page_status:
        one, other = (lists.read(each) for each in (before, after))
        said = [
            [field_of(each, name) for name in sorted(operation.fields - {lists.listing.items})]
            for each in (before, after)
        ]
        if one is None or other is None or one.keys != other.keys or said[0] != said[1]:
            found |= {*CLASSES["paging"], "defaults_applied"}
    if status in operation.refused("parameters"):
        names = {*operation.query, *operation.in_path}
        if [text for text in texts(before) if text in names] != [text for text in texts(after) if text in names]:
            # It names another parameter now, or none.
            found.add("invalid_parameter_named")
    return frozenset(found)


def texts(value: Any) -> Iterator[str]:
    """All texts within a value of JSON."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(each)


def samples(world: World, operation: Operation, status: int) -> list[Answer]:
    """Answers of that status: of the correct server, or made up where any request may be answered so."""
    if status in operation.transient_statuses:
        return [made_up(operation, status)]
    if status == operation.page_status:
        return world.whole(operation)
    return world.refusals(operation).get(status, [])


def change_of(operation: Operation, status: int, broken: Callable[..., Any], row: str | None, where: str) -> Change:
    def changed(answer: Answer) -> Answer:
        document = answer.json
        return answer if document is MISSING else answer.replaced(body=broken(document, row))

    if where == NOW_AND_THEN:
        return now_and_then(operation, status, changed)

    async def replaced(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        return changed(answer) if answer.status == status else None

    # Of a row, everywhere where it is.
    return answering(operation, replaced, when(EVERYWHERE if where == ONE_ROW else where, operation))
