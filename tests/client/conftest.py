from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.answering import Answering, answering
from tests.client.calls import CALLS, Call
from tests.reference_server.running import running


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as answer:
        yield answer


@pytest.fixture(scope="session")
def reference_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Call:
    """Each of the four calls in turn."""
    return CALLS[request.param]
