"""What a cache shows to those whom it does not concern, and a second worker that is not as the first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .making import Body, instead, mutant, put, somebody


@dataclass(frozen=True)
class CacheFault:
    """Answers as it answered before, where the key is the same."""

    key: Callable[[Request], object]
    when: Callable[[Request, int], bool] = lambda request, status: status == 200
    change: Callable[[Response], Response] = lambda response: response

    def __call__(self) -> ReferenceServer:
        fault = self
        kept: dict[object, Response] = {}

        class Server(ReferenceServer):
            def list_runs(self, request: Request) -> Response:
                key = fault.key(request)
                if key in kept:
                    return fault.change(kept[key])
                try:
                    response = super().list_runs(request)
                except HTTPException as refusal:
                    if fault.when(request, refusal.status_code):
                        kept[key] = instead(refusal.status_code)(Response())
                    raise
                if fault.when(request, response.status_code):
                    kept[key] = response
                return response

        return Server()


@dataclass(frozen=True)
class WorkerFault:
    """One of so many workers is another one."""

    other: Callable[[Any], None]
    """Changes the worker's class."""
    workers: int = 2

    def __call__(self) -> ReferenceServer:
        fault, requests = self, count(1)

        class Other(ReferenceServer):
            pass

        fault.other(Other)

        class Server(ReferenceServer):
            def __init__(self) -> None:
                super().__init__()
                # With the same database.
                self.other = Other.__new__(Other)
                self.other.__dict__ |= self.__dict__

            def list_runs(self, request: Request) -> Response:
                if next(requests) % fault.workers == 0:
                    return self.other.list_runs(request)
                return super().list_runs(request)

        return Server()


def url(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}"


def is_later(request: Request, status: int) -> bool:
    return status == 200 and request.query_params.get("offset", "0") != "0"


mutant("credentials", "cached_for_anybody", CacheFault(url, is_later), "credentials_required")
mutant(
    "credentials",
    "cached_for_anybody_without_query",
    CacheFault(url, lambda request, status: status == 200 and not request.url.query),
    "credentials_required",
)
mutant(
    "credentials",
    "empty_definition_cached_for_anybody",
    CacheFault(url, lambda request, status: status == 200 and seed.EMPTY_DEFINITION_ID in request.url.path),
    "credentials_required",
)
mutant(
    "rules",
    "cached_by_query_alone",
    CacheFault(lambda request: (request.url.query, request.headers.get("authorization")), is_later),
    "runs_of_the_definition",
    "credentials_required",
    "foreign_id_hidden",
    "one_list",
    "same_total",
)
mutant(
    "bounds and defaults",
    "not_found_cached_by_query",
    CacheFault(
        lambda request: (request.url.query, request.headers.get("authorization")),
        lambda request, status: status == 404 and "offset" in request.query_params,
    ),
    "valid_request_accepted",
    "credentials_required",
)
mutant("credentials", "refusal_cached", CacheFault(url, lambda request, status: status == 401), "credentials_accepted")
mutant(
    "paging",
    "cached_by_offset_alone",
    CacheFault(
        lambda request: (request.url.path, request.query_params.get("offset"), request.headers.get("authorization")),
        lambda request, status: status == 200 and request.query_params.get("offset") == "74",
    ),
    "limit_and_offset_echoed",
    "number_of_items",
)
mutant(
    "protocol",
    "cached_page_is_text",
    CacheFault(
        lambda request: (url(request), request.headers.get("authorization")),
        is_later,
        lambda answer: Response(answer.body, 200, media_type="text/plain"),
    ),
    "json_content_type",
    "credentials_required",
)
mutant(
    "protocol",
    "cached_page_is_gone",
    CacheFault(
        lambda request: (url(request), request.headers.get("authorization")),
        lambda request, status: status == 200 and not request.url.query,
        instead(404),
    ),
    "credentials_required",
)


def method(name: str, function: Callable[..., Any]) -> Callable[[Any], None]:
    return lambda cls: setattr(cls, name, function)


def default_50(self: ReferenceServer, request: Request) -> int:
    return ReferenceServer.parse_limit(self, request) if "limit" in request.query_params else 50


def most_50(self: ReferenceServer, request: Request) -> int:
    limit = ReferenceServer.parse_limit(self, request)
    if limit > 50:
        raise HTTPException(422, [{"loc": ["query", "limit"], "msg": "at most 50", "type": "less_than_equal"}])
    return limit


def behind(self: ReferenceServer, session: Session, parameters: Parameters) -> Any:
    total, runs = ReferenceServer.load_page(self, session, replace(parameters, offset=parameters.offset + 1))
    return max(total - 1, 0), runs


