"""Values that are wrong in one response of ten or so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .base import Body, ResponseFault, add_mutant, is_page, respond_with, set_field, status_is


@dataclass(frozen=True)
class IntermittentPageFault:
    """Changes every n-th page."""

    change: Callable[[Body], object]
    every: int = 10

    def __call__(self) -> ReferenceServer:
        fault, pages = self, count(1)

        class Server(ReferenceServer):
            def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
                page = super().render_page(total, runs, parameters)
                if total and next(pages) % fault.every == 0:
                    fault.change(page)
                return page

        return Server()


def each_run(
    change: Callable[[Body], object], where: Callable[[Body], object] = lambda run: True
) -> Callable[[Body], object]:
    return lambda page: [change(run) for run in page["items"] if where(run)]


def swap_rows(page: Body) -> None:
    items = page["items"]
    if len(items) > 4:
        items[1], items[2] = items[2], items[1]


def repeat_row(page: Body) -> None:
    """Repeat the first row in place of the third."""
    items = page["items"]
    if len(items) > 4:
        del items[2]
        items.insert(0, items[0])


def seconds_later(run: Body, name: str) -> Any:
    set_field(run, name, (datetime.fromisoformat(run[name]) + timedelta(seconds=1)).isoformat())


def is_ended(run: Body) -> bool:
    return run["status"] in ("COMPLETED", "FAILED")


for name, kind, change, killed_by in (
    ("total_flaps_up", "paging", lambda page: set_field(page, "total", page["total"] + 1), ("one_list",)),
    ("total_flaps_down", "paging", lambda page: set_field(page, "total", page["total"] - 1), ("one_list",)),
    ("total_flaps_to_0", "paging", lambda page: set_field(page, "total", 0), ("number_of_items", "one_list")),
    (
        "duration_flaps",
        "rules",
        each_run(lambda run: set_field(run, "run_snapshot", "max_run_duration_seconds", 301)),
        ("frozen_fields",),
    ),
    (
        "status_flaps",
        "rules",
        each_run(
            lambda run: (set_field(run, "status", "FAILED"), set_field(run, "error", "It broke.")),
            lambda run: run["status"] == "COMPLETED",
        ),
        ("ended_runs_stay",),
    ),
    (
        "error_flaps",
        "rules",
        each_run(lambda run: set_field(run, "error", "It broke."), lambda run: run["status"] == "FAILED"),
        ("ended_runs_stay",),
    ),
    (
        "updated_at_flaps",
        "rules",
        each_run(lambda run: seconds_later(run, "updated_at"), is_ended),
        ("items_do_not_go_back",),
    ),
    (
        "completed_at_flaps",
        "rules",
        each_run(lambda run: (seconds_later(run, "completed_at"), seconds_later(run, "updated_at")), is_ended),
        ("ended_runs_stay",),
    ),
    (
        "running_flaps_to_pending",
        "rules",
        each_run(lambda run: set_field(run, "status", "PENDING"), lambda run: run["status"] == "RUNNING"),
        ("items_do_not_go_back",),
    ),
    ("order_flaps", "paging", swap_rows, ("one_order",)),
    ("row_flaps_twice", "paging", repeat_row, ("unique_ids",)),
    (
        "limit_flaps",
        "paging",
        lambda page: set_field(page, "limit", page["limit"] + 1),
        ("defaults_applied", "limit_and_offset_echoed", "number_of_items"),
    ),
    (
        "duration_flaps_to_text",
        "schema",
        each_run(lambda run: set_field(run, "run_snapshot", "max_run_duration_seconds", "300")),
        ("response_schema_conformance", "items_do_not_go_back"),
    ),
    (
        "last_row_flaps",
        "paging",
        lambda page: page["items"].pop() if page["items"] else None,
        ("number_of_items",),
    ),
):
    add_mutant(kind, name, IntermittentPageFault(change), *killed_by)


class OffsetFlaps(ReferenceServer):
    """Every tenth page starts one row late."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = count(1)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        late = next(self.pages) % 10 == 0 and parameters.offset + parameters.limit < seed.RUNS
        return super().load_page(session, replace(parameters, offset=parameters.offset + late))


class InvalidLimitSometimesAccepted(ReferenceServer):
    def __init__(self) -> None:
        super().__init__()
        self.faults = count(1)

    def parse_limit(self, request: Request) -> int:
        try:
            return super().parse_limit(request)
        except Exception:
            if request.query_params.get("limit") == "0" and next(self.faults) % 3 == 0:
                return 1
            raise


add_mutant("paging", "offset_flaps", OffsetFlaps, "one_order")
add_mutant("bounds and defaults", "limit_0_flaps", InvalidLimitSometimesAccepted, "invalid_parameter_refused")
add_mutant(
    "credentials", "one_in_25_refused", ResponseFault(respond_with(401), is_page, every=25), "credentials_accepted"
)
add_mutant(
    "bounds and defaults",
    "one_in_20_not_found",
    ResponseFault(respond_with(404), is_page, every=20),
    "valid_request_accepted",
)
add_mutant(
    "bounds and defaults",
    "one_in_15_unprocessable",
    ResponseFault(
        respond_with(422, '{"detail":[{"loc":["query","limit"],"msg":"No","type":"no"}]}'), is_page, every=15
    ),
    "valid_request_accepted",
)
add_mutant(
    "errors",
    "one_in_3_unknown_forbidden",
    ResponseFault(respond_with(403), status_is(404), every=3),
    "unknown_id_not_found",
    "foreign_id_hidden",
)
for name, kind, change, every, killed_by in (
    (
        "offset_echo_flaps",
        "paging",
        lambda page: set_field(page, "offset", page["offset"] + 1),
        8,
        ("defaults_applied", "limit_and_offset_echoed"),
    ),
    (
        "template_flaps",
        "rules",
        each_run(lambda run: set_field(run, "run_snapshot", "template", None)),
        10,
        ("frozen_fields",),
    ),
    (
        "error_flaps_to_null",
        "rules",
        each_run(lambda run: set_field(run, "error", None)),
        10,
        ("error_by_status", "ended_runs_stay"),
    ),
    ("rows_flap_to_the_reverse", "paging", lambda page: page["items"].reverse(), 10, ("one_order",)),
    (
        "total_of_small_pages_flaps",
        "paging",
        lambda page: page["limit"] < 15 and set_field(page, "total", page["total"] + 2),
        4,
        ("one_list",),
    ),
):
    add_mutant(kind, name, IntermittentPageFault(change, every), *killed_by)
add_mutant(
    "errors",
    "one_in_4_unknown_empty",
    ResponseFault(respond_with(200, '{"items":[],"total":0,"limit":20,"offset":0}'), status_is(404), every=4),
    "unknown_id_not_found",
)
add_mutant(
    "credentials",
    "one_in_12_forbidden",
    ResponseFault(respond_with(403), status_is(401), every=12),
    "credentials_required",
)


class OneRunFlaps(ReferenceServer):
    """Every second read of one run shows another started_at."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = count(1)

    def render_run(self, run: Run) -> Body:
        body = super().render_run(run)
        if run.sequence == seed.RUNS - 60 and next(self.reads) % 2:
            set_field(body, "started_at", body["created_at"])
        return body


add_mutant("paging", "one_run_flaps", OneRunFlaps, "ended_runs_stay")
