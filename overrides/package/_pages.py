"""Whether a page is an answer to what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ._sending import Answer
from .errors import PageError


class Paging(NamedTuple):
    """How an operation pages, as the contract says: names of its parameters, and of fields of a page and its items.

    Attributes:
        limit: The parameter for how many items to give at most.
        offset: The parameter for how many items to leave out.
        items: The field with the items.
        total: The field with the number of all items.
        key: The field of an item that tells it from all others.
        echoes: Which field of a page repeats which parameter.
        item_echoes: Which field of each item repeats which parameter.
        least: The least limit that may be asked for.
        most: The greatest limit that may be asked for; None where there is no bound.
    """

    limit: str
    offset: str
    items: str
    total: str
    key: str
    echoes: Mapping[str, str]
    item_echoes: Mapping[str, str]
    least: int = 1
    most: int | None = None


def contradiction(paging: Paging, asked: Mapping[str, str], page: Any, answer: Answer) -> PageError | None:
    """Returns what is wrong with a page: it repeats something else than was asked for, or its figures do not fit.

    Args:
        paging: How the operation pages.
        asked: The parameters as they were sent. What was not sent is not held against a page.
        page: The page.
        answer: What it was read from.
    """
    faults = list(_echoes(paging, asked, page))
    may_pass = not faults
    faults += _figures(paging, asked, page)
    if not faults:
        return None
    error = PageError.of_faults(answer.as_response(), faults)
    error.may_pass = may_pass
    return error


def check(paging: Paging, asked: Mapping[str, str], page: Any, answer: Answer) -> None:
    """Raises what `contradiction` returns."""
    error = contradiction(paging, asked, page, answer)
    if error is not None:
        raise error


def _echoes(paging: Paging, asked: Mapping[str, str], page: Any) -> Iterator[tuple[str, str]]:
    for name, parameter in paging.echoes.items():
        got = getattr(page, name)
        if parameter in asked and not _is(got, asked[parameter]):
            yield name, f"must be {asked[parameter]}, as asked for (got {_text(got)})"
    items: list[Any] = getattr(page, paging.items)
    if paging.limit in asked and len(items) > int(asked[paging.limit]):
        yield paging.items, f"must be at most {asked[paging.limit]}, as asked for (got {len(items)})"
    for name, parameter in paging.item_echoes.items():
        values = [getattr(each, name) for each in items]
        # Mostly they are one and the same object.
        distinct = {id(value): value for value in values}.values()
        if parameter in asked and (wrong := [value for value in distinct if not _is(value, asked[parameter])]):
            index = next(index for index, value in enumerate(values) if value in wrong)
            yield (
                f"{paging.items}.{index}.{name}",
                f"must be {asked[parameter]}, as asked for (got {_text(values[index])})",
            )
    keys = [getattr(each, paging.key) for each in items]
    if len(set(keys)) < len(keys):
        first = {key: index for index, key in reversed([*enumerate(keys)])}
        index = next(index for index, key in enumerate(keys) if first[key] < index)
        yield f"{paging.items}.{index}.{paging.key}", "must be that of no other item"


def _figures(paging: Paging, asked: Mapping[str, str], page: Any) -> Iterator[tuple[str, str]]:
    limit, offset = asked.get(paging.limit), int(asked.get(paging.offset, 0))
    total, count = getattr(page, paging.total), len(getattr(page, paging.items))
    if count and total < offset + count:
        yield paging.total, f"must be at least {offset + count}, the offset and the items (got {_text(total)})"
    elif limit is not None and count < (due := min(int(limit), total - offset)):
        yield paging.items, f"must be {due}, by limit, offset and total (got {count})"


def _is(value: object, text: str) -> bool:
    """Whether a value is what was sent, whose text may be another one, such as that of a UUID in capitals."""
    return value is not None and value == type(value)(text)  # type: ignore[call-arg]


def _text(value: object) -> str:
    return f"{value!s:.60}"
