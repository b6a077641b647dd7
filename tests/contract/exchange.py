"""One exchange with a server, bounded as a whole: time until the last byte of the response, and its size.

The timeouts of the requests library restart with each byte, and it does not limit sizes. So every byte from the server,
status lines, headers, chunks and trailers included, passes through `Reader`, which counts.
"""

import io
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import pydantic_core
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

# Bytes per read, and bytes of a response besides its body.
PIECE, HEADERS = 2**16, 2**20
# Limits for JSON: values, members of one array or object (a validator may report each), bytes of a text (each report
# copies it), levels (pydantic reads no more), digits of a number (Python reads no more).
VALUES, MEMBERS, TEXT, LEVELS, DIGITS = 100_000, 2000, 2**20, 200, 4300
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
LONG_NUMBER = re.compile(rb"[0-9]{%d}" % DIGITS)


class NoAnswer(Exception):
    """No complete response came within the bounds. The message says why."""

    def __init__(self, message: str, *, is_late: bool = False, is_large: bool = False, is_silent: bool = False) -> None:
        super().__init__(message)
        self.is_late = is_late
        self.is_large = is_large
        self.is_silent = is_silent
        """True if no byte came."""


@dataclass
class Bounds:
    """The bounds of one response."""

    seconds: float
    deadline: float
    """In time.monotonic()."""
    size: int
    """Maximum size of the decoded body in bytes."""
    received: int = 0
    """Received bytes, encoded."""
    is_sent: threading.Event = field(default_factory=threading.Event)
    """Set when the request is sent and the response is awaited."""

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    def late_error(self) -> NoAnswer:
        what = "the response was not complete" if self.received else "there was no response"
        return NoAnswer(f"{what} within {self.seconds:g} s", is_late=True, is_silent=not self.received)

    def count(self, number: int) -> None:
        self.received += number
        # A chunk of one byte takes six.
        if self.received > 6 * self.size + HEADERS:
            raise self.size_error()

    def size_error(self) -> NoAnswer:
        return NoAnswer(f"the response has more than {self.size} bytes", is_large=True)


_thread = threading.local()


class Reader(io.RawIOBase):
    """Reads from a socket within the bounds of the current exchange."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        # The socket stays open until this file is closed.
        self.file = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        bounds: Bounds = _thread.bounds
        if bounds.left <= 0:
            raise bounds.late_error()
        self.connection.settimeout(bounds.left)
        try:
            number = self.file.readinto(buffer)
        except TimeoutError:
            raise bounds.late_error() from None
        bounds.count(number or 0)
        return number

    def close(self) -> None:
        self.file.close()
        super().close()


class BoundedSocket:
    """A connected socket, with or without TLS, read by `Reader`."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(Reader(self.connection), PIECE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


class BoundedConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = BoundedSocket(self.sock)

    def getresponse(self) -> Any:
        _thread.bounds.is_sent.set()
        return super().getresponse()


class BoundedTLSConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = BoundedSocket(self.sock)

    def getresponse(self) -> Any:
        _thread.bounds.is_sent.set()
        return super().getresponse()


class BoundedAdapter(HTTPAdapter):
    """Sends within bounds, and returns complete responses."""

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        pool = super().get_connection_with_tls_context(*arguments, **named)
        pool.ConnectionCls = BoundedTLSConnection if pool.scheme == "https" else BoundedConnection
        return pool

    def exchange(self, request: requests.PreparedRequest, bounds: Bounds, **how: Any) -> requests.Response:
        """Send a request. Raises NoAnswer, or the requests library's errors if no connection is made or it breaks."""
        _thread.bounds = bounds
        timeout = max(bounds.left, 0.001)
        try:
            response = super().send(request, **how | {"stream": True, "timeout": (timeout, timeout)})
        except requests.exceptions.Timeout:
            raise bounds.late_error() from None
        try:
            body = read_body(response.raw, bounds)
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise bounds.late_error() from None
        except urllib3.exceptions.DecodeError as error:
            raise NoAnswer(f"the body cannot be decoded: {root_cause(error)}") from None
        except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
            raise NoAnswer(f"the response ended before it was complete: {root_cause(error)}") from None
        finally:
            response.close()
        return detached(response, body)


def read_body(raw: urllib3.HTTPResponse, bounds: Bounds) -> bytes:
    body = bytearray()
    for piece in raw.stream(PIECE, decode_content=True):
        body += piece
        if len(body) > bounds.size:
            raise bounds.size_error()
        if bounds.left <= 0:
            raise bounds.late_error()
    return bytes(body)


def count_values(body: bytes) -> int:
    return sum(body.count(mark) for mark in (b",", b"{", b"["))


def count_texts(body: bytes) -> int:
    """Return a lower bound of the number of texts."""
    return (body.count(b'"') - body.count(b'\\"')) // 2


def count_values_outside_texts(body: bytes) -> int:
    """Count values, ignoring texts. Takes time for each text."""
    return count_values(body) - sum(count_values(found[0]) for found in STRING.finditer(body))


def most_members(document: Any) -> int:
    """Return the number of members of the largest array or object."""
    most, open_ones = 0, [document]
    while open_ones:
        one = open_ones.pop()
        if isinstance(one, (list, dict)):
            most = max(most, len(one))
            open_ones.extend(one.values() if isinstance(one, dict) else one)
    return most


def check_readable(body: bytes) -> None:
    """Raise NoAnswer for JSON that takes excessive memory, or that parsers cannot read."""
    if count_values(body) > VALUES and (count_texts(body) > 2 * VALUES or count_values_outside_texts(body) > VALUES):
        raise NoAnswer(f"the response has more than {VALUES} values", is_large=True)
    if len(body) > TEXT and any(len(found[0]) > TEXT for found in STRING.finditer(body)):
        raise NoAnswer(f"the response has a text of more than {TEXT} bytes", is_large=True)
    if count_values(body) > LEVELS:
        try:
            members = most_members(pydantic_core.from_json(body))
        except ValueError as error:
            members = 0
            if "recursion limit" in str(error):
                raise NoAnswer(f"the response is nested more than {LEVELS} levels deep", is_large=True) from None
        if members > MEMBERS:
            what = f"the response has an array or object of {members} members, more than {MEMBERS}"
            raise NoAnswer(what, is_large=True)
    if LONG_NUMBER.search(body):
        try:
            json.loads(body)
        except json.JSONDecodeError:
            pass
        except ValueError:
            raise NoAnswer(f"the response has a number of more than {DIGITS} digits", is_large=True) from None


def detached(response: requests.Response, body: bytes) -> requests.Response:
    """Return the response with its body, detached from the connection: cookies are not kept."""
    raw = response.raw
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(), raw.headers, raw.status, raw.version, reason=raw.reason, preload_content=False
    )
    return with_body(response, body)


def placeholder_response(request: requests.PreparedRequest, reason: str) -> requests.Response:
    """Return a placeholder for a missing response: status 0, as in HAR, and the reason."""
    response = requests.Response()
    response.status_code, response.reason = 0, reason
    response.request, response.url = request, request.url or ""
    response.raw = urllib3.HTTPResponse(io.BytesIO(), {}, 0, 11, reason=reason, preload_content=False)
    return with_body(response, b"")


def with_body(response: requests.Response, body: bytes) -> requests.Response:
    """Set the body of a response. requests has no public way: it decodes bodies again, and gives status 0 none."""
    response._content = body
    return response


def root_cause(error: BaseException) -> str:
    """Return the message of the root cause, below the layers of libraries."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return str(error)
