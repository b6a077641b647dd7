"""A process that measures one client.

    python -m tests.benchmarks.client_tasks NAME

reads tasks from standard input and prints the result of each as one line of JSON. It runs in the environment of the
benchmark.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import tracemalloc
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib import metadata
from typing import Any

from tests.benchmarks.implementations import DEFINITION_ID, IMPLEMENTATIONS, TOKEN, Implementation


class Stopwatch:
    """Measures wall and CPU time of all threads, from its creation."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def per_item(self, count: int) -> dict[str, float]:
        """Return the seconds per item since the creation."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {"wall": wall / count, "cpu": cpu / count}


def decode(implementation: Implementation, url: str, limit: int, seconds: float) -> dict[str, float]:
    """Decode a page repeatedly."""
    function = implementation.decode
    if function is None:
        raise NotImplementedError("it has no models")
    with urllib.request.urlopen(f"{url}/0/?limit={limit}") as response:
        body = response.read()
    check(implementation, function(body), limit)
    stopwatch = Stopwatch()
    return stopwatch.per_item(repeat(partial(function, body), seconds)) | {"bytes": len(body)}


def null_template(implementation: Implementation, url: str) -> dict[str, float]:
    """Decode a run whose template is null, which some clients reject."""
    assert implementation.decode is not None
    with urllib.request.urlopen(f"{url}/0/?limit=1") as response:
        page = json.load(response)
    page["items"][0]["run_snapshot"]["template"] = None
    check(implementation, implementation.decode(json.dumps(page).encode()), 1)
    return {}


def call(implementation: Implementation, url: str, limit: int, in_flight: int, seconds: float) -> dict[str, float]:
    """Read a page repeatedly, in `in_flight` threads."""
    if implementation.connect is None:
        raise NotImplementedError("it has no client")
    with implementation.connect(f"{url}/0") as read_page, ThreadPoolExecutor(in_flight) as pool:
        read = partial(read_page, limit=limit, offset=0)
        # Also opens the connections.
        for page in pool.map(lambda _: read(), range(in_flight)):
            check(implementation, page, limit)
        stopwatch = Stopwatch()
        return stopwatch.per_item(sum(pool.map(repeat, [read] * in_flight, [seconds] * in_flight)))


def call_async(
    implementation: Implementation, url: str, limit: int, in_flight: int, seconds: float
) -> dict[str, float]:
    """Like `call`, in `in_flight` asyncio tasks."""
    connect = implementation.connect_async
    if connect is None:
        raise NotImplementedError("it has no client under asyncio")

    async def measure() -> dict[str, float]:
        async with connect(f"{url}/0") as read_page:
            read = partial(read_page, limit=limit, offset=0)
            for page in await asyncio.gather(*(read() for _ in range(in_flight))):
                check(implementation, page, limit)
            stopwatch = Stopwatch()
            end = time.perf_counter() + seconds

            async def repeat_async() -> int:
                count = 0
                while time.perf_counter() < end:
                    await read()
                    count += 1
                return count

            return stopwatch.per_item(sum(await asyncio.gather(*(repeat_async() for _ in range(in_flight)))))

    return asyncio.run(measure())


def read_all(implementation: Implementation, url: str, delay: int, concurrency: int) -> dict[str, float]:
    """Read the whole list, with `delay` milliseconds per page. Only our client can."""
    from ks_workflow_runs import AuthenticatedClient, iter_workflow_runs

    with AuthenticatedClient(f"{url}/{delay}", TOKEN) as client:
        stopwatch = Stopwatch()
        count = sum(1 for _ in iter_workflow_runs(client, DEFINITION_ID, concurrency=concurrency))
        return stopwatch.per_item(1) | {"runs": count}


def read_all_async(implementation: Implementation, url: str, delay: int, concurrency: int) -> dict[str, float]:
    """Like `read_all`, with asyncio."""
    from ks_workflow_runs import AuthenticatedClient, aiter_workflow_runs

    async def measure() -> dict[str, float]:
        async with AuthenticatedClient(f"{url}/{delay}", TOKEN) as client:
            stopwatch = Stopwatch()
            count = 0
            async for _ in aiter_workflow_runs(client, DEFINITION_ID, concurrency=concurrency):
                count += 1
            return stopwatch.per_item(1) | {"runs": count}

    return asyncio.run(measure())


def read_pages(implementation: Implementation, url: str, delay: int, concurrency: int) -> dict[str, float]:
    """Read the whole list page by page, without regard to changes, as users of other clients do."""
    if implementation.connect is None:
        raise NotImplementedError("it has no client")
    with implementation.connect(f"{url}/{delay}") as read_page:
        stopwatch = Stopwatch()
        count = 0
        while runs := implementation.items(read_page(limit=100, offset=count)):
            count += len(runs)
        return stopwatch.per_item(1) | {"runs": count}


def retain(implementation: Implementation, url: str) -> dict[str, float]:
    """Decode pages and keep them; return the bytes of Python objects per page."""
    function = implementation.decode
    if function is None:
        raise NotImplementedError("it has no models")
    bodies = []
    # Different pages: equal parts of the same body might be shared.
    for number in range(11):
        with urllib.request.urlopen(f"{url}/0/?limit=100&offset={number * 100}") as response:
            bodies.append(response.read())
    # The first page fills caches.
    check(implementation, function(bodies.pop()), 100)
    gc.collect()
    tracemalloc.start()
    pages = [function(body) for body in bodies]
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"bytes": size / len(pages)}


def versions(implementation: Implementation, names: list[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed in this environment."""
    found = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    task.__name__: task
    for task in (decode, null_template, retain, call, call_async, read_all, read_all_async, read_pages, versions)
}


def repeat(function: Callable[[], object], seconds: float) -> int:
    """Call a function for this many seconds; return the number of calls."""
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        function()
        count += 1
    return count


def check(implementation: Implementation, page: Any, limit: int) -> None:
    """Check that the page is complete, so that no fast but wrong result is measured."""
    if len(implementation.items(page)) != limit:
        raise ValueError(f"{len(implementation.items(page))} runs instead of {limit}")


def main(name: str) -> None:
    """Run the tasks from standard input."""
    implementation: Implementation | None = None
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            implementation = implementation or IMPLEMENTATIONS[name]()
            answer = TASKS[arguments.pop("task")](implementation, **arguments)
        except Exception as error:  # reported in the table
            kind = "" if isinstance(error, NotImplementedError) else f"{type(error).__name__}: "
            answer = {"error": f"{kind}{error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
