"""From a request to an answer: attempts, waits and limits, blocking and under asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import httpx2

from .errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    ConfigurationError,
    DecodingError,
    StatusError,
    status_error,
)

logger = logging.getLogger(__package__)

MAX_BODY = 32 * 2**20
"""Bytes of a body that are read at most, after decompression. A page of the longest runs has about a fifth of it."""

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retry:
    """When a request is sent again. Safe because the operation only reads.

    Sent again after 429, 502, 503, 504, and after failures of the connection, timeouts included. The wait before the
    n-th retry is random, up to `backoff * 2**(n - 1)`; the server's `Retry-After` is heeded where it asks for longer.

    Attributes:
        max_retries: How often at most; 0 turns it off.
        backoff: Seconds; see above.
        max_backoff: Seconds that such a wait has at most.
        max_retry_after: Seconds. A server that asks for more gets no further attempt: the error is raised at once.
        total: Seconds that a call may take, waits included.
    """

    max_retries: int = 3
    backoff: float = 0.5
    max_backoff: float = 8.0
    max_retry_after: float = 60.0
    total: float = 120.0

    def __post_init__(self) -> None:
        for name in ("max_retries", "backoff", "max_backoff", "max_retry_after", "total"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and value >= 0):
                raise ConfigurationError(f"Retry: {name} has to be a number from 0 up, not {value!r:.60}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A success, with its body read and decompressed."""

    request: httpx2.Request
    status_code: int
    headers: httpx2.Headers
    content: bytes

    def as_response(self) -> httpx2.Response:
        """For an error: whole, independent of any connection, and without the credentials that were sent."""
        kept = [(name, value) for name, value in self.headers.raw if name.lower() not in _OF_THE_TRANSFER]
        return httpx2.Response(self.status_code, headers=kept, content=self.content, request=_bare(self.request))


# What was true of the body as it came, and is not of the one that was read.
_OF_THE_TRANSFER = {b"content-encoding", b"content-length", b"transfer-encoding"}


def send(http: httpx2.Client, request: httpx2.Request, success: int, retry: Retry) -> Answer:
    """Sends a request until it is answered with the status of a success, or may not be sent again.

    Raises:
        ApiError: It was not: the last failure.
    """
    attempts = _Attempts(request, retry)
    while True:
        try:
            with _translated(request):
                response = http.send(attempts.begin(), stream=True, follow_redirects=False)
                with contextlib.closing(response):
                    body = bytearray()
                    for chunk in response.iter_bytes():
                        body += chunk
                        attempts.check_limits(len(body))
            return attempts.accept(response, bytes(body), success)
        except ApiError as error:
            time.sleep(attempts.wait_after(error))


async def send_async(http: httpx2.AsyncClient, request: httpx2.Request, success: int, retry: Retry) -> Answer:
    """As `send`, under asyncio."""
    attempts = _Attempts(request, retry)
    while True:
        try:
            with _translated(request):
                response = await http.send(attempts.begin(), stream=True, follow_redirects=False)
                async with contextlib.aclosing(response):
                    body = bytearray()
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        attempts.check_limits(len(body))
            return attempts.accept(response, bytes(body), success)
        except ApiError as error:
            await asyncio.sleep(attempts.wait_after(error))


class _Attempts:
    """The attempts of one call: how many there were, and how long they took."""

    def __init__(self, request: httpx2.Request, retry: Retry) -> None:
        self._request = request
        self._retry = retry
        self._count = 0
        self._end = time.monotonic() + retry.total

    def begin(self) -> httpx2.Request:
        """Returns the request for the next attempt, with no more time than is left."""
        self._count += 1
        left = max(0.001, self._end - time.monotonic())
        timeout: dict[str, Any] = self._request.extensions.get("timeout", {})
        shortened = {name: left if value is None else min(value, left) for name, value in timeout.items()}
        self._request.extensions = {**self._request.extensions, "timeout": shortened}
        return self._request

    def check_limits(self, size: int) -> None:
        """Ends an answer that is endless, in bytes or in time."""
        if size > MAX_BODY:
            raise DecodingError.of_body(_bare(self._request), f"the body is larger than {MAX_BODY >> 20} MiB")
        if time.monotonic() > self._end:
            message = f"no complete answer within {self._retry.total:g} s"
            raise ApiTimeoutError(message, request=_bare(self._request))

    def accept(self, response: httpx2.Response, body: bytes, success: int) -> Answer:
        answer = Answer(self._request, response.status_code, response.headers, body)
        logger.debug("%s %s: %d", self._request.method, self._request.url, answer.status_code)
        if answer.status_code != success:
            raise status_error(answer.as_response())
        return answer

    def wait_after(self, error: ApiError) -> float:
        """Returns the seconds to wait before the next attempt. Raises the error where there is to be none."""
        retried = isinstance(error, ApiConnectionError) or error.status_code in RETRIED_STATUSES
        if not retried or self._count > self._retry.max_retries:
            raise error
        asked = (isinstance(error, StatusError) and error.retry_after) or 0.0
        # Full jitter: clients that failed together do not come back together.
        wait = random.uniform(0, min(self._retry.max_backoff, self._retry.backoff * 2 ** (self._count - 1)))
        wait = max(wait, asked)
        if asked > self._retry.max_retry_after or time.monotonic() + wait > self._end:
            raise error
        logger.info("attempt %d failed, the next one is in %.1f s: %s", self._count, wait, error)
        return wait


@contextlib.contextmanager
def _translated(request: httpx2.Request) -> Generator[None, None, None]:
    """Turns whatever httpx2 raises into an error of ours."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise ApiTimeoutError(_describe(error, "no answer in time"), request=_bare(request)) from error
    except httpx2.DecodingError as error:
        raise DecodingError.of_body(_bare(request), f"the body cannot be decompressed: {error}") from error
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, httpx2.CookieConflict, OSError) as error:
        raise ApiConnectionError(_describe(error, "no connection"), request=_bare(request)) from error


def _describe(error: Exception, otherwise: str) -> str:
    return f"{type(error).__name__}: {str(error) or otherwise}"


def _bare(request: httpx2.Request) -> httpx2.Request:
    """A copy without credentials, for an error that may be logged, pickled or shown."""
    secret = (b"authorization", b"cookie", b"proxy-authorization")
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in secret]
    return httpx2.Request(request.method, request.url, headers=headers)
