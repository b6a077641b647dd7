# Copied by `make generate` from overrides/package/_deadline.py. Do not edit it here.
"""By when a call has to end, and how another thread ends it earlier."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, Protocol


class Stream(Protocol):
    """What a connection is read from: httpcore2's NetworkStream."""

    def get_extra_info(self, info: str) -> Any: ...


# Seconds: a year. Operating systems refuse to wait much longer.
_MAX_WAIT = 365 * 86400


class Clock:
    """What time is told by, and how it passes; the testing kit has one on which no wait takes any."""

    def now(self) -> float:
        """Returns seconds from some moment on."""
        return time.monotonic()

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Waits, unless it is stopped meanwhile."""
        stopped.wait(seconds)

    async def sleep(self, seconds: float) -> None:
        """Waits, under asyncio."""
        import asyncio

        await asyncio.sleep(seconds)


CLOCK = Clock()


class Deadline:
    """Of one call, with all its attempts and the waits between them.

    Args:
        seconds: From now on; infinity for no end.
        clock: What these are told by.
    """

    def __init__(self, seconds: float, clock: Clock = CLOCK) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock.now() + seconds
        self._stopped = threading.Event()
        self._stream: Stream | None = None

    @property
    def left(self) -> float:
        """Seconds that are left; 0 once it is over."""
        return 0.0 if self._stopped.is_set() else max(0.0, self._end - self._clock.now())

    def cap(self, timeout: float | None) -> float | None:
        """Returns a timeout that does not go beyond it; None where neither has an end that anybody would see."""
        least = min(self.left, math.inf if timeout is None else timeout)
        return None if least > _MAX_WAIT else least

    def attach(self, stream: Stream | None) -> None:
        """Says on which connection the call waits from now on; to be followed by a look at `left`."""
        self._stream = stream

    def wait(self, seconds: float) -> None:
        """Waits, unless it is stopped meanwhile."""
        self._clock.wait(seconds, self._stopped)

    def stop(self) -> None:
        """Ends the call, from another thread: whatever it reads or writes comes back at once."""
        # In this order: it finds the connection, or the other thread finds that no time is left.
        self._stopped.set()
        if self._stream is not None:
            with contextlib.suppress(OSError):
                # Of the socket below TLS, which would first say goodbye.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)

    @contextlib.contextmanager
    def as_current(self) -> Generator[None, None, None]:
        """Makes it the one that connections used in this thread keep to."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Deadline | None] = ContextVar("ks_workflow_runs_deadline", default=None)


def current() -> Deadline | None:
    """Returns the deadline of the call that is made in this thread; None outside of one."""
    return _CURRENT.get()
