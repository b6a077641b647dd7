"""Retries, limits, and misbehaving servers: each is one error, from calls and pagers."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
import re
import socket
import struct
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

import ks_workflow_runs
from ks_workflow_runs import ApiError, AuthenticatedClient, Client, Retry, aiter_workflow_runs, errors
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from tests.client.calls import CALLS
from tests.client.pages import echoing
from tests.client.stub_server import StubServer
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(12)

DEFINITION_ID = seed.DEFINITION_ID
EMPTY_PAGE = json.dumps({"items": [], "total": 0, "limit": 20, "offset": 0}).encode()
NO_RETRY = Retry(max_retries=0)
NO_BACKOFF = Retry(backoff=0.0)


# --- misbehaviour ---------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def sends(data: bytes) -> Callable[[StubServer], Callable[[socket.socket], object]]:
    return lambda _: lambda connection: connection.sendall(data)


def chunked(body: bytes) -> bytes:
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def zipped(body: bytes) -> bytes:
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def stalls(data: bytes) -> Callable[[StubServer], Callable[[socket.socket], object]]:
    """Send some bytes, and nothing else until the test ends."""

    def behave(server: StubServer) -> Callable[[socket.socket], object]:
        def send(connection: socket.socket) -> None:
            connection.sendall(data)
            server.ends.wait()

        return send

    return behave


def resets(_: StubServer) -> Callable[[socket.socket], object]:
    def behave(connection: socket.socket) -> None:
        # With SO_LINGER 0, closing resets the connection.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return behave


def drips(server: StubServer) -> Callable[[socket.socket], object]:
    """Send an endless body, one byte at a time: no single wait is long."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while not server.ends.wait(0.02):
            connection.sendall(b" ")

    return behave


