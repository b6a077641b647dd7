"""What two requests that are under way at once do to each other.

A large page takes its time: until another request is there, or for a moment. So each of these shows as soon as any two
requests meet, one of them for a large page, and never to who asks for one thing at a time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run, User

from .making import Body, mutant

# Seconds, and limits from which on a page is large.
A_MOMENT, LARGE = 0.15, 100


class Meeting(ReferenceServer):
    """Lets one request wait for another one."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.arrived = threading.Event()
        self.number = self.under_way = 0
        self.here = threading.local()

    @contextmanager
    def arriving(self) -> Iterator[int]:
        with self.lock:
            self.number += 1
            number = self.number
            if self.under_way:
                self.arrived.set()
            else:
                self.arrived.clear()
            self.under_way += 1
        try:
            yield number
        finally:
            with self.lock:
                self.under_way -= 1

    def wait(self, parameters: Parameters) -> bool:
        """Whether another request came in the meantime."""
        return parameters.limit >= LARGE and self.arrived.wait(A_MOMENT)

    def list_runs(self, request: Request) -> Response:
        with self.arriving():
            return super().list_runs(request)


class ParametersShared(Meeting):
    def parse_parameters(self, request: Request) -> Parameters:
        self.parameters = super().parse_parameters(request)
        mine = self.parameters
        self.wait(mine)
        self.wait_a_little_for_the_other(mine)
        return self.parameters

    def wait_a_little_for_the_other(self, mine: Parameters) -> None:
        """Until the other one has got as far."""
        if self.arrived.is_set() and mine.limit >= LARGE:
            threading.Event().wait(A_MOMENT / 3)


class EchoShared(ParametersShared):
    """The page is the right one, and says what the other request asked for."""

    def parse_parameters(self, request: Request) -> Parameters:
        self.parameters = mine = ReferenceServer.parse_parameters(self, request)
        self.wait(mine)
        self.wait_a_little_for_the_other(mine)
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
            if self.users:
                return self.users[-1]
            raise
        self.users = (*self.users, user)
        return user

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.wait(parameters)
        if self.users and parameters.limit >= LARGE:
            threading.Event().wait(A_MOMENT / 3 if self.arrived.is_set() else 0)
        found = super().load_page(session, parameters)
        self.users = self.users[1:]
        return found

    def list_runs(self, request: Request) -> Response:
        try:
            return super().list_runs(request)
        finally:
            if self.under_way == 0:
                self.users = ()


class Busy(Meeting):
    """Can do one thing at a time."""

    def list_runs(self, request: Request) -> Response:
        with self.arriving():
            if self.under_way > 1:
                raise HTTPException(500, "database is locked")
            return ReferenceServer.list_runs(self, request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.wait(parameters)
        return super().load_page(session, parameters)


class CountsThoseUnderWay(Busy):
    """A counter of open reads goes into the total."""

    def list_runs(self, request: Request) -> Response:
        return Meeting.list_runs(self, request)

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        more = 1 if parameters.limit >= LARGE and self.arrived.is_set() and total else 0
        return super().render_page(total, runs, parameters) | {"total": total + more}


class BufferShared(Busy):
    """Rows of two requests are collected in one list."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Body] = []

    def list_runs(self, request: Request) -> Response:
        return Meeting.list_runs(self, request)

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        self.rows = rows = [*self.rows, *page["items"]] if self.under_way > 1 else page["items"]
        return page | {"items": rows}


class OneFlight(Meeting):
    """Of two requests at once with the same key, the second gets the answer of the first."""

    def __init__(self, key: Callable[[Request], object]) -> None:
        super().__init__()
        self.key = key
        self.flights: dict[object, threading.Event] = {}
        self.answers: dict[object, Response] = {}

    def list_runs(self, request: Request) -> Response:
        key = self.key(request)
        with self.arriving():
            with self.lock:
                first = self.flights.get(key)
                if first is None:
                    mine = self.flights[key] = threading.Event()
            if first is not None and first.wait(2) and key in self.answers:
                return self.answers[key]
            try:
                answer = ReferenceServer.list_runs(self, request)
                self.answers[key] = answer
                return answer
            finally:
                if first is None:
                    mine.set()
                    with self.lock:
                        self.flights.pop(key, None)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.answers.clear()
        self.wait(parameters)
        return super().load_page(session, parameters)


class ErrorOfTheOther(Meeting):
    """A refusal ends whatever is under way."""

    refusal: HTTPException | None = None

    def list_runs(self, request: Request) -> Response:
        with self.arriving():
            try:
                return ReferenceServer.list_runs(self, request)
            except HTTPException as refusal:
                if self.under_way > 1:
                    self.refusal = refusal
                raise

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if self.wait(parameters):
            threading.Event().wait(A_MOMENT / 3)
            refusal, self.refusal = self.refusal, None
            if refusal:
                raise refusal
        return super().load_page(session, parameters)


class ListOfTheOther(Meeting):
    """Rows are read for whoever came last: the list of an empty definition in place of the one that was asked for."""

    asked: Parameters

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        self.asked = parameters
        if self.wait(parameters):
            threading.Event().wait(A_MOMENT / 3)
        total, runs = super().load_page(session, parameters)
        return (total, runs) if self.asked.definition_id == parameters.definition_id else (0, [])


def path(request: Request) -> str:
    return request.url.path


for name, start in {
    "parameters_of_the_other_request": ParametersShared,
    "echo_of_the_other_request": EchoShared,
    "user_of_the_other_request": UserShared,
    "one_at_a_time_or_a_failure": Busy,
    "requests_under_way_are_counted": CountsThoseUnderWay,
    "rows_of_both_requests": BufferShared,
    "one_flight_by_path": lambda: OneFlight(path),
    "one_flight_for_anybody": lambda: OneFlight(lambda request: (request.url.path, request.url.query)),
    "refused_with_the_other_request": ErrorOfTheOther,
    "list_of_the_other_request": ListOfTheOther,
}.items():
    mutant("protocol", name, start, "answers_kept_apart")
