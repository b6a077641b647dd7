"""Work in processes of its own, several at once: what one of them does to itself harms no other.

Unlike `ProcessPoolExecutor`, which gives up as a whole when a process dies, and cannot end one that hangs.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Seconds that a process may take to start, and that one which is told to end has for it.
START, STOP = 120, 5


@dataclass(frozen=True)
class Lost:
    """What stands for the result of a task that has none."""

    why: str


@dataclass
class Worker(Generic[T]):
    """A process, and what it works on."""

    process: BaseProcess
    pipe: Connection
    number: int | None = None
    """Of the task; None while it starts."""
    until: float = 0.0
    """When it is ended, by the monotonic clock."""

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def in_processes(
    tasks: Sequence[T],
    work: Callable[[T], R],
    jobs: int,
    seconds: Callable[[T], float],
    prepare: Callable[[], None] | None = None,
) -> Iterator[tuple[T, R | Lost]]:
    """Yields each task with its result as soon as it is there, or with why there is none.

    Whatever ends the iteration ends all processes.

    Args:
        tasks: What is to be done; has to be picklable, as have results.
        work: Does it, in one of the processes. What it raises counts as no result.
        jobs: How many processes there are at most.
        seconds: How long a task may take, after which its process is ended.
        prepare: Called once in each process, before its first task.
    """
    left = list(range(len(tasks)))[::-1]
    workers: list[Worker[T]] = []
    try:
        while left or workers:
            idle = sum(each.number is None for each in workers)
            while len(workers) < jobs and idle < len(left):
                workers.append(start(work, prepare))
                idle += 1
            now = time.monotonic()
            until = min(each.until for each in workers)
            ready = wait([each.pipe for each in workers], max(0.0, until - now))
            for worker in list(workers):
                number = worker.number
                if worker.pipe in ready:
                    answer = receive(worker)
                elif time.monotonic() >= worker.until:
                    answer = Lost("it took longer than it may, and was ended")
                else:
                    continue
                if isinstance(answer, Lost):
                    worker.end()
                    workers.remove(worker)
                    if number is None and left:
                        # It never came to a task. Another one may not either, so that this one counts as done.
                        number = left.pop()
                    if number is not None:
                        yield tasks[number], answer
                    continue
                if number is not None:
                    yield tasks[number], answer[0]
                hand_over(worker, tasks, left, seconds)
                if worker.number is None:
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.end()


def receive(worker: Worker[Any]) -> Any:
    """Returns a result, in a tuple of its own, or Lost."""
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join(STOP)
        code = worker.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return Lost(f"the process that worked on it died ({how})")


def hand_over(worker: Worker[T], tasks: Sequence[T], left: list[int], seconds: Callable[[T], float]) -> None:
    """The next task; if there is none, the process ends."""
    worker.number = left.pop() if left else None
    if worker.number is None:
        worker.end()
        return
    worker.until = time.monotonic() + seconds(tasks[worker.number])
    # One that died meanwhile shows when its answer is read.
    with suppress(OSError):
        worker.pipe.send(tasks[worker.number])


def start(work: Callable[[T], R], prepare: Callable[[], None] | None) -> Worker[T]:
    # Fresh ones: a fork of this one would share its threads' locks.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, work, prepare), daemon=True)
    process.start()
    there.close()
    return Worker(process, here, until=time.monotonic() + START)


def serve(pipe: Connection, work: Callable[[Any], Any], prepare: Callable[[], None] | None) -> None:
    """The process: one task after the other, until there are no more."""
    # Ctrl-C reaches all processes of a terminal; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()
    # An empty result says that it is ready.
    pipe.send((None,))
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer: Any = (work(task),)
        except Exception as error:
            answer = Lost(f"the work on it failed: {type(error).__name__}")
        pipe.send(answer)


def end_with_parent() -> None:
    """Nothing is left behind, also where the parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
