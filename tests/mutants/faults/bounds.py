"""Invalid parameters that are accepted, valid ones that are refused, and wrong defaults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import HTTPException, Request, Response

from tests.reference_server import seed
from tests.reference_server.app import InvalidParameter, ReferenceServer

from .base import MethodFault, ParametersFault, ResponseFault, add_mutant, edit_body, raise_http, status_is


def clamp_limit(original: Any, request: Request) -> int:
    """Read limits out of bounds as the nearest bound."""
    try:
        return int(original(request))
    except InvalidParameter as invalid:
        return 100 if invalid.fault["type"] == "less_than_equal" else 1


def accept_text(name: str, text: str, value: int) -> Callable[[Any, Request], int]:
    """Read one invalid text as a value."""
    return lambda original, request: value if request.query_params.get(name) == text else original(request)


def reject_text(name: str, text: str) -> Callable[[Any, Request], int]:
    def parse(original: Any, request: Request) -> int:
        if request.query_params.get(name) == text:
            raise InvalidParameter(("query", name), "int_parsing", "Input should be another one", text)
        return int(original(request))

    return parse


def wrap_at_16_bits(original: Any, request: Request) -> int:
    text = request.query_params.get("limit", "")
    return int(text) % 2**16 if text == str(2**16 + 20) else int(original(request))


def reject_offsets_from(least: int) -> Callable[[Any, Request], int]:
    def parse(original: Any, request: Request) -> int:
        offset = int(original(request))
        if offset >= least:
            raise InvalidParameter(("query", "offset"), "less_than", "Input should be less", str(offset))
        return offset

    return parse


def blame_page(original: Any, *arguments: Any) -> Any:
    try:
        return original(*arguments)
    except HTTPException as refusal:
        if refusal.status_code == 422:
            refusal.detail = [{"loc": ["query", "page"], "msg": "wrong", "type": "value_error"}]  # type: ignore[assignment]
        raise


BOUNDS = "bounds and defaults"
accepted: dict[str, Callable[[], ReferenceServer]] = {
    "limit_0_taken": MethodFault("parse_limit", accept_text("limit", "0", 1)),
    "limit_101_taken": MethodFault("parse_limit", accept_text("limit", "101", 101)),
    "limit_101_taken_with_offset": MethodFault(
        "parse_limit",
        lambda original, request: 100 if str(request.query_params) == "limit=101&offset=0" else original(request),
    ),
    "last_bits_of_limit_taken": MethodFault("parse_limit", wrap_at_16_bits),
    "negative_limit_taken": MethodFault("parse_limit", accept_text("limit", "-1", 20)),
    "offset_minus_1_taken": MethodFault("parse_offset", accept_text("offset", "-1", 0)),
    "word_taken": MethodFault("parse_limit", accept_text("limit", "abc", 20)),
    "empty_limit_taken": MethodFault("parse_limit", accept_text("limit", "", 20)),
    "fraction_taken": MethodFault("parse_offset", accept_text("offset", "1.5", 1)),
    "null_taken": MethodFault("parse_offset", accept_text("offset", "null", 0)),
    "existence_before_parameters": MethodFault(
        "parse_parameters",
        lambda original, request: (
            raise_http(404, "Workflow definition not found")
            if request.path_params["definition_id"].startswith("d1f0a3c6")
            else original(request)
        ),
    ),
    "malformed_id_not_found": ResponseFault(
        lambda response: Response('{"detail": "Not found"}', 404, media_type="application/json"),
        lambda request, status: status == 422 and len(request.path_params["definition_id"]) < 30,
    ),
}
for name, fault in accepted.items():
    add_mutant(BOUNDS, name, fault, "invalid_parameter_refused")
# A server may accept this spelling, but must read it as 10.
add_mutant(
    BOUNDS,
    "exponent_cut_off",
    MethodFault("parse_limit", accept_text("limit", "1e1", 1)),
    "limit_and_offset_echoed",
    "number_of_items",
)
add_mutant(
    BOUNDS,
    "limit_clamped",
    MethodFault("parse_limit", clamp_limit),
    "invalid_parameter_refused",
    "limit_and_offset_echoed",
    "number_of_items",
)
for name, fault in {
    "limit_100_refused": MethodFault("parse_limit", reject_text("limit", "100")),
    "past_the_end_not_found": MethodFault(
        "load_page",
        lambda original, session, parameters: (
            raise_http(404) if 137 <= parameters.offset < 2**53 else original(session, parameters)
        ),
    ),
    "empty_definition_not_found": MethodFault(
        "load_page",
        lambda original, session, parameters: (
            raise_http(404)
            if str(parameters.definition_id) == seed.EMPTY_DEFINITION_ID
            else original(session, parameters)
        ),
    ),
    "readable_definition_forbidden": MethodFault(
        "check_access",
        lambda original, session, user, definition: (
            raise_http(403) if str(definition.id) == seed.EMPTY_DEFINITION_ID else original(session, user, definition)
        ),
    ),
    "unknown_parameter_refused": MethodFault(
        "parse_parameters",
        lambda original, request: (
            raise_http(422, [{"loc": ["query", "page"], "msg": "No", "type": "extra_forbidden"}])
            if "page" in request.query_params
            else original(request)
        ),
    ),
    "always_locked_at_one_place": MethodFault(
        "load_page",
        lambda original, session, parameters: (
            raise_http(503) if parameters.offset == 20 else original(session, parameters)
        ),
    ),
    "upper_case_id_not_found": MethodFault(
        "parse_parameters",
        lambda original, request: (
            raise_http(404) if request.path_params["definition_id"] == seed.DEFINITION_ID.upper() else original(request)
        ),
    ),
}.items():
    add_mutant(BOUNDS, name, fault, "valid_request_accepted")
# Requests with another invalid parameter name these as well.
for name, fault in {
    "limit_1_refused": MethodFault("parse_limit", reject_text("limit", "1")),
    "offset_0_refused": MethodFault("parse_offset", reject_text("offset", "0")),
    "large_offset_refused": MethodFault("parse_offset", reject_offsets_from(2**31)),
}.items():
    add_mutant(BOUNDS, name, fault, "valid_request_accepted", "invalid_parameter_named")
add_mutant(BOUNDS, "fault_not_named", MethodFault("parse_parameters", blame_page), "invalid_parameter_named")
add_mutant(
    BOUNDS,
    "no_fault_listed",
    ResponseFault(lambda response: edit_body(response, lambda _: b'{"detail":[]}'), status_is(422)),
    "invalid_parameter_named",
)


def is_missing(name: str) -> Callable[[Request], bool]:
    return lambda request: name not in request.query_params


add_mutant(
    BOUNDS,
    "default_limit_50",
    ParametersFault(lambda parameters: replace(parameters, limit=50), is_missing("limit"), is_echoed=True),
    "defaults_applied",
)
add_mutant(
    BOUNDS,
    "default_limit_19",
    ParametersFault(lambda parameters: replace(parameters, limit=19), is_missing("limit"), is_echoed=True),
    "defaults_applied",
)
add_mutant(
    BOUNDS,
    "default_offset_1",
    ParametersFault(lambda parameters: replace(parameters, offset=1), is_missing("offset"), is_echoed=True),
    "defaults_applied",
    "one_order",
    "pages_fit_together",
)
