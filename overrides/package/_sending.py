"""From a request to an answer: attempts, waits and limits, blocking and under asyncio."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import httpx2
import pydantic

from ._cookies import CallerCookies
from ._deadline import CLOCK, Clock, Deadline
from ._redaction import Redactor, printable, without_credentials
from .errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    ConfigurationError,
    DecodingError,
    PageError,
    StatusError,
    status_error,
)

logger = logging.getLogger(__package__)

MAX_BODY = 32 * 2**20
"""Bytes of a body that are read at most, after decompression. A page of the longest runs has about a fifth of it."""

MAX_REFUSAL = 2**20
"""Bytes that are read at most of the body of a status that is no success: it is the status that matters."""

RETRIED_STATUSES = frozenset({429, 502, 503, 504})

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that do the same however often they are sent (RFC 9110, section 9.2.2)."""

# Statuses by which a server refuses before it has done anything, if it says when to come back.
_UNPROCESSED_STATUSES = frozenset({429, 503})
# The failures after which nothing of a request can have reached a server: there was no connection.
_NOT_SENT_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Retry:
    """When a request is sent again.

    One that does the same however often it is sent (GET, PUT, DELETE, not POST or PATCH) is so after 429, 502, 503,
    504, after failures of the connection, timeouts included, and after a page whose figures do not fit together, unless
    it comes again unchanged. The wait before the n-th retry is random, from half of `backoff * 2**(n - 1)` up to that;
    the server's `Retry-After` is heeded where it asks for longer. By default, a server may be away for seven seconds. A
    DELETE whose first answer was lost may so be told that there is nothing left to delete.

    POST and PATCH are sent again only where nothing can have been done: where there was no connection, and after 429
    and 503 with `Retry-After`. What else fails may have been done or not.

    Attributes:
        max_retries: How often at most; 0 turns it off.
        backoff: Seconds; see above.
        max_backoff: Seconds that such a wait has at most.
        max_retry_after: Seconds. A server that asks for more gets no further attempt: the error is raised at once.
        total: Seconds that a call may take, with all attempts and waits, whatever the server sends meanwhile.
    """

    max_retries: int = 5
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
        redactor = Redactor(self.request)
        kept = [
            (name, redactor.redact_bytes(value))
            for name, value in self.headers.raw
            if name.lower() not in _TRANSFER_HEADERS
        ]
        content = redactor.redact_bytes(self.content)
        return httpx2.Response(
            self.status_code, headers=kept, content=content, request=without_credentials(self.request)
        )


# What was true of the body as it came, and is not of the one that was read.
_TRANSFER_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}


class PreparedRequest(NamedTuple):
    """What is to be sent.

    Attributes:
        request: The request.
        successes: The statuses of a success.
        retry: When it is sent again.
        cookies: The cookies of the httpx2 client that sends it.
        ends: Whether what sends it, if it blocks, keeps to the deadline by itself.
        refusals: The bodies that are documented for other statuses.
        clock: What waits are told by.
    """

    request: httpx2.Request
    successes: Sequence[int]
    retry: Retry
    cookies: CallerCookies
    keeps_deadline: bool
    refusals: Mapping[int, type[pydantic.BaseModel]] = {}
    clock: Clock = CLOCK


def send(
    http: httpx2.Client, prepared: PreparedRequest, read: Callable[[Answer], ResultT], deadline: Deadline | None = None
) -> ResultT:
    """Sends a request until it is answered with the status of a success, or may not be sent again.

    Args:
        http: What sends it.
        prepared: What is sent.
        read: Makes of the answer what is returned.
        deadline: By when it has to end; by default what `Retry.total` says, from now.

    Raises:
        ApiError: It was not: the last failure.
    """
    attempts = _Attempts(prepared, deadline)
    with (
        attempts.deadline.as_current(),
        contextlib.nullcontext() if prepared.keeps_deadline else attempts.end_caller_connections(),
    ):
        while True:
            # Errors are values up to here, so that none has another one as its context, with what that one holds.
            result: ResultT | ApiError
            try:
                response = http.send(attempts.begin(), stream=True, follow_redirects=False)
                with contextlib.closing(response):
                    attempts.deadline.attach(response.extensions.get("network_stream"))
                    body = attempts.new_body(response)
                    assert isinstance(response.stream, httpx2.SyncByteStream)
                    response.stream = _CountedStream(response.stream, body)
                    for chunk in response.iter_bytes():
                        if body.add(chunk):
                            break
                result = read(attempts.accept(response, body.content))
            except Exception as error:
                result = attempts.as_api_error(error)
            if not isinstance(result, ApiError):
                return result
            attempts.deadline.wait(attempts.wait_after(result))


