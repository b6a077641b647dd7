"""The deadline of a call, and how another thread ends the call earlier."""

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
    """A connection: the part of httpcore2's NetworkStream that is used."""

    def get_extra_info(self, info: str) -> Any: ...


# In seconds: a year. Operating systems refuse to wait much longer.
_MAX_WAIT = 365 * 86400


class Clock:
    """Tells the time and waits. The testing kit has one whose waits take no time."""

    def now(self) -> float:
        """Return the time in seconds, from an arbitrary start."""
        return time.monotonic()

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Wait until the time is up or `stopped` is set."""
        stopped.wait(seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait, for asyncio."""
        import asyncio

        await asyncio.sleep(seconds)


CLOCK = Clock()


class Deadline:
    """The deadline of one call, including all its attempts and waits.

    Args:
        seconds: Seconds from now; infinity for no deadline.
        clock: The clock.
    """

    def __init__(self, seconds: float, clock: Clock = CLOCK) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock.now() + seconds
        self._stopped = threading.Event()
        self._stream: Stream | None = None

    @property
    def left(self) -> float:
        """Seconds left; 0 once the deadline has passed or the call was stopped."""
        return 0.0 if self._stopped.is_set() else max(0.0, self._end - self._clock.now())

    def cap(self, timeout: float | None) -> float | None:
        """Return the timeout, shortened to the deadline; None if neither ends within a year."""
        least = min(self.left, math.inf if timeout is None else timeout)
        return None if least > _MAX_WAIT else least

    def attach(self, stream: Stream | None) -> None:
        """Set the connection that `stop` shuts down. Check `left` afterwards: `stop` may have run before."""
        self._stream = stream

    def wait(self, seconds: float) -> None:
        """Wait until the time is up or the call is stopped."""
        self._clock.wait(seconds, self._stopped)

    def stop(self) -> None:
        """End the call from another thread: its reads and writes return at once."""
        # In this order: either the connection is found here, or the other thread sees that no time is left.
        self._stopped.set()
        if self._stream is not None:
            with contextlib.suppress(OSError):
                # The socket below TLS: TLS would send a message first.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)

    @contextlib.contextmanager
    def as_current(self) -> Generator[None, None, None]:
        """Make this the deadline of connections used in this thread."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Deadline | None] = ContextVar("ks_workflow_runs_deadline", default=None)


def current() -> Deadline | None:
    """Return the deadline of the current call in this thread; None outside of a call."""
    return _CURRENT.get()
