"""Checks that a page matches the request, and itself."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from ._sending import Answer
from .errors import PageError


class Paging(NamedTuple):
    """How an operation pages, as the contract says. Nested fields are written with dots.

    Attributes:
        limit: The parameter with the maximum number of items.
        items: The field with the items.
        key: The field of an item that identifies it.
        offset: The parameter with the offset; empty if the operation pages by cursor.
        total: The field with the total number of items; empty if there is none.
        cursor: The parameter with the cursor; empty if the operation pages by offset.
        next_cursor: The field with the cursor of the next page.
        echoes: The fields of a page that repeat a parameter, with the parameter.
        item_echoes: The fields of each item that repeat a parameter, with the parameter.
        least: The minimum of the limit.
        most: The maximum of the limit, if any.
    """

    limit: str
    items: str
    key: str
    offset: str = ""
    total: str = ""
    cursor: str = ""
    next_cursor: str = ""
    echoes: Mapping[str, str] = {}
    item_echoes: Mapping[str, str] = {}
    least: int = 1
    most: int | None = None

    def items_of(self, page: Any) -> list[Any]:
        """Return the items of a page."""
        items: list[Any] = field_getter(self.items)(page)
        return items

    def keys_of(self, items: list[Any]) -> list[Hashable]:
        """Return the keys of items."""
        return list(map(field_getter(self.key), items))

    def total_of(self, page: Any) -> int | None:
        """Return the total number of items; None if the list does not say."""
        total: int | None = field_getter(self.total)(page) if self.total else None
        return total


@functools.cache
def field_getter(name: str) -> Callable[[Any], Any]:
    """Return a function that reads a field, which may be nested."""
    return attrgetter(name)


def page_error(paging: Paging, sent: Mapping[str, str], page: Any, answer: Answer) -> PageError | None:
    """Return the error of a page that does not match the request or itself; None if it does.

    Args:
        paging: How the operation pages.
        sent: The parameters that were sent. Others are not checked.
        page: The page.
        answer: The answer with the page.
    """
    faults = list(_echo_faults(paging, sent, page))
    may_pass = not faults
    faults += _total_faults(paging, sent, page)
    if not faults:
        return None
    error = PageError.of_faults(answer.as_response(), faults)
    error.may_pass = may_pass
    return error


def check_page(paging: Paging, sent: Mapping[str, str], page: Any, answer: Answer) -> None:
    """Raise the error of a page that does not match the request or itself."""
    error = page_error(paging, sent, page, answer)
    if error is not None:
        raise error


def _echo_faults(paging: Paging, sent: Mapping[str, str], page: Any) -> Iterator[tuple[str, str]]:
    for name, parameter in paging.echoes.items():
        if parameter in sent and not _equals_text(got := field_getter(name)(page), sent[parameter]):
            yield name, f"must be {sent[parameter]}, as requested (got {_short(got)})"
    items = paging.items_of(page)
    if paging.limit in sent and len(items) > int(sent[paging.limit]):
        yield paging.items, f"must be at most {sent[paging.limit]}, as requested (got {len(items)})"
    for name, parameter in paging.item_echoes.items():
        values = list(map(field_getter(name), items))
        # Usually they are the same object.
        distinct = {id(value): value for value in values}.values()
        if parameter in sent and (wrong := [value for value in distinct if not _equals_text(value, sent[parameter])]):
            index = next(index for index, value in enumerate(values) if value in wrong)
            yield (
                f"{paging.items}.{index}.{name}",
                f"must be {sent[parameter]}, as requested (got {_short(values[index])})",
            )
    keys = paging.keys_of(items)
    if len(set(keys)) < len(keys):
        first = {key: index for index, key in reversed([*enumerate(keys)])}
        index = next(index for index, key in enumerate(keys) if first[key] < index)
        yield f"{paging.items}.{index}.{paging.key}", "must be unique"


def _total_faults(paging: Paging, sent: Mapping[str, str], page: Any) -> Iterator[tuple[str, str]]:
    total = paging.total_of(page)
    if total is None or not paging.offset:
        return
    limit, offset = sent.get(paging.limit), int(sent.get(paging.offset, 0))
    count = len(paging.items_of(page))
    if count and total < offset + count:
        yield paging.total, f"must be at least {offset + count}, the offset plus the items (got {_short(total)})"
    elif limit is not None and count < (expected := min(int(limit), total - offset)):
        yield paging.items, f"must be {expected}, by limit, offset and total (got {count})"


def _equals_text(value: object, text: str) -> bool:
    """True if a value equals the sent text, which may be spelled differently, such as a UUID in capitals."""
    return value is not None and value == type(value)(text)  # type: ignore[call-arg]


def _short(value: object) -> str:
    return f"{value!s:.60}"
