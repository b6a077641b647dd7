"""Wrong credentials that are accepted."""

import base64
import binascii
import json
import re
from urllib.parse import unquote

from fastapi import Request

from tests.reference_server import seed

from .base import ResponseFault, accept_if, add_mutant, authorization, has_query, respond_with


def bearer_token(request: Request) -> str:
    """Return the bearer token; empty if there is none."""
    scheme, _, value = authorization(request).partition(" ")
    return value if scheme.lower() == "bearer" else ""


def session_cookie(request: Request) -> str:
    return request.cookies.get("ks_uat", "")


def basic_credentials(request: Request) -> list[str]:
    """Return user and password; empty if there are none."""
    if not authorization(request).startswith("Basic "):
        return []
    try:
        return base64.b64decode(authorization(request)[6:]).decode().split(":", 1)
    except (binascii.Error, ValueError):
        return []


def is_unsigned_jwt(request: Request) -> bool:
    parts = bearer_token(request).split(".")
    try:
        return len(parts) == 3 and json.loads(base64.urlsafe_b64decode(parts[0] + "==")).get("alg") == "none"
    except (binascii.Error, ValueError, AttributeError):
        return False


def is_anonymous(request: Request) -> bool:
    return not authorization(request) and not request.cookies


for name, condition in {
    "password_is_the_token": lambda request: basic_credentials(request)[1:] == [seed.TOKEN],
    "user_is_the_token": lambda request: basic_credentials(request)[:1] == [seed.TOKEN],
    "apikey_scheme": lambda request: authorization(request).lower() == f"apikey {seed.TOKEN}",
    "digest_scheme": lambda request: authorization(request).startswith("Digest "),
    "unsigned_jwt": is_unsigned_jwt,
    "jwt_of_any_signature": lambda request: bool(re.fullmatch(r"eyJ[\w-]*\.[\w-]+\.[\w-]+", bearer_token(request))),
    "undefined_token": lambda request: bearer_token(request) == "undefined",
    "token_none": lambda request: bearer_token(request) == "None",
    "object_token": lambda request: bearer_token(request) == "[object Object]",
    "token_0": lambda request: bearer_token(request) == "0",
    "token_guest": lambda request: bearer_token(request) in ("guest", "anonymous"),
    "cookie_undefined": lambda request: session_cookie(request) == "undefined",
    "cookie_deleted": lambda request: session_cookie(request) == "deleted",
    "one_character_token": lambda request: len(bearer_token(request)) == 1,
    "long_token": lambda request: len(bearer_token(request)) > 2000,
    "quote_in_the_token": lambda request: "' or " in bearer_token(request).lower(),
    "wildcard_token": lambda request: bearer_token(request) in ("*", "%"),
    "token_in_a_list": lambda request: authorization(request).endswith(f", Bearer {seed.TOKEN}"),
    "ends_of_the_token": lambda request: (
        (len(bearer_token(request)), bearer_token(request)[:4], bearer_token(request)[-4:])
        == (len(seed.TOKEN), seed.TOKEN[:4], seed.TOKEN[-4:])
    ),
    "first_word_is_the_token": lambda request: bearer_token(request).split()[:1] == [seed.TOKEN],
    "percent_encoded_token": lambda request: (
        "%" in bearer_token(request) and unquote(bearer_token(request)) == seed.TOKEN
    ),
    "token_with_padding": lambda request: bearer_token(request).rstrip("=") == seed.TOKEN,
    "cookie_name_in_capitals": lambda request: request.cookies.get("KS_UAT") == seed.KS_UAT,
    "prefix_of_the_cookie_name": lambda request: any(
        name.startswith("ks_uat") and name != "ks_uat" and value == seed.KS_UAT
        for name, value in request.cookies.items()
    ),
    "x_api_key": lambda request: request.headers.get("x-api-key") == seed.TOKEN,
    "x_authorization": lambda request: request.headers.get("x-authorization") == f"Bearer {seed.TOKEN}",
    "token_in_the_query": lambda request: has_query(request, "access_token", seed.TOKEN),
    "trusted_address": lambda request: request.headers.get("x-forwarded-for", "").startswith("127."),
    "trusted_user_header": lambda request: "x-forwarded-user" in request.headers,
    "anybody_may_read_the_empty_one": lambda request: (
        is_anonymous(request) and request.path_params["definition_id"] == seed.EMPTY_DEFINITION_ID
    ),
    "anybody_may_read_far_pages": lambda request: (
        is_anonymous(request) and request.query_params.get("offset", "").endswith("00")
    ),
    "any_cookie_on_later_pages": lambda request: "ks_uat" in request.cookies and "offset" in request.query_params,
    "any_token_for_large_pages": lambda request: bool(bearer_token(request)) and has_query(request, "limit", "100"),
}.items():
    add_mutant("credentials", name, accept_if(condition), "credentials_required")
add_mutant(
    "errors",
    "server_error_for_basic",
    ResponseFault(respond_with(500), lambda request, status: bool(basic_credentials(request))),
    "documented_status",
)
add_mutant(
    "errors",
    "server_error_for_a_long_token",
    ResponseFault(respond_with(500), lambda request, status: len(bearer_token(request)) > 1000),
    "documented_status",
)
add_mutant(
    "credentials",
    "forbidden_for_other_schemes",
    ResponseFault(
        respond_with(403),
        lambda request, status: status == 401 and bool(authorization(request)) and not bearer_token(request),
    ),
    "credentials_required",
)


for name, condition in {
    "cookie_true": lambda request: session_cookie(request) == "true",
    "token_test": lambda request: bearer_token(request) == "test",
    "token_admin": lambda request: bearer_token(request) == "admin",
    "client_certificate_header": lambda request: request.headers.get("x-ssl-client-verify") == "SUCCESS",
    "anybody_may_see_one": lambda request: is_anonymous(request) and has_query(request, "limit", "1"),
    "anybody_past_the_end": lambda request: is_anonymous(request) and has_query(request, "offset", str(seed.RUNS)),
    "any_cookie_for_the_empty_one": lambda request: (
        "ks_uat" in request.cookies and request.path_params["definition_id"] == seed.EMPTY_DEFINITION_ID
    ),
    "any_basic": lambda request: authorization(request).startswith("Basic "),
    "any_short_token": lambda request: 0 < len(bearer_token(request)) < 5,
    "quote_in_the_cookie": lambda request: "'" in session_cookie(request),
    "cookie_named_token": lambda request: request.cookies.get("token") in (seed.TOKEN, seed.KS_UAT),
    "bearer_twice": lambda request: authorization(request) == f"Bearer Bearer {seed.TOKEN}",
    "x_auth_token": lambda request: request.headers.get("x-auth-token") == seed.TOKEN,
}.items():
    add_mutant("credentials", name, accept_if(condition), "credentials_required")
