"""Content types, failures of single requests, broken connections and bodies, methods; and runs without evidence."""

import json
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.network_faults import close_connection

from .base import (
    ANSWER_WITHIN,
    MethodFault,
    PageFault,
    ResponseFault,
    add_mutant,
    always,
    edit_body,
    is_page,
    page_with,
    set_field,
    status_is,
    with_header,
)
from .schema import SCHEMA

PROTOCOL = "protocol"
add_mutant(
    PROTOCOL,
    "html_not_found",
    ResponseFault(lambda response: Response("<h1>Not Found</h1>", 404, media_type="text/html"), status_is(404)),
    "json_content_type",
)
add_mutant(
    PROTOCOL,
    "text_content_type",
    ResponseFault(lambda response: with_header(response, "Content-Type", "text/plain"), is_page),
    "json_content_type",
)
add_mutant(
    PROTOCOL,
    "latin_1_charset",
    ResponseFault(
        lambda response: with_header(response, "Content-Type", "application/json; charset=iso-8859-1"), is_page
    ),
    "json_content_type",
)
add_mutant(
    PROTOCOL,
    "one_in_50_fails",
    ResponseFault(lambda response: Response("Internal Server Error", 500), always, every=50),
    "documented_status",
)
add_mutant(
    PROTOCOL,
    "one_in_50_unavailable_page",
    ResponseFault(lambda response: Response("<h1>502</h1>", 502, media_type="text/html"), always, every=50),
    "documented_status",
)
add_mutant(
    PROTOCOL,
    "one_in_30_empty",
    ResponseFault(
        lambda response: edit_body(response, lambda body: json.dumps(json.loads(body) | {"items": []}).encode()),
        is_page,
        every=30,
    ),
    "number_of_items",
)


class AnswersMixedUp(ReferenceServer):
    """Every thirtieth request gets the response to an earlier one."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)
        self.kept = Response()

    def list_runs(self, request: Request) -> Response:
        response = super().list_runs(request)
        if next(self.requests) % 30 == 0:
            return self.kept
        self.kept = response
        return response


add_mutant(
    PROTOCOL,
    "one_in_30_mixed_up",
    AnswersMixedUp,
    *("limit_and_offset_echoed", "number_of_items", "defaults_applied"),
)
add_mutant(
    PROTOCOL,
    "one_in_30_truncated",
    ResponseFault(lambda response: edit_body(response, lambda body: body[: len(body) // 2]), is_page, every=30),
    *SCHEMA,
)
add_mutant(
    PROTOCOL,
    "cut_short",
    ResponseFault(lambda response: with_header(response, "Content-Length", "1000000"), page_with("limit", "99")),
    "no_answer",
)
add_mutant(
    PROTOCOL,
    "quota_without_retry_after",
    ResponseFault(
        lambda response: Response('{"detail": "Quota exceeded"}', 429, media_type="application/json"), always, every=40
    ),
    "response_headers_conformance",
)
add_mutant(
    PROTOCOL,
    "quota_until_soon",
    ResponseFault(
        lambda response: Response('{"detail": "Quota exceeded"}', 429, {"Retry-After": "soon"}, "application/json"),
        always,
        every=40,
    ),
    "retry_after_readable",
)


class Hangs(ReferenceServer):
    """Does not answer requests with limit 19 in time."""

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if parameters.limit == 19:
            threading.Event().wait(ANSWER_WITHIN + 1)
        return super().load_page(session, parameters)


add_mutant(
    PROTOCOL,
    "not_compressed",
    ResponseFault(lambda response: with_header(response, "Content-Encoding", "gzip"), page_with("limit", "7")),
    "no_answer",
)
add_mutant(PROTOCOL, "hangs", Hangs, "no_answer")
add_mutant(
    PROTOCOL,
    "post_taken",
    MethodFault("check_method", lambda original, request: None if request.method == "POST" else original(request)),
    "unsupported_method",
)


def allow(value: str | None) -> Callable[[Any, Request], None]:
    """Replace the `Allow` header of refusals; None removes it."""

    def check(original: Any, request: Request) -> None:
        try:
            original(request)
        except HTTPException as refusal:
            refusal.headers = {"Allow": value} if value else None
            raise

    return check


add_mutant(PROTOCOL, "no_allow_header", MethodFault("check_method", allow(None)), "unsupported_method")
add_mutant(PROTOCOL, "allow_header_without_get", MethodFault("check_method", allow("POST")), "allow_header_conformance")


class CutsConnections:
    """Closes the connection of every thirtieth GET without a response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only GET: the contract run does not repeat requests with other methods.
        if scope["method"] == "GET" and next(self.requests) % 30 == 0:
            await close_connection(receive, send)
        else:
            await self.app(scope, receive, send)


add_mutant(PROTOCOL, "one_in_30_cut", ReferenceServer, "connection_kept", middleware=CutsConnections)

# Evidence.

# All responses are valid, but they cover nothing.
add_mutant("evidence", "nothing_to_see", MethodFault("load_page", lambda original, *parameters: (0, [])), "reached")
add_mutant(
    "evidence",
    "no_past_the_end",
    PageFault(lambda page, parameters: page["items"] or set_field(page, "items", "none")),
    "reached",
    *SCHEMA,
)
