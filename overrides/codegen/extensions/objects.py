"""Walks the objects of a document that may have extension keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from codegen.openapi import METHODS, Document, Node

# By key, the kinds of objects that may have it.
KEYS = {
    "x-rules": ("schema", "response"),
    "x-selects": ("query parameter",),
    "x-list": ("operation",),
    "x-judged": ("operation",),
}

# By kind, the keys with child objects: `[]kind` for each element of a list, `{}kind` for each entry of a mapping.
_RESPONSE = {"headers": "{}header", "content": "{}media type", "links": "{}link"}
_CHILDREN: dict[str, dict[str, str]] = {
    "document": {"paths": "{}path item", "webhooks": "{}path item", "components": "components", "info": "other"},
    "components": {
        **{"schemas": "{}schema", "responses": "{}response", "parameters": "{}parameter", "headers": "{}header"},
        **{"requestBodies": "{}request body", "pathItems": "{}path item", "callbacks": "{}callback"},
        "links": "{}link",
    },
    "path item": {**dict.fromkeys(METHODS, "operation"), "parameters": "[]parameter"},
    "callback": {},
    "operation": {
        **{"parameters": "[]parameter", "requestBody": "request body", "responses": "{}response"},
        "callbacks": "{}callback",
    },
    "response": _RESPONSE,
    "request body": {"content": "{}media type"},
    "media type": {"schema": "schema"},
    "parameter": {"schema": "schema", "content": "{}media type"},
    "header": {"schema": "schema", "content": "{}media type"},
    "schema": {
        **dict.fromkeys(("items", "additionalProperties", "not", "if", "then", "else", "contains"), "schema"),
        **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), "[]schema"),
        **dict.fromkeys(("properties", "patternProperties", "$defs"), "{}schema"),
    },
    "link": {},
    "other": {},
}


class SpecObject(NamedTuple):
    """An object of the OpenAPI specification.

    Attributes:
        kind: The kind, such as `schema`.
        node: The object. References are not followed.
    """

    kind: str
    node: Node


def objects(document: Document) -> Iterator[SpecObject]:
    """Yield the objects of a document, in document order."""
    waiting = [SpecObject("document", document.root)]
    while waiting:
        part = waiting.pop()
        if not isinstance(part.node.value, dict):
            continue
        is_query = part.kind == "parameter" and part.node.at("in").value == "query"
        yield SpecObject("query parameter", part.node) if is_query else part
        below: list[SpecObject] = []
        for key, kind in _CHILDREN[part.kind].items():
            if key in part.node:
                below += _children(kind, part.node.at(key))
        if part.kind == "callback":
            below += [SpecObject("path item", node) for _, node in part.node.items()]
        waiting += reversed(below)


def _children(kind: str, node: Node) -> Iterator[SpecObject]:
    if kind.startswith("[]"):
        yield from (SpecObject(kind[2:], each) for each in node.elements())
    elif kind.startswith("{}"):
        yield from (SpecObject(kind[2:], each) for _, each in node.items())
    else:
        yield SpecObject(kind, node)
