"""`links`: values of a response that are parameters of another operation.

These runtime expressions of OpenAPI are supported: `$response.body#/pointer`, `$response.header.name`,
`$request.path.name`, `$request.query.name` and `$request.body#/pointer`. Text without a `$` is a constant. Others are
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from codegen.cel import MISSING, Shape, shape
from codegen.extensions.exchange import Answer, Request
from codegen.openapi import Node, Operation, operations, schema_of
from codegen.openapi.document import Pointer, split
from codegen.openapi.operations import followed_entries

_EXPRESSION = re.compile(
    r"\$(response|request)\.(?:(body)(?:#(/.*|))?|(header|path|query)\.([^\s{}]+))", re.ASCII | re.DOTALL
)


@dataclass(frozen=True)
class Source:
    """The source of a parameter's value.

    Attributes:
        node: The entry of the document.
        of: `response`, `request`, or empty for a constant.
        place: `body`, `header`, `path` or `query`.
        name: The name of a parameter, or of a header in lower case.
        pointer: The pointer into a body.
    """

    node: Node
    of: str = ""
    place: str = ""
    name: str = ""
    pointer: Pointer = ()

    def value(self, request: Request, answer: Answer) -> Any:
        """Return the value in an exchange; MISSING if there is none."""
        if not self.of:
            return self.node.value
        if self.place == "body":
            found = answer.body if self.of == "response" else request.body
            return _value_at(found, self.pointer)
        held: Mapping[str, Any] = answer.headers if self.place == "header" else vars(request)[self.place]
        return held.get(self.name, MISSING)


@dataclass(frozen=True)
class Link:
    """A link.

    Attributes:
        node: The entry of the document.
        name: The name.
        target: The operation that can be called.
        sources: By location and name of a parameter, the source of its value. It may omit parameters.
    """

    node: Node
    name: str
    target: Operation
    sources: Mapping[tuple[str, str], Source]

    def parameters(self, request: Request, answer: Answer) -> dict[tuple[str, str], Any] | None:
        """Return the values of the parameters after an exchange; None if one is missing."""
        found = {key: source.value(request, answer) for key, source in self.sources.items()}
        return None if MISSING in found.values() else found

    def each(self, request: Request, answer: Answer) -> Iterator[dict[tuple[str, str], Any]]:
        """Yield the parameters for each element of the list that the link has an index into.

        `#/items/0/id` of a page gives the id of each item. Without a list, yields the result of `parameters`.
        """
        lists = [source.pointer[:index] for source in self.sources.values() for index in _indices(source, answer)]
        if not lists:
            found = self.parameters(request, answer)
            yield from () if found is None else (found,)
            return
        inside = min(lists, key=len)
        for index in range(len(_value_at(answer.body, inside))):
            sources = {key: _at_index(source, inside, index) for key, source in self.sources.items()}
            found = {key: source.value(request, answer) for key, source in sources.items()}
            if MISSING not in found.values():
                yield found


def _value_at(value: Any, pointer: Pointer) -> Any:
    for part in pointer:
        if isinstance(value, list) and re.fullmatch(r"[0-9]{1,9}", str(part), re.ASCII) and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[str(part)]
        else:
            return MISSING
    return value


def _indices(source: Source, answer: Answer) -> Iterator[int]:
    """Yield the positions in a pointer that are indices of a list."""
    if (source.of, source.place) == ("response", "body"):
        for index in range(len(source.pointer)):
            if isinstance(_value_at(answer.body, source.pointer[:index]), list):
                yield index


def _at_index(source: Source, inside: Pointer, index: int) -> Source:
    length = len(inside)
    if (source.of, source.place) != ("response", "body") or source.pointer[:length] != inside:
        return source
    if len(source.pointer) == length:
        return source
    pointer = (*inside, str(index), *source.pointer[length + 1 :])
    return Source(source.node, source.of, source.place, source.name, pointer)


def links(operation: Operation) -> dict[str, dict[str, Link]]:
    """Return the links of an operation, by key of the response and name.

    Raises:
        Problem: One is invalid.
    """
    found: dict[str, dict[str, Link]] = {}
    for key, response in operation.responses.items():
        for name, node in followed_entries(response, "links").items():
            found.setdefault(key, {})[name] = _link(operation, response, name, node)
    return found


def _link(operation: Operation, response: Node, name: str, node: Node) -> Link:
    target = _target(name, node)
    sources = {}
    for key, value in node.at("parameters").items():
        sources[_parameter(target, key, value)] = _source(operation, response, value)
    return Link(node, name, target, sources)


def _target(name: str, node: Node) -> Operation:
    known = operations(node.document).values()
    stated = [key for key in ("operationId", "operationRef") if key in node]
    if len(stated) != 1:
        raise node.problem(f"the link `{name}` must have either `operationId` or `operationRef`", "write one of them")
    at = node.at(stated[0])
    if stated[0] == "operationId":
        found = [each for each in known if each.node.at("operationId").value == at.value]
        names = ", ".join(each.name for each in known)
        fix = f"use one of these: {names}"
    else:
        there = node.document.find(at.value) if isinstance(at.value, str) else None
        found = [each for each in known if there is not None and each.node.pointer == there.pointer]
        fix = "write its pointer in this document, such as `#/paths/~1v1~1things/get`"
    if not found:
        raise at.problem(f"the link `{name}`: there is no operation `{at.value}`", fix)
    return found[0]


def _parameter(target: Operation, key: str, node: Node) -> tuple[str, str]:
    """Return location and name of the parameter that a key such as `task_id` or `path.task_id` names."""
    known = [(str(each.at("in").value), str(each.at("name").value)) for each in target.parameters.values()]
    found = [(place, name) for place, name in known if key in (name, f"{place}.{name}")]
    if len(found) != 1:
        what = f"{target.name} has {'several parameters' if found else 'no parameter'} `{key}`"
        names = ", ".join(f"{place}.{name}" for place, name in known)
        raise node.problem(what, f"use one of these: {names}" if names else "remove it")
    return found[0]


def _source(operation: Operation, response: Node, node: Node) -> Source:
    text = node.value
    if not isinstance(text, str) or "$" not in text:
        return Source(node)
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise node.problem(
            f"the expression `{text}` is not supported",
            "use one such as `$response.body#/id` or `$request.path.name`",
        )
    of, body, below, place, name = match.groups()
    if body:
        pointer = split(below or "")
        holder = response if of == "response" else operation.request_body
        if holder is None or not holder.at("content").value:
            raise node.problem(f"`{text}`: the {of} has no body", "use another expression")
        _check_pointer(node, schema_of(holder), pointer)
        return Source(node, of, "body", pointer=pointer)
    if (place == "header") != (of == "response"):
        raise node.problem(
            f"the expression `{text}` is not supported",
            "use a header of the response, or a path or query parameter of the request",
        )
    if place == "header":
        names = [header.lower() for header in followed_entries(response, "headers")]
        name = name.lower()
    else:
        names = [str(each.at("name").value) for each in operation.parameters.values() if each.at("in").value == place]
    if name not in names:
        raise node.problem(
            f"`{text}`: the {of} has no such {'header' if place == 'header' else 'parameter'}",
            f"use one of these: {', '.join(names)}" if names else "use another expression",
        )
    return Source(node, of, place, name)


def _check_pointer(node: Node, schema: Node, pointer: Pointer) -> None:
    """Check that the values of a schema may have a pointer."""
    found = [schema]
    for part in pointer:
        found = [below for each in found for below in _below(shape(each), str(part))]
        if not found:
            what = f"`{node.value}` does not exist: the schema has no `{part}` there"
            raise node.problem(what, "correct the pointer, or the schema")


def _below(holder: Shape, part: str) -> Iterator[Node]:
    for choice in holder.choices:
        yield from _below(shape(choice), part)
    if holder.kind == "list" and re.fullmatch(r"0|[1-9][0-9]*", part, re.ASCII):
        yield holder.node.at("items")
    elif holder.kind == "object" and part in holder.names.values():
        yield holder.node.at("properties").at(part)
    elif holder.kind == "map" or (holder.kind == "any" and not holder.choices):
        yield Node(holder.node.document, {}, holder.node.pointer)
