"""Reads whole lists, page by page, while they change.

What holds: a run that is in the list from the start of the iteration to its end is yielded exactly once, whatever is
added or deleted meanwhile. A run that comes or goes meanwhile may be yielded or not, and never twice. `_walk` says how.

An error does not have to be the end. It says where the iterator stood, and another one goes on from there:

    try:
        for run in iter_workflow_runs(client, definition_id):
            ...
    except ApiError as error:
        rest = iter_workflow_runs(client, definition_id, resume=error.position)
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from . import _inputs
from ._deadline import Deadline
from ._decoding import decode
from ._pages import contradiction
from ._sending import Answer
from ._walk import Page, Position, Wanted, walk
from .api.workflow_definitions import list_workflow_runs
from .api.workflow_definitions.list_workflow_runs import PAGING
from .client import Call, Client
from .errors import ApiError, ConfigurationError
from .models import WorkflowRunPage, WorkflowRunResponse

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

LEAST_PAGE_SIZE = max(2, PAGING.least)
"""One run of a page is overlap with the page before."""

PAGE_SIZE = max(LEAST_PAGE_SIZE, min(100, PAGING.most or 100))
"""How many runs are asked for at once, unless told."""

Progress = Callable[[int, int], object]
"""Called with the number of runs that were read so far and the total of the list, after each page."""


def iter_pages(
    client: Client,
    definition_id: UUID | str,
    *,
    offset: int = 0,
    page_size: int = PAGE_SIZE,
    concurrency: int = 1,
    progress: Progress | None = None,
    resume: Position | None = None,
) -> Generator[Page, None, None]:
    """Iterates over the runs of a definition, a page at a time. To leave it early ends what was asked for already.

    Args:
        client: Where to, and with which credential.
        definition_id: The workflow definition whose runs are read.
        offset: How many runs to leave out at the start.
        page_size: How many runs to ask for at once, at least 2, as one of them is overlap with the page before, and as
            many as the contract allows.
        concurrency: How many pages to ask for at once while the list stands still, from 1 to 64. The order of the
            results and what holds of them stay the same.
        progress: Called after each page.
        resume: Where to go on, as an error of an earlier iterator over the same runs has it (`error.position`), instead
            of at an offset. Runs that were yielded then are not yielded again.

    Yields:
        Pages of runs that were not yielded before, in the order of the list; never an empty one.

    Raises:
        ConfigurationError: At once: an argument cannot be used.
        ListChangedError: The list changes faster than it can be read.
        PageError: A page contradicts what was asked for.
        ApiError: A page could not be read. Its `position` says where to go on.
    """
    reading = _checked(client, definition_id, offset, page_size, concurrency, resume)
    return _pages(reading, progress)


def iter_workflow_runs(
    client: Client,
    definition_id: UUID | str,
    *,
    limit: int | None = None,
    offset: int = 0,
    page_size: int = PAGE_SIZE,
    concurrency: int = 1,
    progress: Progress | None = None,
    resume: Position | None = None,
) -> Generator[WorkflowRunResponse, None, None]:
    """Iterates over the runs of a definition. To leave it early ends what was asked for already.

    Args:
        client: Where to, and with which credential.
        definition_id: The workflow definition whose runs are read.
        limit: How many runs to yield at most; None for all.
        offset: How many runs to leave out at the start.
        page_size: How many runs to ask for at once, at least 2, as one of them is overlap with the page before, and as
            many as the contract allows.
        concurrency: How many pages to ask for at once while the list stands still, from 1 to 64. The order of the
            results and what holds of them stay the same.
        progress: Called after each page.
        resume: Where to go on, as an error of an earlier iterator over the same runs has it (`error.position`), instead
            of at an offset. Runs that were yielded then are not yielded again.

    Yields:
        Every run that is in the list from start to end, exactly once, in the order of the list.

    Raises:
        ConfigurationError: At once: an argument cannot be used.
        ListChangedError: The list changes faster than it can be read.
        PageError: A page contradicts what was asked for.
        ApiError: A page could not be read. Its `position` says where to go on.
    """
    page_size = _small_enough(limit, page_size, resume)
    return _runs(
        limit,
        iter_pages(
            client,
            definition_id,
            offset=offset,
            page_size=page_size,
            concurrency=concurrency,
            progress=progress,
            resume=resume,
        ),
    )


def aiter_pages(
    client: Client,
    definition_id: UUID | str,
    *,
    offset: int = 0,
    page_size: int = PAGE_SIZE,
    concurrency: int = 1,
    progress: Progress | None = None,
    resume: Position | None = None,
) -> AsyncGenerator[Page, None]:
    """As `iter_pages`, under asyncio.

    To leave it early, use `contextlib.aclosing`: it ends at once then, and else when asyncio gets round to it.
    """
    reading = _checked(client, definition_id, offset, page_size, concurrency, resume)
    return _pages_async(reading, progress)


def aiter_workflow_runs(
    client: Client,
    definition_id: UUID | str,
    *,
    limit: int | None = None,
    offset: int = 0,
    page_size: int = PAGE_SIZE,
    concurrency: int = 1,
    progress: Progress | None = None,
    resume: Position | None = None,
) -> AsyncGenerator[WorkflowRunResponse, None]:
    """As `iter_workflow_runs`, under asyncio: `async for run in aiter_workflow_runs(client, definition_id): ...`.

    To leave it early, use `contextlib.aclosing`: it ends at once then, and else when asyncio gets round to it.
    """
    page_size = _small_enough(limit, page_size, resume)
    return _runs_async(
        limit,
        aiter_pages(
            client,
            definition_id,
            offset=offset,
            page_size=page_size,
            concurrency=concurrency,
            progress=progress,
            resume=resume,
        ),
    )


# --- what both kinds of iterators do --------------------------------------------------------------------------------

# How often a page is asked for again at once whose figures do not fit together.
_AGAIN = 3


class _Reading:
    """What is read, and how far it is."""

    def __init__(
        self, client: Client, definition_id: UUID | str, page_size: int, concurrency: int, position: Position
    ) -> None:
        self.client = client
        self.definition_id = definition_id
        self.page_size = page_size
        self.concurrency = concurrency
        self.position = position
        self._again = 0
        self._unlikely: object = None

    def call(self, wanted: Wanted) -> Call:
        return list_workflow_runs.build_call(self.definition_id, limit=wanted.limit, offset=wanted.offset)

    def page(self, wanted: Wanted, answer: Answer) -> WorkflowRunPage | None:
        """Returns the page of an answer; None where it is to be asked for again.

        A server that counts the list in one moment and reads it in another may answer with figures that do not fit
        together while the list changes. It does not do so twice in the same way. What was read is right nevertheless.

        Raises:
            ApiError: It is not what was asked for, or what the contract says.
        """
        page = decode(WorkflowRunPage, answer, strict=self.client.strict)
        error = contradiction(PAGING, self.call(wanted).asked, page, answer)
        if error is None or (error.may_pass and page.items and page.total >= wanted.offset + len(page.items)):
            # A page that is merely short leaves nothing out: it is read on from its end.
            self._again, self._unlikely = 0, None
            return page
        found = (wanted, page.total, [run.id for run in page.items])
        if not error.may_pass or found == self._unlikely:
            raise error
        self._unlikely = found
        self._again = (self._again + 1) % (_AGAIN + 1)
        return None if self._again else page


def _checked(
    client: Client,
    definition_id: UUID | str,
    offset: int,
    page_size: int,
    concurrency: int,
    resume: Position | None,
) -> _Reading:
    page_size = _inputs.integer("page_size", page_size, least=LEAST_PAGE_SIZE, most=PAGING.most)
    concurrency = _inputs.integer("concurrency", concurrency, least=1, most=64)
    path = list_workflow_runs.build_call(definition_id, limit=page_size, offset=offset).path
    if resume is None:
        position = Position.at(path, offset)
    elif not isinstance(resume, Position):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"resume has to be the position of an error, not {type(resume).__name__}")
    elif resume.path != path or offset:
        raise ConfigurationError(f"resume has to be a position in the same list, {path}, and without an offset")
    else:
        position = resume.copy()
    return _Reading(client, definition_id, page_size, concurrency, position)


def _small_enough(limit: int | None, page_size: int, resume: Position | None) -> int:
    """Returns a page size that does not ask for more than is to be yielded."""
    if limit is None:
        return page_size
    limit = _inputs.integer("limit", limit, least=0)
    # One more where it goes on: the first one is known already.
    return min(page_size, max(LEAST_PAGE_SIZE, limit + (resume is not None)))


# --- the iterators --------------------------------------------------------------------------------------------------


def _pages(reading: _Reading, progress: Progress | None) -> Generator[Page, None, None]:
    walker = walk(reading.position, reading.page_size, _ahead(reading.concurrency), LEAST_PAGE_SIZE)
    step = next(walker)
    with contextlib.closing(_Asked(reading)) as asked:
        while True:
            page: WorkflowRunPage | None = None
            try:
                while not isinstance(step, Page) and page is None:
                    page = reading.page(step[0], asked.answer(step))
                if isinstance(step, Page):
                    if progress is not None:
                        progress(step.read, step.total)
                    yield step
                step = walker.send(page)
            except StopIteration:
                return
            except ApiError as error:
                error.position = reading.position
                raise


class _Asked:
    """Pages that were asked for. What is to be asked for one at a time is so in the caller's thread."""

    def __init__(self, reading: _Reading) -> None:
        # Imported where it is used: one page at a time needs no threads.
        from ._workers import Workers

        self._reading = reading
        self._workers: Workers[Answer] = Workers(reading.concurrency, reading.client.retry.total)
        self._asked: dict[Wanted, Future[Answer]] = {}

    def answer(self, step: list[Wanted]) -> Answer:
        """Returns the answer for the first of the pages that are wanted, and asks for the others."""
        if self._reading.concurrency == 1:
            return self._read(step[0])
        for wanted in self._asked.keys() - step:
            self._asked.pop(wanted).cancel()
        for wanted in step:
            if wanted not in self._asked:
                self._asked[wanted] = self._workers.submit(functools.partial(self._read, wanted))
        return self._asked.pop(step[0]).result()

    def _read(self, wanted: Wanted, deadline: Deadline | None = None) -> Answer:
        return self._reading.client.send(self._reading.call(wanted), deadline)

    def close(self) -> None:
        self._workers.close()


