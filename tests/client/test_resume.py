"""The client waits for a server that is down, and an iteration can resume after an error."""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from ks_workflow_runs import ApiError, Client, Retry, aiter_workflow_runs, errors, iter_pages, iter_workflow_runs
from ks_workflow_runs.pagination import Position
from tests.client.pages import echoing
from tests.client.stub_server import StubServer, read_request, socket_server
from tests.client.test_pages import RUNS, WAYS, Churning, page_of
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(6)


class RestartingServer:
    """A server that is killed at a request, with all its connections, and restarts after a while."""

    def __init__(self, at: int, downtime: float) -> None:
        self.at, self.downtime = at, downtime
        self.requests = 0
        self.lock = threading.Lock()
        self.connections: list[socket.socket] = []
        self.ends = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self.listener.getsockname()
        self.listen()

    def listen(self) -> None:
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with self.lock:
                    self.connections.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while True:
                target = read_request(connection)
                with self.lock:
                    self.requests += 1
                    if self.requests == self.at:
                        self.kill()
                limit, offset = (int(part.partition("=")[2]) for part in target.partition("?")[2].split("&"))
                body = echoing(target, page_of(RUNS, limit, offset))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def kill(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                # Reset, as the operating system does for a killed process.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()
        threading.Timer(self.downtime, self.restart).start()

    def restart(self) -> None:
        if not self.ends.is_set():
            self.listener = socket.create_server(self.address, backlog=64)
            self.listen()

    def close(self) -> None:
        self.ends.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def read(client: Client, way: str, concurrency: int, found: list[int], **arguments: Any) -> None:
    """Read into a list, which keeps the runs yielded before an error."""
    arguments = {"page_size": 10, "concurrency": concurrency, **arguments}
    if way == "iter":
        for run in iter_workflow_runs(client, seed.DEFINITION_ID, **arguments):
            found.append(run.id.int)
        return

    async def scenario() -> None:
        async with client:
            async for run in aiter_workflow_runs(client, seed.DEFINITION_ID, **arguments):
                found.append(run.id.int)

    asyncio.run(scenario())


EVERYTHING = [UUID(each["id"]).int for each in RUNS]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("way", "concurrency"), WAYS)
def test_a_restart_of_the_server_is_waited_for(way: str, concurrency: int) -> None:
    server = RestartingServer(at=12, downtime=1.5)
    found: list[int] = []
    try:
        with Client(f"http://127.0.0.1:{server.address[1]}") as client:
            read(client, way, concurrency, found)
    finally:
        server.close()
    assert found == EVERYTHING
    assert server.requests > 30


def test_a_server_may_be_down_for_seven_seconds() -> None:
    retry = Retry()
    least = sum(min(retry.max_backoff, retry.backoff * 2**number) / 2 for number in range(int(retry.max_retries)))
    assert least > 7


FAILURES: dict[str, Callable[[socket.socket], object]] = {
    "refusal": lambda connection: connection.sendall(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"),
    "end": lambda connection: connection.close(),
    "no JSON": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]"),
    "no page": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
}


@pytest.mark.parametrize(("way", "concurrency"), WAYS)
@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("limit", [None, 250])
def test_an_iteration_resumes_after_an_error(way: str, concurrency: int, name: str, limit: int | None) -> None:
    numbers = count(1)

    def handle(connection: socket.socket, ends: threading.Event) -> None:
        while True:
            target = read_request(connection)
            if next(numbers) % 9 == 0:
                FAILURES[name](connection)
                return
            page_size, offset = (int(part.partition("=")[2]) for part in target.partition("?")[2].split("&"))
            body = echoing(target, page_of(RUNS, page_size, offset))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    found: list[int] = []
    position: Position | None = None
    failures = 0
    with socket_server(handle) as address, Client(f"http://{address}", retry=Retry(max_retries=0)) as client:
        for _ in range(100):
            rest = None if limit is None else limit - len(found)
            try:
                read(client, way, concurrency, found, resume=position, limit=rest)
                break
            except ApiError as error:
                failures += 1
                position = pickle.loads(pickle.dumps(error)).position
                assert position is not None and position.read == len(found)
    assert failures > 1
    assert found == EVERYTHING[:limit]


@pytest.mark.parametrize(("way", "concurrency"), WAYS)
def test_an_iteration_resumes_in_a_list_that_has_changed(server: StubServer, way: str, concurrency: int) -> None:
    churning = Churning(lambda churning: None)
    answers = 0

    def answer(limit: int, offset: int) -> dict[str, Any]:
        nonlocal answers
        answers += 1
        return churning(limit, offset) if answers % 4 else {}

    server.answer = answer
    found: list[int] = []
    position = None
    with Client(server.url) as client:
        for turn in range(100):
            try:
                read(client, way, concurrency, found, resume=position)
                break
            except errors.DecodingError as error:
                position = error.position
                churning.insert(0, 4)
                churning.delete(2 + turn, 3)
    persistent = [UUID(each).int for each in churning.before if each not in churning.deleted]
    assert churning.deleted and len(found) == len(set(found))
    assert [each for each in found if each in set(persistent)] == persistent


def test_a_position_is_valid_for_its_list_only(server: StubServer) -> None:
    server.status = 500
    with Client(server.url) as client:
        with pytest.raises(errors.StatusError) as raised:
            list(iter_workflow_runs(client, seed.DEFINITION_ID, offset=3))
        position = raised.value.position
        assert repr(position) == f"Position(path='/v1/workflow-definitions/{seed.DEFINITION_ID}/runs', read=0)"
        # A pickle outlives private modules.
        assert b"pagination" in pickle.dumps(position) and b"._" not in pickle.dumps(position)
        wrong: Any
        for arguments in ({"definition_id": seed.EMPTY_DEFINITION_ID}, {"offset": 1}, {"resume": 7}):
            wrong = {"definition_id": seed.DEFINITION_ID, "resume": position, **arguments}
            with pytest.raises(errors.ConfigurationError, match="'resume' must be"):
                iter_pages(client, **wrong)
        # It can be used more than once, and keeps the offset.
        server.status, server.answer = 200, lambda limit, offset: page_of(RUNS, limit, offset)
        for _ in range(2):
            runs = iter_workflow_runs(client, seed.DEFINITION_ID, resume=position)
            assert [run.id.int for run in runs] == EVERYTHING[3:]


def test_an_error_of_a_call_has_no_position() -> None:
    assert ApiError("x").position is None
