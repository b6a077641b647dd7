"""How an operation pages, as the templates write it."""

from __future__ import annotations

from typing import Any

from openapi_python_client.parser.openapi import Endpoint

from codegen.contract import Contract

# How an operation pages that has these two parameters, unless it says so itself (`x-list`). `item_echoes` says which
# field of each item repeats which parameter.
PAGING: dict[str, Any] = {
    "limit": "limit",
    "offset": "offset",
    "items": "items",
    "total": "total",
    "key": "id",
    "echoes": {"limit": "limit", "offset": "offset"},
    "item_echoes": {"workflow_definition_id": "definition_id"},
}

# Keywords of a bound, and what the templates call it.
BOUNDS = {"minimum": "least", "maximum": "most"}


def paging(contract: Contract, endpoint: Endpoint) -> dict[str, str]:
    """How the operation pages, as arguments of `Paging` in package/_pages.py; nothing where it does not page."""
    operation = contract.document["paths"][endpoint.path.get_untrusted_value()][endpoint.method]
    rule = {**PAGING, **operation.get("x-list", {})}
    query = {parameter.name.get_untrusted_value() for parameter in endpoint.query_parameters}
    sent = query | {parameter.name.get_untrusted_value() for parameter in endpoint.path_parameters}
    [success] = (status for status in operation["responses"] if status.startswith("2"))
    page = _properties(contract, operation["responses"][success])
    item = _properties(contract, page.get(rule["items"], {}).get("items", {}))
    if not ({rule["limit"], rule["offset"]} <= query and rule["total"] in page and rule["key"] in item):
        return {}
    for name, fields in {"echoes": page, "item_echoes": item}.items():
        rule[name] = {field: source for field, source in rule[name].items() if field in fields and source in sent}
    written = {parameter["name"]: parameter for _, parameter in contract.parameters()}
    limit = contract.follow(written[rule["limit"]]["schema"])
    bounds = {word: limit[keyword] for keyword, word in BOUNDS.items() if keyword in limit}
    return {name: repr(value) for name, value in {**{name: rule[name] for name in PAGING}, **bounds}.items()}


def _properties(contract: Contract, value: dict[str, Any]) -> dict[str, Any]:
    """Returns the properties of a schema, or of the JSON body of a response."""
    value = contract.follow(value)
    if "content" in value:
        value = contract.follow(value["content"]["application/json"]["schema"])
    properties: dict[str, Any] = value.get("properties", {})
    return properties
