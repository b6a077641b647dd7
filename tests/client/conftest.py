"""Tests of the generated client against test servers: calls, pagers, errors, resending, limits, and its public package.

Fixtures run a test for each way to call the client. Tests of how it is generated belong in tests/codegen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.client.calls import CALLS, READERS, Call
from tests.client.stub_server import StubServer, stub_server
from tests.reference_server.uvicorn_server import running


@pytest.fixture
def server() -> Iterator[StubServer]:
    with stub_server() as answer:
        yield answer


@pytest.fixture(scope="session")
def reference_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Call:
    """Each of the four calls."""
    return CALLS[request.param]


@pytest.fixture(params=READERS)
def reading(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Each way of reading: the four calls and both pagers."""
    return READERS[request.param]
