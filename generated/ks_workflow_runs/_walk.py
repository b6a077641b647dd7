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
from dataclasses import dataclass, field, replace
from uuid import UUID

from .errors import ListChangedError
from .models import WorkflowRunPage, WorkflowRunResponse

# Pages that may bring nothing, or only the news that it has to step back: as many as it takes to read three times more
# what was read already, and so many besides. What a server says that there is cannot make it more.
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


@dataclass(slots=True)
class Position:
    """Where an iterator stands: give it to another one as `resume` to go on from there. It can be pickled.

    Attributes:
        path: The list: what was asked for, below the base URL.
        read: How many runs were yielded so far.
    """

    path: str
    read: int = 0
    # The first row to ask for next, how many new rows to leave out, and the ids that were seen.
    due: int = field(default=0, repr=False)
    skip: int = field(default=0, repr=False)
    seen: set[UUID] = field(default_factory=set[UUID], repr=False)

    @classmethod
    def at(cls, path: str, offset: int) -> Position:
        """Returns where an iterator starts that leaves out so many runs."""
        # The row in front of the first one due is read too, as something known to go on from.
        due = max(0, offset - 1)
        return cls(path, due=due, skip=offset - due)

    def copy(self) -> Position:
        return replace(self, seen=set(self.seen))


Walk = Generator[list[Wanted] | Page, WorkflowRunPage | None, None]


def walk(position: Position, page_size: int, concurrency: int, least: int = 2) -> Walk:
    """Walks the list from a position to its end.

    Yields lists of pages that it wants, to be answered (by `send`) with the first of them: the others are what it is
    going to want next, as far as can be told, so they may be asked for already. What is not in the next list any more
    is not wanted. Between them it yields what a page brought, to be answered with None.

    Args:
        position: Where to start. It is moved along: all that was yielded is behind it.
        page_size: Runs to ask for at once, at least 2: one of them is overlap.
        concurrency: How many pages to want at once. More than one are wanted only while the list stands still.
        least: The least number of runs that may be asked for at once.

    Raises:
        ListChangedError: The list changes faster than it can be read.
    """
    seen = position.seen
    wasted, start = 0, position.read
    back = page_size - 1
    first: int | None = None
    total: int | None = None
    steady = False
    while True:
        due = position.due
        page = yield _plan(due, page_size, concurrency if steady else 1, total)
        assert page is not None
        known = [index for index, run in enumerate(page.items) if run.id in seen]
        steady = not seen or known == [0]
        total, end = page.total, due + len(page.items)
        first = total if first is None else first
        fresh: list[WorkflowRunResponse] = []
        if seen and not known and due > 0:
            position.due, back = max(0, due - back), back * 2
        else:
            fresh = [run for run in page.items[known[0] if known else 0 :] if run.id not in seen]
            seen.update(run.id for run in fresh)
            news = fresh[position.skip :]
            position.skip = max(0, position.skip - len(fresh))
            # A server that counts the list before it reads it may count fewer than there are: only a page that is not
            # full is known to be the last.
            is_last = end >= total and len(page.items) < page_size
            position.due, back = max(end - 1, 0), page_size - 1
            if news:
                position.read += len(news)
                yield Page(news, position.read, total)
            if is_last:
                return
            # A server that gives fewer than asked for is asked for no more than that.
            page_size = max(2, least, min(page_size, len(page.items)))
            back = page_size - 1
        wasted += not fresh
        if wasted > _PATIENCE + 3 * min(first, position.read - start) // (page_size - 1):
            error = ListChangedError(f"the list changes faster than it can be read; {position.read} runs were read")
            error.seen = position.read
            raise error


def _plan(due: int, page_size: int, concurrency: int, total: int | None) -> list[Wanted]:
    """Returns pages that follow each other with one row of overlap, as far as the list is known to reach."""
    wanted = [Wanted(due + index * (page_size - 1), page_size) for index in range(concurrency)]
    return wanted[:1] + [page for page in wanted[1:] if total is not None and page.offset < total - 1]
