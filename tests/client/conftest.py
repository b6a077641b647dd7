from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.client.answering import Answering, answering
from tests.client.calls import CALLS, READERS, Call
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


@pytest.fixture(params=READERS)
def reading(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Each way of reading in turn: the four calls and both pagers."""
    return READERS[request.param]
