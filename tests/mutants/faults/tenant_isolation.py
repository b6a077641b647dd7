"""Requests for definitions of another tenant that are answered differently from unknown ones."""

from typing import Any

from fastapi import HTTPException, Request

from tests.reference_server import seed
from tests.reference_server.app import Parameters
from tests.reference_server.database import Definition

from .base import MethodFault, ResponseFault, add_mutant, authorization, edit_body, respond_with, with_header


def is_foreign_404(request: Request, status: int) -> bool:
    return status == 404 and request.path_params["definition_id"].lower() == seed.FOREIGN_DEFINITION_ID


def is_for_foreign(request: Request) -> bool:
    return str(request.path_params["definition_id"]).lower() == seed.FOREIGN_DEFINITION_ID


for name, change in {
    "total_in_a_header_of_the_foreign": lambda response: with_header(response, "X-Total-Count", "3"),
    "foreign_may_be_cached": lambda response: with_header(response, "Cache-Control", "private"),
    "charset_of_the_foreign": lambda response: with_header(response, "Content-Type", "application/json; charset=utf-8"),
    "cookie_of_the_foreign": lambda response: with_header(response, "Set-Cookie", "seen=1"),
    "challenge_of_the_foreign": lambda response: with_header(response, "WWW-Authenticate", "Bearer"),
    "blank_after_the_foreign": lambda response: edit_body(response, lambda body: body + b"\n"),
    "code_of_the_foreign": lambda response: edit_body(response, lambda body: body[:-1] + b',"code":2}'),
}.items():
    add_mutant("credentials", name, ResponseFault(change, is_foreign_404), "foreign_id_hidden")
for name, when in {
    "foreign_told_apart_without_credentials": lambda request, status: status == 401 and is_for_foreign(request),
    "foreign_told_apart_to_nobody": lambda request, status: (
        status == 401 and is_for_foreign(request) and not authorization(request) and not request.cookies
    ),
    "foreign_told_apart_when_invalid": lambda request, status: status == 422 and is_for_foreign(request),
}.items():
    add_mutant(
        "credentials",
        name,
        ResponseFault(lambda response: with_header(response, "X-Tenant", "other"), when),
        "foreign_id_hidden",
    )
add_mutant(
    "credentials",
    "foreign_found_for_nobody",
    ResponseFault(
        respond_with(404),
        lambda request, status: status == 401 and is_for_foreign(request) and not authorization(request),
    ),
    "credentials_required",
)


def forbidden_in_capitals(original: Any, request: Request) -> Parameters:
    parameters: Parameters = original(request)
    if request.path_params["definition_id"] == seed.FOREIGN_DEFINITION_ID.upper():
        raise HTTPException(403, "Not enough permissions")
    return parameters


add_mutant(
    "credentials",
    "foreign_in_capitals_forbidden",
    MethodFault("parse_parameters", forbidden_in_capitals),
    "foreign_id_hidden",
)
add_mutant(
    "credentials",
    "foreign_on_later_pages",
    MethodFault(
        "find_definition",
        lambda original, session, user, parameters: (
            session.get(Definition, parameters.definition_id)
            if str(parameters.definition_id) == seed.FOREIGN_DEFINITION_ID and parameters.offset == 100
            else original(session, user, parameters)
        ),
    ),
    "foreign_id_hidden",
)
add_mutant(
    "credentials",
    "foreign_told_apart_by_the_cookie",
    ResponseFault(
        lambda response: with_header(response, "X-Tenant", "other"),
        lambda request, status: is_foreign_404(request, status) and "ks_uat" in request.cookies,
    ),
    "foreign_id_hidden",
)

for name, change, when in (
    ("tag_of_the_foreign", lambda response: with_header(response, "ETag", '"1"'), is_foreign_404),
    ("foreign_may_be_retried", lambda response: with_header(response, "Retry-After", "5"), is_foreign_404),
    ("foreign_varies", lambda response: with_header(response, "Vary", "Authorization"), is_foreign_404),
    (
        "foreign_has_a_tenant",
        respond_with(404, '{"detail": "Workflow definition not found", "tenant": null}'),
        is_foreign_404,
    ),
    (
        "wrong_token_for_the_foreign",
        respond_with(401, '{"detail": "Not your definition"}'),
        lambda request, status: status == 401 and is_for_foreign(request) and bool(authorization(request)),
    ),
    (
        "foreign_told_apart_in_capitals",
        lambda response: with_header(response, "X-Tenant", "other"),
        lambda request, status: is_foreign_404(request, status) and request.path_params["definition_id"].isupper(),
    ),
    (
        "foreign_told_apart_on_later_pages",
        lambda response: with_header(response, "X-Tenant", "other"),
        lambda request, status: is_foreign_404(request, status) and request.query_params.get("offset", "0") != "0",
    ),
):
    add_mutant("credentials", name, ResponseFault(change, when), "foreign_id_hidden")
