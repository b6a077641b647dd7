"""Answers that differ once in a while: by the number of the request, or after something has happened."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import User

from .alike import one_later
from .impostors import nobody
from .making import AnswerFault, instead, is_page, mutant, somebody


class AfterOne(ReferenceServer):
    """The page after an answer of that kind is another one."""

    def __init__(self, is_cause: Callable[[Request, int], bool], change: Callable[[Parameters], Parameters]) -> None:
        super().__init__()
        self.is_cause = is_cause
        self.change = change
        self.is_due = False

    def list_runs(self, request: Request) -> Response:
        try:
            answer = super().list_runs(request)
        except HTTPException as refusal:
            self.is_due = self.is_due or self.is_cause(request, refusal.status_code)
            raise
        self.is_due = self.is_cause(request, answer.status_code)
        return answer

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return super().load_page(session, self.change(parameters) if self.is_due else parameters)


def after(
    is_cause: Callable[[Request, int], bool], change: Callable[[Parameters], Parameters] = one_later
) -> Callable[[], ReferenceServer]:
    return lambda: AfterOne(is_cause, change)


def one_off(asked: Parameters) -> Parameters:
    """On the last page as well."""
    return replace(asked, offset=asked.offset - 1 if asked.offset else 1)


for name, is_cause in {
    "one_later_after_a_refusal": lambda request, status: status == 401,
    "one_later_after_what_is_unknown": lambda request, status: status == 404,
    "one_later_after_what_is_invalid": lambda request, status: status == 422,
    "one_later_after_what_is_forbidden": lambda request, status: status == 403,
    "one_later_after_another_method": lambda request, status: status == 405,
    "one_later_after_the_empty": lambda request, status: (
        status == 200 and request.path_params["definition_id"].startswith("b3d94a17")
    ),
}.items():
    # The most frequent of them are met by pages that need no second look.
    found_by = {
        "one_later_after_a_refusal": ["pages_fit_together", "one_order"],
        "one_later_after_what_is_invalid": ["pages_fit_together", "one_order"],
    }.get(name, ["pages_fit_together"])
    mutant("paging", name, after(is_cause), *found_by)
mutant(
    "paging",
    "one_off_after_a_head",
    after(lambda request, status: request.method == "HEAD", one_off),
    "head_changes_nothing",
)


class QuotaForgets(ReferenceServer):
    """Says once that the quota is exceeded; from then on every fifth page lacks its last row."""

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


class OpenNowAndThen(ReferenceServer):
    """Lets every so manieth in who has no credential at all."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = count(1)

    def authenticate(self, session: Session, request: Request) -> User:
        if nobody(request) and next(self.refusals) % 9 == 0:
            return somebody(session)
        return super().authenticate(session, request)


class LateRows(ReferenceServer):
    """From the 40th page on, begins one row later in the second half of the list."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        is_late = next(self.requests) > 40 and 60 < parameters.offset < 130
        return super().load_page(session, replace(one_later(parameters)) if is_late else parameters)


mutant("paging", "last_row_lost_after_a_quota", QuotaForgets, "number_of_items")
mutant("credentials", "one_in_9_without_credentials_let_in", OpenNowAndThen, "credentials_required")
mutant("paging", "one_later_in_the_end", LateRows, "pages_fit_together")
mutant(
    "protocol",
    "one_in_70_is_text",
    AnswerFault(instead(200, "OK", "text/plain"), is_page, every=70),
    "json_content_type",
)
mutant("errors", "one_in_60_is_gone", AnswerFault(instead(410), is_page, every=60), "documented_status")
