"""What one request does to the answer of another: one that is under way at the same time, or a HEAD before it."""

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

# How often they are asked for again, where they are not as before.
TRIES = 5
# How often in a row an answer is the same by itself, if it is another one only for what happens meanwhile.
STEADY = 12
# The first status of those that refuse.
LEAST_REFUSAL = 400
# What is compared of an answer.
Summary = tuple[int, Any]


def summarize(found: Interaction) -> Summary:
    """The status; of a page also which items it has, and what it says of itself. Items may change between two reads."""
    page, listing = found.page, found.operation.listing
    if page is None or listing is None:
        # A refusal may have a number of its own, and so may anything else that is no list.
        return found.status, None
    return found.status, (page.keys, page.total, *(found.integer_at(field) for field in listing.echoes.values()))


def describe(answer: Summary) -> str:
    """An answer, for messages."""
    status, page = answer
    if page is None:
        return str(status)
    keys, total, *echoes = page
    said = f"; it says {' and '.join(map(str, echoes))}" if echoes else ""
    return f"{status} with {len(keys)} items of {total}, {shorten(keys[0]) if keys else 'none'} the first{said}"


class DifferenceCheck(Check):
    """A check of whether an answer is another one for what happens besides."""

    def __init__(self) -> None:
        # Each of its looks takes few: on a list that changes all the time there is no use in more.
        self.requests = REQUESTS // 2

    def confirm_difference(
        self, known: Sequence[Interaction], meanwhile: Callable[[], Sequence[Interaction]]
    ) -> tuple[Interaction, Summary, Summary] | None:
        """One of these requests, what it shows by itself, and what it shows `meanwhile`, if these are not the same.

        They must differ `PROOFS` times, between two times at which each request shows what it showed all along. None if
        they do not, or if the list does not stand still long enough.
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
                # One of many workers may be another one, and have been there each time.
                is_steady = all(summarize(resend(which.case)) == shown_alone for _ in range(STEADY))
                return found[0] if is_steady else False
        return False if is_calm else None


def is_expected(found: Interaction) -> bool:
    """Whether it is an answer that is due, and may be asked for again."""
    allowed = found.allowed_statuses or frozenset()
    return (
        found.operation.is_safe
        and found.parsed.is_operation
        and found.status in allowed - found.operation.transient_statuses
    )


@check
class answers_kept_apart(DifferenceCheck):
    """Of two requests that are under way at once, each gets the answer that it gets by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Interaction] = {}
        self.met: set[object] = set()
        """The kinds of answers that were asked for while a page was: of a run, four pairs where all goes well."""

    def judge(self, found: Interaction) -> bool | None:
        operation = found.operation
        if not is_expected(found) or run_state().session.ended_early:
            return True
        if found.page and found.items and found.page.limit == operation.limits[-1] and not found.page.offset:
            # The largest pages take longest, so another request is there before they are.
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
            what = f"{which.parsed.kind_of_credentials}, {which.parsed.query_text}"
            raise Violation(
                f"a request with {what}, is answered with {describe(alone)} by itself, but with {describe(meanwhile)} "
                f"while another one, {other.parsed.query_text}, is under way"
            )
        return None

    def partner(self, found: Interaction) -> Interaction | None:
        """A large page to be read meanwhile: by somebody else if the credentials are wrong, but at the same address."""
        if found.status in found.operation.refused("credentials"):
            return self.pages.get(found.response.request.url or "")
        if found.items == [] and all(each.parsed.parent == found.parsed.parent for each in self.pages.values()):
            # What is past the end of a list is not as telling as another list.
            return None
        other = [each for each in self.pages.values() if each.parsed.scheme != found.parsed.scheme]
        return next(iter([*other, *self.pages.values()]), None)


@check
class head_changes_nothing(DifferenceCheck):
    """A HEAD changes nothing about the answers to GET that come after it (RFC 9110, section 9.2.1), whoever asks."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.is_done = False

    def judge(self, found: Interaction) -> bool | None:
        operation, url = found.operation, found.response.request.url or ""
        # A deployment is sent no method that the contract does not have, unless that is asked for.
        is_sent = run_state().target.all_methods and operation.method == "GET"
        if self.is_done or not is_sent or not is_expected(found) or found.parsed.credentials != RIGHT:
            return True
        if operation.listing and (not found.items or found.parsed.limit is None or not found.parsed.limit.is_given):
            return True
        if url not in self.seen:
            # What a second read changes is no matter of HEAD.
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
                f"a request, {found.parsed.query_text}, is answered with {describe(alone)}, but with {describe(after)} "
                "after the same one by HEAD"
            )
        if request and is_closed:
            self.check_still_refused(found, request)
        return None

    @staticmethod
    def check_still_refused(found: Interaction, request: requests.PreparedRequest) -> None:
        """What was refused before is refused still, also if somebody knows the tag that the page has."""
        if tag := found.headers.get("etag"):
            request.headers["If-None-Match"] = tag
        status = status_of(request)
        # Twice, as one of many workers may let anybody in.
        if 0 < status < LEAST_REFUSAL and 0 < status_of(request) < LEAST_REFUSAL:
            raise UnexpectedStatus(
                f"a request with {'the tag of a page and ' if tag else ''}no credentials, {found.parsed.query_text}, "
                f"was answered with {status}, not {one_of(found.operation.refused('credentials'))}, after the same "
                "one by HEAD with them"
            )


def status_of(request: requests.PreparedRequest) -> int:
    [answer] = run_state().session.send_concurrently([request])
    return answer.status_code


def without_credentials(found: Interaction) -> requests.PreparedRequest | None:
    """The same request from somebody who has none; None if none are needed, or there is nothing to take away."""
    request, before = found.response.request.copy(), len(found.response.request.headers)
    for credential in found.operation.credentials:
        request.headers.pop({"header": credential.name, "cookie": "Cookie"}.get(credential.place, ""), None)
    return request if len(request.headers) < before and found.operation.refused("credentials") else None
