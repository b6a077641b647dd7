"""Tests of the generated client against test servers: calls, pagers, errors, resending, limits, and its public package.

Fixtures run a test for each way to call the client. Tests of how it is generated belong in tests/codegen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.client.calls import CALLS, READERS, Call
from tests.client.stub_server import StubServer, stub_server
from tests.reference_server.uvicorn_server import running

# One blocking and one asyncio call: the others only differ in what they return.
BASIC_WAYS = ("sync", "asyncio")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases that only `.ci/run` runs: from the third case of a table on, all ways to call but two."""
    tables: dict[str, list[tuple[int, ...]]] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        # A test with its own ways has functions there, not names.
        ways = {name for name in ("call", "reading") if isinstance(item.callspec.params.get(name), str)}
        case = tuple(index for name, index in item.callspec.indices.items() if name not in ways)
        cases = tables.setdefault(item.nodeid.partition("[")[0], [])
        if case not in cases:
            cases.append(case)
        if case not in cases[:2] and any(item.callspec.params[name] not in BASIC_WAYS for name in ways):
            item.add_marker(pytest.mark.full)


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
