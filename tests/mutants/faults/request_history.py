"""Responses that depend on earlier requests: on their number, or on what they asked for."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import User

from .base import ResponseFault, add_mutant, default_user, is_page, respond_with
from .equivalent_requests import skip_one_row
from .wrong_credentials import is_anonymous


class NextPageFault(ReferenceServer):
    """After a response that is a trigger, the next page is read for other parameters."""

    def __init__(self, is_trigger: Callable[[Request, int], bool], change: Callable[[Parameters], Parameters]) -> None:
        super().__init__()
        self.is_trigger = is_trigger
        self.change = change
        self.is_triggered = False

    def list_runs(self, request: Request) -> Response:
        try:
            response = super().list_runs(request)
        except HTTPException as refusal:
            self.is_triggered = self.is_triggered or self.is_trigger(request, refusal.status_code)
            raise
        self.is_triggered = self.is_trigger(request, response.status_code)
        return response

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return super().load_page(session, self.change(parameters) if self.is_triggered else parameters)


def next_page_fault(
    is_trigger: Callable[[Request, int], bool], change: Callable[[Parameters], Parameters] = skip_one_row
) -> Callable[[], ReferenceServer]:
    return lambda: NextPageFault(is_trigger, change)


def shift_one_row(parameters: Parameters) -> Parameters:
    """Also changes the last page."""
    return replace(parameters, offset=parameters.offset - 1 if parameters.offset else 1)


for name, is_trigger in {
    "one_later_after_a_refusal": lambda request, status: status == 401,
    "one_later_after_what_is_unknown": lambda request, status: status == 404,
    "one_later_after_what_is_invalid": lambda request, status: status == 422,
    "one_later_after_what_is_forbidden": lambda request, status: status == 403,
    "one_later_after_another_method": lambda request, status: status == 405,
    "one_later_after_the_empty": lambda request, status: (
        status == 200 and request.path_params["definition_id"].startswith("b3d94a17")
    ),
}.items():
    # The two most frequent triggers are followed by pages that are read only once.
    found_by = {
        "one_later_after_a_refusal": ["pages_fit_together", "one_order"],
        "one_later_after_what_is_invalid": ["pages_fit_together", "one_order"],
    }.get(name, ["pages_fit_together"])
    add_mutant("paging", name, next_page_fault(is_trigger), *found_by)
add_mutant(
    "paging",
    "one_off_after_a_head",
    next_page_fault(lambda request, status: request.method == "HEAD", shift_one_row),
    "head_changes_nothing",
)


class RowLostAfterQuota(ReferenceServer):
    """Answers the 60th request with 429; from then on, every fifth page lacks its last row."""

    def __init__(self) -> None:
        super().__init__()
        self.requests, self.pages = count(1), count(1)
        self.is_over = False

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) == 60:
            self.is_over = True
            raise HTTPException(429, "Quota exceeded", {"Retry-After": "0"})
        return super().list_runs(request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, parameters)
        return total, runs[:-1] if self.is_over and next(self.pages) % 5 == 0 else runs


class AnonymousSometimesAccepted(ReferenceServer):
    """Accepts every ninth request without credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = count(1)

    def authenticate(self, session: Session, request: Request) -> User:
        if is_anonymous(request) and next(self.refusals) % 9 == 0:
            return default_user(session)
        return super().authenticate(session, request)


class RowSkippedLater(ReferenceServer):
    """From the 40th page on, pages in the second half of the list start one row late."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        is_late = next(self.requests) > 40 and 60 < parameters.offset < 130
        return super().load_page(session, skip_one_row(parameters) if is_late else parameters)


add_mutant("paging", "last_row_lost_after_a_quota", RowLostAfterQuota, "number_of_items")
add_mutant("credentials", "one_in_9_without_credentials_let_in", AnonymousSometimesAccepted, "credentials_required")
add_mutant("paging", "one_later_in_the_end", RowSkippedLater, "pages_fit_together")
add_mutant(
    "protocol",
    "one_in_70_is_text",
    ResponseFault(respond_with(200, "OK", "text/plain"), is_page, every=70),
    "json_content_type",
)
add_mutant("errors", "one_in_60_is_gone", ResponseFault(respond_with(410), is_page, every=60), "documented_status")
