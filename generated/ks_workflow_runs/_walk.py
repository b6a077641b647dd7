# Copied by `make generate` from overrides/package/_walk.py. Do not edit it here.
"""The rule by which a list is read whole while it changes. No input or output here: the pagers do what it asks for.

Pages by offset repeat or skip rows when the list changes between two of them. The contract promises one thing to build
on: the relative order of two runs never changes. So each page is asked for with one row of overlap, the last one seen:

- It comes first: nothing before it was added or deleted, and what follows it is new.
- It or another row seen before comes later: rows were added in front. What follows it is new as well.
- No row seen before is there: rows in front were deleted, and those that are due have moved to an earlier place.
  Step back, further each time, until one is there, and go on from it.

A run that is in the list from start to end is therefore yielded, whatever happens around it, and no id is yielded
twice.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from uuid import UUID

from .errors import ListChangedError
from .models import WorkflowRunPage, WorkflowRunResponse

# Pages that may bring nothing, or only the news that it has to step back: as many as reading the list three times more
# takes, and so many besides.
_PATIENCE = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """One page to ask for."""

    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a page of the list brought.

    Attributes:
        runs: The runs that were not seen before, in the order of the list.
        read: How many runs were yielded so far, these included.
        total: How many runs the list held at that moment.
    """

    runs: Sequence[WorkflowRunResponse]
    read: int
    total: int


Walk = Generator[list[Wanted] | Page, WorkflowRunPage | None, None]


def walk(offset: int, page_size: int, concurrency: int) -> Walk:
    """Walks the list from an offset to its end.

    Yields lists of pages that it wants, to be answered (by `send`) with the first of them: the others are what it is
    going to want next, as far as can be told, so they may be asked for already. What is not in the next list any more
    is not wanted. Between them it yields what a page brought, to be answered with None.

    Args:
        offset: How many runs to leave out at the start.
        page_size: Runs to ask for at once, at least 2: one of them is overlap.
        concurrency: How many pages to want at once. More than one are wanted only while the list stands still.

    Raises:
        ListChangedError: The list changes faster than it can be read.
    """
    seen: set[UUID] = set()
    # The row in front of the first one due is read too, as something known to go on from.
    due = max(0, offset - 1)
    skip = offset - due
    read = wasted = patience = 0
    back = page_size - 1
    total: int | None = None
    steady = False
    while True:
        page = yield _plan(due, page_size, concurrency if steady else 1, total)
        assert page is not None
        known = [index for index, run in enumerate(page.items) if run.id in seen]
        steady = not seen or known == [0]
        if total is None:
            patience = _PATIENCE + 3 * page.total // (page_size - 1)
        total, end = page.total, due + len(page.items)
        fresh: list[WorkflowRunResponse] = []
        if seen and not known and due > 0:
            due, back = max(0, due - back), back * 2
        else:
            fresh = [run for run in page.items[known[0] if known else 0 :] if run.id not in seen]
            seen.update(run.id for run in fresh)
            news, skip = fresh[skip:], max(0, skip - len(fresh))
            if news:
                read += len(news)
                yield Page(news, read, total)
            if end >= total:
                return
            # A server that gives fewer than asked for is asked for no more than that.
            page_size = max(2, min(page_size, len(page.items)))
            due, back = max(end - 1, 0), page_size - 1
        wasted += not fresh
        if wasted > patience:
            error = ListChangedError(f"the list changes faster than it can be read; {read} runs were read")
            error.seen = read
            raise error


def _plan(due: int, page_size: int, concurrency: int, total: int | None) -> list[Wanted]:
    """Returns pages that follow each other with one row of overlap, as far as the list is known to reach."""
    wanted = [Wanted(due + index * (page_size - 1), page_size) for index in range(concurrency)]
    return wanted[:1] + [page for page in wanted[1:] if total is not None and page.offset < total - 1]
