"""Those that are compared, and the process in which one of them is measured.

    python -m tests.benchmarks.contestants NAME

reads tasks from standard input and answers each on standard output, as one line of JSON. All of them, ours too, are run
by the interpreter of the rivals' environment, with the same libraries below them. Rivals are imported by name: the
project's own environment, in which types are checked, has none of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import tracemalloc
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module, metadata
from operator import attrgetter, itemgetter
from types import GenericAlias
from typing import Any
from uuid import UUID

DEFINITION_ID = UUID("6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10")
TOKEN = "nobody-checks-this"


@dataclass(frozen=True)
class Contestant:
    """What one of them can do; None where it cannot.

    Attributes:
        decode: From the bytes of a body to a page.
        connect: Opens a client for a base URL: yields what reads a page, by limit and offset.
        connect_async: The same under asyncio.
        items: Returns the runs of a page.
    """

    decode: Callable[[bytes], Any] | None = None
    connect: Callable[[str], Any] | None = None
    connect_async: Callable[[str], Any] | None = None
    items: Callable[[Any], list[Any]] = attrgetter("items")


# What to import for a first call, measured in an interpreter of its own.
IMPORTS = {
    "ours": "from ks_workflow_runs.api.workflow_definitions import list_workflow_runs",
    "stock": "from stock_client import AuthenticatedClient; "
    "from stock_client.api.workflow_definitions import list_workflow_runs",
    # Its __init__ imports nothing until the first call does.
    "dcg": "from dcg_client import Client; from dcg_client.resources.workflow_definitions import _sync",
    "ksapi": "from ksapi import ApiClient, Configuration, WorkflowDefinitionsApi; "
    "from ksapi.models.paginated_response_workflow_run_response import PaginatedResponseWorkflowRunResponse",
    "httpx2": "import httpx2, json",
}


def ours() -> Contestant:
    from ks_workflow_runs import AuthenticatedClient
    from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
    from ks_workflow_runs.models import WorkflowRunPage

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with AuthenticatedClient(url, TOKEN) as client:
            yield partial(list_workflow_runs.sync, DEFINITION_ID, client=client)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
        async with AuthenticatedClient(url, TOKEN) as client:
            yield partial(list_workflow_runs.asyncio, DEFINITION_ID, client=client)

    return Contestant(WorkflowRunPage.model_validate_json, connect, connect_async)


def stock() -> Contestant:
    """openapi-python-client with its own templates and models."""
    package = import_module("stock_client")
    operation = import_module("stock_client.api.workflow_definitions.list_workflow_runs")
    model = import_module("stock_client.models").PaginatedResponseWorkflowRunResponse

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.AuthenticatedClient(url, TOKEN) as client:
            yield partial(operation.sync, DEFINITION_ID, client=client)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Any]]:
        async with package.AuthenticatedClient(url, TOKEN) as client:
            yield partial(operation.asyncio, DEFINITION_ID, client=client)

    return Contestant(lambda body: model.from_dict(json.loads(body)), connect, connect_async)


def dcg() -> Contestant:
    """datamodel-code-generator with its own client, which is experimental."""
    model = import_module("dcg_models").WorkflowRunPage
    try:
        package = import_module("dcg_client")
    except ImportError:
        return Contestant(model.model_validate_json)

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.Client(base_url=url, bearer_auth=TOKEN) as client:
            yield partial(client.workflow_definitions.list_workflow_runs, definition_id=DEFINITION_ID)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Any]]:
        async with package.AsyncClient(base_url=url, bearer_auth=TOKEN) as client:
            yield partial(client.workflow_definitions.list_workflow_runs, definition_id=DEFINITION_ID)

    return Contestant(model.model_validate_json, connect, connect_async)


def ksapi() -> Contestant:
    """The vendor's SDK, which has no asyncio."""
    package = import_module("ksapi")
    model = import_module("ksapi.models.paginated_response_workflow_run_response").PaginatedResponseWorkflowRunResponse

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.ApiClient(package.Configuration(host=url)) as client:
            call = package.WorkflowDefinitionsApi(client).list_workflow_runs
            yield partial(call, DEFINITION_ID, authorization=f"Bearer {TOKEN}")

    return Contestant(lambda body: model.from_json(body.decode()), connect)


