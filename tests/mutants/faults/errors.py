"""Errors."""

import uuid
from typing import Any

from fastapi import HTTPException, Response
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from tests.reference_server import seed
from tests.reference_server.app import Parameters
from tests.reference_server.database import Definition, User

from .making import AnswerFault, StepFault, asks, header, instead, mutant, on, with_body
from .schema import SCHEMA

ERRORS = "errors"
mutant(
    ERRORS,
    "unknown_is_empty",
    StepFault("find_definition", lambda original, session, user, asked: found_or_any(original, session, user, asked)),
    "unknown_id_not_found",
)


def found_or_any(original: Any, session: Session, user: User, asked: Parameters) -> Any:
    try:
        return original(session, user, asked)
    except HTTPException:
        if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID:
            raise
        return session.get(Definition, uuid.UUID(seed.EMPTY_DEFINITION_ID))


mutant(
    ERRORS,
    "unknown_is_forbidden",
    StepFault(
        "find_definition", lambda original, *asked: instead_of_404(403, "Not enough permissions", original, *asked)
    ),
    "unknown_id_not_found",
    "reached",
)
mutant(
    ERRORS,
    "unknown_is_invalid",
    StepFault(
        "find_definition",
        lambda original, *asked: instead_of_404(
            422,
            [{"loc": ["path", "definition_id"], "msg": "No such definition", "type": "value_error"}],
            original,
            *asked,
        ),
    ),
    "reached",
    "unknown_id_not_found",
    "valid_request_accepted",
)
mutant(
    ERRORS,
    "nobody_is_invalid",
    AnswerFault(
        lambda answer: Response(
            '{"detail":[{"loc":["path","definition_id"],"msg":"No","type":"uuid_version"}]}',
            422,
            media_type="application/json",
        ),
        lambda request, status: status == 404 and request.path_params["definition_id"].startswith("00000000"),
    ),
    "unknown_id_not_found",
)
mutant(
    ERRORS,
    "unknown_is_unavailable",
    StepFault("find_definition", lambda original, *asked: instead_of_404(503, "Try again", original, *asked)),
    "reached",
    "unavailability_passes",
)


def instead_of_404(status: int, detail: Any, original: Any, *asked: Any) -> Any:
    try:
        return original(*asked)
    except HTTPException:
        raise HTTPException(status, detail) from None


for status in (401, 404):
    mutant(
        ERRORS,
        f"detail_missing_in_{status}",
        AnswerFault(lambda answer: with_body(answer, lambda _: b'{"message":"No"}'), on(status)),
        *SCHEMA,
    )
mutant(
    ERRORS,
    "detail_as_text_in_422",
    AnswerFault(lambda answer: with_body(answer, lambda _: b'{"detail":"limit"}'), on(422)),
    *SCHEMA,
)
mutant(
    ERRORS,
    "loc_as_text_in_422",
    AnswerFault(
        lambda answer: with_body(answer, lambda _: b'{"detail":[{"loc":"limit","msg":"No","type":"no"}]}'), on(422)
    ),
    *SCHEMA,
)
for name, status, when in (
    ("server_error_at_large_offset", 500, asks("offset", str(2**63 - 1), str(2**63))),
    ("server_error_for_word", 500, lambda request, status: request.query_params.get("limit") == "abc"),
    ("no_content_past_the_end", 204, asks("offset", "137", "138")),
    ("partial_content", 206, asks("limit", "7")),
    ("server_error_for_a_huge_offset", 500, asks("offset", str(2**64))),
    ("server_error_for_nul", 500, lambda request, status: "\0" in request.path_params["definition_id"]),
    ("server_error_for_a_letter", 500, lambda request, status: not header(request).isascii()),
):
    mutant(
        ERRORS,
        name,
        AnswerFault(instead(status), when),
        "documented_status",
    )
mutant(ERRORS, "bad_request_instead_of_422", AnswerFault(instead(400), on(422)), "documented_status", "reached")
mutant(
    ERRORS,
    "redirect_to_sign_in",
    AnswerFault(lambda answer: RedirectResponse("/sign-in", 302), on(401)),
    "documented_status",
    "reached",
)
