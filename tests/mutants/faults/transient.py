"""Statuses that may pass, 503 and 429, where they do not; and 500, which nobody may be given."""

from itertools import count

from fastapi import HTTPException, Request, Response

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer

from .making import AnswerFault, always, header, instead, mutant, on

ERRORS = "errors"
locked = instead(503, '{"detail": "The resource is locked, try again"}')


def path_id(request: Request) -> str:
    return str(request.path_params["definition_id"])


def quota(answer: Response) -> Response:
    return Response('{"detail": "Quota exceeded"}', 429, {"Retry-After": "0"}, "application/json")


for name, when in {
    "locked_for_a_wrong_cookie": lambda request, status: status == 401 and "ks_uat" in request.cookies,
    "locked_for_nobody": lambda request, status: status == 401 and not header(request) and not request.cookies,
    "locked_for_a_wrong_scheme": lambda request, status: (
        status == 401 and not header(request).lower().startswith("bearer") and bool(header(request))
    ),
    "locked_for_an_invalid_offset": lambda request, status: status == 422 and "limit" not in request.query_params,
    "locked_for_a_malformed_id": lambda request, status: status == 422 and len(path_id(request)) < 36,
    "locked_for_the_nil_id": lambda request, status: status == 404 and path_id(request).startswith("00000000"),
    "locked_for_the_forbidden": on(403),
    "locked_for_the_foreign": lambda request, status: status == 404 and path_id(request) == seed.FOREIGN_DEFINITION_ID,
}.items():
    mutant(ERRORS, name, AnswerFault(locked, when), "unavailability_passes")
for name, when in {
    "quota_of_the_invalid": lambda request, status: status == 422 and request.query_params.get("limit") == "0",
}.items():
    mutant(ERRORS, name, AnswerFault(quota, when), "unavailability_passes")
mutant(
    ERRORS,
    "quota_of_one_limit",
    AnswerFault(quota, lambda request, status: request.query_params.get("limit") == "37"),
    "unavailability_passes",
    "valid_request_accepted",
)
mutant(
    ERRORS,
    "locked_for_the_empty_definition",
    AnswerFault(locked, lambda request, status: path_id(request) == seed.EMPTY_DEFINITION_ID and status == 200),
    "valid_request_accepted",
)
mutant(
    ERRORS,
    "locked_past_the_end",
    AnswerFault(locked, lambda request, status: request.query_params.get("offset") == "138" and status == 200),
    "valid_request_accepted",
)
mutant(ERRORS, "one_in_20_fails", AnswerFault(instead(500), always, every=20), "documented_status")
mutant(
    ERRORS,
    "one_in_25_locked_without_body",
    AnswerFault(lambda answer: Response(b"", 503), always, every=25),
    "json_content_type",
    "response_schema_conformance",
)
mutant(
    ERRORS,
    "server_error_for_an_odd_cookie",
    AnswerFault(instead(500), lambda request, status: '"' in request.headers.get("cookie", "")),
    "documented_status",
)


class LetsInWhoComesAgain(ReferenceServer):
    """Answers each wrong credential with 503 once, and then forgets to look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def authenticate(self, session, request):  # type: ignore[no-untyped-def]
        try:
            return super().authenticate(session, request)
        except HTTPException:
            presented = header(request) + request.headers.get("cookie", "")
            if presented in self.seen:
                from .making import somebody

                return somebody(session)
            self.seen.add(presented)
            raise HTTPException(503, "Try again") from None


mutant("credentials", "let_in_after_503", LetsInWhoComesAgain, "credentials_required", "reached")


def is_small_and_far(request: Request) -> bool:
    query = request.query_params
    return query.get("limit") == "1" and len(query.get("offset", "")) == 3


for name, when in {
    "locked_for_long_headers": lambda request, status: status == 401 and len(header(request)) > 1000,
    "locked_for_wrong_cookies_on_later_pages": lambda request, status: (
        status == 401 and "ks_uat" in request.cookies and "offset" in request.query_params
    ),
}.items():
    mutant(ERRORS, name, AnswerFault(locked, when), "unavailability_passes")
for name, when in {
    "locked_for_small_far_pages": lambda request, status: status == 200 and is_small_and_far(request),
    "locked_beside_another_cookie": lambda request, status: status == 200 and len(request.cookies) > 1,
    "locked_for_the_id_in_capitals": lambda request, status: status == 200 and path_id(request).isupper(),
}.items():
    mutant(ERRORS, name, AnswerFault(locked, when), "valid_request_accepted")
mutant(
    ERRORS,
    "locked_page_for_the_unknown_with_a_limit",
    AnswerFault(
        instead(503, "<h1>503</h1>", "text/html"),
        lambda request, status: status == 404 and "limit" in request.query_params,
    ),
    "json_content_type",
    "unavailability_passes",
)


class ColdStartFails(ReferenceServer):
    """The first five requests fail."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count()

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) < 5:
            raise HTTPException(500, "Starting")
        return super().list_runs(request)


mutant(ERRORS, "cold_start_fails", ColdStartFails, "documented_status")
