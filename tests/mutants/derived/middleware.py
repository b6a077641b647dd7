"""ASGI middleware that changes requests to a correct server, or its responses.

A mutation is a function of a request and of `forward`, which sends requests to the correct server, any number of times:

    async def mutation(request: HttpRequest, forward: Forward) -> HttpResponse:
        return (await forward(request)).replace(status=500)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codegen.cel import MISSING


@dataclass(frozen=True)
class HttpRequest:
    """A request. Path and query are still percent-encoded."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    """Names are in lower case."""
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """Return the decoded values of a query parameter."""
        return [value for known, value in self._pairs() if known == name]

    def _pairs(self) -> list[tuple[str, str]]:
        parts = (pair.partition("=") for pair in self.query.split("&") if pair)
        return [(unquote_plus(name), unquote_plus(value)) for name, _, value in parts]

    def with_value(self, name: str, *texts: str) -> HttpRequest:
        """Return a copy in which a query parameter has these values; without values, the parameter is removed."""
        kept = [pair for pair in self.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) != name]
        return replace(self, query="&".join([*kept, *(f"{quote(name)}={quote(text, safe='')}" for text in texts)]))

    def with_method(self, method: str) -> HttpRequest:
        return replace(self, method=method)

    def with_headers(self, **headers: str | None) -> HttpRequest:
        """Return a copy in which headers are replaced; None removes a header."""
        kept = tuple(each for each in self.headers if each[0] not in headers)
        new = tuple((name, value) for name, value in headers.items() if value is not None)
        return replace(self, headers=kept + new)

    def add_credentials(self, carried: Mapping[str, Mapping[str, str]]) -> HttpRequest:
        """Return a copy with further credentials, by place and name."""
        request = self
        for name, value in carried.get("query", {}).items():
            request = request.with_value(name, value)
        request = request.with_headers(**{name.lower(): value for name, value in carried.get("header", {}).items()})
        cookies = [value for known, value in self.headers if known == "cookie"]
        cookies += [f"{name}={value}" for name, value in carried.get("cookie", {}).items()]
        return request.with_headers(cookie="; ".join(cookies) or None)


@dataclass(frozen=True)
class HttpResponse:
    """A response with its whole body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names are in lower case. Content-Length is left out: it follows from the body."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a new JSON value; MISSING if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return MISSING

    def replace(
        self, status: int = 0, body: Any = MISSING, headers: Mapping[str, str | None] | None = None
    ) -> HttpResponse:
        """Return a copy with another status, JSON body or headers; None removes a header."""
        new = headers or {}
        kept = tuple(each for each in self.headers if each[0] not in new)
        added = tuple((name, value) for name, value in new.items() if value is not None)
        content = self.body if body is MISSING else json.dumps(body).encode()
        return HttpResponse(status or self.status, kept + added, content)


Forward = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]
Mutation = Callable[[HttpRequest, Forward], Coroutine[Any, Any, HttpResponse]]


@dataclass(frozen=True)
class MutationMiddleware:
    """Applies a mutation to requests with certain methods."""

    app: ASGIApp
    mutation: Mutation
    methods: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in self.methods:
            await self.app(scope, receive, send)
            return
        body = await read_body(receive)
        request = HttpRequest(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
            body,
        )
        response = await self.mutation(request, lambda forwarded: self.forward(scope, forwarded))
        headers = [*response.headers, ("content-length", str(len(response.body)))]
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": response.body})

    async def forward(self, scope: Scope, request: HttpRequest) -> HttpResponse:
        """Send a request to the correct server."""
        start: Message = {}
        body = b""

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body}

        async def send(message: Message) -> None:
            nonlocal body
            start.update(message if message["type"] == "http.response.start" else {})
            body += message.get("body", b"")

        sent = {
            "method": request.method,
            "path": unquote(request.path),
            "raw_path": request.path.encode("latin-1"),
            "query_string": request.query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        }
        # A copy: routers write into the scope.
        await self.app({**scope, **sent}, receive, send)
        raw = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
        return HttpResponse(start["status"], tuple(each for each in raw if each[0] != "content-length"), body)


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of an ASGI request; the part that was received if the client disconnected."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def edit_at(document: Any, place: Sequence[str | int], change: Callable[[Any], Any]) -> Any:
    """Return a copy of a document with one value changed. The original stays as it is."""
    if not place:
        return change(document)
    key, *rest = place
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    copy[key] = edit_at(copy[key], rest, change)
    return copy


def replace_at(document: Any, place: Sequence[str | int], new: Any) -> Any:
    """Return a copy of a document with one value replaced."""
    return edit_at(document, place, lambda _: new)
