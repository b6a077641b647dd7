"""A real HTTP server on loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.client.pages import echoing


@dataclass
class Answering:
    """What to answer, and what came.

    Attributes:
        url: Where it listens.
        status: The status to answer with.
        body: The body to answer with.
        page: A page to answer with instead, with the limit and the offset that were asked for.
        headers: The headers to answer with.
        behave: Instead of all these: what to do with the connection once a request was read.
        ends: Set when the server stops: what a behaviour that never answers waits for.
        requests: Target and headers of each request, in order.
    """

    url: str = ""
    status: int = 200
    body: bytes = b""
    page: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    behave: Callable[[socket.socket], object] | None = None
    ends: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, Message]] = field(default_factory=list)


@contextmanager
def answering(tls: ssl.SSLContext | None = None) -> Iterator[Answering]:
    """Runs such a server on a free port until the block ends; over https if there are settings for it."""
    answer = Answering()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer.requests.append((self.path, self.headers))
            if answer.behave is not None:
                self.close_connection = True
                answer.behave(self.connection)
                return
            body = answer.body if answer.page is None else echoing(self.path, answer.page)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        # Its threads end with their connections, which the client under test may keep open.
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        answer.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        try:
            yield answer
        finally:
            answer.ends.set()
            server.shutdown()
            thread.join()
