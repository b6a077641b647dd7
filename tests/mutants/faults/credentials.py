"""Credentials."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.database import Definition

from .making import AnswerFault, StepFault, header, lets_in, mutant, on, refuse, with_body, with_header

CREDENTIALS = "credentials"


for name, condition in {
    "anybody_may_read": lambda request: not header(request) and not request.cookies,
    "any_token_will_do": lambda request: header(request).startswith("Bearer "),
    "any_cookie_will_do": lambda request: "ks_uat" in request.cookies,
    "prefix_of_the_token": lambda request: (
        len(header(request)) > 20 and f"Bearer {seed.TOKEN}".startswith(header(request))
    ),
    "token_and_more": lambda request: header(request).startswith(f"Bearer {seed.TOKEN}"),
    "prefix_of_the_cookie": lambda request: (
        len(request.cookies.get("ks_uat", "")) > 6 and seed.KS_UAT.startswith(request.cookies["ks_uat"])
    ),
    "any_scheme": lambda request: header(request).endswith(f" {seed.TOKEN}"),
    "bare_token": lambda request: header(request) == seed.TOKEN,
    "empty_bearer": lambda request: header(request) == "Bearer",
    "null_token": lambda request: header(request) == "Bearer null",
    "token_in_any_case": lambda request: header(request).lower() == f"Bearer {seed.TOKEN}".lower(),
    "cookie_in_any_case": lambda request: request.cookies.get("ks_uat", "").lower() == seed.KS_UAT,
    "later_pages_for_anybody": lambda request: not header(request) and request.query_params.get("offset") == "1",
    "other_cookie": lambda request: seed.KS_UAT in request.cookies.values(),
}.items():
    mutant(CREDENTIALS, name, lets_in(condition), "credentials_required")


def read_first(original: Any, session: Session, request: Request) -> Any:
    server_of(original).parse_parameters(request)
    return original(session, request)


def look_first(original: Any, session: Session, request: Request) -> Any:
    if request.path_params["definition_id"].startswith("d1f0a3c6") and "wrong" in header(request):
        refuse(404, "Workflow definition not found")
    return original(session, request)


def server_of(method: Any) -> ReferenceServer:
    return method.__self__  # type: ignore[no-any-return]


mutant(CREDENTIALS, "parameters_before_credentials", StepFault("authenticate", read_first), "credentials_required")
mutant(CREDENTIALS, "existence_before_credentials", StepFault("authenticate", look_first), "credentials_required")
mutant(
    CREDENTIALS,
    "forbidden_instead_of_unauthorized",
    AnswerFault(lambda answer: Response('{"detail": "No"}', 403, media_type="application/json"), on(401)),
    "credentials_required",
    "reached",
)
mutant(
    CREDENTIALS,
    "session_cookie_refused",
    StepFault(
        "authenticate",
        lambda original, session, request: original(session, request) if header(request) else refuse(401),
    ),
    "credentials_accepted",
)
mutant(
    CREDENTIALS,
    "refused_on_far_pages",
    StepFault(
        "load_page", lambda original, session, asked: refuse(401) if asked.offset > 100 else original(session, asked)
    ),
    "credentials_accepted",
)
mutant(
    CREDENTIALS,
    "foreign_definition_shown",
    StepFault(
        "find_definition",
        lambda original, session, user, asked: (
            session.get(Definition, uuid.UUID(seed.DEFINITION_ID))
            if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID
            else original(session, user, asked)
        ),
    ),
    "foreign_id_hidden",
)
mutant(
    CREDENTIALS,
    "unreadable_definition_shown",
    StepFault("check_access", lambda *_: None),
    "foreign_id_hidden",
)
mutant(
    CREDENTIALS,
    "foreign_definition_told_apart",
    StepFault(
        "find_definition",
        lambda original, session, user, asked: (
            refuse(404, "Definition of another tenant")
            if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID
            else original(session, user, asked)
        ),
    ),
    "foreign_id_hidden",
)


@dataclass(frozen=True)
class ForeignToldApart:
    """Each 404 has a number of its own; those about definitions of other tenants are told apart by the change."""

    change: Callable[[Response, int], Response]

    def __call__(self) -> ReferenceServer:
        fault, numbers = self, count(1)

        class Server(ReferenceServer):
            def list_runs(self, request: Request) -> Response:
                try:
                    return super().list_runs(request)
                except HTTPException as refusal:
                    if refusal.status_code != 404:
                        raise
                    number = next(numbers)
                    body = json.dumps({"detail": refusal.detail, "request": number})
                    answer = Response(body, 404, media_type="application/json")
                    is_foreign = request.path_params["definition_id"].lower() == seed.FOREIGN_DEFINITION_ID
                    return fault.change(answer, number) if is_foreign else answer

        return Server()


for name, change_foreign in {
    "foreign_definition_has_another_header": lambda answer, number: with_header(answer, "X-Tenant", "other"),
    "foreign_definition_has_another_field": lambda answer, number: with_body(
        answer, lambda body: body[:-1] + b',"time":%d,"tenant":%d}' % (number, number)
    ),
}.items():
    mutant(CREDENTIALS, name, ForeignToldApart(change_foreign), "foreign_id_hidden")
