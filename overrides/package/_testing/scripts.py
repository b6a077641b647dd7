"""What was asked, and what is answered on request instead of what would be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from .._redaction import Redactor


@dataclass
class Asked:
    """A request that the server got. Credentials in it are disguised.

    Attributes:
        method: The method.
        path: The path, below that of the server's address.
        operation: The operation; empty for none.
        params: The parameters in path and query, by name: those that are what the contract says as values, others as
            text.
        headers: The headers, by name in lower case.
        body: The body, as JSON; None for none.
        status: The status of the answer; None where there was none.
    """

    method: str
    path: str
    operation: str = ""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    status: int | None = None

    def __repr__(self) -> str:
        named = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"<{self.method} {self.operation or self.path}({named}): {self.status or 'no answer'}>"


def recorded(request: httpx2.Request, path: str) -> Asked:
    """Returns a request as it is shown."""
    redactor = Redactor(request)
    headers = {name.lower(): redactor.redact(value) for name, value in request.headers.items()}
    body: Any = None
    if request.content:
        try:
            body = json.loads(redactor.redact_bytes(request.content))
        except ValueError:
            body = redactor.redact_bytes(request.content)
    return Asked(request.method, redactor.redact(path), headers=headers, body=body)


@dataclass
class Script:
    """What is to happen to one request.

    Attributes:
        name: The call that asked for it.
        status: The status that it is refused with, in place of an answer.
        headers: Further headers of that.
        cut: Whether the connection is cut: `before` the answer, or `within` its body.
        seconds: How long the answer takes.
        malformed: Whether the body of the answer ends too early.
        fields: What the first item of the answer has besides, or instead.
    """

    name: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cut: str = ""
    seconds: float = 0.0
    malformed: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class ScheduledCall:
    """What is to be done before a request.

    Attributes:
        request: Before which, from 1.
        do: Does it.
    """

    request: int
    do: Callable[[], object]

    @property
    def name(self) -> str:
        return f"before({self.request}, ...)"


class CutBody(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body after the first half of which the connection is cut."""

    def __init__(self, content: bytes, request: httpx2.Request) -> None:
        self._half = content[: len(content) // 2]
        self._error = httpx2.ReadError("the connection was cut, as asked for", request=request)

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._half
        raise self._error
