"""Ordinary headers that must not change the answer, and do."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from .making import AnswerFault, instead, mutant, put, with_body, with_header


def says(name: str, *texts: str) -> Callable[[Request, int], bool]:
    """A page to be sent to somebody who says one of these in that header; without texts, who sends it at all."""

    def when(request: Request, status: int) -> bool:
        value = request.headers.get(name, "").lower()
        return status == 200 and name in request.headers and (not texts or any(text in value for text in texts))

    return when


def with_runs(change: Callable[[Any], object]) -> Callable[[Response], Response]:
    """Changes each run of a page."""

    def change_all(body: bytes) -> bytes:
        page = json.loads(body)
        for run in page["items"]:
            change(run)
        return json.dumps(page).encode()

    return lambda answer: with_body(answer, change_all)


def with_page(change: Callable[[Any], object]) -> Callable[[Response], Response]:
    def changed(body: bytes) -> bytes:
        page = json.loads(body)
        change(page)
        return json.dumps(page).encode()

    return lambda answer: with_body(answer, changed)


def compressed(answer: Response) -> Response:
    return with_header(with_body(answer, lambda body: zlib.compress(body)[:-9]), "Content-Encoding", "deflate")


HTML = "<!doctype html><title>Runs</title>"
for name, change, when, killed_by in (
    ("html_for_browsers", instead(200, HTML, "text/html"), says("accept", "text/html"), ("json_content_type",)),
    ("xml_on_request", instead(200, "<runs/>", "application/xml"), says("accept", "/xml"), ("json_content_type",)),
    (
        "not_acceptable_in_a_list",
        instead(406),
        says("accept", "application/json;q=", "application/json; q="),
        ("documented_status",),
    ),
    (
        "names_in_german",
        with_runs(lambda run: put(run, "run_snapshot", "workflow_name", "Digest auf Deutsch")),
        says("accept-language", "de"),
        ("frozen_fields",),
    ),
    (
        "status_in_german",
        with_runs(lambda run: put(run, "status", "FERTIG")),
        says("accept-language", "de"),
        ("response_schema_conformance", "items_do_not_go_back"),
    ),
    (
        "errors_left_out_for_phones",
        with_runs(lambda run: run["error"] and put(run, "error", "It failed.")),
        says("user-agent", "mobile"),
        ("ended_runs_stay",),
    ),
    (
        "browsers_to_the_page",
        lambda answer: RedirectResponse("/app", 302),
        says("user-agent", "mozilla"),
        ("documented_status",),
    ),
    ("no_curl", instead(403), says("user-agent", "curl"), ("valid_request_accepted",)),
    ("method_overridden", instead(405), says("x-http-method-override"), ("documented_status",)),
    ("not_modified_for_any_tag", instead(304, ""), says("if-none-match"), ("documented_status",)),
    ("not_modified_since_ever", instead(304, ""), says("if-modified-since"), ("documented_status",)),
    ("other_origin_forbidden", instead(403), says("origin"), ("valid_request_accepted",)),
    ("content_type_of_a_get", instead(415), says("content-type", "text", "xml", "form"), ("documented_status",)),
    ("other_referer_forbidden", instead(403), says("referer"), ("valid_request_accepted",)),
    ("minimal_on_preference", with_page(lambda page: put(page, "items", [])), says("prefer"), ("number_of_items",)),
    ("further_cookie_refused", instead(401), says("cookie", "theme="), ("credentials_accepted",)),
    ("range_cannot_be_had", instead(416), says("range"), ("documented_status",)),
    (
        "cookies_show_less",
        with_page(lambda page: put(page, "total", max(page["total"] - 1, 0))),
        says("cookie", "theme="),
        ("same_total",),
    ),
    (
        "fresh_pages_count_anew",
        with_page(lambda page: put(page, "total", page["total"] + 1)),
        says("cache-control", "no-cache"),
        ("same_total",),
    ),
    (
        "identity_is_cut",
        with_body_half := (lambda answer: with_body(answer, lambda body: body[: len(body) // 2])),
        says("accept-encoding", "identity"),
        ("response_schema_conformance",),
    ),
    ("broken_deflate", compressed, says("accept-encoding", "deflate"), ("reached", "response_schema_conformance")),
    (
        "latin_1_on_request",
        lambda answer: with_header(answer, "Content-Type", "application/json; charset=iso-8859-1"),
        says("accept-charset"),
        ("json_content_type", "ended_runs_stay", "frozen_fields"),
    ),
    ("forwarded_host_refused", instead(400), says("x-forwarded-host"), ("documented_status",)),
    (
        "script_gets_a_callback",
        with_half := (lambda answer: with_body(answer, lambda body: b"callback(" + body + b")")),
        says("x-requested-with"),
        ("response_schema_conformance",),
    ),
    (
        "further_field_for_tracing",
        with_page(lambda page: put(page, "trace", "1")),
        says("traceparent"),
        ("response_schema_conformance",),
    ),
):
    mutant("protocol", name, AnswerFault(change, when), *killed_by)
for name, change, when, killed_by in (
    (
        "only_python_is_refused",
        instead(403),
        says("user-agent", "python"),
        ("valid_request_accepted",),
    ),
    (
        "json_only_not_acceptable",
        instead(406),
        lambda request, status: status == 200 and request.headers.get("accept") == "application/json",
        ("documented_status",),
    ),
    (
        "less_to_save_data",
        with_page(lambda page: put(page, "items", page["items"][:3])),
        says("save-data"),
        ("number_of_items",),
    ),
    ("empty_json_body", instead(400), says("content-type", "json"), ("documented_status",)),
    ("precondition_fails", instead(412), says("if-match"), ("documented_status",)),
    ("prefetch_gets_nothing", instead(204), says("purpose"), ("documented_status",)),
    ("forwarded_refused", instead(400), says("forwarded"), ("documented_status",)),
    (
        "untracked_count_anew",
        with_page(lambda page: put(page, "total", page["total"] + 1)),
        says("dnt"),
        ("same_total",),
    ),
    ("any_preference_is_accepted", instead(202), says("prefer"), ("documented_status",)),
    (
        "language_in_the_page",
        with_page(lambda page: put(page, "language", "de")),
        says("accept-language"),
        ("response_schema_conformance",),
    ),
    (
        "html_not_found_for_browsers",
        instead(404, HTML, "text/html"),
        lambda request, status: status == 404 and "html" in request.headers.get("accept", ""),
        ("json_content_type",),
    ),
    (
        "browsers_to_the_sign_in",
        lambda answer: RedirectResponse("/sign-in", 302),
        lambda request, status: status == 401 and "html" in request.headers.get("accept", ""),
        ("documented_status",),
    ),
    (
        "html_of_invalid_parameters",
        instead(422, HTML, "text/html"),
        lambda request, status: status == 422 and "html" in request.headers.get("accept", ""),
        ("json_content_type",),
    ),
):
    mutant("protocol", name, AnswerFault(change, when), *killed_by)
