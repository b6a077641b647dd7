from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ks_workflow_runs import Client
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from ks_workflow_runs.models import WorkflowRunPage
from tests.client.answering import Answering, answering
from tests.reference_server.running import running

Call = Callable[..., WorkflowRunPage]


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as answer:
        yield answer


@pytest.fixture(scope="session")
def reference_url() -> Iterator[str]:
    with running() as url:
        yield url


def _detailed(definition_id: Any, **arguments: Any) -> WorkflowRunPage:
    return list_workflow_runs.sync_detailed(definition_id, **arguments).parsed


def _blocking(call: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    def run(definition_id: Any, *, client: Client, **arguments: Any) -> Any:
        async def scenario() -> Any:
            async with client:
                return await call(definition_id, client=client, **arguments)

        return asyncio.run(scenario())

    return run


async def _asyncio_detailed(definition_id: Any, **arguments: Any) -> WorkflowRunPage:
    return (await list_workflow_runs.asyncio_detailed(definition_id, **arguments)).parsed


CALLS: dict[str, Call] = {
    "sync": list_workflow_runs.sync,
    "sync_detailed": _detailed,
    "asyncio": _blocking(list_workflow_runs.asyncio),
    "asyncio_detailed": _blocking(_asyncio_detailed),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Call:
    """Each of the four calls in turn, as a blocking function that returns the page."""
    return CALLS[request.param]
