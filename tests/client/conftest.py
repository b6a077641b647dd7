"""Tests of the generated client against test servers: calls, pagers, errors, resending, limits, and its public package.

Fixtures run a test for each way to call the client. Tests of how it is generated belong in tests/codegen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.client.answering import Answering, answering
from tests.client.calls import CALLS, READERS, Call
from tests.reference_server.uvicorn_server import running

# One that blocks and one of asyncio: the other ways differ from these in what they return.
TWO = ("sync", "asyncio")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what only `.ci/run` runs of a table: its third case and all further ones, with other ways than two."""
    tables: dict[str, list[tuple[int, ...]]] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        # A test that names its ways itself has functions there, not names.
        ways = {name for name in ("call", "reading") if isinstance(item.callspec.params.get(name), str)}
        case = tuple(index for name, index in item.callspec.indices.items() if name not in ways)
        cases = tables.setdefault(item.nodeid.partition("[")[0], [])
        if case not in cases:
            cases.append(case)
        if case not in cases[:2] and any(item.callspec.params[name] not in TWO for name in ways):
            item.add_marker(pytest.mark.every_way)


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
