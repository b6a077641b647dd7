"""Sends requests, with retries, waits and limits; blocking and for asyncio."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import httpx2
import pydantic

from ._cookies import CallerCookies
from ._deadline import CLOCK, Clock, Deadline
from ._redaction import Redactor, printable, without_credentials
from ._response_body import AsyncCountedStream, CountedStream, ResponseBody
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
"""Bytes read of a body, after decompression. A page of the longest runs has about a fifth of it."""

RETRIED_STATUSES = frozenset({429, 502, 503, 504})

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Idempotent methods (RFC 9110, section 9.2.2)."""

# With `Retry-After`, these say that the server has not processed the request.
_UNPROCESSED_STATUSES = frozenset({429, 503})
# Errors raised before anything is sent.
_NOT_SENT_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Retry:
    """When a request is sent again.

    Requests with an idempotent method (GET, PUT, DELETE, but not POST or PATCH) are retried after 429, 502, 503 and
    504, after connection errors and timeouts, and after a page whose total does not match its items, unless the same
    page comes again. The wait before the n-th retry is random, between `backoff * 2**(n - 1) / 2` and twice that, or
    the server's `Retry-After` if that is longer. By default, a server may be down for seven seconds. A DELETE may fail
    because an earlier attempt succeeded and its answer was lost.

    POST and PATCH are retried only if the server cannot have processed them: if there was no connection, or after 429
    and 503 with `Retry-After`. After any other error, the request may have been processed or not.

    Attributes:
        max_retries: The maximum number of retries; 0 turns them off.
        backoff: Seconds, see above.
        max_backoff: The maximum of the random wait, in seconds.
        max_retry_after: Seconds. If the server asks for a longer wait, the error is raised at once.
        total: Seconds for the whole call, with all attempts and waits, whatever the server sends.
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
                raise ConfigurationError(f"'{name}' of Retry must be a number of at least 0 (got {value!r:.60})")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. Its body has been read and decompressed."""

    request: httpx2.Request
    status_code: int
    headers: httpx2.Headers
    content: bytes

    def as_response(self) -> httpx2.Response:
        """Return a response for an error: with its body, without a connection, and without credentials."""
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


# Headers about the encoded body, which do not apply to the decoded one.
_TRANSFER_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}


