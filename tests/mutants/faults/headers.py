"""Ordinary request headers that change the response."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from .base import ResponseFault, add_mutant, body_edit, edit_body, respond_with, set_field, with_header


def page_for_header(name: str, *texts: str) -> Callable[[Request, int], bool]:
    """True for pages, if the request header contains one of these texts; without texts, if it is present."""

    def when(request: Request, status: int) -> bool:
        value = request.headers.get(name, "").lower()
        return status == 200 and name in request.headers and (not texts or any(text in value for text in texts))

    return when


def runs_edit(change: Callable[[Any], object]) -> Callable[[Response], Response]:
    """Change each run of a page."""
    return page_edit(lambda page: [change(run) for run in page["items"]])


def page_edit(change: Callable[[Any], object]) -> Callable[[Response], Response]:
    def changed(body: bytes) -> bytes:
        page = json.loads(body)
        change(page)
        return json.dumps(page).encode()

    return body_edit(changed)


def compressed(response: Response) -> Response:
    return with_header(edit_body(response, lambda body: zlib.compress(body)[:-9]), "Content-Encoding", "deflate")


HTML = "<!doctype html><title>Runs</title>"
for name, change, when, killed_by in (
    (
        "html_for_browsers",
        respond_with(200, HTML, "text/html"),
        page_for_header("accept", "text/html"),
        ("json_content_type",),
    ),
    (
        "xml_on_request",
        respond_with(200, "<runs/>", "application/xml"),
        page_for_header("accept", "/xml"),
        ("json_content_type",),
    ),
    (
        "not_acceptable_in_a_list",
        respond_with(406),
        page_for_header("accept", "application/json;q=", "application/json; q="),
        ("documented_status",),
    ),
    (
        "names_in_german",
        runs_edit(lambda run: set_field(run, "run_snapshot", "workflow_name", "Digest auf Deutsch")),
        page_for_header("accept-language", "de"),
        ("frozen_fields",),
    ),
    (
        "status_in_german",
        runs_edit(lambda run: set_field(run, "status", "FERTIG")),
        page_for_header("accept-language", "de"),
        ("response_schema_conformance", "items_do_not_go_back"),
    ),
    (
        "errors_left_out_for_phones",
        runs_edit(lambda run: run["error"] and set_field(run, "error", "It failed.")),
        page_for_header("user-agent", "mobile"),
        ("ended_runs_stay",),
    ),
    (
        "browsers_to_the_page",
        lambda response: RedirectResponse("/app", 302),
        page_for_header("user-agent", "mozilla"),
        ("documented_status",),
    ),
    ("no_curl", respond_with(403), page_for_header("user-agent", "curl"), ("valid_request_accepted",)),
    ("method_overridden", respond_with(405), page_for_header("x-http-method-override"), ("documented_status",)),
    ("not_modified_for_any_tag", respond_with(304, ""), page_for_header("if-none-match"), ("documented_status",)),
    ("not_modified_since_ever", respond_with(304, ""), page_for_header("if-modified-since"), ("documented_status",)),
    ("other_origin_forbidden", respond_with(403), page_for_header("origin"), ("valid_request_accepted",)),
    (
        "content_type_of_a_get",
        respond_with(415),
        page_for_header("content-type", "text", "xml", "form"),
        ("documented_status",),
    ),
    ("other_referer_forbidden", respond_with(403), page_for_header("referer"), ("valid_request_accepted",)),
    (
        "minimal_on_preference",
        page_edit(lambda page: set_field(page, "items", [])),
        page_for_header("prefer"),
        ("number_of_items",),
    ),
    ("further_cookie_refused", respond_with(401), page_for_header("cookie", "theme="), ("credentials_accepted",)),
    ("range_cannot_be_had", respond_with(416), page_for_header("range"), ("documented_status",)),
    (
        "cookies_show_less",
        page_edit(lambda page: set_field(page, "total", max(page["total"] - 1, 0))),
        page_for_header("cookie", "theme="),
        ("same_total",),
    ),
    (
        "fresh_pages_count_anew",
        page_edit(lambda page: set_field(page, "total", page["total"] + 1)),
        page_for_header("cache-control", "no-cache"),
        ("same_total",),
    ),
    (
        "identity_is_cut",
        body_edit(lambda body: body[: len(body) // 2]),
        page_for_header("accept-encoding", "identity"),
        ("response_schema_conformance",),
    ),
    (
        "broken_deflate",
        compressed,
        page_for_header("accept-encoding", "deflate"),
        ("reached", "response_schema_conformance"),
    ),
    (
        "latin_1_on_request",
        lambda response: with_header(response, "Content-Type", "application/json; charset=iso-8859-1"),
        page_for_header("accept-charset"),
        ("json_content_type", "ended_runs_stay", "frozen_fields"),
    ),
    ("forwarded_host_refused", respond_with(400), page_for_header("x-forwarded-host"), ("documented_status",)),
    (
        "script_gets_a_callback",
        body_edit(lambda body: b"callback(" + body + b")"),
        page_for_header("x-requested-with"),
        ("response_schema_conformance",),
    ),
    (
        "further_field_for_tracing",
        page_edit(lambda page: set_field(page, "trace", "1")),
        page_for_header("traceparent"),
        ("response_schema_conformance",),
    ),
):
    add_mutant("protocol", name, ResponseFault(change, when), *killed_by)
for name, change, when, killed_by in (
    (
        "only_python_is_refused",
        respond_with(403),
        page_for_header("user-agent", "python"),
        ("valid_request_accepted",),
    ),
    (
        "json_only_not_acceptable",
        respond_with(406),
        lambda request, status: status == 200 and request.headers.get("accept") == "application/json",
        ("documented_status",),
    ),
    (
        "less_to_save_data",
        page_edit(lambda page: set_field(page, "items", page["items"][:3])),
        page_for_header("save-data"),
        ("number_of_items",),
    ),
    ("empty_json_body", respond_with(400), page_for_header("content-type", "json"), ("documented_status",)),
    ("precondition_fails", respond_with(412), page_for_header("if-match"), ("documented_status",)),
    ("prefetch_gets_nothing", respond_with(204), page_for_header("purpose"), ("documented_status",)),
    ("forwarded_refused", respond_with(400), page_for_header("forwarded"), ("documented_status",)),
    (
        "untracked_count_anew",
        page_edit(lambda page: set_field(page, "total", page["total"] + 1)),
        page_for_header("dnt"),
        ("same_total",),
    ),
    ("any_preference_is_accepted", respond_with(202), page_for_header("prefer"), ("documented_status",)),
    (
        "language_in_the_page",
        page_edit(lambda page: set_field(page, "language", "de")),
        page_for_header("accept-language"),
        ("response_schema_conformance",),
    ),
    (
        "html_not_found_for_browsers",
        respond_with(404, HTML, "text/html"),
        lambda request, status: status == 404 and "html" in request.headers.get("accept", ""),
        ("json_content_type",),
    ),
    (
        "browsers_to_the_sign_in",
        lambda response: RedirectResponse("/sign-in", 302),
        lambda request, status: status == 401 and "html" in request.headers.get("accept", ""),
        ("documented_status",),
    ),
    (
        "html_of_invalid_parameters",
        respond_with(422, HTML, "text/html"),
        lambda request, status: status == 422 and "html" in request.headers.get("accept", ""),
        ("json_content_type",),
    ),
):
    add_mutant("protocol", name, ResponseFault(change, when), *killed_by)