def httpx2() -> Contestant:
    """No client at all: httpx2 and json.loads, which is the base of all ratios."""
    package = import_module("httpx2")
    path = f"/v1/workflow-definitions/{DEFINITION_ID}/runs"
    headers = {"Authorization": f"Bearer {TOKEN}"}

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.Client(headers=headers) as client:
            yield lambda **query: json.loads(client.get(url + path, params=query).content)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Any]]:
        async with package.AsyncClient(headers=headers) as client:

            async def call(**query: int) -> Any:
                return json.loads((await client.get(url + path, params=query)).content)

            yield call

    return Contestant(json.loads, connect, connect_async, itemgetter("items"))


def msgspec() -> Contestant:
    """The floor of what decoding into types costs: typed fields, in C, made for nothing else. The enums are ours."""
    from ks_workflow_runs.models import PartType, WorkflowRunnerType, WorkflowRunStatus

    package = import_module("msgspec")
    path = package.defstruct("Path", [("path_part_id", UUID), ("materialized_path", str), ("part_type", PartType)])
    snapshot = package.defstruct(
        "Snapshot",
        [
            ("workflow_definition_id", UUID),
            ("workflow_name", str),
            ("runner_type", WorkflowRunnerType),
            ("user_id", UUID),
            ("max_run_duration_seconds", int),
            ("sources", GenericAlias(list, path)),
            ("instructions", GenericAlias(list, path)),
            ("outputs", GenericAlias(list, path)),
            ("template", path | None),
        ],
    )
    run = package.defstruct(
        "Run",
        [
            ("id", UUID),
            ("workflow_definition_id", UUID),
            ("user_id", UUID),
            ("runner_type", WorkflowRunnerType),
            ("status", WorkflowRunStatus),
            ("started_at", datetime),
            ("completed_at", datetime | None),
            ("run_snapshot", snapshot),
            ("error", str | None),
            ("created_at", datetime),
            ("updated_at", datetime),
        ],
    )
    page = package.defstruct(
        "Page", [("items", GenericAlias(list, run)), ("total", int), ("limit", int), ("offset", int)]
    )
    return Contestant(package.json.Decoder(page).decode)


CONTESTANTS = {function.__name__: function for function in (ours, stock, dcg, ksapi, httpx2, msgspec)}


# --- tasks ----------------------------------------------------------------------------------------------------------


class Measured:
    """Wall and CPU time, of all threads, from its making to `of`."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def of(self, count: int) -> dict[str, float]:
        """Returns the seconds for each of so many."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {"wall": wall / count, "cpu": cpu / count}


def decode(contestant: Contestant, url: str, limit: int, seconds: float) -> dict[str, float]:
    """Decodes a page again and again."""
    function = contestant.decode
    if function is None:
        raise NotImplementedError("it has no models")
    with urllib.request.urlopen(f"{url}/0/?limit={limit}") as response:
        body = response.read()
    check(contestant, function(body), limit)
    measured = Measured()
    return measured.of(repeat(partial(function, body), seconds)) | {"bytes": len(body)}


def null_template(contestant: Contestant, url: str) -> dict[str, float]:
    """Decodes one run whose template is null: whether it can."""
    assert contestant.decode is not None
    with urllib.request.urlopen(f"{url}/0/?limit=1") as response:
        page = json.load(response)
    page["items"][0]["run_snapshot"]["template"] = None
    check(contestant, contestant.decode(json.dumps(page).encode()), 1)
    return {}


def call(contestant: Contestant, url: str, limit: int, in_flight: int, seconds: float) -> dict[str, float]:
    """Reads the same page again and again, in as many threads as are to be in flight."""
    if contestant.connect is None:
        raise NotImplementedError("it has no client")
    with contestant.connect(f"{url}/0") as read_page, ThreadPoolExecutor(in_flight) as pool:
        read = partial(read_page, limit=limit, offset=0)
        # Also opens the connections.
        for page in pool.map(lambda _: read(), range(in_flight)):
            check(contestant, page, limit)
        measured = Measured()
        return measured.of(sum(pool.map(repeat, [read] * in_flight, [seconds] * in_flight)))


