"""Races: state that two concurrent requests share by mistake.

The first large page waits until another request has come and gone, or for MAX_WAIT. So each of these faults shows as
soon as any request overlaps with one for that page, and never to a client that sends one request at a time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run, User

from .base import Body, add_mutant

# Seconds, and the limit of pages that wait.
MAX_WAIT, LARGE_LIMIT = 0.5, 100


def is_slow(parameters: Parameters) -> bool:
    return parameters.limit >= LARGE_LIMIT and parameters.offset == 0


class OverlappingRequests(ReferenceServer):
    """Lets a request wait for another one."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.number = self.in_flight = 0
        # One thread handles a request.
        self.own = threading.local()

    @contextmanager
    def tracked(self) -> Iterator[None]:
        with self.changed:
            self.number += 1
            self.own.number = self.number
            self.in_flight += 1
            self.changed.notify_all()
        try:
            yield
        finally:
            with self.changed:
                self.in_flight -= 1
                self.changed.notify_all()

    def is_overlapped(self) -> bool:
        """True if another request arrived after this one."""
        return bool(self.number > self.own.number)

    def wait(self, parameters: Parameters) -> bool:
        """Wait until another request has come and gone. Return False if none came within MAX_WAIT."""
        with self.changed:
            return is_slow(parameters) and (
                self.changed.wait_for(self.is_overlapped, MAX_WAIT)
                and self.changed.wait_for(lambda: self.in_flight == 1, MAX_WAIT)
            )

    def list_runs(self, request: Request) -> Response:
        with self.tracked():
            return super().list_runs(request)


class SharedParameters(OverlappingRequests):
    def parse_parameters(self, request: Request) -> Parameters:
        own = super().parse_parameters(request)
        if not self.is_overlapped():
            self.parameters = own
        self.wait(own)
        return self.parameters


class SharedEcho(SharedParameters):
    """The page is right, but echoes the parameters of the other request."""

    def parse_parameters(self, request: Request) -> Parameters:
        own = ReferenceServer.parse_parameters(self, request)
        if not self.is_overlapped():
            self.parameters = own
        self.wait(own)
        return own

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        return page | {"limit": self.parameters.limit, "offset": self.parameters.offset}


class SharedUser(OverlappingRequests):
    """While an authenticated request is in flight, others need no valid credentials."""

    users: tuple[User, ...] = ()

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            user = super().authenticate(session, request)
        except HTTPException:
            with self.changed:
                if self.in_flight > 1 and self.changed.wait_for(lambda: bool(self.users), MAX_WAIT):
                    return self.users[-1]
            raise
        with self.changed:
            self.users = (*self.users, user)
            self.changed.notify_all()
        return user

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.wait(parameters)
        found = super().load_page(session, parameters)
        self.users = self.users[1:]
        return found

    def list_runs(self, request: Request) -> Response:
        try:
            return super().list_runs(request)
        finally:
            if self.in_flight == 0:
                self.users = ()


class OneAtATime(OverlappingRequests):
    """Answers concurrent requests with 500."""

    def list_runs(self, request: Request) -> Response:
        with self.tracked():
            if self.in_flight > 1:
                raise HTTPException(500, "database is locked")
            return ReferenceServer.list_runs(self, request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.wait(parameters)
        return super().load_page(session, parameters)


class SharedBuffer(OverlappingRequests):
    """Collects the rows of concurrent requests in one list."""

    rows: tuple[Body, ...] = ()

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        self.rows = (*(self.rows if self.in_flight > 1 or self.is_overlapped() else ()), *page["items"])
        self.wait(parameters)
        return page | {"items": self.rows}


class SingleFlight(OverlappingRequests):
    """Of concurrent requests with the same key, all get the response to the first."""

    def __init__(self, key: Callable[[Request], object]) -> None:
        super().__init__()
        self.key = key
        self.lock = threading.Lock()
        self.flights: dict[object, Future[Response]] = {}

    def list_runs(self, request: Request) -> Response:
        key, own = self.key(request), Future[Response]()
        with self.tracked():
            with self.lock:
                flight = self.flights.setdefault(key, own)
            if flight is not own:
                return flight.result()
            try:
                own.set_result(ReferenceServer.list_runs(self, request))
            except BaseException as error:
                own.set_exception(error)
            with self.lock:
                self.flights.pop(key)
            return own.result()

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        with self.changed:
            if is_slow(parameters):
                self.changed.wait_for(lambda: self.in_flight > 1, MAX_WAIT)
        return super().load_page(session, parameters)


class SharedRefusal(OverlappingRequests):
    """A refusal is sent to concurrent requests as well."""

    refusal: HTTPException | None = None

    def list_runs(self, request: Request) -> Response:
        with self.tracked():
            if self.in_flight == 1:
                self.refusal = None
            try:
                return ReferenceServer.list_runs(self, request)
            except HTTPException as refusal:
                if self.in_flight > 1:
                    self.refusal = refusal
                raise

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if self.wait(parameters) and self.refusal:
            raise self.refusal
        return super().load_page(session, parameters)


class SharedList(OverlappingRequests):
    """Reads rows for the definition of the latest request: no rows if it is another one."""

    parameters: Parameters

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if not self.is_overlapped():
            self.asked = parameters
        self.wait(parameters)
        total, runs = super().load_page(session, parameters)
        return (total, runs) if self.asked.definition_id == parameters.definition_id else (0, [])


def path_of(request: Request) -> str:
    return request.url.path


for name, start in {
    "parameters_of_the_other_request": SharedParameters,
    "echo_of_the_other_request": SharedEcho,
    "user_of_the_other_request": SharedUser,
    "one_at_a_time_or_a_failure": OneAtATime,
    "rows_of_both_requests": SharedBuffer,
    "one_flight_by_path": lambda: SingleFlight(path_of),
    "one_flight_for_anybody": lambda: SingleFlight(lambda request: (request.url.path, request.url.query)),
    "refused_with_the_other_request": SharedRefusal,
    "list_of_the_other_request": SharedList,
}.items():
    add_mutant("protocol", name, start, "answers_kept_apart")
