"""Checks that one request does not change the response to another: a concurrent one, or an earlier HEAD."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import requests

from ..contract import contract
from ..interaction import Interaction, resend, send_together
from ..pages import shorten
from ..parsed_request import RIGHT
from ..run_state import run_state
from .base import Check, UnexpectedStatus, Violation, check
from .bounds import one_of
from .page_comparison import PROOFS, REQUESTS

# Attempts to reproduce a difference.
TRIES = 5
# How often in a row the response to the request alone must be the same.
STEADY = 12
# The first status that is a refusal.
LEAST_REFUSAL = 400
# The compared part of a response.
Summary = tuple[int, Any]


def summarize(found: Interaction) -> Summary:
    """Return the status and, for a page, keys, total and echoes. Other fields of items may change between reads."""
    page, listing = found.page, found.operation.listing
    if page is None or listing is None:
        # Refusals and single items may contain a request ID.
        return found.status, None
    return found.status, (page.keys, page.total, *(found.integer_at(field) for field in listing.echoes.values()))


def describe(answer: Summary) -> str:
    """Describe a response for messages."""
    status, page = answer
    if page is None:
        return str(status)
    keys, total, *echoes = page
    echoed = f", echoing {' and '.join(map(str, echoes))}" if echoes else ""
    first = f", the first {shorten(keys[0])}" if keys else ""
    return f"{status} with {len(keys)} items of {total}{first}{echoed}"


class DifferenceCheck(Check):
    """Base of checks that compare the response to a request alone with the response under other conditions."""

    def __init__(self) -> None:
        # Half the usual number: confirming takes few requests, and on a list that always changes more do not help.
        self.requests = REQUESTS // 2

    def confirm_difference(
        self, known: Sequence[Interaction], meanwhile: Callable[[], Sequence[Interaction]]
    ) -> tuple[Interaction, Summary, Summary] | None:
        """Return a request, its response alone and its response `meanwhile`, if the two differ.

        The difference must occur `PROOFS` times, each time between two identical responses to the requests alone. None
        if it does not, or if the list does not stop changing.
        """
        before = run_state().sent
        found = self.compare(known, meanwhile) if self.requests > 0 else None
        self.requests -= run_state().sent - before
        if found is None:
            run_state().inconclusive.add(type(self).__name__)
        return found or None

    @staticmethod
    def compare(
        known: Sequence[Interaction], meanwhile: Callable[[], Sequence[Interaction]]
    ) -> tuple[Interaction, Summary, Summary] | Literal[False] | None:
        if all(summarize(before) == summarize(after) for before, after in zip(known, meanwhile(), strict=True)):
            return False
        found, is_calm = list[tuple[Interaction, Summary, Summary]](), False
        for _ in range(TRIES):
            alone = [[summarize(resend(each.case)) for each in known]]
            answers = [summarize(each) for each in meanwhile()]
            alone.append([summarize(resend(each.case)) for each in known])
            is_passing = any(status in contract().transient_statuses | {0} for status, _ in answers)
            if is_passing or any(each != alone[0] for each in alone):
                continue
            wrong = [each for each in zip(known, alone[0], answers, strict=True) if each[1] != each[2]]
            found += wrong[:1]
            is_calm = is_calm or not wrong
            if len(found) == PROOFS:
                which, shown_alone, _ = found[0]
                # A single worker of many may be the one that differs, by chance each time.
                is_steady = all(summarize(resend(which.case)) == shown_alone for _ in range(STEADY))
                return found[0] if is_steady else False
        return False if is_calm else None


def is_expected(found: Interaction) -> bool:
    """True if the status is allowed, and the request is safe to repeat."""
    allowed = found.allowed_statuses or frozenset()
    return (
        found.operation.is_safe
        and found.parsed.is_operation
        and found.status in allowed - found.operation.transient_statuses
    )


@check
class answers_kept_apart(DifferenceCheck):
    """Each of two concurrent requests gets the response that it gets alone."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Interaction] = {}
        self.met: set[object] = set()
        """The kinds of requests that were paired with a page; four pairs per run if all is well."""

    def judge(self, found: Interaction) -> bool | None:
        operation = found.operation
        if not is_expected(found) or run_state().session.ended_early:
            return True
        if found.page and found.items and found.page.limit == operation.limits[-1] and not found.page.offset:
            # The largest pages take longest, so the other request arrives before they are complete.
            self.pages.setdefault(found.response.request.url or "", found)
            return True
        page, refused = self.partner(found), found.status != operation.page_status
        kind = bool(found.items), refused, found.status in operation.refused("credentials")
        if page is None or kind in self.met:
            return True
        self.met.add(kind)
        pair = [page, found]
        if wrong := self.confirm_difference(pair, lambda: send_together(pair)):
            which, alone, meanwhile = wrong
            other = page if which is found else found
            what = f"a request with {which.parsed.kind_of_credentials} ({which.parsed.query_text})"
            raise Violation(
                f"concurrent requests: {what} must be answered as it is alone, with {describe(alone)} (got "
                f"{describe(meanwhile)} while another, {other.parsed.query_text}, was in progress)"
            )
        return None

    def partner(self, found: Interaction) -> Interaction | None:
        """Return a large page to request concurrently.

        For wrong credentials it has the same URL; otherwise it has other credentials, if possible.
        """
        if found.status in found.operation.refused("credentials"):
            return self.pages.get(found.response.request.url or "")
        if found.items == [] and all(each.parsed.parent == found.parsed.parent for each in self.pages.values()):
            # An empty page of the same list is less telling than another list.
            return None
        other = [each for each in self.pages.values() if each.parsed.scheme != found.parsed.scheme]
        return next(iter([*other, *self.pages.values()]), None)


