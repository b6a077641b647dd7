"""The four calls and both pagers as blocking functions. Calls return the page, pagers all runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ks_workflow_runs import Client, aiter_workflow_runs, iter_workflow_runs
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from ks_workflow_runs.models import WorkflowRunPage

Call = Callable[..., WorkflowRunPage]


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


def _iterate(definition_id: Any, *, client: Client) -> object:
    return list(iter_workflow_runs(client, definition_id))


def _aiterate(definition_id: Any, *, client: Client) -> object:
    async def scenario() -> object:
        async with client:
            return [run async for run in aiter_workflow_runs(client, definition_id)]

    return asyncio.run(scenario())


READERS: dict[str, Callable[..., object]] = {**CALLS, "iter": _iterate, "aiter": _aiterate}
