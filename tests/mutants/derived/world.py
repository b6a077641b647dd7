"""What a correct server of the contract holds, read from it: what derived mutants are made from."""

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

from .exchange import Answer, Asked

# Seconds.
WITHIN = 10
# Pages that are read of one list.
MOST_PAGES = 50


@dataclass
class World:
    """The contract, and a correct server of it."""

    target: Target
    """With the address of the correct server."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was read, more or less: each of its servers begins anew."""
    pages: dict[str, list[Answer]] = field(default_factory=dict)
    """By operation, the answers that hold all items of the list that is read most."""
    refused: dict[str, dict[int, list[Answer]]] = field(default_factory=dict)
    """By operation and status."""

    def parent(self, operation: Operation) -> str:
        """What most requests are for."""
        known = self.target.ids_of(operation).known
        # What it changes or deletes is none that others read.
        return known[0 if operation.is_safe or operation.method == "POST" else -1] if known else ""

    def credentials(self, operation: Operation) -> dict[str, dict[str, str]]:
        """By place, what a request has that is let in."""
        for each in operation.credentials:
            if each.variable in self.target.secrets:
                return each.parameters_for(self.target.secrets[each.variable])
        return {}

    def ask(
        self,
        operation: Operation,
        parent: str = "",
        query: Mapping[str, Any] | None = None,
        is_let_in: bool = True,
    ) -> Answer:
        """What the correct server answers to a request, with right credentials or without any."""
        sent = self.credentials(operation) if is_let_in else {}
        body = self.body(operation)
        response = requests.request(
            operation.method,
            self.target.base_url + operation.path_of(parent or self.parent(operation)),
            params={**(query or {}), **sent.get("query", {})},
            headers=sent.get("header", {}),
            cookies=sent.get("cookie", {}),
            json=None if body is MISSING else body,
            timeout=WITHIN,
        )
        return answer_of(response)

    def asked(self, operation: Operation, query: Mapping[str, Any]) -> Asked:
        """A request for the list that is read most, with right credentials."""
        asked = Asked(operation.method, operation.path_of(self.parent(operation)), "", ())
        for name, value in query.items():
            asked = asked.with_value(name, *map(str, value if isinstance(value, list) else [value]))
        return asked.presenting(self.credentials(operation))

    async def send(self, asked: Asked) -> Answer:
        """What the correct server answers."""
        address = f"{self.target.base_url}{asked.path}?{asked.query}"
        response = requests.request(asked.method, address, headers=dict(asked.headers), data=asked.body, timeout=WITHIN)
        return answer_of(response)

    @staticmethod
    def body(operation: Operation) -> Any:
        """What its requests carry, by the contract's example; MISSING if nothing."""
        return next(operation.request_body.samples(), MISSING) if operation.request_body else MISSING

    def whole(self, operation: Operation) -> list[Answer]:
        """All pages of the list that is read most; of what is no list, the one answer."""
        if operation.name not in self.pages:
            self.pages[operation.name] = list(self._read(operation))
        return self.pages[operation.name]

    def _read(self, operation: Operation) -> list[Answer]:
        listing, lists = operation.listing, operation.lists
        if listing is None or lists is None:
            return [self.ask(operation)]
        found: list[Answer] = []
        query: dict[str, Any] = {listing.limit: operation.limits[-1]} if listing.limit else {}
        read = 0
        while len(found) < MOST_PAGES:
            found.append(self.ask(operation, query=query))
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

    def refusals(self, operation: Operation) -> dict[int, list[Answer]]:
        """By status, what the correct server answers to requests that fail at a stage of their judgement."""
        if operation.name not in self.refused:
            found = self.refused[operation.name] = {}
            ids = self.target.ids_of(operation)
            parents = (*ids.foreign, *ids.deleted, *UNKNOWN_IDS, "malformed")
            answers = [self.ask(operation, parent) for parent in (parents if operation.parent else ())]
            if operation.listing:
                answers += [
                    self.ask(operation, query={operation.listing.limit: each})
                    for each in (operation.limits[0] - 1, operation.limits[-1] + 1, "x")
                ]
            answers.append(self.ask(operation, is_let_in=False))
            if operation.request_body and operation.refused("state"):
                # What there is already.
                self.whole(operation)
                answers.append(self.ask(operation))
            for each in answers:
                found.setdefault(each.status, []).append(each)
        return self.refused[operation.name]

    def items(self, operation: Operation) -> list[Any]:
        """The items of that list, in its order; of what is no list, the one body."""
        if operation.lists is None:
            return [each.json for each in self.whole(operation)]
        pages = (operation.lists.read(each.json) for each in self.whole(operation))
        return [item for page in pages if page for item in page.items]

    def values(self, operation: Operation, name: str) -> list[Any]:
        """Values of a further parameter that tell lists apart, as the contract run tries them."""
        return filter_values(operation, name, self.target.samples.get(operation.name) or self.items(operation))

    def dice(self, name: str) -> Random:
        """For choices of one mutant: the same each time."""
        return Random(name)

    def request(self, operation: Operation) -> Request:
        """What rules know of the requests by which the items were read."""
        path = {operation.parent: self.parent(operation)} if operation.parent else {}
        scheme = next((each.scheme for each in operation.credentials), "")
        return Request(path=path, credentials=scheme, body=self.body(operation))


def answer_of(response: requests.Response) -> Answer:
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    return Answer(response.status_code, headers, response.content)


def request_of(operation: Operation, asked: Asked) -> Request:
    """What rules know of a request; with which credentials it came is left out."""
    match = operation.address.fullmatch(unquote(asked.path))
    parent = operation.in_path[operation.parent].normalize(match[1]) if operation.parent and match else ""
    path = {operation.parent: parent} if parent else {}
    query = {name: known.value(texts) for name, known in operation.query.items() if (texts := asked.values(name))}
    try:
        body = json.loads(asked.body)
    except ValueError:
        body = MISSING
    return Request(path=path, query=query, body=body)
