"""Single values of limit or offset that are answered differently from their neighbours."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer

from .base import ANSWER_WITHIN, ParametersFault, ResponseFault, add_mutant, page_with, respond_with


@dataclass(frozen=True)
class HangFault:
    """Does not answer requests that fulfil `when` in time."""

    when: Callable[[Parameters], bool]

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def load_page(self, session: Session, parameters: Parameters) -> Any:
                if fault.when(parameters):
                    threading.Event().wait(ANSWER_WITHIN + 1)
                return super().load_page(session, parameters)

        return Server()


def one_less(limit: int) -> Callable[[Parameters], Parameters]:
    return lambda parameters: replace(parameters, limit=limit - 1 if parameters.limit == limit else parameters.limit)


def fails_for(name: str, value: int) -> ResponseFault:
    """Answer pages with this value of a parameter with 500."""
    return ResponseFault(respond_with(500), page_with(name, str(value)))


PROTOCOL, PAGING = "protocol", "paging"
for name, number in (("limit", 50), ("limit", 13), ("offset", 100), ("offset", 37)):
    add_mutant(PROTOCOL, f"{name}_{number}_fails", fails_for(name, number), "documented_status")
# Found only by trying every value.
for name, numbers in (("limit", (58, 11, 32)), ("offset", (64, 113, 1024, 65536, 17, 128, 500))):
    for number in numbers:
        fault = fails_for(name, number)
        add_mutant(PROTOCOL, f"{name}_{number}_fails", fault, "documented_status", is_thorough=True)
for name, hangs in {
    "limit_42_hangs": HangFault(lambda parameters: parameters.limit == 42),
    "limit_48_hangs": HangFault(lambda parameters: parameters.limit == 48),
    "offset_1000_hangs": HangFault(lambda parameters: parameters.offset == 1000),
}.items():
    add_mutant(PROTOCOL, name, hangs, "no_answer", is_thorough=True)
for name, number in {"limit_83_gives_82": 83, "limit_29_gives_28": 29}.items():
    add_mutant(PAGING, name, ParametersFault(one_less(number)), "number_of_items", is_thorough=True)
for name, change in {
    "one_less_where_the_list_ends": lambda parameters: replace(
        parameters, limit=parameters.limit - (parameters.limit > 1 and parameters.offset + parameters.limit == 137)
    ),
    "one_less_where_limit_is_offset": lambda parameters: replace(
        parameters, limit=parameters.limit - (parameters.limit > 1 and parameters.offset == parameters.limit)
    ),
}.items():
    add_mutant(PAGING, name, ParametersFault(change), "number_of_items")
add_mutant(
    PAGING,
    "tens_lose_a_row",
    ParametersFault(
        lambda parameters: replace(
            parameters, offset=parameters.offset + (parameters.offset % 10 == 0 < parameters.offset < 100)
        )
    ),
    "pages_fit_together",
)