MISBEHAVIOUR = {
    "no answer": (sends(b""), errors.ApiConnectionError),
    "no HTTP": (sends(b"hello\r\n\r\n"), errors.ApiConnectionError),
    "reset": (resets, errors.ApiConnectionError),
    "cut in mid-header": (sends(HEAD), errors.ApiConnectionError),
    "cut in mid-body": (sends(HEAD + b"Content-Length: 100\r\n\r\n" + EMPTY_PAGE), errors.ApiConnectionError),
    "cut in mid-chunk": (sends(chunked(EMPTY_PAGE)[:-20]), errors.ApiConnectionError),
    "endless headers": (sends(HEAD + b"X: " + b"x" * 300_000), errors.ApiConnectionError),
    "bad length": (sends(HEAD + b"Content-Length: -1\r\n\r\n"), errors.ApiConnectionError),
    "no headers in time": (stalls(b""), errors.ApiTimeoutError),
    "no body in time": (stalls(HEAD + b"Content-Length: 100\r\n\r\n{"), errors.ApiTimeoutError),
    "a body that never ends": (drips, errors.ApiTimeoutError),
    "no gzip": (sends(zipped(b"no gzip")), errors.DecodingError),
    # Made by the test: importing this module stays cheap.
    "gzip bomb": (lambda server: sends(zipped(gzip.compress(b" " * 2**26)))(server), errors.DecodingError),
    "truncated JSON": (sends(chunked(EMPTY_PAGE[:-5])), errors.DecodingError),
    "HTML": (sends(chunked(b"<!doctype html><title>Sign in</title>")), errors.DecodingError),
    "not UTF-8": (sends(chunked(b'{"items": "\xff"}')), errors.DecodingError),
    "deep JSON": (sends(chunked(b"[" * 100_000)), errors.DecodingError),
    "negative total": (sends(chunked(EMPTY_PAGE.replace(b'"total": 0', b'"total": -1'))), errors.DecodingError),
    "redirect to another host": (
        sends(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\n\r\n"),
        errors.StatusError,
    ),
    "odd status": (sends(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), errors.StatusError),
    "empty 422": (sends(b"HTTP/1.1 422 X\r\nContent-Length: 0\r\n\r\n"), errors.UnprocessableEntityError),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
def test_misbehaviour_of_a_server_is_one_error(reading: Callable[..., object], server: StubServer, case: str) -> None:
    behave, expected = MISBEHAVIOUR[case]
    server.behave = behave(server)
    # Short only where the timeout is tested: a slow machine must not fail the test.
    timeout, total = (0.3, 1.0) if expected is errors.ApiTimeoutError else (60.0, 60.0)
    retry = Retry(max_retries=0, total=total)
    client = AuthenticatedClient(server.url, "a-token", ks_uat="a-cookie", timeout=timeout, retry=retry)
    with client, pytest.raises(ApiError) as raised:
        reading(DEFINITION_ID, client=client)
    error = raised.value
    assert type(error) is expected
    assert error.request is not None and error.request.url.path in str(error)
    assert len(server.requests) == 1
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is expected and str(copy) == str(error) and copy.status_code == error.status_code
    text = "".join(traceback.format_exception(error))
    for shown in (text, repr(error), repr(error.request.headers), repr(pickle.dumps(error))):
        assert "a-token" not in shown and "a-cookie" not in shown


def test_a_refused_connection_is_an_error(reading: Callable[..., object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", retry=NO_RETRY) as client, pytest.raises(errors.ApiConnectionError):
        reading(DEFINITION_ID, client=client)


@pytest.mark.parametrize("name", ["asyncio", "aiter"])
def test_a_cancelled_call_closes_its_connection(server: StubServer, name: str) -> None:
    begun, ended = threading.Event(), threading.Event()

    def behave(connection: socket.socket) -> None:
        begun.set()
        # Returns when the client has closed the connection.
        assert connection.recv(1) == b""
        ended.set()

    server.behave = behave

    async def read(client: Client) -> object:
        if name == "asyncio":
            return await list_workflow_runs.asyncio(DEFINITION_ID, client=client)
        return [run async for run in aiter_workflow_runs(client, DEFINITION_ID)]

    async def scenario() -> bool:
        async with Client(server.url) as client:
            task = asyncio.create_task(read(client))
            assert await asyncio.to_thread(begun.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # While the client is open: the call must close its connection.
            return await asyncio.to_thread(ended.wait, 30)

    assert asyncio.run(scenario())


# --- retries --------------------------------------------------------------------------------------------------------


def answers(server: StubServer, *statuses: int, headers: str = "") -> Callable[[socket.socket], None]:
    """Answers with each status in turn, and with the last one from then on."""
    left = list(statuses)

    def behave(connection: socket.socket) -> None:
        status = left.pop(0) if len(left) > 1 else left[0]
        # `Connection: close`, so that the next request is not sent on this connection.
        page = echoing(server.requests[-1][0], json.loads(EMPTY_PAGE))
        head = f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len(page)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + page)

    return behave


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_transient_statuses_are_retried(reading: Callable[..., object], server: StubServer, status: int) -> None:
    server.behave = answers(server, status, status, 200)
    with Client(server.url, retry=NO_BACKOFF) as client:
        reading(DEFINITION_ID, client=client)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422, 500, 501, 520])
def test_other_statuses_are_not_retried(reading: Callable[..., object], server: StubServer, status: int) -> None:
    server.behave = answers(server, status, 200)
    with Client(server.url, retry=NO_BACKOFF) as client, pytest.raises(errors.StatusError):
        reading(DEFINITION_ID, client=client)
    assert len(server.requests) == 1


def test_connection_errors_are_retried(reading: Callable[..., object], server: StubServer) -> None:
    left = [lambda connection: connection.close(), lambda connection: connection.sendall(HEAD), answers(server, 200)]
    server.behave = lambda connection: left.pop(0)(connection)
    with Client(server.url, retry=NO_BACKOFF) as client:
        reading(DEFINITION_ID, client=client)
    assert len(server.requests) == 3


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_limited(reading: Callable[..., object], server: StubServer, retries: int) -> None:
    server.behave = answers(server, 503)
    retry = Retry(max_retries=retries, backoff=0.0)
    with Client(server.url, retry=retry) as client, pytest.raises(errors.ServiceUnavailableError):
        reading(DEFINITION_ID, client=client)
    assert len(server.requests) == 1 + retries


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_retry_after_above_the_maximum_is_raised_at_once(
    reading: Callable[..., object], server: StubServer, form: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.behave = answers(server, 429, headers=f"Retry-After: {date if form == 'date' else 61}\r\n")
    with Client(server.url, retry=NO_BACKOFF) as client, pytest.raises(errors.RateLimitError) as raised:
        reading(DEFINITION_ID, client=client)
    wait = raised.value.retry_after
    assert wait is not None and 60 < wait <= 90 and len(server.requests) == 1
    assert re.search(r"\(Retry-After: [6-9]\d s\)$", str(raised.value))


def test_a_retry_after_beyond_the_deadline_is_raised_at_once(server: StubServer) -> None:
    server.behave = answers(server, 503, headers="Retry-After: 5\r\n")
    with Client(server.url, retry=Retry(total=4.0)) as client, pytest.raises(errors.ServiceUnavailableError):
        CALLS["sync"](DEFINITION_ID, client=client)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("0", 0, 0),
        ("1", 1, 1),
        (" 30 ", 30, 30),
        ("9" * 400, 999_999_999, 999_999_999),
        ("an hour ahead", 3500, 3600),
        ("an hour ago", 0, 0),
        ("", None, None),
        ("soon", None, None),
        ("-1", None, None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None, None),
        ("Mon, 01 Jan 2026 00:00:00 +999999999999999999999", None, None),
        ("1.5", None, None),
        ("٣", None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, least: int | None, most: int | None) -> None:
    # Made here, as pytest's workers need the same case names.
    hours = {"an hour ahead": 1, "an hour ago": -1}.get(value)
    if hours is not None:
        value = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    request = httpx2.Request("GET", "http://127.0.0.1/")
    response = httpx2.Response(429, headers=[(b"Retry-After", value.encode())], request=request)
    found = errors.status_error(response).retry_after
    if least is None or most is None:
        assert found is None
    else:
        assert found is not None and least <= found <= most


def test_retry_after_is_waited(server: StubServer, caplog: pytest.LogCaptureFixture) -> None:
    server.behave = answers(server, 503, 200, headers="Retry-After: 1\r\n")
    with Client(server.url, retry=NO_BACKOFF) as client, caplog.at_level(logging.DEBUG, ks_workflow_runs.__name__):
        CALLS["sync"](DEFINITION_ID, client=client)
    assert "the next one is in 1.0 s" in caplog.text


def test_attempts_are_logged_without_credentials(server: StubServer, caplog: pytest.LogCaptureFixture) -> None:
    server.behave = answers(server, 503, 200)
    client = AuthenticatedClient(server.url, "a-token", ks_uat="a-cookie", retry=NO_BACKOFF)
    with client, caplog.at_level(logging.DEBUG):
        CALLS["sync"](DEFINITION_ID, client=client)
    ours = [record.getMessage() for record in caplog.records if record.name == ks_workflow_runs.__name__]
    assert len(ours) == 3 and ours[0].endswith(": 503") and "attempt 1 failed" in ours[1] and ours[2].endswith(": 200")
    assert "a-token" not in caplog.text and "a-cookie" not in caplog.text
