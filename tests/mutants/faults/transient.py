"""503 and 429 that are permanent, and 500."""

from itertools import count

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.database import User

from .base import ResponseFault, add_mutant, always, authorization, default_user, path_id, respond_with, status_is

ERRORS = "errors"
locked = respond_with(503, '{"detail": "The resource is locked, try again"}')


def quota(response: Response) -> Response:
    return Response('{"detail": "Quota exceeded"}', 429, {"Retry-After": "0"}, "application/json")


for name, when in {
    "locked_for_a_wrong_cookie": lambda request, status: status == 401 and "ks_uat" in request.cookies,
    "locked_for_nobody": lambda request, status: status == 401 and not authorization(request) and not request.cookies,
    "locked_for_a_wrong_scheme": lambda request, status: (
        status == 401 and not authorization(request).lower().startswith("bearer") and bool(authorization(request))
    ),
    "locked_for_an_invalid_offset": lambda request, status: status == 422 and "limit" not in request.query_params,
    "locked_for_a_malformed_id": lambda request, status: status == 422 and len(path_id(request)) < 36,
    "locked_for_the_nil_id": lambda request, status: status == 404 and path_id(request).startswith("00000000"),
    "locked_for_the_forbidden": status_is(403),
    "locked_for_the_foreign": lambda request, status: status == 404 and path_id(request) == seed.FOREIGN_DEFINITION_ID,
}.items():
    add_mutant(ERRORS, name, ResponseFault(locked, when), "unavailability_passes")
for name, when in {
    "quota_of_the_invalid": lambda request, status: status == 422 and request.query_params.get("limit") == "0",
}.items():
    add_mutant(ERRORS, name, ResponseFault(quota, when), "unavailability_passes")
add_mutant(
    ERRORS,
    "quota_of_one_limit",
    ResponseFault(quota, lambda request, status: request.query_params.get("limit") == "37"),
    "unavailability_passes",
    "valid_request_accepted",
)
add_mutant(
    ERRORS,
    "locked_for_the_empty_definition",
    ResponseFault(locked, lambda request, status: path_id(request) == seed.EMPTY_DEFINITION_ID and status == 200),
    "valid_request_accepted",
)
add_mutant(
    ERRORS,
    "locked_past_the_end",
    ResponseFault(locked, lambda request, status: request.query_params.get("offset") == "138" and status == 200),
    "valid_request_accepted",
)
add_mutant(ERRORS, "one_in_20_fails", ResponseFault(respond_with(500), always, every=20), "documented_status")
add_mutant(
    ERRORS,
    "one_in_25_locked_without_body",
    ResponseFault(lambda response: Response(b"", 503), always, every=25),
    "json_content_type",
    "response_schema_conformance",
)
add_mutant(
    ERRORS,
    "server_error_for_an_odd_cookie",
    ResponseFault(respond_with(500), lambda request, status: '"' in request.headers.get("cookie", "")),
    "documented_status",
)


class AcceptedAfter503(ReferenceServer):
    """Answers each wrong credential with 503 once, and accepts it the second time."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            return super().authenticate(session, request)
        except HTTPException:
            presented = authorization(request) + request.headers.get("cookie", "")
            if presented in self.seen:
                return default_user(session)
            self.seen.add(presented)
            raise HTTPException(503, "Try again") from None


add_mutant("credentials", "let_in_after_503", AcceptedAfter503, "credentials_required", "reached")


def is_small_and_far(request: Request) -> bool:
    query = request.query_params
    return query.get("limit") == "1" and len(query.get("offset", "")) == 3


for name, when in {
    "locked_for_long_headers": lambda request, status: status == 401 and len(authorization(request)) > 1000,
    "locked_for_wrong_cookies_on_later_pages": lambda request, status: (
        status == 401 and "ks_uat" in request.cookies and "offset" in request.query_params
    ),
}.items():
    add_mutant(ERRORS, name, ResponseFault(locked, when), "unavailability_passes")
for name, when in {
    "locked_for_small_far_pages": lambda request, status: status == 200 and is_small_and_far(request),
    "locked_beside_another_cookie": lambda request, status: status == 200 and len(request.cookies) > 1,
    "locked_for_the_id_in_capitals": lambda request, status: status == 200 and path_id(request).isupper(),
}.items():
    add_mutant(ERRORS, name, ResponseFault(locked, when), "valid_request_accepted")
add_mutant(
    ERRORS,
    "locked_page_for_the_unknown_with_a_limit",
    ResponseFault(
        respond_with(503, "<h1>503</h1>", "text/html"),
        lambda request, status: status == 404 and "limit" in request.query_params,
    ),
    "json_content_type",
    "unavailability_passes",
)


class ColdStartFails(ReferenceServer):
    """Answers the first five requests with 500."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count()

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) < 5:
            raise HTTPException(500, "Starting")
        return super().list_runs(request)


add_mutant(ERRORS, "cold_start_fails", ColdStartFails, "documented_status")
