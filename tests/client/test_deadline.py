"""A call ends within `Retry.total`, whatever the server sends."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import socket
import threading
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import httpx2
import pytest

from ks_workflow_runs import Client, Retry, aiter_workflow_runs, errors, iter_workflow_runs
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from tests.client.calls import CALLS
from tests.client.pages import echoing
from tests.client.stub_server import read_request, socket_server
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(10)

DEFINITION_ID = seed.DEFINITION_ID
EMPTY_PAGE: dict[str, Any] = {"items": [], "total": 0}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# Seconds that a server continues to send. Long enough that only the client can have ended the call; finite, so that a
# client without a deadline fails the test instead of blocking it.
SERVER_SECONDS = 20.0


def empty_blocks() -> Iterable[bytes]:
    """Yield an endless gzip stream that decompresses to nothing."""
    stream = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    yield stream.compress(b"")
    while True:
        yield stream.flush(zlib.Z_FULL_FLUSH)
        yield b"\x00\x00\x00\xff\xff"


def in_chunks(parts: Iterable[bytes]) -> Iterable[bytes]:
    return (b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)


# The first bytes of an answer, and the parts that follow one by one.
SLOW_ANSWERS: dict[str, tuple[bytes, Callable[[], Iterable[bytes]]]] = {
    "nothing": (b"", lambda: itertools.repeat(b"")),
    "status line": (b"HTTP/1.1 200 ", lambda: itertools.repeat(b"O")),
    "header": (HEAD + b"X: ", lambda: itertools.repeat(b"x")),
    "headers": (HEAD, lambda: (b"X-%d: x\r\n" % number for number in itertools.count())),
    "1xx": (b"", lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "early hints": (b"", lambda: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")),
    "body": (HEAD + b"Content-Length: 9000000\r\n\r\n", lambda: itertools.repeat(b" ")),
    "body to the end of the connection": (HEAD + b"Connection: close\r\n\r\n", lambda: itertools.repeat(b" ")),
    "size of a chunk": (CHUNKED, lambda: itertools.repeat(b"0")),
    "chunk extension": (CHUNKED + b"5;", lambda: itertools.repeat(b"a")),
    "chunks": (CHUNKED, lambda: in_chunks(itertools.repeat(b" "))),
    "trailers": (CHUNKED + b"0\r\n", lambda: (b"X-%d: x\r\n" % number for number in itertools.count())),
    "empty gzip blocks": (
        HEAD + b"Content-Encoding: gzip\r\n" + CHUNKED[len(HEAD) :],
        lambda: in_chunks(empty_blocks()),
    ),
    "refusal": (b"HTTP/1.1 401 X\r\nContent-Length: 900000\r\n\r\n", lambda: itertools.repeat(b" ")),
}
ENDLESS_ANSWERS = ("1xx", "empty gzip blocks")


def drip(connection: socket.socket, ends: threading.Event, name: str, pause: float = 0.01) -> None:
    head, parts = SLOW_ANSWERS[name]
    connection.sendall(head)
    for part in itertools.islice(parts(), None if pause == 0 else int(SERVER_SECONDS / pause)):
        if ends.wait(pause) if pause else ends.is_set():
            break
        connection.sendall(part)


def make_client(address: str, total: float = 0.2, **arguments: Any) -> Client:
    return Client(f"http://{address}", timeout=60.0, retry=Retry(total=total, backoff=0.01), **arguments)


def iterate(concurrency: int) -> Callable[..., object]:
    def read(definition_id: str, *, client: Client) -> object:
        return list(iter_workflow_runs(client, definition_id, concurrency=concurrency))

    return read


def aiterate(concurrency: int) -> Callable[..., object]:
    def read(definition_id: str, *, client: Client) -> object:
        async def scenario() -> object:
            async with client:
                return [run async for run in aiter_workflow_runs(client, definition_id, concurrency=concurrency)]

        return asyncio.run(scenario())

    return read


WAYS = {"sync": CALLS["sync"], "asyncio": CALLS["asyncio"], "iter": iterate(8), "aiter": aiterate(8)}


@pytest.fixture(params=WAYS)
def read(request: pytest.FixtureRequest) -> Callable[..., object]:
    return WAYS[request.param]


@pytest.mark.parametrize("name", SLOW_ANSWERS)
def test_a_slow_answer_ends_at_the_deadline(read: Callable[..., object], name: str) -> None:
    def handle(connection: socket.socket, ends: threading.Event) -> None:
        read_request(connection)
        drip(connection, ends, name)

    with socket_server(handle) as address, make_client(address) as client, pytest.raises(errors.ApiTimeoutError):
        read(DEFINITION_ID, client=client)


@pytest.mark.parametrize("name", ENDLESS_ANSWERS)
def test_an_endless_answer_ends_at_the_deadline(read: Callable[..., object], name: str) -> None:
    def handle(connection: socket.socket, ends: threading.Event) -> None:
        read_request(connection)
        drip(connection, ends, name, pause=0)

    with socket_server(handle) as address, make_client(address) as client, pytest.raises(errors.ApiError) as raised:
        read(DEFINITION_ID, client=client)
    assert isinstance(raised.value, errors.ApiTimeoutError | errors.DecodingError)


@pytest.mark.parametrize("way", ["sync", "asyncio"])
@pytest.mark.parametrize("name", ["header", "chunk extension"])
def test_a_slow_answer_on_a_reused_connection_ends_at_the_deadline(way: str, name: str) -> None:
    def handle(connection: socket.socket, ends: threading.Event) -> None:
        page = echoing(read_request(connection), {**EMPTY_PAGE, "limit": 0})
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(page), page))
        read_request(connection)
        drip(connection, ends, name)

    with socket_server(handle) as address:
        if way == "sync":
            with make_client(address, 1.5) as client:
                CALLS["sync"](DEFINITION_ID, client=client)
                with pytest.raises(errors.ApiTimeoutError):
                    CALLS["sync"](DEFINITION_ID, client=client)
            return

        async def scenario() -> None:
            async with make_client(address, 1.5) as client:
                await list_workflow_runs.asyncio(DEFINITION_ID, client=client)
                with pytest.raises(errors.ApiTimeoutError):
                    await list_workflow_runs.asyncio(DEFINITION_ID, client=client)

        asyncio.run(scenario())


@pytest.mark.parametrize("record", [b"", b"\x16\x03\x03\x3f\xff"])
def test_an_endless_tls_handshake_ends_at_the_deadline(read: Callable[..., object], record: bytes) -> None:
    def handle(connection: socket.socket, ends: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(record)
        for _ in range(int(SERVER_SECONDS / 0.01)):
            if ends.wait(0.01):
                break
            connection.sendall(b"\x02" if record else b"")

    with socket_server(handle) as address:
        client = Client(f"https://{address}", timeout=60.0, retry=Retry(total=0.2))
        with client, pytest.raises(errors.ApiTimeoutError):
            read(DEFINITION_ID, client=client)


def test_the_deadline_includes_attempts_and_waits(read: Callable[..., object]) -> None:
    targets: list[str] = []

    def handle(connection: socket.socket, ends: threading.Event) -> None:
        targets.append(read_request(connection))
        if len(targets) < 4:
            connection.sendall(b"HTTP/1.1 503 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        else:
            drip(connection, ends, "status line")

    with socket_server(handle) as address, make_client(address, 2.0) as client, pytest.raises(errors.ApiTimeoutError):
        read(DEFINITION_ID, client=client)
    assert len(targets) >= 4


def test_a_slow_name_lookup_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def look_up(*_: object, **__: object) -> object:
        answered.wait(SERVER_SECONDS)
        raise OSError("no such name")

    # Patched, as the resolver of the system cannot be slowed down.
    import ks_workflow_runs._transport

    monkeypatch.setattr(ks_workflow_runs._transport, "getaddrinfo", look_up)
    with make_client("ks.example.com") as client, pytest.raises(errors.ApiTimeoutError):
        CALLS["sync"](DEFINITION_ID, client=client)
    answered.set()


@pytest.mark.parametrize("name", SLOW_ANSWERS)
@pytest.mark.parametrize("given", ["client", "transport"])
def test_the_callers_connections_end_at_the_deadline(name: str, given: str) -> None:
    def handle(connection: socket.socket, ends: threading.Event) -> None:
        read_request(connection)
        drip(connection, ends, name)

    with socket_server(handle) as address, httpx2.Client(timeout=60.0) as own:
        if given == "client":
            client = make_client(address).set_httpx_client(own)
        else:
            client = make_client(address, httpx_args={"transport": httpx2.HTTPTransport()})
        with client, pytest.raises(errors.ApiTimeoutError):
            CALLS["sync"](DEFINITION_ID, client=client)


def test_a_body_compressed_twice_is_refused(read: Callable[..., object]) -> None:
    bomb = gzip.compress(gzip.compress(b"\x00" * 2**24))

    def handle(connection: socket.socket, ends: threading.Event) -> None:
        read_request(connection)
        head = HEAD + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        connection.sendall(head + bomb)

    refused = pytest.raises(errors.DecodingError, match="compressed more than once")
    with socket_server(handle) as address, make_client(address, 60.0) as client, refused:
        read(DEFINITION_ID, client=client)
