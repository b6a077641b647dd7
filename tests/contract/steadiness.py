"""Checks that an answer does not come and go: what differs from one time to the next, and back again.

A list may change between two requests, and a run may. But no run that was deleted is there again, and no run goes back
to what it was. So what returns shows a fault: a second worker, a cache, a copy of the database that is behind.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any, TypeVar

from schemathesis import Case, CheckContext, Response

from .checks import CLOCK_SKEW, OUTCOME, RETURNS, Comparing, check, due_here
from .operation import LIMITS
from .pages import Page, read_page, read_times, shown, values
from .session import NOT_NOW
from .under_way import again, under_way

T = TypeVar("T")

# How many differences must be gone when they are asked for again, before it is looked whether they come and go; and how
# often it is looked.
DOUBTS, LOOKS = 3, 2
# Rounds of one look, of three requests each; and how often what was seen before must be there again.
ROUNDS, TURNS = 14, 2


def turns(states: list[T]) -> int:
    """How often an earlier state is there again, after another one."""
    return sum(before != now and now in states[:number] for number, (before, now) in enumerate(pairwise(states), 1))


@dataclass
class Least:
    """The smallest total of a definition so far, and which runs of that time were seen since."""

    page: Page
    moment: datetime
    since: set[str] = field(default_factory=set)


@check
class one_list(Comparing):
    """All pages show one list: the total counts every run that was there, and nothing flips back and forth."""

    def __init__(self) -> None:
        super().__init__()
        self.least: dict[str, Least] = {}
        self.looks = 0
        self.now = datetime.now(UTC)

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        # By this machine's clock or the server's, whichever is behind.
        self.now = datetime.now(UTC)
        with suppress(TypeError, ValueError):
            self.now = min(self.now, parsedate_to_datetime((response.headers.get("date") or [""])[0]))
        return super().after_response(ctx, response, case)

    def compare(self, page: Page) -> bool | None:
        self.count(page)
        doubts = under_way().doubts
        if len(doubts) >= DOUBTS and self.looks < LOOKS:
            self.looks += 1
            suspect = doubts[-1]
            doubts.clear()
            self.look(suspect)
        return None

    def count(self, page: Page) -> None:
        least = self.least.get(page.definition)
        if least is None or page.total < least.page.total:
            self.least[page.definition] = Least(page, self.now)
            return
        for identifier, run in zip(page.ids, page.runs, strict=True):
            created = dict(read_times(run)).get("created_at")
            if created and created < least.moment - CLOCK_SKEW:
                least.since.add(identifier)
        if len(least.since) > least.page.total:
            self.is_done = True
            raise AssertionError(
                f"the total was {least.page.total} with {least.page.place}, but {len(least.since)} runs that had been "
                f"created long before were read since, the last of them with {page.place}"
            )

    def look(self, suspect: Page) -> None:
        """Asks for the first page, the last one, and that which differed once, by turns.

        Whatever is added or deleted shows on one of the first two, and does not go away again.
        """
        limit = LIMITS[-1]
        first = self.page_like(suspect, limit, 0)
        last = self.page_like(suspect, limit, max(suspect.total - limit // 2, 0))
        seen: list[list[Page]] = [[], [], []]
        for _ in range(ROUNDS):
            for pages, page in zip(seen, (first, last, suspect), strict=True):
                if page and (found := read_page(again(page.case), page.case)):
                    pages.append(found)
            starts, ends = ([page.ids for page in pages] for pages in seen[:2])
            if turns(starts) >= TURNS:
                raise AssertionError(
                    f"the runs with {seen[0][0].place} are others now and then, and the same again: asked for "
                    f"{len(starts)} times in a row, they changed back {turns(starts)} times"
                )
            if len(set(starts)) > 1 or len(set(ends)) > 1:
                # It is the list that changes.
                under_way().unsettled.add(type(self).__name__)
                return
            totals = [page.total for page in merged(seen)]
            if turns(totals) >= TURNS:
                raise AssertionError(
                    f"the total is {totals[0]}, now and then {next(each for each in totals if each != totals[0])}, and "
                    f"{totals[0]} again, while the first and the last page hold the same runs"
                )
            rows = [page.ids for page in seen[2]]
            if turns(rows) >= TURNS:
                raise AssertionError(f"the runs with {suspect.place} are others now and then, and the same again")

    @staticmethod
    def page_like(page: Page, limit: int, offset: int) -> Page | None:
        case = page.case.derive(keep_auth=True, query={"limit": limit, "offset": offset})
        found = read_page(again(case), case)
        return replace(found, case=case) if found else None


def merged(seen: list[list[Page]]) -> list[Page]:
    """In the order of asking."""
    return [page for pages in zip(*seen, strict=False) for page in pages]


@check
class runs_do_not_go_back(Comparing):
    """No run is again what it was before it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, list[Any]] = {}
        self.returns = 0

    def compare(self, page: Page) -> bool | None:
        back = None
        for identifier, run in zip(page.ids, page.runs, strict=True):
            state = values(run, (*OUTCOME, "updated_at"))
            states = self.states.setdefault(identifier, [])
            if states and states[-1] != state and state in states:
                back = (
                    identifier,
                    next(
                        (name, now, before)
                        for name, now, before in zip((*OUTCOME, "updated_at"), state, states[-1], strict=True)
                        if now != before
                    ),
                )
            if not states or states[-1] != state:
                states.append(state)
        self.returns += back is not None
        if back and self.returns >= RETURNS:
            self.is_done = True
            identifier, (name, now, before) = back
            raise AssertionError(
                f"run {shown(identifier)} went back: its {name} is {shown(now)} with {page.place}, was {shown(before)} "
                f"before, and {shown(now)} before that; such happened {RETURNS} times: old states are shown, or made up"
            )
        return None if page.runs else True


@check
def unavailability_passes(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """What is refused is refused with its own status, sooner or later: 429 and 503 pass. 200 has a check of its own."""
    found = due_here(response)
    if found is None or found[1] == {200} or response.status_code not in NOT_NOW or under_way().session.is_out:
        return True
    raise AssertionError(
        f"{response.status_code} each time that it was asked, while others were answered; here the contract wants "
        f"{' or '.join(map(str, sorted(found[1])))}"
    )
