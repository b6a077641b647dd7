"""The correct server and its responses, from which derived mutants are built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import unquote

import requests

from codegen.cel import MISSING
from codegen.extensions import Request
from tests.contract.filter_values import filter_values
from tests.contract.operation import Operation
from tests.contract.target import UNKNOWN_IDS, Target

from .middleware import HttpRequest, HttpResponse

# Seconds.
TIMEOUT = 10
# How many pages are read of one list.
MAX_PAGES = 50


@dataclass
class Baseline:
    """The correct server, and what it answers. Reads each list once."""

    target: Target
    """How the contract run tests the correct server."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the correct server started, approximately."""
    pages: dict[str, list[HttpResponse]] = field(default_factory=dict)
    """All pages of the main list, by operation."""
    refused: dict[str, dict[int, list[HttpResponse]]] = field(default_factory=dict)
    """Refusals by operation and status."""

    def parent(self, operation: Operation) -> str:
        """Return the id that most requests use."""
        known = self.target.ids_of(operation).known
        # Operations that change or delete use an id that others do not read.
        return known[0 if operation.is_safe or operation.method == "POST" else -1] if known else ""

    def credentials(self, operation: Operation) -> dict[str, dict[str, str]]:
        """Return valid credentials, by place and name."""
        for each in operation.credentials:
            if each.variable in self.target.secrets:
                return each.parameters_for(self.target.secrets[each.variable])
        return {}

    def fetch(
        self,
        operation: Operation,
        parent: str = "",
        query: Mapping[str, Any] | None = None,
        is_authenticated: bool = True,
    ) -> HttpResponse:
        """Send a request to the correct server and return its response."""
        sent = self.credentials(operation) if is_authenticated else {}
        body = self.body(operation)
        response = requests.request(
            operation.method,
            self.target.base_url + operation.path_of(parent or self.parent(operation)),
            params={**(query or {}), **sent.get("query", {})},
            headers=sent.get("header", {}),
            cookies=sent.get("cookie", {}),
            json=None if body is MISSING else body,
            timeout=TIMEOUT,
        )
        return http_response(response)

    def request_for(self, operation: Operation, query: Mapping[str, Any]) -> HttpRequest:
        """Return a request for the main list, with valid credentials."""
        request = HttpRequest(operation.method, operation.path_of(self.parent(operation)), "", ())
        for name, value in query.items():
            request = request.with_value(name, *map(str, value if isinstance(value, list) else [value]))
        return request.add_credentials(self.credentials(operation))

    async def forward(self, request: HttpRequest) -> HttpResponse:
        """Send a request to the correct server and return its response."""
        address = f"{self.target.base_url}{request.path}?{request.query}"
        response = requests.request(
            request.method, address, headers=dict(request.headers), data=request.body, timeout=TIMEOUT
        )
        return http_response(response)

    @staticmethod
    def body(operation: Operation) -> Any:
        """Return the contract's example of a request body; MISSING if there is none."""
        return next(operation.request_body.samples(), MISSING) if operation.request_body else MISSING

    def all_pages(self, operation: Operation) -> list[HttpResponse]:
        """Return all pages of the main list; of a single object, its one response."""
        if operation.name not in self.pages:
            self.pages[operation.name] = list(self._read(operation))
        return self.pages[operation.name]

    def _read(self, operation: Operation) -> list[HttpResponse]:
        listing, lists = operation.listing, operation.lists
        if listing is None or lists is None:
            return [self.fetch(operation)]
        found: list[HttpResponse] = []
        query: dict[str, Any] = {listing.limit: operation.limits[-1]} if listing.limit else {}
        read = 0
        while len(found) < MAX_PAGES:
            found.append(self.fetch(operation, query=query))
            page = lists.read(found[-1].json)
            if page is None or not page.items:
                break
            read += len(page.items)
            if operation.is_cursor_list:
                if page.next_cursor is None:
                    break
                query = {**query, listing.cursor: page.next_cursor}
            elif page.total is not None and read >= page.total:
                break
            else:
                query = {**query, listing.offset: read}
        return found

    def refusals(self, operation: Operation) -> dict[int, list[HttpResponse]]:
        """Return by status what the correct server answers to requests that fail a stage of validation."""
        if operation.name not in self.refused:
            found = self.refused[operation.name] = {}
            ids = self.target.ids_of(operation)
            parents = (*ids.foreign, *ids.deleted, *UNKNOWN_IDS, "malformed")
            answers = [self.fetch(operation, parent) for parent in (parents if operation.parent else ())]
            if operation.listing:
                answers += [
                    self.fetch(operation, query={operation.listing.limit: each})
                    for each in (operation.limits[0] - 1, operation.limits[-1] + 1, "x")
                ]
            answers.append(self.fetch(operation, is_authenticated=False))
            if operation.request_body and operation.refused("state"):
                # The same request again fails because of the state that the first one left.
                self.all_pages(operation)
                answers.append(self.fetch(operation))
            for each in answers:
                found.setdefault(each.status, []).append(each)
        return self.refused[operation.name]

    def items(self, operation: Operation) -> list[Any]:
        """Return the items of the main list in order; of a single object, its body."""
        if operation.lists is None:
            return [each.json for each in self.all_pages(operation)]
        pages = (operation.lists.read(each.json) for each in self.all_pages(operation))
        return [item for page in pages if page for item in page.items]

    def values(self, operation: Operation, name: str) -> list[Any]:
        """Return values of a filter, as the contract run tries them."""
        return filter_values(operation, name, self.target.samples.get(operation.name) or self.items(operation))

    def rng(self, name: str) -> Random:
        """Return a random number generator for the choices of one mutant, the same in every run."""
        return Random(name)

    def rule_request(self, operation: Operation) -> Request:
        """Return the request by which the items were read, as rules see it."""
        path = {operation.parent: self.parent(operation)} if operation.parent else {}
        scheme = next((each.scheme for each in operation.credentials), "")
        return Request(path=path, credentials=scheme, body=self.body(operation))


def http_response(response: requests.Response) -> HttpResponse:
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    return HttpResponse(response.status_code, headers, response.content)


def rule_request_of(operation: Operation, request: HttpRequest) -> Request:
    """Return a request as rules see it, without its credentials."""
    match = operation.address.fullmatch(unquote(request.path))
    parent = operation.in_path[operation.parent].normalize(match[1]) if operation.parent and match else ""
    path = {operation.parent: parent} if parent else {}
    query = {name: known.value(texts) for name, known in operation.query.items() if (texts := request.values(name))}
    try:
        body = json.loads(request.body)
    except ValueError:
        body = MISSING
    return Request(path=path, query=query, body=body)
