"""Real HTTP servers on loopback, whose answers a test defines. They record the requests."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.client.pages import echoing
from tests.http_server import in_thread


@dataclass
class StubServer:
    """The answers of a stub server, and the requests received.

    Attributes:
        url: The address.
        status: The status of answers.
        body: The body of answers.
        page: A page to answer with instead of the body. Limit and offset of the request are filled in.
        answer: A function that makes a page from limit and offset, instead of `page`.
        headers: The headers of answers.
        behave: A function that takes over the connection after a request was read, instead of all these.
        ends: Set when the server stops. A function that never answers waits for it.
        requests: Target and headers of each request, in order.
    """

    url: str = ""
    status: int = 200
    body: bytes = b""
    page: dict[str, Any] | None = None
    answer: Callable[[int, int], dict[str, Any]] | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    behave: Callable[[socket.socket], object] | None = None
    ends: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, Message]] = field(default_factory=list)


@contextmanager
def stub_server(tls: ssl.SSLContext | None = None) -> Iterator[StubServer]:
    """Run a stub server on a free port until the block ends; over https if `tls` is given."""
    answer = StubServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise the body waits for the acknowledgement of the headers, which takes 40 ms.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            answer.requests.append((self.path, self.headers))
            if answer.behave is not None:
                self.close_connection = True
                answer.behave(self.connection)
                return
            body = answer.body if answer.page is None else echoing(self.path, answer.page)
            if answer.answer is not None:
                query = dict(parse_qsl(urlsplit(self.path).query))
                body = json.dumps(answer.answer(int(query.get("limit", 20)), int(query.get("offset", 0)))).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                # The client may have stopped reading.
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    # The threads end with their connections, which the client may keep open.
    server.daemon_threads = True
    server.block_on_close = False
    answer.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    with in_thread(server):
        try:
            yield answer
        finally:
            answer.ends.set()


@contextmanager
def socket_server(handle: Callable[[socket.socket, threading.Event], object]) -> Iterator[str]:
    """Run a server on a free port that handles raw connections. Yields host and port.

    Args:
        handle: Handles a connection. Also gets an event that is set when the server stops. The connection is closed
            afterwards.
    """
    ends = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            handle(connection, ends)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ends.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def read_request(connection: socket.socket) -> str:
    """Read the headers of a request, and return its target. Raise OSError if there is no request."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(65536)
        if not part:
            raise OSError("the connection was closed")
        head += part
    return head.split(b" ", 2)[1].decode()
