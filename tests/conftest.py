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

# A shell that starts the tests in the background has them ignore interrupts, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


# What a contract run imports, whatever the contract.
LIBRARIES = (
    *("schemathesis.engine.run.unit", "schemathesis.specs.openapi.checks", "schemathesis.specs.openapi.schemas"),
    *("schemathesis.transport.requests", "cel_expr_python.cel", "harfile", "httpx2"),
)


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Starts processes that have the libraries of a contract run, by forking from one that only imported them."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LIBRARIES))
    return context


def know(contract: str) -> None:
    """In a new process: from now on it runs this contract; empty is this repository's own."""
    os.environ["CONTRACT"] = contract
    # Here, as it takes more than a second, and few need it.
    from tests.contract.run import collect_rarely

    collect_rarely()


@pytest.fixture(scope="session")
def elsewhere(forks: ForkServerContext) -> Iterator[ProcessPoolExecutor]:
    """A process for what changes the one that it runs in, such as a contract run."""
    with ProcessPoolExecutor(1, forks, know, ("",)) as pool:
        yield pool


@pytest.fixture(scope="session")
def fresh(forks: ForkServerContext) -> Iterator[ProcessPoolExecutor]:
    """A new process for each call, for what must not find what an earlier one left behind."""
    with ProcessPoolExecutor(1, forks, max_tasks_per_child=1) as pool:
        yield pool


@pytest.fixture(scope="session")
def knowing(forks: ForkServerContext) -> Iterator[Callable[[str], ProcessPoolExecutor]]:
    """The same for another contract, by its path: a process knows one. It ends when the next contract is asked for."""
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
    """Makes an empty schema in a PostgreSQL that runs for the whole session; returns a URL that knows no other."""
    with postgresql() as url:
        numbers = count()

        def new() -> str:
            # Quicker than a database, and more so when all is deleted.
            name = f"test{next(numbers)}"
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                connection.execute(f"CREATE SCHEMA {name}")
            return f"{url}&options=-csearch_path%3D{name}"

        yield new
