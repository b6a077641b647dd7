"""Serves a testing kit's server over HTTP, for the contract run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from ks_workflow_runs.testing import FakeServer
from tests.mutants.derived.middleware import read_body
from tests.reference_server.uvicorn_server import serve_app


def application(server: FakeServer) -> ASGIApp:
    """Return an ASGI app that responds as the server does in memory."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        content = await read_body(receive)
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
    """Serve on a free port. Yields the address."""
    with serve_app(around(application(server)), "testing kit") as address:
        yield address
