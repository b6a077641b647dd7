"""Fixtures for several folders: processes for contract runs, and PostgreSQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext

import psycopg
import pytest

from tests.server.postgresql import postgresql

# A shell that runs the tests in the background makes them ignore interrupts, and their child processes too.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Values of parameters that differ little from each other: the way to call the client, the database of the reference
# server. From the third case of a table on, `make test` runs these values only.
BASIC_VALUES = {"call": ("sync", "asyncio"), "reading": ("sync", "asyncio"), "client": ("sqlite",)}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what only `.ci/run` runs of long tables."""
    mark_little_different(items)
    mark_unsampled(items)


def mark_little_different(items: list[pytest.Item]) -> None:
    """Of each case from the third on, leave the basic values."""
    tables: dict[str, list[tuple[int, ...]]] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        # A test may have its own parameter of the same name, with functions.
        names = {name for name in BASIC_VALUES if isinstance(item.callspec.params.get(name), str)}
        # By identity: values need not be hashable, and pytest counts indices on for each database.
        case = tuple(id(value) for name, value in item.callspec.params.items() if name not in names)
        cases = tables.setdefault(item.nodeid.partition("[")[0], [])
        if case not in cases:
            cases.append(case)
        if case not in cases[:2] and any(item.callspec.params[name] not in BASIC_VALUES[name] for name in names):
            item.add_marker(pytest.mark.full)


def mark_unsampled(items: list[pytest.Item]) -> None:
    """Of tables marked `sampled`, leave some cases, at equal distances."""
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled") and not item.get_closest_marker("full"):
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in tables.values():
        marker = cases[0].get_closest_marker("sampled")
        assert marker
        (number,) = marker.args
        sample = {index * (len(cases) - 1) // max(number - 1, 1) for index in range(number)}
        for index, item in enumerate(cases):
            if len(cases) > number and index not in sample:
                item.add_marker(pytest.mark.full)


# Imports of every contract run.
LIBRARIES = (
    *("schemathesis.engine.run.unit", "schemathesis.specs.openapi.checks", "schemathesis.specs.openapi.schemas"),
    *("schemathesis.transport.requests", "cel_expr_python.cel", "harfile", "httpx2"),
)


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Starts processes by forking from one that has only imported these libraries."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LIBRARIES))
    return context


def know(contract: str) -> None:
    """Initialize a new process for runs of this contract; empty means this repository's own."""
    os.environ["CONTRACT"] = contract
    # Imported late: it takes more than a second, and few processes need it.
    from tests.contract.run import collect_rarely

    collect_rarely()


@pytest.fixture(scope="session")
def elsewhere(forks: ForkServerContext) -> Iterator[ProcessPoolExecutor]:
    """A process for code that changes its process, such as a contract run."""
    with ProcessPoolExecutor(1, forks, know, ("",)) as pool:
        yield pool


@pytest.fixture(scope="session")
def fresh(forks: ForkServerContext) -> Iterator[ProcessPoolExecutor]:
    """A new process for each call, for code that needs a clean state."""
    with ProcessPoolExecutor(1, forks, max_tasks_per_child=1) as pool:
        yield pool


@pytest.fixture(scope="session")
def knowing(forks: ForkServerContext) -> Iterator[Callable[[str], ProcessPoolExecutor]]:
    """Returns the process for another contract, by its path: a process has one. It ends when another contract is
    requested."""
    pools: dict[str, ProcessPoolExecutor] = {}

    def knowing(contract: str) -> ProcessPoolExecutor:
        if contract not in pools:
            close()
            pools[contract] = ProcessPoolExecutor(1, forks, know, (contract,))
        return pools[contract]

    def close() -> None:
        while pools:
            pools.popitem()[1].shutdown()

    yield knowing
    close()


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[Callable[[], str]]:
    """Returns a function that creates an empty schema in a PostgreSQL of the session, and returns its URL."""
    with postgresql() as url:
        numbers = count()

        def new() -> str:
            # Faster than a database, also to delete.
            name = f"test{next(numbers)}"
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                connection.execute(f"CREATE SCHEMA {name}")
            return f"{url}&options=-csearch_path%3D{name}"

        yield new
