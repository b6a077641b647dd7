"""Algorithm for reading a whole list while it changes. No I/O: the pagers send the requests.

Pages by offset repeat or skip items if the list changes between two requests. The contract promises that the relative
order of two items never changes. So each page overlaps with the one before by one item, the last one seen:

- The overlap is the first item: nothing changed in front of it, and all items after it are new.
- The overlap or another known item comes later: items were added in front. All items after it are new.
- No item is known: items in front were deleted, and unread ones have moved to a lower offset. Step back, further each
  time, until an item is known, and continue after it.

So an item that is in the list from start to end is always yielded, and no key is yielded twice.

Pages by cursor start at the position that the page before returned. Items that come again are yielded once.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

from .errors import ListChangedError

ItemT = TypeVar("ItemT")
TotalT = TypeVar("TotalT")

# Pages without new items before the traversal gives up. By offset, as many again as rereading all items three times
# takes. Not by `total` alone, which is the server's claim.
_MAX_UNPRODUCTIVE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page to request: its offset or cursor, and the maximum number of items."""

    offset: int
    limit: int
    cursor: str | None = None


class PageContent(NamedTuple):
    """The content of a page.

    Attributes:
        items: The items.
        keys: The unique key of each item.
        total: The number of items in the list; None if the list does not say.
        next_cursor: The cursor of the next page; None if there is none, or if the list has no cursors.
    """

    items: Sequence[Any]
    keys: Sequence[Hashable]
    total: int | None = None
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT, TotalT]):
    """The new items of a page.

    Attributes:
        items: The items that were not read before, in the order of the list.
        read: The number of items yielded so far, including these.
        total: The number of items in the list at that time; None if the list does not say.
    """

    items: Sequence[ItemT]
    read: int
    total: TotalT


@dataclass(slots=True)
class Position:
    """The position of an iterator. Pass it to another one as `resume` to continue there. Can be pickled.

    Attributes:
        path: The path and the query of the list, below the base URL.
        read: The number of items yielded so far.
    """

    path: str
    read: int = 0
    # By offset: the next offset, the number of new items to skip, and the keys of all items read.
    next_offset: int = field(default=0, repr=False)
    skip: int = field(default=0, repr=False)
    seen: set[Hashable] = field(default_factory=set[Hashable], repr=False)
    # By cursor: the cursor of the next page, and all cursors received.
    cursor: str | None = field(default=None, repr=False)
    seen_cursors: set[str] = field(default_factory=set[str], repr=False)

    @classmethod
    def at(cls, path: str, offset: int) -> Position:
        """Return the position of an iterator that starts at an offset."""
        # One item before the offset is read too, as the first overlap.
        next_offset = max(0, offset - 1)
        return cls(path, next_offset=next_offset, skip=offset - next_offset)

    def copy(self) -> Position:
        return replace(self, seen=set(self.seen), seen_cursors=set(self.seen_cursors))


# Pickle by the public name: pickled positions then do not depend on this module.
Position.__module__ = f"{__package__}.pagination"

Traversal = Generator[list[PageRequest] | Page[Any, int | None], PageContent | None, None]


def traverse_by_offset(position: Position, page_size: int, concurrency: int, min_page_size: int = 2) -> Traversal:
    """Traverse a list with offsets from a position to its end.

    Yields lists of page requests, and expects the content of the first one to be sent. The others are expected next,
    and may be requested in advance. A request that is missing from the next list is obsolete. In between, yields pages
    with new items, and expects None to be sent.

    Args:
        position: The start. It is updated: it is always behind the last item yielded.
        page_size: Items per page, at least 2, as one of them is the overlap.
        concurrency: Page requests per list. More than one are made only while the list does not change.
        min_page_size: The minimum that the server allows.

    Raises:
        ListChangedError: The list changes faster than it can be read.
    """
    seen = position.seen
    unproductive, start = 0, position.read
    step_back = page_size - 1
    first_total: int | None = None
    total: int | None = None
    is_stable = False
    while True:
        offset = position.next_offset
        page = yield _page_requests(offset, page_size, concurrency if is_stable else 1, total)
        assert page is not None and page.total is not None
        items, keys, total = page.items, page.keys, page.total
        known = [index for index, key in enumerate(keys) if key in seen]
        is_stable = not seen or known == [0]
        end = offset + len(items)
        first_total = total if first_total is None else first_total
        new: list[int] = []
        if seen and not known and offset > 0:
            position.next_offset, step_back = max(0, offset - step_back), step_back * 2
        else:
            new = _take_new(keys, seen, known[0] if known else 0)
            new_items = [items[index] for index in new[position.skip :]]
            position.skip = max(0, position.skip - len(new))
            # The total may be too low, as COUNT and SELECT are not atomic: the last page must also not be full.
            is_last = end >= total and len(items) < page_size
            position.next_offset = max(end - 1, 0)
            if new_items:
                position.read += len(new_items)
                yield Page(new_items, position.read, total)
            if is_last:
                return
            # The server may allow fewer items per page than requested.
            page_size = max(2, min_page_size, min(page_size, len(items)))
            step_back = page_size - 1
        unproductive += not new
        if unproductive > _MAX_UNPRODUCTIVE + 3 * min(first_total, position.read - start) // (page_size - 1):
            raise _list_changed(position, "the list changes faster than it can be read")


def traverse_by_cursor(position: Position, page_size: int) -> Traversal:
    """Traverse a list with cursors from a position to its end, one page at a time. Yields as `traverse_by_offset` does.

    Args:
        position: The start. It is updated: it is always behind the last item yielded.
        page_size: Items per page.

    Raises:
        ListChangedError: Too many pages in a row have no new items.
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
            raise _list_changed(position, f"{unproductive} pages in a row had no new items")


def _take_new(keys: Sequence[Hashable], seen: set[Hashable], start: int = 0) -> list[int]:
    """Return the indices of keys that are not in `seen`, and add them to it."""
    new = [index for index in range(start, len(keys)) if keys[index] not in seen]
    seen.update(keys[index] for index in new)
    return new


def _list_changed(position: Position, reason: str) -> ListChangedError:
    error = ListChangedError(f"{reason} ({position.read} items were read)")
    error.seen = position.read
    return error


def _page_requests(offset: int, page_size: int, concurrency: int, total: int | None) -> list[PageRequest]:
    """Return requests for consecutive pages that overlap by one item, up to the known end of the list."""
    requests = [PageRequest(offset + index * (page_size - 1), page_size) for index in range(concurrency)]
    return requests[:1] + [each for each in requests[1:] if total is not None and each.offset < total - 1]
