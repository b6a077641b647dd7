"""Request bodies: JSON, judged by the contract's schema, and samples to send."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs
import requests

from codegen.cel import MISSING
from codegen.extensions.examples import examples_of
from codegen.openapi import Node, schema_of

from .parameter import INVALID, VALID, VARIANT

JSON = "application/json"


@dataclass(frozen=True)
class RequestBody:
    """The request body of an operation."""

    node: Node
    """The `requestBody`."""

    @property
    def is_required(self) -> bool:
        return self.node.at("required").value is True

    @cached_property
    def validator(self) -> jsonschema_rs.Draft202012Validator:
        components = self.node.document.root.at("components").value or {}
        schema = schema_of(self.node)
        document = {"allOf": [schema.value], "components": components}
        return jsonschema_rs.Draft202012Validator(document, validate_formats=True)

    def judge(self, request: requests.PreparedRequest) -> tuple[str, Any]:
        """Judge the body of a request. Returns the judgement and the body as JSON value; MISSING if there is none."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if not isinstance(body, bytes):
            body = b""
        if not body:
            return (INVALID if self.is_required else VALID), MISSING
        kind = str(request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        try:
            value = json.loads(body, parse_constant=refuse)
        except (ValueError, RecursionError, TypeError):
            return INVALID, MISSING
        if kind != JSON:
            return VARIANT, value
        errors = list(self.validator.iter_errors(value))
        # A server may accept a number that is sent as text, or another notation of a time.
        is_near = all(type(each.kind).__name__.endswith(("Type", "Format")) for each in errors)
        scalar = all(not isinstance(each.instance, (dict, list)) for each in errors)
        return (VALID if not errors else VARIANT if is_near and scalar else INVALID), value

    def samples(self) -> Iterator[Any]:
        """Yield the valid examples of the contract; without any, a minimal value of the schema."""
        stated = list(self.examples())
        made = smallest_value(schema_of(self.node)) if not stated else MISSING
        yield from stated if made is MISSING or not self.validator.is_valid(made) else [made]

    def examples(self) -> Iterator[Any]:
        for each in examples_of(self.node):
            if each.value is not None and self.validator.is_valid(each.value):
                yield each.value

    def vary(self, body: Any, number: int) -> Any:
        """Return the body with other texts, if still valid: a server may accept the same item only once."""
        if not isinstance(body, dict):
            return body
        made = {key: f"{value} ({number})" if isinstance(value, str) else value for key, value in body.items()}
        return made if self.validator.is_valid(made) else body


def smallest_value(schema: Node, levels: int = 8) -> Any:
    """Return a small value of a schema, where that is simple."""
    schema = schema.resolved() or schema
    for word in ("const", "default", "example"):
        if word in schema:
            return schema.at(word).value
    for choice in (*schema.at("oneOf").elements(), *schema.at("anyOf").elements()):
        return smallest_value(choice, levels - 1)
    if schema.at("enum").value:
        return schema.at("enum").value[0]
    kinds = schema.at("type").value
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        names = (schema.at("required").value or ()) if levels else ()
        return {name: smallest_value(schema.at("properties").at(name), levels - 1) for name in names}
    if kind == "array":
        return [smallest_value(schema.at("items"), levels - 1)] * (schema.at("minItems").value or 0)
    if kind in ("integer", "number"):
        return schema.at("minimum").value or 1
    texts = {"uuid": "d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5", "date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01"}
    text = texts.get(schema.at("format").value, "made by the contract run"[: schema.at("maxLength").value])
    return {"string": text, "boolean": False}.get(kind)


def refuse(name: str) -> None:
    raise ValueError(name)
