"""What goes wrong between a client and a server, on purpose: for tests, `running(faults=[...])`.

Each fault meets one request, in the order in which they come; None lets one pass. When the list ends, nothing goes
wrong any more. `at_random` never ends, and is the same for the same seed.
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
    """Stands between the application and one request."""

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass(frozen=True)
class Latency:
    """The answer comes late."""

    seconds: float

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self.seconds)
        await app(scope, receive, send)


@dataclass(frozen=True)
class QuotaExceeded:
    """429, which says how long to wait: in seconds, or until which time."""

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
    """What a proxy says in place of a server that it cannot reach, or a sign-in page in place of an answer."""

    status: int = 502

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        page = f"<!doctype html><title>{self.status}</title><h1>Something is wrong</h1>"
        await answer(send, self.status, page, content_type="text/html")


@dataclass(frozen=True)
class Dropped:
    """The connection is closed, without an answer."""

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await hang_up(receive, send)


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
        await hang_up(receive, send)


KINDS = (Latency(0.05), QuotaExceeded(1), QuotaExceeded(1, as_date=True), Locked(), HtmlPage(), Dropped(), Truncated())


def at_random(seed: int, share: float, kinds: Sequence[Fault] = KINDS) -> Iterator[Fault | None]:
    """For this share of the requests, one of these."""
    rng = random.Random(seed)
    while True:
        yield rng.choice(kinds) if rng.random() < share else None


class Faulty:
    """The application, with faults."""

    def __init__(self, app: ASGIApp, faults: Iterable[Fault | None]) -> None:
        self.app = app
        self.faults = iter(faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = next(self.faults, None)
        await (fault(self.app, scope, receive, send) if fault else self.app(scope, receive, send))


async def hang_up(receive: Receive, send: Send) -> None:
    """Closes the connection once all that was sent is on its way. ASGI has no word for it; uvicorn's own object has."""
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
