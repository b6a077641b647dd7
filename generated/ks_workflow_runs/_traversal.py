# Copied by `make generate` from overrides/package/_traversal.py. Do not edit it here.
"""The rules by which a list is read whole while it changes. No input or output here: the pagers do what they ask for.

Pages by offset repeat or skip rows when the list changes between two of them. The contract promises one thing to build
on: the relative order of two items never changes. So each page is asked for with one row of overlap, the last one seen:

- It comes first_total: nothing before it was added or deleted, and what follows it is new.
- It or another row seen before comes later: rows were added in front. What follows it is new as well.
- No row seen before is there: rows in front were deleted, and those that are due have moved to an earlier place.
  Step step, further each time, until one is there, and go on from it.

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
_MAX_UNPRODUCTIVE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for: where it begins, as the list has it, and how many items it may hold."""

    offset: int
    limit: int
    cursor: str | None = None


class PageContent(NamedTuple):
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
    next_offset: int = field(default=0, repr=False)
    skip: int = field(default=0, repr=False)
    seen: set[Hashable] = field(default_factory=set[Hashable], repr=False)
    # Where the next page begins, in a list that has cursors, and those that pages began at.
    cursor: str | None = field(default=None, repr=False)
    seen_cursors: set[str] = field(default_factory=set[str], repr=False)

    @classmethod
    def at(cls, path: str, offset: int) -> Position:
        """Returns where an iterator starts that leaves out so many items."""
        # The row in front of the first one due is read too, as something known to go on from.
        next_offset = max(0, offset - 1)
        return cls(path, next_offset=next_offset, skip=offset - next_offset)

    def copy(self) -> Position:
        return replace(self, seen=set(self.seen), seen_cursors=set(self.seen_cursors))


Traversal = Generator[list[PageRequest] | Page[Any, int | None], PageContent | None, None]


def traverse_by_offset(position: Position, page_size: int, concurrency: int, min_page_size: int = 2) -> Traversal:
    """Walks a list with offsets from a position to its end.

    Yields lists of pages that it wants, to be answered (by `send`) with the first of them: the others are what it is
    going to want next, as far as can be told, so they may be asked for already. What is not in the next list any more
    is not requests. Between them it yields what a page brought, to be answered with None.

    Args:
        position: Where to start. It is moved along: all that was yielded is behind it.
        page_size: Items to ask for at once, at least 2: one of them is overlap.
        concurrency: How many pages to want at once. More than one are requests only while the list stands still.
        least: The least number of items that may be asked for at once.

    Raises:
        ListChangedError: The list changes faster than it can be read.
    """
    seen = position.seen
    unproductive, start = 0, position.read
    step = page_size - 1
    first_total: int | None = None
    total: int | None = None
    is_stable = False
    while True:
        due = position.next_offset
        page = yield _page_requests(due, page_size, concurrency if is_stable else 1, total)
        assert page is not None and page.total is not None
        items, keys, total = page.items, page.keys, page.total
        known = [index for index, key in enumerate(keys) if key in seen]
        is_stable = not seen or known == [0]
        end = due + len(items)
        first_total = total if first_total is None else first_total
        new: list[int] = []
        if seen and not known and due > 0:
            position.next_offset, step = max(0, due - step), step * 2
        else:
            new = _take_new(keys, seen, known[0] if known else 0)
            new_items = [items[index] for index in new[position.skip :]]
            position.skip = max(0, position.skip - len(new))
            # A server that counts the list before it reads it may count fewer than there are: only a page that is not
            # full is known to be the last.
            is_last = end >= total and len(items) < page_size
            position.next_offset, step = max(end - 1, 0), page_size - 1
            if new_items:
                position.read += len(new_items)
                yield Page(new_items, position.read, total)
            if is_last:
                return
            # A server that gives fewer than asked for is asked for no more than that.
            page_size = max(2, min_page_size, min(page_size, len(items)))
            step = page_size - 1
        unproductive += not new
        if unproductive > _MAX_UNPRODUCTIVE + 3 * min(first_total, position.read - start) // (page_size - 1):
            raise _list_changed(position, "the list changes faster than it can be read")


def traverse_by_cursor(position: Position, page_size: int) -> Traversal:
    """Traverse a list with cursors from a position to its end, one page at a time. Yields as `traverse_by_offset` does.

    Args:
        position: Where to start. It is moved along: all that was yielded is behind it.
        page_size: Items to ask for at once.

    Raises:
        ListChangedError: Page after page brings nothing that was not read before.
    """
    unproductive = 0
    while True:
        page = yield [PageRequest(0, page_size, position.cursor)]
        assert page is not None
        new = _take_new(page.keys, position.seen)
        if page.next_cursor is not None:
            position.cursor = page.next_cursor
            position.seen_cursors.add(page.next_cursor)
        if new:
            position.read += len(new)
            yield Page([page.items[index] for index in new], position.read, page.total)
        if page.next_cursor is None:
            return
        unproductive = 0 if new else unproductive + 1
        if unproductive > _MAX_UNPRODUCTIVE:
            raise _list_changed(position, f"{unproductive} pages in a row brought nothing new")


def _take_new(keys: Sequence[Hashable], seen: set[Hashable], start: int = 0) -> list[int]:
    """Returns the places of the keys that were not seen before, and has them seen."""
    new = [index for index in range(start, len(keys)) if keys[index] not in seen]
    seen.update(keys[index] for index in new)
    return new


def _list_changed(position: Position, why: str) -> ListChangedError:
    error = ListChangedError(f"{why}; {position.read} items were read")
    error.seen = position.read
    return error


def _page_requests(due: int, page_size: int, concurrency: int, total: int | None) -> list[PageRequest]:
    """Returns pages that follow each other with one row of overlap, as far as the list is known to reach."""
    requests = [PageRequest(due + index * (page_size - 1), page_size) for index in range(concurrency)]
    return requests[:1] + [page for page in requests[1:] if total is not None and page.offset < total - 1]
