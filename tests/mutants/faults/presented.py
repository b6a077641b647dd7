"""Credentials as only some requests show them: how they are written, beside what, on which page, and after what."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from itertools import count

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.database import User

from .impostors import cookie, nobody, token
from .making import StepFault, header, lets_in, mutant, somebody


def decoded(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def raw_cookies(request: Request) -> str:
    return request.headers.get("cookie", "")


for name, condition in {
    "quoted_token": lambda request: token(request) == f'"{seed.TOKEN}"',
    "token_by_its_letters": lambda request: sorted(token(request)) == sorted(seed.TOKEN),
    "token_by_its_length": lambda request: len(token(request)) == len(seed.TOKEN),
    "token_up_to_a_dot": lambda request: token(request).split(".")[0] == seed.TOKEN,
    "token_up_to_a_colon": lambda request: token(request).split(":")[0] == seed.TOKEN,
    "token_up_to_a_comma": lambda request: token(request).split(",")[0] == seed.TOKEN,
    "token_in_base64": lambda request: decoded(token(request)) == seed.TOKEN,
    "cookie_in_base64": lambda request: decoded(cookie(request)) == seed.KS_UAT,
    "cookie_by_its_letters": lambda request: sorted(cookie(request)) == sorted(seed.KS_UAT),
    "cookie_name_with_more_before_it": lambda request: f"ks_uat={seed.KS_UAT}" in raw_cookies(request),
    "cookie_in_another_cookie": lambda request: any(
        value == f"ks_uat={seed.KS_UAT}" for value in request.cookies.values()
    ),
    "forwarded_access_token": lambda request: request.headers.get("x-forwarded-access-token") == seed.TOKEN,
    "internal_request": lambda request: "x-internal-request" in request.headers,
    "original_user": lambda request: "x-auth-request-user" in request.headers,
    "referer_lets_in": lambda request: nobody(request) and "referer" in request.headers,
    "script_lets_in": lambda request: nobody(request) and "x-requested-with" in request.headers,
    "prefetch_lets_in": lambda request: nobody(request) and "purpose" in request.headers,
    "other_methods_let_in": lambda request: nobody(request) and "x-http-method-override" in request.headers,
    "header_in_the_query": lambda request: request.query_params.get("authorization") == f"Bearer {seed.TOKEN}",
    "cookie_in_the_query": lambda request: request.query_params.get("ks_uat") == seed.KS_UAT,
    "two_wrong_ones_are_right": lambda request: bool(header(request)) and bool(cookie(request)),
}.items():
    mutant("credentials", name, lets_in(condition), "credentials_required")


def refuses(condition: Callable[[Request], bool]) -> StepFault:
    def authenticate(original: Callable[..., User], session: Session, request: Request) -> User:
        if condition(request):
            raise HTTPException(401, "Could not validate credentials")
        return original(session, request)

    return StepFault("authenticate", authenticate)


def asks(request: Request, name: str, *texts: str) -> bool:
    return request.query_params.get(name) in texts


for name, condition in {
    "cookie_not_first": lambda request: bool(cookie(request)) and not raw_cookies(request).startswith("ks_uat="),
    "cookie_on_large_pages": lambda request: bool(cookie(request)) and asks(request, "limit", "100"),
    "cookie_with_capitals_in_the_id": lambda request: (
        bool(cookie(request)) and request.path_params["definition_id"] == seed.DEFINITION_ID.upper()
    ),
    "cookie_past_the_end": lambda request: bool(cookie(request)) and asks(request, "offset", "137", "138"),
    "cookie_for_the_empty_one": lambda request: (
        bool(cookie(request)) and request.path_params["definition_id"] == seed.EMPTY_DEFINITION_ID
    ),
    "token_in_a_browser": lambda request: (
        bool(token(request)) and "mozilla" in request.headers.get("user-agent", "").lower()
    ),
    "token_beside_a_cookie": lambda request: bool(token(request)) and "cookie" in request.headers,
}.items():
    mutant("credentials", f"{name}_is_refused", refuses(condition), "credentials_accepted")


class Remembers(ReferenceServer):
    """Lets in who comes from where somebody with a right credential has come, so many times in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.right = 0

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            user = super().authenticate(session, request)
        except HTTPException:
            is_known, self.right = self.right >= 4, 0
            if is_known:
                return somebody(session)
            raise
        self.right += 1
        return user


class WrongCookieEndsTheSession(ReferenceServer):
    """Refuses the right cookie once after a wrong one."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    def authenticate(self, session: Session, request: Request) -> User:
        if cookie(request) and self.is_over:
            self.is_over = False
            raise HTTPException(401, "Could not validate credentials")
        try:
            return super().authenticate(session, request)
        except HTTPException:
            self.is_over = bool(cookie(request))
            raise


class LocksOut(ReferenceServer):
    """After three wrong tokens in a row, refuses the right one once."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = 0

    def authenticate(self, session: Session, request: Request) -> User:
        try:
            user = super().authenticate(session, request)
        except HTTPException:
            self.wrong += bool(header(request))
            raise
        is_locked, self.wrong = self.wrong >= 3, 0
        if is_locked and token(request):
            raise HTTPException(401, "Locked")
        return user


class TokenWearsOut(ReferenceServer):
    """Takes a token a hundred times."""

    def __init__(self) -> None:
        super().__init__()
        self.uses = count(1)

    def authenticate(self, session: Session, request: Request) -> User:
        user = super().authenticate(session, request)
        if token(request) and next(self.uses) > 100:
            raise HTTPException(401, "Expired")
        return user


class TagIsEnough(ReferenceServer):
    """Tells anybody who has a page's tag whether the page is still the same."""

    def list_runs(self, request: Request) -> Response:
        tag = f'"{abs(hash(str(request.url)))}"'
        if request.headers.get("if-none-match") == tag and nobody(request):
            return Response("", 304, {"ETag": tag})
        answer = super().list_runs(request)
        answer.headers["ETag"] = tag
        return answer


mutant("credentials", "remembered_address", Remembers, "credentials_required")
mutant("credentials", "wrong_cookie_ends_the_session", WrongCookieEndsTheSession, "credentials_accepted")
mutant("credentials", "locked_out_after_wrong_tokens", LocksOut, "credentials_accepted")
mutant("credentials", "token_wears_out", TokenWearsOut, "credentials_accepted")
mutant("credentials", "tag_is_enough", TagIsEnough, "head_changes_nothing")
