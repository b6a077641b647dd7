"""Pages as the checks compare them, and the rule that nothing is accused of differing before it was asked again.

The list may change between two requests. So of two pages that do not go together, both are asked for again, by turns,
until the list has stood still for a while: if each of the two answers stays the same and they still do not go
together, no change explains it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from schemathesis import Case, Response

from .asked import RIGHT, VALID, Asked, read_request
from .under_way import again, under_way

# Requests for each of the two pages: with fewer, a list that grows and shrinks by one might pass for one at rest.
TURNS = 4
TRIES = 2


@dataclass(frozen=True)
class Page:
    """One page of a definition, with what it takes to ask for it again."""

    definition: str
    limit: int
    offset: int
    total: int
    runs: tuple[dict[str, Any], ...]
    case: Case[Any]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(run["id"] for run in self.runs)

    @property
    def place(self) -> str:
        return f"limit {self.limit}, offset {self.offset}"


def read_body(response: Response) -> dict[str, Any] | None:
    """The body of a 200, or None if it is none or cannot be read."""
    if response.status_code != 200:
        return None
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def read_runs(response: Response) -> list[dict[str, Any]]:
    """The runs of a page, as far as they can be read."""
    items = (read_body(response) or {}).get("items")
    return [run for run in items if isinstance(run, dict)] if isinstance(items, list) else []


def asked_for(response: Response) -> Asked:
    return read_request(response.request, under_way().target)


def read_page(response: Response, case: Case[Any]) -> Page | None:
    """The page, or None if the request or the answer leaves anything about it open."""
    body, asked = read_body(response), asked_for(response)
    if body is None or asked.method != "GET" or asked.credentials != RIGHT:
        return None
    if {asked.definition_judgement, asked.limit.judgement, asked.offset.judgement} != {VALID}:
        return None
    total, items = body.get("total"), body.get("items")
    if not isinstance(total, int) or not is_integer(total) or not isinstance(items, list):
        return None
    if not all(isinstance(run, dict) and isinstance(run.get("id"), str) for run in items):
        return None
    (limit,), (offset,) = asked.limit.values, asked.offset.values
    return Page(asked.definition, limit, offset, total, tuple(items), case)


Key = Callable[[Page], object]


def settled(first: Page, second: Page, key: Key) -> tuple[Page, Page] | None:
    """Both pages while the list stands still, as far as `key` sees it; None if it does not."""
    for _ in range(TRIES):
        pages: tuple[list[Page], list[Page]] = ([], [])
        for turn in range(2 * TURNS):
            before = pages[turn % 2]
            earlier = (first, second)[turn % 2]
            page = read_page(again(earlier.case), earlier.case)
            if page is None or (before and key(page) != key(before[0])):
                break
            before.append(replace(page, case=earlier.case))
        else:
            return pages[0][0], pages[1][0]
    return None
