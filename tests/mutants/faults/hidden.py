"""Definitions of another tenant, which must be answered exactly as those that do not exist."""

from typing import Any

from fastapi import HTTPException, Request
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters
from tests.reference_server.database import Definition, User

from .making import AnswerFault, StepFault, header, instead, mutant, with_body, with_header


def is_foreign(request: Request, status: int) -> bool:
    return status == 404 and request.path_params["definition_id"].lower() == seed.FOREIGN_DEFINITION_ID


def asks_foreign(request: Request) -> bool:
    return str(request.path_params["definition_id"]).lower() == seed.FOREIGN_DEFINITION_ID


for name, change in {
    "total_in_a_header_of_the_foreign": lambda answer: with_header(answer, "X-Total-Count", "3"),
    "foreign_may_be_cached": lambda answer: with_header(answer, "Cache-Control", "private"),
    "charset_of_the_foreign": lambda answer: with_header(answer, "Content-Type", "application/json; charset=utf-8"),
    "cookie_of_the_foreign": lambda answer: with_header(answer, "Set-Cookie", "seen=1"),
    "challenge_of_the_foreign": lambda answer: with_header(answer, "WWW-Authenticate", "Bearer"),
    "blank_after_the_foreign": lambda answer: with_body(answer, lambda body: body + b"\n"),
    "code_of_the_foreign": lambda answer: with_body(answer, lambda body: body[:-1] + b',"code":2}'),
}.items():
    mutant("credentials", name, AnswerFault(change, is_foreign), "foreign_id_hidden")
for name, when in {
    "foreign_told_apart_without_credentials": lambda request, status: status == 401 and asks_foreign(request),
    "foreign_told_apart_to_nobody": lambda request, status: (
        status == 401 and asks_foreign(request) and not header(request) and not request.cookies
    ),
    "foreign_told_apart_when_invalid": lambda request, status: status == 422 and asks_foreign(request),
}.items():
    mutant(
        "credentials",
        name,
        AnswerFault(lambda answer: with_header(answer, "X-Tenant", "other"), when),
        "foreign_id_hidden",
    )
mutant(
    "credentials",
    "foreign_found_for_nobody",
    AnswerFault(
        instead(404),
        lambda request, status: status == 401 and asks_foreign(request) and not header(request),
    ),
    "credentials_required",
)


def by_cookie(original: Any, session: Session, user: User, asked: Parameters) -> Any:
    return original(session, user, asked)


def shown_in_capitals(original: Any, request: Request) -> Parameters:
    parameters: Parameters = original(request)
    if request.path_params["definition_id"] == seed.FOREIGN_DEFINITION_ID.upper():
        raise HTTPException(403, "Not enough permissions")
    return parameters


mutant(
    "credentials",
    "foreign_in_capitals_forbidden",
    StepFault("parse_parameters", shown_in_capitals),
    "foreign_id_hidden",
)
mutant(
    "credentials",
    "foreign_on_later_pages",
    StepFault(
        "find_definition",
        lambda original, session, user, asked: (
            session.get(Definition, asked.definition_id)
            if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID and asked.offset == 100
            else original(session, user, asked)
        ),
    ),
    "foreign_id_hidden",
)
mutant(
    "credentials",
    "foreign_told_apart_by_the_cookie",
    AnswerFault(
        lambda answer: with_header(answer, "X-Tenant", "other"),
        lambda request, status: is_foreign(request, status) and "ks_uat" in request.cookies,
    ),
    "foreign_id_hidden",
)

for name, change, when in (
    ("tag_of_the_foreign", lambda answer: with_header(answer, "ETag", '"1"'), is_foreign),
    ("foreign_may_be_retried", lambda answer: with_header(answer, "Retry-After", "5"), is_foreign),
    ("foreign_varies", lambda answer: with_header(answer, "Vary", "Authorization"), is_foreign),
    (
        "foreign_has_a_tenant",
        instead(404, '{"detail": "Workflow definition not found", "tenant": null}'),
        is_foreign,
    ),
    (
        "wrong_token_for_the_foreign",
        instead(401, '{"detail": "Not your definition"}'),
        lambda request, status: status == 401 and asks_foreign(request) and bool(header(request)),
    ),
    (
        "foreign_told_apart_in_capitals",
        lambda answer: with_header(answer, "X-Tenant", "other"),
        lambda request, status: is_foreign(request, status) and request.path_params["definition_id"].isupper(),
    ),
    (
        "foreign_told_apart_on_later_pages",
        lambda answer: with_header(answer, "X-Tenant", "other"),
        lambda request, status: is_foreign(request, status) and request.query_params.get("offset", "0") != "0",
    ),
):
    mutant("credentials", name, AnswerFault(change, when), "foreign_id_hidden")