async def send_async(http: httpx2.AsyncClient, prepared: PreparedRequest, read: Callable[[Answer], ResultT]) -> ResultT:
    """As `send`, under asyncio."""
    # Imported where it is used: it takes longer than all of this package, and blocking calls do without it.
    import asyncio

    attempts = _Attempts(prepared)
    left = attempts.deadline.cap(None)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(left):
            while True:
                result: ResultT | ApiError
                try:
                    async with attempts.close_if_cancelled():
                        response = await http.send(attempts.begin(), stream=True, follow_redirects=False)
                    async with contextlib.aclosing(response):
                        body = attempts.new_body(response)
                        assert isinstance(response.stream, httpx2.AsyncByteStream)
                        response.stream = _AsyncCountedStream(response.stream, body)
                        async for chunk in response.aiter_bytes():
                            if body.add(chunk):
                                break
                    result = read(attempts.accept(response, body.content))
                except Exception as error:
                    result = attempts.as_api_error(error)
                if not isinstance(result, ApiError):
                    return result
                await prepared.clock.sleep(attempts.wait_after(result))
    raise attempts.timeout_error()


# What httpcore2 calls the moment in which a connection is there, in its `trace` extension.
_CONNECTED_EVENTS = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")


class _Attempts:
    """The attempts of one call: how many there were, and how long they took."""

    def __init__(self, prepared: PreparedRequest, deadline: Deadline | None = None) -> None:
        self.deadline = deadline or Deadline(prepared.retry.total, prepared.clock)
        self._prepared = prepared
        self._request = prepared.request
        self._retry = prepared.retry
        self._timeout: dict[str, Any] = prepared.request.extensions.get("timeout", {})
        self._count = 0
        self._last_page_error = ""

    def begin(self) -> httpx2.Request:
        """Returns the request for the next attempt, with no more time than is left."""
        self._count += 1
        shortened = {name: self.deadline.cap(value) for name, value in self._timeout.items()}
        if 0.0 in shortened.values():
            raise self.timeout_error()
        self._request.extensions = {**self._request.extensions, "timeout": shortened}
        return self._request

    @contextlib.contextmanager
    def end_caller_connections(self) -> Generator[None, None, None]:
        """Ends connections of the caller's at the deadline. They are seen when they are made, and once they answer."""

        def trace(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith(_CONNECTED_EVENTS):
                self.deadline.attach(info["return_value"])

        self._request.extensions = {**self._request.extensions, "trace": trace}
        left = self.deadline.cap(None)
        if left is None:
            yield
            return
        timer = threading.Timer(left, self.deadline.stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @contextlib.asynccontextmanager
    async def close_if_cancelled(self) -> AsyncGenerator[None, None]:
        """Closes a connection that was opened for nothing: httpcore2 forgets one that is cancelled in its handshake."""
        import asyncio

        opened: list[Any] = []

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith(_CONNECTED_EVENTS):
                opened.append(info["return_value"])
            elif "send_request" in name:
                # The connection is there. What follows would be told too, each step twice, and takes its time.
                self._request.extensions.pop("trace", None)

        self._request.extensions = {**self._request.extensions, "trace": trace}
        try:
            yield
        except asyncio.CancelledError:
            for stream in opened:
                await stream.aclose()
            raise

    def timeout_error(self) -> ApiTimeoutError:
        return ApiTimeoutError(
            f"no complete answer within {self.deadline.seconds:g} s", request=without_credentials(self._request)
        )

    def new_body(self, response: httpx2.Response) -> _Body:
        """Returns where the body of a response goes.

        Raises:
            DecodingError: It is compressed more than once, which nobody asks for: a few bytes could be endless work.
        """
        self._prepared.cookies.discard_from(response)
        codings = [coding.strip() for coding in response.headers.get("Content-Encoding", "").split(",")]
        if sum(coding.lower() not in ("", "identity") for coding in codings) > 1:
            raise DecodingError.of_body(without_credentials(self._request), "the body is compressed more than once")
        return _Body(self, response.status_code in self._prepared.successes)

    def check_limits(self, size: int) -> None:
        """Ends an answer that is endless, in bytes or in time."""
        if size > MAX_BODY:
            raise DecodingError.of_body(
                without_credentials(self._request), f"the body is larger than {MAX_BODY >> 20} MiB"
            )
        if not self.deadline.left:
            raise self.timeout_error()

    def accept(self, response: httpx2.Response, body: bytes) -> Answer:
        if not self.deadline.left:
            # A body may have been ended then, and look complete.
            raise self.timeout_error()
        answer = Answer(self._request, response.status_code, response.headers, body)
        logger.debug("%s %s: %d", self._request.method, self._request.url, answer.status_code)
        if answer.status_code not in self._prepared.successes:
            raise status_error(answer.as_response(), self._prepared.refusals.get(answer.status_code))
        return answer

    def as_api_error(self, error: Exception) -> ApiError:
        """Returns what was raised in an attempt as an error of ours. What is none of those is a bug, and raised."""
        if isinstance(error, ApiError):
            return error
        request_shown, said = without_credentials(self._request), printable(Redactor(self._request).redact(str(error)))
        kind = type(error).__name__
        api_error: ApiError
        if isinstance(error, httpx2.TimeoutException):
            api_error = ApiTimeoutError(f"{kind}: {said or 'no answer in time'}", request=request_shown)
        elif isinstance(error, httpx2.DecodingError):
            api_error = DecodingError.of_body(request_shown, f"the body cannot be decompressed: {said}")
        elif not self.deadline.left:
            # Its connection was ended then, whatever that looks like.
            api_error = self.timeout_error()
        elif isinstance(error, httpx2.HTTPError | httpx2.StreamError | httpx2.CookieConflict | OSError):
            api_error = ApiConnectionError(f"{kind}: {said or 'no connection'}", request=request_shown)
        elif isinstance(error, httpx2.InvalidURL | RuntimeError | ValueError):
            api_error = ConfigurationError(f"the request cannot be sent: {kind}: {said}")
        else:
            raise error
        if isinstance(error, httpx2.RequestError):
            # Not the error itself: that holds the request, and the errors that led to it.
            api_error.__cause__ = type(error)(said, request=request_shown)
        return api_error

    def wait_after(self, error: ApiError) -> float:
        """Returns the seconds to wait before the next attempt. Raises the error where there is to be none."""
        if self._request.method in IDEMPOTENT:
            should_retry = isinstance(error, ApiConnectionError) or error.status_code in RETRIED_STATUSES
        elif isinstance(error, StatusError):
            should_retry = error.status_code in _UNPROCESSED_STATUSES and error.retry_after is not None
        else:
            should_retry = isinstance(error.__cause__, _NOT_SENT_ERRORS)
        if isinstance(error, PageError) and error.may_pass:
            should_retry, self._last_page_error = str(error) != self._last_page_error, str(error)
        if not should_retry or self._count > self._retry.max_retries:
            raise error
        asked = (isinstance(error, StatusError) and error.retry_after) or 0.0
        most = min(self._retry.max_backoff, self._retry.backoff * 2.0 ** min(self._count - 1, 64), 1e6)
        # Half of it at random: clients that failed together do not come back together.
        wait = max(random.uniform(most / 2, most), asked)
        if asked > self._retry.max_retry_after or wait > self.deadline.left:
            raise error
        logger.info("attempt %d failed, the next one is in %.1f s: %s", self._count, wait, error)
        return wait


class _Body:
    """The body of a response, as far as it was read."""

    def __init__(self, attempts: _Attempts, is_success: bool) -> None:
        self._attempts = attempts
        self._is_success = is_success
        # Not a list of parts: of a body in parts of two bytes, each would take twenty times as much.
        self._bytes = bytearray()
        self._raw = 0

    def count_raw(self, part: bytes) -> bytes:
        """Takes note of bytes as they came, of which there may be many without any of a body."""
        self._raw += len(part)
        self._attempts.check_limits(self._raw)
        return part

    def add(self, chunk: bytes) -> bool:
        """Takes a part of the body. Returns whether it is enough."""
        self._bytes += chunk
        if self._is_success:
            self._attempts.check_limits(len(self._bytes))
            return False
        del self._bytes[MAX_REFUSAL:]
        return len(self._bytes) == MAX_REFUSAL

    @property
    def content(self) -> bytes:
        return bytes(self._bytes)


class _CountedStream(httpx2.SyncByteStream):
    """A body as it comes, before it is decompressed."""

    def __init__(self, stream: httpx2.SyncByteStream, body: _Body) -> None:
        self._stream = stream
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return map(self._body.count_raw, self._stream)

    def close(self) -> None:
        self._stream.close()


class _AsyncCountedStream(httpx2.AsyncByteStream):
    """As `_CountedStream`, under asyncio."""

    def __init__(self, stream: httpx2.AsyncByteStream, body: _Body) -> None:
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield self._body.count_raw(part)

    async def aclose(self) -> None:
        await self._stream.aclose()
