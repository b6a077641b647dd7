"""The clients that are compared: what each can do, behind one interface.

All run in the environment of the benchmark, with the same libraries. The others are imported by name: the project's own
environment, where types are checked, does not have them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module
from operator import attrgetter, itemgetter
from types import GenericAlias
from typing import Any
from uuid import UUID

DEFINITION_ID = UUID("6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10")
TOKEN = "nobody-checks-this"


@dataclass(frozen=True)
class Implementation:
    """A client; None stands for what it cannot do.

    Attributes:
        decode: Decodes the bytes of a body to a page.
        connect: Opens a client for a base URL; yields a function that reads a page by limit and offset.
        connect_async: Like `connect`, with asyncio.
        items: Returns the runs of a page.
    """

    decode: Callable[[bytes], Any] | None = None
    connect: Callable[[str], Any] | None = None
    connect_async: Callable[[str], Any] | None = None
    items: Callable[[Any], list[Any]] = attrgetter("items")


# The imports for a first call, measured in a new interpreter.
IMPORTS = {
    "ours": "from ks_workflow_runs.api.workflow_definitions import list_workflow_runs",
    "stock": "from stock_client import AuthenticatedClient; "
    "from stock_client.api.workflow_definitions import list_workflow_runs",
    # Its __init__ is lazy: the first call imports this.
    "dcg": "from dcg_client import Client; from dcg_client.resources.workflow_definitions import _sync",
    "ksapi": "from ksapi import ApiClient, Configuration, WorkflowDefinitionsApi; "
    "from ksapi.models.paginated_response_workflow_run_response import PaginatedResponseWorkflowRunResponse",
    "httpx2": "import httpx2, json",
}


def ours() -> Implementation:
    from ks_workflow_runs import AuthenticatedClient
    from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
    from ks_workflow_runs.models import WorkflowRunPage

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with AuthenticatedClient(url, TOKEN) as client:
            yield partial(list_workflow_runs.sync, DEFINITION_ID, client=client)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
        async with AuthenticatedClient(url, TOKEN) as client:
            yield partial(list_workflow_runs.asyncio, DEFINITION_ID, client=client)

    return Implementation(WorkflowRunPage.model_validate_json, connect, connect_async)


def stock() -> Implementation:
    """openapi-python-client with its default templates and models."""
    package = import_module("stock_client")
    operation = import_module("stock_client.api.workflow_definitions.list_workflow_runs")
    model = import_module("stock_client.models").PaginatedResponseWorkflowRunResponse

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.AuthenticatedClient(url, TOKEN) as client:
            yield partial(operation.sync, DEFINITION_ID, client=client)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Any]]:
        async with package.AuthenticatedClient(url, TOKEN) as client:
            yield partial(operation.asyncio, DEFINITION_ID, client=client)

    return Implementation(lambda body: model.from_dict(json.loads(body)), connect, connect_async)


def dcg() -> Implementation:
    """datamodel-code-generator with its experimental client."""
    model = import_module("dcg_models").WorkflowRunPage
    try:
        package = import_module("dcg_client")
    except ImportError:
        return Implementation(model.model_validate_json)

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.Client(base_url=url, bearer_auth=TOKEN) as client:
            yield partial(client.workflow_definitions.list_workflow_runs, definition_id=DEFINITION_ID)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Any]]:
        async with package.AsyncClient(base_url=url, bearer_auth=TOKEN) as client:
            yield partial(client.workflow_definitions.list_workflow_runs, definition_id=DEFINITION_ID)

    return Implementation(model.model_validate_json, connect, connect_async)


def ksapi() -> Implementation:
    """The vendor's SDK, without asyncio."""
    package = import_module("ksapi")
    model = import_module("ksapi.models.paginated_response_workflow_run_response").PaginatedResponseWorkflowRunResponse

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.ApiClient(package.Configuration(host=url)) as client:
            call = package.WorkflowDefinitionsApi(client).list_workflow_runs
            yield partial(call, DEFINITION_ID, authorization=f"Bearer {TOKEN}")

    return Implementation(lambda body: model.from_json(body.decode()), connect)


def httpx2() -> Implementation:
    """No client: httpx2 and json.loads, the baseline."""
    package = import_module("httpx2")
    path = f"/v1/workflow-definitions/{DEFINITION_ID}/runs"
    headers = {"Authorization": f"Bearer {TOKEN}"}

    @contextmanager
    def connect(url: str) -> Iterator[Callable[..., Any]]:
        with package.Client(headers=headers) as client:
            yield lambda **query: json.loads(client.get(url + path, params=query).content)

    @asynccontextmanager
    async def connect_async(url: str) -> AsyncIterator[Callable[..., Any]]:
        async with package.AsyncClient(headers=headers) as client:

            async def call(**query: int) -> Any:
                return json.loads((await client.get(url + path, params=query)).content)

            yield call

    return Implementation(json.loads, connect, connect_async, itemgetter("items"))


def msgspec() -> Implementation:
    """The lower bound for decoding into types: typed fields, in C. The enums are ours."""
    from ks_workflow_runs.models import PartType, WorkflowRunnerType, WorkflowRunStatus

    package = import_module("msgspec")
    path = package.defstruct("Path", [("path_part_id", UUID), ("materialized_path", str), ("part_type", PartType)])
    snapshot = package.defstruct(
        "Snapshot",
        [
            ("workflow_definition_id", UUID),
            ("workflow_name", str),
            ("runner_type", WorkflowRunnerType),
            ("user_id", UUID),
            ("max_run_duration_seconds", int),
            ("sources", GenericAlias(list, path)),
            ("instructions", GenericAlias(list, path)),
            ("outputs", GenericAlias(list, path)),
            ("template", path | None),
        ],
    )
    run = package.defstruct(
        "Run",
        [
            ("id", UUID),
            ("workflow_definition_id", UUID),
            ("user_id", UUID),
            ("runner_type", WorkflowRunnerType),
            ("status", WorkflowRunStatus),
            ("started_at", datetime),
            ("completed_at", datetime | None),
            ("run_snapshot", snapshot),
            ("error", str | None),
            ("created_at", datetime),
            ("updated_at", datetime),
        ],
    )
    page = package.defstruct(
        "Page", [("items", GenericAlias(list, run)), ("total", int), ("limit", int), ("offset", int)]
    )
    return Implementation(package.json.Decoder(page).decode)


IMPLEMENTATIONS = {function.__name__: function for function in (ours, stock, dcg, ksapi, httpx2, msgspec)}