def one_more(self: ReferenceServer, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
    page = ReferenceServer.render_page(self, total, runs, parameters)
    put(page, "total", total + 1)
    return page


def without_the_empty(self: ReferenceServer, session: Session, user: Any, parameters: Parameters) -> Any:
    if str(parameters.definition_id) == seed.EMPTY_DEFINITION_ID:
        raise HTTPException(404, "Workflow definition not found")
    return ReferenceServer.find_definition(self, session, user, parameters)


def other_name(self: ReferenceServer, run: Run) -> Body:
    body = ReferenceServer.render_run(self, run)
    put(body, "run_snapshot", "max_run_duration_seconds", body["run_snapshot"]["max_run_duration_seconds"] + 1)
    return body


def other_error(self: ReferenceServer, run: Run) -> Body:
    body = ReferenceServer.render_run(self, run)
    return body | {"error": body["error"] and "Failed."}


mutant(
    "bounds and defaults",
    "second_worker_has_another_default",
    WorkerFault(method("parse_limit", default_50)),
    "defaults_applied",
)
mutant(
    "bounds and defaults",
    "third_worker_has_another_default",
    WorkerFault(method("parse_limit", default_50), 3),
    "defaults_applied",
)
mutant(
    "bounds and defaults",
    "second_worker_has_another_bound",
    WorkerFault(method("parse_limit", most_50)),
    "valid_request_accepted",
)
mutant("paging", "second_worker_is_behind", WorkerFault(method("load_page", behind)), "one_order")
mutant("paging", "fifth_worker_is_behind", WorkerFault(method("load_page", behind), 5), "one_order")
mutant("paging", "second_worker_counts_one_more", WorkerFault(method("render_page", one_more)), "one_list")
mutant(
    "bounds and defaults",
    "second_worker_lacks_a_definition",
    WorkerFault(method("find_definition", without_the_empty)),
    "valid_request_accepted",
)
mutant(
    "credentials",
    "fourth_worker_lets_in",
    WorkerFault(method("authenticate", lambda self, session, request: somebody(session)), 4),
    "credentials_required",
)
mutant("rules", "second_worker_has_other_snapshots", WorkerFault(method("render_run", other_name)), "frozen_fields")
mutant(
    "rules",
    "third_worker_has_other_errors",
    WorkerFault(method("render_run", other_error), 3),
    "ended_runs_stay",
)


class ColdStart(ReferenceServer):
    """Knows no runs before it was asked for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[object] = set()

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if parameters.definition_id not in self.known:
            self.known.add(parameters.definition_id)
            return 0, []
        return super().load_page(session, parameters)


class StaleForAWhile(ReferenceServer):
    """From the hundredth request on, shows an older list for twenty requests."""

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


mutant("paging", "cold_start_is_empty", ColdStart, "one_list")
mutant("paging", "stale_for_a_while", StaleForAWhile, "one_list")


def no_cookie(self: ReferenceServer, session: Session, request: Request) -> Any:
    if "authorization" not in request.headers:
        raise HTTPException(401, "Could not validate credentials")
    return ReferenceServer.authenticate(self, session, request)


def default_offset(self: ReferenceServer, request: Request) -> int:
    return ReferenceServer.parse_offset(self, request) if "offset" in request.query_params else 1


def lacks_a_field(self: ReferenceServer, run: Run) -> Body:
    body = ReferenceServer.render_run(self, run)
    del body["user_id"]
    return body


class Popular(ReferenceServer):
    """What was read twice is kept, and shown to anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, list[Response]] = {}

    def list_runs(self, request: Request) -> Response:
        kept = self.read.setdefault(url(request), [])
        if len(kept) >= 2:
            return kept[-1]
        answer = super().list_runs(request)
        kept.append(answer)
        return answer


class OldTotals(ReferenceServer):
    """From some time on, small pages have the total that there was once."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = count()

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        if next(self.pages) > 40 and parameters.limit < 30 and parameters.offset + parameters.limit < total - 2:
            put(page, "total", total - 2)
        return page


mutant("credentials", "popular_pages_for_anybody", Popular, "credentials_required")
mutant("paging", "old_totals_in_small_pages", OldTotals, "same_total")
mutant(
    "credentials",
    "third_worker_refuses_cookies",
    WorkerFault(method("authenticate", no_cookie), 3),
    "credentials_accepted",
)
mutant(
    "bounds and defaults",
    "fourth_worker_skips_one",
    WorkerFault(method("parse_offset", default_offset), 4),
    "defaults_applied",
    "one_order",
    "one_list",
)
mutant(
    "schema",
    "sixth_worker_lacks_a_field",
    WorkerFault(method("render_run", lacks_a_field), 6),
    "response_schema_conformance",
    "items_do_not_go_back",
)
mutant(
    "credentials",
    "seventh_worker_lets_in",
    WorkerFault(method("authenticate", lambda self, session, request: somebody(session)), 7),
    "credentials_required",
)
