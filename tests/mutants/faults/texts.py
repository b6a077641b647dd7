"""Texts at the edge of what a number or an id can be."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from fastapi import Request
from starlette.datastructures import QueryParams

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer

from .making import AnswerFault, StepFault, instead, mutant

BOUNDS = "bounds and defaults"


def parsed(name: str, read: Callable[[str], int | None]) -> Callable[[Any, Request], int]:
    """Reads the text in another way first; None leaves it to the server."""

    def parse(original: Any, request: Request) -> int:
        value = read(request.query_params.get(name, ""))
        return int(original(request)) if value is None else value

    return parse


def matched(pattern: str, least: int = 1) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        found = re.match(pattern, text)
        return max(int(found[1]), least) if found else None

    return read


def limit(read: Callable[[str], int | None]) -> StepFault:
    return StepFault("parse_limit", parsed("limit", read))


def offset(read: Callable[[str], int | None]) -> StepFault:
    return StepFault("parse_offset", parsed("offset", read))


def cut(pattern: str, flags: int = 0) -> Callable[[Any, Request], Any]:
    """Takes an id that is a part of what was sent."""

    def parse(original: Any, request: Request) -> Any:
        if found := re.fullmatch(pattern, request.path_params["definition_id"], flags):
            request.path_params["definition_id"] = found[1]
        return original(request)

    return parse


def exact(text: str, value: int) -> Callable[[str], int | None]:
    return lambda given: value if given == text else None


for name, fault in {
    "limit_with_a_unit": limit(matched(r"([1-9][0-9]?)[a-df-z]")),
    "offset_with_a_unit": offset(matched(r"([0-9]+)[a-z]+$")),
    "limit_up_to_nul": limit(matched(r"([1-9][0-9]?)\0")),
    "limit_up_to_a_semicolon": limit(matched(r"([1-9][0-9]?);")),
    "limit_up_to_a_comma": limit(matched(r"([1-9][0-9]?),")),
    "limit_in_quotes": limit(matched(r"[\"']([1-9][0-9]?)[\"']")),
    "limit_in_brackets": limit(matched(r"[\[({]([1-9][0-9]?)[\])}]")),
    "limit_all": limit(exact("all", 100)),
    "limit_true": limit(exact("True", 1)),
    "limit_infinity": limit(exact("Infinity", 100)),
    "limit_as_a_sum": limit(matched(r"([0-9]+)[+*/-][0-9]+$")),
    "offset_none": offset(exact("None", 0)),
    "offset_undefined": offset(exact("undefined", 0)),
    "offset_nan": offset(exact("nan", 0)),
    "limit_wraps_at_32_bits": limit(
        lambda text: (
            int(text) - 2**32 if re.fullmatch("[0-9]{1,20}", text) and 2**32 < int(text) <= 2**32 + 100 else None
        )
    ),
}.items():
    mutant(BOUNDS, name, fault, "invalid_parameter_refused")
# A server may take other bases, but for what they mean.
for name, fault in {
    "hexadecimal_offset_cut_off": offset(matched(r"(0)x[0-9a-f]+$", least=0)),
}.items():
    mutant(BOUNDS, name, fault, "limit_and_offset_echoed", "pages_fit_together")
for name, pattern, flags in (
    ("id_with_a_dot", r"([0-9a-f-]{36})\.", 0),
    ("id_with_a_blank", r"([0-9a-f-]{36}) +", 0),
    ("id_with_an_extension", r"([0-9a-f-]{36})\.json", 0),
    ("id_up_to_nul", r"([0-9a-f-]{36})\0.*", re.DOTALL),
    ("id_in_quotes", r"[\"']([0-9a-f-]{36})[\"']", 0),
    ("id_list", r"([0-9a-f-]{36}),.*", 0),
    ("id_after_a_sign", r"[+-]([0-9a-f-]{36})", 0),
):
    mutant(BOUNDS, name, StepFault("parse_definition_id", cut(pattern, flags)), "invalid_parameter_refused")


def normalised(original: Any, request: Request) -> Any:
    request.path_params["definition_id"] = unicodedata.normalize("NFKC", request.path_params["definition_id"])
    return original(request)


mutant(BOUNDS, "id_in_wide_letters", StepFault("parse_definition_id", normalised), "invalid_parameter_refused")
mutant(
    BOUNDS,
    "id_with_underscores",
    StepFault(
        "parse_definition_id",
        lambda original, request: (
            request.path_params.update(definition_id=request.path_params["definition_id"].replace("_", "-")),
            original(request),
        )[1],
    ),
    "invalid_parameter_refused",
    "invalid_parameter_named",
)


class Wildcard(ReferenceServer):
    """Takes `%` and `*` for any definition."""

    def parse_definition_id(self, request: Request) -> Any:
        if request.path_params["definition_id"] in ("%", "*"):
            request.path_params["definition_id"] = seed.DEFINITION_ID
        return super().parse_definition_id(request)


mutant(BOUNDS, "id_as_a_wildcard", Wildcard, "invalid_parameter_refused")


def is_mixed(text: str) -> bool:
    return not text.islower() and not text.isupper()


def raw(request: Request) -> str:
    return bytes(request.scope.get("raw_path", b"")).decode("latin-1") + "?" + request.url.query


for name, when in {
    "encoded_digits_refused": lambda request, status: status == 200 and bool(re.search(r"limit=[^&]*%3", raw(request))),
    "encoded_dash_refused": lambda request, status: status == 200 and "%2D" in raw(request).upper(),
    "mixed_case_refused": lambda request, status: status == 200 and is_mixed(request.path_params["definition_id"]),
    "further_parameter_refused": lambda request, status: (
        status == 200 and bool(set(request.query_params) - {"limit", "offset", "page", "LIMIT"})
    ),
    "offset_before_limit_refused": lambda request, status: (
        status == 200 and list(request.query_params)[:2] == ["offset", "limit"]
    ),
}.items():
    fault_ = AnswerFault(instead(422, '{"detail":[{"loc":["query","limit"],"msg":"No","type":"value_error"}]}'), when)
    mutant(BOUNDS, name, fault_, "valid_request_accepted")
for name, text in {
    "limit_in_title_case": "Limit",
    "limit_in_brackets_counts": "limit[]",
    "per_page_counts": "per_page",
}.items():

    def renamed(original: Any, request: Request, other: str = text) -> Any:
        if other in request.query_params and "limit" not in request.query_params:
            request._query_params = QueryParams({**request.query_params, "limit": request.query_params[other]})
        return original(request)

    mutant(BOUNDS, name, StepFault("parse_parameters", renamed), "defaults_applied")
mutant(
    BOUNDS,
    "bare_limit_taken",
    StepFault(
        "parse_limit",
        lambda original, request: 20 if re.search(r"(^|&)limit(&|$)", request.url.query) else original(request),
    ),
    "invalid_parameter_refused",
)
for name, when in {
    "server_error_for_a_superscript": lambda request, status: "²" in request.query_params.get("limit", ""),
    "server_error_for_many_digits": lambda request, status: len(request.query_params.get("limit", "")) > 4300,
    "server_error_for_a_quote": lambda request, status: "'" in request.query_params.get("offset", ""),
    "server_error_for_a_percent_sign": lambda request, status: "%" in request.query_params.get("limit", ""),
    "server_error_for_infinity": lambda request, status: request.query_params.get("limit", "").lower() == "infinity",
    "server_error_for_a_long_id": lambda request, status: len(request.path_params["definition_id"]) > 255,
    "server_error_for_a_bad_byte": lambda request, status: "\ufffd" in request.query_params.get("limit", ""),
    "server_error_for_a_bad_byte_in_the_id": lambda request, status: "\ufffd" in request.path_params["definition_id"],
    "server_error_for_an_emoji": lambda request, status: any(
        ord(c) > 0xFFFF for c in request.query_params.get("limit", "")
    ),
}.items():
    mutant("errors", name, AnswerFault(instead(500), when), "documented_status")


def words_are_0(text: str) -> int | None:
    return 0 if text.isalpha() and text.isascii() else None


def blank_is_0(text: str) -> int | None:
    return 0 if text and not text.strip() else None


for name, fault in {
    "limit_ten": limit(exact("ten", 10)),
    "long_limit": limit(matched(r"([1-9][0-9]?)[Ln]$")),
    "limit_of_a_list": limit(matched(r"\[([1-9]),?.*\]$")),
    "offset_after_two_signs": offset(matched(r"[+-]{2}([0-9]+)$")),
    "offset_of_words": offset(words_are_0),
    "offset_blank": offset(blank_is_0),
    "limit_squared": limit(exact("²", 2)),
    "limit_without_its_sign": limit(matched(r"-([1-9][0-9]?)$")),
}.items():
    mutant(BOUNDS, name, fault, "invalid_parameter_refused")
for name, pattern in {
    "id_and_a_new_line": r"([0-9a-f-]{36})\n",
    "id_and_a_query": r"([0-9a-f-]{36})\?.*",
    "id_cut_to_its_length": r"([0-9a-f-]{36}).+",
    "id_in_brackets": r"\(([0-9a-f-]{36})\)",
}.items():
    mutant(BOUNDS, name, StepFault("parse_definition_id", cut(pattern, re.DOTALL)), "invalid_parameter_refused")
for name, when in {
    "server_error_for_nul_in_the_offset": lambda request, status: "\0" in request.query_params.get("offset", ""),
    "server_error_for_an_accent_in_the_id": lambda request, status: not request.path_params["definition_id"].isascii(),
    "server_error_for_a_repeated_offset": lambda request, status: len(request.query_params.getlist("offset")) > 1,
    "server_error_for_brackets_in_a_name": lambda request, status: "limit[]" in request.query_params,
    "server_error_for_a_bare_offset": lambda request, status: request.url.query.split("&")[0] == "offset",
    "server_error_for_a_quote_in_the_id": lambda request, status: '"' in request.path_params["definition_id"],
}.items():
    mutant("errors", name, AnswerFault(instead(500), when), "documented_status")
