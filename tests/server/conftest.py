"""One server for the whole folder, and a client for it."""

from collections.abc import Iterator

import pytest

from tests.reference_server.running import running
from tests.server.asking import Client


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    with running() as base_url:
        client = Client(base_url)
        with client.http:
            yield client
