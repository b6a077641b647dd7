# Copied by `make generate` from overrides/package/_pagers.py. Do not edit it here.
"""The I/O of the pagers: sends the requests that a traversal needs, checks the pages, and yields new items.

`_traversal` has the algorithm, `_page_checks` the checks of a page, `pagination` the public pagers.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import pydantic

from . import _inputs
from ._deadline import Deadline
from ._decoding import decode
from ._page_checks import Paging, field_getter, page_error
from ._sending import Answer
from ._traversal import Page, PageContent, PageRequest, Position, Traversal, traverse_by_cursor, traverse_by_offset
from .client import Call, Client
from .errors import ApiError, ConfigurationError, PageError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

ItemT = TypeVar("ItemT")
PageT = TypeVar("PageT", bound=Page[Any, Any])

# How often a page is requested again at once because its total does not match its items.
_MAX_REFETCHES = 3

# Seconds between checks for a result or an interrupt.
_POLL_INTERVAL = 0.5

# Characters. Servers refuse addresses with a longer cursor.
_MAX_CURSOR_LENGTH = 4096


class ListReader:
    """Reads one list for an iterator.

    Args:
        client: The client.
        paging: How the operation pages.
        model: The model of a page.
        call: Returns the request for a page. Checks its parameters at once.
        page_size: Items per page.
        concurrency: Concurrent requests.
        offset: Items to skip.
        resume: The position to continue from.

    Raises:
        ConfigurationError: An argument is invalid.
    """

    def __init__(
        self,
        client: Client,
        paging: Paging,
        model: type[pydantic.BaseModel],
        call: Callable[[PageRequest], Call],
        *,
        page_size: int,
        concurrency: int = 1,
        offset: int = 0,
        resume: Position | None = None,
    ) -> None:
        self.client = client
        self.paging = paging
        self.call = call
        self.min_page_size = min_page_size(paging)
        self.page_size = _inputs.integer("page_size", page_size, least=self.min_page_size, most=paging.most)
        self.concurrency = _inputs.integer("concurrency", concurrency, least=1, most=64)
        self.position = _position(paging, call(PageRequest(offset, page_size)), offset, resume)
        self._model = model
        self._refetches = 0
        self._last_inconsistent: object = None

    def traverse(self) -> Traversal:
        """Return the traversal of the list."""
        if self.paging.cursor:
            return traverse_by_cursor(self.position, self.page_size)
        # Request more pages than are sent concurrently, so that no request waits for a page to be consumed. They wait
        # as bytes, and each is decoded when its turn comes: as models, they would be thousands of objects for the
        # garbage collector to traverse again and again.
        ahead = 1 if self.concurrency == 1 else 2 * self.concurrency
        return traverse_by_offset(self.position, self.page_size, ahead, self.min_page_size)

    def content(self, request: PageRequest, answer: Answer) -> PageContent | None:
        """Return the content of a page; None if the page must be requested again.

        COUNT and SELECT of a server may not be atomic, so that the total of a page does not match its items while the
        list changes. If the same page comes again, it is an error. The items are valid in any case.

        Raises:
            ApiError: The page does not match the request or the contract.
        """
        page = decode(self._model, answer, strict=self.client.strict)
        error = page_error(self.paging, self.call(request).asked, page, answer)
        items, total = self.paging.items_of(page), self.paging.total_of(page)
        content = PageContent(items, self.paging.keys_of(items), total, self._next_cursor(request, page, answer))
        if error is None or (error.may_pass and items and total is not None and total >= request.offset + len(items)):
            # A page with too few items is no problem: the next one starts after its last item.
            self._refetches, self._last_inconsistent = 0, None
            return content
        found = (request, total, content.keys)
        if not error.may_pass or found == self._last_inconsistent:
            raise error
        self._last_inconsistent = found
        self._refetches = (self._refetches + 1) % (_MAX_REFETCHES + 1)
        return None if self._refetches else content

    def _next_cursor(self, request: PageRequest, page: Any, answer: Answer) -> str | None:
        """Return the cursor of the next page. A cursor that repeats would be an endless loop."""
        if not self.paging.cursor:
            return None
        cursor: str | None = field_getter(self.paging.next_cursor)(page)
        if cursor is None:
            return None
        fault = ""
        if len(cursor) > _MAX_CURSOR_LENGTH:
            fault = f"must have at most {_MAX_CURSOR_LENGTH} characters (got {len(cursor)})"
        elif cursor == request.cursor or cursor in self.position.seen_cursors:
            fault = "must be a new one: pages would repeat for ever"
        else:
            try:
                self.call(PageRequest(0, request.limit, cursor))
            except ConfigurationError as error:
                fault = f"must be a valid parameter: {error}"
        if fault:
            raise PageError.of_faults(answer.as_response(), [(self.paging.next_cursor, fault)])
        return cursor


def min_page_size(paging: Paging) -> int:
    """Return the minimum page size."""
    # By offset, one item overlaps with the page before.
    return max(1 if paging.cursor else 2, paging.least)


def _position(paging: Paging, call: Call, offset: int, resume: Position | None) -> Position:
    # All other parameters identify the list.
    where = {paging.limit, paging.offset, paging.cursor}
    rest = [(name, value) for name, value in call.params if name not in where]
    path = f"{call.path}?{urlencode(rest)}" if rest else call.path
    offset = _inputs.integer("offset", offset, least=0)
    if resume is None:
        return Position.at(path, offset)
    if not isinstance(resume, Position):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"'resume' must be the position of an error (got {type(resume).__name__})")
    if resume.path != path or offset:
        raise ConfigurationError(f"'resume' must be a position in the same list, {path}, and be given without 'offset'")
    return resume.copy()


def capped_page_size(paging: Paging, limit: int | None, page_size: int, resume: Position | None) -> int:
    """Return the page size, reduced to the number of items to yield.

    Raises:
        ConfigurationError: The limit is invalid.
    """
    if limit is None:
        return page_size
    limit = _inputs.integer("limit", limit, least=0)
    # One more after a resume: the overlap is known already.
    return min(page_size, max(min_page_size(paging), limit + (resume is not None)))


# --- the iterators --------------------------------------------------------------------------------------------------


def pages(
    reader: ListReader, make: Callable[[Sequence[Any], int, Any], PageT], progress: Callable[[int, Any], object] | None
) -> Generator[PageT, None, None]:
    """Iterate over the pages of a list.

    Args:
        reader: Reads the list.
        make: Makes the page to yield from the arguments of `Page`.
        progress: Called after each page.
    """
    traversal = reader.traverse()
    step = next(traversal)
    with contextlib.closing(_PageFetcher(reader)) as fetcher:
        while True:
            content: PageContent | None = None
            try:
                while not isinstance(step, Page) and content is None:
                    content = reader.content(step[0], fetcher.answer(step))
                if isinstance(step, Page):
                    if progress is not None:
                        progress(step.read, step.total)
                    yield make(step.items, step.read, step.total)
                step = traversal.send(content)
            except StopIteration:
                return
            except ApiError as error:
                error.position = reader.position
                raise


class _PageFetcher:
    """Requests pages ahead, in threads. With a concurrency of 1, in the thread of the caller."""

    def __init__(self, reader: ListReader) -> None:
        # Imported late: only concurrent requests need threads.
        from ._workers import Workers

        self._reader = reader
        client = reader.client
        self._workers: Workers[Answer] = Workers(reader.concurrency, client.retry.total, client.clock)
        self._pending: dict[PageRequest, Future[Answer]] = {}

    def answer(self, step: list[PageRequest]) -> Answer:
        """Return the answer to the first request, and send the others ahead."""
        if self._reader.concurrency == 1:
            return self._read(step[0])
        for request in self._pending.keys() - step:
            self._pending.pop(request).cancel()
        for request in step:
            if request not in self._pending:
                self._pending[request] = self._workers.submit(functools.partial(self._read, request))
        future = self._pending.pop(step[0])
        while True:
            # An interrupt just before a wait does not end it, so waits are short.
            with contextlib.suppress(TimeoutError):
                return future.result(_POLL_INTERVAL)
            if future.done():
                return future.result()

    def _read(self, request: PageRequest, deadline: Deadline | None = None) -> Answer:
        return self._reader.client.send(self._reader.call(request), deadline)

    def close(self) -> None:
        self._workers.close()


async def pages_async(
    reader: ListReader, make: Callable[[Sequence[Any], int, Any], PageT], progress: Callable[[int, Any], object] | None
) -> AsyncGenerator[PageT, None]:
    """Like `pages`, for asyncio."""
    # Imported late, as in `_sending`.
    import asyncio

    slots = asyncio.Semaphore(reader.concurrency)

    async def read(request: PageRequest) -> Answer:
        async with slots:
            return await reader.client.send_async(reader.call(request))

    traversal = reader.traverse()
    step = next(traversal)
    pending: dict[PageRequest, asyncio.Task[Answer]] = {}
    try:
        while True:
            content: PageContent | None = None
            try:
                while not isinstance(step, Page) and content is None:
                    await _cancel([pending.pop(request) for request in pending.keys() - step])
                    pending |= {
                        request: asyncio.create_task(read(request)) for request in step if request not in pending
                    }
                    answer = await pending[step[0]]
                    del pending[step[0]]
                    # Send other requests first: decoding a page that has arrived would delay them.
                    await asyncio.sleep(0)
                    content = reader.content(step[0], answer)
                if isinstance(step, Page):
                    if progress is not None:
                        progress(step.read, step.total)
                    yield make(step.items, step.read, step.total)
                step = traversal.send(content)
            except StopIteration:
                return
            except ApiError as error:
                error.position = reader.position
                raise
    finally:
        await _cancel(list(pending.values()))


async def _cancel(tasks: Sequence[asyncio.Task[Answer]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    import asyncio

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def items(limit: int | None, pages: Generator[Page[ItemT, Any], None, None]) -> Generator[ItemT, None, None]:
    """Iterate over the items of pages, up to a limit."""
    left = limit
    if left == 0:
        return
    with contextlib.closing(pages):
        for page in pages:
            yield from page.items[:left]
            if left is not None:
                left -= len(page.items)
                if left <= 0:
                    return


async def items_async(limit: int | None, pages: AsyncGenerator[Page[ItemT, Any], None]) -> AsyncGenerator[ItemT, None]:
    """Like `items`, for asyncio."""
    left = limit
    if left == 0:
        return
    async with contextlib.aclosing(pages):
        async for page in pages:
            for item in page.items[:left]:
                yield item
            if left is not None:
                left -= len(page.items)
                if left <= 0:
                    return
