"""Undocumented or wrong statuses, and error bodies that break their schema."""

import uuid
from typing import Any

from fastapi import HTTPException, Response
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from tests.reference_server import seed
from tests.reference_server.app import Parameters
from tests.reference_server.database import Definition, User

from .base import MethodFault, ResponseFault, add_mutant, authorization, edit_body, page_with, respond_with, status_is
from .schema import SCHEMA

ERRORS = "errors"


def find_or_empty(original: Any, session: Session, user: User, parameters: Parameters) -> Any:
    """Find the empty definition in place of unknown ones."""
    try:
        return original(session, user, parameters)
    except HTTPException:
        if str(parameters.definition_id) == seed.FOREIGN_DEFINITION_ID:
            raise
        return session.get(Definition, uuid.UUID(seed.EMPTY_DEFINITION_ID))


def refuse_unknown_with(status: int, detail: Any) -> MethodFault:
    """Refuse unknown definitions with another status than 404."""

    def find_definition(original: Any, *arguments: Any) -> Any:
        try:
            return original(*arguments)
        except HTTPException:
            raise HTTPException(status, detail) from None

    return MethodFault("find_definition", find_definition)


add_mutant(ERRORS, "unknown_is_empty", MethodFault("find_definition", find_or_empty), "unknown_id_not_found")
add_mutant(
    ERRORS,
    "unknown_is_forbidden",
    refuse_unknown_with(403, "Not enough permissions"),
    "unknown_id_not_found",
    "reached",
)
add_mutant(
    ERRORS,
    "unknown_is_invalid",
    refuse_unknown_with(422, [{"loc": ["path", "definition_id"], "msg": "No such definition", "type": "value_error"}]),
    "reached",
    "unknown_id_not_found",
    "valid_request_accepted",
)
add_mutant(ERRORS, "unknown_is_unavailable", refuse_unknown_with(503, "Try again"), "reached", "unavailability_passes")
add_mutant(
    ERRORS,
    "nobody_is_invalid",
    ResponseFault(
        lambda response: Response(
            '{"detail":[{"loc":["path","definition_id"],"msg":"No","type":"uuid_version"}]}',
            422,
            media_type="application/json",
        ),
        lambda request, status: status == 404 and request.path_params["definition_id"].startswith("00000000"),
    ),
    "unknown_id_not_found",
)
for status in (401, 404):
    add_mutant(
        ERRORS,
        f"detail_missing_in_{status}",
        ResponseFault(lambda response: edit_body(response, lambda _: b'{"message":"No"}'), status_is(status)),
        *SCHEMA,
    )
add_mutant(
    ERRORS,
    "detail_as_text_in_422",
    ResponseFault(lambda response: edit_body(response, lambda _: b'{"detail":"limit"}'), status_is(422)),
    *SCHEMA,
)
add_mutant(
    ERRORS,
    "loc_as_text_in_422",
    ResponseFault(
        lambda response: edit_body(response, lambda _: b'{"detail":[{"loc":"limit","msg":"No","type":"no"}]}'),
        status_is(422),
    ),
    *SCHEMA,
)
for name, status, when in (
    ("server_error_at_large_offset", 500, page_with("offset", str(2**63 - 1), str(2**63))),
    ("server_error_for_word", 500, lambda request, status: request.query_params.get("limit") == "abc"),
    ("no_content_past_the_end", 204, page_with("offset", "137", "138")),
    ("partial_content", 206, page_with("limit", "7")),
    ("server_error_for_a_huge_offset", 500, page_with("offset", str(2**64))),
    ("server_error_for_nul", 500, lambda request, status: "\0" in request.path_params["definition_id"]),
    ("server_error_for_a_letter", 500, lambda request, status: not authorization(request).isascii()),
):
    add_mutant(
        ERRORS,
        name,
        ResponseFault(respond_with(status), when),
        "documented_status",
    )
add_mutant(
    ERRORS,
    "bad_request_instead_of_422",
    ResponseFault(respond_with(400), status_is(422)),
    "documented_status",
    "reached",
)
add_mutant(
    ERRORS,
    "redirect_to_sign_in",
    ResponseFault(lambda response: RedirectResponse("/sign-in", 302), status_is(401)),
    "documented_status",
    "reached",
)
