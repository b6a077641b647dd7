"""From responses: another status, another body, another media type, headers that are missing or unreadable; methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from codegen.openapi import Node, schema_of
from codegen.openapi.operations import followed_entries
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Operation

from .asking import ONE_PAGE, answering, impossible, is_for, now_and_then, sample, when
from .exchange import Answer, Ask, Asked, Change
from .keywords import KEYWORDS
from .making import EVERYWHERE, NOW_AND_THEN, ONE_IN_THREE, Built, Derived, Equivalent, family
from .transient import RETRY_AFTER
from .values import is_valid
from .world import World

Broken = Callable[[Answer], Answer]
HTML = b"<!DOCTYPE html><title>Gateway</title><p>Something went wrong.</p>"
# Of each kind one, where the contract does not have it.
UNDOCUMENTED = (202, 206, 302, 400, 418, 500)
FURTHER_METHODS = ("PUT", "PATCH", "POST", "DELETE")
CONTENT_TYPE = "content-type"
MEDIA = {"html": "text/html", "text": "text/plain; charset=utf-8", "problem": "application/problem+json"}
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "missing": lambda body: b"",
    "html": lambda body: HTML,
    "cut_off": lambda body: body[:-1],
    "half": lambda body: body[: len(body) // 2],
    "null": lambda body: b"null",
    "in_a_list": lambda body: b"[" + body + b"]",
}
# Of `Retry-After`, which HTTP has for seconds and dates.
UNREADABLE = {"soon": "soon", "negative": "-1", "fraction": "1.5", "no_time": "2026-02-30"}
# An answer that is not the contract's is no evidence of it.
UNSEEN = frozenset({"reached"})


class Fault(NamedTuple):
    """What is wrong with an answer."""

    kind: str
    detail: str
    promise: Node
    broken: Callable[[World], Broken]
    """Raises Equivalent."""
    also: frozenset[str] = frozenset()
    within: Node | None = None
    """What the promise is a part of."""


@family
def statuses() -> Iterator[Derived]:
    for operation in contract().operations:
        for key, response in operation.described.operation.responses.items():
            if key.isdecimal():
                yield from of_response(operation, int(key), response)
        yield from of_operation(operation)
        yield from of_methods(operation)


def of_response(operation: Operation, status: int, response: Node) -> Iterator[Derived]:
    wheres = (NOW_AND_THEN,) if status in operation.transient_statuses else (EVERYWHERE, ONE_IN_THREE)
    faults = [
        *of_status(operation, response),
        *of_bodies(operation, status, response),
        *of_media(response),
        *of_headers(response),
    ]
    for fault in faults:
        for where in wheres:
            build = partial(built, operation=operation, status=status, fault=fault, where=where)
            promises = tuple(each.pointer for each in (fault.promise, fault.within) if each)
            yield Derived(promises, fault.kind, where, f"{operation.name}.{status}.{fault.detail}", build)
    if status == operation.page_status:
        fault = Fault("another_status", "500", response, partial(always, partial(with_status, 500)))
        build = partial(built, operation=operation, status=status, fault=fault, where=NOW_AND_THEN)
        yield Derived((response.pointer,), fault.kind, NOW_AND_THEN, f"{operation.name}.{status}.{fault.detail}", build)


def of_status(operation: Operation, response: Node) -> Iterator[Fault]:
    for other in UNDOCUMENTED:
        if operation.described.response(other) is None:
            yield Fault("another_status", str(other), response, partial(always, partial(with_status, other)), UNSEEN)


def of_bodies(operation: Operation, status: int, response: Node) -> Iterator[Fault]:
    if "content" not in response:
        return
    for kind, change in BODIES.items():
        yield Fault("another_body", kind, response, partial(of_body, operation, status, response, change), UNSEEN)
    responses = operation.described.operation.responses
    for other in sorted(each for each in operation.statuses - {status} if "content" in responses[str(each)]):
        yield Fault("another_body", str(other), response, partial(of_another, operation, response, other), UNSEEN)


def of_media(response: Node) -> Iterator[Fault]:
    media = dict(response.at("content").items())
    for name, node in media.items():
        # Of what has no media type nobody knows that it has a schema.
        missing = partial(always, partial(with_header, CONTENT_TYPE, None))
        yield Fault("another_media_type", "none", node, missing, frozenset({"response_schema_conformance"}))
        for kind, value in (*MEDIA.items(), ("latin", f"{name}; charset=iso-8859-1")):
            if value not in media:
                yield Fault(
                    "another_media_type", kind, node, partial(always, partial(with_header, CONTENT_TYPE, value))
                )


def of_headers(response: Node) -> Iterator[Fault]:
    for name, node in followed_entries(response, "headers").items():
        for fault in of_header(name.lower(), node):
            yield fault._replace(detail=f"{name}.{fault.detail}", within=node)


def always(broken: Broken, world: World) -> Broken:
    return broken


def with_status(status: int, answer: Answer) -> Answer:
    return answer.replaced(status=status)


def with_header(name: str, value: str | None, answer: Answer) -> Answer:
    return answer.replaced(headers={name: value})


def of_body(
    operation: Operation, status: int, response: Node, change: Callable[[bytes], bytes], world: World
) -> Broken:
    before = sample(world, operation, status)
    after = Answer(status, (), change(before.body)).json
    if is_valid(schema_of(response), after):
        raise Equivalent("the answer still has its schema")
    return lambda answer: Answer(answer.status, answer.headers, change(answer.body))


def of_another(operation: Operation, response: Node, status: int, world: World) -> Broken:
    body = sample(world, operation, status).json
    if is_valid(schema_of(response), body):
        raise Equivalent(f"the body of a {status} has the same schema")
    return lambda answer: answer.replaced(body=body)


def of_header(name: str, node: Node) -> Iterator[Fault]:
    """What is wrong with a header, and which promise it breaks."""

    def said(kind: str, promise: Node, text: str | None) -> Fault:
        return Fault("another_header", kind, promise, partial(always, partial(with_header, name, text)))

    if node.at("required").value is True:
        yield said("left_out", node.at("required"), None)
    else:
        yield Fault("another_header", "left_out", node, partial(impossible, "it need not be there"))
    schema = schema_of(node).resolved() or schema_of(node)
    if name == RETRY_AFTER:
        for kind, text in UNREADABLE.items():
            yield said(kind, node, text)
    if schema.at("type").value == "string":
        yield Fault(
            "another_header",
            "another_type",
            schema.at("type"),
            partial(impossible, "whatever stands in a header is text"),
        )
    else:
        yield said("another_type", schema.at("type"), "some")
        yield said("empty", node, "")
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if keyword in schema:
            [(kind, broken)] = KEYWORDS[keyword](schema.at(keyword).value)
            yield said(kind, schema.at(keyword), str(broken(None)))


def built(world: World, operation: Operation, status: int, fault: Fault, where: str) -> Built:
    broken = fault.broken(world)
    if where == NOW_AND_THEN:
        return Built(now_and_then(operation, status, broken), fault.also)

    async def replaced(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        return broken(answer) if answer.status == status else None

    return Built(answering(operation, replaced, when(where, operation)), fault.also)


def of_operation(operation: Operation) -> Iterator[Derived]:
    """A valid request is refused, with what the contract has for others."""

    def build(world: World, status: int, where: str) -> Built:
        refusal = sample(world, operation, status)

        async def replaced(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
            return refusal if answer.status == operation.page_status else None

        return Built(answering(operation, replaced, when(where, operation)), frozenset({"reached"}))

    stages = ("parameters", "existence", "access", "state")
    for status in sorted(operation.refused(*stages) & operation.statuses):
        for where in (EVERYWHERE, ONE_IN_THREE, ONE_PAGE):
            make = partial(build, status=status, where=where)
            pointer = operation.described.operation.node.pointer
            yield Derived((pointer,), "valid_one_refused", where, f"{operation.name}.{status}", make)


def of_methods(operation: Operation) -> Iterator[Derived]:
    """What the contract does not have is done, or not refused as HTTP has it."""
    here = {each.method for each in contract().operations if each.path == operation.path}
    if not operation.is_safe:
        return
    further = frozenset(FURTHER_METHODS) - here
    # What may be done here is told to who asks for it.
    asking = further | ({"OPTIONS"} - here)

    def changing(refused: Broken | None, methods: frozenset[str]) -> Change:
        async def change(asked: Asked, ask: Ask) -> Answer:
            if asked.method not in methods or not is_for(operation, asked.with_method(operation.method)):
                return await ask(asked)
            return refused(await ask(asked)) if refused else await ask(asked.with_method(operation.method))

        return change

    def build(world: World, refused: Broken | None, methods: frozenset[str]) -> Built:
        # Whatever else is promised of an answer is so of these.
        return Built(changing(refused, methods), frozenset(CLASSES["errors"]), methods)

    ways: dict[tuple[str, str], tuple[Broken | None, frozenset[str]]] = {
        ("method_done", each): (None, frozenset({each})) for each in sorted(further)
    }
    ways |= {
        ("method_refused_otherwise", "500"): (partial(with_status, 500), further),
        ("method_refused_otherwise", "200"): (partial(with_status, 200), further),
        ("another_allow", "none"): (partial(with_header, "allow", None), further),
        ("another_allow", "more"): (partial(with_header, "allow", ", ".join(sorted(here | further))), asking),
    }
    for (kind, detail), (refused, methods) in ways.items():
        pointer = operation.described.operation.node.pointer
        make = partial(build, refused=refused, methods=methods)
        yield Derived((pointer,), kind, EVERYWHERE, f"{operation.name}*{detail}", make)
