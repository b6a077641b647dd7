"""Runs applications with uvicorn, in the foreground or in a thread of a test."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp

from .app import ReferenceServer, create_app
from .network_faults import Fault, FaultMiddleware

# Requests that are handled at once. Because of the GIL, more threads only switch more often: with 64 connections, the
# default of 40 threads serves two thirds of the requests.
THREADS = 4


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 is any free port. Raises OSError, or UnicodeError for an invalid host name."""
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio sets TCP_NODELAY only on its own sockets. Without it, the second packet of each response waits 40 ms for
    # the acknowledgement of the first. Connections inherit the option.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class UvicornServer(uvicorn.Server):
    """uvicorn with a callback when it accepts requests. Does not depend on which optional packages are installed."""

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
                # Longer than clients keep idle connections, so that none is closed while a request is sent on it.
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
    """Run an application in a thread on a free port; yield its base URL, and stop it on exit.

    Args:
        app: The application.
        name: The name of the thread, for error messages.
    """
    ready = threading.Event()
    listener = listen("127.0.0.1", 0)
    uvicorn_server = UvicornServer(app, ready.set)

    def run() -> None:
        try:
            uvicorn_server.run([listener])
        finally:
            # Also after a failure, so that the caller does not wait forever.
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
    """Run a reference server in a thread; yield its base URL, and close it on exit.

    Args:
        server: Default: a new one, seeded, in memory.
        faults: Network faults, one for each request.
        around: Wraps the application.
    """
    server = server or ReferenceServer()
    try:
        with serve_app(FaultMiddleware(around(create_app(server)), faults), "reference server") as address:
            yield address
    finally:
        server.close()
