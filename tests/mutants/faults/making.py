"""What mutants are made of. A fault that fits into one line is a function that changes a run, a page or an answer; the
others replace one step of the reference server.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run, User

Body = dict[str, Any]
OTHER_ID = "9d3f6a10-4c7e-4b52-8f61-0e2a7c95d4b8"
# Number of a run that only a reader of the whole list meets, counted from the newest.
RARE = 119
# Seconds. A hang is one when it outlasts this; the contract run is more patient with deployments.
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
    """Whether it takes THOROUGH=1 to meet the fault."""


@dataclass(frozen=True)
class RunFault:
    """Changes one run, or those that `where` picks, as they are rendered."""

    change: Callable[[Body], object]
    where: Callable[[Body], bool] | None = None

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def render_run(self, run: Run) -> Body:
                body = super().render_run(run)
                is_rare = run.sequence == seed.RUNS - RARE
                if fault.where(body) if fault.where else is_rare:
                    fault.change(body)
                return body

        return Server()


@dataclass(frozen=True)
class PageFault:
    """Changes a page before it is rendered as JSON."""

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
class AskedFault:
    """Reads other parameters than were sent."""

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
class AnswerFault:
    """Answers in another way: where `when` says so, and of those requests only every `every`th."""

    answer: Callable[[Response], Response]
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
                return fault.answer(response) if is_due and next(requests) % fault.every == 0 else response

        return Server()


@dataclass(frozen=True)
class StepFault:
    """Replaces one step of the server; the step gets the original one as its first argument."""

    step: str
    new: Callable[..., Any]

    def __call__(self) -> ReferenceServer:
        server = ReferenceServer()
        original = getattr(server, self.step)
        setattr(server, self.step, lambda *arguments: self.new(original, *arguments))
        return server


MUTANTS: dict[str, Mutant] = {}


def mutant(
    kind: str, name: str, start: Callable[[], ReferenceServer], *killed_by: str, is_thorough: bool = False
) -> None:
    if name in MUTANTS:
        raise LookupError(f"there are two mutants named {name}")
    MUTANTS[name] = Mutant(name, kind, start, frozenset(killed_by), is_thorough)


# Functions that the lambdas below need, as assignments and raising are no expressions.


def put(body: Body, *path_and_value: Any) -> Any:
    *path, last, value = path_and_value
    for key in path:
        body = body[key]
    body[last] = value


def refuse(status: int, detail: Any = "No") -> Any:
    raise HTTPException(status, detail)


def with_body(response: Response, change: Callable[[bytes], bytes]) -> Response:
    response.body = change(bytes(response.body))
    response.headers["Content-Length"] = str(len(response.body))
    return response


def with_bytes(change: Callable[[bytes], bytes]) -> Callable[[Response], Response]:
    return lambda response: with_body(response, change)


def instead(
    status: int, text: str = '{"detail": "No"}', kind: str = "application/json"
) -> Callable[[Response], Response]:
    return lambda response: Response("" if status == 204 else text, status, media_type=kind)


def with_header(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response


def is_page(request: Request, status: int) -> bool:
    return status == 200


def asks(name: str, *texts: str) -> Callable[[Request, int], bool]:
    """Whether the request has one of these values of the parameter, and would be answered with a page."""
    return lambda request, status: status == 200 and request.query_params.get(name) in texts


def always(request: Request, status: int) -> bool:
    return True


def on(wanted: int) -> Callable[[Request, int], bool]:
    return lambda request, status: status == wanted


def somebody(session: Session) -> User:
    user = session.get(User, seed.USER)
    assert user is not None
    return user


def lets_in(condition: Callable[[Request], bool]) -> StepFault:
    return StepFault(
        "authenticate",
        lambda original, session, request: somebody(session) if condition(request) else original(session, request),
    )


def header(request: Request) -> str:
    return request.headers.get("authorization", "")


def always_true(run: Body) -> bool:
    return True


def now() -> str:
    return datetime.now(UTC).isoformat()


def has(status: str) -> Callable[[Body], bool]:
    return lambda run: run["status"] == status
