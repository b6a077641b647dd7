"""Pages as the checks compare them, and the rule that nothing is accused of differing before it was asked again.

The list may change between two requests. So of two pages that do not go together, the first is asked for again, then
the second, then the first once more: if the first one is what it was, nothing happened in between that could explain
the second. As rows may also come and go in so short a time, it takes several such proofs, and no proof to the contrary.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import schemathesis
from schemathesis import Case, HookContext, Response

from codegen.text import escaped

from .asked import RIGHT, Asked, read_request
from .contract import contract
from .operation import VALID
from .target import UUID
from .under_way import again, under_way

# How often two pages are asked for again, and how often they must not go together.
TRIES = 8
PROOFS = 3
# Characters of a value in a message.
SHOWN = 40


TIMES = ("created_at", "started_at", "completed_at", "updated_at")
# What never changes of a run.
FROZEN = ("workflow_definition_id", "user_id", "created_at", "run_snapshot")


def read_times(run: dict[str, Any]) -> list[tuple[str, datetime]]:
    """Those that are set and can be read, in the order in which they must be."""
    times = []
    for name in TIMES:
        value = run.get(name)
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            times.append((name, moment))
    return times


def values(run: dict[str, Any], names: Iterable[str]) -> list[Any]:
    """Those fields of the run; a time or a UUID is the same however it is spelled."""
    times = dict(read_times(run))
    return [times.get(name) or normal(run.get(name)) for name in names]


def normal(value: Any) -> Any:
    """The value with all UUIDs in lower case."""
    if isinstance(value, dict):
        return {name: normal(each) for name, each in value.items()}
    if isinstance(value, list):
        return [normal(each) for each in value]
    return value.lower() if isinstance(value, str) and UUID.fullmatch(value) else value


@dataclass(frozen=True)
class Page:
    """One page of a definition, with what it takes to ask for it again."""

    definition: str
    limit: int
    offset: int
    total: int
    runs: tuple[dict[str, Any], ...]
    case: Case[Any]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """In lower case: a UUID is the same in either."""
        return tuple(run["id"].lower() for run in self.runs)

    @property
    def place(self) -> str:
        return f"limit {self.limit}, offset {self.offset}"

    @cached_property
    def frozen(self) -> list[list[Any]]:
        """What never changes of each run."""
        return [values(run, FROZEN) for run in self.runs]

    def number(self, identifier: str) -> int:
        """The run's place in the whole list, from 0."""
        return self.offset + self.ids.index(identifier)

    def run(self, identifier: str) -> dict[str, Any]:
        return self.runs[self.ids.index(identifier)]


def read_body(response: Response) -> dict[str, Any] | None:
    """The body of a 200, or None if it is none or cannot be read."""
    if response.status_code != 200:
        return None
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def as_integer(value: object) -> int | None:
    """The value if it is an integer, as JSON Schema has it: `20.0` is one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_runs(response: Response) -> list[dict[str, Any]]:
    """The runs of a page, as far as they can be read."""
    items = (read_body(response) or {}).get("items")
    return [run for run in items if isinstance(run, dict)] if isinstance(items, list) else []


def kind_of(response: Response) -> str:
    """The kind of answer, as the verdict counts them."""
    page = read_body(response)
    if page is None or not isinstance(page.get("items"), list):
        return str(response.status_code) if response.status_code else "no answer"
    return "200 with items" if page["items"] else "200 without items"


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    # Here, as what Schemathesis keeps of an answer is cut.
    under_way().kinds[case.id] = kind_of(response)
    for run in read_runs(response):
        for name, texts in contract().choices.items():
            if run.get(name) in texts:
                under_way().choices.setdefault(name, set()).add(run[name])


def shown(value: object) -> str:
    """A value of an answer, as it stands in a message: on one line, and short."""
    is_text = not isinstance(value, (dict, list, bool, int, float, type(None)))
    return escaped(str(value) if is_text else json.dumps(value, ensure_ascii=False), SHOWN)


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: the field, and what it is in each."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{path}.{name}" if path else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif normal(one) != normal(other):
        yield path, one, other


def asked_for(response: Response) -> Asked:
    return read_request(response.request, under_way().target)


def read_page(response: Response, case: Case[Any]) -> Page | None:
    """The page, or None if the request or the answer leaves anything about it open."""
    body, asked = read_body(response), asked_for(response)
    if body is None or asked.method != "GET" or asked.credentials != RIGHT:
        return None
    # What is taken beyond the contract's letter is a page like any other, where it has one meaning.
    if asked.definition_judgement != VALID or asked.invalid_parameters:
        return None
    # A further parameter may make another list of it.
    if asked.others:
        return None
    if len(asked.limit.values) != 1 or len(asked.offset.values) != 1:
        return None
    total, items = as_integer(body.get("total")), body.get("items")
    if total is None or not isinstance(items, list):
        return None
    if not all(isinstance(run, dict) and isinstance(run.get("id"), str) for run in items):
        return None
    (limit,), (offset,) = asked.limit.values, asked.offset.values
    return Page(asked.definition, limit, offset, total, tuple(items), case)


Differ = Callable[[Page, Page], object]
"""In what two pages do not go together; False if they do, None if it cannot be told from these two."""


def proof(first: Page, second: Page, differ: Differ) -> tuple[Page, Page] | Literal[False] | None:
    """Both pages, not going together though the list stands still; False if they do, None if it never stands still."""
    if len(first.runs) < len(second.runs):
        # What shows more of the list shows better whether that changes.
        first, second = second, first
    proofs: list[object] = []
    for _ in range(TRIES):
        # Three requests, so that a list that is another one for each second request meets each page in either state.
        before, between, after = (read_page(again(page.case), page.case) for page in (first, second, first))
        if not before or not between or not after or differ(before, after) is not False:
            continue
        if (before.total, before.ids) != (after.total, after.ids):
            continue
        found = differ(before, between)
        if found is False:
            return False
        if isinstance(found, tuple) and found[::-1] in proofs:
            # It is the list that changes, in step with the requests.
            return None
        proofs.append(found)
        if found and proofs.count(found) == PROOFS:
            return before, between
    return None
