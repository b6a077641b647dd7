"""Lists the nodes of a document that promise something: what a server must do, or a client may rely on.

Generation, docs and checks claim the nodes that they implement; unclaimed ones are reported. So everything that is not
known to be prose or a name counts as a promise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from codegen.openapi.document import Document, Node
from codegen.openapi.operations import METHODS

# Keys for prose, names and references.
PROSE = {
    *("title", "description", "summary", "example", "examples", "externalDocs", "tags", "operationId", "contact"),
    *("$ref", "$comment", "$schema", "$id", "$anchor", "termsOfService", "license", "xml"),
}
# Keywords of a schema whose value is a schema, a list of schemas, or a mapping of names to schemas.
SUBSCHEMAS = (
    "items",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "unevaluatedItems",
)
SUBSCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SUBSCHEMA_MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas")


class Promise(NamedTuple):
    """A node that promises something.

    Attributes:
        kind: operation, parameter, body, response, header, link, security, keyword, property, required (one name of
            the list), or extension (one entry of a list below an `x-` key, or the key itself).
        node: The node. One that several operations refer to is listed once.
        name: Its name, such as the keyword or the property.
    """

    kind: str
    node: Node
    name: str


def promises(document: Document) -> Iterator[Promise]:
    """Yield the promises in document order, operations first, each node once.

    Raises:
        Problem: A reference is dangling, circular or external.
    """
    seen: set[str] = set()
    for promise in _walk(document):
        if promise.node.pointer not in seen:
            seen.add(promise.node.pointer)
            yield promise


def _walk(document: Document) -> Iterator[Promise]:
    root = document.root
    for path, place in root.at("paths").items():
        item = place.followed()
        yield from _parameters(item)
        for method in METHODS:
            if method in item:
                yield from _operation(item.at(method), f"{method.upper()} {path}")
    yield from _security(root)
    components = root.at("components")
    # The components that operations use were yielded above; unused ones count, too.
    for _, schema in components.at("schemas").items():
        yield from _schema(schema)
    for key, parse in (("parameters", _parameter), ("headers", _header), ("requestBodies", _body), ("links", _link)):
        for name, node in components.at(key).items():
            yield from parse(node.followed(), name)
    for name, node in components.at("responses").items():
        yield from _response(node.followed(), name)
    for name, node in components.at("securitySchemes").items():
        yield Promise("security", node.followed(), name)
    yield from _extensions(root)


def _operation(node: Node, name: str) -> Iterator[Promise]:
    yield Promise("operation", node, name)
    yield from _parameters(node)
    if "requestBody" in node:
        yield from _body(node.at("requestBody").followed(), name)
    for status, response in node.at("responses").items():
        yield from _response(response.followed(), status)
    yield from _security(node)
    yield from _extensions(node)


def _security(holder: Node) -> Iterator[Promise]:
    for alternative in holder.at("security").elements():
        yield Promise("security", alternative, " with ".join(name for name, _ in alternative.items()) or "nothing")


def _parameters(holder: Node) -> Iterator[Promise]:
    for element in holder.at("parameters").elements():
        node = element.followed()
        yield from _parameter(node, str(node.at("name").value))


def _parameter(node: Node, name: str) -> Iterator[Promise]:
    yield Promise("parameter", node, name)
    yield from _value_holder(node, ("required", "style", "explode", "allowEmptyValue", "allowReserved", "deprecated"))


def _header(node: Node, name: str) -> Iterator[Promise]:
    yield Promise("header", node, name)
    yield from _value_holder(node, ("required", "style", "explode", "deprecated"))


def _body(node: Node, name: str) -> Iterator[Promise]:
    yield Promise("body", node, name)
    yield from _value_holder(node, ("required",))


def _link(node: Node, name: str) -> Iterator[Promise]:
    yield Promise("link", node, name)
    yield from _extensions(node)


def _response(node: Node, status: str) -> Iterator[Promise]:
    yield Promise("response", node, status)
    for name, header in node.at("headers").items():
        yield from _header(header.followed(), name)
    yield from _value_holder(node, ())
    for name, link in node.at("links").items():
        yield from _link(link.followed(), name)


def _value_holder(node: Node, keywords: tuple[str, ...]) -> Iterator[Promise]:
    """Yield the promises of a node with keywords, and with `schema` or `content`."""
    for keyword in keywords:
        if keyword in node:
            yield Promise("keyword", node.at(keyword), keyword)
    if "schema" in node:
        yield from _schema(node.at("schema"))
    for name, media in node.at("content").items():
        yield Promise("keyword", media, name)
        if "schema" in media:
            yield from _schema(media.at("schema"))
        yield from _extensions(media)
    yield from _extensions(node)


def _schema(schema: Node) -> Iterator[Promise]:
    """Yield the promises of a schema and its subschemas. Targets of references are yielded with the components."""
    if not isinstance(schema.value, dict):
        yield Promise("keyword", schema, "schema")
        return
    if "$ref" in schema and not (target := schema.followed()).pointer.startswith("#/components/schemas/"):
        yield from _schema(target)
    for keyword, node in schema.items():
        if keyword in PROSE or keyword.startswith("x-"):
            continue
        if keyword == "required" and isinstance(node.value, list):
            for element in node.elements():
                yield Promise("required", element, str(element.value))
        elif keyword in SUBSCHEMA_MAPS and isinstance(node.value, dict):
            for name, below in node.items():
                yield Promise("property", below, name)
                yield from _schema(below)
        elif keyword in SUBSCHEMA_LISTS and isinstance(node.value, list):
            yield Promise("keyword", node, keyword)
            for below in node.elements():
                yield from _schema(below)
        elif keyword in SUBSCHEMAS and isinstance(node.value, dict):
            yield Promise("keyword", node, keyword)
            yield from _schema(node)
        else:
            yield Promise("keyword", node, keyword)
    yield from _extensions(schema)


def _extensions(holder: Node) -> Iterator[Promise]:
    for key, node in holder.items():
        if key.startswith("x-"):
            yield from _entries(key, node)


def _entries(key: str, node: Node) -> Iterator[Promise]:
    """Yield each entry of a list; each key of `x-list`, the only mapping."""
    if isinstance(node.value, list) and node.value:
        for entry in node.elements():
            name = next((entry.at(part).value for part in ("id", "stage") if part in entry), None)
            yield Promise("extension", entry, f"{key} {name}" if isinstance(name, str) else key)
    elif key == "x-list" and isinstance(node.value, dict):
        for part, below in node.items():
            yield from _entries(f"{key} {part}", below)
    else:
        yield Promise("extension", node, key)
