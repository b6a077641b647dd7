"""What several folders of tests need."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context

import psycopg
import pytest

from tests.server.postgresql import postgresql

# A shell that starts the tests in the background has them ignore interrupts, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process for what changes the one that it runs in, such as a contract run. No fork, which would share locks."""
    # Here, as it takes more than a second, and few need it.
    from tests.contract.run import collect_rarely

    with ProcessPoolExecutor(1, get_context("spawn"), collect_rarely) as pool:
        yield pool


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
