"""Paging."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .making import AskedFault, Body, PageFault, StepFault, mutant, put

PAGING = "paging"
mutant(PAGING, "limit_not_echoed", PageFault(lambda page, _: put(page, "limit", 20)), "limit_and_offset_echoed")
mutant(
    PAGING,
    "offset_echoed_as_page",
    PageFault(lambda page, asked: put(page, "offset", asked.offset // asked.limit)),
    "limit_and_offset_echoed",
)
mutant(
    PAGING,
    "limit_is_number_of_items",
    PageFault(lambda page, _: put(page, "limit", len(page["items"]) or 1)),
    "defaults_applied",
    "limit_and_offset_echoed",
)
mutant(
    PAGING,
    "last_item_missing",
    PageFault(lambda page, asked: asked.offset and page["items"] and page["items"].pop()),
    "number_of_items",
)
mutant(
    PAGING,
    "limit_capped_in_silence",
    PageFault(lambda page, _: put(page, "items", page["items"][:50])),
    "number_of_items",
)
mutant(
    PAGING,
    "middling_limits_capped",
    AskedFault(lambda asked: replace(asked, limit=50 if 50 < asked.limit < 99 else asked.limit)),
    "number_of_items",
)
mutant(
    PAGING,
    "last_page_filled_up",
    StepFault(
        "load_page",
        lambda original, session, asked: original(
            session, replace(asked, offset=137 - asked.limit) if 137 - asked.limit < asked.offset < 137 else asked
        ),
    ),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "limit_ignored",
    AskedFault(lambda asked: replace(asked, limit=20)),
    "number_of_items",
)
mutant(
    PAGING,
    "offset_ignored",
    AskedFault(lambda asked: replace(asked, offset=min(asked.offset, 137) and 0)),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "offset_counts_pages",
    AskedFault(lambda asked: replace(asked, offset=asked.offset * asked.limit)),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "total_of_the_page",
    PageFault(lambda page, _: put(page, "total", len(page["items"]))),
    "number_of_items",
    "same_total",
    "one_list",
)
mutant(
    PAGING,
    "total_off_at_the_start",
    PageFault(lambda page, asked: asked.offset == 0 and page["total"] > 100 and put(page, "total", page["total"] + 3)),
    "same_total",
)
mutant(
    PAGING,
    "total_0_past_the_end",
    PageFault(lambda page, asked: page["items"] or put(page, "total", 0)),
    "same_total",
    "one_list",
)
mutant(
    PAGING,
    "total_capped",
    PageFault(lambda page, asked: put(page, "total", min(page["total"], 100))),
    "number_of_items",
    "one_list",
)
mutant(
    PAGING,
    "row_repeated_between_pages",
    AskedFault(lambda asked: replace(asked, offset=max(asked.offset - 1, 0))),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "row_lost_in_the_middle",
    StepFault("load_page", lambda original, session, asked: shift(original, session, asked)),
    "pages_fit_together",
)


def shift(original: Any, session: Session, asked: Parameters) -> Any:
    """In the middle of the list, and only there, reads one row too far."""
    if 40 < asked.offset < 80 and asked.limit <= 40:
        return original(session, replace(asked, offset=asked.offset + 1))
    return original(session, asked)


def ordered(key: Callable[[Run, Parameters], Any]) -> Callable[..., Any]:
    """The page cut from the whole list in another order."""

    def load(original: Any, session: Session, asked: Parameters) -> Any:
        total, _ = original(session, asked)
        runs = session.scalars(select(Run).where(Run.workflow_definition_id == asked.definition_id)).all()
        runs = sorted(runs, key=lambda run: key(run, asked))
        return total, runs[asked.offset : asked.offset + asked.limit]

    return load


dice = Random(1)
mutant(PAGING, "no_order", StepFault("load_page", ordered(lambda run, asked: dice.random())), "one_order")
mutant(
    PAGING,
    "order_by_page_size",
    StepFault("load_page", ordered(lambda run, asked: run.sequence if asked.limit > 50 else -run.sequence)),
    "one_order",
    "pages_fit_together",
)
mutant(
    PAGING,
    "ties_at_random",
    StepFault("load_page", ordered(lambda run, asked: (run.status, dice.random()))),
    "one_order",
)
mutant(
    PAGING,
    "page_sorted_by_itself",
    StepFault(
        "load_page",
        lambda original, session, asked: (
            (found := original(session, asked))[0],
            sorted(found[1], key=lambda run: run.started_at if asked.limit % 2 else run.id.hex),
        ),
    ),
    "one_order",
    "pages_fit_together",
)


class CachedByLimit(ReferenceServer):
    """Keeps the first page for each limit, whatever the offset."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[Any, Any] = {}

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        page["items"] = self.pages.setdefault((parameters.definition_id, parameters.limit, len(runs)), page["items"])
        return page


class SometimesBehind(ReferenceServer):
    """Reads from a copy of the database that lacks the newest run, for some requests."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = Random(1)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if self.dice.random() < 0.3 and str(parameters.definition_id) == seed.DEFINITION_ID:
            total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + 1))
            return total - 1, runs
        return super().load_page(session, parameters)


class OwnRunsForCookie(ReferenceServer):
    """A session sees fewer runs than an API key."""

    def list_runs(self, request: Request) -> Response:
        self.skipped = 0 if "authorization" in request.headers else 5
        return super().list_runs(request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + self.skipped))
        return max(total - self.skipped, 0), runs


class Changing(ReferenceServer):
    """Its list changes with every tenth request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) % 10 == 0:
            self.churn.change()
        return super().list_runs(request)


class RowLostInAChangingList(Changing):
    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return shift(super().load_page, session, parameters)


class TotalOffInAChangingList(Changing):
    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, parameters)
        return total + (total > 100 and parameters.offset == 0), runs


mutant(PAGING, "row_lost_in_a_changing_list", RowLostInAChangingList, "pages_fit_together")
mutant(PAGING, "total_off_in_a_changing_list", TotalOffInAChangingList, "same_total", "one_list")
mutant(PAGING, "cached_by_limit", CachedByLimit, "pages_fit_together")
mutant(PAGING, "sometimes_behind", SometimesBehind, "one_order")
mutant(PAGING, "own_runs_for_the_cookie", OwnRunsForCookie, "same_total", "one_order")
