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
_ONWARD: dict[str, dict[str, str]] = {
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


class Place(NamedTuple):
    """A part of a document.

    Attributes:
        kind: What it is, such as `schema`.
        node: The part, as it is written; a reference is not followed.
    """

    kind: str
    node: Node


def places(document: Document) -> Iterator[Place]:
    """Yields the parts of a document, each where it is written."""
    waiting = [Place("document", document.root)]
    while waiting:
        place = waiting.pop()
        if not isinstance(place.node.value, dict):
            continue
        is_query = place.kind == "parameter" and place.node.at("in").value == "query"
        yield Place("query parameter", place.node) if is_query else place
        below: list[Place] = []
        for key, kind in _ONWARD[place.kind].items():
            if key in place.node:
                below += _onward(kind, place.node.at(key))
        if place.kind == "callback":
            below += [Place("path item", node) for _, node in place.node.items()]
        waiting += reversed(below)


def _onward(kind: str, node: Node) -> Iterator[Place]:
    if kind.startswith("[]"):
        yield from (Place(kind[2:], each) for each in node.elements())
    elif kind.startswith("{}"):
        yield from (Place(kind[2:], each) for _, each in node.items())
    else:
        yield Place(kind, node)