def call_async(contestant: Contestant, url: str, limit: int, in_flight: int, seconds: float) -> dict[str, float]:
    """As `call`, in as many tasks of one thread."""
    connect = contestant.connect_async
    if connect is None:
        raise NotImplementedError("it has no client under asyncio")

    async def measure() -> dict[str, float]:
        async with connect(f"{url}/0") as read_page:
            read = partial(read_page, limit=limit, offset=0)
            for page in await asyncio.gather(*(read() for _ in range(in_flight))):
                check(contestant, page, limit)
            measured = Measured()
            end = time.perf_counter() + seconds

            async def repeat_async() -> int:
                count = 0
                while time.perf_counter() < end:
                    await read()
                    count += 1
                return count

            return measured.of(sum(await asyncio.gather(*(repeat_async() for _ in range(in_flight)))))

    return asyncio.run(measure())


def read_all(contestant: Contestant, url: str, delay: int, concurrency: int) -> dict[str, float]:
    """Reads all runs, at so many milliseconds a page. Only ours can."""
    from ks_workflow_runs import AuthenticatedClient, iter_workflow_runs

    with AuthenticatedClient(f"{url}/{delay}", TOKEN) as client:
        measured = Measured()
        count = sum(1 for _ in iter_workflow_runs(client, DEFINITION_ID, concurrency=concurrency))
        return measured.of(1) | {"runs": count}


def read_all_async(contestant: Contestant, url: str, delay: int, concurrency: int) -> dict[str, float]:
    """As `read_all`, under asyncio."""
    from ks_workflow_runs import AuthenticatedClient, aiter_workflow_runs

    async def measure() -> dict[str, float]:
        async with AuthenticatedClient(f"{url}/{delay}", TOKEN) as client:
            measured = Measured()
            count = 0
            async for _ in aiter_workflow_runs(client, DEFINITION_ID, concurrency=concurrency):
                count += 1
            return measured.of(1) | {"runs": count}

    return asyncio.run(measure())


def read_pages(contestant: Contestant, url: str, delay: int, concurrency: int) -> dict[str, float]:
    """Reads all runs as their users would, page after page, with no regard to a list that changes."""
    if contestant.connect is None:
        raise NotImplementedError("it has no client")
    with contestant.connect(f"{url}/{delay}") as read_page:
        measured = Measured()
        count = 0
        while runs := contestant.items(read_page(limit=100, offset=count)):
            count += len(runs)
        return measured.of(1) | {"runs": count}


def retain(contestant: Contestant, url: str) -> dict[str, float]:
    """Decodes pages and keeps them: how many bytes each takes, of Python's objects."""
    function = contestant.decode
    if function is None:
        raise NotImplementedError("it has no models")
    bodies = []
    # Pages that differ: what the same body has in common with itself would be counted once.
    for number in range(11):
        with urllib.request.urlopen(f"{url}/0/?limit=100&offset={number * 100}") as response:
            bodies.append(response.read())
    # The first fills caches that have nothing to do with a page.
    check(contestant, function(bodies.pop()), 100)
    gc.collect()
    tracemalloc.start()
    pages = [function(body) for body in bodies]
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"bytes": size / len(pages)}


def versions(contestant: Contestant, names: list[str]) -> dict[str, str]:
    """Returns the versions of what is installed where the contestants run."""
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
    """Returns how often it was called until the time was over."""
    end = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < end:
        function()
        count += 1
    return count


def check(contestant: Contestant, page: Any, limit: int) -> None:
    """Makes sure that a contestant did the work: a fast wrong answer is no figure."""
    if len(contestant.items(page)) != limit:
        raise ValueError(f"{len(contestant.items(page))} runs instead of {limit}")


def main(name: str) -> None:
    """Does what is asked for, line by line."""
    contestant: Contestant | None = None
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            contestant = contestant or CONTESTANTS[name]()
            answer = TASKS[arguments.pop("task")](contestant, **arguments)
        except Exception as error:  # whatever it is, it is told and shown
            name = "" if isinstance(error, NotImplementedError) else f"{type(error).__name__}: "
            answer = {"error": f"{name}{error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
