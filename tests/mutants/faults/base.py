"""Handmade mutants and the faults that they are made of.

A fault is a function that returns a reference server. Most change a run, a page or a response by a lambda; the others
replace one method of the server.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session
from starlette.types import ASGIApp

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run, User

Body = dict[str, Any]
OTHER_ID = "9d3f6a10-4c7e-4b52-8f61-0e2a7c95d4b8"
# A run that only readers of the whole list see: its number, counted from the newest.
RARE_RUN = 119
# Seconds. A response that takes longer counts as a hang. Deployments get more time.
ANSWER_WITHIN = 4


@dataclass(frozen=True)
class Mutant:
    """A server with one fault."""

    name: str
    kind: str
    """The class of checks that the fault belongs to."""
    start: Callable[[], ReferenceServer]
    killed_by: frozenset[str]
    """Exactly the checks that must fail."""
    is_thorough: bool = False
    """True if only a run with THOROUGH=1 finds the fault."""
    middleware: Callable[[ASGIApp], ASGIApp] = lambda app: app
    """Wraps the application, for faults below HTTP."""


@dataclass(frozen=True)
class RunFault:
    """Changes one rare run, or the runs selected by `where`."""

    change: Callable[[Body], object]
    where: Callable[[Body], bool] | None = None

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def render_run(self, run: Run) -> Body:
                body = super().render_run(run)
                is_rare = run.sequence == seed.RUNS - RARE_RUN
                if fault.where(body) if fault.where else is_rare:
                    fault.change(body)
                return body

        return Server()


@dataclass(frozen=True)
class PageFault:
    """Changes pages."""

    change: Callable[[Body, Parameters], object]

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
                page = super().render_page(total, runs, parameters)
                fault.change(page, parameters)
                return page

        return Server()


@dataclass(frozen=True)
class ParametersFault:
    """Reads the page for other parameters. With `is_echoed`, echoes them as well, for requests that fulfil `when`."""

    change: Callable[[Parameters], Parameters]
    when: Callable[[Request], bool] = lambda request: True
    is_echoed: bool = False

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def load_page(self, session: Session, parameters: Parameters) -> tuple[int, Sequence[Run]]:
                return super().load_page(session, parameters if fault.is_echoed else fault.change(parameters))

            def parse_parameters(self, request: Request) -> Parameters:
                parameters = super().parse_parameters(request)
                return fault.change(parameters) if fault.is_echoed and fault.when(request) else parameters

        return Server()


@dataclass(frozen=True)
class ResponseFault:
    """Changes responses to GET that fulfil `when`, every n-th of them."""

    change: Callable[[Response], Response]
    when: Callable[[Request, int], bool]
    every: int = 1

    def __call__(self) -> ReferenceServer:
        fault, requests = self, count(1)

        class Server(ReferenceServer):
            def list_runs(self, request: Request) -> Response:
                try:
                    response = super().list_runs(request)
                except HTTPException as refusal:
                    headers = dict(refusal.headers or {})
                    response = Response(
                        json.dumps({"detail": refusal.detail}), refusal.status_code, headers, "application/json"
                    )
                is_due = request.method == "GET" and fault.when(request, response.status_code)
                return fault.change(response) if is_due and next(requests) % fault.every == 0 else response

        return Server()


@dataclass(frozen=True)
class MethodFault:
    """Replaces one method of the server. The new function gets the original method as its first argument."""

    method: str
    new: Callable[..., Any]

    def __call__(self) -> ReferenceServer:
        server = ReferenceServer()
        original = getattr(server, self.method)
        setattr(server, self.method, lambda *arguments: self.new(original, *arguments))
        return server


MUTANTS: dict[str, Mutant] = {}


def add_mutant(
    kind: str,
    name: str,
    start: Callable[[], ReferenceServer],
    *killed_by: str,
    is_thorough: bool = False,
    middleware: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> None:
    if name in MUTANTS:
        raise LookupError(f"there are two mutants named {name}")
    MUTANTS[name] = Mutant(name, kind, start, frozenset(killed_by), is_thorough, middleware)


# Functions for lambdas, which cannot contain assignments or `raise`.


def set_field(body: Body, *path_and_value: Any) -> Any:
    """Set the field at a path: `set_field(run, "run_snapshot", "user_id", value)`."""
    *path, last, value = path_and_value
    for key in path:
        body = body[key]
    body[last] = value


def raise_http(status: int, detail: Any = "No") -> Any:
    raise HTTPException(status, detail)


def edit_body(response: Response, change: Callable[[bytes], bytes]) -> Response:
    response.body = change(bytes(response.body))
    response.headers["Content-Length"] = str(len(response.body))
    return response


def body_edit(change: Callable[[bytes], bytes]) -> Callable[[Response], Response]:
    return lambda response: edit_body(response, change)


def respond_with(
    status: int, text: str = '{"detail": "No"}', kind: str = "application/json"
) -> Callable[[Response], Response]:
    return lambda response: Response("" if status == 204 else text, status, media_type=kind)


def with_header(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response


# Conditions on a request and the status of its response.


def is_page(request: Request, status: int) -> bool:
    return status == 200


def page_with(name: str, *texts: str) -> Callable[[Request, int], bool]:
    """True for requests with one of these values of a query parameter, if the response is a page."""
    return lambda request, status: status == 200 and has_query(request, name, *texts)


def always(request: Request, status: int) -> bool:
    return True


def status_is(wanted: int) -> Callable[[Request, int], bool]:
    return lambda request, status: status == wanted


def default_user(session: Session) -> User:
    user = session.get(User, seed.USER)
    assert user is not None
    return user


def accept_if(condition: Callable[[Request], bool]) -> MethodFault:
    """Skip authentication for requests that fulfil the condition."""
    return MethodFault(
        "authenticate",
        lambda original, session, request: default_user(session) if condition(request) else original(session, request),
    )


def has_query(request: Request, name: str, *texts: str) -> bool:
    """True if the query parameter has one of these values."""
    return request.query_params.get(name) in texts


def path_id(request: Request) -> str:
    return str(request.path_params["definition_id"])


def authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def any_run(run: Body) -> bool:
    return True


def now() -> str:
    return datetime.now(UTC).isoformat()


def run_status_is(status: str) -> Callable[[Body], bool]:
    return lambda run: run["status"] == status
