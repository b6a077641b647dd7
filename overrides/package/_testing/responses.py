"""Makes the responses of the server."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx2

from . import cel
from .contract import Operation, Paging, Refusal, as_list, as_object
from .factory import fault_message
from .generation import ValueGenerator, given_paths, rfc3339
from .schemas import Fault, read_plan
from .store import Item, Store, holds
from .validation import ParsedRequest, Refused, refusal_at, validate

_CURSOR = re.compile(r"after-([0-9]{1,18})", re.ASCII)


def respond(store: Store, request: ParsedRequest, now: datetime) -> httpx2.Response:
    """Return the response to a request."""
    try:
        item = validate(store, request)
        return _success(store, request, item, now)
    except Refused as each:
        return refusal_response(store, request.operation, each.status, each.faults, {}, now)


def refusal_response(
    store: Store,
    operation: Operation | None,
    status: int,
    faults: Sequence[Fault],
    headers: Mapping[str, str],
    now: datetime,
) -> httpx2.Response:
    """Return an error response, as the contract documents it. An undocumented status gets a plain sentence."""
    known = operation.refusals.get(status) if operation is not None else None
    spec = known or Refusal({}, detail="detail")
    sent = httpx2.Headers({**spec.headers, **headers})
    if status == 401 and operation and any(each.prefix == "Bearer " for way in operation.security for each in way):
        sent["WWW-Authenticate"] = "Bearer"
    if spec.schema is None:
        return httpx2.Response(status, headers=sent)
    body: Any = copy.deepcopy(spec.example)
    if body is None:
        body = {spec.detail: HTTPStatus(status).phrase} if known is None else _generate(store, spec.schema, {}, now)
    if spec.detail and (known is None or spec.example is None):
        body[spec.detail] = HTTPStatus(status).phrase
    if spec.faults and faults:
        body[spec.faults] = [_fault_entry(store, spec, body, each, now) for each in faults]
    elif spec.detail and faults:
        body[spec.detail] = "; ".join(map(fault_message, faults))
    return _json(status, body, sent)


def _fault_entry(store: Store, spec: Refusal, body: Any, fault: Fault, now: datetime) -> Any:
    text = f"must be {fault.must}"
    if not spec.msg:
        return f"{'.'.join(map(str, fault.place))} {text}"
    items = store.schemas.at(spec.schema or {}, body, (spec.faults,)) or {}
    named = {spec.loc: [*fault.place], spec.msg: text, spec.kind: fault.kind}
    return _generate(
        store, items.get("items", {}), {name: value for name, value in named.items() if name}, now, least=True
    )


def _success(store: Store, request: ParsedRequest, item: Item | None, now: datetime) -> httpx2.Response:
    operation = request.operation
    body: Any = None
    if operation.does == "list":
        body = _page(store, request, now)
    elif operation.does == "get" and item is not None:
        body = item.value
    elif operation.does == "delete" and item is not None:
        store.delete(operation.listing, item)
    elif operation.does == "create":
        body = _create_item(store, request, now)
    else:
        raise AssertionError(f"the contract does not say what {operation.name} does: script its answer with `next`")
    headers = httpx2.Headers()
    for name, (schema, example) in operation.headers.items():
        headers[name] = example or str(_generate(store, schema, {}, now))
        if name.lower() == "location" and operation.location and item is None and operation.listing:
            key = store.key(store.contract.lists[operation.listing], body)
            headers[name] = re.sub(r"\{[^{}]*\}", quote(key, safe=""), operation.location)
    _check_rules(store, request, body, headers, now)
    return (
        httpx2.Response(operation.success, headers=headers) if body is None else _json(operation.success, body, headers)
    )


def _check_rules(store: Store, request: ParsedRequest, body: Any, headers: httpx2.Headers, now: datetime) -> None:
    """Raise AssertionError if an answer violates the rules of its operation."""
    operation, for_rules = request.operation, store.schemas.for_rules
    if not operation.rules:
        return
    schemas = {(each.where, each.name): each.schema for each in operation.parameters}
    variables: dict[str, Any] = {
        place: {name: for_rules(schemas[place, name], value) for name, value in request.of(place).items()}
        for place in ("path", "query")
    }
    variables |= {"credentials": request.scheme, "body": for_rules(operation.body, request.body)}
    # Only the parts that rules read: the body may be large.
    plan = read_plan(path for rule in operation.rules for each in rule.conditions for path in each.reads)
    read = for_rules(operation.answer, body, plan["body"]) if "body" in plan else None
    response = {"status": operation.success, "headers": dict(headers), "body": read}
    for rule in operation.rules:
        if not holds(rule, variables, response, cel.moment(rfc3339(now))):
            raise AssertionError(f"the testing kit violates a rule of {operation.name}: {rule.message}")


def _page(store: Store, request: ParsedRequest, now: datetime) -> Any:
    operation, query = request.operation, request.of("query")
    paging, listing = operation.paging, store.contract.lists[operation.listing]
    assert paging is not None
    path = request.of("path")
    items = store.items(operation.listing, tuple(path[name] for name in listing.owners))
    for name, rules in operation.selects.items():
        if name in query:
            schema = next(each.schema for each in operation.parameters if (each.where, each.name) == ("query", name))
            value = store.schemas.for_rules(schema, query[name])
            seen = store.schemas.for_rules
            items = [
                each for each in items if all(holds(rule, seen(listing.item, each.value), value) for rule in rules)
            ]
    total = len(items)
    start = _page_start(request, paging, items)
    end = total if paging.limit not in query else start + query[paging.limit]
    # The other fields are generated without the items, of which there may be many.
    fields: dict[str, Any] = {paging.items: []}
    if paging.total:
        fields[paging.total] = total
    if paging.next_cursor:
        fields[paging.next_cursor] = f"after-{items[end - 1].number}" if start < end < total else None
    fields |= {field: query[name] for name, field in paging.echoes.items() if name in query}
    body: Any = {}
    for name, value in fields.items():
        _set_field(body, name, value)
    schema = operation.answer or {}
    if next(store.schemas.faults(schema, body), None) is not None:
        body = _generate(store, schema, body, now)
    _set_field(body, paging.items, [each.value for each in items[start:end]])
    return body


def _set_field(body: Any, name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        body = body.setdefault(part, {})
    body[last] = value


def _page_start(request: ParsedRequest, paging: Paging, items: Sequence[Item]) -> int:
    query = request.of("query")
    if paging.cursor in query:
        found = _CURSOR.fullmatch(query[paging.cursor])
        if found is None:
            fault = Fault(("query", paging.cursor), "a cursor from a page", query[paging.cursor], "cursor")
            raise refusal_at(request.operation, "parameters", [fault])
        return sum(each.number >= int(found[1]) for each in items)
    return int(min(query.get(paging.offset, 0), len(items)))


def _create_item(store: Store, request: ParsedRequest, now: datetime) -> Any:
    listing = store.contract.lists[request.operation.listing]
    known = store.schemas.resolve(listing.item).get("properties", {})
    fields = {name: value for name, value in (as_object(request.body) or {}).items() if name in known}
    owner = tuple(request.of("path")[name] for name in listing.owners)
    try:
        return store.add(request.operation.listing, owner, 1, fields, 0, now, is_new=True)[0]
    except ValueError as error:
        raise AssertionError(f"the testing kit cannot make an item for {request.operation.name}: {error}") from error


def _generate(store: Store, schema: Any, fields: Mapping[str, Any], now: datetime, least: bool = False) -> Any:
    """Return a generated value with the given fields. With `least`, optional fields that are not given are omitted."""
    given = given_paths(store.schemas, schema, fields) if fields else {}
    made = ValueGenerator(store.schemas, random.Random(0), now, given, {}).value(schema)
    required = store.schemas.resolve(schema).get("required", ())
    return {name: value for name, value in made.items() if name in fields or name in required} if least else made


def _json(status: int, body: Any, headers: httpx2.Headers) -> httpx2.Response:
    headers["Content-Type"] = "application/json"
    return httpx2.Response(status, headers=headers, content=json.dumps(body, ensure_ascii=False).encode())


def set_fields_of_first_item(body: Any, items: str, fields: Mapping[str, Any]) -> None:
    """Set fields of the first item of a page, or of a body that is not a page. The contract may not know them.

    Raises:
        AssertionError: There is no item.
    """
    target = body
    if items:
        for part in items.split("."):
            target = (as_object(target) or {}).get(part)
        target = next(iter(as_list(target) or ()), None)
    found = as_object(target)
    if found is None:
        raise AssertionError("next_later() needs an answer with an item")
    found.update(fields)
