"""Reads whole lists, page by page, while they change.

What holds: a run that is in the list from the start of the iteration to its end is yielded exactly once, whatever is
added or deleted meanwhile. A run that comes or goes meanwhile may be yielded or not, and never twice. `_walk` says how.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from . import _inputs
from ._decoding import decode
from ._sending import Answer
from ._walk import Page, Wanted, walk
from .api.workflow_definitions import list_workflow_runs
from .client import Call, Client
from .models import WorkflowRunPage, WorkflowRunResponse

Progress = Callable[[int, int], object]
"""Called with the number of runs that were read so far and the total of the list, after each page."""


def iter_pages(
    client: Client,
    definition_id: UUID | str,
    *,
    offset: int = 0,
    page_size: int = 100,
    concurrency: int = 1,
    progress: Progress | None = None,
) -> Generator[Page, None, None]:
    """Iterates over the runs of a definition, a page at a time. To leave it early waits for pages that were asked for.

    Args:
        client: Where to, and with which credential.
        definition_id: The workflow definition whose runs are read.
        offset: How many runs to leave out at the start.
        page_size: How many runs to ask for at once, from 2 to 100; one of them is overlap with the page before.
        concurrency: How many pages to ask for at once while the list stands still, from 1 to 64. The order of the
            results and what holds of them stay the same.
        progress: Called after each page.

    Yields:
        Pages of runs that were not yielded before, in the order of the list; never an empty one.

    Raises:
        ConfigurationError: At once: an argument cannot be used.
        ListChangedError: The list changes faster than it can be read.
        ApiError: A page could not be read.
    """
    return _pages(client, str(definition_id), *_checked(definition_id, offset, page_size, concurrency), progress)


def iter_workflow_runs(
    client: Client,
    definition_id: UUID | str,
    *,
    limit: int | None = None,
    offset: int = 0,
    page_size: int = 100,
    concurrency: int = 1,
    progress: Progress | None = None,
) -> Generator[WorkflowRunResponse, None, None]:
    """Iterates over the runs of a definition. To leave it early waits for pages that were asked for.

    Args:
        client: Where to, and with which credential.
        definition_id: The workflow definition whose runs are read.
        limit: How many runs to yield at most; None for all.
        offset: How many runs to leave out at the start.
        page_size: How many runs to ask for at once, from 2 to 100; one of them is overlap with the page before.
        concurrency: How many pages to ask for at once while the list stands still, from 1 to 64. The order of the
            results and what holds of them stay the same.
        progress: Called after each page.

    Yields:
        Every run that is in the list from start to end, exactly once, in the order of the list.

    Raises:
        ConfigurationError: At once: an argument cannot be used.
        ListChangedError: The list changes faster than it can be read.
        ApiError: A page could not be read.
    """
    page_size = _small_enough(limit, page_size)
    return _runs(
        limit,
        iter_pages(
            client, definition_id, offset=offset, page_size=page_size, concurrency=concurrency, progress=progress
        ),
    )


def aiter_pages(
    client: Client,
    definition_id: UUID | str,
    *,
    offset: int = 0,
    page_size: int = 100,
    concurrency: int = 1,
    progress: Progress | None = None,
) -> AsyncGenerator[Page, None]:
    """As `iter_pages`, under asyncio.

    To leave it early, use `contextlib.aclosing`: it ends at once then, and else when asyncio gets round to it.
    """
    return _pages_async(client, str(definition_id), *_checked(definition_id, offset, page_size, concurrency), progress)


def aiter_workflow_runs(
    client: Client,
    definition_id: UUID | str,
    *,
    limit: int | None = None,
    offset: int = 0,
    page_size: int = 100,
    concurrency: int = 1,
    progress: Progress | None = None,
) -> AsyncGenerator[WorkflowRunResponse, None]:
    """As `iter_workflow_runs`, under asyncio: `async for run in aiter_workflow_runs(client, definition_id): ...`.

    To leave it early, use `contextlib.aclosing`: it ends at once then, and else when asyncio gets round to it.
    """
    page_size = _small_enough(limit, page_size)
    return _runs_async(
        limit,
        aiter_pages(
            client, definition_id, offset=offset, page_size=page_size, concurrency=concurrency, progress=progress
        ),
    )


def _checked(definition_id: UUID | str, offset: int, page_size: int, concurrency: int) -> tuple[int, int, int]:
    list_workflow_runs.build_call(definition_id, offset=offset)
    return (
        offset,
        _inputs.integer("page_size", page_size, least=2, most=100),
        _inputs.integer("concurrency", concurrency, least=1, most=64),
    )


def _small_enough(limit: int | None, page_size: int) -> int:
    """Returns a page size that does not ask for more than is to be yielded."""
    if limit is None:
        return page_size
    return min(page_size, max(2, _inputs.integer("limit", limit, least=0)))


def _pages(
    client: Client, definition_id: str, offset: int, page_size: int, concurrency: int, progress: Progress | None
) -> Generator[Page, None, None]:
    def read(wanted: Wanted) -> Answer:
        return client.send(_call(definition_id, wanted))

    walker = walk(offset, page_size, _ahead(concurrency))
    step = next(walker)
    asked: dict[Wanted, Future[Answer]] = {}
    with ThreadPoolExecutor(concurrency, thread_name_prefix="ks_workflow_runs") as pool:
        try:
            while True:
                page: WorkflowRunPage | None = None
                if isinstance(step, Page):
                    if progress is not None:
                        progress(step.read, step.total)
                    yield step
                else:
                    for wanted in asked.keys() - step:
                        asked.pop(wanted).cancel()
                    asked |= {wanted: pool.submit(read, wanted) for wanted in step if wanted not in asked}
                    page = decode(WorkflowRunPage, asked.pop(step[0]).result(), strict=client.strict)
                try:
                    step = walker.send(page)
                except StopIteration:
                    return
        finally:
            for future in asked.values():
                future.cancel()


async def _pages_async(
    client: Client, definition_id: str, offset: int, page_size: int, concurrency: int, progress: Progress | None
) -> AsyncGenerator[Page, None]:
    turns = asyncio.Semaphore(concurrency)

    async def read(wanted: Wanted) -> Answer:
        async with turns:
            return await client.send_async(_call(definition_id, wanted))

    walker = walk(offset, page_size, _ahead(concurrency))
    step = next(walker)
    asked: dict[Wanted, asyncio.Task[Answer]] = {}
    try:
        while True:
            page: WorkflowRunPage | None = None
            if isinstance(step, Page):
                if progress is not None:
                    progress(step.read, step.total)
                yield step
            else:
                await _cancel([asked.pop(wanted) for wanted in asked.keys() - step])
                asked |= {wanted: asyncio.create_task(read(wanted)) for wanted in step if wanted not in asked}
                answer = await asked[step[0]]
                del asked[step[0]]
                # Others first: a page that is here already would be decoded while requests wait to be sent.
                await asyncio.sleep(0)
                page = decode(WorkflowRunPage, answer, strict=client.strict)
            try:
                step = walker.send(page)
            except StopIteration:
                return
    finally:
        await _cancel(list(asked.values()))


def _call(definition_id: str, wanted: Wanted) -> Call:
    return list_workflow_runs.build_call(definition_id, limit=wanted.limit, offset=wanted.offset)


def _ahead(concurrency: int) -> int:
    """Returns how many pages to want at once: more than are asked for, so that no request waits until a page is used.

    They wait as bytes, and each is decoded when its turn comes: as models they would be thousands of objects, for the
    garbage collector to go through again and again.
    """
    return 1 if concurrency == 1 else 2 * concurrency


async def _cancel(tasks: Sequence[asyncio.Task[Answer]]) -> None:
    """Ends tasks whose pages are not wanted any more, and waits until they have."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _runs(limit: int | None, pages: Generator[Page, None, None]) -> Generator[WorkflowRunResponse, None, None]:
    left = limit
    if left == 0:
        return
    with contextlib.closing(pages):
        for page in pages:
            yield from page.runs[:left]
            if left is not None:
                left -= len(page.runs)
                if left <= 0:
                    return


async def _runs_async(
    limit: int | None, pages: AsyncGenerator[Page, None]
) -> AsyncGenerator[WorkflowRunResponse, None]:
    left = limit
    if left == 0:
        return
    async with contextlib.aclosing(pages):
        async for page in pages:
            for run in page.runs[:left]:
                yield run
            if left is not None:
                left -= len(page.runs)
                if left <= 0:
                    return


__all__ = ("Page", "Progress", "aiter_pages", "aiter_workflow_runs", "iter_pages", "iter_workflow_runs")
