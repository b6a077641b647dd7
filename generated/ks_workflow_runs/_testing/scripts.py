# Copied by `make generate` from overrides/package/_testing/scripts.py. Do not edit it here.
"""Recorded requests, and scripted failures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from .._redaction import Redactor


@dataclass
class Asked:
    """A recorded request. Credentials in it are redacted.

    Attributes:
        method: The HTTP method.
        path: The path, below that of the server's address.
        operation: The operation; empty if none matches.
        params: The path and query parameters by name: values if valid, else texts.
        headers: The headers, by lower-case name.
        body: The body as JSON, if any.
        status: The status of the response; None if there was none.
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
    """Return the record of a request."""
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
    """What happens to one request.

    Attributes:
        name: The call that scripted it.
        status: An error status to respond with.
        headers: Further headers of that response.
        cut: Where to cut the connection: `before` the response, or `within` its body.
        seconds: The delay of the response, in seconds.
        malformed: Cut the body short, so that it is not JSON.
        fields: Fields to add to the first item of the response.
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
    """A function to call before a request.

    Attributes:
        request: The number of the request, from 1.
        do: The function.
    """

    request: int
    do: Callable[[], object]

    @property
    def name(self) -> str:
        return f"before({self.request}, ...)"


class CutBody(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that ends in an error after its first half."""

    def __init__(self, content: bytes, request: httpx2.Request) -> None:
        self._half = content[: len(content) // 2]
        self._error = httpx2.ReadError("the connection was cut, as scripted", request=request)

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._half
        raise self._error
