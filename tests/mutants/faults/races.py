"""What two requests that are under way at once do to each other.

The first large page takes its time: until another request has come and gone, or for a moment. So each of these shows as
soon as any two requests meet, one of them for that page, and never to who asks for one thing at a time.
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

from .making import Body, mutant

# Seconds, and limits from which on a page is large.
A_MOMENT, LARGE = 0.5, 100


def is_slow(parameters: Parameters) -> bool:
    return parameters.limit >= LARGE and parameters.offset == 0


class Meeting(ReferenceServer):
    """Lets one request wait for another one."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.number = self.run_state = 0
        # A request is handled by one thread.
        self.mine = threading.local()

    @contextmanager
    def arriving(self) -> Iterator[None]:
        with self.changed:
            self.number += 1
            self.mine.number = self.number
            self.run_state += 1
            self.changed.notify_all()
        try:
            yield
        finally:
            with self.changed:
                self.run_state -= 1
                self.changed.notify_all()

    def has_met(self) -> bool:
        """Whether another request came since this one did."""
        return bool(self.number > self.mine.number)

    def wait(self, parameters: Parameters) -> bool:
        """Whether another request came and went in the meantime."""
        with self.changed:
            return is_slow(parameters) and (
                self.changed.wait_for(self.has_met, A_MOMENT)
                and self.changed.wait_for(lambda: self.run_state == 1, A_MOMENT)
            )

    def list_runs(self, request: Request) -> Response:
        with self.arriving():
            return super().list_runs(request)


class ParametersShared(Meeting):
    def parse_parameters(self, request: Request) -> Parameters:
        mine = super().parse_parameters(request)
        if not self.has_met():
            self.parameters = mine
        self.wait(mine)
        return self.parameters


class EchoShared(ParametersShared):
    """The page is the right one, and says what the other request asked for."""

    def parse_parameters(self, request: Request) -> Parameters:
        mine = ReferenceServer.parse_parameters(self, request)
        if not self.has_met():
            self.parameters = mine
        self.wait(mine)
        return mine

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        return page | {"limit": self.parameters.limit, "offset": self.parameters.offset}


class UserShared(Meeting):
    """Whoever was right last lets in those who are wrong meanwhile."""

    users: tuple[User, ...] = ()

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            user = super().authenticate(session, request)
        except HTTPException:
            with self.changed:
                if self.run_state > 1 and self.changed.wait_for(lambda: bool(self.users), A_MOMENT):
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
            if self.run_state == 0:
                self.users = ()


class Busy(Meeting):
    """Can do one thing at a time."""

    def list_runs(self, request: Request) -> Response:
        with self.arriving():
            if self.run_state > 1:
                raise HTTPException(500, "database is locked")
            return ReferenceServer.list_runs(self, request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.wait(parameters)
        return super().load_page(session, parameters)


class BufferShared(Meeting):
    """Rows of two requests are collected in one list."""

    rows: tuple[Body, ...] = ()

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        self.rows = (*(self.rows if self.run_state > 1 or self.has_met() else ()), *page["items"])
        self.wait(parameters)
        return page | {"items": self.rows}


class OneFlight(Meeting):
    """Of two requests at once with the same key, the second gets the answer of the first."""

    def __init__(self, key: Callable[[Request], object]) -> None:
        super().__init__()
        self.key = key
        self.lock = threading.Lock()
        self.flights: dict[object, Future[Response]] = {}

    def list_runs(self, request: Request) -> Response:
        key, mine = self.key(request), Future[Response]()
        with self.arriving():
            with self.lock:
                flight = self.flights.setdefault(key, mine)
            if flight is not mine:
                return flight.result()
            try:
                mine.set_result(ReferenceServer.list_runs(self, request))
            except BaseException as error:
                mine.set_exception(error)
            with self.lock:
                self.flights.pop(key)
            return mine.result()

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        with self.changed:
            if is_slow(parameters):
                self.changed.wait_for(lambda: self.run_state > 1, A_MOMENT)
        return super().load_page(session, parameters)


class ErrorOfTheOther(Meeting):
    """A refusal ends whatever is under way."""

    refusal: HTTPException | None = None

    def list_runs(self, request: Request) -> Response:
        with self.arriving():
            if self.run_state == 1:
                self.refusal = None
            try:
                return ReferenceServer.list_runs(self, request)
            except HTTPException as refusal:
                if self.run_state > 1:
                    self.refusal = refusal
                raise

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if self.wait(parameters) and self.refusal:
            raise self.refusal
        return super().load_page(session, parameters)


class ListOfTheOther(Meeting):
    """Rows are read for whoever came last: the list of an empty definition in place of the one that was asked for."""

    asked: Parameters

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if not self.has_met():
            self.asked = parameters
        self.wait(parameters)
        total, runs = super().load_page(session, parameters)
        return (total, runs) if self.asked.definition_id == parameters.definition_id else (0, [])


def path(request: Request) -> str:
    return request.url.path


for name, start in {
    "parameters_of_the_other_request": ParametersShared,
    "echo_of_the_other_request": EchoShared,
    "user_of_the_other_request": UserShared,
    "one_at_a_time_or_a_failure": Busy,
    "rows_of_both_requests": BufferShared,
    "one_flight_by_path": lambda: OneFlight(path),
    "one_flight_for_anybody": lambda: OneFlight(lambda request: (request.url.path, request.url.query)),
    "refused_with_the_other_request": ErrorOfTheOther,
    "list_of_the_other_request": ListOfTheOther,
}.items():
    mutant("protocol", name, start, "answers_kept_apart")