async def _pages_async(reading: _Reading, progress: Progress | None) -> AsyncGenerator[Page, None]:
    # Imported here, as in `_sending`.
    import asyncio

    turns = asyncio.Semaphore(reading.concurrency)

    async def read(wanted: Wanted) -> Answer:
        async with turns:
            return await reading.client.send_async(reading.call(wanted))

    walker = walk(reading.position, reading.page_size, _ahead(reading.concurrency), LEAST_PAGE_SIZE)
    step = next(walker)
    asked: dict[Wanted, asyncio.Task[Answer]] = {}
    try:
        while True:
            page: WorkflowRunPage | None = None
            try:
                while not isinstance(step, Page) and page is None:
                    await _cancel([asked.pop(wanted) for wanted in asked.keys() - step])
                    asked |= {wanted: asyncio.create_task(read(wanted)) for wanted in step if wanted not in asked}
                    answer = await asked[step[0]]
                    del asked[step[0]]
                    # Others first: a page that is here already would be decoded while requests wait to be sent.
                    await asyncio.sleep(0)
                    page = reading.page(step[0], answer)
                if isinstance(step, Page):
                    if progress is not None:
                        progress(step.read, step.total)
                    yield step
                step = walker.send(page)
            except StopIteration:
                return
            except ApiError as error:
                error.position = reading.position
                raise
    finally:
        await _cancel(list(asked.values()))


def _ahead(concurrency: int) -> int:
    """Returns how many pages to want at once: more than are asked for, so that no request waits until a page is used.

    They wait as bytes, and each is decoded when its turn comes: as models they would be thousands of objects, for the
    garbage collector to go through again and again.
    """
    return 1 if concurrency == 1 else 2 * concurrency


async def _cancel(tasks: Sequence[asyncio.Task[Answer]]) -> None:
    """Ends tasks whose pages are not wanted any more, and waits until they have."""
    import asyncio

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


__all__ = ("Page", "Position", "Progress", "aiter_pages", "aiter_workflow_runs", "iter_pages", "iter_workflow_runs")
