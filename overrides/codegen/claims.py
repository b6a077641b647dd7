"""Who honours what a contract promises: the half of the ledger that is generated.

Each key that may stand somewhere is listed with who honours it. Any other is refused: it would be dropped without a
word.
The other half, which check judges it, is the contract run's (tests/contract/claims.py).
"""

from __future__ import annotations

from codegen.openapi import Document
from codegen.openapi.promises import PROSE, Promise

_READERS = dict.fromkeys(("summary", "description", "externalDocs", "tags", "example", "examples", "title"), "docs")

# By what it stands in: keys, and who honours them. Keywords of schemas are contract.py's.
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
    # What a link may say is checked by extensions/links.py.
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

# What is sent as it is, whatever else OpenAPI has.
STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}

# By the kind of a promise.
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
    """Refuses what nobody here honours.

    Raises:
        Problem: Such a key; with its line.
    """
    # Where it is needed: importing it takes as long as the driver.
    from codegen.extensions.objects import objects

    for each in objects(document):
        for key, node in each.node.items() if each.kind in KEYS else ():
            where = each.node.at("in").value
            is_other_style = key == "style" and node.value != STYLES.get(str(where), "simple")
            if key.startswith("x-") or (key in KEYS[each.kind] and not is_other_style):
                continue
            what = f"`{key}: {node.value}`" if is_other_style else f"`{key}`"
            raise node.problem(
                f"nobody honours {what} of a {each.kind}: it would be dropped without a word",
                "correct it if misspelt, else take it out, or honour it and say so in overrides/codegen/claims.py",
            )


def honoured_by(promise: Promise) -> str:
    """Returns who honours a promise, such as `models`; empty if nobody here does."""
    if promise.kind == "keyword":
        holders = ("parameter", "header", "response", "media type")
        known = next((KEYS[holder][promise.name] for holder in holders if promise.name in KEYS[holder]), "")
        return known or (
            "" if promise.name in PROSE else "client" if "/parameters/" in promise.node.pointer else "models"
        )
    if promise.kind == "extension" and not promise.name.startswith(("x-rules", "x-list", "x-judged", "x-selects")):
        return ""
    return KINDS.get(promise.kind, "")