@check
class head_changes_nothing(DifferenceCheck):
    """A HEAD does not change the response to a later GET (RFC 9110, section 9.2.1), with any credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.is_done = False

    def judge(self, found: Interaction) -> bool | None:
        operation, url = found.operation, found.response.request.url or ""
        # A method outside the contract is sent to a deployment only on request.
        is_sent = run_state().target.all_methods and operation.method == "GET"
        if self.is_done or not is_sent or not is_expected(found) or found.parsed.credentials != RIGHT:
            return True
        if operation.listing and (not found.items or found.parsed.limit is None or not found.parsed.limit.is_given):
            return True
        if url not in self.seen:
            # Changes caused by a second GET are not caused by HEAD.
            self.seen.add(url)
            return True
        self.is_done = True
        request = without_credentials(found)
        is_closed = request is not None and status_of(request) >= LEAST_REFUSAL
        head = found.response.request.copy()
        head.method = "HEAD"

        def after_head() -> list[Interaction]:
            run_state().session.send_concurrently([head])
            return [resend(found.case)]

        if wrong := self.confirm_difference([found], after_head):
            _, alone, after = wrong
            raise Violation(
                f"a GET ({found.parsed.query_text}) after a HEAD must be answered as before, with {describe(alone)} "
                f"(got {describe(after)})"
            )
        if request and is_closed:
            self.check_still_refused(found, request)
        return None

    @staticmethod
    def check_still_refused(found: Interaction, request: requests.PreparedRequest) -> None:
        """A request without credentials is still refused, even with the ETag of the page."""
        if tag := found.headers.get("etag"):
            request.headers["If-None-Match"] = tag
        status = status_of(request)
        # Twice: a single worker of many might accept anybody.
        if 0 < status < LEAST_REFUSAL and 0 < status_of(request) < LEAST_REFUSAL:
            raise UnexpectedStatus(
                f"a GET with no credentials{' and the ETag of the page' if tag else ''}, {found.parsed.query_text}, "
                f"after a HEAD with credentials: the status must be {one_of(found.operation.refused('credentials'))} "
                f"(got {status})"
            )


def status_of(request: requests.PreparedRequest) -> int:
    [answer] = run_state().session.send_concurrently([request])
    return answer.status_code


def without_credentials(found: Interaction) -> requests.PreparedRequest | None:
    """Return the request without credentials; None if none are needed or none can be removed."""
    request, before = found.response.request.copy(), len(found.response.request.headers)
    for credential in found.operation.credentials:
        request.headers.pop({"header": credential.name, "cookie": "Cookie"}.get(credential.place, ""), None)
    return request if len(request.headers) < before and found.operation.refused("credentials") else None
