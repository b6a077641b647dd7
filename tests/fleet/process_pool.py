"""A process pool whose tasks may crash or hang without effect on the others.

`ProcessPoolExecutor` fails as a whole when one process dies, and cannot kill a process that hangs.
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

# Seconds that a process may take to start, and to exit.
START_TIMEOUT, JOIN_TIMEOUT = 120, 5


@dataclass(frozen=True)
class NoResult:
    """Stands for the result of a task that crashed, hung or failed."""

    reason: str


@dataclass
class Worker(Generic[T]):
    """A process and its current task."""

    process: BaseProcess
    pipe: Connection
    number: int | None = None
    """Index of its task; None while the process starts."""
    deadline: float = 0.0
    """When the process is killed, by the monotonic clock."""

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run_in_processes(
    tasks: Sequence[T],
    work: Callable[[T], R],
    jobs: int,
    seconds: Callable[[T], float],
    prepare: Callable[[], None] | None = None,
) -> Iterator[tuple[T, R | NoResult]]:
    """Yield each task with its result, or with NoResult, as soon as it ends.

    All processes are killed when the iteration ends, for any reason.

    Args:
        tasks: Must be picklable, like the results.
        work: Performs a task, in one of the processes. An exception counts as NoResult.
        jobs: Maximum number of processes.
        seconds: Time limit of a task. After it the process is killed.
        prepare: Called once in each process, before its first task.
    """
    left = list(range(len(tasks)))[::-1]
    workers: list[Worker[T]] = []
    try:
        while left or workers:
            idle = sum(each.number is None for each in workers)
            while len(workers) < jobs and idle < len(left):
                workers.append(start_worker(work, prepare))
                idle += 1
            now = time.monotonic()
            deadline = min(each.deadline for each in workers)
            ready = wait([each.pipe for each in workers], max(0.0, deadline - now))
            for worker in list(workers):
                number = worker.number
                if worker.pipe in ready:
                    answer = receive(worker)
                elif time.monotonic() >= worker.deadline:
                    answer = NoResult("it exceeded its time limit and was killed")
                else:
                    continue
                if isinstance(answer, NoResult):
                    worker.kill()
                    workers.remove(worker)
                    if number is None and left:
                        # The process died before its first task. Others may too, so one task counts as failed.
                        number = left.pop()
                    if number is not None:
                        yield tasks[number], answer
                    continue
                if number is not None:
                    yield tasks[number], answer[0]
                assign_next(worker, tasks, left, seconds)
                if worker.number is None:
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.kill()


def receive(worker: Worker[Any]) -> Any:
    """Return the result in a tuple, or NoResult."""
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join(JOIN_TIMEOUT)
        code = worker.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return NoResult(f"its process died ({how})")


def assign_next(worker: Worker[T], tasks: Sequence[T], left: list[int], seconds: Callable[[T], float]) -> None:
    """Send the next task to the worker, or kill it if there is none."""
    worker.number = left.pop() if left else None
    if worker.number is None:
        worker.kill()
        return
    worker.deadline = time.monotonic() + seconds(tasks[worker.number])
    # If the process died meanwhile, reading its result reports that.
    with suppress(OSError):
        worker.pipe.send(tasks[worker.number])


def start_worker(work: Callable[[T], R], prepare: Callable[[], None] | None) -> Worker[T]:
    # Not forked: a fork would copy locks that other threads hold.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=worker_main, args=(there, work, prepare), daemon=True)
    process.start()
    there.close()
    return Worker(process, here, deadline=time.monotonic() + START_TIMEOUT)


def worker_main(pipe: Connection, work: Callable[[Any], Any], prepare: Callable[[], None] | None) -> None:
    """Run in the worker process: perform tasks until the pipe closes."""
    # Ctrl-C reaches all processes of a terminal; the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=exit_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()
    # An empty result means: ready.
    pipe.send((None,))
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer: Any = (work(task),)
        except Exception as error:
            answer = NoResult(f"it raised {type(error).__name__}")
        pipe.send(answer)


def exit_with_parent() -> None:
    """Exit when the parent ends, even if it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
