"""Tests of the reference server and of the network faults. One server per database for all tests, with a client."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference_server.app import ReferenceServer
from tests.reference_server.uvicorn_server import running
from tests.server.client import Client


# Every test of requests runs on both databases. Requests that are refused before a query cost little.
@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    url = request.getfixturevalue("new_postgresql")() if request.param == "postgresql" else "sqlite://"
    with running(ReferenceServer(url)) as base_url:
        client = Client(base_url)
        with client.http:
            yield client


# SQLite locks differently in memory and in a file.
@pytest.fixture(params=["memory", "file", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database for one test."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("new_postgresql")())
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/runs.db"
