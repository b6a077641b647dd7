"""Mutants of responses (other status, body, media type or headers) and of methods that the contract lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from codegen.openapi import Node, schema_of
from codegen.openapi.operations import followed_entries
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Operation

from .base import EVERYWHERE, NOW_AND_THEN, ONE_IN_THREE, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .examples import RETRY_AFTER
from .keywords import MUTATIONS
from .middleware import Forward, HttpRequest, HttpResponse, Mutation
from .reroute import (
    ONE_PAGE,
    condition_for,
    is_request_for,
    raise_equivalent,
    replace_responses,
    replace_some_responses,
    sample_response,
)
from .values import is_valid

BreakResponse = Callable[[HttpResponse], HttpResponse]
HTML = b"<!DOCTYPE html><title>Gateway</title><p>Something went wrong.</p>"
# One of each class; those that the contract documents are left out.
UNDOCUMENTED = (202, 206, 302, 400, 418, 500)
FURTHER_METHODS = ("PUT", "PATCH", "POST", "DELETE")
CONTENT_TYPE = "content-type"
MEDIA_TYPES = {"html": "text/html", "text": "text/plain; charset=utf-8", "problem": "application/problem+json"}
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "missing": lambda body: b"",
    "html": lambda body: HTML,
    "cut_off": lambda body: body[:-1],
    "half": lambda body: body[: len(body) // 2],
    "null": lambda body: b"null",
    "in_a_list": lambda body: b"[" + body + b"]",
}
# Values of `Retry-After` that are neither seconds nor an HTTP date (RFC 9110, section 10.2.3).
INVALID_RETRY_AFTER = {"soon": "soon", "negative": "-1", "fraction": "1.5", "no_time": "2026-02-30"}
# Undocumented responses do not count as coverage of the contract.
NOT_REACHED = frozenset({"reached"})


class ResponseMutator(NamedTuple):
    """One way to break a response."""

    kind: str
    detail: str
    promise: Node
    mutate: Callable[[Baseline], BreakResponse]
    """Raises Equivalent."""
    also_failing: frozenset[str] = frozenset()
    within: Node | None = None
    """A promise that contains it."""


@family
def statuses() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        for key, documented in operation.described.operation.responses.items():
            if key.isdecimal():
                yield from response_mutants(operation, int(key), documented)
        yield from refusal_mutants(operation)
        yield from method_mutants(operation)


def response_mutants(operation: Operation, status: int, documented: Node) -> Iterator[DerivedMutant]:
    wheres = (NOW_AND_THEN,) if status in operation.transient_statuses else (EVERYWHERE, ONE_IN_THREE)
    mutators = [
        *status_mutators(operation, documented),
        *body_mutators(operation, status, documented),
        *media_type_mutators(documented),
        *header_mutators(documented),
    ]
    for mutator in mutators:
        for where in wheres:
            build = partial(build_mutant, operation=operation, status=status, mutator=mutator, where=where)
            promises = tuple(each.pointer for each in (mutator.promise, mutator.within) if each)
            yield DerivedMutant(promises, mutator.kind, where, f"{operation.name}.{status}.{mutator.detail}", build)
    if status == operation.page_status:
        break_response = partial(without_baseline, partial(with_status, 500))
        mutator = ResponseMutator("another_status", "500", documented, break_response)
        build = partial(build_mutant, operation=operation, status=status, mutator=mutator, where=NOW_AND_THEN)
        title = f"{operation.name}.{status}.{mutator.detail}"
        yield DerivedMutant((documented.pointer,), mutator.kind, NOW_AND_THEN, title, build)


def status_mutators(operation: Operation, documented: Node) -> Iterator[ResponseMutator]:
    for other in UNDOCUMENTED:
        if operation.described.response(other) is None:
            break_response = partial(without_baseline, partial(with_status, other))
            yield ResponseMutator("another_status", str(other), documented, break_response, NOT_REACHED)


def body_mutators(operation: Operation, status: int, documented: Node) -> Iterator[ResponseMutator]:
    if "content" not in documented:
        return
    for kind, change in BODIES.items():
        yield ResponseMutator(
            "another_body", kind, documented, partial(with_body, operation, status, documented, change), NOT_REACHED
        )
    responses = operation.described.operation.responses
    for other in sorted(each for each in operation.statuses - {status} if "content" in responses[str(each)]):
        yield ResponseMutator(
            "another_body", str(other), documented, partial(with_body_of, operation, documented, other), NOT_REACHED
        )


def media_type_mutators(documented: Node) -> Iterator[ResponseMutator]:
    media = dict(documented.at("content").items())
    for name, node in media.items():
        # Without a media type, no schema applies.
        missing = partial(without_baseline, partial(with_header, CONTENT_TYPE, None))
        yield ResponseMutator("another_media_type", "none", node, missing, frozenset({"response_schema_conformance"}))
        for kind, value in (*MEDIA_TYPES.items(), ("latin", f"{name}; charset=iso-8859-1")):
            if value not in media:
                yield ResponseMutator(
                    "another_media_type",
                    kind,
                    node,
                    partial(without_baseline, partial(with_header, CONTENT_TYPE, value)),
                )


def header_mutators(documented: Node) -> Iterator[ResponseMutator]:
    for name, node in followed_entries(documented, "headers").items():
        for mutator in mutators_of_header(name.lower(), node):
            yield mutator._replace(detail=f"{name}.{mutator.detail}", within=node)


def without_baseline(mutate: BreakResponse, baseline: Baseline) -> BreakResponse:
    return mutate


def with_status(status: int, response: HttpResponse) -> HttpResponse:
    return response.replace(status=status)


def with_header(name: str, value: str | None, response: HttpResponse) -> HttpResponse:
    return response.replace(headers={name: value})


def with_body(
    operation: Operation, status: int, documented: Node, change: Callable[[bytes], bytes], baseline: Baseline
) -> BreakResponse:
    before = sample_response(baseline, operation, status)
    after = HttpResponse(status, (), change(before.body)).json
    if is_valid(schema_of(documented), after):
        raise Equivalent("the response is still valid")
    return lambda response: HttpResponse(response.status, response.headers, change(response.body))


def with_body_of(operation: Operation, documented: Node, status: int, baseline: Baseline) -> BreakResponse:
    body = sample_response(baseline, operation, status).json
    if is_valid(schema_of(documented), body):
        raise Equivalent(f"the body of a {status} has the same schema")
    return lambda response: response.replace(body=body)


def mutators_of_header(name: str, node: Node) -> Iterator[ResponseMutator]:
    """Yield mutators of one header."""

    def with_value(kind: str, promise: Node, text: str | None) -> ResponseMutator:
        return ResponseMutator(
            "another_header", kind, promise, partial(without_baseline, partial(with_header, name, text))
        )

    if node.at("required").value is True:
        yield with_value("left_out", node.at("required"), None)
    else:
        yield ResponseMutator("another_header", "left_out", node, partial(raise_equivalent, "the header is optional"))
    schema = schema_of(node).resolved() or schema_of(node)
    if name == RETRY_AFTER:
        for kind, text in INVALID_RETRY_AFTER.items():
            yield with_value(kind, node, text)
    if schema.at("type").value == "string":
        impossible = partial(raise_equivalent, "every header is text")
        yield ResponseMutator("another_header", "another_type", schema.at("type"), impossible)
    else:
        yield with_value("another_type", schema.at("type"), "some")
        yield with_value("empty", node, "")
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if keyword in schema:
            [(kind, mutate)] = MUTATIONS[keyword](schema.at(keyword).value)
            yield with_value(kind, schema.at(keyword), str(mutate(None)))


def build_mutant(
    baseline: Baseline, operation: Operation, status: int, mutator: ResponseMutator, where: str
) -> BuiltMutant:
    mutate = mutator.mutate(baseline)
    if where == NOW_AND_THEN:
        return BuiltMutant(replace_some_responses(operation, status, mutate), mutator.also_failing)

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        return mutate(response) if response.status == status else None

    return BuiltMutant(replace_responses(operation, replacement, condition_for(where, operation)), mutator.also_failing)


def refusal_mutants(operation: Operation) -> Iterator[DerivedMutant]:
    """Valid requests are refused with a documented status."""

    def build(baseline: Baseline, status: int, where: str) -> BuiltMutant:
        refusal = sample_response(baseline, operation, status)

        async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
            return refusal if response.status == operation.page_status else None

        mutation = replace_responses(operation, replacement, condition_for(where, operation))
        return BuiltMutant(mutation, NOT_REACHED)

    stages = ("parameters", "existence", "access", "state")
    for status in sorted(operation.refused(*stages) & operation.statuses):
        for where in (EVERYWHERE, ONE_IN_THREE, ONE_PAGE):
            make = partial(build, status=status, where=where)
            pointer = operation.described.operation.node.pointer
            yield DerivedMutant((pointer,), "valid_one_refused", where, f"{operation.name}.{status}", make)


def method_mutants(operation: Operation) -> Iterator[DerivedMutant]:
    """Undocumented methods are carried out, or refused in a way that RFC 9110 does not allow."""
    here = {each.method for each in contract().operations if each.path == operation.path}
    if not operation.is_safe:
        return
    further = frozenset(FURTHER_METHODS) - here
    # OPTIONS lists the allowed methods as well.
    listing_methods = further | ({"OPTIONS"} - here)

    def mutation_of(break_response: BreakResponse | None, methods: frozenset[str]) -> Mutation:
        async def mutation(request: HttpRequest, forward: Forward) -> HttpResponse:
            documented = request.with_method(operation.method)
            if request.method not in methods or not is_request_for(operation, documented):
                return await forward(request)
            return break_response(await forward(request)) if break_response else await forward(documented)

        return mutation

    def build(baseline: Baseline, break_response: BreakResponse | None, methods: frozenset[str]) -> BuiltMutant:
        # Their responses break the promises about errors, too.
        return BuiltMutant(mutation_of(break_response, methods), frozenset(CLASSES["errors"]), methods)

    faults: dict[tuple[str, str], tuple[BreakResponse | None, frozenset[str]]] = {
        ("method_done", each): (None, frozenset({each})) for each in sorted(further)
    }
    faults |= {
        ("method_refused_otherwise", "500"): (partial(with_status, 500), further),
        ("method_refused_otherwise", "200"): (partial(with_status, 200), further),
        ("another_allow", "none"): (partial(with_header, "allow", None), further),
        ("another_allow", "more"): (partial(with_header, "allow", ", ".join(sorted(here | further))), listing_methods),
    }
    for (kind, detail), (break_response, methods) in faults.items():
        pointer = operation.described.operation.node.pointer
        make = partial(build, break_response=break_response, methods=methods)
        yield DerivedMutant((pointer,), kind, EVERYWHERE, f"{operation.name}*{detail}", make)
