"""Workers and replicas that differ from the others."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import count
from types import MethodType
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .base import Body, add_mutant, default_user, set_field


@dataclass(frozen=True)
class WorkerFault:
    """One of several workers, which take requests in turn, has a fault in one method."""

    method: str
    new: Callable[..., Any]
    workers: int = 2

    def __call__(self) -> ReferenceServer:
        fault, requests = self, count(1)

        class Server(ReferenceServer):
            def __init__(self) -> None:
                super().__init__()
                # A copy shares the database.
                self.faulty = copy(self)
                setattr(self.faulty, fault.method, MethodType(fault.new, self.faulty))

            def list_runs(self, request: Request) -> Response:
                is_faulty = next(requests) % fault.workers == 0
                return ReferenceServer.list_runs(self.faulty if is_faulty else self, request)

        return Server()


def default_50(self: ReferenceServer, request: Request) -> int:
    return ReferenceServer.parse_limit(self, request) if "limit" in request.query_params else 50


def max_50(self: ReferenceServer, request: Request) -> int:
    limit = ReferenceServer.parse_limit(self, request)
    if limit > 50:
        raise HTTPException(422, [{"loc": ["query", "limit"], "msg": "at most 50", "type": "less_than_equal"}])
    return limit


def skip_newest(self: ReferenceServer, session: Session, parameters: Parameters) -> Any:
    total, runs = ReferenceServer.load_page(self, session, replace(parameters, offset=parameters.offset + 1))
    return max(total - 1, 0), runs


def total_one_more(self: ReferenceServer, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
    page = ReferenceServer.render_page(self, total, runs, parameters)
    set_field(page, "total", total + 1)
    return page


def empty_not_found(self: ReferenceServer, session: Session, user: Any, parameters: Parameters) -> Any:
    if str(parameters.definition_id) == seed.EMPTY_DEFINITION_ID:
        raise HTTPException(404, "Workflow definition not found")
    return ReferenceServer.find_definition(self, session, user, parameters)


def other_duration(self: ReferenceServer, run: Run) -> Body:
    body = ReferenceServer.render_run(self, run)
    set_field(body, "run_snapshot", "max_run_duration_seconds", body["run_snapshot"]["max_run_duration_seconds"] + 1)
    return body


def other_error(self: ReferenceServer, run: Run) -> Body:
    body = ReferenceServer.render_run(self, run)
    return body | {"error": body["error"] and "Failed."}


add_mutant(
    "bounds and defaults",
    "second_worker_has_another_default",
    WorkerFault("parse_limit", default_50),
    "defaults_applied",
)
add_mutant(
    "bounds and defaults",
    "third_worker_has_another_default",
    WorkerFault("parse_limit", default_50, 3),
    "defaults_applied",
)
add_mutant(
    "bounds and defaults",
    "second_worker_has_another_bound",
    WorkerFault("parse_limit", max_50),
    "valid_request_accepted",
)
add_mutant("paging", "second_worker_is_behind", WorkerFault("load_page", skip_newest), "one_order")
add_mutant("paging", "fifth_worker_is_behind", WorkerFault("load_page", skip_newest, 5), "one_order")
add_mutant("paging", "second_worker_counts_one_more", WorkerFault("render_page", total_one_more), "one_list")
add_mutant(
    "bounds and defaults",
    "second_worker_lacks_a_definition",
    WorkerFault("find_definition", empty_not_found),
    "valid_request_accepted",
)
add_mutant(
    "credentials",
    "fourth_worker_lets_in",
    WorkerFault("authenticate", lambda self, session, request: default_user(session), 4),
    "credentials_required",
)
add_mutant("rules", "second_worker_has_other_snapshots", WorkerFault("render_run", other_duration), "frozen_fields")
add_mutant(
    "rules",
    "third_worker_has_other_errors",
    WorkerFault("render_run", other_error, 3),
    "ended_runs_stay",
)


class EmptyOnFirstRead(ReferenceServer):
    """The first read of each definition returns an empty list."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[object] = set()

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if parameters.definition_id not in self.known:
            self.known.add(parameters.definition_id)
            return 0, []
        return super().load_page(session, parameters)


class StaleReplica(ReferenceServer):
    """From the 100th request on, shows an older list for twenty requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)
        self.is_stale = False

    def list_runs(self, request: Request) -> Response:
        self.is_stale = 100 <= next(self.requests) < 120
        return super().list_runs(request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if not self.is_stale:
            return super().load_page(session, parameters)
        total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + 10))
        return max(total - 10, 0), runs


add_mutant("paging", "cold_start_is_empty", EmptyOnFirstRead, "one_list")
add_mutant("paging", "stale_for_a_while", StaleReplica, "one_list")


def refuse_cookies(self: ReferenceServer, session: Session, request: Request) -> Any:
    if "authorization" not in request.headers:
        raise HTTPException(401, "Could not validate credentials")
    return ReferenceServer.authenticate(self, session, request)


def default_offset_1(self: ReferenceServer, request: Request) -> int:
    return ReferenceServer.parse_offset(self, request) if "offset" in request.query_params else 1


def without_user_id(self: ReferenceServer, run: Run) -> Body:
    body = ReferenceServer.render_run(self, run)
    del body["user_id"]
    return body


class OldTotals(ReferenceServer):
    """From the 41st page on, small pages have a total that is two less."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = count()

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        if next(self.pages) > 40 and parameters.limit < 30 and parameters.offset + parameters.limit < total - 2:
            set_field(page, "total", total - 2)
        return page


add_mutant("paging", "old_totals_in_small_pages", OldTotals, "same_total")
add_mutant(
    "credentials",
    "third_worker_refuses_cookies",
    WorkerFault("authenticate", refuse_cookies, 3),
    "credentials_accepted",
)
add_mutant(
    "bounds and defaults",
    "fourth_worker_skips_one",
    WorkerFault("parse_offset", default_offset_1, 4),
    "defaults_applied",
    "one_order",
    "one_list",
)
add_mutant(
    "schema",
    "sixth_worker_lacks_a_field",
    WorkerFault("render_run", without_user_id, 6),
    "response_schema_conformance",
    "items_do_not_go_back",
)
add_mutant(
    "credentials",
    "seventh_worker_lets_in",
    WorkerFault("authenticate", lambda self, session, request: default_user(session), 7),
    "credentials_required",
)