class PreparedRequest(NamedTuple):
    """A request that is ready to be sent.

    Attributes:
        request: The request.
        successes: The status codes that count as success.
        retry: When to send it again.
        cookies: The cookies of the httpx2 client that sends it.
        keeps_deadline: True if the transport of a blocking call ends it at the deadline by itself.
        refusals: The models of documented error bodies, by status code.
        clock: The clock for deadlines and waits.
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
    """Send a request, again if necessary, until the answer is a success.

    Args:
        http: The httpx2 client.
        prepared: The request.
        read: Makes the result from the answer.
        deadline: The deadline of the call; by default `Retry.total` from now.

    Raises:
        ApiError: The error of the last attempt.
    """
    attempts = _Attempts(prepared, deadline)
    with (
        attempts.deadline.as_current(),
        contextlib.nullcontext() if prepared.keeps_deadline else attempts.end_caller_connections(),
    ):
        while True:
            # Errors are handled as values, so that none has another one as its context, with all that it refers to.
            result: ResultT | ApiError
            try:
                response = http.send(attempts.begin(), stream=True, follow_redirects=False)
                with contextlib.closing(response):
                    attempts.deadline.attach(response.extensions.get("network_stream"))
                    body = attempts.new_body(response)
                    assert isinstance(response.stream, httpx2.SyncByteStream)
                    response.stream = CountedStream(response.stream, body)
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
    """Like `send`, for asyncio."""
    # Imported late: it takes longer than this package, and blocking calls do not need it.
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
                        response.stream = AsyncCountedStream(response.stream, body)
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


# The events of httpcore2's `trace` extension that say that a connection is open.
_CONNECTED_EVENTS = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")


class _Attempts:
    """Counts and times the attempts of one call."""

    def __init__(self, prepared: PreparedRequest, deadline: Deadline | None = None) -> None:
        self.deadline = deadline or Deadline(prepared.retry.total, prepared.clock)
        self._prepared = prepared
        self._request = prepared.request
        self._retry = prepared.retry
        self._timeout: dict[str, Any] = prepared.request.extensions.get("timeout", {})
        self._count = 0
        self._last_page_error = ""

    def begin(self) -> httpx2.Request:
        """Return the request for the next attempt, its timeouts shortened to the time left."""
        self._count += 1
        shortened = {name: self.deadline.cap(value) for name, value in self._timeout.items()}
        if 0.0 in shortened.values():
            raise self.timeout_error()
        self._request.extensions = {**self._request.extensions, "timeout": shortened}
        return self._request

    @contextlib.contextmanager
    def end_caller_connections(self) -> Generator[None, None, None]:
        """End connections of the caller's transport at the deadline. They are known once opened, or once used."""

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
        """Close connections opened by a cancelled attempt: httpcore2 leaks one that is cancelled in its handshake."""
        import asyncio

        opened: list[Any] = []

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            if name.endswith(_CONNECTED_EVENTS):
                opened.append(info["return_value"])
            elif "send_request" in name:
                # The connection is open. Later events, two for each step, would only take time.
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

    def new_body(self, response: httpx2.Response) -> ResponseBody:
        """Return a buffer for the body of a response.

        Raises:
            DecodingError: The body is compressed more than once: a few bytes could take endless time to decompress.
        """
        self._prepared.cookies.discard_from(response)
        codings = [coding.strip() for coding in response.headers.get("Content-Encoding", "").split(",")]
        if sum(coding.lower() not in ("", "identity") for coding in codings) > 1:
            raise DecodingError.of_body(without_credentials(self._request), "the body is compressed more than once")
        return ResponseBody(self.check_limits, response.status_code in self._prepared.successes)

    def check_limits(self, size: int) -> None:
        """Raise if an answer is too large or too late."""
        if size > MAX_BODY:
            raise DecodingError.of_body(
                without_credentials(self._request), f"the body is larger than {MAX_BODY >> 20} MiB"
            )
        if not self.deadline.left:
            raise self.timeout_error()

    def accept(self, response: httpx2.Response, body: bytes) -> Answer:
        if not self.deadline.left:
            # The deadline may have ended the body early, without an error.
            raise self.timeout_error()
        answer = Answer(self._request, response.status_code, response.headers, body)
        logger.debug("%s %s: %d", self._request.method, self._request.url, answer.status_code)
        if answer.status_code not in self._prepared.successes:
            raise status_error(answer.as_response(), self._prepared.refusals.get(answer.status_code))
        return answer

    def as_api_error(self, error: Exception) -> ApiError:
        """Return the ApiError for an exception raised in an attempt. Raise an unexpected one again: it is a bug."""
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
            # The deadline ended the connection, whatever the error says.
            api_error = self.timeout_error()
        elif isinstance(error, httpx2.HTTPError | httpx2.StreamError | httpx2.CookieConflict | OSError):
            api_error = ApiConnectionError(f"{kind}: {said or 'no connection'}", request=request_shown)
        elif isinstance(error, httpx2.InvalidURL | RuntimeError | ValueError):
            api_error = ConfigurationError(f"the request cannot be sent: {kind}: {said}")
        else:
            raise error
        if isinstance(error, httpx2.RequestError):
            # A copy: the error itself refers to the request and to earlier errors.
            api_error.__cause__ = type(error)(said, request=request_shown)
        return api_error

    def wait_after(self, error: ApiError) -> float:
        """Return the seconds to wait before the next attempt. Raise the error if there is none."""
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
        # Half of it is random, so that clients that failed together do not return together.
        wait = max(random.uniform(most / 2, most), asked)
        if asked > self._retry.max_retry_after or wait > self.deadline.left:
            raise error
        logger.info("attempt %d failed, the next one is in %.1f s: %s", self._count, wait, error)
        return wait
