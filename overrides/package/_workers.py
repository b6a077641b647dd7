"""Threads in which several blocking calls are made at once, and which nobody has to wait for."""

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
# What the package is called, wherever it lies.
_PACKAGE_NAME = (__package__ or "").rpartition(".")[2]


class Workers(Generic[ResultT]):
    """Makes calls in threads. They are daemons, other than those of `ThreadPoolExecutor`: no exit waits for them.

    Args:
        count: How many calls are made at once.
        seconds: How long each may take.
        clock: What these are told by.
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
        """Makes a call, once a thread is free for it."""
        future: Future[ResultT] = Future()
        self._queue.put((future, call))
        if len(self._threads) < self._count:
            thread = Thread(target=self._work, daemon=True, name=f"{_PACKAGE_NAME}_{len(self._threads)}")
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """Ends all calls at once. A thread that cannot be woken, as it looks up an address, say, ends by itself."""
        self._is_closed = True
        for _ in self._threads:
            self._queue.put(None)
        for deadline in list(self._running):
            deadline.stop()
        end = time.monotonic() + _JOIN_TIMEOUT
        for thread in self._threads:
            # An interrupt may come while one is started, which cannot be joined then.
            with contextlib.suppress(RuntimeError):
                thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            future, call = item
            if self._is_closed or not future.set_running_or_notify_cancel():
                continue
            deadline = Deadline(self._seconds, self._clock)
            self._running.add(deadline)
            # After it can be found: it is stopped by `close`, or here.
            if self._is_closed:
                deadline.stop()
            try:
                future.set_result(call(deadline))
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._running.discard(deadline)
