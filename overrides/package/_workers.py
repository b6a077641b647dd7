"""Threads for concurrent blocking calls. No exit of a program waits for them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from ._deadline import Clock, Deadline

ResultT = TypeVar("ResultT")

_JOIN_TIMEOUT = 1.0
# The name of the package, which depends on where it is vendored.
_PACKAGE_NAME = (__package__ or "").rpartition(".")[2]


class Workers(Generic[ResultT]):
    """Runs calls in daemon threads: unlike with `ThreadPoolExecutor`, no exit waits for them.

    Args:
        count: The number of threads.
        seconds: The deadline of each call.
        clock: The clock for the deadlines.
    """

    def __init__(self, count: int, seconds: float, clock: Clock) -> None:
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._threads: list[Thread] = []
        self._queue: SimpleQueue[tuple[Future[ResultT], Callable[[Deadline], ResultT]] | None] = SimpleQueue()
        self._running: set[Deadline] = set()
        self._is_closed = False

    def submit(self, call: Callable[[Deadline], ResultT]) -> Future[ResultT]:
        """Run a call once a thread is free."""
        future: Future[ResultT] = Future()
        self._queue.put((future, call))
        if len(self._threads) < self._count:
            thread = Thread(target=self._work, daemon=True, name=f"{_PACKAGE_NAME}_{len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """End all calls. A thread that cannot be woken, for example during a name lookup, ends by itself later."""
        self._is_closed = True
        for _ in self._threads:
            self._queue.put(None)
        for deadline in list(self._running):
            deadline.stop()
        end = time.monotonic() + _JOIN_TIMEOUT
        for thread in self._threads:
            # A thread that was being started when an interrupt came cannot be joined.
            with contextlib.suppress(RuntimeError):
                thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            future, call = item
            if self._is_closed or not future.set_running_or_notify_cancel():
                continue
            deadline = Deadline(self._seconds, self._clock)
            self._running.add(deadline)
            # Only now `close` finds it: stop it here if that has already run.
            if self._is_closed:
                deadline.stop()
            try:
                future.set_result(call(deadline))
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._running.discard(deadline)
