"""The run under way: what it tests, how fast it may ask, and when it has to end.

There is one at a time in a process, as Schemathesis's hooks and checks are registered with the process.
"""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.rate_limit import RATE_LIMIT_AUTO_MAX_RETRIES, RATE_LIMIT_AUTO_MAX_WAIT, parse_retry_after
from schemathesis.engine.run.unit._case import BudgetExpired

from .target import Target

SECONDS = {"s": 1, "m": 60, "h": 3600}
# How often a request is repeated that was answered "not now".
PATIENCE = 3
# Requests between two signs of life.
PROGRESS = 100


@dataclass
class UnderWay:
    target: Target
    progress: Callable[[str], None]
    sent: int = 0
    """Requests, those included that a check sent to make sure."""
    answered: int = 0
    lenient: dict[str, set[str]] = field(default_factory=dict)
    """What the server takes beyond the contract's letter, by parameter."""
    unsettled: set[str] = field(default_factory=set)
    """Checks that could not make sure of a difference, as the list changed under them."""
    foreign: set[int] = field(default_factory=set)
    """The statuses for definitions that the credentials may not read."""
    ended_early: str = ""
    """Why requests were left out."""
    rows: dict[str, set[str]] = field(default_factory=dict)
    """Ids of the runs that were read, by definition."""
    throttled: int = 0
    connections: int = 0
    """Opened for the request at hand. A second one means that the first was cut: Schemathesis then asks again."""
    thread: int = 0
    """The one that sends it."""
    next_request: float = 0.0
    deadline: float = float("inf")

    def __post_init__(self) -> None:
        if self.target.max_time:
            self.deadline = time.monotonic() + self.target.max_time

    def wait_for_turn(self) -> None:
        """Keeps the rate, evenly: a burst at the start would be what a rate limit is there to prevent."""
        if self.target.is_deployment:
            number, _, unit = self.target.rate_limit.partition("/")
            now = time.monotonic()
            if now < self.next_request:
                time.sleep(self.next_request - now)
            self.next_request = max(now, self.next_request) + SECONDS[unit] / int(number)
        if self.ended_early or time.monotonic() > self.deadline:
            self.end(f"MAX_TIME, {self.target.max_time} s, was over")

    def end(self, reason: str) -> None:
        """Ends this phase, and at its first request each phase to come. Schemathesis goes on to judge what it has."""
        self.ended_early = self.ended_early or reason
        raise BudgetExpired

    def note_quota(self, response: Response) -> None:
        """Schemathesis waits as `Retry-After` says: a minute at most, a few times. What is beyond that ends the run."""
        if response.status_code != 429:
            self.throttled = 0
            return
        self.throttled += 1
        wait = (response.headers.get("retry-after") or ["none"])[0]
        is_long = wait.isascii() and wait.isdigit() and int(wait) > RATE_LIMIT_AUTO_MAX_WAIT
        if is_long or self.throttled > RATE_LIMIT_AUTO_MAX_RETRIES:
            self.end(f"the quota was exceeded (429), Retry-After: {wait}")


_current: list[UnderWay] = []


def begin(target: Target, progress: Callable[[str], None]) -> UnderWay:
    _current[:] = [UnderWay(target, progress)]
    return _current[0]


def under_way() -> UnderWay:
    return _current[0]


def count_connection(event: str, arguments: object) -> None:
    if event == "http.client.connect" and _current and _current[0].thread == threading.get_ident():
        _current[0].connections += 1


sys.addaudithook(count_connection)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    run = under_way()
    run.wait_for_turn()
    run.sent += 1
    run.connections, run.thread = 0, threading.get_ident()
    if run.sent % PROGRESS == 0:
        run.progress(f"  {run.sent} requests")


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    under_way().answered += 1
    under_way().note_quota(response)


def again(case: Case[Any]) -> Response:
    """Sends the same request once more, and waits where the server says "not now"."""
    for _ in range(PATIENCE):
        response = case.derive(keep_auth=True).call()
        if response.status_code == 429:
            time.sleep(parse_retry_after((response.headers.get("retry-after") or [""])[0]) or 0)
        elif response.status_code != 503:
            break
    return response
