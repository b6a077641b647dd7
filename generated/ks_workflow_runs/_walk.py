# Copied by `make generate` from overrides/package/_walk.py. Do not edit it here.
"""The rules by which a list is read whole while it changes. No input or output here: the pagers do what they ask for.

Pages by offset repeat or skip rows when the list changes between two of them. The contract promises one thing to build
on: the relative order of two items never changes. So each page is asked for with one row of overlap, the last one seen:

- It comes first: nothing before it was added or deleted, and what follows it is new.
- It or another row seen before comes later: rows were added in front. What follows it is new as well.
- No row seen before is there: rows in front were deleted, and those that are due have moved to an earlier place.
  Step back, further each time, until one is there, and go on from it.

An item that is in the list from start to end is therefore yielded, whatever happens around it, and no key is yielded
twice.

Pages by cursor begin where the one before said, and the server keeps that place. What comes twice is yielded once.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

from .errors import ListChangedError

ItemT = TypeVar("ItemT")
TotalT = TypeVar("TotalT")

# Pages that may bring nothing, or only the news that it has to step back: as many as it takes to read three times more
# what was read already, and so many besides. What a server says that there is cannot make it more.
_PATIENCE = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """One page to ask for: where it begins, as the list has it, and how many items it may hold."""

    offset: int
    limit: int
    cursor: str | None = None


class Rows(NamedTuple):
    """What a page holds.

    Attributes:
        items: Its items.
        keys: What tells each from all others.
        total: How many items the list holds; None where it does not say.
        next_cursor: Where the next page begins; None where there is none, or the list has no cursors.
    """

    items: Sequence[Any]
    keys: Sequence[Hashable]
    total: int | None = None
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT, TotalT]):
    """What a page of the list brought.

    Attributes:
        items: The items that were not seen before, in the order of the list.
        read: How many items were yielded so far, these included.
        total: How many items the list held at that moment; None where it does not say.
    """

    items: Sequence[ItemT]
    read: int
    total: TotalT


@dataclass(slots=True)
class Position:
    """Where an iterator stands: give it to another one as `resume` to go on from there. It can be pickled.

    Attributes:
        path: The list: what was asked for, below the base URL.
        read: How many items were yielded so far.
    """

    path: str
    read: int = 0
    # The first row to ask for next, how many new rows to leave out, and the keys that were seen.
    due: int = field(default=0, repr=False)
    skip: int = field(default=0, repr=False)
    seen: set[Hashable] = field(default_factory=set[Hashable], repr=False)
    # Where the next page begins, in a list that has cursors, and those that pages began at.
    cursor: str | None = field(default=None, repr=False)
    cursors: set[str] = field(default_factory=set[str], repr=False)

    @classmethod
    def at(cls, path: str, offset: int) -> Position:
        """Returns where an iterator starts that leaves out so many items."""
        # The row in front of the first one due is read too, as something known to go on from.
        due = max(0, offset - 1)
        return cls(path, due=due, skip=offset - due)

    def copy(self) -> Position:
        return replace(self, seen=set(self.seen), cursors=set(self.cursors))


Walk = Generator[list[Wanted] | Page[Any, int | None], Rows | None, None]


def walk(position: Position, page_size: int, concurrency: int, least: int = 2) -> Walk:
    """Walks a list with offsets from a position to its end.

    Yields lists of pages that it wants, to be answered (by `send`) with the first of them: the others are what it is
    going to want next, as far as can be told, so they may be asked for already. What is not in the next list any more
    is not wanted. Between them it yields what a page brought, to be answered with None.

    Args:
        position: Where to start. It is moved along: all that was yielded is behind it.
        page_size: Items to ask for at once, at least 2: one of them is overlap.
        concurrency: How many pages to want at once. More than one are wanted only while the list stands still.
        least: The least number of items that may be asked for at once.

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
        assert page is not None and page.total is not None
        items, keys, total = page.items, page.keys, page.total
        known = [index for index, key in enumerate(keys) if key in seen]
        steady = not seen or known == [0]
        end = due + len(items)
        first = total if first is None else first
        fresh: list[int] = []
        if seen and not known and due > 0:
            position.due, back = max(0, due - back), back * 2
        else:
            fresh = _unseen(keys, seen, known[0] if known else 0)
            news = [items[index] for index in fresh[position.skip :]]
            position.skip = max(0, position.skip - len(fresh))
            # A server that counts the list before it reads it may count fewer than there are: only a page that is not
            # full is known to be the last.
            is_last = end >= total and len(items) < page_size
            position.due, back = max(end - 1, 0), page_size - 1
            if news:
                position.read += len(news)
                yield Page(news, position.read, total)
            if is_last:
                return
            # A server that gives fewer than asked for is asked for no more than that.
            page_size = max(2, least, min(page_size, len(items)))
            back = page_size - 1
        wasted += not fresh
        if wasted > _PATIENCE + 3 * min(first, position.read - start) // (page_size - 1):
            raise _endless(position, "the list changes faster than it can be read")


def walk_by_cursor(position: Position, page_size: int) -> Walk:
    """Walks a list with cursors from a position to its end, one page at a time. As to what it yields, see `walk`.

    Args:
        position: Where to start. It is moved along: all that was yielded is behind it.
        page_size: Items to ask for at once.

    Raises:
        ListChangedError: Page after page brings nothing that was not read before.
    """
    wasted = 0
    while True:
        page = yield [Wanted(0, page_size, position.cursor)]
        assert page is not None
        fresh = _unseen(page.keys, position.seen)
        if page.next_cursor is not None:
            position.cursor = page.next_cursor
            position.cursors.add(page.next_cursor)
        if fresh:
            position.read += len(fresh)
            yield Page([page.items[index] for index in fresh], position.read, page.total)
        if page.next_cursor is None:
            return
        wasted = 0 if fresh else wasted + 1
        if wasted > _PATIENCE:
            raise _endless(position, f"{wasted} pages in a row brought nothing new")


def _unseen(keys: Sequence[Hashable], seen: set[Hashable], start: int = 0) -> list[int]:
    """Returns the places of the keys that were not seen before, and has them seen."""
    fresh = [index for index in range(start, len(keys)) if keys[index] not in seen]
    seen.update(keys[index] for index in fresh)
    return fresh


def _endless(position: Position, why: str) -> ListChangedError:
    error = ListChangedError(f"{why}; {position.read} items were read")
    error.seen = position.read
    return error


def _plan(due: int, page_size: int, concurrency: int, total: int | None) -> list[Wanted]:
    """Returns pages that follow each other with one row of overlap, as far as the list is known to reach."""
    wanted = [Wanted(due + index * (page_size - 1), page_size) for index in range(concurrency)]
    return wanted[:1] + [page for page in wanted[1:] if total is not None and page.offset < total - 1]
