"""Which part of the driver implements each key of OpenAPI. Other keys are refused, as they would be ignored.

tests/contract/claims.py has the same for the checks of the contract run.
"""

from __future__ import annotations

from codegen.openapi import Document
from codegen.openapi.promises import PROSE, Promise

_READERS = dict.fromkeys(("summary", "description", "externalDocs", "tags", "example", "examples", "title"), "docs")

# By kind of object: its keys, and what implements them. contract.py has the keywords of schemas.
KEYS: dict[str, dict[str, str]] = {
    "document": {
        **_READERS,
        **{"openapi": "driver", "info": "docs", "servers": "docs", "paths": "client", "components": "client, models"},
        "security": "client",
    },
    "path item": {
        **_READERS,
        "parameters": "client",
        "$ref": "client",
        **dict.fromkeys(("get", "put", "post", "delete", "options", "head", "patch", "trace"), "client"),
    },
    "operation": {
        **_READERS,
        **{"operationId": "client", "parameters": "client", "requestBody": "client", "responses": "client, models"},
        **{"security": "client", "deprecated": "docs", "x-list": "docs, client", "x-judged": "docs, client"},
    },
    "response": {
        **_READERS,
        **{"$ref": "client", "headers": "docs, client", "content": "models", "x-rules": "docs, client"},
        "links": "docs, client",
    },
    # extensions/links.py checks the values.
    "link": {**_READERS, **dict.fromkeys(("$ref", "operationId", "operationRef", "parameters"), "docs, client")},
    "request body": {**_READERS, **{"$ref": "client", "required": "client", "content": "client, models"}},
    "media type": {**_READERS, "schema": "models"},
    "parameter": {
        **_READERS,
        **{"$ref": "client", "name": "client", "in": "client", "required": "client", "schema": "client"},
        **{"deprecated": "docs", "style": "client", "explode": "client", "x-selects": "docs, client"},
    },
    "header": {
        **_READERS,
        **{"$ref": "client", "required": "docs", "schema": "docs, client", "deprecated": "docs"},
        **{"style": "client", "explode": "client"},
    },
}
KEYS["query parameter"] = KEYS["parameter"]

# The supported `style` of each parameter location.
STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}

# What implements each kind of promise.
KINDS = {
    "operation": "client",
    "parameter": "client",
    "body": "client",
    "response": "client, models",
    "header": "docs, client",
    "link": "docs, client",
    "security": "client",
    "property": "models",
    "required": "models",
    "extension": "docs, client",
}


def check(document: Document) -> None:
    """Refuse keys that the driver does not implement.

    Raises:
        Problem: There is such a key.
    """
    # A local import: it takes as long as the rest of the driver.
    from codegen.extensions.objects import objects

    for each in objects(document):
        for key, node in each.node.items() if each.kind in KEYS else ():
            where = each.node.at("in").value
            is_other_style = key == "style" and node.value != STYLES.get(str(where), "simple")
            if key.startswith("x-") or (key in KEYS[each.kind] and not is_other_style):
                continue
            what = f"`{key}: {node.value}`" if is_other_style else f"`{key}`"
            raise node.problem(
                f"{what} of a {each.kind} is not supported: it would be ignored",
                "correct the spelling, remove it, or implement it and add it to overrides/codegen/claims.py",
            )


def honoured_by(promise: Promise) -> str:
    """Return what implements a promise, such as `models`; empty if nothing here does."""
    if promise.kind == "keyword":
        holders = ("parameter", "header", "response", "media type")
        known = next((KEYS[holder][promise.name] for holder in holders if promise.name in KEYS[holder]), "")
        return known or (
            "" if promise.name in PROSE else "client" if "/parameters/" in promise.node.pointer else "models"
        )
    if promise.kind == "extension" and not promise.name.startswith(("x-rules", "x-list", "x-judged", "x-selects")):
        return ""
    return KINDS.get(promise.kind, "")
