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

# How often a page is asked for again at once whose figures do not fit together.
_MAX_REFETCHES = 3

# Seconds between two looks whether a page is there, or the program was interrupted.
_POLL_INTERVAL = 0.5

# Characters of a cursor: with more, an address is longer than servers take.
_MAX_CURSOR_LENGTH = 4096


class ListReader:
    """What is read, and how far it is.

    Args:
        client: Where to, and with which credential.
        paging: How the operation pages.
        model: What its answers are read as.
        call: Returns the request for a page. Its parameters are checked at once.
        page_size: How many items to ask for at once.
        concurrency: How many pages to ask for at once.
        offset: How many items to leave out.
        resume: Where to go on.

    Raises:
        ConfigurationError: An argument cannot be used.
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
        self._last_contradiction: object = None

    def traverse(self) -> Traversal:
        """Returns the rule by which the list is read."""
        if self.paging.cursor:
            return traverse_by_cursor(self.position, self.page_size)
        # More are wanted than are asked for at once, so that no request waits until a page is used. They wait as bytes,
        # and each is decoded when its turn comes: as models they would be thousands of objects, for the garbage
        # collector to go through again and again.
        ahead = 1 if self.concurrency == 1 else 2 * self.concurrency
        return traverse_by_offset(self.position, self.page_size, ahead, self.min_page_size)

    def content(self, wanted: PageRequest, answer: Answer) -> PageContent | None:
        """Returns what the page of an answer holds; None where it is to be asked for again.

        A server that counts the list in one moment and reads it in another may answer with figures that do not fit
        together while the list changes. It does not do so twice in the same way. What was read is right nevertheless.

        Raises:
            ApiError: It is not what was asked for, or what the contract says.
        """
        page = decode(self._model, answer, strict=self.client.strict)
        error = page_error(self.paging, self.call(wanted).asked, page, answer)
        items, total = self.paging.items_of(page), self.paging.total_of(page)
        content = PageContent(items, self.paging.keys_of(items), total, self._next_cursor(wanted, page, answer))
        if error is None or (error.may_pass and items and total is not None and total >= wanted.offset + len(items)):
            # A page that is merely short leaves nothing out: it is read on from its end.
            self._refetches, self._last_contradiction = 0, None
            return content
        found = (wanted, total, content.keys)
        if not error.may_pass or found == self._last_contradiction:
            raise error
        self._last_contradiction = found
        self._refetches = (self._refetches + 1) % (_MAX_REFETCHES + 1)
        return None if self._refetches else content

    def _next_cursor(self, wanted: PageRequest, page: Any, answer: Answer) -> str | None:
        """Returns where the next page begins. A cursor that was there before would lead round in a circle."""
        if not self.paging.cursor:
            return None
        cursor: str | None = field_getter(self.paging.next_cursor)(page)
        if cursor is None:
            return None
        fault = ""
        if len(cursor) > _MAX_CURSOR_LENGTH:
            fault = f"must have at most {_MAX_CURSOR_LENGTH} characters (got {len(cursor)})"
        elif cursor == wanted.cursor or cursor in self.position.seen_cursors:
            fault = "must be one that was not there before: pages would come again and again"
        else:
            try:
                self.call(PageRequest(0, wanted.limit, cursor))
            except ConfigurationError as error:
                fault = f"must be one that can be asked for: {error}"
        if fault:
            raise PageError.of_faults(answer.as_response(), [(self.paging.next_cursor, fault)])
        return cursor


def min_page_size(paging: Paging) -> int:
    """Returns how many items have to be asked for at once, at least."""
    # With offsets, one item of a page is overlap with the page before.
    return max(1 if paging.cursor else 2, paging.least)


def _position(paging: Paging, call: Call, offset: int, resume: Position | None) -> Position:
    # What else was asked for makes another list.
    where = {paging.limit, paging.offset, paging.cursor}
    rest = [(name, value) for name, value in call.params if name not in where]
    path = f"{call.path}?{urlencode(rest)}" if rest else call.path
    offset = _inputs.integer("offset", offset, least=0)
    if resume is None:
        return Position.at(path, offset)
    if not isinstance(resume, Position):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"resume has to be the position of an error, not {type(resume).__name__}")
    if resume.path != path or offset:
        raise ConfigurationError(f"resume has to be a position in the same list, {path}, and without an offset")
    return resume.copy()


def capped_page_size(paging: Paging, limit: int | None, page_size: int, resume: Position | None) -> int:
    """Returns a page size that does not ask for more than is to be yielded.

    Raises:
        ConfigurationError: The limit cannot be used.
    """
    if limit is None:
        return page_size
    limit = _inputs.integer("limit", limit, least=0)
    # One more where it goes on: the first one is known already.
    return min(page_size, max(min_page_size(paging), limit + (resume is not None)))


# --- the iterators --------------------------------------------------------------------------------------------------


def pages(
    reader: ListReader, make: Callable[[Sequence[Any], int, Any], PageT], progress: Callable[[int, Any], object] | None
) -> Generator[PageT, None, None]:
    """Iterates over the pages of a list.

    Args:
        reader: What is read.
        make: Makes what is yielded, of what `Page` has.
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
    """Pages that were asked for. What is to be asked for one at a time is so in the caller's thread."""

    def __init__(self, reader: ListReader) -> None:
        # Imported where it is used: one page at a time needs no threads.
        from ._workers import Workers

        self._reading = reader
        client = reader.client
        self._workers: Workers[Answer] = Workers(reader.concurrency, client.retry.total, client.clock)
        self._pending: dict[PageRequest, Future[Answer]] = {}

    def answer(self, step: list[PageRequest]) -> Answer:
        """Returns the answer for the first of the pages that are wanted, and asks for the others."""
        if self._reading.concurrency == 1:
            return self._read(step[0])
        for wanted in self._pending.keys() - step:
            self._pending.pop(wanted).cancel()
        for wanted in step:
            if wanted not in self._pending:
                self._pending[wanted] = self._workers.submit(functools.partial(self._read, wanted))
        future = self._pending.pop(step[0])
        while True:
            # An interrupt that comes just before a wait begins does not end it: so none is long.
            with contextlib.suppress(TimeoutError):
                return future.result(_POLL_INTERVAL)
            if future.done():
                return future.result()

    def _read(self, wanted: PageRequest, deadline: Deadline | None = None) -> Answer:
        return self._reading.client.send(self._reading.call(wanted), deadline)

    def close(self) -> None:
        self._workers.close()


