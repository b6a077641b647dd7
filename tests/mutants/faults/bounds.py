"""Bounds and defaults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import HTTPException, Request, Response

from tests.reference_server import seed
from tests.reference_server.app import InvalidParameter, ReferenceServer

from .making import AnswerFault, AskedFault, StepFault, mutant, on, refuse, with_body


def clamp(original: Any, request: Request) -> int:
    """Takes what is out of bounds for the nearest bound."""
    try:
        return int(original(request))
    except InvalidParameter as invalid:
        return 100 if invalid.fault["type"] == "less_than_equal" else 1


def take(name: str, text: str, value: int) -> Callable[[Any, Request], int]:
    """Takes one text for a value, instead of refusing it."""
    return lambda original, request: value if request.query_params.get(name) == text else original(request)


def deny(name: str, text: str) -> Callable[[Any, Request], int]:
    def parse(original: Any, request: Request) -> int:
        if request.query_params.get(name) == text:
            raise InvalidParameter(("query", name), "int_parsing", "Input should be another one", text)
        return int(original(request))

    return parse


def keep_16_bits(original: Any, request: Request) -> int:
    text = request.query_params.get("limit", "")
    return int(text) % 2**16 if text == str(2**16 + 20) else int(original(request))


def refuse_offsets_from(least: int) -> Callable[[Any, Request], int]:
    def parse(original: Any, request: Request) -> int:
        offset = int(original(request))
        if offset >= least:
            raise InvalidParameter(("query", "offset"), "less_than", "Input should be less", str(offset))
        return offset

    return parse


def blame(original: Any, *arguments: Any) -> Any:
    try:
        return original(*arguments)
    except HTTPException as refusal:
        if refusal.status_code == 422:
            refusal.detail = [{"loc": ["query", "page"], "msg": "wrong", "type": "value_error"}]  # type: ignore[assignment]
        raise


BOUNDS = "bounds and defaults"
taken: dict[str, Callable[[], ReferenceServer]] = {
    "limit_0_taken": StepFault("parse_limit", take("limit", "0", 1)),
    "limit_101_taken": StepFault("parse_limit", take("limit", "101", 101)),
    "limit_101_taken_with_offset": StepFault(
        "parse_limit",
        lambda original, request: 100 if str(request.query_params) == "limit=101&offset=0" else original(request),
    ),
    "last_bits_of_limit_taken": StepFault("parse_limit", keep_16_bits),
    "negative_limit_taken": StepFault("parse_limit", take("limit", "-1", 20)),
    "offset_minus_1_taken": StepFault("parse_offset", take("offset", "-1", 0)),
    "word_taken": StepFault("parse_limit", take("limit", "abc", 20)),
    "empty_limit_taken": StepFault("parse_limit", take("limit", "", 20)),
    "fraction_taken": StepFault("parse_offset", take("offset", "1.5", 1)),
    "null_taken": StepFault("parse_offset", take("offset", "null", 0)),
    "existence_before_parameters": StepFault(
        "parse_parameters",
        lambda original, request: (
            refuse(404, "Workflow definition not found")
            if request.path_params["definition_id"].startswith("d1f0a3c6")
            else original(request)
        ),
    ),
    "malformed_id_not_found": AnswerFault(
        lambda answer: Response('{"detail": "Not found"}', 404, media_type="application/json"),
        lambda request, status: status == 422 and len(request.path_params["definition_id"]) < 30,
    ),
}
for name, fault in taken.items():
    mutant(BOUNDS, name, fault, "invalid_parameter_refused")
# A server may take it, but for what it means.
mutant(
    BOUNDS,
    "exponent_cut_off",
    StepFault("parse_limit", take("limit", "1e1", 1)),
    "limit_and_offset_echoed",
    "number_of_items",
)
mutant(
    BOUNDS,
    "limit_clamped",
    StepFault("parse_limit", clamp),
    "invalid_parameter_refused",
    "limit_and_offset_echoed",
    "number_of_items",
)
for name, fault in {
    "limit_100_refused": StepFault("parse_limit", deny("limit", "100")),
    "past_the_end_not_found": StepFault(
        "load_page",
        lambda original, session, asked: refuse(404) if 137 <= asked.offset < 2**53 else original(session, asked),
    ),
    "empty_definition_not_found": StepFault(
        "load_page",
        lambda original, session, asked: (
            refuse(404) if str(asked.definition_id) == seed.EMPTY_DEFINITION_ID else original(session, asked)
        ),
    ),
    "readable_definition_forbidden": StepFault(
        "check_access",
        lambda original, session, user, definition: (
            refuse(403) if str(definition.id) == seed.EMPTY_DEFINITION_ID else original(session, user, definition)
        ),
    ),
    "unknown_parameter_refused": StepFault(
        "parse_parameters",
        lambda original, request: (
            refuse(422, [{"loc": ["query", "page"], "msg": "No", "type": "extra_forbidden"}])
            if "page" in request.query_params
            else original(request)
        ),
    ),
    "always_locked_at_one_place": StepFault(
        "load_page", lambda original, session, asked: refuse(503) if asked.offset == 20 else original(session, asked)
    ),
    "upper_case_id_not_found": StepFault(
        "parse_parameters",
        lambda original, request: (
            refuse(404) if request.path_params["definition_id"] == seed.DEFINITION_ID.upper() else original(request)
        ),
    ),
}.items():
    mutant(BOUNDS, name, fault, "valid_request_accepted")
# Beside what is invalid, they are named as well.
for name, fault in {
    "limit_1_refused": StepFault("parse_limit", deny("limit", "1")),
    "offset_0_refused": StepFault("parse_offset", deny("offset", "0")),
    "large_offset_refused": StepFault("parse_offset", refuse_offsets_from(2**31)),
}.items():
    mutant(BOUNDS, name, fault, "valid_request_accepted", "invalid_parameter_named")
mutant(BOUNDS, "fault_not_named", StepFault("parse_parameters", blame), "invalid_parameter_named")
mutant(
    BOUNDS,
    "no_fault_listed",
    AnswerFault(lambda answer: with_body(answer, lambda _: b'{"detail":[]}'), on(422)),
    "invalid_parameter_named",
)


def absent(name: str) -> Callable[[Request], bool]:
    return lambda request: name not in request.query_params


mutant(
    BOUNDS,
    "default_limit_50",
    AskedFault(lambda asked: replace(asked, limit=50), absent("limit"), is_echoed=True),
    "defaults_applied",
)
mutant(
    BOUNDS,
    "default_limit_19",
    AskedFault(lambda asked: replace(asked, limit=19), absent("limit"), is_echoed=True),
    "defaults_applied",
)
mutant(
    BOUNDS,
    "default_offset_1",
    AskedFault(lambda asked: replace(asked, offset=1), absent("offset"), is_echoed=True),
    "defaults_applied",
    "one_order",
    "pages_fit_together",
)
