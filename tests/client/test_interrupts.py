"""Leaving an iterator by an interrupt, an error or a break does not wait for pending requests."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import aclosing
from urllib.parse import parse_qsl, urlsplit

import pytest

from codegen import ROOT
from ks_workflow_runs import Client, Retry, aiter_workflow_runs, errors, iter_workflow_runs
from tests.client.stub_server import read_request, socket_server
from tests.client.test_pages import RUNS, page_of
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(3)

# Seconds. Far longer than a test takes: waiting for it is a failure.
LONG = 600.0
BOUND = 60.0

ITERATE = """
import sys, httpx2
from ks_workflow_runs import Client, Retry, iter_workflow_runs

url, definition_id, concurrency, given = sys.argv[1:]
client = Client(url, timeout=600.0, retry=Retry(total=600.0))
if given == "True":
    client.set_httpx_client(httpx2.Client(timeout=600.0))
try:
    for _ in iter_workflow_runs(client, definition_id, page_size=10, concurrency=int(concurrency)):
        pass
except KeyboardInterrupt:
    print("interrupted")
"""


class Stalling:
    """Answers pages up to an offset, refuses the page at the offset if asked to, and never answers later ones."""

    def __init__(self, offset: int, refuses: bool = False) -> None:
        self.offset = offset
        self.refuses = refuses
        self.stalls = threading.Event()

    def __call__(self, connection: socket.socket, ends: threading.Event) -> None:
        while True:
            query = dict(parse_qsl(urlsplit(read_request(connection)).query))
            limit, offset = int(query["limit"]), int(query["offset"])
            body, status = json.dumps(page_of(RUNS, limit, offset)).encode(), 200
            if offset > self.offset or (offset == self.offset and not self.refuses):
                self.stalls.set()
                ends.wait()
                return
            if offset == self.offset:
                # Wait until other requests have been sent.
                self.stalls.wait(BOUND)
                body, status = b'{"detail": "no"}', 401
            connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


def make_client(address: str) -> Client:
    return Client(f"http://{address}", timeout=LONG, retry=Retry(total=LONG))


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("offset", [0, 45])
def test_an_interrupt_ends_a_program_at_once(offset: int, concurrency: int, given: bool) -> None:
    stalling = Stalling(offset)
    with socket_server(stalling) as address:
        arguments = [f"http://{address}", seed.DEFINITION_ID, str(concurrency), str(given)]
        command = [sys.executable, "-c", ITERATE, *arguments]
        with subprocess.Popen(
            command, cwd=ROOT / "generated", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as program:
            try:
                assert stalling.stalls.wait(BOUND)
                program.send_signal(signal.SIGINT)
                out, err = program.communicate(timeout=BOUND)
            finally:
                program.kill()
    assert (out, err, program.returncode) == ("interrupted\n", "", 0)


# Simulates an interrupt just before the main thread starts to wait: nothing wakes it.
UNSEEN = """
import signal, sys, threading

def interrupt():
    sys.stdin.readline()
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
"""


@pytest.mark.parametrize("given", [False, True])
def test_an_interrupt_just_before_a_wait_ends_a_program(given: bool) -> None:
    stalling = Stalling(0)
    with socket_server(stalling) as address:
        command = [sys.executable, "-c", UNSEEN + ITERATE, f"http://{address}", seed.DEFINITION_ID, "8", str(given)]
        with subprocess.Popen(
            command,
            cwd=ROOT / "generated",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            try:
                assert stalling.stalls.wait(BOUND)
                out, err = program.communicate("\n", timeout=BOUND)
            finally:
                program.kill()
    assert (out, err, program.returncode) == ("interrupted\n", "", 0)


@pytest.mark.parametrize("concurrency", [2, 8])
def test_an_error_ends_an_iterator_at_once(concurrency: int) -> None:
    start = time.monotonic()
    with socket_server(Stalling(9, refuses=True)) as address, make_client(address) as client:
        runs = iter_workflow_runs(client, seed.DEFINITION_ID, page_size=10, concurrency=concurrency)
        with pytest.raises(errors.AuthenticationError):
            list(runs)
        assert not [each for each in threading.enumerate() if each.name.startswith("ks_workflow_runs")]
    assert time.monotonic() - start < BOUND


@pytest.mark.parametrize("concurrency", [2, 8])
def test_an_error_ends_an_iterator_under_asyncio_at_once(concurrency: int) -> None:
    async def scenario(address: str) -> None:
        async with make_client(address) as client:
            runs = aiter_workflow_runs(client, seed.DEFINITION_ID, page_size=10, concurrency=concurrency)
            with pytest.raises(errors.AuthenticationError):
                async for _ in runs:
                    pass
            assert len(asyncio.all_tasks()) == 1

    start = time.monotonic()
    with socket_server(Stalling(9, refuses=True)) as address:
        asyncio.run(scenario(address))
    assert time.monotonic() - start < BOUND


def test_an_interrupt_while_a_thread_starts_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: threading.Thread) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(iter_workflow_runs(Client("http://127.0.0.1:9"), seed.DEFINITION_ID, concurrency=8))


@pytest.mark.parametrize("concurrency", [1, 8])
def test_leaving_early_does_not_wait(concurrency: int) -> None:
    start = time.monotonic()
    with socket_server(Stalling(45)) as address, make_client(address) as client:
        runs = iter_workflow_runs(client, seed.DEFINITION_ID, page_size=10, concurrency=concurrency)
        assert [next(runs).id.int for _ in range(12)] == list(range(1, 13))
        runs.close()

        async def scenario() -> None:
            aruns = aiter_workflow_runs(client, seed.DEFINITION_ID, page_size=10, concurrency=concurrency)
            async with client, aclosing(aruns):
                assert [(await anext(aruns)).id.int for _ in range(12)] == list(range(1, 13))

        asyncio.run(scenario())
    assert time.monotonic() - start < BOUND
