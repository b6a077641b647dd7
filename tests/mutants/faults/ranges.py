"""One value of a range that is answered otherwise than its neighbours."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer

from .making import ANSWER_WITHIN, AnswerFault, AskedFault, instead, mutant


@dataclass(frozen=True)
class HangFault:
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
    return lambda asked: replace(asked, limit=limit - 1 if asked.limit == limit else asked.limit)


def gives(name: str, *values: int) -> Callable[[Request, int], bool]:
    texts = tuple(map(str, values))
    return lambda request, status: status == 200 and request.query_params.get(name) in texts


for name, number in {"limit_50_fails": 50, "limit_13_fails": 13}.items():
    mutant("protocol", name, AnswerFault(instead(500), gives("limit", number)), "documented_status")
for name, number in {"offset_100_fails": 100, "offset_37_fails": 37}.items():
    mutant("protocol", name, AnswerFault(instead(500), gives("offset", number)), "documented_status")
# What only every value shows.
for name, number in {"limit_58_fails": 58, "limit_11_fails": 11, "limit_32_fails": 32}.items():
    mutant("protocol", name, AnswerFault(instead(500), gives("limit", number)), "documented_status", is_thorough=True)
for name, number in {
    "offset_64_fails": 64,
    "offset_113_fails": 113,
    "offset_1024_fails": 1024,
    "offset_65536_fails": 65536,
}.items():
    mutant("protocol", name, AnswerFault(instead(500), gives("offset", number)), "documented_status", is_thorough=True)
mutant("protocol", "limit_42_hangs", HangFault(lambda asked: asked.limit == 42), "no_answer", is_thorough=True)
mutant("protocol", "offset_1000_hangs", HangFault(lambda asked: asked.offset == 1000), "no_answer", is_thorough=True)
for name, number in {"limit_83_gives_82": 83, "limit_29_gives_28": 29}.items():
    mutant("paging", name, AskedFault(one_less(number)), "number_of_items", is_thorough=True)
for name, change in {
    "one_less_where_the_list_ends": lambda asked: replace(
        asked, limit=asked.limit - (asked.limit > 1 and asked.offset + asked.limit == 137)
    ),
    "one_less_where_limit_is_offset": lambda asked: replace(
        asked, limit=asked.limit - (asked.limit > 1 and asked.offset == asked.limit)
    ),
}.items():
    mutant("paging", name, AskedFault(change), "number_of_items")
mutant("protocol", "limit_48_hangs", HangFault(lambda asked: asked.limit == 48), "no_answer", is_thorough=True)
for name, number in {"offset_17_fails": 17, "offset_128_fails": 128, "offset_500_fails": 500}.items():
    mutant("protocol", name, AnswerFault(instead(500), gives("offset", number)), "documented_status", is_thorough=True)
mutant(
    "paging",
    "tens_lose_a_row",
    AskedFault(lambda asked: replace(asked, offset=asked.offset + (asked.offset % 10 == 0 < asked.offset < 100))),
    "pages_fit_together",
)
