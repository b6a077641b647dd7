"""Protocol and robustness, and evidence."""

import json
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer

from .making import (
    ANSWER_WITHIN,
    AnswerFault,
    PageFault,
    StepFault,
    always,
    asks,
    is_page,
    mutant,
    on,
    put,
    with_body,
    with_header,
)
from .schema import SCHEMA

PROTOCOL = "protocol"
mutant(
    PROTOCOL,
    "html_not_found",
    AnswerFault(lambda answer: Response("<h1>Not Found</h1>", 404, media_type="text/html"), on(404)),
    "json_content_type",
)
mutant(
    PROTOCOL,
    "text_content_type",
    AnswerFault(lambda answer: with_header(answer, "Content-Type", "text/plain"), is_page),
    "json_content_type",
)
mutant(
    PROTOCOL,
    "latin_1_charset",
    AnswerFault(lambda answer: with_header(answer, "Content-Type", "application/json; charset=iso-8859-1"), is_page),
    "json_content_type",
)
mutant(
    PROTOCOL,
    "one_in_50_fails",
    AnswerFault(lambda answer: Response("Internal Server Error", 500), always, every=50),
    "documented_status",
)
mutant(
    PROTOCOL,
    "one_in_50_unavailable_page",
    AnswerFault(lambda answer: Response("<h1>502</h1>", 502, media_type="text/html"), always, every=50),
    "documented_status",
)
mutant(
    PROTOCOL,
    "one_in_30_empty",
    AnswerFault(
        lambda answer: with_body(answer, lambda body: json.dumps(json.loads(body) | {"items": []}).encode()),
        is_page,
        every=30,
    ),
    "number_of_items",
)


class AnswersMixedUp(ReferenceServer):
    """Now and then gives the answer to an earlier request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)
        self.kept = Response()

    def list_runs(self, request: Request) -> Response:
        answer = super().list_runs(request)
        if next(self.requests) % 30 == 0:
            return self.kept
        self.kept = answer
        return answer


mutant(
    PROTOCOL,
    "one_in_30_mixed_up",
    AnswersMixedUp,
    *("limit_and_offset_echoed", "number_of_items", "defaults_applied"),
)
mutant(
    PROTOCOL,
    "one_in_30_truncated",
    AnswerFault(lambda answer: with_body(answer, lambda body: body[: len(body) // 2]), is_page, every=30),
    *SCHEMA,
)
mutant(
    PROTOCOL,
    "cut_short",
    AnswerFault(lambda answer: with_header(answer, "Content-Length", "1000000"), asks("limit", "99")),
    "no_answer",
)
mutant(
    PROTOCOL,
    "quota_without_retry_after",
    AnswerFault(
        lambda answer: Response('{"detail": "Quota exceeded"}', 429, media_type="application/json"), always, every=40
    ),
    "response_headers_conformance",
)
mutant(
    PROTOCOL,
    "quota_until_soon",
    AnswerFault(
        lambda answer: Response('{"detail": "Quota exceeded"}', 429, {"Retry-After": "soon"}, "application/json"),
        always,
        every=40,
    ),
    "retry_after_readable",
)


class Hangs(ReferenceServer):
    """Gives one input no answer, for longer than anybody waits."""

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if parameters.limit == 19:
            threading.Event().wait(ANSWER_WITHIN + 1)
        return super().load_page(session, parameters)


mutant(
    PROTOCOL,
    "not_compressed",
    AnswerFault(lambda answer: with_header(answer, "Content-Encoding", "gzip"), asks("limit", "7")),
    "no_answer",
)
mutant(PROTOCOL, "hangs", Hangs, "no_answer")
mutant(
    PROTOCOL,
    "post_taken",
    StepFault("check_method", lambda original, request: None if request.method == "POST" else original(request)),
    "unsupported_method",
)


def allow(value: str | None) -> Callable[[Any, Request], None]:
    """Refuses as before, but with another `Allow` header."""

    def check(original: Any, request: Request) -> None:
        try:
            original(request)
        except HTTPException as refusal:
            refusal.headers = {"Allow": value} if value else None
            raise

    return check


mutant(PROTOCOL, "no_allow_header", StepFault("check_method", allow(None)), "unsupported_method")
mutant(PROTOCOL, "allow_header_without_get", StepFault("check_method", allow("POST")), "allow_header_conformance")


class CutsConnections(ReferenceServer):
    """Now and then closes the connection in place of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) % 30 == 0 and request.client:
            cut((request.client.host, request.client.port))
        return super().list_runs(request)


def cut(peer: tuple[str, int]) -> None:
    """Shuts down this process's socket to that peer: nothing above it lets anybody do so."""
    for descriptor in range(3, 200):
        try:
            found = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        with found, suppress(OSError):
            if found.getpeername() == peer:
                found.shutdown(socket.SHUT_RDWR)


mutant(PROTOCOL, "one_in_30_cut", CutsConnections, "connection_kept")

# Evidence.

# Each answer is right, and none shows anything.
mutant("evidence", "nothing_to_see", StepFault("load_page", lambda original, *asked: (0, [])), "reached")
mutant(
    "evidence",
    "no_past_the_end",
    PageFault(lambda page, asked: page["items"] or put(page, "items", "none")),
    "reached",
    *SCHEMA,
)
