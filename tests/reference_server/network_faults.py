"""Network faults for tests: `running(faults=[...])`.

Each fault affects one request, in order; None lets a request pass. After the last fault, all requests pass.
`random_faults` is endless, and the same for the same seed.
"""

import asyncio
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Protocol, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Fault(Protocol):
    """Handles one request in place of the application."""

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass(frozen=True)
class Latency:
    """A delayed response."""

    seconds: float

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self.seconds)
        await app(scope, receive, send)


@dataclass(frozen=True)
class QuotaExceeded:
    """429 with Retry-After, in seconds or as a date."""

    retry_after: int
    as_date: bool = False

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=self.retry_after)
        text = format_datetime(moment, usegmt=True) if self.as_date else str(self.retry_after)
        await answer(send, 429, json.dumps({"detail": "Quota exceeded"}), retry_after=text)


@dataclass(frozen=True)
class Locked:
    """503, as under lock contention."""

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 503, json.dumps({"detail": "The resource is locked, try again"}))


@dataclass(frozen=True)
class HtmlPage:
    """An HTML page of a proxy: its error page, or a sign-in page."""

    status: int = 502

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        page = f"<!doctype html><title>{self.status}</title><h1>Something is wrong</h1>"
        await answer(send, self.status, page, content_type="text/html")


@dataclass(frozen=True)
class Dropped:
    """The connection is closed without a response."""

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await close_connection(receive, send)


@dataclass(frozen=True)
class Truncated:
    """The connection is closed in the middle of the body."""

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_half(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = message["body"]
                message = {**message, "body": body[: len(body) // 2], "more_body": True}
            await send(message)

        await app(scope, receive, send_half)
        await close_connection(receive, send)


KINDS = (Latency(0.05), QuotaExceeded(1), QuotaExceeded(1, as_date=True), Locked(), HtmlPage(), Dropped(), Truncated())


def random_faults(seed: int, share: float, kinds: Sequence[Fault] = KINDS) -> Iterator[Fault | None]:
    """Yield a random fault for this share of the requests, None for the others."""
    rng = random.Random(seed)
    while True:
        yield rng.choice(kinds) if rng.random() < share else None


class FaultMiddleware:
    """Applies the faults to the application's requests."""

    def __init__(self, app: ASGIApp, faults: Iterable[Fault | None]) -> None:
        self.app = app
        self.faults = iter(faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = next(self.faults, None)
        await (fault(self.app, scope, receive, send) if fault else self.app(scope, receive, send))


async def close_connection(receive: Receive, send: Send) -> None:
    """Close the connection after all data is sent. Not part of ASGI, so this uses uvicorn's own object."""
    cast(Any, send).__self__.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer(
    send: Send, status: int, body: str, content_type: str = "application/json", retry_after: str = ""
) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body.encode())).encode())]
    if retry_after:
        headers.append((b"retry-after", retry_after.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
