"""Sends all requests of a run, whoever makes them.

The session sends only safe requests, at the given rate, within the time limit, each response bounded as a whole
(exchange.py). It waits and sends again after transient responses. While open, it replaces the adapter of the requests
library, which all senders have in common: Schemathesis accepts no session, and creates further ones for requests of its
checks.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import requests.sessions
from requests.exceptions import ConnectionError, SSLError
from urllib3.exceptions import NewConnectionError

from .contract import contract
from .exchange import BoundedAdapter, Bounds, NoAnswer, check_readable, placeholder_response, root_cause
from .operation import SAFE_METHODS
from .parameter import INVALID
from .target import NONEXISTENT_IDS, Target, random_ids

SECONDS = {"s": 1, "m": 60, "h": 3600}
# Seconds between attempts without Retry-After, and so the number of attempts.
BACKOFF = (0.1, 0.2, 0.4, 0.8, 1.6)
# Seconds: longest single wait, all waits of a run, and all waits before it.
LONGEST_WAIT, WAIT_BUDGET, PREFLIGHT_WAIT_BUDGET = 60, 300, 20
# Waits of this many seconds are shown.
ANNOUNCED_WAIT = 5
# Seconds between attempts while the server refuses connections, if it accepted them before.
RESTART = (0.5, 1.0, 2.0)
# Limits for late or too large responses: each costs as much as many others.
MAX_FAILURES_IN_A_ROW, MAX_FAILURES = 3, 8
# The reason of a placeholder for a request that was not sent.
NOT_SENT = "not sent: the run did not create this item"
# Requests between two lines of progress.
PROGRESS = 100
Exchange = Callable[[requests.PreparedRequest, Bounds], requests.Response]
HTTP_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


class Ended(KeyboardInterrupt):
    """No more requests are sent. Schemathesis judges what it has, as after an interruption."""


class NotSent(requests.RequestException):
    """A request that must not be sent."""


def read_retry_after(text: str, now: datetime | None = None) -> float | None:
    """Return the seconds to wait; None if the text is neither seconds nor a date (RFC 9110, section 10.2.3)."""
    if re.fullmatch(r"[0-9]+", text, re.ASCII):
        return float(text[:12])
    for form in HTTP_DATES:
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    return None


@dataclass
class Sending:
    """What it took to get one response."""

    transient: list[requests.Response] = field(default_factory=list)
    """Transient responses before the last one."""
    cut: bool = False
    """True if a connection was closed without a byte, and the same request then got a response."""
    seconds: float = 0.0
    """Until the response was complete, without waits."""


class Session:
    """Sends the requests of one run."""

    def __init__(self, target: Target, progress: Callable[[str], None] = lambda line: None) -> None:
        self.target = target
        self.progress = progress
        self.sent = 0
        """Number of requests, those of checks included."""
        self.answered = 0
        self.ended_early = ""
        """Why the run ended early; empty if it did not."""
        self.is_unavailable = False
        """True if the server gives transient responses to everything."""
        self.deadline = time.monotonic() + target.max_time if target.max_time else float("inf")
        self.wait_budget: float = PREFLIGHT_WAIT_BUDGET
        self.failure: NoAnswer | None = None
        """Why the last request got no response."""
        self.failures = self.failures_in_a_row = 0
        self.ended_by: tuple[requests.PreparedRequest, str] | None = None
        """The request that ended the run, and why it got no response."""
        self.next_request = 0.0
        self.found_permanent = False
        self.created_ids = {name: list(ids) for name, ids in target.created_ids.items()}
        """Ids of items that this run or its preflight created, by parameter."""
        self.answered_others = False
        """True if a request succeeded since this was last checked."""
        self.last_success: requests.PreparedRequest | None = None
        self.thread = threading.local()
        self.lock = threading.Lock()
        """Held while the attributes above change: some requests are concurrent."""

    @contextmanager
    def opened(self) -> Iterator["Session"]:
        """Send everything that the requests library sends through this session."""
        session, before = self, requests.sessions.HTTPAdapter  # type: ignore[attr-defined]

        class Adapter(BoundedAdapter):
            def send(self, request: requests.PreparedRequest, *_: Any, **how: Any) -> requests.Response:
                return session.send(request, lambda batch, bounds: self.exchange(batch, bounds, **how))

        requests.sessions.HTTPAdapter = Adapter  # type: ignore[attr-defined]
        try:
            yield self
        finally:
            requests.sessions.HTTPAdapter = before  # type: ignore[attr-defined]

    @property
    def sending(self) -> Sending:
        """The current sending of this thread."""
        if not hasattr(self.thread, "sending"):
            self.thread.sending = Sending()
        sending: Sending = self.thread.sending
        return sending

    def start(self) -> Sending:
        """Begin a new request."""
        self.thread.sending = Sending()
        return self.sending

    def begin_run(self) -> None:
        """Do not count the requests of the preflight."""
        self.sent = self.answered = self.failures = self.failures_in_a_row = 0
        self.wait_budget = WAIT_BUDGET

    def end(self, reason: str) -> None:
        self.ended_early = self.ended_early or reason
        raise Ended(self.ended_early)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, min(seconds, self.deadline - time.monotonic())))
        self.check_time()

    def check_time(self) -> None:
        if self.ended_early or time.monotonic() >= self.deadline:
            self.end(f"MAX_TIME ({self.target.max_time} s) was over")

    def throttle(self) -> None:
        """Wait for the next request's turn. Evenly: a burst at the start would exceed the rate limits of servers."""
        self.check_time()
        if vars(self.thread).pop("is_throttled", False):
            return
        if self.target.is_deployment:
            number, _, unit = self.target.rate_limit.partition("/")
            with self.lock:
                now = time.monotonic()
                turn = max(now, self.next_request)
                self.next_request = turn + SECONDS[unit] / int(number)
            if turn > now:
                self.sleep(turn - now)

    def check_request(self, request: requests.PreparedRequest) -> None:
        """Raise NotSent for requests that must not be sent, whoever makes them."""
        if request.method not in SAFE_METHODS and not self.target.all_methods:
            raise NotSent(f"{request.method} is not sent to a deployment without ALL_METHODS=1", request=request)
        there, here = urlsplit(request.url or ""), urlsplit(self.target.base_url)
        if (there.scheme, there.netloc.lower()) != (here.scheme, here.netloc.lower()):
            raise NotSent(f"{there.scheme}://{there.netloc} is not the server under test", request=request)

    def is_foreign_write(self, request: requests.PreparedRequest) -> bool:
        """True if the request would change or delete an item that this run did not create, by its URL."""
        path = urlsplit(request.url or "").path.removeprefix(urlsplit(self.target.base_url).path)
        for each in contract().operations if request.method not in {"POST", *SAFE_METHODS} else ():
            found = each.address.fullmatch(path) if each.method == request.method else None
            if found and each.parent:
                parameter, ids = each.in_path[each.parent], self.target.ids_of(each)
                identifier = parameter.normalize(unquote(found[1]))
                unknown = (*NONEXISTENT_IDS, *random_ids(self.target.seed))
                allowed = {*self.created_ids.get(each.parent, ()), *ids.foreign, *ids.deleted, *unknown}
                return identifier not in allowed and parameter.judge_one(identifier) != INVALID
        return False

    def send(self, request: requests.PreparedRequest, exchange: Exchange) -> requests.Response:
        """Send a request, and return the response or a placeholder (`placeholder_response`).

        After a transient response (`Contract.transient_statuses`) it waits as long as the server says, and sends again.

        Raises:
            Ended: No more requests are sent.
            NotSent: This request must not be sent.
            requests.RequestException: The server cannot be reached.
        """
        self.check_request(request)
        if self.is_foreign_write(request):
            return placeholder_response(request, NOT_SENT)
        # A status that has proven permanent is not waited for again.
        for pause in (*(BACKOFF[:1] if self.found_permanent else BACKOFF), None):
            response = self.send_once(request, exchange)
            if response.status_code not in contract().transient_statuses:
                self.answered_others = self.answered_others or response.status_code > 0
                break
            retry_after = read_retry_after(response.headers.get("Retry-After", ""))
            wait = pause if retry_after is None else retry_after
            if pause is None or wait is None or wait > min(LONGEST_WAIT, self.wait_budget):
                self.judge_outage(response, exchange, is_long=pause is not None)
                break
            self.sending.transient.append(response)
            with self.lock:
                self.wait_budget -= wait
            if wait >= ANNOUNCED_WAIT:
                self.progress(f"  waiting {wait:.0f} s, as the server says ({response.status_code})")
            self.sleep(wait)
        if 200 <= response.status_code < 300 and request.method == "GET":
            self.last_success = request
        return response

    def send_concurrently(self, batch: Sequence[requests.PreparedRequest]) -> list[requests.Response]:
        """Send each request as soon as the one before it has left, and return all responses.

        All turns are waited for first: so the rate holds, and the requests are still concurrent.
        Raises what `send` raises.
        """
        for _ in batch:
            self.throttle()
        left = [threading.Event() for _ in batch]

        def send(number: int) -> requests.Response:
            self.start()
            self.thread.is_throttled, self.thread.is_sent = True, left[number]
            if number:
                left[number - 1].wait()
            try:
                with requests.Session() as sender:
                    how = sender.merge_environment_settings(batch[number].url or "", {}, None, None, None)
                    return sender.send(batch[number].copy(), allow_redirects=False, **how)
            finally:
                # Also if it was never sent.
                left[number].set()

        with ThreadPoolExecutor(len(batch)) as pool:
            return [each.result() for each in [pool.submit(send, number) for number in range(len(batch))]]

    def judge_outage(self, response: requests.Response, exchange: Exchange, is_long: bool) -> None:
        """Decide whether a lasting transient status is an outage: not if the server answers another request."""
        if self.found_permanent and self.answered_others and not is_long:
            self.answered_others = False
            return
        status = response.status_code
        retry_after = response.headers.get("Retry-After")
        is_quota = status == HTTPStatus.TOO_MANY_REQUESTS
        is_announced = is_quota and is_long
        if (
            not is_announced
            and self.last_success
            and self.send_once(self.last_success, exchange).status_code not in contract().transient_statuses | {0}
        ):
            self.found_permanent = True
            return
        self.is_unavailable = True
        what = f"the quota was exceeded ({status})" if is_quota else f"the server answered {status} to everything"
        self.ended_early = self.ended_early or f"{what}, Retry-After: {retry_after or 'none'}"

    def send_once(self, request: requests.PreparedRequest, exchange: Exchange) -> requests.Response:
        """Send a request once; again if the connection was closed, and several times if connections are refused."""
        pauses = iter(RESTART)
        sending = self.sending
        while True:
            self.throttle()
            with self.lock:
                self.sent += 1
                number = self.sent
            if number % PROGRESS == 0:
                self.progress(f"  {number} requests")
            start = time.monotonic()
            within = self.target.answer_within
            bounds = Bounds(within, min(start + within, self.deadline), self.target.max_answer)
            bounds.is_sent = vars(self.thread).pop("is_sent", bounds.is_sent)
            try:
                response = exchange(request, bounds)
                check_readable(response.content)
            except NoAnswer as error:
                return self.record_failure(request, error)
            except ConnectionError as error:
                if isinstance(error, SSLError) or is_connection_refused(error):
                    pause = next(pauses, None) if self.answered and not isinstance(error, SSLError) else None
                    if pause is None and sending.cut:
                        # This request may have crashed the server.
                        return self.record_failure(
                            request, NoAnswer("the connection was closed, and further ones are refused")
                        )
                    if pause is None:
                        raise
                    self.sleep(pause)
                    continue
                if not bounds.received and not sending.cut and request.method in SAFE_METHODS:
                    # Each request has a connection of its own, so the server did not close an idle one.
                    sending.cut = True
                    continue
                closed = "the connection was closed, twice" if sending.cut else "the connection was closed"
                what = "the response is not HTTP" if bounds.received else closed
                return self.record_failure(request, NoAnswer(f"{what}: {root_cause(error)}"))
            finally:
                sending.seconds = time.monotonic() - start
            with self.lock:
                self.answered += 1
                self.failure, self.failures_in_a_row = None, 0
            return response

    def record_failure(self, request: requests.PreparedRequest, error: NoAnswer) -> requests.Response:
        """Record a failure; too many costly ones end the run before the next request."""
        if error.is_late:
            # If MAX_TIME is over, the server was not late.
            self.check_time()
        self.failure = error
        self.sending.cut = False
        if error.is_late or error.is_large:
            with self.lock:
                self.failures += 1
                self.failures_in_a_row += 1
        if self.failures_in_a_row >= MAX_FAILURES_IN_A_ROW or self.failures >= MAX_FAILURES:
            self.ended_by = request, str(error)
            self.ended_early = self.ended_early or f"{self.failures} requests got no complete response"
        return placeholder_response(request, str(error))


def is_connection_refused(error: BaseException) -> bool:
    """True if the connection was refused, as during a restart."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError)
