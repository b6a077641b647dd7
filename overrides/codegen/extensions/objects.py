"""Where the parts of a document stand that may have keys of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from codegen.openapi import METHODS, Document, Node

# The keys, and at what they may stand.
KEYS = {
    "x-rules": ("schema", "response"),
    "x-selects": ("query parameter",),
    "x-list": ("operation",),
    "x-judged": ("operation",),
}

# By kind, the keys that lead on and to which kind: `[]` to each element of a list, `{}` to each entry of a mapping.
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
    """A part of a document.

    Attributes:
        kind: What it is, such as `schema`.
        node: The part, as it is written; a reference is not followed.
    """

    kind: str
    node: Node


def objects(document: Document) -> Iterator[SpecObject]:
    """Yields the parts of a document, each where it is written."""
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
