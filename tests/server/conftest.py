"""One server of each kind for the whole folder, with a client; and databases for tests that want their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference_server.app import ReferenceServer
from tests.reference_server.uvicorn_server import running
from tests.server.asking import Client


# All that a request goes through is tested on both: what is refused early never asks the database, but takes no time.
@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    url = request.getfixturevalue("new_postgresql")() if request.param == "postgresql" else "sqlite://"
    with running(ReferenceServer(url)) as base_url:
        client = Client(base_url)
        with client.http:
            yield client


# SQLite in memory and in a file lock in different ways.
@pytest.fixture(params=["memory", "file", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own, empty."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("new_postgresql")())
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/runs.db"
