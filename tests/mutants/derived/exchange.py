"""Between a correct server and who asks it: what is asked, or what is answered, is changed.

A change is a function of a request and of a way to send requests to the correct server, as often as it likes:

    async def change(asked: Asked, ask: Ask) -> Answer:
        return (await ask(asked)).replaced(status=500)
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
class Asked:
    """A request. Path and query are as they were sent."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    """With names in lower case."""
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """The texts that a query parameter has."""
        return [value for known, value in self._pairs() if known == name]

    def _pairs(self) -> list[tuple[str, str]]:
        parts = (pair.partition("=") for pair in self.query.split("&") if pair)
        return [(unquote_plus(name), unquote_plus(value)) for name, _, value in parts]

    def with_value(self, name: str, *texts: str) -> Asked:
        """With these texts in place of those that a query parameter has; without any, it is left out."""
        kept = [pair for pair in self.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) != name]
        return replace(self, query="&".join([*kept, *(f"{quote(name)}={quote(text, safe='')}" for text in texts)]))

    def with_method(self, method: str) -> Asked:
        return replace(self, method=method)

    def with_headers(self, **headers: str | None) -> Asked:
        """With these in place of those of the same names; None leaves one out."""
        kept = tuple(each for each in self.headers if each[0] not in headers)
        new = tuple((name, value) for name, value in headers.items() if value is not None)
        return replace(self, headers=kept + new)

    def presenting(self, carried: Mapping[str, Mapping[str, str]]) -> Asked:
        """With these credentials, by place and name, besides what it has."""
        asked = self
        for name, value in carried.get("query", {}).items():
            asked = asked.with_value(name, value)
        asked = asked.with_headers(**{name.lower(): value for name, value in carried.get("header", {}).items()})
        cookies = [value for known, value in self.headers if known == "cookie"]
        cookies += [f"{name}={value}" for name, value in carried.get("cookie", {}).items()]
        return asked.with_headers(cookie="; ".join(cookies) or None)


@dataclass(frozen=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """With names in lower case; without the length, which the body has."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON value, a new one each time; MISSING if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return MISSING

    def replaced(self, status: int = 0, body: Any = MISSING, headers: Mapping[str, str | None] | None = None) -> Answer:
        """With another status, JSON value or headers; a header that is None is left out."""
        new = headers or {}
        kept = tuple(each for each in self.headers if each[0] not in new)
        added = tuple((name, value) for name, value in new.items() if value is not None)
        content = self.body if body is MISSING else json.dumps(body).encode()
        return Answer(status or self.status, kept + added, content)


Ask = Callable[[Asked], Coroutine[Any, Any, Answer]]
Change = Callable[[Asked, Ask], Coroutine[Any, Any, Answer]]


@dataclass(frozen=True)
class Changed:
    """An application whose answers to GET, and to what the contract has besides, are changed."""

    app: ASGIApp
    change: Change
    methods: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in self.methods:
            await self.app(scope, receive, send)
            return
        body = await body_of(receive)
        asked = Asked(
            scope["method"],
            scope["raw_path"].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
            body,
        )
        answer = await self.change(asked, lambda other: self.ask(scope, other))
        headers = [*answer.headers, ("content-length", str(len(answer.body)))]
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    async def ask(self, scope: Scope, asked: Asked) -> Answer:
        """What the correct server answers."""
        start: Message = {}
        body = b""

        async def receive() -> Message:
            return {"type": "http.request", "body": asked.body}

        async def send(message: Message) -> None:
            nonlocal body
            start.update(message if message["type"] == "http.response.start" else {})
            body += message.get("body", b"")

        sent = {
            "method": asked.method,
            "path": unquote(asked.path),
            "raw_path": asked.path.encode("latin-1"),
            "query_string": asked.query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers],
        }
        # A scope of its own: what a router notes in it is not for the next one.
        await self.app({**scope, **sent}, receive, send)
        raw = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
        return Answer(start["status"], tuple(each for each in raw if each[0] != "content-length"), body)


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request, as ASGI hands it over; what came of it where the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def changed_at(document: Any, place: Sequence[str | int], change: Callable[[Any], Any]) -> Any:
    """The document with another value in one place; what it shares with the one of before is not changed."""
    if not place:
        return change(document)
    key, *rest = place
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    copy[key] = changed_at(copy[key], rest, change)
    return copy


def replaced(document: Any, place: Sequence[str | int], new: Any) -> Any:
    """The same, with this value there."""
    return changed_at(document, place, lambda _: new)
