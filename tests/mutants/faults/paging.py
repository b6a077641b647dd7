"""Limits, offsets, totals and order that are wrong on some pages."""

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

from .base import Body, MethodFault, PageFault, ParametersFault, add_mutant, set_field

PAGING = "paging"


def skip_row_in_the_middle(original: Any, session: Session, parameters: Parameters) -> Any:
    """Start small pages in the middle of the list one row late."""
    if 40 < parameters.offset < 80 and parameters.limit <= 40:
        return original(session, replace(parameters, offset=parameters.offset + 1))
    return original(session, parameters)


add_mutant(
    PAGING, "limit_not_echoed", PageFault(lambda page, _: set_field(page, "limit", 20)), "limit_and_offset_echoed"
)
add_mutant(
    PAGING,
    "offset_echoed_as_page",
    PageFault(lambda page, parameters: set_field(page, "offset", parameters.offset // parameters.limit)),
    "limit_and_offset_echoed",
)
add_mutant(
    PAGING,
    "limit_is_number_of_items",
    PageFault(lambda page, _: set_field(page, "limit", len(page["items"]) or 1)),
    "defaults_applied",
    "limit_and_offset_echoed",
)
add_mutant(
    PAGING,
    "last_item_missing",
    PageFault(lambda page, parameters: parameters.offset and page["items"] and page["items"].pop()),
    "number_of_items",
)
add_mutant(
    PAGING,
    "limit_capped_in_silence",
    PageFault(lambda page, _: set_field(page, "items", page["items"][:50])),
    "number_of_items",
)
add_mutant(
    PAGING,
    "middling_limits_capped",
    ParametersFault(
        lambda parameters: replace(parameters, limit=50 if 50 < parameters.limit < 99 else parameters.limit)
    ),
    "number_of_items",
)
add_mutant(
    PAGING,
    "last_page_filled_up",
    MethodFault(
        "load_page",
        lambda original, session, parameters: original(
            session,
            replace(parameters, offset=137 - parameters.limit)
            if 137 - parameters.limit < parameters.offset < 137
            else parameters,
        ),
    ),
    "number_of_items",
    "pages_fit_together",
)
add_mutant(
    PAGING,
    "limit_ignored",
    ParametersFault(lambda parameters: replace(parameters, limit=20)),
    "number_of_items",
)
add_mutant(
    PAGING,
    "offset_ignored",
    ParametersFault(lambda parameters: replace(parameters, offset=0)),
    "number_of_items",
    "pages_fit_together",
)
add_mutant(
    PAGING,
    "offset_counts_pages",
    ParametersFault(lambda parameters: replace(parameters, offset=parameters.offset * parameters.limit)),
    "number_of_items",
    "pages_fit_together",
)
add_mutant(
    PAGING,
    "total_of_the_page",
    PageFault(lambda page, _: set_field(page, "total", len(page["items"]))),
    "number_of_items",
    "same_total",
    "one_list",
)
add_mutant(
    PAGING,
    "total_off_at_the_start",
    PageFault(
        lambda page, parameters: (
            parameters.offset == 0 and page["total"] > 100 and set_field(page, "total", page["total"] + 3)
        )
    ),
    "same_total",
)
add_mutant(
    PAGING,
    "total_0_past_the_end",
    PageFault(lambda page, parameters: page["items"] or set_field(page, "total", 0)),
    "same_total",
    "one_list",
)
add_mutant(
    PAGING,
    "total_capped",
    PageFault(lambda page, parameters: set_field(page, "total", min(page["total"], 100))),
    "number_of_items",
    "one_list",
)
add_mutant(
    PAGING,
    "row_repeated_between_pages",
    ParametersFault(lambda parameters: replace(parameters, offset=max(parameters.offset - 1, 0))),
    "number_of_items",
    "pages_fit_together",
)
add_mutant(
    PAGING,
    "row_lost_in_the_middle",
    MethodFault("load_page", skip_row_in_the_middle),
    "pages_fit_together",
)


def sorted_by(key: Callable[[Run, Parameters], Any]) -> Callable[..., Any]:
    """Return the page of the list in another order."""

    def load(original: Any, session: Session, parameters: Parameters) -> Any:
        total, _ = original(session, parameters)
        runs = session.scalars(select(Run).where(Run.workflow_definition_id == parameters.definition_id)).all()
        runs = sorted(runs, key=lambda run: key(run, parameters))
        return total, runs[parameters.offset : parameters.offset + parameters.limit]

    return load


rng = Random(1)
add_mutant(PAGING, "no_order", MethodFault("load_page", sorted_by(lambda run, parameters: rng.random())), "one_order")
add_mutant(
    PAGING,
    "order_by_page_size",
    MethodFault(
        "load_page", sorted_by(lambda run, parameters: run.sequence if parameters.limit > 50 else -run.sequence)
    ),
    "one_order",
    "pages_fit_together",
)
add_mutant(
    PAGING,
    "ties_at_random",
    MethodFault("load_page", sorted_by(lambda run, parameters: (run.status, rng.random()))),
    "one_order",
)


def sort_each_page(original: Any, session: Session, parameters: Parameters) -> Any:
    total, runs = original(session, parameters)
    return total, sorted(runs, key=lambda run: run.started_at if parameters.limit % 2 else run.id.hex)


add_mutant(
    PAGING,
    "page_sorted_by_itself",
    MethodFault("load_page", sort_each_page),
    "one_order",
    "pages_fit_together",
)


class CachedByLimit(ReferenceServer):
    """Caches pages without the offset in the key."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[Any, Any] = {}

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        page["items"] = self.pages.setdefault((parameters.definition_id, parameters.limit, len(runs)), page["items"])
        return page


class SometimesBehind(ReferenceServer):
    """Reads some pages from a replica that lacks the newest run."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = Random(1)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if self.rng.random() < 0.3 and str(parameters.definition_id) == seed.DEFINITION_ID:
            total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + 1))
            return total - 1, runs
        return super().load_page(session, parameters)


class OwnRunsForCookie(ReferenceServer):
    """The cookie shows fewer runs than the API key."""

    def list_runs(self, request: Request) -> Response:
        self.skipped = 0 if "authorization" in request.headers else 5
        return super().list_runs(request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + self.skipped))
        return max(total - self.skipped, 0), runs


class ChangingList(ReferenceServer):
    """The list changes with every tenth request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) % 10 == 0:
            self.churn.change()
        return super().list_runs(request)


class RowLostInAChangingList(ChangingList):
    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return skip_row_in_the_middle(super().load_page, session, parameters)


class TotalOffInAChangingList(ChangingList):
    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, parameters)
        return total + (total > 100 and parameters.offset == 0), runs


add_mutant(PAGING, "row_lost_in_a_changing_list", RowLostInAChangingList, "pages_fit_together")
add_mutant(PAGING, "total_off_in_a_changing_list", TotalOffInAChangingList, "same_total", "one_list")
add_mutant(PAGING, "cached_by_limit", CachedByLimit, "pages_fit_together")
add_mutant(PAGING, "sometimes_behind", SometimesBehind, "one_order")
add_mutant(PAGING, "own_runs_for_the_cookie", OwnRunsForCookie, "same_total", "one_order")
