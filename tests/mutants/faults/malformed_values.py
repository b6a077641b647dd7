"""Malformed numbers and ids that are accepted or crash the server, and unusual valid spellings that are refused."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer

from .base import MethodFault, ResponseFault, add_mutant, respond_with

BOUNDS = "bounds and defaults"


def parse_first(name: str, read: Callable[[str], int | None]) -> Callable[[Any, Request], int]:
    """Parse a parameter by `read` first; where that returns None, the server parses it."""

    def parse(original: Any, request: Request) -> int:
        value = read(request.query_params.get(name, ""))
        return int(original(request)) if value is None else value

    return parse


def match(pattern: str, least: int = 1) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        found = re.match(pattern, text)
        return max(int(found[1]), least) if found else None

    return read


def limit(read: Callable[[str], int | None]) -> MethodFault:
    return MethodFault("parse_limit", parse_first("limit", read))


def offset(read: Callable[[str], int | None]) -> MethodFault:
    return MethodFault("parse_offset", parse_first("offset", read))


def id_within(pattern: str, flags: int = 0) -> Callable[[Any, Request], Any]:
    """Use the part of the id that the pattern captures."""

    def parse(original: Any, request: Request) -> Any:
        if found := re.fullmatch(pattern, request.path_params["definition_id"], flags):
            request.path_params["definition_id"] = found[1]
        return original(request)

    return parse


def exactly(text: str, value: int) -> Callable[[str], int | None]:
    return lambda given: value if given == text else None


for name, fault in {
    "limit_with_a_unit": limit(match(r"([1-9][0-9]?)[a-df-z]")),
    "offset_with_a_unit": offset(match(r"([0-9]+)[a-z]+$")),
    "limit_up_to_nul": limit(match(r"([1-9][0-9]?)\0")),
    "limit_up_to_a_semicolon": limit(match(r"([1-9][0-9]?);")),
    "limit_up_to_a_comma": limit(match(r"([1-9][0-9]?),")),
    "limit_in_quotes": limit(match(r"[\"']([1-9][0-9]?)[\"']")),
    "limit_in_brackets": limit(match(r"[\[({]([1-9][0-9]?)[\])}]")),
    "limit_all": limit(exactly("all", 100)),
    "limit_true": limit(exactly("True", 1)),
    "limit_infinity": limit(exactly("Infinity", 100)),
    "limit_as_a_sum": limit(match(r"([0-9]+)[+*/-][0-9]+$")),
    "offset_none": offset(exactly("None", 0)),
    "offset_undefined": offset(exactly("undefined", 0)),
    "offset_nan": offset(exactly("nan", 0)),
    "limit_wraps_at_32_bits": limit(
        lambda text: (
            int(text) - 2**32 if re.fullmatch("[0-9]{1,20}", text) and 2**32 < int(text) <= 2**32 + 100 else None
        )
    ),
}.items():
    add_mutant(BOUNDS, name, fault, "invalid_parameter_refused")
# A server may accept other bases, but must convert them.
for name, fault in {
    "hexadecimal_offset_cut_off": offset(match(r"(0)x[0-9a-f]+$", least=0)),
}.items():
    add_mutant(BOUNDS, name, fault, "limit_and_offset_echoed", "pages_fit_together")
for name, pattern, flags in (
    ("id_with_a_dot", r"([0-9a-f-]{36})\.", 0),
    ("id_with_a_blank", r"([0-9a-f-]{36}) +", 0),
    ("id_with_an_extension", r"([0-9a-f-]{36})\.json", 0),
    ("id_up_to_nul", r"([0-9a-f-]{36})\0.*", re.DOTALL),
    ("id_in_quotes", r"[\"']([0-9a-f-]{36})[\"']", 0),
    ("id_list", r"([0-9a-f-]{36}),.*", 0),
    ("id_after_a_sign", r"[+-]([0-9a-f-]{36})", 0),
):
    add_mutant(BOUNDS, name, MethodFault("parse_definition_id", id_within(pattern, flags)), "invalid_parameter_refused")


def normalise_id(original: Any, request: Request) -> Any:
    request.path_params["definition_id"] = unicodedata.normalize("NFKC", request.path_params["definition_id"])
    return original(request)


add_mutant(BOUNDS, "id_in_wide_letters", MethodFault("parse_definition_id", normalise_id), "invalid_parameter_refused")


def underscores_as_dashes(original: Any, request: Request) -> Any:
    request.path_params["definition_id"] = request.path_params["definition_id"].replace("_", "-")
    return original(request)


add_mutant(
    BOUNDS,
    "id_with_underscores",
    MethodFault("parse_definition_id", underscores_as_dashes),
    "invalid_parameter_refused",
    "invalid_parameter_named",
)


class Wildcard(ReferenceServer):
    """Accepts `%` and `*` as ids."""

    def parse_definition_id(self, request: Request) -> Any:
        if request.path_params["definition_id"] in ("%", "*"):
            request.path_params["definition_id"] = seed.DEFINITION_ID
        return super().parse_definition_id(request)


add_mutant(BOUNDS, "id_as_a_wildcard", Wildcard, "invalid_parameter_refused")


def is_mixed(text: str) -> bool:
    return not text.islower() and not text.isupper()


def raw_target(request: Request) -> str:
    return bytes(request.scope.get("raw_path", b"")).decode("latin-1") + "?" + request.url.query


for name, when in {
    "encoded_digits_refused": lambda request, status: (
        status == 200 and bool(re.search(r"limit=[^&]*%3", raw_target(request)))
    ),
    "encoded_dash_refused": lambda request, status: status == 200 and "%2D" in raw_target(request).upper(),
    "mixed_case_refused": lambda request, status: status == 200 and is_mixed(request.path_params["definition_id"]),
    "further_parameter_refused": lambda request, status: (
        status == 200 and bool(set(request.query_params) - {"limit", "offset", "page", "LIMIT"})
    ),
    "offset_before_limit_refused": lambda request, status: (
        status == 200 and list(request.query_params)[:2] == ["offset", "limit"]
    ),
}.items():
    refusal = ResponseFault(
        respond_with(422, '{"detail":[{"loc":["query","limit"],"msg":"No","type":"value_error"}]}'), when
    )
    add_mutant(BOUNDS, name, refusal, "valid_request_accepted")


def limit_from(other: str) -> MethodFault:
    """Read the limit from a parameter of another name."""

    def parse_parameters(original: Any, request: Request) -> Any:
        sent = request.query_params
        if other in sent and "limit" not in sent:
            query = urlencode({**sent, "limit": sent[other]})
            request = Request({**request.scope, "query_string": query.encode()})
        return original(request)

    return MethodFault("parse_parameters", parse_parameters)


for name, text in {
    "limit_in_title_case": "Limit",
    "limit_in_brackets_counts": "limit[]",
    "per_page_counts": "per_page",
}.items():
    add_mutant(BOUNDS, name, limit_from(text), "defaults_applied")
add_mutant(
    BOUNDS,
    "bare_limit_taken",
    MethodFault(
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
    add_mutant("errors", name, ResponseFault(respond_with(500), when), "documented_status")


def words_are_0(text: str) -> int | None:
    return 0 if text.isalpha() and text.isascii() else None


def blank_is_0(text: str) -> int | None:
    return 0 if text and not text.strip() else None


for name, fault in {
    "limit_ten": limit(exactly("ten", 10)),
    "long_limit": limit(match(r"([1-9][0-9]?)[Ln]$")),
    "limit_of_a_list": limit(match(r"\[([1-9]),?.*\]$")),
    "offset_after_two_signs": offset(match(r"[+-]{2}([0-9]+)$")),
    "offset_of_words": offset(words_are_0),
    "offset_blank": offset(blank_is_0),
    "limit_squared": limit(exactly("²", 2)),
    "limit_without_its_sign": limit(match(r"-([1-9][0-9]?)$")),
}.items():
    add_mutant(BOUNDS, name, fault, "invalid_parameter_refused")
for name, pattern in {
    "id_and_a_new_line": r"([0-9a-f-]{36})\n",
    "id_and_a_query": r"([0-9a-f-]{36})\?.*",
    "id_cut_to_its_length": r"([0-9a-f-]{36}).+",
    "id_in_brackets": r"\(([0-9a-f-]{36})\)",
}.items():
    add_mutant(
        BOUNDS, name, MethodFault("parse_definition_id", id_within(pattern, re.DOTALL)), "invalid_parameter_refused"
    )
for name, when in {
    "server_error_for_nul_in_the_offset": lambda request, status: "\0" in request.query_params.get("offset", ""),
    "server_error_for_an_accent_in_the_id": lambda request, status: not request.path_params["definition_id"].isascii(),
    "server_error_for_a_repeated_offset": lambda request, status: len(request.query_params.getlist("offset")) > 1,
    "server_error_for_brackets_in_a_name": lambda request, status: "limit[]" in request.query_params,
    "server_error_for_a_bare_offset": lambda request, status: request.url.query.split("&")[0] == "offset",
    "server_error_for_a_quote_in_the_id": lambda request, status: '"' in request.path_params["definition_id"],
}.items():
    add_mutant("errors", name, ResponseFault(respond_with(500), when), "documented_status")
