"""Statuses that may pass, 503 and 429, where they do not; and 500, which nobody may be given."""

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
    "quota_of_one_limit": lambda request, status: request.query_params.get("limit") == "37",
    "quota_of_the_invalid": lambda request, status: status == 422 and request.query_params.get("limit") == "0",
}.items():
    mutant(ERRORS, name, AnswerFault(quota, when), "unavailability_passes")
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
