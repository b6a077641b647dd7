"""Hostile bodies: bounded memory, and one short error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from codegen import ROOT
from ks_workflow_runs._decoding import _UNCOUNTED_SIZE, MAX_VALUES
from ks_workflow_runs._response_body import MAX_REFUSAL
from tests.client.pages import PAGE
from tests.client.stub_server import StubServer
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(3)

LARGE = 16 * 2**20
MAX_MEMORY = 300 * 2**20
RUN = json.dumps(PAGE["items"][0]).encode()
PATH = json.dumps(PAGE["items"][0]["run_snapshot"]["sources"][0]).encode()


def filled(size: int, front: bytes, part: bytes | Callable[[int], bytes], back: bytes = b"") -> bytes:
    """Return front and back with as many parts between them as fit into the size."""
    length = size - len(front) - len(back)
    if isinstance(part, bytes):
        return front + part * (length // len(part)) + back
    return front + b"".join(map(part, range(length // len(part(10**6))))) + back


REST = b'"total": 1, "limit": 20, "offset": 0'
EMPTY = b'{"items": [], ' + REST
NO_TOTAL = b'{"items": [], "limit": 20, "offset": 0, "total": '
SOURCES = RUN.replace(PATH, PATH + b"SOURCES", 1).partition(b"SOURCES")
END = SOURCES[2] + b"], " + REST + b"}"

# Front, repeated part, back.
BODIES: dict[str, tuple[bytes, bytes | Callable[[int], bytes], bytes]] = {
    "integers as items": (b'{"items": [', b"1,", b"1], " + REST + b"}"),
    "objects as items": (b'{"items": [', b"{},", b"{}], " + REST + b"}"),
    "good items": (b'{"items": [', RUN + b",", RUN + b"], " + REST + b"}"),
    "an item's paths": (b'{"items": [' + SOURCES[0], b"," + PATH, END),
    "an item's wrong paths": (b'{"items": [' + SOURCES[0], b",1", END),
    "nested lists": (b'{"items": ', b"[", b""),
    "nested objects": (b'{"items": ', b'{"a":', b""),
    "nested in an unknown field": (EMPTY + b', "x": ', b"[", b""),
    "a list as total": (NO_TOTAL + b"[", b"[],", b"1]}"),
    "unknown fields": (EMPTY, lambda index: b',"%x":1' % index, b"}"),
    "lists in an unknown field": (EMPTY + b', "x": [', b"[],", b"1]}"),
    "objects in an unknown field": (EMPTY + b', "x": [', b'{"a":1},', b"1]}"),
    "numbers in an unknown field": (EMPTY + b', "x": [', b"0.1,", b"1]}"),
    "a long integer": (NO_TOTAL, b"1", b"}"),
    "a long integer in an unknown field": (EMPTY + b', "x": ', b"1", b"}"),
    "a long fraction": (NO_TOTAL + b"1.", b"1", b"}"),
    "a long string as total": (NO_TOTAL + b'"', b"a", b'"}'),
    "a long unknown field": (EMPTY + b', "', b"a", b'": 1}'),
    "escapes": (EMPTY + b', "x": "', b"\\u0007", b'"}'),
    "white space": (b"", b" ", b""),
}
LONG = [name for name in BODIES if name.startswith(("a long", "escapes", "white"))]

CALLS = """
import os, sys, resource, pathlib
from ks_workflow_runs import ApiError, AuthenticatedClient
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs

def call(url, definition_id, strict):
    with AuthenticatedClient(url, "a-token-that-is-long", strict=strict == "True") as client:
        try:
            list_workflow_runs.sync(definition_id, client=client)
            message = "None"
        except ApiError as error:
            message = f"{type(error).__name__} {error}"
    try:
        # The peak of this process alone: that of getrusage includes the process that started it.
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        [line] = [each for each in lines if each[:6] == "VmHWM:"]
        peak = int(line.split()[1]) * 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(peak, ascii(message), flush=True)

for line in sys.stdin:
    child = os.fork()
    if not child:
        call(*line.split())
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(-1, flush=True)
"""

Call = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def call() -> Iterator[Call]:
    """Make a call in a new process. Return its peak memory in bytes, and the error's text."""
    # Its children have what it imported.
    with subprocess.Popen(
        [sys.executable, "-c", CALLS], cwd=ROOT / "generated", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def call(server: StubServer, *, strict: bool = False) -> tuple[int, str]:
            assert process.stdin and process.stdout
            process.stdin.write(f"{server.url} {seed.DEFINITION_ID} {strict}\n")
            process.stdin.flush()
            peak, _, message = process.stdout.readline().partition(" ")
            assert int(peak) > 0, "the process ended before the call did"
            return int(peak), message.strip().strip("'")

        yield call


@pytest.mark.parametrize("name", ["integers as items", "good items", "nested objects", "unknown fields", *LONG])
def test_a_large_body_needs_little_memory(call: Call, server: StubServer, name: str) -> None:
    server.body = filled(LARGE, *BODIES[name])
    peak, message = call(server)
    assert peak < MAX_MEMORY
    assert message.startswith(("DecodingError", "PageError")) and len(message) < 1000


@pytest.mark.parametrize("name", [name for name in BODIES if name not in LONG])
def test_a_body_below_the_counted_size_needs_little_memory(call: Call, server: StubServer, name: str) -> None:
    server.body = filled(_UNCOUNTED_SIZE, *BODIES[name])
    peak, message = call(server)
    assert peak < MAX_MEMORY
    assert message.startswith(("DecodingError", "PageError", "None")) and "must have at most" not in message
    assert len(message) < 1000


@pytest.mark.parametrize("name", ["good items", "an item's paths", "objects in an unknown field"])
def test_a_body_with_the_maximum_of_values_needs_little_memory(call: Call, server: StubServer, name: str) -> None:
    front, part, back = BODIES[name]
    assert isinstance(part, bytes)
    size = len(part) * MAX_VALUES // sum(map(part.count, (b",", b"[", b"{")))
    server.body = filled(size - 2000, front, part, back).ljust(_UNCOUNTED_SIZE + 1)
    peak, message = call(server, strict=True)
    assert peak < MAX_MEMORY
    assert message.startswith(("DecodingError", "PageError", "None")) and "must have at most" not in message
    assert len(message) < 1000


FAULT = b'{"loc": ["query"], "msg": "x", "type": "x"},'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, (b'{"detail": [', FAULT, FAULT[:-1] + b"]}")),
        (422, (b'{"detail": [', b"1,", b"1]}")),
        (401, (b'{"detail": "', b"a", b'"}')),
        (500, (b"", b"\x1b", b"")),
    ],
)
def test_a_large_error_body_needs_little_memory(
    call: Call, server: StubServer, status: int, body: tuple[bytes, bytes, bytes]
) -> None:
    server.status = status
    for size in (LARGE, MAX_REFUSAL - 1):
        server.body = filled(size, *body)
        peak, message = call(server)
        assert peak < MAX_MEMORY
        assert f" {status} for GET " in message and len(message) < 1000 and "\x1b" not in message
