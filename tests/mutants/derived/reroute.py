"""Sends other requests to the correct server, or replaces its responses.

Most mutants forward another request than they received, so the correct server does all validation.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any, NoReturn
from urllib.parse import quote, unquote
from zlib import crc32

from tests.contract.bodies import JSON
from tests.contract.operation import Credential, Operation
from tests.contract.target import unknown_id

from .base import EVERY, EVERYWHERE, ONE_IN_THREE, Equivalent
from .baseline import Baseline
from .examples import AT_ONCE, RETRY_AFTER, example_response
from .middleware import Forward, HttpRequest, HttpResponse, Mutation

WITH_ANOTHER, SOME_VALUES, ONE_PAGE = "with_another", "some_values", "one_page"
Condition = Callable[[HttpRequest], bool]
Rewrite = Callable[[HttpRequest], HttpRequest | None]
"""Returns the request to forward; None forwards the original."""
ReplaceResponse = Callable[[HttpRequest, Forward, HttpResponse], Awaitable[HttpResponse | None]]
"""Returns the response to send; None sends the correct one."""


def condition_for(where: str, operation: Operation, name: str = "") -> Condition:
    """Return the condition under which a mutant acts. Call it once per request: it may count.

    Args:
        where: EVERYWHERE, ONE_IN_THREE, WITH_ANOTHER query parameter than `name`, SOME_VALUES (half of the values of
            `name`), or ONE_PAGE (the largest limit, which every reader of a list requests).
        operation: The operation that is mutated.
        name: A parameter.
    """
    if where == EVERYWHERE:
        return lambda request: True
    if where == WITH_ANOTHER:
        return lambda request: any(request.values(other) for other in operation.query if other != name)
    if where == SOME_VALUES:
        is_parent = name in operation.in_path
        return lambda request: is_in_half(
            parent_of(operation, request) if is_parent else "&".join(request.values(name))
        )
    if where == ONE_PAGE:
        if operation.listing is None:
            raise Equivalent("the operation has no pages")
        limit, most = operation.listing.limit, str(operation.limits[-1])
        return lambda request: request.values(limit) == [most]
    assert where == ONE_IN_THREE
    numbers = count()
    return lambda request: next(numbers) % 3 == 2


def is_in_half(text: str) -> bool:
    """True for half of all texts, the same half in every run."""
    return crc32(text.lower().encode()) % 2 == 0


def title_with(what: str, detail: str) -> str:
    """Return the title of a mutant, with a detail if there are several of one kind."""
    return f"{what}.{detail}" if detail else what


def raise_equivalent(reason: str, *_: object) -> NoReturn:
    """Build a mutant of a promise that cannot be broken."""
    raise Equivalent(reason)


def is_request_for(operation: Operation, request: HttpRequest) -> bool:
    """True if the request is for this operation."""
    found = operation.address.fullmatch(request.path)
    return found is not None and not found[2] and request.method == operation.method


def rewrite_requests(operation: Operation, rewrite: Rewrite, condition: Condition) -> Mutation:
    """Answer requests for an operation as if others were sent."""

    async def mutation(request: HttpRequest, forward: Forward) -> HttpResponse:
        other = rewrite(request) if is_request_for(operation, request) else None
        return await forward(request if other is None or not condition(request) else other)

    return mutation


def replace_responses(operation: Operation, replacement: ReplaceResponse, condition: Condition) -> Mutation:
    """Replace responses to requests for an operation."""

    async def mutation(request: HttpRequest, forward: Forward) -> HttpResponse:
        response = await forward(request)
        other = await replacement(request, forward, response) if is_request_for(operation, request) else None
        return response if other is None or not condition(request) else other

    return mutation


def replace_some_responses(
    operation: Operation, status: int, break_response: Callable[[HttpResponse], HttpResponse]
) -> Mutation:
    """Break one successful response in so many; for a transient status, send a broken one of that status instead."""
    # The contract run reads single items less often than lists, and writes only a few times.
    numbers, every = count(), EVERY if operation.listing else 5 if operation.is_safe else 2
    busy = None
    if status in operation.transient_statuses:
        busy = example_response(operation, status).replace(headers={RETRY_AFTER: AT_ONCE})

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        if response.status != operation.page_status or next(numbers) % every != every - 1:
            return None
        return break_response(busy or response)

    return replace_responses(operation, replacement, condition_for(EVERYWHERE, operation))


def parent_of(operation: Operation, request: HttpRequest) -> str:
    """Return the decoded id in the path; empty if the path has none."""
    found = operation.address.fullmatch(request.path)
    return unquote(found[1]) if found else ""


def with_parent(operation: Operation, request: HttpRequest, parent: str) -> HttpRequest:
    """Return the request with another id in the path."""
    return replace(request, path=operation.path_of(quote(parent, safe=""))) if operation.parent else request


def unknown_parent(baseline: Baseline, operation: Operation) -> str:
    """Return an id that does not exist."""
    return unknown_id(baseline.target.ids_of(operation), operation.in_path.get(operation.parent))


def presented_values(request: HttpRequest, credential: Credential) -> list[str]:
    """Return the values that a request has in the header, cookie or query parameter of a credential."""
    if credential.place == "query":
        return request.values(credential.name)
    name = credential.name.lower()
    if credential.place == "header":
        return [value for known, value in request.headers if known == name]
    pairs = (pair.strip().partition("=") for pair in cookie_header(request).split(";"))
    return [value for known, _, value in pairs if known == credential.name]


def cookie_header(request: HttpRequest) -> str:
    return "; ".join(value for known, value in request.headers if known == "cookie")


def without_credentials(operation: Operation, request: HttpRequest) -> HttpRequest:
    """Return the request without any credentials."""
    for credential in operation.credentials:
        if credential.place == "query":
            request = request.with_value(credential.name)
        elif credential.place == "header":
            request = request.with_headers(**{credential.name.lower(): None})
        else:
            pairs = (pair.strip() for pair in cookie_header(request).split(";"))
            kept = "; ".join(pair for pair in pairs if pair and pair.partition("=")[0] != credential.name)
            request = request.with_headers(cookie=kept or None)
    return request


def with_credentials(baseline: Baseline, operation: Operation, request: HttpRequest) -> HttpRequest:
    """Return the request with valid credentials and no others."""
    return without_credentials(operation, request).add_credentials(baseline.credentials(operation))


def with_json_body(request: HttpRequest, body: Any) -> HttpRequest:
    """Return the request with a JSON value as body."""
    content = json.dumps(body).encode()
    headers = {"content-length": str(len(content)), "content-type": JSON}
    return replace(request.with_headers(**headers), body=content)


def sample_response(baseline: Baseline, operation: Operation, status: int) -> HttpResponse:
    """Return a response of that status: from the correct server, else an example from the contract."""
    found: list[HttpResponse] = []
    if operation.is_safe:
        is_page = status == operation.page_status
        found = baseline.all_pages(operation) if is_page else baseline.refusals(operation).get(status, [])
    return found[0] if found else example_response(operation, status)
