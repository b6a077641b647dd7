"""Answers, made of what there is."""

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
from .filling import Filling, as_text, given_paths
from .judging import Question, Refused, judge, refused
from .making import said
from .schemas import Fault, plan_of
from .store import Item, Store, holds

_CURSOR = re.compile(r"after-([0-9]{1,18})", re.ASCII)


def answered(store: Store, asked: Question, now: datetime) -> httpx2.Response:
    """Returns the answer to a request."""
    try:
        item = judge(store, asked)
        return _success(store, asked, item, now)
    except Refused as each:
        return refusal(store, asked.operation, each.status, each.faults, {}, now)


def refusal(
    store: Store,
    operation: Operation | None,
    status: int,
    faults: Sequence[Fault],
    headers: Mapping[str, str],
    now: datetime,
) -> httpx2.Response:
    """Returns an answer that is no success, as the contract has it; what it does not have, with a sentence."""
    known = operation.refusals.get(status) if operation is not None else None
    spec = known or Refusal({}, detail="detail")
    sent = httpx2.Headers({**spec.headers, **headers})
    if status == 401 and operation and any(each.prefix == "Bearer " for way in operation.security for each in way):
        sent["WWW-Authenticate"] = "Bearer"
    if spec.schema is None:
        return httpx2.Response(status, headers=sent)
    body: Any = copy.deepcopy(spec.example)
    if body is None:
        body = {spec.detail: HTTPStatus(status).phrase} if known is None else _filled(store, spec.schema, {}, now)
    if spec.detail and (known is None or spec.example is None):
        body[spec.detail] = HTTPStatus(status).phrase
    if spec.faults and faults:
        body[spec.faults] = [_fault(store, spec, body, each, now) for each in faults]
    elif spec.detail and faults:
        body[spec.detail] = "; ".join(map(said, faults))
    return _json(status, body, sent)


def _fault(store: Store, spec: Refusal, body: Any, fault: Fault, now: datetime) -> Any:
    text = f"must be {fault.must}"
    if not spec.msg:
        return f"{'.'.join(map(str, fault.place))} {text}"
    items = store.schemas.at(spec.schema or {}, body, (spec.faults,)) or {}
    named = {spec.loc: [*fault.place], spec.msg: text, spec.kind: fault.kind}
    return _filled(
        store, items.get("items", {}), {name: value for name, value in named.items() if name}, now, least=True
    )


def _success(store: Store, asked: Question, item: Item | None, now: datetime) -> httpx2.Response:
    operation = asked.operation
    body: Any = None
    if operation.does == "list":
        body = _page(store, asked, now)
    elif operation.does == "get" and item is not None:
        body = item.value
    elif operation.does == "delete" and item is not None:
        store.delete(operation.listing, item)
    elif operation.does == "create":
        body = _created(store, asked, now)
    else:
        raise AssertionError(f"the contract does not tell what {operation.name} does: script its answer with `next`")
    headers = httpx2.Headers()
    for name, (schema, example) in operation.headers.items():
        headers[name] = example or str(_filled(store, schema, {}, now))
        if name.lower() == "location" and operation.location and item is None and operation.listing:
            key = store.key(store.contract.lists[operation.listing], body)
            headers[name] = re.sub(r"\{[^{}]*\}", quote(key, safe=""), operation.location)
    _insist(store, asked, body, headers, now)
    return (
        httpx2.Response(operation.success, headers=headers) if body is None else _json(operation.success, body, headers)
    )


def _insist(store: Store, asked: Question, body: Any, headers: httpx2.Headers, now: datetime) -> None:
    """Holds an answer against what the contract says of it."""
    operation, seen = asked.operation, store.schemas.seen
    if not operation.rules:
        return
    schemas = {(each.where, each.name): each.schema for each in operation.parameters}
    request: dict[str, Any] = {
        place: {name: seen(schemas[place, name], value) for name, value in asked.of(place).items()}
        for place in ("path", "query")
    }
    request |= {"credentials": asked.scheme, "body": seen(operation.body, asked.body)}
    # What rules read, of a body that may be large.
    plan = plan_of(path for rule in operation.rules for each in rule.conditions for path in each.reads)
    read = seen(operation.answer, body, plan["body"]) if "body" in plan else None
    response = {"status": operation.success, "headers": dict(headers), "body": read}
    for rule in operation.rules:
        if not holds(rule, request, response, cel.moment(as_text(now))):
            raise AssertionError(
                f"the testing kit cannot keep what the contract says of {operation.name}: {rule.message}"
            )


