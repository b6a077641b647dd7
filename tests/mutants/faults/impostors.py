"""Credentials that are wrong, and let in all the same."""

import base64
import binascii
import json
import re
from urllib.parse import unquote

from fastapi import Request

from tests.reference_server import seed

from .making import AnswerFault, header, instead, lets_in, mutant


def token(request: Request) -> str:
    """The bearer token, of any length and kind."""
    scheme, _, value = header(request).partition(" ")
    return value if scheme.lower() == "bearer" else ""


def cookie(request: Request) -> str:
    return request.cookies.get("ks_uat", "")


def basic(request: Request) -> list[str]:
    """User and password."""
    if not header(request).startswith("Basic "):
        return []
    try:
        return base64.b64decode(header(request)[6:]).decode().split(":", 1)
    except (binascii.Error, ValueError):
        return []


def unsigned(request: Request) -> bool:
    parts = token(request).split(".")
    try:
        return len(parts) == 3 and json.loads(base64.urlsafe_b64decode(parts[0] + "==")).get("alg") == "none"
    except (binascii.Error, ValueError, AttributeError):
        return False


def nobody(request: Request) -> bool:
    return not header(request) and not request.cookies


def asks(request: Request, name: str, text: str) -> bool:
    return request.query_params.get(name) == text


for name, condition in {
    "password_is_the_token": lambda request: basic(request)[1:] == [seed.TOKEN],
    "user_is_the_token": lambda request: basic(request)[:1] == [seed.TOKEN],
    "apikey_scheme": lambda request: header(request).lower() == f"apikey {seed.TOKEN}",
    "digest_scheme": lambda request: header(request).startswith("Digest "),
    "unsigned_jwt": unsigned,
    "jwt_of_any_signature": lambda request: bool(re.fullmatch(r"eyJ[\w-]*\.[\w-]+\.[\w-]+", token(request))),
    "undefined_token": lambda request: token(request) == "undefined",
    "token_none": lambda request: token(request) == "None",
    "object_token": lambda request: token(request) == "[object Object]",
    "token_0": lambda request: token(request) == "0",
    "token_guest": lambda request: token(request) in ("guest", "anonymous"),
    "cookie_undefined": lambda request: cookie(request) == "undefined",
    "cookie_deleted": lambda request: cookie(request) == "deleted",
    "one_character_token": lambda request: len(token(request)) == 1,
    "long_token": lambda request: len(token(request)) > 2000,
    "quote_in_the_token": lambda request: "' or " in token(request).lower(),
    "wildcard_token": lambda request: token(request) in ("*", "%"),
    "token_in_a_list": lambda request: header(request).endswith(f", Bearer {seed.TOKEN}"),
    "ends_of_the_token": lambda request: (
        (len(token(request)), token(request)[:4], token(request)[-4:])
        == (len(seed.TOKEN), seed.TOKEN[:4], seed.TOKEN[-4:])
    ),
    "first_word_is_the_token": lambda request: token(request).split()[:1] == [seed.TOKEN],
    "percent_encoded_token": lambda request: "%" in token(request) and unquote(token(request)) == seed.TOKEN,
    "token_with_padding": lambda request: token(request).rstrip("=") == seed.TOKEN,
    "cookie_name_in_capitals": lambda request: request.cookies.get("KS_UAT") == seed.KS_UAT,
    "prefix_of_the_cookie_name": lambda request: any(
        name.startswith("ks_uat") and name != "ks_uat" and value == seed.KS_UAT
        for name, value in request.cookies.items()
    ),
    "x_api_key": lambda request: request.headers.get("x-api-key") == seed.TOKEN,
    "x_authorization": lambda request: request.headers.get("x-authorization") == f"Bearer {seed.TOKEN}",
    "token_in_the_query": lambda request: asks(request, "access_token", seed.TOKEN),
    "trusted_address": lambda request: request.headers.get("x-forwarded-for", "").startswith("127."),
    "trusted_user_header": lambda request: "x-forwarded-user" in request.headers,
    "anybody_may_read_the_empty_one": lambda request: (
        nobody(request) and request.path_params["definition_id"] == seed.EMPTY_DEFINITION_ID
    ),
    "anybody_may_read_far_pages": lambda request: (
        nobody(request) and request.query_params.get("offset", "").endswith("00")
    ),
    "any_cookie_on_later_pages": lambda request: "ks_uat" in request.cookies and "offset" in request.query_params,
    "any_token_for_large_pages": lambda request: bool(token(request)) and asks(request, "limit", "100"),
}.items():
    mutant("credentials", name, lets_in(condition), "credentials_required")
mutant(
    "errors",
    "server_error_for_basic",
    AnswerFault(instead(500), lambda request, status: bool(basic(request))),
    "documented_status",
)
mutant(
    "errors",
    "server_error_for_a_long_token",
    AnswerFault(instead(500), lambda request, status: len(token(request)) > 1000),
    "documented_status",
)
mutant(
    "credentials",
    "forbidden_for_other_schemes",
    AnswerFault(instead(403), lambda request, status: status == 401 and bool(header(request)) and not token(request)),
    "credentials_required",
)


for name, condition in {
    "cookie_true": lambda request: cookie(request) == "true",
    "token_test": lambda request: token(request) == "test",
    "token_admin": lambda request: token(request) == "admin",
    "client_certificate_header": lambda request: request.headers.get("x-ssl-client-verify") == "SUCCESS",
    "anybody_may_see_one": lambda request: nobody(request) and asks(request, "limit", "1"),
    "anybody_past_the_end": lambda request: nobody(request) and asks(request, "offset", str(seed.RUNS)),
    "any_cookie_for_the_empty_one": lambda request: (
        "ks_uat" in request.cookies and request.path_params["definition_id"] == seed.EMPTY_DEFINITION_ID
    ),
    "any_basic": lambda request: header(request).startswith("Basic "),
    "any_short_token": lambda request: 0 < len(token(request)) < 5,
    "quote_in_the_cookie": lambda request: "'" in cookie(request),
    "cookie_named_token": lambda request: request.cookies.get("token") in (seed.TOKEN, seed.KS_UAT),
    "bearer_twice": lambda request: header(request) == f"Bearer Bearer {seed.TOKEN}",
    "x_auth_token": lambda request: request.headers.get("x-auth-token") == seed.TOKEN,
}.items():
    mutant("credentials", name, lets_in(condition), "credentials_required")
