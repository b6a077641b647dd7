"""Credentials that are wrongly accepted or refused depending on spelling, other headers, page or earlier requests."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from itertools import count

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.database import User

from .base import MethodFault, accept_if, add_mutant, authorization, default_user, has_query
from .wrong_credentials import bearer_token, is_anonymous, session_cookie


def decode_base64(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def cookie_header(request: Request) -> str:
    return request.headers.get("cookie", "")


for name, condition in {
    "quoted_token": lambda request: bearer_token(request) == f'"{seed.TOKEN}"',
    "token_by_its_letters": lambda request: sorted(bearer_token(request)) == sorted(seed.TOKEN),
    "token_by_its_length": lambda request: len(bearer_token(request)) == len(seed.TOKEN),
    "token_up_to_a_dot": lambda request: bearer_token(request).split(".")[0] == seed.TOKEN,
    "token_up_to_a_colon": lambda request: bearer_token(request).split(":")[0] == seed.TOKEN,
    "token_up_to_a_comma": lambda request: bearer_token(request).split(",")[0] == seed.TOKEN,
    "token_in_base64": lambda request: decode_base64(bearer_token(request)) == seed.TOKEN,
    "cookie_in_base64": lambda request: decode_base64(session_cookie(request)) == seed.KS_UAT,
    "cookie_by_its_letters": lambda request: sorted(session_cookie(request)) == sorted(seed.KS_UAT),
    "cookie_name_with_more_before_it": lambda request: f"ks_uat={seed.KS_UAT}" in cookie_header(request),
    "cookie_in_another_cookie": lambda request: any(
        value == f"ks_uat={seed.KS_UAT}" for value in request.cookies.values()
    ),
    "forwarded_access_token": lambda request: request.headers.get("x-forwarded-access-token") == seed.TOKEN,
    "internal_request": lambda request: "x-internal-request" in request.headers,
    "original_user": lambda request: "x-auth-request-user" in request.headers,
    "referer_lets_in": lambda request: is_anonymous(request) and "referer" in request.headers,
    "script_lets_in": lambda request: is_anonymous(request) and "x-requested-with" in request.headers,
    "prefetch_lets_in": lambda request: is_anonymous(request) and "purpose" in request.headers,
    "other_methods_let_in": lambda request: is_anonymous(request) and "x-http-method-override" in request.headers,
    "header_in_the_query": lambda request: request.query_params.get("authorization") == f"Bearer {seed.TOKEN}",
    "cookie_in_the_query": lambda request: request.query_params.get("ks_uat") == seed.KS_UAT,
    "two_wrong_ones_are_right": lambda request: bool(authorization(request)) and bool(session_cookie(request)),
}.items():
    add_mutant("credentials", name, accept_if(condition), "credentials_required")


def reject_if(condition: Callable[[Request], bool]) -> MethodFault:
    def authenticate(original: Callable[..., User], session: Session, request: Request) -> User:
        if condition(request):
            raise HTTPException(401, "Could not validate credentials")
        return original(session, request)

    return MethodFault("authenticate", authenticate)


for name, condition in {
    "cookie_not_first": lambda request: (
        bool(session_cookie(request)) and not cookie_header(request).startswith("ks_uat=")
    ),
    "cookie_on_large_pages": lambda request: bool(session_cookie(request)) and has_query(request, "limit", "100"),
    "cookie_with_capitals_in_the_id": lambda request: (
        bool(session_cookie(request)) and request.path_params["definition_id"] == seed.DEFINITION_ID.upper()
    ),
    "cookie_past_the_end": lambda request: bool(session_cookie(request)) and has_query(request, "offset", "137", "138"),
    "cookie_for_the_empty_one": lambda request: (
        bool(session_cookie(request)) and request.path_params["definition_id"] == seed.EMPTY_DEFINITION_ID
    ),
    "token_in_a_browser": lambda request: (
        bool(bearer_token(request)) and "mozilla" in request.headers.get("user-agent", "").lower()
    ),
    "token_beside_a_cookie": lambda request: bool(bearer_token(request)) and "cookie" in request.headers,
}.items():
    add_mutant("credentials", f"{name}_is_refused", reject_if(condition), "credentials_accepted")


class AddressRemembered(ReferenceServer):
    """After four authenticated requests in a row, accepts one without valid credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.right = 0

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            user = super().authenticate(session, request)
        except HTTPException:
            is_known, self.right = self.right >= 4, 0
            if is_known:
                return default_user(session)
            raise
        self.right += 1
        return user


class WrongCookieEndsTheSession(ReferenceServer):
    """Refuses the valid cookie once after a wrong one."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    def authenticate(self, session: Session, request: Request) -> User:
        if session_cookie(request) and self.is_over:
            self.is_over = False
            raise HTTPException(401, "Could not validate credentials")
        try:
            return super().authenticate(session, request)
        except HTTPException:
            self.is_over = bool(session_cookie(request))
            raise


class LockedOut(ReferenceServer):
    """After three wrong tokens in a row, refuses the valid one once."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = 0

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            user = super().authenticate(session, request)
        except HTTPException:
            self.wrong += bool(authorization(request))
            raise
        is_locked, self.wrong = self.wrong >= 3, 0
        if is_locked and bearer_token(request):
            raise HTTPException(401, "Locked")
        return user


class TokenExpiresByUse(ReferenceServer):
    """Accepts a token a hundred times."""

    def __init__(self) -> None:
        super().__init__()
        self.uses = count(1)

    def authenticate(self, session: Session, request: Request) -> User:
        user = super().authenticate(session, request)
        if bearer_token(request) and next(self.uses) > 100:
            raise HTTPException(401, "Expired")
        return user


class NotModifiedForAnybody(ReferenceServer):
    """Answers conditional requests with 304 before authentication."""

    def list_runs(self, request: Request) -> Response:
        tag = f'"{abs(hash(str(request.url)))}"'
        if request.headers.get("if-none-match") == tag and is_anonymous(request):
            return Response("", 304, {"ETag": tag})
        response = super().list_runs(request)
        response.headers["ETag"] = tag
        return response


add_mutant("credentials", "remembered_address", AddressRemembered, "credentials_required")
add_mutant("credentials", "wrong_cookie_ends_the_session", WrongCookieEndsTheSession, "credentials_accepted")
add_mutant("credentials", "locked_out_after_wrong_tokens", LockedOut, "credentials_accepted")
add_mutant("credentials", "token_wears_out", TokenExpiresByUse, "credentials_accepted")
add_mutant("credentials", "tag_is_enough", NotModifiedForAnybody, "head_changes_nothing")
