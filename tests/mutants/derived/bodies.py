"""Mutants of request bodies: invalid bodies accepted or valid ones refused, keyword by keyword."""

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

from .base import EVERYWHERE, ONE_IN_THREE, BuiltMutant, DerivedMutant, family
from .baseline import Baseline
from .boundaries import boundaries
from .middleware import HttpRequest
from .reroute import condition_for, rewrite_requests, title_with, with_json_body

RewriteBody = Callable[[Any], Any]
"""Returns the body to forward; MISSING forwards the original."""
# Keywords that hold other schemas, or that are for readers.
SKIPPED_KEYWORDS = {"$ref", "description", "title", "example", "examples", "properties", "discriminator", "x-rules"}


@family
def bodies() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        if operation.request_body:
            yield from body_mutants(operation, operation.request_body.node)


def body_mutants(operation: Operation, node: Node) -> Iterator[DerivedMutant]:
    schema = schema_of(node)
    schema = schema.resolved() or schema
    sample = next(operation.request_body.samples(), MISSING) if operation.request_body else MISSING
    good = {name: smallest_value(below) for name, below in schema.at("properties").items()}
    good |= sample if isinstance(sample, dict) else {}

    def each(promise: Node, kind: str, rewrite: RewriteBody, detail: str = "") -> Iterator[DerivedMutant]:
        for where in (EVERYWHERE, ONE_IN_THREE):
            build = partial(build_mutant, operation=operation, rewrite=rewrite, where=where)
            yield DerivedMutant((promise.pointer,), kind, where, title_with(f"{operation.name}{{}}", detail), build)

    if node.at("required").value is True:
        yield from each(node.at("required"), "none_accepted", lambda body: sample if body is MISSING else MISSING)
    for media, below in node.at("content").items():
        yield from each(below, "media_type_refused", lambda body: {} if body == sample else MISSING, media)
    yield from each(node, "body_ignored", lambda body: sample if body not in (MISSING, sample) else MISSING)
    yield from each(schema.at("type"), "another_type_accepted", lambda body: sample if is_not_object(body) else MISSING)
    for required in schema.at("required").elements():
        name = required.value
        yield from each(required, "missing_accepted", partial(fill_in, name, good[name]), name)
    if schema.at("additionalProperties").value is False:
        cut = partial(drop_unknown, frozenset(good))
        yield from each(schema.at("additionalProperties"), "further_field_accepted", cut)
    for name, below in schema.at("properties").items():
        yield from each(below, "field_refused", partial(swap_value, name, good[name], [[]]), name)
        holder = below.resolved() or below
        for keyword, bound in holder.items():
            if keyword not in SKIPPED_KEYWORDS:
                rewrite = partial(mend_field, name, validator(holder, keyword), good[name])
                yield from each(bound, "beyond_accepted", rewrite, f"{name}.{keyword}")
        for boundary in boundaries(holder):
            rewrite = partial(swap_value, name, boundary.last_valid, boundary.first_invalid)
            yield from each(holder.at(boundary.keyword), "edge_refused", rewrite, f"{name}.{boundary.keyword}")


def is_not_object(body: Any) -> bool:
    return body is not MISSING and not isinstance(body, dict)


def fill_in(name: str, value: Any, body: Any) -> Any:
    return {**body, name: value} if isinstance(body, dict) and name not in body else MISSING


def drop_unknown(names: frozenset[str], body: Any) -> Any:
    if not isinstance(body, dict) or body.keys() <= names:
        return MISSING
    return {name: value for name, value in body.items() if name in names}


def swap_value(name: str, value: Any, other: Any, body: Any) -> Any:
    return {**body, name: other} if isinstance(body, dict) and body.get(name, MISSING) == value else MISSING


def validator(schema: Node, keyword: str) -> jsonschema_rs.Draft202012Validator:
    """Return a validator of this keyword alone."""
    components = schema.document.value.get("components", {})
    return jsonschema_rs.Draft202012Validator(
        {keyword: schema.at(keyword).value, "components": components}, validate_formats=True
    )


def mend_field(name: str, keyword_validator: jsonschema_rs.Draft202012Validator, good: Any, body: Any) -> Any:
    """Replace a value that the keyword forbids by a valid one. Any valid value will do."""
    if not isinstance(body, dict) or name not in body or keyword_validator.is_valid(body[name]):
        return MISSING
    return {**body, name: good}


def build_mutant(baseline: Baseline, operation: Operation, rewrite: RewriteBody, where: str) -> BuiltMutant:
    def with_new_body(request: HttpRequest) -> HttpRequest | None:
        try:
            body = json.loads(request.body) if request.body else MISSING
        except ValueError:
            return None
        other = rewrite(body)
        return None if other is MISSING else with_json_body(request, other)

    # The response is about another body than the one that was sent.
    also_failing = (*CLASSES["rules"], *CLASSES.get("changes", ()))
    return BuiltMutant(
        rewrite_requests(operation, with_new_body, condition_for(where, operation)), frozenset(also_failing)
    )