async def pages_async(
    reader: ListReader, make: Callable[[Sequence[Any], int, Any], PageT], progress: Callable[[int, Any], object] | None
) -> AsyncGenerator[PageT, None]:
    """As `pages`, under asyncio."""
    # Imported here, as in `_sending`.
    import asyncio

    turns = asyncio.Semaphore(reader.concurrency)

    async def read(wanted: PageRequest) -> Answer:
        async with turns:
            return await reader.client.send_async(reader.call(wanted))

    traversal = reader.traverse()
    step = next(traversal)
    pending: dict[PageRequest, asyncio.Task[Answer]] = {}
    try:
        while True:
            content: PageContent | None = None
            try:
                while not isinstance(step, Page) and content is None:
                    await _cancel([pending.pop(wanted) for wanted in pending.keys() - step])
                    pending |= {wanted: asyncio.create_task(read(wanted)) for wanted in step if wanted not in pending}
                    answer = await pending[step[0]]
                    del pending[step[0]]
                    # Others first: a page that is here already would be decoded while requests wait to be sent.
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
    """Ends tasks whose pages are not wanted any more, and waits until they have."""
    import asyncio

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def items(limit: int | None, pages: Generator[Page[ItemT, Any], None, None]) -> Generator[ItemT, None, None]:
    """Iterates over the items of pages, so many of them at most."""
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
    """As `items`, under asyncio."""
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
