"""Which requests of the second contract's client are sent again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from tests.board.conftest import connect
from tests.board.data import PROJECT_ID, TASK_ID
from tests.http_server import in_thread

ScriptedResponse = tuple[int, dict[str, str], bytes] | None


@contextmanager
def scripted_server(*answers: ScriptedResponse) -> Iterator[tuple[str, list[str]]]:
    """Run a server with scripted responses; None closes the connection. Yield its URL and the received requests."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received.append(f"{self.command} {self.path}")
            answer = answers[min(len(received), len(answers)) - 1]
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = respond

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_thread(server):
        yield f"http://127.0.0.1:{server.server_address[1]}", received


BUSY: ScriptedResponse = (503, {}, b'{"detail": "busy"}')
LATER: ScriptedResponse = (503, {"Retry-After": "0"}, b'{"detail": "busy"}')
QUOTA: ScriptedResponse = (429, {"Retry-After": "0"}, b'{"detail": "quota"}')
GATEWAY: ScriptedResponse = (502, {"Retry-After": "0"}, b"")
GONE: ScriptedResponse = (204, {}, b"")

SENT: dict[str, tuple[str, list[ScriptedResponse], int]] = {
    "POST whose connection ends": ("create_task", [None], 1),
    "POST after 503": ("create_task", [BUSY], 1),
    "POST after 502": ("create_task", [GATEWAY], 1),
    "POST after 503 with Retry-After": ("create_task", [LATER, LATER, BUSY], 3),
    "POST after 429 with Retry-After": ("create_task", [QUOTA, BUSY], 2),
    "DELETE whose connection ends": ("delete_task", [None, GONE], 2),
    "DELETE after 502": ("delete_task", [GATEWAY, BUSY, GONE], 3),
    "GET whose connection ends": ("get_task", [None, (404, {}, b"")], 2),
}


async def call_async(operation: Any, client: Any, arguments: dict[str, Any]) -> None:
    async with client:
        await operation.asyncio(TASK_ID, client=client, **arguments)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("way", ["sync", "asyncio"])
@pytest.mark.parametrize("case", SENT)
def test_a_request_that_may_have_taken_effect_is_not_resent(board: Any, case: str, way: str) -> None:
    operation, answers, times = SENT[case]
    retry = board.client.Retry(max_retries=4, backoff=0.001)
    arguments: dict[str, Any] = {}
    if operation == "create_task":
        arguments["body"] = board.models.TaskDraft(title="x")
    with scripted_server(*answers) as (url, received):
        try:
            if way == "sync":
                with connect(board, url, retry=retry) as client:
                    getattr(board, operation).sync(TASK_ID, client=client, **arguments)
            else:
                asyncio.run(call_async(getattr(board, operation), connect(board, url, retry=retry), arguments))
        except board.errors.ApiError:
            assert answers[-1] is not GONE
        assert len(received) == times


def test_a_post_that_found_no_server_is_resent(board: Any) -> None:
    with scripted_server() as (url, _):
        pass
    client = connect(board, url, retry=board.client.Retry(max_retries=2, backoff=0.001))
    attempts: list[str] = []

    class Counting(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            attempts.append(request.method)
            return super().handle_request(request)

    with httpx2.Client(transport=Counting()) as http, pytest.raises(board.errors.ApiConnectionError):
        client.set_httpx_client(http)
        board.create_task.sync(PROJECT_ID, client=client, body=board.models.TaskDraft(title="x"))
    assert attempts == ["POST"] * 3
