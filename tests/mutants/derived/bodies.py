"""From bodies of requests: what is accepted and must not be, or refused and must not be, keyword by keyword."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jsonschema_rs

from codegen.cel import MISSING
from codegen.openapi import Node, schema_of
from tests.contract.bodies import smallest_value
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Operation

from .asking import carrying, rewriting, titled, when
from .exchange import Asked
from .making import EVERYWHERE, ONE_IN_THREE, Built, Derived, family
from .parameters import edges
from .world import World

Mend = Callable[[Any], Any]
"""Makes of a body the one that is answered in its place; MISSING leaves it as it is."""
# What stands in a schema for what stands below it, or for readers.
PASSED = {"$ref", "description", "title", "example", "examples", "properties", "discriminator", "x-rules"}


@family
def bodies() -> Iterator[Derived]:
    for operation in contract().operations:
        if operation.request_body:
            yield from of_body(operation, operation.request_body.node)


def of_body(operation: Operation, node: Node) -> Iterator[Derived]:
    schema = schema_of(node)
    schema = schema.resolved() or schema
    sample = next(operation.request_body.samples(), MISSING) if operation.request_body else MISSING
    good = {name: smallest_value(below) for name, below in schema.at("properties").items()}
    good |= sample if isinstance(sample, dict) else {}

    def each(promise: Node, kind: str, mend: Mend, detail: str = "") -> Iterator[Derived]:
        for where in (EVERYWHERE, ONE_IN_THREE):
            build = partial(built, operation=operation, mend=mend, where=where)
            yield Derived((promise.pointer,), kind, where, titled(f"{operation.name}{{}}", detail), build)

    if node.at("required").value is True:
        yield from each(node.at("required"), "none_accepted", lambda body: sample if body is MISSING else MISSING)
    for media, below in node.at("content").items():
        yield from each(below, "media_type_refused", lambda body: {} if body == sample else MISSING, media)
    yield from each(node, "body_ignored", lambda body: sample if body not in (MISSING, sample) else MISSING)
    yield from each(schema.at("type"), "another_type_accepted", lambda body: sample if is_other(body) else MISSING)
    for required in schema.at("required").elements():
        name = required.value
        yield from each(required, "missing_accepted", partial(filled_in, name, good[name]), name)
    if schema.at("additionalProperties").value is False:
        cut = partial(only_known, frozenset(good))
        yield from each(schema.at("additionalProperties"), "further_field_accepted", cut)
    for name, below in schema.at("properties").items():
        yield from each(below, "field_refused", partial(exchanged, name, good[name], [[]]), name)
        holder = below.resolved() or below
        for keyword, bound in holder.items():
            if keyword not in PASSED:
                mend = partial(mended, name, validator(holder, keyword), good[name])
                yield from each(bound, "beyond_accepted", mend, f"{name}.{keyword}")
        for edge in edges(holder):
            mend = partial(exchanged, name, edge.inner, edge.outer)
            yield from each(holder.at(edge.keyword), "edge_refused", mend, f"{name}.{edge.keyword}")


def is_other(body: Any) -> bool:
    return body is not MISSING and not isinstance(body, dict)


def filled_in(name: str, value: Any, body: Any) -> Any:
    return {**body, name: value} if isinstance(body, dict) and name not in body else MISSING


def only_known(names: frozenset[str], body: Any) -> Any:
    if not isinstance(body, dict) or body.keys() <= names:
        return MISSING
    return {name: value for name, value in body.items() if name in names}


def exchanged(name: str, value: Any, other: Any, body: Any) -> Any:
    return {**body, name: other} if isinstance(body, dict) and body.get(name, MISSING) == value else MISSING


def validator(schema: Node, keyword: str) -> jsonschema_rs.Draft202012Validator:
    """Of this keyword alone."""
    components = schema.document.value.get("components", {})
    return jsonschema_rs.Draft202012Validator(
        {keyword: schema.at(keyword).value, "components": components}, validate_formats=True
    )


def mended(name: str, alone: jsonschema_rs.Draft202012Validator, good: Any, body: Any) -> Any:
    """What the keyword does not allow is read as something else. Other scalars may be read as what is meant."""
    if not isinstance(body, dict) or name not in body or alone.is_valid(body[name]):
        return MISSING
    return {**body, name: good}


def built(world: World, operation: Operation, mend: Mend, where: str) -> Built:
    def rewrite(asked: Asked) -> Asked | None:
        try:
            body = json.loads(asked.body) if asked.body else MISSING
        except ValueError:
            return None
        other = mend(body)
        return None if other is MISSING else carrying(asked, other)

    # What is answered is about another body than the one that was sent.
    also = (*CLASSES["rules"], *CLASSES.get("changes", ()))
    return Built(rewriting(operation, rewrite, when(where, operation)), frozenset(also))
