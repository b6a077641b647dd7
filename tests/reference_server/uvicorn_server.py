"""Runs the reference server: the uvicorn that both ways share, and the one for inside a test."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp

from .app import ReferenceServer, create_app
from .network_faults import Fault, Faulty

# How many requests are worked on at once. Python lets one thread compute at a time: with more than a few, they spend
# their time on taking turns (of 64 connections, the usual 40 threads serve two thirds as many requests as these do).
THREADS = 4


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError, or UnicodeError for what is no host name."""
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio does so only for sockets that it made itself. Without it, the second of the two packets of each response
    # waits 40 ms for the receipt of the first. Connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class UvicornServer(uvicorn.Server):
    """uvicorn that says when it accepts requests, with the same parts whatever else is installed."""

    def __init__(self, app: ASGIApp, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                # Longer than clients keep an idle connection: else one may be closed just as a request is sent on it.
                timeout_keep_alive=75,
                timeout_graceful_shutdown=3,
            )
        )
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)
        self.on_ready()


@contextmanager
def serve_app(app: ASGIApp, name: str) -> Iterator[str]:
    """Runs an application in a thread of that name on a free port; yields its base URL, and stops it on exit, whatever
    happens.
    """
    ready = threading.Event()
    listener = listen("127.0.0.1", 0)
    uvicorn_server = UvicornServer(app, ready.set)

    def run() -> None:
        try:
            uvicorn_server.run([listener])
        finally:
            # Also when it failed: nobody is left waiting.
            ready.set()

    thread = threading.Thread(target=run, name=name, daemon=True)
    port = listener.getsockname()[1]
    thread.start()
    try:
        ready.wait()
        if not uvicorn_server.started:
            raise RuntimeError(f"the {name} did not start; its thread's traceback says why")
        yield f"http://127.0.0.1:{port}"
    finally:
        uvicorn_server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def running(
    server: ReferenceServer | None = None,
    faults: Iterable[Fault | None] = (),
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> Iterator[str]:
    """The same for a server, which is closed in the end.

    `around` makes of its application the one that is run.
    """
    server = server or ReferenceServer()
    try:
        with serve_app(Faulty(around(create_app(server)), faults), "reference server") as address:
            yield address
    finally:
        server.close()
