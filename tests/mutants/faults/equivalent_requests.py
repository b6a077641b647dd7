"""Equivalent requests that get different responses, and totals that do not match the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from fastapi import Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .base import Body, PageFault, ResponseFault, add_mutant, edit_body, set_field
from .caches import page_for_cookie
from .headers import page_edit
from .wrong_credentials import session_cookie

PAGING = "paging"


@dataclass(frozen=True)
class LoadPageFault:
    """Reads the page for other parameters, for requests that fulfil `when`."""

    change: Callable[[Parameters], Parameters]
    when: Callable[[Request], object]

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            is_affected = False

            def list_runs(self, request: Request) -> Response:
                self.is_affected = bool(fault.when(request))
                return super().list_runs(request)

            def load_page(self, session: Session, parameters: Parameters) -> Any:
                return super().load_page(session, fault.change(parameters) if self.is_affected else parameters)

        return Server()


def skip_one_row(parameters: Parameters) -> Parameters:
    return replace(parameters, offset=parameters.offset + (parameters.offset + parameters.limit < seed.RUNS))


def reverse_items(page: Body) -> None:
    page["items"].reverse()


def page_with_parameter(*names: str) -> Callable[[Request, int], bool]:
    return lambda request, status: status == 200 and any(name in request.query_params for name in names)


def filter_runs(condition: Callable[[Body], bool]) -> Callable[[Body], None]:
    return lambda page: set_field(page, "items", [run for run in page["items"] if condition(run)])


# Unknown query parameters have an effect.
for name, change, names, killed_by in (
    ("search_filters", filter_runs(lambda run: False), ("q", "search"), ("number_of_items",)),
    (
        "user_id_filters",
        lambda page: set_field(page, "total", 1),
        ("user_id",),
        ("number_of_items", "one_list", "same_total"),
    ),
    ("order_reverses", reverse_items, ("order", "direction"), ("one_order", "pages_fit_together")),
    (
        "skip_counts",
        lambda page: page["items"][:1] and page["items"].pop(0),
        ("skip", "start"),
        ("number_of_items", "pages_fit_together"),
    ),
    ("size_counts", lambda page: set_field(page, "limit", 7), ("size",), ("defaults_applied", "number_of_items")),
    (
        "deleted_included",
        lambda page: set_field(page, "total", page["total"] + 4),
        ("include_deleted",),
        ("same_total",),
    ),
    (
        "fields_are_picked",
        lambda page: set_field(page, "items", [{"id": run["id"]} for run in page["items"]]),
        ("fields",),
        ("response_schema_conformance",),
    ),
):
    add_mutant(PAGING, name, ResponseFault(page_edit(change), page_with_parameter(*names)), *killed_by)
add_mutant(
    "protocol",
    "callback_wraps",
    ResponseFault(
        lambda response: edit_body(response, lambda body: b"a(" + body + b")"), page_with_parameter("callback", "jsonp")
    ),
    "response_schema_conformance",
)

for name, when, killed_by in (
    (
        "offset_before_limit_reads_one_later",
        lambda request: list(request.query_params) == ["offset", "limit"],
        ("pages_fit_together",),
    ),
    (
        "defaults_given_read_one_later",
        lambda request: str(request.query_params) == "limit=20&offset=0",
        ("pages_fit_together",),
    ),
    (
        "default_limit_given_reads_one_later",
        lambda request: request.query_params.get("limit") == "20",
        ("pages_fit_together", "one_order"),
    ),
    ("encoding_reads_one_later", lambda request: "%3" in request.url.query, ("pages_fit_together",)),
    (
        "capitals_read_one_later",
        lambda request: request.path_params["definition_id"].isupper(),
        ("pages_fit_together",),
    ),
    (
        "cookie_reads_one_later_in_the_middle",
        lambda request: (
            session_cookie(request) and request.query_params.get("offset", "") in ("74", "64", "40", "45", "54")
        ),
        ("pages_fit_together",),
    ),
    (
        "unknown_parameter_reads_one_later",
        lambda request: not {"limit", "offset"}.issuperset(request.query_params),
        ("pages_fit_together",),
    ),
    (
        "ampersand_at_the_end_reads_one_later",
        lambda request: request.url.query.endswith("&"),
        ("pages_fit_together",),
    ),
):
    add_mutant(PAGING, name, LoadPageFault(skip_one_row, when), *killed_by)


def change_runs(change: Callable[[Body], object]) -> Callable[[Body], None]:
    def changed(page: Body) -> None:
        for run in page["items"]:
            change(run)

    return changed


for name, change, killed_by in (
    (
        "cookie_shows_running_as_pending",
        change_runs(lambda run: run["status"] == "RUNNING" and set_field(run, "status", "PENDING")),
        ("items_do_not_go_back",),
    ),
    (
        "cookie_hides_templates",
        change_runs(lambda run: set_field(run, "run_snapshot", "template", None)),
        ("frozen_fields",),
    ),
    (
        "cookie_counts_fewer",
        lambda page: page["total"] and set_field(page, "total", page["total"] - 1),
        ("number_of_items", "same_total"),
    ),
):
    add_mutant(PAGING, name, ResponseFault(page_edit(change), page_for_cookie), *killed_by)


# Totals.


def total_fault(change: Callable[[int, Parameters], int]) -> PageFault:
    return PageFault(lambda page, parameters: set_field(page, "total", change(page["total"], parameters)))


for name, count_otherwise, checks in (
    ("total_of_all_lists", lambda total, parameters: total + 6, ("number_of_items",)),
    ("total_counts_the_deleted", lambda total, parameters: total + 4 if total else 0, ("number_of_items",)),
    (
        "total_right_on_the_first_page_only",
        lambda total, parameters: total - (parameters.offset > 0 and total > 0),
        ("number_of_items", "same_total"),
    ),
    ("total_less_past_the_end", lambda total, parameters: total - (parameters.offset > total > 0), ("same_total",)),
    ("total_in_round_numbers", lambda total, parameters: round(total, -1), ("number_of_items",)),
    ("total_capped_at_128", lambda total, parameters: min(total, 128), ("number_of_items", "one_list")),
    (
        "total_capped_for_small_pages",
        lambda total, parameters: min(total, 100) if parameters.limit < 10 else total,
        ("same_total", "number_of_items", "one_list"),
    ),
    ("total_of_one_for_the_empty", lambda total, parameters: total or 1, ("number_of_items",)),
    (
        "total_of_even_offsets",
        lambda total, parameters: total + 2 * (total > 9 and parameters.offset % 2 == 1),
        ("same_total", "number_of_items"),
    ),
    (
        "total_of_what_is_left",
        lambda total, parameters: max(total - parameters.offset, 0) if parameters.limit < 4 else total,
        ("same_total", "number_of_items", "one_list"),
    ),
    ("total_of_full_pages", lambda total, parameters: total + (total > 9 and parameters.limit == 98), ("same_total",)),
):
    add_mutant(PAGING, name, total_fault(count_otherwise), *checks)


class TotalOfRowsSent(ReferenceServer):
    """The total is the number of rows sent so far."""

    def __init__(self) -> None:
        super().__init__()
        self.most: dict[str, int] = {}

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        key = str(parameters.definition_id)
        self.most[key] = max(self.most.get(key, 0), len(runs) and parameters.offset + len(runs))
        return page | {"total": self.most[key]}


class TotalDrifts(ReferenceServer):
    """The total grows by one with every fiftieth page."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = count()

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        return page | {"total": total and total + next(self.pages) // 50}


add_mutant(PAGING, "total_learnt_by_reading", TotalOfRowsSent, "one_list")
add_mutant(PAGING, "total_drifts", TotalDrifts, "number_of_items")
