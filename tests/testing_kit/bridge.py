"""A testing kit's server behind a socket, for what asks over one: the contract run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from ks_workflow_runs.testing import FakeServer
from tests.reference_server.running import Uvicorn, listen


def application(server: FakeServer) -> ASGIApp:
    """What answers over HTTP as the server does in memory."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        content = b""
        while True:
            message = await receive()
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = httpx2.URL(scheme="http", host="127.0.0.1", raw_path=target)
        request = httpx2.Request(scope["method"], url, headers=scope["headers"], content=content)
        response = server.transport.handle_request(request)
        body = response.read()
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@contextmanager
def running(server: FakeServer, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[str]:
    """Serves on a free port of this machine; yields the address."""
    ready = threading.Event()
    listener = listen("127.0.0.1", 0)
    uvicorn = Uvicorn(around(application(server)), ready.set)

    def run() -> None:
        try:
            uvicorn.run([listener])
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="testing kit", daemon=True)
    thread.start()
    try:
        ready.wait()
        assert uvicorn.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        uvicorn.should_exit = True
        thread.join()
        listener.close()
