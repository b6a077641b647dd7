# Copied by `make generate` from overrides/package/_testing/validation.py. Do not edit it here.
"""Parses requests, and validates them in the order of the contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx2

from .contract import Carrier, Operation, Parameter, Schema
from .schemas import Fault, Schemas
from .store import Item, Store


@dataclass
class ParsedRequest:
    """A parsed request.

    Attributes:
        operation: The operation.
        params: The valid parameters, by place and name.
        faults: What is wrong with other parameters, and with the body.
        body: The body as JSON, if any.
        token: The credential, if it is valid.
        scheme: The security scheme of the credential.
    """

    operation: Operation
    params: dict[tuple[str, str], Any]
    faults: list[Fault] = field(default_factory=list[Fault])
    body: Any = None
    token: str | None = None
    scheme: str = ""

    def of(self, place: str) -> dict[str, Any]:
        """Return the parameters of a place, with defaults."""
        defaults = {
            each.name: each.schema["default"]
            for each in self.operation.parameters
            if each.where == place and "default" in each.schema
        }
        return {**defaults, **{name: value for (where, name), value in self.params.items() if where == place}}


@dataclass
class Refused(Exception):
    """The request is refused with an error status."""

    status: int
    faults: Sequence[Fault] = ()


def refusal_at(operation: Operation, stage: str, faults: Sequence[Fault] = ()) -> Refused:
    """Return the refusal for a stage of validation."""
    for each in operation.judged:
        if each.name == stage:
            return Refused(each.status, faults)
    raise AssertionError(f"the contract has no status for this stage of {operation.name}: {stage}, {faults}")


def find_operation(
    operations: Sequence[Operation], method: str, path: str
) -> tuple[Operation | None, dict[str, str], list[str]]:
    """Return the operation of a raw path, its path parameters as texts, and the methods that the path allows."""
    methods: list[str] = []
    result: tuple[Operation, dict[str, str]] | None = None
    for each in operations:
        parts = re.split(r"\{([^{}]*)\}", each.path)
        pattern = "".join("([^/]*)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
        matched = re.fullmatch(pattern, path)
        if matched is None:
            continue
        methods += [each.method, *(["HEAD"] if each.method == "GET" else [])]
        if each.method == method or (each.method == "GET" and method == "HEAD"):
            texts = {name: unquote(text) for name, text in zip(parts[1::2], matched.groups(), strict=True)}
            result = result or (each, texts)
    operation, texts = result or (None, {})
    return operation, texts, methods


def parse_request(
    store: Store, operation: Operation, texts: Mapping[str, str], request: httpx2.Request
) -> ParsedRequest:
    """Return the parsed request."""
    parsed = ParsedRequest(operation, {})
    query = parse_qsl(request.url.query.decode("ascii", "replace"), keep_blank_values=True)
    for parameter in operation.parameters:
        if parameter.where == "path":
            sent = [texts[parameter.name]]
        elif parameter.where == "query":
            sent = [value for key, value in query if key == parameter.name]
        elif parameter.where == "header":
            sent = request.headers.get_list(parameter.name)
        else:
            sent = _cookies(request, parameter.name)
        _parse_parameter(store.schemas, parsed, parameter, sent)
    _parse_body(store.schemas, parsed, request)
    _parse_credential(store, parsed, request)
    return parsed


def validate(store: Store, parsed: ParsedRequest) -> Item | None:
    """Validate a request. Return the item that it is about, if any.

    Raises:
        Refused: The request gets an error status.
    """
    operation = parsed.operation
    key = str(parsed.of("path").get(operation.item, "")).lower()
    item = store.item(operation.listing, key) if operation.item else None
    fails = {
        "credentials": bool(operation.security) and parsed.token is None,
        "parameters": bool(parsed.faults),
        "existence": not _exists(store, parsed, item),
        "access": _is_forbidden(store, parsed, item),
        "gone": False,
    }
    if item is None and operation.item and key in store.gone[operation.listing]:
        fails["gone"] = "gone" in [stage.name for stage in operation.judged]
        fails["existence"] = fails["existence"] and not fails["gone"]
    order = [stage.name for stage in operation.judged]
    for name in (*order, *(each for each in fails if each not in order)):
        if fails[name]:
            raise refusal_at(operation, name, parsed.faults if name == "parameters" else ())
    return item


def _exists(store: Store, parsed: ParsedRequest, item: Item | None) -> bool:
    path = parsed.of("path")
    if parsed.operation.item and item is None:
        return False
    return all(value in store.resources[name] for name, value in path.items() if name in store.resources)


def _is_forbidden(store: Store, parsed: ParsedRequest, item: Item | None) -> bool:
    names = {str(value).lower() for value in parsed.of("path").values()}
    names |= {str(value).lower() for value in item.owner} if item else set()
    return any((parsed.token, name) in store.forbidden for name in names)


# --- parts of a request ---------------------------------------------------------------------------------------------


def _parse_parameter(schemas: Schemas, parsed: ParsedRequest, parameter: Parameter, sent: Sequence[str]) -> None:
    place = (parameter.where, parameter.name)
    element = _element(schemas, parameter.schema)
    if not sent:
        if parameter.required:
            parsed.faults.append(Fault(place, "present", None, "required"))
        return
    value: Any
    if element is not None:
        texts = [part for text in sent for part in text.split(",")] if parameter.joined else sent
        value = [schemas.parse(element, text) for text in texts]
    elif len(sent) > 1:
        parsed.faults.append(Fault(place, "sent once", [*sent], "repeated"))
        return
    else:
        value = schemas.parse(parameter.schema, sent[0])
    faults = [fault._replace(place=(*place, *fault.place)) for fault in schemas.faults(parameter.schema, value)]
    if faults:
        parsed.faults += faults
    else:
        parsed.params[place] = value


def _element(schemas: Schemas, schema: Schema) -> Schema | None:
    schema = schemas.resolve(schema)
    return schema.get("items", {}) if "array" in schemas.types(schema) else None


def _parse_body(schemas: Schemas, parsed: ParsedRequest, request: httpx2.Request) -> None:
    operation = parsed.operation
    if operation.body is None:
        return
    if not request.content:
        if operation.body_required:
            parsed.faults.append(Fault(("body",), "present", None, "required"))
        return
    try:
        parsed.body = json.loads(request.content, parse_constant=float)
    except (ValueError, RecursionError):
        parsed.faults.append(Fault(("body",), "JSON", request.content[:100].decode("utf-8", "replace"), "json"))
        return
    parsed.faults += [
        fault._replace(place=("body", *fault.place)) for fault in schemas.faults(operation.body, parsed.body)
    ]


def _parse_credential(store: Store, parsed: ParsedRequest, request: httpx2.Request) -> None:
    """Parse the credential. The first alternative of which anything was sent counts."""
    for alternative in parsed.operation.security:
        sent = [_sent_credential(carrier, request) for carrier in alternative]
        if any(each is not None for each in sent):
            known = [each for each in sent if each in store.tokens]
            if len(known) == len(sent):
                parsed.token, parsed.scheme = known[0], alternative[0].scheme
            return


def _sent_credential(carrier: Carrier, request: httpx2.Request) -> str | None:
    """Return the credential in a header; empty if it is malformed, None if it was not sent."""
    if carrier.header == "Cookie":
        values = _cookies(request, carrier.prefix[:-1])
        return None if not values else values[0] if len(values) == 1 else ""
    values = request.headers.get_list(carrier.header)
    if len(values) != 1:
        return "" if values else None
    scheme = carrier.prefix.strip()
    if not scheme:
        return values[0]
    matched = re.fullmatch(rf"{re.escape(scheme)} +(.*)", values[0], re.ASCII | re.IGNORECASE | re.DOTALL)
    return matched[1] if matched else ""


def _cookies(request: httpx2.Request, name: str) -> list[str]:
    return [value for key, value in _pairs(request) if key == name]


def _pairs(request: httpx2.Request) -> Iterator[tuple[str, str]]:
    for part in ";".join(request.headers.get_list("Cookie")).split(";"):
        key, _, value = part.strip(" \t").partition("=")
        yield key, value