def _page(store: Store, asked: Question, now: datetime) -> Any:
    operation, query = asked.operation, asked.of("query")
    paging, listing = operation.paging, store.contract.lists[operation.listing]
    assert paging is not None
    path = asked.of("path")
    items = store.items(operation.listing, tuple(path[name] for name in listing.owners))
    for name, rules in operation.selects.items():
        if name in query:
            schema = next(each.schema for each in operation.parameters if (each.where, each.name) == ("query", name))
            value = store.schemas.seen(schema, query[name])
            seen = store.schemas.seen
            items = [
                each for each in items if all(holds(rule, seen(listing.item, each.value), value) for rule in rules)
            ]
    total = len(items)
    start = _start(asked, paging, items)
    end = total if paging.limit not in query else start + query[paging.limit]
    # What the page has besides is made up first: the items are what they are, and may be many.
    fields: dict[str, Any] = {paging.items: []}
    if paging.total:
        fields[paging.total] = total
    if paging.next_cursor:
        fields[paging.next_cursor] = f"after-{items[end - 1].number}" if start < end < total else None
    fields |= {field: query[name] for name, field in paging.echoes.items() if name in query}
    body: Any = {}
    for name, value in fields.items():
        _put(body, name, value)
    schema = operation.answer or {}
    if next(store.schemas.faults(schema, body), None) is not None:
        body = _filled(store, schema, body, now)
    _put(body, paging.items, [each.value for each in items[start:end]])
    return body


def _put(body: Any, name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        body = body.setdefault(part, {})
    body[last] = value


def _start(asked: Question, paging: Paging, items: Sequence[Item]) -> int:
    query = asked.of("query")
    if paging.cursor in query:
        found = _CURSOR.fullmatch(query[paging.cursor])
        if found is None:
            fault = Fault(("query", paging.cursor), "one that a page gave", query[paging.cursor], "cursor")
            raise refused(asked.operation, "parameters", [fault])
        return sum(each.number >= int(found[1]) for each in items)
    return int(min(query.get(paging.offset, 0), len(items)))


def _created(store: Store, asked: Question, now: datetime) -> Any:
    listing = store.contract.lists[asked.operation.listing]
    known = store.schemas.resolved(listing.item).get("properties", {})
    fields = {name: value for name, value in (as_object(asked.body) or {}).items() if name in known}
    owner = tuple(asked.of("path")[name] for name in listing.owners)
    try:
        return store.add(asked.operation.listing, owner, 1, fields, 0, now, is_new=True)[0]
    except ValueError as error:
        raise AssertionError(f"the testing kit cannot make what {asked.operation.name} asks for: {error}") from error


def _filled(store: Store, schema: Any, fields: Mapping[str, Any], now: datetime, least: bool = False) -> Any:
    """Returns a value of a schema with some fields; with the least, nothing else that need not be there."""
    given = given_paths(store.schemas, schema, fields) if fields else {}
    made = Filling(store.schemas, random.Random(0), now, given, {}).value(schema)
    required = store.schemas.resolved(schema).get("required", ())
    return {name: value for name, value in made.items() if name in fields or name in required} if least else made


def _json(status: int, body: Any, headers: httpx2.Headers) -> httpx2.Response:
    headers["Content-Type"] = "application/json"
    return httpx2.Response(status, headers=headers, content=json.dumps(body, ensure_ascii=False).encode())


def later(body: Any, items: str, fields: Mapping[str, Any]) -> None:
    """Gives the first item of a page, or what is no page, fields that the contract may not know.

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
        raise AssertionError("next_later: the answer has no item to change")
    found.update(fields)
